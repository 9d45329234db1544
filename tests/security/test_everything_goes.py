"""She withdraws everything: from that moment nothing about her opens, and after fourteen days no key of anything is left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Q
from door_support import enter
from promises import keeps
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.safeguarding import actions, contacting, rules
from answerable.safeguarding.models import Provider, Referral
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent.models import Withdrawal
from answerable.vault.keyroom import roomkeys
from answerable.vault.models import ChannelKey, ChannelWrap, DataKey, IdentityBlock, SealedField
from answerable.vault.models.keys import IN_KEYS
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
IN_FACTS = [
    m for m in apps.get_models()
    if m.__module__.startswith("answerable.") and not (m._meta.app_label == "vault" and m._meta.model_name in IN_KEYS)
]  # fmt: skip


SUBJECT = ("subject", "corrects")
# What the constraints of a kind ask for, beside what any row of it must have.
NEEDED = {
    "SafeContactPlan": {"status": "REPLACED"}, "Redaction": {"removed": 1}, "Proof": {"kind": "ots"},
    "Opinion": {"stance": "agrees", "level_then": "V1", "level": "V1"}, "WarningEntry": {"stage": 1},
    "Interview": {"basis": "first", "number": 1}, "Message": {"direction": "in"},
}  # fmt: skip


def sealed_of(model) -> list[str]:
    return [f.name for f in model._meta.concrete_fields if isinstance(f, SealedField)]


def kinds_of(model) -> list[str]:
    declared = model._declaration.shredded
    return [] if declared.startswith("no: ") else declared.split()


def person(handle: str) -> Person:
    found = Person.objects.with_roles().select_related("body__state").get(handle=handle)
    found.vault_session = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    found.fresh = True
    return found


def about(ref: str) -> tuple[set[str], list[models.Model]]:
    """Every row that points to a reference or to a row that does, whatever model it is of; and all their references."""
    see_all()
    refs, rows = {ref}, {}
    grown = True
    while grown:
        grown = False
        for model in IN_FACTS:
            where = Q()
            for f in model._meta.concrete_fields:
                if f.remote_field is not None:
                    known = [getattr(r, f.target_field.attname) for (m, _pk), r in rows.items() if m is f.related_model]
                    where |= Q(**{f"{f.attname}__in": known})
                elif isinstance(f, models.CharField) and (f.max_length or 0) >= 20:
                    where |= Q(**{f"{f.attname}__in": refs})
            if not where or model._meta.label == "record.Entry":
                continue
            for row in model._default_manager.filter(where):
                if (model, row.pk) not in rows:
                    grown, rows[model, row.pk] = True, row
                    refs |= {row.ref} if hasattr(row, "ref") else set()
    return refs, list(rows.values())


def made(model, hers) -> models.Model:
    """A row of a kind that points to her by everything by which it can, each of its texts sealed."""
    values = dict(NEEDED.get(model.__name__, {}))
    for f in model._meta.concrete_fields:
        if f.name in values or f.primary_key or isinstance(f, SealedField):
            continue
        if f.remote_field is not None:
            row = hers.get(f.related_model)
            if row is None and not f.null:
                row = f.related_model._default_manager.first()
            values[f.name] = row
        elif f.name in SUBJECT:
            values[f.name] = hers["ref"]
        elif f.name == "compartment":
            values[f.name] = hers["compartment"]
        elif f.has_default() or f.null:
            continue
        elif isinstance(f, models.DateTimeField):
            values[f.name] = clock.now()
        elif isinstance(f, models.DateField):
            values[f.name] = clock.today()
        elif isinstance(f, models.CharField):
            values[f.name] = f"{model.__name__}x"[: f.max_length]
        elif isinstance(f, models.BinaryField):
            values[f.name] = b"x"
        else:
            values[f.name] = 1
    row = model(**values)
    texts = roomkeys.seal_fields(row.ref, row.compartment, model.__name__, dict.fromkeys(sealed_of(model), "planted"))
    for name, blob in texts.items():
        setattr(row, name, blob)
    row.save(force_insert=True)
    return row


SHREDDED = [m for m in IN_FACTS if sealed_of(m) and kinds_of(m)]
THEMSELVES = {"Claim", "SourceItem", "Incident"}
MADE_FIRST = ["EvidenceFile", "Draft"]


def everything_made_about(hers) -> list[models.Model]:
    """One row of each kind that is shredded and can point to her, in an order in which one can point to another."""
    rows = []
    for model in sorted(SHREDDED, key=lambda m: m.__name__ not in MADE_FIRST):
        fields = model._meta.concrete_fields
        to_her = any(f.related_model in hers for f in fields if f.remote_field) or any(
            f.name in SUBJECT for f in fields
        )
        if to_her and model.__name__ not in THEMSELVES and (model.__name__ != "Draft" or hers["ref"].startswith("INC")):
            rows.append(made(model, hers))
            hers.setdefault(model, rows[-1])
    return rows


def nothing_left_of(ref: str, beside=()) -> set[str]:
    """Asserts that no key and nothing sealed is left of whatever points to a reference; returns the models that did."""
    refs, rows = about(ref)
    refs |= {r.ref for r in beside}
    for keys in (DataKey, IdentityBlock):
        assert not list(keys.objects.filter(subject__in=refs).values_list("subject", flat=True)), keys
    assert not ChannelKey.objects.filter(channel__in=refs) and not ChannelWrap.objects.filter(channel__in=refs)
    for row in rows:
        for name in sealed_of(type(row)) if getattr(type(row), "_declaration", None) and kinds_of(type(row)) else ():
            assert bytes(getattr(row, name)) == b"", (row._meta.label, name)
    return {type(r).__name__ for r in rows}


@pytest.mark.writes_freely
@keeps(4)
def test_after_fourteen_days_no_key_and_nothing_sealed_is_left_of_anything_about_her(door, played, saved):
    """Found by walking the models and what points to her, so that a kind which somebody adds later cannot be forgotten."""
    from answerable.monitoring.models import Incident, SourceItem
    from answerable.reparations.models import Claim

    see_all()
    claim = saved("$claim")
    visitor, _page = enter(door, played["run"].codes["door"].code.digits, "2580")
    see_all()
    thread = newest_about(claim.ref)
    item = next(i for i in SourceItem.objects.filter(testimony__in=["T1", "T2"]) if i.incident.items.count() == 1)
    hers = {Claim: claim, type(thread): thread, "ref": claim.ref, "compartment": claim.compartment}
    rows = everything_made_about(hers)
    rows += everything_made_about({"ref": thread.ref, "compartment": claim.compartment})
    of_item = {SourceItem: item, Incident: item.incident, "ref": item.incident.ref, "compartment": item.compartment}
    accounts = everything_made_about(of_item)
    accounts += everything_made_about({"ref": item.ref, "compartment": item.compartment})
    assert {m.__name__ for m in SHREDDED} == {type(r).__name__ for r in (*rows, *accounts)} | THEMSELVES
    for ref, beside in ((claim.ref, rows), (item.ref, accounts)):
        found = {getattr(r, "ref", "") for r in about(ref)[1]}
        assert {r.ref for r in beside if not r.ref.startswith("INC")} <= found | about(item.incident.ref)[0]
        assert all(DataKey.objects.filter(subject=r.ref).exists() for r in beside)
    start = clock.now()
    visitor.see("/inside/")
    visitor.say("/inside/withdraw/", purpose="EVERYTHING")
    consent.withdraw_everything(item, by=person("lena"))
    # She may still come to her door: what she leaves there now goes as well.
    visitor.say("/inside/write/", text="One more word.")
    see_all()
    late = newest_message(thread)
    assert late.ref not in Withdrawal.objects.get(subject=claim.ref).parts
    assert DataKey.objects.filter(subject=late.ref).exists()
    with clock.set_to(start + 15 * DAY):
        consent.owed()
        see_all()
        assert set(Withdrawal.objects.values_list("status", flat=True)) == {"SHREDDED"}
        assert {"Claim", "SafeContactPlan", "Referral", "ContactAttempt", "Message"} <= nothing_left_of(
            claim.ref, [*rows, late]
        )
        assert nothing_left_of(item.ref, accounts)
        assert nothing_left_of(item.incident.ref, accounts)


def newest_about(ref):
    from answerable.channel.models import Thread

    return Thread.objects.get(about_ref=ref)


def newest_message(thread):
    from answerable.channel.models import Message

    return Message.objects.filter(thread=thread).order_by("-id").first()


# --- from the moment of withdrawal --------------------------------------------------------------------------------


def opens(by: Person, ref: str, field: str, purpose: str) -> bool:
    try:
        return bool(ask("open", token=by.vault_session, ref=ref, fields=[field], purpose=purpose))
    except Refused:
        return False


def helped(adva: Person, subject: str, *, send: bool = False) -> Referral:
    provider = Provider.objects.filter(status="LISTED").first()
    row = actions.offer_referral(
        subject, need=provider.needs[0], provider=provider, note="She is pregnant.", contact="+000 111", by=adva
    )
    row = actions.move_referral(row, "accept_referral", contact_too=True, by=adva)
    return actions.move_referral(row, "send_referral", by=adva) if send else row


@keeps(4)
def test_from_the_moment_she_withdraws_everything_nothing_about_her_opens_and_an_undo_brings_it_back(
    door, played, saved
):
    see_all()
    claim, adva = saved("$claim"), person("adva")
    plan = {
        "ways": [rules.PHONE],
        "any_time": True,
        "words": "The library called.",
        "sender": "the library",
        "code_phrase": "blue",
    }
    scp = actions.make_plan(claim.ref, plan=plan, by=adva)
    see_all()
    ready, sent = helped(adva, claim.ref), helped(adva, claim.ref, send=True)
    thread = newest_about(claim.ref)
    asked = helped(adva, thread.ref)
    call = actions.plan_contact(claim.ref, sender="call", at=clock.now() + DAY, by=adva)
    see_all()
    sealed = [(scp.ref, "plan", "contact"), *((r.ref, "note", "care_note") for r in (ready, sent, asked)),
              *((r.ref, "contact", "care_contact") for r in (ready, sent, asked))]  # fmt: skip
    assert all(opens(adva, *one) for one in sealed)
    visitor, _page = enter(door, played["run"].codes["door"].code.digits, "2580")
    visitor.see("/inside/")
    visitor.say("/inside/withdraw/", purpose="EVERYTHING")
    see_all()
    # The clock has not come round yet: it holds all the same.
    assert not any(opens(adva, *one) for one in sealed)
    for row in (ready, asked):
        with pytest.raises(Refused):
            actions.move_referral(row, "send_referral", by=adva)
        see_all()
    with pytest.raises(Refused):
        actions.told(ready, "+000 111")
    for act in (
        lambda: helped(adva, claim.ref), lambda: helped(adva, thread.ref), lambda: actions.make_plan(claim.ref, plan=plan, by=adva),
        lambda: actions.plan_contact(claim.ref, sender="call", by=adva), lambda: actions.log_contact(call, outcome="REACHED", by=adva),
    ):  # fmt: skip
        with pytest.raises(Refused):
            act()
        see_all()
    said = contacting.ask(claim.ref, via="phone", kind="call", by=adva)
    assert not said.allowed and not said.words and not said.sender
    said = contacting.ask(claim.ref, via=rules.DOOR, kind=rules.REPLY, by=adva)
    assert not said.words and not said.sender
    consent.owed()
    see_all()
    for row in (ready, sent, asked, call):
        row.refresh_from_db()
    assert {ready.status, sent.status, asked.status} == {"REVOKED"} and call.status == "CANCELLED"
    # Nothing is given up that an undo could not bring back.
    word = Withdrawal.objects.get(subject=claim.ref)
    visitor.see("/inside/")
    visitor.say("/inside/undo/", withdrawal=word.ref)
    consent.owed()
    see_all()
    for row in (ready, sent, asked, call):
        row.refresh_from_db()
    assert (ready.status, sent.status, asked.status, call.status) == ("ACCEPTED", "SENT", "ACCEPTED", "PLANNED")
    assert all(opens(adva, *one) for one in sealed) and actions.told(ready, "+000 111")["contact"] == "+000 111"


def test_help_does_not_depend_on_one_purpose(saved):
    """SC-8: a referral rests on a consent of its own; withdrawing the claim leaves it as it is."""
    claim, adva = saved("$claim"), person("adva")
    row = helped(adva, claim.ref)
    see_all()
    consent.withdraw_consent(claim, ["CP-CLAI"], heard_through="phone", by=adva)
    see_all()
    row.refresh_from_db()
    assert row.status == "ACCEPTED" and opens(adva, row.ref, "contact", "care_contact")
    assert actions.move_referral(row, "send_referral", by=adva).status == "SENT"
