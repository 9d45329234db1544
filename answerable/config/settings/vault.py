"""The vault process: both databases under its own role, no address."""

import os

os.environ["ANSWERABLE_DOOR"] = "vault"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_vault"
