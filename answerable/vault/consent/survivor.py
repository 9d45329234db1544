"""What she sees of her own and may do with it, for the channel that renders it; plain words, no name in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words, isolated, listed
from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Principal
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import label
from answerable.record.models import Entry
from answerable.vault import recorded
from answerable.vault.consent import models as m
from answerable.vault.consent import queries, rules, words
from answerable.vault.consent.models import Consent, Transfer, Withdrawal


def her_words(code: str) -> str:
    """A purpose as her own pages call it."""
    return _("Everything") if code == rules.EVERYTHING else str(words.PURPOSES.get(code, code))


def purpose_words(code: str) -> str:
    """A purpose in the field's term, in the reader's language: for the pages of offices and delegations."""
    if code == rules.EVERYTHING:
        return _("Everything")
    return label("consent_purpose", code, get_language() or "en")


def audience_words(codes: Sequence[str], *, to_her: bool = True) -> str:
    """Audiences in words, said to her or, on the office's pages, about her; a partner by its own name."""
    organ = (
        _("the offices that handle your file and the organisation you told") if to_her
        else _("the offices that handle her file and the organisation she told")
    )  # fmt: skip
    called = {
        "organ": organ, "services": _("services of care and protection"),
        "members_aggregate": _("member states, as totals only"), "court": _("a court or prosecutor"),
        "un": _("a mechanism of the United Nations"), "matching": _("officers who check other registers"),
        "sanctions": _("the desk that prepares a listing"), "research": _("approved research"), "public": _("anyone"),
        "archive": _("the sealed archive"),
    }  # fmt: skip
    return listed(called.get(c, _("a partner organisation")) for c in codes)


def choices(ref: str, *, to_her: bool = True) -> list[dict[str, Any]]:
    """All fifteen purposes, each with what stands now and what no withdrawal brings back."""
    standing = {c.purpose: c for c in queries.standing(ref)}
    may_give = not queries.is_closed(ref)
    rows = []
    for code, row in rules.purposes().items():
        consent = standing.get(code)
        until = consent.expires_on if consent else None
        rows.append({
            "purpose": code, "label": her_words(code) if to_her else purpose_words(code), "given": consent is not None, "may_give": consent is None and may_give,
            "audience": audience_words(consent.audience if consent else [row.audience], to_her=to_her),
            "until": day_words(until) if until else "", "cannot_recall": _(rules.cannot_be_recalled(code)),
        })  # fmt: skip
    return rows


def number_words(ref: str) -> str:
    """The number of what she did, and that nothing hangs on it."""
    return _("Number of this: %(ref)s. Keep it or not; nothing is lost without it.") % {"ref": isolated(ref)}


def receipt_of(withdrawal: Withdrawal) -> str:
    """What she can keep: what she withdrew, what happens now and by when. No name, no place, nothing she told.

    Of a withdrawal that was undone it says so first, and nothing of what would have followed.
    """
    what = listed(her_words(p) for p in withdrawal.purposes)
    withdrew = _("You withdrew: %(what)s. You did not have to say why, and you lose nothing by it.") % {"what": what}
    if withdrawal.status == m.UNDONE:
        return "\n".join([undone_words(withdrawal), number_words(withdrawal.ref)])
    lines = [
        day_words(withdrawal.asked_at),
        withdrew,
        *(sentence for sentence, _state in effect_lines(withdrawal)),
    ]
    if not withdrawal.had:
        lines.append(_("None of this was in force, so nothing of yours was used for it."))
    if withdrawal.status in (m.ASKED, m.EFFECTIVE):
        lines.append(_("You can undo this until %(day)s.") % {"day": day_words(withdrawal.undo_until)})
    if withdrawal.status == m.SHREDDED and withdrawal.shredded_at:
        lines.append(
            _("It is done: the keys are destroyed, and nobody can read what you told any more, not even we. The last "
              "backup of the keys ends on %(day)s.")
            % {"day": day_words(withdrawal.shredded_at + timedelta(days=rules.BACKUP_DAYS))}
        )  # fmt: skip
    return "\n".join([*dict.fromkeys(lines), number_words(withdrawal.ref)])


def undone_words(withdrawal: Withdrawal) -> str:
    """That a withdrawal was undone, when, and what holds now."""
    what = listed(her_words(p) for p in withdrawal.purposes)
    days = {"what": what, "asked": day_words(withdrawal.asked_at), "day": day_words(withdrawal.undone_at)}
    if withdrawal.undone_at is None:
        return _("Undone. What you withdrew on %(asked)s (%(what)s) is as it was before.") % days
    return _("Undone on %(day)s. What you withdrew on %(asked)s (%(what)s) is as it was before.") % days


