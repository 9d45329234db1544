"""An identity from a claim to the one caseworker who reads one field of it: two bodies, two machines, and she is told.

The office's pages and the vault are the real ones; the custodians' program runs as a process on a machine of its own.
"""

from __future__ import annotations

import io
import logging
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import custodians
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from promises import compromise, keeps
from tests_support import rows_holding, see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.reparations import actions as reparations
from answerable.vault import primitives
from answerable.vault.bundles import opening
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.custody import actions, operations
from answerable.vault.models import Alert, IdentityRequest, Notice

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
PASSPHRASE = "only for the test suite, six words"


def person(handle: str) -> Person:
    found = Person.objects.select_related("body__state").get(handle=handle)
    found.fresh = True
    return found


def signed(handle: str) -> Person:
    """The same in a live session with the vault, which answers nobody else about an identity."""
    found = person(handle)
    found.vault_session = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    return found


@pytest.fixture
def now():
    """The custodians' machines have the real time, so the story ends at it."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def canaries():
    names = ("name", "birth_date", "safe_contact", "address", "payee", "family")
    return {n: f"canary{n.replace('_', '')}{secrets.token_hex(6)}" for n in names}


@pytest.fixture
def claim(saved, canaries, now):
    """Lodged the day before yesterday at the latest: nothing of the story is entered before it."""
    with clock.set_to(min(clock.now(), now - 27 * HOUR)):
        return reparations.lodge_claim(
            saved("$programme"), claim_type="CL-DIR", alias="N.", age_band="25-34", country="Pelland", language="ar",
            safe_contact="Tuesdays", events_from=datetime(2026, 1, 2).date(), area1="South", purposes=["CP-CLAI", "CP-CONT"],
            declared_true=True, referral_offered=True, identity=canaries, by=person("inga"),
        )  # fmt: skip


@pytest.fixture
def asked(claim):
    def make(fields=("safe_contact",), purpose="contact", reason="call_asked", **more):
        see_all()
        fresh = reparations.Claim.objects.get(pk=claim.pk)
        return actions.ask_identity(
            fresh, fields=fields, purpose=purpose, reason=reason, recipient=person("adva"), by=signed("adva"), **more
        )

    return make


@pytest.fixture
def released(asked, now):
    """A request, or several, asked and approved a day ago and released by the clock now."""

    def make(several=1, **more):
        with clock.set_to(now - 25 * HOUR):
            made = [actions.approve_identity(asked(**more), by=signed("safa")).pk for _ in range(several)]
        with clock.set_to(now):
            actions.owed()
        see_all()
        found = [IdentityRequest.objects.get(pk=pk) for pk in made]
        return found if several > 1 else found[0]

    return make


@pytest.fixture
def machines(played, tmp_path):
    seats = played["seats"]
    return {n: custodians.Machine(tmp_path / n.split()[0].strip("’'"), n, key) for n, key in seats.items()}


@action("tamper_in_a_test")
def tampered(change, *, by):
    """Write to the working facts as an office gone bad would."""
    change()
    record.append("tampered in a test", "TEST", by=by)


def count(act: str, ref: str) -> int:
    return Entry.objects.filter(action=act, subject=ref).count()


def told(ref: str) -> list[str]:
    sections = [section for answer in question("survivor_page").ask(ref) for section in answer or ()]
    return next(s["lines"] for s in sections if s["title"] == "Who opened your details")


# --- the whole way ------------------------------------------------------------------------------------------------


@keeps(1, 5)
def test_from_a_claim_to_the_one_field_that_one_caseworker_reads(office, saved, canaries, machines, now, caplog):
    caplog.set_level(logging.DEBUG)
    pages = []

    def page(reply, status=200):
        pages.append(reply.content)
        assert reply.status_code == status, re.sub(r"<[^>]+>|\s+", " ", reply.content.decode())[-900:]
        see_all()
        return reply

    with clock.set_to(now - 26 * HOUR):
        inga, adva = office("inga"), office("adva")
        form = {
            "claim_type": "CL-DIR", "alias": "N.", "age_band": "25-34", "country": "Pelland", "language": "ar", "area1": "OTHER", "referral_offered": "on",
            "safe_contact": "x", "events_from": "2026-01-02", "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on",
            **{f"identity_{n}": word for n, word in canaries.items()},
        }  # fmt: skip
        page(inga.post(f"/repair/programmes/{saved('$programme').ref}/lodge/", form), 303)
        claim = reparations.Claim.objects.order_by("-id").first()
        assert f"/repair/identity/ask/{claim.ref}/" in page(adva.get(f"/repair/claims/{claim.ref}/")).content.decode()
        ask_for = {
            "purpose": "contact",
            "fields_": ["safe_contact"],
            "reason": "call_asked",
            "recipient": person("adva").pk,
        }
        page(adva.post(f"/repair/identity/ask/{claim.ref}/", ask_for), 303)
        request = IdentityRequest.objects.get(subject=claim.ref)
        url = f"/repair/identity/{request.ref}/"
        assert request.ref in page(office("safa").get("/today/")).content.decode()
        for nobody in ("delegate.avn", "fina", "odile", "sami"):
            page(office(nobody).get(url), 404)
        for same_office in (adva, inga):
            page(same_office.post(url + "move/", {"move": "approve_identity"}), 409)
        # Whoever approves sees the request and never the claim (SOD-07).
        page(office("safa").get(f"/repair/claims/{claim.ref}/"), 404)
        page(office("safa").post(url + "move/", {"move": "approve_identity"}), 303)
    with clock.set_to(now - 3 * HOUR):
        page(office("safa").post(url + "move/", {"move": "release_identity"}), 409)
    assert told(claim.ref) == ["Nobody has."]
    with clock.set_to(now - HOUR):
        actions.owed()
    with clock.set_to(now):
        safa, cora, sol, adva = office("safa"), office("cora"), office("sol"), office("adva")
        assert request.ref in page(cora.get("/today/")).content.decode()
        taken = [page(who.post(url + "take/")).content for who in (safa, cora)]
        assert taken[0] == taken[1]
        for again in (safa, cora, sol):
            page(again.post(url + "take/"), 409)
        page(adva.post(url + "take/"), 409)
        vkey = ask("signing_key")
        assert vkey in page(cora.get(url)).content.decode()
        brought = custodians.answer(
            machines["safeguarding officer"], machines["vault custodian"], taken[0], vkey, request.ref
        )

        # Nobody but the one reader, and nothing but the custodians' file.
        def bring(client, raw):
            return client.post(url + "answer/", {"file": io.BytesIO(raw)})

        for nobody in (office("inga"), safa, cora):
            page(bring(nobody, brought), 404)
        page(bring(adva, brought[:-30] + b"AAAA" + brought[-26:]), 409)
        page(bring(adva, taken[0]), 409)
        assert count("identity answer opened", request.ref) == 0
        shown = bring(adva, brought)
        assert shown.status_code == 200 and canaries["safe_contact"] in shown.content.decode()
        assert shown["Cache-Control"] == "no-store"
        assert not [n for n, w in canaries.items() if n != "safe_contact" and w in shown.content.decode()]
        see_all()
        assert count("identity answer opened", request.ref) == 1
        assert bring(adva, brought).status_code == 200
        see_all()
        assert count("identity answer opened", request.ref) == 2
        for who in (adva, safa, cora, office("dario")):
            pages += [who.get(url).content, who.get("/repair/identity/").content, who.get("/today/").content]
    with clock.set_to(now + timedelta(days=9)):
        actions.owed()
        page(bring(office("adva"), brought), 409)
    see_all()
    (line,) = told(claim.ref)
    day = (now - HOUR).date()
    assert all(
        w in line for w in ("Reparations Office", f"{day.day} {day:%B %Y}", "reaching her", "safe-contact number")
    )
    assert count("identity released", request.ref) == 1
    # No page but the one, no row, no log, no machine holds a word of her.
    for word in canaries.values():
        assert rows_holding(word) == [] and word not in caplog.text
        assert not [p for p in pages if word.encode() in p]
        assert not [m.seat for m in machines.values() if word.encode() in m.holds()]


# --- two persons, two bodies --------------------------------------------------------------------------------------


@pytest.fixture
def colleague(claim, now):
    """A safeguarding officer in the very office that asks."""
    with clock.set_to(min(clock.now(), now - 26 * HOUR)):
        ines, arno = signed("ines"), signed("arno")
        made = alliance.enter_person(handle="cass", name="Cass", body=person("adva").body, by=ines)
        alliance.decide_grant(alliance.ask_grant(made, "safeguarding_officer", by=ines), "confirm_grant", by=arno)
        return person("cass")


@pytest.mark.parametrize("urgent", [False, True])
def test_neither_one_person_nor_one_body_opens_an_identity(asked, colleague, office, urgent):
    more = {"reason": "danger_to_life", "break_glass": True} if urgent else {}
    request = asked(**more)
    # By policy and by action.
    decision = authority.decide(colleague, "approve_identity", request)
    assert not decision.allowed and "SOD-08-an-identity-takes-two-bodies" in decision.policies
    for who in ("cass", "adva", "inga", "sami", "delegate.avn", "chair", "odile"):
        with pytest.raises((Refused, IdentityRequest.DoesNotExist)):
            actions.approve_identity(request, by=person(who))
    # By the pages.
    url = f"/repair/identity/{request.ref}/move/"
    with clock.set_to(datetime.now(UTC)):
        for who, status in (("adva", 409), ("inga", 409), ("odile", 409 if urgent else 404), ("delegate.avn", 404)):
            assert office(who).post(url, {"move": "approve_identity"}).status_code == status, who
            assert office(who).post(url, {"move": "release_identity"}).status_code == status, who
    see_all()
    # By the database, whatever an office gone bad writes.
    safa, adva, when = person("safa"), person("adva"), clock.now()
    times = actions.rules.clocks(when, break_glass=urgent)
    rows = IdentityRequest.objects.filter(pk=request.pk)
    good = {"status": "APPROVED", "approved_by": safa, "approved_body": safa.body, "approved_at": when,
            "cool_until": times.cool_until, "valid_until": times.valid_until}  # fmt: skip
    for bad in (
        {"approved_by": adva}, {"approved_body": adva.body}, {"approved_by": None, "approved_body": None, "approved_at": None},
        {"valid_until": when + 200 * HOUR if urgent else times.cool_until}, {"cool_until": when + HOUR if urgent else when},
        {"released_at": times.valid_until + HOUR}, {"released_at": when - HOUR},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            tampered(lambda b=bad: rows.update(**{**good, **b}), by=CLOCK)
    # Even rows that the database accepts release nothing, since the record holds no approval.
    tampered(lambda: rows.update(**good), by=CLOCK)
    with pytest.raises(Refused, match="record holds no approval"):
        ask("release_identity", request=request.ref)
    see_all()
    assert count("identity released", request.ref) == 0 and not Notice.objects.filter(subject=request.subject).exists()


def test_an_approver_of_the_same_body_is_refused_by_the_vault_too(asked, colleague, now):
    """Someone moved to the office that asked, after approving: the vault looks again."""
    with clock.set_to(now - 25 * HOUR):
        request = actions.approve_identity(asked(), by=signed("safa"))
    with clock.set_to(now):
        tampered(lambda: Person.objects.filter(handle="safa").update(body=person("adva").body), by=CLOCK)
    with clock.set_to(now), pytest.raises(Refused, match="two different bodies"):
        ask("release_identity", request=request.ref)


def test_two_approvals_one_after_the_other_the_second_is_told(asked):
    request = asked()
    actions.approve_identity(request, by=signed("safa"))
    with pytest.raises(Refused, match="not possible"):
        actions.approve_identity(request, by=signed("cora"))


# --- the vault checks for itself ----------------------------------------------------------------------------------


def test_before_its_time_the_vault_releases_nothing_whoever_asks(asked, now):
    with clock.set_to(now - 25 * HOUR):
        request = actions.approve_identity(asked(), by=signed("safa"))
    for hours, why in ((20, "waiting time"), (24 * 8 + 2, "no longer valid")):
        with clock.set_to(now + (hours - 25) * HOUR), pytest.raises(Refused, match=why):
            ask("release_identity", request=request.ref)
    see_all()
    # An office that writes an earlier approval into the working facts moves nothing: the record has the hour.
    early = now - 60 * HOUR
    times = actions.rules.clocks(early, break_glass=False)
    rows = IdentityRequest.objects.filter(pk=request.pk)
    with clock.set_to(now - 5 * HOUR):
        tampered(
            lambda: rows.update(approved_at=early, cool_until=times.cool_until, valid_until=times.valid_until), by=CLOCK
        )
    with clock.set_to(now - 5 * HOUR), pytest.raises(Refused, match="waiting time"):
        ask("release_identity", request=request.ref)
    with pytest.raises(Refused, match="not released"):
        ask("identity_bundle", request=request.ref)


@pytest.mark.parametrize("without", ["CP-CONT", "everything"])
def test_a_withdrawn_consent_closes_it_at_every_step(asked, claim, released, now, without):
    request = released()
    with clock.set_to(now):
        second = actions.approve_identity(asked(), by=signed("safa"))
        if without == "everything":
            consent.withdraw_everything(claim, heard_through="office", by=person("inga"))
        else:
            consent.withdraw_consent(claim, ["CP-CONT"], heard_through="phone", by=person("inga"))
        with pytest.raises(Refused):
            asked()
        token = ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
        with pytest.raises(Refused, match="consent"):
            actions.take_request(request, by=person("cora"))
        with pytest.raises(Refused, match="consent"):
            ask("open_answer", token=token, request=request.ref, answer=b"{}")
    with clock.set_to(now + 25 * HOUR), pytest.raises(Refused, match="consent|withdrawn"):
        ask("release_identity", request=second.ref)


@compromise("the office process")
@pytest.mark.parametrize("operation", ["has_identity", "identity_fields"])
def test_which_fields_there_are_is_told_only_to_whoever_may_ask_for_them(claim, operation):
    for token in ("", "forged", *(signed(who).vault_session for who in ("vera", "anna", "delegate.avn", "safa"))):
        with pytest.raises(Refused) as no:
            ask(operation, token=token, subject=claim.ref)
        assert no.value.reason in ("locked", "nothing"), token
    with pytest.raises(Refused) as other:
        ask(operation, token=signed("adva").vault_session, subject="CLM-NOBODYS")
    assert other.value.reason == "nothing"
    for who in ("adva", "inga"):
        assert ask(operation, token=signed(who).vault_session, subject=claim.ref)
    with pytest.raises(Refused):
        ask(operation, subject=claim.ref)


@compromise("the office process")
def test_asking_and_approving_are_told_in_ones_own_confirmed_session(asked, claim, monkeypatch):
    request, adva = asked(), person("adva").ref
    told = {"request": "IDR-OWN", "subject": claim.ref, "fields": ["safe_contact"], "purpose": "contact", "reason": "call_asked",
            "recipient": adva, "break_glass": False}  # fmt: skip
    steps = {"tell_identity_asked": told, "tell_identity_approved": {"request": request.ref}}
    may = {"tell_identity_asked": "adva", "tell_identity_approved": "safa"}
    for operation, args in steps.items():
        others = [signed(who).vault_session for who in ("vera", "delegate.avn", "odile", "ines")]
        # Whoever may do the one does not do the other; whoever asked does not approve, nor anybody of their office.
        not_here = ("safa", "cora") if operation == "tell_identity_asked" else ("adva", "inga")
        others += [signed(who).vault_session for who in not_here]
        for token in ("", "forged", *others):
            with pytest.raises(Refused):
                ask(operation, token=token, **args)
        own = signed(may[operation]).vault_session
        assert len(ask(operation, token=own, **args)) == 64
        with monkeypatch.context() as patch, pytest.raises(Refused, match="Confirm that it is you"):
            patch.setattr("answerable.vault.chamber.FRESH_SECONDS", -1)
            ask(operation, token=own, **args)
    own = signed("adva").vault_session
    for bad in ({"reason": "danger_to_life"}, {"fields": ["payee"]}, {"break_glass": True}, {"subject": "CLM-NOBODYS"},
                {"recipient": "PER-NOBODY"}, {"request": "RST-OTHER"}):  # fmt: skip
        with pytest.raises(Refused):
            ask("tell_identity_asked", token=own, **told | bad)
    with pytest.raises(Refused, match="locked"):
        actions.approve_identity(request, by=person("safa"))
    see_all()
    assert count("identity approved", request.ref) == 0


@compromise("the office process")
def test_what_was_changed_after_the_asking_is_approved_by_nobody(asked):
    """The row that whoever approves is shown and the vault decides on is what was asked, to the last field."""
    request, rows = asked(), IdentityRequest.objects
    for changed in ({"fields": ["name"]}, {"purpose": "payment"}, {"reason": "danger_to_life", "break_glass": True},
                    {"recipient": person("inga")}, {"asked_by": person("inga")}, {"compartment": "claims/other"}):  # fmt: skip
        was = {name: getattr(request, name) for name in changed}
        tampered(lambda c=changed: rows.filter(pk=request.pk).update(**c), by=CLOCK)
        with pytest.raises(Refused) as no:
            ask("tell_identity_approved", token=signed("safa").vault_session, request=request.ref)
        assert no.value.reason == "nothing", changed
        tampered(lambda w=was: rows.filter(pk=request.pk).update(**w), by=CLOCK)
    assert actions.approve_identity(request, by=signed("safa"))


def test_a_purpose_needs_its_own_consent_and_fields(asked, claim):
    for purpose, fields in (("care", ["name"]), ("court", ["name"])):
        with pytest.raises(Refused, match="consent"):
            asked(purpose=purpose, fields=fields, reason="care_arranged")
    with pytest.raises(Refused, match="not needed"):
        asked(fields=["payee"])
    assert asked(purpose="payment", fields=["payee", "name"], reason="payment_due").fields == ["name", "payee"]


def test_a_crash_between_entry_and_file_leaves_one_entry_and_the_same_file(asked, now, monkeypatch):
    with clock.set_to(now - 25 * HOUR):
        request = actions.approve_identity(asked(), by=signed("safa"))
    with monkeypatch.context() as patch, clock.set_to(now):
        patch.setattr(operations, "bundle", lambda r: 1 / 0)
        with pytest.raises(Exception, match="ZeroDivision|fault|operations"):
            ask("release_identity", request=request.ref)
    with clock.set_to(now + HOUR):
        first = ask("release_identity", request=request.ref)
        files = {ask("identity_bundle", request=request.ref) for _ in range(3)}
        assert ask("release_identity", request=request.ref) == first and len(files) == 1
    see_all()
    assert count("identity released", request.ref) == 1 and len(told(request.subject)) == 1


def test_a_custodian_who_seals_more_than_was_asked_shows_no_more(released, canaries, played, now):
    request, other = released(several=2)
    seats, names = played["seats"], ("vault custodian", "safeguarding officer")
    with clock.set_to(now):
        token = ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
        signed = opening.open_request(ask("identity_bundle", request=request.ref), ask("signing_key"))
        greedy = replace(signed, fields=tuple(sorted(canaries)))
        public = primitives.public_key(seats[names[1]])
        share = opening.make_share(
            greedy, seat=names[0], private=seats[names[0]], with_seat=names[1], with_public=public, at=now
        )
        brought = opening.make_answer(greedy, share, seat=names[1], private=seats[names[1]], at=now)
        opened = ask("open_answer", token=token, request=request.ref, answer=brought)
        assert opened == {"safe_contact": canaries["safe_contact"]}
        # And an answer to one request is none to another about the same person.
        with pytest.raises(Refused, match="another request"):
            ask("open_answer", token=token, request=other.ref, answer=brought)


def test_another_signing_key_than_the_recorded_one_releases_nothing(released, asked, now, monkeypatch):
    from answerable.engines import tlog
    from answerable.vault import signing

    released()
    (said,) = Entry.objects.filter(action="vault signing key")
    assert said.event["detail"]["vkey"] == ask("signing_key")
    with clock.set_to(now):
        request = actions.approve_identity(asked(), by=signed("safa"))
    monkeypatch.setattr(signing, "signer", lambda: tlog.Ed25519Signer("x/vault", bytes(32)))
    with clock.set_to(now + 25 * HOUR), pytest.raises(Refused, match="signing key"):
        ask("release_identity", request=request.ref)


# --- imminent danger ----------------------------------------------------------------------------------------------


@keeps(5)
def test_in_danger_every_inspector_is_told_before_anything_is_released(asked, office, now):
    with clock.set_to(now):
        request = actions.approve_identity(asked(reason="danger_to_life", break_glass=True), by=signed("safa"))
        assert (request.status, request.valid_until - request.approved_at) == ("APPROVED", 72 * HOUR)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            actions.release(request, by=person("safa"))
        see_all()
        written = [q["sql"] for q in queries if q["sql"].startswith("INSERT INTO")]
        places = {t: i for i, sql in reversed(list(enumerate(written))) for t in ("vault_alert", "record_entry") if f'"{t}"' in sql
                  and (t == "vault_alert" or "identity released" in sql)}  # fmt: skip
        assert places["vault_alert"] < places["record_entry"]
        alerts = set(Alert.objects.filter(request=request).values_list("person__handle", flat=True))
        assert alerts >= {"odile", "dario", "safa"}
        for who in ("odile", "dario"):
            assert request.ref in office(who).get("/today/").content.decode()
        assert "Because of danger" in told(request.subject)[0]
        # Reviewed by somebody who took no part.
        url = f"/repair/identity/{request.ref}/"
        assert office("safa").post(url + "review/", {"finding": "justified"}).status_code == 409
        assert office("cora").post(url + "take/").status_code == 200
    with clock.set_to(now + timedelta(days=8)):
        assert "overdue" in office("dario").get("/today/").content.decode()
        assert office("dario").post(url + "review/", {"finding": "justified"}).status_code == 303
        assert request.ref not in office("dario").get("/today/").content.decode()
        see_all()
        (entry,) = Entry.objects.filter(action="break-glass reviewed", subject=request.ref)
        assert entry.event["detail"]["late"] is True
        assert office("odile").post(url + "review/", {"finding": "justified"}).status_code == 409


def test_in_danger_a_request_stands_first_for_whoever_approves_and_names_no_fortnight(asked, office):
    ordinary, urgent = asked(), asked(reason="danger_to_life", break_glass=True)
    see_all()
    today = office("safa").get("/today/").content.decode().split("What waits for you", 1)[1]
    lines = [x for x in today.split("<li>") if "Identity request" in x]
    assert (
        urgent.ref in lines[0] and "Imminent danger: approve or refuse now" in lines[0] and "days left" not in lines[0]
    )
    assert any(ordinary.ref in x and "days left" in x for x in lines[1:])
    assert today.split("<li>")[1] == lines[0]


def test_danger_alone_skips_the_waiting_time(asked):
    for reason, urgent in (("call_asked", True), ("danger_to_life", False)):
        with pytest.raises(Refused, match="imminent danger"):
            asked(reason=reason, break_glass=urgent)
    request = asked(reason="danger_to_life", break_glass=True)
    with pytest.raises(Refused, match="record holds no approval"):
        ask("release_identity", request=request.ref)


def test_danger_that_nobody_could_be_told_of_opens_nothing(asked, now, monkeypatch):
    with clock.set_to(now):
        request = actions.approve_identity(asked(reason="danger_to_life", break_glass=True), by=signed("safa"))
        monkeypatch.setattr(actions, "inspectors", lambda: [person("safa"), person("adva")])
        with pytest.raises(Refused, match="no inspector"):
            actions.release(request, by=person("safa"))
