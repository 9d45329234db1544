"""Indicators keep the days they count on.

What each incident adds is emptied; the clock works it out again, with every window, as after an update from a version
without windows (patterns.actions.owed).
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0009_estimates")]
    operations = [
        migrations.AddField("indicator", "days", models.JSONField(default=list)),
        migrations.RunSQL("DELETE FROM monitoring_contribution", migrations.RunSQL.noop),
    ]
