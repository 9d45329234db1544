"""Whether two reports may speak of one incident: what is compared, how it weighs, and why (Fellegi and Sunter 1969).

One table of comparisons serves both ways of asking: `candidates` scores a whole situation in Splink on DuckDB, `score`
one pair in Python when a report is filed. A test holds that both give the same weight. Coded facts only; no person's
pseudonym and no word of an account is compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from answerable.engines.linkage import names

# A block of more reports than this is not compared pairwise: pairs grow with its square, and a key shared by so many
# says little. What was left out is told, never passed over.
BLOCK_CAP = 400
# Reports on either side of a day that the filing-time check looks at in one block.
NEAREST = 60
# Days between the reported days of two reports that are compared at all.
REACH = 46
# Match weight, in bits, from which a pair is shown to a person; and from which it is put first.
SHOWN, LIKELY = 0.0, 5.0
SAMPLE = 100_000
# Below this many reports a situation is scored by the weights assumed in the table: too few pairs to learn from.
TRAIN_FROM = 400
# One report in five is taken to repeat another: of all pairs of n reports one in 2.5 n is then a match.
REPEATED = 2.5
KEPT, KEPT_U = 0.05, 0.01


@dataclass(frozen=True)
class Card:
    """One incident as linkage sees it. `lo`, `hi`: the days it may have been (ordinals); `actor` and `also`: the actor named
    first and those besides; `line`: those above any of them; `roots`: ultimate sources of its items (R-VER-1)."""

    ref: str
    situation: str
    actor: str
    lo: int
    hi: int
    area1: str
    area2: str
    forms: tuple[str, ...]
    low: int
    best: int
    high: int
    line: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def actors(self) -> tuple[str, ...]:
        """Every actor it names; none where none is known."""
        return (self.actor, *self.also) if self.actor else self.also

    @property
    def middle(self) -> int:
        return (self.lo + self.hi) // 2


def days(on: date, precision: str) -> tuple[int, int]:
    """First and last day, as ordinals, that a date known to the day, week, month or quarter stands for."""
    if precision == "week":
        first = on - timedelta(days=on.weekday())
        return first.toordinal(), first.toordinal() + 6
    if precision in {"month", "quarter"}:
        month = on.month if precision == "month" else (on.month - 1) // 3 * 3 + 1
        first = date(on.year, month, 1)
        span = 1 if precision == "month" else 3
        after = date(on.year + (month + span - 1) // 12, (month + span - 1) % 12 + 1, 1)
        return first.toordinal(), after.toordinal() - 1
    if precision == "year":
        return date(on.year, 1, 1).toordinal(), date(on.year, 12, 31).toordinal()
    return on.toordinal(), on.toordinal()


def area(name: str) -> str:
    """An area's name as one key, so that "Харків" and "Kharkiv" agree; the name itself in scripts that are not read."""
    return (names.place_key(name) or name.casefold().strip()) if name else ""


# --- what is compared ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """One way two cards may stand to each other in a comparison: its code and its test in SQL (l, r)."""

    code: str
    sql: str


@dataclass(frozen=True)
class Comparison:
    """Ways in order, the first that holds counts, the last is what remains; `unknown`: nothing to compare."""

    name: str
    unknown: str
    ways: tuple[Way, ...]


_GAP = "greatest(0, lo_l - hi_r, lo_r - hi_l)"
_BOTH = "len(list_intersect({0}_l, {0}_r))"
_EITHER = "len(list_distinct(list_concat({0}_l, {0}_r)))"
COMPARISONS = (
    Comparison("when", "lo_l IS NULL OR lo_r IS NULL", (
        Way("same_day", "lo_l = hi_l AND lo_r = hi_r AND lo_l = lo_r"),
        Way("within", f"{_GAP} = 0"),
        Way("next_day", f"{_GAP} <= 1"),
        Way("near3", f"{_GAP} <= 3"),
        Way("near10", f"{_GAP} <= 10"),
        Way("apart", "ELSE"),
    )),
    Comparison("where", "area1_l = '' OR area1_r = ''", (
        Way("same_area2", "area1_l = area1_r AND area2_l = area2_r AND area2_l <> ''"),
        Way("same_area1", "area1_l = area1_r AND (area2_l = '' OR area2_r = '')"),
        Way("near_name", "area2_l = area2_r AND area2_l <> ''"),
        Way("elsewhere", "ELSE"),
    )),
    Comparison("actor", "actor_l = '' OR actor_r = ''", (
        Way("same_actor", "list_has_any(actors_l, actors_r)"),
        Way("same_line", "list_has_any(line_l, actors_r) OR list_has_any(line_r, actors_l)"),
        Way("other", "ELSE"),
    )),
    Comparison("forms", "len(forms_l) = 0 OR len(forms_r) = 0", (
        Way("same_forms", f"{_BOTH} = {_EITHER}".replace("{0}", "forms")),
        Way("half", f"2 * {_BOTH} >= {_EITHER}".replace("{0}", "forms")),
        Way("some", f"{_BOTH} > 0".replace("{0}", "forms")),
        Way("none", "ELSE"),
    )),
    Comparison("victims", "best_l = 0 OR best_r = 0", (
        Way("same_best", "best_l = best_r"),
        Way("overlap", "low_l <= high_r AND low_r <= high_l"),
        Way("double", "greatest(best_l, best_r) <= 2 * least(best_l, best_r)"),
        Way("far", "ELSE"),
    )),
    Comparison("roots", "len(roots_l) = 0 OR len(roots_r) = 0", (
        Way("two_roots", f"{_BOTH} >= 2".replace("{0}", "roots")),
        Way("one_root", f"{_BOTH} = 1".replace("{0}", "roots")),
        Way("no_root", "ELSE"),
    )),
)  # fmt: skip


