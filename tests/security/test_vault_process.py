"""The vault as a real process: it starts locked, two open it, its doors differ, and killing it loses nothing."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import pytest
from vaulted import PASSPHRASE, World

from answerable.vault import frames, service

ENTRIES = """
import os, sys
os.environ["ANSWERABLE_DOOR"] = "owner"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
import django; django.setup()
from answerable.record.models import Entry, Head
n, size = Entry.objects.count(), Head.objects.get().size
print(Entry.objects.filter(action=sys.argv[1]).count(), n == size)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("vault"))
    yield made
    made.end()


@pytest.fixture
def vault(world):
    world.start()
    yield world
    world.kill()


@pytest.fixture
def opened(vault):
    vault.unlock()
    return vault


def entries(world, action: str) -> tuple[int, bool]:
    n, whole = world.python(ENTRIES, action).stdout.split()
    return int(n), whole == "True"


def read(world, token, ref="claim", fields=("alias",), purpose="contact"):
    return world.ask("open", token=token, ref=world.refs[ref], fields=list(fields), purpose=purpose)


def test_a_vault_that_starts_is_locked_and_opens_nothing(vault):
    assert vault.ask("status")["answer"]["locked"] is True
    reply = read(vault, vault.sign_in("inga"))
    assert reply["reason"] == "vault_locked"


def test_one_keeper_alone_does_not_unlock_it_twice_neither_two_do(vault):
    for _ in range(2):
        assert vault.ask("bring_half", token=vault.sign_in("ines"))["answer"] == {"open": False, "opened": False}
    assert vault.ask("bring_half", token=vault.sign_in("inga"))["reason"] == "not_authorised"
    assert vault.ask("status")["answer"]["locked"] is True
    assert vault.ask("bring_half", token=vault.sign_in("safa"))["answer"] == {"open": True, "opened": True}
    assert read(vault, vault.sign_in("inga"))["answer"] == {"alias": "N."}


def test_a_locked_vault_still_seals_what_comes_in(vault):
    reply = vault.ask("seal", subject="CLM-LOCKED", compartment="claims", model="Claim", fields={"alias": "x"})
    assert len(reply["answer"]["alias"]) > 256


def test_each_door_asks_only_for_what_is_its_own(opened):
    token = opened.sign_in("inga")
    for op, args in (("open", {"token": token, "ref": opened.refs["claim"], "fields": ["alias"], "purpose": "contact"}),
                     ("sign_in", {"handle": "inga", "passphrase": PASSPHRASE}), ("rooms", {}), ("salts", {"pairs": []}),
                     ("lock_here", {}), ("salt", {"index": 1, "subject": "X"}),
                     ("seal", {"subject": "X", "compartment": "claims", "model": "Claim", "fields": {"alias": "x"}}),
                     ("seal_identity", {"subject": "X", "fields": {"name": "x"}}),
                     ("put_data_key", {"subject": "X", "compartment": "claims", "key": b"x" * 32}), ("new_compartment", {"name": "x", "readers": []})):  # fmt: skip
        assert opened.ask(op, "channel", **args)["reason"] == "door", op
    assert opened.ask("lock_here", "office")["reason"] == "door"
    assert opened.ask("nothing like it")["reason"] == "door"
    for door in ("office", "channel", "host"):
        mode = (opened.sockets / f"{door}.sock").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_an_identity_is_sealed_once_and_of_known_fields_alone(opened):
    for fields in ({"shoe_size": "39"}, {"name": "x", "": "y"}, {}):
        assert opened.ask("seal_identity", subject="CLM-ONE", fields=fields)["reason"] == "fields", fields
    assert opened.ask("seal_identity", subject="a|b", fields={"name": "x"})["reason"] == "fields"
    assert opened.ask("seal_identity", subject="CLM-ONE", fields={"name": 7})["reason"] == "arguments"
    assert opened.ask("seal_identity", subject="CLM-ONE", fields={"name": "x"})["answer"] is True
    assert opened.ask("seal_identity", subject="CLM-ONE", fields={"name": "another"})["reason"] == "exists"


def test_an_opening_is_in_the_record_before_it_is_answered(opened):
    before, _ = entries(opened, "sealed field read")
    token = opened.sign_in("inga")
    assert read(opened, token)["answer"] == {"alias": "N."}
    assert entries(opened, "sealed field read") == (before + 1, True)
    # Several fields for one purpose are one entry; a field that is not sealed, and a wrong purpose, are none.
    assert set(read(opened, token, fields=("alias", "safe_contact"))["answer"]) == {"alias", "safe_contact"}
    assert read(opened, token, fields=("status",))["reason"] == "field"
    assert read(opened, token, purpose="adjudication")["reason"] == "not_authorised"
    assert read(opened, opened.sign_in("delegate.avn"))["reason"] == "nothing"
    assert entries(opened, "sealed field read") == (before + 2, True)


