from django.apps import AppConfig


class AuthorityConfig(AppConfig):
    name = "answerable.authority"
    label = "authority"
    verbose_name = "Authority"
