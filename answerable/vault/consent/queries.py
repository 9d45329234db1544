"""Reading the book of consents: one subject's, or many at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault.consent import rules
from answerable.vault.consent.models import CLOSED, TERMS, Consent, Transfer, Withdrawal, terms


@dataclass(frozen=True)
class Subject:
    """What a consent is about, as policies see it. `holder` is the channel thread of the person behind it, if any."""

    ref: str
    compartment: str
    holder: str = ""

    @property
    def kind(self) -> str:
        """The three letters of the reference: CLM, ITM, INC, THR."""
        return self.ref[:3]


def subject_of(obj: Any) -> Subject:
    """The subject behind an object, a withdrawal or a transfer."""
    if isinstance(obj, Subject):
        return obj
    ref = obj.subject if isinstance(obj, (Consent, Withdrawal, Transfer)) else obj.ref
    held = [h for h in question("holder_of").ask(ref) if h]
    return Subject(ref, obj.compartment, held[0] if held else ref)


def hold(ref: str, *, alone: bool = False) -> None:
    """Until this transaction ends, no consent of `ref` changes (alone: nobody reads under it either).

    So a reading and a withdrawal at the same moment come one after the other: the reading has its entry before, or is
    refused. Whoever also locks the object's row takes that lock first.
    """
    number = int.from_bytes(hashlib.sha256(f"consent|{ref}".encode()).digest()[:8], "big", signed=True)
    name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s)", [number])


def book(ref: str) -> list[rules.Terms]:
    """Every word said about a subject, oldest first."""
    return [terms(*row) for row in Consent.objects.filter(subject=ref).order_by("id").values_list(*TERMS)]


def standing(ref: str, *, on: date | None = None) -> list[Consent]:
    """The consents in force, one a purpose, in the order of the fifteen."""
    on = on or clock.today()
    last = Consent.objects.filter(subject=ref).order_by("purpose", "-id").distinct("purpose")
    found = {c.purpose: c for c in last if c.given and (c.expires_on is None or c.expires_on >= on)}
    return [found[p] for p in rules.purposes() if p in found]


def in_force(ref: str, *, on: date | None = None) -> list[str]:
    """Purposes in force."""
    return [c.purpose for c in standing(ref, on=on)]


# What is held still for the reading under way: its reference, and whether it is closed once that was asked.
_still: ContextVar[dict[str, bool | None] | None] = ContextVar("held_still", default=None)


@contextmanager
def standing_still(ref: str) -> Iterator[None]:
    """Hold a subject for one reading: whether it is closed is asked once, since it cannot change meanwhile.

    Needs an open transaction; nothing about the subject's consents is written inside.
    """
    hold(ref)
    token = _still.set({ref: None})
    try:
        yield
    finally:
        _still.reset(token)


def written_by(person: str, refs: Iterable[str], purpose: str) -> set[str]:
    """Those of many subjects of which this person wrote down the consent to a purpose that is in force, or took back its withdrawal."""
    said = Consent.objects.filter(subject__in=list(refs), purpose=purpose)
    last = said.order_by("subject", "-id").distinct("subject")
    return {c.subject for c in last if c.given and c.recorded_by == person}


def is_closed(ref: str) -> bool:
    """Whether everything about this was withdrawn and not taken back: nobody opens it any more."""
    held = _still.get()
    if held is None or ref not in held:
        return _is_closed(ref)
    if (known := held[ref]) is None:
        known = held[ref] = _is_closed(ref)
    return known


def _is_closed(ref: str) -> bool:
    # Asked at every opening and on most pages, so in plain SQL: the same question as `closed`, of one.
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {Withdrawal._meta.db_table}"
            " WHERE total AND status = ANY(%s) AND (subject = %s OR parts @> %s::jsonb))",
            [list(CLOSED), ref, json.dumps([ref])],
        )
        return bool(cursor.fetchone()[0])


def closing(ref: str) -> Withdrawal | None:
    """The withdrawal of everything that closes this, if it was not taken back: since when, and when its keys end."""
    mine = Q(subject=ref) | Q(parts__contains=[ref])
    return Withdrawal.objects.filter(mine, total=True, status__in=CLOSED).first()


def closed(refs: Sequence[str], *, as_of: datetime | None = None) -> set[str]:
    """Those of many references that are closed, or were at an instant."""
    if not refs:
        return set()
    known = set(refs)
    mine = Q(subject__in=known)
    if len(known) == 1:
        mine |= Q(parts__contains=[*known])
    else:
        mine |= Q(parts__has_any_keys=sorted(known))
    found = Withdrawal.objects.filter(mine, total=True, status__in=CLOSED)
    if as_of is not None:
        found = found.filter(asked_at__lte=as_of)
    rows = found.values_list("subject", "parts")
    return {r for subject, parts in rows for r in (subject, *parts)} & known


def taken_back(refs: Sequence[str], purpose: str) -> set[str]:
    """Those of many subjects of which she took this purpose, or everything, back, and did not undo it.

    True from the moment she says so, before the apps have drawn their consequences. A term that ran out is not her word.
    """
    said = Consent.objects.filter(subject__in=list(refs), purpose=purpose)
    last = said.order_by("subject", "-id").distinct("subject")
    return {c.subject for c in last if c.withdrawn_at is not None} | closed(refs)


def covered(
    refs: Iterable[str], purpose: str, audience: str, identifiability: str, *, as_of: datetime | None = None
) -> set[str]:
    """Those of many subjects whose consent covers a use, in two queries however many there are.

    `as_of` asks what stood at an instant: a scheduled release counts by its own cut-off, so that making it again never
    shows who left since (§2.5, CP-STAT).
    """
    known = list(refs)
    said = Consent.objects.filter(subject__in=known, purpose=purpose)
    if as_of is not None:
        said = said.filter(given_at__lte=as_of)
    on = as_of.date() if as_of else clock.today()
    last = said.order_by("subject", "-id").distinct("subject")
    live = {c.subject for c in last if rules.covers(c.terms, audience, identifiability, on)}
    return live - closed(sorted(live), as_of=as_of)


def states_of_use(ref: str, purpose: str) -> set[str]:
    """What became of a subject's facts under a purpose, as the apps above tell it, and whether they were given out."""
    states = {s for answer in question("state_of_use").ask(ref, purpose) for s in answer}
    if Transfer.objects.filter(subject=ref, purpose=purpose).exists():
        states.add(rules.TRANSFERRED)
    return states


