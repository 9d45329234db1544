"""The record's tree and its signed statements: RFC 6962 hashing, C2SP tlog-tiles, tlog-checkpoint, signed notes,
witnesses' cosignatures (tlog-cosignature, tlog-witness) and the policy that says which of them are enough (tlog-policy).

A leaf value is 32 bytes: SHA-256("answerable-leaf/1" ‖ salt ‖ canonical event). Nothing about an event can be read
from it, so witnesses may be hostile (security.md §2.7).
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TILE = 256
LEAF_LABEL = b"answerable-leaf/1"
DASH = "\u2014"  # what a note's signature line begins with
ED25519 = b"\x01"  # signature types of signed notes (C2SP signed-note)
COSIGNATURE = b"\x04"
LONGEST_NOTE = 100_000  # characters; sixteen post-quantum signatures fit
MOST_SIGNATURES = 64
LONGEST_PROOF = 63  # hashes, as C2SP tlog-witness allows


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_nfc(k): _nfc(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nfc(v) for v in value]
    if isinstance(value, float):
        raise ValueError("an event holds no floats")
    return value


def canonical(event: Any) -> bytes:
    """The one way to write an event: sorted keys, no spaces, UTF-8, NFC. Raises ValueError for a float."""
    return json.dumps(_nfc(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_commitment(salt: bytes, event: bytes) -> bytes:
    """The 32-byte leaf value of a canonical event under its 32-byte salt."""
    if len(salt) != 32:
        raise ValueError("a salt is 32 bytes")
    return hashlib.sha256(LEAF_LABEL + salt + event).digest()


def leaf_hash(value: bytes) -> bytes:
    """RFC 6962 leaf hash."""
    return hashlib.sha256(b"\x00" + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 interior hash."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def _fold(hashes: Sequence[bytes]) -> bytes:
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def root(leaves: Sequence[bytes]) -> bytes:
    """Merkle tree root over leaf values. Raises ValueError for an empty tree, which we never sign."""
    if not leaves:
        raise ValueError("an empty record has no root")
    return _fold([leaf_hash(v) for v in leaves])


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of one leaf (RFC 6962 §2.1.1). Raises ValueError when there is no such leaf."""
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    hashes = [leaf_hash(v) for v in leaves]

    def path(lo: int, hi: int, m: int) -> list[bytes]:
        if hi - lo == 1:
            return []
        k = lo + _split(hi - lo)
        if m < k:
            return [*path(lo, k, m), _fold(hashes[k:hi])]
        return [*path(k, hi, m), _fold(hashes[lo:k])]

    return path(0, len(leaves), index)


