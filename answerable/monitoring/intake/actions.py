"""Every change in taking reports in: a delivery kept or undone, a draft filed, a correction taken over, an interview asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
from answerable.monitoring import access, grades, lifecycle
from answerable.monitoring import actions as monitoring
from answerable.monitoring import queries as reports
from answerable.monitoring import rules as known
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake import counts as service_counts
from answerable.monitoring.intake import guard, queries, readers, rules
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.staging import checking, layout, runs, sealing, sentences
from answerable.monitoring.models import Incident, Party, Situation, SourceItem, item_ref
from answerable.monitoring.patterns import live
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import client, keeping
from answerable.vault.actions import token_of
from answerable.vault.consent import actions as consent
from answerable.vault.consent import rules as consents
from answerable.vault.custody import access as custodians

# How many drafts one act files: each has care, consents and a level of its own to enter.
FILED_AT_ONCE = 500


# --- deliveries ---------------------------------------------------------------------------------------------------


@action("bring_in_reports")
def bring_in_reports(staged: runs.Staged, *, by: Person) -> m.IntakeBatch:
    """Keep every good row of a delivery as a draft: all of them, once. What is bad stays named, row by row.

    The rows were checked and sealed before (stretches.advance); here they move in as they are. Raises Refused when the
    checking is not at its end, while another window checks or keeps the file, or when the same came in meanwhile.
    """
    authority.require(by, "bring_in_reports", Place("intake"))
    # Held until the commit: who came to check or drop the file before then would do it to what is being kept.
    staged.hold()
    try:
        batch = _kept(staged, by)
    except BaseException:
        staged.let_go()
        raise
    transaction.on_commit(staged.forget)
    return batch


def _kept(staged: runs.Staged, by: Person) -> m.IntakeBatch:
    """A run that is held, as a delivery with its drafts and its entry in the record."""
    state = staged.state
    if not state.finished:
        raise Refused(_("Not every row is checked yet. Go on with checking first."), reason="unfinished")
    if state.person != by.ref:
        raise Refused(_("A delivery is kept by the person who sent it."), reason="not_authorised")
    if not state.kept and not state.to_mend:
        raise Refused(_("Every row of this file is here already, so there is nothing to keep."), reason="none")
    if not state.kept:
        raise Refused(_("No row of this file can be kept, so there is nothing to bring in. Mend what is listed, or what each column "
                        "is set to, and bring the file in again."), reason="none")  # fmt: skip
    batch = m.IntakeBatch(
        id=state.batch_id, compartment=queries.compartment_of(by), organisation=by.body, route=state.route, mark=state.mark,
        rows=state.total, kept=state.kept, bad=state.bad, repeated=state.repeated, corrections=state.corrections,
        problems=state.problems, made_at=clock.now(), made_by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            _replace_earlier(staged)
            moved = _move_in("monitoring_draft", layout.COLUMNS, staged.home / "rows", "ref", staged)
            _move_in("monitoring_draftitem", layout.ITEM_COLUMNS, staged.home / "items", "draft_id", staged)
            _alike_within(batch)
            if moved != state.kept or not staged.whole:
                raise Refused(
                    _(
                        "What was checked of this file is no longer whole, so nothing of it was kept. Check the rows again."
                    ),
                    reason="unfinished",
                )
            _interviews_held(batch.drafts.all())
            if _withdrawn_by_now(batch.drafts.exclude(corrects="").values_list("corrects", flat=True)):
                raise Refused(
                    _("Consent to a report was withdrawn meanwhile of which this file holds a later version. Nothing was "
                      "changed; check the file again."), reason="consent",
                )  # fmt: skip
    except IntegrityError:
        raise Refused(
            _(
                "The same file or one of its submissions was brought in meanwhile. Nothing was changed; check the file again."
            ),
            reason="duplicate",
        ) from None
    record.append(
        "reports brought in", batch, by=by,
        detail={"route": state.route, "rows": state.total, "kept": state.kept, "bad": state.bad, "repeated": state.repeated,
                "corrections": state.corrections, "mark": state.mark},
    )  # fmt: skip
    return batch


def _withdrawn_by_now(reports: Iterable[str]) -> set[str]:
    """Those of these reports whose consent is withdrawn, none of which is being withdrawn meanwhile: a later version is kept
    before, and goes with the report, or not at all.
    """
    refs = list(reports)
    with scope_of(CLOCK):
        list(Incident.objects.select_for_update(no_key=True).filter(ref__in=refs).order_by("pk").values_list("pk"))
    return queries.withdrawn(refs)


def _move_in(table: str, columns: Sequence[str], path: Path, named: str, staged: runs.Staged) -> int:
    """Rows that are ready, into a table, a megabyte at a time; not of drafts that a later row of the file replaced. Returns how
    many. (Row-level security takes no COPY, and nobody needs the right to make tables of their own for it.)
    """
    moved = 0
    gone, at = set(staged.state.superseded), columns.index(named)
    names = ", ".join(columns)
    values = ", ".join(f"NULLIF(a[{n}], '\\N')::{layout.CASTS.get(c, 'text')}" for n, c in enumerate(columns, 1))
    with connection.cursor() as cursor:
        for part in layout.whole_lines(path):
            if gone and not (part := "\n".join(x for x in part.split("\n") if x.split("\t", at + 1)[at] not in gone)):
                continue
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM (SELECT string_to_array(l, E'\t') AS a FROM "
                "string_to_table(%s, E'\n') AS l) AS lines", [part],
            )  # fmt: skip
            moved += cursor.rowcount
    return moved


def _alike_within(batch: m.IntakeBatch) -> None:
    """Rows of one delivery that look like versions of one another: each is asked about the one before it, by when it came in where
    it was collected and then by row. What the later one looked like before is handed to the earlier, where that had no doubt.
    """
    last: dict[str, m.Draft] = {}
    doubted: dict[int, m.Draft] = {}
    rows = batch.drafts.exclude(hints=[]).order_by("as_of", "row")
    for draft in rows.only("ref", "version", "status", "hints", "looks_like"):
        before = next((last[h] for h in draft.hints if h in last), None) if draft.version == 1 else None
        last |= dict.fromkeys(draft.hints, draft)
        if before is None or (draft.looks_like and before.version > 1):
            continue
        if draft.looks_like and not before.looks_like:
            before.looks_like = draft.looks_like
            doubted[before.pk] = before
        draft.looks_like = before.ref
        doubted[draft.pk] = draft
    m.Draft.objects.bulk_update(doubted.values(), ["looks_like"], batch_size=1000)


def _replace_earlier(staged: runs.Staged) -> None:
    """Drafts of which a later version comes in give way to it; a report that was filed stays as it is."""
    if not staged.state.corrections:
        return
    at, version = layout.COLUMNS.index("identity"), layout.COLUMNS.index("version")
    later: list[str] = []
    with (staged.home / "rows").open("rb") as rows:
        for one in rows:
            parts = one.split(b"\t", at + 1)
            if parts[version] != b"1":
                later.append(parts[at].decode())
    m.Draft.objects.filter(
        organisation__ref=Person.objects.values_list("body__ref", flat=True).get(ref=staged.state.person),
        identity__in=later, status__in=[m.DRAFT, m.CORRECTION],
    ).update(status=m.REPLACED)  # fmt: skip


@action("undo_reports")
def undo_reports(batch: m.IntakeBatch, *, by: Person) -> m.IntakeBatch:
    """Take a delivery out again, as one act: its drafts are emptied and their keys destroyed.

    Raises Refused once a report of it was filed: that is then a report, and is withdrawn or referred as one.
    """
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "undo_reports", batch)
    if not (token := by.vault_session or ""):
        raise Refused(
            _("Your key is locked. Unlock it first: the vault destroys the keys in your own session."), reason="locked"
        )
    if not by.fresh:
        raise Refused(_("Confirm that it is you before keys are destroyed."), reason="confirm")
    if batch.undone_at:
        raise Refused(_("That delivery was undone already."), reason="lifecycle")
    # The drafts under their lock: one that is being filed in another window is filed by now, or waits and is refused.
    drafts = list(batch.drafts.select_for_update().order_by("pk").values_list("identity", "status"))
    filed = sum(status in (m.FILED, m.TAKEN_OVER) for _identity, status in drafts)
    if filed:
        raise Refused(
            ngettext(
                "%(n)d report of this delivery was filed, so the delivery stays. Set the other drafts aside one by one.",
                "%(n)d reports of this delivery were filed, so the delivery stays. Set the other drafts aside one by one.",
                filed,
            ) % {"n": filed}, reason="relied_upon",
        )  # fmt: skip
    back = _back_again(batch)
    _emptied(batch.drafts.all(), m.UNDONE)
    _interviews_free([identity for identity, _status in drafts], by.body_id)
    _interviews_held(back)
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at"])
    record.append("reports taken out again", batch, by=by, detail={"drafts": len(drafts)})
    # Keys go after the commit, in the session of whoever undoes it: the vault looks for itself what came with it.
    transaction.on_commit(lambda: client.ask("shred_undone", token=token, batch=batch.ref))
    return batch


def _emptied(drafts: QuerySet[m.Draft], status: str) -> int:
    """Take everything out of drafts; what is left says that there was one. Their sealed files are then nobody's."""
    m.DraftItem.objects.filter(draft__in=drafts.values("ref")).update(**m.EMPTY_ITEM)
    return drafts.update(status=status, **m.EMPTY)


