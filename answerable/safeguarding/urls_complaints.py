from django.urls import path

from answerable.safeguarding import views

urlpatterns = [
    path("", views.complaints, name="complaints"),
    path("make/", views.complain, name="complain"),
    path("<str:ref>/", views.complaint, name="complaint"),
    path("<str:ref>/move/", views.move_complaint, name="move-complaint"),
    path("<str:ref>/read/", views.read_complaint, name="read-complaint"),
    path("<str:ref>/answer/", views.answer_complaint, name="answer-complaint"),
    path("<str:ref>/extend/", views.extend_complaint, name="extend-complaint"),
]
