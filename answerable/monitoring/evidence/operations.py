"""What the office asks of the vault about evidence. Runs in the vault process: the keys and the plain files are here only."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.monitoring import access
from answerable.monitoring.evidence import actions, checks, queries, rules
from answerable.monitoring.evidence.models import (
    EvidenceFile,
    Proof,
    Redaction,
    file_ref,
    proof_ref,
    redaction_ref,
)
from answerable.monitoring.intake import queries as coming
from answerable.monitoring.models import SourceItem
from answerable.vault import doorkeys, seal
from answerable.vault.keyroom import recordkeys, roomkeys, shredding, vaultkeys
from answerable.vault.operations import sealing, sessions
from answerable.vault.service import operation
from answerable.vault.uploads import converter, derivative, intake
from answerable.vault.uploads.accepted import WEB_ARCHIVE, kinds
from answerable.vault.uploads.sentences import CannotShow, filled

# Pictures of one file that pass to the office at once, in bytes.
LARGEST_SHOWN = 10 * 1024 * 1024
LARGEST_PROOF = 64 * 1024
LARGEST_REDACTED = 48 << 20


def _find(person: Person, ref: str, model: Any) -> Any:
    """An object of the person's own row scope, with its item and incident. Hidden is answered like absent."""
    chain = "incident__collected_by", "incident__organisation", "incident__party__situation"
    with reading_as(person):
        found = (
            access.items(person).select_related(*chain).filter(ref=ref).first()
            if model is SourceItem
            else model.objects.filter(ref=ref, item__in=access.items(person))
            .select_related(*(f"item__{c}" for c in chain)).first()
        )  # fmt: skip
        if found is None:
            raise Refused(_("There is nothing here for you."), reason="nothing")
        # What a policy asks of it is looked up while the rows are in scope.
        authority.allows(person, "take_file", found)
    return found


def _sealed(key: bytes, ref: str, model: str, fields: Mapping[str, str]) -> dict[str, bytes]:
    return {
        name: seal.seal_field(key, text.encode("utf-8", "surrogatepass"),
                              seal.field_context(vaultkeys.NODE, ref, model, name, 1))
        for name, text in fields.items()
    }  # fmt: skip


@operation("evidence_take", "office")
def take(
    token: str, item: str, stored: str, kind: str, key: bytes, salt: bytes, digest: bytes, name: str, commitment: bytes,
    why: str,
) -> str:  # fmt: skip
    """A file that lies in quarantine as ciphertext comes onto a source item; its one-time key is kept for its reference.

    What the office says of it is looked at again: the hash, the commitment and the place. Returns the reference.
    """
    person, _session, _private = sessions.holder(token)
    found = _find(person, item, SourceItem)
    authority.require(person, "take_file", found)
    if not re.fullmatch(r"[0-9a-f]{32}", stored) or kind not in {*kinds(), WEB_ARCHIVE.code} or len(salt) != 32:
        raise Refused(_("The file was not taken. Choose it again."), reason="file")
    if _hashes_at(stored, key, salt) != (digest, commitment):
        raise Refused(_("The file was not taken, because it changed on its way. Choose it again."), reason="file")
    _only_here(found, digest)
    ref = file_ref()
    mark = recordkeys.mark(found.ref, digest)
    with reading_as(person):
        twice = EvidenceFile.objects.filter(item=found, mark=mark).exists()
    sealed: dict[str, bytes] = {}
    if not twice:  # otherwise the action says so, and no key is kept for nothing
        roomkeys.put_data_key(ref, found.compartment, key)
        sealed = _sealed(key, ref, "EvidenceFile", {"name": name, "salt": salt.hex(), "digest": digest.hex()})
    file = actions.take_file(
        found, ref=ref, kind=kind, stored=stored, commitment=commitment, mark=mark, sealed=sealed, why=why, by=person,
        alike=alike_in(found.incident.situation.ref, digest),
    )  # fmt: skip
    mark_same(found.incident.situation.ref, digest)
    return file.ref


