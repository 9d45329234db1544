"""The offline program says what a request asks, opens only what it may, and leaves nothing readable anywhere."""

from __future__ import annotations

import io
import itertools
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from answerable import cli
from answerable.common import clock
from answerable.engines import tlog
from answerable.tools import custodian
from answerable.vault import identity, primitives, seal, userkeys
from answerable.vault.bundles import opening, reading, seating

SIGNER = tlog.Ed25519Signer("alliance.example/record", bytes(range(32)))
NAMES = CUSTODIAN, SAFEGUARDING, ADVOCATE = "vault custodian", "safeguarding officer", "survivors' advocate"
CANARY = "canary5f1d0c"
NOOR = {"name": f"Noor {CANARY}", "safe_contact": f"by the well {CANARY}"}
TOVE_PUBLIC, TOVE = seal.new_key_pair()
NOW = datetime(2031, 3, 12, 12, tzinfo=UTC)
PASSPHRASE = "six words that nobody would guess"


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch, tmp_path):
    """Passphrases cost little, and the test process itself is left as it is."""
    before = userkeys.set_parameters(userkeys.KdfParameters(memory_kib=64, iterations=1, lanes=1))
    monkeypatch.setattr(custodian, "harden", lambda: None)
    monkeypatch.chdir(tmp_path)
    with clock.set_to(NOW):
        yield
    userkeys.set_parameters(before)


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE + "\n")
    return str(file)


@pytest.fixture
def seats(tmp_path, words):
    for name in NAMES:
        assert custodian.main(["new-seat", str(tmp_path / name), "--name", name, "--passphrase-file", words]) == 0
    return {name: tmp_path / name for name in NAMES}


def public(folder):
    return seating.open_seat_public((folder / "seat.pub").read_bytes())[1]


@pytest.fixture
def ask(tmp_path, seats):
    """Writes a request bundle, and says where."""

    def write(name="request.json", **changed):
        block = identity.seal_identity(
            NOOR, [(n, public(f)) for n, f in seats.items()], changed.get("subject", "CLM-1")
        )
        said = {
            "node": "Harbour", "request": "IDR-1", "subject": "CLM-1", "fields": ["safe_contact"],
            "purpose": "arranging payment", "recipient": "PER-TOVE", "recipient_name": "Tove Caseworker", "recipient_key": TOVE_PUBLIC,
            "requested_by": "Assistance office", "approved_by": "Protection office",
            "released_at": NOW - timedelta(hours=1), "valid_until": NOW + timedelta(days=2), "break_glass": False,
            "block": block, "leaf_index": 4711, "leaf": bytes(32),
        } | changed  # fmt: skip
        (tmp_path / name).write_bytes(opening.build_request(SIGNER, **said))
        return tmp_path / name

    return write


@pytest.fixture
def run(seats, words, capsys):
    """Runs a command; gives (status, output, errors)."""

    def go(*argv):
        capsys.readouterr()
        status = custodian.main([str(a) for a in argv])
        return status, *capsys.readouterr()

    def share(request, seat=CUSTODIAN, to=SAFEGUARDING, *, yes="IDR-1", out="share.json", key=None, more=()):
        return go("share", request, "--log-vkey", SIGNER.vkey(), "--seat", seats[seat], "--with", to, "--to",
                  (key or seats[to]) / "seat.pub", "--yes", yes, "--passphrase-file", words, "--out", out, *more)  # fmt: skip

    def combine(request, seat=SAFEGUARDING, *, share="share.json", yes="IDR-1", out="answer.json", more=()):
        return go("combine", request, share, "--log-vkey", SIGNER.vkey(), "--seat", seats[seat], "--yes", yes,
                  "--passphrase-file", words, "--out", out, *more)  # fmt: skip

    go.share, go.combine = share, combine
    return go


def opened(path):
    return opening.open_answer(path.read_bytes(), TOVE, "PER-TOVE", request="IDR-1", subject="CLM-1")


