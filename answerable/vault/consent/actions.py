"""Giving, withdrawing, taking back, giving out, recalling, shredding. Each is one act with one record entry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import models as db
from django.db.models import Q
from django.utils.translation import gettext as _

from answerable.alliance import queries as alliance
from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.common import clock
from answerable.common.deadlines import working_days_after
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record import log as record
from answerable.vault.client import ask
from answerable.vault.consent import gate, queries, rules
from answerable.vault.consent import models as m
from answerable.vault.consent.models import Consent, Transfer, Withdrawal
from answerable.vault.consent.queries import Subject, subject_of

log = logging.getLogger("answerable.consent")
# Where a withdrawal may be heard: anywhere. A word from this list, never a note.
HEARD = ("phone", "office", "visit", "partner", "channel", "letter", "representative")
ANSWERS = ("RETURNED", "DELETED", "RESTRICTED", "UNABLE")
RECALL_WORKING_DAYS = 10


@dataclass(frozen=True)
class Change:
    """What the apps are told, inside the act, when consents of a subject changed."""

    kind: str  # given, withdrawn, undone, ended
    purposes: tuple[str, ...]
    in_force: tuple[str, ...]
    total: bool = False
    put_aside: Mapping[str, Any] = field(default_factory=dict)
    # Who wrote down the word, or the term, by which it came: nobody of the office where she did so herself, over the channel.
    written_by: tuple[str, ...] = ()


def _lock(subject: Any) -> None:
    """What apps lock before it, the object's row, its consents: the same order everywhere, so nobody waits in a circle."""
    question("locked_before").ask([subject.ref])
    if isinstance(subject, db.Model):
        type(subject)._default_manager.select_for_update(no_key=True).filter(pk=subject.pk).first()
    queries.hold(subject.ref, alone=True)


def _tell(ref: str, change: Change) -> dict[str, Any]:
    # What follows is worked out over everything, whoever heard the word: a partner sees only its own reports.
    aside: dict[str, Any] = {}
    with scope_of(CLOCK):
        for answer in question("consent_changed").ask(ref, change):
            aside.update(answer or {})
    return aside


def _row(subject: Subject, terms: rules.Terms, *, by: HasPrincipal, **more: Any) -> Consent:
    return Consent(
        subject=subject.ref, compartment=subject.compartment, purpose=terms.purpose, given=terms.given,
        audience=list(terms.audience), identifiability=terms.identifiability, expires_on=terms.expires_on,
        giver=terms.giver, assent=terms.assent, guardian_not_implicated=terms.guardian_not_implicated,
        understanding_checked=terms.understanding_checked, withdrawal_channel_told=terms.withdrawal_channel_told,
        given_at=clock.now(), recorded_by=by.ref, **more,
    )  # fmt: skip


def write_down(
    subject: Any, answers: Sequence[rules.Terms], *, child: bool = False, language: str = "", method: str = "spoken",
    interpreter: bool = False, by: HasPrincipal,
) -> list[str]:  # fmt: skip
    """Enter answers in the book, inside an act that has its own entry. Returns the purposes in force afterwards.

    Raises Refused with every reason, and then nothing is entered.
    """
    if rules.bundled(answers):
        raise Refused(_("Ask about one purpose at a time, and write down one answer for each."), reason="bundled")
    today = clock.today()
    problems = dict.fromkeys(p for a in answers for p in rules.obstacles(a, child=child, on=today))
    if method not in rules.METHODS:
        problems[rules.gettext_noop("Say how it was given: spoken, signed, by thumb, or over the channel.")] = None
    if problems:
        raise Refused(" ".join(_(p) for p in problems), reason="consent")
    held = subject_of(subject)
    _one_persons(held)
    Consent.objects.bulk_create(
        _row(held, a, by=by, language=language[:8], method=method, interpreter=interpreter) for a in answers
    )
    return queries.in_force(held.ref)


def _one_persons(held: Subject) -> None:
    if held.kind == "INC":
        raise Refused(
            _("A report may hold accounts of several persons. Write down each one's word on her own account."),
            reason="subject",
        )


