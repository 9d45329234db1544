"""Reads shaped for her page. Runs in the vault process, within the scope of one thread's compartment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words, isolated
from answerable.alliance.models import Body, Person, compartments_of
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import HELD_IN, Place, Principal
from answerable.channel import lifecycle
from answerable.channel.actions import holder
from answerable.channel.models import Message, Thread
from answerable.common import clock
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault import doorkeys, recorded
from answerable.vault.consent.survivor import use_words


def ready_for(channel: str, refs: Sequence[str]) -> tuple[Thread | None, list[Message]]:
    """A channel's thread and those of these messages that have reached their hour. The same questions, whoever asks."""
    with reading_as(holder(channel)):
        thread = Thread.objects.filter(ref=channel).select_related("documenter").first()
        found = Message.objects.filter(
            ref__in=list(refs) or [doorkeys.NONE], direction="out", release_at__lte=clock.now()
        )
        return thread, list(found.order_by("id"))


def moment(at: datetime) -> str:
    """A day and an hour, as they are read on her page."""
    return f"{day_words(at)}, {isolated(date_format(at, 'H:i') + ' UTC')}"


def her_page(state: dict[str, Any], thread: Thread | None) -> dict[str, Any]:
    """Everything her page shows: messages, her file's sections, who opened what. Plain texts."""
    if thread is None:
        return {
            "messages": [],
            "sections": [],
            "openings": [],
            "receipt": "",
            "urgent": [],
            "remade": [],
            "settles": "",
            "file": False,
        }
    with reading_as(holder(thread.ref)):
        shown = [m for m in Message.objects.filter(thread=thread).exclude(direction="note")
                 if m.direction == "in" or (m.release_at and m.release_at <= clock.now())]  # fmt: skip
        about = thread.documenter.ref if thread.documenter else thread.about_ref
        if thread.kind == lifecycle.COMPLAINT:
            about = thread.ref
        sections = [s for answer in question("survivor_page").ask(about) for s in answer or ()] if about else []
        if thread.kind == lifecycle.COMPLAINT or thread.documenter is not None:
            # There is no file of hers behind it whose purposes could be given or taken back.
            sections = [s for s in sections if not s.get("choices")]
        # What was opened of her file is told by whoever keeps its consents, where they do; then this names the rest.
        whole = bool(about) and question("survivor_withdraws").is_answered()
        openings = (
            None
            if whole
            else openings_of([about, *(m.ref for m in shown), *thread.attachments.values_list("ref", flat=True)])
        )
        remade = [{"on": day_words(r["at"].date()), "office": r["office"]} for r in replacements(thread.ref)]
    keys, messages = doorkeys.wraps(thread.ref, "page"), []
    for m in shown:
        if m.ref not in keys:
            continue  # sealed before this code: the office reads it to her if she asks
        day = day_words((m.release_at or m.written_at).date())
        text = doorkeys.open_message(state["private"], thread.ref, m.ref, "page", keys[m.ref], bytes(m.text))
        messages.append({"on": day, "hers": m.direction == "in", "kind": m.kind, "text": text,
                         "new": m.ref in state.get("fresh", ())})  # fmt: skip
    return {
        "messages": messages, "sections": sections, "openings": openings, "receipt": thread.receipt,
        "older": len(shown) - len(messages), "urgent": urgent_help(thread), "remade": remade,
        "settles": moment(settles) if (settles := not_before(thread)) else "", "file": bool(thread.about_ref),
    }  # fmt: skip


def replacements(
    ref: str = "", *, since: datetime | None = None, made: Sequence[str] = ("replace_code",)
) -> list[dict[str, Any]]:
    """When codes were made anew, newest first, and by which office: of one thread, or of all since an instant.

    Read from the vault's own entries, which come before the keys change: no page can make a code without one.
    """
    entries = Entry.objects.filter(action="code made", reason__in=made).order_by("-index")
    entries = entries.filter(subject=ref) if ref else entries
    found = list(entries.filter(at__gte=since)) if since else list(entries)
    offices = dict(Person.objects.filter(ref__in={e.actor for e in found}).values_list("ref", "body__name"))
    return [{"at": e.at, "index": e.index, "office": offices.get(e.actor, "")} for e in found if e.at]


def not_before(thread: Thread) -> datetime | None:
    """From when what cannot be taken back can be done from her page, after a code was replaced; None when it can now."""
    with reading_as(holder(thread.ref)):
        # A door that staff opened on a file settles like one whose code they replaced: both codes were in their hands.
        newest = next(iter(replacements(thread.ref, made=("replace_code", "open_door"))), None)
    return lifecycle.settles_at(newest["at"] if newest else None, clock.now())


def urgent_help(thread: Thread | None) -> list[str]:
    """What she hears at once when something she asked for cannot wait: what the office must do and by when, in sentences.

    Empty when nothing is urgent. Help near her, and that she can write, stand beside it on the page.
    """
    if thread is None or not thread.about_ref:
        return []
    with reading_as(holder(thread.ref, thread.compartment)):
        found = [u for answer in question("urgent_now").ask([thread.about_ref]) for u in answer.values()]
    lines = []
    for urgent in found:
        what, day = urgent["hers"], day_words(urgent["due"])
        if urgent["screened"]:
            lines.append(_("You told us of this: %(what)s. Someone has looked at it.") % {"what": what})
        else:
            lines.append(
                _("You told us of this: %(what)s. Someone here must look at it by %(day)s at the latest, before everything else.")
                % {"what": what, "day": day}
            )  # fmt: skip
    return lines


