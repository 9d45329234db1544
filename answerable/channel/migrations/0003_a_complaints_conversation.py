from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channel', '0002_sealed_in_the_browser'),
    ]

    operations = [
        migrations.AlterField(
            model_name='thread',
            name='kind',
            field=models.CharField(choices=[('tell', 'tell'), ('ask', 'ask'), ('help', 'help'), ('claim', 'claim'), ('report', 'report'), ('complaint', 'complaint'), ('unmatched', 'unmatched')], max_length=12),
        ),
    ]
