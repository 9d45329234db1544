"""An incident may name several armed actors (decision 0048): those besides the first, and what it adds to the windows of each.

What each incident adds stays as it is: until now every incident named one actor, so its row is that actor's.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

before = import_module("answerable.monitoring.migrations.0021_dates_as_far_as_known")

LIVE = "('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')"
# Every actor that an incident names, the first one first. One that is the first by now is not named twice.
ACTORS = """
CREATE OR REPLACE FUNCTION monitoring_actors(incident bigint, party bigint) RETURNS bigint[] LANGUAGE sql STABLE AS $$
  SELECT party || ARRAY(SELECT f.party_id FROM monitoring_furtheractor f
                        WHERE f.incident_id = incident AND f.party_id <> party ORDER BY f.id)
$$
"""
# The axes as before; on that of actors a report counts under each one it names.
AXES = f"""
CREATE OR REPLACE FUNCTION monitoring_axes(status text, level text, area1 text, parties bigint[], forms jsonb, month text,
                                           organisation bigint)
RETURNS TABLE (axis text, value text) LANGUAGE sql STABLE AS $$
  SELECT 'status', status
  UNION ALL
  SELECT x.axis, x.value
  FROM (VALUES ('all', ''), ('area', area1),
               ('level', CASE WHEN status IN ('VERIFIED', 'CREDIBLE', 'ALLEGED') THEN level ELSE '' END),
               ('month', month), ('org', organisation::text)) AS x (axis, value)
  WHERE status IN {LIVE}
  UNION ALL
  SELECT 'party', party::text FROM unnest(parties) AS n (party) WHERE status IN {LIVE}
  UNION ALL
  SELECT 'form', form FROM jsonb_array_elements_text(forms) AS f (form) WHERE status IN {LIVE}
$$
"""
KEEP = before.KEEP.replace("{month}", before.MONTH)
KEEP_ALL = KEEP.replace("i.party_id, i.forms", "monitoring_actors(i.id, i.party_id), i.forms").replace(
    "SELECT 1 AS sign, ", "SELECT 1 AS sign, id, "
).replace("SELECT -1, ", "SELECT -1, id, ")  # fmt: skip
DROP = "DROP FUNCTION monitoring_axes(text, text, text, {parties}, jsonb, text, bigint)"
# An actor named or taken away is counted, or no more, with what its incident is at that moment.
NAMED = f"""
CREATE OR REPLACE FUNCTION monitoring_keep_actor_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
  SELECT i.situation_id, i.compartment, i.organisation_id, 'party', f.party_id::text, TG_ARGV[0]::int * count(*),
         TG_ARGV[0]::int * count(*) FILTER (WHERE i.status = 'VERIFIED'), TG_ARGV[0]::int * sum(i.victims),
         TG_ARGV[0]::int * coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
  FROM touched f JOIN monitoring_incident i ON i.id = f.incident_id
  WHERE i.status IN {LIVE} AND f.party_id <> i.party_id
  GROUP BY 1, 2, 3, 4, 5;
  RETURN NULL;
END $$;
CREATE TRIGGER tally_after_naming AFTER INSERT ON monitoring_furtheractor REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION monitoring_keep_actor_tally('1');
CREATE TRIGGER tally_after_taking_away AFTER DELETE ON monitoring_furtheractor REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION monitoring_keep_actor_tally('-1');
"""
# Of the incident's own situation and not its first actor again; named and taken away, never changed under the tallies.
FITS = """
CREATE OR REPLACE FUNCTION monitoring_further_actor_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    RAISE EXCEPTION 'an actor is named and taken away, not changed' USING ERRCODE = 'check_violation';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM monitoring_incident i JOIN monitoring_party p ON p.situation_id = i.situation_id
                 WHERE i.id = NEW.incident_id AND p.id = NEW.party_id AND i.party_id <> NEW.party_id
                   AND i.compartment = NEW.compartment) THEN
    RAISE EXCEPTION 'a further actor is another one of the same situation' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER further_actor_fits BEFORE INSERT OR UPDATE OF incident_id, party_id, compartment ON monitoring_furtheractor
  FOR EACH ROW EXECUTE FUNCTION monitoring_further_actor_fits();
"""
UNDO = """
DROP TRIGGER IF EXISTS further_actor_fits ON monitoring_furtheractor;
DROP TRIGGER IF EXISTS tally_after_naming ON monitoring_furtheractor;
DROP TRIGGER IF EXISTS tally_after_taking_away ON monitoring_furtheractor;
DROP FUNCTION IF EXISTS monitoring_further_actor_fits(); DROP FUNCTION IF EXISTS monitoring_keep_actor_tally();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0021_dates_as_far_as_known"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="FurtherActor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("compartment", models.CharField(max_length=80)),
                ("submitted_at", models.DateTimeField()),
                ("lo", models.IntegerField(db_default=0, default=0)),
                (
                    "named_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="also_named",
                        to="monitoring.incident",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="named_further",
                        to="monitoring.party",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["party", "-submitted_at"], name="further_actor_newest"),
                    models.Index(fields=["party", "lo"], name="further_actor_by_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("incident", "party"), name="an_incident_names_an_actor_once")
                ],
            },
        ),
        migrations.AlterField(
            "contribution",
            "incident",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="contributions",
                to="monitoring.incident",
            ),
        ),
        migrations.AddConstraint(
            "contribution",
            models.UniqueConstraint(fields=("incident", "party"), name="an_incident_counts_once_for_an_actor"),
        ),
        migrations.RunSQL(
            [ACTORS, AXES, KEEP_ALL, DROP.format(parties="bigint"), NAMED, FITS],
            # Backwards a report counts under its first actor alone; the tallies of the others are taken out.
            [UNDO, before.AXES, KEEP, DROP.format(parties="bigint[]"), "DROP FUNCTION monitoring_actors(bigint, bigint)",
             before.COUNT.replace("{month}", before.MONTH).replace("'month'", "'party'"),
             # What each incident adds has one row again; the clock works it out anew (patterns.actions.owed).
             "DELETE FROM monitoring_contribution"],
        ),
    ]  # fmt: skip
