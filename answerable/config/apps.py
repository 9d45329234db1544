from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "answerable.config"
    label = "config"
    verbose_name = "Installation"

    def ready(self) -> None:
        from answerable.config import grants

        post_migrate.connect(lambda using, **_: grants.apply(using), sender=self, weak=False)
