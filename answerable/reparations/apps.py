from django.apps import AppConfig


class ReparationsConfig(AppConfig):
    name = "answerable.reparations"
    label = "reparations"
    verbose_name = "Reparations"
