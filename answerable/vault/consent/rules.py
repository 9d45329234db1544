"""When a consent covers a use, and what follows from its withdrawal (domain.md §2.5, SC-3 to SC-5). No framework.

Consents are only ever added: the latest word on a purpose decides, and no word on one purpose touches another.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

from answerable.common.deadlines import working_days_after
from answerable.common.tables import taxonomy

TABLES = Path(__file__).with_name("tables")
EVERYTHING = "EVERYTHING"
UNDO_DAYS = 14
# Kinds of references whose keys go with hers: claim with its corrections, account, report; her thread, its messages and attachments; notes on
# the strength of her account; evidence with its proofs, redactions, gradings, weighings and opinions; her safe contact plans,
# contacts and referrals; why she was to be interviewed. Nothing else is ever shredded: not a vote, a decision, a payment, a
# finding, nor anybody's office. Each model with a sealed field says which of these shreds it (`declares`).
SHREDDED_KINDS = frozenset(
    "ASM ATT CLM COR CTA EWE FIL INC ITM ITV MSG OPN PRF RED REF SCP THR WEI".split()
)  # fmt: skip
# Of these, what may still come to someone's file after everything was withdrawn: it goes with it, named or not.
COME_SINCE = frozenset({"MSG", "ATT", "SCP", "CTA", "REF"})
# Copies of keys in backups outlive the keys by this much (`config/postgres.py` removes older dumps): days.
BACKUP_DAYS = 14
GIVERS = ("self", "guardian", "representative")
METHODS = ("spoken", "signed", "thumb", "channel")


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation where it stands; pages translate it when they show it."""
    return text


# --- tables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Purpose:
    """One purpose: whom it may be given for, the default and the widest identifiability, its default term."""

    code: str
    audiences: tuple[str, ...]
    audience: str
    identifiability: str
    limit: str
    years: int | None
    recall: str
    role: str


@dataclass(frozen=True)
class Operation:
    """One use and the consent it needs. `survives` names the state in which it goes on after a withdrawal."""

    operation: str
    use: str
    purpose: str
    audience: str
    identifiability: str
    survives: str


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@cache
def purposes() -> Mapping[str, Purpose]:
    """The fifteen purposes, in the taxonomy's order."""
    found = {
        r["purpose"]: Purpose(
            r["purpose"], tuple(r["audiences"].split()), r["audience"], r["identifiability"], r["limit"],
            int(r["years"]) if r["years"] else None, r["recall"], r["role"],
        )
        for r in _rows("purposes")
    }  # fmt: skip
    return MappingProxyType(found)


@cache
def audiences() -> Mapping[str, str]:
    """Codes of audiences and what they are called."""
    return MappingProxyType({r["code"]: r["label"] for r in _rows("audiences")})


@cache
def operations() -> Mapping[tuple[str, str], Operation]:
    """Every use that passes the gate, by operation and use."""
    return MappingProxyType({(r["operation"], r["use"]): Operation(**r) for r in _rows("operations")})


# --- giving -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """One word about one purpose, as it is given or as it stands in the book of consents."""

    purpose: str
    given: bool
    audience: tuple[str, ...] = ()
    identifiability: str = "ID-0"
    expires_on: date | None = None
    giver: str = "self"
    assent: bool = False
    guardian_not_implicated: bool = False
    understanding_checked: bool = False
    withdrawal_channel_told: bool = False


def default_terms(purpose: str, *, on: date, given: bool = True) -> Terms:
    """What is meant by a plain yes to a purpose: its table's audience, identifiability and term."""
    row = purposes()[purpose]
    until = date(on.year + row.years, on.month, min(on.day, 28)) if row.years else None
    return Terms(purpose, given, (row.audience,), row.identifiability, until, understanding_checked=True,
                 withdrawal_channel_told=True)  # fmt: skip


def _rank(identifiability: str) -> int:
    return int(identifiability.removeprefix("ID-"))


