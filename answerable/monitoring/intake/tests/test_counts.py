"""Counts of services: a number is taken whole or refused, one cell is one cell however its area is written."""

from __future__ import annotations

from datetime import date

import pytest

from answerable.common.errors import Refused
from answerable.monitoring.intake import counts

TODAY = date(2026, 3, 15)


def read(*lines: str) -> list[counts.Cell]:
    return counts.read("\n".join(["type,month,area,count", *lines]).encode(), on=TODAY)


@pytest.mark.parametrize(
    "line, why",
    [
        ("GBV-1,2026-03,Kesh,12,345", "5 cells where the header has 4"),
        ("GBV-1,2026-03,Kesh,1,250", "5 cells where the header has 4"),
        ("GBV-1,2026-03,Kesh,12,Fatima 0770123", "5 cells where the header has 4"),
        ("GBV-1,2026-03,Kesh", "3 cells where the header has 4"),
        ("GBV-1,2026-04,Kesh,12", "the month lies ahead"),
        ("GBV-1,2099-03,Kesh,12", "the month lies ahead"),
        ("GBV-1,0001-01,Kesh,12", "before such counts were taken"),
        ("GBV-1,2026-3,Kesh,12", "write the month as 2026-03"),
        ("GBV-1,2026-03,,12", "name a first- or second-level area"),
        ("GBV-1,2026-03,Kesh,-1", "a whole number"),
    ],
)
def test_a_row_that_is_no_cell_is_named_and_nothing_of_it_is_taken(line, why):
    with pytest.raises(Refused, match="Row 2: ") as no:
        read(line)
    assert why in str(no.value) and "Fatima" not in str(no.value)


def test_one_cell_is_one_cell_however_its_area_is_written():
    (cell,) = read("1,2026-03,Kesh  Nord ,12")
    assert cell == counts.Cell("GBV-1", "2026-03", "Kesh Nord", 12)
    for other in ("Kesh Nord", "kesh  nord", "Kesh-Nord"):
        with pytest.raises(Refused, match="Row 3: this type, month and area came before"):
            read("GBV-1,2026-03,Kesh Nord,12", f"GBV-1,2026-03,{other},13")


def test_a_table_says_the_same_however_it_is_written():
    one = read("GBV-1,2026-03,Kesh Nord,12", "GBV-2,2026-03,Kesh,3")
    other = read("2,2026-03,Kesh,7", "", "1,2026-03,Kesh  nord,12")
    assert counts.said(counts.guarded(one)) == counts.said(counts.guarded(other))
    kept = counts.guarded(one)
    assert counts.guarded(counts.read(counts.written(kept).encode(), on=TODAY)) == kept


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_table_in_another_encoding_is_told_what_to_save_as(encoding):
    with pytest.raises(Refused, match="Save it as CSV UTF-8"):
        counts.read("type,month,area,count\nGBV-1,2026-03,Kesh,12\n".encode(encoding), on=TODAY)
    with pytest.raises(Refused, match="Save it as CSV UTF-8"):
        counts.read(b"type,month,area,count\nGBV-1,2026-03,Ke\x00sh,12\n", on=TODAY)


def test_empty_cells_beside_the_table_are_none_and_an_open_quote_is_said():
    assert read("1,2026-03,North,12,") == read("1,2026-03,North,12")
    with pytest.raises(Refused, match="cannot be read"):
        read("1,2026-03,North,12", '2,2026-03,North,"3', "3,2026-03,North,9")