def _interviews_free(identities: Iterable[str], organisation: int) -> None:
    """Interviews of submissions that will not be filed may carry another report; not where a version that stands names them."""
    of = sorted({i for i in identities if i})
    stands = m.DraftItem.objects.filter(
        draft__organisation=organisation, draft__identity__in=of, draft__status__in=m.STANDS
    )
    named = list(stands.filter(coded__has_key="interview").values_list("coded__interview", flat=True))
    held = m.Interview.objects.filter(held_by__in=of, organisation=organisation, report=None)
    held.exclude(ref__in=named).update(held_by="")


def _interviews_held(drafts: QuerySet[m.Draft]) -> None:
    """From the draft on an interview carries the account of this submission and of no other (SC-2)."""
    named = m.DraftItem.objects.filter(draft__in=drafts.values("ref"), coded__has_key="interview")
    for ref, identity, row in list(named.values_list("coded__interview", "draft__identity", "draft__row")):
        taken = m.Interview.objects.select_for_update().filter(ref=ref)
        if not taken.filter(held_by__in=["", identity]).update(held_by=identity):
            why = _(guard.SPENT)
            raise Refused(_("Row %(row)d: %(why)s") % {"row": row, "why": why} if row else why, reason="interview")


def _back_again(batch: m.IntakeBatch) -> QuerySet[m.Draft]:
    """Versions that gave way to this delivery's stand again: of each submission the latest that is left; returns them."""
    stood = Q(status__in=[m.DRAFT, m.SET_ASIDE], corrects="") | Q(status=m.CORRECTION)
    ours = list(batch.drafts.filter(stood, version__gt=1).values_list("identity", flat=True))
    left: dict[str, list[m.Draft]] = {}
    others = m.Draft.objects.filter(organisation=batch.organisation, identity__in=ours).exclude(batch=batch)
    for d in others.order_by("version", "pk").only("identity", "status", "corrects"):
        left.setdefault(d.identity, []).append(d)
    back: dict[str, list[int]] = {m.DRAFT: [], m.CORRECTION: []}
    for versions in left.values():
        # What was replaced before something that was filed, taken over or set aside, or that stands, is behind it.
        stands = max((n for n, d in enumerate(versions) if d.status in (*m.STANDS, m.SET_ASIDE)), default=-1)
        if again := [d for d in versions[stands + 1 :] if d.status == m.REPLACED]:
            back[m.CORRECTION if again[-1].corrects else m.DRAFT].append(again[-1].pk)
    batch.drafts.update(status=m.UNDONE)
    for status, keys in back.items():
        m.Draft.objects.filter(pk__in=keys, status=m.REPLACED).update(status=status)
    return m.Draft.objects.filter(pk__in=[k for keys in back.values() for k in keys])


@question("clear_details").answer_with
def _clear_drafts(ref: str) -> None:
    """Every version of the submission that a shredded report was keeps its reference, and nothing that was told."""
    if ref.startswith("INC"):
        versions = list(queries.versions_of(ref).values_list("ref", flat=True))
        m.DraftItem.objects.filter(draft__ref__in=versions).update(**m.EMPTY_ITEM)
        m.Draft.objects.filter(ref__in=versions).update(**m.EMPTY)
    elif ref.startswith("ITM"):
        m.DraftItem.objects.filter(ref=ref).update(**m.EMPTY_ITEM)
    elif ref.startswith("ITV"):
        m.Interview.objects.filter(ref=ref).update(**m.EMPTY_INTERVIEW)


# --- drafts -------------------------------------------------------------------------------------------------------


def _counts_now(filed: Sequence[Incident], *, why: str = "report received") -> None:
    """Levels and windows follow what came in, and reports like it are looked for."""
    live.first(i.ref for i in filed)  # all their actors at once, whoever comes first among them
    for party in {i.party_id: i.party for i in filed}.values():
        monitoring.relevel(party, *(i.ref for i in filed if i.party_id == party.pk), why=why)
    for incident in filed:
        question("report_changed").ask(incident.ref)


def _locked(draft: m.Draft) -> m.Draft:
    """A draft for an act that files it or sets it aside: its delivery is locked first, then it, as by whoever takes that out."""
    if draft.batch_id is not None:
        m.IntakeBatch.objects.select_for_update().get(pk=draft.batch_id)
    return m.Draft.objects.select_for_update().get(pk=draft.pk)


