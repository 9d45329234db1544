"""Every database test works as the office's role, so a missing privilege or a forgotten scope fails here."""

import os

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from answerable.config.testing import *  # noqa: F403
