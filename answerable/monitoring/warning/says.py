"""Early warning in whole sentences: the level, what carries it, and what would make it fall."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from answerable.common.tables import label
from answerable.monitoring.warning import rules


def level(code: str) -> str:
    """A level by its name."""
    return {
        rules.NONE: _("No warning"), rules.WATCH: _("Level 1 (watch)"), rules.ALERT: _("Level 2 (alert)"),
        rules.EMERGENCY: _("Level 3 (emergency)"),
    }[code]  # fmt: skip


def stage(number: int) -> str:
    return {1: _("potential"), 2: _("impending"), 3: _("ongoing")}[number]


def category(code: str) -> str:
    return {
        "military": _("Military and security"), "social_humanitarian": _("Social and humanitarian"),
        "political_legal": _("Political and legal"), "economic": _("Economic"),
    }[code]  # fmt: skip


def indicator(code: str) -> str:
    """An indicator with its code."""
    return f"{code} {label('early_warning_indicator', code, get_language() or 'en')}"


def reasons() -> dict[str, str]:
    """Why a level was confirmed, not confirmed, or stepped down from."""
    return {
        "SOURCES_HOLD": _("The sources hold"), "PRECAUTION": _("As a precaution, while sources are checked"),
        "OTHER_SOURCES": _("Other sources say the same"), "SOURCE_FAILS": _("A source does not hold"),
        "SEEN_TWICE": _("The same thing was entered twice"), "OLDER": _("It is older than it seemed"),
        "USUAL_HERE": _("It is usual here at this time of year"), "ANSWERED": _("It was answered, and protection is there"),
        "INDICATORS_FELL": _("The indicators have fallen"), "PROTECTION_WORKS": _("Protection is there and works"),
        "OTHER": _("Another reason, in words"),
    }  # fmt: skip


def explained(r: rules.Reading) -> list[str]:
    """Sentence by sentence, why a day's reading gives its level."""
    kinds = ", ".join(category(c) for c in r.categories) or _("none")
    lines = [
        (
            _("In the sixty days to %(day)s the indicators score %(score)s over one category (%(kinds)s).")
            if len(r.categories) == 1
            else _("In the sixty days to %(day)s the indicators score %(score)s over %(n)d categories (%(kinds)s).")
        )
        % {"day": date_format(r.on, "j N Y"), "score": rules.written(r.score), "n": len(r.categories), "kinds": kinds}
    ]
    for c in r.counted:
        if c.confidence == rules.FULL:
            said = _("%(what)s: %(stage)s, from a source that qualifies: %(weight)s.")
        else:
            said = _("%(what)s: %(stage)s, from a source that does not qualify, so half: %(weight)s.")
        lines.append(
            said % {"what": indicator(c.indicator), "stage": stage(c.stage), "weight": rules.written(c.weight)}
        )
    for name in (rules.WATCH, rules.ALERT, rules.EMERGENCY):
        score, kinds_needed = rules.NEEDS[name]
        met = rules.rank(r.by_score) >= rules.rank(name)
        said = _("%(level)s by score needs %(score)d and %(kinds)d categories: met.") if met else _(
            "%(level)s by score needs %(score)d and %(kinds)d categories: not met.")  # fmt: skip
        lines.append(said % {"level": level(name), "score": score, "kinds": kinds_needed})
    if not r.confirmed_ongoing:
        lines.append(
            _("Emergency by score also needs an ongoing indicator from a source that qualifies; there is none.")
        )
    victims = ngettext(
        "%(n)d victim or survivor was reported (V2 or above) in thirty days; 25 make an emergency.",
        "%(n)d victims and survivors were reported (V2 or above) in thirty days; 25 make an emergency.", r.victims,
    )  # fmt: skip
    lines.append(victims % {"n": r.victims})
    if r.perhaps:
        lines.append(
            _(
                "Of these, %(n)d by reports whose date is known only roughly: a day on which it may have been lies in the thirty days."
            )
            % {"n": r.perhaps}
        )
    return lines


def fall(f: rules.Fall, now: str) -> list[str]:
    """Sentence by sentence, what would make it fall."""
    if f.on is None:
        return [_("There is no level that could fall.")]
    lines = [
        _("If nothing new is seen, %(now)s falls to %(to)s on %(day)s.")
        % {"now": level(now), "to": level(f.to), "day": date_format(f.on, "j N Y")}
    ]
    for code, without in sorted(f.alone.items()):
        lines.append(_("Without %(what)s it would be %(to)s.") % {"what": indicator(code), "to": level(without)})
    if not f.alone:
        lines.append(_("No single indicator carries it alone."))
    return lines


def carries(r: rules.Reading) -> list[str]:
    """What carries a level, for whoever sees a level and no observation: indicators and stages, no day, place or source."""
    return [f"{indicator(c.indicator)}: {stage(c.stage)}" for c in r.counted]


def follows(level_code: str, obligations: Sequence[str]) -> list[str]:
    """What a confirmed level sets in motion."""
    lines = []
    if obligations:
        lines.append(
            _("It triggers the obligations under risk (T-RISK): %(codes)s.") % {"codes": ", ".join(obligations)}
        )
    if rules.opens_dialogue(level_code):
        lines.append(_("It opens the confidential early-warning dialogue (ME-0.1), which the Chair holds."))
    if rules.permits_urgent(level_code):
        lines.append(_("It permits the urgent procedure (R-VOT-8)."))
    return lines
