"""`answerable forecast FILE` without a database: the table beside the yardsticks, JSON, and files that are something else."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from answerable import cli as answerable
from answerable.common.errors import Refused
from answerable.monitoring.warning import cli, files

pytestmark = pytest.mark.slow

HEAD = "year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"
UCDP = ",".join(files.COLUMNS)
WAR = '9,2001,2,1,3,2,"12, 14",0,1999-03-04'


@pytest.fixture(scope="module")
def svac_file(tmp_path_factory):
    """Twenty years of forty actors, made here."""
    rng = np.random.default_rng(7)
    lines, levels = [HEAD], rng.integers(0, 2, 40)
    for year in range(1990, 2010):
        levels = np.clip(levels + rng.choice([-1, 0, 1], 40, p=[0.25, 0.55, 0.2]), 0, 3)
        lines += [
            f"{year},{i // 4},Actor {i},{i},{1 + 2 * (i % 2)},Land,{600 + i // 4},{lv},-99,0,0,-99"
            for i, lv in enumerate(levels)
        ]
    path = tmp_path_factory.mktemp("svac") / "made.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_command_prints_the_forecast_always_beside_the_yardsticks(svac_file, capsys):
    assert answerable.main(["forecast", str(svac_file), "--draws", "10", "--show", "2"]) == 0
    said = capsys.readouterr().out
    for words in ("persistence", "climatology", "Markov", "RPS", "onset AP", "2010: chances", "40 actors"):
        assert words in said, words
    assert said.count("Model, not fact. The label is what was reported; absence of reports is not absence.") == 2


def test_the_same_as_json_adds_up(svac_file, capsys):
    assert cli.main([str(svac_file), "--draws", "10", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["year"] == 2010 and "not fact" in made["method"]["caution"] and len(made["actors"]) == 40
    assert made["evaluation"]["years"] == [2003, 2009] and made["evaluation"]["forecasts"] == 7 * 40
    assert set(made["evaluation"]["scores"]) == {"mean", "ordinal", "boosted", "persistence", "climatology", "markov"}
    assert all(sum(p) == pytest.approx(1, abs=3e-4) for a in made["actors"] for p in a["chances"].values())


def test_the_same_file_gives_the_same_forecast(svac_file, capsys):
    said = []
    for _ in range(2):
        cli.main([str(svac_file), "--draws", "10", "--json"])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a,b\n1,2", "not an SVAC file"),
        (f"{HEAD}\n2001,9,A,1,1,L,630,1,0,0,0,-99", "needs at least|not enough"),
    ],
)
def test_a_file_that_is_too_little_or_something_else_is_refused_in_a_sentence(tmp_path, capsys, text, words):
    file = tmp_path / "x.csv"
    file.write_text(text)
    assert answerable.main(["forecast", str(file)]) == 1
    assert re.search(words, capsys.readouterr().err)


def test_a_file_that_is_not_there_and_a_wish_that_makes_no_sense(tmp_path, svac_file, capsys):
    assert answerable.main(["forecast", str(tmp_path / "none.csv")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert answerable.main(["forecast", str(svac_file), "--keep"]) == 2
    assert answerable.main(["forecast", str(svac_file), "--draws", "1"]) == 2


def test_conflict_years_are_read_with_their_opponents(tmp_path):
    path = tmp_path / "ucdp.csv"
    path.write_text(f"{UCDP}\n{WAR}\n")
    (one,) = files.of_conflicts(path)
    assert (one.conflict, one.year, one.intensity, one.cumulative) == ("9", 2001, 2, True)
    assert (one.opponents, one.ended, one.began) == (2, False, 1999)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{UCDP}\n{WAR.replace('2001', 'soon')}", "row 2"),
        ("a,b\n1,2", "columns are missing"),
        (f"{UCDP}\n9,2001", "row 2"),
    ],
)
def test_a_wrong_conflict_file_names_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "ucdp.csv"
    path.write_text(text)
    with pytest.raises(Refused, match=words):
        files.of_conflicts(path)
