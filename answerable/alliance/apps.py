from django.apps import AppConfig


class AllianceConfig(AppConfig):
    name = "answerable.alliance"
    label = "alliance"
    verbose_name = "Alliance"

    def ready(self) -> None:
        from answerable.alliance import entities, labels  # noqa: F401
