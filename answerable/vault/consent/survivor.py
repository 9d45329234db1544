"""What she sees of her own and may do with it, for the channel that renders it; plain words, no name in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Principal
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import label
from answerable.record.models import Entry
from answerable.vault.consent import models as m
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import Consent, Transfer, Withdrawal


def day(value: Any) -> str:
    """A day in the reader's language."""
    return date_format(value, "j F Y")


def purpose_words(code: str) -> str:
    """A purpose in the reader's language."""
    if code == rules.EVERYTHING:
        return _("Everything")
    return label("consent_purpose", code, get_language() or "en")


def audience_words(codes: Sequence[str], *, to_her: bool = True) -> str:
    """Audiences in words, said to her or, on the office's pages, about her; a partner by its own name."""
    organ = (
        _("the offices that handle your file and the organisation you told") if to_her
        else _("the offices that handle her file and the organisation she told")
    )  # fmt: skip
    words = {
        "organ": organ, "services": _("services of care and protection"),
        "members_aggregate": _("member states, as totals only"), "court": _("a court or prosecutor"),
        "un": _("a mechanism of the United Nations"), "matching": _("officers who check other registers"),
        "sanctions": _("the desk that prepares a listing"), "research": _("approved research"), "public": _("anyone"),
        "archive": _("the sealed archive"),
    }  # fmt: skip
    return ", ".join(words.get(c, _("a partner organisation")) for c in codes)


def choices(ref: str, *, to_her: bool = True) -> list[dict[str, Any]]:
    """All fifteen purposes, each with what stands now and what no withdrawal brings back."""
    standing = {c.purpose: c for c in queries.standing(ref)}
    rows = []
    for code, row in rules.purposes().items():
        consent = standing.get(code)
        until = consent.expires_on if consent else None
        rows.append({
            "purpose": code, "label": purpose_words(code), "given": consent is not None,
            "audience": audience_words(consent.audience if consent else [row.audience], to_her=to_her),
            "until": day(until) if until else "", "cannot_recall": _(rules.cannot_be_recalled(code)),
        })  # fmt: skip
    return rows


def receipt_of(withdrawal: Withdrawal) -> str:
    """What she can keep: what she withdrew, what happens now and by when. No name, no place, nothing she told."""
    what = ", ".join(purpose_words(p) for p in withdrawal.purposes)
    lines = [
        _("Receipt %(ref)s, %(day)s.") % {"ref": withdrawal.ref, "day": day(withdrawal.asked_at)},
        _("You withdrew: %(what)s. You did not have to say why, and you lose nothing by it.") % {"what": what},
        *(sentence for sentence, _state in effect_lines(withdrawal)),
    ]
    if not withdrawal.had:
        lines.append(_("None of this was in force, so nothing of yours was used for it."))
    if withdrawal.status in (m.ASKED, m.EFFECTIVE):
        lines.append(_("You can take this back until %(day)s.") % {"day": day(withdrawal.undo_until)})
    if withdrawal.status == m.SHREDDED:
        lines.append(_("It is done: nobody can read what you told any more, not even we."))
    if withdrawal.status == m.UNDONE:
        lines.append(_("You took this back; everything is as before."))
    return "\n".join(dict.fromkeys(lines))


def effect_lines(withdrawal: Withdrawal) -> list[tuple[str, str]]:
    """Each consequence once: its sentence and where it stands."""
    found: dict[str, str] = {}
    for line in withdrawal.effects:
        sentence = _(rules.EFFECTS[line["code"]].sentence)
        if line["done_at"]:
            state = _("done")
        elif line["due_at"]:
            state = _("by %(day)s") % {"day": day(datetime.fromisoformat(line["due_at"]))}
        else:
            state = _("with the next release") if line["due"] == rules.NEXT_RELEASE else ""
        found.setdefault(sentence, state)
    return list(found.items())


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
        sections: list[dict[str, Any]] = [{
            "title": _("What you allow"), "choices": choices(about_ref),
            "lines": [_("Each is yours to give or refuse on its own. Refusing or stopping changes nothing else.")],
        }]  # fmt: skip
        shared = Transfer.objects.filter(subject__in=parts)
        sections.append({
            "title": _("Who received something of yours"),
            "table": {"head": [_("Who"), _("Why"), _("Day"), _("Since then")],
                      "rows": [[t.recipient_name, purpose_words(t.purpose), day(t.on), answer_words(t)] for t in shared]},
            "lines": [] if shared else [_("Nobody outside received anything.")],
        })  # fmt: skip
        opened = list(Entry.objects.filter(subject__in=parts, action="sealed field read").order_by("-index")[:100])
        bodies = dict(Person.objects.filter(ref__in={e.actor for e in opened}).values_list("ref", "body__name"))
        sections.append({
            "title": _("Who opened what you told, and why"),
            "table": {"head": [_("Office"), _("Day"), _("Why")],
                      "rows": [[bodies.get(e.actor, _("An office")), day(e.at), use_words((e.event or {})["detail"]["purpose"])]
                               for e in opened]},
            "lines": [] if opened else [_("Nobody opened anything yet.")],
        })  # fmt: skip
        for withdrawal in Withdrawal.objects.filter(subject=about_ref)[:20]:
            rows = [[sentence, state] for sentence, state in effect_lines(withdrawal)]
            undo = withdrawal.status in (m.ASKED, m.EFFECTIVE)
            sections.append({
                "title": _("What you withdrew on %(day)s") % {"day": day(withdrawal.asked_at)},
                "lines": receipt_of(withdrawal).split("\n")[:2],
                "table": {"head": [_("What happens"), _("Where it stands")], "rows": rows},
                "undo": withdrawal.ref if undo else "",
            })  # fmt: skip
    return sections


def use_words(use: str) -> str:
    """Why something was opened, in words."""
    return {"verification": _("to verify what happened"), "adjudication": _("to decide on your claim"),
            "payment": _("to pay you"), "contact": _("to reach you safely")}.get(use, use)  # fmt: skip


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
    return receipt_of(
        actions.withdraw_consent(obj, list(purposes), heard_through="channel", carry_out=False, by=herself)
    )


@question("survivor_undoes").answer_with
def undoes(about_ref: str, withdrawal_ref: str, by: HasPrincipal) -> str:
    """She takes a withdrawal of her own back within its fourteen days. Returns the receipt. Raises Refused."""
    from answerable.vault.consent import actions

    _obj, herself = _hers(about_ref, by)
    with reading_as(CLOCK):
        mine = Withdrawal.objects.filter(ref=withdrawal_ref, subject=about_ref).first()
    if mine is None:
        raise Refused(_("There is no such withdrawal of yours."), reason="nothing")
    return receipt_of(actions.undo_withdrawal(mine, carry_out=False, by=herself))
