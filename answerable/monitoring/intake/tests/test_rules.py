"""The one check: what is kept of a row, and each thing that can be wrong with it."""

from datetime import date

import pytest

from answerable.common.references import new_ref
from answerable.monitoring.intake import readers, rules

BOX = (44.0, 22.0, 52.5, 40.5)
WORLD = rules.World(date(2026, 6, 1), {"zandria": "SIT-1", "sit-1": "SIT-1"}, {"SIT-1": {"first brigade": "PTY-1", "pty-1": "PTY-1"}},
                    boxes={"SIT-1": (BOX,)}, interviews={"itv-1": "ITV-1"})  # fmt: skip
ROW = {"situation": "Zandria", "referral_offered": "yes", "searched_first": "yes", "when": "2026-03", "area1": "North", "party": "First Brigade",
       "actor_types": "ACT-STF", "forms": "SV-RAPE", "links": "LK-PERP", "link_reason": "their badges", "victims": "3", "risk": "high"}  # fmt: skip
TOLD = {"kind": "testimony", "directness": "primary", "captured_on": "2026-04-01", "testimony": "T1", "purposes": "CP-MONI",
        "understood": "yes", "withdrawal_told": "yes"}  # fmt: skip


def problems(**more):
    clean, found = rules.check({**ROW, **more}, WORLD)
    assert (clean is None) is bool(found)
    return {name: str(p) for name, p in found.items()}


def clean(**more):
    found, wrong = rules.check({**ROW, **more}, WORLD)
    assert wrong == {}, {n: str(p) for n, p in wrong.items()}
    return found


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("when", "2026-02-30", "There is no day 30"),
        ("when", "2026-07", "lies in the future"),
        ("when", "", "missing"),
        ("forms", "SV-RAEP", "There is no code SV-RAEP in the list. The nearest are: SV-RAPE"),
        ("forms", "her neighbour's name", "a code that is not in the list"),
        ("forms", "SV-RAPE PNS", "stands alone"),
        ("links", "PNS", "not an answer to this question"),
        ("victims", "many", "whole number"),
        ("victims", "-3", "whole number"),
        ("victims", "3.5", "whole number"),
        ("victims", "0", "at least one"),
        ("victims_min", "0", "leave “at least” and “at most” empty"),
        ("victims_max", "0.0", "at least one"),
        ("victims_min", "5", "lies between"),
        ("victim_counts", "VC-WOM:9", "counts more people than the most"),
        ("victim_counts", "VC-GIR:1 VC-WOM:3", "are different people"),
        ("victim_counts", "three women", "a code and a number"),
        ("risk", "low high", "one answer"),
        ("referral_offered", "no", "SC-8"),
        ("searched_first", "no", "SC-1"),
        ("area1", "Пiвнiч", "letter 2 is Latin in a word that is otherwise Cyrillic"),
        ("actor_name", "Кoмандир", "mixes two scripts"),
        ("area1", "=cmd()", "name of an area"),
        ("situation", "Nowhere", "no such situation"),
        ("party", "Nobody", "no such armed actor"),
        ("narrative", "x" * 40_001, "longer than 40000"),
    ],
)
def test_each_mistake_is_named_by_its_field(field, value, words):
    found = problems(**{field: value})
    assert len(found) == 1 and words in next(iter(found.values())), found
    assert next(iter(found)) in (field, "victims")


