"""Windows hold an incident when every day it may have been lies in them (decision 0042), so they end where the last of these lies.

What each incident added so far went by the first. It is taken out here, and the clock works everything out anew (patterns.actions.owed).
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0024_whose_versions")]
    operations = [
        migrations.RunSQL("DELETE FROM monitoring_contribution", "DELETE FROM monitoring_contribution"),
        migrations.RemoveIndex("contribution", "contribution_by_party_day"),
        migrations.RemoveIndex("contribution", "contribution_awaiting"),
        migrations.RemoveField("contribution", "on"),
        migrations.AddIndex(
            "contribution", models.Index(fields=["party", "latest"], name="contribution_by_party_day")
        ),
        migrations.AddIndex(
            "contribution",
            models.Index(fields=["party", "latest"], condition=models.Q(awaits=True), name="contribution_awaiting"),
        ),
    ]
