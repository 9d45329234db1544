"""What a verifier last concluded of a report, above which its level never rises (decision 0058).

For reports that stand concluded now it is the level they have; V3d is that of a base set, over a level of their items that is V2.
"""

from typing import Any

from django.db import migrations, models

# Those that were linked, closed or referred elsewhere keep the level they had, and come back with it. An account at T1 by two assessors,
# with a verifier's word that it matches a pattern, may be V3d; what speaks strongly against a report, unweighed, caps it until it is.
KEEP = """
WITH RECURSIVE under (top, id) AS (
    SELECT i.id, i.id FROM monitoring_incident i
        WHERE i.verified_by_id IS NOT NULL AND i.status NOT IN ('DRAFT', 'SUBMITTED', 'TRIAGED', 'IN_VERIFICATION', 'REOPENED')
    UNION SELECT u.top, p.duplicate_id FROM under u JOIN monitoring_linkpair p ON p.kept_id = u.id AND p.decision = 'same' AND p.concluded
        JOIN monitoring_incident d ON d.id = p.duplicate_id AND d.status = 'MERGED'
), found AS (
    SELECT u.top,
        bool_or(s.kind = 'testimony' AND s."primary" AND s.testimony = 'T1' AND s.assessors >= 2 AND NOT s.contrary) AS t1,
        coalesce(jsonb_agg(DISTINCT s.ref) FILTER (WHERE s.contrary AND NOT s.weighed AND (
            (s.reliability IN ('A', 'B') AND s.credibility BETWEEN 1 AND 2)
            OR (left(s.graded_then, 1) IN ('A', 'B') AND substr(s.graded_then, 2) IN ('1', '2')))), '[]'::jsonb) AS caps
    FROM under u LEFT JOIN monitoring_sourceitem s ON s.incident_id = u.id GROUP BY u.top
)
UPDATE monitoring_incident i SET ceiling = jsonb_build_object(
    'own', CASE WHEN i.level = 'V3d' THEN 'V2' ELSE i.level END,
    'lifted', i.level = 'V3d' OR (i.matches_pattern AND coalesce(f.t1, false)),
    'uncapped', CASE WHEN f.caps = '[]'::jsonb AND i.cap_stays = '{}'::jsonb THEN
        CASE WHEN i.level = 'V3d' THEN 'V2' ELSE i.level END ELSE '' END,
    'caps', f.caps)
FROM found f WHERE f.top = i.id
"""


def of_before(apps: Any, editor: Any) -> None:
    """Reports that a verifier concluded, in every compartment."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
        cursor.execute(KEEP)
        # The foreign keys this update deferred are checked now, so that later migrations may change the table.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0028_what_a_lead_weighs")]

    operations = [
        migrations.AddField("incident", "ceiling", models.JSONField(db_default={}, default=dict)),
        migrations.AddField(
            "incident", "held_back", models.CharField(blank=True, db_default="", default="", max_length=4)
        ),
        migrations.AddIndex(
            "incident",
            models.Index(
                fields=["-submitted_at"], name="incident_held_back", condition=~models.Q(("held_back", ""))
            ),
        ),
        migrations.RunPython(of_before, migrations.RunPython.noop),
    ]