NOBODYS = rules.gettext_noop(
    "Nobody was asked for consent to this, so there is none to withdraw: it is kept on a lawful basis (R-VER-4). Where a person says "
    "that it is hers, write down her answer first: from then on it counts by her word alone."
)


def _somebodys(subject: Any) -> None:
    if not getattr(subject, "personal", True):
        raise Refused(_(NOBODYS), reason="R-VER-4")


def plain_yes(purposes: Sequence[str]) -> list[rules.Terms]:
    """A plain yes to each of these purposes, in the table's own terms: what an intake form's boxes mean."""
    return [rules.default_terms(p, on=clock.today()) for p in dict.fromkeys(purposes)]


@action("give_consent")
def give_consent(
    subject: Any, answers: Sequence[rules.Terms], *, child: bool = False, language: str = "", method: str = "spoken",
    interpreter: bool = False, by: HasPrincipal,
) -> list[str]:  # fmt: skip
    """Write down her answers, one a purpose (form A3): yes with its terms, or no. Returns the purposes in force.

    A no needs no reason and changes nothing else. Raises Refused for a bundle, or with what is missing to a yes.
    """
    _lock(subject)
    authority.require(by, "give_consent", subject_of(subject))
    # What her file says counts, whatever was ticked beside the answer (SC-11).
    child = child or bool(getattr(subject, "is_childs", False))
    before = set(queries.in_force(subject.ref))
    now = write_down(
        subject, answers, child=child, language=language, method=method, interpreter=interpreter, by=by
    )  # fmt: skip
    _tell(subject.ref, Change("given", tuple(a.purpose for a in answers), tuple(now), written_by=(by.ref,)))
    record.append("consent recorded", subject, by=by, detail={
        "given": sorted(a.purpose for a in answers if a.given), "refused": sorted(a.purpose for a in answers if not a.given),
        "new": sorted(set(now) - before)})  # fmt: skip
    return now


def stop(
    subject: Any, purposes: Sequence[str], *, heard_through: str, carry_out: bool = True, by: HasPrincipal
) -> Withdrawal:
    """A withdrawal, inside an act that has its own entry: the consents end now, and what follows is worked out.

    `carry_out=False` leaves the apps' own consequences to the clock, for a process that may not write their tables;
    whoever asks the gate is refused from this moment either way.
    """
    held = subject_of(subject)
    asked = list(dict.fromkeys(purposes))
    total = rules.withdrawal_is_total(asked)
    if heard_through not in HEARD:
        raise Refused(_("Say only where it was heard: %(words)s.") % {"words": ", ".join(HEARD)}, reason="heard")
    if unknown := [p for p in asked if p not in rules.purposes() and p != rules.EVERYTHING]:
        raise Refused(_("Unknown purpose of consent: %(codes)s.") % {"codes": ", ".join(unknown)}, reason="unknown")
    if not asked:
        raise Refused(_("Name at least one purpose, or everything."), reason="nothing")
    if not total:
        _one_persons(held)
    _somebodys(subject)
    if queries.is_closed(held.ref):
        raise Refused(_("Everything was withdrawn already; nothing is used."), reason="withdrawn")
    now, holidays = clock.now(), alliance.holidays()
    standing = {c.purpose: c for c in queries.standing(held.ref)}
    had = list(standing) if total else [p for p in asked if p in standing]
    with scope_of(CLOCK):
        states = {p: queries.states_of_use(held.ref, p) for p in {*had, "CP-CLAI"}}
        parts = queries.parts_of(held.ref) if total else [held.ref]
    effects = rules.what_follows(had, states, total=total)
    Consent.objects.bulk_create(
        _row(held, replace(standing[p].terms if p in standing else rules.Terms(p, False), given=False), by=by,
             withdrawn_at=now, heard_through=heard_through, language=standing[p].language if p in standing else "")
        for p in (had if total else asked)
    )  # fmt: skip
    withdrawal = Withdrawal.objects.create(
        subject=held.ref, compartment=held.compartment, parts=parts,
        purposes=[rules.EVERYTHING] if total else asked, had=had, total=total, asked_at=now,
        undo_until=now + timedelta(days=rules.UNDO_DAYS), heard_through=heard_through,
        effects=[_line(purpose, e, now, holidays) for purpose, e in effects],
    )  # fmt: skip
    _recall(withdrawal, had, total)
    if carry_out:
        _carry_out(withdrawal, (by.ref,))
    return withdrawal


