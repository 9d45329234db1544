from django.apps import AppConfig


class FundConfig(AppConfig):
    name = "answerable.fund"
    label = "fund"
    verbose_name = "Fund"

    def ready(self) -> None:
        from answerable.fund import entities  # noqa: F401
