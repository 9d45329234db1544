from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('record', '0003_entries_in_the_order_of_time'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('index__gte', 0)), name='the_record_begins_at_nought'),
        ),
    ]
