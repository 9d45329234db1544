"""One person's new grade raises a concluded level only once another verifier looks again (SOD-01)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0021_dates_as_far_as_known")]

    operations = [
        migrations.AddField(
            "sourceitem", "graded_then", models.CharField(blank=True, db_default="", default="", max_length=2)
        ),
        migrations.AddField("sourceitem", "graded_by", models.JSONField(db_default=[], default=list)),
        migrations.AddIndex(
            "sourceitem",
            models.Index(fields=["incident"], name="item_graded_since", condition=~models.Q(("graded_then", ""))),
        ),
    ]
