"""Open an identity, hand a seat over, bring a lost key back: offline, on the machine of whoever holds the seat.

    new-seat FOLDER --name NAME                 make a seat's keys
    show REQUEST                                what a request asks, in plain words
    share REQUEST … --out FILE                  the first custodian: one half, sealed to the other
    combine REQUEST SHARE … --out FILE          the second: the fields asked, sealed to the one who asked
    told-before QUESTION                        who is meant, for this seat's eyes, before anyone interviews her
    handover … BLOCKS_IN BLOCKS_OUT             every block's shares sealed to the seat's next key, by the present one's word
    escrow-split, escrow-piece, escrow-recover  a private key, k of n officers

No server, no database, no network. Nothing of an identity that is opened is printed or written; the question of an
interviewer, who may know her by a name, is shown on this screen alone. Exit status: 0 done, 1 does not open
or may not be opened (the sentence says why), 2 wrong use, or a file that is missing or in the way.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import getpass
import hashlib
import os
import resource
import stat
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from answerable.common import clock
from answerable.engines import tlog
from answerable.vault import escrow, identity, primitives, seal, userkeys
from answerable.vault.bundles import asking, opening, reading, seating
from answerable.vault.bundles.reading import BadBundle
from answerable.vault.primitives import Unopenable

SEAT_KEY = "answerable-seat-key/1"
SHORTEST_PASSPHRASE = 15
PR_SET_DUMPABLE = 4


class WrongUse(Exception):
    """Something about the command or its files; the sentence says what."""


def harden() -> None:
    """No core file, and no other process of this user reads this one's memory. Linux; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


# --- files ---------------------------------------------------------------------------------------------------------


def read_file(path: Path, limit: int = reading.LARGEST) -> bytes:
    """A whole file. Raises WrongUse when it is missing, no plain file or larger than it can be."""
    if not path.is_file():
        raise WrongUse(f"There is no file {path}.")
    with path.open("rb") as source:
        raw = source.read(limit + 1)
    if len(raw) > limit:
        raise WrongUse(f"{path} is larger than such a file can be.")
    return raw


def require_free(path: Path) -> None:
    """Raises WrongUse when something is already there: nothing is overwritten."""
    if path.exists() or path.is_symlink():
        raise WrongUse(f"{path} already exists and is not overwritten. Choose another name, or move it away first.")
    if not path.parent.is_dir():
        raise WrongUse(f"There is no folder {path.parent}.")


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")


def _publish(part: Path, path: Path) -> None:
    """Give a finished file its name. A hard link fails when the name was taken meanwhile; FAT sticks have no links."""
    try:
        os.link(part, path)
        part.unlink()
    except FileExistsError:
        raise WrongUse(f"{path} appeared meanwhile and is not overwritten.") from None
    except OSError:
        require_free(path)
        part.rename(path)


