"""Before anyone is asked again: the question goes sealed to the custodians' seats, and only yes or no, and what to share, comes back."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import custodians
import pytest
from promises import compromise
from tests_support import rows_holding, see_all

from answerable.alliance.models import Person
from answerable.channel.models import Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.references import new_ref
from answerable.engines import tlog
from answerable.monitoring.intake import guard
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import interviewing, reporting
from answerable.record import log
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import client, doorkeys, primitives, seal
from answerable.vault.bundles import asking, reading
from answerable.vault.client import ask
from answerable.vault.limits import LIMITS
from answerable.vault.operations import locking, sealing
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
WHY = {"told_before": "custodians", "pseudonym": "p-41", "purpose": "CP-FIND", "added_value": "she saw the commander herself",
       "why_not_enough": "no record names the unit"}  # fmt: skip


@pytest.fixture
def asked(office, saved):
    """An interview that dana asked for, with a name in it that is nowhere else."""
    name = f"canarywho{secrets.token_hex(6)}"
    reply = office("dana").post(
        f"/watch/intake/interviews/ask/{saved('$zandria').ref}/", {**WHY, "who": f"{name}\nof the river village"}
    )
    assert reply.status_code == 303, reply.content.decode()[:2000]
    see_all()
    return m.Interview.objects.latest("id"), name


def word(client_, interview, told, *share):
    return client_.post(f"/watch/intake/interviews/{interview.ref}/word/", {"told": told, "share": share})


def test_a_custodian_reads_on_their_own_machine_whom_the_interviewer_means(asked, office, played, tmp_path):
    interview, name = asked
    assert interview.status == m.WAITING
    taken = office("cora").post(f"/watch/intake/interviews/{interview.ref}/question/")
    assert taken.status_code == 200
    see_all()
    file = taken.getvalue()
    assert name.encode() not in file and not rows_holding(name)
    cora = custodians.Machine(tmp_path / "cora", "vault custodian", played["seats"]["vault custodian"])
    (cora.work / "question.json").write_bytes(file)
    assert cora.opens("told-before", "question.json", "--log-vkey", client.ask("signing_key")) == 0, cora.last
    assert name in cora.said and "Lantern" in cora.said and "CP-FIND" in cora.said
    # Another vault's signature, another's seat, and one changed byte open nothing.
    other = tlog.Ed25519Signer("elsewhere.example/record", bytes(range(32))).vkey()
    assert cora.opens("told-before", "question.json", "--log-vkey", other) == 1
    thief = custodians.Machine(tmp_path / "thief", "vault custodian", seal.new_key_pair()[1])
    (thief.work / "question.json").write_bytes(file)
    assert (
        thief.opens("told-before", "question.json", "--log-vkey", client.ask("signing_key")) == 1
        and name not in thief.said
    )
    changed = json.loads(file) | {"purpose": "CP-CRIM"}
    (cora.work / "changed.json").write_bytes(tlog.canonical(changed))
    assert cora.opens("told-before", "changed.json", "--log-vkey", client.ask("signing_key")) == 1


def test_two_seats_answer_and_what_both_would_share_is_offered(asked, office):
    interview, _name = asked
    page = office("cora").get(f"/watch/intake/interviews/{interview.ref}/").content.decode()
    assert "Take the sealed question" in page
    assert word(office("cora"), interview, "yes", "CP-FIND", "CP-MONI").status_code == 303
    see_all()
    interview.refresh_from_db()
    assert (interview.status, interview.share) == (m.WAITING, [])
    assert word(office("cora"), interview, "no").status_code == 409  # a seat answers once
    assert word(office("sol"), interview, "yes", "CP-FIND").status_code == 303
    see_all()
    interview.refresh_from_db()
    assert (interview.status, interview.told_before, interview.number, interview.share) == (
        m.ASKED,
        "told",
        2,
        ["CP-FIND"],
    )
    assert bytes(interview.question) == b"" and interview.question_keys == {}
    said = office("dana").get(f"/watch/intake/interviews/{interview.ref}/").content.decode()
    assert (
        "can be used instead of asking her again" in said
        and "Use in a finding" in said
        and "Monitoring and verification" not in said
    )
    see_all()
    assert (
        interviewing.decide_interview(
            interview, allow=False, reason="share_instead", by=m.Person.objects.get(handle="safa")
        ).status
        == m.REFUSED
    )


def test_when_two_seats_know_of_nothing_the_first_interview_is_allowed(asked, office):
    interview, _name = asked
    for handle in ("safa", "sol"):
        assert word(office(handle), interview, "no").status_code == 303
    see_all()
    interview.refresh_from_db()
    assert (interview.status, interview.told_before, interview.basis) == (m.ALLOWED, "not_told", "first")


def test_custodians_who_are_asked_find_it_among_what_waits_and_are_told_apart(asked, office):
    interview, _name = asked
    words = "the custodians are asked whether she told this before"
    for handle, waits in (("cora", True), ("sol", True), ("safa", True), ("dana", False), ("vera", False)):
        today = office(handle).get("/today/").content.decode()
        assert (interview.ref in today and words in today) == waits, handle
    assert word(office("safa"), interview, "yes", "CP-FIND").status_code == 303
    assert interview.ref not in office("safa").get("/today/").content.decode()  # a seat answers once
    assert word(office("cora"), interview, "no").status_code == 303
    today = office("safa").get("/today/").content.decode()
    assert interview.ref in today and "a further interview: allow it or refuse it" in today
    assert interview.ref not in office("sol").get("/today/").content.decode()
    page = office("dana").get(f"/watch/intake/interviews/{interview.ref}/").content.decode()
    assert "Her code shows" not in page and "the custodians&#x27; word she told this before" in page
    assert "do not agree: 1 said that she told before, 1 that they know of nothing" in page
    assert "has allowed 0 interviews of her" in page and "asked for as number" not in page


def test_whoever_asked_reads_on_her_first_page_what_came_of_it(asked, office):
    interview, _name = asked

    def today(handle="dana"):
        return office(handle).get("/today/").content.decode()

    assert interview.ref not in today()
    word(office("cora"), interview, "yes", "CP-FIND")
    assert interview.ref not in today(), "one office's word alone says nothing"
    word(office("sol"), interview, "yes", "CP-FIND")
    assert interview.ref in today() and "look what can be used instead of asking her" in today()
    for handle in ("sami", "vera"):
        assert interview.ref not in today(handle), handle
    assert (
        office("safa").post(f"/watch/intake/interviews/{interview.ref}/", {"reason": "allow safety"}).status_code == 303
    )
    assert "safeguarding allowed it: she may be asked" in today()


def test_whoever_asked_reads_that_the_custodians_know_of_nothing_or_that_it_is_refused(
    asked, office, saved, later_clock
):
    interview, _name = asked
    for handle in ("safa", "sol"):
        word(office(handle), interview, "no")
    assert "the custodians answered, and it is allowed" in office("dana").get("/today/").content.decode()
    assert (
        office("dana")
        .post(f"/watch/intake/interviews/ask/{saved('$zandria').ref}/", {**WHY, "who": "another", "pseudonym": "p-42"})
        .status_code
        == 303
    )
    see_all()
    other = m.Interview.objects.latest("id")
    for handle in ("cora", "sol"):
        word(office(handle), other, "yes")
    assert "do not ask her until safeguarding has decided" in office("dana").get("/today/").content.decode()
    see_all()
    interviewing.decide_interview(other, allow=False, reason="too_many", by=m.Person.objects.get(handle="safa"))
    assert "safeguarding refused it: do not ask her" in office("dana").get("/today/").content.decode()
    later_clock(days=15)
    page = office("dana").get("/today/").content.decode()
    assert other.ref not in page and interview.ref in page


@pytest.fixture
def later_clock():
    before = clock._fixed
    yield lambda **delta: clock.fix(clock.now() + timedelta(**delta))
    clock._fixed = before


def test_whoever_decides_opens_the_two_reasons_with_an_entry_and_nobody_else_does(asked, office):
    interview, _name = asked
    for handle in ("cora", "sol"):
        assert word(office(handle), interview, "yes").status_code == 303
    url = f"/watch/intake/interviews/{interview.ref}/"
    safa = office("safa")
    page = safa.get(url).content.decode()
    assert "Open the two reasons" in page and WHY["added_value"] not in page
    page = safa.post(f"{url}reasons/").content.decode()
    assert WHY["added_value"] in page and WHY["why_not_enough"] in page
    see_all()
    entry = log.history(interview.ref)[-1]
    assert (entry.action, entry.event["detail"]["fields"]) == ("sealed field read", ["added_value", "why_not_enough"])
    for handle, status in (("dana", 409), ("sami", 409), ("vera", 404), ("cora", 409), ("delegate.avn", 404)):
        reply = office(handle).post(f"{url}reasons/")
        assert reply.status_code == status and WHY["added_value"] not in reply.content.decode(), handle


def test_nobody_is_asked_while_the_custodians_have_not_answered(asked, office, saved):
    from walks.test_intake import row

    interview, _name = asked
    told = {
        "kind": "testimony",
        "directness": "primary",
        "captured_on": "2026-02-01",
        "testimony": "T1",
        "interview": interview.ref,
    }
    with pytest.raises(Refused, match="was not allowed"):
        reporting.deliver_report(row(saved, items=[told]), route="web", by=m.Person.objects.get(handle="dana"))
    assert (
        office("safa").post(f"/watch/intake/interviews/{interview.ref}/", {"reason": "allow safety"}).status_code == 409
    )


def test_only_seats_answer_and_nothing_but_yes_no_and_purposes(asked, office):
    interview, _name = asked
    for handle, status in (("dana", 409), ("vera", 404), ("delegate.avn", 404), ("adva", 404)):
        assert word(office(handle), interview, "yes").status_code == status, handle
        assert office(handle).post(f"/watch/intake/interviews/{interview.ref}/question/").status_code == status, handle
    for data in ({"told": "CLM-1"}, {"told": "no", "share": "CP-FIND"}, {"told": "yes", "share": "CP-PAYM"}, {}):
        assert office("cora").post(f"/watch/intake/interviews/{interview.ref}/word/", data).status_code == 409, data
    see_all()
    interview.refresh_from_db()
    assert interview.words == []


def test_the_name_is_in_no_table_page_entry_or_log(asked, office, caplog):
    interview, name = asked
    word(office("cora"), interview, "yes")
    word(office("sol"), interview, "no")
    see_all()
    assert not rows_holding(name)
    for handle in ("dana", "safa", "cora", "sol", "sami"):
        for url in ("/watch/intake/interviews/", f"/watch/intake/interviews/{interview.ref}/", "/today/"):
            assert name not in office(handle).get(url).content.decode()
    see_all()
    assert name not in b"".join(event for _i, _s, event in log.opened_events()).decode() + caplog.text


def test_without_saying_whom_the_custodians_are_not_asked(office, saved):
    reply = office("dana").post(f"/watch/intake/interviews/ask/{saved('$zandria').ref}/", WHY)
    assert reply.status_code == 409 and "only they can read it" in reply.content.decode()


@pytest.mark.parametrize(
    ("words", "together"),
    [
        ([], None),
        ([("a", False, [])], None),  # one office alone settles nothing
        ([("a", False, []), ("b", False, [])], (False, [])),
        ([("a", True, ["CP-FIND", "CP-MONI"]), ("b", False, [])], (True, ["CP-MONI", "CP-FIND"])),
        ([("a", True, ["CP-FIND", "CP-MONI"]), ("b", True, ["CP-FIND"])], (True, ["CP-FIND"])),
    ],
)
def test_what_custodians_say_together(words, together):
    assert guard.joined([{"seat": s, "told": t, "share": sh} for s, t, sh in words]) == together


def test_a_question_is_sealed_to_each_seat_and_bound_to_its_interview():
    pairs = {n: seal.new_key_pair() for n in ("one", "two", "three")}
    sealed, keys = asking.seal_question("ITV-1", "whom", [(n, public) for n, (public, _p) in pairs.items()])
    signer = tlog.Ed25519Signer("vault.example/record", primitives.random_bytes(32))
    from datetime import UTC, datetime

    def built(interview):
        return asking.build_question(signer, interview=interview, asked_by="An office", purpose="CP-MONI", asked_at=datetime(2026, 1, 1, tzinfo=UTC),
                                      sealed=sealed, keys=keys)  # fmt: skip

    question = asking.open_question(built("ITV-1"), signer.vkey())
    assert {asking.read_question(question, n, private) for n, (_public, private) in pairs.items()} == {"whom"}
    with pytest.raises(reading.BadBundle):
        asking.read_question(asking.open_question(built("ITV-2"), signer.vkey()), "one", pairs["one"][1])
    with pytest.raises(reading.BadBundle):
        asking.read_question(question, "one", pairs["two"][1])


# --- whoever owns the office's process --------------------------------------------------------------------------------


def token(handle):
    LIMITS.buckets.clear()
    return ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]


def refused(operation, **said):
    with pytest.raises(Refused) as found:
        ask(operation, **said)
    return found.value.reason


def written(saved, sealed, keys, **more):
    """An interview that waits for the custodians, written by whoever owns the office's rows."""
    dana = Person.objects.get(handle="dana")
    row = m.Interview.objects.create(
        compartment="monitoring", situation=saved("$zandria"), organisation=dana.body, asked_by=dana, person="x", number=1,
        purpose="CP-MONI", told_before="custodians", basis="first", status=m.WAITING, asked_at=clock.now(), question=sealed,
        question_keys=keys, added_value=b"", why_not_enough=b"", **more,
    )  # fmt: skip
    see_all()
    return row


