"""Scores in whole sentences: what agrees, what differs, and how much it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from answerable.engines.linkage import names
from answerable.monitoring.linking.models import LinkPair


def way(comparison: str, code: str) -> str:
    """What two reports have in common in one comparison."""
    return {
        ("when", "same_day"): _("Both name the same day."),
        ("when", "within"): _("Their dates may be the same, as exactly as they are known."),
        ("when", "next_day"): _("Their dates lie one day apart, as the two dates of one night do."),
        ("when", "near3"): _("Their dates lie two or three days apart."),
        ("when", "near10"): _("Their dates lie four to ten days apart."),
        ("when", "apart"): _("Their dates lie more than ten days apart."),
        ("where", "same_area2"): _("Both name the same second-level area."),
        ("where", "same_area1"): _("Both name the same first-level area, and one says no more than that."),
        ("where", "near_name"): _("The second-level areas have one name, in different first-level areas."),
        ("where", "elsewhere"): _("They name different areas."),
        ("actor", "same_actor"): _("Both name the same actor."),
        ("actor", "same_line"): _("One actor stood under the other."),
        ("actor", "other"): _("They name different actors."),
        ("forms", "same_forms"): _("The forms of violence are the same."),
        ("forms", "half"): _("At least half of the forms of violence are the same."),
        ("forms", "some"): _("Some of the forms of violence are the same."),
        ("forms", "none"): _("No form of violence is the same."),
        ("victims", "same_best"): _("The best estimate of victims is the same."),
        ("victims", "overlap"): _("The ranges of victims overlap."),
        ("victims", "double"): _("One names up to twice as many victims as the other."),
        ("victims", "far"): _("One names more than twice as many victims as the other."),
        ("roots", "two_roots"): _("Their items go back to two or more of the same sources."),
        ("roots", "one_root"): _("Their items go back to one source in common."),
        ("roots", "no_root"): _("Their items have no source in common."),
    }[comparison, code]


def strength(bits: float) -> str:
    """How much one comparison says, in words."""
    size, direction = abs(bits), (_("for one incident") if bits > 0 else _("against it"))
    if size < 0.5:
        return _("says little")
    amount = _("weighs slightly") if size < 2 else _("weighs") if size < 5 else _("weighs heavily")
    return f"{amount} {direction}"


def reasons(rows: Iterable[Sequence[object]]) -> list[dict[str, object]]:
    """Stored reasons of a pair: sentence, strength in words, bits."""
    out = []
    for comparison, code, bits in rows:
        value = float(str(bits))
        out.append(
            {
                "comparison": comparison,
                "says": way(str(comparison), str(code)),
                "strength": strength(value),
                "bits": value,
            }
        )
    return out


def probability(pair: LinkPair) -> str:
    """How likely the score makes it, in words and a rounded figure: a prompt to look, never a finding."""
    p = 1 / (1 + 2.0 ** -max(min(pair.bits, 60), -60))
    words = _("very likely") if p >= 0.985 else _("likely") if p >= 0.8 else _("possible")
    return _("%(words)s (%(p)d %%)") % {"words": words, "p": min(99, round(100 * p))}


def why(code: str) -> str:
    """A reason a person gave."""
    return {
        "same_place_and_day": _("place and day are the same"),
        "same_source": _("both go back to the same source"),
        "same_people_told": _("the same people told it, as their organisations confirm"),
        "same_details": _("details in the sealed texts agree"),
        "other_day": _("it was another day"),
        "other_place": _("it was another place"),
        "other_people": _("other people were harmed"),
        "other_actor": _("it was another actor"),
        "details_differ": _("details in the sealed texts differ"),
        "too_little_known": _("too little is known"),
        "needs_the_source": _("the source has to be asked"),
        "ask_the_organisation": _("the other organisation has to be asked"),
    }.get(code, code)


def role(code: str) -> str:
    """A role in a unit."""
    return {"commander": _("commander"), "deputy": _("deputy commander"), "chief_of_staff": _("chief of staff"),
            "political_head": _("political head"), "other_role": _("another role")}.get(code, code)  # fmt: skip


def name_match(match: names.WordMatch) -> str:
    """One word of a name and what answers it."""
    values = {"a": match.first, "b": match.second, "key": match.skeleton, "word": match.first or match.second}
    return {
        "same": _("“%(a)s” stands in both.") % values,
        "consonants": _("“%(a)s” and “%(b)s” have the same consonants (%(key)s).") % values,
        "alike": _("“%(a)s” and “%(b)s” are written alike.") % values,
        "different": _("Nothing answers “%(word)s”, and the other name has another word there.") % values,
        "unanswered": _("“%(word)s” stands in one of the names only.") % values,
        "light": _("“%(word)s” is a title and may be left out.") % values,
    }[match.code]


def source(code: str) -> str:
    """Where a name comes from; always shown with it."""
    return {"UCDP-ACTORS": _("UCDP actor list"), "UN-LIST": _("UN Security Council consolidated list"),
            "EU-LIST": _("designations of the European Union"), "HAND": _("entered by an analyst")}.get(code, code)  # fmt: skip
