"""Be a witness of the record: look at each checkpoint, see that it only ever grows, and sign that you saw it.

    answerable witness new-key NAME --key FILE
    answerable witness cosign SOURCE --key FILE --state FILE [--log-vkey KEY] [--out FILE]
    answerable witness watch FOLDER --key FILE --state FILE [--log-vkey KEY] [--out FOLDER] [--every HOURS] [--once]

It needs no database and no network: SOURCE is a folder the log published (`answerable record checkpoint`, or an export
with --closed), a request file from that folder, or a checkpoint file. A witness sees salted leaves and sizes, nothing
of any event. Exit status: 0 cosigned, 1 refused (the sentence says why, and what was seen is kept), 2 wrong use.

What it remembers, the state file, is on disk before any cosignature is: a crash in between costs a cosignature, never
the memory of one (the race that C2SP tlog-witness describes).
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from answerable.engines import tlog

STATE_FORMAT = "answerable-witness-state/1"
EVIDENCE_FORMAT = "answerable-witness-evidence/1"
LARGEST_FILE = 1_000_000  # bytes of a checkpoint, request, key or state file
LOCK_SECONDS = 10
DAY = 86_400


class WrongUse(Exception):
    """What was given cannot be used; the sentence says what would help. Exit status 2."""


class Refuses(Exception):
    """The witness does not cosign. Exit status 1. `keep`: what was seen is worth keeping as evidence."""

    def __init__(self, sentence: str, *, keep: bool = False) -> None:
        super().__init__(sentence)
        self.keep = keep


@dataclass(frozen=True)
class State:
    """What this witness last saw of one log: the log's key, and the checkpoint it cosigned, with the POSIX time."""

    log: tlog.VerifierKey
    checkpoint: str
    at: int

    @property
    def note(self) -> tlog.Note:
        return tlog.read_note(self.checkpoint)


@dataclass(frozen=True)
class Offer:
    """What the log shows: a checkpoint, and whichever it gives to show that it grew: all leaves, or a proof."""

    checkpoint: str
    where: str
    leaves: tuple[bytes, ...] | None = None
    old: int | None = None
    proof: tuple[bytes, ...] = ()
    vkey: str | None = None


# --- files ---------------------------------------------------------------------------------------------------------


def read_text(path: Path, what: str) -> str:
    """A small text file. Raises WrongUse with a sentence when it is anything else."""
    try:
        if path.is_dir():
            raise WrongUse(f"{path} is a folder; {what} is a file.")
        with path.open("rb") as f:
            data = f.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise WrongUse(f"{path} is not there; {what} was expected.") from None
    except OSError as fault:
        raise WrongUse(f"{path} cannot be read: {fault.strerror}.") from None
    try:
        if len(data) > LARGEST_FILE:
            raise ValueError
        return data.decode()
    except ValueError:
        raise WrongUse(f"{path} is not {what}: it is not text, or far too long.") from None


def write_durably(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file in one step that survives a power cut: beside it, fsync, rename, fsync of the folder."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise WrongUse(f"{path} cannot be written: {fault.strerror}.") from None


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the lock beside the state file, so that two runs cannot take each other's steps back."""
    lock = state.with_name(state.name + ".lock")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as fault:
        raise WrongUse(f"{lock} cannot be made: {fault.strerror}. Make the folder first.") from None
    try:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise WrongUse(f"Another witness run is using {state}. Wait for it to end.") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)  # releases the lock, as does the end of the process in any way


def read_key(path: Path) -> tlog.Cosigner:
    """The witness's own key."""
    text = read_text(path, "a witness's key file")
    try:
        cosigner = tlog.read_private(text.strip())
    except ValueError:
        raise WrongUse(f"{path} is not a witness's key file. Make one with: answerable witness new-key.") from None
    if path.stat().st_mode & 0o077:
        print(f"Others on this machine can read {path}. Close it: chmod 600 {path}", file=sys.stderr)
    return cosigner


