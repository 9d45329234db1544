"""When a finding's criteria are met, and what a panel's vote means (domain.md §2.8). Adoption is the panel's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STANDARDS = ("none", "SP1", "SP2", "SP3", "SP4", "SP5")
PANEL_SIZE, PANEL_QUORUM, PANEL_CONCURRING = 7, 5, 4
REPLY_DAYS, REPLY_DAYS_URGENT, REPLY_EXTENSION_DAYS = 30, 10, 15
# What each kind of finding asserts about scale, for measures that need it.
SCALE_OF = {"F-PAT": "pattern", "F-LS": "large_scale"}


def reaches(standard: str, needed: str) -> bool:
    """Whether a standard of proof is at least another ("none" is below SP1)."""
    return STANDARDS.index(standard) >= STANDARDS.index(needed)


@dataclass(frozen=True)
class Criterion:
    """One criterion of a finding: met, not met or not enough known, in a sentence."""

    code: str
    status: str  # MET, NOT_MET, INSUFFICIENT
    says: str


def pattern_criteria(kind: str, tests: Mapping[str, tuple[bool, str]], highest: str, claimed: str) -> list[Criterion]:
    """Criteria of F-PAT or F-LS: the pattern test, and the standard the incidents reach (§1.4, §1.5).

    `tests` maps PT and LS to (met, sentence); `highest` is the standard every carrying incident reaches.
    Raises KeyError for a kind that is not drawn from a pattern alone.
    """
    code = {"F-PAT": "PT", "F-LS": "LS"}[kind]
    met, says = tests[code]
    return [
        Criterion(code, "MET" if met else "NOT_MET", says),
        Criterion(
            "standard",
            "MET" if reaches(highest, claimed) else "NOT_MET",
            f"The incidents that carry it reach {highest}; {claimed} is claimed.",
        ),
    ]


@dataclass(frozen=True)
class PanelCount:
    """A panel's vote: sitting, concurring, dissenting, and whether it adopts."""

    sitting: int
    concurring: int
    dissenting: int
    adopted: bool
    says: str


def count_panel(opinions: Mapping[str, str], recused: frozenset[str] = frozenset()) -> PanelCount:
    """Quorum five, at least four concurring; experts who are nationals of the respondent or proposer are recused.

    `opinions` maps expert to concur or dissent.
    """
    heard = {e: o for e, o in opinions.items() if e not in recused}
    concurring = sum(o == "concur" for o in heard.values())
    dissenting = sum(o == "dissent" for o in heard.values())
    enough = len(heard) >= PANEL_QUORUM
    adopted = enough and concurring >= PANEL_CONCURRING
    says = (
        f"{len(heard)} sitting ({PANEL_QUORUM} needed), {concurring} concurring ({PANEL_CONCURRING} needed), "
        f"{dissenting} dissenting."
    )
    return PanelCount(len(heard), concurring, dissenting, adopted, says)


def recused_expert(nationality: str, *, respondent: str, proposer: str = "") -> bool:
    """Nationals of the respondent and of the proposing member do not sit (§2.8)."""
    return bool(nationality) and nationality in {respondent, proposer} - {""}
