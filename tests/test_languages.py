"""The five languages: what the public and delegations read is complete, and placeholders survive translation."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils.translation import override

from answerable.accountability import rules as accountability
from answerable.alliance import acts, sentences
from answerable.common import tables
from answerable.council import rules as council
from answerable.fund import rules as fund
from answerable.measures import rules as measures
from answerable.monitoring import rules as monitoring
from answerable.monitoring.intake.description import FIELDS, LISTS
from answerable.monitoring.intake.xlsform import DECLINED_LABEL
from answerable.monitoring.patterns import queries as indicators
from answerable.monitoring.patterns import rules as patterns

PACKAGE = Path(__file__).resolve().parents[1] / "answerable"
READ_BY_ALL = [
    "web/templates",
    "publication/templates",
    "channel/templates",
    "council/templates",
    "measures/templates",
    "vault/templates",
]
# Modules whose every sentence is read by someone at the door.
AT_THE_DOOR = [
    *(f"channel/operations/{name}.py" for name in ("visits", "coming", "writing", "inside", "complaining", "office")),
    "channel/steps.py", "channel/queries.py", "channel/views.py", "channel/kit.py", "channel/kit_views.py",
    "channel/notices.py", "channel/arriving.py", "channel/room.py", "reparations/coarse.py", "reparations/doors.py", "monitoring/doors.py",
    "safeguarding/views_door.py", "vault/consent/survivor.py", "vault/consent/rules.py", "vault/consent/words.py",
]  # fmt: skip
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
LANGUAGES = ("fr", "es", "ar", "uk")


def catalogue(language):
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as f:
        return {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in read_po(f, locale=language) if m.id}


def marked():
    for folder in READ_BY_ALL:
        for file in (PACKAGE / folder).rglob("*.html"):
            if file.name == "record.html":
                continue
            text = file.read_text()
            yield from re.findall(r'{% translate "([^"]+)"', text)
            yield from re.findall(r"{% translate '([^']+)'", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_the_public_and_of_delegations_are_translated(language):
    known = catalogue(language)
    missing = sorted({m for m in marked() if not known.get(m)})
    assert missing == []


def said_at_the_door():
    for name in AT_THE_DOOR:
        for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
            called = isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in MARKS and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_door_is_translated(language):
    known, said = catalogue(language), set(said_at_the_door())
    assert len(said) > 200
    assert sorted(s for s in said if not known.get(s)) == []


def placeholders(text):
    return sorted(re.findall(r"%\(\w+\)[sd]", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive(language):
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as f:
        messages = [m for m in read_po(f, locale=language) if m.id]
    for m in messages:
        if isinstance(m.id, str):
            assert not m.string or placeholders(m.string) == placeholders(m.id), m.id
            continue
        # A form for one, two or none may say the number in a word, as the English singular may.
        allowed, forms = (set(placeholders(m.id[1])), [t for t in m.string if t])
        for form in forms:
            assert set(placeholders(form)) <= allowed, m.id
        assert not forms or placeholders(forms[-1]) == placeholders(m.id[1]), m.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language):
    import gettext

    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as f:
        compiled = gettext.GNUTranslations(f)
    for source, translated in catalogue(language).items():
        if isinstance(translated, str) and translated:
            assert compiled.gettext(source) == translated


# --- what rules, tables and the record say in English -------------------------------------------------------------

# Lists that the public, delegations, the forms A1 to A3 or the kit show.
SHOWN = {"standard_of_proof", "prevalence_level", "decision_rule", "finding_type", "reply_code", "claim_type"} | {
    f.list_name for f in FIELDS if f.list_name and f.list_name not in LISTS
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_every_answer_that_is_shown_has_words_in_every_language(name, language):
    assert [code for code in tables.taxonomy(name) if not tables.translated(name, code, language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_short_answers_and_what_stands_for_none_have_words_in_every_language(language):
    known = catalogue(language)
    ours = {w for codes in LISTS.values() for w in codes.values()} | {DECLINED_LABEL, "Source item"}
    assert sorted(w for w in ours if not known.get(w)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measure_of_the_ladder_has_a_name_in_every_language(language):
    assert [c for c in tables.measures() if not tables.translated("measure", c, language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_rules_that_pages_show_is_translated(language):
    known = catalogue(language)
    ours = [*sentences.NAMES, *sentences.SENTENCES, *(text for _pattern, text in sentences.COUNTED)]
    assert sorted(s for s in ours if not known.get(s)) == []


def said_of_levels():
    """What the rules say of how well an incident is known, and what is kept of why it changed."""
    known = monitoring.ItemFacts

    def told(ref, grade="T1", **more):
        return known(ref, "testimony", True, testimony=grade, person=ref, **more)

    def paper(ref, grade="B2", **more):
        return known(ref, "document", True, reliability=grade[0], credibility=int(grade[1]), **more)

    typed = [told(r, assessed=False) for r in "ab"]
    cases = [
        [], [paper("a", live=False)], [told("a")], typed[:1], typed, [told("a"), told("b")], [told("a"), paper("b")],
        [paper("a", "A1"), paper("b")], [told("a"), told("b"), paper("c", "A1")],
        [paper("a", parents=frozenset({"x"})), paper("b", parents=frozenset({"x"}))],
        [told("a"), paper("b"), paper("c", "A1", contrary=True)],
        [told("a"), paper("b", waits=monitoring.ADDED)], [told("a"), paper("b", waits="7")],
        [told("a"), paper("b", then=monitoring.Grade(reliability="F", credibility=6))],
    ]  # fmt: skip
    for items in cases:
        yield from monitoring.verification_level(items).because
    for base in (4, 5):
        yield from monitoring.verification_level([told("a", assessors=2)], base=base, matches_pattern=True).because
    yield monitoring.NO_ITEM_YET
    yield indicators.NOT_CONCLUDED.format(n=2)
    # As it was said before consents counted among what came since: kept so in reports that were concluded by then.
    yield "An item added since may raise it to V3a, once a verifier who neither collected this report nor added it looks again (SOD-01)."


def why_in_code():
    """Why levels and windows were worked out again, as the code keeps it."""
    for file in (PACKAGE / "monitoring").rglob("*.py"):
        if {"tests", "migrations"} & set(file.parts):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                yield from (d.value for a, d in named if a.arg == "why" and isinstance(d, ast.Constant) and d.value)
            if isinstance(node, ast.Call):
                values = [k.value for k in node.keywords if k.arg == "why"]
                yield from (v.value for v in values if isinstance(v, ast.Constant) and v.value)


def test_what_levels_and_windows_say_of_themselves_is_known_by_its_words():
    said = set(said_of_levels())
    assert len(said) == 19
    lost = [s for s in said if s not in sentences._NAMES and not any(p.fullmatch(s) for p, _s in sentences._found())]
    assert lost == []
    why = set(why_in_code())
    assert {"verified", "linked", "report corrected", "items", "recomputed", "item regraded"} <= why
    assert why - sentences._NAMES == set()


def said_by_rules():
    """What the rules say of votes, proposals, findings, panels and levels, met and not."""
    yield from said_of_levels()
    yield from fund.ACCOUNTS.values()
    members = [council.MemberFacts(f"M{n:02}", 1_000_000 * (n + 1)) for n in range(9)]
    members += [council.MemberFacts("ARR", 1, "IN_ARREARS"), council.MemberFacts("SUS", 1, "SUSPENDED"),
                council.MemberFacts("NOT", 1, "INVITED"),
                council.MemberFacts("REC", 1, recused=council.recusal("REC", target_state="REC"))]  # fmt: skip
    who = council.entitlement(members)
    yield from who.excluded.values()
    for rule in council.COUNTED_RULES:
        for choices in (("for",) * 9, ("for",) * 3, ("for", "against", "abstain") * 3, ("against",) * 9, ()):
            ballots = {m.code: c for m, c in zip(members, choices, strict=False)}
            count = council.count_ballots(rule, ballots, who, qualified_abstainers=frozenset(ballots))
            yield count.margin
            for line in count.arithmetic:
                yield from (line.says, line.sum)
    day = date(2026, 3, 1)
    papers = {key: day for key, _words in measures.PAPERS.values()} | dict.fromkeys(
        ("credible_information", "individual_link", "legal_opinion", "political_dialogue"), day)  # fmt: skip
    finding = measures.FindingFacts("FND-1", "F-LS", "SP3")
    dossiers = [
        measures.DossierFacts(consents_complete=False),
        measures.DossierFacts(findings=(measures.FindingFacts("FND-2", "F-PAT", "SP1"),), urgency=True, papers=papers),
        measures.DossierFacts(
            findings=(finding, measures.FindingFacts("FND-3", "F-USE", "SP4")), notified=frozenset({"FND-1"}), papers=papers,
            measures_taken=frozenset(tables.measures()), measures_over=frozenset({*tables.measures(), "ME-10.4/6m"}),
            expires_on=date(2026, 12, 1), starts_on=day, exception_text=True, benchmarks=(100,), objective=True,
        ),
    ]  # fmt: skip
    for row in tables.measures().values():
        for facts in dossiers:
            for check in measures.prerequisites(row, facts, today=date(2026, 9, 1)):
                yield from (check.name, check.says)
    for opinions in ({}, dict.fromkeys("abcdef", "concur")):
        yield accountability.count_panel(opinions).says
    for commonalities in ((), ("method", "victim_profile"), patterns.COMMONALITIES):
        tests = patterns.pattern_of_rows(
            [], actor="A", on=date(2026, 3, 1), commonalities=frozenset(commonalities)
        ).tests
        for kind in ("F-PAT", "F-LS"):
            for c in accountability.pattern_criteria(
                kind, {t.code: (t.met, t.says) for t in tests.values()}, "none", "SP2"
            ):
                yield from (c.code, c.says)


def test_whatever_the_rules_say_is_said_again_in_the_readers_language():
    codes = re.compile(r"[A-Z]{2,6}(-[0-9A-Z.]+)*|“|”")
    with override("ar"):
        again = {text: sentences.said(text) for text in said_by_rules() if re.search("[a-z]{3}", text)}
    assert len(again) > 90
    assert sorted(t for t, a in again.items() if re.search("[a-z]{3}", codes.sub("", a))) == []


def test_what_people_typed_is_never_taken_for_a_sentence_of_the_rules():
    with override("ar"):
        for text in (
            "Protection of civilians",
            "Request for information to Zandria",
            "Vote against",
            "3 of us",
            "FND-1",
        ):
            assert sentences.said(text) == text


def acts_in_code():
    """Names of acts as the code writes them into the record, and as lifecycles name their moves."""
    for file in PACKAGE.rglob("*.py"):
        if {"tests", "migrations"} & set(file.parts):
            continue
        text = file.read_text()
        if file.name == "lifecycle.py":
            yield from (name.replace("_", " ") for name in re.findall(r'^\s+"([a-z_]+)":\s+move\(', text, re.M))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                name = node.args[0].value
                if (
                    called in ("append", "entered_first")
                    and isinstance(name, str)
                    and re.fullmatch(r"[a-z][a-z'-]+( [a-z'-]+)+", name)
                ):
                    yield name


def test_every_act_that_the_code_records_is_said_in_every_language():
    named, known = set(acts_in_code()), {*sentences.NAMES, *acts.ACTS}
    assert len(named) > 180
    assert named - known == {"one supporting item and a coherent account"} & named
    for language in LANGUAGES:
        translated = catalogue(language)
        assert [name for name in sorted(known) if not translated.get(name)] == []


def test_what_would_make_a_pattern_fall_is_said_sentence_by_sentence():
    text = (
        "Falls if 15 incidents fall and with no fewer, for example: INC-A, INC-B and 3 more. "
        "INC-C would then fall with the base set (V3d needs 5)."
    )
    with override("es"):
        assert sentences.said(text) == (
            "Cae si caen 15 incidentes, y con no menos, por ejemplo: INC-A, INC-B y 3 más. "
            "INC-C caería entonces con el conjunto de base (V3d necesita 5)."
        )
        assert sentences.said("Falls if the sky falls. And more.") == "Falls if the sky falls. And more."
