"""Situations, parties, and readings that are imported and taken out again."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Min
from django.utils.translation import gettext as _

from answerable.alliance.models import Person, State
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import taxonomy
from answerable.monitoring import planning, queries
from answerable.monitoring.models import (
    Import,
    Party,
    Reading,
    Situation,
)
from answerable.monitoring.svac import SvacFile
from answerable.record import log as record


@action("open_situation")
def open_situation(
    *, name: str, state: State | None = None, first_year: int | None = None, fictional: bool = False, by: HasPrincipal
) -> Situation:
    """Begin to watch a situation."""
    authority.require(by, "open_situation", Place("situations"))
    if Situation.objects.filter(name=name).exists():
        raise Refused(_("A situation of that name is already watched."), reason="duplicate")
    situation = Situation.objects.create(
        name=name, state=state, first_year=first_year, last_year=None, fictional=fictional
    )
    record.append("situation opened", situation, by=by, to_state=situation.status)
    return situation


@action("enter_party")
def enter_party(situation: Situation, *, name: str, actor_type: str, by: HasPrincipal) -> Party:
    """Name an armed actor of a situation."""
    authority.require(by, "enter_party", situation)
    if actor_type not in taxonomy("actor_type"):
        raise Refused(_("There is no kind of actor %(code)s.") % {"code": actor_type}, reason="unknown")
    if Party.objects.filter(situation=situation, name=name, actor_type=actor_type).exists():
        raise Refused(_("That party is already entered in this situation."), reason="duplicate")
    party = Party.objects.create(situation=situation, name=name, actor_type=actor_type)
    record.append("party entered", party, by=by, detail={"situation": situation.ref, "actor_type": actor_type})
    return party


@action("import_svac")
def import_svac(file: SvacFile, file_name: str, *, by: Person) -> Import:
    """Bring in an SVAC file: all of it or nothing. A file already in is refused; undo_import takes it out again."""
    authority.require(by, "import_public_data", Place("imports"))
    queries.refuse_repeated(file.sha256)
    plan = planning.plan(file)
    batch = Import.objects.create(
        dataset="SVAC",
        release=file.release,
        file_name=file_name[-200:],
        sha256=file.sha256,
        rows=len(file.rows),
        notes=list(file.notes)[:200],
        counts=dict(file.counts),
        made_at=clock.now(),
        made_by=by,
    )
    known = {s.origin: s for s in Situation.objects.filter(origin__in=[s.origin for s in plan.situations])}
    fresh = [
        Situation(
            name=s.name, countries=list(s.countries), first_year=s.first_year, last_year=s.last_year, origin=s.origin,
            imported=batch,
        )
        for s in plan.situations
        if s.origin not in known
    ]  # fmt: skip
    known |= {s.origin: s for s in Situation.objects.bulk_create(fresh, batch_size=500)}
    parties = {
        (p.situation_id, p.name, p.actor_type, p.origin): p for p in Party.objects.filter(situation__in=known.values())
    }
    missing = [
        Party(situation=known[p.situation], name=p.name, actor_type=p.actor_type, origin=p.origin, imported=batch)
        for p in plan.parties
        if (known[p.situation].pk, p.name, p.actor_type, p.origin) not in parties
    ]
    for party in Party.objects.bulk_create(missing, batch_size=1000):
        parties[party.situation_id, party.name, party.actor_type, party.origin] = party

    def readings() -> Iterable[Reading]:
        for r in plan.readings:
            situation = known[r.situation]
            yield Reading(
                imported=batch,
                situation=situation,
                party=parties[situation.pk, r.party.name, r.party.actor_type, r.party.origin],
                year=r.year,
                source=r.source,
                kind=r.kind,
                value=r.value,
                forms=list(r.forms),
                form=r.form,
                row=r.row,
            )

    queries.copy_readings(readings())
    record.append(
        "public data imported",
        batch,
        by=by,
        detail={"dataset": "SVAC", "release": file.release, "sha256": file.sha256, "rows": len(file.rows),
                "situations": len(fresh), "parties": len(missing), "readings": len(plan.readings)},
    )  # fmt: skip
    return batch


@action("undo_import")
def undo_import(batch: Import, *, by: Person) -> Import:
    """Take an import out again, as one new act. Refused, with reasons, once anything relies on a row of it."""
    batch = Import.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "undo_import", batch)
    if batch.undone_at:
        raise Refused(_("That import has already been undone."), reason="lifecycle")
    if reasons := queries.reliance_on_import(batch):
        raise Refused(
            _("The import cannot be undone, because things rely on it: %(why)s") % {"why": " ".join(reasons)},
            reason="relied_upon",
        )
    question("import_undone").ask(batch)
    removed, _each = Reading.objects.filter(imported=batch).delete()
    Party.objects.filter(imported=batch, readings=None, incidents=None, named_further=None).delete()
    Situation.objects.filter(imported=batch, parties=None, readings=None).delete()
    # What another import shares stays and keeps that import as its origin.
    for party in Party.objects.filter(imported=batch):
        party.imported_id = party.readings.aggregate(first=Min("imported_id"))["first"]
        party.save(update_fields=["imported"])
    for situation in Situation.objects.filter(imported=batch):
        situation.imported_id = situation.readings.aggregate(first=Min("imported_id"))["first"]
        situation.save(update_fields=["imported"])
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at"])
    record.append("import undone", batch, by=by, detail={"readings": removed})
    return batch