@action("file_draft")
def file_draft(
    draft: m.Draft, *, party: Party | None = None, also: Sequence[Party] = (), link_reason: str = "", by: Person
) -> Incident:
    """File a draft as a report, its items with it. What a draft may lack is given now: the actor named first, those besides
    (`also`), why it is linked. Raises Refused.
    """
    draft = _locked(draft)
    authority.require(by, "file_draft", draft)
    incident, files = _filed(draft, party=party, also=also, link_reason=link_reason, by=by)
    _counts_now([incident])
    entry = record.append(
        "report received", incident, by=by, to_state=incident.status,
        detail={"situation": incident.situation.ref, "organisation": incident.organisation.ref, "items": incident.items.count(),
                "files": len(files), **_taken(files, by)},
    )  # fmt: skip
    _files_enter(files, entry, by=by)
    return incident


@action("file_drafts")
def file_drafts(batch: m.IntakeBatch, *, by: Person) -> int:
    """File the next five hundred drafts of a delivery that lack nothing. Returns how many."""
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "file_drafts", batch)
    ready = (
        batch.drafts.filter(status=m.DRAFT, lacks=[], looks_like="").select_for_update().order_by("row")[:FILED_AT_ONCE]
    )
    made = [_filed(d, by=by) for d in list(ready)]
    filed, files = [i for i, _files in made], [f for _incident, of in made for f in of]
    _counts_now(filed)
    if not filed:
        raise Refused(
            _("No draft of this delivery is ready to be filed: each lacks something, or is filed."), reason="none"
        )
    entry = record.append(
        "reports filed from a delivery", batch, by=by,
        detail={"filed": [i.ref for i in filed][:FILED_AT_ONCE], "files": len(files), **_taken(files, by)},
    )  # fmt: skip
    _files_enter(files, entry, by=by)
    return len(filed)


# A file that came with an item, and the item that it is evidence on.
Came = tuple[SourceItem, m.DraftItem]


def _taken(files: Sequence[Came], by: Person) -> dict[str, Any]:
    """What the entry of a filing says of the files it takes in: each with its commitment, and under which roles."""
    taken = {came.file_ref: came.file_commitment for _item, came in files}
    return {"taken": taken, "roles": evidence.roles_of(by)} if taken else {}


def _files_enter(files: Sequence[Came], entry: Entry, *, by: Person) -> None:
    """Files that came with a report are evidence from its filing on: not opened, not sealed anew, and in custody."""
    for item, came in files:
        evidence.came_in(item, came.file_ref, entry=entry, by=by)


# Answers that a report or an item has no column for, and keeps with it all the same.
FURTHER = ("actor_types", "victim_counts", "protocol_signatory", "declined")
FURTHER_OF_ITEM = ("directness", "item_language", "item_interpreter", "testimony", "releasability", "understood",
                   "withdrawal_told", "interview", "words")  # fmt: skip


def _further(draft: m.Draft) -> dict[str, Any]:
    """What form A1 holds besides: the date as it was given, where it says more than a day and how far it is known."""
    found = {name: draft.coded[name] for name in FURTHER if name in draft.coded}
    told = _dates(draft)
    plain = told["earliest"] is None and edtf.written(told["on"], told["precision"]) == draft.when
    return found if plain else {**found, "when": draft.when}


def _dates(draft: m.Draft) -> dict[str, Any]:
    """The day a report is counted on, how far it is known, and between which days it lies where that says too little."""
    when = edtf.parse(draft.when)
    earliest, latest = when.possible
    precision = "week" if draft.when == edtf.written(when.earliest, "week") else when.precision
    told = precision != edtf.RANGE and (earliest, latest) == (when.earliest, when.latest)
    return {
        "on": when.earliest, "precision": precision, "earliest": None if told else earliest,
        "latest": None if told else latest,
    }  # fmt: skip


def _filed(
    draft: m.Draft, *, party: Party | None = None, also: Sequence[Party] = (), link_reason: str = "", by: Person
) -> tuple[Incident, list[Came]]:
    """The report a draft becomes, inside an act that has its own entry: coded facts and sealed texts move as they are.

    With it the files that came with its items, which enter the custody log under that entry.
    """
    if draft.status != m.DRAFT:
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    if draft.looks_like:
        raise Refused(
            _("This may be a later version of %(ref)s. Say first whether it is, or a report of its own.")
            % {"ref": queries.in_doubt(draft)},
            reason="version",
        )
    actors = [party, *also] if party else queries.actors_of(draft)
    party = actors[0] if actors else None
    problems = []
    if draft.party and len(queries.actors_of(draft)) <= len(draft.coded.get(rules.ALSO, ())):
        problems.append(
            _(
                "An armed actor that this draft names is entered here no more. Set the draft aside and bring the report in again."
            )
        )
    if party is None:
        problems.append(_("Choose the armed actor before filing."))
    elif any(a.situation_id != draft.situation_id for a in actors):
        problems.append(_("That actor does not belong to this situation."))
    elif len({a.pk for a in actors}) > rules.MOST_ACTORS:
        problems.append(_("A report names at most %(most)d armed actors.") % {"most": rules.MOST_ACTORS})
    reason_kept = "link_reason" not in draft.lacks
    if not reason_kept and not link_reason.strip():
        problems.append(_("Say in a sentence why it is linked to the conflict (R-TAX-1)."))
    problems += [s for answer in question("care_offered").ask(draft.ref, True, by) for s in answer]
    if problems or party is None:
        raise Refused(" ".join(problems), reason="report")
    texts = {"narrative": bytes(draft.narrative), "place": bytes(draft.place), "link_reason": bytes(draft.link_reason)}
    if not reason_kept:
        texts = keeping.seal_fields(
            draft.ref, draft.compartment, "Incident", {"narrative": "", "place": "", "link_reason": link_reason}
        )
    c: Mapping[str, Any] = draft.coded
    incident = Incident(
        ref=draft.ref, compartment=draft.compartment, situation=draft.situation, party=party, organisation=draft.organisation,
        collected_by=draft.collected_by, **_dates(draft), area1=draft.area1, area2=draft.area2,
        victims_min=c["victims_min"], victims=c["victims"], victims_max=c["victims_max"], forms=c["forms"], links=c["links"],
        settings=c.get("settings", []), consequences=c.get("consequences", []), risk=c["risk"], referral_offered=True,
        searched_first=True, submitted_at=clock.now(), status=lifecycle.SUBMITTED, because=[known.NO_ITEM_YET],
        further=_further(draft), versions_by=sorted(queries.had_versions(draft)), **texts,
    )  # fmt: skip
    incident.save(force_insert=True)
    monitoring.name_further(incident, actors)
    files = _filed_items(incident, draft.items.all(), by=by)
    draft.status, draft.party = m.FILED, party
    draft.coded = {**draft.coded, **({rules.ALSO: [a.ref for a in actors[1:]]} if actors[1:] else {})}
    draft.save(update_fields=["status", "party", "coded"])
    return incident, files


