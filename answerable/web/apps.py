from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "answerable.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        from answerable.web import answers  # noqa: F401
