"""A cap that was taken away and not weighed stays until a verifier looks again; who linked or parted reports since is not that one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0025_windows_hold_what_is_certain")]

    operations = [
        migrations.AddField("incident", "changed_by", models.JSONField(db_default=[], default=list)),
        migrations.AddField("incident", "cap_stays", models.JSONField(db_default={}, default=dict)),
        migrations.AddIndex(
            "incident",
            models.Index(
                fields=["-submitted_at"], name="incident_cap_stays", condition=~models.Q(("cap_stays", {}))
            ),
        ),
    ]
