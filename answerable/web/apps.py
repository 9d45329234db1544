from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "answerable.web"
    label = "web"
    verbose_name = "Web"
