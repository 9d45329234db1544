"""Who someone is, by what was recorded: whoever writes rows of people, bodies and grants makes nobody into anybody.

The record says which bodies there are, who was entered in which, who was suspended, and which roles were asked for,
confirmed and ended. A role counts when the record holds both steps, and when the two persons told the vault so in live
sessions of their own (`RoleWord`): entries alone can be forged by whoever owns the office's process. What was given before
the vault was founded counts by the record alone, since nobody had a session yet. Runs in the vault process only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.actions import LONGEST_GRANT_MONTHS
from answerable.alliance.models import Body, Person
from answerable.common import clock
from answerable.common.deadlines import months_after
from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.record.models import Entry
from answerable.vault import lifecycle
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import recordkeys
from answerable.vault.models import RoleWord

FOUNDED, VAULT_FOUNDED = "alliance founded", "vault founded"
ACTIONS = (FOUNDED, VAULT_FOUNDED, "body entered", "person entered", "person suspended", "person reinstated",
           "grant asked", "confirm grant", "refuse grant", "end grant")  # fmt: skip
FOUNDERS = ("registrar", "system_administrator")
GIVERS = frozenset({"registrar", "system_administrator"})


@dataclass
class Entered:
    """A person as entered, and what was done since. `nationality` is None where the entry does not say."""

    body: str
    nationality: str | None
    active: bool = True
    suspended_at: datetime | None = None
    grants: list[str] = field(default_factory=list)


@dataclass
class Given:
    """A role that was asked for. `since`: when it was confirmed, by the vault's clock; None at the founding."""

    person: str
    role: str
    asked_by: str
    until: date
    held: bool = False
    ended: bool = False
    since: datetime | None = None


@dataclass
class Standing:
    """What the record says up to an entry (`upto`: its index and leaf)."""

    upto: tuple[int, bytes] = (-1, b"")
    founded_at: datetime | None = None
    bodies: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    people: dict[str, Entered] = field(default_factory=dict)
    grants: dict[str, Given] = field(default_factory=dict)

    def held(self, person: str) -> list[Given]:
        """What someone holds, of whatever day."""
        entered = self.people.get(person)
        found = [self.grants[g] for g in entered.grants] if entered else []
        return [g for g in found if g.held and not g.ended]

    # --- one entry after another -------------------------------------------------------------------------------------

    def take(self, event: dict[str, Any], words: dict[str, list[RoleWord]]) -> None:
        """Take one entry in. What contradicts an earlier one, was given by nobody who could, or does not have the facts
        of its kind changes nothing.
        """
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            self._take(event, words)

    def _take(self, event: dict[str, Any], words: dict[str, list[RoleWord]]) -> None:
        action, subject, actor, said = event["action"], event["subject"], event["actor"], event["detail"]
        at = datetime.fromisoformat(event["at"])
        if action == FOUNDED:
            self._founded(subject, said, at)
        elif action == VAULT_FOUNDED:
            self.founded_at = self.founded_at or at
        elif action == "body entered":
            self.bodies.setdefault(subject, (said["kind"], said.get("state")))
        elif action == "person entered":
            self.people.setdefault(subject, Entered(said["body"], said.get("nationality")))
        elif action == "person suspended" and (person := self.people.get(subject)):
            person.active, person.suspended_at = False, at
        elif action == "person reinstated" and (person := self.people.get(subject)):
            person.active = person.active or self._returned(person, actor, words.get(subject, []))
        elif action == "grant asked" and subject not in self.grants and said["person"] in self.people:
            until = said.get("until") or str(months_after(at.date(), LONGEST_GRANT_MONTHS).date())
            self.grants[subject] = Given(said["person"], said["role"], actor, date.fromisoformat(until))
            self.people[said["person"]].grants.append(subject)
        elif action == "confirm grant" and (given := self.grants.get(subject)):
            self._confirmed(given, actor, words.get(subject, []))
        elif action in ("refuse grant", "end grant") and (given := self.grants.get(subject)):
            given.ended = True

    def _founded(self, body: str, said: dict[str, Any], at: datetime) -> None:
        if self.people or self.bodies:
            return
        until = said.get("until") or str(months_after(at.date(), LONGEST_GRANT_MONTHS).date())
        grants = said.get("grants") or [f"{FOUNDED} {role}" for role in FOUNDERS]
        self.bodies[body] = (Body.ORGAN, "")
        for person, role, grant in zip(said["people"], FOUNDERS, grants, strict=True):
            self.people[person] = Entered(body, "", grants=[grant])
            self.grants[grant] = Given(person, role, "", date.fromisoformat(until), held=True)

    def _confirmed(self, given: Given, by: str, words: list[RoleWord]) -> None:
        if given.held or given.ended or len({given.person, given.asked_by, by}) != 3:
            return
        if self.founded_at is None:
            could = [{g.role for g in self.held(who)} & GIVERS for who in (given.asked_by, by)]
            given.held = "registrar" in could[0] and bool(could[1])
            return
        told = {(w.step, w.by): w for w in words if (w.person, w.role) == (given.person, given.role)}
        asked, confirmed = told.get(("asked", given.asked_by)), told.get(("confirmed", by))
        if asked and confirmed:
            given.held, given.since = True, confirmed.at

    def _returned(self, person: Entered, by: str, words: list[RoleWord]) -> bool:
        if self.founded_at is None or person.suspended_at is None:
            return True
        return any(w.step == "returned" and w.by == by and w.at >= person.suspended_at for w in words)


# --- kept up with the record --------------------------------------------------------------------------------------