SEVERAL = rules.World(
    date(2026, 6, 1), {"zandria": "SIT-1"},
    {"SIT-1": {"first brigade": "PTY-1", "pty-1": "PTY-1", "night riders": "PTY-2", "pty-2": "PTY-2", "oak, elm and ash": "PTY-3", "pty-3": "PTY-3"},
     "SIT-2": {"border column": "PTY-9", "pty-9": "PTY-9"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "first", "also"),
    [
        ("First Brigade", "PTY-1", None),
        ("First Brigade; night riders", "PTY-1", ["PTY-2"]),
        ("PTY-2 PTY-1", "PTY-2", ["PTY-1"]),
        ("pty-1, pty-2", "PTY-1", ["PTY-2"]),
        ("Night Riders, First Brigade", "PTY-2", ["PTY-1"]),
        ("Oak, Elm and Ash", "PTY-3", None),
        ("Oak, Elm and Ash | PTY-1", "PTY-3", ["PTY-1"]),
        (["PTY-1", "Night riders"], "PTY-1", ["PTY-2"]),
        # The same one by its name and its reference is one.
        (["First Brigade", "PTY-1"], "PTY-1", None),
        ("", "", None),
        ([], "", None),
    ],
)
def test_a_report_names_one_actor_or_several(given, first, also):
    found, wrong = rules.check({**ROW, "party": given}, SEVERAL)
    assert wrong == {} and (found.party, found.coded.get("also_named")) == (first, also)
    assert ("party" in found.lacks) is (first == "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("First Brigade; Border Column", "number 2 is none of this situation"),
        (["Nobody", "PTY-1"], "number 1 is none"),
        ("PTY-9", "no such armed actor in this situation"),
        ("first brigade night riders", "no such armed actor"),
    ],
)
def test_an_actor_that_is_none_or_of_another_situation_is_said_by_its_number(given, words):
    found, wrong = rules.check({**ROW, "party": given}, SEVERAL)
    assert (
        found is None
        and list(wrong) == ["party"]
        and words in str(wrong["party"])
        and "Nobody" not in str(wrong["party"])
    )


def test_more_actors_than_an_incident_has_are_refused():
    many = rules.World(SEVERAL.today, SEVERAL.situations, {"SIT-1": {f"p{n}": f"P{n}" for n in range(20)}})
    _found, wrong = rules.check({**ROW, "party": [f"p{n}" for n in range(13)]}, many)
    assert "at most 12" in str(wrong["party"])
    assert rules.check({**ROW, "party": [f"p{n}" for n in range(12)]}, many)[1] == {}


def test_the_same_actors_in_any_order_are_the_same_report_and_one_alone_is_known_as_before():
    def said(party):
        return rules.same(rules.check({**ROW, "party": party}, SEVERAL)[0])

    assert said("PTY-1;PTY-2") == said("PTY-2 PTY-1") != said("PTY-1")
    assert '"PTY-1"' in said("PTY-1") and "also_named" not in said("PTY-1;PTY-2")


def test_a_begun_report_keeps_the_actors_it_names_and_nothing_else_that_was_typed():
    kept = rules.kept_begun({"party": ["PTY-1", "PTY-2"]}, SEVERAL)
    assert kept == {"party": ["PTY-1", "PTY-2"]}
    assert rules.kept_begun({"party": ["PTY-1", "a name"]}, SEVERAL) == {}


def test_columns_of_one_actor_each_and_the_old_name_of_the_question_are_read():
    one = f"party/{new_ref('PTY')}"
    assert readers.target(one) == one and readers.target("party/Nobody") == readers.target(f"{one}x") == ""
    assert readers.target("Armed actor") == readers.target("Armed actors") == readers.target("parties") == "party"
    assert readers.row_of(["1", "0", "1"], [one, "party/PTY-B", "party/PTY-C"]) == {"party": [one[6:], "PTY-C"]}
    assert readers.row_of(["PTY-A PTY-B", "1"], ["party", one]) == {"party": "PTY-A PTY-B"}


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [
        ("30.5", "50.4", "swapped"),  # inside the countries only the other way round
        ("10", "10", "outside the countries"),
        ("0", "0", "both zero"),
        ("120", "30", "between -90 and 90"),  # the other way round it lies outside as well
        ("50.4", "", "belong together"),
        ("95", "200", "between -90 and 90"),
        ("50°24'N", "30", "degrees with a point"),
    ],
)
def test_coordinates_that_cannot_be_are_said(lat, lon, words):
    assert words in " ".join(problems(latitude=lat, longitude=lon).values())


def test_coordinates_and_area_three_are_sealed_with_the_place_and_nowhere_else():
    found = clean(latitude="50.4", longitude="30.5", place="the school", area3="Third")
    assert found.texts["place"] == "the school\nThird\n50.4, 30.5"
    assert not {"latitude", "longitude", "place", "area3", "actor_name", "narrative", "link_reason"} & set(found.coded)


