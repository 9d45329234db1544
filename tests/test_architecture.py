"""The shape of the house: who writes, what every model declares, which pages are public, who imports whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models
from django.urls import URLPattern, URLResolver, get_resolver

from answerable.common.dataclass_of import CLASSES, RETENTION
from answerable.config import grants
from answerable.vault.models import SealedField

PACKAGE = Path(__file__).resolve().parents[1] / "answerable"
OURS = [m for m in apps.get_models() if m.__module__.startswith("answerable.")]
# Texts that are written to be public: a council's own words about states, never about persons.
PUBLIC_TEXTS = {"council.Proposal.objective", "council.Proposal.exception_text"}
# What windows say is kept true inside the act that changed something.
KEPT_TRUE = ("live.py", "contributing.py", "windows.py", "assessments.py", "recomputing.py")
WRITERS = ("actions.py", "actions", "log.py", "keyroom", "doorkeys.py", "releasing.py", *KEPT_TRUE)
PUBLIC_PAGES = {
    "answerable.config.urls_office": {"start", "alive", "set-language", "sign-in", "sign-in-passkey", "begin-again"},
    "answerable.config.urls_portal": {"front", "alive", "set-language", "about", "released"},
    "answerable.config.urls_channel": {
        "information",
        "organisations",
        "begin",
        "write",
        "code",
        "enter",
        "enter-again",
        "sealing-module",
        "kit",
        "kit-script",
        "kit-worker",
        "kit-manifest",
        "kit-ready",
        "kit-form",
        "kit-send",
        "inside",
        "write-inside",
        "resume",
        "withdraw",
        "choice",
        "give",
        "undo",
        "send-file",
        "pin",
        "statement",
        "close-door",
        "leave",
        "busy",
        "late",
        "no-room",
        "closed",
        "too-long",
        "alive",
        "set-language",
        "door-care",
        "door-complaint",
        "door-complaint-received",
        "ended",
        "moved",
        "moved-too",
    },
}


def patterns(urlconf):
    def walk(resolver):
        for p in resolver.url_patterns:
            yield from walk(p) if isinstance(p, URLResolver) else [p] if isinstance(p, URLPattern) else []

    return list(walk(get_resolver(urlconf)))


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_every_model_declares_class_owner_and_retention(model):
    declared = model.__dict__.get("_declaration")
    if model._meta.auto_created:
        return
    assert declared and declared.data_class in CLASSES and declared.retention in RETENTION
    assert declared.owner == model._meta.app_label


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_no_free_text_in_working_facts(model):
    for field in model._meta.get_fields():
        if isinstance(field, (models.TextField, models.FileField)) and not isinstance(field, models.CharField):
            assert f"{model._meta.label}.{field.name}" in PUBLIC_TEXTS, f"{field} should be sealed"
        if isinstance(field, models.CharField):
            assert (field.max_length or 0) <= 2000


def test_narratives_and_contacts_are_sealed():
    from answerable.monitoring.models import Incident, SourceItem
    from answerable.reparations.models import Claim

    for model, names in ((Incident, ("narrative", "place", "link_reason")), (SourceItem, ("says",)),
                         (Claim, ("account", "alias", "safe_contact", "events_from", "area2"))):  # fmt: skip
        assert all(isinstance(model._meta.get_field(n), SealedField) for n in names)


WITH_SEALED = [m for m in OURS if any(isinstance(f, SealedField) for f in m._meta.concrete_fields)]


@pytest.mark.parametrize("model", WITH_SEALED, ids=lambda m: m._meta.label)
def test_every_model_with_a_sealed_field_says_what_shreds_it(model):
    """A kind is among those whose keys go when everything is withdrawn, or the model says why nothing there is a survivor's.

    That they do go, of each of these kinds, is tried in test_everything_goes.py.
    """
    from answerable.vault.consent import rules

    said = model._declaration.shredded
    if said.startswith("no: "):
        assert len(said) > 12 and model._meta.get_field("ref").get_default()[:3] not in rules.SHREDDED_KINDS
        return
    assert said and set(said.split()) <= rules.SHREDDED_KINDS, (
        f"{model}: say in declares(shredded=…) which kind shreds it"
    )
    assert model._meta.get_field("ref").get_default()[:3] == said.split()[0]


def test_every_kind_that_is_shredded_is_some_models():
    from answerable.vault.consent import rules

    kinds = {
        k
        for m in WITH_SEALED
        if not m._declaration.shredded.startswith("no: ")
        for k in m._declaration.shredded.split()
    }
    assert kinds | {"THR"} == rules.SHREDDED_KINDS  # a conversation has keys of its own, and no text


@pytest.mark.parametrize("urlconf", PUBLIC_PAGES)
def test_every_address_has_an_authority_action_and_the_public_ones_are_on_a_short_list(urlconf):
    for pattern in patterns(urlconf):
        action = getattr(pattern.callback, "authority_action", None)
        assert action, f"{pattern} names no authority action"
        is_public = not getattr(pattern.callback, "login_required", True)
        if is_public and action != "api":
            assert pattern.name in PUBLIC_PAGES[urlconf], f"{pattern.name} is open to anyone"


def test_authority_actions_of_pages_exist_in_the_schema():
    from answerable.authority.engine import policies

    for urlconf in PUBLIC_PAGES:
        for pattern in patterns(urlconf):
            action = pattern.callback.authority_action
            assert action == "api" or action in policies().schema_text


SAVES = {"save", "create", "bulk_create", "update", "delete", "get_or_create", "update_or_create", "bulk_update"}


def test_nothing_saves_outside_actions():
    for path in PACKAGE.rglob("*.py"):
        if {"tests", "migrations", *WRITERS} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAVES):
                continue
            target = ast.unparse(node.func.value)
            if any(word in target for word in ("objects", "self.object", "batch", ".filter(")):
                pytest.fail(f"{path.relative_to(PACKAGE)}:{node.lineno} writes outside an action")


@pytest.mark.parametrize(
    "path", sorted(p for p in PACKAGE.rglob("*.py") if p.name in {"views.py", "views_door.py", "office.py"})
)
def test_no_page_writes_anything_down(path):
    """Nor files beside the database: a run on its way in is an action's, or its own module's."""
    calls = [
        n
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    ]
    writing = [
        n.lineno
        for n in calls
        if n.func.attr in {"save", "create", "bulk_create", "get_or_create", "write_bytes", "write_text"}
    ]
    assert not writing, f"{path.relative_to(PACKAGE)}: line {writing}"


# What takes a lock that another act may hold while it waits for the record's head (monitoring/patterns/live.py: first).
TAKES_A_LOCK = {
    "live.first",
    "live.hold",
    "monitoring.relevel",
    "relevel",
    "counts_now",
    "filing.counts_now",
    "locked",
    "filing.locked",
    "interviewing.hold",
    "correcting.withdrawn_by_now",
    "locked_item",
    "select_for_update",
}


def _takes_a_lock(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return (
        name in TAKES_A_LOCK
        or name.endswith(".select_for_update")
        or name.startswith("question(") and "opened" not in name and "released" not in name and "alert_confirmed" not in name
        or name.endswith(".execute") and "advisory" in ast.unparse(call)
    )  # fmt: skip


def test_no_act_of_monitoring_takes_a_lock_after_the_head_of_the_record():
    """Two acts that take them in another order wait for each other, and the database throws one of them out."""
    late, looked = [], 0
    for path in sorted((PACKAGE / "monitoring").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef) or path.parent.name == "tests":
                continue
            calls = [c for c in ast.walk(function) if isinstance(c, ast.Call)]
            heads = [c.end_lineno or c.lineno for c in calls if ast.unparse(c.func) == "record.append"]
            looked += len(heads)
            late += [
                f"{path.name} {function.name}:{c.lineno}"
                for c in calls
                if heads and c.lineno > min(heads) and _takes_a_lock(c)
            ]
    assert not late and looked > 50


def test_every_action_takes_by_and_is_registered():
    from answerable.authority.acting import ACTIONS

    assert len(ACTIONS) > 40
    for path in [*PACKAGE.rglob("actions.py"), *PACKAGE.rglob("actions/*.py")]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                marks = [ast.unparse(d) for d in node.decorator_list]
                if any(m.startswith("action(") for m in marks):
                    assert "by" in [a.arg for a in node.args.kwonlyargs], f"{path.name}:{node.name}"


def test_only_the_inventory_imports_cryptography_and_nothing_imports_random():
    # timestamps.py checks what strangers signed (RFC 3161, web archives), in the closed room; it signs and seals nothing.
    allowed = {"vault/primitives.py", "engines/tlog.py", "tools/verify.py", "monitoring/evidence/timestamps.py"}
    for path in PACKAGE.rglob("*.py"):
        if "tests" in path.parts:
            continue
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
        where = str(path.relative_to(PACKAGE))
        assert "random" not in names and "pickle" not in names, where
        assert not names & {"cryptography", "nacl"} or where in allowed, where


@pytest.mark.django_db
def test_every_table_with_a_compartment_has_forced_row_level_security():
    assert {
        "safeguarding_grievance",
        "safeguarding_referral",
        "safeguarding_safecontactplan",
        "monitoring_incident",
        "monitoring_sourceitem",
        "reparations_claim",
        "reparations_award",
    } <= set(grants.compartment_tables())
    with connection.cursor() as cursor:
        for table in grants.compartment_tables():
            cursor.execute("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", [table])
            assert cursor.fetchone() == (True, True), table


@pytest.mark.django_db
def test_the_portal_reads_released_rows_only_and_the_channel_nothing():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee IN ('answerable_portal', 'answerable_channel')"
        )
        rows = cursor.fetchall()
    assert {(r[0], r[1], r[2]) for r in rows} <= {("answerable_portal", "publication_release", "SELECT")}


def test_policies_name_only_actions_that_code_or_pages_use():
    from answerable.authority.engine import policies

    ids = set(policies().says)
    assert {"the-survivor-firewall", "R-VOT-1-recusal", "SOD-06-four-different-hands"} <= ids


def test_lock_files_hold_no_address():
    for lock in (PACKAGE.parent / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text and "--hash=sha256:" in text


def test_no_sentence_is_hidden_inside_an_f_string():
    """What is translated inside one is not found when the sentences are collected."""
    hidden = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                hidden += [
                    f"{path.relative_to(PACKAGE)}:{call.lineno}"
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"_", "gettext", "ngettext"}
                    and any(isinstance(a, ast.Constant) for a in call.args)
                ]  # fmt: skip
    assert not hidden


# What the pages' scripts, and tools that read pages, call on a form. A field of that name would stand in its way.
OF_EVERY_FORM = {"matches", "closest", "submit", "requestSubmit", "reset", "elements", "querySelector", "querySelectorAll",
                 "getAttribute", "setAttribute", "hasAttribute", "contains", "addEventListener", "getRootNode"}  # fmt: skip


def test_no_field_has_the_name_of_what_every_form_can_do():
    import re

    from django.forms import BaseForm
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 - imports every view and with it every form
    kinds, named = [BaseForm], {}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        named |= dict.fromkeys(getattr(kind, "base_fields", {}), kind.__qualname__)
    for page in PACKAGE.rglob("*.html"):
        named |= dict.fromkeys(
            re.findall(r'<(?:input|select|textarea|button)[^>]*\bname="(\w+)"', page.read_text()), page.name
        )
    assert len(named) > 100
    assert {name: where for name, where in named.items() if name in OF_EVERY_FORM} == {}