# --- seats ---------------------------------------------------------------------------------------------------------


def test_a_seats_files_are_its_owners_alone_and_its_key_opens_by_the_passphrase_alone(seats, words):
    folder = seats[CUSTODIAN]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {f.name: stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {"seat.key": 0o600, "seat.pub": 0o600}
    seat = custodian.open_seat(folder, custodian.Path(words))
    assert seat.public == public(folder) and seat.private.hex() not in repr(seat)
    custodian.Path(words).write_text("another passphrase, long enough")
    with pytest.raises(reading.BadBundle, match="passphrase does not open"):
        custodian.open_seat(folder, custodian.Path(words))


def test_a_typed_passphrase_is_typed_twice_and_six_words_are_proposed(tmp_path, monkeypatch, capsys):
    typed = iter([PASSPHRASE, PASSPHRASE.upper(), PASSPHRASE, "something else, long enough"])
    monkeypatch.setattr(custodian.getpass, "getpass", lambda prompt: next(typed))
    assert custodian.main(["new-seat", str(tmp_path / "a"), "--name", "a"]) == 0
    proposed = capsys.readouterr().out.split("\n\n")[1].split()
    assert len(proposed) == 6 and set(proposed) <= set(userkeys.words())
    assert custodian.main(["new-seat", str(tmp_path / "b"), "--name", "b"]) == 2
    assert "not the same" in capsys.readouterr().err and not (tmp_path / "b").exists()


@pytest.mark.parametrize(("text", "mode"), [("short words", 0o600), (PASSPHRASE, 0o644)])
def test_a_short_passphrase_and_one_that_others_can_read_are_refused(tmp_path, text, mode, capsys):
    file = tmp_path / "p"
    file.write_text(text)
    file.chmod(mode)
    assert custodian.main(["new-seat", str(tmp_path / "a"), "--name", "a", "--passphrase-file", str(file)]) == 2
    assert not (tmp_path / "a").exists() and len(capsys.readouterr().err.splitlines()) == 1


# --- showing -------------------------------------------------------------------------------------------------------


def test_show_says_who_asks_what_why_and_until_when(run, ask, tmp_path):
    (tmp_path / "vkey").write_text(SIGNER.vkey() + "\n")
    status, out, _ = run("show", ask(), "--log-vkey", tmp_path / "vkey")
    assert status == 0 and "WARNING" not in out and "DANGER" not in out
    for said in ("IDR-1", "Harbour", "alliance.example/record", "4711", "CLM-1", "safe contact", "arranging payment", "PER-TOVE",
                 "Tove Caseworker, Assistance office (PER-TOVE)", "Protection office", "14 March 2031, 12:00 UTC",
                 reading.spelled(seal.fingerprint(TOVE_PUBLIC))):  # fmt: skip
        assert said in out


def test_show_warns_of_an_expired_request_and_marks_imminent_danger(run, ask):
    released, until = NOW - timedelta(days=3), NOW - timedelta(seconds=1)
    status, out, _ = run("show", ask(released_at=released, valid_until=until), "--log-vkey", SIGNER.vkey())
    assert status == 0 and "WARNING" in out
    assert "IMMINENT DANGER" in run("show", ask(break_glass=True), "--log-vkey", SIGNER.vkey())[1]


def test_an_unsigned_request_is_not_even_shown(run, ask):
    other = tlog.Ed25519Signer("alliance.example/record", bytes(32))
    status, out, err = run("show", ask(), "--log-vkey", other.vkey())
    assert (status, out) == (1, "") and "not signed" in err


# --- opening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(NAMES, 2)))
def test_any_two_seats_answer_one_request(run, ask, one, other, tmp_path):
    request = ask()
    assert run.share(request, one, other)[0] == 0
    assert run.combine(request, other)[0] == 0
    assert opened(tmp_path / "answer.json") == {"safe_contact": NOOR["safe_contact"]}
    assert stat.S_IMODE((tmp_path / "answer.json").stat().st_mode) == 0o600


def test_nothing_is_opened_without_the_requests_reference(run, ask, monkeypatch, tmp_path):
    request = ask()
    assert run.share(request, yes="IDR-2")[0] == 2
    assert run.share(request)[0] == 0
    assert run.combine(request, yes="yes")[0] == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    args = ["combine", request, "share.json", "--log-vkey", SIGNER.vkey(), "--seat", tmp_path / SAFEGUARDING, "--out", "answer.json",
            "--passphrase-file", tmp_path / "words"]  # fmt: skip
    assert run(*args)[0] == 2 and not (tmp_path / "answer.json").exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("IDR-1\n"))
    assert run(*args)[0] == 0


