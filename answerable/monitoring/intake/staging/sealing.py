"""Rows that passed, sealed by the vault and laid out as the database takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerable.monitoring.evidence.models import file_ref
from answerable.monitoring.intake import readers
from answerable.monitoring.intake.staging.checking import Intake, Ready
from answerable.monitoring.models import item_ref
from answerable.vault import client, keeping

# Drafts that came as single reports: nothing is undone by this name, and what nobody files in time goes by it.
ONE_BY_ONE = "single report"


def delivery(batch_id: int | None) -> str:
    """What the vault binds the keys of drafts to when they are sealed: their delivery, or that they came one by one."""
    return f"delivery {batch_id}" if batch_id else ONE_BY_ONE


Texts = tuple[str, str, dict[str, str], str]


def texts(intake: Intake, ready: Sequence[Ready]) -> list[Texts]:
    """What the vault is asked to seal: (reference, model, texts, draft) of each report and each item, in order."""
    asked: list[Texts] = []
    for r in ready:
        if intake.with_texts:
            asked.append((r.ref, "Incident", r.clean.texts, r.ref))
        asked += [(item_ref(), "SourceItem", {"says": item.says}, r.ref) for item in r.clean.items]
    return asked


def seal(intake: Intake, asked: Sequence[Texts]) -> list[dict[str, bytes]]:
    """Each text sealed by the vault, under a key of its own object."""
    step = 1000
    named = delivery(intake.batch_id)
    return [
        blob
        for i in range(0, len(asked), step)
        for blob in keeping.seal_many(intake.compartment, asked[i : i + step], delivery=named)
    ]


def rows(
    intake: Intake, ready: Sequence[Ready], asked: Sequence[Texts], blobs: Sequence[dict[str, bytes]]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Rows of drafts and of their items as the database takes them."""
    items: list[list[Any]] = []
    answers = iter(zip(asked, blobs, strict=True))
    drafts: list[list[Any]] = []
    empty = {"narrative": b"", "place": b"", "link_reason": b""}
    for r in ready:
        own = next(answers)[1] if intake.with_texts else empty
        c, coded = r.clean, dict(r.clean.coded)
        area1, area2 = coded.pop("area1"), coded.pop("area2", "")
        drafts.append(
            [r.ref, intake.compartment, intake.batch_id, intake.by.body_id, intake.by.pk, intake.situations[c.situation],
             intake.parties.get(c.party), r.record.number, r.status, r.version, r.corrects, r.identity, r.also, r.record.as_of,
             r.content, c.when.text, c.when.earliest, c.when.latest, c.when.precision, area1, area2, coded, c.lacks, intake.now,
             own["narrative"], own["place"], own["link_reason"], r.hints, r.looks_like]
        )  # fmt: skip
        for number, item in enumerate(c.items, 1):
            (ref, _model, _texts, _draft), blob = next(answers)
            kept, marks = _file(intake, r, ref, _held_file(r.record, number))
            items.append([ref, intake.compartment, r.ref, number, {**item.coded, **marks}, blob["says"], *kept])
    return drafts, items


def _file(intake: Intake, r: Ready, ref: str, held: dict[str, str] | None) -> tuple[list[Any], dict[str, str]]:
    """The columns of an item's file, and what it is known again by: the item of the report it corrects that this very file
    is on already, and its mark in the situation."""
    if held is None:
        return ["", "", "", "", b"", b"", b"", b""], {}
    sealed = client.ask(
        "keep_draft_file", item=ref, compartment=intake.compartment, file=(made := file_ref()), key=bytes.fromhex(held["key"]),
        name=held["name"], salt=held["salt"], digest=bytes.fromhex(held["digest"]), delivery=delivery(intake.batch_id),
        draft=r.ref, report=r.corrects, situation=r.clean.situation,
    )  # fmt: skip
    named = [sealed[n] for n in ("mark", "name", "salt", "digest")]
    on = {"file_on": sealed["on"]} if sealed["on"] else {}
    return [held["file"], held["kind"], held["commitment"], made, *named], {"file_alike": sealed["alike"], **on}


def _held_file(record: readers.Record, number: int) -> dict[str, str] | None:
    if number > len(record.items):
        return None
    held = record.items[number - 1].get("attachment")
    return held if isinstance(held, dict) and "file" in held else None