def read_log_key(given: str) -> tlog.VerifierKey:
    """The log's key, written out or in a file."""
    text = given
    try:
        in_a_file = "+" not in given or Path(given).exists()
    except OSError:  # far too long for a file's name
        in_a_file = False
    if in_a_file:
        text = read_text(Path(given), "the log's key (log.vkey)").strip()
    try:
        key = tlog.read_vkey(text)
    except ValueError as why:
        raise WrongUse(f"That is not a log's key: {why}.") from None
    if key.type is None or key.type.cosigns:
        raise WrongUse("That is not a log's key: it is of another kind. The alliance gives you the right one.")
    return key


def read_state(path: Path) -> State | None:
    """What was last seen; None before the first time. A damaged file is never taken for none."""
    if not path.exists() and not path.is_symlink():
        return None
    text = read_text(path, "a witness's state file")
    try:
        data = json.loads(text)
        if data["format"] != STATE_FORMAT or not isinstance(data["at"], int):
            raise ValueError
        state = State(tlog.read_vkey(data["log"]), data["checkpoint"], data["at"])
        tlog.open_checkpoint(state.checkpoint, str(state.log))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WrongUse(
            f"{path} is not a witness's state file, or it is damaged. Put back the last good copy; without it this "
            "witness would not know what it has signed."
        ) from None
    return state