@compromise("the office process")
@pytest.mark.writes_freely
def test_the_vault_seals_and_signs_no_question_that_nobody_asked(saved, office, monkeypatch):
    ref, there = new_ref("ITV"), saved("$zandria").ref
    said = {"interview": ref, "situation": there, "purpose": "CP-FIND", "text": "Amina K., from the north camp"}
    before = Entry.objects.count()
    assert refused("seal_question", token="", **said) == refused("seal_question", token="0" * 64, **said) == "locked"
    for handle in ("inga", "delegate.avn"):
        assert refused("seal_question", token=token(handle), **said) in ("not_authorised", "nothing"), handle
    assert not Entry.objects.filter(subject=ref).exists() and Entry.objects.count() == before + 2  # two who signed in
    # A question sealed by anybody for the seats' public keys, in a row that says it was asked.
    cora = token("cora")
    sealed, keys = asking.seal_question(ref, "whom", [(n, seal.new_key_pair()[0]) for n in ("one", "two", "three")])
    row = written(saved, sealed, {n: reading.b64(k) for n, k in keys.items()}, ref=ref)
    assert refused("question_file", token=cora, interview=ref) == "nothing"
    assert refused("question_file", token="", interview=ref) == "locked"
    # An entry that the office wrote in the vault's words does not have the vault's own.
    import hashlib

    detail = {"organisation": row.organisation.ref, "purpose": "CP-MONI", "asked_at": clock.now().isoformat(timespec="seconds"),
              "question_sha256": hashlib.sha256(sealed).hexdigest(), "vault": "0" * 64}  # fmt: skip
    vault.note_key_work("question for custodians sealed", ref, act="ask_for_interview", detail=detail, by=row.asked_by)
    see_all()
    assert refused("question_file", token=cora, interview=ref) == "nothing"


