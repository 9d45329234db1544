"""What a person asked to see: filters as an address carries them, and which periods may be released. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from urllib.parse import urlencode

# A table of reports covers a whole calendar year, and leaves no sooner than this after it ended (R-SDC-6).
LAG_DAYS = 30
VIEWS_EACH = 20  # saved views a person may keep for one situation
ROWS_READ = 5_000  # incidents that one filtered count looks through, so that a page costs the same at any size
# Reports that count: everything filed but what was put aside, referred, merged or withdrawn.
LIVE = ("SUBMITTED", "TRIAGED", "IN_VERIFICATION", "VERIFIED", "CREDIBLE", "ALLEGED", "REOPENED")
VERIFIED = "VERIFIED"
# Reports by how their date is known: such as may lie in the days asked for, and are not sure to; such as lie in no one month.
MAY, NO_MONTH = "may", "no_month"
LEVELS = ("V1", "V2", "V3a", "V3b", "V3c", "V3d", "V4")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Filters:
    """What is looked at. Empty is everything; the field names are those of the address.

    `since` and `until` hold the reports that certainly happened in those days; with `dates` "may" those that may have, and are
    not sure to; `dates` "no_month" those that lie in no one month for certain (decision 0047).
    """

    area: str = ""
    actor: str = ""
    form: str = ""
    level: str = ""
    since: str = ""
    until: str = ""
    organisation: str = ""
    status: str = ""
    dates: str = ""

    def __bool__(self) -> bool:
        return any(self.set())

    def set(self) -> dict[str, str]:
        """The filters in force, in the order of the page."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name))}

    @property
    def query(self) -> str:
        """The filters as an address carries them: the same set always reads alike."""
        return urlencode(self.set())

    def without(self, name: str) -> Filters:
        """The same with one taken off."""
        return replace(self, **{name: ""})


FILTER_NAMES = tuple(f.name for f in fields(Filters))


def read_filters(asked: Mapping[str, str]) -> Filters:
    """Filters from an address. What cannot be a filter (an unknown level, a day that is none) is left out, not guessed."""
    said = {
        name: "".join(c for c in " ".join(str(asked.get(name, "")).split()) if c.isprintable())[:60]
        for name in FILTER_NAMES
    }
    said["level"] = said["level"] if said["level"] in LEVELS else ""
    said["form"] = said["form"] if re.fullmatch(r"[A-Z]{2}-[A-Z0-9-]{1,12}", said["form"]) else ""
    said["status"] = said["status"] if re.fullmatch(r"[A-Z_]{1,20}", said["status"]) else ""
    for name in ("since", "until"):
        try:
            said[name] = date.fromisoformat(said[name]).isoformat() if _DAY.fullmatch(said[name]) else ""
        except ValueError:
            said[name] = ""
    said["dates"] = said["dates"] if said["dates"] in (MAY, NO_MONTH) else ""
    if said["dates"] == MAY and not (said["since"] or said["until"]):
        said["dates"] = ""
    if said["since"] and said["until"] and said["since"] > said["until"]:
        said["since"], said["until"] = said["until"], said["since"]
    return Filters(**said)


def not_understood(asked: Mapping[str, str]) -> list[str]:
    """Names of filters that an address sets and that are left out, because what they are set to cannot be one."""
    read = read_filters(asked)
    return [name for name in FILTER_NAMES if str(asked.get(name, "")).strip() and not getattr(read, name)]


def releasable(today: date) -> int:
    """The newest calendar year whose tables may be released: over, and for long enough that its days are no news."""
    settled = today - timedelta(days=LAG_DAYS)
    return settled.year - 1


def may_release(year: int, *, today: date, released: Sequence[int]) -> str:
    """Why the tables of a year may not be released, as a reason code; empty when they may.

    Each year leaves once: a second version of the same year would let the two be subtracted (R-SDC-7).
    """
    if year in released:
        return "released"
    if year > releasable(today) or year < 1900:
        return "too_early"
    return ""
