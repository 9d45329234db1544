"""JSON of ODK Central and KoboToolbox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.monitoring.intake.readers import delimited, packed, reading


def from_json(raw: bytes) -> reading.Delivery:
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refused(_("The file is no readable JSON. Export it again."), reason="file") from None
    if isinstance(data, dict):
        _refuse_page(data)
    if isinstance(data, dict) and isinstance(data.get("value"), list):
        return _from_objects(reading.ODK, data["value"])
    found = data.get("results") if isinstance(data, dict) else data
    if isinstance(found, list) and all(isinstance(x, dict) for x in found):
        return _from_objects(reading.KOBO, found)
    raise Refused(
        _('This JSON is neither what ODK Central\'s OData service gives ("value") nor KoboToolbox\'s API ("results").'),
        reason="file",
    )


def _refuse_page(data: Mapping[str, Any]) -> None:
    """Raises Refused for one page of several: what stands on the others would be lost without a word."""
    if isinstance(data.get("value"), list):
        held, count, more = data["value"], data.get("@odata.count"), data.get("@odata.nextLink")
        how = _("Ask ODK Central for all of them at once, without $top and $skiptoken, or export the zip.")
    elif isinstance(data.get("results"), list):
        held, count, more = data["results"], data.get("count"), data.get("next") or data.get("previous")
        how = _(
            "Ask KoboToolbox with a limit of at least that number and without start, or export XLSX with all submissions."
        )
    else:
        return
    every = count if isinstance(count, int) and not isinstance(count, bool) else 0
    if more or every > len(held):
        raise Refused(
            (_("This file is one page of several: it holds %(here)d of %(all)d submissions, so nothing of it was kept.")
             if every else _("This file is one page of several: it holds %(here)d submissions and names a further page, so nothing of it was kept."))
            % {"here": len(held), "all": every} + " " + how, reason="page",
        )  # fmt: skip


# What OData writes beside a repeat's name, whether or not its rows come with it.
NAVIGATION = "@odata.navigationLink"


def _from_objects(route: str, found: Sequence[Any]) -> reading.Delivery:
    if not all(isinstance(x, dict) for x in found):
        raise Refused(_("The file is no readable JSON. Export it again."), reason="file")
    if unread := sorted(
        {k for x in found for k in x if k.endswith(NAVIGATION) and k.removesuffix(NAVIGATION) not in x}
    ):
        raise Refused(
            _("The repeat “%(repeat)s” is not in this file, only a link to it, so its source items would be lost. Ask ODK Central for it "
              "with $expand=*, or export the zip.") % {"repeat": reading.plainly(unread[0].removesuffix(NAVIGATION))[:60]}, reason="page",
        )  # fmt: skip
    flat = [_flattened(x) for x in found]
    columns = list(dict.fromkeys(k for cells, _items in flat for k in cells))
    if len(columns) > reading.MOST_COLUMNS:
        raise delimited.too_wide()

    def named(cells: Mapping[str, Any], *names: str) -> str:
        return next((str(cells[n]).strip() for n in names if cells.get(n)), "")

    def records() -> Iterator[reading.Record]:
        for number, (cells, items) in enumerate(flat, 1):
            yield reading.Record(
                number, [cells.get(c, "") for c in columns], items,
                reading.ids(cells.get("meta/rootUuid") or cells.get("rootUuid", ""), cells.get("__id", ""), cells.get("_uuid", ""),
                     cells.get("meta/instanceID", ""), cells.get("meta/deprecatedID") or cells.get("deprecatedID", ""))
                or reading.kobo_id(cells.get("_id", "") if route == reading.KOBO else "", cells.get("_xform_id_string", "")),
                reading.hints(partial(named, cells)) if route == reading.KOBO else [],
                reading.as_of(cells.get("__system/updatedAt") or cells.get("__system/submissionDate") or cells.get("_submission_time", ""),
                       cells.get("__system/edits", "")),
                str(cells.get("__system/reviewState") or cells.get("_validation_status/uid", "")).casefold() in reading.REJECTED,
            )  # fmt: skip

    return reading.Delivery(route, columns, records())


def _flattened(of: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, str], list[dict[str, Any]]]:
    """A submission's answers by path, and its repeats as rows of their own."""
    cells: dict[str, str] = {}
    items: list[dict[str, Any]] = []
    for key, value in of.items():
        path = reading.plainly(f"{prefix}{key}")
        if isinstance(value, dict):
            if value.get("type") == "Point" and isinstance(value.get("coordinates"), list):
                continue
            inner, more = _flattened(value, f"{path}/")
            cells |= inner
            items += more
        elif isinstance(value, list):
            if value and all(isinstance(v, dict) for v in value) and not key.startswith("_"):
                for one in value:
                    inner, more = _flattened(one)
                    items.append(reading.row_of(list(inner.values()), [reading.target(k) for k in inner]))
                    items += [answers for answers in more if answers]
        elif isinstance(value, bool):
            cells[path] = "yes" if value else "no"
        elif value is not None:
            cells[path] = packed.cell(value)
    return cells, items
