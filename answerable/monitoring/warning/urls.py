from django.urls import path

from answerable.monitoring.warning import views

urlpatterns = [
    path("warnings/", views.warnings, name="warnings"),
    path("warnings/alerts/<str:ref>/", views.alert, name="alert"),
    path("warnings/alerts/<str:ref>/confirm/", views.confirm_alert, name="confirm-alert"),
    path("warnings/alerts/<str:ref>/decline/", views.decline_alert, name="decline-alert"),
    path("warnings/alerts/<str:ref>/step-down/", views.step_down_alert, name="step-down-alert"),
    path("warnings/alerts/<str:ref>/dialogue/", views.hold_dialogue, name="hold-dialogue"),
    path("warnings/alerts/<str:ref>/read/", views.read_alert, name="read-alert"),
    path("warnings/entries/<str:ref>/", views.entry, name="warning-entry"),
    path("warnings/entries/<str:ref>/take-back/", views.take_back, name="take-back-warning"),
    path("warnings/entries/<str:ref>/read/", views.read_entry, name="read-warning-entry"),
    path("forecast/", views.forecast, name="forecast"),
    path("forecast/ask/", views.ask_forecast, name="ask-forecast"),
    path("<str:ref>/warning/", views.situation_warning, name="situation-warning"),
    path("<str:ref>/warning/enter/", views.enter_warning, name="enter-warning"),
]
