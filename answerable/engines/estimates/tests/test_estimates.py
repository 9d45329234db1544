import json
import re
from pathlib import Path

import numpy as np
import pytest

from answerable.engines.estimates import bayes, chao, cli, graphs, latent, loglinear, report, sampling, svg, tables

REAL = Path(__file__).resolve().parents[5] / "shared" / "data" / "mse"
if not REAL.is_dir():
    REAL = Path(__file__).resolve().parents[6] / "shared" / "data" / "mse"
PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())
KOSOVO, UK = "kosovo_1999_4lists", "uk_2013_5lists"


def real(name):
    file = REAL / f"{name}.csv"
    if not file.exists():
        pytest.skip(f"the shared data folder does not hold {file.name}")
    return tables.read_csv(file.read_text())


def expected(k, chances, total, pairs=()):
    """A table with exactly the counts that independent lists of these chances would show."""
    member = tables.membership(k)
    p = np.where(member, chances, 1 - np.array(chances)).prod(axis=1) * total
    counts = np.rint(p).astype(np.int64)
    counts[0] = 0
    return tables.CaptureTable(tuple("ABCDEFGH"[:k]), counts)


@pytest.mark.parametrize("name", sorted(PUBLISHED["independence"]))
def test_independent_lists_give_the_published_figure(name):
    want = PUBLISHED["independence"][name]
    assert loglinear.fit_many(real(name), [()])[0].total == pytest.approx(want, abs=0.006)


def test_kosovo_best_of_113_models_by_bic():
    table = real(KOSOVO)
    average = loglinear.bic_average(table)
    assert len(average.fits) == 113
    assert round(average.best.total) == 10_357
    assert [round(x) for x in average.best.interval(table.observed)] == [9_005, 12_105]
    assert average.weights[0] == pytest.approx(0.37, abs=0.005)
    assert average.fits[1].bic - average.best.bic == pytest.approx(0.08, abs=0.005)
    assert round(average.total) == 13_184


def test_uk_stepwise():
    table = real(UK)
    fit = loglinear.stepwise(table)
    assert round(fit.total, 1) == 11_313.0
    assert [round(x) for x in fit.interval(table.observed)] == [9_884, 13_027]


def test_kosovo_over_decomposable_graphs():
    with_all = bayes.posterior(real(KOSOVO), 1 / 16, 20_000, saturated=True, least=1)
    assert (round(with_all.mean, 1), with_all.lower, with_all.upper) == (12_749.2, 9_827, 16_543)


@pytest.mark.parametrize("least, saturated, lower", [(1, True, 4_500), (0, False, 7_536)])
def test_the_saturated_graph_draws_kosovo_to_the_observed(least, saturated, lower):
    assert bayes.posterior(real(KOSOVO), 0.5, 20_000, saturated=saturated, least=least).lower == lower


def test_the_saturated_graph_takes_the_uk_table_and_is_left_out_by_default():
    with_it = bayes.posterior(real(UK), 0.5, 30_000, saturated=True, least=1)
    assert round(with_it.mean) == 2_856 and with_it.weights.max() == pytest.approx(0.995, abs=0.001)
    without = bayes.posterior(real(UK), 0.5, 30_000)
    assert round(without.mean) == 4_659 and len(without.weights) == 821


def test_spina_bifida_after_madigan_and_york():
    file = REAL / "published_tables_small.json"
    if not file.exists():
        pytest.skip("the shared data folder does not hold published_tables_small.json")
    facts = json.loads(file.read_text())["spina_bifida"]
    post = bayes.posterior(tables.of_patterns(facts["lists"], facts["counts"]), 0.5, saturated=True)
    assert (round(post.mean, 1), post.lower, post.upper) == (617.8, 588, 655)


