from django.apps import AppConfig


class AccountabilityConfig(AppConfig):
    name = "answerable.accountability"
    label = "accountability"
    verbose_name = "Accountability"
