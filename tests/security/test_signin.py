"""Signing in, over HTTP: ASVS 5.0 as listed in the security design, items 41 to 51, by their numbers there."""

from __future__ import annotations

import re
import time
from http.cookies import SimpleCookie

import pytest
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from softkey import SoftKey

from answerable.alliance import actions as alliance
from answerable.alliance.models import Grant, Person
from answerable.authority.acting import set_scope
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import chamber, demonstration, stretching
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask
from answerable.vault.limits import LIMITS
from answerable.vault.models import Recovery
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_left_over():
    LIMITS.clear()
    yield
    LIMITS.clear()


@pytest.fixture
def later(monkeypatch):
    """`later(seconds)` moves the vault's clock on."""
    began, moved = chamber.seconds(), [0.0]
    monkeypatch.setattr(chamber, "seconds", lambda: began + moved[0])
    return lambda s: moved.__setitem__(0, moved[0] + s)


def person(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


def at_work(handle):
    """A person in a session of their own: the vault believes nobody else about who can open what."""
    row = person(handle)
    LIMITS.buckets.clear()
    row.session_token = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    return row


def post(client, url, **fields):
    reply = client.post(url, fields)
    set_scope(["*"])
    return reply


def keep_awake(client, later, seconds):
    """Work on for so long without confirming anything."""
    for _ in range(seconds // 300):
        later(300)
        client.get("/alliance/")


def try_in(handle, passphrase):
    client, asked = Client(), []

    def note(execute, sql, params, many, context):
        asked.append(re.sub(r"\d+", "n", sql))
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(note), connections["keys"].execute_wrapper(note):
        reply = client.post("/sign-in/", {"handle": handle, "passphrase": passphrase})
    text = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", reply.content).replace(handle.encode(), b"?")
    return reply.status_code, text, asked


def enrol_passkey(client, name="Key"):
    key = SoftKey()
    options = client.post("/keys/passkeys/add/", {"options": "1"}).json()
    credential, secret = key.make(options)
    from softkey import b64

    reply = post(client, "/keys/passkeys/add/", credential=credential, prf=b64(secret), name=name)
    assert reply.status_code == 303, reply.content[-900:]
    return key


def by_passkey(client, key):
    from softkey import b64

    credential, secret = key.use(client.post("/sign-in/passkey/").json())
    return post(client, "/sign-in/passkey/", credential=credential, prf=b64(secret))


# 41 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "fits"),
    [("short one", False), ("x" * 129, False), ("aaaaaaaaaaaaaaaaaaaa", False), ("word word word word word", False),
     ("correct: nothing else asked!", True), ("sechs ganz andere wörter bitte sehr", True), ("x1" * 7, False)],
)  # fmt: skip
def test_41_passphrases_are_long_enough_and_nothing_is_asked_of_their_composition(office, new, fits):
    client = office("sami")
    reply = post(client, "/keys/passphrase/", old=PASSPHRASE, new=new, again=new)
    assert reply.status_code == (303 if fits else (422 if not 15 <= len(new) <= 128 else 409)), reply.content[-600:]
    assert (post(Client(), "/sign-in/", handle="sami", passphrase=new).status_code == 303) is fits


# 42 -----------------------------------------------------------------------------------------------------------------


def test_42_the_demonstrations_click_exists_only_where_the_demonstration_was_loaded(office, monkeypatch, settings):
    click = {"as": "vera"}
    assert b"A real alliance never does this" not in Client().get("/sign-in/").content
    assert post(Client(), "/sign-in/", **click).status_code == 200, "without the marker it is an empty form"
    monkeypatch.setattr(demonstration, "_marked", lambda: True)
    monkeypatch.setattr(demonstration, "PASSPHRASE", PASSPHRASE)
    page = Client().get("/sign-in/").content.decode()
    assert "A real alliance never does this" in page and "Sign in as Vera" in page and "Watch" in page
    client = Client()
    assert post(client, "/sign-in/", **click).status_code == 303
    assert "Vera Verifier" in client.get("/today/").content.decode()
    settings.SECURE = True
    assert not demonstration.is_open()
    assert post(Client(), "/sign-in/", **click).status_code == 200


# 43 -----------------------------------------------------------------------------------------------------------------


def test_43_without_a_second_authenticator_a_session_only_adds_one_or_leaves(office, saved, settings):
    situation, party = saved("$zandria"), saved("$brigade")
    settings.TWO_AUTHENTICATORS = True
    client = office("sami")
    for path in (
        "/today/",
        "/watch/",
        f"/watch/{situation.ref}/",
        "/record/",
        "/vault/",
        "/alliance/tokens/",
        "/fund/",
    ):
        reply = client.get(path)
        assert reply.status_code == 302 and reply.url == "/keys/", path
    assert party and client.get("/keys/").status_code == 200
    enrol_passkey(client)
    assert client.get("/today/").status_code == 200
    key = enrol_passkey(client, "Second")
    assert post(client, "/sign-out/").status_code == 303
    assert by_passkey(client, key).status_code == 303 and client.get("/watch/").status_code == 200


def test_43_the_vault_itself_opens_nothing_for_whoever_has_too_few(office, saved, settings):
    incident = saved("$I1")
    office("vera")
    token = ask("sign_in", handle="vera", passphrase=PASSPHRASE)["token"]
    settings.TWO_AUTHENTICATORS = True
    with pytest.raises(Refused, match="two ways to open your key"):
        ask("open", token=token, ref=incident.ref, fields=["narrative"], purpose="verification")


def test_43_a_token_of_someone_with_too_few_authenticators_works_no_more_than_they_do(office, settings):
    sami = person("sami")
    _token, secret = alliance.make_token(sami, "reading", by=sami)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert Client().get("/api/situations", **headers).status_code == 200
    settings.TWO_AUTHENTICATORS = True
    assert Client().get("/api/situations", **headers).status_code == 401


# 44 -----------------------------------------------------------------------------------------------------------------


def test_44_known_and_unknown_names_differ_in_no_byte_no_query_and_no_stretching(office, monkeypatch):
    done = []
    opening = stretching.open_user_key
    monkeypatch.setattr(stretching, "open_user_key", lambda w, p: (done.append(len(w)), opening(w, p))[1])
    try_in("warm-up", "some other six words here")
    done.clear()
    seen = {h: try_in(h, "some other six words here") for h in ("vera", "nobody-here", "ines")}
    assert seen["vera"] == seen["nobody-here"] == seen["ines"] and seen["vera"][0] == 409
    assert len(done) == 3 and len(set(done)) == 1, "one stretching each, of a key of the same size"


def test_44_known_and_unknown_names_take_the_same_time(office):
    times = {"vera": [], "nobody-here": []}
    for _ in range(4):
        for handle, spent in times.items():
            LIMITS.clear()
            began = time.perf_counter()
            try_in(handle, "some other six words here")
            spent.append(time.perf_counter() - began)
    a, b = min(times["vera"]), min(times["nobody-here"])
    assert abs(a - b) < 0.5 * max(a, b), times


def test_44_a_suspended_person_is_told_what_anyone_is(office):
    alliance.set_activity(person("sami"), active=False, by=person("ines"))
    right, wrong = try_in("sami", PASSPHRASE), try_in("nobody-here", PASSPHRASE)
    assert right[:2] == wrong[:2]


def test_44_attempts_wait_longer_each_time_for_known_and_unknown_names_alike(office):
    said = {}
    for handle in ("vera", "nobody-here"):
        said[handle] = [try_in(handle, "some other six words here")[:2] for _ in range(6)]
    assert said["vera"] == said["nobody-here"]
    assert b"Try again in 1 minute" in said["vera"][-1][1] and b"too many attempts" not in said["vera"][3][1]


def test_44_a_flood_of_invented_names_keeps_nobody_out_and_tells_nobody_apart(office, monkeypatch):
    monkeypatch.setattr("answerable.vault.limits.IN_A_WINDOW", 8)
    for n in range(12):
        assert b"too many attempts" not in try_in(f"invented-{n}", "some other six words here")[1]
    done = []
    opening = stretching.open_user_key
    monkeypatch.setattr(stretching, "open_user_key", lambda w, p: (done.append(len(w)), opening(w, p))[1])
    seen = {h: [try_in(h, "some other six words here") for _ in range(7)] for h in ("vera", "nobody-here")}
    assert seen["vera"] == seen["nobody-here"] and len(done) == 10 and len(set(done)) == 1
    assert b"Try again in 10 minutes" in seen["vera"][-1][1], "whoever used up their tries waits the window out"
    for _ in range(3):
        token = ask("sign_in", handle="ines", passphrase=PASSPHRASE)["token"]
        assert ask("confirm", token=token, passphrase=PASSPHRASE) is True
        assert ask("unlock", person=person("ines").ref, passphrase=PASSPHRASE)["person"] == person("ines").ref


# 45 -----------------------------------------------------------------------------------------------------------------


def test_45_no_route_resets_anything_by_mail():
    def walk(resolver, before=""):
        for p in resolver.url_patterns:
            here = before + str(p.pattern)
            yield from walk(p, here) if isinstance(p, URLResolver) else [(here, p)] if isinstance(p, URLPattern) else []

    routes = list(walk(get_resolver("answerable.config.urls_office")))
    assert len(routes) > 40
    for path, pattern in routes:
        assert not re.search(r"reset|forgot|e-?mail|recover-password", f"{path} {pattern.name}"), path
    from django.conf import settings

    assert "EMAIL_HOST" not in {k for k in dir(settings._wrapped) if k.isupper() and settings.is_overridden(k)}


# 46: the code for a new key -----------------------------------------------------------------------------------------


@pytest.fixture
def at(monkeypatch):
    began = clock.now()
    monkeypatch.setattr(clock, "_fixed", None)

    def hours(n):
        from datetime import timedelta

        clock.fix(began + timedelta(hours=n))

    yield hours
    clock.unfix()


def granted():
    row = vault.ask_recovery(person("vera"), by=at_work("ines"))
    return vault.decide_recovery(row, "confirm_recovery", by=at_work("arno"))


def begin_again(code, new="grape harbour iron jungle kettle lemon", handle="vera"):
    return post(Client(), "/begin-again/", handle=handle, code=code, passphrase=new, again=new)


def test_46_a_new_key_takes_two_persons_48_hours_and_a_code_that_works_once(office, saved, at):
    incident = saved("$I1")
    at(0)
    row = granted()
    with pytest.raises(Refused, match="48 hours"):
        vault.make_code(row, by=at_work("ines"))
    at(49)
    row, code = vault.make_code(row, by=at_work("ines"))
    vera = office("vera")
    assert len(code) == 26 and code not in row.code_sha256
    assert begin_again("0" * 26).status_code == 409 and begin_again(code, handle="lena").status_code == 409
    assert vera.get("/today/").status_code == 200
    assert begin_again("-".join(code[i : i + 5] for i in range(0, 26, 5)).lower()).status_code == 303
    assert vera.get("/today/").status_code == 302, "the old sessions ended"
    assert begin_again(code).status_code == 409, "once"
    assert post(Client(), "/sign-in/", handle="vera", passphrase=PASSPHRASE).status_code == 409
    client = Client()
    assert (
        post(client, "/sign-in/", handle="vera", passphrase="grape harbour iron jungle kettle lemon").status_code == 303
    )
    reply = post(client, f"/watch/incidents/{incident.ref}/read/", field="narrative")
    assert reply.status_code == 409 and b"does not open this compartment yet" in reply.content
    entries = list(Entry.objects.order_by("-index").values_list("action", flat=True)[:12])
    assert {"new key asked", "confirm recovery", "code for a new key made", "new key made"} <= set(entries)


def test_46_the_code_ends_after_three_days_and_when_someone_stops_it(office, at):
    at(0)
    row = granted()
    at(49)
    row, code = vault.make_code(row, by=at_work("arno"))
    at(49 + 73)
    assert begin_again(code).status_code == 409
    row, code = vault.make_code(row, by=at_work("arno"))
    vault.decide_recovery(row, "stop_recovery", by=at_work("odile"))
    assert begin_again(code).status_code == 409


def test_46_nobody_grants_a_new_key_alone_or_to_themselves(office):
    with pytest.raises(Refused, match="Two others"):
        vault.ask_recovery(person("ines"), by=at_work("ines"))
    row = vault.ask_recovery(person("arno"), by=at_work("ines"))
    for handle in ("ines", "arno"):
        with pytest.raises(Refused, match="Two persons"):
            vault.decide_recovery(row, "confirm_recovery", by=at_work(handle))
    with pytest.raises(Refused):
        vault.decide_recovery(row, "confirm_recovery", by=at_work("vera"))


def test_46_every_inspector_and_the_person_themselves_see_it_and_may_stop_it(office, at):
    at(0)
    row = granted()
    url = reverse("recovery", args=[row.ref])
    for handle in ("odile", "safa", "ines", "arno", "vera"):
        client = office(handle)
        assert url.encode() in client.get("/today/").content, handle
        assert b"Stop it" in client.get(url).content, handle
    other = office("sami")
    assert url.encode() not in other.get("/today/").content and other.get(url).status_code == 404
    assert post(office("vera"), url, move="stop_recovery").status_code == 303
    assert Recovery.objects.get(pk=row.pk).status == "STOPPED"


def test_46_the_vault_makes_no_new_key_on_the_offices_word_alone(office, at):
    at(0)
    row = granted()
    with pytest.raises(Refused):
        ask("replace_key", recovery=row.ref, code="0" * 26, passphrase="grape harbour iron jungle kettle lemon")
    at(49)
    row, code = vault.make_code(row, by=at_work("ines"))
    at(47)  # a code made before its time by someone who can write rows
    with pytest.raises(Refused):
        ask("replace_key", recovery=row.ref, code=code, passphrase="grape harbour iron jungle kettle lemon")


# 47 -----------------------------------------------------------------------------------------------------------------


def test_47_a_passkeys_challenge_is_32_bytes_and_its_answer_signs_in_once(office):
    from softkey import b64, raw

    client = office("sami")
    key = enrol_passkey(client)
    fresh = Client()
    options = fresh.post("/sign-in/passkey/").json()
    assert len(raw(options["challenge"])) == 32 and options["allowCredentials"] == []
    credential, secret = key.use(options)
    assert post(Client(), "/sign-in/passkey/", credential=credential, prf=b64(bytes(32))).status_code == 409
    assert post(Client(), "/sign-in/passkey/", credential=credential, prf=b64(secret)).status_code == 409, "spent"
    assert by_passkey(Client(), key).status_code == 303


# 17, 48 -------------------------------------------------------------------------------------------------------------


def test_48_signing_in_rotates_the_session_and_every_cookie_is_kept_from_scripts(office):
    client = Client()
    client.get("/sign-in/")
    post(client, "/sign-in/", handle="sami", passphrase=PASSPHRASE)
    first = {n: client.cookies[n].value for n in ("session", "unlock")}
    reply = post(client, "/sign-in/", handle="sami", passphrase=PASSPHRASE)
    again: SimpleCookie = reply.cookies
    assert all(again[n].value != first[n] for n in first)
    assert len(again["unlock"].value) == 64, "48 random bytes"
    old = Client()
    old.cookies["session"] = first["session"]
    assert old.get("/today/").status_code == 302, "the session that was is gone"
    for name in ("session", "unlock"):
        assert again[name]["httponly"] and again[name]["samesite"] in ("Strict", "Lax") and again[name]["path"] == "/"
        assert not again[name]["domain"] and not again[name]["expires"]


def test_48_in_production_cookies_carry_the_host_prefix_and_are_secure():
    import os
    import subprocess
    import sys

    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.UNLOCK_COOKIE, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.CSRF_COOKIE_HTTPONLY,"
        " s.TWO_AUTHENTICATORS, s.SECURE_REFERRER_POLICY)"
    )
    env = {**os.environ, "ANSWERABLE_SECURE": "1", "DJANGO_SETTINGS_MODULE": "answerable.config.settings.office"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.split() == ["__Host-session", "__Host-unlock", "True", "True", "True", "True", "same-origin"]


@pytest.mark.parametrize("door", ["office", "portal", "channel"])
def test_48_behind_a_proxy_that_speaks_tls_a_page_is_a_page_and_without_it_a_redirect(door):
    import os
    import subprocess
    import sys

    code = (
        "import django; django.setup()\n"
        "from django.middleware.security import SecurityMiddleware\n"
        "from django.test import RequestFactory\n"
        "for said in ('https', 'http'):\n"
        "    request = RequestFactory().get('/', headers={'X-Forwarded-Proto': said, 'Host': 'localhost'})\n"
        "    reply = SecurityMiddleware(lambda r: None).process_request(request)\n"
        "    print('page' if reply is None else reply.status_code)"
    )
    env = {
        **os.environ,
        "ANSWERABLE_SECURE": "1",
        "ANSWERABLE_HOSTS": "localhost",
        "DJANGO_SETTINGS_MODULE": f"answerable.config.settings.{door}",
    }
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.split() == ["page", "301"]


# 49 -----------------------------------------------------------------------------------------------------------------


def test_49_the_key_locks_after_ten_idle_minutes_and_after_eight_hours_whatever_was_done(office, saved, later):
    incident = saved("$I1")
    url = f"/watch/incidents/{incident.ref}/read/"
    client = office("vera")
    assert post(client, url, field="narrative").status_code == 200
    later(601)
    reply = post(client, url, field="narrative")
    assert reply.status_code == 409 and b"Your key is locked" in reply.content and b"/confirm/" in reply.content
    assert post(client, "/confirm/", passphrase=PASSPHRASE, next="/watch/").url == "/watch/"
    assert post(client, url, field="narrative").status_code == 200
    keep_awake(client, later, 8 * 3600 + 300)
    assert CHAMBER.find(client.cookies["unlock"].value) is None


def test_49_the_offices_session_ends_after_eight_hours_even_when_something_renewed_it(office, at):
    at(0)
    client = office("sami")
    for hours in (3, 6, 7.9):
        at(hours)
        session = client.session
        session["renewed"] = hours
        session.save()
        assert client.get("/today/").status_code == 200, hours
    at(8.1)
    assert client.get("/today/").status_code == 302 and client.get("/today/").url.startswith("/sign-in/")


# 50 -----------------------------------------------------------------------------------------------------------------


def test_50_signing_out_ends_both_sessions_and_asks_the_browser_to_keep_nothing(office):
    client = office("sami")
    kept = {n: client.cookies[n].value for n in ("session", "unlock")}
    reply = post(client, "/sign-out/")
    assert reply["Clear-Site-Data"] == '"cache", "storage"' and not reply.cookies["unlock"].value
    assert CHAMBER.find(kept["unlock"]) is None
    thief = Client()
    thief.cookies["session"], thief.cookies["unlock"] = kept["session"], kept["unlock"]
    assert thief.get("/today/").status_code == 302


@pytest.mark.parametrize("change", ["suspended", "role ended", "role given"])
def test_50_what_someone_may_do_changes_and_their_sessions_end_at_once(
    office, change, django_capture_on_commit_callbacks
):
    client, other = office("sami"), office("vera")
    token, ines, arno = client.cookies["unlock"].value, person("ines"), person("arno")
    with django_capture_on_commit_callbacks(execute=True):
        if change == "suspended":
            alliance.set_activity(person("sami"), active=False, by=ines)
        elif change == "role ended":
            alliance.decide_grant(Grant.objects.get(person=person("sami"), status="HELD"), "end_grant", by=arno)
        else:
            grant = alliance.ask_grant(person("sami"), "verification_lead", by=at_work("ines"))
            alliance.decide_grant(grant, "confirm_grant", by=at_work("arno"))
    assert CHAMBER.find(token) is None, "the vault's session"
    assert client.get("/today/").status_code == 302, "the office's session"
    assert other.get("/today/").status_code == 200 and CHAMBER.find(other.cookies["unlock"].value)


def test_50_the_vault_compares_for_itself_when_nobody_told_it(office, saved):
    incident, client = saved("$I1"), office("vera")
    token = client.cookies["unlock"].value
    alliance.set_activity(person("vera"), active=False, by=at_work("ines"))
    alliance.set_activity(person("vera"), active=True, by=at_work("ines"))
    assert CHAMBER.find(token), "the commit that would tell it has not come"
    with pytest.raises(Refused, match="locked"):
        ask("open", token=token, ref=incident.ref, fields=["narrative"], purpose="verification")


def test_50_changing_what_opens_a_key_ends_every_session(office):
    one, two = office("sami"), office("sami")
    enrol_passkey(one)
    number = ask("own_keys", token=one.cookies["unlock"].value)["passkeys"][0]["number"]
    assert post(one, "/keys/passkeys/end/", number=number, sure="yes").status_code == 303
    assert one.get("/today/").status_code == two.get("/today/").status_code == 302


# 51 -----------------------------------------------------------------------------------------------------------------


def steps(saved):
    from answerable.fund.models import Payment

    payment = Payment.objects.get(status="PLANNED")
    return {
        "opening": ("vera", f"/watch/incidents/{saved('$I1').ref}/read/", {"field": "narrative"}, 200),
        "opening a claim": ("anna", f"/repair/claims/{saved('$claim').ref}/read/", {"field": "account"}, 200),
        "voting": ("delegate.blm", f"/decide/proposals/{saved('$again').ref}/ballot/", {"choice": "for"}, 303),
        "paying": ("abel", f"/fund/payments/{payment.ref}/move/", {"move": "approve_first"}, 303),
    }


@pytest.mark.parametrize("what", ["opening", "opening a claim", "voting", "paying"])
def test_51_opening_paying_and_voting_ask_for_a_confirmation_of_the_last_ten_minutes(office, saved, later, what):
    handle, url, fields, fine = steps(saved)[what]
    client = office(handle)
    keep_awake(client, later, 900)
    came_from = "http://testserver/today/?x=1"
    before = Entry.objects.count()
    reply = client.post(url, fields, HTTP_REFERER=came_from)
    set_scope(["*"])
    assert reply.status_code == 409 and b"Confirm that it is you" in reply.content
    assert b'action="/confirm/"' in reply.content and b'value="/today/?x=1"' in reply.content
    assert Entry.objects.count() == before, "nothing was done"
    # A script that asked for a part gets the whole page, so that nothing of the question is lost.
    whole = client.post(url, fields, HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=came_from).content
    assert b'action="/confirm/"' in whole and b"<html" in whole and b'value="/today/?x=1"' in whole
    wrong = post(client, "/confirm/", passphrase="some other six words here", next="/today/?x=1")
    assert (
        wrong.status_code == 409 and b'action="/confirm/"' in wrong.content and b'value="/today/?x=1"' in wrong.content
    )
    assert client.post(url, fields).status_code == 409
    confirmed = post(client, "/confirm/", passphrase=PASSPHRASE, next="/today/?x=1")
    assert confirmed.status_code == 303 and confirmed.url == "/today/?x=1"
    set_scope(["*"])
    done = client.post(url, fields)
    assert done.status_code == fine, done.content[-800:]


def test_51_a_form_that_asks_for_it_offers_it_and_buttons_stay_where_only_that_is_missing(office, saved, later):
    from answerable.fund.models import Payment
    from answerable.reparations.models import AwardLine

    set_scope(["*"])
    line, payment = AwardLine.objects.first().ref, Payment.objects.get(status="PLANNED")
    fina, abel = office("fina"), office("abel")
    keep_awake(fina, later, 900)
    keep_awake(abel, later, 600)
    later(200)
    assert b"Approve (first)" in abel.get(f"/fund/payments/{payment.ref}/").content
    fina.get("/alliance/")
    assert fina.get("/fund/payments/plan/").status_code == 200
    reply = post(fina, "/fund/payments/plan/", line=line, instalment=3)
    assert reply.status_code == 409 and b'action="/confirm/"' in reply.content


def test_51_whoever_may_not_do_it_anyway_is_not_asked_to_confirm(office, saved, later):
    url = f"/decide/proposals/{saved('$again').ref}/ballot/"
    client = office("chair")
    keep_awake(client, later, 900)
    reply = post(client, url, choice="for")
    assert reply.status_code == 409 and b"/confirm/" not in reply.content


def test_51_a_passkey_confirms_and_a_token_never_does(office, saved, later):
    from softkey import b64

    handle, url, fields, fine = steps(saved)["voting"]
    client = office(handle)
    key = enrol_passkey(client)
    keep_awake(client, later, 900)
    assert post(client, url, **fields).status_code == 409
    credential, secret = key.use(client.post("/confirm/", {"options": "1"}).json())
    assert post(client, "/confirm/", credential=credential, prf=b64(secret), next="/decide/").url == "/decide/"
    assert post(client, url, **fields).status_code == fine
    someone = person("delegate.blm")
    someone.fresh, someone.via = True, "api"
    assert someone.principal().fresh is False


def test_51_confirming_leads_nowhere_else(office):
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", ""):
        assert post(office("sami"), "/confirm/", passphrase=PASSPHRASE, next=evil).url == "/today/"


def test_51_one_persons_passkey_does_not_unlock_anothers_session(office, later):
    from softkey import b64

    key = enrol_passkey(office("vera"))
    client = office("sami")
    later(601)
    credential, secret = key.use(client.post("/confirm/", {"options": "1"}).json())
    reply = post(client, "/confirm/", credential=credential, prf=b64(secret), next="/today/")
    assert reply.status_code == 409 and not reply.cookies.get("unlock")


# --- one's own key ------------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_for_ones_own_key_speaks_of_the_key_and_of_no_name(office):
    adva = office("adva")
    del adva.cookies["unlock"]
    reply = adva.post("/unlock/", {"passphrase": "six words that nobody here has", "next": "/today/"}, follow=True)
    said = reply.content.decode()
    assert "That passphrase does not open your key." in said and "belong together" not in said
    # Nobody learns from it who exists: a reference that is nobody's is answered in the same words.
    for who in (person("adva").ref, "PER-NOBODYS"):
        with pytest.raises(Refused) as no:
            ask("unlock", person=who, passphrase="six words that nobody here has")
        assert str(no.value) == "That passphrase does not open your key. Check it and try again."
    with pytest.raises(Refused, match="Name and passphrase do not belong together"):
        ask("sign_in", handle="adva", passphrase="six words that nobody here has")


def test_at_the_vaults_own_machine_an_unknown_name_is_asked_for_its_passphrase_like_a_known_one(played, monkeypatch):
    import getpass

    from django.test.utils import override_settings

    from answerable.vault import cli, client

    real, heard = client.ask, []

    def here(op, **args):
        with override_settings(VAULT_TRANSPORT="here", VAULT_DOOR="office"):
            return real(op, **args)

    def typed(prompt):
        asked.append(prompt)
        return "six words that nobody here has"

    monkeypatch.setattr(client, "ask", here)
    monkeypatch.setattr(getpass, "getpass", typed)
    for first in ("ines", "nobody.here"):
        asked: list[str] = []
        LIMITS.clear()
        with override_settings(), pytest.raises(Refused) as no:
            cli._unlock([first, "arno"])
        heard.append((str(no.value), no.value.reason, [a.replace(first, "NAME") for a in asked]))
    assert heard[0] == heard[1] and heard[0][2] == ["Passphrase of NAME: "]
