from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vault', '0007_when_a_withdrawal_was_undone'),
    ]

    operations = [
        migrations.AddField(
            model_name='identityblock',
            name='fields',
            field=models.JSONField(null=True),
        ),
    ]
