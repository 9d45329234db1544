from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('safeguarding', '0001_care_contact_complaints'),
    ]

    operations = [
        migrations.AddField(
            model_name='grievance',
            name='receipt',
            field=models.CharField(blank=True, default='', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='grievance',
            constraint=models.UniqueConstraint(condition=~Q(receipt=''), fields=('receipt',), name='a_complaints_number_is_its_own'),
        ),
    ]
