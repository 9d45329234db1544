"""Consent in the office: asked one purpose at a time, stopped in one step, followed to its end."""

from __future__ import annotations

import pytest
from tests_support import see_all

from answerable.alliance.models import Body
from answerable.common import clock
from answerable.vault.consent import queries
from answerable.vault.consent.models import Transfer, Withdrawal

pytestmark = pytest.mark.django_db
YES = {"given": "yes", "audience": ["un"], "identifiability": "ID-2", "giver": "self", "method": "spoken", "language": "ar",
       "understanding_checked": "on", "withdrawal_channel_told": "on"}  # fmt: skip


def press(client, url, **data):
    reply = client.post(url, data)
    assert reply.status_code == 303, (url, reply.status_code, reply.content[:600])
    see_all()
    return reply


def test_from_a_first_yes_to_a_confirmed_recall(office, saved):
    claim, adva, petra = saved("$claim"), office("adva"), office("petra")
    url = f"/record/consents/{claim.ref}/"
    card = adva.get(f"/repair/claims/{claim.ref}/").content.decode()
    assert "Reparation claim" in card and url in card
    asked = adva.get(url + "CP-UNIT/").content.decode()
    assert "We cannot force them." in asked and "A no needs no reason" in asked
    # Without what SC-3 demands, nothing is written, and nothing typed is lost.
    missing = adva.post(url + "CP-UNIT/", {**YES, "understanding_checked": "", "language": "ar"})
    assert missing.status_code == 409 and "own words" in missing.content.decode() and 'value="ar"' in missing.content.decode()
    press(adva, url + "CP-UNIT/", **YES)
    assert queries.in_force(claim.ref) == ["CP-UNIT", "CP-CLAI", "CP-CONT"]
    partner = Body.objects.get(name="Lantern Documentation Network")
    press(adva, url + "transfer/", purpose="CP-UNIT", recipient=partner.pk, fields_=["facts"])
    reply = press(adva, url + "withdraw/", purpose="CP-UNIT", heard="phone")
    page = adva.get(reply.headers["Location"]).content.decode()
    assert "You did not have to say why" in page and "asked to return, delete or restrict" in page
    listing = petra.get("/record/withdrawals/").content.decode()
    assert partner.name in listing and "0 %" in listing and "Withdrawals and recalls" in petra.get("/record/").content.decode()
    assert claim.ref not in listing
    press(petra, f"/record/transfers/{Transfer.objects.get().ref}/answer/", answer="DELETED")
    assert "100 %" in petra.get("/record/withdrawals/").content.decode()


def test_everything_is_withdrawn_in_one_step_and_taken_back_in_one(office, saved):
    claim, adva = saved("$claim"), office("adva")
    url = f"/record/consents/{claim.ref}/"
    press(adva, url + "withdraw/", purpose="EVERYTHING", heard="office")
    assert "closed to everyone" in adva.get(url).content.decode()
    assert adva.post(url + "CP-STAT/", {**YES, "audience": ["public"], "identifiability": "ID-0"}).status_code == 409
    word = Withdrawal.objects.get()
    press(adva, f"/record/withdrawals/{word.ref}/move/")
    assert queries.in_force(claim.ref) == ["CP-CLAI", "CP-CONT"]


def test_what_is_due_waits_for_whoever_does_it(office, saved):
    item, lena = saved("$I7").items.first(), office("lena")
    page = lena.get(f"/watch/incidents/{saved('$I7').ref}/").content.decode()
    assert f"/record/consents/{item.ref}/" in page
    press(lena, f"/record/consents/{item.ref}/withdraw/", purpose=["CP-MONI", "CP-FIND"], heard="phone")
    word = Withdrawal.objects.get()
    assert word.ref in lena.get("/today/").content.decode() and "to redact" in lena.get("/today/").content.decode()
    assert word.ref not in office("sami").get("/today/").content.decode()
    press(lena, f"/record/withdrawals/{word.ref}/move/", code="REDACT_NARRATIVE")
    assert "to redact" not in lena.get("/today/").content.decode()
    finding = office("leo").get(f"/answer/findings/{saved('$fls').ref}/")
    assert b"withdr" not in finding.content.lower() or finding.status_code == 404


@pytest.mark.parametrize("who", ["delegate.avn", "chair", "fina", "sami", "dana", "petra"])
def test_a_claims_consents_are_not_there_for_others(office, saved, who):
    claim, client = saved("$claim"), office(who)
    for url in (f"/record/consents/{claim.ref}/", f"/record/consents/{claim.ref}/CP-STAT/"):
        assert client.get(url).status_code == 404
    assert client.post(f"/record/consents/{claim.ref}/withdraw/", {"purpose": "CP-CLAI", "heard": "phone"}).status_code == 404
    see_all()
    assert queries.in_force(claim.ref, on=clock.today()) == ["CP-CLAI", "CP-CONT"]
