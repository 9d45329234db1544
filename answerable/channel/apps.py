"""The neutral door."""

from django.apps import AppConfig


class ChannelConfig(AppConfig):
    name = "answerable.channel"
    label = "channel"
    verbose_name = "Channel"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.channel import entities  # noqa: F401 - answers what other apps ask

        if settings.VAULT_TRANSPORT == "here":
            # The vault answers for the door in this process.
            from answerable.channel import kit  # noqa: F401
            from answerable.channel.operations import coming, complaining, inside, office, writing  # noqa: F401
