from django.urls import path

from answerable.alliance import views

urlpatterns = [
    path("", views.alliance, name="alliance"),
    path("states/enter/", views.enter_state, name="enter-state"),
    path("states/<str:ref>/", views.state, name="state"),
    path("states/<str:ref>/move/", views.move_membership, name="move-membership"),
    path("bodies/enter/", views.enter_body, name="enter-body"),
    path("populations/enter/", views.enter_population, name="enter-population"),
    path("people/", views.people, name="people"),
    path("people/enter/", views.enter_person, name="enter-person"),
    path("grants/ask/", views.ask_grant, name="ask-grant"),
    path("grants/<str:ref>/", views.grant, name="grant"),
    path("tokens/", views.tokens, name="tokens"),
]
