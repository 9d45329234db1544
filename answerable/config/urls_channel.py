"""The channel's addresses: one page, and the language."""

from django.urls import include, path

from answerable.channel import views
from answerable.web import views as web

urlpatterns = [
    path("", views.information, name="information"),
    path("", include("answerable.safeguarding.urls_door")),
    path("alive/", web.alive, name="alive"),
    path("language/", web.set_language, name="set-language"),
]