def test_an_expired_request_is_refused_by_both_custodians(run, ask, tmp_path):
    request = ask(valid_until=NOW + timedelta(hours=1))
    assert run.share(request)[0] == 0
    with clock.set_to(NOW + timedelta(hours=1, seconds=1)):
        assert run.share(request, out="again.json")[0] == 1
        status, _, err = run.combine(request)
    assert status == 1 and "valid until" in err and not (tmp_path / "answer.json").exists()


def test_the_other_seats_key_must_be_the_one_that_was_named(run, ask, seats):
    status, _, err = run.share(ask(), key=seats[ADVOCATE])
    assert status == 1 and "not of “safeguarding officer”" in err


def test_another_key_for_a_known_recipient_is_refused_until_its_fingerprint_is_given(run, ask, tmp_path):
    assert "has not answered PER-TOVE before" in run.share(ask())[1]
    again = ask("again.json", request="IDR-2")
    assert "the same key as when" in run.share(again, yes="IDR-2", out="s2")[1]
    public, private = seal.new_key_pair()
    foreign = ask("foreign.json", request="IDR-3", recipient_key=public)
    status, _, err = run.share(foreign, yes="IDR-3", out="s3")
    assert status == 1 and "another key" in err and not (tmp_path / "s3").exists()
    wrong = seal.fingerprint(TOVE_PUBLIC)
    assert run.share(foreign, yes="IDR-3", out="s3", more=["--recipient-key", wrong])[0] == 1
    right = reading.spelled(seal.fingerprint(public))
    assert run.share(foreign, yes="IDR-3", out="s3", more=["--recipient-key", right])[0] == 0
    assert "the same key as when" in run.share(foreign, yes="IDR-3", out="s4")[1]


def test_a_refused_request_does_not_make_its_recipient_known(run, ask, seats):
    assert run.share(ask(), yes="no")[0] == 2
    assert not (seats[CUSTODIAN] / "recipients.json").exists()


def test_no_file_is_overwritten(run, ask, tmp_path):
    request = ask()
    for taken in ("share.json", "answer.json"):
        (tmp_path / taken).write_text("mine")
    status, _, err = run.share(request)
    assert status == 2 and "not overwritten" in err and (tmp_path / "share.json").read_text() == "mine"
    assert run.combine(request)[0] == 2 and (tmp_path / "answer.json").read_text() == "mine"
    assert run("new-seat", tmp_path / CUSTODIAN, "--name", "x", "--passphrase-file", tmp_path / "words")[0] == 2
    with pytest.raises(custodian.WrongUse):
        custodian._publish(tmp_path / "share.json", tmp_path / "answer.json")
    assert (tmp_path / "answer.json").read_text() == "mine"


