"""What the engine says to people: one sentence for each code, so that a page can say it in another language.

`noop` marks a sentence for the translators and changes nothing; whoever shows it translates it and fills it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def gettext_noop(text: str) -> str:
    return text


noop = gettext_noop


@dataclass(frozen=True)
class Remark:
    """A sentence's code and what fills it in."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str] = noop) -> str:
        return translate(SENTENCES[self.code]) % self.values


class Fault(ValueError):
    """A table that cannot be read; `faults` holds every reason: of the file as a whole first, then row by row."""

    def __init__(self, faults: Sequence[Remark]) -> None:
        self.faults = tuple(sorted(faults, key=lambda f: f.values.get("row", 0)))
        super().__init__(" ".join(f.say() for f in self.faults[:20]))


SENTENCES: dict[str, str] = {
    # reading
    "file_empty": gettext_noop(
        "The file holds no rows. It needs a header with the names of the lists, and rows below it."
    ),
    "file_size": gettext_noop("The file is larger than %(most)s MB; a table of patterns is never that large."),
    "not_csv": gettext_noop("The file cannot be read as CSV: %(what)s."),
    "count_twice": gettext_noop("Two columns look like the count: %(columns)s. Only one may."),
    "column_unknown": gettext_noop(
        "Row %(row)s: the column “%(column)s” is not known. What it holds is neither 0 nor 1, as in a list, and the only other "
        "column is “count”."
    ),
    "column_unnamed": gettext_noop("Row 1: a column has no name. Each list needs one."),
    "list_twice": gettext_noop("Row 1: two lists have the same name."),
    "too_many_lists": gettext_noop("There are %(k)s lists; at most %(most)s can be used."),
    "no_lists": gettext_noop("Row 1: there is no column for a list."),
    "not_zero_or_one": gettext_noop("Row %(row)s: what “%(column)s” holds is neither 0 nor 1, as in a list."),
    "row_length": gettext_noop("Row %(row)s has %(cells)s cells where the header has %(columns)s."),
    "count_not_a_number": gettext_noop("Row %(row)s: the count is not a whole number."),
    "count_negative": gettext_noop("Row %(row)s: the count %(value)s is below zero."),
    "count_too_large": gettext_noop("Row %(row)s: the count %(value)s is larger than any list can be."),
    "count_of_the_unseen": gettext_noop(
        "Row %(row)s counts cases that are on no list. Those are what is estimated; leave the row out or its count blank."
    ),
    "pattern_twice": gettext_noop("Row %(row)s: the pattern %(pattern)s was already given in row %(first)s."),
    "stratum_empty": gettext_noop(
        "Row %(row)s: the stratum is empty. Each row needs one where there is such a column."
    ),
    "draw_empty": gettext_noop("Row %(row)s: the draw is empty. Each row needs one where there is such a column."),
    "too_many_strata": gettext_noop("There are %(count)s strata; at most %(most)s can be used."),
    "too_many_draws": gettext_noop("There are %(count)s draws of a stratum; at most %(most)s can be used."),
    "no_such_columns": gettext_noop("The columns “stratum” and “draw” are not read here."),
    "sizes_columns": gettext_noop("The file of lists needs the columns “list” and “records”, and a row for each list."),
    "pairs_columns": gettext_noop("The file of pairs lacks these columns: %(columns)s."),
    "pair_lists": gettext_noop("Row %(row)s: a pair needs records of two different lists of the file of lists."),
    "pair_chance": gettext_noop("Row %(row)s: the chance “%(value)s” is not a number from 0 to 1."),
    "too_many_pairs": gettext_noop("There are more than %(most)s pairs. Leave out those that are hardly possible."),
    "more_than_the_list": gettext_noop(
        "The pairs name %(pairs)s records of “%(list)s”, which holds only %(size)s by the file of lists."
    ),
    "pattern_shape": gettext_noop("Pattern %(row)s: “%(pattern)s” is not %(k)s times 0 or 1."),
    # why nothing can be estimated
    "cannot": gettext_noop("These lists cannot give an estimate, because %(why)s"),
    "no_cases": gettext_noop("the table holds no cases."),
    "list_empty": gettext_noop("the list “%(list)s” holds nobody; leave it out."),
    "too_few_lists": gettext_noop(
        "only %(k)s list holds cases, and how many are missing shows only where two lists overlap. A second list of the same "
        "people and time would help."
    ),
    "no_overlap": gettext_noop(
        "no case is on two lists. Either the lists are about different people, or the cases were not linked yet."
    ),
    "nested_all": gettext_noop(
        "everyone on “%(inner)s” is also on “%(outer)s”, and fewer than two lists say something of their own. A list kept "
        "without knowledge of the other would help."
    ),
    "none_identified": gettext_noop(
        "no model of this kind has one answer for this table: too few overlaps hold cases."
    ),
    "latent_rises": gettext_noop(
        "with hidden groups the more are unseen the better the fit, up to the %(most)s where the search ends."
    ),
    "latent_needs_four": gettext_noop("hidden groups can be told apart with four lists or more."),
    # what to beware of
    "two_lists": gettext_noop(
        "With two lists nothing can test whether being on one makes being on the other likelier; if it does, the estimate is "
        "too low."
    ),
    "three_lists": gettext_noop(
        "With three lists nothing can test whether some people are harder to find for every list; if so, the estimate is too low."
    ),
    "alone": gettext_noop(
        "Nobody on “%(list)s” is on any other list. It may be about other people, or was never linked."
    ),
    "nested": gettext_noop(
        "Everyone on “%(inner)s” is also on “%(outer)s”; the two may not have been kept independently."
    ),
    "zero_overlap": gettext_noop(
        "No case is on both lists of these pairs: %(pairs)s. The models fill the gap by assumption."
    ),
    "thin_overlap": gettext_noop(
        "Fewer than %(least)s cases are on both lists of these pairs: %(pairs)s. Each one of them moves the result."
    ),
    "unidentified": gettext_noop(
        "%(count)s of %(all)s log-linear models have no single answer for this table and were left out."
    ),
    "searched": gettext_noop(
        "With this many lists the log-linear models were searched (%(count)s fitted), not all tried."
    ),
    "graphs_sampled": gettext_noop(
        "With this many lists the graph models were sampled, and the %(count)s that matter weighed, not all."
    ),
    "chains_apart": gettext_noop(
        "Two samples of the graph models have %(share)s %% of their weight in common: very many graphs fit alike, so their "
        "weights say little, though the total moves little with them."
    ),
    "no_single_model": gettext_noop("No log-linear model stands out: the best has %(weight)s %% of the weight."),
    "at_the_end": gettext_noop(
        "%(share)s %% of the probability of the graph models lies at the largest number considered, %(most)s unseen: the "
        "data set no upper limit."
    ),
    "near_the_observed": gettext_noop(
        "%(share)s %% of the probability of the graph models says that hardly anyone is missing. Check whether the lists "
        "were copied from each other."
    ),
    "latent_open": gettext_noop(
        "With hidden groups the data set no upper limit; the one shown is where the search ended."
    ),
    "latent_against": gettext_noop(
        "The data speak against hidden groups (BIC higher by %(more)s), so that model is shown and not counted in the range."
    ),
    "apart": gettext_noop(
        "The models differ %(times)s times in how many are unseen. Quote the whole range, not one of them."
    ),
    "below_the_bound": gettext_noop(
        "The middle of the models lies below the lower bound of %(bound)s that holds when some are harder to find."
    ),
    "prior_decides": gettext_noop(
        "The assumption before the data decides: between %(low)s and %(high)s with other values of delta."
    ),
    "hangs_on": gettext_noop("Without the list “%(list)s” nothing could be estimated: everything hangs on it."),
    "swayed_by": gettext_noop("Without the list “%(list)s” the result would be %(times)s times another."),
    "stratum_cannot": gettext_noop("for the stratum “%(stratum)s” there is none: %(why)s"),
    "strata_summed": gettext_noop(
        "The range of the whole is the sum of the ranges of %(count)s strata. It is wide on purpose: it holds however they "
        "depend on each other."
    ),
    "linkage_carried": gettext_noop(
        "%(draws)s possible linkages were carried through; with them between %(low)s and %(high)s are observed."
    ),
    "linkage_without": gettext_noop(
        "%(count)s of the possible linkages gave no estimate by one of the models and are left out of its range."
    ),
    "combined": gettext_noop(
        "%(observed)s are on at least one list. The models together estimate a total, those included, between %(lower)s and "
        "%(upper)s; the median of the models that count is %(middle)s. What lies above %(observed)s is an estimate of people "
        "nobody recorded; it is neither reported nor verified."
    ),
}

MODELS: dict[str, str] = {
    "best": gettext_noop("Log-linear, best by BIC"),
    "average": gettext_noop("Log-linear, averaged by BIC"),
    "stepwise": gettext_noop("Log-linear, stepwise"),
    "graphs": gettext_noop("Decomposable graphs, averaged"),
    "latent": gettext_noop("Latent classes"),
    "chao": gettext_noop("Lower bound (Chao)"),
}
