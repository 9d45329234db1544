from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vault', '0010_when_keys_of_drafts_were_sealed'),
    ]

    operations = [
        migrations.AddField(
            model_name='datakey',
            name='draft',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddIndex(
            model_name='datakey',
            index=models.Index(condition=models.Q(('draft', ''), _negated=True), fields=['draft'], name='data_key_by_draft'),
        ),
    ]