def _line(purpose: str, effect: rules.Effect, now: Any, holidays: Any) -> dict[str, Any]:
    due = rules.due_at(effect, now, holidays)
    return {"code": effect.code, "purpose": purpose, "due": effect.due, "due_at": due.isoformat() if due else None,
            "done_at": None, "role": effect.role}  # fmt: skip


def _recall(withdrawal: Withdrawal, had: Sequence[str], total: bool) -> None:
    """Ask everyone who received it to return, delete or restrict it; their answers are waited for, one by one."""
    out = Transfer.objects.filter(subject__in=withdrawal.parts, recalled_at=None)
    if not total:
        out = out.filter(purpose__in=had)
    out.update(
        recalled_at=withdrawal.asked_at,
        answer_due_at=working_days_after(withdrawal.asked_at, RECALL_WORKING_DAYS, alliance.holidays()),
    )


def _carry_out(withdrawal: Withdrawal, written_by: tuple[str, ...]) -> None:
    now = clock.now().isoformat()
    change = Change(
        "withdrawn", tuple(withdrawal.had), tuple(queries.in_force(withdrawal.subject)), withdrawal.total, written_by=written_by
    )  # fmt: skip
    withdrawal.put_aside = _tell(withdrawal.subject, change)
    withdrawal.status, withdrawal.settled = m.EFFECTIVE, True
    for line in withdrawal.effects:
        if line["due"] in (rules.AT_ONCE, rules.SAID):
            line["done_at"] = now
    withdrawal.save(update_fields=["put_aside", "status", "settled", "effects"])


def _noted(withdrawal: Withdrawal, *, by: HasPrincipal) -> None:
    """One entry that names nobody: what was withdrawn, what follows and by when, and a digest of what it closes."""
    record.append(
        "consent withdrawn", withdrawal, by=by, to_state=withdrawal.status,
        detail={
            "purposes": withdrawal.purposes, "heard_through": withdrawal.heard_through,
            "effects": [[e["code"], e["due_at"] or e["due"]] for e in withdrawal.effects],
            "closes_sha256": queries.digest(withdrawal.parts),
        },
    )  # fmt: skip


@action("withdraw_consent")
def withdraw_consent(
    subject: Any, purposes: Sequence[str], *, heard_through: str = "office", carry_out: bool = True, by: HasPrincipal
) -> Withdrawal:
    """She withdraws these purposes, or EVERYTHING (SC-5): at any time, anywhere, without a reason, without penalty.

    Takes effect at once. Raises Refused only for what is no purpose, when everything was withdrawn already, or where it is nobody's:
    no account of a person, and no consent was ever asked for it (R-VER-4).
    """
    if rules.withdrawal_is_total(purposes):
        authority.require(by, "withdraw_everything", subject_of(subject))
    if carry_out:
        _lock(subject)
    else:
        queries.hold(subject.ref, alone=True)
    authority.require(by, "withdraw_consent", subject_of(subject))
    withdrawal = stop(subject, purposes, heard_through=heard_through, carry_out=carry_out, by=by)
    _noted(withdrawal, by=by)
    return withdrawal


def withdraw_everything(subject: Any, *, heard_through: str = "office", by: HasPrincipal) -> Withdrawal:
    """She withdraws everything: closed to everyone at once, undoable for fourteen days, then shredded."""
    return withdraw_consent(subject, [rules.EVERYTHING], heard_through=heard_through, by=by)


