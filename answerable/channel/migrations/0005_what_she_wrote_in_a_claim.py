from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channel', '0004_one_door_to_a_file'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('message', 'message'), ('correction', 'correction'), ('receipt', 'receipt'), ('answer', 'answer'), ('notice', 'notice'), ('form', 'form')], default='message', max_length=12),
        ),
    ]
