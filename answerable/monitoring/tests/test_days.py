"""When it happened, in words no finer than it is known."""

from datetime import date
from types import SimpleNamespace

import pytest

from answerable.monitoring.days import when_words

MAY = date(2026, 5, 5)


@pytest.mark.parametrize(
    ("precision", "earliest", "latest", "words"),
    [
        ("day", None, None, "5 May 2026"),
        ("day", MAY, MAY, "5 May 2026"),  # a range of one day, as a form may send it
        ("day", MAY, date(2026, 5, 7), "some day from 5 May 2026 to 7 May 2026"),
        ("month", None, None, "May 2026"),
        ("year", None, None, "2026"),
        ("unknown", None, None, "days not known"),
    ],
)
def test_when_it_happened_is_said_no_finer_than_it_is_known(precision, earliest, latest, words):
    report = SimpleNamespace(on=MAY, precision=precision, earliest=earliest, latest=latest)
    assert when_words(report).translate(dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))) == words