@action("carry_out_withdrawal")
def carry_out_withdrawal(withdrawal: Withdrawal, *, by: HasPrincipal) -> Withdrawal:
    """The consequences in the apps of what came over the channel: a withdrawal, or one taken back. Done by the clock."""
    _lock_behind(withdrawal)
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "carry_out_withdrawal", subject_of(withdrawal))
    before = withdrawal.status
    if before == m.ASKED:
        _carry_out(withdrawal, ())
    elif before == m.UNDONE and not withdrawal.settled:
        _tell_undone(withdrawal)
    else:
        raise Refused(_("This withdrawal has already taken effect."), reason="lifecycle")
    record.append("withdrawal carried out", withdrawal, by=by, from_state=before, to_state=withdrawal.status)
    return withdrawal


def _tell_undone(withdrawal: Withdrawal, written_by: tuple[str, ...] = ()) -> None:
    standing = tuple(queries.in_force(withdrawal.subject))
    back = tuple(p for p in withdrawal.had if p in standing)
    _tell(withdrawal.subject, Change("undone", back, standing, withdrawal.total, withdrawal.put_aside, written_by))
    withdrawal.settled = True
    withdrawal.save(update_fields=["settled"])


def _lock_behind(withdrawal: Withdrawal) -> None:
    with scope_of(CLOCK):
        found = [o for o in question("sealed_object").ask(withdrawal.subject) if o is not None]
    _lock(found[0] if found else Subject(withdrawal.subject, withdrawal.compartment))


@action("undo_withdrawal")
def undo_withdrawal(withdrawal: Withdrawal, *, carry_out: bool = True, by: HasPrincipal) -> Withdrawal:
    """She takes a withdrawal back within fourteen days: exactly what fell stands again, in the terms it had.

    Raises Refused once the days are over or shredding began; then a consent can only be given anew.
    """
    if carry_out:
        _lock_behind(withdrawal)
    else:
        queries.hold(withdrawal.subject, alone=True)
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "undo_withdrawal", subject_of(withdrawal))
    before = withdrawal.status
    if before not in (m.ASKED, m.EFFECTIVE):
        raise Refused(
            _("This can no longer be taken back. She may give a consent anew at any time."), reason="lifecycle"
        )
    if clock.now() >= withdrawal.undo_until:
        raise Refused(_("The fourteen days are over. She may give a consent anew at any time."), reason="late")
    if not withdrawal.total and queries.is_closed(withdrawal.subject):
        raise Refused(_("Everything was withdrawn since. That is taken back first."), reason="withdrawn")
    held, back = subject_of(withdrawal), []
    for purpose in withdrawal.had:
        last = list(Consent.objects.filter(subject=held.ref, purpose=purpose).order_by("-id")[:1])
        old = Consent.objects.filter(
            subject=held.ref, purpose=purpose, given=True, given_at__lte=withdrawal.asked_at
        ).last()  # fmt: skip
        # A later word of hers on this purpose stands; only what this withdrawal ended comes back.
        if old is not None and last and last[0].withdrawn_at == withdrawal.asked_at:
            back.append(
                _row(held, old.terms, by=by, language=old.language, method=old.method, interpreter=old.interpreter)
            )
    Consent.objects.bulk_create(back)
    # Before the apps were told of the withdrawal there is nothing to tell them of its end.
    withdrawal.status, withdrawal.settled, withdrawal.undone_at = m.UNDONE, before == m.ASKED, clock.now()
    withdrawal.save(update_fields=["status", "settled", "undone_at"])
    if carry_out and not withdrawal.settled:
        _tell_undone(withdrawal, (by.ref,))
    record.append("withdrawal undone", withdrawal, by=by, from_state=before, to_state=m.UNDONE,
                  detail={"purposes": [c.purpose for c in back]})  # fmt: skip
    return withdrawal


