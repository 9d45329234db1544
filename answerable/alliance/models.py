"""States, the bodies people work for, the people, and the roles they hold."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, OuterRef, Q

from answerable.alliance import lifecycle
from answerable.authority.principals import ROLES, Principal
from answerable.common import clock
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def state_ref() -> str:
    return new_ref("STA")


def body_ref() -> str:
    return new_ref("BDY")


def person_ref() -> str:
    return new_ref("PER")


def grant_ref() -> str:
    return new_ref("GRT")


def token_ref() -> str:
    return new_ref("TOK")


@declares(data_class="C0", owner="alliance", retention="permanent")
class State(models.Model):
    """A state: a member, one engaged, or one that a situation concerns. `code` is three letters."""

    ref = models.CharField(max_length=40, unique=True, default=state_ref)
    code = models.CharField(max_length=3, unique=True)
    name = models.CharField(max_length=120)
    numeric_code = models.CharField(max_length=3, blank=True, default="")
    fictional = models.BooleanField(default=False)
    status = models.CharField(max_length=20, default=lifecycle.NONE)
    member_since = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@declares(data_class="C0", owner="alliance", retention="permanent")
class Population(models.Model):
    """The frozen annual table that majorities of population are counted on, in persons (domain.md §4.5)."""

    version = models.CharField(max_length=20)
    state = models.ForeignKey(State, on_delete=models.PROTECT, related_name="populations")
    persons = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "state"], name="one_population_per_state_and_table"),
            models.CheckConstraint(condition=Q(persons__gt=0), name="a_population_is_positive"),
        ]


@declares(data_class="C0", owner="alliance", retention="permanent")
class Holiday(models.Model):
    """A day on which alliance deadlines do not end (R-TIME-1)."""

    day = models.DateField(unique=True)
    name = models.CharField(max_length=120)


@declares(data_class="C1", owner="alliance", retention="permanent")
class Body(models.Model):
    """What a person works for: an organ of the alliance, a state's delegation, or a partner organisation."""

    ORGAN, DELEGATION, PARTNER = "organ", "delegation", "partner"

    ref = models.CharField(max_length=40, unique=True, default=body_ref)
    name = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=12, choices=[(k, k) for k in (ORGAN, DELEGATION, PARTNER)])
    state = models.ForeignKey(State, null=True, blank=True, on_delete=models.PROTECT, related_name="delegations")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="delegation", state__isnull=False) | (~Q(kind="delegation") & Q(state__isnull=True)),
                name="a_delegation_is_a_states_and_nothing_else_is",
            ),
            models.UniqueConstraint(fields=["state"], name="one_delegation_per_state"),
        ]

    def __str__(self) -> str:
        return self.name


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(handle=username)

    def with_roles(self) -> models.QuerySet[Person]:
        """Persons with the roles they hold today, in one question instead of two."""
        held = Grant.objects.held(on=clock.today()).filter(person=OuterRef("pk"))
        return self.annotate(held_today=ArraySubquery(held.values("role")))


@declares(data_class="C2", owner="alliance", retention="permanent")
class Person(AbstractBaseUser):
    """Someone who signs in. `ref` is the pseudonym the record shows; keys are the vault's."""

    password = None  # type: ignore[assignment]  # the vault's wrapped key is the only thing a passphrase opens
    last_login = None  # type: ignore[assignment]  # signing in changes nothing about the person

    ref = models.CharField(max_length=40, unique=True, default=person_ref)
    handle = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="people")
    nationality = models.CharField(max_length=3, blank=True, default="")
    is_active = models.BooleanField(default=True)
    # Counts changes of what the person may do; sessions carry it and end when it moves.
    epoch = models.PositiveIntegerField(default=0)

    USERNAME_FIELD = "handle"
    objects = People()

    # Set by whoever establishes the session: how the person came in; their session with the vault (a token, no key),
    # and the same while the vault is open; whether they confirmed a short while ago that it is they; whether they have
    # the authenticators that working here asks for. Sessions set both anew at each request, from the vault's answer.
    via: str = "web"
    session_token: str | None = None
    vault_session: str | None = None
    fresh: bool = False
    enrolled: bool = True
    token_purposes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    def get_session_auth_hash(self) -> str:
        return f"{self.ref}:{self.epoch}"

    @cached_property
    def roles(self) -> frozenset[str]:
        """Roles held today under a confirmed, unexpired grant."""
        if (known := self.__dict__.get("held_today")) is not None:
            return frozenset(known)
        return frozenset(self.grants.held(on=clock.today()).values_list("role", flat=True))

    def has_role(self, role: str) -> bool:
        return role in self.roles

    def principal(self) -> Principal:
        return Principal(
            ref=self.ref,
            roles=self.roles,
            body=self.body.ref,
            body_kind=self.body.kind,
            state=self.body.state.code if self.body.state_id and self.body.state else "",
            nationality=self.nationality,
            compartments=compartments_of(self.roles, self.body),
            active=self.is_active,
            via=self.via,
            purposes=self.token_purposes,
            # A token is nobody confirming anything.
            fresh=self.fresh and self.via != "api",
            enrolled=self.enrolled,
        )


