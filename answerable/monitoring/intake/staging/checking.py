"""Rows checked, and told from those that are here already: the same for every route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.common import clock
from answerable.monitoring.intake import guard, queries, readers, rules, values
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.description import SUBMISSION_ID
from answerable.monitoring.intake.staging import sentences
from answerable.monitoring.models import Party, Situation, incident_ref
from answerable.vault import keeping


@dataclass
class Ready:
    """A row that passed and is new, or a later version of one that is here."""

    record: readers.Record
    clean: rules.Clean
    identity: str
    also: list[str]
    content: str
    status: str
    version: int
    corrects: str
    hints: list[str] = field(default_factory=list)
    looks_like: str = ""
    ref: str = field(default_factory=incident_ref)


class Intake:
    """Checks rows of one run and makes them ready: the same for every route."""

    def __init__(
        self, by: Person, *, situation: Situation | None, batch_id: int | None, route: str, with_texts: bool = True
    ) -> None:
        self.by, self.batch_id, self.route, self.with_texts = by, batch_id, route, with_texts
        # On a page of ours an account is one that is asked for here; what comes otherwise was told before it came.
        self.world = queries.world(by, situation, asks=route == "web")
        self.compartment = queries.compartment_of(by)
        self.situations = dict(Situation.objects.values_list("ref", "pk"))
        self.parties = dict(Party.objects.values_list("ref", "pk"))
        self.now: datetime = clock.now()
        self.seen: dict[str, str] = {}
        self.interviews: dict[str, str] = {}
        # Of each submission that is ready: its draft's reference, as of when it is, and its content.
        self.written: dict[str, tuple[str, str, str]] = {}
        self.repeated = self.corrections = 0
        # Rows that are good and are not taken all the same, and why, by field.
        self.wrong: list[tuple[readers.Record, str, values.Problem]] = []
        self.twice: list[tuple[readers.Record, str]] = []

    def check(
        self, record: readers.Record, row: dict[str, Any]
    ) -> tuple[rules.Clean | None, dict[str, values.Problem]]:
        """One row against the one check, and what its route adds: rejected where it came from, a file that lies."""
        clean, problems = rules.check(row, self.world)
        if self.with_texts and not str(row.get("link_reason") or "").strip():
            # Texts are sealed together, once: what is missing cannot be added under the same key afterwards.
            problems.setdefault("link_reason", values.Problem(rules.MISSING))
        if values.unkeepable(row.get(SUBMISSION_ID)):
            problems[SUBMISSION_ID] = values.Problem(rules.CHARACTER)
        if record.rejected:
            problems = {
                "submission_id": values.Problem(
                    rules._("This submission was rejected where it was collected, so it is not taken.")
                )
            }
        for number, item in enumerate(row.get("items") or (), 1):
            held = item.get("attachment")
            if isinstance(held, dict) and "refused" in held:
                problems[f"items.{number}.attachment"] = values.Problem(held["refused"], held["figures"])
        return (None if problems else clean), problems

    def new(self, rows: Sequence[tuple[readers.Record, dict[str, Any], rules.Clean]]) -> list[Ready]:
        """Which of these are not here yet, and which are later versions of what is. Counts the rest as repeated.

        In `twice` are those that may be another report than the earlier row of the same file which is kept, and why: they say
        the same without a number of their own, or have its number and say something else. Whoever sent them is told.
        """
        contents = [rules.same(c, _file_names(r)) for r, _row, c in rows]
        names = [[*r.ids] or ([f"own/{row[SUBMISSION_ID]}"] if row.get(SUBMISSION_ID) else []) for r, row, _c in rows]
        counts = [len(n) for n in names]
        found = keeping.marks("submission", [*contents, *(x for n in names for x in n)])
        marks, rest = found[: len(rows)], iter(found[len(rows) :])
        ids = [[next(rest) for _ in range(n)] for n in counts]
        others = {x for (r, _row, _c), of in zip(rows, ids, strict=True) if r.ids for x in of}
        wanted = {x for of in ids for x in of} | {mark for mark, of in zip(marks, ids, strict=True) if not of}
        with reading_as(self.by):
            here = queries.seen_before(self.by.body_id, wanted - others, others)
        gone = queries.withdrawn(k.ref for k in here.values() if k.status in (m.FILED, m.TAKEN_OVER))
        ready: dict[str, Ready] = {}
        for (record, _row, clean), content, of in zip(rows, marks, ids, strict=True):
            every = of or [content]
            known = next((here[x] for x in every if x in here), None)
            identity = known.identity if known else next((self.seen[x] for x in every if x in self.seen), every[0])
            if known and (why := self._no_later(known, record, content, set(of))) is not None:
                self.repeated += 1
                if why:
                    self.twice.append((record, why))
                continue
            if known and known.ref in gone:
                self.wrong.append((record, SUBMISSION_ID, values.Problem(sentences.WITHDRAWN)))
                continue
            if identity in self.seen or any(x in self.seen for x in every):
                earlier = ready.get(identity)
                _ref, as_of, said = (
                    ("", earlier.record.as_of, earlier.content) if earlier else self.written.get(identity, ("",) * 3)
                )
                self.repeated += 1
                if not of:
                    self.twice.append((record, sentences.TWICE))
                elif content != said and record.as_of <= as_of:
                    self.twice.append((record, sentences.NUMBERED_TWICE if record.as_of == as_of else sentences.LATE))
                if record.as_of <= as_of:
                    continue  # an older version of one in this same file
            self.seen |= dict.fromkeys([identity, *every], identity)
            also = [x for x in every if x != identity]
            if known is None:
                ready[identity] = Ready(record, clean, identity, also, content, m.DRAFT, 1, "")
            else:
                filed = known.status in (m.FILED, m.TAKEN_OVER)
                ready[identity] = Ready(record, clean, identity, also, content, m.CORRECTION if filed else m.DRAFT,
                                        known.version + 1, known.ref if filed else "",
                                        looks_like="" if filed else known.looks_like)  # fmt: skip
        self._others_like(ready.values())
        self.corrections += sum(r.version > 1 for r in ready.values())
        self._pseudonyms(ready.values())
        self._words(ready.values())
        return list(ready.values())

    def _no_later(self, known: queries.Known, record: readers.Record, content: str, names: set[str]) -> str | None:
        """None where a row is a later version of what is here; else what to tell whoever sent it, "" where that is plain.

        KoboToolbox leaves a submission's time as it was when it is edited, so there its names and what it says decide.
        """
        if known.content == content:
            return ""
        if not (known.as_of and record.as_of and record.as_of <= known.as_of):
            return None
        if record.as_of < known.as_of:
            return "" if content in known.contents else sentences.LATE
        if self.route != readers.KOBO:
            return ""
        if names <= known.names | known.before:
            if names != known.names and not (known.before and names & (known.names - known.before)):
                return sentences.EARLIER
            if content in known.contents:
                return sentences.EARLIER
        with reading_as(self.by):
            if not record.items and m.DraftItem.objects.filter(draft__ref=known.draft).exists():
                return sentences.WITHOUT_ITEMS
        return None

    def _others_like(self, ready: Iterable[Ready]) -> None:
        """Of those without a name that is here: what an edit of one that is here would have in common with it. A person decides."""
        new = [r for r in ready if r.record.hints]
        found = iter(keeping.marks("submission", [f"hint/{h}" for r in new for h in r.record.hints]) if new else [])
        for r in new:
            r.hints = [next(found) for _ in r.record.hints]
        with reading_as(self.by):
            like = queries.looks_like(self.by.body_id, {h for r in new for h in r.hints if r.version == 1})
        for r in new:
            if r.version == 1:
                r.looks_like = next((like[h] for h in r.hints if h in like), "")

    def _pseudonyms(self, ready: Iterable[Ready]) -> None:
        """Pseudonyms become marks within this organisation, like those of interviews: what is typed there may be a name."""
        items = [i for r in ready for i in r.clean.items if i.coded.get("person_key")]
        named = list(dict.fromkeys(i.coded["person_key"] for i in items))
        found = dict(zip(named, queries.person_marks(self.by, named), strict=True)) if named else {}
        for item in items:
            item.coded["person_key"] = found[item.coded["person_key"]]

    @staticmethod
    def _words(ready: Iterable[Ready]) -> None:
        """Each item keeps a mark of its words within its situation, so that the same source is known there again."""
        said = [(r.clean.situation, i) for r in ready for i in r.clean.items]
        for (_ref, item), mark in zip(said, queries.word_marks([(ref, i.says) for ref, i in said]), strict=True):
            if mark:
                item.coded["words"] = mark

    def guarded(self, ready: Sequence[Ready]) -> tuple[list[Ready], list[tuple[readers.Record, str, values.Problem]]]:
        """An interview carries the account of one submission: the rows that may go on, and those that may not, by field."""
        named = {i.coded["interview"] for r in ready for i in r.clean.items if i.coded.get("interview")}
        if not named:
            return list(ready), []
        with reading_as(self.by):
            held = dict(m.Interview.objects.filter(ref__in=named).values_list("ref", "held_by"))
        persons = queries.persons_of(self.by, named)
        good: list[Ready] = []
        problems: list[tuple[readers.Record, str, values.Problem]] = []
        for r in ready:
            of = {
                f"items.{n}.interview": ref for n, i in enumerate(r.clean.items, 1) if (ref := i.coded.get("interview"))
            }
            taken = [
                name for name, ref in of.items() if self.interviews.get(ref, held.get(ref, "")) not in ("", r.identity)
            ]
            problems += [(r.record, name, values.Problem(guard.SPENT)) for name in taken]
            other = [
                f"items.{n}.person_key" for n, i in enumerate(r.clean.items, 1) if not self._person_told(i, persons)
            ]
            problems += [(r.record, name, values.Problem(guard.ANOTHER)) for name in other]
            if not taken and not other:
                self.interviews |= dict.fromkeys(of.values(), r.identity)
                good.append(r)
        return good, problems

    @staticmethod
    def _person_told(item: rules.Item, persons: dict[str, str]) -> bool:
        """An account takes its person from the interview it names; whether no other pseudonym was typed beside it."""
        if person := persons.get(item.coded.get("interview", "")):
            if item.coded.get("person_key") not in (None, "", person):
                return False
            item.coded["person_key"] = person
        return True


def _file_names(record: readers.Record) -> list[str]:
    """Names of the files that came with a row, item by item."""
    held = (item.get("attachment") for item in record.items)
    return [str(h.get("name", "")) if isinstance(h, dict) else "" for h in held]
