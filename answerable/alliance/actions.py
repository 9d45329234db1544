"""Every change to states, people and grants."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from answerable.alliance import lifecycle
from answerable.alliance.models import Body, Grant, Holiday, Person, Population, State, Token
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HELD_IN, ROLES, HasPrincipal, Place
from answerable.common import clock
from answerable.common.deadlines import months_after
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.record import log as record

LONGEST_GRANT_MONTHS = 12


@action("found_alliance")
def found_alliance(
    *, registrar: tuple[str, str], administrator: tuple[str, str], secretariat: str, by: HasPrincipal
) -> tuple[Person, Person]:
    """The first two persons (handle, name), each holding the role the other will confirm from then on.

    Only in an empty alliance, where nobody is yet there to ask or confirm; the record's first entry says so.
    """
    authority.require(by, "found_alliance", Place("alliance"))
    if Person.objects.exists():
        raise Refused(_("This alliance already has its people; roles are now given by two of them (SOD-13)."),
                      reason="founded")  # fmt: skip
    if registrar[0] == administrator[0]:
        raise Refused(_("The registrar and the administrator are two persons (SOD-13)."), reason="SOD-13")
    body = Body.objects.create(name=secretariat, kind=Body.ORGAN)
    people = [Person.objects.create(handle=h, name=n, body=body) for h, n in (registrar, administrator)]
    today = clock.today()
    founding = Person.objects.create(handle="founding", name="Founding act", body=body, is_active=False)
    grants = [
        Grant.objects.create(
            person=person,
            role=role,
            status=lifecycle.HELD,
            starts_on=today,
            asked_by=founding,
            confirmed_by=other,
            expires_on=months_after(today, LONGEST_GRANT_MONTHS).date(),
        )
        for person, other, role in (
            (people[0], people[1], "registrar"),
            (people[1], people[0], "system_administrator"),
        )
    ]
    detail = {"people": [p.ref for p in people], "grants": [g.ref for g in grants], "until": str(grants[0].expires_on)}
    record.append("alliance founded", body, by=by, detail=detail)
    return people[0], people[1]


@action("enter_state")
def enter_state(*, code: str, name: str, numeric_code: str = "", fictional: bool = False, by: HasPrincipal) -> State:
    """Note a state the alliance deals with. Raises Refused when the code is taken."""
    authority.require(by, "enter_state", Place("states"))
    if State.objects.filter(code=code).exists():
        raise Refused(_("A state with the code %(code)s is already entered.") % {"code": code}, reason="duplicate")
    state = State.objects.create(code=code, name=name, numeric_code=numeric_code, fictional=fictional)
    record.append("state entered", state, by=by, to_state=state.status, detail={"code": code})
    return state


@action("move_membership")
def move_membership(state: State, name: str, *, since: date | None = None, by: HasPrincipal) -> State:
    """Make one move of MEMBERSHIP_MOVES: invite, sign, admit … Admission asks for the entry criteria (§4.2)."""
    state = State.objects.select_for_update().get(pk=state.pk)
    authority.require(by, name, state)
    before, state.status = state.status, next_status(lifecycle.MEMBERSHIP_MOVES, name, status=state.status)
    if name == "admit_member":
        if obstacles := admission_obstacles(state):
            raise Refused(" ".join(obstacles), reason="entry_criteria")
        state.member_since = since or clock.today()
    state.save(update_fields=["status", "member_since"])
    record.append(name.replace("_", " "), state, by=by, from_state=before, to_state=state.status)
    return state


def admission_obstacles(state: State) -> list[str]:
    """Every entry criterion that is not met (domain.md §4.2), as sentences."""
    obstacles = []
    if not Body.objects.filter(state=state, kind=Body.DELEGATION).exists():
        obstacles.append(_("%(state)s has not named its delegation; enter it first.") % {"state": state.name})
    if not Population.objects.filter(state=state).exists():
        obstacles.append(
            _("The population table has no figure for %(state)s, so its vote could not be counted.")
            % {"state": state.name}
        )
    for sentences in question("findings_against_admission").ask(state):
        obstacles += sentences
    return obstacles


@action("enter_population")
def enter_population(version: str, persons: dict[str, int], *, by: HasPrincipal) -> int:
    """Freeze a population table: persons by state code. A table once entered is not changed; a new one supersedes."""
    authority.require(by, "enter_population", Place("populations"))
    if Population.objects.filter(version=version).exists():
        raise Refused(
            _("The table %(version)s is frozen. Enter the new figures under a new name.") % {"version": version},
            reason="frozen",
        )
    states = State.objects.in_bulk(list(persons), field_name="code")
    if missing := sorted(set(persons) - set(states)):
        raise Refused(_("No state has the code %(codes)s.") % {"codes": ", ".join(missing)}, reason="unknown")
    Population.objects.bulk_create(
        Population(version=version, state=states[code], persons=n) for code, n in persons.items()
    )
    record.append("population table frozen", version, by=by, detail={"states": len(persons)})
    return len(persons)


@action("enter_holiday")
def enter_holiday(day: date, name: str, *, by: HasPrincipal) -> Holiday:
    """Add an alliance holiday; deadlines set before keep the day they were given."""
    authority.require(by, "enter_holiday", Place("holidays"))
    if Holiday.objects.filter(day=day).exists():
        raise Refused(_("That day is already a holiday."), reason="duplicate")
    holiday = Holiday.objects.create(day=day, name=name)
    record.append("holiday entered", day.isoformat(), by=by)
    return holiday


@action("enter_body")
def enter_body(*, name: str, kind: str, state: State | None = None, by: HasPrincipal) -> Body:
    """Enter an organ, a partner organisation, or a state's delegation."""
    authority.require(by, "enter_body", Place("bodies"))
    if kind == Body.DELEGATION and state is None:
        raise Refused(_("A delegation belongs to a state: choose which."), reason="incomplete")
    if kind != Body.DELEGATION and state is not None:
        raise Refused(_("Only a delegation belongs to a state."), reason="incomplete")
    if Body.objects.filter(name=name).exists() or (state and Body.objects.filter(state=state).exists()):
        raise Refused(_("That body is already entered."), reason="duplicate")
    body = Body.objects.create(name=name, kind=kind, state=state)
    record.append("body entered", body, by=by, detail={"kind": kind, "state": state.code if state else ""})
    return body


