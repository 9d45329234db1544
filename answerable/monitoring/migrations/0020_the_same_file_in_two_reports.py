"""The same file in two reports of a situation is one source (R-VER-1); what early warning looks for by its last possible day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0019_a_table_of_counts_is_taken_out")]

    operations = [
        migrations.AddField(
            "evidencefile", "alike", models.CharField(blank=True, db_default="", default="", max_length=64)
        ),
        migrations.AddIndex(
            "evidencefile",
            models.Index(fields=["alike"], name="file_alike", condition=~models.Q(("alike", ""))),
        ),
        migrations.AddIndex(
            "incident",
            models.Index(fields=["latest"], name="incident_until", condition=models.Q(("latest__isnull", False))),
        ),
    ]
