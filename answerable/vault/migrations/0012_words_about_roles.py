from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vault', '0011_the_draft_of_a_key'),
    ]

    operations = [
        migrations.CreateModel(
            name='RoleWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=40)),
                ('step', models.CharField(max_length=9)),
                ('person', models.CharField(max_length=40)),
                ('role', models.CharField(blank=True, max_length=40)),
                ('by', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('subject', 'step', 'by'), name='one_word_per_role_step_and_person')],
            },
        ),
    ]
