"""Asking someone for her account: what is asked, the custodians' word, the decision, and which submission carries it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.tables import taxonomy
from answerable.monitoring.intake import guard, queries
from answerable.monitoring.intake import models as m
from answerable.monitoring.models import Situation
from answerable.record import log as record
from answerable.vault import client, keeping
from answerable.vault.actions import token_of
from answerable.vault.custody import access as custodians


@action("ask_for_interview")
def ask_for_interview(
    situation: Situation, *, purpose: str, added_value: str, why_not_enough: str, person: str, told_before: str = "not_asked",
    her_request: bool = False, who: str = "", by: Person,
) -> m.Interview:  # fmt: skip
    """Say why someone is to be asked for her account: purpose, what it adds, why what exists does not suffice (SC-1).

    A first interview is allowed with that. A second one, by any organisation, needs her own request, or waits for
    safeguarding (SC-2). `person` is the mark of her code or of a pseudonym. With `told_before` "custodians" it waits for
    two of them; `who` is then sealed to their seats and is nowhere else. Both reasons are sealed for whoever decides on a
    further interview. Raises Refused.
    """
    authority.require(by, "ask_for_interview", situation)
    problems = []
    if purpose not in taxonomy("consent_purpose"):
        problems.append(_("Say for which purpose the account is asked; it is one of the fifteen."))
    if len(added_value.split()) < 3:
        problems.append(_("Say in a sentence what this interview would add (SC-1)."))
    if len(why_not_enough.split()) < 3:
        problems.append(_("Say in a sentence why what is recorded already does not suffice (SC-1)."))
    if told_before not in guard.TOLD:
        problems.append(_("Say whether she was asked if she told this before."))
    asks_custodians = told_before == "custodians"
    if asks_custodians and not who.strip():
        problems.append(_("Say for the custodians whom you mean, as you know her; only they can read it."))
    if len(person) != 64:
        problems.append(_("Say which person it is about, by her code or by a pseudonym."))
    if problems:
        raise Refused(" ".join(problems), reason="interview")
    number = queries.interviews_of(person) + 1
    if told_before == "told":
        number = max(number, 2)  # her own code says so, wherever it was
    basis = guard.basis(number, her_request=her_request)
    allowed = basis != guard.SAFEGUARDING
    interview = m.Interview(
        her_request=her_request, compartment=queries.compartment_of(by), situation=situation, organisation=by.body, asked_by=by, person=person, purpose=purpose,
        told_before=told_before, number=number, basis=basis, status=m.WAITING if asks_custodians else m.ALLOWED if allowed else m.ASKED,
        asked_at=clock.now(),
    )  # fmt: skip
    sealed = keeping.seal_fields(
        interview.ref, guard.ROOM, "Interview", {"added_value": added_value, "why_not_enough": why_not_enough}
    )
    if asks_custodians:
        asked = client.ask("seal_question", token=token_of(by), interview=interview.ref, situation=situation.ref,
                           purpose=purpose, text=who.strip())  # fmt: skip
        interview.question, interview.question_keys = asked["sealed"], asked["keys"]
    interview.added_value, interview.why_not_enough = sealed["added_value"], sealed["why_not_enough"]
    interview.save(force_insert=True)
    record.append(
        "interview asked for", interview, by=by, to_state=interview.status,
        detail={"purpose": purpose, "number": number, "basis": basis, "told_before": told_before},
    )  # fmt: skip
    return interview


def take_question(interview: m.Interview, *, by: Person) -> bytes:
    """The sealed question for a custodian's own machine, which the vault enters. Raises Refused for whoever holds no seat,
    or when none waits.
    """
    authority.require(by, "take_question", interview)
    _seat(interview, by)
    file: bytes = client.ask("question_file", token=token_of(by), interview=interview.ref)
    return file


@action("give_word")
def give_word(interview: m.Interview, *, told: bool, share: Sequence[str], by: Person) -> m.Interview:
    """A custodian's word: whether she told before, and what may be shared instead. No name, no reference, nothing else.

    Two seats' words count together. She told: the interview is a further one, which her own wish or safeguarding allows, and
    what may be shared is offered. She did not: it is decided as if nobody had been asked. Raises Refused.
    """
    interview = m.Interview.objects.select_for_update().get(pk=interview.pk)
    authority.require(by, "give_word", interview)
    seat = _seat(interview, by)
    if any(w["seat"] == seat or w["by"] == by.ref for w in interview.words):
        raise Refused(_("Your seat has answered this already."), reason="duplicate")
    if set(share) - set(guard.SHARED_INSTEAD) or (share and not told):
        raise Refused(_("Only what she told before can be shared, for the purposes listed."), reason="share")
    interview.words = [*interview.words, {"seat": seat, "by": by.ref, "told": told, "share": list(share)}]
    before = interview.status
    if (together := guard.joined(interview.words)) is not None:
        known, interview.share = together
        interview.told_before = "told" if known else "not_told"
        interview.number = max(interview.number, 2) if known else interview.number
        interview.basis = guard.basis(interview.number, her_request=interview.her_request)
        # What can be shared comes before asking again: even her own wish is then looked at by safeguarding.
        waits = interview.basis == guard.SAFEGUARDING or interview.share
        interview.status = m.ASKED if waits else m.ALLOWED
        # The question has served: nobody reads it again.
        interview.question, interview.question_keys = b"", {}
    interview.save(
        update_fields=["words", "share", "told_before", "number", "basis", "status", "question", "question_keys"]
    )
    record.append(
        "custodian answered", interview, by=by, from_state=before, to_state=interview.status, detail={"seat": seat}
    )
    return interview


def _seat(interview: m.Interview, by: Person) -> str:
    """The seat this person holds. Raises Refused for whoever holds none, and when no question waits."""
    if interview.status != m.WAITING:
        raise Refused(_("No question waits here for the custodians."), reason="lifecycle")
    if not (seat := custodians.seat_of(by)):
        raise Refused(_("You hold none of the three identity seats."), reason="seat")
    return seat


@action("decide_interview")
def decide_interview(interview: m.Interview, *, allow: bool, reason: str, by: Person) -> m.Interview:
    """Safeguarding allows or refuses a further interview, with a reason among those the rules know (SC-2)."""
    interview = m.Interview.objects.select_for_update().get(pk=interview.pk)
    authority.require(by, "decide_interview", interview)
    if interview.status == m.WAITING:
        raise Refused(_("The custodians have not answered yet; decide when they have."), reason="lifecycle")
    if interview.status != m.ASKED:
        raise Refused(_("This was decided already."), reason="lifecycle")
    if reason not in (guard.GROUNDS if allow else guard.BARS):
        raise Refused(_("Give one of the reasons listed for this decision."), reason="reason")
    interview.status, interview.decided_by, interview.decided_at = (m.ALLOWED if allow else m.REFUSED), by, clock.now()
    interview.save(update_fields=["status", "decided_by", "decided_at"])
    record.append(
        "interview allowed" if allow else "interview refused", interview, by=by, from_state=m.ASKED, to_state=interview.status,
        reason=reason,
    )  # fmt: skip
    return interview


def hold(drafts: QuerySet[m.Draft]) -> None:
    """From the draft on an interview carries the account of this submission and of no other (SC-2)."""
    named = m.DraftItem.objects.filter(draft__in=drafts.values("ref"), coded__has_key="interview")
    for ref, identity, row in list(named.values_list("coded__interview", "draft__identity", "draft__row")):
        taken = m.Interview.objects.select_for_update().filter(ref=ref)
        if not taken.filter(held_by__in=["", identity]).update(held_by=identity):
            why = _(guard.SPENT)
            raise Refused(_("Row %(row)d: %(why)s") % {"row": row, "why": why} if row else why, reason="interview")


def let_go(identities: Iterable[str], organisation: int) -> None:
    """Interviews of submissions that will not be filed may carry another report; not where a version that stands names them."""
    of = sorted({i for i in identities if i})
    stands = m.DraftItem.objects.filter(
        draft__organisation=organisation, draft__identity__in=of, draft__status__in=m.STANDS
    )
    named = list(stands.filter(coded__has_key="interview").values_list("coded__interview", flat=True))
    held = m.Interview.objects.filter(held_by__in=of, organisation=organisation, report=None)
    held.exclude(ref__in=named).update(held_by="")
