"""Misuse the other tests of this folder do not try (security.md §4.5): what is moved, relabelled, mixed or forged.

Single moved parts, cut and reordered files, one key commitment and one share alone are in test_sealing, test_files,
test_userkeys and test_identity; here are the combinations, the whole list of low-order points, every format offered
as every other, forgeries by whoever seals, swapped rows in the database, and what a fault shows.
"""

from __future__ import annotations

import base64
import io
import itertools
import struct
import traceback
import unicodedata

import pytest

from answerable.common import clock
from answerable.engines import tlog
from answerable.vault import identity, primitives, rootkey, seal, userkeys
from answerable.vault.chamber import Chamber
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.primitives import Unopenable

pytestmark = pytest.mark.slow

KEY = bytes(range(32))
WORDS = "acorn bridge candle dolphin eleven forest"
PUBLIC, PRIVATE = seal.new_key_pair()
OTHER_PUBLIC, OTHER_PRIVATE = seal.new_key_pair()
PLACE = ("alliance", "CLM-1", "Claim", "account", 1)
ENVELOPE_CONTEXT = seal.envelope_context("alliance", "A/claims", "claim", "account")


# --- places: a field opens where it was sealed and nowhere else --------------------------------------------------------

ALIKE = {
    "another field of another claim": ("alliance", "CLM-2", "Claim", "contact", 1),
    "another version on another node": ("second-node", "CLM-1", "Claim", "account", 2),
    "claim and model exchanged": ("alliance", "Claim", "CLM-1", "account", 1),
    "model and field exchanged": ("alliance", "CLM-1", "account", "Claim", 1),
    "node and claim exchanged": ("CLM-1", "alliance", "Claim", "account", 1),
    "a version that begins alike": ("alliance", "CLM-1", "Claim", "account", 11),
    "version nought": ("alliance", "CLM-1", "Claim", "account", 0),
    "a negative version": ("alliance", "CLM-1", "Claim", "account", -1),
    "a claim that begins alike": ("alliance", "CLM-11", "Claim", "account", 1),
    "small letters": ("alliance", "clm-1", "Claim", "account", 1),
    "a space more": ("alliance", "CLM-1 ", "Claim", "account", 1),
    "a letter that looks alike": ("alliance", "\u0421LM-1", "Claim", "account", 1),
}


@pytest.mark.parametrize("place", ALIKE.values(), ids=ALIKE)
def test_a_field_does_not_open_in_a_place_that_is_nearly_its_own(place):
    blob = seal.seal_field(KEY, b"words", seal.field_context(*PLACE))
    with pytest.raises(Unopenable):
        seal.open_field(KEY, blob, seal.field_context(*place))


def test_an_accent_written_in_two_ways_is_two_places():
    one, two = (unicodedata.normalize(form, "Réclamation") for form in ("NFC", "NFD"))
    blob = seal.seal_field(KEY, b"words", seal.field_context("alliance", "C", one, "account", 1))
    with pytest.raises(Unopenable):
        seal.open_field(KEY, blob, seal.field_context("alliance", "C", two, "account", 1))


def test_of_all_fields_of_a_small_register_each_opens_in_exactly_one_place():
    places = list(
        itertools.product(("here", "there"), ("CLM-1", "CLM-2"), ("Claim", "Report"), ("account", "place"), (1, 2))
    )
    blobs = {place: seal.seal_field(KEY, repr(place).encode(), seal.field_context(*place)) for place in places}
    opened = set()
    for (sealed_at, blob), place in itertools.product(blobs.items(), places):
        try:
            text = seal.open_field(KEY, blob, seal.field_context(*place))
        except Unopenable:
            continue
        opened.add((sealed_at, place, text.decode()))
    assert opened == {(place, place, repr(place)) for place in places} and len(opened) == 32


# --- formats: every blob offered as every other, under its own label and under the other's ------------------------------


