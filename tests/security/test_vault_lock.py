"""The vault's lock with real keepers: it starts locked, two open it, anyone who inspects locks it, sealing goes on."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from answerable.alliance.models import Person
from answerable.authority.acting import set_scope
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import chamber, house
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask
from answerable.vault.keyroom import vaultkeys
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def restarted(played, db):
    """A vault that has just started; afterwards it is as other tests left it."""
    root, demonstration, heard = CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard
    CHAMBER.lock("started")
    yield
    CHAMBER.lock("started")
    CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard, CHAMBER.why_locked = root, demonstration, heard, ""


@pytest.fixture
def later(monkeypatch):
    began, moved = chamber.seconds(), [0.0]
    monkeypatch.setattr(chamber, "seconds", lambda: began + moved[0])
    return lambda s: moved.__setitem__(0, moved[0] + s)


def post(client, url, **fields):
    reply = client.post(url, fields)
    set_scope(["*"])
    return reply


def page(client):
    return client.get("/vault/").content.decode()


def opened(office):
    ines, arno = office("ines"), office("arno")
    post(ines, "/vault/half/"), post(arno, "/vault/half/")
    assert not CHAMBER.is_locked()
    return ines, arno


def test_two_keepers_open_it_and_one_alone_does_not(office, saved):
    incident = saved("$I1")
    ines, arno = office("ines"), office("arno")
    assert "Locked." in page(ines) and "starts locked" in page(ines)
    assert post(ines, "/vault/half/").status_code == 303
    assert CHAMBER.is_locked() and page(arno).count(">half is here<") == 1
    assert post(ines, "/vault/half/").status_code == 303
    assert CHAMBER.is_locked(), "twice the same keeper is one keeper"
    assert post(arno, "/vault/half/").status_code == 303
    assert not CHAMBER.is_locked() and "Open." in page(arno)
    vera = office("vera")
    assert post(vera, f"/watch/incidents/{incident.ref}/read/", field="narrative").status_code == 200
    acts = list(Entry.objects.order_by("-index").values_list("action", flat=True)[:9])
    assert "vault unlocked" in acts and acts.count("vault half brought") == 2


def test_whoever_keeps_no_half_brings_none_and_a_wrong_half_opens_nothing(office):
    assert post(office("leo"), "/vault/half/").status_code in (404, 409) and not CHAMBER.halves
    with pytest.raises(Refused, match="not one of this vault"):
        vaultkeys.bring_half(Person.objects.get(handle="leo").ref, bytes(96))
    assert post(office("delegate.avn"), "/vault/half/").status_code == 404
    ines = office("ines")
    post(ines, "/vault/half/")
    (_when, real), forged = CHAMBER.halves[Person.objects.get(handle="ines").ref], {}
    for pair, half in real.items():
        forged[pair] = bytes([half[0] ^ 1]) + half[1:]
    from answerable.vault.models import RootKey

    check = bytes(RootKey.objects.get().check_value)
    assert CHAMBER.bring("PER-OTHER", forged, check) is False and CHAMBER.is_locked()


def test_a_half_is_forgotten_after_ten_minutes(office, later):
    ines, arno = office("ines"), office("arno")
    post(ines, "/vault/half/")
    for _ in range(3):
        later(201)
        arno.get("/alliance/")
    post(arno, "/vault/half/")
    assert CHAMBER.is_locked() and page(arno).count(">half is here<") == 1, "only the second one"
    safa = office("safa")
    post(safa, "/vault/half/")
    assert not CHAMBER.is_locked()


def test_it_locks_by_itself_when_no_keeper_is_heard_for_twelve_hours(office, later):
    opened(office)
    later(11 * 3600)
    assert not CHAMBER.is_locked()
    ines = office("ines")
    assert b"I am here" in ines.get("/vault/").content
    post(ines, "/vault/half/")
    later(11 * 3600)
    assert not CHAMBER.is_locked(), "heard eleven hours ago"
    later(2 * 3600)
    assert CHAMBER.is_locked() and "twelve hours" in page(office("ines"))


def test_only_keepers_are_heard(office):
    opened(office)
    before = CHAMBER.heard
    assert post(office("leo"), "/vault/half/").status_code in (404, 409) and CHAMBER.heard == before


def test_anyone_who_inspects_locks_it_at_once_and_every_session_is_gone(office, saved):
    incident = saved("$I1")
    opened(office)
    vera, odile = office("vera"), office("odile")
    assert post(odile, "/vault/lock/").status_code == 409 and not CHAMBER.is_locked(), "it asks whether one means it"
    assert post(odile, "/vault/lock/", sure="yes").status_code == 303
    assert CHAMBER.is_locked() and not CHAMBER.sessions and CHAMBER.root is None
    assert "Someone who inspects or keeps it locked it" in page(odile)
    reply = post(vera, f"/watch/incidents/{incident.ref}/read/", field="narrative")
    assert reply.status_code == 409
    assert Entry.objects.order_by("-index").values_list("action", flat=True)[0] == "vault locked"


def test_who_neither_inspects_nor_keeps_does_not_lock_it(office):
    opened(office)
    assert post(office("vera"), "/vault/lock/", sure="yes").status_code == 404
    assert post(office("delegate.avn"), "/vault/lock/", sure="yes").status_code == 404
    assert not CHAMBER.is_locked()


def test_every_page_says_that_it_is_locked_and_how_sealing_goes_on(office):
    client = office("sami")
    for path in ("/today/", "/watch/"):
        text = client.get(path).content.decode()
        assert "Sealed texts cannot be opened now" in text and 'href="/vault/"' in text, path
    opened(office)
    assert "Sealed texts cannot be opened now" not in client.get("/today/").content.decode()


def test_every_page_names_one_moment_since_which_it_is_locked(office, later):
    began = datetime(2031, 9, 30, 10, 0, 59, tzinfo=UTC)
    with clock.set_to(began):
        CHAMBER.lock("an inspector locked it")
    seen = set()
    # Wherever in a minute it was locked and it is asked, and however the clock that measures durations stands to it.
    for seconds in (0, 0.5, 1, 30, 59, 61, 119):
        later(0.7)
        with clock.set_to(began + timedelta(seconds=seconds)):
            seen.add(re.search(r"since ([^<]*?) UTC", house.locked_sentence()).group(1))
            seen.add(ask("vault_state")["locked_at"])
        CHAMBER.lock("an inspector locked it")
    assert seen == {"30 Sept. 2031, 10:00", began.isoformat()}


def test_a_locked_vault_still_seals_new_reports_and_records(office, saved):
    situation, party = saved("$zandria"), saved("$brigade")
    dana = Person.objects.select_related("body__state").get(handle="dana")
    before = Entry.objects.count()
    made = monitoring.receive_report(
        situation=situation, party=party, on=date(2026, 1, 14), area1="Zandria South", victims=1, forms=["SV-RAPE"],
        links=["LK-PERP"], link_reason="They wore the badge.", narrative="Kept while locked.", referral_offered=True,
        searched_first=True, by=dana,
    )  # fmt: skip
    assert CHAMBER.is_locked() and bytes(made.narrative) and b"Kept" not in bytes(made.narrative)
    assert Entry.objects.count() == before + 1
    token = ask("sign_in", handle="vera", passphrase=PASSPHRASE)["token"]
    with pytest.raises(Refused, match="vault is locked"):
        ask("open", token=token, ref=made.ref, fields=["narrative"], purpose="verification")
    opened(office)
    vera = office("vera")
    assert b"Kept while locked." in post(vera, f"/watch/incidents/{made.ref}/read/", field="narrative").content


def test_readers_are_admitted_taken_off_and_rooms_rotated_from_the_page(office):
    opened(office)
    vera, lena = office("vera"), office("lena")
    ines = office("ines")
    target = Person.objects.get(handle="vera")
    assert post(ines, "/vault/readers/remove/", name="monitoring", person=target.ref, sure="yes").status_code == 303
    assert target.ref not in next(r for r in ask("rooms") if r["name"] == "monitoring")["readers"]
    before = next(r for r in ask("rooms") if r["name"] == "monitoring")["public_key_sha256"]
    assert post(lena, "/vault/rotate/", name="monitoring").status_code == 303
    assert next(r for r in ask("rooms") if r["name"] == "monitoring")["public_key_sha256"] != before
    outsider = Person.objects.get(handle="leo")
    reply = post(lena, "/vault/readers/admit/", name="monitoring", person=outsider.ref)
    assert reply.status_code == 409 and b"roles do not cover" in reply.content
    assert post(lena, "/vault/readers/admit/", name="monitoring", person=target.ref).status_code == 303
    assert target.ref in next(r for r in ask("rooms") if r["name"] == "monitoring")["readers"]
    own = vera.get("/vault/").content.decode()
    assert "Sami Analyst" in own and "Paulo Panel" not in own, "a reader sees the compartments they read"
    assert "Paulo Panel" in page(ines)


def test_admitting_a_reader_is_confirmed_like_an_opening(office, later):
    opened(office)
    lena, target = office("lena"), Person.objects.get(handle="vera")
    for _ in range(3):
        later(300)
        lena.get("/vault/")
    reply = post(lena, "/vault/readers/admit/", name="claims", person=target.ref)
    assert reply.status_code == 409 and b"Confirm that it is you" in reply.content


def test_a_delegation_sees_nothing_of_the_vault(office):
    assert office("delegate.avn").get("/vault/").status_code == 404
    assert Client().get("/vault/").status_code == 302
    with pytest.raises(Refused):
        vault.may_keep(Person.objects.select_related("body__state").get(handle="delegate.avn"))
