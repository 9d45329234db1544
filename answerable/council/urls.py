from django.urls import path

from answerable.council import views

urlpatterns = [
    path("", views.decide, name="decide"),
    path("proposals/table/", views.table_proposal, name="table-proposal"),
    path("proposals/<str:ref>/", views.proposal, name="proposal"),
    path("proposals/<str:ref>/move/", views.move_proposal, name="move-proposal"),
    path("proposals/<str:ref>/ballot/", views.cast_ballot, name="cast-ballot"),
    path("proposals/<str:ref>/papers/", views.add_paper, name="add-paper"),
]