@action("note_effect_done")
def note_effect_done(withdrawal: Withdrawal, code: str, *, by: HasPrincipal) -> Withdrawal:
    """A consequence that is a person's work is done: a narrative redacted, a memorial taken down, a panel's note made."""
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "note_effect_done", subject_of(withdrawal))
    open_ = [e for e in withdrawal.effects if e["code"] == code and not e["done_at"]]
    if not open_ or code in ("RECALL", "SHRED", "NEXT_RELEASE_ONLY"):
        raise Refused(_("Nothing of this kind is open here."), reason="lifecycle")
    for line in open_:
        line["done_at"] = clock.now().isoformat()
    withdrawal.save(update_fields=["effects"])
    record.append("withdrawal effect done", withdrawal, by=by, detail={"code": code})
    return withdrawal


# --- what was given out, and its recall -----------------------------------------------------------------------------


@action("record_transfer")
def record_transfer(
    subject: Any, purpose: str, recipient: Body, fields: Sequence[str], *, by: HasPrincipal
) -> Transfer:
    """Note that facts of a subject are given to one recipient under one purpose: the disclosure ledger.

    Refused without a live consent that covers it (SC-4). No person-level fact goes to a state's delegation, ever.
    """
    queries.hold(subject.ref)
    authority.require(by, "record_transfer", subject_of(subject))
    transfer = give_out(subject, purpose, recipient, fields)
    record.append("transfer recorded", transfer, by=by,
                  detail={"purpose": transfer.purpose, "recipient": recipient.ref, "fields": sorted(fields)})  # fmt: skip
    return transfer


def give_out(subject: Any, purpose: str, recipient: Body, fields: Sequence[str]) -> Transfer:
    """The ledger's row for something that is given out, inside the act that gives it. Raises Refused without a live
    consent that covers it (SC-4), and for a delegation always.
    """
    if recipient.kind == Body.DELEGATION:
        raise Refused(_("Nothing about a person goes to a state's delegation, with any consent (IS-1)."), reason="IS-1")
    if not fields or any(not f.replace("_", "").isalnum() or len(f) > 40 for f in fields):
        raise Refused(_("Name the fields that are given out, by their codes."), reason="fields")
    line = gate.operation("transfer", purpose)
    audience = next((a for c in queries.standing(subject.ref) if c.purpose == purpose for a in c.audience
                     if a == f"partner:{recipient.ref}"), "")  # fmt: skip
    if line is None or not gate.gate("transfer", subject, purpose, audience=audience):
        raise Refused(
            _("There is no live consent that covers giving this out, so it stays here (SC-4)."), reason="consent"
        )
    transfer = Transfer.objects.create(
        subject=subject.ref, compartment=subject.compartment, purpose=line.purpose, recipient=recipient.ref,
        recipient_name=recipient.name, on=clock.today(), fields=sorted(fields),
    )  # fmt: skip
    return transfer