def sealed_file(text: bytes) -> bytes:
    target = io.BytesIO()
    seal.seal_file(KEY, io.BytesIO(text), target, b"c")
    return target.getvalue()


def opened_file(blob: bytes) -> bytes:
    target = io.BytesIO()
    seal.open_file(KEY, io.BytesIO(blob), target, b"c")
    return target.getvalue()


def locked(private: bytes) -> bytes:
    # A session under the very key the other formats use, which is the worst that could happen to it.
    return seal.SESSION + primitives.aead_seal(primitives.derive(KEY, "session"), private, b"answerable-session/1")


FORMATS = {
    "field": (seal.FIELD, lambda: seal.seal_field(KEY, b"words", b"c"), lambda b: seal.open_field(KEY, b, b"c")),
    "wrap": (seal.WRAP, lambda: seal.wrap(PUBLIC, KEY, b"c"), lambda b: seal.unwrap(PRIVATE, b, b"c")),
    "file": (seal.FILE, lambda: sealed_file(b"words"), opened_file),
    "session": (seal.SESSION, lambda: locked(PRIVATE), lambda b: userkeys.open_for_session(KEY, b)),
    "envelope": (seal.ENVELOPE, lambda: seal.seal_envelope(PUBLIC, b"words", ENVELOPE_CONTEXT),
                 lambda b: seal.open_envelope(PRIVATE, b, ENVELOPE_CONTEXT)),
    "user key": (userkeys.MAGIC, lambda: userkeys.new_user_key(WORDS)[1], lambda b: userkeys.open_user_key(b, WORDS)),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "offered_as"), list(itertools.permutations(FORMATS, 2)))
def test_no_format_opens_as_another_even_under_the_same_key_and_the_others_label(kind, offered_as):
    (label, make, _), (other_label, _, open_other) = FORMATS[kind], FORMATS[offered_as]
    blob = make()
    for offered in (blob, other_label + blob[len(label) :], other_label + blob, blob[len(label) :]):
        with pytest.raises(Unopenable):
            open_other(offered)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_opens_as_itself_so_that_the_refusals_above_mean_something(kind):
    _, make, open_it = FORMATS[kind]
    assert open_it(make())


@pytest.mark.parametrize("label", [n for n in range(256) if n not in {1, 2, 3, 4, 5}])
def test_no_format_answers_to_a_label_nobody_gave_it(label):
    for kind in ("field", "wrap", "file", "session", "envelope"):
        _, make, open_it = FORMATS[kind]
        with pytest.raises(Unopenable):
            open_it(bytes([label]) + MADE.setdefault(kind, make())[1:])


MADE: dict[str, bytes] = {}


@pytest.mark.parametrize("magic", [b"AK0", b"AK2", b"ak1", b"AK", b"\x01K1", b"\0\0\0"])
def test_a_user_key_of_an_older_or_unknown_kind_is_refused(magic):
    wrapped = userkeys.new_user_key(WORDS)[1]
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(magic + wrapped[3:], WORDS)


def test_a_file_is_sealed_under_a_key_of_its_own_and_not_under_the_data_key_itself():
    header, body = sealed_file(b"words")[1:25], sealed_file(b"words")[25:]
    assert len(body) == 256 + primitives.STREAM_CHUNK_OVERHEAD
    whole = sealed_file(b"words")
    with pytest.raises(Unopenable):
        primitives.OpeningStream(KEY, whole[1:25]).pull(whole[25:], b"c")
    assert primitives.OpeningStream(primitives.derive(KEY, "file"), whole[1:25]).pull(whole[25:], b"c")[1] is True
    assert header != whole[1:25]


def test_every_changed_byte_of_a_files_header_is_caught():
    blob = sealed_file(b"words")
    for i in range(1 + primitives.STREAM_HEADER_SIZE):
        for bit in (0x01, 0x80):
            with pytest.raises(Unopenable):
                opened_file(blob[:i] + bytes([blob[i] ^ bit]) + blob[i + 1 :])


