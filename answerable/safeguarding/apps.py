from django.apps import AppConfig


class SafeguardingConfig(AppConfig):
    name = "answerable.safeguarding"
    label = "safeguarding"
    verbose_name = "Safeguarding"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.safeguarding import answers, entities  # noqa: F401 - answers what other apps ask

        if settings.VAULT_TRANSPORT == "here":
            from answerable.safeguarding import operations  # noqa: F401 - the vault answers in this process
