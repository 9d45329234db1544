from django.apps import AppConfig


class PublicationConfig(AppConfig):
    name = "answerable.publication"
    label = "publication"
    verbose_name = "Publication"

    def ready(self) -> None:
        from answerable.publication import entities  # noqa: F401
