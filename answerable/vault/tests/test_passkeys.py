"""A passkey opens its person's key and nothing else does: single challenges, its own host, its own secret, its own count."""

from __future__ import annotations

import json

import pytest
from softkey import SoftKey

from answerable.alliance import actions as alliance
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.vault import chamber, primitives, seal, stretching, userkeys
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import personkeys
from answerable.vault.limits import LIMITS, Limits
from answerable.vault.models import Authenticator, PersonKey
from answerable.vault.operations import entering, sessions

SITE = "http://testserver"
WORDS = "acorn bridge candle dolphin eleven forest"
KEY, SECRET, IDENT = bytes(range(96)), bytes(range(32)), b"credential"

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db):
    someone, _other = alliance.found_alliance(
        registrar=("noor", "Noor"), administrator=("arno", "Arno"), secretariat="Somewhere", by=CLOCK
    )
    personkeys.put_person_key(someone.ref, *stretching.new_user_key(WORDS))
    yield someone
    CHAMBER.end_all_of(someone.ref)
    LIMITS.clear()


@pytest.fixture
def signed_in(person):
    return entering.sign_in("noor", WORDS)["token"]


@pytest.fixture
def clock_of_the_vault(monkeypatch):
    """`later(seconds)` moves the vault's clock on."""
    began, moved = chamber.seconds(), [0.0]
    monkeypatch.setattr(chamber, "seconds", lambda: began + moved[0])
    return lambda s: moved.__setitem__(0, moved[0] + s)


def added(token, key=None, name="Blue key"):
    key = key or SoftKey()
    credential, secret = key.make(entering.passkey_to_make(token, SITE))
    entering.add_passkey(token, SITE, credential, secret, name)
    return key


# --- the wrap -----------------------------------------------------------------------------------------------------


def test_a_wrap_opens_with_its_own_passkeys_secret():
    wrapped = userkeys.wrap_with_prf(KEY, SECRET, IDENT)
    assert userkeys.open_with_prf(wrapped, SECRET, IDENT) == KEY and KEY not in wrapped
    assert wrapped != userkeys.wrap_with_prf(KEY, SECRET, IDENT), "two wraps of one key share nothing"


@pytest.mark.parametrize(
    ("secret", "ident"),
    [(bytes(32), IDENT), (SECRET[:-1], IDENT), (b"", IDENT), (SECRET + b"0", IDENT), (SECRET, b"another")],
)
def test_the_secret_of_another_credential_opens_nothing(secret, ident):
    with pytest.raises(userkeys.WrongPasskey):
        userkeys.open_with_prf(userkeys.wrap_with_prf(KEY, SECRET, IDENT), secret, ident)


def test_every_changed_byte_and_every_cut_of_a_wrap_is_a_wrong_passkey():
    wrapped = userkeys.wrap_with_prf(KEY, SECRET, IDENT)
    for i in range(len(wrapped)):
        for bad in (wrapped[:i] + bytes([wrapped[i] ^ 1]) + wrapped[i + 1 :], wrapped[:i]):
            with pytest.raises(userkeys.WrongPasskey):
                userkeys.open_with_prf(bad, SECRET, IDENT)


def test_the_commitment_is_compared_before_anything_is_decrypted(monkeypatch):
    wrapped = userkeys.wrap_with_prf(KEY, SECRET, IDENT)
    monkeypatch.setattr(primitives, "aead_open", lambda *a: pytest.fail("decrypted before the commitment held"))
    with pytest.raises(userkeys.WrongPasskey):
        userkeys.open_with_prf(wrapped[:19] + bytes(32) + wrapped[51:], SECRET, IDENT)


def test_a_passphrases_wrap_is_no_passkeys_and_the_other_way_round():
    with pytest.raises(userkeys.WrongPasskey):
        userkeys.open_with_prf(userkeys.wrap_under_passphrase(KEY, WORDS), SECRET, IDENT)
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(userkeys.wrap_with_prf(KEY, SECRET, IDENT), WORDS)


# --- registering and signing in -----------------------------------------------------------------------------------


def test_a_passkey_opens_the_same_key_the_passphrase_opens(signed_in, person):
    key = added(signed_in)
    token = entering.sign_in_passkey(SITE, *key.use(entering.passkey_to_use(SITE)))["token"]
    assert CHAMBER.private(token) == CHAMBER.private(signed_in)
    public = bytes(PersonKey.objects.get(person=person.ref).public_key)
    context = b"a test"
    assert seal.unwrap(CHAMBER.private(token), seal.wrap(public, SECRET, context), context) == SECRET
    row = Authenticator.objects.get()
    assert row.last_used and row.sign_count == 1 and CHAMBER.private(token) not in bytes(row.wrapped_private)


