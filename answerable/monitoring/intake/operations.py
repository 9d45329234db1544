"""What the vault answers for taking reports in. Imported in the vault process."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, Place
from answerable.channel import codes
from answerable.channel.models import Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.tables import taxonomy
from answerable.monitoring import access
from answerable.monitoring.evidence import operations as evidence
from answerable.monitoring.evidence.models import EvidenceFile
from answerable.monitoring.intake import guard, queries
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.staging import sealing
from answerable.monitoring.models import Incident, SourceItem
from answerable.record.models import Entry
from answerable.vault import doorkeys, recorded, seal, signing
from answerable.vault.bundles import asking, reading
from answerable.vault.consent import queries as consents
from answerable.vault.custody import access as custodians
from answerable.vault.keyroom import recordkeys, roomkeys, seatkeys, shredding, vaultkeys
from answerable.vault.limits import LIMITS
from answerable.vault.models import IdentityBlock
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("keep_draft_file", "office")
def keep_draft_file(
    item: str, compartment: str, file: str, key: bytes, name: str, salt: str, digest: bytes, delivery: str,
    draft: str, report: str = "", situation: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Keep the key of a file that came with a report, and seal its name, salt and hash for the evidence it will be.

    It becomes evidence unopened when the report is filed. `delivery`: what it came in with (sealing.delivery), and the
    `draft` of it. `mark` tells the same file on the same item, `alike` in the reports of the `situation`; `on` is the item of
    the `report` it corrects that has this very file already, or "".
    """
    roomkeys.put_data_key(file, compartment, key, delivery, draft)
    texts = {"name": name, "salt": salt, "digest": digest.hex()}
    sealed = {n: seal.seal_field(key, text.encode("utf-8", "surrogatepass"), seal.field_context(vaultkeys.NODE, file, "EvidenceFile", n, 1))
              for n, text in texts.items()}  # fmt: skip
    on = evidence.item_with(report, digest) if report else ""
    evidence.mark_same(situation, digest)
    return {**sealed, "mark": recordkeys.mark(item, digest), "on": on, "alike": evidence.alike_in(situation, digest)}


# What the record says of a draft that is none of a report.
OF_A_DRAFT = ("draft received", "draft set aside", "draft taken as a later version", "draft kept apart")
# Which acts name drafts as filed, by the part of the entry that does: a delivery's, and the texts of a correction that was
# taken over, which stay beside the report's own.
FILED = {"filed": "reports filed from a delivery", "correction": "report corrected"}


@operation("shred_undone", "office")
def shred_undone(token: str, batch: str) -> int:
    """Destroy the keys of a delivery's drafts once it is undone; returns how many. Entered before they go.

    In the live session of someone of the organisation that brought it, freshly confirmed. Only keys that were bound to
    this delivery when they were sealed, never an identity, and none at all once a report of it was filed: neither the
    record nor what lives here may know any of these references. What the office's rows say of drafts is not asked.
    """
    with reading_as(CLOCK):
        row = m.IntakeBatch.objects.select_related("organisation").filter(ref=batch).exclude(undone_at=None).first()
    if row is None:
        sessions.holder(token)
        raise Refused(_("That delivery is not undone, so its keys stay."), reason="nothing")
    by = sessions.vouched_on(token, "undo_reports", row)
    subjects = shredding.came_with(sealing.delivery(row.pk))
    if _filed([*subjects, *shredding.drafts_of(sealing.delivery(row.pk))]):
        raise Refused(_("A report of this delivery was filed, so its keys stay."), reason="relied_upon")
    if not subjects:
        return 0
    with sessions.entered_first("keys of a delivery destroyed", batch, act="undo_reports", by=by) as detail:
        detail["keys"] = gone = shredding.shred_delivery(sealing.delivery(row.pk), subjects)
    return gone


@operation("shred_lapsed", "office")
def shred_lapsed(drafts: list[str]) -> int:
    """Destroy the keys of drafts that nobody filed in time; returns how many. Entered before they go.

    The clock's work, in nobody's session. Which keys are a draft's is what was said at their sealing, not what the office's
    rows say now: a key goes when that day lies ninety days back by the vault's clock, when the record knows its draft as
    filed nowhere, and when nothing of its own name was ever filed.
    """
    with reading_as(CLOCK):
        named = m.Draft.objects.filter(ref__in=list(drafts), status=m.LAPSED).values_list("ref", flat=True)
        lapsed = sorted(set(named) - _filed(list(named)))
    since = queries.kept_since().date()
    bound = shredding.bound_before(lapsed, since)
    subjects = sorted(set(bound) - _filed(list(bound)))
    if not subjects:
        return 0
    with sessions.entered_first(
        "keys of lapsed drafts destroyed", "INTAKE", act="let_drafts_lapse", by=CLOCK
    ) as detail:
        gone = shredding.shred_bound_before(lapsed, subjects, since)
        detail |= {"keys": gone, "drafts": sorted({bound[s] for s in subjects})}
    return gone


