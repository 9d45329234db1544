import csv
from itertools import combinations
from pathlib import Path

import pytest

from answerable.engines.agreement import Agreement, linear_kappa

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "svac" / "kruger_nordas_2020_model_input.csv"
if not REAL.exists():
    REAL = Path(__file__).resolve().parents[5] / "shared" / "data" / "svac" / "kruger_nordas_2020_model_input.csv"


def test_the_three_sources_agree_as_published():
    if not REAL.exists():
        pytest.skip("the shared data folder does not hold the model input of Krüger & Nordås 2020")
    rows = list(csv.DictReader(REAL.open()))
    columns = [c for c in rows[0] if "prev" in c]

    def value(text):
        return None if text in {"", "NA", "-99"} else int(float(text))

    found = [
        linear_kappa(((value(r[a]), value(r[b])) for r in rows), 4).kappa for a, b in combinations(columns, 2)
    ]  # fmt: skip
    assert sorted(round(k, 3) for k in found) == [0.371, 0.375, 0.399]


def test_full_agreement_is_one_and_opposites_are_below_chance():
    assert linear_kappa([(0, 0), (3, 3), (1, 1)], 4).kappa == 1
    assert linear_kappa([(0, 3), (3, 0)], 4).kappa == -1


def test_a_missing_report_is_not_a_zero():
    assert linear_kappa([(0, None), (None, 2), (1, 1), (0, 0)], 4).pairs == 2
    assert linear_kappa([(0, None)], 4) == Agreement(None, 0, 0)


def test_weights_are_linear():
    near = linear_kappa([(0, 1), (1, 1), (2, 2), (3, 3)], 4).kappa
    far = linear_kappa([(0, 2), (1, 1), (2, 2), (3, 3)], 4).kappa
    # By hand: chance alone would leave a distance of 18/4 in both; one step apart costs one, two steps two.
    assert near == pytest.approx(1 - 1 / 4.5) and far == pytest.approx(1 - 2 / 4.5)
