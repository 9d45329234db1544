"""Reads for taking reports in: what a row is checked against, what came in before, what exists already."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from answerable.alliance.days import isolated
from answerable.alliance.models import Body, Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.monitoring import access as monitoring
from answerable.monitoring import days, grades, lifecycle
from answerable.monitoring import queries as reports
from answerable.monitoring.intake import description, rules, values
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.counts import WHY_OUT, Cell, said
from answerable.monitoring.models import Incident, Party, Situation, SourceItem
from answerable.monitoring.patterns import areas
from answerable.vault import client, keeping
from answerable.vault.actions import token_of
from answerable.vault.consent import queries as consents

# Two accounts of days this close may be of the same incident.
CLOSE_DAYS = 14
TABLES = Path(__file__).parents[1] / "tables"


@cache
def boxes() -> Mapping[int, values.Box]:
    """Country (Gleditsch-Ward) → its box in degrees, from Natural Earth 1:50m (scripts/country_boxes.py)."""
    with (TABLES / "country_boxes.csv").open(encoding="utf-8", newline="") as f:
        return {
            int(r["gw"]): (float(r["south"]), float(r["west"]), float(r["north"]), float(r["east"]))
            for r in csv.DictReader(f)
        }


@cache
def draft_days() -> int:
    """How many days a draft is kept that nobody files (domain.md §7.3)."""
    with (TABLES / "intake.csv").open(encoding="utf-8", newline="") as f:
        return int({r["figure"]: r["value"] for r in csv.DictReader(f)}["draft_days"])


def lapses_on(made_at: datetime) -> date:
    """The day on which a draft, or a report that was begun, is deleted unless it was filed."""
    return made_at.date() + timedelta(days=draft_days())


def countries(situations: Iterable[tuple[str, Sequence[int]]]) -> dict[str, tuple[values.Box, ...]]:
    """Where the places of each situation may lie. One with a country whose box is not known is held to none."""
    found = {}
    for ref, codes in situations:
        known = tuple(boxes()[c] for c in codes if c in boxes())
        if known and len(known) == len(codes):
            found[ref] = known
    return found


def compartment_of(person: Person) -> str:
    """Where what this person brings in lies: a partner's own room, or the alliance's monitoring."""
    return f"monitoring/{person.body.ref}" if person.body.kind == Body.PARTNER else "monitoring"


def world(by: Person, situation: Situation | None = None, *, asks: bool = False) -> rules.World:
    """What a row is checked against, as this person sees it: situations and parties by reference and by name.

    `asks`: a person's account that comes this way is one she is asked for here, so it needs its interview.
    """
    seen = list(monitoring.situations(by).values_list("ref", "name", "countries"))
    situations = {name.casefold(): ref for ref, name, _c in seen} | {ref.casefold(): ref for ref, _name, _c in seen}
    parties: dict[str, dict[str, str]] = {}
    rows = Party.objects.filter(situation__in=[situation] if situation else monitoring.situations(by))
    named: dict[tuple[str, str], int] = {}
    for ref, name, where in rows.values_list("ref", "name", "situation__ref"):
        of = parties.setdefault(where, {})
        named[where, name.casefold()] = named.get((where, name.casefold()), 0) + 1
        of |= {name.casefold(): ref, ref.casefold(): ref}
    for (where, name), n in named.items():
        if n > 1:
            del parties[where][name]  # two of one name: only the reference says which
    allowed = m.Interview.objects.filter(organisation=by.body, status=m.ALLOWED).values_list("ref", flat=True)
    return rules.World(clock.today(), situations, parties, situation.ref if situation else "",
                       countries((ref, codes) for ref, _name, codes in seen), {ref.casefold(): ref for ref in allowed}, asks)  # fmt: skip


def words(problem: values.Problem | Sequence[Any]) -> str:
    """A problem's sentence in the reader's language; what is put into it is translated as well."""
    sentence, figures = (
        (problem.sentence, problem.figures) if isinstance(problem, values.Problem) else (problem[0], problem[1])
    )
    shown = {k: _(v) if isinstance(v, str) and v else v for k, v in figures.items()}
    return _(sentence) % shown if shown else _(sentence)


@dataclass(frozen=True)
class Known:
    """A submission that is here already: the draft or the report it became, and its latest version.

    `names` are the marks that name that version, `before` those of earlier ones, and `contents` what all of them said.
    `looks_like` is what it may itself be a version of, while no person has decided.
    """

    ref: str
    identity: str
    status: str
    content: str
    as_of: str
    version: int
    draft: str = ""
    names: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()
    looks_like: str = ""


def seen_before(organisation: int, marks: Iterable[str], others: Iterable[str] = ()) -> dict[str, Known]:
    """Submissions of an organisation that are kept already, by each of these marks that names one: the latest version.

    `others` are marks by which a collecting system may name one anew; only those are looked for among other names.
    """
    named = list(others)
    wanted = [*marks, *named]
    same = Q(identity__in=wanted) | Q(also__has_any_keys=named) if named else Q(identity__in=wanted)
    of = m.Draft.objects.filter(organisation=organisation)
    stand = of.exclude(status__in=[m.UNDONE, m.LAPSED])
    # All versions of each, also those that none of these marks names: the latest may have been named by another.
    named_so = set(stand.filter(same).exclude(identity="").values_list("identity", flat=True))
    found: dict[str, Known] = {}
    for d in (
        stand.filter(identity__in=named_so)
        .order_by("version")
        .only("ref", "identity", "also", "status", "content", "as_of", "version", "corrects", "looks_like")
    ):
        # A correction names the report it corrects; a version that was replaced is passed on by the one after it.
        status = m.FILED if d.corrects and d.status in (m.CORRECTION, m.TAKEN_OVER, m.SET_ASIDE) else d.status
        was, names = found.get(d.identity), frozenset([d.identity, *d.also])
        found[d.identity] = Known(
            d.corrects or d.ref, d.identity, status, d.content, d.as_of, d.version, d.ref, names,
            was.before | was.names if was else frozenset(), (was.contents if was else frozenset()) | {d.content},
            d.looks_like,
        )  # fmt: skip
    latest = {mark: k for k in found.values() for mark in k.before | k.names} | found
    return {mark: latest[mark] for mark in wanted if mark in latest}


def looks_like(organisation: int, hints: Iterable[str]) -> dict[str, str]:
    """By each of these marks that a submission here has too: its report, or its latest draft, of which another may be a version."""
    wanted = sorted(set(hints))
    if not wanted:
        return {}
    of = m.Draft.objects.filter(
        organisation=organisation, hints__has_any_keys=wanted, status__in=[*m.STANDS, m.REPLACED]
    )
    rows = list(of.exclude(identity="").order_by("version", "pk").values_list("identity", "hints"))
    latest = seen_before(organisation, {identity for identity, _hints in rows})
    stand = {i: k.ref if k.status == m.FILED else k.draft for i, k in latest.items() if k.status in (m.FILED, m.DRAFT)}
    return {h: stand[identity] for identity, having in rows for h in having if h in wanted and identity in stand}


def in_doubt(draft: m.Draft) -> str:
    """The report or draft that a draft may be a later version of, as long as a person has not said; "" where nothing is in doubt.

    Where that one is no longer open (set aside, taken out, lapsed), what it was itself in doubt about takes its place: a doubt is
    handed on, and never ends because a draft in between does. Where nothing is left to be a version of, the first is named.
    """
    asked, met = draft.looks_like, {draft.ref}
    while asked and asked not in met:
        met.add(asked)
        if (of := m.Draft.objects.filter(ref=asked).only("organisation", "identity", "looks_like").first()) is None:
            break
        known = seen_before(of.organisation_id, [of.identity]).get(of.identity) if of.identity else None
        if known and known.status in (m.FILED, m.TAKEN_OVER, m.DRAFT):
            return asked
        asked = known.looks_like if known else of.looks_like
    return draft.looks_like


def versions_of(report: str) -> QuerySet[m.Draft]:
    """Every version of the submission that a report was filed from or is corrected by, whatever became of it: the report's own."""
    own = Q(ref=report) | Q(corrects=report)
    same = own
    for organisation, identity in (
        m.Draft.objects.filter(own).exclude(identity="").values_list("organisation", "identity")
    ):
        same |= Q(organisation=organisation, identity=identity)
    another = Incident.objects.exclude(ref=report).filter(ref=OuterRef("ref"))
    return m.Draft.objects.filter(same).exclude(Exists(another))


