from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "answerable.monitoring"
    label = "monitoring"
    verbose_name = "Monitoring"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.monitoring import doors, entities  # noqa: F401
        from answerable.monitoring.estimates import entities as _estimated  # noqa: F401
        from answerable.monitoring.estimates import panels as _estimates  # noqa: F401
        from answerable.monitoring.evidence import entities as _evidence  # noqa: F401 - how evidence looks to policies
        from answerable.monitoring.intake import entities as _drafts  # noqa: F401
        from answerable.monitoring.intake.actions import emptying  # noqa: F401 - what shredding asks of drafts
        from answerable.monitoring.linking import entities as _links  # noqa: F401
        from answerable.monitoring.patterns import panels as _panels  # noqa: F401
        from answerable.monitoring.warning import entities as warning  # noqa: F401

        if settings.VAULT_TRANSPORT == "here":
            from answerable.monitoring.evidence import operations as _evidences  # noqa: F401 - the vault answers here
            from answerable.monitoring.intake import operations  # noqa: F401 - what the vault answers for intake
