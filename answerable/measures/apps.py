from django.apps import AppConfig


class MeasuresConfig(AppConfig):
    name = "answerable.measures"
    label = "measures"
    verbose_name = "Measures"

    def ready(self) -> None:
        from answerable.measures import entities  # noqa: F401
