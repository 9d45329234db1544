from django.urls import path

from answerable.monitoring.looking import views

urlpatterns = [
    path("bulletins/<str:ref>/", views.bulletin, name="bulletin"),
    path("jobs/<str:ref>/move/", views.move_job, name="move-job"),
    path("<str:ref>/", views.situation, name="situation"),
    path("<str:ref>/seen/", views.mark_seen, name="mark-seen"),
    path("<str:ref>/views/", views.save_view, name="save-view"),
    path("<str:ref>/views/<str:view>/move/", views.move_view, name="move-view"),
    path("<str:ref>/bulletins/", views.bulletins, name="bulletins"),
    path("<str:ref>/tables/", views.release_tables, name="release-tables"),
]