def test_the_panic_lock_ends_every_session_at_once(opened):
    inga, odile = opened.sign_in("inga"), opened.sign_in("odile")
    assert opened.ask("lock", token=opened.sign_in("delegate.avn"))["reason"] == "not_authorised"
    assert read(opened, inga)["answer"] == {"alias": "N."}
    assert opened.ask("lock", token=odile)["answer"] is True
    assert read(opened, inga)["reason"] == "locked"
    assert opened.ask("touch", token=inga)["answer"]["person"] == ""
    assert opened.ask("lock_here", "host")["answer"] is True


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\x00", b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xff" + b"x" * 100, b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x04null",
     b"\x00\x00\x00\x0b{\"op\":[\"x\"]}", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x10" + b"\x80" * 16],
    ids=range(9),
)  # fmt: skip
def test_rubbish_on_a_socket_hurts_nobody(vault, rubbish):
    vault.raw(rubbish, "channel", answer=False)
    assert vault.ask("status")["answer"]["founded"] is True


def _below(pid: int) -> list[int]:
    found = []
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = stat_file.read_text().rsplit(")", 1)[1].split()
            if int(words[1]) == pid and words[0] not in "ZX":
                found.append(int(stat_file.parent.name))
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_a_killed_vault_leaves_no_stretching_process_behind(world):
    world.start()
    world.sign_in("inga")
    below = _below(world.vault.pid)
    assert len(below) >= 2
    # Told to stop alone, a stretching process goes on: the vault ends them when it has finished.
    for pid in below:
        os.kill(pid, signal.SIGTERM)
    world.sign_in("inga")
    world.kill()
    deadline = time.monotonic() + 5
    while left := [pid for pid in below if Path(f"/proc/{pid}").exists() and _state(pid) not in "ZX"]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def test_questions_with_the_wrong_parts_are_refused(vault):
    assert vault.ask("open", token="x")["reason"] == "arguments"
    assert vault.ask("touch", token="é" * 10_000)["answer"]["person"] == ""
    for token in ("", "x", "A" * 64, None, 7):
        reply = vault.ask("open", token=token, ref="x", fields=["alias"], purpose="contact")
        assert "answer" not in reply


def test_many_idle_connections_leave_the_office_its_own(opened):
    held = []
    try:
        for _ in range(250):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(5)
            held.append(s)
            with contextlib.suppress(BlockingIOError):  # the queue of that door is full, as it should be
                s.connect(str(opened.sockets / "channel.sock"))
        assert read(opened, opened.sign_in("inga"))["answer"] == {"alias": "N."}
    finally:
        for s in held:
            s.close()


def test_waiting_connections_and_made_up_languages_cost_little_memory(opened):
    def resident() -> int:
        return int(next(line for line in Path(f"/proc/{opened.vault.pid}/status").read_text().splitlines()
                        if line.startswith("VmRSS")).split()[1])  # fmt: skip

    opened.ask("status"), opened.ask("status", "channel")
    before, held = resident(), []
    try:
        for _ in range(60):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(20)
            s.connect(str(opened.sockets / "channel.sock"))
            s.sendall(frames.pack({"op": "status", "args": {}}))
            assert frames.read(s)["answer"]["founded"] is True
            held.append(s)
        assert resident() - before < 40_000, "KiB for sixty connections"
    finally:
        for s in held:
            s.close()
    before = resident()
    for n in range(40):
        reply = opened.raw(frames.pack({"op": "status", "args": {}, "language": f"x{n}" + "y" * 1_000_000}))
        assert reply["answer"]["founded"] is True
    assert opened.raw(frames.pack({"op": "status", "args": {}, "language": ["fr"]}))["answer"]["founded"] is True
    # Each is one megabyte on its way in, and nothing of it stays.
    assert resident() - before < 60_000
    assert [service._language(asked) for asked in ("fr", "xx", None, ["fr"], "en")] == ["fr", "en", "en", "en", "en"]


