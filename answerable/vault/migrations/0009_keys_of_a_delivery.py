from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vault', '0008_identity_fields'),
    ]

    operations = [
        migrations.AddField(
            model_name='datakey',
            name='delivery',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddIndex(
            model_name='datakey',
            index=models.Index(condition=models.Q(('delivery', ''), _negated=True), fields=['delivery'], name='data_key_by_delivery'),
        ),
    ]
