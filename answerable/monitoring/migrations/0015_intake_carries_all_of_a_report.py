# What a report holds besides its columns is carried at filing, with its files; drafts end; custodians say whether she told before.

import answerable.vault.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alliance', '0001_initial'),
        ('monitoring', '0014_a_level_counts_once_concluded'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveField(
            model_name='draftitem',
            name='file_note',
        ),
        migrations.AddField(
            model_name='draftitem',
            name='file_digest',
            field=answerable.vault.models.SealedField(blank=True, default=bytes),
        ),
        migrations.AddField(
            model_name='draftitem',
            name='file_mark',
            field=models.BinaryField(default=b''),
        ),
        migrations.AddField(
            model_name='draftitem',
            name='file_name',
            field=answerable.vault.models.SealedField(blank=True, default=bytes),
        ),
        migrations.AddField(
            model_name='draftitem',
            name='file_ref',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='draftitem',
            name='file_salt',
            field=answerable.vault.models.SealedField(blank=True, default=bytes),
        ),
        migrations.AddField(
            model_name='incident',
            name='further',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='interview',
            name='held_by',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='interview',
            name='her_request',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='interview',
            name='question',
            field=answerable.vault.models.SealedField(blank=True, default=bytes),
        ),
        migrations.AddField(
            model_name='interview',
            name='question_keys',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='interview',
            name='share',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='interview',
            name='words',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='sourceitem',
            name='further',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AlterField(
            model_name='custodyline',
            name='entry',
            field=models.BigIntegerField(db_index=True),
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(condition=models.Q(('status__in', ['DRAFT', 'CORRECTION', 'REPLACED', 'SET_ASIDE'])), fields=['made_at'], name='draft_not_filed'),
        ),
        migrations.AddConstraint(
            model_name='custodyline',
            constraint=models.UniqueConstraint(fields=('entry', 'about'), name='one_line_of_custody_per_act_and_thing'),
        ),
    ]
