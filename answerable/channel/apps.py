from django.apps import AppConfig


class ChannelConfig(AppConfig):
    name = "answerable.channel"
    label = "channel"
    verbose_name = "Channel"
