from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0006_recovery_steps")]

    operations = [
        migrations.AddField(
            model_name="withdrawal",
            name="undone_at",
            field=models.DateTimeField(null=True),
        ),
    ]