def test_points_give_the_same_as_every_whole_number():
    table = expected(4, [0.3, 0.25, 0.2, 0.15], 3_000)
    post = bayes.posterior(table, most=20_000)
    family, margins = graphs.decomposable(4), bayes.Margins(table, 1 / 16)
    whole = np.arange(20_001, dtype=float)
    curve = family.coefficients.astype(float) @ margins.of(whole) + margins.common(whole)
    curve = np.exp(curve - curve.max()).sum(axis=0)
    assert post.mean == pytest.approx(table.observed + curve @ whole / curve.sum(), rel=2e-6)


@pytest.mark.parametrize("k, count", [(2, 2), (3, 8), (4, 61), (5, 822), (6, 18_154)])
def test_there_are_as_many_decomposable_graphs_as_known(k, count):
    assert len(graphs.decomposable(k, saturated=True).edges) == count
    assert len(graphs.decomposable(k).edges) == count - 1


@pytest.mark.parametrize("k, count", [(2, 1), (3, 8), (4, 113), (5, 6_893)])
def test_there_are_as_many_hierarchical_models_as_known(k, count):
    models = loglinear.hierarchical_models(k)
    assert len(models) == len(set(models)) == count


def test_bic_counts_a_parameter_as_the_logarithm_of_the_observed():
    table = expected(4, [0.3, 0.25, 0.2, 0.15], 3_000)
    none, one = loglinear.fit_many(table, [(), (3,)])
    gained = 2 * (one.loglik - none.loglik)
    assert one.bic - none.bic == pytest.approx(np.log(table.observed) - gained, abs=1e-9)


@pytest.mark.parametrize("total", [800, 5_000])
def test_every_model_finds_a_total_it_should_know(total):
    table = expected(4, [0.4, 0.35, 0.3, 0.25], total)
    found = {e.model: e for e in report.estimate(table).estimates}
    for model in ("best", "average", "stepwise", "graphs", "chao"):
        assert found[model].total == pytest.approx(total, rel=0.06), model
        assert found[model].lower <= total <= found[model].upper, model


@pytest.mark.slow
def test_two_hidden_groups_are_found_where_graphs_miss_them():
    member = tables.membership(5)
    easy, hard = np.array([0.6] * 5), np.array([0.12] * 5)
    counts = np.rint(1_500 * np.where(member, easy, 1 - easy).prod(axis=1)
                     + 4_500 * np.where(member, hard, 1 - hard).prod(axis=1)).astype(np.int64)  # fmt: skip
    counts[0] = 0
    table = tables.CaptureTable(tuple("ABCDE"), counts)
    found = latent.latent_class(table, 60_000)
    assert found.classes == 2 and found.lower < 6_000 < found.upper and found.total == pytest.approx(6_000, rel=0.05)
    assert chao.lower_bound(table).total < 6_000


@pytest.mark.slow
def test_hidden_groups_whose_best_fit_is_where_the_search_ends_give_no_estimate():
    counts = np.zeros(32, dtype=np.int64)
    counts[[1, 2, 4, 8, 16]] = (70, 24, 33, 21, 25)
    counts[[7, 15]] = 2, 1  # three well known, the others each on one list
    table = tables.CaptureTable(tuple("ABCDE"), counts)
    found = {e.model: e for e in report.estimate(table).estimates}["latent"]
    assert found.total is None and found.why.code == "latent_rises"


