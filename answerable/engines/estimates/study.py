"""A whole study: one capture table, or one for each stratum, each with draws of an uncertain linkage; worked out part by part.

A column `stratum` splits the cases; a column `draw` says that the rows are one of several linkages that are all possible
(as imputed replicates are handed on), so that its uncertainty is carried through (Sadinle 2018, Biometrics 74(4)). Every part
gives plain values, so that work that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from answerable.engines.estimates import bayes, loglinear, report, tables
from answerable.engines.estimates.report import say
from answerable.engines.estimates.sentences import Remark
from answerable.engines.estimates.tables import CaptureTable

DRAWS_EACH_PART = 100
TOTALS_EACH_DRAW = 10
GRAPHS_UP_TO = 5  # lists: milliseconds a table; beyond, a draw is estimated by log-linear models alone
ALL_MODELS_UP_TO = 4
SEED = 2018


@dataclass(frozen=True)
class Stratum:
    """One table; with draws, the one of them whose number observed is the middle one."""

    name: str
    table: CaptureTable
    draws: tuple[CaptureTable, ...] = ()


@dataclass(frozen=True)
class Study:
    lists: tuple[str, ...]
    strata: tuple[Stratum, ...]

    @property
    def observed(self) -> int:
        return sum(s.table.observed for s in self.strata)

    @property
    def split(self) -> bool:
        """Whether there are strata at all."""
        return bool(self.strata[0].name)

    def parts(self) -> list[str]:
        """What there is to work out, in order: `stratum:what`, each of seconds at most."""
        found = []
        for n, s in enumerate(self.strata):
            found.append(f"{n}:models")
            if report.obstacles(s.table):
                continue
            found += [f"{n}:deltas", *(f"{n}:without:{p}" for p in report.places_to_leave_out(s.table))]
            found += [f"{n}:draws:{first}" for first in range(0, len(s.draws), DRAWS_EACH_PART)]
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which `of_json` makes the same study."""
        return {
            "lists": list(self.lists),
            "strata": [
                {"name": s.name, "patterns": s.table.patterns(), "draws": [d.patterns() for d in s.draws]}
                for s in self.strata
            ],
        }


def of_json(facts: Mapping[str, Any]) -> Study:
    lists = tuple(facts["lists"])
    return Study(lists, tuple(
        Stratum(s["name"], tables.of_patterns(lists, s["patterns"]), tuple(tables.of_patterns(lists, d) for d in s["draws"]))
        for s in facts["strata"]
    ))  # fmt: skip


def read_csv(text: str) -> Study:
    """A study from CSV. Raises tables.Fault with every fault, each by its row."""
    lists, cells = tables.read_groups(text)
    names = list(dict.fromkeys(stratum for stratum, _draw in cells))
    strata = []
    for name in names:
        drawn = [CaptureTable(lists, counts) for (stratum, _draw), counts in cells.items() if stratum == name]
        strata.append(_stratum(name, drawn))
    return Study(lists, tuple(strata))


def of_draws(drawn: Sequence[CaptureTable]) -> Study:
    """One table, without strata, of which several linkages are possible."""
    return Study(drawn[0].lists, (_stratum("", drawn),))


