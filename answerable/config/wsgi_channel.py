"""WSGI entry of the channel door."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.channel"
os.environ["ANSWERABLE_DOOR"] = "channel"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
