"""The published form converts for ODK and Kobo, and comes back as the description it was made from."""

import io

import pytest

from answerable.common.tables import label
from answerable.monitoring.intake import xlsform
from answerable.monitoring.intake.description import FIELDS, codes_of

SITUATIONS = {"SIT-AAAA-1": "Zandria", "SIT-BBBB-2": "Pelland"}
PARTIES = {"PTY-AAAA-1": ("SIT-AAAA-1", "First Brigade"), "PTY-BBBB-2": ("SIT-BBBB-2", "Border Guard")}


@pytest.fixture(scope="module")
def workbook():
    return xlsform.publish(SITUATIONS, PARTIES)


def test_the_form_comes_back_equal_after_a_round_trip(workbook):
    fields, lists = xlsform.read_back(workbook)
    assert fields == FIELDS
    assert lists == {name: dict(codes_of(name)) for name in lists}
    assert {f.list_name for f in FIELDS if f.list_name and f.kind != "counts"} == set(lists)


def test_the_form_converts_with_pyxform_without_error(workbook, tmp_path):
    from pyxform.xls2xform import convert

    file = tmp_path / "form.xlsx"
    file.write_bytes(workbook)
    made = convert(file, validate=False, pretty_print=False)
    assert not [w for w in made.warnings if "name" not in w.lower() or "error" in w.lower()] or made.xform
    for f in FIELDS:
        assert f"/{f.name}" in made.xform, f.name
    assert "<repeat " in made.xform and "SV-RAPE" in made.xform and "Зґвалтування" in made.xform


def test_questions_and_choices_are_in_five_languages(workbook):
    import openpyxl

    rows = xlsform._rows(openpyxl.load_workbook(io.BytesIO(workbook))["choices"])
    rape = next(r for r in rows if r["name"] == "SV-RAPE")
    for code, name in xlsform.LANGUAGES.items():
        assert rape[f"label::{name}"] == label("violence_form", "SV-RAPE", code)


def test_several_actors_can_be_chosen_and_only_those_of_the_situation(workbook):
    import openpyxl

    rows = xlsform._rows(openpyxl.load_workbook(io.BytesIO(workbook))["survey"])
    actors = next(r for r in rows if r["name"] == "party")
    assert (actors["type"], actors["choice_filter"]) == ("select_multiple party", "situation = ${situation}")


def test_a_question_changed_in_the_workbook_is_noticed(workbook):
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(workbook))
    sheet = book["survey"]
    required = [c.value for c in sheet[1]].index("required") + 1
    sheet.cell(2, required).value = None
    out = io.BytesIO()
    book.save(out)
    assert xlsform.read_back(out.getvalue())[0] != FIELDS


def test_fields_that_share_a_list_agree_on_declining():
    for name in {f.list_name for f in FIELDS if f.kind in ("code", "codes", "yes_no")}:
        assert len({f.declinable for f in FIELDS if f.list_name == name and f.kind != "counts"}) == 1, name


def test_the_form_counts_from_one_as_the_check_does(workbook):
    """Nobody is told only when the report comes in that nought is no number of survivors."""
    import openpyxl

    rows = {r["name"]: r for r in xlsform._rows(openpyxl.load_workbook(io.BytesIO(workbook))["survey"])}
    for name in ("victims", "victims_min", "victims_max"):
        assert rows[name]["constraint"].startswith(". >= 1 and ")
        assert "at least one survivor" in rows[name]["constraint_message::English (en)"]
    assert not rows["credibility"]["constraint_message::English (en)"]