def test_a_label_for_one_use_of_a_key_gives_nothing_of_another():
    labels = ("file", "commit", "wrap", "session", "", "File", "file ")
    assert len({primitives.derive(KEY, label) for label in labels} | {KEY}) == len(labels) + 1


# --- keys that are none --------------------------------------------------------------------------------------------------

P = 2**255 - 19
LOW_ORDER = {
    "0": 0,
    "1": 1,
    "order 8, first": 0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    "order 8, second": 0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    "p - 1": P - 1,
    "p": P,
    "p + 1": P + 1,
}
POINTS = {f"{n}{top}": (v | (1 << 255 if top else 0)).to_bytes(32, "little")
          for n, v in LOW_ORDER.items() for top in ("", ", top bit set")}  # fmt: skip


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_nothing_is_sealed_to_a_point_of_low_order(point):
    public = PUBLIC[:1184] + point
    for attempt in (
        lambda: seal.wrap(public, KEY, b"c"),
        lambda: seal.seal_envelope(public, b"words", ENVELOPE_CONTEXT),
    ):
        with pytest.raises(ValueError, match="not an X-Wing public key"):
            attempt()


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_nothing_opens_that_was_sealed_from_a_point_of_low_order(point):
    wrap, envelope = seal.wrap(PUBLIC, KEY, b"c"), seal.seal_envelope(PUBLIC, b"words", ENVELOPE_CONTEXT)
    with pytest.raises(Unopenable):
        seal.unwrap(PRIVATE, wrap[:1089] + point + wrap[1121:], b"c")
    with pytest.raises(Unopenable):
        seal.open_envelope(PRIVATE, envelope[:1089] + point + envelope[1121:], ENVELOPE_CONTEXT)


@pytest.mark.parametrize("at", [0, 383, 767, 1151])
def test_an_mlkem_coefficient_of_the_modulus_or_more_is_no_public_key(at):
    # FIPS 203 §7.2: 12-bit coefficients, each below 3,329. 0xFFF in one place is enough to refuse the key.
    bad = (
        PUBLIC[:at] + b"\xff\x0f" + PUBLIC[at + 2 :]
        if at % 3 == 0
        else PUBLIC[: at - 1] + b"\xf0\xff" + PUBLIC[at + 1 :]
    )
    with pytest.raises(ValueError, match="not an X-Wing public key"):
        seal.wrap(bad[:1184] + PUBLIC[1184:], KEY, b"c")


def test_half_of_a_hybrid_key_is_not_enough():
    wrap = seal.wrap(PUBLIC, KEY, b"c")
    for mixed in (PRIVATE[:64] + OTHER_PRIVATE[64:], OTHER_PRIVATE[:64] + PRIVATE[64:]):
        with pytest.raises(Unopenable):
            seal.unwrap(mixed, wrap, b"c")


def test_a_public_key_put_together_from_two_people_opens_for_neither_and_shows_in_its_fingerprint():
    mixed = seal.wrap(PUBLIC[:1184] + OTHER_PUBLIC[1184:], KEY, b"c")
    for private in (PRIVATE, OTHER_PRIVATE):
        with pytest.raises(Unopenable):
            seal.unwrap(private, mixed, b"c")
    assert seal.fingerprint(PUBLIC) != seal.fingerprint(PUBLIC[:1184] + OTHER_PUBLIC[1184:])


def test_two_wraps_of_one_key_to_one_holder_have_nothing_in_common():
    one, two = (seal.wrap(PUBLIC, KEY, b"c")[1:] for _ in range(2))
    alike = sum(a == b for a, b in zip(one, two, strict=True))
    assert alike < 25  # of 1,168 bytes 4.6 agree by chance; 25 would be nine standard deviations off


# --- whoever seals a key under a passphrase may be the attacker -----------------------------------------------------------