def _filed(subjects: Sequence[str]) -> set[str]:
    """Those of these references that became part of a report: it lives, or the record says that it was filed, in an entry
    that was recorded.
    """
    refs = sorted({s.partition("/")[0] for s in subjects})
    asked = set(refs)
    found: set[str] = set()
    with reading_as(CLOCK):
        for name, act in FILED.items():
            detail = f"event__detail__{name}"
            for index, said in Entry.objects.filter(action=act).values_list("index", detail):
                named = {said} if isinstance(said, str) else set(said or ())
                if named & (asked - found) and recorded.is_entered(Entry.objects.get(index=index)):
                    found |= named & asked
        for start in range(0, len(refs), 5000):
            some = refs[start : start + 5000]
            found |= {
                *Incident.objects.filter(ref__in=some).values_list("ref", flat=True),
                *SourceItem.objects.filter(ref__in=some).values_list("ref", flat=True),
                *EvidenceFile.objects.filter(ref__in=some).values_list("ref", flat=True),
                *IdentityBlock.objects.filter(subject__in=some).values_list("subject", flat=True),
            }
            for entry in Entry.objects.filter(subject__in=some).exclude(action__in=OF_A_DRAFT).order_by("index"):
                if entry.subject not in found and recorded.is_entered(entry):
                    found.add(entry.subject)
    return {s for s in subjects if s.partition("/")[0] in found}


# Of a question: who asks, for which office and purpose, when, and the sealed text, as the vault entered it.
ASKED = "question for custodians sealed"


@operation("seal_question", "office")
def seal_question(token: str, interview: str, situation: str, purpose: str, text: str) -> dict[str, Any]:
    """Who an interviewer means, sealed to the three custodians' seats: the vault cannot open it again, nor can the office.

    In the live session of whoever asks, who may; entered first, with what the custodians will be told of it.
    """
    by, _session, _private = sessions.holder(token)
    with reading_as(by):
        about = access.situations(by).filter(ref=situation).first()
    if about is None or purpose not in taxonomy("consent_purpose"):
        raise Refused(_("There is nothing here for you."), reason="nothing")
    authority.require(by, "ask_for_interview", about)
    with sessions.entered_first(ASKED, interview, act="ask_for_interview", by=by) as detail:
        sealed, keys = seatkeys.seal_question(interview, text)
        said = {"organisation": by.body.ref, "purpose": purpose, "asked_at": clock.now().isoformat(timespec="seconds"),
                "question_sha256": hashlib.sha256(sealed).hexdigest()}  # fmt: skip
        detail |= {**said, "vault": _word(interview, by.ref, said)}
    return {"sealed": sealed, "keys": {seat: reading.b64(key) for seat, key in keys.items()}}


def _word(interview: str, by: str, said: Mapping[str, str]) -> str:
    """What only the vault can say of a question: an entry that somebody else wrote does not have it."""
    return doorkeys.marks(ASKED, ["|".join([interview, by, *(said[k] for k in sorted(said))])])[0]


@operation("question_file", "office")
def question_file(token: str, interview: str) -> bytes:
    """The question as a custodian takes it away, signed; in the live session of whoever holds a seat. Entered first.

    The vault signs what it entered when it sealed the question: by which office, for which purpose, when.
    """
    by, _session, _private = sessions.holder(token)
    with reading_as(CLOCK):
        held = m.Interview.objects.select_related("organisation", "asked_by").filter(ref=interview, status=m.WAITING)
        asked = held.first()
        entry = Entry.objects.filter(action=ASKED, subject=interview).order_by("index").first()
        if asked is not None:
            authority.require(by, "take_question", asked)
    seat = custodians.seat_of(by)
    if not seat:
        raise Refused(_("You hold none of the three identity seats."), reason="seat")
    said = dict((entry.event or {}).get("detail") or {}) if entry else {}
    word = said.pop("vault", "")
    sealed = bytes(asked.question) if asked is not None else b""
    if (
        asked is None or entry is None or set(said) != {"organisation", "purpose", "asked_at", "question_sha256"}
        or not hmac.compare_digest(str(word), _word(interview, entry.actor, said))
        or said["question_sha256"] != hashlib.sha256(sealed).hexdigest()
    ):  # fmt: skip
        raise Refused(_("No question waits here for the custodians."), reason="nothing")
    with sessions.entered_first("question taken", interview, act="take_question", by=by) as detail:
        detail["seat"] = seat
    return asking.build_question(
        signing.signer(), interview=interview, asked_by=Body.objects.get(ref=said["organisation"]).name, purpose=said["purpose"],
        asked_at=datetime.fromisoformat(said["asked_at"]), sealed=sealed,
        keys={seat: base64.b64decode(key) for seat, key in asked.question_keys.items()},
    )  # fmt: skip


# The mark by which interviews with one person are counted when her code was in hand. Nobody else computes one of this kind.
HER_CODE = "interviews by her code"


@operation("told_before", "office")
def told_before(token: str, code: str) -> dict[str, Any]:
    """Whether the person whose code this is told something here before, and what may be used of it instead: no more.

    Says nothing of who she is, of what she told, or where. The mark counts interviews; it is no name. Whatever was
    typed costs the same work. Raises Refused for a mistyped code, and for too many tries.
    """
    person, _session, _private = sessions.holder(token)
    authority.require(person, "bring_in_reports", Place("intake"))
    found = codes.read(code)
    if found is None:
        raise Refused(
            _("A digit seems to be different from what you were given. Look again, slowly: 24 digits in six groups."),
            reason="mistyped",
        )
    LIMITS.try_once(f"told {person.ref}", live=True)
    opening = doorkeys.enter(found, "")
    with reading_as(CLOCK):
        thread = Thread.objects.filter(ref=opening.channel).first() if opening.known else None
        about = thread.about_ref if thread is not None else ""
        live = set(consents.in_force(about)) if about else set()
    if thread is None:
        return {"told": False, "share": [], "mark": ""}
    LIMITS.succeeded(f"told {person.ref}")
    (mark,) = doorkeys.marks(HER_CODE, [thread.ref])
    return {"told": True, "share": [p for p in guard.SHARED_INSTEAD if p in live], "mark": mark}