@pytest.mark.parametrize(
    "lists, patterns, code",
    [
        ("A", {"1": 9}, "too_few_lists"),
        ("AB", {"10": 9, "01": 4}, "no_overlap"),
        ("ABC", {"100": 9, "010": 4, "001": 3}, "no_overlap"),
        ("AB", {"10": 9, "11": 4}, "nested_all"),
        ("AB", {"11": 4}, "nested_all"),
        ("ABC", {"100": 9, "110": 4, "101": 3}, "nested_all"),
        ("ABC", {"100": 9, "110": 4, "010": 3}, "list_empty"),
        ("AB", {"11": 0}, "no_cases"),
    ],
)
def test_lists_that_allow_no_estimate_say_why(lists, patterns, code):
    made = report.estimate(tables.of_patterns(tuple(lists), patterns))
    assert made.combined is None and code in [o.code for o in made.obstacles]
    assert made.sentence().startswith("These lists cannot give an estimate, because ")


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "holds no rows"),
        ("A,B,count\n1,0,5\n0,1,-3\n", "Row 3: the count -3 is below zero."),
        ("A,B,count\n1,0,5\n1,0,3\n", "Row 3: the pattern 10 was already given in row 2."),
        ("A,B,count\n1,0,five\n", "Row 2: the count is not a whole number."),
        ("A,B,count\n1,0,2.5\n", "Row 2: the count is not a whole number."),
        ("A,B,count\n1,0,nan\n", "Row 2: the count is not a whole number."),
        ("A,B,region,count\n1,0,north,5\n", "Row 2: the column “region” is not known."),
        ("A,B,count\n1,2,5\n1,0,1\n0,1,2\n", "Row 2: what “B” holds is neither 0 nor 1"),
        ("A,B,count\n0,0,5\n", "Row 2 counts cases that are on no list."),
        ("A,B,count\n1,0\n", "Row 2 has 2 cells where the header has 3."),
        ("A,A,count\n1,0,4\n", "two lists have the same name"),
    ],
)
def test_a_faulty_file_is_named_by_its_row(text, said, tmp_path, capsys):
    file = tmp_path / "table.csv"
    file.write_text(text)
    assert cli.main([str(file)]) == 1
    assert said in capsys.readouterr().err


def test_patterns_and_cases_make_the_same_table():
    patterns = tables.read_csv("A,B,count\n1,0,2\n1,1,1\n0,0,\n")
    cases = tables.read_csv("A,B\n1,0\n1,1\n1,0\n")
    assert patterns.patterns() == cases.patterns() == {"10": 2, "11": 1}


