"""An actor's windows are counted from an index alone: its incidents lie far apart in the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0026_what_changed_since_a_verifier_looked")]

    operations = [
        migrations.RemoveIndex("contribution", "contribution_by_party_day"),
        migrations.AddIndex(
            "contribution",
            models.Index(
                fields=["party", "latest"],
                include=("compartment", "earliest", "area1", "area2", "victims", "level"),
                name="contribution_of_a_window",
            ),
        ),
    ]
