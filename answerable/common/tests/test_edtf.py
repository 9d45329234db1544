"""Dates as far as they are known, and what is said about those that are none."""

from datetime import date

import pytest

from answerable.common import edtf


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2026", "2026-01-01", "2026-12-31", "year"),
        ("2026-XX", "2026-01-01", "2026-12-31", "year"),
        ("2024-02", "2024-02-01", "2024-02-29", "month"),
        ("2026-03-XX", "2026-03-01", "2026-03-31", "month"),
        ("2026-03-04", "2026-03-04", "2026-03-04", "day"),
        ("2026-33", "2026-01-01", "2026-03-31", "quarter"),
        ("2026-36", "2026-10-01", "2026-12-31", "quarter"),
        ("2026-03-28/2026-04", "2026-03-28", "2026-04-30", "range"),
        (" 2026-03-04T23:59:00.000+02:00 ", "2026-03-04", "2026-03-04", "day"),
    ],
)
def test_a_partial_date_is_the_days_it_may_have_been(text, first, last, precision):
    when = edtf.parse(text)
    assert (when.earliest, when.latest, when.precision) == (
        date.fromisoformat(first),
        date.fromisoformat(last),
        precision,
    )
    assert edtf.parse(when.text) == when


def test_about_and_perhaps_are_kept():
    assert edtf.parse("2026-03~").approximate and not edtf.parse("2026-03~").uncertain
    assert edtf.parse("2026-03?").uncertain and edtf.parse("2026-03%").approximate and edtf.parse("2026-03%").uncertain
    assert edtf.parse("2026-03~/2026-05").approximate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-02-30", "There is no day 30 in month 2 of 2026; that month has 28 days."),
        ("2026-13-01", "There is no month 13"),
        ("2026-00", "There is no month 0"),
        ("2026-22", "A season falls in other months in the north"),
        ("2026-33-04", "A quarter of a year has no day"),
        ("2026-XX-04", "A day without its month"),
        ("2026-05/2026-03", "ends before it begins"),
        ("2026-03/..", "open at one end"),
        ("/2026-03", "open at one end"),
        ("1850", "is before 1900"),
        ("14/03/2026", "Write the date as 2026-03-14"),
        ("2026-3-4", "Write the date as"),
        ("٢٠٢٦-٠٣-٠٤", "Write the date as"),
        ("", "The date is missing"),
        ("2026-03-04 or so", "Write the date as"),
        ("2026/2027/2028", "Write the date as"),
    ],
)
def test_what_is_no_date_is_said_and_not_repeated(text, words):
    with pytest.raises(edtf.Unreadable) as no:
        edtf.parse(text)
    sentence = no.value.sentence % no.value.figures if no.value.figures else no.value.sentence
    assert words in sentence and "or so" not in sentence


@pytest.mark.parametrize(("a", "b", "slack", "same"), [("2026-03", "2026-03-31", 0, True), ("2026-03", "2026-04-02", 0, False),
                                                       ("2026-03", "2026-04-02", 2, True), ("2026", "2026-05/2026-06", 0, True)])  # fmt: skip
def test_two_dates_may_be_the_same_time(a, b, slack, same):
    assert edtf.overlap(edtf.parse(a), edtf.parse(b), slack=slack) is same
    assert edtf.overlap(edtf.parse(b), edtf.parse(a), slack=slack) is same


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-01-01/2026-01-20", "2026-01-01", "2026-01-20"),
        ("2025-12-15~", "2025-11-15", "2026-01-14"),
        ("2026-06?", "2026-05-02", "2026-07-30"),
        ("2024%", "2022-12-31", "2026-01-01"),
        ("9999-12-31~", "9999-12-01", "9999-12-31"),
        ("2026-03-04", "2026-03-04", "2026-03-04"),
    ],
)
def test_what_is_about_or_perhaps_so_may_have_been_a_while_before_or_after(text, first, last):
    assert edtf.parse(text).possible == (date.fromisoformat(first), date.fromisoformat(last))
