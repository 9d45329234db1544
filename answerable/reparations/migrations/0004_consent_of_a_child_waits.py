from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reparations', '0003_intake_at_the_door'),
    ]

    operations = [
        migrations.AddField(
            model_name='claim',
            name='awaiting',
            field=models.JSONField(default=list),
        ),
    ]
