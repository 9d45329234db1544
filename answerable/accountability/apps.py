from django.apps import AppConfig


class AccountabilityConfig(AppConfig):
    name = "answerable.accountability"
    label = "accountability"
    verbose_name = "Accountability"

    def ready(self) -> None:
        from answerable.accountability import entities, panels  # noqa: F401