def test_options_ask_for_a_verified_user_a_known_host_and_no_attestation(signed_in):
    options = entering.passkey_to_make(signed_in, SITE)
    assert len(options["challenge"]) >= 43 and options["rp"]["id"] == "testserver"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options.get("attestation", "none") == "none"
    used = entering.passkey_to_use(SITE)
    assert used["userVerification"] == "required" and used["allowCredentials"] == [], (
        "nobody is named before signing in"
    )
    assert used["challenge"] != entering.passkey_to_use(SITE)["challenge"]


def refused_to_register(token, options, **wrong):
    key = SoftKey()
    credential, secret = key.make(options, **wrong)
    with pytest.raises(Refused):
        entering.add_passkey(token, SITE, credential, secret, "x")
    assert not Authenticator.objects.exists()


def test_registering_refuses_another_page_another_host_and_an_unverified_user(signed_in):
    refused_to_register(signed_in, entering.passkey_to_make(signed_in, SITE), uv=False)
    refused_to_register(signed_in, entering.passkey_to_make(signed_in, SITE), origin="http://testserver.example")
    options = entering.passkey_to_make(signed_in, SITE)
    refused_to_register(signed_in, {**options, "rp": {"id": "elsewhere"}})


def test_a_challenge_registers_once_and_for_its_own_person_only(signed_in, person):
    key, options = SoftKey(), entering.passkey_to_make(signed_in, SITE)
    credential, secret = key.make(options)
    entering.add_passkey(signed_in, SITE, credential, secret, "x")
    other, _ = SoftKey().make(options)
    with pytest.raises(Refused, match="could not be verified"):
        entering.add_passkey(signed_in, SITE, other, secret, "x")
    refused_to = CHAMBER.challenge("make", "PER-SOMEONE-ELSE")
    assert not CHAMBER.spend(refused_to, "make", person.ref)


def test_challenges_end_after_five_minutes_and_serve_one_purpose(clock_of_the_vault):
    for purpose, wait, holds in (
        ("sign in", 0, True),
        ("sign in", 299, True),
        ("sign in", 301, False),
        ("make", 0, False),
    ):
        challenge = CHAMBER.challenge("sign in")
        clock_of_the_vault(wait)
        assert CHAMBER.spend(challenge, purpose) is holds, (purpose, wait)
        assert not CHAMBER.spend(challenge, purpose), "never twice"


@pytest.mark.slow
def test_challenges_are_bounded_and_the_oldest_goes_first():
    first = CHAMBER.challenge("sign in")
    for _ in range(chamber.CHALLENGES):
        CHAMBER.challenge("sign in")
    assert len(CHAMBER.challenges) <= chamber.CHALLENGES and not CHAMBER.spend(first, "sign in")
    CHAMBER.challenges.clear()


def sign_in_refused(credential, secret, match="does not sign in here"):
    before = len(CHAMBER.sessions)
    with pytest.raises(Refused, match=match):
        entering.sign_in_passkey(SITE, credential, secret)
    assert len(CHAMBER.sessions) == before


def test_an_answer_signs_in_once(signed_in):
    key = added(signed_in)
    answer = key.use(entering.passkey_to_use(SITE))
    assert entering.sign_in_passkey(SITE, *answer)["token"]
    sign_in_refused(*answer)


