"""What the channel asks of reparations: lodging a claim sent at the door, and the sections of someone's own page."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words
from answerable.alliance.sentences import word
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import label
from answerable.reparations import actions, coarse, corrections, lifecycle, rules, urgent
from answerable.reparations.models import AwardLine, Claim, Correction, Programme
from answerable.vault.consent import queries as consents
from answerable.vault.consent import rules as r
from answerable.vault.consent import survivor


@question("lodging_choices").answer_with
def _choices(kind: str, by: Any, so_far: Mapping[str, Any]) -> dict[str, list[list[str]]] | None:
    if kind != "claim":
        return None
    found = list(Programme.objects.filter(status=lifecycle.OPEN).select_related("situation"))
    of = next((p for p in found if p.ref == so_far.get("programme")), None)
    return {
        "programme": [[p.ref, p.situation.name] for p in found],
        "area1": [list(choice) for choice in coarse.areas(of)],
        "country": [list(choice) for choice in coarse.countries()],
    }


def period(year: str, month: str) -> tuple[date, date]:
    """First and last day of what she remembers, a year or a month of it; never ahead of today."""
    y, m = int(year), int(month) if month else 0
    last = date(y, m, calendar.monthrange(y, m)[1]) if m else date(y, 12, 31)
    return date(y, m or 1, 1), min(last, clock.today())


@question("answers_differ").answer_with
def _differ(kind: str, name: str, answers: Mapping[str, Any]) -> str:
    """Her age and a tick that cannot be true beside it: she is asked to look at the two once more before she sends them.

    Said where she ticks, so that she can go back to her age and come here again.
    """
    age, ticked = str(answers.get("age_band") or ""), [str(f) for f in answers.get("flags") or ()]
    if kind != "claim" or name != "flags" or not rules.at_odds(age, ticked):
        return ""
    if age == rules.CHILDS_BAND:
        return _("You chose “under 18” as your age, and ticked that you are 60 or older. Please look at the two once more: take the "
                 "tick away at “Is anything urgent?”, or go back to “How old are you?” and change it or leave it out.")  # fmt: skip
    return _("You chose an age of 18 or more, and ticked “I am not yet 18” as well. Please look at the two once more: take the tick "
             "away at “Is anything urgent?”, or go back to “How old are you?” and change it or leave it out.")  # fmt: skip


@question("lodge_from_channel").answer_with
def _lodge(kind: str, fields: Mapping[str, Any], by: Any) -> str | None:
    """A claim in her own words; its reference. What she left out stays out. Raises Refused."""
    if kind != "claim":
        return None
    programme = Programme.objects.filter(ref=fields.get("programme", ""), status=lifecycle.OPEN).first()
    if programme is None:
        raise Refused(_("Choose where it happened."), reason="programme")
    if not str(fields.get("year", "")).isdigit():
        raise Refused(_("About when it happened is needed; a year is enough."), reason="year")
    first, last = period(str(fields["year"]), str(fields.get("month") or ""))
    if said := _differ(kind, "flags", fields):
        raise Refused(said, reason="age")
    name = str(fields.get("legal_name") or "").strip()
    claim = actions.lodge_claim(
        programme,
        claim_type=str(fields.get("claim_type") or ""),
        alias=str(fields.get("alias") or "").strip() or _("no name given"),
        age_band=str(fields.get("age_band") or ""),
        # Not to say where is an answer (SC-9). The situation she chose is a place, however rough, and R-ELI-2 asks for
        # no more; without a region no pattern is presumed for her, so an assessor hears the account instead.
        country=str(fields.get("country") or coarse.UNSAID),
        language=str(fields.get("language") or "en")[:8],
        safe_contact=str(fields.get("safe_contact") or "").strip()
        or _("Do not contact. She comes to the door with her code."),
        events_from=first,
        events_to=last,
        area1=str(fields.get("area1") or coarse.UNSAID),
        area2=str(fields.get("area2") or ""),
        forms=list(fields.get("forms") or ()),
        account=str(fields.get("account") or ""),
        preferences=str(fields.get("preferences") or ""),
        flags=list(fields.get("flags") or ()),
        purposes=list(fields.get("purposes") or ()),
        declared_true=fields.get("declared_true") == "yes",
        referral_offered=True,  # the door's first question page is care, before any other (channel/steps.py)
        identity={"name": name} if name else None,
        by=by,
    )
    return claim.ref


def status_words(status: str) -> str:
    """Where a claim stands, as she would say it."""
    return {
        lifecycle.LODGED: _("It was received."), lifecycle.URGENT_SCREENED: _("Someone looked whether anything is urgent."),
        lifecycle.REGISTERED: _("It is registered."), lifecycle.COMPLETENESS: _("Someone looks whether anything is missing."),
        lifecycle.NEEDS_INFO: _("We asked you something. It waits for you, without a limit."),
        lifecycle.ASSESSMENT: _("It is being looked at."), lifecycle.SECOND_ASSESSMENT: _("A second person looks at it."),
        lifecycle.ELIGIBLE: _("It was accepted. What follows from it is being decided."),
        lifecycle.NOT_ELIGIBLE: _("It was not accepted. You can ask for another person to look at it again."),
        lifecycle.AWARDED: _("Something was awarded. You can accept it or not."),
        lifecycle.ACCEPTED: _("You accepted; it is being prepared."), lifecycle.DELIVERING: _("It is on its way."),
        lifecycle.DELIVERED: _("It was delivered."), lifecycle.CLOSED: _("It is closed."),
        lifecycle.WITHDRAWN: _("You took it back."),
    }.get(status, _("It is paused."))  # fmt: skip


@question("survivor_page").answer_with
def _page(about: str) -> list[dict[str, Any]] | None:
    """Status and clocks of her claim, what was awarded and paid, and what she agreed to."""
    if not about.startswith("CLM"):
        return None
    claim = Claim.objects.filter(ref=about).first()
    if claim is None:
        return None
    # Her word counts at once; the claim itself is put aside by the clock, within a minute.
    back = claim.status in lifecycle.CLAIM_MOVES["withdraw_claim"].froms and consents.taken_back([about], "CP-CLAI")
    status = lifecycle.WITHDRAWN if back else claim.status
    lines = [status_words(status)]
    day = {"day": day_words(claim.eligibility_due_at)}
    if status in (lifecycle.LODGED, lifecycle.URGENT_SCREENED, lifecycle.REGISTERED, lifecycle.COMPLETENESS,
                        lifecycle.ASSESSMENT, lifecycle.SECOND_ASSESSMENT):  # fmt: skip
        lines.append(_("A first answer is due by %(day)s.") % day)
    if claim.awaiting and status != lifecycle.WITHDRAWN:
        lines.append(survivor.child_words() if claim.is_childs else
                     _("What you agreed to when you asked waits for you alone: say yes to it once more, on this page."))  # fmt: skip
    sections: list[dict[str, Any]] = [{"title": _("What you asked for"), "lines": lines}]
    if said := _corrected(claim):
        sections.append({"title": _("What you corrected"), "lines": said})
    if not consents.is_closed(claim.ref):
        sections.append({"title": _("What your file says now"), "download": True, "lines": _facts(claim)})
    award = getattr(claim, "award", None)
    if award is not None:
        parts = AwardLine.objects.filter(award_key=award.ref)
        said = [
            _("Money awarded to you: %(paid)d of %(all)d payments were made.")
            % {"paid": x.settled, "all": len(x.instalments)}
            for x in parts
        ]
        if consents.is_closed(claim.ref):
            said += [_(r.EFFECTS["AWARD_OWED"].sentence), _(r.EFFECTS["AWARD_UNREACHED"].sentence)]
        sections.append({"title": _("What was awarded"), "lines": said})
    if not question("survivor_withdraws").is_answered():
        agreed = [label("consent_purpose", p, get_language() or "en") for p in claim.purposes]
        sections.append({"title": _("What you agreed to"), "lines": agreed})
    return sections


def _facts(claim: Claim) -> list[str]:
    """Her coded working facts as they stand, for the copy she asks for and for no screen."""
    words = coarse.field_words()
    said = {
        "claim_type": word("claim_type", claim.claim_type), "quarter": claim.quarter, "area1": coarse.words(claim.area1),
        "age_band": coarse.age_words(claim.age_band), "country": coarse.words(claim.country),
        "language": dict(settings.LANGUAGES).get(claim.language, claim.language), "flags": coarse.flag_words(claim.flags),
    }  # fmt: skip
    corrected = {f for c in claim.corrections.filter(outcome=lifecycle.CARRIED_OUT) for f in c.changed}
    corrected |= {"quarter"} if "events_from" in corrected else set()
    mark = _("corrected at your word")
    return [f"{words[f]}: {v}" + (f" ({mark})" if f in corrected else "") for f, v in said.items() if v]


def _corrected(claim: Claim) -> list[str]:
    """Where each of her corrections stands: received, answered until when, carried out, put beside or declined and why."""
    decided, words, lines = {c.message: c for c in claim.corrections.all()}, coarse.field_words(), []
    found = corrections.letters([claim.ref])
    live = bool(found) and bool(corrections.still([claim.ref]))
    for letter in found:
        days = {"day": day_words(letter.received_at), "due": day_words(letter.due_at)}
        c = decided.get(letter.message)
        if c is None and not live:
            lines.append(
                _("Your correction of %(day)s was received. You took your claim back, so nothing of it is changed.")
                % days
            )
        elif c is None and letter.is_late:
            lines.append(
                _(
                    "Your correction of %(day)s was received. An answer was due by %(due)s and is late. You may complain about that."
                )
                % days
            )
        elif c is None:
            lines.append(_("Your correction of %(day)s was received. You get an answer here by %(due)s.") % days)
        else:
            lines += _answer(
                c, {**days, "on": day_words(c.decided_at), "what": ", ".join(words[f] for f in c.changed if f in words)}
            )
    return lines


def _answer(c: Correction, said: Mapping[str, str]) -> list[str]:
    if c.outcome == lifecycle.BESIDE:
        return [
            _("Your correction of %(day)s: on %(on)s it was put beside your file as your own statement.") % said,
            _("Whoever opens your file can read it too. What was decided before stays."),
        ]
    if c.outcome == lifecycle.DECLINED:
        return [
            _("Your correction of %(day)s: on %(on)s it was decided that nothing is changed.") % said,
            declined_words(c.reason),
            _("If you do not agree, you can complain (“If we did something wrong”), or write a statement here that is put beside your file."),
        ]  # fmt: skip
    lines = [
        _(
            "Your correction of %(day)s was carried out on %(on)s: %(what)s. The earlier version is kept locked beside it."
        )
        % said
    ]
    if rules.ASSESS_AGAIN in c.touched:
        lines.append(_("Because of it your claim is looked at again from the start."))
    if rules.NO_CHILD in c.touched and not c.claim.is_childs:
        lines.append(
            _("Your file no longer says that you are under 18. What waited for an adult you can now give by yourself.")
        )
    if rules.NOW_CHILD in c.touched and c.claim.is_childs:
        lines.append(survivor.child_words())
    lines.append({
        lifecycle.LOOK_WAITS: _("What was awarded stays yours. Another person looks whether it is still right."),
        lifecycle.LOOK_HOLDS: _("Another person looked at what was awarded again: it stays as it is."),
        lifecycle.LOOK_NOT: _("Another person looked at what was awarded again: it should be decided anew. What was awarded is paid meanwhile."),
    }.get(c.award_look, ""))  # fmt: skip
    return [x for x in lines if x]


def declined_words(reason: str) -> str:
    """Why nothing was changed, as she reads it."""
    return {
        "STANDS_ALREADY": _("Why: your file says already what you wrote."),
        "UNCLEAR": _("Why: we could not tell what should be changed. Please write it once more, in other words."),
        "ANOTHERS": _("Why: it is about what somebody else said, and not about your own file."),
        "DECIDED": _(
            "Why: a decision rests on it already. You can ask for another person to look at that decision again."
        ),
    }.get(reason, _("Why: it is written to you in a message on this page."))


@question("urgent_now").answer_with
def _urgent(refs: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Claims at U0 that are not decided, or became urgent since: what cannot wait, by when it is looked at, and whether it was."""
    over = Q(status__in=[*lifecycle.DECIDED, *lifecycle.ENDED], urgent_due_at=None) | Q(status=lifecycle.WITHDRAWN)
    found = Claim.objects.filter(level="U0").exclude(over)
    if refs is not None:
        found = found.filter(ref__in=list(refs))
    some = list(found[:200])
    stopped = consents.taken_back([c.ref for c in some], "CP-CLAI")
    return {
        c.ref: {"words": urgent.words(c), "hers": urgent.her_words(c), "due": urgent.due_at(c) if urgent.waits(c) else c.screening_due_at,
                "screened": c.status != lifecycle.LODGED and not urgent.waits(c)}
        for c in some if c.ref not in stopped
    }  # fmt: skip


@question("readers_at_door").answer_with
def _readers(kind: str) -> list[tuple[Any, str]]:
    """What a claim sent at the door becomes, for naming those who may open it."""
    return [(Claim(ref="CLM", compartment="claims"), "see_claims")] if kind == "claim" else []