def _filed_items(incident: Incident, items: Iterable[m.DraftItem], *, by: Person) -> list[Came]:
    """The items of a draft on the report it becomes; returns those that came with a file."""
    files = []
    for item in items:
        made = _source_item(incident, item.ref, item.coded, bytes(item.says), by=by)
        if item.file:
            evidence.came_with(
                made, ref=item.file_ref, kind=item.file_kind, stored=item.file, commitment=bytes.fromhex(item.file_commitment),
                mark=bytes(item.file_mark), alike=item.coded.get("file_alike", ""), by=by,
                sealed={"name": bytes(item.file_name), "salt": bytes(item.file_salt), "digest": bytes(item.file_digest)},
            )  # fmt: skip
            files.append((made, item))
    return files


def _source_item(incident: Incident, ref: str, coded: Mapping[str, Any], says: bytes, *, by: Person) -> SourceItem:
    c = coded
    made = SourceItem(
        ref=ref, compartment=incident.compartment, incident=incident, kind=c["kind"], primary=c["directness"] == "primary",
        reliability=c.get("reliability", ""), credibility=c.get("credibility", 0), testimony=c.get("testimony", ""),
        person_key=grades.pseudonym(c.get("person_key", "")), contrary=bool(c.get("contrary")), purposes=list(c.get("purposes", [])),
        captured_on=date.fromisoformat(c["captured_on"]), further={n: c[n] for n in FURTHER_OF_ITEM if n in c}, says=says,
        added_by=by, waits=reports.waits_for_a_verifier(incident, bool(c.get("contrary"))),
    )  # fmt: skip
    made.save(force_insert=True)
    if c.get("interview"):
        m.Interview.objects.filter(ref=c["interview"], report=None).update(report=incident)
    if made.purposes:
        consent.write_down(
            made, _terms(c), child=c.get("giver") == "guardian", language=c.get("consent_language", ""),
            method=c.get("consent_method", "spoken"), interpreter=bool(c.get("consent_interpreter")), by=by,
        )  # fmt: skip
    return made


def _terms(c: Mapping[str, Any]) -> list[consents.Terms]:
    """One answer a purpose, in the purpose's own terms where the form said nothing narrower."""
    until = date.fromisoformat(c["consent_until"]) if c.get("consent_until") else None
    found = []
    for purpose in c["purposes"]:
        terms, most = consents.default_terms(purpose, on=clock.today()), consents.purposes()[purpose].limit
        said = c.get("identifiability") or terms.identifiability
        found.append(
            replace(
                terms, identifiability=min(said, most), expires_on=until or terms.expires_on, giver=c.get("giver", "self"),
                assent=bool(c.get("assent")), guardian_not_implicated=bool(c.get("guardian_not_implicated")),
            )
        )  # fmt: skip
    return found


@action("set_draft_aside")
def set_draft_aside(draft: m.Draft, *, by: Person) -> m.Draft:
    """A draft that is not filed, or a correction that is not taken over. It stays, and is not offered again."""
    draft = _locked(draft)
    authority.require(by, "set_draft_aside", draft)
    if draft.status not in (m.DRAFT, m.CORRECTION):
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    before, draft.status = draft.status, m.SET_ASIDE
    draft.save(update_fields=["status"])
    _interviews_free([draft.identity], draft.organisation_id)
    record.append("draft set aside", draft, by=by, from_state=before, to_state=draft.status)
    return draft


@action("take_as_version")
def take_as_version(draft: m.Draft, *, by: Person) -> m.Draft:
    """A person says that a draft is a later version of what it looks like: it takes the place of that draft, or waits as a correction
    of that report, as if its names had said so: with every version of its own, and with the doubt of the draft whose place it takes.
    Raises Refused.
    """
    draft = _locked(draft)
    authority.require(by, "file_draft", draft)
    earlier = m.Draft.objects.filter(ref=queries.in_doubt(draft)).first() if draft.looks_like else None
    if draft.status != m.DRAFT or earlier is None:
        raise Refused(_(NOT_IN_DOUBT), reason="lifecycle")
    of = m.Draft.objects.filter(organisation=draft.organisation_id, identity=earlier.identity)
    list(of.select_for_update().order_by("pk").values_list("pk"))
    known = queries.seen_before(draft.organisation_id, [earlier.identity]).get(earlier.identity)
    filed = known is not None and known.status in (m.FILED, m.TAKEN_OVER)
    if known and filed and _withdrawn_by_now([known.ref]):
        raise Refused(_(sentences.WITHDRAWN), reason="consent")
    if known is None or (not filed and known.status != m.DRAFT):
        raise Refused(
            _("What it may be a version of is no longer open. Say that it is a report of its own."), reason="lifecycle"
        )
    of.filter(status__in=[m.DRAFT, m.CORRECTION]).update(status=m.REPLACED)
    own, before = draft.identity, draft.status
    doubt = "" if filed else known.looks_like
    versions = m.Draft.objects.select_for_update().filter(organisation=draft.organisation_id, identity=own)
    for d in [*versions.exclude(pk=draft.pk).order_by("pk"), draft]:
        d.identity, d.also, d.version = known.identity, [*d.also, own], known.version + d.version
        d.looks_like, d.corrects = doubt, known.ref if filed else ""
        if d is draft:
            d.status = m.CORRECTION if filed else m.DRAFT
        d.save(update_fields=["identity", "also", "version", "looks_like", "status", "corrects"])
    m.Interview.objects.filter(held_by=own, organisation=draft.organisation_id).update(held_by=known.identity)
    record.append(
        "draft taken as a later version", draft, by=by, from_state=before, to_state=draft.status,
        detail={"of": known.ref, "version": draft.version},
    )  # fmt: skip
    return draft


@action("keep_apart")
def keep_apart(draft: m.Draft, *, by: Person) -> m.Draft:
    """A person says that a draft is no later version of what it looks like: a report of its own, unless that was itself an undecided
    draft. Then it may still be a later version of what that one looks like, and is asked about this next.
    """
    draft = _locked(draft)
    authority.require(by, "file_draft", draft)
    if draft.status != m.DRAFT or not draft.looks_like:
        raise Refused(_(NOT_IN_DOUBT), reason="lifecycle")
    of = queries.in_doubt(draft)
    asked = m.Draft.objects.filter(ref=of).values_list("identity", flat=True).first()
    known = queries.seen_before(draft.organisation_id, [asked]).get(asked) if asked else None
    draft.looks_like = known.looks_like if known and known.status == m.DRAFT else ""
    draft.save(update_fields=["looks_like"])
    record.append("draft kept apart", draft, by=by, detail={"of": of})
    return draft


