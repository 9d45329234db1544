"""A report is counted in a month only where every possible day of it lies there; else its month is not known (decision 0047)."""

from django.db import migrations, models
from django.db.models import Q

DAYS = """
CREATE OR REPLACE FUNCTION monitoring_first_day(day date, known text, earliest date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN earliest IS NOT NULL THEN earliest
              WHEN known = 'day' THEN day
              WHEN known IN ('week', 'month', 'quarter', 'year') THEN date_trunc(known, day::timestamp)::date
              ELSE '0001-01-01'::date END
$$;
CREATE OR REPLACE FUNCTION monitoring_last_day(day date, known text, latest date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN latest IS NOT NULL THEN latest
              WHEN known = 'day' THEN day
              WHEN known = 'week' THEN (date_trunc('week', day::timestamp) + interval '6 days')::date
              WHEN known IN ('month', 'quarter', 'year')
              THEN (date_trunc(known, day::timestamp) + CASE known WHEN 'month' THEN interval '1 month'
                                                        WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END
                    - interval '1 day')::date
              ELSE '9999-12-31'::date END
$$;
CREATE OR REPLACE FUNCTION monitoring_month(day date, known text, earliest date, latest date) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN date_trunc('month', monitoring_first_day(day, known, earliest)::timestamp)
                   = date_trunc('month', monitoring_last_day(day, known, latest)::timestamp)
              THEN to_char(monitoring_first_day(day, known, earliest), 'YYYY-MM') ELSE '' END
$$
"""
# The axes as before, with the month given: a report without one still counts on the others.
AXES = """
CREATE OR REPLACE FUNCTION monitoring_axes(status text, level text, area1 text, party bigint, forms jsonb, month text,
                                           organisation bigint)
RETURNS TABLE (axis text, value text) LANGUAGE sql STABLE AS $$
  SELECT 'status', status
  UNION ALL
  SELECT x.axis, x.value
  FROM (VALUES ('all', ''), ('area', area1), ('party', party::text),
               ('level', CASE WHEN status IN ('VERIFIED', 'CREDIBLE', 'ALLEGED') THEN level ELSE '' END),
               ('month', month), ('org', organisation::text)) AS x (axis, value)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
  UNION ALL
  SELECT 'form', form FROM jsonb_array_elements_text(forms) AS f (form)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
$$
"""
INTO = """INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
    SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value,"""
OF = "CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, {month}, i.organisation_id) a"
MONTH = 'monitoring_month(i."on", i.precision, i.earliest, i.latest)'
COLUMNS = "situation_id, compartment, organisation_id, status, level, area1, party_id, forms, \"on\", precision, earliest, latest, victims"
KEEP = f"""
CREATE OR REPLACE FUNCTION monitoring_keep_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    {INTO} count(*),
           count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),
           coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM after_rows i {OF}
    GROUP BY 1, 2, 3, 4, 5;
  ELSIF TG_OP = 'UPDATE' THEN
    {INTO} sum(i.sign),
           coalesce(sum(i.sign) FILTER (WHERE i.status = 'VERIFIED'), 0), sum(i.sign * i.victims),
           coalesce(sum(i.sign * i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM (SELECT 1 AS sign, {COLUMNS} FROM after_rows
          UNION ALL
          SELECT -1, {COLUMNS} FROM before_rows) i
    {OF}
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(i.sign) <> 0 OR sum(i.sign * i.victims) <> 0
        OR coalesce(sum(i.sign) FILTER (WHERE i.status = 'VERIFIED'), 0) <> 0
        OR coalesce(sum(i.sign * i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0) <> 0;
  ELSE
    {INTO} -count(*),
           -count(*) FILTER (WHERE i.status = 'VERIFIED'), -sum(i.victims),
           -coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
    FROM before_rows i {OF}
    GROUP BY 1, 2, 3, 4, 5;
  END IF;
  RETURN NULL;
END $$
"""
# The tallies of that one axis, counted anew.
COUNT = f"""
SELECT set_config('app.compartments', '*', true);
DELETE FROM monitoring_tally WHERE axis = 'month';
{INTO} count(*),
       count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),
       coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
FROM monitoring_incident i {OF}
WHERE a.axis = 'month'
GROUP BY 1, 2, 3, 4, 5;
"""
DROP = "DROP FUNCTION monitoring_axes(text, text, text, bigint, jsonb, {given}, bigint)"
OLD = """to_char(i."on", 'YYYY-MM')"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0020_the_same_file_in_two_reports")]
    operations = [
        migrations.RunSQL(
            [DAYS, AXES, KEEP.replace("{month}", MONTH), DROP.format(given="date"), COUNT.replace("{month}", MONTH)],
            # Backwards the month of a report is that of the day it is counted on; the functions stay as they take a month.
            [KEEP.replace("{month}", OLD), COUNT.replace("{month}", OLD)],
        ),
        migrations.AddIndex(
            "incident",
            models.Index(
                fields=["situation", "-on"],
                name="incident_not_to_the_day",
                condition=~Q(("precision", "day")) | Q(("earliest__isnull", False)),
            ),
        ),
    ]
