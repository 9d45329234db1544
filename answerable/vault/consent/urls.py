from django.urls import path

from answerable.vault.consent import views

urlpatterns = [
    path("withdrawals/", views.withdrawals, name="withdrawals"),
    path("withdrawals/<str:ref>/", views.withdrawal, name="withdrawal"),
    path("withdrawals/<str:ref>/move/", views.move_withdrawal, name="move-withdrawal"),
    path("transfers/<str:ref>/answer/", views.answer_recall, name="answer-recall"),
    path("consents/<str:ref>/", views.consents, name="consents"),
    path("consents/<str:ref>/withdraw/", views.withdraw_consent, name="withdraw-consent"),
    path("consents/<str:ref>/transfer/", views.record_transfer, name="record-transfer"),
    path("consents/<str:ref>/<str:purpose>/", views.give_consent, name="give-consent"),
]
