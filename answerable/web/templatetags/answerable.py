"""Marks and words that every page uses in the same way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from answerable.alliance import sentences
from answerable.alliance.days import day_words
from answerable.common import clock as time
from answerable.common import tables
from answerable.monitoring.days import when_words
from answerable.monitoring.patterns.counts import Count

register = template.Library()
KINDS = {"verified", "documented", "estimated", "reported"}


@register.simple_tag
def kind(name: str) -> SafeString:
    """The kind of a number, by mark and word: never one passed off as another."""
    words = {
        "verified": _("verified"),
        "documented": _("documented"),
        "estimated": _("estimated"),
        "reported": _("reported"),
    }
    return format_html('<span class="kind {}">{}</span>', name, words[name])


@register.simple_tag
def count(number: Count) -> SafeString:
    """A number with its kind beside it, an estimate with its interval. Raises TypeError for a number without a kind."""
    if not isinstance(number, Count):
        raise TypeError(f"a number is shown with its kind only, and {number!r} has none")
    shown = f"{number.n}" if number.low is None else f"{number.n} ({number.low}–{number.high})"
    return format_html("<bdi>{}</bdi> {}", shown, kind(number.kind))


@register.filter
def ref(value: Any) -> SafeString:
    """A reference, kept left to right."""
    return format_html('<span class="ref">{}</span>', value)


@register.filter
def day(value: Any) -> SafeString | str:
    """A day, written in one way everywhere in a language, and kept in its own direction."""
    return format_html("<bdi>{}</bdi>", day_words(value)) if value else ""


@register.filter
def when(report: Any) -> str:
    """When a report's event happened, no finer than it is known."""
    return when_words(report)


@register.filter
def reflink(value: Any) -> SafeString:
    """A reference that leads to its object."""
    return format_html('<a class="ref" href="{}">{}</a>', reverse("by-ref", args=[value]), value)


# References, codes, days and hours as they are written in any language: a run of its own from left to right.
_RUN = re.compile(
    r"[A-Z]{2,4}(?:-[0-9A-Z]+)+(?:\.\d+)*|[A-Za-z]+\d[A-Za-z0-9]*|\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d)?|\d+(?:[.,:/]\d+)*"
)


@register.filter
def apart(text: Any) -> SafeString:
    """A text in which references, numbers and dates keep their own order, whichever way the page is read."""
    words, parts, end = str(text), [], 0
    for found in _RUN.finditer(words):
        parts += [(words[end : found.start()],), (format_html("<bdi>{}</bdi>", found[0]),)]
        end = found.end()
    return format_html_join("", "{}", [*parts, (words[end:],)])


@register.simple_tag
def becomes(before: Any, after: Any) -> SafeString:
    """One thing and what it came to, with an arrow that points on in the direction in which the first is written."""
    words = f"{before}"
    strong = (unicodedata.bidirectional(c) for c in words if unicodedata.bidirectional(c) in {"L", "R", "AL"})
    arrow = "→" if next(strong, "L") == "L" else "←"
    return format_html("<bdi>{} {} {}</bdi>", words, arrow, after) if after else format_html("<bdi>{}</bdi>", words)


@register.simple_tag
def clock(deadline: datetime | None) -> SafeString | str:
    """A deadline with what is left of it, by mark and word."""
    if deadline is None:
        return ""
    days = (deadline.date() - time.today()).days
    day = day_words(deadline)
    if time.now() > deadline:
        return format_html('<span class="clock late">{}</span>', _("was due %(day)s") % {"day": day})
    left = ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}
    return format_html('<span class="clock">{}</span>', _("due %(day)s, %(left)s") % {"day": day, "left": left})


