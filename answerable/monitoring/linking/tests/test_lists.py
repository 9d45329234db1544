"""Reading lists of actors: small ones made here, and the real ones when they lie beside the checkout."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from answerable.common.errors import Refused
from answerable.monitoring.linking import lists

_ABOVE = [p / "shared" / "data" for p in Path(__file__).resolve().parents]
REAL = Path(os.environ.get("ANSWERABLE_PUBLIC_DATA") or next((p for p in _ABOVE if p.is_dir()), _ABOVE[-1]))
HEAD = "celex,recordId,programKey,schema,name,alias"


def refusal(raw, source):
    with pytest.raises(Refused) as no:
        lists.read_bytes(raw, source)
    return str(no.value)


def test_eu_rows_of_one_person_are_one_entry_and_ships_are_left_out():
    rows = [
        HEAD,
        "X1,1,EU-T,Person,DAUD Karim,Karim Dawood; كريم داود",
        "X1,1,EU-T,Person,DAUD Karim,",
        "X1,2,EU-T,Vessel,MV Vale,",
    ]
    read = lists.read_bytes("\n".join(rows).encode(), "EU-LIST")
    assert [(e.source_id, e.kind, [n.name for n in e.names]) for e in read.entries] == [
        ("X1/1", "person", ["DAUD Karim", "Karim Dawood", "كريم داود"])
    ]
    assert any("1 rows" in n for n in read.notes)


@pytest.mark.parametrize(
    ("raw", "source", "words"),
    [
        (b"a,b\n1,2", "UCDP-ACTORS", "columns ActorId"),
        (f"{HEAD}\nX1,1".encode(), "EU-LIST", "row 2"),
        (HEAD.encode(), "EU-LIST", "names nobody"),
        (b"<CONSOLIDATED_LIST><", "UN-LIST", "line 1"),
        (b"<OTHER/>", "UN-LIST", "not the UN consolidated list"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><CONSOLIDATED_LIST>&a;</CONSOLIDATED_LIST>", "UN-LIST", "entities of its own"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "EU-LIST", "does not unpack"),
    ],
)
def test_a_file_that_is_not_the_list_is_refused_saying_why(raw, source, words):
    said = refusal(raw, source)
    assert words in said


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(lists, "LIMIT_UNPACKED", 1000)
    assert "unpacks to more" in refusal(gzip.compress(b"x" * 5000), "EU-LIST")


@pytest.mark.parametrize(
    ("path", "source", "groups", "people"),
    [
        ("conflict/ucdp-actor-221.csv", "UCDP-ACTORS", 1725, 0),
        ("sanctions/un_sc_consolidated_2024-09-26.xml.gz", "UN-LIST", 193, 682),
        ("sanctions/eu_designations_reduced.csv.gz", "EU-LIST", None, None),
    ],
)
def test_the_real_lists_are_read_whole(path, source, groups, people):
    if not (REAL / path).exists():
        pytest.skip("the public lists lie beside the checkout (shared/data) and are not there")
    read = lists.read(REAL / path, source)
    if groups is not None:
        assert (read.counts.get("group", 0), read.counts.get("person", 0)) == (groups, people)
    else:
        assert read.counts["person"] > 3000 and read.counts["group"] > 2000
    assert all(e.names and e.names[0].name for e in read.entries)


def test_a_name_in_its_own_script_finds_its_romanised_entry_in_the_real_list():
    """Each person of the UN list whose name stands there in Arabic letters too: does the Latin name answer it?"""
    path = REAL / "sanctions/un_sc_consolidated_2024-09-26.xml.gz"
    if not path.exists():
        pytest.skip("the public lists lie beside the checkout (shared/data) and are not there")
    from answerable.engines.linkage import names

    pairs = [
        (own.name, [n.name for n in e.names if names.script(n.name) == "latin"])
        for e in lists.read(path, "UN-LIST").entries
        for own in e.names
        if names.script(own.name) in {"arabic", "cyrillic"}
    ]
    found = sum(names.best([own], latin)[0].worth_a_look for own, latin in pairs)
    assert len(pairs) > 300 and found / len(pairs) > 0.75
