"""What may carry a level: grades that fit their kind, assessors who are counted, persons who differ, and consents."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from tests_support import see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake.actions import interviewing, reporting
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.linking.models import LinkPair
from answerable.monitoring.looking import queries as looking
from answerable.monitoring.looking.rules import Filters
from answerable.monitoring.models import Incident, SourceItem

pytestmark = pytest.mark.django_db
T1 = {"kind": "testimony", "primary": True, "testimony": "T1", "purposes": ["CP-MONI", "CP-FIND"]}


def person(handle: str) -> Person:
    see_all()
    return Person.objects.select_related("body__state").get(handle=handle)


@pytest.fixture
def report(saved):
    """`report()` files a report about the brigade, twenty days ago, by sami."""
    party = saved("$brigade")

    def file(**more):
        values = {
            "situation": party.situation, "party": party, "on": clock.today() - timedelta(days=20), "area1": "Zandria South",
            "area2": "Z-41", "victims": 2, "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "They wore badges.",
            "referral_offered": True, "searched_first": True, "by": person("sami"), **more,
        }  # fmt: skip
        made = actions.receive_report(**values)
        see_all()
        return made

    return file


def add(incident, **more) -> SourceItem:
    made = actions.add_item(incident, **more, by=person("sami"))
    see_all()
    return made


def graded(item, grade="T1") -> SourceItem:
    """Two assessors give an account this grade, each alone."""
    for who in ("vera", "lena"):
        evidence.assess_item(item, testimony=grade, reasons="r", by=person(who))
    see_all()
    item.refresh_from_db()
    return item


def concluded(incident, matches=False) -> Incident:
    actions.move_incident(Incident.objects.get(pk=incident.pk), "triage", by=person("sami"))
    actions.move_incident(Incident.objects.get(pk=incident.pk), "begin_verification", by=person("vera"))
    made = actions.verify_incident(Incident.objects.get(pk=incident.pk), matches_pattern=matches, by=person("vera"))
    see_all()
    return made


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"kind": "testimony", "reliability": "A", "credibility": 1, "purposes": ["CP-MONI"]}, "never A to F"),
        ({"kind": "document", "testimony": "T1"}, "Only an account of a person"),
        ({"kind": "medical", "testimony": "T1", "purposes": ["CP-MONI"]}, "Only an account of a person"),
        ({"kind": "testimony", "testimony": "T1"}, "only with her yes"),
        ({"kind": "medical", "reliability": "A", "credibility": 1}, "only with her yes"),
        ({"kind": "document", "reliability": "A", "credibility": 9}, "1 to 6"),
        ({"kind": "document", "reliability": "A", "credibility": 1, "captured_on": "tomorrow"}, "after today"),
        ({"kind": "rumour"}, "a code that is not in the list"),
    ],
)  # fmt: skip
def test_an_item_whose_grade_consent_or_day_does_not_fit_its_kind_is_refused(report, item, says):
    if item.get("captured_on"):
        item = {**item, "captured_on": clock.today() + timedelta(days=1)}
    incident = report()
    with pytest.raises(Refused, match=says), transaction.atomic():
        add(incident, primary=True, **item)
    see_all()
    assert not incident.items.exists()


def test_the_form_refuses_the_same_and_asks_nobody_how_many_assessors_agree(office, report):
    incident, sami = report(), office("sami")
    page = sami.get(f"/watch/incidents/{incident.ref}/items/").content.decode()
    assert 'name="assessors"' not in page and "two persons' only" in page.replace("&#x27;", "'")
    reply = sami.post(
        f"/watch/incidents/{incident.ref}/items/",
        {
            "kind": "testimony",
            "directness": "primary",
            "captured_on": "2026-02-01",
            "reliability": "A",
            "credibility": "1",
            "assessors": "5",
        },
    )
    see_all()
    assert reply.status_code == 409 and not incident.items.exists()
    asked = interviewing.ask_for_interview(incident.situation, purpose="CP-MONI", added_value="she saw the commander", person="p" * 64,
                                     why_not_enough="no record names him", told_before="no_code", by=person("sami"))  # fmt: skip
    sami.post(f"/watch/incidents/{incident.ref}/items/",
              {"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "assessors": "5",
               "purposes": ["CP-MONI"], "understood": "yes", "withdrawal_told": "yes", "interview": asked.ref})  # fmt: skip
    see_all()
    assert incident.items.get().assessors == 0


@pytest.mark.writes_freely
@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("testimony", {"reliability": "A", "credibility": 1}),
        ("document", {"testimony": "T1"}),
        ("medical", {"testimony": "T2"}),
        ("document", {"reliability": "A", "credibility": 0}),
    ],
)
def test_the_database_itself_holds_the_scale_to_the_kind(report, kind, wrong):
    incident = report()
    with pytest.raises(IntegrityError, match="R_VER_0"), transaction.atomic():
        SourceItem.objects.create(
            compartment=incident.compartment, incident=incident, kind=kind, captured_on=clock.today(), says=b"", **wrong
        )
    item = add(incident, kind="document", reliability="B", credibility=2)
    with pytest.raises(IntegrityError, match="R_VER_0"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE monitoring_sourceitem SET kind = 'testimony' WHERE id = %s", [item.pk])


def test_a_new_grade_fits_the_kind_as_a_first_one_does(report):
    incident, vera = report(), person("vera")
    told, paper = add(incident, **T1), add(incident, kind="document", reliability="B", credibility=2)
    for item, wrong in (
        (told, {"reliability": "A", "credibility": 1}),
        (told, {"testimony": "T7"}),
        (paper, {"testimony": "T1"}),
        (paper, {"reliability": "Z"}),
    ):
        with pytest.raises(Refused), transaction.atomic():
            actions.regrade_item(item, **wrong, by=vera)
        see_all()
    ungraded = add(incident, kind="testimony", purposes=["CP-MONI"])
    assert actions.regrade_item(ungraded, testimony="T2", by=vera).testimony == "T2"


@pytest.mark.writes_freely
def test_a_persons_item_counts_by_its_kind_and_by_her_consent(report):
    incident = report()
    note = add(incident, kind="medical", primary=True, reliability="A", credibility=1, purposes=["CP-MONI"])
    assert note.personal and note.live
    SourceItem.objects.filter(pk=note.pk).update(purposes=[])
    note.refresh_from_db()
    assert note.personal and not note.live
    assert not add(incident, kind="document", reliability="A", credibility=1).personal


def test_two_accounts_without_pseudonyms_are_not_two_persons(report):
    unnamed, named = report(), report(area2="Z-42")
    for told in (unnamed, {}), (unnamed, {}), (named, {"person_key": "p-1"}), (named, {"person_key": "P-2"}):
        graded(add(told[0], **T1, **told[1]))
    assert (concluded(unnamed).level, concluded(named).level) == ("V2", "V3b")
    graded(add(unnamed, **T1, person_key="one"))
    unnamed.refresh_from_db()
    assert unnamed.level == "V2"


def test_assessors_are_counted_from_what_each_recorded_alone(report):
    incident, vera, lena = report(), person("vera"), person("lena")
    item = add(incident, **T1, person_key="p-1")
    assert item.assessors == 0
    for grade in ("T4", "T1"):
        item = actions.regrade_item(item, testimony=grade, by=vera)
        see_all()
    assert item.assessors == 0, "one person who regrades twice confirms nothing"
    evidence.assess_item(item, testimony="T1", reasons="r", by=vera)
    see_all()
    item.refresh_from_db()
    assert item.assessors < 2
    with pytest.raises(Refused, match="grades an item once"), transaction.atomic():
        evidence.assess_item(item, testimony="T1", reasons="r", by=vera)
    with pytest.raises(Refused), transaction.atomic():
        evidence.assess_item(item, testimony="T1", reasons="r", by=person("sami"))
    see_all()
    evidence.assess_item(item, testimony="T1", reasons="r", by=lena)
    see_all()
    item.refresh_from_db()
    assert (item.testimony, item.assessors) == ("T1", 2)
    item = actions.regrade_item(item, testimony="T2", by=vera)
    assert item.assessors == 0, "nobody recorded T2"
    see_all()
    assert actions.regrade_item(item, testimony="T1", by=vera).assessors == 2


@pytest.mark.slow
def test_a_grade_that_the_collector_typed_carries_no_more_than_v2(report, office):
    """R-VER-0: accounts get T1 to T4 from two assessors; the newcomer's two T1 accounts, typed by one person."""
    incident = report()
    first, second = (add(incident, **T1, person_key=key) for key in ("p-1", "p-2"))
    assert (concluded(incident).level, Incident.objects.get(pk=incident.pk).status) == ("V2", "CREDIBLE")
    known = office("vera").get(f"/watch/incidents/{incident.ref}/known/").content.decode()
    assert "counts for V2 and no more" in known and "V3b: two" not in known
    graded(first)
    incident.refresh_from_db()
    assert incident.level == "V2"
    evidence.assess_item(second, testimony="T1", reasons="r", by=person("vera"))
    see_all()
    incident.refresh_from_db()
    assert incident.level == "V2", "one assessor is not two"
    evidence.assess_item(second, testimony="T2", reasons="r", by=person("lena"))
    see_all()
    incident.refresh_from_db()
    assert (incident.level, incident.held_back) == ("V2", "V3b"), "and a verifier concludes it (decision 0058)"
    incident = actions.verify_incident(incident, by=person("vera"))
    see_all()
    assert (incident.level, incident.status) == ("V3b", "VERIFIED")
    second.refresh_from_db()
    actions.regrade_item(second, testimony="T1", by=person("lena"))
    see_all()
    incident.refresh_from_db()
    assert incident.level == "V2", "a more generous grade by one person is not two assessors'"


