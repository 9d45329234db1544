"""How requests and ceremonies look to policies, what waits for whom, and what she is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.engine import describes
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.record.pages import Described
from answerable.vault import recorded
from answerable.vault.custody import access, lifecycle, rules, words
from answerable.vault.models import IdentityRequest, Notice, RoomRestore


@describes(IdentityRequest)
def _request(r: IdentityRequest) -> tuple[str, dict[str, Any]]:
    return "IdentityRequest", {
        "compartment": r.compartment,
        "room": r.compartment.split("/")[0],
        "askedBy": r.asked_by.ref,
        "askedBody": r.asked_body.ref,
        "approvedBy": r.approved_by.ref if r.approved_by else "",
        "recipient": r.recipient.ref,
        "breakGlass": r.break_glass,
        "took": set(r.taken.values_list("person__ref", flat=True)) if r.pk else set(),
    }


@describes(RoomRestore)
def _restore(r: RoomRestore) -> tuple[str, dict[str, Any]]:
    return "RoomRestore", {"askedBy": r.asked_by.ref, "askedBody": r.asked_body.ref, "leader": r.leader.ref}


def notices(subject: str) -> list[str]:
    """What someone is told of the openings of her identity, oldest first, in the present language: those that the vault
    entered, whatever the office's rows say.
    """
    with reading_as(CLOCK):
        found = Entry.objects.filter(action=RELEASED, event__detail__subject=subject).order_by("index")
        told = {e.subject: _facts(recorded.detail(e)) for e in recorded.the_vaults(found)}
        # Of the time before the entries named whose identity it was, the notice does, where the entry bears it out.
        for notice in Notice.objects.filter(subject=subject):
            ref = notice.facts.get("request", "")
            entries = [] if ref in told else Entry.objects.filter(action=RELEASED, subject=ref)
            for entry in recorded.the_vaults(entries):
                if "subject" not in recorded.detail(entry):
                    told[ref] = _facts(recorded.detail(entry))
    lines = sorted(told.values(), key=lambda line: line[2])
    names = dict(
        Body.objects.filter(ref__in={facts["body"] for _code, facts, _day in lines}).values_list("ref", "name")
    )
    return [words.told(code, facts, names.get(facts["body"], ""), day) for code, facts, day in lines]


RELEASED = "identity released"


def _facts(said: Mapping[str, Any]) -> tuple[str, dict[str, Any], date]:
    """What she is told of a release, from its entry: the code, whose office, what for and which fields, and the day."""
    code = "identity_opened_in_danger" if said["break_glass"] else "identity_opened"
    facts = {"body": said["asked_body"], "purpose": said["purpose"], "fields": said["fields"]}
    return code, facts, date.fromisoformat(said["day"])


@question("survivor_page").answer_with
def _survivor_page(about: str) -> list[dict[str, Any]]:
    """Her own page says who opened her details, even of the time before she had a door of her own."""
    return [{"title": _("Who opened your details"), "lines": notices(about) or [_("Nobody has.")]}]


@question("describe_ref").answer_with
def _describe(by: Any, ref: str) -> Described | None:
    if ref.startswith("IDR") and (r := access.requests(by).filter(ref=ref).first()):
        return Described(_("Request to open an identity") + f" {ref}", ("identity-request", ref), r.status)
    return None


@question("object_cards").answer_with
def _cards(by: Any, obj: Any) -> list[dict[str, str]]:
    """On a claim: ask for details of her identity. On the list of claims (no object): the requests there are."""
    if obj is None:
        if authority.allows(by, "see_identity_requests", Place("identity_requests")):
            return [{"url": reverse("identity-requests"), "words": _("Identity requests")}]
        return []
    if not by.roles & access.ASKERS or not hasattr(obj, "compartment"):
        return []
    return [{"url": reverse("ask-identity", args=[obj.ref]), "words": _("Ask for details of her identity")}]


def _own_escrow_key(by: Any) -> list[dict[str, Any]]:
    """Until it counts, an officer is shown that a key for pieces was entered in their name: it may not be theirs."""
    if not authority.allows(by, "enter_escrow_key", Place("seats")):
        return []
    since = clock.now() - rules.figure("escrow_key")
    entry = Entry.objects.filter(subject=by.ref, action="escrow key entered", at__gt=since).order_by("-index").first()
    if entry is None or entry.at is None:
        return []
    return [{"title": _("Your key for holding pieces"), "what": _("entered in your name: compare its fingerprint"),
             "due": entry.at + rules.figure("escrow_key"), "urgency": 3, "url": reverse("escrow-key")}]  # fmt: skip


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Approvals, signed requests to take, answers to bring, reviews that are due; a key entered in one's name, to compare."""
    now, out = clock.now(), _own_escrow_key(by)
    if not authority.allows(by, "see_identity_requests", Place("identity_requests")):
        return out

    def item(r: IdentityRequest, what: str, due: Any) -> None:
        # A danger to life has no fortnight: it stands first and says so in words, without the date of an ordinary request.
        urgent = r.break_glass and r.status == lifecycle.ASKED
        out.append({"title": _("Identity request") + f" {r.ref}", "what": what, "due": None if urgent else due,
                    "urgency": 0 if urgent else 3, "url": reverse("identity-request", args=[r.ref])})  # fmt: skip

    mine = access.requests(by).select_related("asked_by__body", "approved_by")
    for r in mine.filter(status=lifecycle.ASKED)[:40]:
        if authority.allows(by, "approve_identity", r):
            item(
                r,
                _("Imminent danger: approve or refuse now") if r.break_glass else _("to approve"),
                r.asked_at + rules.figure("approval"),
            )
    for r in mine.filter(status=lifecycle.RELEASED, valid_until__gte=now)[:40]:
        if r.recipient_id == by.pk:
            item(r, _("the custodians' answer, to bring"), r.valid_until)
        elif authority.allows(by, "take_request", r) and r.taken.count() < 2 and not r.taken.filter(person=by).exists():
            item(r, _("signed request, to take to your machine"), r.valid_until)
    for r in mine.filter(break_glass=True, reviewed_by=None).exclude(released_at=None)[:40]:
        if authority.allows(by, "review_break_glass", r) and r.released_at is not None:
            due = r.released_at + rules.figure("review")
            item(r, _("opened at once: review is overdue") if now > due else _("opened at once: to review"), due)
        elif r.alerts.filter(person=by).exists():
            item(r, _("opened at once"), None)
    return out
