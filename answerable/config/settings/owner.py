"""Settings of the shell commands that change the schema: the owner's database role, the office's URLs."""

import os

os.environ["ANSWERABLE_DOOR"] = "owner"
from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_office"