@pytest.mark.writes_freely
def test_a_question_is_entered_when_it_is_sealed_and_when_it_is_taken_and_says_what_was_entered(
    asked, office, monkeypatch
):
    interview, _name = asked
    (entry,) = Entry.objects.filter(action="question for custodians sealed", subject=interview.ref)
    assert (entry.actor, entry.event["detail"]["purpose"]) == (interview.asked_by.ref, "CP-FIND")
    for handle in ("dana", "vera", "dario"):
        assert refused("question_file", token=token(handle), interview=interview.ref) in ("not_authorised", "seat"), (
            handle
        )
    cora = token("cora")
    with monkeypatch.context() as broken:
        broken.setattr(vault, "note_key_work", lambda *a, **k: (_ for _ in ()).throw(Refused("no", reason="full")))
        assert refused("question_file", token=cora, interview=interview.ref) == "full"
    # What the row says now is not what is signed.
    m.Interview.objects.filter(pk=interview.pk).update(
        purpose="CP-CRIM", organisation=Person.objects.get(handle="ines").body
    )
    question = asking.open_question(ask("question_file", token=cora, interview=interview.ref), ask("signing_key"))
    assert (question.purpose, question.asked_by) == ("CP-FIND", interview.organisation.name)
    taken = Entry.objects.filter(action="question taken", subject=interview.ref)
    assert [(e.actor, e.event["detail"]) for e in taken] == [
        (Person.objects.get(handle="cora").ref, {"seat": "vault custodian"})
    ]
    # Another question in the place of the one that was asked.
    m.Interview.objects.filter(pk=interview.pk).update(question=bytes(interview.question)[::-1])
    assert refused("question_file", token=cora, interview=interview.ref) == "nothing"


