from django.urls import include, path

from answerable.monitoring import views

urlpatterns = [
    path("", include("answerable.monitoring.patterns.urls")),
    path("", views.situations, name="situations"),
    path("", include("answerable.monitoring.evidence.urls")),
    path("open/", views.open_situation, name="open-situation"),
    path("intake/", include("answerable.monitoring.intake.urls")),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<str:ref>/", views.incident, name="incident"),
    path("incidents/<str:ref>/move/", views.move_incident, name="move-incident"),
    path("incidents/<str:ref>/verify/", views.verify_incident, name="verify-incident"),
    path("incidents/<str:ref>/items/", views.add_item, name="add-item"),
    path("incidents/<str:ref>/actors/", views.name_actors, name="name-actors"),
    path("incidents/<str:ref>/read/", views.read_incident, name="read-incident"),
    path("items/<str:ref>/read/", views.read_item, name="read-item"),
    path("items/<str:ref>/grade/", views.regrade_item, name="regrade-item"),
    path("patterns/<str:ref>/", views.pattern, name="pattern"),
    path("", include("answerable.monitoring.linking.urls")),
    path("imports/", views.imports, name="imports"),
    path("imports/<str:ref>/undo/", views.undo_import, name="undo-import"),
    path("", include("answerable.monitoring.estimates.urls")),
    path("", include("answerable.monitoring.warning.urls")),
    path("", include("answerable.monitoring.looking.urls")),
    path("<str:ref>/parties/", views.enter_party, name="enter-party"),
    path("<str:ref>/pattern/", views.assess_pattern, name="assess-pattern"),
]
