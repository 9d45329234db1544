from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "answerable.monitoring"
    label = "monitoring"
    verbose_name = "Monitoring"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.monitoring import doors, entities  # noqa: F401
        from answerable.monitoring.evidence import entities as _evidence  # noqa: F401 - how evidence looks to policies

        if settings.VAULT_TRANSPORT == "here":
            from answerable.monitoring.evidence import operations  # noqa: F401 - the vault answers in this process
