"""The SVAC reader on small files made here, and on the real ones when they lie beside the checkout."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from answerable.common.errors import Refused
from answerable.monitoring import planning, svac

HEAD = "year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"
GOOD = '2001,9,Testland,7,1,Testland,630,1,-99,,0,"1, 7"'
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "svac"


def read(*rows, head=HEAD, encoding="utf-8"):
    return svac.read_bytes("\n".join([head, *rows]).encode(encoding), "file.csv")


def refusal(*rows, **kwargs):
    with pytest.raises(Refused) as no:
        read(*rows, **kwargs)
    return str(no.value)


def test_a_missing_report_and_a_blank_are_never_zero():
    row = read(GOOD).rows[0]
    assert dict(row.readings) == {
        "USSD": svac.Reading(1, "reported"), "AI": svac.Reading(None, "no_report"), "HRW": svac.Reading(None, "blank")}  # fmt: skip
    assert row.forms == ("SV-RAPE", "SV-TORT") and row.actor_type == "ACT-STF" and row.countries == (630,)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (GOOD.replace("2001", "soon"), "row 2, column A (year)"),
        (GOOD.replace(",1,-99", ",4,-99"), "row 2, column H (state_prev)"),
        (GOOD.replace("-99", "-9"), "column I (ai_prev)"),
        (GOOD.replace("1, 7", "1, 8"), "column L (form)"),
        (GOOD.replace(",630,", ",x,"), "gwnoloc"),
        (GOOD.replace(",7,1,", ",7,9,"), "actor_type"),
        ("2001,9", "2 cells"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(row, words):
    said = refusal(GOOD.replace("2001", "2000"), row) if words.startswith("row 3") else refusal(row)
    assert words in said and "Nothing was imported" in said


def test_many_errors_stop_at_twenty():
    said = refusal(*[GOOD.replace("2001", f"x{i}") for i in range(60)])
    assert said.count("row ") == 20 and "and more" in said


def test_wrong_files_are_told_apart():
    assert "not an SVAC file" in refusal("1,2", head="a,b")
    assert "columns are missing: form" in refusal("x", head=HEAD.replace(",form", ""))
    assert "twice" in refusal("x", head=HEAD + ",year")
    with pytest.raises(Refused, match="empty"):
        svac.read_bytes(b"  \n", "f.csv")
    with pytest.raises(Refused, match="no rows"):
        read()
    with pytest.raises(Refused, match="not a readable XLSX"):
        svac.read_bytes(b"PK\x03\x04 nonsense", "f.xlsx")


def test_encodings_are_read_whole_or_refused_by_row():
    accented = GOOD.replace("Testland", "Tést")
    assert read(accented).rows[0].actor == "Tést"
    notes = read(accented, encoding="cp1252").notes
    assert any("Windows-1252" in n for n in notes)
    mixed = (HEAD + "\n" + accented + "\n").encode() + accented.replace("2001", "2002").encode("cp1252")
    with pytest.raises(Refused, match="row 3"):
        svac.read_bytes(mixed, "f.csv")
    with pytest.raises(Refused, match="UTF-16"):
        svac.read_bytes("x".encode("utf-16"), "f.csv")


def test_an_exact_duplicate_counts_once_and_is_said():
    file = read(GOOD, GOOD)
    assert len(file.rows) == 1 and any("Row 3 repeats row 2" in n for n in file.notes)


def test_two_countries_semicolons_and_stray_commas():
    file = svac.read_bytes(
        "\n".join(
            [HEAD.replace(",", ";"), GOOD.replace('"1, 7"', "1").replace(",", ";").replace("630", "630, 645")]
        ).encode(),
        "f",
    )
    assert file.rows[0].countries == (630, 645)
    assert read(GOOD.replace("1, 7", "1, 2, ")).rows[0].forms == ("SV-RAPE", "SV-SLAV")


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    big = tmp_path / "big.csv"
    with big.open("wb") as f:
        f.truncate(1024**3)
    with pytest.raises(Refused, match="1,024 MiB"):
        svac.read(big)
    with pytest.raises(Refused, match="is a folder"):
        svac.read(tmp_path)
    with pytest.raises(Refused, match="cannot be read"):
        svac.read(tmp_path / "none.csv")


def workbook(**sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_right_sheet_is_found_and_a_wrong_workbook_names_its_sheets():
    cells = [2001, 9, "Testland", 7, 1, "Testland", 630, 1, -99, None, 0, "1"]
    file = svac.read_bytes(workbook(Notes=[["hello"]], Data=[HEAD.split(","), cells]), "f.xlsx")
    assert file.release == "3.2" and any("“Data”" in n for n in file.notes)
    with pytest.raises(Refused, match="sheets: Notes"):
        svac.read_bytes(workbook(Notes=[["hello"]]), "f.xlsx")


def test_a_zip_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(svac, "LIMIT_UNPACKED", 1000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x", b"0" * 5000)
    with pytest.raises(Refused, match="unpacks to"):
        svac.read_bytes(out.getvalue(), "f.xlsx")


@pytest.mark.parametrize(
    ("name", "release", "rows", "situations", "no_report"),
    [
        ("SVAC_3.2_complete_1989-2018.csv", "3.2", 10493, 180, 2131), ("SVAC_3.2_complete_1989-2018.xlsx", "3.2", 10493, 180, 2131),
        ("SVAC_3.0_1989-2015_tidy.csv", "3.0", 9281, 167, 0), ("RSVAC_1989-2015_forms.csv", "RSVAC", 1411, 100, 0),
    ],
)  # fmt: skip
def test_the_real_files(name, release, rows, situations, no_report):
    if not (REAL / name).exists():
        pytest.skip(f"left out: {name} does not lie beside this checkout")
    file = svac.read(REAL / name)
    plan = planning.plan(file)
    assert (file.release, len(file.rows), len(plan.situations)) == (release, rows, situations)
    assert sum(r.kind == "no_report" for r in plan.readings) == no_report
    assert all(r.value is None for r in plan.readings if r.kind != "reported")