def verify_inclusion(value: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `proof` shows `value` at `index` of the tree of `size` with root `expected` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf_hash(value)
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == expected


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proof that the tree of the first `old` leaves is a prefix of this one. Raises ValueError unless 0 < old ≤ size."""
    if not 0 < old <= len(leaves):
        raise ValueError("the older tree is not empty and not larger")
    hashes = [leaf_hash(v) for v in leaves]

    def sub(m: int, lo: int, hi: int, whole: bool) -> list[bytes]:
        n = hi - lo
        if m == n:
            return [] if whole else [_fold(hashes[lo:hi])]
        k = _split(n)
        if m <= k:
            return [*sub(m, lo, lo + k, whole), _fold(hashes[lo + k : hi])]
        return [*sub(m - k, lo + k, hi, False), _fold(hashes[lo : lo + k])]

    return sub(old, 0, len(leaves), True)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves extends that of `old` (RFC 9162 §2.1.4.2). Empty trees are refused."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


# --- signed notes and checkpoints (C2SP) ---------------------------------------------------------------------------


def key_hash(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """First four bytes of SHA-256(name ‖ newline ‖ type ‖ key), which a signature line starts with."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def cosigned_message(body: str, at: int) -> bytes:
    """What a cosignature/v1 signs: its header, the time in POSIX seconds, and the whole checkpoint body."""
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _plain(public: bytes, signature: bytes, body: str) -> int:
    Ed25519PublicKey.from_public_bytes(public).verify(signature, body.encode())
    return 0


def _timestamped(public: bytes, signature: bytes, body: str) -> int:
    at = int.from_bytes(signature[:8], "big")
    if len(signature) != 72 or at >= 1 << 63:
        raise InvalidSignature
    Ed25519PublicKey.from_public_bytes(public).verify(signature[8:], cosigned_message(body, at))
    return at


@dataclass(frozen=True)
class SignatureType:
    """One way of signing a note: `check(public, signature, body)` returns the POSIX time signed with it (0: none)."""

    label: str
    key_bytes: int
    cosigns: bool
    check: Callable[[bytes, bytes, str], int]


# What this program can check, by type byte. A type that is not here is skipped wherever it appears, never trusted;
# ML-DSA-44 (0x06) becomes a third line once witnesses hold such keys.
SIGNATURE_TYPES: Mapping[bytes, SignatureType] = {
    ED25519: SignatureType("Ed25519", 32, False, _plain),
    COSIGNATURE: SignatureType("cosignature/v1", 32, True, _timestamped),
}


def unbase64(text: str) -> bytes:
    """Decode base64 in its one proper spelling. Raises ValueError for any other."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("base64 is not in its one proper spelling")
    return raw


def is_key_name(name: str) -> bool:
    """Whether a signature line can carry this name: not empty, no space, plus or control character, at most 100 long."""
    return 0 < len(name) <= 100 and "+" not in name and name.isprintable() and not any(c.isspace() for c in name)


@dataclass(frozen=True)
class VerifierKey:
    """A name, a signature type and a public key, as a vkey line carries them."""

    name: str
    kind: bytes
    public: bytes

    @property
    def type(self) -> SignatureType | None:
        """How its signatures are checked; None when this program cannot."""
        return SIGNATURE_TYPES.get(self.kind)

    @property
    def hash(self) -> bytes:
        return key_hash(self.name, self.public, self.kind)

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(self.kind + self.public).decode()}"


def read_vkey(text: str) -> VerifierKey:
    """Read name+hash+base64(type ‖ key). Raises ValueError, with a sentence's end, for anything else."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise ValueError("it does not read name+hash+key")
    try:
        raw = unbase64(parts[2])
    except ValueError:
        raise ValueError("its key is not base64") from None
    key = VerifierKey(parts[0], raw[:1], raw[1:])
    if key.hash.hex() != parts[1]:
        raise ValueError("its name and key do not belong together; a character may have been lost")
    if key.type is not None and len(key.public) != key.type.key_bytes:
        raise ValueError("its key has the wrong length")
    return key


class Signer(Protocol):
    """Something that signs notes under a name."""

    name: str

    def sign(self, text: bytes) -> bytes: ...
    def vkey(self) -> str: ...


class Ed25519Signer:
    """Signs notes with an Ed25519 key held in memory."""

    def __init__(self, name: str, private: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def new_private(cls) -> bytes:
        """32 bytes of a fresh private key."""
        return Ed25519PrivateKey.generate().private_bytes_raw()

    def __repr__(self) -> str:
        return f"<signer {self.name}>"

    def sign(self, text: bytes) -> bytes:
        """Key hash and signature, as a note's signature line carries them."""
        return key_hash(self.name, self.public) + self._key.sign(text)

    def vkey(self) -> str:
        """The verifier key: name+hash+base64(type ‖ key)."""
        return str(VerifierKey(self.name, ED25519, self.public))


class Cosigner:
    """A witness's key in memory. It signs checkpoints and a time, and nothing else."""

    def __init__(self, name: str, private: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.key = VerifierKey(name, COSIGNATURE, self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"<cosigner {self.key.name}>"

    def vkey(self) -> str:
        """The verifier key, type 0x04."""
        return str(self.key)

    def cosign(self, body: str, at: int) -> str:
        """The signature line over a checkpoint body at a POSIX time in seconds. Who calls it has checked the body."""
        signature = at.to_bytes(8, "big") + self._key.sign(cosigned_message(body, at))
        return f"{DASH} {self.key.name} {base64.b64encode(self.key.hash + signature).decode()}\n"


def private_text(name: str, private: bytes) -> str:
    """A witness's private key as one line: PRIVATE+KEY+name+hash+base64(type ‖ key), as other note tools write it."""
    short = Cosigner(name, private).key.hash.hex()
    return f"PRIVATE+KEY+{name}+{short}+{base64.b64encode(COSIGNATURE + private).decode()}"


def read_private(text: str) -> Cosigner:
    """The witness's key from its line. Raises ValueError when it is not one, without quoting it."""
    parts = text.split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"] or not is_key_name(parts[2]):
        raise ValueError("not a witness's private key")
    raw = unbase64(parts[4])
    if len(raw) != 33 or raw[:1] != COSIGNATURE:
        raise ValueError("not a witness's private key")
    cosigner = Cosigner(parts[2], raw[1:])
    if cosigner.key.hash.hex() != parts[3]:
        raise ValueError("the key's name and the key do not belong together")
    return cosigner


def sign_checkpoint(signer: Signer, *, origin: str, size: int, root: bytes) -> str:
    """A C2SP checkpoint: origin, size, base64 root, blank line, one signature line."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(signer.sign(body.encode())).decode()
    return f"{body}\n{DASH} {signer.name} {signature}\n"


@dataclass(frozen=True)
class SignatureLine:
    """One signature line of a note: who it says signed, the key hash it gives, the signature, and the line itself."""

    name: str
    hash: bytes
    signature: bytes
    line: str


def signature_lines(text: str) -> list[SignatureLine]:
    """Read signature lines, each with its line end. Raises ValueError when one is not such a line."""
    if not text.endswith("\n") or text.count("\n") > MOST_SIGNATURES:
        raise ValueError("the signature lines are cut off or too many")
    found = []
    for line in text[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != DASH or not is_key_name(parts[1]):
            raise ValueError("a signature line does not read: dash, name, signature")
        raw = unbase64(parts[2])
        if len(raw) < 5:
            raise ValueError("a signature is cut off")
        found.append(SignatureLine(parts[1], raw[:4], raw[4:], line + "\n"))
    return found


@dataclass(frozen=True)
class Note:
    """A checkpoint as it was read, nothing about it believed yet."""

    body: str
    origin: str
    size: int
    root: bytes
    lines: tuple[SignatureLine, ...]

    def signed(self, key: VerifierKey) -> int | None:
        """The POSIX time `key` signed with (0 for a log's own signature); None when it did not sign.

        Raises ValueError when a line carries the key's name and hash and its signature fails: such a note is
        malformed (C2SP signed-note). A key of a type this program cannot check has never signed.
        """
        times = []
        for line in self.lines:
            if key.type is not None and (line.name, line.hash) == (key.name, key.hash):
                try:
                    times.append(key.type.check(key.public, line.signature, self.body))
                except (InvalidSignature, ValueError):
                    raise ValueError(f"the signature of {key.name} does not hold") from None
        return max(times, default=None)


def read_note(text: str) -> Note:
    """Read a checkpoint: origin, size, root, a blank line, signature lines. Raises ValueError for any other form."""
    if len(text) > LONGEST_NOTE or any(ord(c) < 32 and c != "\n" for c in text):
        raise ValueError("this is not a checkpoint")
    head, gap, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) != 3 or not lines[0]:
        raise ValueError("this is not a checkpoint: three lines, a blank one, then signatures")
    origin, size, encoded = lines
    if not size.isascii() or not size.isdigit() or str(int(size)) != size or not 0 < int(size) < 1 << 63:
        raise ValueError("the checkpoint's size is not a positive number")
    root = unbase64(encoded)
    if len(root) != 32:
        raise ValueError("the checkpoint's root is not 32 bytes")
    return Note(head + "\n", origin, int(size), root, tuple(signature_lines(rest)))


def open_checkpoint(text: str, vkey: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint signed by the log's `vkey`. Raises ValueError when it is not.

    The origin is the key's name: one key speaks for one log (C2SP tlog-policy). Lines of other keys are ignored.
    """
    key = read_vkey(vkey)
    note = read_note(text)
    if key.type is None or key.type.cosigns or note.signed(key) is None:
        raise ValueError("the checkpoint is not signed by this key")
    if note.origin != key.name:
        raise ValueError(f"the checkpoint is of {note.origin}, not of {key.name}")
    return note.origin, note.size, note.root


def cosignatures(note: Note, witnesses: Iterable[VerifierKey]) -> dict[bytes, int]:
    """Public key → POSIX time, for each of the witnesses that cosigned. One key counts once, whatever its names.

    Lines of keys not given are ignored. Raises ValueError when a given key's signature does not hold.
    """
    found: dict[bytes, int] = {}
    for key in witnesses:
        if key.type is not None and key.type.cosigns and (at := note.signed(key)) is not None:
            found[key.public] = max(at, found.get(key.public, 0))
    return found


def merge_cosignatures(checkpoint: str, lines: Iterable[str]) -> str:
    """The checkpoint with these signature lines added after its own, each line once and in a settled order.

    The lines are not checked here: whoever keeps them has (see `cosignatures`), and whoever reads them will.
    """
    note = read_note(checkpoint)
    own = [line.line for line in note.lines]
    added = [line.line for text in lines for line in signature_lines(text)]
    return f"{note.body}\n{''.join(dict.fromkeys([*own, *sorted(added)]))}"


# --- asking a witness (C2SP tlog-witness, add-checkpoint) ----------------------------------------------------------


def write_request(old: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """What a witness is handed: the size it last saw, the consistency proof from there, the checkpoint."""
    hashes = "".join(base64.b64encode(h).decode() + "\n" for h in proof)
    return f"old {old}\n{hashes}\n{checkpoint}"


def read_request(text: str) -> tuple[int, list[bytes], str]:
    """(old size, proof, checkpoint text). Raises ValueError when it is not a request."""
    if len(text) > LONGEST_NOTE or not text.startswith("old "):
        raise ValueError("this is not a request to a witness")
    head, gap, checkpoint = text.partition("\n\n")
    first, *hashes = head.split("\n")
    size = first[4:]
    if not gap or not size.isascii() or not size.isdigit() or str(int(size)) != size or int(size) >= 1 << 63:
        raise ValueError("the request does not say from which size")
    if len(hashes) > LONGEST_PROOF:
        raise ValueError("the proof is too long")
    proof = [unbase64(h) for h in hashes]
    if any(len(h) != 32 for h in proof):
        raise ValueError("a hash of the proof is not 32 bytes")
    return int(size), proof, checkpoint


# --- which witnesses are enough (C2SP tlog-policy) -----------------------------------------------------------------


class PolicyError(ValueError):
    """The policy cannot be used; the text names the line and says what is wrong."""


@dataclass(frozen=True)
class Group:
    """At least `needed` of `members` (names of witnesses or of groups above it)."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Lack:
    """A witness or group that the quorum still wants: `have` of the `needed` out of `of`, and who is missing."""

    name: str
    needed: int
    of: int
    have: int
    missing: tuple[str, ...]


@dataclass
class Policy:
    """Logs that are accepted, witnesses that are known, and the rule that says which of them are enough.

    `quorum` names a witness or a group; "none" asks for nobody.
    """

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = "none"

    def is_met(self, cosigned: Collection[bytes], name: str | None = None) -> bool:
        """Whether the public keys in `cosigned` satisfy the quorum (or the witness or group `name`)."""
        name = self.quorum if name is None else name
        if name in self.groups:
            group = self.groups[name]
            return sum(self.is_met(cosigned, m) for m in group.members) >= group.needed
        return name == "none" or self.witnesses[name].public in cosigned

    def lacking(self, cosigned: Collection[bytes], name: str | None = None) -> list[Lack]:
        """What the quorum still wants, from the top down; empty when it is met."""
        name = self.quorum if name is None else name
        if self.is_met(cosigned, name):
            return []
        if name not in self.groups:
            return [Lack(name, 1, 1, 0, (name,))]
        group = self.groups[name]
        missing = tuple(m for m in group.members if not self.is_met(cosigned, m))
        found = [Lack(name, group.needed, len(group.members), len(group.members) - len(missing), missing)]
        for member in missing:
            if member in self.groups:
                found += self.lacking(cosigned, member)
        return found


def read_policy(text: str) -> Policy:
    """Read a policy file. Raises PolicyError with the line's number and a sentence.

    A name is defined above where it is used, is a member once at most, and no public key appears twice, so that no
    witness can count in two ways.
    """
    policy, used, keys, quorum = Policy(), set[str](), dict[bytes, str](), False
    if any(ord(c) < 32 and c not in "\n\t" or ord(c) == 127 for c in text):
        raise PolicyError("This is not a policy file: it holds control characters.")
    for number, line in enumerate(text.split("\n"), 1):
        words = [w for w in line.replace("\t", " ").split(" ") if w]
        if not words or words[0].startswith("#"):
            continue

        def wrong(sentence: str, number: int = number) -> PolicyError:
            return PolicyError(f"Line {number}: {sentence}")

        def known(name: str, wrong: Callable[[str], PolicyError] = wrong) -> str:
            if name not in policy.witnesses and name not in policy.groups:
                raise wrong(f"“{name}” is not defined above this line.")
            return name

        def new_name(name: str, wrong: Callable[[str], PolicyError] = wrong) -> str:
            if name == "none" or name in policy.witnesses or name in policy.groups:
                raise wrong(f"the name “{name}” is already taken.")
            return name

        def key_of(encoded: str, whose: str, wrong: Callable[[str], PolicyError] = wrong) -> VerifierKey:
            try:
                key = read_vkey(encoded)
            except ValueError as why:
                raise wrong(f"the key of {whose} cannot be used: {why}.") from None
            if key.public in keys:
                raise wrong(f"the key of {whose} is the same as that of {keys[key.public]}; a key counts once.")
            keys[key.public] = whose
            return key

        word, rest = words[0], words[1:]
        if word == "log":
            if len(rest) not in (1, 2):
                raise wrong("a log line reads: log KEY [ADDRESS].")
            key = key_of(rest[0], "the log")
            if key.type is not None and key.type.cosigns:
                raise wrong("this is a witness's key, not a log's.")
            policy.logs.append(key)
        elif word == "witness":
            if len(rest) not in (2, 3):
                raise wrong("a witness line reads: witness NAME KEY [ADDRESS].")
            key = key_of(rest[1], f"witness {new_name(rest[0])}")
            if key.type is not None and not key.type.cosigns:
                raise wrong("this is a log's key, not a witness's.")
            policy.witnesses[rest[0]] = key
        elif word == "group":
            if len(rest) < 3:
                raise wrong("a group line reads: group NAME all|any|K MEMBER ….")
            name, count, members = new_name(rest[0]), rest[1], [known(m) for m in rest[2:]]
            for member in members:
                if member in used:
                    raise wrong(f"“{member}” is already a member of a group; it counts in one way only.")
                used.add(member)
            number_needed = {"all": str(len(members)), "any": "1"}.get(count, count)
            if not number_needed.isascii() or not number_needed.isdigit() or len(number_needed) > 9:
                raise wrong("say how many are needed: all, any, or a number.")
            if not 1 <= int(number_needed) <= len(members):
                raise wrong(f"{count} of {len(members)} cannot be asked for.")
            policy.groups[name] = Group(int(number_needed), tuple(members))
        elif word == "quorum":
            if len(rest) != 1:
                raise wrong("a quorum line reads: quorum NAME.")
            if quorum:
                raise wrong("there is already a quorum line.")
            quorum, policy.quorum = True, rest[0] if rest[0] == "none" else known(rest[0])
        else:
            raise wrong(f"“{word}” is not one of log, witness, group, quorum.")
    if not quorum:
        raise PolicyError("The policy has no quorum line, so it does not say who is enough.")
    return policy


# Names the default policy uses itself, so no witness can bear them.
TAKEN_NAMES = frozenset({"members", "civil-society", "both", "none"})


def default_policy(log: str, members: Sequence[VerifierKey], civil_society: Sequence[VerifierKey]) -> str:
    """The policy text an alliance starts from: more than half of the members' witnesses and one of civil society.

    `log` is the log's vkey. Raises ValueError unless there is a witness of each kind: states alone do not vouch for a
    record about states.
    """
    if not members or not civil_society:
        raise ValueError("a policy needs a member's witness and one of civil society")
    lines = ["# Who must cosign a checkpoint of the record (C2SP tlog-policy).", f"log {log}", ""]
    lines += [f"witness {k.name} {k}" for k in [*members, *civil_society]]
    lines += [
        "",
        "# More than half of the members' witnesses, and at least one of civil society.",
        f"group members {len(members) // 2 + 1} {' '.join(k.name for k in members)}",
        f"group civil-society any {' '.join(k.name for k in civil_society)}",
        "group both all members civil-society",
        "quorum both",
    ]
    return "\n".join(lines) + "\n"


def sign_note(signer: Signer, text: bytes) -> str:
    """The signature line of a note: dash, name, base64 of key hash and signature; no line end."""
    return f"\u2014 {signer.name} {base64.b64encode(signer.sign(text)).decode()}"


def verify_note(text: bytes, line: str, vkey: str) -> bool:
    """Whether `line`, in its one proper spelling, is `vkey`'s signature of `text`. Raises ValueError for a bad vkey."""
    key = read_vkey(vkey)
    if key.kind != ED25519:
        raise ValueError("not an Ed25519 key")
    name, public = key.name, key.public
    head = f"\u2014 {name} "
    try:
        blob = base64.b64decode(line.removeprefix(head), validate=True)
    except ValueError:
        return False
    if line != head + base64.b64encode(blob).decode() or blob[:4] != key_hash(name, public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], text)
    except InvalidSignature:
        return False
    return True


# --- tiles (C2SP tlog-tiles) ---------------------------------------------------------------------------------------


def tile_name(n: int) -> str:
    """Tile index in groups of three digits: 1234067 → x001/x234/067."""
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return "/".join(parts)


def tiles(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Every tile file of a tree by its path: hash tiles level by level, and bundles of leaf values."""
    files: dict[str, bytes] = {}
    level, hashes = 0, [leaf_hash(v) for v in leaves]
    while hashes:
        for n in range(0, -(-len(hashes) // TILE)):
            chunk = hashes[n * TILE : (n + 1) * TILE]
            suffix = "" if len(chunk) == TILE else f".p/{len(chunk)}"
            files[f"tile/{level}/{tile_name(n)}{suffix}"] = b"".join(chunk)
        hashes = [_fold(hashes[i : i + TILE]) for i in range(0, len(hashes) - TILE + 1, TILE)]
        level += 1
    for n in range(0, -(-len(leaves) // TILE)):
        chunk = list(leaves[n * TILE : (n + 1) * TILE])
        suffix = "" if len(chunk) == TILE else f".p/{len(chunk)}"
        files[f"tile/entries/{tile_name(n)}{suffix}"] = b"".join(len(v).to_bytes(2, "big") + v for v in chunk)
    return files
