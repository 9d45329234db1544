from django.apps import AppConfig


class RecordConfig(AppConfig):
    name = "answerable.record"
    label = "record"
    verbose_name = "Record"
