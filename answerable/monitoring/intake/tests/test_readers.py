"""Files are read whole or not at all: no cell falls off the end of a row, and nothing is read without an end."""

from __future__ import annotations

import io
import random
import time
import zipfile

import openpyxl
import pytest

from answerable.common.errors import Refused
from answerable.monitoring.intake import readers


def rows(raw: bytes, name: str = "reports.csv") -> list[readers.Record]:
    return list(readers.read(iter([raw]), name).records)


def book(*lines: list) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        made.active.append(line)
    made.save(out)
    return out.getvalue()


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, raw in parts.items():
            z.writestr(name.replace("__", "/") + ".csv", raw)
    return out.getvalue()


@pytest.mark.parametrize(
    "line, cells",
    [
        ("S,2026-01,7", 0),
        ("S,2026-01,", 0),  # an empty cell is a cell
        ('S,2026-01,"1,200"', 0),
        ("S,2026-01,1,200", 4),  # the number would be 1
        ("S,2026-01,7,", 0),  # nothing stands beside it
        ("S,2026-01", 2),  # a comma is missing, and nobody knows where
    ],
)
def test_a_row_of_a_csv_has_the_cells_of_its_header_or_is_no_row(line, cells):
    (record,) = rows(f"area1,when,victims\n{line}\n".encode())
    assert record.uneven == cells


def test_cells_of_a_workbook_stand_in_their_column_and_none_beyond_the_header_is_dropped():
    short, whole, long = rows(
        book(["area1", "when", "victims"], ["S"], ["S", "2026-01", 7], ["S", "2026-01", 1, 200]), "a.xlsx"
    )
    assert (short.cells, short.uneven) == (["S", "", ""], 0)
    assert (whole.cells, whole.uneven) == (["S", "2026-01", "7"], 0)
    assert long.uneven == 4


def test_a_repeat_whose_row_does_not_fit_stops_the_file():
    good, bad = b"KEY,area1\nu1,S\n", b"PARENT_KEY,kind,says\nu1,document,seen,by two\n"
    with pytest.raises(Refused, match="Row 2 of .form-items.csv. has 4 cells where its header has 3"):
        rows(zipped(form=good, **{"form-items": bad}), "a.zip")
    with pytest.raises(Refused, match="Row 2 of .items. has 3 cells where its header has 2"):
        made = openpyxl.load_workbook(io.BytesIO(book(["_uuid", "_submission_time", "_index"], ["u", "2026-01-01", 1])))
        for line in (["_parent_index", "kind"], [1, "document", "x"]):
            (made["items"] if "items" in made else made.create_sheet("items")).append(line)
        made.save(out := io.BytesIO())
        rows(out.getvalue(), "a.xlsx")


def test_columns_beyond_the_most_are_refused_by_every_way_in():
    wide = [f"c{n}" for n in range(readers.MOST_COLUMNS + 1)]
    of_json = ("[{" + ",".join(f'"{c}":"1"' for c in wide) + "}]").encode()
    for raw, name in ((",".join(wide).encode(), "a.csv"), (book(wide, wide), "a.xlsx"), (of_json, "a.json")):
        with pytest.raises(Refused, match="more than 600 columns"):
            rows(raw, name)


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size // 2).hex().encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"KEY,area1\n" + b"a" * 400_000_000,  # one line of 400 MB, which a zip holds in less than one
        b"KEY,area1\n" + noise(24_000_000),
        b"KEY,area1\n" + b'"\n",' * 4_000_000,  # a row that goes on from line to line
    ],
    ids=["inflates", "line", "row"],
)
@pytest.mark.slow
def test_a_line_without_an_end_is_refused_at_once(raw):
    packed = zipped(form=raw)
    began = time.monotonic()
    with pytest.raises(Refused, match="far more than an export holds|never ends"):
        rows(packed, "a.zip")
    assert time.monotonic() - began < 5  # seconds


def test_a_silent_recording_in_a_zip_is_no_flood():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("form.csv", "KEY,area1\nu1,S\n")
        z.writestr("media/quiet.wav", bytes(20_000_000))
    (record,) = rows(out.getvalue(), "a.zip")
    assert record.cells == ["u1", "S"]


def test_a_quote_left_open_in_the_last_cell_is_said_and_swallows_no_row():
    raw = b'victims,says\n1,"she said\n50,a paper\n3,another\n'
    with pytest.raises(Refused, match="a quote is left open"):
        rows(raw)
    with pytest.raises(Refused, match="a quote is left open"):
        rows(raw + b'4,"one that is closed"\n')
    closed = rows(b'victims,says\n1,"she said, on two\nlines ""so"""\n50,a paper\n')
    assert [r.cells[0] for r in closed] == ["1", "50"]


def test_empty_cells_beside_a_table_are_none():
    (one,) = rows(b"victims,says\n7,a paper,,\n")
    assert one.uneven == 0 and one.cells == ["7", "a paper"]
