from django.urls import path

from answerable.accountability import views

urlpatterns = [
    path("", views.findings, name="findings"),
    path("draft/<str:ref>/", views.draft, name="draft-finding"),
    path("<str:ref>/", views.finding, name="finding"),
    path("<str:ref>/move/", views.move_finding, name="move-finding"),
]
