"""When a report's event happened, as far as it is known: in words for a reader, and as first and last day for the database."""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date
from django.db.models import CharField, DateField, F, Func, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words, isolated
from answerable.monitoring.patterns.rules import possible_days

# What may be more than one day (the index incident_not_to_the_day holds these alone).
NOT_TO_THE_DAY = ~Q(precision="day") | Q(earliest__isnull=False)


def first_day() -> Func:
    """The first day on which a report's event can have happened, as patterns.rules.possible_days gives it (decision 0047)."""
    return Func(F("on"), F("precision"), F("earliest"), function="monitoring_first_day", output_field=DateField())


def last_day() -> Func:
    """The last day on which a report's event can have happened."""
    return Func(F("on"), F("precision"), F("latest"), function="monitoring_last_day", output_field=DateField())


def month() -> Func:
    """The month in which every possible day of a report lies, as 2026-03; "" where they lie in more than one."""
    return Func(
        F("on"), F("precision"), F("earliest"), F("latest"), function="monitoring_month", output_field=CharField()
    )


def within(first: date | str, last: date | str) -> Q:
    """Reports whose event certainly happened from one day to another, both included."""
    # The day counted on lies among the possible ones, so an index on it narrows what is looked at.
    return Q(on__gte=first, on__lte=last, possibly_from__gte=first, possibly_until__lte=last)


def touching(first: date | str, last: date | str) -> Q:
    """Reports whose event may have happened from one day to another, both included."""
    return Q(possibly_from__lte=last, possibly_until__gte=first)


def dated(rows: Any) -> Any:
    """The same reports, which `within` and `touching` can then narrow."""
    return rows.alias(possibly_from=first_day(), possibly_until=last_day())


def _month(how: str, day: date) -> str:
    """A month by its own name, as it stands without a day (CLDR)."""
    return str(format_date(day, how, locale=(get_language() or "en")[:2]))


def when_words(report: Any) -> str:
    """When it happened in the reader's language, no finer than it is known: a day, the week of a day, a month, a quarter, a year."""
    first, last = possible_days(report.on, report.precision, report.earliest, report.latest)
    if report.latest is not None and first < last:
        return _("some day from %(first)s to %(last)s") % {"first": day_words(first), "last": day_words(last)}
    if report.precision == "day" or report.latest is not None:
        return day_words(report.on)
    if report.precision == "week":
        return _("week of %(day)s") % {"day": day_words(first)}
    if report.precision == "month":
        return isolated(_month("LLLL y", first))
    if report.precision == "quarter":
        return _("%(first)s to %(last)s") % {
            "first": isolated(_month("LLLL", first)),
            "last": isolated(_month("LLLL y", last)),
        }
    return isolated(f"{first.year}") if report.precision == "year" else _("days not known")
