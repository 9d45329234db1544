"""Armed actors, their names, and lines of command with their days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines.linkage import names
from answerable.monitoring import queries as known
from answerable.monitoring.linking import lists, queries, rules
from answerable.monitoring.linking.actions import comparing
from answerable.monitoring.linking.models import (
    Actor,
    ActorKey,
    ActorName,
    Command,
    Subordination,
)
from answerable.monitoring.models import Import, Incident, Party, Situation
from answerable.monitoring.patterns import live
from answerable.record import log as record


def put_actors(entries: Sequence[lists.Entry], source: str, batch: Import | None) -> tuple[int, int]:
    """Store actors with all their names and the skeletons under which they are found; counts of actors and names."""
    actors = Actor.objects.bulk_create(
        [
            Actor(kind=e.kind, source=source, source_id=e.source_id[:60], listed=e.listed[:160], imported=batch)
            for e in entries
        ],
        batch_size=1000,
    )
    rows, keys = [], []
    for actor, entry in zip(actors, entries, strict=True):
        every: set[str] = set()
        for name in entry.names:
            rows.append(ActorName(actor=actor, name=name.name[:300], kind=name.kind, script=names.script(name.name)))
            every |= names.keys(name.name)
        keys += [ActorKey(actor=actor, key=k[:80]) for k in sorted(every)]
    ActorName.objects.bulk_create(rows, batch_size=2000)
    ActorKey.objects.bulk_create(keys, batch_size=4000)
    return len(actors), len(rows)


@action("import_actors")
def import_actors(file: lists.ListFile, file_name: str, *, by: Person) -> Import:
    """Bring in a list of armed actors or designations: all of it or nothing. The same file twice is refused."""
    authority.require(by, "import_public_data", Place("imports"))
    known.refuse_repeated(file.sha256)
    batch = Import.objects.create(
        dataset=file.source, release=file.release[:20], file_name=file_name[-200:], sha256=file.sha256, rows=file.rows,
        notes=list(file.notes)[:200], counts=dict(file.counts), made_at=clock.now(), made_by=by,
    )  # fmt: skip
    actors, spellings = put_actors(file.entries, file.source, batch)
    record.append(
        "public data imported", batch, by=by,
        detail={"dataset": file.source, "release": file.release, "sha256": file.sha256, "rows": file.rows, "actors": actors,
                "names": spellings},
    )  # fmt: skip
    return batch


@question("reliance_on_import").answer_with
def _reliance(batch: Import) -> list[str]:
    """What rests on actors of an import: commands noted by hand."""
    n = Command.objects.filter(actor__imported=batch).count()
    return [_("%(n)d commands name its actors.") % {"n": n}] if n else []


@question("import_undone").answer_with
def _undone(batch: Import) -> None:
    """Actors of an import go with it."""
    ActorKey.objects.filter(actor__imported=batch).delete()
    ActorName.objects.filter(actor__imported=batch).delete()
    Actor.objects.filter(imported=batch).delete()


@action("enter_actor")
def enter_actor(*, kind: str, spellings: Sequence[str], source: str, by: Person) -> Actor:
    """Name a commander or group by hand, with the source that names them and every known spelling."""
    authority.require(by, "enter_actor", Place("actors"))
    spellings = list(dict.fromkeys(s.strip() for s in spellings if s.strip()))
    if kind not in {Actor.GROUP, Actor.PERSON}:
        raise Refused(_("An actor is a group or a person."), reason="kind")
    if not spellings or not source.strip():
        raise Refused(_("A name and the source that gives it are both needed."), reason="source")
    if mixed := [w for s in spellings for w in names.mixed_words(s)]:
        raise Refused(
            _("%(words)s mixes letters of two scripts, so it would not be found. Write each spelling in one script.")
            % {"words": ", ".join(mixed)},
            reason="mixed",
        )
    entry = lists.Entry(
        "hand",
        kind,
        source.strip(),
        tuple(lists.Name(s, "main" if n == 0 else "alias") for n, s in enumerate(spellings)),
    )
    put_actors([entry], "HAND", None)
    actor = Actor.objects.filter(source="HAND", source_id="hand").latest("pk")
    actor.source_id = actor.ref
    actor.save(update_fields=["source_id"])
    record.append("actor entered", actor, by=by, detail={"kind": kind, "spellings": len(spellings)})
    return actor


def _span(from_on: date, to_on: date | None, source: str) -> None:
    if to_on and to_on < from_on:
        raise Refused(_("The last day lies before the first."), reason="days")
    if not source.strip():
        raise Refused(_("Say which source gives this."), reason="source")


@action("note_subordination")
def note_subordination(
    unit: Party, over: Party, *, from_on: date, to_on: date | None = None, source: str, by: Person
) -> Subordination:
    """A unit stood under another from a day to a day. Raises Refused when a unit would come to stand under itself."""
    authority.require(by, "note_command", unit.situation)
    live.hold_command(unit, over)
    Situation.objects.select_for_update(no_key=True).get(pk=unit.situation_id)
    _span(from_on, to_on, source)
    if unit.situation_id != over.situation_id:
        raise Refused(_("Both units belong to one situation."), reason="situation")
    new = rules.Edge(unit.ref, over.ref, from_on, to_on)
    edges = queries.edges_of(unit.situation_id)
    if unit.pk == over.pk or rules.makes_circle(edges, new):
        raise Refused(_("On some of these days the unit would stand under itself. Check who commands whom, and when."),
                      reason="circle")  # fmt: skip
    if any((e.unit, e.over) == (new.unit, new.over) and rules.overlap(e, new) for e in edges):
        raise Refused(_("That is already noted for some of these days."), reason="duplicate")
    made = Subordination.objects.create(
        unit=unit, over=over, from_on=from_on, to_on=to_on, source=source.strip()[:200], noted_by=by
    )
    changed = _command_changed(made, "line of command noted", until=to_on, by=by)
    record.append(
        "line of command noted", made, by=by, detail={"unit": unit.ref, "over": over.ref, "restated": changed}
    )
    return made


def _command_changed(row: Subordination, why: str, *, until: date | None, by: Person) -> list[str]:
    """Reports of the unit are compared by its new line, and what counts lines of command is worked out again."""
    with scope_of(CLOCK):
        theirs = Incident.objects.naming([row.unit]).filter(status__in=queries.COMPARED).order_by("-on")
        for incident in list(theirs.values_list("ref", flat=True)[:200]):
            comparing.note(incident)
        return live.command_changed(row, why=why, until=until, by=by)


@action("note_commander")
def note_commander(
    actor: Actor, party: Party, *, role: str, from_on: date, to_on: date | None = None, source: str, by: Person
) -> Command:
    """A person held a role in a unit from a day to a day: an allegation with its source, for referral alone (§1.6)."""
    authority.require(by, "note_command", party.situation)
    _span(from_on, to_on, source)
    if role not in rules.ROLES:
        raise Refused(_("There is no such role in a unit."), reason="role")
    if actor.kind != Actor.PERSON:
        raise Refused(_("A unit is commanded by a person; note a group as a unit above it."), reason="kind")
    made = Command.objects.create(
        actor=actor, party=party, role=role, from_on=from_on, to_on=to_on, source=source.strip()[:200], noted_by=by
    )
    record.append("commander noted", made, by=by, detail={"actor": actor.ref, "party": party.ref, "role": role})
    return made


@action("end_command")
def end_command(row: Subordination | Command, *, to_on: date, by: Person) -> Subordination | Command:
    """Note the last day of a line of command or a commander's role. It stays readable, with both its days.

    Raises Refused when that day lies before the first or ahead, or one is noted already.
    """
    if isinstance(row, Subordination):
        live.hold_command(row.unit, row.over)
    else:
        live.hold([row.party_id])
    locked: Any = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    party = locked.unit if isinstance(locked, Subordination) else locked.party
    authority.require(by, "note_command", party.situation)
    if locked.to_on is not None:
        raise Refused(
            _("Its last day is noted already: %(day)s.") % {"day": locked.to_on.isoformat()}, reason="lifecycle"
        )
    if to_on < locked.from_on:
        raise Refused(_("The last day lies before the first."), reason="days")
    if to_on > clock.today():
        raise Refused(_("That day lies ahead. Note it when it has come."), reason="days")
    locked.to_on = to_on
    locked.save(update_fields=["to_on"])
    detail: dict[str, Any] = {"to": to_on.isoformat()}
    if isinstance(locked, Subordination):
        detail["restated"] = _command_changed(locked, "line of command ended", until=None, by=by)
    record.append("command ended", locked, by=by, detail=detail)
    ended: Subordination | Command = locked
    return ended
