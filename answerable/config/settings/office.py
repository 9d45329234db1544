"""The office door."""

import os

os.environ["ANSWERABLE_DOOR"] = "office"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_office"
WSGI_APPLICATION = "answerable.config.wsgi_office.application"
