from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('record', '0002_witnesses'),
    ]

    operations = [
        migrations.AddField(
            model_name='head',
            name='last_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(
            "UPDATE record_head SET last_at = (SELECT max(at) FROM record_entry)",
            migrations.RunSQL.noop,
        ),
    ]