def effect_lines(withdrawal: Withdrawal) -> list[tuple[str, str]]:
    """Each consequence once: its sentence and where it stands now. No line is without a word."""
    found: dict[str, str] = {}
    for line in withdrawal.effects:
        found.setdefault(_(rules.EFFECTS[line["code"]].sentence), _stands(withdrawal, line))
    return list(found.items())


def _stands(withdrawal: Withdrawal, line: dict[str, Any]) -> str:
    done = datetime.fromisoformat(line["done_at"]) if line["done_at"] else None
    if withdrawal.status == m.UNDONE:
        # What a person did, or others were asked, cannot be unsaid; everything else is as if it had not been.
        if line["role"] and line["code"] != "WORKS_PLAN" and (done or line["code"] == "RECALL"):
            return _("this was done before you undid it")
        return (
            _("undone on %(day)s") % {"day": day_words(withdrawal.undone_at)} if withdrawal.undone_at else _("undone")
        )
    if line["due"] == rules.SAID:
        return _("it stays so")
    if done:
        return _("done on %(day)s") % {"day": day_words(done)}
    if line["due_at"]:
        return _("by %(day)s") % {"day": day_words(datetime.fromisoformat(line["due_at"]))}
    if line["due"] == rules.NEXT_RELEASE:
        return _("with the next release")
    return _("holds since %(day)s") % {"day": day_words(withdrawal.asked_at)}


def closing_words(ref: str) -> str:
    """For the office, about something everything was withdrawn of: since when, and when its keys end. Empty otherwise."""
    found = queries.closing(ref)
    if found is None:
        return ""
    days = {"day": day_words(found.asked_at), "end": day_words(found.undo_until),
            "backups": day_words(found.undo_until + timedelta(days=rules.BACKUP_DAYS))}  # fmt: skip
    if found.shredded_at:
        return _("She withdrew everything on %(day)s. The keys are destroyed; nothing can be opened.") % days
    return (
        _("She withdrew everything on %(day)s. Nothing can be opened, by anyone. She can undo it until %(end)s; then the "
          "keys end, and those in backups on %(backups)s.") % days
    )  # fmt: skip


def answer_words(transfer: Transfer) -> str:
    """Where a recall stands, in words."""
    if transfer.recalled_at is None:
        return ""
    words = {"RETURNED": _("returned it"), "DELETED": _("deleted it"), "RESTRICTED": _("keeps it closed"),
             "UNABLE": _("says that it is unable to give it back")}  # fmt: skip
    return words.get(transfer.answer, _("was asked to give it back and has not answered yet"))


@question("survivor_page").answer_with
def page(about_ref: str) -> list[dict[str, Any]]:
    """Her consents, who received what, who opened what and why, and what her withdrawals brought about."""
    with reading_as(CLOCK):
        parts = queries.parts_of(about_ref)
        closing = queries.closing(about_ref)
        allowed = choices(about_ref)
        lines = [_("Each is yours to give or refuse on its own. Refusing or stopping changes nothing else.")]
        if closing is not None:
            days = {"day": day_words(closing.asked_at), "end": day_words(closing.undo_until)}
            lines = [_("You withdrew everything on %(day)s, so nothing is allowed now.") % days]
            if closing.status in (m.ASKED, m.EFFECTIVE):
                lines.append(_("Until %(end)s you can undo that; after it you can give something again.") % days)
        elif not any(c["given"] for c in allowed):
            lines.append(_("You allow nothing now."))
        if any(c["may_give"] for c in allowed) and _is_childs(about_ref):
            # A button that only ever refuses is none.
            allowed = [{**c, "may_give": False} for c in allowed]
            lines.append(child_words())
        sections: list[dict[str, Any]] = [{
            "title": _("What you allow"), "choices": allowed, "lines": lines, "everything": closing is None,
            "can_give": any(c["may_give"] for c in allowed),
        }]  # fmt: skip
        shared = Transfer.objects.filter(subject__in=parts)
        sections.append({
            "title": _("Who received something of yours"),
            "table": {"head": [_("Who"), _("Why"), _("Day"), _("Since then")],
                      "rows": [[t.recipient_name, her_words(t.purpose), day_words(t.on), answer_words(t)] for t in shared]},
            "lines": [] if shared else [_("Nobody outside received anything.")],
        })  # fmt: skip
        hers = [*parts, *(r for answer in question("kept_beside").ask(about_ref) for r in answer)]
        entered = Entry.objects.filter(subject__in=hers, action="sealed field read").order_by("-index").iterator()
        opened = list(islice(recorded.the_vaults(entered), 100))
        bodies = dict(Person.objects.filter(ref__in={e.actor for e in opened}).values_list("ref", "body__name"))
        # Opening a page's messages leaves an entry for each: the same office, day and reason are one line to her.
        rows = dict.fromkeys(
            (bodies.get(e.actor, _("An office")), day_words(e.at), use_words((e.event or {}).get("detail", {}).get("purpose", "")))
            for e in opened
        )  # fmt: skip
        sections.append({
            "title": _("Who opened what you told, and why"),
            "table": {"head": [_("Office"), _("Day"), _("Why")], "rows": [list(r) for r in rows]},
            "lines": [] if opened else [_("Nobody has.")],
        })  # fmt: skip
        for withdrawal in Withdrawal.objects.filter(subject=about_ref)[:20]:
            days = {"day": day_words(withdrawal.asked_at)}
            undone = withdrawal.status == m.UNDONE
            table_rows = [[sentence, state] for sentence, state in effect_lines(withdrawal)]
            sections.append({
                "title": _("What you withdrew on %(day)s, and undid") % days if undone else _("What you withdrew on %(day)s") % days,
                "lines": [receipt_of(withdrawal).split("\n")[0 if undone else 1], number_words(withdrawal.ref)],
                "table": {"head": [_("What happens"), _("Where it stands")], "rows": table_rows},
                "undo": withdrawal.ref if withdrawal.status in (m.ASKED, m.EFFECTIVE) else "",
                "more": undone,
            })  # fmt: skip
    return sections