def test_a_stick_without_links_is_written_too(tmp_path, monkeypatch):
    monkeypatch.setattr(custodian.os, "link", lambda *a: (_ for _ in ()).throw(PermissionError(1, "no links here")))
    custodian.write_file(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one" and [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(custodian.WrongUse):
        custodian.write_file(tmp_path / "a", b"two")


@pytest.mark.parametrize(
    ("argv", "status"),
    [(["show", "nothing.json", "--log-vkey", "k"], 2), (["show", ".", "--log-vkey", "k"], 2), (["show", "words", "--log-vkey", "k"], 1),
     (["handover", "--seat", CUSTODIAN, "--to", "nothing", "a", "b"], 2), (["escrow-piece", "words", "--key", CUSTODIAN, "--to", "w", "--out", "o"], 1),
     (["new-seat", "x", "--name", "a|b"], 2), (["new-seat", "no/where", "--name", "a", "--passphrase-file", "words"], 2)],
)  # fmt: skip
def test_wrong_use_is_one_sentence(run, words, argv, status):
    got, out, err = run(*argv)
    assert (got, out) == (status, "") and len(err.splitlines()) == 1 and "Traceback" not in err


def test_an_unknown_command_is_wrong_use(run):
    for argv in ([], ["open"], ["share"]):
        with pytest.raises(SystemExit) as left:
            custodian.main(argv)
        assert left.value.code == 2


# --- handover ------------------------------------------------------------------------------------------------------


CHALLENGE = bytes(range(32))


@pytest.fixture
def blocks(seats, tmp_path):
    sealed = [
        identity.seal_identity({"name": f"N{i}"}, [(n, public(f)) for n, f in seats.items()], f"CLM-{i}")
        for i in range(12)
    ]
    head = seating.blocks_head(CUSTODIAN, public(seats[CUSTODIAN]), CHALLENGE)
    (tmp_path / "in.jsonl").write_bytes(head + b"".join(seating.block_line(b) for b in sealed))
    return sealed


@pytest.fixture
def hand_over(run, words, seats, tmp_path):
    assert run("new-seat", tmp_path / "next", "--name", CUSTODIAN, "--passphrase-file", words)[0] == 0

    def go(source="in.jsonl", target="out.jsonl", to="next"):
        return run(
            "handover",
            "--seat",
            seats[CUSTODIAN],
            "--to",
            tmp_path / to / "seat.pub",
            "--passphrase-file",
            words,
            source,
            target,
        )

    return go


def read_back(tmp_path, name="out.jsonl"):
    with (tmp_path / name).open("rb") as source:
        said, found = seating.open_handover(source, lambda _head: CHALLENGE)
        return said, list(found)


def test_a_handover_reseals_every_share_and_opens_none(hand_over, blocks, seats, tmp_path, words):
    status, out, _ = hand_over()
    said, new = read_back(tmp_path)
    old, next_seat = (
        custodian.open_seat(f, custodian.Path(words)).private for f in (seats[CUSTODIAN], tmp_path / "next")
    )
    assert status == 0 and "12 identities" in out and len(new) == 12
    assert said.new_public == public(tmp_path / "next") and said.old_fingerprint == seal.fingerprint(
        public(seats[CUSTODIAN])
    )
    for before, after in zip(blocks, new, strict=True):
        assert identity.only_this_seat_changed(before, after, CUSTODIAN)
        identity.open_share(after, after.subject, CUSTODIAN, ADVOCATE, next_seat)
        with pytest.raises(primitives.Unopenable):
            identity.open_share(after, after.subject, CUSTODIAN, ADVOCATE, old)


def test_a_handover_that_was_stopped_anywhere_goes_on_where_it_was(hand_over, blocks, tmp_path, monkeypatch):
    hand_over()
    whole = (tmp_path / "out.jsonl").read_bytes()
    real = identity.rewrap_shares
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in (0, 5, ends[0], ends[0] + 7, ends[4], ends[4] + 100, ends[-2], len(whole) - 3, len(whole)):
        part = tmp_path / f"cut{cut}.jsonl.part"
        part.write_bytes(whole[:cut])
        redone = []
        with monkeypatch.context() as watched:
            watched.setattr(identity, "rewrap_shares", lambda *given, redone=redone: redone.append(1) or real(*given))
            assert hand_over(target=f"cut{cut}.jsonl")[0] == 0
        kept = max(0, sum(end <= cut for end in ends) - 1)
        assert len(redone) == 12 - min(kept, 12) and not part.exists()
        assert [b.subject for b in read_back(tmp_path, f"cut{cut}.jsonl")[1]] == [b.subject for b in blocks]
        assert (tmp_path / f"cut{cut}.jsonl").read_bytes()[: ends[kept] if kept else 0] == whole[
            : ends[kept] if kept else 0
        ]


def test_a_handover_begun_for_another_key_is_not_mixed_in(run, hand_over, blocks, tmp_path, words):
    other = seating.Handover(CUSTODIAN, "0" * 64, TOVE_PUBLIC).line()
    (tmp_path / "out.jsonl.part").write_bytes(other)
    status, _, err = hand_over()
    assert status == 2 and "another key" in err and (tmp_path / "out.jsonl.part").read_bytes() == other


def test_a_block_that_is_not_this_seats_stops_the_handover_and_keeps_what_is_done(hand_over, blocks, tmp_path):
    lines = (tmp_path / "in.jsonl").read_bytes().splitlines(keepends=True)
    foreign = seating.block_line(identity.seal_identity({}, [(n, seal.new_key_pair()[0]) for n in NAMES], "CLM-X"))
    (tmp_path / "in.jsonl").write_bytes(b"".join([*lines[:6], foreign, *lines[6:]]))
    status, _, err = hand_over()
    assert status == 1 and "Line 6" in err and "CLM-X" in err and not (tmp_path / "out.jsonl").exists()
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines))
    assert hand_over()[0] == 0 and len(read_back(tmp_path)[1]) == 12
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines)[:-1])
    assert hand_over(target="cut.jsonl")[0] == 1


