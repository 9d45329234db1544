"""The portal's addresses."""

from django.urls import path

from answerable.publication import views
from answerable.web import views as web

urlpatterns = [
    path("", views.front, name="front"),
    path("alive/", web.alive, name="alive"),
    path("language/", web.set_language, name="set-language"),
    path("about/", views.about, name="about"),
    path("released/<str:ref>/", views.released, name="released"),
]
