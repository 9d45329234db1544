"""A released table tells nothing small (R-SDC, security.md §4.9)."""

from __future__ import annotations

import pytest

from answerable.engines.disclosure import tables
from answerable.engines.disclosure.tables import Table, at_least, exposed, release, suppressed, thin

# domain.md §7.4: rows Z-07, Z-09, Z-11; columns RAPE, SLAV, OTHR.
EXAMPLE = [[12, 4, 20], [15, 11, 18], [22, 13, 7]]


def spread(n: int) -> dict[str, int]:
    """A count that three organisations gave in equal parts, so that none stands above the others."""
    return {o: part for o, part in zip("PQR", (n // 3 + n % 3, n // 3, n // 3), strict=True) if part}


def two_way(rows: dict[str, tuple[int, int]], disjoint: bool = True, whole: tuple[int, int] = (0, 0)) -> Table:
    return Table(
        tuple(rows), ("verified", "open"),
        {(r, c): spread(n) for r, cells in rows.items() for c, n in zip(("verified", "open"), cells, strict=True)},
        disjoint, {c: spread(n) for c, n in zip(("verified", "open"), whole, strict=True)},
    )  # fmt: skip


def test_the_worked_example_is_suppressed_to_the_cell():
    hidden = suppressed(EXAMPLE, 10)
    shown = [
        ["*" if h else n for n, h in zip(row, hides, strict=True)] for row, hides in zip(EXAMPLE, hidden, strict=True)
    ]
    assert shown == [["*", "*", 20], ["*", 11, "*"], [22, "*", "*"]]
    assert [sum(r) for r in EXAMPLE] == [36, 44, 42] and not any(tables.margins([36, 44, 42], 10))


@pytest.mark.parametrize("n, shown", [(0, 0), (4, 0), (5, 5), (9, 5), (10, 10), (1234, 1230)])
def test_a_figure_is_rounded_down_to_fives(n, shown):
    assert at_least(n) == shown


@pytest.mark.parametrize("given, is_thin", [({"P": 6, "Q": 6}, True), ({"P": 4, "Q": 4, "R": 4}, False),
                                            ({"P": 90, "Q": 6, "R": 4}, True), ({"P": 80, "Q": 10, "R": 10}, False), ({}, False)])  # fmt: skip
def test_fewer_than_three_contributors_or_one_above_the_others_is_withheld(given, is_thin):
    assert thin(given) is is_thin


def test_no_cell_under_the_threshold_is_ever_shown_and_nothing_withheld_can_be_worked_out():
    out = release(two_way({"North": (40, 22), "East": (15, 3), "South": (9, 1), "West": (60, 45)}), k=10)
    assert out.cells[1] == (None, None) and out.cells[2] == (None, None)
    for row in out.cells:
        assert all(v is None or v == 0 or v >= 10 for v in row)
    assert exposed(out) == []


def test_the_naive_table_does_not_pass():
    """The same counts with only the small cell hidden and exact margins beside it: the audit names the hidden cell."""
    naive = tables.Released(("North", "East"), ("verified", "open"), ((40, 20), (15, None)), (60, 15), (55, 20), 75)
    assert (1, 1) in exposed(naive, base=1)


def test_overlapping_rows_never_add_up_to_their_total():
    out = release(two_way({"rape": (30, 22), "slavery": (25, 3)}, disjoint=False, whole=(35, 24)), k=5)
    assert out.cells[0] == (30, 20) and out.cells[1] == (None, None)
    assert out.total == 55 and out.column_totals == (35, 20)


def test_a_place_with_one_organisation_is_withheld_however_large():
    table = Table(("North", "East"), ("verified", "open"),
                  {("North", "verified"): spread(60), ("North", "open"): spread(60),
                   ("East", "verified"): {"P": 500}, ("East", "open"): {"P": 500}})  # fmt: skip
    out = release(table, k=10)
    assert out.cells[1] == (None, None) and out.row_totals[1] is None


def test_one_record_more_or_less_changes_no_shown_figure_by_less_than_five():
    before = release(two_way({"North": (40, 22), "West": (60, 45)}), k=10)
    after = release(two_way({"North": (41, 22), "West": (60, 45)}), k=10)
    assert before == after  # 40 and 41 look alike
    more = release(two_way({"North": (45, 22), "West": (60, 45)}), k=10)
    assert more.cells[0][0] - before.cells[0][0] == 5


def test_an_empty_table_is_released_as_nothing():
    out = release(Table((), ("verified", "open"), {}), k=10)
    assert out.rows == () and out.total is None


def by_actor(*, nearly):
    """Three actors of whom one has too few reports; one report of all names two, so the rows come to one more than the whole."""
    counted = two_way({"Brigade": (40, 30), "Militia": (30, 20), "Riders": (12, 3)}, disjoint=False, whole=(81, 53))
    return Table(counted.rows, counted.columns, counted.given, False, counted.whole, nearly)


def test_rows_that_all_but_add_up_are_withheld_as_if_they_did():
    """Else what is withheld could be had by taking the other rows from the whole: three of 53, give or take one report."""
    apart, out = release(by_actor(nearly=False), k=5), release(by_actor(nearly=True), k=5)
    assert [row[1] for row in apart.cells] == [30, 20, None]
    assert sum(row[1] is None for row in out.cells) >= 2 and sum(row[0] is None for row in out.cells) != 1
    assert (out.total, out.disjoint) == (130, False)