@action("note_recall_answer")
def note_recall_answer(transfer: Transfer, answer: str, *, by: HasPrincipal) -> Transfer:
    """What a recipient answered to a recall: returned, deleted, restricted, or unable. Once; she sees it."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    authority.require(by, "note_recall_answer", subject_of(transfer))
    if answer not in ANSWERS:
        raise Refused(_("An answer is one of: %(codes)s.") % {"codes": ", ".join(ANSWERS)}, reason="unknown")
    if transfer.recalled_at is None or transfer.answered_at is not None:
        raise Refused(_("No recall of this waits for an answer."), reason="lifecycle")
    transfer.answer, transfer.answered_at = answer, clock.now()
    transfer.save(update_fields=["answer", "answered_at"])
    waiting = Transfer.objects.filter(subject=transfer.subject, recalled_at__isnull=False, answered_at=None)
    for withdrawal in Withdrawal.objects.select_for_update().filter(parts__contains=[transfer.subject]):
        lines = [e for e in withdrawal.effects if e["code"] == "RECALL" and not e["done_at"]
                 and not waiting.filter(purpose=e["purpose"]).exists()]  # fmt: skip
        for line in lines:
            line["done_at"] = clock.now().isoformat()
        if lines:
            withdrawal.save(update_fields=["effects"])
    record.append("recall answered", transfer, by=by, detail={"answer": answer})
    return transfer


def next_release_made() -> int:
    """A scheduled release was made without those who withdrew: told inside that act. Returns how many it concerned."""
    n = 0
    for withdrawal in Withdrawal.objects.select_for_update().filter(status__in=[m.EFFECTIVE, m.SHREDDING, m.SHREDDED]):
        lines = [e for e in withdrawal.effects if e["due"] == rules.NEXT_RELEASE and not e["done_at"]]
        for line in lines:
            line["done_at"] = clock.now().isoformat()
        if lines:
            withdrawal.save(update_fields=["effects"])
            n += 1
    return n


# --- the clock ----------------------------------------------------------------------------------------------------


@action("end_consents")
def end_consents(ref: str, *, by: HasPrincipal) -> list[str]:
    """The term of some consents is over: they end as she set it, and the apps are told. Nothing else changes."""
    found = [o for o in question("sealed_object").ask(ref) if o is not None]
    if not found:
        raise Refused(_("There is nothing of this reference any more."), reason="nothing")
    subject = found[0]
    _lock(subject)
    authority.require(by, "end_consents", subject_of(subject))
    over = [c for c in _last_words(ref) if c.given and c.expires_on and c.expires_on < clock.today()]
    if not over:
        raise Refused(_("No consent has reached its term."), reason="lifecycle")
    held = subject_of(subject)
    Consent.objects.bulk_create(_row(held, replace(c.terms, given=False), by=by, language=c.language) for c in over)
    ended = [c.purpose for c in over]
    wrote = tuple(sorted({c.recorded_by for c in over}))
    _tell(ref, Change("ended", tuple(ended), tuple(queries.in_force(ref)), written_by=wrote))
    record.append("consents ended", subject, by=by, detail={"purposes": ended})
    return ended


def _last_words(ref: str) -> list[Consent]:
    return list(Consent.objects.filter(subject=ref).order_by("purpose", "-id").distinct("purpose"))


@action("begin_shredding")
def begin_shredding(withdrawal: Withdrawal, *, by: HasPrincipal) -> Withdrawal:
    """From here on it cannot be taken back. The first of two phases; after a crash the second is simply done again."""
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "shred_withdrawn", subject_of(withdrawal))
    if withdrawal.status != m.EFFECTIVE or not rules.may_be_shredded(
        total=withdrawal.total, status=withdrawal.status, undo_until=withdrawal.undo_until, at=clock.now()
    ):
        raise Refused(_("This is not due to be shredded."), reason="lifecycle")
    withdrawal.status = m.SHREDDING
    withdrawal.save(update_fields=["status"])
    record.append("shredding begun", withdrawal, by=by, from_state=m.EFFECTIVE, to_state=m.SHREDDING)
    return withdrawal


@action("finish_shredding")
def finish_shredding(withdrawal: Withdrawal, keys: Mapping[str, int], *, by: HasPrincipal) -> Withdrawal:
    """The keys are gone: clear what the working facts still hold in detail, and say that it is done."""
    question("locked_before").ask(list(withdrawal.parts))
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "shred_withdrawn", subject_of(withdrawal))
    if withdrawal.status != m.SHREDDING:
        raise Refused(_("Shredding has not begun, or is done."), reason="lifecycle")
    with scope_of(CLOCK):
        # Also what was written down since, of which the vault destroyed the keys too.
        since = [ref for ref in queries.parts_of(withdrawal.subject) if ref[:3] in rules.COME_SINCE]
        for part in sorted({*withdrawal.parts, *since}):
            question("clear_details").ask(part)
    withdrawal.status, withdrawal.shredded_at = m.SHREDDED, clock.now()
    withdrawal.put_aside, withdrawal.refused = {}, ""
    for line in withdrawal.effects:
        if line["code"] == "SHRED":
            line["done_at"] = clock.now().isoformat()
    withdrawal.save(update_fields=["status", "shredded_at", "put_aside", "refused", "effects"])
    record.append(
        "shredded", withdrawal, by=by, from_state=m.SHREDDING, to_state=m.SHREDDED, detail={"keys": dict(keys)}
    )
    return withdrawal


@action("note_not_shredded")
def note_not_shredded(withdrawal: Withdrawal, reason: str, *, by: HasPrincipal) -> Withdrawal:
    """The vault kept the keys when they were due, and why as a code: entered once, and shown to who keeps withdrawals."""
    withdrawal = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    authority.require(by, "shred_withdrawn", subject_of(withdrawal))
    if withdrawal.status != m.SHREDDING:
        raise Refused(_("Shredding has not begun, or is done."), reason="lifecycle")
    withdrawal.refused = reason[:20]
    withdrawal.save(update_fields=["refused"])
    record.append("keys kept by the vault", withdrawal, by=by, reason=withdrawal.refused,
                  from_state=withdrawal.status, to_state=withdrawal.status)  # fmt: skip
    return withdrawal


# Where a rehearsal of faults may stop the work: before and after each step. Nothing listens in the running product.
def _pass(_point: str) -> None:
    """No fault here."""


fault_point: Callable[[str], None] = _pass


def shred_due(*, by: HasPrincipal = CLOCK) -> int:
    """Shred every total withdrawal whose fourteen days are over; returns how many were finished. Safe at any moment.

    Between two steps the process may die: what was begun is found again and done to its end. The vault checks for
    itself, in the record and the working facts, that each is due.
    """
    with reading_as(by):
        due = list(
            Withdrawal.objects.filter(total=True, status__in=[m.EFFECTIVE, m.SHREDDING], undo_until__lte=clock.now())
            .order_by("asked_at", "id")
        )  # fmt: skip
    done = 0
    for withdrawal in due:
        done += _each(partial(_shred, withdrawal, by), "shredding", withdrawal.ref)
    return done


def _shred(withdrawal: Withdrawal, by: HasPrincipal) -> None:
    """Raises Refused; what the vault finds not due is entered the first time."""
    fault_point("before beginning")
    if withdrawal.status == m.EFFECTIVE:
        withdrawal = begin_shredding(withdrawal, by=by)
    fault_point("after beginning")
    try:
        keys: dict[str, int] = ask("shred", withdrawal=withdrawal.ref)
    except Refused as no:
        if no.reason == "not_due" and withdrawal.refused != no.reason:
            note_not_shredded(withdrawal, no.reason, by=by)
        raise
    fault_point("after the keys")
    finish_shredding(withdrawal, keys, by=by)
    fault_point("after finishing")


# What was said of which piece of work, while it lasts: the clock comes round every minute.
_said: set[tuple[str, str, str]] = set()


def _each(act: Callable[[], object], what: str, ref: str) -> int:
    """One piece of the clock's work; what is refused is said once, with the withdrawal's number, and holds up nothing else."""
    try:
        act()
    except Refused as no:
        said = (what, ref, no.reason)
        if said not in _said:
            _said.add(said)
            log.error("%s %swas refused (%s)", what, f"({ref}) " if ref.startswith("WDR") else "", no.reason)
        return 0
    _said.difference_update([s for s in _said if s[:2] == (what, ref)])
    return 1


def owed(*, by: HasPrincipal = CLOCK) -> int:
    """Everything the clock owes to consents: withdrawals from the channel, ended terms, shredding. Safe to run again."""
    done = 0
    with reading_as(by):
        asked = list(
            Withdrawal.objects.filter(Q(status=m.ASKED) | Q(status=m.UNDONE, settled=False)).order_by("id")
        )  # fmt: skip
        last = Consent.objects.order_by("subject", "purpose", "-id").distinct("subject", "purpose")
        ends = (
            Consent.objects.filter(expires_on__lt=clock.today(), given=True)
            .values_list("subject", flat=True)
            .distinct()
        )
        over = sorted({c.subject for c in last.filter(subject__in=list(ends)) if c.given and c.expires_on
                       and c.expires_on < clock.today()})  # fmt: skip
    for withdrawal in asked:
        done += _each(partial(carry_out_withdrawal, withdrawal, by=by), "carrying out a withdrawal", withdrawal.ref)
    for ref in over:
        done += _each(partial(end_consents, ref, by=by), "ending a consent", ref)
    return done + shred_due(by=by)
