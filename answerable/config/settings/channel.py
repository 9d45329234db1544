"""The channel door. It has no database at all: it speaks to the vault's narrow socket for the channel, and keeps nothing."""

import os

os.environ["ANSWERABLE_DOOR"] = "channel"
from answerable.config.settings.base import *  # noqa: F403
from answerable.config.settings.channel_parts import *  # noqa: F403

WSGI_APPLICATION = "answerable.config.wsgi_channel.application"
DATABASES = {}
SECURE_REFERRER_POLICY = "no-referrer"