def _stratum(name: str, drawn: Sequence[CaptureTable]) -> Stratum:
    middle = sorted(range(len(drawn)), key=lambda i: (drawn[i].observed, i))[len(drawn) // 2]
    return Stratum(name, drawn[middle], tuple(drawn) if len(drawn) > 1 else ())


def work_out(study: Study, part: str, *, delta: float | None = None) -> dict[str, Any]:
    """One part as plain values."""
    number, what, *more = part.split(":")
    stratum = study.strata[int(number)]
    if what == "models":
        return report.estimate(stratum.table, delta=delta, sensitivity=False).as_json()
    if what == "deltas":
        return {"deltas": [report.changed(c) for c in report.deltas_of(stratum.table)]}
    if what == "without":
        return report.changed(report.without(stratum.table, int(more[0])))
    first = int(more[0])
    return carried(stratum.draws[first : first + DRAWS_EACH_PART], [SEED, int(number), first])


def carried(draws: Sequence[CaptureTable], seed: Sequence[int]) -> dict[str, Any]:
    """Totals drawn from each family for each possible linkage; `observed` and `none` count what was observed and in how
    many linkages a family gave nothing."""
    rng = np.random.default_rng(list(seed))
    found: dict[str, list[int]] = {"average": [], "graphs": []}
    none = dict.fromkeys(found, 0)
    blocks = [bool(report.obstacles(table)) for table in draws]
    free = [table for table, blocked in zip(draws, blocks, strict=True) if not blocked]
    averages = iter(loglinear.bic_averages(free, up_to=ALL_MODELS_UP_TO))
    for table, blocked in zip(draws, blocks, strict=True):
        n, average = table.observed, None if blocked else next(averages)
        if average is None:
            none["average"] += 1
        else:
            fits = [average.fits[i] for i in rng.choice(len(average.fits), TOTALS_EACH_DRAW, p=average.weights)]
            found["average"] += [
                round(n + (f.total - n) * float(np.exp(f.spread * z)))
                for f, z in zip(fits, rng.standard_normal(TOTALS_EACH_DRAW), strict=True)
            ]
        if blocked or table.k > GRAPHS_UP_TO:
            none["graphs"] += 1
        else:
            found["graphs"] += [round(t) for t in bayes.posterior(table).draw(rng, TOTALS_EACH_DRAW)]
    return {"totals": found, "none": none, "observed": [t.observed for t in draws]}


def result(study: Study, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All parts put together. With strata the ends of the whole are the sums of theirs, which is wide on purpose: it holds
    however the strata depend on each other. A stratum that allows no estimate leaves the whole without one."""
    each = [_of_stratum(study, n, parts) for n in range(len(study.strata))]
    if not study.split:
        return {**each[0], "strata": []}
    combined = None
    blocked = [
        Remark("stratum_cannot", {"stratum": s.name, "why": " ".join(o["sentence"] for o in r["obstacles"])})
        for s, r in zip(study.strata, each, strict=True) if r["combined"] is None
    ]  # fmt: skip
    if not blocked:
        combined = {
            **{end: round(sum(r["combined"][end] for r in each), 1) for end in ("middle", "lower", "upper")},
            "models": sorted({m for r in each for m in r["combined"]["models"]}),
            "apart": max(r["combined"]["apart"] for r in each),
        }
    return {
        "kind": "estimated", "lists": list(study.lists), "observed": study.observed, "patterns": {},
        "conclusion": say(report.conclude(study.observed, combined, blocked)),
        "obstacles": [say(b) for b in blocked], "estimates": [], "combined": combined, "deltas": [], "left_out": [],
        "diagnostics": [say(Remark("strata_summed", {"count": len(each)}))] if combined else [], "overlaps": [], "linkage": None,
        "strata": [{**r, "name": s.name} for s, r in zip(study.strata, each, strict=True)],
    }  # fmt: skip


def _of_stratum(study: Study, number: int, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    stratum, own = study.strata[number], f"{number}:"
    facts = {**parts[f"{own}models"], "linkage": None}
    if facts["combined"] is None:
        return facts
    deltas = parts[f"{own}deltas"]["deltas"]
    left_out = [parts[f"{own}without:{p}"] for p in report.places_to_leave_out(stratum.table)]
    remarks = report.sensitive(
        [report.Changed(**d) for d in deltas], [report.Changed(**d) for d in left_out],
        {e["model"]: e["total"] for e in facts["estimates"]},
    )  # fmt: skip
    if stratum.draws:
        chunks = [parts[f"{own}draws:{first}"] for first in range(0, len(stratum.draws), DRAWS_EACH_PART)]
        linkage, more = _linkage(stratum, chunks)
        remarks += more
        held = [m for m in linkage["models"] if m["total"] is not None]
        combined = dict(facts["combined"])
        combined["lower"] = min([combined["lower"], *(m["lower"] for m in held)])
        combined["upper"] = max([combined["upper"], *(m["upper"] for m in held)])
        facts |= {"linkage": linkage, "combined": combined,
                  "conclusion": say(report.conclude(facts["observed"], combined, ()))}  # fmt: skip
    return {**facts, "deltas": deltas, "left_out": left_out, "diagnostics": [*facts["diagnostics"], *map(say, remarks)]}


def _linkage(stratum: Stratum, chunks: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[Remark]]:
    observed = sorted(o for c in chunks for o in c["observed"])
    models, remarks = [], [Remark("linkage_carried", {"draws": f"{len(observed):,}", "low": f"{observed[0]:,}",
                                                      "high": f"{observed[-1]:,}"})]  # fmt: skip
    for model in ("average", "graphs"):
        totals = [t for c in chunks for t in c["totals"][model]]
        none = sum(c["none"][model] for c in chunks)
        if totals:
            low, high = (float(x) for x in np.quantile(totals, (0.025, 0.975)))
            models.append(
                {"model": model, "total": round(float(np.mean(totals)), 1), "lower": low, "upper": high, "none": none}
            )
        else:
            models.append({"model": model, "total": None, "lower": None, "upper": None, "none": none})
    if missing := max((m["none"] for m in models if m["total"] is not None), default=0):
        remarks.append(Remark("linkage_without", {"count": f"{missing:,}"}))
    return {"draws": len(observed), "models": models}, remarks


def run(study: Study, *, delta: float | None = None, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Everything at once, for the command line."""
    done, every = {}, study.parts()
    for n, part in enumerate(every):
        if progress:
            progress(f"{n} of {len(every)}")
        done[part] = work_out(study, part, delta=delta)
    return result(study, done)