def mark_same(situation: str, digest: bytes) -> None:
    """Files of a situation from before one was known again across reports: those that are this very file get its mark.

    Without a hash before it the vault cannot tell what a sealed file is, and it opens none by itself: so this is done
    whenever one comes in, and whenever somebody has one opened, until none is left (docs/decisions/0049).
    """
    with reading_as(CLOCK):
        files = EvidenceFile.objects.filter(alike="", item__incident__situation__ref=situation).exclude(digest=b"")
        before = [(ref, of, bytes(mark)) for ref, of, mark in files.values_list("ref", "item__ref", "mark")]
    same = [ref for ref, of, mark in before if shredding.has_keys([of]) and recordkeys.mark(of, digest) == mark]
    if same:
        actions.mark_files(same, alike_in(situation, digest), by=CLOCK)


def alike_in(situation: str, digest: bytes) -> str:
    """What tells the same file in the reports of a situation; under a key that is in no database, for levels alone (R-VER-1)."""
    return doorkeys.marks("file", [f"{situation}/{digest.hex()}"])[0]


def _only_here(item: SourceItem, digest: bytes) -> None:
    """Refuses a file that is on another item of the same report, or comes with one: one document is no second source (R-VER-1)."""
    if of := item_with(item.incident.ref, digest, beside=item.ref):
        raise Refused(
            _("This very file is on this report already, on %(item)s. One document is one source (R-VER-1): it was not taken "
              "a second time.") % {"item": of}, reason="duplicate",
        )  # fmt: skip
    with reading_as(CLOCK):
        later = [d for d, _actor in coming.later_versions(item.incident)]
        came = [(i.ref, bytes(i.file_mark)) for d in later for i in coming.new_items(d) if i.file]
    if _same(came, digest):
        raise Refused(
            _("This very file comes with a later version of this report that waits. Take that version over or set it aside first: one "
              "document is one source (R-VER-1)."), reason="duplicate",
        )  # fmt: skip


def item_with(report: str, digest: bytes, *, beside: str = "") -> str:
    """The item of a report that has this very file, or "". `beside`: an item that is not asked about."""
    with reading_as(CLOCK):
        files = EvidenceFile.objects.filter(item__incident__ref=report).exclude(item__ref=beside)
        there = [(of, bytes(mark)) for of, mark in files.values_list("item__ref", "mark")]
    return _same(there, digest)


def _same(marked: Iterable[tuple[str, bytes]], digest: bytes) -> str:
    """Of these references, each with the mark of a file, the one whose file has this hash, or ""."""
    return next((of for of, mark in marked if shredding.has_keys([of]) and recordkeys.mark(of, digest) == mark), "")


