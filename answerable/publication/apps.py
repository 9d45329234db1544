from django.apps import AppConfig


class PublicationConfig(AppConfig):
    name = "answerable.publication"
    label = "publication"
    verbose_name = "Publication"
