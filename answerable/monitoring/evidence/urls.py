from django.urls import path

from answerable.monitoring.evidence import views

urlpatterns = [
    path("incidents/<str:ref>/known/", views.known, name="incident-known"),
    path("incidents/<str:ref>/opinion/", views.give_level_opinion, name="level-opinion"),
    path("items/<str:ref>/evidence/", views.evidence, name="item-evidence"),
    path("items/<str:ref>/evidence/take/", views.take_file, name="take-file"),
    path("items/<str:ref>/excerpt/", views.excerpt, name="excerpt-item"),
    path("items/<str:ref>/assess/", views.assess_item, name="assess-item"),
    path("items/<str:ref>/weigh/", views.weigh_item, name="weigh-item"),
    path("evidence/roots/", views.roots, name="time-authorities"),
    path("evidence/roots/<str:ref>/end/", views.end_root, name="end-time-authority"),
    path("evidence/reasons/<str:ref>/", views.reasons, name="read-reasons"),
    path("evidence/<str:ref>/show/", views.show, name="show-evidence"),
    path("evidence/<str:ref>/redact/", views.redact, name="redact-evidence"),
    path("evidence/<str:ref>/passages/", views.remove_passages, name="remove-passages"),
    path("evidence/<str:ref>/proof/", views.add_proof, name="add-proof"),
    path("evidence/<str:ref>/check/", views.check, name="check-evidence"),
    path("evidence/<str:ref>/statement/", views.statement, name="custody-statement"),
    path("evidence/<str:ref>/bundle/", views.bundle, name="evidence-bundle"),
    path("evidence/<str:ref>/transfer/", views.transfer, name="transfer-evidence"),
    path("<str:ref>/periods/", views.periods, name="period-counts"),
]
