"""The whole estimate of one table: each model beside the others, what they rest on, and where they must not be trusted.

Nothing here picks the model a reader would like best. The combined interval runs from the lowest lower limit to the
highest upper limit of the three families, because on tables with known truth no single one covers (docs/measurements.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from answerable.engines.estimates import bayes, chao, graphs, latent, loglinear
from answerable.engines.estimates.sentences import MODELS, Remark, noop
from answerable.engines.estimates.tables import CaptureTable

COMBINED = ("average", "graphs", "latent")  # one of each family; best and stepwise are members of the first
THIN = 5  # an overlap of fewer cases than this moves an estimate by each one of them
DELTAS = (1 / 2, 1 / 8, 1 / 32, 1 / 128)
# Kass & Raftery 1995: a model whose BIC is ten higher has very strong evidence against it.
AGAINST = 10.0
AT_THE_END, NEAR, APART, SWAYED = 0.01, 0.5, 2.0, 1.5
ALIKE = 0.8  # halves of the chains that share less of their weight met different graphs
SHOWN = 8  # members of a family listed with their weights


@dataclass(frozen=True)
class Member:
    """One model of a family with its weight in it and its own total."""

    holds: str  # the lists that depend on each other, such as "A-B, B-C"; "" for independent lists
    weight: float
    total: float


@dataclass(frozen=True)
class Estimate:
    """One model's answer, observed and unseen together; `total` is None with `why` where there is none."""

    model: str
    total: float | None = None
    lower: float | None = None
    upper: float | None = None
    holds: str = ""
    weight: float | None = None
    members: tuple[Member, ...] = ()
    why: Remark | None = None


@dataclass(frozen=True)
class Combined:
    """From the lowest to the highest limit of the families; `middle` is the middle one of their totals."""

    middle: float
    lower: float
    upper: float
    models: tuple[str, ...]
    apart: float  # the highest over the lowest number of unseen among the families


@dataclass(frozen=True)
class Changed:
    """What a family says when one thing is otherwise: another delta, or a list left out."""

    what: str
    observed: int
    graphs: float | None
    average: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Report:
    table: CaptureTable
    obstacles: tuple[Remark, ...]  # why nothing can be estimated; then everything below is empty
    estimates: tuple[Estimate, ...] = ()
    combined: Combined | None = None
    deltas: tuple[Changed, ...] = ()
    left_out: tuple[Changed, ...] = ()
    diagnostics: tuple[Remark, ...] = ()
    overlaps: tuple[tuple[str, str, int], ...] = field(default=())

    def sentence(self, translate: Callable[[str], str] = noop) -> str:
        """What the report amounts to, in one or two sentences."""
        return self.conclusion(translate).say(translate)

    def conclusion(self, translate: Callable[[str], str] = noop) -> Remark:
        c = None if self.combined is None else vars(self.combined)
        return conclude(self.table.observed, c, self.obstacles, translate)

    def as_json(self) -> dict[str, Any]:
        """Plain values: what the command prints with --json and what the office keeps."""

        return {
            "kind": "estimated",
            "lists": list(self.table.lists), "observed": self.table.observed, "patterns": self.table.patterns(),
            "conclusion": say(self.conclusion()), "obstacles": [say(o) for o in self.obstacles],
            "estimates": [
                {"model": e.model, "total": _r(e.total), "lower": _r(e.lower), "upper": _r(e.upper), "holds": e.holds,
                 "weight": None if e.weight is None else round(e.weight, 4), "why": say(e.why) if e.why else None,
                 "members": [{"holds": m.holds, "weight": round(m.weight, 4), "total": _r(m.total)} for m in e.members]}
                for e in self.estimates
            ],
            "combined": None if self.combined is None else {
                "middle": _r(self.combined.middle), "lower": _r(self.combined.lower), "upper": _r(self.combined.upper),
                "models": list(self.combined.models), "apart": round(self.combined.apart, 3)},
            "deltas": [changed(c) for c in self.deltas], "left_out": [changed(c) for c in self.left_out],
            "diagnostics": [say(d) for d in self.diagnostics],
            "overlaps": [list(o) for o in self.overlaps],
        }  # fmt: skip


