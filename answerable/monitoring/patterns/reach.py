"""How far a change of incidents reaches, each asked in one question: whose windows it can touch, which indicators it bears on.

Every act on an incident asks this several times over, and every part is answered from an index, so it costs the same among
a million incidents as among ten. Both look in the row scope they are called in: the callers' is everybody's (live.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from answerable.monitoring import lifecycle
from answerable.monitoring.linking.models import LinkPair
from answerable.monitoring.patterns.models import Indicator

_NAMED = "named (id) AS (SELECT id FROM monitoring_incident WHERE ref = ANY(%(refs)s))"
# Up to the report kept at the end of each line, as links.keepers_of, and down to those kept by them alone.
_NEAR = """
above (id) AS (
    SELECT id FROM named
    UNION SELECT p.kept_id FROM above a JOIN monitoring_linkpair p ON p.duplicate_id = a.id AND p.decision = %(same)s
),
near (id) AS (
    SELECT id FROM above
    UNION SELECT p.duplicate_id FROM named n JOIN monitoring_linkpair p ON p.kept_id = n.id
)"""
# Every report that stands under one of these, however long the chain, as links.kept_by; and what leans on their items.
_LEANING = """
below (id) AS (
    SELECT id FROM {start}
    UNION SELECT p.duplicate_id FROM below b JOIN monitoring_linkpair p ON p.kept_id = b.id AND p.decision = %(same)s
        JOIN monitoring_incident d ON d.id = p.duplicate_id AND d.status = %(merged)s
),
leaning (id, party_id) AS (
    SELECT i.id, i.party_id FROM below b JOIN monitoring_sourceitem s ON s.incident_id = b.id
        JOIN monitoring_indicator_supporting u ON u.sourceitem_id = s.id
        JOIN monitoring_indicator i ON i.id = u.indicator_id WHERE i.ended_at IS NULL
    UNION SELECT i.id, i.party_id FROM below b JOIN monitoring_sourceitem s ON s.incident_id = b.id
        JOIN monitoring_indicator_contrary u ON u.sourceitem_id = s.id
        JOIN monitoring_indicator i ON i.id = u.indicator_id WHERE i.ended_at IS NULL
)"""
_ACTORS = f"""WITH RECURSIVE {_NAMED}, {_NEAR}, {_LEANING.format(start="near")}
SELECT i.party_id FROM near JOIN monitoring_incident i ON i.id = near.id
UNION SELECT f.party_id FROM near JOIN monitoring_furtheractor f ON f.incident_id = near.id
UNION SELECT c.party_id FROM near JOIN monitoring_contribution c ON c.incident_id = near.id
UNION SELECT party_id FROM leaning"""
_INDICATORS = f"WITH RECURSIVE {_NAMED}, {_LEANING.format(start='named')} SELECT id FROM leaning"


def actors_of(refs: Sequence[str]) -> set[int]:
    """Every actor of these incidents now and as last counted, of those they are linked with, and of indicators they bear out."""
    return _keys(_ACTORS, refs)


def indicators_on(refs: Sequence[str]) -> list[Indicator]:
    """Live indicators that lean on an item of these incidents or of one linked to them, however long the chain: whether the
    items of a linked one speak for anything changes with the one that is kept.
    """
    found = _keys(_INDICATORS, refs)
    rows = Indicator.objects.filter(pk__in=found).select_related("party").order_by("id")
    return list(rows) if found else []


def _keys(sql: str, refs: Sequence[str]) -> set[int]:
    values: dict[str, list[str] | str] = {"refs": list(refs), "same": LinkPair.SAME, "merged": lifecycle.MERGED}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {key for (key,) in cursor.fetchall()}
