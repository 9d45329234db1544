from django.urls import path

from answerable.vault.custody import views

urlpatterns = [
    path("", views.requests, name="identity-requests"),
    path("ask/<str:ref>/", views.ask, name="ask-identity"),
    path("seats/", views.seats, name="identity-seats"),
    path("seats/fill/", views.fill, name="fill-seat"),
    path("seats/blocks/", views.blocks, name="seat-blocks"),
    path("seats/handover/", views.handover, name="seat-handover"),
    path("seats/escrow/", views.seat_escrow, name="seat-escrow"),
    path("escrow/key/", views.escrow_key, name="escrow-key"),
    path("escrow/record/", views.escrow_file, name="escrow-file"),
    path("escrow/compartment/", views.escrow_room, name="escrow-room"),
    path("escrow/restore/", views.ask_restore, name="ask-restore"),
    path("escrow/restore/<str:ref>/", views.restore, name="restore"),
    path("escrow/restore/<str:ref>/leader/", views.leader_key, name="restore-leader"),
    path("<str:ref>/", views.request, name="identity-request"),
    path("<str:ref>/move/", views.move, name="move-identity-request"),
    path("<str:ref>/take/", views.take, name="take-request"),
    path("<str:ref>/answer/", views.answer, name="bring-answer"),
    path("<str:ref>/review/", views.review, name="review-break-glass"),
]