def test_a_handover_is_made_for_the_file_that_the_vault_gave_this_seat_and_no_other(hand_over, blocks, seats, tmp_path):
    lines = (tmp_path / "in.jsonl").read_bytes().splitlines(keepends=True)
    foreign = seating.blocks_head(ADVOCATE, public(seats[ADVOCATE]), CHALLENGE)
    renamed = seating.blocks_head(CUSTODIAN, public(seats[ADVOCATE]), CHALLENGE)
    for first in (b"", foreign, renamed):
        (tmp_path / "in.jsonl").write_bytes(b"".join([first, *lines[1:]]))
        status, _, _err = hand_over()
        assert status == 1 and not (tmp_path / "out.jsonl").exists()


def test_a_seat_is_not_handed_over_to_itself(hand_over, blocks):
    assert hand_over(to=CUSTODIAN)[0] == 2


# --- escrow --------------------------------------------------------------------------------------------------------


@pytest.fixture
def officers(run, words, tmp_path):
    for name in ("Ada", "Bem", "Caro", "leader"):
        assert run("new-seat", tmp_path / name, "--name", name, "--passphrase-file", words)[0] == 0
    return [tmp_path / n for n in ("Ada", "Bem", "Caro")]


def test_two_of_three_officers_bring_a_seat_back_and_it_opens_identities_again(
    run, ask, officers, seats, words, tmp_path
):
    request = ask()
    split = [arg for o in officers for arg in ("--officer", o / "seat.pub")]
    assert (
        run(
            "escrow-split", "--seat", seats[CUSTODIAN], *split, "--of", 2, "--passphrase-file", words, "--out", "record"
        )[0]
        == 0
    )
    for o in officers[:2]:
        assert (
            run(
                "escrow-piece",
                "record",
                "--key",
                o,
                "--to",
                tmp_path / "leader" / "seat.pub",
                "--passphrase-file",
                words,
                "--out",
                f"{o.name}.piece",
            )[0]
            == 0
        )
    back = [
        "--key",
        tmp_path / "leader",
        "--passphrase-file",
        words,
        "--new-passphrase-file",
        words,
        "--out",
        tmp_path / "back",
    ]
    status, _, err = run("escrow-recover", "record", "Ada.piece", *back)
    assert status == 2 and "2 pieces are needed" in err
    status, _, err = run("escrow-recover", "record", "Ada.piece", "Ada.piece", *back)
    assert status == 1 and "does not come back" in err and not (tmp_path / "back").exists()
    assert run("escrow-recover", "record", "Ada.piece", "Bem.piece", *back)[0] == 0
    assert public(tmp_path / "back") == public(seats[CUSTODIAN])
    seats[CUSTODIAN] = tmp_path / "back"
    assert run.share(request)[0] == 0 and run.combine(request)[0] == 0
    assert opened(tmp_path / "answer.json") == {"safe_contact": NOOR["safe_contact"]}


