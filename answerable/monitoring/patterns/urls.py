from django.urls import path

from answerable.monitoring.patterns import views

urlpatterns = [
    path("windows/<str:ref>/<str:day>/", views.window, name="pattern-window"),
    path("indicators/<str:ref>/", views.indicator, name="indicator"),
    path("indicators/<str:ref>/end/", views.end_indicator, name="end-indicator"),
    path("indicators/<str:ref>/read/", views.read_indicator, name="read-indicator"),
    path("patterns/<str:ref>/prevalence/", views.set_prevalence, name="set-prevalence"),
    path("<str:ref>/indicators/", views.record_indicator, name="record-indicator"),
]