# Ways that were told apart later → the way that held them before.
LATER = {"next_day": "near3"}


def ways(a: Card, b: Card) -> dict[str, str]:
    """The way two cards stand to each other in every comparison; a comparison with nothing to compare is left out."""
    out: dict[str, str] = {}
    gap = max(0, a.lo - b.hi, b.lo - a.hi)
    if a.lo == a.hi == b.lo == b.hi:
        out["when"] = "same_day"
    else:
        out["when"] = (
            "within" if gap == 0 else "next_day" if gap <= 1 else "near3" if gap <= 3 else "near10" if gap <= 10
            else "apart"
        )  # fmt: skip
    if a.area1 and b.area1:
        same1, same2 = a.area1 == b.area1, a.area2 == b.area2 and a.area2 != ""
        blank = not a.area2 or not b.area2
        out["where"] = (
            "same_area2" if same1 and same2 else "same_area1" if same1 and blank else "near_name" if same2
            else "elsewhere"
        )  # fmt: skip
    if a.actor and b.actor:
        line = not {*a.actors}.isdisjoint(b.line) or not {*b.actors}.isdisjoint(a.line)
        # One in common is enough: a report that names a unit with a militia may be of the incident told of the unit alone.
        same = not {*a.actors}.isdisjoint(b.actors)
        out["actor"] = "same_actor" if same else "same_line" if line else "other"
    if a.forms and b.forms:
        both, either = len({*a.forms} & {*b.forms}), len({*a.forms} | {*b.forms})
        out["forms"] = "same_forms" if both == either else "half" if 2 * both >= either else "some" if both else "none"
    if a.best and b.best:
        small, large = sorted((a.best, b.best))
        out["victims"] = (
            "same_best" if small == large else "overlap" if a.low <= b.high and b.low <= a.high
            else "double" if large <= 2 * small else "far"
        )  # fmt: skip
    if a.roots and b.roots:
        shared = len({*a.roots} & {*b.roots})
        out["roots"] = "two_roots" if shared >= 2 else "one_root" if shared else "no_root"
    return out


