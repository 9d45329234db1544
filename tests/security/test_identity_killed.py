"""Real processes: the vault killed while it releases, and two officers approving in the same instant."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time

import pytest
from vaulted import PASSPHRASE, World

BEGIN = """
import json, os, sys, threading
from datetime import UTC, date, datetime, timedelta
os.environ["ANSWERABLE_DOOR"] = "owner"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
import django; django.setup()
from django.db import connection, connections
def office():
    with connection.cursor() as c: c.execute("SET ROLE answerable_office")
office()
from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record.models import Entry
from answerable.reparations import actions as reparations
from answerable.reparations.models import Claim, Programme
from answerable.vault.client import ask as vault
from answerable.vault.custody import actions
from answerable.vault.models import IdentityRequest
def person(handle):
    found = Person.objects.select_related("body__state").get(handle=handle)
    found.fresh = True
    return found
def signed(handle):
    found = person(handle)
    found.vault_session = vault("sign_in", handle=handle, passphrase=WORDS)["token"]
    return found
def ask():
    claim = reparations.lodge_claim(Programme.objects.get(ref=PROGRAMME), claim_type="CL-DIR", alias="N.", age_band="25-34", country="P",
        language="ar", safe_contact="x", events_from=date(2026, 1, 2), area1="S", purposes=["CP-CLAI", "CP-CONT"], declared_true=True, referral_offered=True,
        identity={"name": "n", "safe_contact": "s"}, by=person("inga"))
    return actions.ask_identity(claim, fields=["safe_contact"], purpose="contact", reason="call_asked", recipient=person("adva"),
        by=signed("adva"))
"""
APPROVED = """
made = []
for _ in range(int(sys.argv[1])):
    with clock.set_to(datetime.now(UTC) - timedelta(hours=25)):
        made.append(actions.approve_identity(ask(), by=signed("safa")).ref)
print(json.dumps(made))
"""
AT_ONCE = """
told, done, request = [], [], ask()
barrier = threading.Barrier(6)
def go(who):
    office(); mine = signed(who); barrier.wait()
    try: done.append(actions.approve_identity(request, by=mine).approved_by.handle)
    except Refused as no: told.append(str(no))
    finally: connections.close_all()
threads = [threading.Thread(target=go, args=(who,)) for who in ("safa", "cora") * 3]
[t.start() for t in threads]; [t.join() for t in threads]
print(json.dumps([len(done), len(told), Entry.objects.filter(subject=request.ref, action="identity approved").count()]))
"""
COUNT = """
print(json.dumps([Entry.objects.filter(subject=sys.argv[1], action="identity released").count(),
                  Entry.objects.filter(action="vault signing key").count()]))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("killed"))
    # Asked and approved a day ago, before anything of today is entered.
    made.approved = run(made, APPROVED, "6")
    yield made
    made.end()


def run(world, script, *args):
    begin = BEGIN.replace("PROGRAMME", repr(world.refs["programme"])).replace("WORDS", repr(PASSPHRASE))
    return json.loads(world.python(begin + script, *args).stdout.splitlines()[-1])


def test_six_approvals_at_once_and_one_wins(world):
    assert run(world, AT_ONCE) == [1, 5, 1]


def test_killed_while_it_releases_there_is_one_entry_and_one_file(world):
    rng = random.Random(7)
    for ref in world.approved:
        world.start()
        threading.Thread(
            target=lambda r=ref: _quietly(lambda: world.ask("release_identity", request=r)), daemon=True
        ).start()
        time.sleep(rng.uniform(0.0, 0.12))
        world.kill()
        world.start()  # locked: releasing opens nothing, so it needs no keepers
        digest = world.ask("release_identity", request=ref)["answer"]
        files = [world.ask("identity_bundle", request=ref)["answer"] for _ in range(2)]
        world.kill()
        world.start()
        files.append(world.ask("identity_bundle", request=ref)["answer"])
        assert {hashlib.sha256(f).hexdigest() for f in files} == {digest}
        assert run(world, COUNT, ref) == [1, 1]
        world.stop()


def test_no_door_but_the_office_asks_for_any_of_it(world):
    world.start()
    token = world.sign_in("adva")
    assert PASSPHRASE and token
    for op, args in (("release_identity", {"request": "IDR-1"}), ("identity_bundle", {"request": "IDR-1"}), ("seats", {}),
                     ("open_answer", {"token": token, "request": "IDR-1", "answer": b""}),
                     ("seat_blocks", {"token": token, "seat": "vault custodian", "after": ""}), ("escrow_record", {"secret": "x"}),
                     ("restore_room", {"token": token, "restore": "RST-1", "pieces": []})):  # fmt: skip
        for door in ("channel", "host"):
            assert world.ask(op, door, **args)["reason"] == "door", (op, door)
    world.stop()


def _quietly(act):
    try:
        act()
    except Exception:
        return
