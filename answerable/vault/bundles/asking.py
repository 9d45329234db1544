"""Whether she told before: a question to the three seats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from answerable.engines import tlog
from answerable.vault import seal
from answerable.vault.bundles import reading
from answerable.vault.bundles.reading import BadBundle, b64
from answerable.vault.primitives import Unopenable

QUESTION = "answerable-told-before/1"


@dataclass(frozen=True)
class Question:
    """An interviewer asks the custodians whether someone told before. Who she is is sealed to each seat, and to nobody else."""

    interview: str
    asked_by: str
    purpose: str
    asked_at: datetime
    sealed: bytes
    keys: Mapping[str, bytes]
    signed_by: str


def _question_context(interview: str, seat: str = "") -> bytes:
    return f"{QUESTION}|{interview}|{seat}".encode()


def seal_question(interview: str, text: str, seats: Sequence[tuple[str, bytes]]) -> tuple[bytes, dict[str, bytes]]:
    """The sealed text, and its key for each seat (name, public key). Any one of them reads it; the server does not.

    Raises ValueError when a name or the reference holds a bar.
    """
    if any("|" in name or not name for name in (interview, *(n for n, _ in seats))):
        raise ValueError("a seat's name or a reference is empty or holds a bar")
    key = seal.new_data_key()
    sealed = seal.seal_field(key, text.encode("utf-8", "surrogatepass"), _question_context(interview))
    return sealed, {name: seal.wrap(public, key, _question_context(interview, name)) for name, public in seats}


def build_question(
    signer: tlog.Signer, *, interview: str, asked_by: str, purpose: str, asked_at: datetime, sealed: bytes, keys: Mapping[str, bytes]
) -> bytes:  # fmt: skip
    """The question as a custodian takes it away, signed with the vault's key."""
    body = {"format": QUESTION, "interview": interview, "asked_by_office": asked_by, "purpose": purpose, "asked_at": reading.at(asked_at),
            "sealed": b64(sealed), "keys": {name: b64(key) for name, key in keys.items()}}  # fmt: skip
    raw = reading.sign(signer, body)
    open_question(raw, signer.vkey())
    return raw


def open_question(raw: bytes, vkey: str) -> Question:
    """The question, after its signature and every field. Raises BadBundle."""
    read, signed_by = reading.read_signed(raw, QUESTION, "question", vkey, tell="the inspectors")
    wrapped = read.part("keys")
    names = sorted(read.entries("keys"))
    if not 0 < len(names) <= 3:
        raise BadBundle("The question is sealed to no seat, or to more than three.")
    question = Question(
        interview=read.ref("interview"), asked_by=read.text("asked_by_office"), purpose=read.text("purpose"),
        asked_at=read.instant("asked_at"), sealed=read.blob("sealed"), keys={name: wrapped.blob(name) for name in names},
        signed_by=signed_by,
    )  # fmt: skip
    wrapped.close()
    read.close()
    return question


def read_question(question: Question, seat: str, private: bytes) -> str:
    """Who is meant, for one seat's eyes. Raises BadBundle when it was not sealed to this seat."""
    try:
        key = seal.unwrap(private, question.keys[seat], _question_context(question.interview, seat))
        return seal.open_field(key, question.sealed, _question_context(question.interview)).decode("utf-8", "replace")
    except (KeyError, Unopenable):
        raise BadBundle(f"This question is not sealed to the seat “{seat}” with the key it has now.") from None
