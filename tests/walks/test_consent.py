"""Consent in the office: asked one purpose at a time, stopped in one step, followed to its end."""

from __future__ import annotations

import pytest
from tests_support import see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Person
from answerable.common import clock
from answerable.monitoring.evidence.models import Assessment
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


@pytest.mark.slow
def test_from_a_first_yes_to_a_confirmed_recall(office, saved):
    claim, adva, petra = saved("$claim"), office("adva"), office("petra")
    url = f"/record/consents/{claim.ref}/"
    card = adva.get(f"/repair/claims/{claim.ref}/").content.decode()
    assert "Reparation claim" in card and url in card
    asked = adva.get(url + "CP-UNIT/").content.decode()
    assert "We cannot force them." in asked and "A no needs no reason" in asked
    # Without what SC-3 demands, nothing is written, and nothing typed is lost.
    missing = adva.post(url + "CP-UNIT/", {**YES, "understanding_checked": "", "language": "ar"})
    assert (
        missing.status_code == 409
        and "own words" in missing.content.decode()
        and 'value="ar"' in missing.content.decode()
    )
    press(adva, url + "CP-UNIT/", **YES)
    assert queries.in_force(claim.ref) == ["CP-UNIT", "CP-CLAI", "CP-CONT"]
    partner = Body.objects.get(name="Lantern Documentation Network")
    press(adva, url + "transfer/", purpose="CP-UNIT", recipient=partner.pk, fields_=["facts"])
    reply = press(adva, url + "withdraw/", purpose="CP-UNIT", heard="phone")
    page = adva.get(reply.headers["Location"]).content.decode()
    assert "You did not have to say why" in page and "asked to return, delete or restrict" in page
    listing = petra.get("/record/withdrawals/").content.decode()
    assert (
        partner.name in listing
        and "0 %" in listing
        and "Withdrawals and recalls" in petra.get("/record/").content.decode()
    )
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
    for who in ("leo", "chair", "delegate.avn"):
        shown = office(who).get(f"/answer/{saved('$fls').ref}/")
        assert shown.status_code == 200 and b"withdr" not in shown.content.lower()


@pytest.mark.parametrize("who", ["delegate.avn", "chair", "fina", "sami", "dana", "petra"])
def test_a_claims_consents_are_not_there_for_others(office, saved, who):
    claim, client = saved("$claim"), office(who)
    for url in (f"/record/consents/{claim.ref}/", f"/record/consents/{claim.ref}/CP-STAT/"):
        assert client.get(url).status_code == 404
    assert (
        client.post(f"/record/consents/{claim.ref}/withdraw/", {"purpose": "CP-CLAI", "heard": "phone"}).status_code
        == 404
    )
    see_all()
    assert queries.in_force(claim.ref, on=clock.today()) == ["CP-CLAI", "CP-CONT"]


@pytest.mark.slow
def test_a_report_of_several_is_withdrawn_whole_or_account_by_account(office, saved):
    incident, sami = saved("$I2"), office("sami")
    url = f"/record/consents/{incident.ref}/"
    page = sami.get(url).content.decode()
    assert "accounts of several persons" in page and "She withdraws everything" in page and "CP-STAT" not in page
    assert sami.post(url + "withdraw/", {"purpose": "CP-MONI", "heard": "phone"}).status_code == 409
    press(sami, url + "withdraw/", purpose="EVERYTHING", heard="partner")
    assert sorted(Withdrawal.objects.get().parts) == sorted(
        [
            incident.ref,
            *incident.items.values_list("ref", flat=True),
            *Assessment.objects.filter(item__incident=incident).values_list("ref", flat=True),
        ]
    )
    incident.refresh_from_db()
    assert incident.status == "CONSENT_WITHDRAWN"


def test_whoever_writes_a_withdrawal_down_reads_her_its_receipt_and_nobody_else_new_sees_it(office, saved):
    item, sami = saved("$I8").items.first(), office("sami")
    url = f"/record/consents/{item.ref}/"
    reply = press(sami, url + "withdraw/", purpose="CP-MONI", heard="phone")
    where = reply.headers["Location"]
    shown = sami.get(where)
    page = shown.content.decode()
    assert shown.status_code == 200 and "Read her the receipt" in page and "You did not have to say why" in page
    # The receipt and no step: those belong to whoever carries withdrawals out.
    assert "/move/" not in page and 'href="/record/withdrawals/"' not in page
    made = Withdrawal.objects.get()
    assert sami.post(f"{where}move/").status_code == 404 and sami.get("/record/withdrawals/").status_code == 404
    assert where in sami.get(url).content.decode()
    for who in ("vera", "dana", "safa", "delegate.avn", "chair", "bo"):
        assert office(who).get(where).status_code == 404, who
    vera = office("vera").get(url).content.decode()
    assert made.ref in vera and where not in vera  # no link that leads nowhere
    lena = office("lena").get(where).content.decode()
    assert "You did not have to say why" in lena and f"{where}move/" in lena
    # Another's is not seen for having written one down.
    second = press(office("vera"), url + "withdraw/", purpose="CP-STAT", heard="phone").headers["Location"]
    assert sami.get(second).status_code == 404 and office("vera").get(second).status_code == 200
    assert sami.get(where).status_code == 200