def test_prefer_not_to_say_is_an_answer():
    found = clean(settings="PNS", consequences="pns", forms="PNS", actor_types="PNS")
    assert (
        found.coded["settings"] == []
        and found.coded["forms"] == ["SV-UNSP"]
        and found.coded["actor_types"] == ["ACT-UNK"]
    )
    assert found.coded["declined"] == ["actor_types", "forms", "settings", "consequences"]


def test_codes_are_read_in_any_case_by_label_and_in_any_of_five_languages():
    for text in (
        "sv-rape sv-slav",
        "SV-RAPE;SV-SLAV",
        "Rape; Sexual slavery",
        "Viol|Esclavage sexuel",
        "اغتصاب;استعباد جنسي",
        ["SV-RAPE", "SV-SLAV"],
    ):
        assert clean(forms=text).coded["forms"] == ["SV-RAPE", "SV-SLAV"], text


def test_a_draft_may_lack_its_actor_and_its_reason():
    assert clean(party="", link_reason="").lacks == ["party", "link_reason"]


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"reliability": "A"}, "items.1.reliability", "R-VER-0"),
        ({"kind": "document"}, "items.1.testimony", "R-VER-0"),
        ({"kind": "document", "testimony": "", "reliability": "B"}, "items.1.credibility", "both or neither"),
        ({"understood": "no"}, "items.1.understood", "SC-3"),
        ({"withdrawal_told": ""}, "items.1.withdrawal_told", "SC-3"),
        ({"giver": "guardian"}, "items.1.giver", "SC-11"),
        ({"consent_until": "2026-01-01"}, "items.1.consent_until", "ended already"),
        ({"captured_on": "2026-06-02"}, "items.1.captured_on", "after today"),
        ({"captured_on": "2026-03"}, "items.1.captured_on", "a single day"),
        ({"item_language": "French"}, "items.1.item_language", "as a code"),
        ({"directness": ""}, "items.1.directness", "missing"),
    ],
)
def test_an_item_and_its_consent_are_held_to_the_rules(more, field, words):
    found = problems(items=[{**TOLD, **more}])
    assert words in found.get(field, ""), found


def test_questions_that_do_not_apply_are_not_read():
    document = {
        **TOLD,
        "kind": "document",
        "testimony": "",
        "reliability": "B",
        "credibility": "2",
        "purposes": "nonsense",
    }
    assert "purposes" not in clean(items=[document]).items[0].coded


def test_no_sentence_repeats_what_was_typed():
    word = "canary7f3a"
    row = dict.fromkeys([*ROW, "latitude", "longitude", "victim_counts", "settings"], word)
    found = rules.check({**row, "items": [dict.fromkeys([*TOLD, "reliability", "giver"], word)]}, WORLD)[1]
    assert len(found) > 12 and word not in " ".join(map(str, found.values()))


# --- columns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("forms", "forms"), ("report/forms", "forms"), ("group-forms", "forms"), ("items/consent/purposes", "purposes"),
        ("consent-purposes/CP-MONI", "purposes/CP-MONI"), ("report/forms/SV-RAPE", "forms/SV-RAPE"), ("forms/PNS", "forms/PNS"),
        ("forms/other", ""), ("What happened", "narrative"), ("_uuid", ""), ("Name of the victim", ""),
    ],
)  # fmt: skip
def test_a_column_is_known_by_its_name_behind_the_groups(header, field):
    assert readers.target(header) == field


def test_joined_answers_count_before_split_ones():
    mapping = ["forms", "forms/SV-RAPE", "forms/SV-SLAV"]
    assert readers.row_of(["SV-MARR", "1", "0"], mapping) == {"forms": "SV-MARR"}
    assert readers.row_of(["", "1", "0"], mapping) == {"forms": ["SV-RAPE"]}
    assert readers.row_of(["", "True", "TRUE"], mapping) == {"forms": ["SV-RAPE", "SV-SLAV"]}


def test_categories_that_overlap_may_count_more_together_than_all():
    assert not problems(victim_counts="VC-GIR:1 VC-WOM:2 VC-IDP:3 VC-DIS:1")
