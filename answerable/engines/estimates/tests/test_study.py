"""Strata, and the uncertainty of a linkage carried through to the estimate."""

import json

import numpy as np
import pytest

from answerable.engines.estimates import cli, links, report, study, tables

PLAIN = "A,B,C,count\n1,0,0,60\n0,1,0,50\n0,0,1,40\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n"


def with_column(name, values):
    head, *rows = PLAIN.splitlines()
    return "\n".join([f"{name},{head}", *(f"{v},{r}" for v in values for r in rows)])


def test_a_table_without_strata_says_what_the_report_says():
    read = study.read_csv(PLAIN)
    made = study.run(read)
    whole = report.estimate(tables.read_csv(PLAIN)).as_json()
    assert {k: made[k] for k in whole} == whole and made["strata"] == [] and made["linkage"] is None


def test_the_ends_of_strata_add_up_and_each_stands_by_itself():
    made = study.run(study.read_csv(with_column("stratum", ["north", "south"])))
    north, south = made["strata"]
    assert (north["name"], south["name"]) == ("north", "south") and made["observed"] == 404
    for end in ("lower", "middle", "upper"):
        assert made["combined"][end] == pytest.approx(north["combined"][end] + south["combined"][end])
    assert "strata_summed" in [d["code"] for d in made["diagnostics"]]


def test_one_stratum_that_allows_no_estimate_leaves_the_whole_without_one():
    made = study.run(study.read_csv("stratum,A,B,count\nn,1,0,9\nn,0,1,8\nn,1,1,4\ns,1,0,9\ns,0,1,8\n"))
    assert made["combined"] is None and "“s”" in made["conclusion"]["sentence"]
    assert made["strata"][0]["combined"] is not None


@pytest.mark.parametrize(
    "text, said",
    [
        ("stratum,A,B,count\n,1,0,5\n", "Row 2: the stratum is empty."),
        ("draw,A,B,count\n1,1,0,5\n1,1,0,6\n", "Row 3: the pattern 10 was already given in row 2."),
        ("stratum,A,B\n" + "".join(f"s{n},1,0\n" for n in range(21)), "There are 21 strata"),
        ("draw,A,B\n" + "".join(f"{n},1,0\n" for n in range(1_001)), "There are 1001 draws"),
    ],
)
def test_faulty_strata_and_draws_are_named(text, said):
    with pytest.raises(tables.Fault, match=said):
        study.read_csv(text)


def test_strata_are_not_read_where_one_table_is_asked_for():
    with pytest.raises(tables.Fault):
        tables.read_csv(with_column("stratum", ["north"]))


def test_a_study_comes_back_from_plain_values_and_goes_on_where_it_stopped():
    read = study.read_csv(with_column("draw", range(250)))
    again = study.of_json(json.loads(json.dumps(read.as_json())))
    assert again.parts() == read.parts() and again.as_json() == read.as_json()
    assert [p for p in read.parts() if "draws" in p] == ["0:draws:0", "0:draws:100", "0:draws:200"]
    here, there = study.work_out(read, "0:draws:100"), study.work_out(again, "0:draws:100")
    assert here == there, "a part begins from its own seed, whatever was worked out before"


def pairs_of(n, chance):
    return [((0, f"a{i}"), (1, f"b{i}"), chance) for i in range(n)]


def test_linkage_draws_keep_every_record_and_never_join_two_of_one_list():
    pairs = [((0, "1"), (1, "1"), 0.7), ((0, "2"), (1, "1"), 0.6), ((1, "1"), (2, "1"), 0.5), ((0, "1"), (2, "1"), 0.9)]
    seen = set()
    for t in links.draw(["A", "B", "C"], [10, 10, 10], pairs, draws=300):
        assert [t.size(p) for p in range(3)] == [10, 10, 10]
        seen.add(t.observed)
    assert seen == {28, 29, 30}


def test_a_certain_link_is_always_made_and_an_impossible_one_never():
    tables_ = links.draw(["A", "B"], [20, 20], [*pairs_of(5, 1.0), ((0, "x"), (1, "y"), 0.0)], draws=20)
    assert {t.overlap(0, 1) for t in tables_} == {5}


def test_an_uncertain_linkage_widens_what_is_said():
    sure = links.draw(["A", "B"], [200, 200], pairs_of(60, 1.0), draws=100)
    unsure = links.draw(["A", "B"], [200, 200], pairs_of(120, 0.5), draws=100)
    widths = []
    for drawn in (sure, unsure):
        made = study.run(study.of_draws(drawn))
        assert made["linkage"]["draws"] == 100
        average = next(m for m in made["linkage"]["models"] if m["model"] == "average")
        widths.append(average["upper"] - average["lower"])
        assert made["combined"]["lower"] <= average["lower"] and made["combined"]["upper"] >= average["upper"]
    assert widths[1] > 1.1 * widths[0]
    assert np.mean([t.overlap(0, 1) for t in unsure]) == pytest.approx(60, abs=2)


def test_the_command_carries_a_linkage_through(tmp_path, capsys):
    sizes, pairs = tmp_path / "lists.csv", tmp_path / "pairs.csv"
    sizes.write_text("list,records\nA,200\nB,200\n")
    rows = [f"A,{a[1]},B,{b[1]},{chance}" for a, b, chance in pairs_of(80, 0.8)]
    pairs.write_text("\n".join(["list_a,record_a,list_b,record_b,chance", *rows]))
    assert cli.main([str(sizes), "--links", str(pairs), "--draws", "50"]) == 0
    assert "Over 50 possible linkages" in capsys.readouterr().out
    pairs.write_text("list_a,record_a,list_b,record_b,chance\nA,1,A,2,0.5\nA,1,B,2,2\n")
    assert cli.main([str(sizes), "--links", str(pairs)]) == 1
    said = capsys.readouterr().err
    assert "Row 2: a pair needs records of two different lists" in said and "Row 3: the chance “2”" in said