def needed_words(use: str) -> str:
    """The purpose of consent that a use needs, by its name; the use itself where the table knows none."""
    line = rules.operations().get(("read", use))
    return purpose_words(line.purpose) if line else use_words(use)


def use_words(use: str) -> str:
    """Why something was opened, in words; the same words wherever she reads them."""
    return {"verification": _("to check what happened"), "adjudication": _("to decide on what you asked for"),
            "payment": _("to pay you"), "contact": _("to answer you"), "grievance": _("to look into your complaint"),
            "care": _("to find care for you"), "care_contact": _("to find care for you"), "care_note": _("to find care for you")}.get(use, use)  # fmt: skip


@question("survivor_asks").answer_with
def asks(about_ref: str, act: str, purpose: str) -> dict[str, Any] | None:
    """What she is told before she gives one purpose, or takes one or everything back; None where there is no such choice."""
    with reading_as(CLOCK):
        standing = [c.purpose for c in queries.standing(about_ref)]
        if queries.is_closed(about_ref):
            return None
        if act == "give":
            if purpose not in rules.purposes() or purpose in standing:
                return None
            if _is_childs(about_ref):
                raise Refused(child_words(), reason="child")
            return {"act": act, "purpose": purpose, "label": her_words(purpose), "lines": terms_words(purpose)}
        total = purpose == rules.EVERYTHING
        if not total and purpose not in standing:
            return None
        had = standing if total else [purpose]
        states = {p: queries.states_of_use(about_ref, p) for p in {*had, "CP-CLAI"}}
    lines = dict.fromkeys(_(e.sentence) for _p, e in rules.what_follows(had, states, total=total))
    until = day_words(clock.now() + timedelta(days=rules.UNDO_DAYS))
    return {
        "act": "withdraw", "purpose": purpose, "label": her_words(purpose),
        "lines": [*lines, _("If you do it now, you can undo it until %(day)s.") % {"day": until}],
    }  # fmt: skip


def _is_childs(about_ref: str) -> bool:
    found = [obj for obj in question("sealed_object").ask(about_ref) if obj is not None]
    return bool(found) and bool(getattr(found[0], "is_childs", False))


def child_words() -> str:
    """What she who is under 18 is told where an adult has to consent with her (SC-11)."""
    return _(
        "You told us that you are under 18. For this an adult you trust says yes together with you (SC-11). "
        "Write to us here, or come to an office. Nothing else changes."
    )


def terms_words(purpose: str) -> list[str]:
    """What a yes to a purpose means: for whom, how far, until when, what cannot be called back, and how to stop."""
    terms = rules.default_terms(purpose, on=clock.today())
    far = str(words.EXTENT[terms.identifiability])
    return [
        _("Who may use it: %(who)s.") % {"who": audience_words(terms.audience)},
        _("How far you can be recognised: %(far)s.") % {"far": far},
        _("It ends by itself on %(day)s.") % {"day": day_words(terms.expires_on)} if terms.expires_on
        else _("It holds until you take it back."),
        _(rules.cannot_be_recalled(purpose)),
        _("You can take it back here at any time, without a reason. If you do not give it, nothing changes for you."),
    ]  # fmt: skip