@pytest.mark.parametrize("wrong", [{"uv": False}, {"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_signing_in_refuses_another_page_another_host_and_an_unverified_user(signed_in, wrong):
    key = added(signed_in)
    sign_in_refused(*key.use(entering.passkey_to_use(SITE), **wrong))
    # The control: the same key signs in when nothing is wrong.
    assert entering.sign_in_passkey(SITE, *key.use(entering.passkey_to_use(SITE)))


def test_the_prf_of_another_credential_fails(signed_in):
    key, other = added(signed_in), added(signed_in, name="Spare")
    options = entering.passkey_to_use(SITE)
    credential, _mine = key.use(options)
    sign_in_refused(credential, other.secret(options))
    sign_in_refused(key.use(entering.passkey_to_use(SITE))[0], b"")


def test_a_count_that_does_not_grow_is_refused(signed_in):
    key = added(signed_in)
    assert entering.sign_in_passkey(SITE, *key.use(entering.passkey_to_use(SITE), count=7))
    for copied in (7, 6, 0):
        sign_in_refused(*key.use(entering.passkey_to_use(SITE), count=copied))
    assert entering.sign_in_passkey(SITE, *key.use(entering.passkey_to_use(SITE), count=8))


def test_a_forged_signature_and_another_persons_key_are_refused(signed_in):
    key = added(signed_in)
    thief = SoftKey()
    thief.ident, thief.prf = key.ident, key.prf  # knows everything but the private key
    sign_in_refused(*thief.use(entering.passkey_to_use(SITE)))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "nonsense", json.dumps({"id": "AA", "response": {}}), "x" * 30_000]
)
def test_what_is_no_answer_is_refused_in_the_same_words(person, text):
    sign_in_refused(text, SECRET)


def test_an_unknown_passkey_gets_the_same_words_as_a_wrong_one(signed_in):
    sign_in_refused(*SoftKey().use(entering.passkey_to_use(SITE)))


def test_a_passkey_without_prf_is_told_why(signed_in):
    credential, _ = SoftKey().make(entering.passkey_to_make(signed_in, SITE))
    with pytest.raises(Refused, match="cannot open keys"):
        entering.add_passkey(signed_in, SITE, credential, b"", "x")
    assert not Authenticator.objects.exists()


def test_a_host_this_installation_does_not_answer_to_is_refused(signed_in, settings):
    settings.ALLOWED_HOSTS = ["office.example"]
    for origin in (SITE, "http://office.example.evil", "javascript:1", "http://[", ""):
        with pytest.raises(Refused):
            entering.passkey_to_use(origin)
    assert entering.passkey_to_use("http://office.example")["rpId"] == "office.example"
    settings.SECURE = True
    with pytest.raises(Refused):
        entering.passkey_to_use("http://office.example")


def test_registering_needs_a_session_confirmed_a_short_while_ago(signed_in, clock_of_the_vault):
    for _ in range(3):
        clock_of_the_vault(250)
        entering.touch(signed_in)
    with pytest.raises(Refused) as no:
        entering.passkey_to_make(signed_in, SITE)
    assert no.value.reason == "confirm"
    entering.confirm(signed_in, WORDS)
    assert entering.passkey_to_make(signed_in, SITE)


# --- ending, confirming, changing ---------------------------------------------------------------------------------


def test_an_ended_passkey_opens_nothing_and_every_session_ends(signed_in, person):
    key = added(signed_in)
    number = entering.own_keys(signed_in)["passkeys"][0]["number"]
    assert entering.end_passkey(signed_in, number) == "Blue key"
    assert CHAMBER.sessions_of(person.ref) == 0 and bytes(Authenticator.objects.get().wrapped_private) == b""
    sign_in_refused(*key.use(entering.passkey_to_use(SITE)))


def test_in_production_the_last_passkey_stays_and_ones_own_alone_is_ended(signed_in, person, settings):
    settings.TWO_AUTHENTICATORS = True
    assert not sessions.is_enrolled(person.ref), "a passphrase alone is not enough"
    added(signed_in)
    assert sessions.is_enrolled(person.ref)
    number = entering.own_keys(signed_in)["passkeys"][0]["number"]
    with pytest.raises(Refused, match="last passkey"):
        entering.end_passkey(signed_in, number)
    with pytest.raises(Refused, match="no such passkey"):
        entering.end_passkey(signed_in, number + 1)
    added(signed_in, name="Spare")
    entering.end_passkey(signed_in, number)


def test_a_passkey_confirms_its_own_session_and_no_other(signed_in, person, clock_of_the_vault):
    key = added(signed_in)
    clock_of_the_vault(400), entering.touch(signed_in), clock_of_the_vault(400)
    assert not entering.touch(signed_in)["fresh"]
    stray = key.use(entering.passkey_to_use(SITE))  # a challenge for signing in confirms nothing
    with pytest.raises(Refused):
        entering.confirm_passkey(signed_in, SITE, stray[0])
    options = entering.passkey_to_use(SITE, signed_in)
    assert len(options["allowCredentials"]) == 1
    with pytest.raises(Refused):
        entering.confirm_passkey(signed_in, SITE, SoftKey().use(options)[0])
    assert not entering.touch(signed_in)["fresh"]
    entering.confirm_passkey(signed_in, SITE, key.use(entering.passkey_to_use(SITE, signed_in))[0])
    assert entering.touch(signed_in)["fresh"]


def test_a_changed_passphrase_opens_the_same_key_and_the_old_one_nothing(signed_in, person):
    before = CHAMBER.private(signed_in)
    with pytest.raises(Refused, match="not your passphrase"):
        entering.change_passphrase(signed_in, "not the old one at all", "grape harbour iron jungle kettle lemon")
    entering.change_passphrase(signed_in, WORDS, "grape harbour iron jungle kettle lemon")
    assert CHAMBER.find(signed_in) is None
    with pytest.raises(Refused):
        entering.sign_in("noor", WORDS)
    token = entering.sign_in("noor", "grape harbour iron jungle kettle lemon")["token"]
    assert CHAMBER.private(token) == before


def test_a_replaced_key_leaves_no_way_in_for_the_old_one(signed_in, person):
    key = added(signed_in)
    personkeys.replace_person_key(person.ref, *userkeys.new_user_key("grape harbour iron jungle kettle lemon"))
    sign_in_refused(*key.use(entering.passkey_to_use(SITE)))
    with pytest.raises(Refused):
        entering.sign_in("noor", WORDS)


# --- limits -------------------------------------------------------------------------------------------------------


def test_attempts_wait_longer_each_time_and_keep_no_name(clock_of_the_vault):
    limits = Limits()
    for _ in range(5):
        limits.try_once("Noor ")
    said = []
    for wait in (60, 120, 240):
        with pytest.raises(Refused) as no:
            limits.try_once("noor")
        said.append(str(no.value))
        clock_of_the_vault(wait + 1)
        limits.try_once("noor")
    assert "in 1 minute," in said[0] and "in 2 minutes," in said[1] and "in 4 minutes," in said[2]
    limits.try_once("someone else")
    assert all(isinstance(b, bytes) and len(b) == 32 and b"noor" not in b for b in limits.buckets)
    clock_of_the_vault(25 * 3600)
    limits.try_once("noor")
    assert "repr" not in repr(limits) and "noor" not in repr(limits)


def test_a_right_try_is_given_back_and_all_names_together_close_the_door_to_no_fresh_name(
    clock_of_the_vault, monkeypatch
):
    monkeypatch.setattr("answerable.vault.limits.IN_A_WINDOW", 20)
    limits = Limits()
    for _ in range(100):
        limits.try_once("noor", known=True), limits.succeeded("noor")
    assert limits.altogether == 0
    for _ in range(5):
        limits.try_once("hammered", known=True)
    for n in range(20):
        limits.try_once(f"name {n}")
    clock_of_the_vault(61)
    with pytest.raises(Refused, match="in 9 minutes"):
        limits.try_once("hammered", known=True)
    limits.try_once("a fresh name")
    limits.try_once("noor", known=True)
    clock_of_the_vault(601)
    limits.try_once("hammered", known=True)


def test_whoever_is_signed_in_counts_for_themselves_alone(clock_of_the_vault, monkeypatch):
    limits = Limits()
    limits.try_once("someone")
    for _ in range(5):
        limits.try_once("unlock noor", live=True)
    assert limits.altogether == 1
    with pytest.raises(Refused, match="in 1 minute"):
        limits.try_once("unlock noor", live=True)
    limits.succeeded("unlock noor")
    assert limits.altogether == 1


def test_invented_names_push_out_no_count_of_a_person(clock_of_the_vault, monkeypatch):
    monkeypatch.setattr("answerable.vault.limits.BUCKETS", 10)
    limits = Limits()
    for _ in range(5):
        limits.try_once("noor", known=True)
    for n in range(30):
        limits.try_once(f"name {n}")
    assert len(limits.buckets) == 10
    with pytest.raises(Refused):
        limits.try_once("noor", known=True)


def test_known_and_unknown_names_wait_alike_and_a_passkey_still_signs_in(person):
    token = entering.sign_in("noor", WORDS)["token"]
    key = added(token)
    said = {"noor": [], "nobody": []}
    for handle, sentences in said.items():
        for _ in range(7):
            with pytest.raises(Refused) as no:
                entering.sign_in(handle, "wrong " * 5)
            sentences.append((str(no.value), no.value.reason))
    assert said["noor"] == said["nobody"] and said["noor"][-1][1] == "wait"
    with pytest.raises(Refused):
        entering.sign_in("noor", WORDS)
    assert entering.sign_in_passkey(SITE, *key.use(entering.passkey_to_use(SITE)))["token"]
    assert entering.unlock(person.ref, WORDS)["token"], "whoever is signed in is not kept from unlocking"
