from django.urls import path

from answerable.monitoring.linking import views

urlpatterns = [
    path("links/", views.links, name="links"),
    path("links/agreements/", views.agreements, name="agreements"),
    path("links/agreements/<str:ref>/end/", views.end_agreement, name="end-agreement"),
    path("links/<str:ref>/", views.link, name="link"),
    path("links/<str:ref>/decide/", views.decide, name="decide-link"),
    path("links/<str:ref>/undo/", views.undo, name="undo-link"),
    path("searches/", views.searches, name="searches"),
    path("searches/<str:ref>/move/", views.move_search, name="move-search"),
    path("actors/", views.actors, name="actors"),
    path("actors/enter/", views.enter_actor, name="enter-actor"),
    path("actors/<str:ref>/", views.actor, name="actor"),
    path("command/<str:ref>/", views.command, name="command"),
    path("command/<str:ref>/under/", views.note_subordination, name="note-subordination"),
    path("command/<str:ref>/commander/", views.note_commander, name="note-commander"),
    path("command/<str:ref>/end/", views.end_command, name="end-command"),
    path("incidents/<str:ref>/ask/", views.ask_to_compare, name="ask-to-compare"),
    path("<str:ref>/search/", views.start_search, name="start-search"),
]
