"""WSGI entry of the portal door."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.portal"
os.environ["ANSWERABLE_DOOR"] = "portal"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
