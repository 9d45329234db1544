"""What rules, the record and the tables say in English, in the reader's language.

Rules know no language, and what they said is kept as they said it: in a finding's criteria, a count's arithmetic, a
released version. So a page finds the sentence again in this table, and says it with the same figures in the reader's
language. A sentence that is not here is shown as it was kept; tests/walks/test_a_delegation_reads.py finds it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from answerable.alliance import acts
from answerable.common import tables
from answerable.common.tables import label

# Names of checks, papers, accounts, roles and reasons: said as they stand.
NAMES = (
    # accounts of the fund (fund/rules.py)
    _("Cash at bank"), _("Contributions received"), _("Administration (5 % of all cash)"),
    _("Urgent interim window (10 % of unearmarked cash)"), _("Liquidity reserve (5 % of unearmarked cash)"), _("Distributable"),
    _("Earmarked, net of administration"), _("Awards approved and not yet paid"), _("Awards paid"), _("Statement of the fund"),
    # a count (council/rules.py)
    _("Quorum: members present against those needed"), _("At least one ballot for or against"),
    _("More for than against (a tie rejects)"), _("Two thirds of ballots for and against"), _("At least one in favour"),
    _("More than half of eligible members"), _("No eligible member present objects"), _("No vote against"),
    _("Qualified abstainers are less than a third of members or of population"), _("in arrears (§4.2)"), _("suspended (§4.2)"),
    _("not a member"), _("the proposal concerns this state"), _("for"), _("against"), _("abstain"),
    # checks of a proposal and the papers they ask for (measures/rules.py, measures.csv)
    _("standard of proof"), _("scale"), _("responsibility"), _("individual link"), _("legal opinion"), _("objective"), _("benchmarks"),
    _("exception text"), _("age of the impact assessment"), _("consent"), _("expiry"), _("consultations"), _("risk assessment recorded"),
    _("due-diligence check"), _("complementarity note"), _("unit identified"), _("impact assessment"),
    _("case file reviewed by legal adviser and panel"), _("existing UN regime"),
    _("draft shared with respondent 48 hours before unless urgent"), _("negotiation or arbitration steps required by clause"),
    _("notice"), _("monitoring and evaluation period"), _("report"), _("consent CP-CRIM for each survivor item"),
    _("ME-2.1 or urgency"), _("right of reply completed"), _("finding published or notified"), _("ME-4.1 or ME-2.2 expired"),
    _("ME-10.4 in force 6 months without progress"), _("intensified political dialogue exhausted unless special urgency"),
    _("a recorded risk assessment"), _("a due-diligence check"), _("a complementarity note"), _("the unit, identified on file"),
    _("a humanitarian and gender impact assessment"), _("a case file reviewed by adviser and panel"),
    _("the United Nations regime it serves"), _("the draft shared 48 hours before"), _("the steps the clause requires"), _("the notice"),
    _("the monitoring and evaluation period"), _("the evaluation report"), _("the exhausted political dialogue"),
    _("the individual link, with its facts"), _("the legal opinion that ARSIWA 54 being unsettled requires (§4.1)"),
    _("none so far"), _("pattern"), _("large-scale"), _("met"), _("not met"),
    _("Urgency is recorded."), _("The right of reply is over."), _("No finding has been notified with its right of reply over."),
    _("A listing (ME-4.1), or a call (ME-2.2) that expired, stands behind it."),
    _("A listing (ME-4.1), or a call (ME-2.2) that expired, is needed first."),
    _("Consultations (ME-10.1) were closed without result."), _("No consultations (ME-10.1) were held."),
    _("A partial suspension must stand six months without progress."), _("Special urgency is recorded."), _("The objective is stated."),
    _("State the objective (R-MEA-3)."), _("The humanitarian exception is written."), _("Write the humanitarian exception (R-MEA-3)."),
    _("An item is used whose survivor has not consented (R-MEA-5)."),
    # how well an incident is known (monitoring/rules.py)
    _("Recorded; no item yet."), _("Recorded; no item qualifies (A-C with 1-3, or T1-T2), so it is alleged."),
    _("A strong contrary item caps the incident at V2, and no weighing has ended that (R-VER-3)."),
    # As it was said until it was found untrue of an item that was weighed and stands; reports may keep it.
    _("A strong contrary item is not yet weighed, which caps the incident at V2 (R-VER-3)."),
    _("Three independent roots, two primary items, and a strong item or two T1 accounts: V4."),
    _("Two independent primary testimonies at T1 or T2: V3b."),
    _("A primary testimony at T1 or T2 and an independent qualifying item: V3a."),
    _("A strong primary item that is no testimony and an independent qualifying item: V3c."),
    _("What this was concluded on has changed, so it stays at V2 until a verifier looks again who neither collected this report nor "
      "made that change (R-VER-3, SOD-01)."),
    _("At least one qualifying item, but no independent second item: V2."),
    _("At least one qualifying item, but one account counts alone until two assessors have graded it (R-VER-0): V2."),
    _("At least one qualifying item, but the qualifying items share a root or a person, or none is primary: V2."),
    # why a window, or an assessment of a pattern, was worked out again (relevel's `why`)
    _("verified"), _("linked"), _("link taken back"), _("item assessed or weighed"), _("commonality reasoned"), _("items"),
    _("recomputed"), _("the same file found"),
    # criteria of a finding (monitoring/patterns/rules.py, accountability/rules.py)
    _("standard"), _("method"), _("profile of those harmed"), _("operational context"), _("chain of command"), _("none reasoned"),
    # why one thing rests on another (record.rely)
    _("decision"), _("finding"), _("incident"), _("presumption"), _("claim"), _("situation"), _("programme"),
    # bodies' and persons' roles (authority/principals.py)
    _("appeals panel"), _("auditor"), _("award panel"), _("chair"), _("council delegate"), _("data protection officer"), _("documenter"),
    _("eligibility assessor"), _("finance approver"), _("finance initiator"), _("fund board"), _("intake officer"), _("legal adviser"),
    _("monitoring analyst"), _("national focal point"), _("ombudsperson"), _("panel expert"), _("registrar"), _("respondent liaison"),
    _("safeguarding officer"), _("sanctions desk"), _("survivor advocate"), _("survivor council member"), _("system administrator"),
    _("treasurer"), _("vault custodian"), _("verification lead"), _("verifier"),
    # what an access token may be used for
    _("monitoring"), _("council"), _("reparations"), _("fund"), _("reading"),
    # what entries of the record say that delegations and the chair can read
    _("actor entered"), _("agreement ended"), _("agreement noted"), _("alliance founded"), _("body entered"), _("ballot cast"),
    _("proposal tabled"), _("proposal sponsored"), _("check prerequisites"), _("check law"), _("check safety"), _("circulate"),
    _("vote opened"), _("result declared"), _("proposal withdrawn"), _("paper filed"), _("measure in force"), _("measure lapsed"),
    _("effect given"), _("implementation reported"), _("implementation late"), _("finding drafted"), _("review law"),
    _("review safety"), _("finding notified"), _("reply recorded"), _("assess"), _("return"), _("opinion given"), _("finding adopted"),
    _("finding not adopted"), _("open review"), _("uphold"), _("amend"), _("close"), _("notify measure"),
    _("finding published"), _("robustness noted"), _("pattern assessed"), _("prevalence set"),
    _("situation opened"), _("situation read"), _("party entered"), _("early-warning level proposed"), _("early-warning dialogue held"),
    _("early-warning entry made"), _("early-warning entry taken back"), _("alert confirmed"), _("alert stepped down"),
    _("level escalated to the Chair"), _("level not confirmed"), _("programme proposed"), _("begin co design"), _("open programme"),
    _("close to new"), _("wind down"), _("close programme"), _("contribution pledged"), _("contribution received"),
    _("payment planned"), _("payment approve first"), _("payment approve second"), _("payment release"), _("payment settle"),
    _("payment fail"), _("payment lose sight"), _("payment return payment"), _("payment cancel payment"), _("state entered"), _("invite"),
    _("note interest"), _("sign charter"), _("admit member"), _("note arrears"), _("clear arrears"), _("suspend"), _("readmit"),
    _("withdraw"), _("population table frozen"), _("holiday entered"), _("person entered"), _("person reinstated"), _("grant asked"),
    _("confirm grant"), _("refuse grant"), _("end grant"), _("provider entered"), _("confirm provider"), _("review provider"),
    _("withdraw provider"), _("signed in"), _("passphrase changed"), _("passkey added"), _("passkey ended"), _("token made"),
    _("token ended"), _("new key asked"), _("new key made"), _("default view chosen"), _("view kept"), _("view removed"),
    _("witness entered"), _("cosignature accepted"), _("public data imported"), _("import undone"), _("tables released"), _("period counted"),
)  # fmt: skip
# Sentences with figures: what stands in the place of each %(name)s is said as it is, or in words where it is a name or code.
SENTENCES = (
    _("%(short)s more present would make a quorum."),
    _("%(left)s of %(all)s"),
    _("recused: %(why)s (R-VOT-1)"),
    _("Members in favour: at least %(percent)s %% of those eligible"),
    _("Population in favour: at least %(percent)s %%"),
    _("Blocking minority: at least %(members)s members not in favour with more than %(percent)s %% of the population"),
    _("%(members)s members, %(sum)s: there is one"),
    _("%(members)s members, %(sum)s: there is none"),
    _("%(short)s more members in favour would reach %(percent)s %%."),
    _("%(short)s more in favour would carry it."),
    _("%(members)s against %(all)s; %(persons)s against %(population)s"),
    _("%(n)s against"),
    _("%(needed)s is needed; the findings in force reach %(reached)s."),
    _("A %(needed)s finding is needed; a %(reached)s finding is in force."),
    _("A %(needed)s finding is needed; none is in force."),
    _("A finding of %(what)s is needed; one is in force."),
    _("A finding of %(what)s is needed; none is in force."),
    _("On file since %(day)s: %(paper)s."),
    _("Not on file: %(paper)s. Add it to the dossier."),
    _("“%(step)s” must be shown on file."),
    _("%(code)s was adopted first."),
    _("%(code)s must be adopted first."),
    _("Benchmark weights sum to %(sum)s; they must sum to 100 (R-MEA-3)."),
    _("It is %(days)s days old; 90 at most at adoption (R-MEA-4)."),
    _("No measure without expiry; %(months)s months at most (R-SUN-1)."),
    _("Expires on %(day)s; %(latest)s is the latest."),
    _("The incidents that carry it reach %(reached)s; %(claimed)s is claimed."),
    _("%(sitting)s sitting (%(quorum)s needed), %(for)s concurring (%(needed)s needed), %(against)s dissenting."),
    _("A pattern (%(pt)s) that is widespread (%(ws)s) or systematic (%(sy)s)."),
    # what a pattern rests on and what would make it fall (monitoring/patterns/rules.py)
    _("Pattern %(pt)s; %(n)s of the indicators SY-1 to SY-6 supported (%(m)s needed): %(among)s."),
    _("Falls if this incident falls: %(among)s."),
    _("Falls if these %(n)s incidents fall: %(among)s."),
    _("Falls if any %(n)s of these %(m)s incidents falls: %(among)s."),
    _("Falls if any %(n)s of these %(m)s incidents fall: %(among)s."),
    _("Falls if %(n)s incidents fall and with no fewer, for example: %(among)s."),
    _("Falls if %(n)s incidents fall and with no fewer, for example (%(sets)s sets of %(m)s would do it): %(among)s."),
    _("Falls if these %(n)s incidents fall, perhaps with fewer: %(among)s."),
    _("%(among)s would then fall with the base set (V3d needs %(n)s)."),
    _("Falls if the one commonality reasoned is given up: %(among)s."),
    _("Falls if %(n)s of the indicators %(among)s are no longer supported."),
    _("Falls if one of the indicators %(among)s is no longer supported."),
    # how well an incident is known, and what an indicator's items reach (monitoring/rules.py, monitoring/patterns/queries.py)
    _("%(n)s item(s) without a live consent are left out (R-VER-4)."),
    _(
        "%(n)s item(s) for it belong to reports that no verifier has concluded, or came since, and are left out (SOD-01)."
    ),
    _(
        "Its items would reach %(needed)s; it stays at %(reached)s until a verifier looks again at what was changed beneath it (SOD-01)."
    ),
    _(
        "At least one qualifying item, but %(n)s accounts count alone until two assessors have graded them (R-VER-0): V2."
    ),
    _(
        "At least one qualifying item, but it matches a pattern, but the base set has %(n)s incidents and V3d needs %(m)s: V2."
    ),
    _(
        "A T1 testimony confirmed by two assessors, matching a pattern with at least %(n)s base incidents (five needed): V3d."
    ),
    _(
        "A report linked to this one may raise it to %(level)s, once a verifier who collected neither looks at both (R-VER-5, SOD-01)."
    ),
    _(
        "An item added since may raise it to %(level)s, once a verifier who neither collected this report nor added it looks again (SOD-01)."
    ),
    _(
        "An item added since, or consented to since, may raise it to %(level)s, once a verifier who neither collected this report nor added it looks again (SOD-01)."
    ),
    _(
        "Its items would give %(level)s; it stays at %(code)s, at which it was last concluded, until a verifier looks again (SOD-01)."
    ),
    _(
        "Its items would give %(level)s, but that it matches a pattern was not concluded of them, so it stays at %(code)s until a verifier looks again (SOD-01)."
    ),
    _(
        "A grade given since may raise it to %(level)s, once a verifier who neither collected this report nor gave that grade looks again (SOD-01)."
    ),
)
AND_MORE = _("%(some)s and %(n)s more")
# Where the English counts things: how it is found, and how it is said.
COUNTED = (
    (r"(?P<incidents>\d+) verified incidents? \((?P<a>\d+) needed\), (?P<victims>\d+) victims? \((?P<b>\d+)\), (?P<areas>\d+) areas? "
     r"\((?P<c>\d+)\) or (?P<days>\d+) days? apart \(more than (?P<d>\d+)\), commonalities: (?P<common>.+)\.",
     _("Verified incidents: %(incidents)s (%(a)s needed). Victims: %(victims)s (%(b)s needed). Areas: %(areas)s (%(c)s needed), or days "
       "apart: %(days)s (more than %(d)s needed). Commonalities: %(common)s.")),
    (r"(?P<victims>\d+) victims? \((?P<a>\d+) needed\), or (?P<incidents>\d+) incidents? \((?P<b>\d+)\) across (?P<areas>\d+) areas? "
     r"\((?P<c>\d+)\)\.",
     _("Victims: %(victims)s (%(a)s needed); or incidents: %(incidents)s (%(b)s needed), and areas: %(areas)s (%(c)s needed).")),
)  # fmt: skip
_PLACE = re.compile(r"%\((\w+)\)s|%%")
# Figures are figures, so that no name or title that people typed is taken for one of these sentences.
_FIGURES = r"[\d,.×≥≤<>=\- ]+"
_IN_WORDS = frozenset(
    {"why", "needed", "reached", "claimed", "what", "paper", "step", "code", "pt", "ws", "sy", "among", "level"}
)
_RESPONSIBLE = {"USE": "F-USE", "CONDONE": "F-CONDONE", "RESP": "F-BREACH", "responsibility (RESP)": "F-BREACH"}


def _place(name: str | None) -> str:
    if name is None:
        return "%"
    if name == "among":
        return "(?P<among>[^.]+)"  # references, codes and names of one sentence
    return f"(?P<{name}>{'.+?' if name in _IN_WORDS else _FIGURES})"


@cache
def _found() -> list[tuple[re.Pattern[str], str]]:
    def pattern(text: str) -> str:
        parts, end = [], 0
        for place in _PLACE.finditer(text):
            parts += [re.escape(text[end : place.start()]), _place(place[1])]
            end = place.end()
        return "".join(parts) + re.escape(text[end:])

    return [(re.compile(p), text) for p, text in (*COUNTED, *((pattern(text), text) for text in SENTENCES))]


_NAMES = frozenset((*NAMES, *acts.ACTS))


def _value(text: str, language: str) -> str:
    text = "none so far" if text == "none" else text
    if text in _NAMES:
        return gettext(text)
    if re.fullmatch(r"SP[1-5]", text):
        return label("standard_of_proof", text, language)
    if re.fullmatch(r"ME-\d+\.\d+", text):
        return f"{text} ({measure_name(text, language)})"
    if all(part in _RESPONSIBLE for part in text.split(" or ")):
        return " / ".join(label("finding_type", _RESPONSIBLE[part], language) for part in text.split(" or "))
    if more := re.fullmatch(r"(.+) and (\d+) more", text):
        return gettext(AND_MORE) % {"some": _value(more[1], language), "n": more[2]}
    parts = text.split(", ")
    return ", ".join(_value(p, language) for p in parts) if len(parts) > 1 else text


def said(text: Any) -> Any:
    """A sentence or name in the reader's language, with its figures; anything that is not in the tables as it is."""
    language = (get_language() or "en")[:2]
    if type(text) is not str or language == "en" or not text:
        return text
    if text in _NAMES:
        return gettext(text)
    for pattern, sentence in _found():
        if found := pattern.fullmatch(text):
            return gettext(sentence) % {name: _value(value, language) for name, value in found.groupdict().items()}
    parts = re.split(r"(?<=\.) (?=[A-Z])", text)
    if len(parts) > 1 and all(any(pattern.fullmatch(part) for pattern, _s in _found()) for part in parts):
        return " ".join(said(part) for part in parts)
    return _value(text, language) if re.fullmatch(r"ME-\d+\.\d+", text) else text


def word(list_name: str, code: Any) -> str:
    """A code's label in the reader's language."""
    return label(list_name, str(code), get_language() or "en")


def measure_name(code: str, language: str = "") -> str:
    """The name of a measure of the ladder; the code itself where there is none."""
    row = tables.measures().get(code)
    if row is None:
        return code
    words = tables.translated("measure", code, (language or get_language() or "en")[:2])
    return words or row["name"]
