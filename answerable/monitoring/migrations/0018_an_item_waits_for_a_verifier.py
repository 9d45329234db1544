"""An item added to a concluded report raises its level only once a verifier who did not add it looks again (SOD-01)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0017_a_story_was_corrected"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "sourceitem",
            "added_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField("sourceitem", "waits", models.BooleanField(default=False, db_default=False)),
        migrations.AddIndex(
            "sourceitem",
            models.Index(fields=["incident"], name="item_waits", condition=models.Q(("waits", True))),
        ),
    ]