MONITORING_ROLES = frozenset({"monitoring_analyst", "verifier", "verification_lead", "panel_expert"})
# Who approves, answers or inspects the opening of an identity: requests of every body, and never the claim (SOD-07).
CUSTODY_ROLES = frozenset({"vault_custodian", "safeguarding_officer", "survivor_council_member", "auditor",
                           "data_protection_officer", "ombudsperson"})  # fmt: skip
CLAIM_ROLES = frozenset({"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel"})
# Whoever refers a survivor to care and reaches her by her plan.
CARE_ROLES = frozenset({"intake_officer", "survivor_advocate"})


def compartments_of(roles: frozenset[str], body: Body) -> frozenset[str]:
    """The row-level scopes that follow from roles and body. A delegation has none: the survivor firewall.

    Alliance monitoring roles see every monitoring compartment ("monitoring"), claim roles of an organ every claim
    ("claims"); people of a partner organisation see only what their own organisation gave.
    """
    if body.kind == Body.DELEGATION:
        return frozenset()
    scopes: set[str] = set()
    if body.kind == Body.PARTNER:
        if roles & MONITORING_ROLES or "intake_officer" in roles:
            scopes.add(f"monitoring/{body.ref}")
        if roles & CLAIM_ROLES:
            scopes.add(f"claims/{body.ref}")
        if roles & CARE_ROLES:
            scopes |= {f"care/{body.ref}", f"contact/{body.ref}"}
        return frozenset(scopes)
    if roles & MONITORING_ROLES:
        scopes.add("monitoring")
    if roles & CLAIM_ROLES:
        scopes.add("claims")
    # The data protection officer sees the book of consents and its clocks in every compartment, and no object behind it.
    if "data_protection_officer" in roles:
        scopes.add("consents")
    if roles & CARE_ROLES or "safeguarding_officer" in roles:
        scopes |= {"care", "contact"}
    if "safeguarding_officer" in roles:
        # A further interview waits for safeguarding, whoever asked for it (SC-2).
        scopes |= {"safety", "grievances/shared", "interviews"}
    if roles & {"vault_custodian", "survivor_council_member"}:
        # Two of the three seats say whether someone told before, whoever would ask her (SC-1).
        scopes.add("interviews")
    # Complaints lie outside the case team: whoever works on cases has no way to them, whatever else they do (SC-13).
    if not roles & CLAIM_ROLES:
        if "ombudsperson" in roles:
            scopes |= {"grievances", "safety"}
        if "data_protection_officer" in roles:
            scopes.add("grievances/general")
    else:
        scopes.discard("grievances/shared")
    if roles & CUSTODY_ROLES:
        scopes.add("custody")
    # Finance and audit see award lines and payments, never the claim behind them (SOD-06, SOD-09).
    return frozenset(scopes)


class GrantQuerySet(models.QuerySet["Grant"]):
    def held(self, *, on: date) -> GrantQuerySet:
        """Grants in force on a day: confirmed, begun and not yet past their last day."""
        return self.filter(status=lifecycle.HELD, starts_on__lte=on, expires_on__gte=on)


@declares(data_class="C1", owner="alliance", retention="audit-log")
class Grant(models.Model):
    """A role given to a person by two others, for at most twelve months (SOD-13)."""

    ref = models.CharField(max_length=40, unique=True, default=grant_ref)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=40, choices=[(r, r) for r in ROLES])
    status = models.CharField(max_length=12, default=lifecycle.ASKED)
    starts_on = models.DateField()
    expires_on = models.DateField()
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")), name="a_grant_needs_two_persons"
            ),
            models.CheckConstraint(
                condition=~Q(person=F("asked_by")) & (Q(confirmed_by=None) | ~Q(person=F("confirmed_by"))),
                name="nobody_grants_themselves",
            ),
            models.CheckConstraint(condition=Q(expires_on__gt=F("starts_on")), name="a_grant_expires_after_it_starts"),
            models.CheckConstraint(
                condition=~Q(status="HELD") | Q(confirmed_by__isnull=False), name="a_held_grant_was_confirmed"
            ),
            models.UniqueConstraint(
                fields=["person", "role"], condition=Q(status__in=["ASKED"]), name="one_open_request_per_role"
            ),
        ]


@declares(data_class="C4", owner="alliance", retention="audit-log")
class Token(models.Model):
    """An API token of one person for one purpose. Only its hash is kept."""

    ref = models.CharField(max_length=40, unique=True, default=token_ref)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    purpose = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64, unique=True)
    expires_on = models.DateField()
    ended = models.BooleanField(default=False)

    PURPOSES: Any = ("monitoring", "council", "reparations", "fund", "reading")
