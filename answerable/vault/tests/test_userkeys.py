"""A key that a passphrase opens: no other does, not even one prepared to (key commitment, security.md §2.2)."""

from __future__ import annotations

import re
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from answerable.vault import primitives, seal, userkeys
from answerable.vault.primitives import Unopenable

WORDS = "acorn bridge candle dolphin eleven forest"
KEY = bytes(range(32))


def test_a_passphrase_opens_its_key():
    public, wrapped = userkeys.new_user_key(WORDS)
    private = userkeys.open_user_key(wrapped, WORDS)
    assert seal.unwrap(private, seal.wrap(public, KEY, b""), b"") == KEY
    assert private not in wrapped


@pytest.mark.parametrize(
    ("made_with", "typed"),
    [(WORDS, f"  {WORDS.upper()} "), (WORDS, WORDS.replace(" ", "   ")), ("caf\u00e9 au lait du matin", "cafe\u0301 au lait du matin")],
)  # fmt: skip
def test_spacing_capitals_and_composed_accents_make_no_difference(made_with, typed):
    assert userkeys.open_user_key(userkeys.new_user_key(made_with)[1], typed)


@pytest.mark.parametrize("typed", ["", "acorn", WORDS[:-1], WORDS + "s", WORDS.replace("acorn", "acron"), "\ud800"])
def test_a_wrong_passphrase_opens_nothing(typed):
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(userkeys.new_user_key(WORDS)[1], typed)


def test_every_changed_byte_and_every_cut_is_a_wrong_passphrase():
    _, wrapped = userkeys.new_user_key(WORDS)
    for i in range(len(wrapped)):
        for bad in (wrapped[:i] + bytes([wrapped[i] ^ 0x80]) + wrapped[i + 1 :], wrapped[:i]):
            with pytest.raises(userkeys.WrongPassphrase):
                userkeys.open_user_key(bad, WORDS)


@pytest.mark.parametrize(
    ("memory", "iterations", "lanes"),
    [(2**32 - 1, 1, 1), (64, 2**16 - 1, 1), (64, 0, 1), (64, 1, 0), (64, 1, 255), (0, 1, 1), (15, 1, 2)],
)
def test_a_forged_cost_is_refused_before_it_is_paid(memory, iterations, lanes):
    _, wrapped = userkeys.new_user_key(WORDS)
    forged = wrapped[:3] + struct.pack(">IHB", memory, iterations, lanes) + wrapped[10:]
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(forged, WORDS)


def test_the_cost_is_stored_so_that_old_keys_open_after_it_is_raised():
    _, wrapped = userkeys.new_user_key(WORDS)
    userkeys.set_parameters(userkeys.KdfParameters(memory_kib=128, iterations=2, lanes=1))
    assert userkeys.open_user_key(wrapped, WORDS)
    assert userkeys.new_user_key(WORDS)[1][3:10] == struct.pack(">IHB", 128, 2, 1)


def test_production_costs_what_the_design_says():
    assert userkeys.PRODUCTION == userkeys.KdfParameters(memory_kib=256 * 1024, iterations=3, lanes=1)


def test_the_parts_of_two_keys_do_not_make_a_third():
    (_, one), (_, other) = userkeys.new_user_key(WORDS), userkeys.new_user_key(WORDS)
    other_salt, other_commitment = one[:10] + other[10:26] + one[26:], one[:26] + other[26:58] + one[58:]
    for mixed in (other_salt, other_commitment, one[:58] + other[58:], one[:26] + other[26:]):
        with pytest.raises(userkeys.WrongPassphrase):
            userkeys.open_user_key(mixed, WORDS)


def test_a_wrong_commitment_is_seen_before_anything_is_decrypted(monkeypatch):
    _, wrapped = userkeys.new_user_key(WORDS)
    monkeypatch.setattr(primitives, "aead_open", lambda *a: pytest.fail("decrypted before the commitment held"))
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(wrapped[:26] + bytes(32) + wrapped[58:], WORDS)


# One blob for two passphrases. Poly1305 does not commit to its key: whoever knows two keys can solve for a text that
# authenticates under both, and learns with one try which half of a dictionary a passphrase is in.


