from django.urls import path

from answerable.fund import views

urlpatterns = [
    path("", views.fund, name="fund"),
    path("pledge/", views.pledge, name="pledge-contribution"),
    path("contributions/<str:ref>/receive/", views.receive, name="receive-contribution"),
    path("payments/plan/", views.plan, name="plan-payment"),
    path("payments/<str:ref>/", views.payment, name="payment"),
    path("payments/<str:ref>/move/", views.move_payment, name="move-payment"),
]
