"""A table of service counts can be taken out, with a reason, and then be brought in again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0018_an_item_waits_for_a_verifier"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("servicecounts", "taken_out_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "servicecounts",
            "taken_out_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            "servicecounts", "taken_out_why", models.CharField(blank=True, default="", max_length=8)
        ),
        migrations.AlterModelOptions("servicecounts", options={"ordering": ["-brought_at", "-id"]}),
        migrations.RemoveConstraint("servicecounts", "a_table_of_counts_is_brought_once"),
        migrations.AddConstraint(
            "servicecounts",
            models.UniqueConstraint(
                fields=["organisation", "mark"],
                condition=Q(taken_out_at=None),
                name="a_table_of_counts_is_brought_once",
            ),
        ),
        migrations.AddConstraint(
            "servicecounts",
            models.CheckConstraint(
                condition=Q(taken_out_at=None, taken_out_by=None, taken_out_why="")
                | Q(taken_out_at__isnull=False, taken_out_by__isnull=False) & ~Q(taken_out_why=""),
                name="a_table_of_counts_is_taken_out_by_someone_for_a_reason",
            ),
        ),
    ]