NOT_IN_DOUBT = rules._("Nothing is in doubt about this draft: it was decided, or is no longer open.")


@action("take_over_correction")
def take_over_correction(draft: m.Draft, *, actors: Sequence[Party] = (), by: Person) -> Incident:
    """A later version of a submission corrects the report it became: never a second report.

    Coded facts change to the later version's; the texts of both versions stay, each sealed as it came, and whoever opens the
    report's words is shown the newest with the earlier ones beside it. Items that the
    submission did not have before are added; an item it had, or whose words or file are on the report already, stays as it was graded. Where
    the later version names other armed actors, `actors` says for which it counts: the report's or the version's; one that names
    another situation is refused. A report whose verification was
    concluded is open again when what counts changed or an item was added: what was found of the earlier facts is not said of
    the later ones. Else it stays counted, and a verifier is told to look whether its level holds. Raises Refused.
    """
    live.first([draft.corrects], also=[a.pk for a in actors])
    draft = m.Draft.objects.select_for_update().get(pk=draft.pk)
    incident = Incident.objects.select_for_update(no_key=True).filter(ref=draft.corrects).first()
    authority.require(by, "take_over_correction", draft)
    if draft.status != m.CORRECTION or incident is None:
        raise Refused(_("This is no correction that waits."), reason="lifecycle")
    if incident.status == lifecycle.CONSENT_WITHDRAWN:
        raise Refused(_("Consent to this report was withdrawn, so nothing of it is changed. Set the correction aside."),
                      reason="consent")  # fmt: skip
    if incident.status == lifecycle.MERGED:
        raise Refused(
            _("This report is linked to another as the same incident. Take that link back first, then take over the correction."),
            reason="linked",
        )  # fmt: skip
    if queries.other_situation(draft, incident):
        raise Refused(
            _("This version names another situation than the report, and a report stays in its situation. Set the correction aside; "
              "if it happened in the other situation, file it there as a report of its own."), reason="situation",
        )  # fmt: skip
    named, others = incident.actors, queries.other_actors(draft, incident)
    if others and not actors:
        raise Refused(
            _("This version names other armed actors than the report. Choose for which it counts."),
            reason="party",
        )
    chosen = {a.pk for a in actors} or {a.pk for a in named}
    if chosen not in ({a.pk for a in named}, {a.pk for a in others}):
        raise Refused(_("Choose the actors that the report or this version names."), reason="party")
    was, before = incident.status, {f: getattr(incident, f) for f in CORRECTED}
    by_category = incident.further.get("victim_counts", {})
    other_set = chosen != {a.pk for a in named}
    if incident.party_id not in chosen:
        incident.party = actors[0]
    c: Mapping[str, Any] = draft.coded
    for name, value in _dates(draft).items():
        setattr(incident, name, value)
    incident.area1, incident.area2, incident.further = draft.area1, draft.area2, _further(draft)
    for name in ("victims", "victims_min", "victims_max", "forms", "links", "risk"):
        setattr(incident, name, c[name])
    incident.settings, incident.consequences = c.get("settings", []), c.get("consequences", [])
    changed = sorted(f for f in CORRECTED if before[f] != getattr(incident, f) or (f == "party" and other_set))
    told, tells = before["further"], incident.further
    answers = sorted(n for n in {*told, *tells} if told.get(n) != tells.get(n) and n != "when")
    new = queries.new_items(draft)
    items = queries.not_here_yet(incident, new)
    if was in lifecycle.ASSESSED:
        if items or COUNTS & set(changed) or by_category != incident.further.get("victim_counts", {}):
            incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=was)
        incident.story_corrected = incident.status == was
    incident.versions_by = sorted({*incident.versions_by, *queries.had_versions(draft), by.ref})
    incident.save(update_fields=[*CORRECTED, "status", "story_corrected", "versions_by"])
    if other_set:
        monitoring.name_further(incident, actors)
    files = _filed_items(incident, items, by=by)
    draft.status = m.TAKEN_OVER
    draft.save(update_fields=["status"])
    _counts_now([incident], why="report corrected")
    entry = record.append(
        "report corrected", incident, by=by, from_state=was, to_state=incident.status,
        detail={"correction": draft.ref, "version": draft.version, "changed": [*changed, *answers], "files": len(files),
                "here_already": len(new) - len(items), **_taken(files, by),
                **({"actors_before": [a.ref for a in named]} if other_set else {})},
    )  # fmt: skip
    _files_enter(files, entry, by=by)
    return incident


# What of a report is counted: a level was found of these facts, and of no others.
COUNTS = frozenset(
    {"party", "on", "precision", "earliest", "latest", "area1", "area2", "victims", "victims_min", "victims_max", "forms", "links"}
)  # fmt: skip
CORRECTED = sorted({*COUNTS, "risk", "settings", "consequences", "further"})


@action("look_at_corrected_story")
def look_at_corrected_story(incident: Incident, *, holds: bool, by: Person) -> Incident:
    """A verifier who did not collect a report says, after its story was corrected, that its level still holds, or opens it again."""
    live.first([incident.ref])
    incident = Incident.objects.select_for_update(no_key=True).select_related("party").get(pk=incident.pk)
    authority.require(by, "verify_incident", incident)
    if why := reports.her_own_in(by, incident):
        raise Refused(why, reason="SOD-01")
    was = incident.status
    if not incident.story_corrected or was not in lifecycle.ASSESSED:
        raise Refused(_("No correction of its story waits to be looked at."), reason="lifecycle")
    if not holds:
        incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=was)
    incident.story_corrected = False
    incident.save(update_fields=["status", "story_corrected"])
    if not holds:
        _counts_now([incident], why="reopen")
    record.append(
        "corrected story looked at" if holds else "reopen", incident, by=by, from_state=was, to_state=incident.status
    )
    return incident


# --- what nobody filed in time ------------------------------------------------------------------------------------


@action("let_drafts_lapse")
def let_drafts_lapse(*, by: HasPrincipal) -> int:
    """Empty the next five hundred drafts, and reports begun, that are older than ninety days (domain.md §7.3); returns how many.

    Their keys are destroyed after the commit; their sealed files go with quarantine's next sweep. Raises Refused when
    there is none.
    """
    authority.require(by, "let_drafts_lapse", Place("intake"))
    since = queries.kept_since()
    late = list(queries.late_drafts(since).select_for_update().order_by("pk")[:FILED_AT_ONCE])
    begun = m.BegunReport.objects.filter(saved_at__lt=since).exclude(answers={}).update(answers={}, done=True)
    answered, _each = m.Answered.objects.filter(at__lt=since).delete()
    if not (late or begun or answered):
        raise Refused(_("No draft is that old."), reason="none")
    refs = [d.ref for d in late]
    for d in late:
        if d.looks_like:
            m.Draft.objects.filter(looks_like=d.ref).update(looks_like=d.looks_like)
    lapsed = m.Draft.objects.filter(pk__in=[d.pk for d in late])
    _emptied(lapsed, m.LAPSED)
    for organisation in {d.organisation_id for d in late}:
        _interviews_free([d.identity for d in late if d.organisation_id == organisation], organisation)
    # Not even the marks stay: the same report may come again, and is then new.
    lapsed.update(identity="", also=[], content="", hints=[], looks_like="")
    record.append("drafts lapsed", "INTAKE", by=by, detail={"drafts": refs, "begun": begun, "answers": answered})
    if refs:
        # Keys go after the commit: the vault looks for itself whether they have lapsed.
        transaction.on_commit(lambda: client.ask("shred_lapsed", drafts=refs))
    return len(late) + begun + answered


