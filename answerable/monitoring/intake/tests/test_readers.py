"""Files are read whole or not at all: no cell falls off the end of a row, and nothing is read without an end."""

from __future__ import annotations

import io
import json
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


HEADER, LINE = "area1;when;victims", "S;2026-01;7"


@pytest.mark.parametrize(
    "above, number",
    [
        ("", 2),
        ("\ufeff", 2),
        ("sep=;\r\n", 3),
        ("\ufeffsep=;\n", 3),
        ('"sep=;"\n\n', 4),
        ("\n \n", 4),
    ],
)
def test_lines_that_say_nothing_of_the_rows_are_passed_over_and_counted(above, number):
    read = readers.read(iter([f"{above}{HEADER}\n{LINE}\n".encode()]), "reports.csv")
    (record,) = read.records
    assert read.columns == HEADER.split(";") and record.cells == LINE.split(";") and not record.uneven
    assert record.number == number


def test_what_the_file_says_stands_between_its_columns_does():
    (record,) = rows(b"sep=|\narea1|when|victims\nS,T|2026-01|7\n")
    assert record.cells == ["S,T", "2026-01", "7"]
    (record,) = rows(b"sep=;\narea1;when, or about;victims, all, at most\nS;2026-01;7\n")
    assert record.cells == ["S", "2026-01", "7"]


@pytest.mark.parametrize(
    "first",
    ["Reports of the south", "Reports of the south;;", "sep=;\nReports of the south", "Reports;;\n\nprinted 2026"],
)
def test_a_title_above_the_header_is_said_once_and_where_the_header_is(first):
    with pytest.raises(Refused, match=f"line {first.count(chr(10)) + 2} seems to"):
        rows(f"{first}\n{HEADER}\n{LINE}\n{LINE}\n".encode())


def test_a_file_without_names_of_columns_is_said_once():
    for raw in (b"S;2026-01;7\nT;2026-02;1\n", b"Our list\nS;2026-01;7\nT;2026-02;1\n"):
        with pytest.raises(Refused, match="does not look like the names of its columns"):
            rows(raw)
    with pytest.raises(Refused, match="line 2 seems to"):
        rows(book(["Reports of the south"], ["area1", "when", "victims"], ["S", "2026-01", 7]), "a.xlsx")


def test_names_of_their_own_are_a_header_and_empty_lines_of_a_workbook_are_none():
    (record,) = rows(b"place;day;how many\nS;2026-01;7\n")
    assert record.cells == ["S", "2026-01", "7"]
    (record,) = rows(book([], [], ["area1", "when", "victims"], ["S", "2026-01", 7]), "a.xlsx")
    assert (record.number, record.cells) == (4, ["S", "2026-01", "7"])


# --- nothing beside what is read is lost without a word ---------------------------------------------------------------


