from django.urls import path

from answerable.reparations import views

urlpatterns = [
    path("", views.repair, name="repair"),
    path("programmes/propose/", views.propose_programme, name="propose-programme"),
    path("programmes/<str:ref>/", views.programme, name="programme"),
    path("programmes/<str:ref>/move/", views.move_programme, name="move-programme"),
    path("programmes/<str:ref>/lodge/", views.lodge_claim, name="lodge-claim"),
    path("claims/<str:ref>/", views.claim, name="claim"),
    path("claims/<str:ref>/move/", views.move_claim, name="move-claim"),
    path("claims/<str:ref>/assess/", views.assess_claim, name="assess-claim"),
    path("claims/<str:ref>/award/", views.award_claim, name="award-claim"),
    path("claims/<str:ref>/correct/", views.decide_correction, name="decide-correction"),
    path("claims/<str:ref>/look-again/", views.look_at_corrected_award, name="look-at-award"),
    path("claims/<str:ref>/read/", views.read_claim, name="read-claim"),
]