def _hashes_at(stored: str, key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """SHA-256 and commitment of a sealed file, read a piece at a time."""
    try:
        return intake.hashes_of(Path(settings.QUARANTINE) / stored, key, salt)
    except (seal.Unopenable, FileNotFoundError):
        raise Refused(
            _("The file was not taken, because it changed on its way. Choose it again."), reason="file"
        ) from None


def _key_of(obj: Any, person: Person, private: bytes) -> bytes:
    return roomkeys.data_key(obj.ref, obj.compartment, roomkeys.room_key(obj.compartment, person.ref, private))


def _original(file: EvidenceFile, person: Person, private: bytes) -> bytes:
    try:
        plain: bytes = intake.read_back(queries.place(file.stored), _key_of(file, person, private))
    except (seal.Unopenable, FileNotFoundError):
        raise _damaged() from None
    _marked(file, hashlib.sha256(plain).digest())
    return plain


def _marked(file: EvidenceFile, digest: bytes) -> None:
    """A file that is before the vault for somebody, and has no mark yet, gets it, and whatever is the same with it."""
    if not file.alike:
        mark_same(file.item.incident.situation.ref, digest)


def _damaged() -> Refused:
    # The sealed original is not what it was: nothing of it is shown, and whoever asked is told.
    return Refused(
        _("The sealed original is missing or was changed, so nothing of it is shown. Tell the administrator at once."),
        reason="damaged",
    )


@operation("evidence_show", "office")
def show(token: str, ref: str, purpose: str = "verification") -> dict[str, Any]:
    """Pictures, or escaped text, of a file or of a redaction: decided, recorded, a line of custody, then shown."""
    redacted = ref.startswith("RED")
    opened = sealing.open_fields(token, ref, ["text"] if redacted else ["name"], purpose)
    person, private = sessions.reader(token)
    if redacted:
        redaction = _find(person, ref, Redaction)
        if not redaction.stored:
            return {"name": "", "pages": [], "mime": "", "text": opened["text"], "note": ""}
        pages = _unpacked(_redacted_pages(redaction, person, private))
        return _bounded("", pages, "image/png" if pages and pages[0].startswith(b"\x89PNG") else "image/jpeg", "", "")
    file = _find(person, ref, EvidenceFile)
    if file.kind == WEB_ARCHIVE.code:
        note = _(
            "A web archive is kept sealed and checked; no page of it is shown here. Open it on an offline machine."
        )
        return {"name": opened["name"], "pages": [], "mime": "", "text": "", "note": note}
    try:
        shown = derivative.convert(file.kind, _original(file, person, private))
    except CannotShow as no:
        return {"name": opened["name"], "pages": [], "mime": "", "text": "", "note": no.in_words(_)}
    note = filled(_(shown.note_sentence), shown.note_figures) if shown.note_sentence else ""
    return _bounded(opened["name"], shown.pages, shown.mime, shown.text, note)


def _bounded(name: str, pages: Sequence[bytes], mime: str, text: str, note: str) -> dict[str, Any]:
    kept: list[bytes] = []
    size = 0
    for page in pages:
        size += len(page)
        if size > LARGEST_SHOWN:
            note = ngettext("Only the first page is shown.", "Only the first %(n)d pages are shown.", len(kept)) % {
                "n": len(kept)
            }
            break
        kept.append(page)
    return {"name": name, "pages": kept, "mime": mime, "text": text, "note": note}


# --- redaction ----------------------------------------------------------------------------------------------------


@operation("evidence_redact", "office")
def redact(token: str, ref: str, boxes: Sequence[Sequence[int]], why: str) -> str:
    """Another version of a file's pictures with these regions destroyed before anything is encoded; sealed like the original.

    Boxes are page, left, top, width, height in thousandths. Returns the redaction's reference.
    """
    person, private = sessions.reader(token)
    file = _find(person, ref, EvidenceFile)
    authority.require(person, "redact", file)
    if file.kind not in kinds() or kinds()[file.kind].derivative not in ("picture", "pages"):
        raise Refused(
            _("Regions are marked on pictures and pages. From a text, passages are removed instead."), reason="kind"
        )
    marked = [converter.Box(*b) for b in boxes if len(b) == 5]
    sealing.open_fields(token, ref, ["name"], "verification")  # consent, budget and the line of the look itself
    try:
        shown = derivative.convert(file.kind, _original(file, person, private), boxes=marked)
    except CannotShow as no:
        raise Refused(no.in_words(_), reason=no.reason) from None
    if beyond := sorted({b.page for b in marked if b.page > len(shown.pages)}):
        raise Refused(_("There is no page %(n)d in this file.") % {"n": beyond[0]}, reason="page")
    made, key, stored = redaction_ref(), seal.new_data_key(), secrets.token_hex(16)
    _keep(stored, key, _packed(shown.pages))
    roomkeys.put_data_key(made, file.compartment, key)
    sealed = _sealed(key, made, "Redaction", {"text": ""})
    actions.keep_redaction(
        file.item, file=file, ref=made, stored=stored, text=sealed["text"], removed=len(marked), why=why, by=person
    )
    return made


@operation("evidence_excerpt", "office")
def excerpt(token: str, ref: str, passages: Sequence[str], why: str) -> str:
    """A statement, or a text file, without these passages. Returns the redaction's reference."""
    person, private = sessions.reader(token)
    of_file = ref.startswith("FIL")
    found = _find(person, ref, EvidenceFile if of_file else SourceItem)
    authority.require(person, "redact", found)
    if of_file and found.kind != "text":
        raise Refused(
            _("Passages are removed from texts. On a picture or a page, mark the region instead."), reason="kind"
        )
    opened = sealing.open_fields(token, ref, ["name" if of_file else "says"], "verification")
    text = _original(found, person, private).decode("utf-8-sig", "replace") if of_file else opened["says"]
    try:
        left, removed = rules.without(converter.plain_text(text), passages)
    except rules.Unfit as no:
        raise Refused(
            _("Passage %(n)d is not in the text, so nothing was removed. Copy it from the text as it stands.") % {"n": no.at}
            if no.why == "absent" else _("Passage %(n)d is empty or too long.") % {"n": no.at},
            reason="passage",
        ) from None  # fmt: skip
    made, item = redaction_ref(), found.item if of_file else found
    key = seal.new_data_key()
    roomkeys.put_data_key(made, item.compartment, key)
    sealed = _sealed(key, made, "Redaction", {"text": left})
    actions.keep_redaction(
        item,
        file=found if of_file else None,
        ref=made,
        stored="",
        text=sealed["text"],
        removed=removed,
        why=why,
        by=person,
    )
    return made


def _packed(pages: Sequence[bytes]) -> bytes:
    whole = b"".join(converter.frame(b"page", p) for p in pages)
    if len(whole) > LARGEST_REDACTED:
        raise Refused(_("The file is too large to be redacted as a whole. Ask for it in parts."), reason="too-large")
    return whole


def _unpacked(whole: bytes) -> list[bytes]:
    return [content for tag, content in derivative.frames(whole) if tag == b"page"]


def _keep(stored: str, key: bytes, plain: bytes) -> None:
    path = queries.place(stored)
    try:
        with path.open("xb") as target:
            path.chmod(0o600)
            seal.seal_file(
                key, io.BytesIO(plain), target, seal.field_context("quarantine", stored, "Upload", "original", 1)
            )
    except BaseException:
        path.unlink(missing_ok=True)  # half of it, where there was no room for the rest, is nobody's
        raise


def _redacted_pages(redaction: Redaction, person: Person, private: bytes) -> bytes:
    return intake.read_back(queries.place(redaction.stored), _key_of(redaction, person, private))


# --- proofs -------------------------------------------------------------------------------------------------------


@operation("evidence_proof", "office")
def keep_proof(token: str, ref: str, kind: str, content: bytes, why: str) -> str:
    """Keep a proof of time with a file, sealed. Returns its reference."""
    person, _session, _private = sessions.holder(token)
    file = _find(person, ref, EvidenceFile)
    authority.require(person, "take_file", file)
    if kind not in ("rfc3161", "ots") or not 0 < len(content) <= LARGEST_PROOF:
        raise Refused(
            _("A proof of time is an RFC 3161 time stamp (.tsr) or an OpenTimestamps proof (.ots) of at most 64 kB."),
            reason="proof",
        )
    made = proof_ref()
    sealed = roomkeys.seal_fields(made, file.compartment, "Proof", {"content": base64.b64encode(content).decode()})
    actions.keep_proof(file, ref=made, kind=kind, content=sealed["content"], why=why, by=person)
    return made


@operation("evidence_check", "office")
def check(token: str, ref: str) -> list[dict[str, Any]]:
    """Check a web archive, or every proof of a file, in the closed room and without a network; what was found is kept.

    The original is opened for it, so it is entered and counted like any opening, and needs the same consent.
    """
    person, private = sessions.reader(token)
    file = _find(person, ref, EvidenceFile)
    authority.require(person, "check_file", file)
    with reading_as(person):
        proofs = list(Proof.objects.filter(file=file))
        roots = queries.trusted_roots()
    if not proofs and file.kind != WEB_ARCHIVE.code:
        raise Refused(_("There is no proof with this file to check. Add one first."), reason="nothing")
    sealing.open_fields(token, ref, ["digest"], "verification")  # consent, budget and the line of the look itself
    original = _original(file, person, private)
    found: list[dict[str, Any]] = []
    if file.kind == WEB_ARCHIVE.code:
        lines = checks.run("wacz", original, b"", roots)
        actions.note_check(file, lines, by=person)
        found += lines
    for proof in proofs:
        key = _key_of(proof, person, private)
        content = roomkeys.open_with(key, proof.ref, "Proof", {"content": bytes(proof.content)})["content"]
        lines = checks.run(proof.kind, base64.b64decode(content), original, roots)
        actions.note_check(file, lines, proof=proof, by=person)
        found += lines
    return found


@operation("evidence_statement", "office")
def statement(token: str, ref: str, why: str) -> dict[str, str]:
    """Hash, salt and name of a file, for its custody statement: with them anyone can say whether a file is this one.

    An opening like any other, and a line of custody of its own for what leaves.
    """
    person, _private = sessions.reader(token)
    file = _find(person, ref, EvidenceFile)
    authority.require(person, "export_file", file)
    if why not in actions.WHY:
        raise Refused(_("Say why, by one of the reasons listed; it stands in the custody log."), reason="why")
    with reading_as(person):
        leaves = actions.exportable(file, why)
    if not leaves:
        raise actions.not_covered(why)
    told = sealing.open_fields(token, ref, ["name", "salt", "digest"], "verification")
    actions.note_export(file, why=why, by=person)
    _marked(file, bytes.fromhex(told["digest"]))
    return {**told, "commitment": bytes(file.commitment).hex()}


# --- the original leaves ------------------------------------------------------------------------------------------

# A piece of an original that passes to the office at once, in bytes; how long whoever asked has to fetch them all; and how
# many a person takes out at once.
PIECE = 8 * 1024 * 1024
PATIENCE_S = 600.0
AT_ONCE = 4


@dataclass
class _Leaving:
    """An original under way to the office: whose it is, its pieces, and until when (monotonic seconds)."""

    person: str
    pieces: Iterator[bytes]
    until: float


_under_way: dict[str, _Leaving] = {}
_one_at_a_time = threading.Lock()


@operation("evidence_bundle", "office")
def bundle(token: str, ref: str, why: str) -> dict[str, Any]:
    """An original is taken out of the vault, with what proves it: one opening, one entry, one line of custody.

    Policy for reading and for letting evidence out, live consents for both, the day's budget; then the key. Returns name, digest,
    salt and commitment, the proofs as they came, and a ticket with which the pieces of the file are fetched.
    """
    person, private = sessions.reader(token)
    file = _find(person, ref, EvidenceFile)
    authority.require(person, "export_file", file)
    if why not in actions.WHY:
        raise Refused(_("Say why, by one of the reasons listed; it stands in the custody log."), reason="why")
    told = sealing.opened_for(token, ref, ["name", "salt", "digest"], "verification", leaves=why)
    key = _key_of(file, person, private)
    with reading_as(person):
        proofs = [
            {"ref": p.ref, "kind": p.kind, "content": base64.b64decode(
                roomkeys.open_with(_key_of(p, person, private), p.ref, "Proof", {"content": bytes(p.content)})["content"])}
            for p in Proof.objects.filter(file=file)
        ]  # fmt: skip
        roots = queries.trusted_roots()
    try:
        # Read once to its end before anything of it leaves: a file that was cut opens correctly up to the cut.
        digest, commitment = intake.hashes_of(queries.place(file.stored), key, bytes.fromhex(told["salt"]))
    except (seal.Unopenable, FileNotFoundError):
        raise _damaged() from None
    if digest.hex() != told["digest"] or commitment != bytes(file.commitment):
        raise _damaged()
    _marked(file, digest)
    ticket = secrets.token_urlsafe(24)
    with _one_at_a_time:
        now = time.monotonic()
        for old in [t for t, leaving in _under_way.items() if leaving.until < now]:
            del _under_way[old]
        if sum(leaving.person == person.ref for leaving in _under_way.values()) >= AT_ONCE:
            raise Refused(
                _("Other files are being taken out at this moment. Try again in a few minutes."), reason="busy"
            )
        pieces = _pieces(intake.chunks_of(queries.place(file.stored), key))
        _under_way[ticket] = _Leaving(person.ref, pieces, now + PATIENCE_S)
    return {**told, "commitment": commitment.hex(), "proofs": proofs, "roots": roots, "ticket": ticket}


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)


@operation("evidence_piece", "office")
def piece(token: str, ticket: str) -> dict[str, Any]:
    """The next piece of an original that was just entered as leaving, for the person who asked and nobody else."""
    person, _private = sessions.reader(token)
    with _one_at_a_time:
        leaving = _under_way.get(ticket)
        if leaving is None or leaving.person != person.ref or leaving.until < time.monotonic():
            raise Refused(_("There is nothing here for you."), reason="nothing")
        try:
            content = next(leaving.pieces, None)
        except (seal.Unopenable, FileNotFoundError):
            del _under_way[ticket]
            raise _damaged() from None
        if content is None:
            del _under_way[ticket]
    return {"content": content or b"", "last": content is None}