def obstacles(answer: Terms, *, child: bool = False, on: date) -> list[str]:
    """Every reason why an answer cannot be written down as given; a refusal has none but an unknown purpose."""
    if answer.purpose not in purposes():
        return [gettext_noop("Each purpose is asked and answered on its own; this is none of the fifteen.")]
    if not answer.given:
        return []
    row, found = purposes()[answer.purpose], []
    if not answer.audience:
        found.append(gettext_noop("Say who may use it; a consent without an audience covers nobody."))
    if any(a.partition(":")[0] not in row.audiences or a == "partner" for a in answer.audience):
        found.append(gettext_noop("This purpose cannot be given for that audience."))
    if answer.identifiability not in taxonomy("identifiability"):
        found.append(gettext_noop("How far a person may be recognised is one of ID-0 to ID-3."))
    elif _rank(answer.identifiability) > _rank(row.limit):
        found.append(gettext_noop("This purpose never needs anyone to be recognised that far."))
    if answer.expires_on and answer.expires_on < on:
        found.append(gettext_noop("The consent would end before it begins."))
    if not answer.understanding_checked:
        found.append(gettext_noop("Check in her own words that it was understood, then note it."))
    if not answer.withdrawal_channel_told:
        found.append(gettext_noop("Tell her first how to withdraw it at any time."))
    if answer.giver not in GIVERS:
        found.append(gettext_noop("A consent is given by herself, a guardian or a representative."))
    if answer.giver == "guardian" and not answer.assent:
        found.append(gettext_noop("A guardian's consent needs the child's own assent beside it (SC-11)."))
    if answer.giver == "guardian" and not answer.guardian_not_implicated:
        found.append(gettext_noop("Make sure that the guardian is not implicated in what happened (SC-11)."))
    if child and answer.giver == "self":
        found.append(gettext_noop("For a child a guardian consents and the child assents (SC-11)."))
    return found


def bundled(answers: Sequence[Terms]) -> bool:
    """Whether several words were said about one purpose at once; each purpose gets one answer (no bundled consent)."""
    return len({a.purpose for a in answers}) != len(answers)


# --- the gate -----------------------------------------------------------------------------------------------------


def latest(consents: Iterable[Terms], purpose: str) -> Terms | None:
    """The last word on a purpose; `consents` are in the order in which they were given."""
    last = None
    for consent in consents:
        if consent.purpose == purpose:
            last = consent
    return last


def covers(consent: Terms | None, audience: str, identifiability: str, on: date) -> bool:
    """Whether one word covers an audience, up to an identifiability, on a day."""
    return (
        consent is not None
        and consent.given
        and (consent.expires_on is None or consent.expires_on >= on)
        and audience in consent.audience
        and _rank(identifiability) <= _rank(consent.identifiability)
    )


def is_live(consents: Iterable[Terms], purpose: str, audience: str, identifiability: str, on: date) -> bool:
    """Whether the last word on this purpose is a yes that covers the audience and the identifiability (SC-4).

    Silence is never a yes, and a word on another purpose is not heard.
    """
    return covers(latest(consents, purpose), audience, identifiability, on)


# --- withdrawal ---------------------------------------------------------------------------------------------------

AT_ONCE, WITHIN_5, WITHIN_10, NEXT_RELEASE, SAID = (
    "at_once",
    "5_working_days",
    "10_working_days",
    "next_release",
    "said",
)
# What became of a use, as the apps above tell it.
BEFORE_ADOPTION, ADOPTED, PUBLISHED, TRANSFERRED = "before_adoption", "adopted_unpublished", "published", "transferred"
BEFORE_DECISION, AWARDED, DISPLAYED = "before_decision", "awarded", "displayed"


@dataclass(frozen=True)
class Effect:
    """One consequence of a withdrawal: its code, a sentence she can read, when it is due and whose work it is."""

    code: str
    sentence: str
    due: str
    role: str = ""