def test_one_account_and_no_assessor_is_never_v3d(report, saved):
    incident = report(on=saved("$I1").on, area2="Z-07")
    add(incident, **T1, person_key="p-1")
    assert concluded(incident, matches=True).level == "V2"


ROW = {
    "referral_offered": "yes", "searched_first": "yes", "when": "2026-01-12", "area1": "Zandria South", "actor_types": "ACT-STF",
    "forms": "SV-RAPE", "links": "LK-PERP", "link_reason": "the unit wore its badges", "victims": "3", "risk": "high",
    "narrative": "what was told",
}  # fmt: skip
TOLD = {
    "kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "purposes": "CP-MONI",
    "understood": "yes", "withdrawal_told": "yes", "says": "a",
}  # fmt: skip


@pytest.fixture
def deliver(saved, settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"

    def send(*items):
        row = {**ROW, "situation": saved("$zandria").ref, "party": saved("$brigade").ref, "items": list(items)}
        _draft, incident = reporting.deliver_report(row, route="api", by=person("dana"))
        see_all()
        return incident

    return send


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"testimony_second": "T1"}, "items.1.testimony_second"),
        ({"testimony": "", "reliability": "A", "credibility": "1"}, "items.1.reliability"),
        ({"kind": "document"}, "items.1.testimony"),
        ({"kind": "medical", "testimony": "", "reliability": "A", "credibility": "1", "purposes": ""}, "items.1.purposes"),
        ({"purposes": ""}, "items.1.purposes"),
        ({"captured_on": "2099-01-01"}, "items.1.captured_on"),
        ({"person_key": "Amina of Dorn"}, "items.1.person_key"),
    ],
)  # fmt: skip
def test_a_delivery_is_held_to_the_same_rule(deliver, wrong, field):
    with pytest.raises(Problems) as no, transaction.atomic():
        deliver({**TOLD, **wrong})
    assert set(no.value.problems) == {field} and "Amina" not in str(no.value.problems)