def test_the_command_prints_json_and_draws(tmp_path, capsys):
    file, plot = tmp_path / "t.csv", tmp_path / "t.svg"
    file.write_text("A,B,C,count\n1,0,0,60\n0,1,0,50\n0,0,1,40\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n")
    assert cli.main([str(file), "--json", "--plot", str(plot)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "estimated" and facts["combined"]["lower"] >= facts["observed"] == 202
    assert plot.read_text().startswith("<svg") and plot.read_text().count("<circle") == len(
        [e for e in facts["estimates"] if e["total"]]
    ) + 1  # fmt: skip
    assert svg.draw({"estimates": [], "combined": None, "observed": 0}) == ""
    plot.write_text("kept")
    assert cli.main([str(file), "--plot", str(plot)]) == 1 and plot.read_text() == "kept"
    assert "was not replaced" in capsys.readouterr().err
    assert cli.main([str(file), "--plot", str(plot), "--force"]) == 0 and plot.read_text().startswith("<svg")


def test_faults_of_a_file_come_in_the_order_of_its_rows():
    with pytest.raises(tables.Fault) as fault:
        tables.read_csv("A,B,C,count\n1,0,0,x\n0,7,1,4\n1,1,0\n0,1,9,-2\n")
    rows = [f.values["row"] for f in fault.value.faults]
    assert rows == sorted(rows) == [2, 3, 4, 5, 5] and len(set(rows)) == 4


@pytest.mark.slow
def test_the_same_table_gives_the_same_report():
    table = expected(4, [0.4, 0.35, 0.3, 0.25], 900)
    assert report.estimate(table).as_json() == report.estimate(table).as_json()


def test_thin_and_missing_overlaps_are_named():
    table = tables.of_patterns(("A", "B", "C"), {"100": 60, "010": 50, "001": 40, "110": 20, "011": 3})
    codes = [d.code for d in report.estimate(table).diagnostics]
    assert {"three_lists", "zero_overlap", "thin_overlap"} <= set(codes)


@pytest.mark.parametrize("k, chances", [(5, [0.4, 0.35, 0.3, 0.2, 0.1]), (6, [0.4, 0.35, 0.3, 0.2, 0.15, 0.1])])
def test_sampled_graphs_say_what_all_graphs_say(k, chances):
    table = expected(k, chances, 700)
    every, some = bayes.posterior(table), bayes.posterior(table, sampled=True)
    assert some.mean == pytest.approx(every.mean, rel=2e-3) and some.agreement > 0.9
    assert (some.lower, some.upper) == pytest.approx((every.lower, every.upper), rel=5e-3)
    assert some.weights.max() == pytest.approx(every.weights.max(), rel=0.05)


def test_sampling_never_keeps_a_cycle_or_the_complete_graph():
    cycle = (0b1010, 0b0101, 0b1010, 0b0101)
    assert sampling.taken_apart(cycle) is None
    assert sampling.taken_apart((0b1110, 0b0101, 0b1011, 0b0101)) is not None
    # A table whose complete graph takes nearly all the weight once it is let in.
    table = tables.of_patterns(
        "ABCD", {"1000": 400, "0100": 300, "0010": 200, "0001": 100, "1100": 30, "0110": 3, "0011": 25, "1111": 1}
    )
    assert bayes.posterior(table, 0.5, saturated=True).weights.max() > 0.9
    found = bayes.posterior(table, 0.5, sampled=True)
    assert found.graphs.edges.max() < 2**6 - 1


@pytest.mark.slow
def test_eight_lists_are_estimated_and_say_that_graphs_were_sampled():
    made = report.estimate(expected(8, [0.4, 0.35, 0.3, 0.3, 0.25, 0.2, 0.2, 0.15], 900), sensitivity=False)
    found = {e.model: e for e in made.estimates}
    assert found["graphs"].lower <= 900 <= found["graphs"].upper and found["graphs"].total == pytest.approx(
        900, rel=0.03
    )
    assert {"graphs_sampled", "searched"} <= {d.code for d in made.diagnostics}


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_the_example_of_the_guide_is_estimated_whatever_stands_between_its_columns(between):
    guide = (Path(__file__).parents[4] / "docs" / "howto" / "estimate.md").read_text()
    example = re.search(r"```\n(.*?)```", guide, re.S)[1]
    table = tables.read_csv(re.sub(r"(?m)^ +", "", example).replace(",", between))
    assert table.lists == ("hospital", "police", "interviews") and report.estimate(table).combined is not None


def test_a_sentence_and_a_table_round_alike():
    """The newcomer read 313 in the headline and 314 in the row: 313.46 is kept with one decimal, and half goes up."""
    ends = {"lower": 280.44, "upper": 350.5, "middle": 313.46}
    said = report.conclude(200, ends, ()).values
    assert [said[end] for end in ("lower", "upper", "middle")] == ["280", "351", "314"]
    assert report.persons(312.5) == "313" and report.persons(1234.4) == "1,234"


@pytest.mark.parametrize(
    ("table", "args", "says"),
    [
        ("hospital,police,who,count\n1,0,Anna,60\n", [], "Row 2: the column “who” is not known."),
        ("A,B,count\n1,Anna,6\n0,1,Bea\n", [], "Row 3: the count is not a whole number."),
        ("A,B,count\n1,0,6\n", ["--delta", "0"], "Delta is a number above 0"),
        (None, [], "cannot be read"),
    ],
)
def test_a_faulty_table_asked_for_as_json_is_answered_as_json_and_repeats_no_cell(tmp_path, capsys, table, args, says):
    file = tmp_path / "lists.csv"
    if table is not None:
        file.write_text(table)
    assert cli.main([str(file), "--json", *args]) == 1
    out, err = capsys.readouterr()
    faults = json.loads(out)["faults"]
    assert any(says in f for f in faults) and not err and not any(n in out for n in ("Anna", "Bea"))
    assert cli.main([str(file), *args]) == 1
    out, err = capsys.readouterr()
    assert not out and err.splitlines() == faults
