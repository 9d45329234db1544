from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "answerable.monitoring"
    label = "monitoring"
    verbose_name = "Monitoring"

    def ready(self) -> None:
        from answerable.monitoring import doors, entities  # noqa: F401
        from answerable.monitoring.linking import entities as _links  # noqa: F401
        from answerable.monitoring.warning import entities as warning  # noqa: F401