# fmt: off
EFFECTS: Mapping[str, Effect] = {e.code: e for e in (
    Effect("LEAVES_CALCULATION", gettext_noop("What you told is no longer counted when incidents and patterns are worked out."), AT_ONCE),
    Effect("DRAFT_RECOMPUTED", gettext_noop("Drafts that used it are worked out again without it."), AT_ONCE),
    Effect("PANEL_NOTE", gettext_noop("The panel notes within ten working days whether its finding stands without it."), WITHIN_10, "verification_lead"),
    Effect("REDACT_NARRATIVE", gettext_noop("Any words that could be traced to you are taken out within five working days."), WITHIN_5, "verification_lead"),
    Effect("ROBUSTNESS_TEST", gettext_noop("The finding is tested again without it, and the result is kept."), AT_ONCE),
    Effect("PUBLISHED_STANDS", gettext_noop("What is already published cannot be called back. Nobody is told that you withdrew."), SAID),
    Effect("LEAVES_COUNTS", gettext_noop("You are no longer counted in any figure that is made from now on."), AT_ONCE),
    Effect("NEXT_RELEASE_ONLY", gettext_noop("Published figures stay as they are, so that nobody can see who left; the next release is made without you."), NEXT_RELEASE),
    Effect("RECALL", gettext_noop("Everyone who received it is told and asked to return, delete or restrict it."), WITHIN_10, "data_protection_officer"),
    Effect("COURT_MAY_KEEP", gettext_noop("A court may be unable to give it back. We say so honestly, and show you its answer."), SAID),
    Effect("NO_FURTHER_SHARING", gettext_noop("It is given to nobody from now on."), AT_ONCE),
    Effect("CLAIM_CLOSED", gettext_noop("Your claim is closed without prejudice. You may open it again at any time, and nothing is held against you."), AT_ONCE),
    Effect("AWARD_KEPT", gettext_noop("Your award stays yours and is still paid. Your file is opened only for that, and to keep what the law demands."), AT_ONCE),
    Effect("AWARD_OWED", gettext_noop(
        "Your award stays yours. Payments that were arranged with you before go on: the fund sees a "
        "number and an amount, never your name. Nothing new can be arranged, because nobody can open "
        "where to pay you."
    ), AT_ONCE),
    Effect("AWARD_UNREACHED", gettext_noop(
        "Once the keys are destroyed, what was not paid stays written down as owed, but we can no longer "
        "find out to whom. If you want the rest paid, undo this before that day, or take back the other "
        "purposes one by one and leave your claim."
    ), "14_days"),
    Effect("MEMO_REMOVED", gettext_noop("It is taken from display within five working days."), WITHIN_5, "survivor_advocate"),
    Effect("WORKS_PLAN", gettext_noop("Physical works are handled as it was agreed with you beforehand."), SAID, "survivor_advocate"),
    Effect("NOT_CONTACTED", gettext_noop("Nobody contacts you any more. You may still come to us."), AT_ONCE),
    Effect("NOT_MATCHED", gettext_noop("It is compared with no other register; a person checks instead, and you lose nothing."), AT_ONCE),
    Effect("NO_FURTHER_USE", gettext_noop("It is not used for this any more."), AT_ONCE),
    Effect("EVERYTHING_CLOSED", gettext_noop("From now on nobody can open anything of yours, not even to pay you."), AT_ONCE),
    Effect("CARE_STOPPED", gettext_noop(
        "Help that was being arranged for you stops too, and nobody is told how to reach you. You can ask for help again at "
        "any time, here or anywhere: it never depends on what you told us."
    ), AT_ONCE),
    Effect("SHRED", gettext_noop(
        "For fourteen days you can undo this. Then the keys are destroyed: nobody here can read it any "
        "more. Backups of the keys last fourteen days longer; after twenty-eight days nobody can ever "
        "read it."
    ), "14_days"),
    Effect("LEDGER_KEPT", gettext_noop("Of payments already made, a number without a name, the day and the amount are kept, as the law demands."), SAID),
)}
# fmt: on
# The table of §2.5, row by row: purpose → state of use → what follows, in order.
_MONI_BEFORE = ("LEAVES_CALCULATION", "DRAFT_RECOMPUTED")
_MONI_ADOPTED = ("LEAVES_CALCULATION", "PANEL_NOTE")
_SHARED = {"": ("NO_FURTHER_SHARING",), TRANSFERRED: ("NO_FURTHER_SHARING", "RECALL")}
# fmt: off
TABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "CP-MONI": {"": _MONI_BEFORE, BEFORE_ADOPTION: _MONI_BEFORE, ADOPTED: _MONI_ADOPTED,
                PUBLISHED: ("LEAVES_CALCULATION", "ROBUSTNESS_TEST", "PUBLISHED_STANDS")},
    "CP-FIND": {"": _MONI_BEFORE, BEFORE_ADOPTION: _MONI_BEFORE, ADOPTED: _MONI_ADOPTED,
                PUBLISHED: ("LEAVES_CALCULATION", "REDACT_NARRATIVE", "ROBUSTNESS_TEST", "PUBLISHED_STANDS")},
    "CP-STAT": {"": ("LEAVES_COUNTS",), PUBLISHED: ("LEAVES_COUNTS", "NEXT_RELEASE_ONLY")},
    "CP-CRIM": {"": ("NO_FURTHER_SHARING",), TRANSFERRED: ("NO_FURTHER_SHARING", "RECALL", "COURT_MAY_KEEP")},
    "CP-UNIT": _SHARED, "CP-MEMB": _SHARED, "CP-CARE": _SHARED, "CP-RESE": _SHARED, "CP-SANC": _SHARED,
    "CP-CLAI": {"": ("CLAIM_CLOSED",), BEFORE_DECISION: ("CLAIM_CLOSED",), AWARDED: ("AWARD_KEPT",)},
    "CP-MEMO": {"": ("MEMO_REMOVED", "WORKS_PLAN"), DISPLAYED: ("MEMO_REMOVED", "WORKS_PLAN")},
    "CP-NARR": {"": ("NO_FURTHER_USE",), PUBLISHED: ("NO_FURTHER_USE", "REDACT_NARRATIVE", "PUBLISHED_STANDS")},
    "CP-CONT": {"": ("NOT_CONTACTED",)}, "CP-MATC": {"": ("NOT_MATCHED",)}, "CP-ARCH": {"": ("NO_FURTHER_USE",)},
}
# fmt: on


