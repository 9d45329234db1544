from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vault', '0006_recovery_steps'),
    ]

    operations = [
        migrations.AddField(
            model_name='identityblock',
            name='fields',
            field=models.JSONField(null=True),
        ),
    ]