def owed() -> int:
    """What the worker does for intake, every minute: unfinished runs swept, drafts that nobody filed in time deleted."""
    runs.sweep()
    done = 0
    while True:
        with reading_as(CLOCK):
            if not queries.anything_late():
                return done
        done += let_drafts_lapse(by=CLOCK)


# --- one report at a time: the API and the web form ---------------------------------------------------------------


@action("deliver_report")
def deliver_report(
    row: Mapping[str, Any],
    *,
    route: str,
    key: str = "",
    hold: bool = False,
    begun: m.BegunReport | None = None,
    by: Person,
) -> tuple[m.Draft, Incident | None]:
    """One report by the API or the web form: the same check as every route. Filed when it lacks nothing, else a draft.

    The same submission again gives what it gave before; a later version of one is a draft or a correction, never a
    second report. `hold` keeps it a draft although nothing is missing. Raises Refused with every problem, and AnsweredBefore where
    this body came under this `key` already, also while it waited.
    """
    if key:
        _wait_for(key, by)
        if (before := answered(key, row, by=by)) is not None:
            raise AnsweredBefore(before)
    if route == "api" and (odd := rules.not_asked(row)):
        raise Problems(odd)
    named = str(row.get("situation", ""))
    situation = None if rules.unkeepable(named) else Situation.objects.filter(ref=named).first()
    authority.require(by, "bring_in_reports", Place("intake"))
    if situation is not None:
        authority.require(by, "receive_report", situation)
    intake = checking.Intake(by, situation=situation, batch_id=None, route=route)
    # Its own number is one of its organisation, whatever way it comes; by its route alone it was known before.
    own = row.get("submission_id")
    entry = readers.Record(0, [], ids=[f"own/{own}", f"{route}/{own}"] if own else [])
    clean, problems = intake.check(entry, dict(row))
    if clean is None:
        raise Problems(problems)
    fresh = intake.new([(entry, dict(row), clean)])
    if intake.wrong:
        raise Problems({name: problem for _record, name, problem in intake.wrong})
    if not fresh:
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate")
    fresh, spent = intake.guarded(fresh)
    if spent:
        raise Problems({name: problem for _record, name, problem in spent})
    asked = sealing.texts(intake, fresh)
    drafts, items = sealing.rows(intake, fresh, asked, sealing.seal(intake, asked))
    earlier = m.Draft.objects.filter(
        organisation=by.body, identity=fresh[0].identity, status__in=[m.DRAFT, m.CORRECTION]
    )
    draft = m.Draft(**dict(zip((c.strip('"') for c in layout.COLUMNS), drafts[0], strict=True)))
    if draft.corrects and _withdrawn_by_now([draft.corrects]):
        raise Refused(_(sentences.WITHDRAWN), reason="consent")
    try:
        with transaction.atomic():
            earlier.update(status=m.REPLACED)
            draft.save(force_insert=True)
    except IntegrityError:
        # The same report came in a moment ago by another way.
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate") from None
    for values in items:
        m.DraftItem(**dict(zip(layout.ITEM_COLUMNS, values, strict=True))).save(force_insert=True)
    _interviews_held(m.Draft.objects.filter(pk=draft.pk))
    # No file comes this way, so none enters the custody log.
    ready = draft.status == m.DRAFT and not (draft.lacks or draft.looks_like or hold)
    incident = _filed(draft, by=by)[0] if ready else None
    if begun is not None:
        begun.done, begun.answers = True, {}
        begun.save(update_fields=["done", "answers"])
    if incident is not None:
        _counts_now([incident])
    if key:
        _remember(key, row, draft, incident, by=by)
    record.append(
        "report received" if incident else "draft received", draft.ref, by=by, to_state=incident.status if incident else draft.status,
        detail={"situation": clean.situation, "organisation": by.body.ref, "route": route, "version": draft.version},
    )  # fmt: skip
    return draft, incident


@action("attach_item")
def attach_item(
    incident: Incident, row: Mapping[str, Any], *, parents: Sequence[SourceItem] = (), by: Person
) -> SourceItem:
    """One item (forms A2 and A3) onto a report that is filed, by the same check as every route; an account with its interview.

    Raises Problems with everything that is wrong, by field.
    """
    live.first([incident.ref])
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    authority.require(by, "add_item", incident)
    item, problems = rules.check_item(row, queries.world(by, incident.situation, asks=True))
    if any(p.incident_id != incident.pk and p.compartment != incident.compartment for p in parents):
        problems["parents"] = rules.Problem(rules._("An item can only derive from one you can see."))
    if item is None or problems:
        raise Problems(problems)
    ref, coded = item_ref(), dict(item.coded)
    if words := queries.word_marks([(incident.situation.ref, item.says)])[0]:
        if queries.words_here(incident, words):
            raise Problems({"says": rules.Problem(rules.HERE_ALREADY)})
        coded["words"] = words
    if coded.get("person_key"):
        (coded["person_key"],) = queries.person_marks(by, [coded["person_key"]])
    if named := coded.get("interview"):
        free = m.Interview.objects.select_for_update().filter(ref=named, held_by="", report=None)
        if not free.update(held_by=ref):
            raise Problems({"interview": rules.Problem(guard.SPENT)})
        person = queries.persons_of(by, [named])[named]
        if coded.get("person_key") not in (None, "", person):
            raise Problems({"person_key": rules.Problem(guard.ANOTHER)})
        coded["person_key"] = person
    says = keeping.seal_fields(ref, incident.compartment, "SourceItem", {"says": item.says})["says"]
    made = _source_item(incident, ref, coded, says, by=by)
    made.parents.set(parents)
    changed = monitoring.relevel(incident.party, incident.ref, why="item added", by=by)
    # The record's head is taken last, as by every act (patterns.live.first says the order).
    question("report_changed").ask(incident.ref)
    record.append(
        "item added", made, by=by,
        detail={"incident": incident.ref, "kind": made.kind, "grade": made.grade, "levels": changed},
    )  # fmt: skip
    return made


