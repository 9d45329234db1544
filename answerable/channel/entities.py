"""How threads look to policies; what the door answers to other apps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from answerable.authority.acting import reading_as
from answerable.authority.engine import describes
from answerable.authority.principals import CLOCK
from answerable.channel import access, lifecycle, queries, room
from answerable.channel.models import Attachment, Message, Thread
from answerable.common import clock
from answerable.common.hooks import question
from answerable.record.pages import Described
from answerable.safeguarding.models import Grievance
from answerable.vault import doorkeys


def _concerned(t: Thread) -> set[str]:
    """Whom the complaint behind a conversation is about, whatever of it may be seen from here; nobody for any other."""
    if t.kind != lifecycle.COMPLAINT and not t.compartment.startswith("grievances"):
        return set()
    with reading_as(CLOCK):
        return {p for g in Grievance.objects.filter(thread=t.ref) for p in g.concerns}


@describes(Thread)
def _thread(t: Thread) -> tuple[str, dict[str, Any]]:
    return "Thread", {
        "ref": t.ref,
        "compartment": t.compartment,
        "status": t.status,
        "documenter": bool(t.documenter_id),
        "answerable": t.answerable,
        "concerns": _concerned(t),
    }


@describes(Message)
def _message(m: Message) -> tuple[str, dict[str, Any]]:
    return "Message", {"compartment": m.compartment, "direction": m.direction,
                       "documenter": bool(m.thread.documenter_id), "concerns": _concerned(m.thread)}  # fmt: skip


@describes(Attachment)
def _attachment(a: Attachment) -> tuple[str, dict[str, Any]]:
    return "Attachment", {"compartment": a.compartment, "documenter": bool(a.thread.documenter_id),
                          "concerns": _concerned(a.thread)}  # fmt: skip


@question("sealed_object").answer_with
def _sealed(ref: str) -> Message | Attachment | None:
    if ref.startswith("ATT"):
        return Attachment.objects.filter(ref=ref).first()
    # What is hers alone is sealed to no office, so there is nothing here that anyone of ours could open.
    mine = Message.objects.exclude(kind__in=lifecycle.HERS_ALONE)
    return mine.filter(ref=ref).first() if ref.startswith("MSG") else None


@question("describe_ref").answer_with
def _describe(by: Any, ref: str) -> Described | None:
    if ref.startswith("THR") and (t := access.threads(by).filter(ref=ref).first()):
        return Described(_("Messages") + f": {t.designation}", ("thread", ref), t.status)
    return None


@question("holder_of").answer_with
def _holder(ref: str) -> str:
    return Thread.objects.filter(about_ref=ref).order_by("-id").values_list("ref", flat=True).first() or ""


@question("parts_of").answer_with
def _parts(ref: str) -> list[str]:
    """What she wrote and was answered goes with the claim it was about."""
    if not ref.startswith("CLM"):
        return []
    threads = list(Thread.objects.filter(about_ref=ref).values_list("ref", flat=True))
    messages = Message.objects.filter(thread__ref__in=threads).values_list("ref", flat=True)
    return [*threads, *messages, *Attachment.objects.filter(thread__ref__in=threads).values_list("ref", flat=True)]


@question("shred_keys").answer_with
def _shred(refs: Sequence[str]) -> dict[str, int]:
    """In the vault process: the doors behind these references open nothing any more."""
    doors = [ref for ref in refs if ref.startswith("THR") and doorkeys.has_keys(ref)]
    for ref in doors:
        doorkeys.close(ref)
    return {"doors": len(doors)}


@question("written_at_door").answer_with
def _written(ref: str, by: Any) -> list[Message]:
    """What was written in a complaint's conversation, for those whose room it lies in."""
    return list(Message.objects.filter(thread__ref=ref, thread__kind=lifecycle.COMPLAINT, direction="in"))


@question("files_at_door").answer_with
def _files(ref: str, by: Any) -> list[Attachment]:
    """Files sent in a complaint's conversation, for those whose room it lies in."""
    return list(Attachment.objects.filter(thread__ref=ref, thread__kind=lifecycle.COMPLAINT))


@question("kept_beside").answer_with
def _beside(ref: str) -> list[str]:
    """What was written and sent in a complaint's conversation: whoever opened it is told on its page (SC-10)."""
    if not ref.startswith("THR"):
        return []
    refs = [model.objects.filter(thread__ref=ref).values_list("ref", flat=True) for model in (Message, Attachment)]
    return [r for found in refs for r in found]


@question("answer_waits").answer_with
def _answer_waits(ref: str) -> bool:
    """Whether an answer to a complaint lies here that has not reached its hour of release."""
    return Message.objects.filter(thread__ref=ref, kind="answer", release_at__gt=clock.now()).exists()


@question("waits_for").answer_with
def _inspects(by: Any) -> list[dict[str, Any]]:
    """Codes made anew in the last days, for those who inspect: which office, on which day, never whose."""
    if not by.roles & {"ombudsperson", "safeguarding_officer", "auditor"}:
        return []
    return [
        {"title": _("A code at the door was made anew"), "url": reverse("record"), "due": None,
         "what": _("on %(day)s by %(office)s, entry %(n)s of the record; ask that office who was there")
         % {"day": date_format(r["at"], "j N Y"), "office": r["office"] or _("an office"), "n": r["index"]}}
        for r in queries.replacements(since=clock.now() - timedelta(days=lifecycle.INSPECTED_DAYS))[:20]
    ]  # fmt: skip


@question("waits_for").answer_with
def _room(by: Any) -> list[dict[str, Any]]:
    """Files at the door are refused, or soon will be: for whoever looks after the machines."""
    if "system_administrator" not in by.roles:
        return []
    return [{"title": _("Room for files sent at the door"), "what": said, "url": reverse("today"), "due": None,
             "urgency": 0} for said in room.alarms()]  # fmt: skip


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Threads whose last word is hers, for those who answer them."""
    waiting = access.urgent_first(access.threads(by).filter(status=lifecycle.OPEN, waiting_since__isnull=False))
    mine = list(waiting.filter(documenter__isnull="monitoring_analyst" not in by.roles)[:20])
    urgent = {ref: u for answer in question("urgent_now").ask([t.about_ref for t in mine]) for ref, u in answer.items()}
    found = []
    for t in mine:
        waits = (
            _("waits for an answer")
            if getattr(t, "has_messages", False)
            else _("sent a claim, and waits for an answer")
        )
        what = f"{urgent[t.about_ref]['words']}: {waits}" if t.about_ref in urgent else waits
        found.append({"title": _("Messages") + f": {t.designation}", "what": what, "url": reverse("thread", args=[t.ref]),
                      "due": None, "urgency": 0 if t.about_ref in urgent else 3})  # fmt: skip
    return found
