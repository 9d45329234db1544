"""The panels of a situation's page. Any field of work adds one by answering `situation_panels`; this one's own are here.

    @question("situation_panels").answer_with
    def _mine(look: Look) -> list[Panel]: ...

A panel names the authority action whoever sees it needs; the page leaves the others out without a trace. `html` is a
rendered fragment that reads without a script; `look.filters` is what the reader filters by. A panel names the filters it
follows, and the page says of the others, in words, that they do not reach it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.hooks import question
from answerable.monitoring import access as monitoring
from answerable.monitoring import queries as known
from answerable.monitoring.looking import access, queries, setting
from answerable.monitoring.looking.queries import Count, Counts
from answerable.monitoring.looking.rules import FILTER_NAMES, MAY, NO_MONTH, VERIFIED, Filters
from answerable.monitoring.models import Incident, Situation
from answerable.monitoring.patterns.rules import possible_days

MONTHS_SHOWN, ROWS_SHOWN = 36, 30
EVERY, ACTOR = frozenset(FILTER_NAMES), frozenset({"actor"})


@dataclass(frozen=True)
class Look:
    """One person's look at a situation. What several panels need is worked out once."""

    by: HasPrincipal
    situation: Situation
    filters: Filters

    @cached_property
    def sees_incidents(self) -> bool:
        """Whether this person reads reports here at all; a delegation never does."""
        return authority.allows(self.by, "see_incidents", Place("incidents"))

    @cached_property
    def own_alone(self) -> bool:
        """Whether this person reads the reports of their own organisation and of no other."""
        return not self.by.principal().compartments & {"monitoring", "*"}

    @cached_property
    def all_counts(self) -> Counts:
        """Counts without filters, from the tallies."""
        return queries.counts(self.situation)

    @cached_property
    def offered(self) -> dict[str, list[tuple[str, str]]]:
        """What each filter can be set to."""
        return queries.choices(self.situation, self.all_counts)

    @cached_property
    def filter_values(self) -> dict[str, dict[str, str]]:
        """For each filter, what an axis's values are called in an address; only of what is offered."""
        names = {field: {value: value for value, _words in offered} for field, offered in self.offered.items()}
        refs = dict(self.offered["actor"])
        names["actor"] = {
            str(pk): ref for pk, ref in self.situation.parties.filter(ref__in=refs).values_list("pk", "ref")
        }
        return names

    @cached_property
    def _filtered(self) -> tuple[Counts, list[Incident]]:
        return queries.filtered(self.by, self.situation, self.filters)

    @property
    def counts(self) -> Counts:
        """Counts as filtered."""
        return self._filtered[0] if self.filters else self.all_counts

    @cached_property
    def may_lie(self) -> int:
        """How many reports may lie in the days filtered by without being sure to."""
        return queries.may_lie(self.by, self.situation, self.filters)

    @property
    def may_list(self) -> str:
        """The address of the list of those."""
        return listed_at(self.situation, replace(self.filters, dates=MAY))

    @property
    def newest(self) -> list[Incident]:
        """The first incidents as filtered."""
        if self.filters:
            return self._filtered[1]
        found = monitoring.incidents(self.by).filter(situation=self.situation).with_actors()
        return list(found.order_by("-submitted_at", "-id")[:10])


@dataclass(frozen=True)
class Panel:
    """One part of a situation's page: its anchor, its title, a fragment, the action that shows it, the filters it follows."""

    name: str
    title: str
    html: SafeString
    needs: str = "see_situations"
    order: int = 50
    follows: frozenset[str] = frozenset()
    note: str = ""


def panels(look: Look) -> list[Panel]:
    """All panels this person may see, in order."""
    found: list[Panel] = [p for answer in question("situation_panels").ask(look) for p in answer or ()]
    seen = [p for p in found if authority.allows(look.by, p.needs, Place(p.name))]
    if look.filters and look.sees_incidents:
        seen = [replace(p, note=reach(look.filters, p.follows)) for p in seen]
    return sorted(seen, key=lambda p: (p.order, p.name))