@action("enter_person")
def enter_person(*, handle: str, name: str, body: Body, nationality: str = "", by: HasPrincipal) -> Person:
    """Enter someone who will work here. They hold no role and no key until both are given."""
    authority.require(by, "enter_person", Place("people"))
    if Person.objects.filter(handle=handle).exists():
        raise Refused(_("Someone already signs in as %(handle)s.") % {"handle": handle}, reason="duplicate")
    person = Person.objects.create(handle=handle, name=name, body=body, nationality=nationality)
    record.append("person entered", person, by=by, detail={"body": body.ref, "nationality": nationality})
    return person


@action("ask_grant")
def ask_grant(person: Person, role: str, *, expires_on: date | None = None, by: Person) -> Grant:
    """Ask that `person` hold `role`. It counts once a second person confirms it (SOD-13)."""
    authority.require(by, "ask_grant", Place("grants"))
    if role not in ROLES:
        raise Refused(_("There is no role called %(role)s.") % {"role": role}, reason="unknown")
    if person.pk == by.pk:
        raise Refused(_("Nobody asks for a role for themselves (SOD-13). Ask a colleague."), reason="SOD-13")
    today = clock.today()
    last = months_after(today, LONGEST_GRANT_MONTHS).date()
    if expires_on and not today < expires_on <= last:
        raise Refused(
            _("A grant ends after today and within twelve months, by %(day)s (SOD-13).") % {"day": last.isoformat()},
            reason="SOD-13",
        )
    if clash := separation_clash(person, role):
        raise Refused(clash, reason="separation_of_duties")
    if Grant.objects.filter(person=person, role=role, status=lifecycle.ASKED).exists():
        raise Refused(_("That role has already been asked for and waits to be confirmed."), reason="duplicate")
    grant = Grant.objects.create(person=person, role=role, starts_on=today, expires_on=expires_on or last, asked_by=by)
    question("role_given").ask(by, grant.ref, person.ref, role, "asked")
    detail = {"person": person.ref, "role": role, "until": str(grant.expires_on)}
    record.append("grant asked", grant, by=by, to_state=grant.status, detail=detail)
    return grant


# Pairs of roles no one may hold together (domain.md §8: SOD-01..SOD-13).
SEPARATED: list[tuple[str, frozenset[str], frozenset[str]]] = [
    ("SOD-02", frozenset({"panel_expert"}), frozenset({"verifier", "verification_lead", "monitoring_analyst"})),
    ("SOD-03", frozenset({"council_delegate"}),
     frozenset({"monitoring_analyst", "verifier", "verification_lead", "intake_officer", "survivor_advocate",
                "eligibility_assessor", "award_panel", "appeals_panel"})),
    ("SOD-04", frozenset({"sanctions_desk"}), frozenset({"ombudsperson", "panel_expert"})),
    ("SOD-06", frozenset({"finance_initiator"}), frozenset({"finance_approver", "treasurer"})),
    ("SOD-06", frozenset({"finance_approver"}), frozenset({"treasurer"})),
    ("SOD-06", frozenset({"finance_initiator", "finance_approver", "treasurer"}),
     frozenset({"intake_officer", "eligibility_assessor", "award_panel", "appeals_panel", "monitoring_analyst",
                "verifier", "verification_lead"})),
    ("SOD-07", frozenset({"vault_custodian"}),
     frozenset({"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel",
                "monitoring_analyst", "verifier", "verification_lead", "panel_expert"})),
    ("SOD-09", frozenset({"data_protection_officer", "auditor", "ombudsperson"}),
     frozenset(ROLES) - {"data_protection_officer", "auditor", "ombudsperson"}),
    ("SOD-13", frozenset({"system_administrator"}), frozenset(ROLES) - {"system_administrator"}),
]  # fmt: skip