def read_leaves(folder: Path, size: int) -> tuple[bytes, ...]:
    """All leaf values from the entry bundles of a published folder."""
    leaves: list[bytes] = []
    for n in range(-(-size // tlog.TILE)):
        width = min(tlog.TILE, size - n * tlog.TILE)
        name = f"tile/entries/{tlog.tile_name(n)}" + ("" if width == tlog.TILE else f".p/{width}")
        full = f"tile/entries/{tlog.tile_name(n)}"
        try:
            # A bundle that has filled up since the checkpoint was read still begins with the same leaves.
            path = folder / (name if (folder / name).is_file() else full)
            data = path.read_bytes()[: width * 34]
        except OSError:
            raise WrongUse(f"{folder} lacks {name}; it may be half copied or being renewed. Try again.") from None
        rows = [data[i : i + 34] for i in range(0, len(data), 34)]
        if len(rows) != width or any(len(r) != 34 or r[:2] != b"\x00\x20" for r in rows):
            raise WrongUse(f"{folder}/{name} is cut off or not a bundle of entries. Copy the folder again.")
        leaves += [r[2:] for r in rows]
    return tuple(leaves)


def read_offer(source: Path) -> Offer:
    """What the log shows, from a folder, a request file or a checkpoint file."""
    if source.is_dir():
        if not (source / "checkpoint").is_file():
            raise WrongUse(f"{source} holds no checkpoint. Give the folder that the log publishes.")
        text = read_text(source / "checkpoint", "a checkpoint")
        note = _note(text, source / "checkpoint")
        vkey = read_text(source / "log.vkey", "the log's key").strip() if (source / "log.vkey").is_file() else None
        return Offer(text, str(source), leaves=read_leaves(source, note.size), vkey=vkey)
    text = read_text(source, "a checkpoint, a request to a witness, or a folder the log publishes")
    if not text.startswith("old "):
        _note(text, source)
        return Offer(text, str(source))
    try:
        old, proof, checkpoint = tlog.read_request(text)
    except ValueError as why:
        raise WrongUse(f"{source} cannot be used: {why}.") from None
    _note(checkpoint, source)
    return Offer(checkpoint, str(source), old=old, proof=tuple(proof))


def _note(text: str, path: Path) -> tlog.Note:
    try:
        return tlog.read_note(text)
    except ValueError:
        raise WrongUse(f"{path} is not a checkpoint, or it is cut off. Get it again.") from None


# --- deciding ------------------------------------------------------------------------------------------------------


def examine(offer: Offer, state: State | None, log: tlog.VerifierKey) -> tlog.Note:
    """The checkpoint, when it is the log's and extends what was seen. Raises Refuses with the reason otherwise."""
    try:
        tlog.open_checkpoint(offer.checkpoint, str(log))
    except ValueError as why:
        raise Refuses(f"Not cosigned: {why}.") from None
    note = tlog.read_note(offer.checkpoint)
    if offer.leaves is not None and tlog.root(offer.leaves) != note.root:
        raise Refuses(
            f"Not cosigned: the entries in {offer.where} do not give the root that the log signed. The copy is damaged, "
            "or it was changed. Copy it again; if it stays so, tell the other witnesses.",
            keep=True,
        )
    if state is None:
        if offer.old:
            raise Refuses(
                f"Not cosigned: this request counts from {offer.old} entries, but this witness has seen none yet. "
                "For the first time give the folder, or the request from 0."
            )
        if offer.proof:
            raise Refuses("Not cosigned: a request from 0 carries no proof.")
        return note
    seen = state.note
    if note.size < seen.size:
        raise Refuses(
            f"Not cosigned: the log shows {note.size} entries, and you have cosigned {seen.size}. Entries were taken "
            "away, or an old copy was put in place of the new one (a rollback).",
            keep=True,
        )
    if note.size == seen.size:
        if note.root != seen.root:
            raise Refuses(
                f"Not cosigned: the log signed two different records of {note.size} entries (a fork). Both carry its "
                "signature, so anyone can see it. Tell the other witnesses.",
                keep=True,
            )
        return note
    if offer.leaves is not None:
        grown = tlog.root(offer.leaves[: seen.size]) == seen.root
    elif offer.old is None:
        raise Refuses(
            f"Not cosigned: nothing shows that these {note.size} entries begin with the {seen.size} you have cosigned. "
            "Give the folder the log publishes, or its request file for that size."
        )
    elif offer.old != seen.size:
        raise Refuses(
            f"Not cosigned: this request counts from {offer.old} entries, and you last cosigned {seen.size}. Ask for "
            f"the request from {seen.size} (requests/{seen.size}), or give the folder."
        )
    else:
        grown = tlog.verify_consistency(seen.size, note.size, seen.root, note.root, offer.proof)
    if not grown:
        # From a request alone this may be a damaged proof; with the leaves at hand it is the log's doing.
        raise Refuses(
            f"Not cosigned: the {note.size} entries do not begin with the {seen.size} you have cosigned. Something that "
            "was recorded has been changed (a fork), or the proof is damaged. Tell the other witnesses.",
            keep=True,
        )
    return note


def keep_evidence(folder: Path, state: State | None, offer: Offer, sentence: str, at: int) -> Path:
    """Both signed checkpoints and what was found, in a file that nothing overwrites."""
    seen = state.checkpoint if state else ""
    short = hashlib.sha256(f"{sentence}\n{seen}\n{offer.checkpoint}".encode()).hexdigest()[:16]
    path = folder / f"evidence-{short}.json"
    evidence = {
        "format": EVIDENCE_FORMAT,
        "what": sentence,
        "found_at": at,
        "log": str(state.log) if state else "",
        "seen": seen,
        "offered": offer.checkpoint,
        "offered_at": offer.where,
        "old": offer.old,
        "proof": [h.hex() for h in offer.proof],
    }
    if not path.exists():
        write_durably(path, json.dumps(evidence, indent=1, ensure_ascii=False) + "\n")
    return path


@dataclass(frozen=True)
class Place:
    """Where one witness keeps its things."""

    key: Path
    state: Path
    log: str | None
    out: Callable[[int], Path]

    def has_signed(self) -> bool:
        """Whether cosignatures lie beside the state or where they go, so that a missing state is a lost one."""
        folders = {self.state.absolute().parent, self.out(0).absolute().parent}
        return self.out(0).is_file() or any(any(f.glob(cosignature_name("*"))) for f in folders)


def cosignature_name(size: int | str) -> str:
    """The file name a cosignature over this many entries gets by default."""
    return f"cosignature-{size}.txt"


def cosign(source: Path, place: Place, *, skip_seen: bool = False, say: Callable[[str], None] = print) -> None:
    """Look once; cosign or raise. `skip_seen`: what was cosigned already, and still lies there, is left alone."""
    cosigner = read_key(place.key)
    given = read_log_key(place.log) if place.log else None
    if place.state.is_dir():
        raise WrongUse(f"{place.state} is a folder; the state is a file. Name one in it.")
    with alone(place.state):
        # Everything that depends on what was seen happens under the lock, the offer included: no step taken back.
        offer = read_offer(source)
        state = read_state(place.state)
        if state and given and given != state.log:
            raise Refuses(f"Not cosigned: this witness follows the log {state.log}, and you named another key.")
        if state:
            log = state.log
        else:
            if place.has_signed():
                raise WrongUse(
                    f"{place.state} is not there, but cosignatures lie about: this witness has signed before. Put the "
                    "state file back; starting again would forget what it has seen. (Another log gets its own folder.)"
                )
            if given is None and offer.vkey is None:
                raise WrongUse("This is the first time: say which log you follow with --log-vkey.")
            log = given or read_log_key(offer.vkey or "")
        now = int(time.time())
        try:
            note = examine(offer, state, log)
        except Refuses as no:
            if no.keep:
                kept = keep_evidence(place.state.parent, state, offer, str(no), now)
                raise Refuses(f"{no} What was seen is kept in {kept}.", keep=True) from None
            raise
        if state and now < state.at - DAY:
            raise Refuses("Not cosigned: this machine's clock is more than a day behind your last cosignature. Set it.")
        out = place.out(note.size)
        if out.is_dir():
            raise WrongUse(f"{out} is a folder; name the file to write the cosignature to.")
        if not out.parent.is_dir():
            raise WrongUse(f"{out.parent} is not there; the cosignature has no place to go.")
        if skip_seen and state and note.size == state.note.size and out.exists():
            say(f"Nothing new: {note.size} entries, cosigned before.")
            return
        # Only the log's own line is kept and handed on: other witnesses' lines are theirs to bring.
        own = "".join(line.line for line in note.lines if (line.name, line.hash) == (log.name, log.hash))
        checkpoint = f"{note.body}\n{own}"
        remembered = {"format": STATE_FORMAT, "log": str(log), "checkpoint": checkpoint, "at": now}
        write_durably(place.state, json.dumps(remembered, indent=1, ensure_ascii=False) + "\n", 0o600)
        write_durably(out, checkpoint + cosigner.cosign(note.body, now))
    if state is None:
        say(f"First time: from now on this witness follows the log {log}")
        say("Trust begins here. Compare this key with one you got by another way, by telephone or on paper.")
        say(f"Cosigned {note.size} entries of {note.origin}.")
    else:
        say(f"Cosigned {note.size} entries of {note.origin}; {note.size - state.note.size} more than the last time.")
    say(f"Hand this file to the alliance: {out}")


def new_key(name: str, path: Path) -> str:
    """Make a key readable by its owner only; returns the verifier key. An existing file is never overwritten."""
    if not tlog.is_key_name(name) or name in tlog.TAKEN_NAMES:
        raise WrongUse(
            f"“{name}” cannot name a witness: up to 100 characters, no space and no plus, such as "
            "witness.foreign.avenia.example."
        )
    private = tlog.Ed25519Signer.new_private()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as f:
            f.write(tlog.private_text(name, private) + "\n")
            f.flush()
            os.fsync(f.fileno())
    except FileExistsError:
        raise WrongUse(f"{path} is already there. A key is never overwritten; give another file.") from None
    except OSError as fault:
        raise WrongUse(f"{path} cannot be written: {fault.strerror}.") from None
    return tlog.Cosigner(name, private).vkey()


def watch(source: Path, place: Place, *, every: float, once: bool) -> int:
    """Look every `every` hours until asked to stop; a refusal is said each time. Returns the last look's status."""
    stop = threading.Event()

    def stopping(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, stopping)
    signal.signal(signal.SIGINT, stopping)
    while True:
        status = 0
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            cosign(source, place, skip_seen=True, say=lambda text: print(text, flush=True))
        except (Refuses, WrongUse) as no:
            status = 1 if isinstance(no, Refuses) else 2
            print(f"{stamp} {no}", file=sys.stderr, flush=True)
        if once:
            return status
        if stop.wait(every * 3600):
            print("Stopped.", flush=True)
            return status


def hours(text: str) -> float:
    """A number of hours between one minute and thirty days."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 / 60 <= value <= 720:
        raise argparse.ArgumentTypeError("say how many hours, from 0.02 to 720")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="answerable witness",
        description="See that the record only ever grows, and sign that you saw it. Needs no database and no network; "
        "shows you salted numbers and sizes, nothing of any event.",
        epilog="Exit status: 0 cosigned, 1 refused (a rollback, a fork, a wrong signature), 2 wrong use. "
        "Keep the key file and the state file; whoever loses the state forgets what they have signed.",
    )
    sub = parser.add_subparsers(dest="what", required=True)
    make = sub.add_parser("new-key", help="make this witness's key and print the half to give away")
    make.add_argument("name", help="the witness's public name, such as witness.foreign.avenia.example")
    make.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="where the key goes; nobody else reads it"
    )
    for name, about in (
        ("cosign", "look once at what the log shows, and cosign it"),
        ("watch", "look every few hours at a folder the log publishes to"),
    ):
        look = sub.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        look.add_argument(
            "source", type=Path,
            help="the folder the log publishes, a request file from it, or a checkpoint" if name == "cosign"
            else "the folder the log publishes (a mounted share, a synchronised copy, a USB stick)",
        )  # fmt: skip
        look.add_argument("--key", type=Path, required=True, metavar="FILE", help="this witness's key")
        look.add_argument("--state", type=Path, required=True, metavar="FILE", help="what this witness remembers")
        look.add_argument(
            "--log-vkey", metavar="KEY", help="the log's key, or a file that holds it; fixed the first time"
        )
        look.add_argument(
            "--out", type=Path, metavar="FILE" if name == "cosign" else "FOLDER",
            help="where the cosignature goes (default: beside the state file)",
        )  # fmt: skip
        if name == "watch":
            look.add_argument("--every", type=hours, default=6.0, metavar="HOURS", help="how often; six if not said")
            look.add_argument("--once", action="store_true", help="look now and stop")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Command line. Returns the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.what == "new-key":
            print(new_key(args.name, args.key))
            print(
                f"Give the line above to the alliance's registrar. {args.key} stays with you, and a copy in a safe.",
                file=sys.stderr,
            )
            return 0
        default: Path = args.state.absolute().parent
        if args.what == "cosign":
            out = args.out
            place = Place(args.key, args.state, args.log_vkey, lambda size: out or default / cosignature_name(size))
            cosign(args.source, place)
            return 0
        if args.out and not args.out.is_dir():
            raise WrongUse(f"{args.out} is not a folder; watch writes one cosignature after another into one.")
        if not args.source.is_dir():
            raise WrongUse(f"{args.source} is not a folder. Watch reads the folder the log publishes to.")
        read_key(args.key)  # a key that cannot be used is said at once, not in six hours
        folder: Path = args.out or default
        place = Place(args.key, args.state, args.log_vkey, lambda size: folder / cosignature_name(size))
        return watch(args.source, place, every=args.every, once=args.once)
    except Refuses as no:
        print(str(no), file=sys.stderr)
        return 1
    except WrongUse as wrong:
        print(str(wrong), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
