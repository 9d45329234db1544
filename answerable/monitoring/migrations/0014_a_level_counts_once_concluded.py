"""A report is counted at a level only once a verifier concluded it; before that it is counted as not concluded."""

from django.db import migrations

AXES = """
CREATE OR REPLACE FUNCTION monitoring_axes(status text, level text, area1 text, party bigint, forms jsonb, day date,
                                           organisation bigint)
RETURNS TABLE (axis text, value text) LANGUAGE sql STABLE AS $$
  SELECT 'status', status
  UNION ALL
  SELECT x.axis, x.value
  FROM (VALUES ('all', ''), ('area', area1), ('party', party::text),
               ('level', {level}),
               ('month', to_char(day, 'YYYY-MM')), ('org', organisation::text)) AS x (axis, value)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
  UNION ALL
  SELECT 'form', form FROM jsonb_array_elements_text(forms) AS f (form)
  WHERE status IN ('SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'VERIFIED', 'CREDIBLE', 'ALLEGED', 'REOPENED')
$$
"""
CONCLUDED = "CASE WHEN status IN ('VERIFIED', 'CREDIBLE', 'ALLEGED') THEN level ELSE '' END"
# The tallies of that one axis, counted anew.
COUNT = """
SELECT set_config('app.compartments', '*', true);
DELETE FROM monitoring_tally WHERE axis = 'level';
INSERT INTO monitoring_tally (situation_id, compartment, organisation_id, axis, value, n, verified, victims, verified_victims)
SELECT i.situation_id, i.compartment, i.organisation_id, a.axis, a.value, count(*),
       count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),
       coalesce(sum(i.victims) FILTER (WHERE i.status = 'VERIFIED'), 0)
FROM monitoring_incident i
CROSS JOIN LATERAL monitoring_axes(i.status, i.level, i.area1, i.party_id, i.forms, i."on", i.organisation_id) a
WHERE a.axis = 'level'
GROUP BY 1, 2, 3, 4, 5;
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0013_a_grade_fits_its_kind")]
    operations = [
        migrations.RunSQL([AXES.format(level=CONCLUDED), COUNT], [AXES.format(level="level"), COUNT]),
    ]