def separation_clash(person: Person, role: str) -> str:
    """The sentence that forbids `role` beside what `person` holds, or ''."""
    held = set(person.grants.filter(status__in=[lifecycle.HELD, lifecycle.ASKED]).values_list("role", flat=True))
    for rule, one, other in SEPARATED:
        for mine, theirs in ((one, other), (other, one)):
            if role in mine and (clash := sorted(held & theirs)):
                return _("%(rule)s keeps %(role)s apart from %(held)s; give it to someone else.") % {
                    "rule": rule,
                    "role": role.replace("_", " "),
                    "held": ", ".join(c.replace("_", " ") for c in clash),
                }
    if role not in HELD_IN[person.body.kind]:
        if person.body.kind == Body.DELEGATION:
            return _("A person of a state's delegation can hold no role that reads claims or reports (SOD-03).")
        return _("This role is held by another kind of body than %(body)s (SOD-03).") % {"body": person.body.name}
    return ""


@action("decide_grant")
def decide_grant(grant: Grant, name: str, *, by: Person) -> Grant:
    """Confirm, refuse or end a grant. Confirming is for a second person, who is not the one it is for."""
    grant = Grant.objects.select_for_update().get(pk=grant.pk)
    authority.require(by, name, grant)
    if name == "confirm_grant" and by.pk in (grant.asked_by_id, grant.person_id):
        raise Refused(_("Two persons grant a role, and neither is the one who receives it (SOD-13)."), reason="SOD-13")
    before, grant.status = grant.status, next_status(lifecycle.GRANT_MOVES, name, status=grant.status)
    if name == "confirm_grant":
        # While the row still says what it says: the vault asks the same rules of it.
        question("role_given").ask(by, grant.ref, grant.person.ref, grant.role, "confirmed")
        grant.confirmed_by = by
    grant.save(update_fields=["status", "confirmed_by"])
    # Sessions end when what a person may do changes: the epoch ends the office's, the vault is told to end its own.
    Person.objects.filter(pk=grant.person_id).update(epoch=F("epoch") + 1)
    _tell_access_changed(grant.person.ref)
    detail = {"person": grant.person.ref, "role": grant.role}
    record.append(name.replace("_", " "), grant, by=by, from_state=before, to_state=grant.status, detail=detail)
    return grant


def _tell_access_changed(ref: str) -> None:
    # After the commit, so that nothing a session held is read again under what was allowed before.
    transaction.on_commit(lambda: question("access_changed").ask(ref), robust=True)


@action("set_activity")
def set_activity(person: Person, *, active: bool, by: Person) -> Person:
    """Suspend someone at once, or let them return; every session of theirs ends."""
    person = Person.objects.select_for_update().get(pk=person.pk)
    authority.require(by, "set_activity", Place("people"))
    if active:
        question("role_given").ask(by, person.ref, person.ref, "", "returned")
    person.is_active, person.epoch = active, person.epoch + 1
    person.save(update_fields=["is_active", "epoch"])
    _tell_access_changed(person.ref)
    record.append("person reinstated" if active else "person suspended", person, by=by)
    return person


@action("make_token")
def make_token(person: Person, purpose: str, *, days: int = 90, by: Person) -> tuple[Token, str]:
    """An API token for oneself and one purpose; the secret is returned once and only its hash is kept."""
    authority.require(by, "make_token", Place("tokens"))
    if person.pk != by.pk:
        raise Refused(_("A token is made by the person it belongs to."), reason="not_authorised")
    if purpose not in Token.PURPOSES:
        raise Refused(_("A token is for one of: %(p)s.") % {"p": ", ".join(Token.PURPOSES)}, reason="unknown")
    if not 1 <= days <= 365:
        raise Refused(_("A token lasts from 1 to 365 days."), reason="range")
    secret = "ans_" + secrets.token_urlsafe(32)
    token = Token.objects.create(
        person=person,
        purpose=purpose,
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        expires_on=clock.today() + timedelta(days=days),
    )
    record.append("token made", token, by=by, detail={"purpose": purpose})
    return token, secret


@action("end_token")
def end_token(token: Token, *, by: Person) -> Token:
    """End a token of one's own; it stops at the next request."""
    authority.require(by, "make_token", Place("tokens"))
    if token.person_id != by.pk:
        raise Refused(_("A token is ended by the person it belongs to."), reason="not_authorised")
    token.ended = True
    token.save(update_fields=["ended"])
    record.append("token ended", token, by=by)
    return token