def conclude(observed: int, combined: Mapping[str, Any] | None, blocked: Sequence[Remark],
             translate: Callable[[str], str] = noop) -> Remark:  # fmt: skip
    """What it amounts to: the range, or that and why there is none."""
    if combined is None:
        return Remark("cannot", {"why": " ".join(o.say(translate) for o in blocked)})
    ends = {end: persons(combined[end]) for end in ("lower", "upper", "middle")}
    return Remark("combined", {"observed": f"{observed:,}", **ends})


def say(r: Remark) -> dict[str, Any]:
    """A remark as plain values."""
    return {"code": r.code, "values": dict(r.values), "sentence": r.say()}


def persons(value: float) -> str:
    """A number of persons as sentences and tables both write it: from the one decimal that is kept, a half upwards."""
    return f"{math.floor(round(value, 1) + 0.5):,}"


def _r(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def changed(c: Changed) -> dict[str, Any]:
    return {"what": c.what, "observed": c.observed, "graphs": _r(c.graphs), "average": _r(c.average),
            "lower": _r(c.lower), "upper": _r(c.upper)}  # fmt: skip


def nested(table: CaptureTable) -> list[tuple[int, int]]:
    """Pairs (inner, outer) of lists where everyone on the inner list is on the outer one too. Of two equal lists the
    later one is the inner."""
    found = []
    for a in range(table.k):
        for b in range(table.k):
            if a != b and table.size(a) and table.overlap(a, b) == table.size(a):
                if table.size(a) == table.size(b) and a < b:
                    continue
                found.append((a, b))
    return found


def obstacles(table: CaptureTable) -> list[Remark]:
    """Every reason why the lists cannot say anything about who is on none of them."""
    if table.observed == 0:
        return [Remark("no_cases")]
    filled = [p for p in range(table.k) if table.size(p)]
    found = [Remark("list_empty", {"list": table.lists[p]}) for p in range(table.k) if not table.size(p)]
    if len(filled) < 2:
        return [*found, Remark("too_few_lists", {"k": len(filled)})]
    if not any(table.overlap(a, b) for a, b in combinations(range(table.k), 2)):
        return [*found, Remark("no_overlap")]
    inside = {a for a, _b in nested(table)}
    if len([p for p in filled if p not in inside]) < 2:
        inner, outer = nested(table)[0]
        return [*found, Remark("nested_all", {"inner": table.lists[inner], "outer": table.lists[outer]})]
    return found


def holds(table: CaptureTable, terms: tuple[int, ...]) -> str:
    """A model's interactions in words, only the largest of each: "A-B-C, C-D"."""
    largest = [t for t in terms if not any(t != o and t & o == t for o in terms)]
    named = ["-".join(n for p, n in enumerate(table.lists) if t & table.bit(p)) for t in largest]
    return ", ".join(sorted(named))


def estimate(table: CaptureTable, *, delta: float | None = None, most: int | None = None,
             sensitivity: bool = True) -> Report:  # fmt: skip
    """Everything the lists say. The same table gives the same report: what is sampled begins from a fixed seed."""
    n = table.observed
    overlaps = tuple((table.lists[a], table.lists[b], table.overlap(a, b)) for a, b in combinations(range(table.k), 2))
    if blocked := obstacles(table):
        return Report(table, tuple(blocked), overlaps=overlaps)
    most = bayes.default_most(table) if most is None else most
    remarks = _of_the_table(table)
    estimates: list[Estimate] = []
    families: tuple[str, ...] = COMBINED

    average = loglinear.bic_average(table)
    if average is None:
        estimates += [Estimate(m, why=Remark("none_identified")) for m in ("best", "average")]
    else:
        low, high = average.best.interval(n)
        members = tuple(
            Member(holds(table, f.terms), float(w), f.total)
            for f, w in zip(average.fits[:SHOWN], average.weights[:SHOWN], strict=True)
        )
        estimates.append(Estimate("best", average.best.total, low, high, holds(table, average.best.terms),
                                  float(average.weights[0])))  # fmt: skip
        estimates.append(Estimate("average", average.total, average.lower, average.upper, members=members))
        if average.unidentified:
            remarks.append(Remark("unidentified", {"count": average.unidentified,
                                                   "all": average.unidentified + len(average.fits)}))  # fmt: skip
        if average.searched:
            remarks.append(Remark("searched", {"count": len(average.fits) + average.unidentified}))
        if average.weights[0] < 0.5:
            remarks.append(Remark("no_single_model", {"weight": f"{100 * average.weights[0]:.0f}"}))
    step = loglinear.stepwise(table)
    if step is None:
        estimates.append(Estimate("stepwise", why=Remark("none_identified")))
    else:
        low, high = step.interval(n)
        estimates.append(Estimate("stepwise", step.total, low, high, holds(table, step.terms)))

    post = bayes.posterior(table, delta, most)
    members = tuple(
        Member(post.graphs.named(i, table.lists), float(post.weights[i]), float(post.means[i]))
        for i in post.best(SHOWN) if post.weights[i] > 1e-6
    )  # fmt: skip
    estimates.append(Estimate("graphs", post.mean, post.lower, post.upper, members=members))
    if table.k > graphs.MOST_LISTS:
        remarks.append(Remark("graphs_sampled", {"count": f"{len(post.weights):,}"}))
        if post.agreement < ALIKE:
            remarks.append(Remark("chains_apart", {"share": f"{100 * post.agreement:.0f}"}))
    if post.at_the_end > AT_THE_END:
        remarks.append(Remark("at_the_end", {"share": f"{100 * post.at_the_end:.0f}", "most": f"{post.most:,}"}))
    if post.near_the_observed > NEAR:
        remarks.append(Remark("near_the_observed", {"share": f"{100 * post.near_the_observed:.0f}"}))

    classes = latent.latent_class(table, most)
    if classes is None:
        estimates.append(Estimate("latent", why=Remark("latent_needs_four")))
    elif classes.rises:
        estimates.append(Estimate("latent", why=Remark("latent_rises", {"most": f"{n + most:,}"})))
    else:
        estimates.append(Estimate("latent", classes.total, classes.lower, classes.upper))
        against = classes.bic - average.best.bic if average else 0.0
        if against > AGAINST:
            # Classes the data do not ask for leave the number unseen almost free; their interval would drown every other.
            families = tuple(m for m in families if m != "latent")
            remarks.append(Remark("latent_against", {"more": f"{against:.0f}"}))
        elif classes.open_above:
            remarks.append(Remark("latent_open"))
    bound = chao.lower_bound(table)
    estimates.append(Estimate("chao", bound.total, bound.lower, bound.upper) if bound
                     else Estimate("chao", why=Remark("none_identified")))  # fmt: skip

    combined = combine(estimates, n, families)
    if combined is None:
        return Report(
            table, (Remark("none_identified"),), tuple(estimates), diagnostics=tuple(remarks), overlaps=overlaps
        )
    if combined.apart >= APART:
        remarks.append(Remark("apart", {"times": f"{combined.apart:.1f}"}))
    if bound and combined.middle < bound.lower:
        remarks.append(Remark("below_the_bound", {"bound": persons(bound.total)}))
    deltas, left_out = (
        (deltas_of(table), tuple(without(table, p) for p in places_to_leave_out(table))) if sensitivity else ((), ())
    )
    remarks += sensitive(deltas, left_out, {e.model: e.total for e in estimates})
    return Report(table, (), tuple(estimates), combined, deltas, left_out, tuple(remarks), overlaps)


def combine(estimates: list[Estimate], observed: int, families: tuple[str, ...] = COMBINED) -> Combined | None:
    """The hull of the families' intervals. None when no family gives one."""
    held = [e for e in estimates if e.model in families and e.total is not None]
    if not held:
        return None
    totals = [e.total for e in held if e.total is not None]
    unseen = [max(t - observed, 0.5) for t in totals]
    return Combined(
        float(np.median(totals)), min(e.lower for e in held if e.lower is not None),
        max(e.upper for e in held if e.upper is not None), tuple(e.model for e in held), max(unseen) / min(unseen),
    )  # fmt: skip


def _of_the_table(table: CaptureTable) -> list[Remark]:
    remarks = []
    if table.k == 2:
        remarks.append(Remark("two_lists"))
    elif table.k == 3:
        remarks.append(Remark("three_lists"))
    pairs = list(combinations(range(table.k), 2))
    alone = [p for p in range(table.k) if not any(table.overlap(p, q) for q in range(table.k) if q != p)]
    remarks += [Remark("alone", {"list": table.lists[p]}) for p in alone]
    remarks += [Remark("nested", {"inner": table.lists[a], "outer": table.lists[b]}) for a, b in nested(table)]
    zero = [(a, b) for a, b in pairs if not table.overlap(a, b) and a not in alone and b not in alone]
    thin = [(a, b) for a, b in pairs if 0 < table.overlap(a, b) < THIN]

    def named(which: list[tuple[int, int]]) -> str:
        return ", ".join(f"{table.lists[a]}-{table.lists[b]}" for a, b in which)

    if zero:
        remarks.append(Remark("zero_overlap", {"pairs": named(zero)}))
    if thin:
        remarks.append(Remark("thin_overlap", {"pairs": named(thin), "least": THIN}))
    return remarks


def deltas_of(table: CaptureTable) -> tuple[Changed, ...]:
    """The graph models with other values of delta."""
    most = bayes.default_most(table)
    tried = sorted({*DELTAS, bayes.default_delta(table.k)}, reverse=True)
    if table.k >= graphs.MOST_LISTS:
        tried = [tried[0], tried[-1]]  # seconds each
    found = []
    for d in tried:
        post = bayes.posterior(table, d, most)
        found.append(Changed(f"1/{1 / d:g}", table.observed, post.mean, None, post.lower, post.upper))
    return tuple(found)


def places_to_leave_out(table: CaptureTable) -> range:
    """The lists that can be left out one by one; of two neither, since one list says nothing."""
    return range(table.k if table.k > 2 else 0)


def without(table: CaptureTable, place: int) -> Changed:
    """What the models say had one list never been kept."""
    less = table.without(place)
    if obstacles(less):
        return Changed(table.lists[place], less.observed, None, None)
    average = loglinear.bic_average(less)
    # Of seven lists the graphs are sampled here: eight times all of them would take a minute for a sideways look.
    post = bayes.posterior(less, sampled=less.k >= graphs.MOST_LISTS)
    return Changed(
        table.lists[place], less.observed, post.mean, average.total if average else None, post.lower, post.upper
    )


def sensitive(
    deltas: Sequence[Changed], left_out: Sequence[Changed], whole: Mapping[str, float | None]
) -> list[Remark]:
    """Where the result hangs on an assumption or on one list; `whole` holds the models' totals for the whole table."""
    remarks = []
    means = [c.graphs for c in deltas if c.graphs is not None]
    if means and max(means) / min(means) > SWAYED:
        remarks.append(Remark("prior_decides", {"low": persons(min(means)), "high": persons(max(means))}))
    for c in left_out:
        pairs = ((c.graphs, whole.get("graphs")), (c.average, whole.get("average")))
        moved = [
            max(own / of, of / own) for own, of in pairs if own and of
        ]  # fmt: skip
        if not moved:
            remarks.append(Remark("hangs_on", {"list": c.what}))
        elif max(moved) > SWAYED:
            remarks.append(Remark("swayed_by", {"list": c.what, "times": f"{max(moved):.1f}"}))
    return remarks


__all__ = [
    "MODELS",
    "Changed",
    "Combined",
    "Estimate",
    "Member",
    "Report",
    "combine",
    "estimate",
    "nested",
    "obstacles",
]