@pytest.mark.slow
def test_a_delivered_account_brings_its_pseudonym_and_no_assessor(deliver):
    incident = deliver({**TOLD, "person_key": "P-07"}, {**TOLD, "person_key": "p-08", "says": "b"})
    kept = list(incident.items.values_list("person_key", "assessors"))
    # A pseudonym is kept as a mark, which means something within the organisation alone.
    assert len({key for key, _n in kept}) == 2 and {(len(key), n) for key, n in kept} == {(40, 0)}
    assert concluded(incident).level == "V2", "nobody graded either account but whoever brought them"
    for item in incident.items.all():
        graded(item)
    incident.refresh_from_db()
    assert (incident.level, incident.held_back) == ("V2", "V3b")
    assert actions.verify_incident(incident, by=person("vera")).level == "V3b"
    alone = deliver({**TOLD, "says": "c"}, {**TOLD, "says": "d"})
    assert concluded(alone).level == "V2"


# --- "verified" is a verifier's word --------------------------------------------------------------------------------


def fragments(page: str, ref: str) -> list[str]:
    """What a page says beside a reference: its rows and list entries that name it, in words."""
    found = re.findall(r"<(tr|li|p|dd|h1)\b[^>]*>((?:(?!</?\1\b).)*?" + re.escape(ref) + r".*?)</\1>", page, re.S)
    return [re.sub(r"<[^>]+>|\s+", " ", text) for _tag, text in found]