def rotated(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def hchacha20(key, nonce):
    s = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)]
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in (columns + diagonals) * 10:
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] = rotated(s[z] ^ s[x], n)
    return struct.pack("<8I", *s[:4], *s[12:])


def blob_for_two_keys(keys, aad):
    """An XChaCha20-Poly1305 blob that opens under both keys: two free blocks, two linear equations modulo p."""
    p, nonce = 2**130 - 5, bytes(24)
    one_time = []
    for key in keys:
        stream = Cipher(algorithms.ChaCha20(hchacha20(key, nonce[:16]), bytes(8) + nonce[16:]), None).encryptor()
        raw = stream.update(bytes(32))
        r = int.from_bytes(raw[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
        one_time.append((r, int.from_bytes(raw[16:], "little")))
    front = aad + bytes(-len(aad) % 16)
    lengths = struct.pack("<QQ", len(aad), 32)
    for tag in range(1, 5000):
        rows = []
        for r, s in one_time:
            fixed = 0
            for block in [front[i : i + 16] for i in range(0, len(front), 16)] + [None, None, lengths]:
                fixed = (fixed + (int.from_bytes(block, "little") if block else 0) + 2**128) * r % p
            rows.append((pow(r, 3, p), pow(r, 2, p), ((tag - s) % 2**128 - fixed) % p))
        (a, b, e), (c, d, f) = rows
        inverse = pow(a * d - b * c, -1, p)
        x, y = (e * d - b * f) * inverse % p, (a * f - e * c) * inverse % p
        if x < 2**128 and y < 2**128:
            return nonce + x.to_bytes(16, "little") + y.to_bytes(16, "little") + tag.to_bytes(16, "little")
    raise AssertionError("no blob found")


def test_a_blob_made_for_two_passphrases_opens_for_neither_but_the_committed_one():
    cost = userkeys.active_parameters()
    keys = [primitives.stretch(w.encode(), bytes(16), memory_kib=cost.memory_kib, iterations=1, lanes=1)
            for w in ("first words", "second words")]  # fmt: skip
    head = b"AK1" + struct.pack(">IHB", cost.memory_kib, 1, 1) + bytes(16) + primitives.derive(keys[0], "commit")
    both = blob_for_two_keys([primitives.derive(k, "wrap") for k in keys], head)
    # The control: without the commitment both keys open it, so the attack is real.
    assert all(len(primitives.aead_open(primitives.derive(k, "wrap"), both, head)) == 32 for k in keys)
    assert len(userkeys.open_user_key(head + both, "first words")) == 32
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(head + both, "second words")


def test_the_decoy_opens_for_nobody_and_costs_the_same():
    userkeys.decoy.cache_clear()
    _, wrapped = userkeys.new_user_key(WORDS)
    assert len(userkeys.decoy()) == len(wrapped) and userkeys.decoy()[:10] == wrapped[:10]
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(userkeys.decoy(), WORDS)
    userkeys.decoy.cache_clear()


def test_a_session_key_needs_both_halves():
    secret, blob = userkeys.lock_for_session(KEY)
    assert userkeys.open_for_session(secret, blob) == KEY
    other_secret, other_blob = userkeys.lock_for_session(KEY)
    for s, b in [(bytes(32), blob), (b"", blob), (secret[:-1], blob), (other_secret, blob), (secret, other_blob),
                 (secret, b""), (secret, blob[:-1]), (secret, b"\x01" + blob[1:])]:  # fmt: skip
        with pytest.raises(Unopenable):
            userkeys.open_for_session(s, b)


def test_passphrases_are_six_words_of_the_list():
    drawn = [userkeys.new_passphrase() for _ in range(300)]
    assert len(set(drawn)) == 300
    assert all(len(d.split()) == 6 and set(d.split()) <= set(userkeys.words()) and 15 <= len(d) <= 128 for d in drawn)
    # 1,800 draws of 1,296 words: about 75 % of the list turns up when all are equally likely.
    assert 890 < len({w for d in drawn for w in d.split()}) < 1060


def test_four_dice_choose_one_word_and_no_word_can_be_misread():
    words = userkeys.words()
    assert len(set(words)) == len(words) == 6**4 and list(words) == sorted(words)
    assert all(re.fullmatch("[a-z]{4,9}", w) for w in words)
