"""WSGI entry of the office door."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.office"
os.environ["ANSWERABLE_DOOR"] = "office"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
