from django.apps import AppConfig


class ReparationsConfig(AppConfig):
    name = "answerable.reparations"
    label = "reparations"
    verbose_name = "Reparations"

    def ready(self) -> None:
        from answerable.reparations import entities  # noqa: F401
