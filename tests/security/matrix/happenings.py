"""What happens beside the demonstration, so that every address and every table has something to show or to hide."""

from __future__ import annotations

import io
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
from answerable.monitoring.estimates import actions as estimates
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.evidence.models import EvidenceFile
from answerable.monitoring.evidence.tests import proofs
from answerable.monitoring.intake.actions import counting, delivering, interviewing, reporting
from answerable.monitoring.intake.counts import Cell
from answerable.monitoring.intake.staging import arrival, stretches
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.looking import actions as looking
from answerable.monitoring.models import SourceItem
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.warning import actions as warning
from answerable.reparations import actions as reparations
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
    by = channel.holder(thread.ref, thread.compartment)
    told = [channel.leave_message(thread, "Sealed.", kind="correction", by=by) for _time in range(2)]
    reparations.decline_correction(saved("$claim"), told[0].ref, reason="UNCLEAR", by=adva)  # the other waits
    see_all()
    _told_twice(saved)
    _came_in(saved)
    evidence_on(saved("$I1"))
    patterns.set_prevalence(saved("$chain_of_command"), level="P3", reasons="Access was denied.", by=person("expert1"))
    vault.ask_recovery(person("vera"), by=ines)
    channel.issue_code(person("dana"), pin="2580", by=ines)
    looking.ask_bulletin(saved("$zandria"), languages=["en"], by=person("sami"))
    table = "A,B,C,count\n1,0,0,60\n0,1,0,50\n0,0,1,40\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n"
    for _time in range(2):  # one is made, one waits
        estimates.make_estimate(saved("$zandria"), counted="Killings, spring", table=table, source="Three registers",
                                licence="not stated", by=person("sami"))  # fmt: skip
        looking.work() if not _time else None
    looking.ask_bulletin(saved("$zandria"), languages=["en"], by=person("sami"))
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
    linking.note_agreement(
        Body.objects.filter(kind=Body.PARTNER).exclude(pk=clinic.pk).order_by("pk")[0], clinic, by=lena
    )
    linking.enter_actor(kind="person", spellings=["Karim Daud"], source="A radio report", by=sami)


def _came_in(saved: Callable[[str], Any]) -> None:
    """A delivery of a partner with a draft and a row that is bad, an edit that waits to correct a report, what was begun, counts, two interviews."""
    dana, situation, party = person("dana"), saved("$zandria"), saved("$brigade")
    row = {
        "situation": situation.ref, "party": party.ref, "referral_offered": "yes", "searched_first": "yes", "when": "2026-01", "area1": "S",
        "actor_types": "ACT-STF", "forms": "SV-RAPE", "links": "LK-PERP", "link_reason": "Badges.", "victims": "3", "risk": "low",
    }  # fmt: skip
    for victims in ("4", "5"):
        reporting.deliver_report({**row, "victims": victims, "submission_id": "c"}, route="api", by=dana)
    lines = [
        ",".join([*row, "submission_id"]),
        *(",".join([*{**row, "when": w}.values(), n]) for w, n in (("2026-01", "a"), ("2026-02-30", "b"))),
    ]
    staged = arrival.stage(arrival.arrive(io.BytesIO("\n".join(lines).encode())), "reports.csv", by=dana)
    stretches.begin(staged, staged.state.mapping, None)
    stretches.advance(staged, by=dana)
    delivering.bring_in_reports(staged, by=dana)
    staged.forget()
    paper = {"kind": "document", "directness": "secondary", "captured_on": "2026-02-01", "says": "A paper."}
    reporting.deliver_report({**row, "victims": "9", "items": [paper]}, route="api", hold=True, by=dana)
    reporting.save_begun_report(situation, {"when": "2026-01"}, step=2, by=dana)
    counting.bring_in_counts(situation, [Cell("GBV-1", "2026-01", "S", 12)], by=dana)
    why = {"purpose": "CP-MONI", "added_value": "She saw the commander.", "why_not_enough": "No record names the unit."}
    for _time in range(2):
        interviewing.ask_for_interview(situation, **why, person="0" * 64, told_before="no_code", by=dana)
    interviewing.ask_for_interview(situation, **why, person="1" * 64, told_before="custodians", who="Someone.", by=dana)


def evidence_on(incident: Any) -> None:
    """A file on an item of the secretariat's and on one of a partner's, another organisation's opinion, a trusted root."""
    vera, expert = person("vera"), person("expert1")
    see_all()
    for number, item in enumerate([incident.items.first(), *SourceItem.objects.filter(compartment__contains="/")[:1]]):
        evidence.take_file(
            item, ref=new_ref("FIL"), kind="png", stored=f"none{number}", commitment=b"c", mark=b"m",
            sealed={"name": b"n", "salt": b"s", "digest": b"d"}, why="verification", by=vera,
        )  # fmt: skip
        see_all()
    file = EvidenceFile.objects.get(stored="none0")
    proof = evidence.keep_proof(file, ref=new_ref("PRF"), kind="ots", content=b"c", why="court", by=vera)
    evidence.note_check(file, [{"code": "room", "outcome": "not_checkable", "figures": {}}], proof=proof, by=vera)
    evidence.keep_redaction(
        file.item, file=file, ref=new_ref("RED"), stored="", text=b"t", removed=1, why="safety", by=vera
    )
    contrary = SourceItem.objects.filter(contrary=True)[0]
    evidence.weigh_contrary(contrary, outcome="stands", how="Sealed.", by=person("lena"))
    see_all()
    evidence.give_level_opinion(incident, level="V2", reasons="Sealed.", by=expert)
    evidence.enter_time_authority(pem=proofs.Authority().root_pem, by=person("ines"))
    see_all()


def fall_away(saved: Callable[[str], Any]) -> None:
    """Someone who told withdraws, so that the finding that stood on it is tested again."""
    item = saved("$I7").items.first()
    heard = person("petra")
    consent.withdraw_consent(
        Subject(item.ref, item.compartment, item.ref), ["CP-MONI"], heard_through="letter", by=heard
    )
    see_all()
