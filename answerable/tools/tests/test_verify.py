"""`answerable verify` catches any changed bit, any missing, added, cut or foreign file."""

import hashlib
import shutil

import pytest

from answerable.engines import tlog, tlog_export
from answerable.tools import verify

SIGNER = tlog.Ed25519Signer("alliance.example/record", bytes(range(32)))


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    leaves, events, prev = [], [], b""
    for i in range(64):
        if i >= 20:
            leaves.append(hashlib.sha256(b"pad%d" % i).digest())
            continue
        salt = hashlib.sha256(b"salt%d" % i).digest()
        event = tlog.canonical({"index": i, "action": "état", "prev": prev.hex()})
        prev = tlog.leaf_commitment(salt, event)
        leaves.append(prev)
        events.append((i, salt, event))
    folder = tmp_path_factory.mktemp("x") / "export"
    text = tlog.sign_checkpoint(SIGNER, origin="alliance.example/record", size=64, root=tlog.root(leaves))
    assert tlog_export.write_export(folder, leaves=leaves, events=events, checkpoint=text, vkey=SIGNER.vkey()) == 20
    return folder


def copy_of(export, tmp_path):
    target = tmp_path / "copy"
    shutil.copytree(export, target)
    return target


def test_an_untouched_export_holds(export, capsys):
    assert verify.main([str(export), "--vkey", SIGNER.vkey()]) == 0
    assert "64 entries" in capsys.readouterr().out


def test_any_flipped_bit_is_caught(export, tmp_path):
    folder = copy_of(export, tmp_path)
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        original = file.read_bytes()
        # Every byte of every file, one bit each, the bit changing from byte to byte; all eight for the checkpoint.
        for i in range(len(original)):
            for bit in range(8) if file.name == "checkpoint" else [i % 8]:
                file.write_bytes(original[:i] + bytes([original[i] ^ 1 << bit]) + original[i + 1 :])
                with pytest.raises(verify.DoesNotHold):
                    verify.verify(folder)
        file.write_bytes(original)
    verify.verify(folder)


def test_cut_lengthened_missing_and_added_files_are_caught(export, tmp_path):
    folder = copy_of(export, tmp_path)
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        original = file.read_bytes()
        for changed in (original[:-1], original[: len(original) // 2], b"", original + b"\n", original + original):
            file.write_bytes(changed)
            with pytest.raises(verify.DoesNotHold):
                verify.verify(folder)
        file.unlink()
        with pytest.raises(verify.DoesNotHold):
            verify.verify(folder)
        file.write_bytes(original)
    (folder / "note.txt").write_text("hello")
    with pytest.raises(verify.DoesNotHold, match="does not belong"):
        verify.verify(folder)


def test_a_whole_export_signed_by_someone_else_fails_against_the_known_key(export, tmp_path, capsys):
    other = tlog.Ed25519Signer("alliance.example/record", bytes(32))
    assert verify.main([str(export), "--vkey", other.vkey()]) == 1
    assert "not the key you gave" in capsys.readouterr().out


def test_wrong_use_is_a_sentence(tmp_path, capsys):
    assert verify.main([str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_an_export_never_overwrites(export, tmp_path):
    (tmp_path / "keep").write_text("x")
    with pytest.raises(ValueError):
        tlog_export.write_export(tmp_path, leaves=[], events=[], checkpoint="", vkey="")
    assert (tmp_path / "keep").read_text() == "x"