_guard = threading.Lock()
_kept = Standing()


def recorded() -> Standing:
    """What the record says now; one short question to the database when nothing of these kinds was added."""
    global _kept
    with _guard:
        since = Entry.objects.filter(index__gte=max(_kept.upto[0], 0)).order_by("index")
        new = list(since.values_list("index", "leaf", "action"))
        if not new or (new[0][0], bytes(new[0][1])) != _kept.upto:
            # The first time; or another record than before: in a test, or where the vault's own transaction was undone.
            _kept = _read_anew()
            return _kept
        # The record has no gaps: what was put in behind one is no part of it.
        new = [row for place, row in enumerate(new) if row[0] == _kept.upto[0] + place][1:]
        if new:
            try:
                _read(_kept, [index for index, _leaf, action in new if action in ACTIONS])
            except BaseException:
                _kept = Standing()
                raise
            _kept.upto = (new[-1][0], bytes(new[-1][1]))
        return _kept


def _read_anew() -> Standing:
    kept, top = Standing(), Entry.objects.order_by("-index").values_list("index", "leaf").first()
    if top is None:
        return kept
    below = Entry.objects.filter(index__lte=top[0])
    found = list(below.filter(action__in=ACTIONS).order_by("index").values_list("index", "leaf"))
    if below.count() != top[0] + 1:
        found = [row for row in found if below.filter(index__lte=row[0]).count() == row[0] + 1]
        top = found[-1] if found else (-1, b"")
    _read(kept, [index for index, _leaf in found])
    kept.upto = (top[0], bytes(top[1]))
    return kept


def _read(kept: Standing, indexes: list[int]) -> None:
    if not indexes:
        return
    rows = list(Entry.objects.filter(index__in=indexes).order_by("index").values_list("index", "leaf", "event"))
    subjects = [str((event or {}).get("subject", "")) for _index, _leaf, event in rows]
    salts = recordkeys.salts([(row[0], subject) for row, subject in zip(rows, subjects, strict=True)])
    words: dict[str, list[RoleWord]] = {}
    for word in RoleWord.objects.filter(subject__in=set(subjects)).order_by("pk"):
        words.setdefault(word.subject, []).append(word)
    for (index, leaf, event), salt in zip(rows, salts, strict=True):
        if event is not None and is_what_was_recorded(index, bytes(leaf), event, salt):
            kept.take(event, words)


def is_what_was_recorded(index: int, leaf: bytes, event: Any, salt: bytes | None) -> bool:
    """Whether an entry's event and salt give its leaf, and it stands where it says."""
    if not isinstance(event, dict) or salt is None or event.get("index") != index:
        return False
    try:
        return tlog.leaf_commitment(salt, tlog.canonical(event)) == leaf
    except ValueError:  # no event of ours: it holds what cannot be written in the one way
        return False


# --- asked by the vault -------------------------------------------------------------------------------------------


def at_work(**who: Any) -> Person | None:
    """Someone at work here as recorded, with the roles they hold today; None for anybody else."""
    now = recorded()  # asked first: who is unknown costs what others cost
    person = Person.objects.with_roles().select_related("body__state").filter(**who, is_active=True).first()
    return as_recorded(person, now)


def as_recorded(person: Person | None, now: Standing | None = None) -> Person | None:
    """This person with no role but those the record holds; None when a row says another body than was recorded."""
    now = now or recorded()
    entered = now.people.get(person.ref) if person else None
    if person is None or entered is None or not entered.active or not person.is_active:
        return None
    kind, state = now.bodies.get(entered.body, ("", ""))
    is_of = person.body.state.code if person.body.state_id and person.body.state else ""
    if (person.body.ref, person.body.kind) != (entered.body, kind) or state not in (None, is_of):
        return None
    if entered.nationality not in (None, person.nationality):
        return None
    _give(person, person.roles & {g.role for g in now.held(person.ref) if g.until >= clock.today()})
    return person


def _give(person: Person, roles: Iterable[str]) -> None:
    person.__dict__.pop("roles", None)
    person.held_today = sorted(roles)  # type: ignore[attr-defined]


def check_settled(people: Iterable[str], fits: Callable[[Person], bool]) -> None:
    """Raises Refused for someone whom only a role fits that was given less than two days ago.

    By the vault's clock, so that a role is seen in the record before it opens anything. Not in the two days after the
    vault was founded, when nothing is sealed yet, nor in a demonstration.
    """
    now, at = recorded(), clock.now()
    wait = timedelta(hours=lifecycle.SETTLED_HOURS)
    for ref in people:
        person = at_work(ref=ref)
        if person is None:
            raise Refused(_("There is no such person at work here."), reason="unknown")
        # A confirmation is asked of who acts, not of who is named.
        person.fresh = person.enrolled = True
        if not fits(person) or CHAMBER.demonstration or now.founded_at is None or at < now.founded_at + wait:
            continue
        first = since = now.founded_at
        # A role that is renewed was held all along.
        held = [g for g in now.held(ref) if g.role in person.roles and g.until >= (at - wait).date()]
        for since in sorted({g.since or first for g in held}):
            _give(person, {g.role for g in held if (g.since or first) <= since})
            if fits(person):
                break
        if at < since + wait:
            raise Refused(
                _("%(name)s was given this role less than two days ago. It counts here from %(when)s UTC, so that others see "
                  "it first.") % {"name": person.name, "when": (since + wait).strftime("%Y-%m-%d %H:%M")},
                reason="too_early",
            )  # fmt: skip