def reach(filters: Filters, follows: frozenset[str]) -> str:
    """What filters in force do not do to a panel, in a sentence; empty when it follows all of them."""
    missed = set(filters.set()) - follows
    if not missed:
        return ""
    if missed == set(filters.set()):
        return _("The filters do not reach this part: it is about the whole situation.")
    words = queries.filter_names()
    return _("Of the filters only these reach this part: %(names)s. All else it takes in whole.") % {
        "names": ", ".join(words[n] for n in FILTER_NAMES if n in follows)
    }


def _bars(look: Look, rows: list[Count], field: str) -> list[dict[str, Any]]:
    """Rows with the width of their bars in parts of 100, the longest being 100, and the address of that row alone."""
    most = max((c.reported for c in rows), default=0) or 1
    values = look.filter_values.get(field, {})
    out = []
    for c in rows:
        verified = c.verified * 100 // most
        value = values.get(c.value, "")
        narrowed = replace(look.filters, **{field: value}) if value else None
        out.append({"words": c.words, "c": c, "verified": verified, "open": c.reported * 100 // most - verified,
                    "query": narrowed.query if narrowed else "", **_lists(look, c, narrowed)})  # fmt: skip
    return out


def _lists(look: Look, counted: Count, filters: Filters | None) -> dict[str, str]:
    """The addresses of the incidents that a number of reports, and of them verified, counts; "" where there is nothing to list."""
    if filters is None:
        return {"reported_list": "", "verified_list": ""}
    # Where another state is asked for, nothing counted is verified, so that number leads nowhere.
    return {
        "reported_list": listed_at(look.situation, filters) if counted.reported else "",
        "verified_list": listed_at(look.situation, replace(filters, status=VERIFIED)) if counted.verified else "",
    }


def listed_at(situation: Situation, filters: Filters) -> str:
    """The address of the list of what these filters count."""
    return f"{reverse('incidents')}?{urlencode({'situation': situation.ref, **filters.set()})}"


def _columns(look: Look, rows: list[Count]) -> list[dict[str, Any]]:
    """The last months as columns of a chart 100 high. A month between two in which nothing was reported stands there as 0."""
    by_month = {c.value: c for c in rows}
    year, month = (int(x) for x in rows[-1].value.split("-"))
    months: list[Count] = []
    while len(months) < MONTHS_SHOWN and f"{year:04}-{month:02}" >= rows[0].value:
        name = f"{year:04}-{month:02}"
        months.append(by_month.get(name, Count(name, name, 0, 0, 0, 0)))
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    months.reverse()
    most = max(c.reported for c in months) or 1
    out = []
    for at, c in enumerate(months):
        high, verified = c.reported * 100 / most, c.verified * 100 / most
        first = date(int(c.value[:4]), int(c.value[5:]), 1)
        last = possible_days(first, "month")[1]
        since, until = max(first.isoformat(), look.filters.since), min(last.isoformat(), look.filters.until or "9999")
        # What may lie in some days is not listed month by month: a month of its own would take in more than it counts.
        within = replace(look.filters, since=since, until=until) if look.filters.dates != MAY else None
        out.append({**_lists(look, c, within), "c": c, "x": at * 10 + 1, "y": round(100 - high, 1), "open": round(high - verified, 1),
                    "yv": round(100 - verified, 1), "verified": round(verified, 1)})  # fmt: skip
    return out


def _fragment(name: str, **context: Any) -> SafeString:
    return render_to_string(f"monitoring/looking/_{name}.html", context)


