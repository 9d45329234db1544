from django.apps import AppConfig


class FundConfig(AppConfig):
    name = "answerable.fund"
    label = "fund"
    verbose_name = "Fund"