def wrapped_for(passphrase: str, commitment_of: str, private: bytes = PRIVATE) -> bytes:
    """A user key sealed under one passphrase and committed to another."""
    cost, salt = userkeys.active_parameters(), bytes(16)
    stretched = {w: userkeys._stretched(w, salt, cost) for w in (passphrase, commitment_of)}
    head = b"AK1" + struct.pack(">IHB", cost.memory_kib, cost.iterations, cost.lanes) + salt
    head += primitives.derive(stretched[commitment_of], "commit")
    return head + primitives.aead_seal(primitives.derive(stretched[passphrase], "wrap"), private, head)


def test_a_key_committed_to_its_own_passphrase_opens():
    assert userkeys.open_user_key(wrapped_for(WORDS, WORDS), WORDS) == PRIVATE


@pytest.mark.parametrize("typed", [WORDS, "other words"])
def test_a_key_sealed_under_one_passphrase_and_committed_to_another_opens_for_neither(typed):
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(wrapped_for(WORDS, "other words"), typed)


def test_a_commitment_tells_nothing_that_opens_the_key():
    wrapped = wrapped_for(WORDS, WORDS)
    head, sealed, commitment = wrapped[:58], wrapped[58:], wrapped[26:58]
    for key in (commitment, primitives.derive(commitment, "wrap"), primitives.sha256(commitment)):
        with pytest.raises(Unopenable):
            primitives.aead_open(key, sealed, head)


def test_a_guess_is_refused_by_the_commitment_in_the_same_words_as_a_damaged_key():
    wrapped, told = wrapped_for(WORDS, WORDS), set()
    for blob, typed in [
        (wrapped, "a guess"),
        (wrapped[:-1], WORDS),
        (wrapped[:26] + bytes(32) + wrapped[58:], WORDS),
        (b"", WORDS),
    ]:
        with pytest.raises(userkeys.WrongPassphrase) as caught:
            userkeys.open_user_key(blob, typed)
        told.add((type(caught.value), str(caught.value), caught.value.__cause__))
    assert len(told) == 1


# --- sessions ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [lambda b: b[:1] + b[25:], lambda b: b[:1] + bytes(24) + b[25:], lambda b: b[:-16], lambda b: b + b"\0", lambda b: b + b,
     lambda b: b[:25] + b[26:], lambda b: b"\x05" + b[1:], lambda b: b[:1]],
    ids=["no nonce", "another nonce", "no tag", "a byte more", "twice", "a byte less", "relabelled", "label only"],
)  # fmt: skip
def test_a_changed_session_blob_keeps_its_key(change):
    secret, blob = userkeys.lock_for_session(PRIVATE)
    assert userkeys.open_for_session(secret, blob) == PRIVATE
    with pytest.raises(Unopenable):
        userkeys.open_for_session(secret, change(blob))


def test_neither_half_of_a_session_holds_the_key_or_the_other_half():
    secret, blob = userkeys.lock_for_session(PRIVATE)
    assert secret not in blob and PRIVATE not in blob and PRIVATE[:32] not in blob and secret not in PRIVATE


def test_one_persons_cookie_opens_no_other_persons_session():
    sessions = [(private, *userkeys.lock_for_session(private)) for private in (PRIVATE, OTHER_PRIVATE)]
    for (private, secret, _), (owner, _, blob) in itertools.product(sessions, repeat=2):
        if private == owner:
            assert userkeys.open_for_session(secret, blob) == private
        else:
            with pytest.raises(Unopenable):
                userkeys.open_for_session(secret, blob)


# --- two of three ---------------------------------------------------------------------------------------------------------

SEATS = {name: seal.new_key_pair() for name in ("advocate", "custodian", "safeguarding")}
PUBLICS = [(name, pair[0]) for name, pair in SEATS.items()]
NOOR = {"name": "Noor"}


def half(block, seat, with_seat):
    return identity.open_share(block, "CLM-1", seat, with_seat, SEATS[seat][1])


