from django.urls import path

from answerable.monitoring.estimates import views

urlpatterns = [
    path("estimates/<str:ref>/", views.estimate, name="estimate"),
    path("estimates/<str:ref>/move/", views.move_estimate, name="move-estimate"),
    path("<str:ref>/estimates/", views.estimates, name="estimates"),
    path("<str:ref>/estimates/make/", views.make_estimate, name="make-estimate"),
]
