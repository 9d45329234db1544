"""What happens beside the demonstration, so that every address and every table has something to show or to hide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests_support import see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Person
from answerable.channel import actions as channel
from answerable.channel.models import Thread
from answerable.common import clock
from answerable.common.references import new_ref
from answerable.common.tables import taxonomy
from answerable.monitoring import actions as monitoring
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.warning import actions as warning
from answerable.safeguarding import actions as safeguarding
from answerable.safeguarding.models import Grievance, SafeContactPlan
from answerable.vault import actions as vault
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent.queries import Subject

PASSPHRASE = "only for the test suite, six words"


def person(handle: str) -> Person:
    """Someone of the demonstration, signed in and confirmed."""
    found = Person.objects.select_related("body__state").get(handle=handle)
    found.vault_session = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    found.fresh = True
    return found


def add(saved: Callable[[str], Any]) -> None:
    """A forecast asked for, a consent given out and withdrawn, a plan, a contact that stopped it, complaints of each kind, a new key, a report's thread."""
    see_all()
    warning.ask_forecast(by=person("sami"))
    claim, court = saved("$claim"), Body.objects.filter(kind=Body.ORGAN)[0]
    adva, ines, omar = (person(h) for h in ("adva", "ines", "omar"))
    consent.give_consent(claim, consent.plain_yes(["CP-CRIM", "CP-CONT"]), by=adva)
    consent.record_transfer(claim, "CP-CRIM", court, ["facts"], by=adva)
    consent.withdraw_consent(claim, ["CP-CRIM"], heard_through="phone", by=adva)
    plan = {"ways": ["phone"], "any_time": True, "words": "The library called."}
    safeguarding.make_plan(claim.ref, plan=plan, by=adva)
    logged = safeguarding.plan_contact(claim.ref, sender="call", by=adva)
    safeguarding.log_contact(logged, outcome="ASKED_TO_STOP", by=adva)
    see_all()
    safeguarding.move_plan(
        SafeContactPlan.objects.get(subject=claim.ref, status="UNSAFE"), "review_plan", by=person("safa")
    )
    safeguarding.plan_contact(claim.ref, sender="call", by=adva)
    for may_know in (False, True):
        safeguarding.lodge_grievance(["CONDUCT"], "Sealed.", safeguarding_may_know=may_know, by=adva)
    see_all()
    general = Grievance.objects.filter(sensitivity="GENERAL", status="RECEIVED")[0]
    for step in ("acknowledge_grievance", "examine_grievance"):
        safeguarding.move_grievance(general, step, by=omar)
    safeguarding.answer_grievance(general, answer="We are sorry.", by=omar)
    thread = Thread.objects.get(about_ref=claim.ref)
    channel.leave_attachment(
        thread, ref=new_ref("ATT"), kind="image", stored="none", commitment=b"c", name=b"n", salt=b"s",
        by=channel.holder(thread.ref, thread.compartment),
    )  # fmt: skip
    _told_twice(saved)
    vault.ask_recovery(person("vera"), by=ines)
    channel.issue_code(person("dana"), pin="2580", by=ines)
    channel.receive_kit_envelope(Thread.objects.get(documenter=person("dana")), "0" * 64, b"sealed", by=person("dana"))
    see_all()


def _told_twice(saved: Callable[[str], Any]) -> None:
    """Reports of one incident by the alliance and by a partner, a search for such, an agreement, a commander."""
    party, sami, lena = saved("$brigade"), person("sami"), person("lena")
    for by in (person("dana"), person("dana"), sami, sami):
        monitoring.receive_report(
            situation=party.situation, party=party, on=clock.today() - timedelta(days=9), area1="Zandria South", area2="Z-44",
            victims=3, forms=["SV-RAPE"], links=[next(iter(taxonomy("conflict_link")))], link_reason="Soldiers did it.",
            referral_offered=True, searched_first=True, by=by,
        )  # fmt: skip
    linking.start_search(party.situation, by=sami)
    clinic = alliance.enter_body(name="Harbour Clinic", kind=Body.PARTNER, by=person("ines"))
    linking.note_agreement(Body.objects.filter(kind=Body.PARTNER)[0], clinic, by=lena)
    linking.enter_actor(kind="person", spellings=["Karim Daud"], source="A radio report", by=sami)
    see_all()


def fall_away(saved: Callable[[str], Any]) -> None:
    """Someone who told withdraws, so that the finding that stood on it is tested again."""
    item = saved("$I7").items.first()
    heard = person("petra")
    consent.withdraw_consent(
        Subject(item.ref, item.compartment, item.ref), ["CP-MONI"], heard_through="letter", by=heard
    )
    see_all()