@cache
def reading_roles(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(roles that open what is sent, roles that only see that it is there), asked of the policies and compartments.

    Nobody keeps this list by hand: a role that a policy lets in tomorrow is named tomorrow.
    """
    organ = Body(ref="BOD", kind=Body.ORGAN)
    opens: dict[str, None] = {}
    sees: dict[str, None] = {}
    for role in sorted(HELD_IN["organ"]):
        scopes = compartments_of(frozenset({role}), organ)
        who = Principal("READER", frozenset({role}), body=organ.ref, compartments=scopes)
        for thing, place, purposes in _things(kind):
            if thing.compartment not in scopes:
                continue
            if any(authority.allows(who, "read_sealed", thing, purpose=p) for p in purposes):
                opens[role] = None
            elif authority.allows(who, place, Place("readers")):
                sees[role] = None
    return tuple(opens), tuple(r for r in sees if r not in opens)


PURPOSES = ("contact", "adjudication", "payment", "verification")


def _things(kind: str) -> list[tuple[Any, str, tuple[str, ...]]]:
    """What a submission of this kind becomes: (an example of it, who lists such things, what it is opened for)."""
    thread = Thread(ref="THR", compartment="claims")
    said = (
        []
        if kind == "report"
        else [
            (Message(ref="MSG", thread=thread, compartment=thread.compartment, direction="in"), "see_threads", PURPOSES)
        ]
    )
    return said + [
        (t, place, PURPOSES) for answer in question("readers_at_door").ask(kind) for t, place in answer or ()
    ]


def role_words() -> dict[str, str]:
    """Roles that may read what is sent at the door, as a stranger to them understands it."""
    return {
        "survivor_advocate": _("Advocates, who stand by you"),
        "intake_officer": _("The people who take requests in"),
        "eligibility_assessor": _("Assessors, who look at what you ask for"),
        "award_panel": _("The panel that decides what follows"),
        "appeals_panel": _("The panel that looks again if you do not agree"),
        "monitoring_analyst": _("Analysts of the alliance"),
        "verifier": _("Verifiers, who check reports"),
        "verification_lead": _("The lead of those who check reports"),
        "panel_expert": _("Independent experts of the panel"),
    }


def readers(kind: str) -> dict[str, list[str]]:
    """The same in words, for the pages before something is sent."""
    words = role_words()
    opens, sees = reading_roles(kind)
    return {
        "open": [words.get(r, r.replace("_", " ")) for r in opens],
        "see": [words.get(r, r.replace("_", " ")) for r in sees],
    }


def openings_of(refs: Sequence[str]) -> list[dict[str, Any]]:
    """Who opened something of hers, on which day and why: the office, never a person (SC-10)."""
    entries = Entry.objects.filter(subject__in=[r for r in refs if r], action="sealed field read").order_by("index")
    entered = recorded.the_vaults(entries)
    rows = [(e.at.date(), e.actor, (e.event or {}).get("detail", {}).get("purpose", "")) for e in entered if e.at]
    offices = dict(Person.objects.filter(ref__in={actor for _d, actor, _p in rows}).values_list("ref", "body__name"))
    seen: dict[tuple[date, str, str], None] = {}
    for day, actor, purpose in rows:
        seen[day, offices.get(actor, ""), purpose] = None
    return [{"on": day_words(d), "office": office, "why": use_words(p)} for d, office, p in seen]


def statement(state: dict[str, Any], thread: Thread | None) -> str:
    """Her file as plain text."""
    page = her_page(state, thread)
    lines: list[str] = []
    lines += [*page["urgent"], ""] if page["urgent"] else []
    for section in page["sections"]:
        lines += [section["title"], *(f"  {line}" for line in section.get("lines", ()))]
        lines += ["  " + " | ".join(str(cell) for cell in row) for row in (section.get("table") or {}).get("rows", ())]
        given = [f"  {c['label']}: {c['audience']}" for c in section.get("choices", ()) if c["given"]]
        lines += [*given, ""]
    # What she wrote in a claim she may have sent before this code was hers; then it is not silently left out.
    if page.get("older"):
        lines += [_("Earlier messages were locked under a code that has ended. The office can read them to you."), ""]
    lines += [_("Messages")]
    hers, ours = _("from you"), _("to you")
    for m in page["messages"]:
        lines += [f"  {m['on']}, {hers if m['hers'] else ours}:", *(f"    {x}" for x in m["text"].splitlines())]
    if page["remade"]:
        lines += ["", _("Codes made anew")]
        lines += [f"  {r['on']}, {r['office']}" for r in page["remade"]]
    if page["openings"] is None:
        return "\n".join(lines) + "\n"
    lines += ["", _("Who opened something of yours, when and why")]
    lines += [f"  {o['on']}, {o['office']}, {o['why']}" for o in page["openings"]] or ["  " + _("Nobody has.")]
    return "\n".join(lines) + "\n"