def write_file(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write at once or not at all, for the owner only. Raises WrongUse when the name is taken, unless `replace`."""
    if not replace:
        require_free(path)
    part = path.with_name(f".{path.name}.{primitives.random_bytes(6).hex()}.part")
    try:
        with _create(part) as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        part.replace(path) if replace else _publish(part, path)
    finally:
        part.unlink(missing_ok=True)


# --- passphrases and seats -----------------------------------------------------------------------------------------


def _typed(prompt: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (getpass.GetPassWarning, EOFError):
        raise WrongUse("There is no terminal to type the passphrase on. Use --passphrase-file.") from None


def _from_file(path: Path) -> str:
    if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WrongUse(f"{path} can be read by others on this machine; a passphrase may not (chmod 600).")
    try:
        return read_file(path, 4096).decode().split("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise WrongUse(f"{path} holds no text.") from None


def passphrase(file: Path | None) -> str:
    """The passphrase of an existing key."""
    return _from_file(file) if file else _typed("Passphrase: ")


def new_passphrase(file: Path | None) -> str:
    """A passphrase for a new key, typed twice. Raises WrongUse when it is short or the two differ."""
    if file:
        chosen = _from_file(file)
    else:
        print("Six words nobody could guess, for instance:\n\n    " + userkeys.new_passphrase() + "\n")
        chosen = _typed("Passphrase: ")
        if userkeys.normalise(_typed("Once more: ")) != userkeys.normalise(chosen):
            raise WrongUse("The two were not the same. Nothing was made; try again.")
    if len(userkeys.normalise(chosen)) < SHORTEST_PASSPHRASE:
        raise WrongUse(f"The passphrase is shorter than {SHORTEST_PASSPHRASE} characters. Six random words are good.")
    return chosen


@dataclass(frozen=True, repr=False)
class Seat:
    """An opened seat: its name, folder and private key."""

    name: str
    folder: Path
    private: bytes

    def __repr__(self) -> str:
        return f"<Seat {self.name}>"

    @property
    def public(self) -> bytes:
        return primitives.public_key(self.private)


def write_seat(folder: Path, name: str, public: bytes, wrapped: bytes) -> None:
    """A seat's folder: `seat.key` under its passphrase, `seat.pub` to hand out."""
    public_file = seating.seat_public(name, public)
    if folder.exists():
        raise WrongUse(f"{folder} already exists and is not overwritten. Choose another name for the seat's folder.")
    if not folder.parent.is_dir():
        raise WrongUse(f"There is no folder {folder.parent}.")
    folder.mkdir(mode=0o700)
    write_file(folder / "seat.key", tlog.canonical({"format": SEAT_KEY, "name": name, "key": reading.b64(wrapped)}))
    write_file(folder / "seat.pub", public_file)


def open_seat(folder: Path, file: Path | None) -> Seat:
    """The seat in a folder, after its passphrase. Raises BadBundle when it does not open."""
    read = reading.Fields.read(read_file(folder / "seat.key"), SEAT_KEY, "seat's key file")
    name, wrapped = read.name("name"), read.blob("key")
    read.close()
    try:
        private = userkeys.open_user_key(wrapped, passphrase(file))
        primitives.public_key(private)
    except Unopenable:
        raise BadBundle(f"The passphrase does not open the key in {folder}, or its file is damaged.") from None
    return Seat(name, folder, private)


def read_public(path: Path, expected: str | None = None) -> tuple[str, bytes]:
    """(name, key) of somebody's `seat.pub`. Raises BadBundle, also when it is not the seat that was named."""
    name, public = seating.open_seat_public(read_file(path))
    if expected is not None and name != expected:
        raise BadBundle(f"{path} is the public key of “{name}”, not of “{expected}”.")
    return name, public


# --- requests ------------------------------------------------------------------------------------------------------


def read_request(args: argparse.Namespace) -> opening.IdentityRequest:
    """The request a command was given, after its signature."""
    path = Path(args.log_vkey)
    try:
        vkey = read_file(path, 4096).decode("ascii").strip() if path.is_file() else args.log_vkey
    except UnicodeDecodeError:
        raise WrongUse(f"{path} holds no verifier key.") from None
    return opening.open_request(read_file(args.request), vkey)


def described(request: opening.IdentityRequest) -> str:
    """The request in plain words."""
    fields = "\n".join(f"    {name.replace('_', ' ')}" for name in request.fields)
    urgent = (
        "\nIMMINENT DANGER: this request was released without the usual waiting time. It is reviewed within 7 days.\n"
        if request.break_glass
        else ""
    )
    return f"""Request {request.request} of {request.node}, signed by {request.signed_by}
Entry {request.leaf_index} of the record, leaf {request.leaf}
{urgent}
{request.requested_by} asks to open, of claim {request.subject}:

{fields}

Why:          {request.purpose}
Approved by:  {request.approved_by}
Released:     {reading.shown(request.released_at)}
Valid until:  {reading.shown(request.valid_until)}
Answer to:    {request.recipient_name}, {request.requested_by} ({request.recipient}), and nobody else. Their key's
              fingerprint, to compare by voice with “Your keys” on their page:
              {reading.spelled(seal.fingerprint(request.recipient_key))}
Seats:        {", ".join(request.seats)}"""


def confirm(request: opening.IdentityRequest, yes: str | None) -> None:
    """The custodian names the request they mean to answer, so that no file is answered by habit. Raises WrongUse."""
    if yes is None:
        try:
            yes = input("\nTo go on, type the reference of the request: ")
        except EOFError:
            yes = ""
    if yes.strip() != request.request:
        raise WrongUse("That is not the reference of this request. Nothing was opened.")


def check_recipient(seat: Seat, request: opening.IdentityRequest, accepted: str | None) -> bytes | None:
    """What to remember about the recipient once the request was answered, or None when the key is known.

    A server that holds the vault's signing key could name a key of its own as the recipient's. It cannot do so for someone
    this seat has answered before. Raises BadBundle when the key is another than then and was not accepted by its
    fingerprint.
    """
    path, shown = seat.folder / "recipients.json", seal.fingerprint(request.recipient_key)
    known = opening.known_recipients(read_file(path)) if path.exists() else {}
    before = known.get(request.recipient)
    if before == shown:
        print(f"\n{request.recipient} has the same key as when this seat last answered.")
        return None
    if before is None:
        print(
            f"\nThis seat has not answered {request.recipient} before. Compare the fingerprint with the person, by "
            "voice or on paper, before you go on."
        )
    elif (accepted or "").replace(" ", "").lower() != shown:
        raise BadBundle(
            f"{request.recipient} has another key than when this seat last answered (then {before}, now {shown}). "
            "Ask the person by another way. If the new key is theirs, repeat with --recipient-key FINGERPRINT."
        )
    return opening.with_recipient(known, request.recipient, shown)


# --- commands ------------------------------------------------------------------------------------------------------


def new_seat(args: argparse.Namespace) -> None:
    if args.folder.exists():
        raise WrongUse(f"{args.folder} already exists and is not overwritten. Choose another name for the folder.")
    try:
        seating.seat_public(args.name, bytes(primitives.PUBLIC_SIZE))
    except BadBundle:
        raise WrongUse("A seat's name is a line of at most 40 characters, without a bar.") from None
    public, wrapped = userkeys.new_user_key(new_passphrase(args.passphrase_file))
    write_seat(args.folder, args.name, public, wrapped)
    print(f"The seat “{args.name}” has its key. Hand {args.folder / 'seat.pub'} to the registrar and to the other")
    print("seats, and read them the fingerprint by voice:\n")
    print(f"    {reading.spelled(seal.fingerprint(public))}\n")
    print("Keep the folder off the network. Put the key in escrow before the seat is used (escrow-split).")


def show(args: argparse.Namespace) -> None:
    request = read_request(args)
    print(described(request))
    try:
        request.require_open(clock.now())
    except BadBundle as late:
        print(f"\nWARNING. {late}")


def share(args: argparse.Namespace) -> None:
    request = read_request(args)
    require_free(args.out)
    print(described(request))
    request.require_open(clock.now())
    _, public = read_public(args.to, getattr(args, "with"))
    seat = open_seat(args.seat, args.passphrase_file)
    remember = check_recipient(seat, request, args.recipient_key)
    confirm(request, args.yes)
    made = opening.make_share(
        request, seat=seat.name, private=seat.private, with_seat=getattr(args, "with"), with_public=public,
        at=clock.now(),
    )  # fmt: skip
    write_file(args.out, made)
    _remember(seat, remember)
    print(f"\n{args.out} holds this seat's half, sealed to the key of “{getattr(args, 'with')}” with the fingerprint")
    print(f"    {reading.spelled(seal.fingerprint(public))}\nTake it, and the request, to that seat.")


def combine(args: argparse.Namespace) -> None:
    request = read_request(args)
    require_free(args.out)
    handed = read_file(args.share)
    print(described(request))
    request.require_open(clock.now())
    seat = open_seat(args.seat, args.passphrase_file)
    remember = check_recipient(seat, request, args.recipient_key)
    confirm(request, args.yes)
    write_file(args.out, opening.make_answer(request, handed, seat=seat.name, private=seat.private, at=clock.now()))
    _remember(seat, remember)
    print(f"\n{args.out} holds the fields asked, sealed to {request.recipient}. Nothing else was kept. Take it to the")
    print("office, and delete the share.")


def told_before(args: argparse.Namespace) -> None:
    path = Path(args.log_vkey)
    try:
        vkey = read_file(path, 4096).decode("ascii").strip() if path.is_file() else args.log_vkey
    except UnicodeDecodeError:
        raise WrongUse(f"{path} holds no verifier key.") from None
    question = asking.open_question(read_file(args.question), vkey)
    seat = open_seat(args.seat, args.passphrase_file)
    text = asking.read_question(question, seat.name, seat.private)
    # Control characters of a stranger's text could rewrite what this screen says.
    shown_text = "\n".join("    " + "".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    print(f"""Interview {question.interview}, signed by {question.signed_by}
{question.asked_by} asked on {reading.shown(question.asked_at)}, for {question.purpose}. They would ask for the account of:

{shown_text}

Compare with what your own office holds, on this machine or on paper; ask nobody else, and open no identity for it. Then say on
the interview's page yes or no, and if yes, what may be shared instead of asking her again. Nothing else, and no reference.""")


def _remember(seat: Seat, recipients: bytes | None) -> None:
    if recipients is not None:
        write_file(seat.folder / "recipients.json", recipients, replace=True)


def handover(args: argparse.Namespace) -> None:
    _, new_public = read_public(args.to)
    require_free(args.target)
    if not args.source.is_file():
        raise WrongUse(f"There is no file {args.source}.")
    seat = open_seat(args.seat, args.passphrase_file)
    if new_public == seat.public:
        raise WrongUse(f"{args.to} is this seat's present key. Make a new one with new-seat and hand over to that.")
    head = seating.Handover(seat.name, seal.fingerprint(seat.public), new_public)
    part = args.target.with_name(args.target.name + ".part")
    target = part.open("r+b") if part.exists() else _create(part)
    with args.source.open("rb") as source, target:
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WrongUse(f"Another handover is writing {part} just now.") from None
        count = _rewrap_all(source, target, head, seat)
        target.flush()
        os.fsync(target.fileno())
    _publish(part, args.target)
    print(f"{count} identities of the seat “{seat.name}” now open with the new key, once the vault has taken in")
    print(f"{args.target}. Destroy the old key after that, not before. The new key's fingerprint:\n")
    print(f"    {reading.spelled(seal.fingerprint(new_public))}")


def _rewrap_all(source: BinaryIO, target: BinaryIO, head: seating.Handover, seat: Seat) -> int:
    """Write the handover, going on where an earlier run stopped. Returns how many blocks it holds."""
    challenge = seating.open_challenge(source.readline(reading.LARGEST + 1), seat.name, seat.private)
    begun = target.readline(reading.LARGEST)
    if begun and begun != head.line() and begun.endswith(b"\n"):
        raise WrongUse(f"{target.name} was begun for another key. Move it away to begin anew.")
    if begun != head.line():
        target.seek(0)
        target.truncate()
        target.write(head.line())
    count, seen, resuming = 0, hashlib.sha256(), begun == head.line()
    while line := source.readline(reading.LARGEST + 1):
        try:
            block = seating.read_block_line(line)
            done = _done(target, block, seat.name) if resuming else None
            resuming = done is not None
            if done is None:
                done = seating.block_line(identity.rewrap_shares(block, seat.name, seat.private, head.new_public))
                target.write(done)
        except BadBundle as bad:
            raise BadBundle(f"Line {count + 1}: {bad}") from None
        except Unopenable:
            raise BadBundle(
                f"Line {count + 1}: the shares of claim {block.subject} do not open with this seat's key. Take the "
                "line out, tell the registrar, and run this again; what is done is kept."
            ) from None
        seen.update(done)
        count += 1
        if count % 1000 == 0:
            target.flush()
            print(f"{count} done", file=sys.stderr, flush=True)
    # What is left of an earlier run that had come further with a longer file must not stay behind the end.
    target.truncate(target.tell())
    proof = seating.handover_proof(challenge, head, count, seen.hexdigest())
    target.write(seating.handover_end(count, seen.hexdigest(), proof))
    return count


def _done(target: BinaryIO, block: identity.IdentityBlock, seat: str) -> bytes | None:
    """The next line of an earlier run if it is this block's; None, with the rest cut off, if it is not."""
    start = target.tell()
    line = target.readline(reading.LARGEST + 1)
    with suppress(BadBundle):
        if identity.only_this_seat_changed(block, seating.read_block_line(line), seat):
            return line
    target.seek(start)
    target.truncate()
    return None


def escrow_split(args: argparse.Namespace) -> None:
    require_free(args.out)
    officers = [read_public(path) for path in args.officer]
    seat = open_seat(args.seat, args.passphrase_file)
    try:
        record = escrow.split(seat.private, officers, args.of, f"seat: {seat.name}")
    except ValueError as fault:
        raise WrongUse(f"This cannot be put in escrow: {fault}.") from None
    write_file(args.out, record.to_bytes())
    print(f"Any {args.of} of these {len(officers)} officers bring the key of “{seat.name}” back:\n")
    for name, public in officers:
        print(f"    {name}: {reading.spelled(seal.fingerprint(public))}")
    print(f"\nCompare the fingerprints with them. {args.out} may be kept anywhere; keep several copies.")


def read_escrow(path: Path) -> escrow.EscrowRecord:
    """The escrow record a command was given."""
    return escrow.EscrowRecord.from_bytes(read_file(path, escrow.LARGEST))


def escrow_piece(args: argparse.Namespace) -> None:
    record = read_escrow(args.record)
    require_free(args.out)
    leader, public = read_public(args.to)
    officer = open_seat(args.key, args.passphrase_file)
    try:
        piece = escrow.open_piece(record, officer.name, officer.private)
    except Unopenable:
        raise BadBundle(f"“{officer.name}” has no piece in this escrow record that opens with this key.") from None
    write_file(args.out, escrow.seal_piece(record, piece, public))
    print(f"{args.out} holds the piece of “{officer.name}” of “{record.secret}”, sealed to “{leader}” with the")
    print(f"fingerprint\n    {reading.spelled(seal.fingerprint(public))}")
    print(f"{record.needed} such pieces bring the key back. Hand it over only in the ceremony.")


def escrow_recover(args: argparse.Namespace) -> None:
    record = read_escrow(args.record)
    if args.out.exists():
        raise WrongUse(f"{args.out} already exists and is not overwritten. Choose another name for the folder.")
    if len(args.piece) < record.needed:
        raise WrongUse(f"{record.needed} pieces are needed; {len(args.piece)} were given.")
    handed = [read_file(path) for path in args.piece]
    leader = open_seat(args.key, args.passphrase_file)
    try:
        private = escrow.recover(record, [escrow.open_sealed_piece(record, raw, leader.private) for raw in handed])
        public = primitives.public_key(private)
    except Unopenable:
        raise BadBundle(
            f"The key does not come back: {record.needed} pieces of different officers are needed, and one that was "
            "given may be false. With more pieces every combination is tried."
        ) from None
    wrapped = userkeys.wrap_private(private, new_passphrase(args.new_passphrase_file))
    name = record.secret.removeprefix("seat: ")
    write_seat(args.out, name, public, wrapped)
    print(f"“{name}” has its key back, in {args.out}, under the new passphrase. Fingerprint:\n")
    print(f"    {reading.spelled(seal.fingerprint(public))}\n")
    print("Whoever was here could have kept the key: hand the seat over to a fresh one soon (new-seat, handover).")


# --- command line --------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    top = argparse.ArgumentParser(
        prog="answerable custodian", description="Offline; see docs/howto/open-an-identity.md."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        return made

    def opens(made: argparse.ArgumentParser, flag: str = "--seat") -> None:
        made.add_argument(flag, type=Path, required=True, metavar="FOLDER", help="the folder that new-seat made")
        made.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="instead of typing; readable by you alone"
        )

    def answers(made: argparse.ArgumentParser) -> None:
        opens(made)
        made.add_argument("--yes", metavar="REF", help="the request's reference, instead of typing it")
        made.add_argument("--recipient-key", metavar="FINGERPRINT", help="accept this new key of a known recipient")

    def asks(made: argparse.ArgumentParser) -> None:
        made.add_argument("request", type=Path, metavar="REQUEST")
        made.add_argument(
            "--log-vkey", required=True, metavar="KEY", help="the vault's verifier key, or a file with it"
        )

    made = command("new-seat", new_seat, "make a seat's keys, the private one under a passphrase")
    made.add_argument("folder", type=Path, metavar="FOLDER")
    made.add_argument("--name", required=True, help="the seat, as the vault names it, or the officer")
    made.add_argument("--passphrase-file", type=Path, metavar="FILE", help="instead of typing; readable by you alone")

    asks(command("show", show, "say in plain words what a request asks"))

    made = command("share", share, "the first custodian: open one half and seal it to the other seat")
    asks(made)
    answers(made)
    made.add_argument("--with", required=True, metavar="NAME", help="the other seat")
    made.add_argument("--to", type=Path, required=True, metavar="SEAT.PUB", help="the other seat's public key")
    made.add_argument("--out", type=Path, required=True, metavar="FILE")

    made = command("combine", combine, "the second custodian: seal the fields asked to the one who asked")
    asks(made)
    made.add_argument("share", type=Path, metavar="SHARE")
    answers(made)
    made.add_argument("--out", type=Path, required=True, metavar="FILE")

    made = command("told-before", told_before, "read who an interviewer means, to say whether she told before")
    made.add_argument("question", type=Path, metavar="QUESTION")
    made.add_argument("--log-vkey", required=True, metavar="KEY", help="the vault's verifier key, or a file with it")
    opens(made)

    made = command("handover", handover, "seal all shares of a seat to its next key; can be stopped and run again")
    opens(made)
    made.add_argument(
        "--to", type=Path, required=True, metavar="SEAT.PUB", help="the public key of the seat's next holder"
    )
    made.add_argument("source", type=Path, metavar="BLOCKS_IN", help="the file of blocks that the vault gave this seat")
    made.add_argument("target", type=Path, metavar="BLOCKS_OUT")

    made = command("escrow-split", escrow_split, "put a seat's key in escrow with named officers")
    opens(made)
    made.add_argument("--officer", type=Path, action="append", required=True, metavar="SEAT.PUB", help="once for each")
    made.add_argument("--of", type=int, required=True, metavar="K", help="how many of them bring the key back")
    made.add_argument("--out", type=Path, required=True, metavar="RECORD")

    made = command("escrow-piece", escrow_piece, "an officer: open one's piece and seal it to who leads the ceremony")
    made.add_argument("record", type=Path, metavar="RECORD")
    opens(made, "--key")
    made.add_argument("--to", type=Path, required=True, metavar="SEAT.PUB", help="the leader's public key")
    made.add_argument("--out", type=Path, required=True, metavar="FILE")

    made = command("escrow-recover", escrow_recover, "lead the ceremony: bring the key back from the pieces")
    made.add_argument("record", type=Path, metavar="RECORD")
    made.add_argument("piece", type=Path, nargs="+", metavar="PIECE")
    opens(made, "--key")
    made.add_argument("--new-passphrase-file", type=Path, metavar="FILE", help="for the key that comes back")
    made.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    return top


def main(argv: list[str] | None = None) -> int:
    """Command line. Returns the exit status."""
    harden()
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except WrongUse as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except BadBundle as bad:
        print(bad, file=sys.stderr)
        return 1
    except OSError as fault:
        print(f"A file could not be read or written: {fault.strerror} ({fault.filename}).", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. What was half done is not used.", file=sys.stderr)
        return 130
    except Exception as fault:
        # An exception's text may hold what was just opened, so only its kind and place are shown.
        trace = fault.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        print(
            f"This should not have happened ({type(fault).__name__} at {place}). Nothing that was opened left it.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
