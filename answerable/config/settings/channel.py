"""The channel door."""

import os

os.environ["ANSWERABLE_DOOR"] = "channel"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_channel"
WSGI_APPLICATION = "answerable.config.wsgi_channel.application"