@pytest.mark.parametrize(
    "body",
    [b'{"op":"status","args":{"x":{"~":5}}}', b'{"op":"status","args":{"x":{"~":"not base64!"}}}',
     b'{"op":"status","args":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"op":"touch","args":{"token":' + b"9" * 5000 + b"}}",
     b"[]", b"null", b"{", b'{"op":"status","args":[1]}', b'{"op":"status","args":"x"}', b"\x80" * 16],
    ids=range(10),
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_refused_and_the_connection_goes_on(vault, body):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(str(vault.sockets / "office.sock"))
        s.sendall(len(body).to_bytes(4, "big") + body)
        assert frames.read(s)["reason"] in {"arguments", "door"}
        s.sendall(frames.pack({"op": "status", "args": {}}))
        assert frames.read(s)["answer"]["founded"] is True
    assert "Traceback" not in vault.log.read_text()


def test_arguments_of_another_kind_are_refused_not_a_fault(vault):
    for args in (
        {"handle": 7, "passphrase": "x"},
        {"handle": "ines", "passphrase": None},
        {"handle": ["a"], "passphrase": "x"},
    ):
        assert vault.ask("sign_in", **args)["reason"] == "arguments", args
    assert vault.ask("salts", pairs=[[1]])["reason"] == "arguments"
    assert vault.ask("salts", pairs=[["1", "x"]])["reason"] == "arguments"
    assert vault.ask("seal", subject="X", compartment="claims", model="Claim", fields={"a": 1})["reason"] == "arguments"
    assert vault.ask("seal", subject="X", compartment="claims", model="Claim", fields=["a"])["reason"] == "arguments"
    assert vault.ask("put_data_key", subject="X", compartment="claims", key="text")["reason"] == "arguments"
    assert vault.ask("remove_reader", name="claims", person=True)["reason"] == "arguments"
    assert vault.ask("new_compartment", name="x", readers="abc")["reason"] == "arguments"


def test_killed_while_it_rotates_every_key_still_opens(world):
    """Ten kills at random moments of a rotation: the old pair or the new one, never a mixture."""
    rng = random.Random(4)
    done = 0
    for _ in range(10):
        world.start()
        world.unlock()
        token = world.sign_in("inga")
        threading.Thread(
            target=lambda t=token: _quietly(lambda: world.ask("rotate", token=t, name="claims")), daemon=True
        ).start()
        time.sleep(rng.uniform(0.0, 0.03))
        world.kill()
        world.start()
        world.unlock()
        assert read(world, world.sign_in("inga"))["answer"] == {"alias": "N."}
        done += world.ask("rotate", token=world.sign_in("inga"), name="claims")["answer"]["keys"]
        assert read(world, world.sign_in("adva"))["answer"] == {"alias": "N."}
        world.stop()
    assert done >= 20


def _quietly(act):
    try:
        act()
    except Exception:
        return


def test_killed_while_it_opens_no_answer_is_without_its_entry(world):
    world.start()
    world.unlock()
    before, _ = entries(world, "sealed field read")
    answered = []
    token = world.sign_in("inga")

    def keep_reading():
        while True:
            try:
                if "answer" not in read(world, token):
                    return
                answered.append(1)
            except Exception:
                return

    readers = [threading.Thread(target=keep_reading) for _ in range(4)]
    for r in readers:
        r.start()
    time.sleep(1.0)
    world.kill()
    for r in readers:
        r.join()
    after, whole = entries(world, "sealed field read")
    assert whole and len(answered) > 10 and after - before >= len(answered)


def test_a_record_that_was_changed_behind_its_back_locks_the_vault(opened):
    token = opened.sign_in("inga")
    assert read(opened, token)["answer"] == {"alias": "N."}
    # Only a superuser can do this at all: the table refuses its owner.
    opened.python(
        "import os, sys\n"
        "from answerable.config import postgres\n"
        "with postgres.ensure_server().connect(os.environ['ANSWERABLE_DATABASE']) as c:\n"
        "    c.execute('SET session_replication_role = replica')\n"
        "    c.execute(\"UPDATE record_entry SET leaf = decode(repeat('00', 32), 'hex') WHERE index = (SELECT max(index) FROM record_entry)\")\n"
    )
    assert read(opened, token)["reason"] == "vault_locked"
    assert "not what it was" in opened.ask("status")["answer"]["why"]


def test_without_the_vault_nothing_is_recorded_and_nothing_is_done(world):
    script = """
import os, sys
os.environ["ANSWERABLE_DOOR"] = "office"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.office"
import django; django.setup()
from answerable.alliance import actions
from answerable.alliance.models import Person, State
from answerable.common.errors import Refused
from answerable.record.models import Head
size = Head.objects.get().size
try:
    actions.enter_state(code="QQQ", name="Quarria", fictional=True, by=Person.objects.get(handle="ines"))
except Refused as no:
    print(no.reason, Head.objects.get().size == size, State.objects.filter(code="QQQ").exists())
from django.conf import settings
print(sorted(settings.DATABASES))
"""
    assert world.python(script).stdout.split() == ["vault_away", "True", "False", "['default']"]


def test_the_vault_itself_says_whether_she_may_be_reached_and_seals_her_plan(opened):
    """In its own process, which has none of the office's pages."""
    adva, claim = opened.sign_in("adva"), opened.refs["claim"]
    said = opened.ask(
        "may_contact", subject=claim, via="phone", kind="call", at="2030-01-01T10:00:00+00:00", token=adva
    )
    assert "answer" in said, (said, opened.log.read_text()[-3000:])
    assert said["answer"]["because"] and said["answer"]["sentence"]
    sealed = opened.ask("seal_safe_contact", ref="SCP-NEW", subject=claim, plan="{}", token=adva)
    assert len(sealed["answer"]) > 256
    refused = opened.ask("seal_safe_contact", ref="SCP-NEW", subject=claim, plan="{}", token=opened.sign_in("sami"))
    assert refused["reason"]
