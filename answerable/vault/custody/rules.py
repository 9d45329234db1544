"""When an identity may be asked for, released and read: values in, sentences out (security.md §2.4, SOD-07, SOD-08)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
REASONS = ("payment_due", "care_arranged", "call_asked", "court_order", "danger_to_life", "danger_to_child")
DANGERS = frozenset({"danger_to_life", "danger_to_child"})
REVIEWS = ("justified", "not_justified", "unclear")


@cache
def _rows(table: str) -> tuple[Mapping[str, str], ...]:
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as f:
        return tuple(csv.DictReader(f))


@cache
def fields() -> Mapping[str, frozenset[str]]:
    """Codes of identity fields, in table order, each with the kinds of purpose it may be opened for."""
    return {r["code"]: frozenset(r["classes"].split()) for r in _rows("identity_fields")}


@cache
def purposes() -> Mapping[str, str]:
    """Purposes for which an identity is opened, each with the consent it needs (CP-*)."""
    return {r["code"]: r["consent"] for r in _rows("opening_purposes")}


@cache
def fields_for(purpose: str) -> tuple[str, ...]:
    """Fields that may be asked for a purpose, in table order."""
    kinds = {r["code"]: r["fields_for"] for r in _rows("opening_purposes")}
    return tuple(code for code, classes in fields().items() if kinds.get(purpose) in classes)


@cache
def figure(name: str) -> timedelta:
    """A period of the table of figures. Raises KeyError for one that is not there."""
    row = {r["name"]: r for r in _rows("figures")}[name]
    return timedelta(**{row["unit"]: int(row["value"])})


@cache
def number(name: str) -> int:
    """A plain number of the table of figures."""
    return int({r["name"]: r for r in _rows("figures")}[name]["value"])


def asking_obstacles(asked: Sequence[str], purpose: str, reason: str, *, break_glass: bool) -> list[str]:
    """Every reason why a request may not even be made."""
    said = []
    if purpose not in purposes():
        return ["Choose what her identity is needed for."]
    if not asked:
        said.append("Choose the fields that are needed, and no more.")
    if len(set(asked)) != len(asked) or set(asked) - set(fields_for(purpose)):
        said.append("A field that was asked for is not needed for this purpose.")
    if reason not in REASONS:
        said.append("Choose why it is needed now.")
    elif break_glass != (reason in DANGERS):
        said.append("Without waiting time only in imminent danger to life or to a child; then, always without.")
    return said


@dataclass(frozen=True)
class Clocks:
    """When an approved request may be released, and until when it is answered."""

    cool_until: datetime
    valid_until: datetime


def clocks(approved_at: datetime, *, break_glass: bool) -> Clocks:
    """Break-glass has no waiting time and 72 hours at most; otherwise 24 hours of waiting, then the validity."""
    if break_glass:
        return Clocks(approved_at, approved_at + figure("break_glass"))
    cool_until = approved_at + figure("cool_off")
    return Clocks(cool_until, cool_until + figure("validity"))


@dataclass(frozen=True)
class ReleaseFacts:
    """What the vault finds out for itself before it releases anything. Instants are those of the record's entries."""

    asked_by: str
    asked_body: str
    approved_by: str
    approved_body: str
    recipient: str
    asker_stands: bool
    approver_stands: bool
    approved_at: datetime | None
    break_glass: bool
    consent_lives: bool
    bars: tuple[str, ...] = ()
    inspectors: int = 0


def release_obstacles(facts: ReleaseFacts, at: datetime) -> list[str]:
    """Every reason why an identity is not released at this instant; empty when it may be."""
    said = list(facts.bars)
    if facts.approved_at is None:
        return [*said, "The record holds no approval of this request, so nothing is released."]
    if facts.asked_by in {"", facts.approved_by} or facts.approved_by in {"", facts.recipient}:
        said.append("Two different persons are needed: one asks, another approves (SOD-08).")
    if facts.asked_body in {"", facts.approved_body} or not facts.approved_body:
        said.append("Asking and approving need two different bodies.")
    if not facts.asker_stands:
        said.append("Whoever asked no longer holds the role for it.")
    if not facts.approver_stands:
        said.append("Whoever approved no longer holds the role for it.")
    times = clocks(facts.approved_at, break_glass=facts.break_glass)
    if at < times.cool_until:
        said.append(f"The waiting time ends on {times.cool_until:%d %B %Y at %H:%M} UTC.")
    if at > times.valid_until:
        said.append("The request is no longer valid. If the identity is still needed, a new one has to be made.")
    if not facts.consent_lives:
        said.append("There is no live consent for this purpose, so her identity stays closed (SC-4).")
    if facts.break_glass and not facts.inspectors:
        said.append("There is no inspector who could be told, and without telling one nothing opens at once.")
    return said


def escrow_obstacles(bodies: Sequence[str], needed: int) -> list[str]:
    """Why these officers, given by their bodies, may not hold a key in escrow together."""
    said = []
    if len(set(bodies)) < number("escrow_bodies"):
        said.append("Name officers of at least three bodies.")
    if not 2 <= needed <= min(5, len(bodies)):
        said.append("Two to five of them, and no more than there are, bring the key back.")
    elif max((bodies.count(b) for b in set(bodies)), default=0) >= needed:
        said.append(
            "One body alone could bring the key back. Name more officers of other bodies, or ask for more of them."
        )
    return said
