"""What speaks against a report and was not weighed is found for whoever weighs it, without going through all items."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0027_contribution_of_a_window")]

    operations = [
        migrations.AddIndex(
            "sourceitem",
            models.Index(
                fields=["incident"], name="item_unweighed", condition=models.Q(("contrary", True), ("weighed", False))
            ),
        ),
    ]
