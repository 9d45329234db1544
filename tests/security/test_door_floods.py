"""Whoever wants to fill the door up: its memory and its disk are bounded, words come before files, and nobody inside is put out."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from door_support import ask_at_the_door, began, enter
from tests_support import see_all

from answerable.channel import actions, entities, room
from answerable.channel.models import Attachment
from answerable.channel.operations import writing
from answerable.common import faults
from answerable.common.errors import Refused
from answerable.vault import chamber, doors

# --- memory -------------------------------------------------------------------------------------------------------


@pytest.fixture
def house(monkeypatch):
    """A door of its own, with a clock that is set by hand and room for some ten forms."""
    at = [1000.0]
    monkeypatch.setattr(chamber, "seconds", lambda: at[0])
    made = doors.Doors()
    made.at = at
    return made


def begun(house, size: int = 1000) -> str:
    house.at[0] += 1
    token = house.begin({"answers": {}}, writing=True)
    house.write(token, {"answers": {"text": os.urandom(size // 2).hex()}})
    return token


def held(house) -> int:
    return sum(len(s.sealed) for s in house.sessions.values())


def test_begun_forms_together_stay_within_their_bytes_and_the_idlest_gives_way(house, monkeypatch):
    monkeypatch.setattr(doors, "BEGUN_BYTES", 100_000)
    forms = [begun(house, 9_000) for _ in range(30)]
    assert 80_000 < held(house) <= 100_000
    left = [t for t in forms if house.read(t)]
    assert left == forms[-len(left) :] and all(house.made_room(t) for t in forms[: -len(left)])
    assert not house.made_room(left[0]) and not house.made_room("A" * 64) and not house.made_room("nothing")
    house.read(left[0])  # touched again, it is not the idlest any more
    house.at[0] += 1
    house.read(left[0])
    begun(house, 9_000)
    assert house.read(left[0]) and house.read(left[1]) is None


def test_nobody_gives_way_before_the_bound_is_met(house, monkeypatch):
    monkeypatch.setattr(doors, "BEGUN_BYTES", 1_000_000)
    forms = [begun(house, 9_000) for _ in range(40)]
    assert all(house.read(t) for t in forms) and not house.gave_way


def test_a_few_lines_left_for_long_outlast_a_flood_of_long_forms(house, monkeypatch):
    monkeypatch.setattr(doors, "BEGUN_BYTES", 400_000)
    hers = begun(house, 500)
    for _ in range(100):
        begun(house, 60_000)
    assert house.read(hers)


def test_whoever_came_in_with_a_code_never_gives_way_to_who_did_not(house, monkeypatch):
    monkeypatch.setattr(doors, "BEGUN_BYTES", 50_000)
    monkeypatch.setattr(doors, "SESSIONS", 30)
    inside = [
        house.begin({"level": level}, channel=f"THR-{n}", inside=level) for n, level in enumerate(["page", "new"] * 5)
    ]
    long = house.begin({"long": os.urandom(30_000).hex()}, channel="THR-long", inside="page")
    for _ in range(200):
        begun(house, 4_000)
        house.begin({"level": ""}, channel="-")  # a code that opened nothing
    assert len(house.sessions) <= 30 and all(house.read(t) for t in [*inside, long])


def test_sessions_of_one_channel_are_bounded_and_a_paper_code_alone_puts_her_page_out_of_reach(house):
    hers = house.begin({}, channel="THR-1", inside="page")
    for _ in range(3 * doors.OF_ONE_CHANNEL):
        house.at[0] += 1
        house.begin({}, channel="THR-1", inside="new")
    assert house.read(hers) is not None
    assert sum(s.inside == "new" for s in house.sessions.values()) == doors.OF_ONE_CHANNEL


def test_a_page_opened_while_its_pin_changed_is_over_at_once(house):
    began_at, stays = house.at[0], house.begin({}, channel="THR-1", inside="page")
    house.at[0] += 1
    house.end_all_of("THR-1", but=stays)
    late = house.begin({}, channel="THR-1", inside="page", since=began_at)
    assert house.read(stays) is not None and house.read(late) is None
    house.at[0] += 1
    assert house.read(house.begin({}, channel="THR-1", inside="page", since=house.at[0])) is not None


def test_many_who_write_close_the_door_to_nobody_with_a_code(house):
    assert sum(house.crowded(writing=True) for _ in range(doors.CROWD + 5)) == 5
    assert house.crowded() is False


@pytest.mark.django_db
def test_a_form_has_an_end_and_a_long_one_in_any_script_fits(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    token = visitor.cookies["visit"].value
    for name in ("account", "preferences", "safe_contact"):
        assert ask_at_the_door("door_answer", token=token, name=name, value="س" * 18_000, at=1)
    with pytest.raises(Refused, match="more than one form holds"):
        for n in range(20):
            ask_at_the_door("door_answer", token=token, name=f"more{n}", value="س" * 18_000, at=1)
    assert len(doors.DOORS.read(token)["answers"]["account"]) == 18_000
    assert held(doors.DOORS) < 2 * writing.LARGEST_FORM


@pytest.mark.django_db
def test_what_gave_way_is_said_kindly_and_a_crowd_of_writers_is_asked_for_patience(door, monkeypatch):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="help")
    visitor.next("yes")
    with monkeypatch.context() as patch:
        patch.setattr(doors, "BEGUN_BYTES", 1)
        for _ in range(10):
            ask_at_the_door("door_begin", kind="help", token="")
    page = visitor.see("/write/")
    assert "had to make room" in page and "Nothing of it was sent" in page and "Begin again" in page
    other = door()
    other.see("/begin/")
    doors.DOORS.writing.extend([chamber.seconds()] * doors.CROWD)
    assert other.send("/begin/", kind="help").headers["Location"] == "/busy/"
    doors.DOORS.writing.clear()


# --- who stays inside ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_who_came_in_with_the_old_pin_is_out_when_it_is_changed(door):
    code = began(door(), pin="73519", text="Hello.")
    (hers, page), (other, seen), (paper, _seen) = (
        enter(door, code, "73519"),
        enter(door, code, "73519"),
        enter(door, code),
    )
    assert "Your page" in page and "Your page" in seen
    form = {"t": other.token(), "code": code, "pin": "55555"}
    said = hers.say("/inside/pin/", code=code, pin="99111")
    assert "new PIN counts" in said and "is out now" in said and "Your page" in said
    assert "This page is closed" in other.see("/inside/")
    assert other.get("/inside/text/").status_code == 303
    assert other.post("/inside/pin/", form).headers["Location"] == "/closed/"
    assert "This page is closed" in paper.see("/inside/")
    assert "Your page" in enter(door, code, "99111")[1] and "Your page" not in enter(door, code, "55555")[1]
    assert "Your page" in hers.see("/inside/")


# --- the disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def limits(monkeypatch, settings, tmp_path):
    """Small figures, and a folder of its own."""
    settings.QUARANTINE = tmp_path / "quarantine"
    chosen = {"bytes_of_one": 10_000, "files_of_one": 3, "bytes_of_all": 20_000, "files_of_all": 5, "kept_free": 0}
    monkeypatch.setattr(room, "limits", lambda: room.Limits(**chosen))
    return chosen


def sends(visitor, size: int = 100) -> str:
    visitor.see("/inside/")
    return visitor.say("/inside/file/", file=SimpleUploadedFile("x.txt", b"w" * size, "text/plain"))


def came() -> int:
    see_all()
    return Attachment.objects.count()


@pytest.mark.django_db
def test_a_conversation_has_a_days_budget_of_files_and_words_go_on(door, limits):
    visitor, before = door(), came()
    began(visitor, pin="4711", text="Hello.")
    for _ in range(3):
        assert "file is received" in sends(visitor)
    page = sends(visitor)
    assert "up to 3 files" in page and "from midnight on" in page and came() == before + 3
    assert len(list(room.Path(room.settings.QUARANTINE).iterdir())) == 3
    assert "received and locked" in visitor.say("/inside/write/", text="It shows a house.")
    limits["files_of_one"] = 30
    assert "would be more" in sends(visitor, 10_000) and "file is received" in sends(visitor, 100)


@pytest.mark.django_db
def test_all_doors_together_have_one_too(door, limits):
    for _ in range(2):
        visitor = door()
        began(visitor, pin="4711", text="Hello.")
        for _file in range(2):
            assert "file is received" in sends(visitor)
    third = door()
    began(third, pin="4711", text="Hello.")
    assert "file is received" in sends(third)
    assert "no more can be kept before midnight" in sends(third)
    (said,) = entities._room(SimpleNamespace(roles={"system_administrator"}))
    assert said["what"].startswith("5 files") and entities._room(SimpleNamespace(roles={"registrar"})) == []


@pytest.mark.django_db
def test_below_the_floor_of_free_space_files_are_refused_and_words_are_not(door, limits, monkeypatch):
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    limits["kept_free"] = 2048 * room.MB
    usage, free = namedtuple("usage", "total used free"), [2047 * room.MB]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, free[0]))
    page, before = sends(visitor), came()
    assert "too little room here" in page and "Words are taken as always" in page
    assert list(room.Path(room.settings.QUARANTINE).parent.glob("quarantine/*")) == []
    assert "received and locked" in visitor.say("/inside/write/", text="It shows a house.")
    (said,) = entities._room(SimpleNamespace(roles={"system_administrator"}))
    assert said["what"] == "2047 MB are free; files are refused until there are 2048 MB." and said["urgency"] == 0
    free[0] = 3000 * room.MB
    (said,) = entities._room(SimpleNamespace(roles={"system_administrator"}))
    assert "below 2048 MB" in said["what"]
    assert "file is received" in sends(visitor) and came() == before + 1
    free[0] = 9000 * room.MB
    assert entities._room(SimpleNamespace(roles={"system_administrator"})) == []


@pytest.mark.django_db
def test_the_vault_counts_for_itself_what_is_entered(door, limits, monkeypatch):
    """A door that does not ask first enters no more than one that does."""
    from answerable.channel import views

    visitor, before = door(), came()
    began(visitor, pin="4711", text="Hello.")
    monkeypatch.setattr(views, "ask", lambda op, /, **args: op == "door_room" or ask_at_the_door(op, **args))
    for _ in range(5):
        sends(visitor)
    assert came() == before + 3 and len(list(room.Path(room.settings.QUARANTINE).iterdir())) == 3


@pytest.mark.django_db
def test_on_a_full_disk_what_is_said_is_true(door, limits, monkeypatch):
    class DiskFull(Exception):
        sqlstate = "53100"

    def full(*_args, **_kwargs):
        raise OperationalError from DiskFull()

    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    with monkeypatch.context() as patch:
        patch.setattr(actions, "leave_message", full)
        page = visitor.say("/inside/write/", text="It shows a house.")
    assert "no room left here" in page and "Too many people" not in page
    visitor.raise_request_exception = False
    monkeypatch.setattr(
        "answerable.channel.views.intake.receive", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.ENOSPC, ""))
    )
    assert "no room left here" in sends(visitor)


@pytest.mark.parametrize(
    "fault, full", [(OSError(errno.ENOSPC, ""), True), (OSError(errno.EPERM, ""), False), (ValueError(), False)]
)
def test_a_full_disk_is_known_from_other_faults(fault, full):
    assert faults.is_full(fault) is full