def test_the_order_in_which_seats_are_named_makes_no_difference():
    for seats in itertools.permutations(PUBLICS):
        block = identity.seal_identity(NOOR, seats, "CLM-1")
        for one, other in itertools.combinations(SEATS, 2):
            assert identity.combine(block, "CLM-1", half(block, one, other), half(block, other, one)) == NOOR


def test_of_all_twenty_one_ways_to_choose_two_halves_only_the_three_pairs_open():
    block = identity.seal_identity(NOOR, PUBLICS, "CLM-1")
    halves = {(a, b): half(block, a, b) for a, b in itertools.permutations(SEATS, 2)}
    opened = set()
    for one, other in itertools.combinations_with_replacement(halves, 2):
        try:
            assert identity.combine(block, "CLM-1", halves[one], halves[other]) == NOOR
        except Unopenable:
            continue
        opened.add(frozenset((one, other)))
    assert opened == {frozenset(((a, b), (b, a))) for a, b in itertools.combinations(SEATS, 2)}


@pytest.mark.parametrize("seat", SEATS)
def test_the_two_shares_of_one_seat_do_not_know_each_other(seat, monkeypatch):
    # Had both pairs been cut with the same random bytes, the sum of one seat's two shares would say so.
    monkeypatch.setattr(seal, "new_data_key", lambda: bytes(32))
    taken = []
    monkeypatch.setattr(
        seal, "wrap", lambda key, secret, context: taken.append((context.split(b"|")[-1].decode(), secret)) or b""
    )
    sums = []
    for _ in range(400):
        taken.clear()
        identity.seal_identity({}, PUBLICS, "CLM-1")
        one, two = (secret for holder, secret in taken if holder == seat)
        sums.append(bytes(a ^ b for a, b in zip(one, two, strict=True)))
    ones = sum(int.from_bytes(s, "big").bit_count() for s in sums)
    tosses = 400 * 256
    assert len(set(sums)) == 400 and abs(ones - tosses / 2) < 6 * (tosses / 4) ** 0.5


def test_halves_of_an_identity_sealed_anew_do_not_combine_with_the_old_ones():
    old, new = (identity.seal_identity(NOOR, PUBLICS, "CLM-1") for _ in range(2))
    one, other = half(old, "advocate", "custodian"), half(new, "custodian", "advocate")
    for block in (old, new):
        with pytest.raises(Unopenable):
            identity.combine(block, "CLM-1", one, other)


def test_a_seat_that_was_handed_over_opens_nothing_sealed_afterwards():
    successor = seal.new_key_pair()
    block = identity.seal_identity(NOOR, [*PUBLICS[:2], ("safeguarding", successor[0])], "CLM-1")
    for other in ("advocate", "custodian"):
        with pytest.raises(Unopenable):
            identity.open_share(block, "CLM-1", "safeguarding", other, SEATS["safeguarding"][1])
    theirs = identity.open_share(block, "CLM-1", "safeguarding", "advocate", successor[1])
    assert identity.combine(block, "CLM-1", theirs, half(block, "advocate", "safeguarding")) == NOOR


def test_a_share_is_not_a_wrapped_key_of_anything_else():
    block = identity.seal_identity(NOOR, PUBLICS, "CLM-1")
    for (_, _, seat), blob in block.shares.items():
        for context in (b"", roomkeys.datakey_context("CLM-1", "A/claims"), roomkeys.reader_context("A/claims", seat)):
            with pytest.raises(Unopenable):
                seal.unwrap(SEATS[seat][1], blob, context)


# --- rows exchanged in the database by whoever holds it ----------------------------------------------------------------------


ROOT = bytes(range(32))