def test_an_officer_who_is_not_named_has_no_piece_and_an_escrow_of_one_is_refused(
    run, officers, seats, words, tmp_path
):
    split = [arg for o in officers for arg in ("--officer", o / "seat.pub")]
    assert (
        run(
            "escrow-split", "--seat", seats[CUSTODIAN], *split, "--of", 1, "--passphrase-file", words, "--out", "record"
        )[0]
        == 2
    )
    assert (
        run(
            "escrow-split", "--seat", seats[CUSTODIAN], *split, "--of", 3, "--passphrase-file", words, "--out", "record"
        )[0]
        == 0
    )
    status, _, err = run(
        "escrow-piece",
        "record",
        "--key",
        tmp_path / "leader",
        "--to",
        officers[0] / "seat.pub",
        "--passphrase-file",
        words,
        "--out",
        "p",
    )
    assert status == 1 and "no piece" in err


# --- nothing readable anywhere -------------------------------------------------------------------------------------


def everything(folder):
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_nothing_that_was_opened_is_printed_or_written(run, ask, tmp_path):
    request = ask()
    said = run.share(request), run.combine(request)
    assert [s[0] for s in said] == [0, 0]
    assert opened(tmp_path / "answer.json")["safe_contact"].endswith(CANARY)  # it was really opened
    assert CANARY not in repr(said) and CANARY.encode() not in everything(tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.name.endswith(".part")]


@pytest.mark.parametrize("where", ["wrap", "pad"])
def test_a_fault_while_the_identity_is_open_shows_nothing_of_it(run, ask, tmp_path, monkeypatch, where):
    request = ask()
    run.share(request)

    def fails(*given):
        raise RuntimeError(f"fault with {given}")

    monkeypatch.setattr(seal, where, fails)
    status, out, err = run.combine(request)
    assert status == 1 and CANARY not in out + err and "RuntimeError" in err and "Traceback" not in err
    assert not (tmp_path / "answer.json").exists()


def test_a_full_disk_leaves_no_half_file(run, ask, tmp_path, monkeypatch):
    monkeypatch.setattr(
        custodian.os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    status, _, err = run.share(ask())
    assert status == 2 and "No space left" in err
    assert not [p for p in tmp_path.iterdir() if "share" in p.name]


def test_the_program_starts_without_the_framework_or_a_database_and_cannot_be_dumped():
    source = (
        "import sys, ctypes, resource; from answerable import cli; from answerable.tools import custodian;"
        "cli.main(['custodian', 'show', '/nothing', '--log-vkey', 'k']);"
        "print(sorted({'django', 'psycopg', 'cedarpy'} & set(sys.modules)), ctypes.CDLL(None).prctl(3), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    expected = "[] 0 (0, 0)" if sys.platform == "linux" else "[] "
    assert done.stdout.strip().startswith(expected)


def test_the_command_is_listed(capsys):
    assert cli.main(["--help"]) == 0 and "custodian" in capsys.readouterr().out
    assert cli.COMMANDS["custodian"][2] == ""


def test_files_written_by_hand_are_canonical(run, ask, tmp_path):
    run.share(ask())
    raw = (tmp_path / "share.json").read_bytes()
    assert tlog.canonical(json.loads(raw)) == raw