def had_versions(draft: m.Draft) -> set[str]:
    """Who delivered this version of a submission or one before it, by reference; not versions that were taken out again."""
    before = m.Draft.objects.filter(
        organisation=draft.organisation_id, identity=draft.identity, version__lt=draft.version
    ).exclude(identity="")
    return {
        draft.collected_by.ref,
        *before.exclude(status__in=[m.UNDONE, m.LAPSED]).values_list("collected_by__ref", flat=True),
    }


def parts_of(ref: str) -> list[str]:
    """What of a submission's other versions goes with a report, or with an item: their texts, their items', and files; and
    why its account was asked for.

    With an item that its report rests on alone the whole report goes; else what each version says in its place.
    """
    whole = next((r for r in reports.parts_of(ref) if r.startswith("INC")), "")
    if whole:
        drafts = list(versions_of(whole).values_list("ref", flat=True))
        asked = list(m.Interview.objects.filter(report__ref=whole).values_list("ref", flat=True))
        items = m.DraftItem.objects.filter(draft__ref__in=drafts)
    elif came := m.DraftItem.objects.select_related("draft").filter(ref=ref).first():
        drafts, asked = [], []
        others = versions_of(came.draft.corrects or came.draft.ref).values("ref")
        reported = SourceItem.objects.filter(ref=OuterRef("ref"))
        items = m.DraftItem.objects.filter(pk__in=_versions_of_item(came, others)).exclude(Exists(reported))
    else:
        return []
    return [*drafts, *asked, *(r for pair in items.values_list("ref", "file_ref") for r in pair if r)]