@pytest.fixture
def register(db, monkeypatch):
    """Two claims in one compartment and one in another, read by Ines; Paulo reads the second compartment only."""
    from answerable.vault.models import Compartment, Reader

    monkeypatch.setattr(vaultkeys, "CHAMBER", Chamber(root=ROOT, demonstration=True))
    people = {"ines": (PUBLIC, PRIVATE), "paulo": (OTHER_PUBLIC, OTHER_PRIVATE)}
    for room, readers in (("A/claims", ["ines"]), ("B/claims", ["ines", "paulo"])):
        public, private = seal.new_key_pair()
        row = Compartment.objects.create(name=room, public_key=public, made_at=clock.now())
        for person in readers:
            context = roomkeys.reader_context(room, person)
            wrapped = rootkey.seal_at_rest(ROOT, seal.wrap(people[person][0], private, context), context)
            Reader.objects.create(compartment=row, person=person, wrapped=wrapped)
    return {
        (subject, room): roomkeys.seal_fields(subject, room, "Claim", {"account": f"of {subject}", "place": "a town"})
        for subject, room in (("CLM-1", "A/claims"), ("CLM-2", "A/claims"), ("CLM-3", "B/claims"))
    }


def read(register, subject, room, field="account", blob=None, person="ines", private=PRIVATE):
    blob = register[subject, room][field] if blob is None else blob
    return roomkeys.open_fields(subject, room, "Claim", {field: blob}, person=person, private=private)[field]


@pytest.mark.writes_freely
def test_untouched_rows_open(register):
    assert [read(register, s, r) for s, r in register] == ["of CLM-1", "of CLM-2", "of CLM-3"]
    assert read(register, "CLM-3", "B/claims", person="paulo", private=OTHER_PRIVATE) == "of CLM-3"


@pytest.mark.writes_freely
def test_ciphertext_exchanged_between_claims_or_fields_does_not_open(register):
    first = register["CLM-1", "A/claims"]
    for subject, room, field, blob in [("CLM-2", "A/claims", "account", first["account"]), ("CLM-3", "B/claims", "account", first["account"]),
                                       ("CLM-1", "A/claims", "account", first["place"])]:  # fmt: skip
        with pytest.raises(Unopenable):
            read(register, subject, room, field, blob)


@pytest.mark.writes_freely
def test_wrapped_data_keys_exchanged_between_claims_do_not_open(register):
    from answerable.vault.models import DataKey

    one, two, three = (DataKey.objects.get(subject=s) for s in ("CLM-1", "CLM-2", "CLM-3"))
    for source in (two, three):
        DataKey.objects.filter(pk=one.pk).update(wrapped=source.wrapped)
        for blob in (None, register["CLM-2", "A/claims"]["account"]):
            with pytest.raises(Unopenable):
                read(register, "CLM-1", "A/claims", blob=blob)


@pytest.mark.writes_freely
def test_a_readers_wrap_put_into_another_readers_or_compartments_row_does_not_open(register):
    from answerable.vault.models import Reader

    ines_a, ines_b, paulo_b = (Reader.objects.get(compartment__name=f"{r}/claims", person=p) for r, p in
                               (("A", "ines"), ("B", "ines"), ("B", "paulo")))  # fmt: skip
    Reader.objects.filter(pk=paulo_b.pk).update(wrapped=ines_b.wrapped)
    Reader.objects.filter(pk=ines_a.pk).update(wrapped=ines_b.wrapped)
    with pytest.raises(Unopenable):
        read(register, "CLM-3", "B/claims", person="paulo", private=OTHER_PRIVATE)
    with pytest.raises(Unopenable):
        read(register, "CLM-1", "A/claims")
    assert read(register, "CLM-3", "B/claims") == "of CLM-3"


