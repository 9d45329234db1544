"""Corrections she makes of her own file (SC-10, §7.5): which are open and until when, where each stands, what is current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from answerable.alliance import queries as alliance
from answerable.alliance.days import day_words
from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.channel import access as channel
from answerable.channel.models import Message
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.reparations import access, lifecycle, rules
from answerable.reparations.models import Claim, Correction
from answerable.vault import keeping
from answerable.vault.consent import queries as consents

DECIDES = ("correct_claim", "decline_correction", "note_statement")
# Coded working facts that she may correct, beside her urgent needs (`flags`, one by one), and what is sealed of a claim.
CODED = ("claim_type", "age_band", "country", "area1", "language")
SEALED = ("events_from", "events_to", "area2", "account", "alias", "safe_contact", "preferences")
FIELD_WORDS = {
    "claim_type": gettext_lazy("Class of claimant"), "age_band": gettext_lazy("Age"), "country": gettext_lazy("Country she lives in"),
    "area1": gettext_lazy("Area, roughly"), "flags": gettext_lazy("Urgent needs"), "language": gettext_lazy("Language"), "account": gettext_lazy("In her own words"),
    "area2": gettext_lazy("Where, more closely"), "preferences": gettext_lazy("What she wishes for"),
    "events_from": gettext_lazy("From when"), "events_to": gettext_lazy("Until when"),
    "alias": gettext_lazy("The name to call her by"), "safe_contact": gettext_lazy("The safe way to reach her"),
    "statement": gettext_lazy("Her statement, beside her file"),
}  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """A message of hers that corrects a claim: in which conversation, when it came, until when it is answered."""

    message: str
    claim: str
    thread: str
    designation: str
    received_at: datetime
    due_at: datetime

    @property
    def is_late(self) -> bool:
        """Whether the answer is overdue."""
        return clock.now() > self.due_at


def letters(claims: Iterable[str], *, undecided: bool = False) -> list[Letter]:
    """Every correction of these claims (references), oldest first; or those alone that nobody decided."""
    found = Message.objects.filter(kind="correction", direction="in", thread__about_ref__in=list(claims))
    if undecided:
        found = found.exclude(ref__in=Correction.objects.values("message"))
    days = alliance.holidays()
    return [
        Letter(
            m.ref,
            m.thread.about_ref,
            m.thread.ref,
            m.thread.designation,
            m.written_at,
            rules.correction_due(m.written_at, days),
        )
        for m in found.select_related("thread").order_by("written_at", "id")
    ]


def still(claims: Iterable[str]) -> set[str]:
    """Those of these claims that she did not take back: of the others nothing is changed and nothing waits."""
    refs = set(claims)
    ended = Claim.objects.filter(ref__in=refs, status=lifecycle.WITHDRAWN).values_list("ref", flat=True)
    return refs - set(ended) - consents.taken_back(sorted(refs), "CP-CLAI")


def open_in(claims: Sequence[str]) -> list[Letter]:
    """Corrections of these claims that nobody decided, oldest first; none of a claim she took back."""
    found = letters(claims, undecided=True)
    live = still({x.claim for x in found}) if found else set()
    return [x for x in found if x.claim in live]


def to_decide(claim: Claim, message: str) -> Letter:
    """The correction, where it still waits; nothing of a claim she took back does. Raises Refused."""
    if not still([claim.ref]):
        raise Refused(taken_back_words(), reason="over")
    letter = next((x for x in letters([claim.ref]) if x.message == message), None)
    if letter is None:
        raise Refused(_("There is no such correction of this claim."), reason="over")
    if Correction.objects.filter(message=message).exists():
        raise Refused(_("This correction was decided already. Open the claim again to see how."), reason="over")
    return letter


def taken_back_words() -> str:
    """Why nothing is decided any more."""
    return _("She took this claim back, so nothing of it is changed (SC-5).")


def ways(by: Any, claim: Claim) -> list[str]:
    """In which ways someone may decide a correction of this claim, as actions."""
    return [action for action in DECIDES if authority.allows(by, action, claim)]


def may_decide(by: Any, claim: Claim) -> bool:
    """Whether someone may decide a correction of this claim in any way."""
    return bool(ways(by, claim))


def current(claim: Claim, fields: Sequence[str]) -> dict[str, list[str]]:
    """Where the version in force of each sealed field lies: reference of the claim, or of the correction that put it in."""
    where = dict.fromkeys(fields, claim.ref)
    for c in claim.corrections.filter(outcome=lifecycle.CARRIED_OUT).order_by("id"):
        where |= {f: c.ref for f in c.changed if f in where}
    found: dict[str, list[str]] = {}
    for field, ref in where.items():
        found.setdefault(ref, []).append(field)
    return found


def open_current(claim: Claim, fields: Sequence[str], *, purpose: str, token: str | None) -> dict[str, str]:
    """Sealed fields of a claim as they stand after every correction; the vault enters each object it opens. Raises Refused."""
    texts: dict[str, str] = {}
    for ref, names in current(claim, fields).items():
        texts |= keeping.open_fields(ref, names, purpose=purpose, token=token)
    return {f: texts[f] for f in fields}


# --- in words, for the office -------------------------------------------------------------------------------------


def reasons() -> dict[str, str]:
    """Why a correction is declined, for whoever chooses it; her page says the same in her language (`doors`)."""
    return {
        "STANDS_ALREADY": _("Her file says already what she wrote"),
        "UNCLEAR": _("It is not clear what should be changed; she is asked to write it once more"),
        "ANOTHERS": _("It concerns what somebody else said, not her own file"),
        "DECIDED": _("A decision rests on it; she can ask for another person to look at it again"),
        "OTHER": _("Another reason, written to her in a message"),
    }


def named(fields: Iterable[str]) -> str:
    """Names of fields in words."""
    return ", ".join(str(FIELD_WORDS.get(f, f)) for f in fields)


def touched_words(code: str) -> str:
    """What a correction made work anew."""
    return {
        rules.ASSESS_AGAIN: _("It was assessed on the facts before: the assessment and what was presumed are set aside, and it is assessed again."),
        rules.LOOK_AT_AWARD: _("The award was decided on the facts before. It stays (R-APP-1), and another person of the panel looks at it again."),
        rules.NOW_CHILD: _("By her corrected age she is under 18: ask for her consent anew, with an adult she trusts (SC-11)."),
        rules.NO_CHILD: _("By her corrected age she is not under 18: what waited for an adult she now gives by herself."),
        rules.SCREEN_AGAIN: _("What she says is urgent is looked at within 72 hours of the correction, before everything else."),
        rules.LOOK_AT_PLAN: _("She is not safe at home: look at how she may be reached (SC-6)."),
    }.get(code, code)  # fmt: skip


def look_words(correction: Correction) -> str:
    """Where the second look at an award stands."""
    return {
        lifecycle.LOOK_WAITS: _("The award waits to be looked at again."),
        lifecycle.LOOK_HOLDS: _("The award was looked at again: it holds."),
        lifecycle.LOOK_NOT: _("The award was looked at again: it does not hold on the corrected facts, and is for reconsideration. What was awarded is paid meanwhile."),
    }.get(correction.award_look, "")  # fmt: skip


def decided_words(c: Correction) -> str:
    """What became of a correction, in a sentence."""
    said = {"day": day_words(c.decided_at), "who": c.decided_by.name, "what": named(c.changed)}
    if c.outcome == lifecycle.CARRIED_OUT:
        return _("Carried out on %(day)s by %(who)s: %(what)s. The earlier version stays sealed beside it.") % said
    if c.outcome == lifecycle.BESIDE:
        return _("Put beside her file as her statement on %(day)s by %(who)s.") % said
    return _("Declined on %(day)s by %(who)s: %(why)s.") % {**said, "why": reasons().get(c.reason, c.reason)}


def waits_words(letter: Letter) -> str:
    """That a correction waits, since when, and whether its answer is overdue."""
    said = {"day": day_words(letter.received_at), "due": day_words(letter.due_at)}
    if letter.is_late:
        return _("Correction of %(day)s: not decided yet. The answer is overdue; it was due on %(due)s.") % said
    return _("Correction of %(day)s: not decided yet.") % said


def on_claim(by: Any, claim: Claim) -> list[dict[str, Any]]:
    """Every correction of a claim as its page shows it: open ones with their clock, decided ones with what they touched."""
    decided = {c.message: c for c in claim.corrections.select_related("decided_by")}
    live = bool(still([claim.ref]))
    threads = set(channel.threads(by).filter(about_ref=claim.ref).values_list("ref", flat=True))
    may = live and may_decide(by, claim)
    rows = []
    for letter in letters([claim.ref]):
        c = decided.get(letter.message)
        row: dict[str, Any] = {"ref": letter.message, "due": None, "lines": [], "decide": "",
                               "thread": reverse("thread", args=[letter.thread]) if letter.thread in threads else ""}  # fmt: skip
        if c is not None:
            row["lines"] = [decided_words(c), *(touched_words(t) for t in c.touched), look_words(c)]
        elif not live:
            row["lines"] = [_("Correction of %(day)s. She took the claim back, so nothing of it is changed.")
                            % {"day": day_words(letter.received_at)}]  # fmt: skip
        else:
            row |= {"lines": [waits_words(letter)], "due": letter.due_at}
            row["decide"] = f"{reverse('decide-correction', args=[claim.ref])}?message={letter.message}" if may else ""
        row["lines"] = [x for x in row["lines"] if x]
        rows.append(row)
    return rows


@question("corrections_at_door").answer_with
def _at_door(by: Any, about_ref: str) -> Mapping[str, Mapping[str, Any]]:
    """The same for the conversation in which she wrote them, by message, with the way to the claim."""
    claim = access.claims(by).filter(ref=about_ref).first() if about_ref.startswith("CLM") else None
    if claim is None:
        return {}
    url = reverse("claim", args=[claim.ref]) + "#corrections"
    return {r["ref"]: {"words": " ".join(r["lines"]), "due": r["due"], "url": url} for r in on_claim(by, claim)}


def waiting_for(by: Any) -> list[tuple[Claim, Letter]]:
    """Open corrections that this person may decide, those due first; twenty at most."""
    if not authority.allows(by, "see_claims", Place("claims")):
        return []
    undecided = Message.objects.filter(kind="correction", direction="in").exclude(
        ref__in=Correction.objects.values("message")
    )
    claims = {c.ref: c for c in access.claims(by).filter(ref__in=undecided.values("thread__about_ref"))}
    found: list[tuple[Claim, Letter]] = []
    for letter in sorted(open_in(sorted(claims)), key=lambda x: x.due_at):
        if len(found) < 20 and may_decide(by, claims[letter.claim]):
            found.append((claims[letter.claim], letter))
    return found


def awards_to_look_at(by: Any) -> list[Claim]:
    """Claims whose award rests on facts that were corrected, for those of the panels who may look at it."""
    if not authority.allows(by, "see_claims", Place("claims")):
        return []
    found = access.claims(by).filter(corrections__award_look=lifecycle.LOOK_WAITS).distinct()[:20]
    return [c for c in found if authority.allows(by, "look_at_corrected_award", c)]
