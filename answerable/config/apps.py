from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "answerable.config"
    label = "config"
    verbose_name = "Installation"

    def ready(self) -> None:
        from answerable.config import grants

        # The signal is sent for apps with models only; publication is the last of them.
        last = apps.get_app_config("publication")
        post_migrate.connect(lambda using, **_: grants.apply(using), sender=last, weak=False)
