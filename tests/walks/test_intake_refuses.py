"""What the one way in refuses with a sentence: what cannot be kept, what is no text, and the same source twice."""

from __future__ import annotations

import json

import pytest
from walks import test_intake, test_intake_versions
from walks.test_intake import bring, row

post, dana, own_folders = test_intake.post, test_intake_versions.dana, test_intake_versions.own_folders
PAPER = {
    "kind": "document",
    "directness": "primary",
    "captured_on": "2026-02-01",
    "reliability": "A",
    "credibility": "1",
    "says": "An order",
}


@pytest.mark.parametrize("name", ["narrative", "situation", "party", "area1", "submission_id", "link_reason", "forms"])
@pytest.mark.parametrize("character", ["\ud800", "\x00"])
def test_a_character_that_cannot_be_kept_is_refused_by_field(post, saved, name, character):
    said = row(saved)
    reply = post({**said, name: [character] if name == "forms" else f"x{character}y"}, f"key-{name}-1234")
    assert reply.status_code == 422, reply.content
    assert "cannot be kept" in reply.json()["problems"][name]
    assert post({**said, "items": [{**PAPER, "says": f"x{character}y"}]}, f"key-{name}-5678").status_code == 422


def test_the_same_in_a_file_is_named_by_row(dana, saved):
    bad = {
        **row(saved),
        "narrative": "x\ud800y",
        "_uuid": "u\ud800",
        "_id": 1,
        "_submission_time": "2026-05-01T00:00:00",
        "q\ud800": "1",
    }
    good = {**row(saved, victims="9"), "_uuid": "v", "_id": 2, "_submission_time": "2026-05-01T00:00:00"}
    batch = bring(json.dumps({"results": [bad, good]}).encode(), dana, name="x.json")
    assert batch.kept == 1 and [(p[0], p[1]) for p in batch.problems] == [(1, "narrative")]


@pytest.mark.parametrize("said", [[[]], True, -1, "NaN", {"a": {"b": 1}}, ["a"]])
@pytest.mark.parametrize("name", ["link_reason", "narrative", "area1"])
def test_what_is_no_text_is_refused_where_text_belongs(post, saved, said, name):
    reply = post({**row(saved), name: said}, "key-text-1234")
    assert reply.status_code == 422 and name in reply.json()["problems"], reply.content


@pytest.mark.parametrize("depth", [8, 990, 100_000])
def test_a_body_that_nests_without_end_is_refused(post, saved, depth):
    said = json.dumps(row(saved))
    for raw in ("[" * depth + "]" * depth, said[:-1] + ', "forms": ' + "[" * depth + "]" * depth + "}"):
        reply = post(raw, "key-deep-1234")
        assert reply.status_code == 409 and "one report as a JSON object" in reply.json()["refused"]