# --- how it weighs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """m and u of every way, and how rare a match is. `trained_on` 0: assumed, nothing was trained."""

    version: str
    one_in: float
    ways: Mapping[str, Mapping[str, tuple[float, float]]]
    trained_on: int = 0

    @property
    def prior_bits(self) -> float:
        return math.log2(1 / (self.one_in - 1)) if self.one_in > 1 else 0.0

    def bits(self, comparison: str, way: str) -> float:
        """What one way of standing to each other says, in bits: above 0 for the same incident, below against it."""
        m, u = self.ways[comparison][way]
        return math.log2(m / u)

    def as_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "version": self.version,
            "one_in": self.one_in,
            "trained_on": self.trained_on,
            "ways": {c: {w: list(mu) for w, mu in ws.items()} for c, ws in self.ways.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Weights:
        """The reverse of `as_json`. Raises KeyError when a comparison or a way of it is missing.

        Weights learned before a way was told apart take it from the one that held it then (LATER).
        """

        def of(c: Comparison, w: Way) -> tuple[float, float]:
            held = data["ways"][c.name]
            m, u = held[w.code] if w.code in held else held[LATER[w.code]]
            return float(m), float(u)

        read = {c.name: {w.code: of(c, w) for w in c.ways} for c in COMPARISONS}
        return cls(str(data["version"]), float(data["one_in"]), read, int(data.get("trained_on", 0)))


@cache
def assumed() -> Weights:
    """The weights of tables/incident_weights.toml."""
    with (Path(__file__).parent / "tables" / "incident_weights.toml").open("rb") as f:
        data = tomllib.load(f)
    return Weights.from_json(
        {"version": data["version"], "one_in": data["one_in"], "ways": {c.name: data[c.name] for c in COMPARISONS}}
    )


@dataclass(frozen=True)
class Reason:
    """What one comparison contributes: its code and its bits."""

    comparison: str
    way: str
    bits: float


@dataclass(frozen=True)
class Score:
    """The match weight of a pair in bits, the probability it stands for, and every contribution, strongest first."""

    bits: float
    reasons: tuple[Reason, ...] = ()

    @property
    def probability(self) -> float:
        return 1 / (1 + 2.0 ** -max(min(self.bits, 60), -60))

    @property
    def shown(self) -> bool:
        return self.bits >= SHOWN

    @property
    def likely(self) -> bool:
        return self.bits >= LIKELY


def score(a: Card, b: Card, weights: Weights) -> Score:
    """Weigh one pair: the prior's bits plus what each comparison says."""
    return score_of(ways(a, b), weights)


def score_of(found: Mapping[str, str], weights: Weights) -> Score:
    """The score of a pair whose ways are known."""
    reasons = [Reason(c, w, round(weights.bits(c, w), 2)) for c, w in found.items()]
    bits = weights.prior_bits + sum(weights.bits(c, w) for c, w in found.items())
    return Score(round(bits, 2), tuple(sorted(reasons, key=lambda r: -abs(r.bits))))


# --- which pairs are compared at all ---------------------------------------------------------------------------------


def blocks(card: Card) -> tuple[str, ...]:
    """Keys of the blocks a card belongs to; cards that share one are compared.

    Windows of twice the reach, laid over each other by half, so that two days within reach always share one.
    """
    out: list[str] = []
    places = [f"s:{card.area2}"] if card.area2 else [f"f:{card.area1}"] if card.area1 else []
    for place in [*(f"a:{actor}" for actor in card.actors or ("",)), *places]:
        for shift in (0, REACH):
            first, last = (card.lo + shift) // (2 * REACH), (card.hi + shift) // (2 * REACH)
            out += [f"{place}|{shift and 1}|{w}" for w in range(first, last + 1)]
    return (*out, *(f"r:{root}" for root in card.roots))


@dataclass(frozen=True)
class Blocking:
    """How many pairs the kept blocks hold at most, and the blocks left out because they hold too many reports."""

    pairs: int
    left_out: tuple[tuple[str, int], ...] = ()


def capped(cards: Sequence[Card], cap: int = BLOCK_CAP) -> tuple[list[tuple[str, ...]], Blocking]:
    """Block keys of each card without those of more than `cap` cards; and what that left out, largest first."""
    each = [blocks(c) for c in cards]
    sizes: dict[str, int] = {}
    for found in each:
        for key in found:
            sizes[key] = sizes.get(key, 0) + 1
    large = {k: n for k, n in sizes.items() if n > cap}
    pairs = sum(n * (n - 1) // 2 for k, n in sizes.items() if k not in large)
    kept = [tuple(k for k in found if k not in large and sizes[k] > 1) for found in each]
    return kept, Blocking(pairs, tuple(sorted(large.items(), key=lambda x: (-x[1], x[0]))))


# --- a whole situation, through Splink --------------------------------------------------------------------------------


def settings(weights: Weights, *, with_blocks: bool = True) -> dict[str, Any]:
    """Splink's settings for `SAME_INCIDENT`, made from the table of comparisons."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "ref",
        "probability_two_random_records_match": 1 / weights.one_in,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.blocks = r.blocks", "sql_dialect": "duckdb", "arrays_to_explode": ["blocks"]}
        ] if with_blocks else [],
        "comparisons": [
            {
                "output_column_name": f"{c.name}_",
                "comparison_levels": [
                    {"sql_condition": c.unknown, "label_for_charts": "unknown", "is_null_level": True},
                    *(
                        {"sql_condition": w.sql, "label_for_charts": w.code,
                         "m_probability": weights.ways[c.name][w.code][0],
                         "u_probability": weights.ways[c.name][w.code][1]}
                        for w in c.ways
                    ),
                ],
            }
            for c in COMPARISONS
        ],
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": True,
    }  # fmt: skip


def table(cards: Sequence[Card], kept: Sequence[tuple[str, ...]]) -> Any:
    """The cards as one Arrow table with their block keys."""
    import pyarrow as pa

    text = pa.list_(pa.string())
    columns = {
        "ref": pa.array([c.ref for c in cards], pa.string()),
        "actor": pa.array([c.actor for c in cards], pa.string()),
        **{n: pa.array([getattr(c, n) for c in cards], pa.int32()) for n in ("lo", "hi", "low", "best", "high")},
        **{n: pa.array([getattr(c, n) for c in cards], pa.string()) for n in ("area1", "area2")},
        **{n: pa.array([list(getattr(c, n)) for c in cards], text) for n in ("forms", "line", "roots", "actors")},
        "blocks": pa.array([list(k) for k in kept], text),
    }
    return pa.table(columns)


def _linker(cards: Sequence[Card], weights: Weights, kept: Sequence[tuple[str, ...]]) -> Any:
    import logging

    from splink import DuckDBAPI, Linker

    # After the import, which sets levels of its own.
    for name in [n for n in logging.root.manager.loggerDict if n.startswith("splink")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    api = DuckDBAPI()
    return Linker(api.register(table(cards, kept)), settings(weights))


@dataclass(frozen=True)
class Pair:
    """Two references, the smaller first, and their score."""

    first: str
    second: str
    score: Score


def candidates(
    cards: Sequence[Card],
    weights: Weights,
    *,
    cap: int = BLOCK_CAP,
    least: float = SHOWN,
    part: tuple[int, int] = (1, 1),
) -> Iterator[Pair]:
    """Pairs of a situation's cards scored in Splink at `least` bits or more.

    `part=(n, of)` does one part of the work, cut by the left card: a job that was stopped goes on with the next.
    """
    kept, _blocking = capped(cards, cap)
    if not any(kept):
        return
    linker = _linker(cards, weights, kept)
    found = linker.inference.predict_chunk(
        left_chunk=part, right_chunk=(1, 1), threshold_match_weight=least, warning_mode="never"
    )
    codes = {c.name: [w.code for w in c.ways] for c in COMPARISONS}
    rows = found.as_record_list()
    for row in rows:
        ways_found: dict[str, str] = {}
        for name, ordered in codes.items():
            gamma = row[f"gamma_{name}_"]
            if gamma >= 0:
                ways_found[name] = ordered[len(ordered) - 1 - gamma]
        first, second = sorted((row["ref_l"], row["ref_r"]))
        yield Pair(first, second, score_of(ways_found, weights))


# --- training --------------------------------------------------------------------------------------------------------


def train(cards: Sequence[Card], *, start: Weights | None = None, version: str, seed: int = 1) -> Weights:
    """Learn u from random pairs and m by Splink's EM within blocks, on a sample; the prior is scaled to all of them.

    Where a sample says nothing (a way never met), what was assumed stays. Raises ValueError below TRAIN_FROM cards.
    """
    if len(cards) < TRAIN_FROM:
        raise ValueError(f"{len(cards)} reports are too few to learn from; {TRAIN_FROM} are needed")
    start = start or assumed()
    step = max(1, len(cards) // SAMPLE)
    # By days, so that near reports stay together in the sample: a tenth of the days, not a tenth of each day's pairs.
    ordered = sorted(cards, key=lambda c: (c.middle // REACH % step, c.ref))
    sample = ordered[:SAMPLE] if step > 1 else list(cards)
    kept, _blocking = capped(sample)
    linker = _linker(sample, start, kept)
    linker.training.estimate_u_using_random_sampling(
        max_pairs=min(2_000_000, len(sample) * (len(sample) - 1) // 2), seed=seed
    )
    return _learn(linker, start, version=version, trained_on=len(sample), total=len(cards))


def _learn(linker: Any, start: Weights, *, version: str, trained_on: int, total: int) -> Weights:
    # Each pass leaves out what its block is made of: a block of one actor cannot tell how often matches agree on it.
    for rule in (
        "l.actor = r.actor AND l.lo = r.lo AND l.hi = r.hi",
        "l.area1 = r.area1 AND l.area2 = r.area2 AND l.area2 <> '' AND l.best = r.best",
    ):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, fix_u_probabilities=True, fix_probability_two_random_records_match=False
        )
    return _read_model(linker.misc.save_model_to_json(), start, version=version, trained_on=trained_on, total=total)


def _read_model(model: Mapping[str, Any], start: Weights, *, version: str, trained_on: int, total: int) -> Weights:
    learned: dict[str, dict[str, tuple[float, float]]] = {}
    for comparison, spec in zip(COMPARISONS, model["comparisons"], strict=True):
        levels = [x for x in spec["comparison_levels"] if not x.get("is_null_level")]
        learned[comparison.name] = {}
        for way, level in zip(comparison.ways, levels, strict=True):
            m0, u0 = start.ways[comparison.name][way.code]
            m, u = level.get("m_probability") or m0, level.get("u_probability") or u0
            # What was never met in the sample may be met tomorrow: a share of what was assumed always stays.
            learned[comparison.name][way.code] = (m * (1 - KEPT) + m0 * KEPT, u * (1 - KEPT_U) + u0 * KEPT_U)
    return Weights(version, max(2.0, REPEATED * total), learned, trained_on)


def digest_facts(card: Card) -> str:
    """A short name for what is compared of a card: when it changes, a decided question may be asked again.

    A card of one actor has the name it had before a card could name several, so that no decision is asked again for that.
    """
    said = asdict(card)
    if not said["also"]:
        del said["also"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