def effects(purpose: str, states: Collection[str] = ()) -> list[Effect]:
    """What follows when a purpose is withdrawn, given what became of it (§2.5). No state means not used yet.

    Several states give the effects of each, once. Raises KeyError for an unknown purpose.
    """
    rows = TABLE[purpose]
    codes: dict[str, None] = {}
    for state in [s for s in rows if s in states and s] or [""]:
        codes.update(dict.fromkeys(rows[state]))
    return [EFFECTS[c] for c in codes]


def effects_of_everything(awarded: bool) -> list[Effect]:
    """What follows, beyond each purpose, when everything is withdrawn.

    An award made before stays hers (§2.5), but her file is closed to everyone, also to those who pay: so what can still
    be paid is said in place of AWARD_KEPT, which promises more.
    """
    after = ("AWARD_OWED", "AWARD_UNREACHED", "LEDGER_KEPT") if awarded else ()
    return [EFFECTS[c] for c in ("EVERYTHING_CLOSED", *after[:1], "CARE_STOPPED", "SHRED", *after[1:])]


def what_follows(had: Sequence[str], states: Mapping[str, Collection[str]], *, total: bool) -> list[tuple[str, Effect]]:
    """(purpose, effect) for everything that follows when the purposes she `had` are withdrawn, in order.

    The same list is shown before she decides and kept with what she decided. `states` holds the state of use of each
    of them, and of CP-CLAI in any case: an award made under a consent that has ended since is hers all the same.
    """
    found = [(p, e) for p in had for e in effects(p, states[p])]
    if not total:
        return found
    everything = [(EVERYTHING, e) for e in effects_of_everything(AWARDED in states["CP-CLAI"])]
    return everything + [(p, e) for p, e in found if e.code != "AWARD_KEPT"]


def due_at(effect: Effect, asked: datetime, holidays: Set[date] = frozenset()) -> datetime | None:
    """When an effect is due; None for what is done at once, only said, or waits for the next release."""
    if effect.due == "14_days":
        return asked + timedelta(days=UNDO_DAYS)
    days = {WITHIN_5: 5, WITHIN_10: 10}.get(effect.due)
    return working_days_after(asked, days, holidays) if days else None


RECALL_SENTENCES = {
    "lawful": gettext_noop("What was done with it before you withdraw stays lawful; from then on it is not used."),
    "published": gettext_noop("What was published cannot be called back; it is only not used again."),
    "counted": gettext_noop("A figure that was published is not changed, so that nobody can see who left it."),
    "shared": gettext_noop("Those who received it are asked to return or delete it. We cannot force them."),
    "court": gettext_noop("A court or prosecutor may be unable to give it back once they have it."),
    "award": gettext_noop("An award already made stays yours, and the law makes us keep the record of payments."),
    "works": gettext_noop("What others have seen, heard or copied cannot be taken back from them."),
}


def cannot_be_recalled(purpose: str) -> str:
    """What to say beside a purpose before it is given: the part that no withdrawal brings back."""
    return RECALL_SENTENCES[purposes()[purpose].recall]


def withdrawal_is_total(asked: Collection[str]) -> bool:
    """Whether everything is withdrawn, asked for as such. All fifteen one by one are still fifteen single ones."""
    return EVERYTHING in asked


def may_be_shredded(*, total: bool, status: str, undo_until: datetime, at: datetime) -> bool:
    """Whether keys may be destroyed: everything was withdrawn, not taken back, and the fourteen days are over."""
    return total and status in {"EFFECTIVE", "SHREDDING", "SHREDDED"} and at >= undo_until


def acknowledged(answered: int, notified: int) -> int:
    """Per cent of recalled recipients that have answered, rounded down: a hundred only when all have."""
    return 100 * answered // notified if notified else 100