def sheets(hidden: tuple[str, ...] = (), **of: list[list]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.remove(made.active)
    for title, lines in of.items():
        sheet = made.create_sheet(title)
        for line in lines:
            sheet.append(line)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    made.save(out)
    return out.getvalue()


COLUMNS = ["area1", "when", "victims"]
JANUARY, FEBRUARY = [COLUMNS, ["S", "2026-01", 1]], [COLUMNS, *(["S", "2026-02", 50] for _n in range(5))]


@pytest.mark.parametrize(
    "raw",
    [
        sheets(January=JANUARY, February=FEBRUARY),
        sheets(January=JANUARY, Notes=[["Month", "Cases"], ["February", 250]]),
        sheets(hidden=("February",), January=JANUARY, February=FEBRUARY),
        sheets(hidden=("January",), January=JANUARY, February=[["nothing here"]]),
    ],
    ids=["two", "of other columns", "hidden beside", "hidden alone"],
)
def test_rows_on_a_sheet_that_is_not_read_are_named(raw):
    with pytest.raises(Refused, match="“(January|February|Notes)”.* would be lost"):
        rows(raw, "a.xlsx")


@pytest.mark.parametrize(
    "raw",
    [
        sheets(About=[["Reports of January"]], January=JANUARY),
        sheets(hidden=("Lists",), Lists=[["choice"], ["yes"], ["no"]], January=JANUARY),
        sheets(hidden=("Old",), Old=[COLUMNS], January=JANUARY),
    ],
    ids=["a title", "a list", "an empty form"],
)
def test_the_sheet_with_the_rows_is_read_whichever_stands_first(raw):
    (record,) = rows(raw, "a.xlsx")
    assert record.cells == ["S", "2026-01", "1"]


def test_a_workbook_whose_only_sheet_is_hidden_is_not_read():
    made = openpyxl.load_workbook(io.BytesIO(sheets(January=JANUARY, Empty=[])))
    made["January"].sheet_state = "hidden"
    made.save(out := io.BytesIO())
    with pytest.raises(Refused, match="hidden"):
        rows(out.getvalue(), "a.xlsx")


@pytest.mark.parametrize(
    "page, says",
    [
        ({"count": 3000, "next": "https://kobo.example/?start=1", "results": [{"_id": 1}]}, "1 of 3000.*KoboToolbox"),
        ({"count": 2, "next": None, "previous": "https://kobo.example/", "results": [{"_id": 2}]}, "1 of 2"),
        ({"count": 2, "results": [{"_id": 2}]}, "1 of 2"),
        ({"@odata.nextLink": "https://odk.example/?$skiptoken=x", "value": [{"__id": "a"}]}, "a further page.*ODK Central"),
        ({"@odata.count": 9, "value": [{"__id": "a"}]}, "1 of 9"),
        ({"value": [{"__id": "a", "items@odata.navigationLink": "Submissions('a')/items"}]}, "“items” is not in this file"),
    ],
)  # fmt: skip
def test_a_page_of_several_is_no_file(page, says):
    with pytest.raises(Refused, match=says):
        rows(json.dumps(page).encode(), "a.json")


@pytest.mark.parametrize(
    "page", [{"count": 1, "next": None, "results": [{"_id": 1}]}, {"@odata.count": 1, "value": [{"__id": "a"}]}]
)
def test_all_in_one_page_is_read(page):
    assert len(rows(json.dumps(page).encode(), "a.json")) == 1


FOUR = "area1,when,victims,says\n"


@pytest.mark.parametrize(
    "lines",
    [
        'S,2026-01,1,"she said\nS,2026-02,5,x\nS,2026-03,50,y\nT,2026-03,40,z"\nT,2026-04,1,w\n',
        'S,2026-01,1,"she said\nS,2026-02,5,the end"\n',
        'S,2026-01,"1,a\nS,2026-02,5",b\n',
        '"S,2026-01,1,a\nS",2026-02,5,b\n',
    ],
    ids=["four rows", "one row", "in the middle", "in the first"],
)
def test_a_row_that_swallows_others_is_named(lines):
    first, *rest = rows((FOUR + lines).encode())
    assert first.swallowed and not first.uneven and not any(r.swallowed for r in rest)


@pytest.mark.parametrize(
    "says",
    [
        "she said,\nthen came night, and cold, and rain, and\nmorning",
        "one, two, three, four\nfive, six, seven, eight",
        "a\n\nb",
        "first line\nlast line",
    ],
)
def test_lines_of_a_story_are_not_taken_for_rows(says):
    (record,) = rows(f'{FOUR}S,2026-01,1,"{says}"\n'.encode())
    assert not record.swallowed and record.cells[3] == says


KOBO = ["_uuid", "_submission_time", "_index"]
OF_KOBO = [KOBO, ["u1", "2026-01-01", 1], ["u2", "2026-01-01", 2]]


def test_a_repeat_of_a_submission_that_is_not_there_stops_the_file():
    lost = [["_index", "_parent_table_name", "_parent_index", "kind", "contrary"], [1, "form", 7, "document", "yes"]]
    with pytest.raises(Refused, match="1 row of a repeat belongs to a submission that is not in this file"):
        rows(sheets(form=OF_KOBO, items=lost), "a.xlsx")
    with pytest.raises(Refused, match="1 row of a repeat belongs to a submission that is not in this file"):
        rows(zipped(form=b"KEY,area1\nu1,S\n", **{"form-items": b"PARENT_KEY,kind\nu7,document\n"}), "a.zip")
    with pytest.raises(Refused, match="would be lost"):  # a sheet of repeats beside a sheet that numbers no rows
        rows(sheets(form=JANUARY, items=[["_parent_index", "kind"], [1, "document"]]), "a.xlsx")


def test_what_stands_in_a_repeat_within_a_repeat_goes_to_its_own_submission():
    first = [
        ["_index", "_parent_table_name", "_parent_index", "kind"],
        [1, "form", 2, "register"],
        [2, "form", 1, "official"],
    ]
    inner = [["_index", "_parent_table_name", "_parent_index", "kind"], [1, "outer", 1, "document"]]
    one, two = rows(sheets(form=OF_KOBO, outer=first, inner=inner), "a.xlsx")
    assert [[i["kind"] for i in r.items] for r in (one, two)] == [["official"], ["register", "document"]]
    outer = b"PARENT_KEY,KEY,kind\nu2,u2/a[1],register\nu1,u1/a[1],official\n"
    nested = b"PARENT_KEY,KEY,kind\nu2/a[1],u2/a[1]/b[1],document\n"
    one, two = rows(zipped(form=b"KEY,area1\nu1,S\nu2,S\n", **{"form-a": outer, "form-a-b": nested}), "a.zip")
    assert [[i["kind"] for i in r.items] for r in (one, two)] == [["official"], ["register", "document"]]
    of_json = {"results": [{"_id": 1, "a": [{"a/kind": "register", "a/b": [{"a/b/kind": "document"}]}]}]}
    (one,) = rows(json.dumps(of_json).encode(), "a.json")
    assert [i["kind"] for i in one.items] == ["register", "document"]


def test_questions_of_others_within_an_item_are_no_items():
    other = b"PARENT_KEY,KEY,colour\nu1/a[1],u1/a[1]/b[1],red\n"
    (one,) = rows(
        zipped(
            form=b"KEY,area1\nu1,S\n", **{"form-a": b"PARENT_KEY,KEY,kind\nu1,u1/a[1],document\n", "form-a-b": other}
        ),
        "a.zip",
    )
    assert one.items == [{"kind": "document"}]


def with_formula(kept: str) -> bytes:
    """A workbook whose last cell is a formula, as a program writes it that does (or does not) work formulas out."""
    raw = sheets(form=[["area1", "when", "victims", "victims_max"], ["S", "2026-01", 1, "=C2*9"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v />", kept.encode()).replace(b"<v></v>", kept.encode()))
    return out.getvalue()


def test_a_formula_without_its_result_is_no_empty_cell():
    with pytest.raises(Refused, match="Row 2 of sheet “form” holds a formula"):
        rows(with_formula(""), "a.xlsx")
    (record,) = rows(with_formula("<v>9</v>"), "a.xlsx")
    assert record.cells[3] == "9"


def test_a_row_of_a_repeat_that_swallows_others_stops_the_file():
    items = b'PARENT_KEY,kind,captured_on,says\nu1,document,2026-01-01,"seen\nu1,document,2026-01-02,not so"\n'
    with pytest.raises(Refused, match="Row 2 of .form-items.csv. has a cell that holds lines"):
        rows(zipped(form=b"KEY,area1\nu1,S\n", **{"form-items": items}), "a.zip")
