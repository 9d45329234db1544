"""Row-level security, by the rules in words: what raw SQL under the office's role shows of each table with a compartment.

The rule (security.md §2.6, invariant 1): the alliance's monitoring roles see every report, its claim roles every claim;
people of a partner see what their own organisation gave; a delegation sees none; an empty scope matches nothing. It is the
second line: it holds when a view forgets its filter.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from security.matrix import happenings
from tests_support import see_all

from answerable.alliance.models import Person, compartments_of
from answerable.authority.acting import set_scope
from answerable.authority.principals import CLOCK, ROLES
from answerable.config import grants
from answerable.vault.client import ask
from answerable.vault.custody import actions as custody
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
MONITORING = {"monitoring_analyst", "verifier", "verification_lead", "panel_expert"}
CLAIMS = {"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel"}


CUSTODY = {"vault_custodian", "safeguarding_officer", "survivor_council_member", "auditor", "data_protection_officer",
           "ombudsperson"}  # fmt: skip


CARE = {"intake_officer", "survivor_advocate"}
# What the officers of an organ read beside: complaints lie outside the case team (SC-13), dangers with those who protect (SC-7),
# the book of consents with the data protection officer (§7.5), further interviews with safeguarding (SC-2),
# and with the two other seats, who say whether she told before (SC-1).
OF_ORGANS = {
    "safeguarding_officer": {"care", "contact", "safety", "grievances/shared", "interviews"},
    "ombudsperson": {"grievances", "safety"},
    "data_protection_officer": {"consents", "grievances/general"},
    "vault_custodian": {"interviews"},
    "survivor_council_member": {"interviews"},
}


def in_words(role: str, body_kind: str, body: str) -> set[str]:
    """The compartments whose rows a role reads, as the rules say it: a family by its name, or one partner's part of it."""
    if body_kind == "delegation":
        return set()
    family = {"monitoring"} if role in MONITORING else {"claims"} if role in CLAIMS else set()
    family |= {"care", "contact"} if role in CARE else set()
    if body_kind == "organ":
        return family | ({"custody"} if role in CUSTODY else set()) | OF_ORGANS.get(role, set())
    # A partner's documenters hold intake: they file reports and take claims.
    return {f"{f}/{body}" for f in family | ({"monitoring"} if role == "intake_officer" else set())}


ALSO = {
    "vault_identityrequest": "custody",
    "vault_consent": "consents",
    "vault_withdrawal": "consents",
    "vault_transfer": "consents",
    "monitoring_interview": "interviews",
}


def visible(compartment: str, scopes: set[str], table: str = "") -> bool:
    """Whether a row of a compartment is among what a scope reads; openings also for custody, consents for their book, interviews for safeguarding."""
    return ALSO.get(table) in scopes or compartment in scopes or compartment.partition("/")[0] in scopes


def refs_and_compartments(table: str) -> list[tuple[Any, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, compartment FROM "{table}"')
        return cursor.fetchall()


@pytest.fixture
def rows(played, saved) -> dict[str, list[tuple[Any, str]]]:
    """Every row of every table with a compartment, seen with the clock's scope; an identity is being opened as well."""
    happenings.add(saved)
    happenings.fall_away(saved)
    cast = {h: Person.objects.select_related("body__state").get(handle=h) for h in ("adva", "safa")}
    for person in cast.values():
        person.fresh = True
        person.vault_session = ask("sign_in", handle=person.handle, passphrase=PASSPHRASE)["token"]
    request = custody.ask_identity(
        saved("$claim"), fields=["name"], purpose="contact", reason="danger_to_life", recipient=cast["adva"],
        break_glass=True, by=cast["adva"],
    )  # fmt: skip
    custody.release(custody.approve_identity(request, by=cast["safa"]), by=cast["safa"])
    see_all()
    return {t: refs_and_compartments(t) for t in sorted(grants.compartment_tables())}


@pytest.mark.parametrize("body_kind", ["organ", "partner", "delegation"])
def test_a_role_reads_the_rows_of_its_own_compartments_and_no_other(rows, body_kind):
    partner = next(c for _i, c in rows["monitoring_incident"] if "/" in c).partition("/")[2]
    for role, body in itertools.product(sorted(ROLES), (partner, "BOD-ANOTHER")):
        set_scope(compartments_of(frozenset({role}), SimpleNamespace(kind=body_kind, ref=body)))
        expected = in_words(role, body_kind, body)
        for table, every in rows.items():
            seen = refs_and_compartments(table)
            assert sorted(seen) == sorted(r for r in every if visible(r[1], expected, table)), (table, role, body)


def test_the_demonstration_has_rows_to_hide_in_both_families(rows):
    compartments = {c for t in rows.values() for _i, c in t}
    assert "monitoring" in compartments and "claims" in compartments
    assert any(c.startswith("monitoring/") for c in compartments)
    assert [t for t, every in rows.items() if not every] == []


def test_every_person_of_the_demonstration_reads_what_their_roles_do(rows):
    for person in Person.objects.select_related("body__state"):
        who = person.principal()
        set_scope(who.compartments)
        expected = set().union(*(in_words(r, who.body_kind, who.body) for r in who.roles))
        for table, every in rows.items():
            assert sorted(refs_and_compartments(table)) == sorted(r for r in every if visible(r[1], expected, table)), (
                person.handle
            )


@pytest.mark.parametrize(
    "scope", ["", ",", "monitor", "monitoring/", "monitoring/%", "CLAIMS", "claims'; --", "monitoring/BOD-NONE"]
)
def test_a_scope_that_names_no_compartment_shows_nothing(rows, scope):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', %s, true)", [scope])
    assert all(refs_and_compartments(t) == [] for t in rows)


def test_the_clock_sees_every_row(rows):
    set_scope(CLOCK.compartments)
    assert all(sorted(refs_and_compartments(t)) == sorted(every) for t, every in rows.items())


def test_whoever_works_on_cases_reads_no_complaint_whatever_else_they_do(rows):
    assert rows["safeguarding_grievance"]
    for role, other in itertools.product(sorted(CLAIMS), sorted(OF_ORGANS)):
        set_scope(compartments_of(frozenset({role, other}), SimpleNamespace(kind="organ", ref="BOD-ANOTHER")))
        assert refs_and_compartments("safeguarding_grievance") == [], (role, other)


def test_what_is_not_seen_is_not_changed_either(rows):
    """An update or delete under another scope meets no row, though the row is there."""
    set_scope({"claims"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM monitoring_incident FOR UPDATE")
        assert cursor.fetchall() == []


def test_every_model_with_a_compartment_is_among_the_tables(rows):
    for model in apps.get_models():
        names = {f.column for f in model._meta.concrete_fields}
        if "compartment" in names:
            assert model._meta.db_table in rows
