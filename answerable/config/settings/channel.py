"""The channel door. It has no database at all: it speaks to the vault's narrow socket for the channel, and keeps nothing."""

import os

os.environ["ANSWERABLE_DOOR"] = "channel"
from answerable.config.settings.base import *  # noqa: F403
from answerable.config.settings.base import MIDDLEWARE as _EVERY

ROOT_URLCONF = "answerable.config.urls_channel"
WSGI_APPLICATION = "answerable.config.wsgi_channel.application"
DATABASES = {}
# No session, no signed-in person, no transaction: what needs them lives behind the vault.
_WITHOUT = (
    "SessionMiddleware",
    "AuthenticationMiddleware",
    "LoginRequiredMiddleware",
    "MessageMiddleware",
    "OneTransaction",
)
MIDDLEWARE = [m for m in _EVERY if not m.endswith(_WITHOUT)]