@pytest.mark.writes_freely
def test_a_row_opens_under_its_own_claim_compartment_and_reader_only(register):
    # Ciphertext that does not fit would hide a wrap that does: here the wraps stand alone.
    from answerable.vault.models import DataKey, Reader

    rooms, claims, people = ("A/claims", "B/claims"), ("CLM-1", "CLM-2", "CLM-3"), ("ines", "paulo")
    wraps = {
        (r.compartment.name, r.person): bytes(r.wrapped) for r in Reader.objects.filter(compartment__name__in=rooms)
    }
    keys = {(k.compartment.name, k.subject): bytes(k.wrapped) for k in DataKey.objects.filter(subject__in=claims)}
    opens = set()
    for (row, wrapped), private, place in itertools.product(
        wraps.items(), (PRIVATE, OTHER_PRIVATE), itertools.product(rooms, people)
    ):
        try:
            context = roomkeys.reader_context(*place)
            room_key = seal.unwrap(private, rootkey.open_at_rest(ROOT, wrapped, context), context)
        except Unopenable:
            continue
        opens.add((row, place))
        for (key_row, key), room, claim in itertools.product(keys.items(), rooms, claims):
            try:
                seal.unwrap(room_key, key, roomkeys.datakey_context(claim, room))
            except Unopenable:
                continue
            opens.add((key_row, (room, claim)))
    assert opens == {(row, row) for row in (*wraps, *keys)} and len(opens) == 6


@pytest.mark.writes_freely
def test_a_reader_row_made_up_by_the_database_opens_nothing(register):
    from answerable.vault.models import Compartment, Reader

    room = Compartment.objects.get(name="A/claims")
    made_up = seal.wrap(OTHER_PUBLIC, seal.new_key_pair()[1], roomkeys.reader_context("A/claims", "paulo"))
    Reader.objects.create(compartment=room, person="paulo", wrapped=made_up)
    with pytest.raises(Unopenable):
        read(register, "CLM-1", "A/claims", person="paulo", private=OTHER_PRIVATE)


# --- what a fault or an object shows -------------------------------------------------------------------------------------------

SECRETS = {
    "data key": KEY,
    "private key": PRIVATE,
    "ML-KEM seed": PRIVATE[:64],
    "X25519 scalar": PRIVATE[64:],
    "text": b"nobody else",
}
BLOCK = identity.seal_identity({"name": "nobody else"}, PUBLICS, "CLM-1")
FAULTS = {
    "an envelope with another key": lambda: seal.open_envelope(PRIVATE, seal.seal_envelope(OTHER_PUBLIC, b"nobody else", ENVELOPE_CONTEXT), ENVELOPE_CONTEXT),
    "an envelope in another place": lambda: seal.open_envelope(PRIVATE, seal.seal_envelope(PUBLIC, b"nobody else", ENVELOPE_CONTEXT), ENVELOPE_CONTEXT + b"x"),
    "an envelope without padding": lambda: seal.open_envelope(PRIVATE, seal.ENVELOPE + primitives.hpke_seal(PUBLIC, b"nobody else", ENVELOPE_CONTEXT), ENVELOPE_CONTEXT),
    "an envelope under no context": lambda: seal.seal_envelope(PUBLIC, b"nobody else", b"nobody else"),
    "an envelope to a private key": lambda: seal.seal_envelope(PRIVATE, b"nobody else", ENVELOPE_CONTEXT),
    "a file of another key": lambda: opened_file(b"\x03" + KEY + b"nobody else" * 40),
    "a file under half a key": lambda: seal.seal_file(KEY[:16], io.BytesIO(b"nobody else"), io.BytesIO(), b"c"),
    "a wrap to a private key": lambda: seal.wrap(PRIVATE, KEY, b"c"),
    "a wrap with a key too long": lambda: seal.unwrap(PRIVATE + KEY, seal.wrap(PUBLIC, KEY, b"c"), b"c"),
    "a share of another seat": lambda: identity.open_share(BLOCK, "CLM-1", "advocate", "custodian", PRIVATE),
    "halves that do not belong together": lambda: identity.combine(BLOCK, "CLM-1", KEY, PRIVATE[:32]),
    "a half too long": lambda: identity.combine(BLOCK, "CLM-1", PRIVATE, KEY),
    "a block that is text": lambda: identity.IdentityBlock.from_bytes(b'{"format": "nobody else"}'),
    "a block that is a key": lambda: identity.IdentityBlock.from_bytes(PRIVATE),
    "a user key that is a key": lambda: userkeys.open_user_key(b"AK1" + PRIVATE, "nobody else"),
    "a session with half a secret": lambda: userkeys.open_for_session(KEY[:16], locked(PRIVATE)),
    "a signer's key too long": lambda: tlog.Ed25519Signer("alliance", PRIVATE),
}  # fmt: skip


