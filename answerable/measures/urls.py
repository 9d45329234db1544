from django.urls import path

from answerable.measures import views

urlpatterns = [
    path("", views.measures, name="measures"),
    path("<str:ref>/", views.measure, name="measure"),
    path("<str:ref>/force/", views.enter_into_force, name="enter-into-force"),
    path("<str:ref>/effect/", views.give_effect, name="give-effect"),
    path("<str:ref>/report/", views.report_implementation, name="report-implementation"),
]
