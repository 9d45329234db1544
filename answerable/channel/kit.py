"""Reports from field devices. Runs in the vault process; the device sealed each when it was saved and cannot open it.

An envelope is known by its digest: however often it is sent, one report comes of it. A locked vault keeps it as it is and
takes it in once it is unlocked; the device keeps its own until it hears that the report is lodged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.channel import actions, codes, lifecycle, queries, steps
from answerable.channel.models import KitEnvelope, Thread
from answerable.common import faults
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.vault import arrivals, doorkeys, primitives, seal, standing
from answerable.vault.chamber import CHAMBER
from answerable.vault.doors import DOORS
from answerable.vault.keyroom import vaultkeys
from answerable.vault.primitives import Unopenable
from answerable.vault.service import operation

CONTEXT = arrivals.context("Kit", "report")
LARGEST = 256 * 1024
MOST_AT_ONCE = 20
LINE, LONG = 120, 20_000


def _documenter(ref: str) -> Person | None:
    person = standing.at_work(ref=ref)
    if person is not None:
        person.via = "channel"
    return person


def _entered(code: str, pin: str) -> tuple[Thread, Person] | None:
    """The thread and person behind a documenter's code and PIN; None for whatever else was typed, at the same cost."""
    found, chosen = codes.read(code), codes.pin(pin)
    if found is None or not chosen:
        return None
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    # Counted with the door's own tries, by the whole code (decision 0023).
    bucket = doorkeys.lookup(f"attempt|{found.locator}|{found.secret}|True")
    allowed = DOORS.may_try(bucket)
    opening = doorkeys.enter(found, chosen)
    if not allowed:
        opening = replace(opening, level="", channel=doorkeys.NONE)
    thread, _ready = queries.ready_for(opening.channel, [])
    if opening.level != "page" or thread is None or thread.documenter is None:
        return None
    DOORS.forgive(bucket)
    person = _documenter(thread.documenter.ref)
    return (thread, person) if person else None


@operation("kit_form", "channel")
def form(code: str, pin: str) -> dict[str, Any]:
    """What a device needs to know to ask the questions without a line: the choices that are not the same everywhere."""
    entered = _entered(code, pin)
    return {"ok": entered is not None, "choices": _choices(entered[1]) if entered else {}}


def _choices(by: Person) -> dict[str, Any]:
    with reading_as(by):
        answers = [a for a in question("lodging_choices").ask("report", by, {}) if a is not None]
    return answers[0] if answers else {}


@operation("kit_send", "channel")
def send(code: str, pin: str, envelopes: Sequence[bytes]) -> dict[str, Any]:
    """Take reports in, each with a receipt in the order they came. A wrong code or PIN takes none."""
    entered = _entered(code, pin)
    if entered is None or len(envelopes) > MOST_AT_ONCE:
        return {"ok": False, "receipts": []}
    return {"ok": True, "receipts": [_received(bytes(blob), *entered) for blob in envelopes]}


def _received(blob: bytes, thread: Thread, by: Person) -> dict[str, str]:
    if len(blob) > LARGEST or blob[:1] != seal.ENVELOPE:
        return _receipt(lifecycle.REFUSED, _("This is not a report, or it is larger than one can be."))
    digest = primitives.sha256(blob).hex()
    with reading_as(actions.holder("DOOR", "*")):
        row = KitEnvelope.objects.filter(digest=digest).first()
    if row is None:
        row = actions.receive_kit_envelope(thread, digest, blob, by=by)
    elif row.thread_id != thread.pk:
        # It counts for whoever sent it first. The device keeps what is not lodged, so that no report is lost by a copy.
        refused = _("It was sent before and not taken. Write it again.") if row.status == lifecycle.REFUSED else ""
        return _receipt(row.status, refused)
    return _receipt(row.status) if CHAMBER.is_locked() else _lodged(row, blob, by)


def _receipt(state: str, sentence: str = "") -> dict[str, str]:
    return {"state": state, "sentence": sentence}


def _lodged(row: KitEnvelope, blob: bytes, by: Person) -> dict[str, str]:
    """Lodge what an envelope holds, once. What the rules refuse is told in their sentence, and nothing of it is kept."""
    try:
        with transaction.atomic():
            with reading_as(actions.holder("DOOR", "*")):
                row = KitEnvelope.objects.select_for_update().select_related("thread").get(pk=row.pk)
            if row.status == lifecycle.LODGED:
                return _receipt(row.status)
            answers = question("lodge_from_channel").ask("report", _fields(blob, by), by)
            report = next((r for r in answers if r is not None), "")
            if not report:
                raise Refused(_("Reports cannot be taken just now. Send it again later."), reason="lodging")
            actions.lodge_kit_report(row, report, by=by)
        return _receipt(lifecycle.LODGED)
    except Refused as no:
        actions.refuse_kit_report(row, no.reason or "report", by=by)
        return _receipt(lifecycle.REFUSED, str(no))


def _fields(blob: bytes, by: Person) -> Mapping[str, Any]:
    """The answers in an envelope, each held against its question. Raises Refused."""
    try:
        held = json.loads(seal.open_envelope(vaultkeys.service_private(arrivals.SERVICE), blob, CONTEXT))
        answers = {s.name: held["fields"].get(s.name) for s in steps.REPORT}
        language = str(held["language"])[:8]
    except (Unopenable, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refused(
            _("It does not open: it was changed, or locked for another place. Write it again."), reason="sealed"
        ) from None
    given, fields = _choices(by), {}
    for step in steps.REPORT:
        value = answers[step.name]
        if step.shape == "many":
            value = [v for v in value if isinstance(v, str)][:60] if isinstance(value, list) else []
        else:
            value = value.strip()[: LONG if step.shape == "long" else LINE] if isinstance(value, str) else ""
        if step.shape == "number":
            value = codes.digits_of(value) or ""
        if said := step.problem(value, given):
            raise Refused(f"{step.heading} {said}", reason=step.name)
        fields[step.name] = value
    return {**fields, "language": language}


@operation("kit_take_in", "office")
def take_in() -> int:
    """Lodge what came while the vault was locked; asked by the clock. Returns how many reports came of it."""
    if CHAMBER.is_locked():
        return 0
    with reading_as(actions.holder("DOOR", "*")):
        waiting = KitEnvelope.objects.filter(status=lifecycle.WAITING).select_related("thread__documenter")
        rows = list(waiting[:200])
    done = 0
    for row in rows:
        by = _documenter(row.thread.documenter.ref) if row.thread.documenter else None
        if by is None:
            continue
        try:
            done += _lodged(row, bytes(row.envelope), by)["state"] == lifecycle.LODGED
        except Exception as fault:  # said, and the next one is not held up by it
            print(f"vault: {faults.where(fault)}", file=sys.stderr, flush=True)
    return done
