"""Bundles are refused at every changed byte, outside their time, and for anyone they were not made for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from answerable.engines import tlog
from answerable.vault import identity, seal
from answerable.vault.bundles import opening, reading, seating
from answerable.vault.bundles.reading import BadBundle

SIGNER = tlog.Ed25519Signer("alliance.example/record", bytes(range(32)))
CUSTODIAN, SAFEGUARDING, ADVOCATE = "vault custodian", "safeguarding officer", "survivors' advocate"
SEATS = {name: seal.new_key_pair() for name in (CUSTODIAN, SAFEGUARDING, ADVOCATE)}
PUBLIC = [(name, keys[0]) for name, keys in SEATS.items()]
NOOR = {"name": "Noor of the hill", "safe_contact": "by the well, on market days", "iban": "ZA00 7777"}
BLOCK = identity.seal_identity(NOOR, PUBLIC, "CLM-1")
TOVE_PUBLIC, TOVE = seal.new_key_pair()
RELEASED = datetime(2031, 3, 12, 9, tzinfo=UTC)
DURING, AFTER = RELEASED + timedelta(hours=5), RELEASED + timedelta(days=3, seconds=1)


def asked(signer=SIGNER, **changed):
    said = {
        "node": "Harbour", "request": "IDR-1", "subject": "CLM-1", "fields": ["safe_contact"],
        "purpose": "arranging payment", "recipient": "PER-TOVE", "recipient_name": "Tove Caseworker", "recipient_key": TOVE_PUBLIC,
        "requested_by": "Assistance office", "approved_by": "Protection office", "released_at": RELEASED,
        "valid_until": RELEASED + timedelta(days=3), "break_glass": False, "block": BLOCK, "leaf_index": 4711,
        "leaf": bytes(32),
    } | changed  # fmt: skip
    return opening.build_request(signer, **said)


def request(**changed):
    return opening.open_request(asked(**changed), SIGNER.vkey())


def share_of(request, seat=CUSTODIAN, to=SAFEGUARDING, at=DURING):
    return opening.make_share(request, seat=seat, private=SEATS[seat][1], with_seat=to, with_public=SEATS[to][0], at=at)


def answer_of(request, share, seat=SAFEGUARDING, at=DURING):
    return opening.make_answer(request, share, seat=seat, private=SEATS[seat][1], at=at)


def resigned(**changed):
    """A request with changed content and a right signature over it: what a hostile server could make."""
    body = {k: v for k, v in json.loads(asked()).items() if k != "signature"} | changed
    return tlog.canonical({**body, "signature": tlog.sign_note(SIGNER, tlog.canonical(body) + b"\n")})


ASKED = asked()


def test_a_request_says_what_it_was_built_from():
    said = opening.open_request(ASKED, SIGNER.vkey())
    assert (said.fields, said.purpose, said.recipient) == (("safe_contact",), "arranging payment", "PER-TOVE")
    assert (said.released_at, said.valid_until) == (RELEASED, RELEASED + timedelta(days=3))
    assert (said.leaf_index, said.leaf, said.seats) == (4711, "00" * 32, tuple(sorted(SEATS)))
    assert said.recipient_key == TOVE_PUBLIC and said.signed_by == "alliance.example/record"


@pytest.mark.parametrize("first", SEATS)
@pytest.mark.parametrize("second", SEATS)
def test_any_two_seats_answer_with_the_fields_asked_and_no_others(first, second):
    if first == second:
        return
    ask = request(fields=["safe_contact", "birth_name"])
    answer = answer_of(ask, share_of(ask, first, second), second)
    opened = opening.open_answer(answer, TOVE, "PER-TOVE", request="IDR-1", subject="CLM-1")
    assert opened == {"safe_contact": "by the well, on market days"}


def test_no_bundle_shows_what_is_sealed_and_an_answers_size_does_not_tell_how_much_was_said():
    ask, short = request(), request(fields=["name"])
    share = share_of(ask)
    answer, other = answer_of(ask, share), answer_of(short, share_of(short))
    words = (b"Noor of", b"the well", b"ZA00 7777")  # with a space in each: four letters stand in base64 by chance
    for raw in (ASKED, share, answer):
        for blob in (
            raw,
            *(base64.b64decode(v) for v in json.loads(raw).values() if isinstance(v, str) and len(v) > 400),
        ):
            assert not any(word in blob for word in words)
    assert len(answer) == len(other)


def test_a_request_is_refused_at_every_flipped_byte():
    for place in range(0, len(ASKED), 37):
        for bit in (1, 32):
            with pytest.raises(BadBundle):
                opening.open_request(ASKED[:place] + bytes([ASKED[place] ^ bit]) + ASKED[place + 1 :], SIGNER.vkey())


@pytest.mark.slow
def test_a_share_and_an_answer_are_refused_at_every_flipped_byte():
    ask = request()
    share = share_of(ask)
    answer = answer_of(ask, share)
    for i in range(len(share)):
        with pytest.raises(BadBundle):
            answer_of(ask, share[:i] + bytes([share[i] ^ 1 << i % 7]) + share[i + 1 :])
    for i in range(len(answer)):
        changed = answer[:i] + bytes([answer[i] ^ 1 << i % 7]) + answer[i + 1 :]
        with pytest.raises(BadBundle):
            opening.open_answer(changed, TOVE, "PER-TOVE", request="IDR-1", subject="CLM-1")


def test_the_same_bytes_in_another_spelling_are_refused():
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    said = json.loads(share_of(request()))
    text = said["sealed"]
    assert text.endswith("=") and not text.endswith("==")
    respelled = text[:-2] + alphabet[alphabet.index(text[-2]) ^ 1] + "="
    assert base64.b64decode(respelled) == base64.b64decode(text)
    with pytest.raises(BadBundle, match="sealed"):
        answer_of(request(), tlog.canonical(said | {"sealed": respelled}))


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, ASKED[:-1], ASKED + b"\n", ASKED.replace(b",", b", ", 1),
     b'{"a":NaN}', b'{"a":1,"a":1}', b" " * (reading.LARGEST + 1), ASKED.replace(b"request/1", b"request/2")],
    ids=["nothing", "empty", "list", "null", "no text", "deep", "cut", "longer", "spaced", "NaN", "twice", "huge", "newer"],
)  # fmt: skip
def test_what_is_not_a_request_is_refused(raw):
    with pytest.raises(BadBundle):
        opening.open_request(raw, SIGNER.vkey())


def test_a_request_signed_by_anyone_else_or_not_at_all_is_refused():
    other = tlog.Ed25519Signer("alliance.example/record", bytes(32))
    with pytest.raises(BadBundle, match="not signed"):
        opening.open_request(asked(signer=other), SIGNER.vkey())
    body = {k: v for k, v in json.loads(ASKED).items() if k != "signature"}
    with pytest.raises(BadBundle, match="signature"):
        opening.open_request(tlog.canonical(body), SIGNER.vkey())
    for vkey in ("", "a+b+c", SIGNER.vkey()[:-4], other.vkey().replace("alliance", "elsewhere")):
        with pytest.raises(BadBundle):
            opening.open_request(ASKED, vkey)


@pytest.mark.parametrize(
    "changed",
    [{"purpose": ""}, {"purpose": "pay\x1b[2J"}, {"purpose": "pay \u202e"}, {"purpose": "x" * 201}, {"purpose": 1}, {"fields": []},
     {"fields": ["name", "name"]}, {"fields": ["Name"]}, {"fields": [["name"]]}, {"fields": "name"}, {"fields": [f"f{i}" for i in range(21)]},
     {"break_glass": 1}, {"released_at": "2031-03-12"}, {"released_at": "2031-03-12T09:00:00+00:00"}, {"valid_until": "2031-03-12T09:00:00Z"},
     {"approved_by_office": "Assistance office"}, {"subject": "CLM-2"}, {"subject": "CLM|1"}, {"record": {"index": -1, "leaf": "00" * 32}},
     {"record": {"index": True, "leaf": "00" * 32}}, {"record": {"index": 1, "leaf": "0"}}, {"record": {"index": 1, "leaf": "00" * 32, "x": 1}},
     {"recipient": {"person": "PER-TOVE", "name": "Tove", "key": "AAAA"}}, {"recipient": None}, {"seats": [CUSTODIAN, SAFEGUARDING]},
     {"seats": ["a", "b", "c"]}, {"seats": [[], [], []]}, {"block": "AAAA"}, {"block": 5}, {"more": 1}, {"format": "answerable-identity-share/1"}],
    ids=lambda c: " ".join(f"{k}={str(v)[:24]}" for k, v in c.items()),
)  # fmt: skip
def test_a_rightly_signed_request_that_is_not_in_order_is_refused(changed):
    with pytest.raises(BadBundle):
        opening.open_request(resigned(**changed), SIGNER.vkey())


def test_the_same_request_unchanged_is_taken():
    assert opening.open_request(resigned(), SIGNER.vkey()).request == "IDR-1"


def test_a_block_with_more_or_fewer_shares_is_refused():
    fewer = replace(BLOCK, shares=dict(list(BLOCK.shares.items())[:5]))
    more = replace(BLOCK, shares={**BLOCK.shares, (CUSTODIAN, SAFEGUARDING, ADVOCATE): b"x"})
    nobody = replace(BLOCK, subject=7)
    for block in (fewer, more, nobody):
        with pytest.raises(BadBundle):
            asked(block=block)


def test_break_glass_lasts_72_hours_at_most():
    assert request(break_glass=True, valid_until=RELEASED + timedelta(hours=72)).break_glass
    with pytest.raises(BadBundle, match="72 hours"):
        asked(break_glass=True, valid_until=RELEASED + timedelta(hours=72, seconds=1))


def test_an_expired_request_is_answered_by_neither_custodian():
    ask = request()
    with pytest.raises(BadBundle, match="valid until"):
        share_of(ask, at=AFTER)
    share = share_of(ask, at=AFTER - timedelta(seconds=1))
    with pytest.raises(BadBundle, match="valid until"):
        answer_of(ask, share, at=AFTER)


def test_a_clock_set_back_opens_nothing():
    with pytest.raises(BadBundle, match="clock"):
        share_of(request(), at=RELEASED - timedelta(hours=2))


@pytest.mark.parametrize(
    "changed",
    [{"request": "IDR-2"}, {"fields": ["iban"]}, {"purpose": "another"}, {"recipient_key": seal.new_key_pair()[0]},
     {"valid_until": RELEASED + timedelta(days=2)}],
    ids=lambda c: next(iter(c)),
)  # fmt: skip
def test_a_share_answers_no_request_but_the_one_its_custodian_saw(changed):
    with pytest.raises(BadBundle, match="another request"):
        answer_of(request(**changed), share_of(request()))


def test_a_share_relabelled_for_another_request_does_not_open():
    ask, other = request(), request(fields=["iban"])
    said = json.loads(share_of(ask)) | {"digest": other.digest}
    with pytest.raises(BadBundle, match="does not open"):
        answer_of(other, tlog.canonical(said))


def test_a_share_of_another_claim_does_not_open_this_one():
    second = identity.seal_identity({"name": "Else"}, PUBLIC, "CLM-2")
    share = share_of(request(subject="CLM-2", block=second))
    with pytest.raises(BadBundle):
        answer_of(request(), share)
    with pytest.raises(BadBundle, match="does not open with this key"):
        share_of(request(subject="CLM-2", block=replace(BLOCK, subject="CLM-2")))


def test_a_share_is_for_the_seat_it_names_and_no_other():
    ask = request()
    share = share_of(ask)
    with pytest.raises(BadBundle, match="was made for"):
        answer_of(ask, share, seat=ADVOCATE)
    relabelled = tlog.canonical(json.loads(share) | {"to": ADVOCATE})
    with pytest.raises(BadBundle, match="does not open"):
        answer_of(ask, relabelled, seat=ADVOCATE)
    posing = tlog.canonical(json.loads(share) | {"from": ADVOCATE})
    with pytest.raises(BadBundle, match="does not open"):
        answer_of(ask, posing)


def test_one_seat_cannot_be_both():
    ask = request()
    with pytest.raises(BadBundle, match="two different seats"):
        share_of(ask, CUSTODIAN, CUSTODIAN)
    with pytest.raises(BadBundle, match="none of the three"):
        opening.make_share(ask, seat="x", private=TOVE, with_seat=CUSTODIAN, with_public=TOVE_PUBLIC, at=DURING)
    # A forged half, sealed by someone who only knows public keys.
    context = opening._share_context(ask, CUSTODIAN, SAFEGUARDING)
    forged = json.loads(share_of(ask)) | {"sealed": reading.b64(seal.wrap(SEATS[SAFEGUARDING][0], bytes(32), context))}
    with pytest.raises(BadBundle, match="do not belong together"):
        answer_of(ask, tlog.canonical(forged))


def test_an_answer_opens_for_its_reader_request_and_claim_alone():
    ask = request()
    answer = answer_of(ask, share_of(ask))
    right = {"private": TOVE, "recipient": "PER-TOVE", "request": "IDR-1", "subject": "CLM-1"}
    for wrong in (
        {"private": SEATS[CUSTODIAN][1]},
        {"private": b"x"},
        {"recipient": "PER-ELSE"},
        {"request": "IDR-2"},
        {"subject": "CLM-2"},
    ):
        with pytest.raises(BadBundle):
            opening.open_answer(answer, **right | wrong)
    for name in ("request", "subject", "recipient"):
        relabelled = tlog.canonical(json.loads(answer) | {name: "X-2"})
        with pytest.raises(BadBundle, match="does not open"):
            opening.open_answer(relabelled, **right | {name: "X-2"})


def test_an_answer_that_is_no_identity_leaves_no_trace_in_the_fault():
    context = opening._answer_context("IDR-1", "CLM-1", "PER-TOVE")
    for text in (b"Noor, by the well", b'["Noor, by the well"]', b'{"name":["Noor"]}'):
        answer = json.loads(answer_of(request(), share_of(request())))
        answer["sealed"] = reading.b64(seal.wrap(TOVE_PUBLIC, seal.pad(text), context))
        with pytest.raises(BadBundle) as caught:
            opening.open_answer(tlog.canonical(answer), TOVE, "PER-TOVE", request="IDR-1", subject="CLM-1")
        assert caught.value.__cause__ is None and caught.value.__context__ is None and "Noor" not in str(caught.value)


# --- handover ------------------------------------------------------------------------------------------------------


def handed_over(blocks, seat=CUSTODIAN):
    new_public, new_private = seal.new_key_pair()
    new = [identity.rewrap_shares(b, seat, SEATS[seat][1], new_public) for b in blocks]
    return new, new_private, new_public


@pytest.mark.parametrize("seat", SEATS)
def test_after_a_handover_the_new_key_opens_with_either_other_seat_and_the_old_one_nothing(seat):
    (new,), private, _ = handed_over([BLOCK], seat)
    assert identity.only_this_seat_changed(BLOCK, new, seat)
    for other in set(SEATS) - {seat}:
        assert not identity.only_this_seat_changed(BLOCK, new, other)
        halves = (identity.open_share(new, "CLM-1", seat, other, private),
                  identity.open_share(new, "CLM-1", other, seat, SEATS[other][1]))  # fmt: skip
        assert identity.combine(new, "CLM-1", *halves) == NOOR
        with pytest.raises(identity.Unopenable):
            identity.open_share(new, "CLM-1", seat, other, SEATS[seat][1])
        with pytest.raises(identity.Unopenable):
            identity.open_share(BLOCK, "CLM-1", seat, other, private)


def test_a_handover_needs_the_seats_own_key_and_its_own_claim():
    new_public = seal.new_key_pair()[0]
    for seat, key, block in [(CUSTODIAN, ADVOCATE, BLOCK), ("nobody", CUSTODIAN, BLOCK),
                             (CUSTODIAN, CUSTODIAN, replace(BLOCK, subject="CLM-2"))]:  # fmt: skip
        with pytest.raises(identity.Unopenable):
            identity.rewrap_shares(block, seat, SEATS[key][1], new_public)
    with pytest.raises(ValueError):
        identity.rewrap_shares(BLOCK, CUSTODIAN, SEATS[CUSTODIAN][1], b"no key")


def test_a_handover_is_read_to_its_end_or_refused():
    second = identity.seal_identity({"name": "Else"}, PUBLIC, "CLM-2")
    new, _, new_public = handed_over([BLOCK, second])
    head = seating.Handover(CUSTODIAN, seal.fingerprint(SEATS[CUSTODIAN][0]), new_public)
    lines = [seating.block_line(b) for b in new]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    given = seating.blocks_head(CUSTODIAN, SEATS[CUSTODIAN][0], bytes(range(32)))
    challenge = seating.open_challenge(given, CUSTODIAN, SEATS[CUSTODIAN][1])
    end = seating.handover_end(2, digest, seating.handover_proof(challenge, head, 2, digest))

    def read(*parts):
        said, blocks = seating.open_handover(io.BytesIO(b"".join(parts)), lambda _head: bytes(range(32)))
        return said, list(blocks)

    said, blocks = read(head.line(), *lines, end)
    assert said == head and [b.to_bytes() for b in blocks] == [b.to_bytes() for b in new]
    for wrong in ([*lines], [lines[0], end], [lines[1], lines[0], end], [*lines, end, b"x"], [lines[0], lines[1][:-9]],
                  [lines[0].replace(b"CLM-1", b"CLM-3"), lines[1], end]):  # fmt: skip
        with pytest.raises(BadBundle):
            read(head.line(), *wrong)
    with pytest.raises(BadBundle):
        read(*lines, end)
    # The same lines, whole, with a word that is not the old key's, or is its word on something else.
    other = seating.Handover(CUSTODIAN, head.old_fingerprint, seal.new_key_pair()[0])
    for wrong in ("0" * 64, seating.handover_proof(bytes(32), head, 2, digest), seating.handover_proof(challenge, other, 2, digest),
                  seating.handover_proof(challenge, head, 3, digest)):  # fmt: skip
        with pytest.raises(BadBundle, match="not made with the key"):
            read(head.line(), *lines, seating.handover_end(2, digest, wrong))
    for name, key in ((ADVOCATE, CUSTODIAN), (CUSTODIAN, ADVOCATE)):
        with pytest.raises(BadBundle):
            seating.open_challenge(given, name, SEATS[key][1])


def test_a_seats_public_key_is_read_back_and_nothing_else_is():
    raw = seating.seat_public(CUSTODIAN, TOVE_PUBLIC)
    assert seating.open_seat_public(raw) == (CUSTODIAN, TOVE_PUBLIC)
    for name in ("", "a|b", "x" * 41, "\x07"):
        with pytest.raises(BadBundle):
            seating.seat_public(name, TOVE_PUBLIC)
    with pytest.raises(BadBundle):
        seating.seat_public(CUSTODIAN, TOVE_PUBLIC[:-1])
    with pytest.raises(BadBundle):
        seating.open_seat_public(ASKED)
