"""The portal door."""

import os

os.environ["ANSWERABLE_DOOR"] = "portal"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_portal"
WSGI_APPLICATION = "answerable.config.wsgi_portal.application"
