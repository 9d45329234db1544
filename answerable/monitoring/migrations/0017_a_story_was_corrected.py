# A verified report whose story alone was corrected stays counted, and a verifier looks whether its level holds.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("monitoring", "0016_a_link_waits_for_a_verifier")]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="story_corrected",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("story_corrected", True)), fields=["-submitted_at"], name="incident_story_corrected"
            ),
        ),
    ]
