"""What a linked report adds raises a concluded level only once a verifier looked at both (R-VER-5, SOD-01)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0015_intake_carries_all_of_a_report")]

    operations = [
        migrations.AddField("linkpair", "concluded", models.BooleanField(default=False, db_default=False)),
    ]