def _countries(situation: Situation, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The countries of an imported situation with the newest figure any source gives; nothing where there is no geometry."""
    if situation.imported_id is None or not situation.countries or not lines:
        return []
    year = lines[-1]["year"]
    values = [r["value"] for r in lines if r["year"] == year and r["value"] is not None]
    value = max(values) if values else None
    found = [known.countries().get(gw) for gw in situation.countries]
    return [{"id": c[0], "name": c[1], "value": value, "url": "", "n": 1, "year": year} for c in found if c]


@question("situation_panels").answer_with
def _public(look: Look) -> list[Panel]:
    """What public sources say, and who the actors are."""
    lines = known.timeline(look.situation)
    out = []
    if places := _countries(look.situation, lines):
        out.append(Panel("map", _("Where"), _fragment("map", places=places), order=20))
    if lines:
        html = _fragment("timeline", timeline=lines, imported=look.situation.imported)
        out.append(Panel("prevalence", _("Reported prevalence by year and source"), html, order=30))
    parties = list(look.situation.parties.all()[:200])
    sees = authority.allows(look.by, "see_actors", Place("actors"))
    out.append(Panel("actors", _("Armed actors"), _fragment("actors", parties=parties, sees_command=sees), order=60))
    return out


@question("situation_panels").answer_with
def _reports(look: Look) -> list[Panel]:
    """Reports counted, and the newest of them: for those who read reports."""
    if not look.sees_incidents:
        return []
    seen, needs = look.counts, "see_incidents"
    own = look.own_alone
    html = _fragment(
        "counts",
        counts=seen,
        caveat=setting.caveat(),
        own=own,
        may_lie=look.may_lie,
        may_list=look.may_list,
        **_lists(look, seen.total, look.filters),
    )
    out = [Panel("counts", _("Your organisation's reports") if own else _("Reports here"), html, needs, 10, EVERY)]
    for name, axis, field, title, head, order in (
        ("areas", "area", "area", _("First-level areas"), _("Area"), 21),
        ("by-actor", "party", "actor", _("Reports by armed actor"), _("Actor"), 61),
        ("forms", "form", "form", _("Forms of violence"), _("Form"), 41),
        ("levels", "level", "level", _("How well they are known"), _("Level"), 42),
        ("organisations", "org", "", _("Who gave the reports"), _("Organisation"), 62),
    ):
        rows = list(seen.by[axis])
        if rows:
            more = len(rows) - ROWS_SHOWN
            # A report counts under each form and each actor it names.
            twice = field in ("actor", "form") and sum(c.reported for c in rows) > seen.total.reported
            html = _fragment(
                "bars", rows=_bars(look, rows[:ROWS_SHOWN], field), head=head, title=title, more=max(0, more),
                twice=field if twice else "",
            )  # fmt: skip
            out.append(Panel(name, title, html, needs, order, EVERY))
    if every := list(seen.by["month"]):
        months = [c for c in every if c.value]
        columns = _columns(look, months) if months else []
        no_month = next((c for c in every if not c.value), None)
        apart = replace(look.filters, dates=NO_MONTH) if look.filters.dates != MAY else None
        html = _fragment(
            "months", columns=columns, width=max(60, len(columns) * 10), older=max(0, len(months) - len(columns)),
            no_month={"c": no_month, **_lists(look, no_month, apart)} if no_month else None,
        )  # fmt: skip
        out.append(Panel("months", _("Reports by month of the event"), html, needs, 31, EVERY))
    html = _fragment("newest", rows=look.newest, all=listed_at(look.situation, look.filters))
    out.append(Panel("incidents", _("Latest incidents"), html, needs, 50, EVERY))
    return out


@question("situation_panels").answer_with
def _patterns(look: Look) -> list[Panel]:
    """Pattern assessments, newest first."""
    found = monitoring.patterns(look.by).filter(situation=look.situation).select_related("party")
    if look.filters.actor:
        found = found.filter(party__ref=look.filters.actor)
    rows = list(found[:10])
    if not rows:
        return []
    html = _fragment("patterns", rows=rows)
    return [Panel("patterns", _("Pattern assessments"), html, "see_patterns", 55, ACTOR)]


@question("situation_panels").answer_with
def _released(look: Look) -> list[Panel]:
    """What was released to members: fixed tables and bulletins. Nothing of either for the state it is about."""
    language = (get_language() or "en")[:2]
    tables = [
        {"title": setting.axis_words(t.axis), "year": t.year, "head": setting.head_words(),
         "rows": setting.released_rows(t, language), "ref": t.ref}
        for t in access.tables(look.by, look.situation)[: 3 * 3]
    ]  # fmt: skip
    bulletins = list(access.bulletins(look.by, look.situation).defer("pdf")[:10])
    html = _fragment(
        "released", tables=tables, bulletins=bulletins, caveat=setting.caveat(), several=setting.several_words(), languages=setting.LANGUAGES,
        more=reverse("bulletins", args=[look.situation.ref]),
        may_make=authority.allows(look.by, "make_bulletin", look.situation),
    )  # fmt: skip
    return [Panel("released", _("Released to members"), html, order=45)]