@pytest.mark.slow
def test_verified_and_a_level_are_said_of_a_report_only_once_a_verifier_concluded_it(office, report, saved):
    strong = {"kind": "document", "primary": True, "reliability": "A", "credibility": 1}
    incident, beside = report(area1="Unconcluded", victims=3), report(area1="Unconcluded", victims=3)
    for one in (incident, beside):
        for _n in range(3):
            add(one, **strong)
    add(
        incident, kind="testimony", primary=True, testimony="T3", purposes=["CP-MONI"]
    )  # what leaves has a live consent
    incident.refresh_from_db()
    assert incident.level == "V4" and incident.shown_level == "would be V4" and incident.concluded_level == ""
    situation, sami, vera = saved("$zandria"), office("sami"), office("vera")
    pair = LinkPair.objects.get(first=incident, second=beside)
    pages = [
        f"/watch/incidents/{incident.ref}/", f"/watch/incidents/{incident.ref}/known/", f"/watch/{situation.ref}/",
        f"/watch/{situation.ref}/?area=Unconcluded", "/watch/incidents/", f"/watch/links/{pair.ref}/", "/today/",
        f"/record/{incident.ref}/", f"/watch/{situation.ref}/periods/", f"/watch/incidents/{incident.ref}/opinion/",
    ]  # fmt: skip
    looked = 0
    for client in (sami, vera):
        for url in pages:
            reply = client.get(url)
            if reply.status_code != 200:
                continue
            page = re.sub(r"<select.*?</select>", "", reply.content.decode(), flags=re.S)  # choices say nothing of it
            page = re.sub(r"</?bdi>", "", page)
            whole = f"/{incident.ref}/" in url
            for words in (
                [re.sub(r"<[^>]+>|\s+", " ", page.split("<main", 1)[-1])] if whole else fragments(page, incident.ref)
            ):
                looked += 1
                # Why the items would give it is said on the report's own pages, below the word that nobody concluded it.
                said = words.replace(" ".join(incident.because), "").replace("V4: three independent roots", "")
                assert not re.search(r"\bV4\b", said.replace("would be V4", "")), (
                    url,
                    words,
                )
            if whole:
                assert 'class="kind verified"' not in page.split("<main", 1)[-1], url
    assert looked >= 8
    see_all()
    # Nor is it counted at that level, filtered by it, or given to a programme as verified.
    counts = looking.counts(situation)
    assert {c.value: c.verified for c in counts.by["level"]}[""] == 0
    assert incident not in looking.matching(person("sami"), situation, Filters(level="V4"))
    _token, secret = alliance.make_token(person("sami"), "monitoring", by=person("sami"))
    headers = {"Authorization": f"Bearer {secret}"}
    answered = {r["ref"]: r for r in sami.get("/api/incidents", headers=headers).json()["rows"]}
    assert (answered[incident.ref]["level"], answered[incident.ref]["status"]) == ("", "SUBMITTED")
    see_all()
    done = concluded(incident)
    assert (done.level, done.shown_level, done.verified) == ("V4", "V4", True)
    assert 'class="kind verified"' in vera.get(f"/watch/incidents/{incident.ref}/").content.decode()
    answered = {r["ref"]: r for r in sami.get("/api/incidents", headers=headers).json()["rows"]}
    assert answered[incident.ref]["level"] == "V4"
    assert incident in looking.matching(person("sami"), situation, Filters(level="V4"))
    # A report that is reopened, referred or withdrawn keeps no verified number either.
    actions.move_incident(Incident.objects.get(pk=incident.pk), "reopen", by=person("sami"))
    see_all()
    page = vera.get(f"/watch/incidents/{incident.ref}/").content.decode().split("<main", 1)[-1]
    assert 'class="kind verified"' not in page and 'class="kind reported"' in page


# Lines that pass a level on to a rule or to the tallies, which look at the status as well.
TO_RULES = {
    "level=rules.Level(i.level, tuple(i.because)),",
    "return i.level if i.level and i.level.code == code else rules.Level(code, ())",
    "incident.ref, incident.level, items, incident.precision, incident.victims, incident.submitted_at.isoformat()",
}


def test_no_page_and_no_answer_shows_the_level_of_a_report_past_its_state():
    """What is shown is `shown_level` or `concluded_level`; `level` is for rules, for acts and for what they give back."""
    root = Path(__file__).resolve().parents[2] / "answerable"
    for template in root.glob("*/templates/**/*.html"):
        shown = re.findall(r"\b(?:i|incident|report|first|second)\.level\b", template.read_text(encoding="utf-8"))
        assert not shown, (template.name, shown)
    computing = {"rules.py", "live.py", "contributing.py", "recomputing.py", "actions.py", "models.py", "runner.py"}
    for module in root.rglob("*.py"):
        if module.name in computing or {"migrations", "tests", "actions"} & set(module.parts):
            continue
        for line in map(str.strip, module.read_text(encoding="utf-8").splitlines()):
            read = re.search(r"\b(?:i|incident|report)\.level\b(?!\.)(?! (?:and|or)\b)(?!\})", line)
            assert not read or line in TO_RULES or "monitoring_axes(" in line, (module.name, line)