def row_of_day(values: Mapping[str, Any], *, by: Person) -> dict[str, Any]:
    """A report whose date is a day and how far it is known, as the row that every route is checked as.

    Kinds of actor that are not said are the named actors' own.
    """
    row = with_all_actors({k: v for k, v in values.items() if k not in ("on", "precision")})
    try:
        row["when"] = edtf.written(values["on"], str(values.get("precision") or edtf.DAY))
    except edtf.Unreadable as no:
        raise Problems({"when": rules.Problem(no.sentence)}) from None
    if not row.get("actor_types") and not rules.unkeepable(row.get("party")):
        given = row.get("party") or ""
        refs = [str(r) for r in (given if isinstance(given, list) else [given])]
        named = {p.ref: p for p in Party.objects.filter(ref__in=refs, situation__in=access.situations(by))}
        row["actor_types"] = list(dict.fromkeys(named[r].actor_type for r in refs if r in named))
    return row


def with_all_actors(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which `parties`, a list, is the same answer as `party`: who names both names all of them."""
    found = {k: v for k, v in row.items() if k != "parties"}
    if more := row.get("parties"):
        one = row.get("party")
        first = one if isinstance(one, list) else [one] if one else []
        found["party"] = [*first, *(more if isinstance(more, list) else [more])]
    return found


class Problems(Refused):
    """A report that did not pass the check: every problem by field."""

    def __init__(self, problems: Mapping[str, rules.Problem]) -> None:
        self.problems = {name: queries.words(p) for name, p in problems.items()}
        super().__init__(
            " ".join(f"{_(rules.bad_field(name))}: {sentence}" for name, sentence in self.problems.items()),
            reason="report",
        )


class AnsweredBefore(Exception):
    """The same body came under the same key already; `answer` is what it was answered."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        super().__init__("answered before")


def _wait_for(key: str, by: Person) -> None:
    """One body under a key at a time, until the transaction ends: those that come at once are answered one after another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7308, hashtext(%s))", [f"{by.ref}|{key}"])


def answered(key: str, row: Mapping[str, Any], *, by: Person) -> dict[str, Any] | None:
    """What was answered to this key before; None when it is new. Raises Refused when it came with another body (409)."""
    key_mark, body_mark = keeping.marks("idempotency", [f"{by.ref}|{key}", rules.content(row)])
    found = m.Answered.objects.filter(person=by, key=key_mark).first()
    if found is None:
        return None
    if found.body != body_mark:
        raise Refused(
            _("This Idempotency-Key was used before with another report. Use a new key for each report, and the same one "
              "only to send the same report again."), reason="idempotency",
        )  # fmt: skip
    answer: dict[str, Any] = found.answer
    return answer


def answer_of(draft: m.Draft, incident: Incident | None) -> dict[str, Any]:
    """What a delivery by the API is answered."""
    return {"ref": draft.ref, "status": incident.status if incident else draft.status, "lacks": [] if incident else draft.lacks,
            "version": draft.version, "corrects": draft.corrects}  # fmt: skip


def _remember(key: str, row: Mapping[str, Any], draft: m.Draft, incident: Incident | None, *, by: Person) -> None:
    key_mark, body_mark = keeping.marks("idempotency", [f"{by.ref}|{key}", rules.content(row)])
    m.Answered.objects.create(
        person=by, key=key_mark, body=body_mark, answer=answer_of(draft, incident), at=clock.now()
    )


@action("save_begun_report")
def save_begun_report(
    situation: Situation, answers: Mapping[str, Any], *, step: int, begun: m.BegunReport | None = None, by: Person
) -> m.BegunReport:
    """Save and stop: answers in codes, numbers and days are kept for ninety days; texts are not, until all is sealed at once."""
    authority.require(by, "receive_report", situation)
    kept = rules.kept_begun(answers, queries.world(by, situation))
    if begun is not None and (begun.by_id != by.pk or begun.done):
        raise Refused(_("That report was begun by someone else, or is filed."), reason="not_authorised")
    begun = begun or m.BegunReport(compartment=queries.compartment_of(by), situation=situation, by=by)
    begun.answers, begun.step, begun.saved_at = kept, step, clock.now()
    begun.save()
    record.append("report begun", begun, by=by, detail={"situation": situation.ref, "step": step})
    return begun


# --- interviews ---------------------------------------------------------------------------------------------------


@action("ask_for_interview")
def ask_for_interview(
    situation: Situation, *, purpose: str, added_value: str, why_not_enough: str, person: str, told_before: str = "not_asked",
    her_request: bool = False, who: str = "", by: Person,
) -> m.Interview:  # fmt: skip
    """Say why someone is to be asked for her account: purpose, what it adds, why what exists does not suffice (SC-1).

    A first interview is allowed with that. A second one, by any organisation, needs her own request, or waits for
    safeguarding (SC-2). `person` is the mark of her code or of a pseudonym. With `told_before` "custodians" it waits for
    two of them; `who` is then sealed to their seats and is nowhere else. Both reasons are sealed for whoever decides on a
    further interview. Raises Refused.
    """
    authority.require(by, "ask_for_interview", situation)
    problems = []
    if purpose not in taxonomy("consent_purpose"):
        problems.append(_("Say for which purpose the account is asked; it is one of the fifteen."))
    if len(added_value.split()) < 3:
        problems.append(_("Say in a sentence what this interview would add (SC-1)."))
    if len(why_not_enough.split()) < 3:
        problems.append(_("Say in a sentence why what is recorded already does not suffice (SC-1)."))
    if told_before not in guard.TOLD:
        problems.append(_("Say whether she was asked if she told this before."))
    asks_custodians = told_before == "custodians"
    if asks_custodians and not who.strip():
        problems.append(_("Say for the custodians whom you mean, as you know her; only they can read it."))
    if len(person) != 64:
        problems.append(_("Say which person it is about, by her code or by a pseudonym."))
    if problems:
        raise Refused(" ".join(problems), reason="interview")
    number = queries.interviews_of(person) + 1
    if told_before == "told":
        number = max(number, 2)  # her own code says so, wherever it was
    basis = guard.basis(number, her_request=her_request)
    allowed = basis != guard.SAFEGUARDING
    interview = m.Interview(
        her_request=her_request, compartment=queries.compartment_of(by), situation=situation, organisation=by.body, asked_by=by, person=person, purpose=purpose,
        told_before=told_before, number=number, basis=basis, status=m.WAITING if asks_custodians else m.ALLOWED if allowed else m.ASKED,
        asked_at=clock.now(),
    )  # fmt: skip
    sealed = keeping.seal_fields(
        interview.ref, guard.ROOM, "Interview", {"added_value": added_value, "why_not_enough": why_not_enough}
    )
    if asks_custodians:
        asked = client.ask("seal_question", token=token_of(by), interview=interview.ref, situation=situation.ref,
                           purpose=purpose, text=who.strip())  # fmt: skip
        interview.question, interview.question_keys = asked["sealed"], asked["keys"]
    interview.added_value, interview.why_not_enough = sealed["added_value"], sealed["why_not_enough"]
    interview.save(force_insert=True)
    record.append(
        "interview asked for", interview, by=by, to_state=interview.status,
        detail={"purpose": purpose, "number": number, "basis": basis, "told_before": told_before},
    )  # fmt: skip
    return interview


def take_question(interview: m.Interview, *, by: Person) -> bytes:
    """The sealed question for a custodian's own machine, which the vault enters. Raises Refused for whoever holds no seat,
    or when none waits.
    """
    authority.require(by, "take_question", interview)
    _seat(interview, by)
    file: bytes = client.ask("question_file", token=token_of(by), interview=interview.ref)
    return file


@action("give_word")
def give_word(interview: m.Interview, *, told: bool, share: Sequence[str], by: Person) -> m.Interview:
    """A custodian's word: whether she told before, and what may be shared instead. No name, no reference, nothing else.

    Two seats' words count together. She told: the interview is a further one, which her own wish or safeguarding allows, and
    what may be shared is offered. She did not: it is decided as if nobody had been asked. Raises Refused.
    """
    interview = m.Interview.objects.select_for_update().get(pk=interview.pk)
    authority.require(by, "give_word", interview)
    seat = _seat(interview, by)
    if any(w["seat"] == seat or w["by"] == by.ref for w in interview.words):
        raise Refused(_("Your seat has answered this already."), reason="duplicate")
    if set(share) - set(guard.SHARED_INSTEAD) or (share and not told):
        raise Refused(_("Only what she told before can be shared, for the purposes listed."), reason="share")
    interview.words = [*interview.words, {"seat": seat, "by": by.ref, "told": told, "share": list(share)}]
    before = interview.status
    if (together := guard.joined(interview.words)) is not None:
        known, interview.share = together
        interview.told_before = "told" if known else "not_told"
        interview.number = max(interview.number, 2) if known else interview.number
        interview.basis = guard.basis(interview.number, her_request=interview.her_request)
        # What can be shared comes before asking again: even her own wish is then looked at by safeguarding.
        waits = interview.basis == guard.SAFEGUARDING or interview.share
        interview.status = m.ASKED if waits else m.ALLOWED
        # The question has served: nobody reads it again.
        interview.question, interview.question_keys = b"", {}
    interview.save(
        update_fields=["words", "share", "told_before", "number", "basis", "status", "question", "question_keys"]
    )
    record.append(
        "custodian answered", interview, by=by, from_state=before, to_state=interview.status, detail={"seat": seat}
    )
    return interview


def _seat(interview: m.Interview, by: Person) -> str:
    """The seat this person holds. Raises Refused for whoever holds none, and when no question waits."""
    if interview.status != m.WAITING:
        raise Refused(_("No question waits here for the custodians."), reason="lifecycle")
    if not (seat := custodians.seat_of(by)):
        raise Refused(_("You hold none of the three identity seats."), reason="seat")
    return seat


@action("decide_interview")
def decide_interview(interview: m.Interview, *, allow: bool, reason: str, by: Person) -> m.Interview:
    """Safeguarding allows or refuses a further interview, with a reason among those the rules know (SC-2)."""
    interview = m.Interview.objects.select_for_update().get(pk=interview.pk)
    authority.require(by, "decide_interview", interview)
    if interview.status == m.WAITING:
        raise Refused(_("The custodians have not answered yet; decide when they have."), reason="lifecycle")
    if interview.status != m.ASKED:
        raise Refused(_("This was decided already."), reason="lifecycle")
    if reason not in (guard.GROUNDS if allow else guard.BARS):
        raise Refused(_("Give one of the reasons listed for this decision."), reason="reason")
    interview.status, interview.decided_by, interview.decided_at = (m.ALLOWED if allow else m.REFUSED), by, clock.now()
    interview.save(update_fields=["status", "decided_by", "decided_at"])
    record.append(
        "interview allowed" if allow else "interview refused", interview, by=by, from_state=m.ASKED, to_state=interview.status,
        reason=reason,
    )  # fmt: skip
    return interview


# --- counts of services -------------------------------------------------------------------------------------------


@action("bring_in_counts")
def bring_in_counts(
    situation: Situation, table: Sequence[service_counts.Cell], *, replacing: Collection[str] = (), by: Person
) -> m.ServiceCounts:
    """Keep a table of counts by type, month and area (GBVIMS). Cells too small to keep are kept without their number.

    Where it repeats cells of earlier tables of the organisation its own hold from now on; `replacing` names the tables of
    which that was said before. Raises Refused for the very table again, and where it would replace what was not said.
    """
    authority.require(by, "bring_in_counts", situation)
    with (
        connection.cursor() as cursor
    ):  # one table of a situation at a time, so that none replaces what it was not shown
        cursor.execute("SELECT pg_advisory_xact_lock(7305, %s::int)", [situation.pk])
    cells = service_counts.guarded(table)
    mark = queries.mark_of_counts(by.body, situation, cells)
    replaced = {ref for _cell, _before, ref in queries.counted_again(by.body, situation, cells)}
    if replaced - set(replacing):
        raise Refused(
            _("Cells of this table were brought in before. Look at what it replaces, and send it again."),
            reason="replaces",
        )
    made = m.ServiceCounts.objects.create(
        compartment=queries.compartment_of(by), organisation=by.body, situation=situation, mark=mark,
        cells=[list(c) for c in cells], brought_at=clock.now(), brought_by=by,
    )  # fmt: skip
    record.append(
        "service counts brought in", made, by=by,
        detail={"situation": situation.ref, "cells": len(made.cells), "withheld": sum(c[3] is None for c in made.cells),
                **({"replaces": sorted(replaced)} if replaced else {})},
    )  # fmt: skip
    return made


@action("take_out_counts")
def take_out_counts(counts: m.ServiceCounts, *, why: str, by: Person) -> m.ServiceCounts:
    """Take a table of counts out, for one of the reasons of counts.WHY_OUT. It stays in the history, said as taken out, and what
    it had replaced holds again; where a cell could point to someone, its cells are emptied.
    """
    counts = m.ServiceCounts.objects.select_for_update().get(pk=counts.pk)
    authority.require(by, "take_out_counts", counts)
    if counts.taken_out_at:
        raise Refused(_("That table was taken out already."), reason="lifecycle")
    if why not in service_counts.WHY_OUT:
        raise Refused(_("Give one of the reasons listed for this decision."), reason="reason")
    counts.taken_out_at, counts.taken_out_by, counts.taken_out_why = clock.now(), by, why
    if why == service_counts.SHOWS:
        counts.cells = []
    counts.save(update_fields=["taken_out_at", "taken_out_by", "taken_out_why", "cells"])
    record.append("service counts taken out", counts, by=by, reason=why, detail={"situation": counts.situation.ref})
    return counts