@pytest.mark.slow
def test_the_panel_reads_that_a_finding_was_tested_again_and_not_why(office, saved):
    lena, expert = office("lena"), office("expert1")
    press(
        lena,
        f"/record/consents/{saved('$I8').items.first().ref}/withdraw/",
        purpose=["CP-MONI", "CP-FIND"],
        heard="phone",
    )
    url = f"/answer/{saved('$fls').ref}/"
    assert "tested again" in expert.get("/today/").content.decode()
    page = expert.get(url).content.decode()
    assert (
        "must be reviewed" in page and "16 survivors and victims" in page and saved("$I8").items.first().ref not in page
    )
    for who in ("chair", "delegate.avn", "bo"):
        other = office(who).get(url).content.decode()
        assert "tested again" not in other and "must be reviewed" not in other
    from answerable.accountability.models import Robustness

    note = Robustness.objects.get(finding=saved("$fls"))
    assert office("sami").post(url + "move/", {"move": f"noted:{note.ref}"}).status_code == 409
    press(expert, url + "move/", move=f"noted:{note.ref}")
    note.refresh_from_db()
    assert note.noted_by.handle == "expert1"


@pytest.mark.slow
def test_a_draft_is_worked_out_again_without_what_left(office, saved):
    from answerable.accountability import actions as accountability
    from answerable.alliance.models import Person
    from answerable.vault.consent import actions as consent

    def person(h):
        return Person.objects.select_related("body__state").get(handle=h)

    draft = accountability.draft_finding(saved("$june"), kind="F-LS", standard="SP2", by=person("sami"))
    assert all(c["status"] == "MET" for c in draft.criteria)
    word = consent.withdraw_consent(saved("$I8").items.first(), ["CP-FIND"], by=person("lena"))
    see_all()
    draft.refresh_from_db()
    assert [c["status"] for c in draft.criteria if c["code"] == "LS"] == ["NOT_MET"]
    assert saved("$I8").level == "V3b", "CP-FIND alone does not touch verification"
    consent.undo_withdrawal(word, by=person("lena"))
    see_all()
    draft.refresh_from_db()
    assert all(c["status"] == "MET" for c in draft.criteria)


def test_a_figure_made_public_counts_only_those_who_consent_to_the_finding(saved):
    """First figure without her; a later version repeats it, so that nobody sees who left."""
    from answerable.publication import releasing
    from answerable.publication.models import Release

    finding = saved("$fls")
    release = Release.objects.get(subject=finding.ref)
    assert release.body["at_least"] == 25
    from answerable.alliance.models import Person
    from answerable.vault.consent import actions as consent

    lena = Person.objects.get(handle="lena")
    consent.withdraw_consent(saved("$I8").items.first(), ["CP-FIND"], by=lena)
    see_all()
    assert releasing._finding(finding)[2]["at_least"] == 25
    from answerable.accountability.models import Finding

    unpublished = Finding(
        ref="FND-NEW",
        kind="F-LS",
        standard="SP2",
        situation=finding.situation,
        party=finding.party,
        pattern=finding.pattern,
    )
    assert releasing._finding(unpublished)[2]["at_least"] == 15


def test_a_partner_is_not_told_which_other_organisations_work_here(saved):
    from answerable.vault.consent import rules
    from answerable.vault.consent.views import AnswerForm

    see_all()
    purpose = next(p for p, row in rules.purposes().items() if "partner" in row.audiences)
    partners = {f"partner:{b.ref}" for b in Body.objects.filter(kind=Body.PARTNER)}
    ines = Person.objects.get(handle="ines")
    partners.add(f"partner:{alliance.enter_body(kind=Body.PARTNER, name='Harbour', by=ines).ref}")
    see_all()
    dana, adva = (Person.objects.select_related("body").get(handle=h) for h in ("dana", "adva"))

    def offered(by):
        return {code for code, _words in AnswerForm(purpose=purpose, by=by).fields["audience"].choices}

    assert offered(dana) & partners == {f"partner:{dana.body.ref}"} and offered(dana) - partners
    assert offered(adva) >= partners
