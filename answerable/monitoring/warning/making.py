"""Makes the forecast an analyst asked for; called by the worker."""

from __future__ import annotations

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.monitoring.warning import actions, reckoning, sources
from answerable.monitoring.warning.models import Forecast


def owed() -> int:
    """Make the forecast that an analyst asked for, from the readings and conflict-years imported; returns how many were made."""
    with reading_as(CLOCK):
        asked = Forecast.objects.filter(status="ASKED").first()
        rows, refs = sources.of_readings() if asked else ([], {})
        conflicts, release = sources.of_conflict_years() if asked else ([], "")
    if asked is None:
        return 0
    try:
        made = reckoning.make(rows, conflicts, release=release, refs=refs)
    except Refused as no:
        actions.keep_forecast(asked, problem=str(no), by=CLOCK)
    except Exception:
        # Said once and kept, so that the worker does not try the same again every minute; then as loud as any fault.
        actions.keep_forecast(
            asked, problem="The forecast met a fault of its own; the worker's log says where.", by=CLOCK
        )
        raise
    else:
        actions.keep_forecast(asked, **made, by=CLOCK)
    return 1
