"""The portal door."""

import os

os.environ["ANSWERABLE_DOOR"] = "portal"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_portal"
WSGI_APPLICATION = "answerable.config.wsgi_portal.application"
# Nobody signs in here, and this door may not read sessions: a cookie of the office's, which the browser sends to every port
# of a host, is no business of the portal's.
PERSONAL = ("django.contrib.sessions", "django.contrib.auth", "django.contrib.messages")
MIDDLEWARE = [m for m in MIDDLEWARE if not m.startswith(PERSONAL)]  # noqa: F405