def parts_of(ref: str) -> list[str]:
    """A subject, everything that is sealed under it or under anything of it, and what is sealed about any of it (her plans,
    her referrals).
    """
    found, ask = {ref}, [ref]
    while ask:  # a report that rests on her account alone goes with it, and so does what is sealed about that report
        found |= (fresh := {p for r in ask for answer in question("parts_of").ask(r) for p in answer} - found)
        ask = sorted(fresh)
    return sorted(found | {p for answer in question("sealed_about").ask(sorted(found)) for p in answer})


def digest(parts: Iterable[str]) -> str:
    """What the record keeps of the references a withdrawal closes: it names nobody, and binds the list."""
    return hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()


def withdrawals(by: HasPrincipal) -> QuerySet[Withdrawal]:
    """Withdrawals a person may see: in the row scope of their roles, and only if they work on them."""
    if not authority.allows(by, "see_withdrawals", Place("withdrawals")):
        return Withdrawal.objects.none()
    return Withdrawal.objects.all()


def withdrawals_of(refs: Sequence[str]) -> list[tuple[str, str]]:
    """Reference and subject of each withdrawal about one of these, oldest first, for a page that shows these and what counts of them:
    that a consent ended or came back, and nothing else of the withdrawal, which is for whoever works on it."""
    with reading_as(CLOCK):
        found = Withdrawal.objects.filter(subject__in=list(refs)).order_by("id")
        return list(found.values_list("ref", "subject"))


def receipts(by: HasPrincipal) -> QuerySet[Withdrawal]:
    """Withdrawals whose receipt a person may see: those they work on, and those they wrote down themselves."""
    if authority.allows(by, "see_withdrawals", Place("withdrawals")):
        return withdrawals(by)
    if not authority.allows(by, "see_receipts", Place("withdrawals")):
        return Withdrawal.objects.none()
    wrote = Entry.objects.filter(subject=OuterRef("ref"), action="consent withdrawn", actor=by.ref)
    return Withdrawal.objects.filter(Exists(wrote))


def transfers(by: HasPrincipal) -> QuerySet[Transfer]:
    """The disclosure ledger, as far as a person may see it."""
    if not authority.allows(by, "see_withdrawals", Place("withdrawals")):
        return Transfer.objects.none()
    return Transfer.objects.all()
