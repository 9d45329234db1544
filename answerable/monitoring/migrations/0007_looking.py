"""Looking: what people keep of it, what is released, jobs, and the tallies that a trigger keeps beside the incidents."""

import answerable.monitoring.looking.models
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# The axes on which a report is counted. Only reports that count are counted, but every one has a status.
AXES = """
CREATE OR REPLACE FUNCTION monitoring_axes(status text, level text, area1 text, party bigint, forms jsonb, day date,
                                           organisation bigint)
RETURNS TABLE (axis text, value text) LANGUAGE sql STABLE AS $$
  SELECT 'status', status
  UNION ALL
  SELECT x.axis, x.value
  FROM (VALUES ('all', ''), ('area', area1), ('party', party::text), ('level', level),
               ('month', to_char(day, 'YYYY-MM')), ('org', organisation::text)) AS x (axis, value)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
  UNION ALL
  SELECT 'form', form FROM jsonb_array_elements_text(forms) AS f (form)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
$$
"""

# One statement is one set of differences, however many rows it touched. Only ever an insert: no two writers wait for
# each other, and a scope that does not see the other rows of a cell can still add to it.
KEEP = """
CREATE OR REPLACE FUNCTION monitoring_keep_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
    SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value, count(*),
           count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),
           coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM after_rows i CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, i."on", i.organisation_id) a
    GROUP BY 1, 2, 3, 4, 5;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
    SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value, sum(i.sign),
           coalesce(sum(i.sign) FILTER (WHERE i.status = 'VERIFIED'), 0), sum(i.sign * i.victims),
           coalesce(sum(i.sign * i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM (SELECT 1 AS sign, n.situation_id, n.compartment, n.organisation_id, n.status, n.level, n.area1, n.party_id, n.forms,
                 n."on", n.victims FROM after_rows n
          UNION ALL
          SELECT -1, o.situation_id, o.compartment, o.organisation_id, o.status, o.level, o.area1, o.party_id, o.forms,
                 o."on", o.victims FROM before_rows o) i
    CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, i."on", i.organisation_id) a
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(i.sign) <> 0 OR sum(i.sign * i.victims) <> 0
        OR coalesce(sum(i.sign) FILTER (WHERE i.status = 'VERIFIED'), 0) <> 0
        OR coalesce(sum(i.sign * i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0) <> 0;
  ELSE
    INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
    SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value, -count(*),
           -count(*) FILTER (WHERE i.status = 'VERIFIED'), -sum(i.victims),
           -coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM before_rows i CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, i."on", i.organisation_id) a
    GROUP BY 1, 2, 3, 4, 5;
  END IF;
  RETURN NULL;
END $$
"""

TRIGGERS = """
CREATE TRIGGER tally_after_insert AFTER INSERT ON monitoring_incident REFERENCING NEW TABLE AS after_rows
  FOR EACH STATEMENT EXECUTE FUNCTION monitoring_keep_tally();
CREATE TRIGGER tally_after_update AFTER UPDATE ON monitoring_incident
  REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
  FOR EACH STATEMENT EXECUTE FUNCTION monitoring_keep_tally();
CREATE TRIGGER tally_after_delete AFTER DELETE ON monitoring_incident REFERENCING OLD TABLE AS before_rows
  FOR EACH STATEMENT EXECUTE FUNCTION monitoring_keep_tally();
"""

# Puts the differences of a cell together into one row; cells that came to nothing go. One folder at a time, and what
# is added meanwhile stays as it is: the sums are the same before, during and after.
FOLD = """
CREATE OR REPLACE FUNCTION monitoring_fold_tally() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE folded bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('monitoring_tally')) THEN RETURN 0; END IF;
  WITH gone AS (
    DELETE FROM monitoring_tally t USING (
      SELECT situation_id, compartment, organisation_id, axis, value FROM monitoring_tally
      GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1 LIMIT 20000) m
    WHERE (t.situation_id, t.compartment, t.organisation_id, t.axis, t.value)
        = (m.situation_id, m.compartment, m.organisation_id, m.axis, m.value)
    RETURNING t.*),
  kept AS (
    INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
    SELECT situation_id, compartment, organisation_id, axis, value, sum(n), sum(verified), sum(victims), sum(verified_victims)
    FROM gone GROUP BY 1, 2, 3, 4, 5
    HAVING sum(n) <> 0 OR sum(verified) <> 0 OR sum(victims) <> 0 OR sum(verified_victims) <> 0
    RETURNING 1)
  SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM kept) INTO folded;
  RETURN folded;
END $$
"""

