"""One person's new grade raises a concluded level only once another verifier looks again (SOD-01); what may be a later version of
a submission without saying so; which files have no mark yet by which they are known again in another report."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0022_an_incident_names_several_actors")]

    operations = [
        migrations.AddField(
            "sourceitem", "graded_then", models.CharField(blank=True, db_default="", default="", max_length=2)
        ),
        migrations.AddField("draft", "hints", models.JSONField(db_default=[], default=list)),
        migrations.AddField(
            "draft", "looks_like", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
        migrations.AddIndex(
            "evidencefile",
            models.Index(fields=["item"], name="file_unmarked", condition=models.Q(("alike", ""))),
        ),
        migrations.AddIndex(
            "draft", django.contrib.postgres.indexes.GinIndex(fields=["hints"], name="draft_by_hint")
        ),
        migrations.AddField("sourceitem", "graded_by", models.JSONField(db_default=[], default=list)),
        migrations.AddIndex(
            "sourceitem",
            models.Index(fields=["incident"], name="item_graded_since", condition=~models.Q(("graded_then", ""))),
        ),
    ]