def _versions_of_item(came: m.DraftItem, others: Any) -> list[int]:
    """Keys of what other versions of the submission say of this source: known by what it is; and what stands in its place and is
    none of the others of its version, for it may be the same told anew."""
    with_it = list(came.draft.items.order_by("number"))
    found = [came.pk]
    versions: dict[str, list[m.DraftItem]] = {}
    for item in m.DraftItem.objects.filter(draft__in=others).order_by("draft", "number"):
        versions.setdefault(item.draft_id, []).append(item)
    for items in versions.values():
        known = paired(with_it, items)
        found += [i.pk for i in items if (known[i.pk].pk == came.pk if i.pk in known else i.number == came.number)]
    return found


def withdrawn(reports: Iterable[str]) -> set[str]:
    """Those of these reports of which nothing more is kept: consent was withdrawn, or they are shredded."""
    refs = sorted(set(reports))
    with reading_as(CLOCK):
        gone = Incident.objects.filter(ref__in=refs, status=lifecycle.CONSENT_WITHDRAWN).values_list("ref", flat=True)
        return {*gone, *consents.closed(refs)}


def candidates(by: Person, situation: Situation, draft: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Reports and drafts one may see that may be of the same incident: area, days close by, a form in common (SC-1).

    Coarse facts only; nothing sealed and nobody's identity is searched.
    """
    when, forms = draft["when"], set(draft.get("forms") or ())
    first, last = when.earliest - timedelta(days=CLOSE_DAYS), when.latest + timedelta(days=CLOSE_DAYS)
    area = areas.key(str(draft.get("area1") or ""))
    rows: list[dict[str, Any]] = []
    may = days.dated(monitoring.incidents(by).filter(situation=situation)).filter(days.touching(first, last))
    for i in may.order_by("on")[:500]:
        same = forms & set(i.forms)
        if areas.key(i.area1) == area and (same or not forms):
            rows.append(
                {
                    "ref": i.ref,
                    "when": days.when_words(i),
                    "area": i.area1,
                    "forms": sorted(same),
                    "status": i.status,
                    "level": i.shown_level,
                }
            )
    for d in drafts_of(by).filter(situation=situation, status=m.DRAFT, earliest__lte=last, latest__gte=first)[:500]:
        same = forms & set(d.coded.get("forms", ()))
        if areas.key(d.area1) == area and (same or not forms):
            rows.append(
                {
                    "ref": d.ref,
                    "when": isolated(d.when),
                    "area": d.area1,
                    "forms": sorted(same),
                    "status": d.status,
                    "level": "",
                }
            )
    return rows[:20]


def drafts_of(by: Person) -> Any:
    """Drafts of one's own rooms."""
    from answerable.monitoring.intake import access

    return access.drafts(by)


def sealed_view(ref: str) -> Incident | None:
    """A draft as the report it will be, for opening its texts. None once it is filed, or its report was withdrawn.

    A later version of a report opens under the report's own consents: it carries that report's key and state (SC-4).
    """
    d = m.Draft.objects.select_related("collected_by", "organisation", "situation").filter(ref=ref).first()
    if d is None or d.status not in (m.DRAFT, m.CORRECTION, m.TAKEN_OVER):
        return None
    pk, status = 0, lifecycle.DRAFT
    if d.corrects:
        consents.hold(d.corrects)
        report = Incident.objects.filter(ref=d.corrects).values_list("pk", "status").first()
        if report is None or withdrawn([d.corrects]):
            return None
        pk, status = report
    return Incident(
        id=pk, ref=d.ref, compartment=d.compartment, situation=d.situation, organisation=d.organisation,
        collected_by=d.collected_by, status=status, narrative=d.narrative, place=d.place, link_reason=d.link_reason,
    )  # fmt: skip


def text_versions(incident: Incident) -> list[tuple[str, date]]:
    """What a report's texts are sealed under, newest first: each correction that was taken over, then the report, with its day.

    A version that came without any column of text sealed none: the texts of the one before it stand.
    """
    taken = m.Draft.objects.filter(corrects=incident.ref, status=m.TAKEN_OVER).order_by("-version", "-pk")
    taken = taken.exclude(narrative=b"", place=b"", link_reason=b"")
    found = [(ref, at.date()) for ref, at in taken.values_list("ref", "made_at")]
    return [*found, (incident.ref, incident.submitted_at.date())]


def opened_versions(versions: Sequence[tuple[str, date]], field: str, *, by: Person) -> list[dict[str, Any]]:
    """One text of each version in plain text, newest first, with an entry in the record for each that was opened.

    Raises Refused when the newest stays sealed; where an earlier one does, why it does stands in its place.
    """
    found: list[dict[str, Any]] = []
    for ref, day in versions:
        try:
            text = keeping.open_fields(ref, [field], purpose="verification", token=by.vault_session)[field]
            found.append({"day": day, "text": text, "ref": ref})
        except Refused as no:
            if not found:
                raise
            found.append({"day": day, "sealed": str(no), "ref": ref})
    return found


def corrects(ref: str) -> str:
    """The report that this reference is a later version of, or ""."""
    return m.Draft.objects.filter(ref=ref).values_list("corrects", flat=True).first() or ""


# What a correction leaves as it is: where it belongs, and what was done before anything was asked.
_NOT_CORRECTED = {"situation", "referral_offered", "searched_first", "party"}


def coded_of(report: Incident) -> dict[str, Any]:
    """A report's coded answers as a row has them."""
    found = {f.name: getattr(report, f.name) for f in description.OF_REPORT if hasattr(report, f.name) and not f.sealed}
    found |= {name: value for name, value in report.further.items() if name != "declined"}
    return {**found, "when": report.further.get("when") or edtf.written(report.on, report.precision)}


def corrected_answers(correction: m.Draft, report: Incident) -> list[tuple[str, Any, Any]]:
    """Coded answers that a later version changes: the question, the report's answer, the version's. No text is opened."""
    was = coded_of(report)
    now = {**correction.coded, "when": correction.when, "area1": correction.area1, "area2": correction.area2}
    names = [f.name for f in description.OF_REPORT if not f.sealed and f.name not in _NOT_CORRECTED]
    return [(n, was.get(n), now.get(n)) for n in names if (was.get(n) or None) != (now.get(n) or None)]


def open_interviews(by: Person, situation: Situation) -> QuerySet[m.Interview]:
    """Interviews one asked for oneself in a situation that were allowed and carry no account yet."""
    return m.Interview.objects.filter(asked_by=by, status=m.ALLOWED, report=None, held_by="", situation=situation)


# How long before its end a draft is named on the page.
SOON_DAYS = 14


def lapsing_soon(waiting: QuerySet[m.Draft]) -> int:
    """How many of these drafts are deleted within two weeks."""
    return waiting.filter(made_at__lt=kept_since() + timedelta(days=SOON_DAYS)).count()


def new_items(correction: m.Draft) -> list[m.DraftItem]:
    """Items of a later version that the submission did not have when its report was filed, or last corrected."""
    known = _known_before(correction)
    return [i for i in correction.items.order_by("number") if i.pk not in known]


def _known_before(correction: m.Draft) -> dict[int, m.DraftItem]:
    """Of a later version's items, by key, those that the submission had: each with its newest version on the report."""
    earlier = m.DraftItem.objects.filter(
        draft__organisation=correction.organisation, draft__identity=correction.identity,
        draft__status__in=[m.FILED, m.TAKEN_OVER], draft__version__lt=correction.version,
    ).select_related("draft")  # fmt: skip
    versions: dict[int, list[m.DraftItem]] = {}
    for item in earlier.order_by("draft__version", "number"):
        versions.setdefault(item.draft.version, []).append(item)
    # Each source in its newest version: one that a version left out stays on the report, and is known when it is back.
    newest: list[m.DraftItem] = []
    for items in versions.values():
        known = paired(newest, items)
        later = {before.pk: next(i for i in items if i.pk == pk) for pk, before in known.items()}
        newest = [later.get(i.pk, i) for i in newest] + [i for i in items if i.pk not in known]
    return paired(newest, list(correction.items.order_by("number")))


def paired(earlier: Sequence[m.DraftItem], later: Sequence[m.DraftItem]) -> dict[int, m.DraftItem]:
    """Which items of a later version are sources that an earlier one had: by the later item's key, the earlier item.

    Told by what they are, for a number says no more than where in the file an item stands. What speaks against the report is
    never one that did not (R-VER-3).
    """
    free, found = {i.pk: i for i in earlier}, dict[int, m.DraftItem]()
    for same in SAME_SOURCE:
        for item in (i for i in later if i.pk not in found):
            like = [e for e in free.values() if same(e, item) and _speaks_as(e, item)]
            if like:
                found[item.pk] = free.pop(min(like, key=lambda e: e.number != item.number).pk)
    return found


def _speaks_as(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    return not later.coded.get("contrary") or bool(earlier.coded.get("contrary")) or not earlier.coded


def _same_answers(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    return bool(earlier.coded) and not _other_answers(earlier.coded, later.coded) and not _other_file(earlier, later)


def _same_words(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    return bool(earlier.coded.get("words")) and earlier.coded["words"] == later.coded.get("words")


def _same_file(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    marked = earlier.coded.get("file_alike") and earlier.coded["file_alike"] == later.coded.get("file_alike")
    return bool(marked) or later.coded.get("file_on") == earlier.ref


def _other_file(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    one, other = earlier.coded.get("file_alike"), later.coded.get("file_alike")
    return bool(one and other) and one != other


def _same_person(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    """Two versions of one account: of the same interview, or of the same person under the same kind."""
    one, other = earlier.coded, later.coded
    told = one.get("interview") and one["interview"] == other.get("interview")
    who = (
        one.get("person_key") and one["person_key"] == other.get("person_key") and one.get("kind") == other.get("kind")
    )
    return bool(told or who)


def _same_place(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    """Items of which one has no words or no mark of them: the same kind of source, of the same day, in the same place."""
    one, other = earlier.coded, later.coded
    told = bool(one.get("words") and other.get("words"))
    alike = all(one.get(n) == other.get(n) for n in ("kind", "directness", "captured_on"))
    return bool(one) and not told and alike and not _other_file(earlier, later) and earlier.number == later.number


def _was_shredded(earlier: m.DraftItem, later: m.DraftItem) -> bool:
    """An account that was withdrawn since is empty here, and comes back by no later version (SC-4)."""
    return not earlier.coded and grades.is_personal(later.coded.get("kind", "")) and earlier.number == later.number


# Ways to know a source again, the surest first.
SAME_SOURCE = (_same_answers, _same_words, _same_file, _same_person, _same_place, _was_shredded)


def words_here(incident: Incident, words: str) -> bool:
    """Whether an item of this report has this mark of its words."""
    return SourceItem.objects.filter(incident=incident, further__words=words).exists()


def not_here_yet(incident: Incident, items: Sequence[m.DraftItem]) -> list[m.DraftItem]:
    """Of these items those whose words and file are not on the report already: the same source twice is one (R-VER-1)."""
    rows = SourceItem.objects.filter(incident=incident)
    words = {(w, c) for w, c in rows.filter(further__has_key="words").values_list("further__words", "contrary")}
    named = rows.filter(ref__in=[i.coded.get("file_on", "") for i in items])
    files = set(named.values_list("ref", "contrary"))

    def here(item: m.DraftItem) -> bool:
        # What speaks against the report is new beside the same words that did not (R-VER-3).
        speaks = {True} if item.coded.get("contrary") else {True, False}
        return any((item.coded.get("words"), c) in words or (item.coded.get("file_on"), c) in files for c in speaks)

    return [i for i in items if not here(i)]


def left_out(correction: m.Draft, incident: Incident) -> list[int]:
    """Numbers of new items of a later version that are on the report already, by their words or their file."""
    new = new_items(correction)
    return sorted({i.number for i in new} - {i.number for i in not_here_yet(incident, new)})


def other_actors(correction: m.Draft, incident: Incident) -> list[Party]:
    """The armed actors that a later version names, where they are not just those the report counts for."""
    named = actors_of(correction)
    return named if {p.pk for p in named} != {p.pk for p in incident.actors} else []


def has_texts(draft: m.Draft) -> bool:
    """Whether a version came with texts; all of its columns of text are sealed, or none was there."""
    return bool(draft.narrative or draft.place or draft.link_reason)


def other_situation(correction: m.Draft, incident: Incident) -> Situation | None:
    """The situation that a later version names, where the report belongs to another."""
    return correction.situation if correction.situation_id != incident.situation_id else None


def actors_of(draft: m.Draft) -> list[Party]:
    """Every armed actor that a draft names, the first one first; none where it lacks one."""
    if draft.party is None:
        return []
    further = list(draft.coded.get(rules.ALSO, ()))
    known = {p.ref: p for p in Party.objects.filter(ref__in=further)} if further else {}
    return [draft.party, *(known[ref] for ref in further if ref in known)]


def later_versions(incident: Incident) -> list[tuple[m.Draft, list[Party]]]:
    """Later versions of a report's submission that wait to be taken over, each with the actors it names where they differ."""
    waiting = m.Draft.objects.filter(corrects=incident.ref, status=m.CORRECTION).select_related("party")
    return [(d, other_actors(d, incident)) for d in waiting]


def changed_items(correction: m.Draft) -> list[int]:
    """Numbers of items that the report has already and whose answers are others in this version, or that come with a file now:
    taking it over leaves them."""
    known = _known_before(correction)
    items = correction.items.order_by("number")
    return [
        i.number
        for i in items
        if (was := known.get(i.pk))
        and was.coded
        and (_other_answers(was.coded, i.coded) or (i.file and not was.file and i.coded.get("file_on") != was.ref))
    ]


def in_place_of(correction: m.Draft, incident: Incident) -> list[int]:
    """Numbers of items that a later version adds where the submission had another: the earlier one stays on the report."""
    had = m.DraftItem.objects.filter(
        draft__organisation=correction.organisation, draft__identity=correction.identity,
        draft__status__in=[m.FILED, m.TAKEN_OVER], draft__version__lt=correction.version,
    )  # fmt: skip
    places = set(had.values_list("number", flat=True))
    return [i.number for i in not_here_yet(incident, new_items(correction)) if i.number in places]


def _other_answers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two versions of an item differ, in their words too where both have a mark of them."""
    passed = {"file_on", "file_alike"} | (set() if "words" in one and "words" in other else {"words"})
    return any(one.get(n) != other.get(n) for n in {*one, *other} - passed)


def word_marks(said: Sequence[tuple[str, str]]) -> list[str]:
    """What an item keeps of its words, to know them again within a situation; "" where it has none. Takes (situation, words)."""
    texts = [f"{situation}/{words}" if (words := rules.plain(says)) else "" for situation, says in said]
    named = [t for t in texts if t]
    found = dict(zip(named, keeping.marks("item", named), strict=True)) if named else {}
    return [found[t][:40] if t else "" for t in texts]


def kept_since() -> datetime:
    """Drafts, reports begun and answers of the API from before this instant are kept no longer."""
    return clock.now() - timedelta(days=draft_days())


def late_drafts(since: datetime) -> QuerySet[m.Draft]:
    """Drafts that were not filed in ninety days. What was filed or taken over stays with its report."""
    return m.Draft.objects.filter(made_at__lt=since, status__in=m.UNFILED)


def anything_late() -> bool:
    """Whether something is kept longer than it may be."""
    since = kept_since()
    begun = m.BegunReport.objects.filter(saved_at__lt=since).exclude(answers={})
    return late_drafts(since).exists() or begun.exists() or m.Answered.objects.filter(at__lt=since).exists()


def person_marks(by: Person, pseudonyms: Sequence[str]) -> list[str]:
    """What an account keeps of its person's pseudonym: a mark that means something within this organisation alone."""
    found: list[str] = client.ask("marks_of_pseudonyms", person=by.ref, pseudonyms=list(pseudonyms), token=token_of(by))
    return [mark[:PERSON] for mark in found]


PERSON = 40


def persons_of(by: Person, interviews: Iterable[str]) -> dict[str, str]:
    """Whom each of these interviews was with, as the mark that an account keeps of its person (R-VER-1, SC-2)."""
    named = set(interviews)
    if not named:
        return {}
    with reading_as(by):
        rows = m.Interview.objects.filter(ref__in=named).values_list("ref", "person")
        return {ref: person[:PERSON] for ref, person in rows}


def interviews_of(person: str) -> int:
    """How many interviews with this person were allowed, by any organisation: a number and nothing else (SC-2)."""
    from answerable.authority.acting import scope_of
    from answerable.authority.principals import CLOCK

    with scope_of(CLOCK):
        return m.Interview.objects.filter(person=person, status=m.ALLOWED).count()


# --- counts of services -------------------------------------------------------------------------------------------

Key = tuple[int, tuple[str, str, str]]


def holding(situation: Situation) -> dict[Key, tuple[Cell, str]]:
    """Of each organisation and cell the one that holds: that of the latest table which was not taken out, and its reference."""
    found: dict[Key, tuple[Cell, str]] = {}
    rows = m.ServiceCounts.objects.filter(situation=situation, taken_out_at=None).order_by("brought_at", "pk")
    for organisation, ref, cells in rows.values_list("organisation_id", "ref", "cells").iterator():
        for cell in map(Cell._make, cells):
            found[organisation, cell.key] = cell, ref
    return found


def mark_of_counts(organisation: Body, situation: Situation, cells: Sequence[Cell]) -> str:
    """The mark of a table by what it says. Raises Refused for one that the organisation brought in before."""
    (mark,) = keeping.marks("counts", [f"{situation.ref}|{said(cells)}"])
    if m.ServiceCounts.objects.filter(organisation=organisation, mark=mark, taken_out_at=None).exists():
        raise Refused(_("This very table was brought in before. Nothing was changed."), reason="duplicate")
    return mark


def counted_again(organisation: Body, situation: Situation, cells: Sequence[Cell]) -> list[tuple[Cell, Cell, str]]:
    """Cells that the organisation brought in before: each as it comes, as it holds now, and the table that says so."""
    now = holding(situation)
    return [(c, *now[organisation.pk, c.key]) for c in cells if (organisation.pk, c.key) in now]


def tables_of_counts(tables: Iterable[m.ServiceCounts], situation: Situation) -> list[dict[str, Any]]:
    """Tables with each cell and the later table that replaced it, "" where it holds or went out with its table."""
    now = holding(situation)
    return [
        {
            "table": t,
            "why": _(WHY_OUT.get(t.taken_out_why, "")) if t.taken_out_why else "",
            "cells": [
                (c, "" if t.taken_out_at or (by := now[t.organisation_id, c.key][1]) == t.ref else by)
                for c in map(Cell._make, t.cells)
            ],
        }
        for t in tables
    ]