def written_out(secret: bytes) -> list[str]:
    """The ways a secret shows in a message: hexadecimal, base 64, a Python literal, a list of numbers, plain text."""
    numbers = ", ".join(str(b) for b in secret[:8])
    plain = [secret.decode()] if secret.isascii() and secret.decode().isprintable() else []
    return [secret.hex()[:24], base64.b64encode(secret).decode()[:20], repr(secret)[2:24], numbers, *plain]


@pytest.mark.parametrize("what", FAULTS)
def test_no_fault_shows_a_key_or_a_text(what):
    with pytest.raises((Unopenable, ValueError)) as caught:
        FAULTS[what]()
    shown = []
    fault = caught.value
    while fault is not None:
        shown += [
            str(fault),
            repr(fault),
            repr(fault.args),
            repr(vars(fault)),
            repr(getattr(fault, "object", "")),
            repr(getattr(fault, "doc", "")),
        ]
        # The lines of our own source are no secret; values that a message or a note holds would be.
        shown += traceback.format_exception_only(fault)
        fault = fault.__cause__ or fault.__context__
    for name, secret in SECRETS.items():
        for form in written_out(secret):
            assert not any(form in line for line in shown), (name, form)


OBJECTS = {
    "a stream that seals": lambda: primitives.SealingStream(KEY),
    "a stream that opens": lambda: primitives.OpeningStream(KEY, bytes(24)),
    "an identity block": lambda: BLOCK,
    "a signer": lambda: tlog.Ed25519Signer("alliance", KEY),
    "a private key": lambda: primitives._private(PRIVATE),
    "a fault": Unopenable,
    "a wrong passphrase": userkeys.WrongPassphrase,
    "the cost of a passphrase": userkeys.active_parameters,
}


@pytest.mark.parametrize("what", OBJECTS)
def test_no_object_shows_a_key_when_it_is_printed_or_logged(what):
    thing = OBJECTS[what]()
    for shown in (repr(thing), str(thing), f"{thing}", f"{[thing]}", f"{thing!a}"):
        for name, secret in SECRETS.items():
            assert not any(form in shown for form in written_out(secret)), name


def test_a_wrong_padding_and_a_wrong_key_are_the_same_refusal():
    # Told apart, they would be a padding oracle.
    told = set()
    for attempt in (
        lambda: seal.open_field(KEY, seal.FIELD + primitives.aead_seal(KEY, bytes(256), b"c"), b"c"),
        lambda: seal.open_field(bytes(32), seal.seal_field(KEY, b"words", b"c"), b"c"),
        lambda: seal.open_envelope(PRIVATE, seal.ENVELOPE + primitives.hpke_seal(PUBLIC, bytes(256), ENVELOPE_CONTEXT), ENVELOPE_CONTEXT),
        lambda: seal.open_envelope(OTHER_PRIVATE, seal.seal_envelope(PUBLIC, b"words", ENVELOPE_CONTEXT), ENVELOPE_CONTEXT),
        lambda: seal.open_envelope(PRIVATE, b"", ENVELOPE_CONTEXT),
    ):  # fmt: skip
        with pytest.raises(Unopenable) as caught:
            attempt()
        told.add((type(caught.value), str(caught.value), caught.value.args))
    assert told == {(Unopenable, "cannot be opened", ("cannot be opened",))}