@question("survivor_gives").answer_with
def gives(about_ref: str, purpose: str, understood: bool, by: HasPrincipal) -> str:
    """She gives one purpose at her door, in the terms she was shown. Returns her receipt. Raises Refused."""
    from answerable.vault.consent import actions

    if purpose not in rules.purposes():
        raise Refused(_("There is no such purpose."), reason="unknown")
    obj, herself = _hers(about_ref, by)
    with reading_as(CLOCK):
        stands = next((c for c in queries.standing(about_ref) if c.purpose == purpose), None)
    if stands is not None:  # pressed again: it is the same yes
        return _gave(stands)
    answer = replace(rules.default_terms(purpose, on=clock.today()), understanding_checked=understood)
    if not understood:
        raise Refused(_("Tick first that you have read what it means. Nothing was given."), reason="understood")
    actions.give_consent(
        obj, [answer], child=getattr(obj, "is_childs", False), language=get_language() or "en", method="channel",
        by=herself,
    )  # fmt: skip
    with reading_as(CLOCK):
        row = Consent.objects.filter(subject=about_ref, purpose=purpose, given=True).latest("id")
    return _gave(row)


def _gave(row: Consent) -> str:
    """The receipt of a purpose she gave."""
    said = _("You gave on %(day)s: %(what)s.") % {"day": day_words(row.given_at), "what": her_words(row.purpose)}
    return "\n".join([said, *terms_words(row.purpose), number_words(row.ref)])


def _hers(about_ref: str, by: HasPrincipal) -> tuple[Any, Principal]:
    """The object behind her reference, and herself with the row scope of that object alone."""
    with reading_as(CLOCK):
        found = [o for o in question("sealed_object").ask(about_ref) if o is not None]
        known = None if found else Consent.objects.filter(subject=about_ref).first()
    if not found and known is None:
        raise Refused(_("There is nothing of yours here any more."), reason="nothing")
    obj = found[0] if found else queries.subject_of(known)
    return obj, replace(by.principal(), compartments=frozenset({obj.compartment}), via="channel")


@question("survivor_withdraws").answer_with
def withdraws(about_ref: str, purposes: Sequence[str], by: HasPrincipal) -> str:
    """She withdraws over the channel, these purposes or EVERYTHING. Returns her receipt. Raises Refused."""
    from answerable.vault.consent import actions

    obj, herself = _hers(about_ref, by)
    if before := _already(about_ref, purposes):
        return receipt_of(before)
    try:
        made = actions.withdraw_consent(obj, list(purposes), heard_through="channel", carry_out=False, by=herself)
    except Refused as no:
        # The same word, pressed twice at one moment: the other came first.
        if no.reason != "withdrawn" or not (before := _already(about_ref, purposes)):
            raise
        return receipt_of(before)
    return receipt_of(made)


def _already(about_ref: str, purposes: Sequence[str]) -> Withdrawal | None:
    """The withdrawal that this word is once more, pressed again because its answer did not come: what it withdrew is withdrawn
    still. None where it is a new word.
    """
    with reading_as(CLOCK):
        mine = Withdrawal.objects.filter(subject=about_ref)
        if rules.withdrawal_is_total(purposes):
            return mine.filter(total=True, status__in=m.CLOSED).first()
        if queries.is_closed(about_ref) or set(purposes) & set(queries.in_force(about_ref)):
            return None
        held = mine.filter(total=False, status__in=(m.ASKED, m.EFFECTIVE))
        return next((w for w in held if set(w.purposes) == set(purposes)), None)


@question("survivor_undoes").answer_with
def undoes(about_ref: str, withdrawal_ref: str, by: HasPrincipal) -> str:
    """She takes a withdrawal of her own back within its fourteen days. Returns the receipt. Raises Refused."""
    from answerable.vault.consent import actions

    _obj, herself = _hers(about_ref, by)
    with reading_as(CLOCK):
        mine = Withdrawal.objects.filter(ref=withdrawal_ref, subject=about_ref).first()
    if mine is None:
        raise Refused(_("There is no such withdrawal of yours."), reason="nothing")
    if mine.status == m.UNDONE:  # pressed again: it is the same undoing
        return receipt_of(mine)
    return receipt_of(actions.undo_withdrawal(mine, carry_out=False, by=herself))