BEGIN = """
SELECT set_config('app.compartments', '*', true);
INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value, count(*),
       count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),
       coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
FROM monitoring_incident i
CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, i."on", i.organisation_id) a
GROUP BY 1, 2, 3, 4, 5;
"""
UNDO = """
DROP TRIGGER IF EXISTS tally_after_insert ON monitoring_incident;
DROP TRIGGER IF EXISTS tally_after_update ON monitoring_incident;
DROP TRIGGER IF EXISTS tally_after_delete ON monitoring_incident;
DROP FUNCTION IF EXISTS monitoring_keep_tally(); DROP FUNCTION IF EXISTS monitoring_fold_tally();
DROP FUNCTION IF EXISTS monitoring_axes(text, text, text, bigint, jsonb, date, bigint);
"""

class Migration(migrations.Migration):

    dependencies = [
        ('alliance', '0001_initial'),
        ('monitoring', "0006_intake"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Bulletin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(default=answerable.monitoring.looking.models.bulletin_ref, max_length=40, unique=True)),
                ('language', models.CharField(max_length=2)),
                ('on', models.DateField()),
                ('pdf', models.BinaryField()),
                ('sha256', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-made_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(default=answerable.monitoring.looking.models.job_ref, max_length=40, unique=True)),
                ('kind', models.CharField(max_length=20)),
                ('asked_at', models.DateTimeField()),
                ('status', models.CharField(default='WAITING', max_length=10)),
                ('steps', models.JSONField(default=list)),
                ('done', models.PositiveSmallIntegerField(default=0)),
                ('why', models.CharField(blank=True, default='', max_length=400)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-asked_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='ReleasedTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(default=answerable.monitoring.looking.models.table_ref, max_length=40, unique=True)),
                ('year', models.PositiveSmallIntegerField()),
                ('axis', models.CharField(max_length=8)),
                ('table', models.JSONField()),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-year', 'axis'],
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(default=answerable.monitoring.looking.models.view_ref, max_length=40, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(blank=True, default='', max_length=500)),
                ('shared', models.BooleanField(default=False)),
                ('is_default', models.BooleanField(default=False)),
                ('made_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('compartment', models.CharField(max_length=80)),
                ('axis', models.CharField(max_length=8)),
                ('value', models.CharField(max_length=60)),
                ('n', models.IntegerField()),
                ('verified', models.IntegerField()),
                ('victims', models.BigIntegerField()),
                ('verified_victims', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Visit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('size', models.BigIntegerField()),
            ],
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['situation', 'party', '-submitted_at'], name='incident_by_actor'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['situation', 'area1', '-submitted_at'], name='incident_by_area'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['situation', '-on'], name='incident_by_day'),
        ),
        migrations.AddField(
            model_name='bulletin',
            name='situation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bulletins', to='monitoring.situation'),
        ),
        migrations.AddField(
            model_name='job',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='job',
            name='situation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='monitoring.situation'),
        ),
        migrations.AddField(
            model_name='bulletin',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bulletins', to='monitoring.job'),
        ),
        migrations.AddField(
            model_name='releasedtable',
            name='made_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='releasedtable',
            name='situation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='released_tables', to='monitoring.situation'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='body',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='alliance.body'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='situation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='monitoring.situation'),
        ),
        migrations.AddField(
            model_name='tally',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='alliance.body'),
        ),
        migrations.AddField(
            model_name='tally',
            name='situation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='monitoring.situation'),
        ),
        migrations.AddField(
            model_name='visit',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='visit',
            name='situation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='monitoring.situation'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('status', 'WAITING')), fields=['asked_at'], name='jobs_that_wait'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['situation', '-asked_at'], name='jobs_of_a_situation'),
        ),
        migrations.AddConstraint(
            model_name='bulletin',
            constraint=models.UniqueConstraint(fields=('job', 'language'), name='one_bulletin_per_job_and_language'),
        ),
        migrations.AddConstraint(
            model_name='releasedtable',
            constraint=models.UniqueConstraint(fields=('situation', 'year', 'axis'), name='a_year_of_tables_is_released_once'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('person', 'situation', 'name'), name='one_view_of_a_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True), ('removed_at', None)), fields=('person', 'situation'), name='one_default_view'),
        ),
        migrations.AddIndex(
            model_name='tally',
            index=models.Index(fields=['situation', 'axis', 'value'], include=('compartment', 'organisation', 'n', 'verified', 'victims', 'verified_victims'), name='tally_by_axis'),
        ),
        migrations.AddConstraint(
            model_name='visit',
            constraint=models.UniqueConstraint(fields=('person', 'situation'), name='one_visit_per_person_and_place'),
        ),
        migrations.RunSQL([AXES, KEEP, TRIGGERS, FOLD, BEGIN], UNDO),
    ]
