"""`answerable witness`: cosigns what only grew, refuses and keeps what did not, and says what is wrong with its input."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from log_support import ORIGIN, SIGNER, Witness, checkpoint, leaves_of, publish

from answerable.engines import tlog, tlog_export
from answerable.tools import witness


@pytest.fixture
def avenia(tmp_path):
    return Witness(tmp_path / "avenia")


def test_a_key_is_for_its_owner_only_and_never_overwritten(tmp_path, capsys):
    path = tmp_path / "key"
    assert witness.main(["new-key", "witness.avenia.example", "--key", str(path)]) == 0
    key = tlog.read_vkey(capsys.readouterr().out.strip())
    assert key.kind == tlog.COSIGNATURE and key.name == "witness.avenia.example"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert witness.main(["new-key", "witness.avenia.example", "--key", str(path)]) == 2
    assert path.read_bytes() == before and "never overwritten" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "two words", "a+b", "members", "x" * 101, "tab\tbed"])
def test_a_name_that_no_line_can_carry_is_refused(tmp_path, name, capsys):
    assert witness.main(["new-key", name, "--key", str(tmp_path / "key")]) == 2
    assert "cannot name a witness" in capsys.readouterr().err and not (tmp_path / "key").exists()


def test_the_first_time_pins_the_log_and_says_so(avenia, tmp_path, capsys):
    assert avenia.looks(publish(tmp_path / "pub", 64)) == 0
    said = capsys.readouterr().out
    assert SIGNER.vkey() in said and "Trust begins here" in said
    note = tlog.read_note(avenia.cosignature(64).read_text())
    assert note.signed(tlog.read_vkey(SIGNER.vkey())) == 0
    assert abs(note.signed(tlog.read_vkey(avenia.vkey)) - time.time()) < 60
    assert avenia.state.stat().st_mode & 0o777 == 0o600


def test_a_record_that_grew_is_cosigned_by_folder_and_by_request(avenia, tmp_path):
    assert avenia.looks(publish(tmp_path / "pub", 64)) == 0
    assert avenia.looks(publish(tmp_path / "pub", 300, since=(64,))) == 0
    assert avenia.looks(publish(tmp_path / "pub", 700, since=(64, 300)) / "requests" / "300") == 0
    assert avenia.seen() == 700 and avenia.cosignature(300).exists() and avenia.cosignature(700).exists()
    assert avenia.looks(tmp_path / "pub" / "requests" / "300") == 0  # the same size again changes nothing


@pytest.mark.parametrize("by_request", [False, True])
def test_a_rollback_is_refused_and_kept(avenia, tmp_path, capsys, by_request):
    old = publish(tmp_path / "old", 64, since=(64,))
    assert avenia.looks(publish(tmp_path / "pub", 128)) == 0
    assert avenia.looks(old / "requests" / "64" if by_request else old) == 1
    assert "a rollback" in capsys.readouterr().err
    assert avenia.seen() == 128 and not avenia.cosignature(64).exists()
    kept = json.loads(avenia.evidence()[0].read_text())
    assert kept["offered"] == checkpoint(64) and tlog.read_note(kept["seen"]).size == 128


@pytest.mark.parametrize("size", [128, 192])
@pytest.mark.parametrize("by_request", [False, True])
def test_a_fork_is_refused_and_both_signed_checkpoints_are_kept(avenia, tmp_path, capsys, size, by_request):
    assert avenia.looks(publish(tmp_path / "pub", 128)) == 0
    other = publish(tmp_path / "other", size, tale="forged", since=(128,))
    assert avenia.looks(other / "requests" / "128" if by_request else other) == 1
    assert "fork" in capsys.readouterr().err
    assert avenia.seen() == 128 and not avenia.cosignature(192).exists()
    kept = json.loads(avenia.evidence()[0].read_text())
    for text in (kept["seen"], kept["offered"]):
        tlog.open_checkpoint(text, SIGNER.vkey())  # the log's own signature is on both


def test_a_proof_that_lost_a_hash_or_a_bit_is_refused(avenia, tmp_path):
    assert avenia.looks(publish(tmp_path / "pub", 100)) == 0
    proof = tlog.consistency_proof(leaves_of(228), 100)
    request = tmp_path / "request"
    for i in range(len(proof)):
        for bad in (proof[:i] + proof[i + 1 :], [*proof[:i], bytes([proof[i][0] ^ 1]) + proof[i][1:], *proof[i + 1 :]]):
            request.write_text(tlog.write_request(100, bad, checkpoint(228)))
            assert avenia.looks(request) == 1
    request.write_text(tlog.write_request(100, proof, checkpoint(228)))
    assert avenia.looks(request) == 0


def test_a_bare_checkpoint_or_a_request_from_elsewhere_shows_no_growth(avenia, tmp_path, capsys):
    pub = publish(tmp_path / "pub", 64, since=(32,))
    assert avenia.looks(pub / "requests" / "32", "--log-vkey", SIGNER.vkey()) == 1
    assert avenia.looks(pub / "checkpoint", "--log-vkey", str(pub / "log.vkey")) == 0
    publish(pub, 128, since=(32, 64))
    assert avenia.looks(pub / "checkpoint") == 1 and avenia.looks(pub / "requests" / "32") == 1
    assert "requests/64" in capsys.readouterr().err and avenia.seen() == 64


@pytest.mark.slow
def test_every_flipped_bit_and_every_cut_of_a_checkpoint_is_refused(avenia, tmp_path):
    path, data = tmp_path / "checkpoint", checkpoint(64).encode()
    changed = [data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :] for i in range(len(data)) for bit in range(8)]
    for text in [*changed, *(data[:i] for i in range(len(data)))]:
        path.write_bytes(text)
        assert avenia.looks(path, "--log-vkey", SIGNER.vkey()) in (1, 2)
    assert not avenia.state.exists() and not list(avenia.folder.glob("cosignature-*"))


def test_another_log_another_key_and_another_origin_are_refused(avenia, tmp_path, capsys):
    stranger = tlog.Ed25519Signer(ORIGIN, bytes(32))
    path = tmp_path / "checkpoint"
    for text in (checkpoint(64, signer=stranger), checkpoint(64, origin="elsewhere.example")):
        path.write_text(text)
        assert avenia.looks(path, "--log-vkey", SIGNER.vkey()) == 1
    assert avenia.looks(publish(tmp_path / "pub", 64)) == 0
    assert avenia.looks(tmp_path / "pub", "--log-vkey", stranger.vkey()) == 1
    assert "you named another key" in capsys.readouterr().err


def test_a_folder_whose_entries_are_not_those_signed_is_refused(avenia, tmp_path, capsys):
    pub = publish(tmp_path / "pub", 64)
    bundle = pub / "tile/entries/000.p/64"
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert avenia.looks(pub) == 1 and "do not give the root" in capsys.readouterr().err
    for torn in (data[:-1], data[:34], b""):
        bundle.write_bytes(torn)
        assert avenia.looks(pub) == 2 and "cut off" in capsys.readouterr().err
    bundle.unlink()
    assert avenia.looks(pub) == 2 and "half copied" in capsys.readouterr().err
    assert not avenia.state.exists()


def test_a_publication_cut_off_anywhere_leaves_the_old_record_whole(avenia, tmp_path, monkeypatch):
    pub = publish(tmp_path / "pub", 300)
    assert avenia.looks(pub) == 0
    steps, replace = [], os.replace
    with monkeypatch.context() as patch:
        patch.setattr(tlog_export.os, "replace", lambda a, b: (steps.append(b), replace(a, b)))
        publish(tmp_path / "count", 600, since=(300,))
    for allowed in range(len(steps)):
        left = [allowed]

        def stops(a, b, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise OSError("the power went")
            replace(a, b)

        with monkeypatch.context() as patch:
            patch.setattr(tlog_export.os, "replace", stops)
            # Tiles that lie there already are not written again, so the later cuts may come too late.
            try:
                publish(pub, 600, since=(300,))
            except OSError:
                assert avenia_sees(avenia, pub, patch) == 300
    assert tlog.read_note((pub / "checkpoint").read_text()).size == 600
    assert avenia.looks(pub) == 0 and avenia.seen() == 600


def avenia_sees(avenia, pub, patch):
    """The size this witness has seen after looking at the folder by its checkpoint and tiles."""
    patch.undo()
    assert avenia.looks(pub) == 0
    return avenia.seen()


def test_publishing_never_steps_back_and_never_touches_a_folder_of_something_else(tmp_path):
    pub = publish(tmp_path / "pub", 128)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("x")
    (tmp_path / "file").write_text("x")
    for folder, n in ((pub, 64), (tmp_path / "mine", 64), (tmp_path / "file", 64)):
        with pytest.raises(ValueError):
            publish(folder, n)
    assert (pub / "checkpoint").read_text() == checkpoint(128)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["note"]


def test_a_lost_or_damaged_state_is_never_taken_for_a_first_time(avenia, tmp_path, capsys):
    pub = publish(tmp_path / "pub", 64)
    assert avenia.looks(pub) == 0
    good = avenia.state.read_bytes()
    for bad in (b"", b"{}", good[:-20], b"\xff\x00", good.replace(b'"at"', b'"ta"'), good.replace(b"64", b"65")):
        avenia.state.write_bytes(bad)
        assert avenia.looks(pub) == 2 and avenia.state.read_bytes() == bad
    avenia.state.unlink()
    assert avenia.looks(pub) == 2 and "signed before" in capsys.readouterr().err
    assert not avenia.state.exists()


def test_a_clock_set_back_is_noticed(avenia, tmp_path, monkeypatch, capsys):
    pub = publish(tmp_path / "pub", 64)
    assert avenia.looks(pub) == 0
    monkeypatch.setattr(witness.time, "time", lambda: 1_000_000_000.0)
    assert avenia.looks(pub) == 1 and "clock" in capsys.readouterr().err


def test_wrong_input_is_a_sentence_and_exit_status_2(avenia, tmp_path, capsys):
    pub, rubbish = publish(tmp_path / "pub", 64), tmp_path / "rubbish"
    rubbish.write_bytes(os.urandom(500))
    (tmp_path / "empty").mkdir()
    long = tmp_path / "long"
    long.write_text("x" * 2_000_000)
    state = ["--state", str(avenia.state)]
    key = ["--key", str(avenia.key)]
    cases = [
        [tmp_path / "nowhere", *key, *state], [rubbish, *key, *state], [tmp_path / "empty", *key, *state],
        [long, *key, *state], [avenia.key, *key, *state], [pub, "--key", rubbish, *state],
        [pub, "--key", tmp_path, *state], [pub, "--key", tmp_path / "nokey", *state],
        [pub, "--key", pub / "log.vkey", *state], [pub, *key, "--state", tmp_path],
        [pub, *key, "--state", tmp_path / "no" / "state"], [pub, *key, *state, "--log-vkey", "nonsense"],
        [pub, *key, *state, "--log-vkey", avenia.vkey], [pub, *key, *state, "--log-vkey", str(tmp_path)],
        [pub, *key, *state, "--out", tmp_path], [pub, *key, *state, "--out", tmp_path / "no" / "out"],
    ]  # fmt: skip
    for case in cases:
        assert witness.main(["cosign", *map(str, case)]) == 2, case
        said = capsys.readouterr()
        assert said.err.strip().endswith(".") and "Traceback" not in said.err and not said.out, case
        assert avenia.key.read_text().split("+", 4)[-1].strip() not in said.err
    assert not avenia.state.exists()
    assert avenia.looks(pub / "checkpoint", how="watch") == 2 and avenia.looks(pub) == 0


def test_a_key_others_can_read_is_said(avenia, tmp_path, capsys):
    avenia.key.chmod(0o644)
    assert avenia.looks(publish(tmp_path / "pub", 64)) == 0
    assert "chmod 600" in capsys.readouterr().err


def test_watching_once_cosigns_what_is_new_and_leaves_the_rest(avenia, tmp_path, capsys):
    pub = publish(tmp_path / "pub", 64)
    assert avenia.looks(pub, "--once", how="watch") == 0
    first = avenia.cosignature(64).read_bytes()
    assert avenia.looks(pub, "--once", how="watch") == 0 and "Nothing new" in capsys.readouterr().out
    assert avenia.cosignature(64).read_bytes() == first
    avenia.cosignature(64).unlink()  # a run that was killed before it could answer
    assert avenia.looks(pub, "--once", how="watch") == 0 and avenia.cosignature(64).exists()


def test_watching_goes_on_until_it_is_asked_to_stop(avenia, tmp_path):
    pub = publish(tmp_path / "pub", 64)
    command = [sys.executable, "-m", "answerable.tools.witness", "watch", str(pub), "--key", str(avenia.key)]
    running = subprocess.Popen(
        [*command, "--state", str(avenia.state), "--every", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not avenia.cosignature(64).exists() and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=10)
    assert running.returncode == 0 and b"Stopped." in out and not err
