from django.apps import AppConfig


class AllianceConfig(AppConfig):
    name = "answerable.alliance"
    label = "alliance"
    verbose_name = "Alliance"
