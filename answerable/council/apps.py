from django.apps import AppConfig


class CouncilConfig(AppConfig):
    name = "answerable.council"
    label = "council"
    verbose_name = "Council"

    def ready(self) -> None:
        from answerable.council import entities  # noqa: F401
