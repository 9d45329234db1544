"""What a newcomer in the office meets: a locked vault, a colleague taken off, a plan without her consent, her identity."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.safeguarding import actions as safeguarding
from answerable.safeguarding import lifecycle, rules
from answerable.vault.bundles import reading
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.custody import actions as custody

pytestmark = pytest.mark.django_db


def text(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


def person(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


@pytest.fixture
def locked():
    """The vault locks; afterwards it is as other tests left it."""
    root, demonstration, heard = CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard

    def lock():
        CHAMBER.lock("an inspector locked it")

    yield lock
    CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard, CHAMBER.why_locked = root, demonstration, heard, ""


# --- a locked vault asks nobody for a passphrase ------------------------------------------------------------------


@pytest.mark.parametrize("without", [False, True], ids=["session", "no session"])
@pytest.mark.parametrize(
    ("handle", "what", "address"),
    [("vera", "$I1", "/watch/incidents/{}/"), ("inga", "$claim", "/repair/claims/{}/")],
)
def test_a_page_that_opens_says_that_the_vault_is_locked_and_asks_no_passphrase(
    office, saved, locked, handle, what, address, without
):
    client, url = office(handle), address.format(saved(what).ref)
    before = client.get(url).content.decode()
    assert "data-vault-locked" not in before
    locked()
    if without:
        del client.cookies[settings.UNLOCK_COOKIE]
    page = client.get(url)
    assert "data-vault-locked" in page.content.decode() and 'type="password"' not in page.content.decode()
    assert "The vault is locked since" in text(page) and "Someone who inspects or keeps it locked it." in text(page)
    assert "Two of its keepers open it together" in text(page)


def test_asking_for_a_sealed_field_while_the_vault_is_locked_says_so_instead_of_asking_again(office, saved, locked):
    vera, ref = office("vera"), saved("$I1").ref
    locked()
    reply = vera.post(f"/watch/incidents/{ref}/read/", {"field": "narrative"})
    assert reply.status_code == 409
    assert "The vault is locked since" in text(reply) and 'type="password"' not in reply.content.decode()


def test_confirming_while_the_vault_is_locked_promises_no_opening(office, locked):
    ines = office("ines")
    locked()
    from conftest import PASSPHRASE

    done = ines.post("/unlock/", {"passphrase": PASSPHRASE, "next": "/vault/"}, follow=True)
    assert "you can vote, pay and open" not in text(done) and "Your key is unlocked." not in text(done)
    assert "stays sealed until two of its keepers open it" in text(done)
    assert "Bring my half" in text(done), "a keeper opens their own key to bring their half"
    assert "How it opens again" in text(done) and "answerable vault unlock" in text(done)


# --- taking a reader off ------------------------------------------------------------------------------------------


def test_taking_off_asks_first_and_the_person_is_told_for_seven_days(office, monkeypatch):
    lena, vera, target = office("lena"), office("vera"), person("vera")
    page = lena.get("/vault/").content.decode()
    assert "If it is on suspicion, rotate the compartment afterwards" in page and 'name="sure"' in page
    fields = {"name": "monitoring", "person": target.ref}
    assert lena.post("/vault/readers/remove/", fields).status_code == 409
    assert target.ref in next(r for r in ask("rooms") if r["name"] == "monitoring")["readers"]
    assert "You were taken off" not in text(vera.get("/today/"))
    assert lena.post("/vault/readers/remove/", {**fields, "sure": "yes"}).status_code == 303
    today = text(vera.get("/today/"))
    assert "You were taken off the compartment monitoring" in today and f"by {person('lena').name} on" in today
    assert "You were taken off" not in text(office("sami").get("/today/")), "nobody else is told"
    from datetime import timedelta

    from answerable.vault import notices

    monkeypatch.setattr(notices, "TOLD_FOR", timedelta(0))
    assert "You were taken off" not in text(vera.get("/today/"))
    monkeypatch.undo()
    assert lena.post("/vault/readers/admit/", fields).status_code == 303
    assert "You were taken off" not in text(vera.get("/today/")), "whoever is admitted again reads it again"


# --- fingerprints -------------------------------------------------------------------------------------------------


def test_ones_own_fingerprint_stands_whole_and_in_groups_as_the_custodians_program_shows_it(office):
    own = reading.spelled(ask("own_keys", token=_token(inga := office("inga")))["fingerprint"])
    assert re.fullmatch(r"([0-9a-f]{8} ){7}[0-9a-f]{8}", own)
    assert own in inga.get("/keys/").content.decode()


def _token(client):
    return client.cookies[settings.UNLOCK_COOKIE].value


# --- her plan and her consent -------------------------------------------------------------------------------------


def test_without_her_consent_the_pages_say_so_first_and_offer_no_opening(office, saved):
    claim, adva = saved("$claim"), office("adva")
    page = f"/repair/contact/{claim.ref}/"
    adva.post(f"{page}plan/", {"plan_ways": rules.PHONE, "plan_any_time": "on", "plan_time_zone": "UTC"})
    see_all()
    from answerable.safeguarding.models import SafeContactPlan

    assert SafeContactPlan.objects.filter(subject=claim.ref).exists()
    assert "Open the plan" in text(adva.get(page))
    see_all()
    consent.withdraw_consent(claim, ["CP-CONT"], heard_through="phone", by=person("adva"))
    shown = text(adva.get(page))
    assert "She has not agreed to be contacted again (CP-CONT)" in shown and "Open the plan" not in shown
    plan = adva.get(f"{page}reach/")
    assert "She has not agreed to be contacted again" in text(plan)


def test_the_consent_card_begins_with_what_is_asked_and_marks_what_is_needed(office, saved):
    page = text(office("adva").get(reverse("give-consent", args=[saved("$claim").ref, "CP-CONT"])))
    asked, answer = page.index("May we contact you again"), page.index("Her answer")
    assert asked < page.index("Who would use it") < page.index("Whoever uses it may learn who she is.") < answer
    assert "(optional)" not in page[page.index("She said in her own words what it means") :]
    assert page.count("Needed for a yes") == 3 and page.count("Needed when a guardian consents.") == 2
    assert "the organisation you told" not in page and "the organisation she told" in page


# --- referrals ----------------------------------------------------------------------------------------------------


def test_a_referral_lists_each_provider_once_and_none_that_was_taken_out(office):
    adva, safa = person("adva"), person("safa")
    from answerable.safeguarding.models import Provider

    see_all()
    house = Provider.objects.get(name="Lantern House clinic")
    referral = safeguarding.offer_referral("", need="PREGNANCY", provider=house, happened_at=None, note="", contact="", by=adva)  # fmt: skip
    url = f"/repair/care/{referral.ref}/"
    page = office("adva").get(url).content.decode()
    assert page.count("<option") >= 1 and len(re.findall(r"<option[^>]*>Lantern House clinic<", page)) == 1
    see_all()
    safeguarding.move_provider(house, "withdraw_provider", by=safa)
    page = office("adva").get(url).content.decode()
    assert (
        not re.findall(r"<option[^>]*>Lantern House clinic<", page) and "was taken out of the directory since" in page
    )
    see_all()
    with pytest.raises(Refused, match="not in the directory"):
        safeguarding.move_referral(referral, "accept_referral", by=adva)
    assert type(referral).objects.get(pk=referral.pk).status == lifecycle.OFFERED


# --- identity -----------------------------------------------------------------------------------------------------


def test_what_she_never_gave_is_not_asked_for(saved):
    from conftest import PASSPHRASE

    claim, inga = saved("$claim"), person("inga")
    inga.vault_session = ask("sign_in", handle="inga", passphrase=PASSPHRASE)["token"]
    ask_for = {"purpose": "contact", "reason": "call_asked", "recipient": inga, "by": inga}
    with pytest.raises(Refused, match="She never gave this: safe-contact number"):
        custody.ask_identity(claim, fields=["name", "safe_contact"], **ask_for)


# --- the demonstration's click ------------------------------------------------------------------------------------


def test_a_click_on_someone_who_changed_their_passphrase_says_so_and_gives_the_field(office, monkeypatch):
    from django.test import Client

    from answerable.vault import demonstration

    monkeypatch.setattr(demonstration, "is_open", lambda: True)
    monkeypatch.setattr(demonstration, "PASSPHRASE", "what was printed when it was loaded")
    reply = Client().post("/sign-in/", {"as": "vera"})
    assert reply.status_code == 409
    assert f"{person('vera').name} changed the passphrase" in text(reply) and 'value="vera"' in reply.content.decode()
    assert "do not belong together" not in text(reply)


# --- read from right to left --------------------------------------------------------------------------------------


def test_references_numbers_and_dates_keep_their_own_order_in_any_direction():
    from answerable.web.templatetags.answerable import apart

    assert apart("طلب الهوية IDR-Q2-77 <b>") == "طلب الهوية <bdi>IDR-Q2-77</bdi> &lt;b&gt;"
    assert (
        apart("شهادة T1: V3a.") == "شهادة <bdi>T1</bdi>: <bdi>V3a</bdi>."
    )  # a code is one word, its number is no word of its own
    assert apart("حوار (ME-0.1).") == "حوار (<bdi>ME-0.1</bdi>)."
    assert apart("2031-03-01, 12:30") == "<bdi>2031-03-01</bdi>, <bdi>12:30</bdi>"


def test_an_arrow_points_on_in_the_direction_of_what_stands_before_it():
    from answerable.web.templatetags.answerable import becomes

    assert becomes("triage", "Triaged") == "<bdi>triage → Triaged</bdi>"
    assert becomes("فرز", "Triaged") == "<bdi>فرز ← Triaged</bdi>"
    assert becomes("<b>", "x") == "<bdi>&lt;b&gt; → x</bdi>"


def test_today_keeps_references_and_dates_apart_in_arabic(office):
    with translation.override("en"):  # whatever the request leaves behind
        page = office("safa").get("/today/", headers={"Accept-Language": "ar"}).content.decode()
    assert 'dir="rtl"' in page and "<bdi>" in page
    assert not re.search(r"<li>\d+ [^<]* · ", page), "a date beside an act in another script stands in a run of its own"


# --- the shell ----------------------------------------------------------------------------------------------------


def test_the_shell_enters_a_witness_only_for_whoever_proves_to_be_the_registrar(played, db, monkeypatch):
    import getpass

    from answerable.alliance import record_cli
    from conftest import PASSPHRASE

    argv = ["witness", "no key at all", "--kind", "member", "--as", "ines"]
    monkeypatch.setattr(getpass, "getpass", lambda _ask: "not the passphrase of anybody")
    with pytest.raises(Refused, match="do not belong together"):
        record_cli.main(argv)
    monkeypatch.setattr(getpass, "getpass", lambda _ask: PASSPHRASE)
    with pytest.raises(Refused, match="not a witness's key"):
        record_cli.main(argv)


def test_an_address_to_which_only_forms_send_says_so_and_leads_back(office, saved):
    from answerable.monitoring.models import Incident

    see_all()
    incident = Incident.objects.filter(situation=saved("$vostmark")).first()
    reply = office("sami").get(f"/watch/incidents/{incident.ref}/verify/")
    said = reply.content.decode()
    assert reply.status_code == 405 and "POST" in reply["Allow"]
    assert "takes what a button of a page sends" in said and f'href="/watch/incidents/{incident.ref}/"' in said


def test_a_reference_is_found_by_its_beginning_and_an_item_too_by_whoever_may_see_it(office, saved):
    made = saved("$W1")
    see_all()
    item = made.items.first()
    assert not made.compartment.startswith("monitoring/")

    def found(who, words):
        reply = office(who).get("/today/", {"q": words}, follow=True)
        return reply.redirect_chain, reply.content.decode()

    for words in (made.ref[:8], made.ref[:8].lower().replace("-", " "), made.ref[:12]):
        assert f"/watch/incidents/{made.ref}/" in found("sami", words)[1], words
        assert made.ref not in found("dana", words)[1]
    assert f"/watch/items/{item.ref}/evidence/" in found("sami", item.ref[:8])[1]
    assert found("sami", item.ref)[0][-1][0] == f"/watch/items/{item.ref}/evidence/"
    for words in (item.ref[:8], item.ref, "INC-", "ITM-7"):
        assert "Nothing found that you may see" in found("dana", words)[1], words