@register.simple_tag
def clock_hours(deadline: datetime | None) -> SafeString | str:
    """A clock that runs in hours (care in time, a danger to look at): the hour it ends and how many are left.

    Not for the hour a claim was lodged, which is shown no finer than the day.
    """
    if deadline is None:
        return ""
    at = f"{day_words(deadline.astimezone(UTC))}, {deadline.astimezone(UTC):%H:%M} UTC"
    if time.now() > deadline:
        return format_html('<span class="clock late">{}</span>', _("over since %(at)s") % {"at": at})
    hours = int((deadline - time.now()).total_seconds() // 3600)
    left = ngettext("%(n)d whole hour left", "%(n)d whole hours left", hours) % {"n": hours}
    return format_html('<span class="clock">{}</span>', _("until %(at)s, %(left)s") % {"at": at, "left": left})


@register.filter
def label(code: Any, list_name: str) -> str:
    """A code's label in the reader's language."""
    return tables.label(list_name, str(code), get_language() or "en")


@register.filter
def said(text: Any) -> Any:
    """What a rule, a table or the record said in English, in the reader's language."""
    return sentences.said(text)


@register.filter
def measure(code: str) -> str:
    """The name of a measure of the ladder, in the reader's language."""
    return sentences.measure_name(str(code))


@register.filter
def labels(codes: Any, list_name: str) -> str:
    """Labels of several codes."""
    return ", ".join(label(c, list_name) for c in codes)


@register.simple_tag
def term(key: str) -> SafeString:
    """A term of the field with its definition on hover."""
    row = tables.glossary()[key]
    words = row.get((get_language() or "en")[:2]) or row["en"]
    return format_html('<abbr title="{}">{}</abbr>', row["definition"], words)


@register.filter
def corrected(entry: Any) -> str:
    """What a correction of a report changed, by the names of its questions; "" of any other entry."""
    if entry.action != "report corrected" or not entry.event:
        return ""
    from answerable.monitoring.intake.forms import corrected_words

    names = corrected_words(entry.event["detail"].get("changed", []))
    return _("changed: %(names)s; each version's texts are kept") % {"names": names or _("no coded answer")}


@register.filter
def plain(status: str) -> str:
    """A status as words."""
    return STATUS_WORDS().get(str(status), str(status).replace("_", " ").capitalize())


def STATUS_WORDS() -> dict[str, str]:
    """Statuses as people say them, for the pages that delegations and the public read."""
    return {
        "DRAFT": _("Draft"), "CORRECTION": _("Correction"), "REPLACED": _("Replaced"), "TAKEN_OVER": _("Taken over"),
        "FILED": _("Filed as a report"), "UNDONE": _("Undone"), "SET_ASIDE": _("Set aside"), "SPONSORED": _("Sponsored"), "PREREQ_CHECK": _("Prerequisites checked"),
        "LEGAL_CHECK": _("Law checked"), "SAFETY_CHECK": _("Safety checked"), "CIRCULATED": _("Circulated"),
        "MEETING": _("Vote open"), "ADOPTED": _("Adopted"), "REJECTED": _("Rejected"), "NO_QUORUM": _("No quorum"),
        "WITHDRAWN": _("Withdrawn"), "CLOSED": _("Closed"), "IN_FORCE": _("In force"), "LAPSED": _("Lapsed"),
        "DUE": _("Due"), "LATE": _("Late"), "REPORTED": _("Reported"), "OPTED_OUT": _("Opted out"),
        "MEMBER": _("Member"), "NONE": _("Not a member"), "INVITED": _("Invited"), "INTERESTED": _("Interested"),
        "SIGNATORY": _("Signatory"), "IN_ARREARS": _("In arrears"), "SUSPENDED": _("Suspended"),
        "PUBLISHED": _("Published"), "REPLY_PERIOD": _("Awaiting reply"), "ASSESSMENT": _("Under assessment"),
        "PLEDGED": _("Pledged"), "RECEIVED": _("Received"), "OPEN": _("Open"), "PROPOSED": _("Proposed"),
        "ENTERED": _("Entered"), "LISTED": _("Listed"), "ASKED": _("Asked for"), "OFFERED": _("Offered"),
        "DECLINED": _("Declined"), "SENT": _("Passed on"), "TAKEN_UP": _("Taken up"), "DONE": _("Done"),
        "NOT_DONE": _("Did not come about"), "REVOKED": _("Taken back"), "LIVE": _("Holds"), "UNSAFE": _("Stopped"),
        "PLANNED": _("Planned"), "LOGGED": _("Logged"), "CANCELLED": _("Cancelled"), "ENQUIRY": _("Enquiry"),
        "ACKNOWLEDGED": _("Acknowledged"), "EXAMINED": _("Examined"), "ANSWERED": _("Answered"), "APPEALED": _("Appealed"),
        "LOOKED_AT": _("Looked at"), "SUBMITTED": _("Submitted"), "TRIAGED": _("Triaged"),
        "IN_VERIFICATION": _("In verification"), "VERIFIED": _("Verified"), "CREDIBLE": _("Credible"),
        "ALLEGED": _("Alleged"), "REOPENED": _("Reopened"), "MERGED": _("Put together with another"),
        "NOT_SUBSTANTIATED": _("Not substantiated"), "CONSENT_WITHDRAWN": _("Consent withdrawn"),
        "WATCHED": _("Watched"), "LEGAL_REVIEW": _("Legal review"), "SAFETY_REVIEW": _("Safety review"),
        "NOT_ADOPTED": _("Not adopted"), "RETURNED": _("Returned"), "NOTIFIED": _("Notified"), "IN_REVIEW": _("In review"),
        "UPHELD": _("Upheld"), "AMENDED": _("Amended"), "UNDER_REVIEW": _("Under review"), "EASED": _("Eased"),
        "PREREQ_FAILED": _("A prerequisite failed"), "RENEWED": _("Renewed"), "LIFTED": _("Lifted"), "ANNULLED": _("Annulled"),
        "DELISTED": _("Delisted"), "CO_DESIGN": _("Being designed with survivors"), "CLOSED_TO_NEW": _("Closed to new claims"),
        "WIND_DOWN": _("Winding down"), "HELD": _("Held"), "REFUSED": _("Refused"), "ENDED": _("Ended"),
        "ANNOUNCED": _("Announced"), "COMMITTED": _("Committed"), "RECONCILED": _("Reconciled"), "DEFAULTED": _("In default"),
        "APPROVED_1": _("Approved once"), "APPROVED_2": _("Approved twice"), "RELEASED": _("Released"), "SETTLED": _("Settled"),
        "FAILED": _("Failed"), "UNKNOWN": _("Not known"), "CONFIRMED": _("Confirmed"), "NOT_CONFIRMED": _("Not confirmed"),
        "SUPERSEDED": _("Superseded"), "same": _("the same incident"), "not_same": _("not the same incident"), "unsure": _("unsure"),
        "STEPPED_DOWN": _("Stepped down"), "ESCALATED": _("With the Chair"),
        "LODGED": _("Lodged"), "URGENT_SCREENED": _("Screened for urgency"), "REGISTERED": _("Registered"),
        "COMPLETENESS": _("Completeness checked"), "NEEDS_INFO": _("Needs information"),
        "SECOND_ASSESSMENT": _("Second assessment"), "ELIGIBLE": _("Eligible"), "NOT_ELIGIBLE": _("Not eligible"),
        "AWARDED": _("Awarded"), "ACCEPTED": _("Accepted"), "DELIVERING": _("Being delivered"), "DELIVERED": _("Delivered"),
        "PAUSED_BY_CLAIMANT": _("Paused by the claimant"),
        "WAITING": _("Waiting"), "STOPPED": _("Stopped"), "for": _("For"), "against": _("Against"), "abstain": _("Abstain"),
    }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Questions of a form one after the other that are asked under one condition, or under none."""

    fields: Sequence[BoundField]
    on: str = ""
    answers: str = ""
    words: str = ""


@register.filter
def grouped(form: BaseForm) -> list[Group]:
    """The visible questions of a form, in order, those of one condition together.

    A form's field that is asked only after certain answers has `only_if = (field, answers)`; where the field it names is
    on the same page, the page says so and, with a script, hides what is not asked.
    """
    found: list[Group] = []
    for only_if, fields in groupby(form.visible_fields(), key=lambda f: getattr(f.field, "only_if", None)):
        if only_if is None or only_if[0] not in form.fields:
            found.append(Group(list(fields)))
            continue
        on, answers = only_if
        asked = form[on]
        choices = {str(value): str(words) for value, words in getattr(asked.field, "choices", [])}
        words = ", ".join(choices.get(a, a) for a in answers)
        found.append(Group(list(fields), asked.html_name, " ".join(answers), _("Only if “%(question)s” is: %(answers)s")
                           % {"question": asked.label, "answers": words}))  # fmt: skip
    return found


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """A value of a mapping."""
    return mapping.get(key)


@register.filter
def met(status: str) -> str:
    """Class of a check's status: its mark, so that colour is not the only carrier."""
    return {"MET": "met", "NOT_MET": "not"}.get(status, "some")


@register.filter
def named(check: Mapping[str, Any]) -> str:
    """The name of a check, criterion or rule."""
    return str(check.get("name") or check.get("code") or check.get("rule") or "")


@register.filter
def is_mapping(cell: Any) -> bool:
    """Whether a table cell carries a link, a status or a clock rather than plain words."""
    return isinstance(cell, Mapping)
