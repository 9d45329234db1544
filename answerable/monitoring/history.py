"""What the page of a report tells of how it came to stand where it stands: what it rests on, its history, and how far its level fell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.monitoring import lifecycle, rules
from answerable.monitoring.intake.models import Draft
from answerable.monitoring.linking import access as link_access
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import Incident, SourceItem
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.record.pages import chain
from answerable.vault.consent import queries as consents

# Acts on an item by which a report may stand differently. Who opened what, and who looked at a file, is not among them.
ON_ITEMS = (
    "item added",
    "item assessed",
    "item regraded",
    "contrary item weighed",
    "consent recorded",
    "consents ended",
)
ON_CONSENT = ("consent withdrawn", "withdrawal undone")


@dataclass(frozen=True)
class Line:
    """One entry of the record as the history of a report tells it. `about`: the item it changed; `was` and `now`: the grade of that
    item, where it changed; `left`: the level at which the act left the report, where it changed that."""

    index: int
    at: datetime | None
    action: str
    event: Any
    to_state: str = ""
    about: str = ""
    was: str = ""
    now: str = ""
    left: str = ""


def told_of(by: HasPrincipal, this: Incident) -> dict[str, Any]:
    """`why`, `follows` and `history` of a report for a template (record.pages.chain): with its items among what it rests on, and
    with every entry that changed it or an item of it. Of linked reports and pairs only what the person sees."""
    found = chain(by, this.ref)
    own = list(SourceItem.objects.filter(incident=this).values_list("ref", flat=True))
    of_linked = list(
        SourceItem.objects.filter(incident__in=links.kept_by([this.pk])).exclude(incident=this).values_list("ref", flat=True)
    )  # fmt: skip
    resting = [
        {"title": _("Source item") + f" {ref}", "url": reverse("item-evidence", args=[ref]), "why": ""}
        for ref in (*own, *of_linked)
    ]
    return {**found, "why": [*resting, *found["why"]], "history": _history(by, this, found["history"], own, of_linked)}


def _history(
    by: HasPrincipal, this: Incident, own: Iterable[Entry], items: list[str], of_linked: list[str]
) -> list[Line]:
    about: dict[int, tuple[Entry, str]] = {e.index: (e, "") for e in own}
    for entry in Entry.objects.filter(subject__in=[*items, *of_linked], action__in=ON_ITEMS):
        # Of a linked report's item, what moved this one's level.
        if entry.subject in items or this.ref in _levels(entry):
            about[entry.index] = (entry, entry.subject)
    # That a consent ended is told only to whoever may see that withdrawal; to others it shows in what counts, without its day.
    seen = set(consents.receipts(by).values_list("ref", flat=True))
    for ref, subject in consents.withdrawals_of([this.ref, *items, *of_linked]):
        if ref not in seen:
            continue
        for entry in record.history(ref):
            if entry.action in ON_CONSENT:
                about[entry.index] = (entry, "" if subject == this.ref else subject)
    for ref in link_access.pairs(by).filter(Q(first=this) | Q(second=this)).values_list("ref", flat=True):
        for entry in record.history(ref):
            if this.ref in _pair(entry):
                about[entry.index] = (entry, "")
    with reading_as(CLOCK):  # that it was filed, and when: of the delivery nothing else is told
        batch = Draft.objects.filter(ref=this.ref).exclude(batch=None).values_list("batch__ref", flat=True).first()
    for entry in record.history(batch) if batch else []:
        if this.ref in _detail(entry).get("filed", ()):
            about[entry.index] = (entry, "")
    counts, lines = False, []
    for _index, (entry, item) in sorted(about.items()):
        counts = _counts_after(this, entry, counts)
        lines.append(_line(this, entry, item, counts))
    return lines


def _detail(entry: Entry) -> dict[str, Any]:
    return (entry.event or {}).get("detail") or {}


def _levels(entry: Entry) -> dict[str, str]:
    found = _detail(entry).get("levels")
    return found if isinstance(found, dict) else {}


def _pair(entry: Entry) -> tuple[Any, Any]:
    """The report that was kept and the one that was linked to it, of an entry about a link."""
    return _detail(entry).get("kept"), _detail(entry).get("merged")


def _counts_after(this: Incident, entry: Entry, before: bool) -> bool:
    """Whether a verification stands on the report once this was done; before that its level is what its items would give."""
    state = entry.to_state if entry.subject == this.ref else ""
    if _pair(entry)[1] == this.ref:
        state = _detail(entry).get("to") or lifecycle.MERGED
    known = {*lifecycle.ANY, lifecycle.CONSENT_WITHDRAWN, lifecycle.MERGED, lifecycle.OUT_OF_SCOPE}
    return state in lifecycle.COUNTED if state in known else before


def _line(this: Incident, entry: Entry, item: str, counts: bool) -> Line:
    level = _levels(entry).get(this.ref, "")
    if entry.action == "incident verified":
        level = str(_detail(entry).get("level", ""))
    left = level if counts or not level else _("would be %(level)s") % {"level": level}
    graded = item and entry.action in {"item assessed", "item regraded"} and entry.from_state != entry.to_state
    # Of a link taken back the entry says what became of the one that had been linked: on the other's page that is no news of it.
    to = "" if item or entry.action in ON_CONSENT or _pair(entry)[0] == this.ref else entry.to_state
    return Line(
        entry.index, entry.at, entry.action, entry.event, to, item, entry.from_state if graded else "",
        entry.to_state if graded else "", left,
    )  # fmt: skip


def fallen_from(this: Incident, history: Iterable[Line]) -> str:
    """The level at which a report was last concluded, while the one it has now is below that, else "" (decision 0058).

    V3d is said only where a verifier's conclusion came to it: that a base set might have lifted it is no conclusion.
    """
    ceiling = rules.Ceiling.read(this.ceiling) if this.status in lifecycle.COUNTED else None
    if ceiling is None:
        return ""
    then = ceiling.own
    if ceiling.lifts and rules.RANK[then] < rules.RANK["V3d"]:
        given = [line.left for line in history if line.action == "incident verified"]
        then = "V3d" if given and given[-1] == "V3d" else then
    return then if rules.RANK[this.level] < rules.RANK[then] else ""