@compromise("the office process")
def test_no_mark_that_the_office_can_ask_for_is_the_mark_of_a_thread(office, saved):
    see_all()
    refs = list(Thread.objects.values_list("ref", flat=True))
    assert refs
    marks = set(doorkeys.marks("interviews by her code", refs))
    for kind in ("person", "interview", "interviews by her code", "question for custodians sealed", "submission/", ""):
        assert refused("marks", kind=kind, texts=refs[:1]) == "kind", kind
    assert refused("marks", kind="delivery", texts=refs[:1]) == "kind"
    dana = Person.objects.get(handle="dana")
    found = {*ask("marks", kind="submission", texts=refs), *ask("marks", kind="counts", texts=refs[:1]),
             *ask("marks", kind="idempotency", texts=refs[:2]), *ask("marks_of_pseudonyms", person=dana.ref, pseudonyms=refs)}  # fmt: skip
    assert not marks & found
    assert ask("mark_of_interview", token=token("dana"), pseudonym=refs[0]) not in marks


def test_pseudonyms_are_looked_up_in_a_session_or_within_an_organisation_and_so_many_a_day(office, monkeypatch):
    dana, vera = (Person.objects.get(handle=h) for h in ("dana", "vera"))
    assert refused("mark_of_interview", token="", pseudonym="p-1") == "locked"
    assert refused("mark_of_interview", token=token("delegate.avn"), pseudonym="p-1") == "not_authorised"
    assert refused("marks_of_pseudonyms", person="PER-NOBODY", pseudonyms=["p"]) == "unknown"
    assert refused("marks_of_pseudonyms", person=vera.ref, pseudonyms=["p"], token=token("dana")) == "unknown"
    monkeypatch.setattr(sealing, "INTERVIEWS_A_DAY", 3)
    monkeypatch.setattr(sealing, "PSEUDONYMS_A_DAY", 5)
    LIMITS.clear()
    said = token("dana")
    for n in range(3):
        assert len(ask("mark_of_interview", token=said, pseudonym=f"p-{n}")) == 64
    assert refused("mark_of_interview", token=token("dana"), pseudonym="p-3") == "wait", (
        "another session counts with the first"
    )
    assert len(ask("marks_of_pseudonyms", person=dana.ref, pseudonyms=["a"] * 5)) == 5
    assert refused("marks_of_pseudonyms", person=dana.ref, pseudonyms=["b"], token=said) == "wait"
    assert ask("marks_of_pseudonyms", person=vera.ref, pseudonyms=["b"]), "another organisation counts for itself"
    monkeypatch.setattr("answerable.vault.chamber.seconds", lambda seconds=locking._now(): seconds + 25 * 3600)
    assert ask("marks_of_pseudonyms", person=dana.ref, pseudonyms=["b"])
    LIMITS.clear()
