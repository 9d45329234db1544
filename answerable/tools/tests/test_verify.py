"""`answerable verify` catches any changed bit, any missing, added, cut or foreign file."""

import hashlib
import json
import os
import shutil
import time

import log_support as logs
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


@pytest.mark.slow
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


@pytest.mark.parametrize("depth", [900, 100_000])
@pytest.mark.parametrize("inside", [False, True])
def test_events_nested_without_end_do_not_hold_and_say_so(export, tmp_path, capsys, depth, inside):
    folder = copy_of(export, tmp_path)
    deep = "[" * depth + "]" * depth
    row = {"index": 0, "salt": "00" * 32, "event": deep if inside else "{}"}
    text = json.dumps(row, separators=(",", ":"), sort_keys=True)
    (folder / "events.jsonl").write_text((text if inside else text.replace("{}", deep)) + "\n")
    assert verify.main([str(folder)]) == 1
    assert capsys.readouterr().out.startswith("Does not hold. events.jsonl line 1")


def test_wrong_use_is_a_sentence(tmp_path, capsys):
    assert verify.main([str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_an_export_never_overwrites(export, tmp_path):
    (tmp_path / "keep").write_text("x")
    with pytest.raises(ValueError):
        tlog_export.write_export(tmp_path, leaves=[], events=[], checkpoint="", vkey="")
    assert (tmp_path / "keep").read_text() == "x"


# --- witnesses, and what was seen before ---------------------------------------------------------------------------

A, B, C, NGO = (
    logs.cosigner(n, name) for n, name in enumerate(("a.example", "b.example", "c.example", "ngo.example"), 1)
)


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy"
    path.write_text(logs.policy_of([A, B, C], [NGO]))
    return path


def seen(tmp_path, capsys, text, policy, *more):
    """(exit status, what was said) for an export under this checkpoint text."""
    folder = logs.export(tmp_path / f"export{time.monotonic_ns()}", text, 64)
    status = verify.main([str(folder), "--policy", str(policy), *more])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_enough_witnesses_hold(tmp_path, policy, capsys):
    status, said = seen(tmp_path, capsys, logs.cosigned(logs.checkpoint(64), A, B, NGO), policy)
    assert status == 0 and "Enough witnesses cosigned it: a.example" in said and "2026-09-21" in said


@pytest.mark.parametrize(
    ("who", "says"),
    [((A, B, C), "lacking civil-society"), ((A, NGO), "members needs 2 of 3 and has 1, lacking b.example, c.example"),
     ((), "both needs 2 of 2 and has 0")],
)  # fmt: skip
def test_too_few_witnesses_do_not_hold_and_it_says_who_is_missing(tmp_path, policy, capsys, who, says):
    status, said = seen(tmp_path, capsys, logs.cosigned(logs.checkpoint(64), *who), policy)
    assert status == 1 and says in said


def test_one_key_under_two_names_is_one_witness(tmp_path, policy, capsys):
    twin = logs.cosigner(1, "b.example")  # a's key under b's name: not the key the policy knows as b's
    status, said = seen(tmp_path, capsys, logs.cosigned(logs.checkpoint(64), A, twin, NGO), policy)
    assert status == 1 and "lacking b.example, c.example" in said
    policy.write_text(policy.read_text().replace(B.vkey(), twin.vkey()))
    status, said = seen(tmp_path, capsys, logs.cosigned(logs.checkpoint(64), A, twin, NGO), policy)
    assert status == 2 and "a key counts once" in said and "line 5" in said


def test_unknown_keys_are_ignored_and_a_future_time_is_not_counted(tmp_path, policy, capsys):
    body = tlog.read_note(logs.checkpoint(64)).body
    good = logs.cosigned(logs.checkpoint(64), A, NGO, logs.cosigner(9))
    for ahead, status, words in ((3600, 0, "Enough"), (2 * 86_400, 1, "dated in the future and was not counted")):
        text = tlog.merge_cosignatures(good, [B.cosign(body, int(time.time()) + ahead)])
        got, said = seen(tmp_path, capsys, text, policy)
        assert got == status and words in said


@pytest.mark.slow
def test_every_flipped_bit_and_every_cut_of_a_cosigned_checkpoint_is_caught(tmp_path, policy):
    policy.write_text(policy.read_text().replace("group members 2", "group members 3"))
    everyone = verify.read_policy(policy)
    text = logs.cosigned(logs.checkpoint(64), A, B, C, NGO)
    folder = logs.export(tmp_path / "export", text, 64)
    data, file = text.encode(), folder / "checkpoint"
    verify.verify(folder, policy=everyone)

    def holds(bad):
        """What `verify` asks of the checkpoint, without the tiles beside it."""
        assert verify.read_checkpoint(bad, logs.ORIGIN, logs.SIGNER.public)[1:] == (64, tlog.root(logs.leaves_of(64)))
        when, _ = verify.count_witnesses(bad, everyone.witnesses, time.time())
        return not everyone.lacking(when, everyone.quorum)

    assert holds(data)
    changed = [data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :] for i in range(len(data)) for bit in range(8)]
    for n, bad in enumerate([*changed, *(data[:i] for i in range(len(data)))]):
        try:
            assert not holds(bad)
        except verify.DoesNotHold:
            pass
        if n % 20 == 0:
            file.write_bytes(bad)
            with pytest.raises(verify.DoesNotHold):
                verify.verify(folder, policy=everyone)


def test_a_policy_of_other_logs_and_a_wrong_origin_do_not_hold(tmp_path, policy, capsys):
    other = tlog.Ed25519Signer("other.example/record", bytes(32))
    text = logs.cosigned(logs.checkpoint(64), A, B, NGO)
    policy.write_text(policy.read_text().replace(logs.SIGNER.vkey(), other.vkey()))
    assert seen(tmp_path, capsys, text, policy)[0] == 1
    text = logs.checkpoint(64, origin="other.example/record")
    folder = logs.export(tmp_path / "elsewhere", text, 64)
    assert verify.main([str(folder)]) == 1 and "it is of other.example/record" in capsys.readouterr().out


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize(
    ("before", "tale", "status", "says"),
    [(32, "", 0, "begins with the 32 entries"), (64, "", 0, "begins with the 64 entries"), (128, "", 1, "rollback"),
     (64, "forged", 1, "two different records of 64"), (32, "forged", 1, "the first 32 entries are not those"), (5, "forged", 0, "begins with the 5")],
)  # fmt: skip
def test_what_was_seen_before_must_still_be_there(tmp_path, capsys, as_folder, before, tale, status, says):
    folder = logs.export(tmp_path / "export", logs.checkpoint(64), 64)
    old = logs.export(tmp_path / "old", logs.checkpoint(before, tale), before, tale)
    assert verify.main([str(folder), "--since", str(old if as_folder else old / "checkpoint")]) == status
    assert says in capsys.readouterr().out


def test_an_earlier_checkpoint_that_someone_touched_does_not_count(tmp_path, capsys):
    folder = logs.export(tmp_path / "export", logs.checkpoint(64), 64)
    old = tmp_path / "old"
    old.write_text(logs.checkpoint(32).replace("\n32\n", "\n31\n"))
    assert verify.main([str(folder), "--since", str(old)]) == 1 and "the earlier checkpoint" in capsys.readouterr().out


def test_a_policy_or_an_earlier_record_that_cannot_be_read_is_a_sentence(tmp_path, capsys):
    folder = logs.export(tmp_path / "export", logs.checkpoint(64), 64, policy=logs.policy_of([A], [NGO]))
    rubbish, empty = tmp_path / "rubbish", tmp_path / "empty"
    rubbish.write_bytes(os.urandom(300))
    empty.mkdir()
    for option in ("--policy", "--since"):
        for given in (rubbish, empty, tmp_path / "nowhere", folder / "events.jsonl"):
            assert verify.main([str(folder), option, str(given)]) == 2, (option, given)
            assert capsys.readouterr().err.strip().endswith(".")
    assert verify.main([str(folder)]) == 0 and "A policy came with the export" in capsys.readouterr().out


def test_machines_are_told_who_cosigned(tmp_path, policy, capsys):
    status, said = seen(tmp_path, capsys, logs.cosigned(logs.checkpoint(64), A, B, NGO), policy, "--json")
    assert status == 0 and json.loads(said)["cosigned"]["ngo.example"] == "2026-09-21T14:13:20Z"


def test_both_readers_of_policies_agree(tmp_path):
    good = logs.policy_of([A, B, C], [NGO])
    lines = good.split("\n")
    variants = [good, "quorum none\n", *("\n".join(lines[:i] + lines[i + 1 :]) for i in range(len(lines)))]
    variants += [good.replace("group members 2", f"group members {k}") for k in ("0", "1", "3", "4", "any", "all", "x")]
    variants += ["\n".join([*lines[:i], lines[i], lines[i], *lines[i + 1 :]]) for i in range(len(lines))]
    path = tmp_path / "policy"
    usable = 0
    for text in variants:
        path.write_text(text)
        try:
            mine = tlog.read_policy(text)
        except tlog.PolicyError:
            with pytest.raises(verify.CannotRead):
                verify.read_policy(path)
            continue
        theirs, usable = verify.read_policy(path), usable + 1
        for who in range(16):
            some = [c for n, c in enumerate((A, B, C, NGO)) if who >> n & 1]
            named = {n: 1 for n, (_, key) in theirs.witnesses.items() if key in {c.key.public for c in some}}
            assert mine.is_met({c.key.public for c in some}) is (not theirs.lacking(named, theirs.quorum))
    assert usable > 8


# --- padding, shredded salts, and time ------------------------------------------------------------------------------


def told(folder, *, at=lambda i: f"2026-01-{i + 1:02d}", gone=(), kinds=None):
    """An export of 20 events and 44 pads, of which some events lost their salts."""
    leaves, events, prev = [], [], b""
    for i in range(64):
        if i in range(8, 12) or i >= 24:  # pads of an earlier checkpoint, and of this one
            leaves.append(hashlib.sha256(b"pad%d" % i).digest())
            continue
        salt = hashlib.sha256(b"salt%d" % i).digest()
        event = tlog.canonical({"index": i, "action": "x", "at": at(i), "prev": prev.hex()})
        prev = tlog.leaf_commitment(salt, event)
        leaves.append(prev)
        if i not in gone:
            events.append((i, salt, event))
    text = tlog.sign_checkpoint(SIGNER, origin="alliance.example/record", size=64, root=tlog.root(leaves))
    kinds = dict.fromkeys(gone, "CLM") if kinds is None else kinds
    tlog_export.write_export(folder, leaves=leaves, events=events, checkpoint=text, vkey=SIGNER.vkey(),
                             shredded=sorted(kinds.items()))  # fmt: skip
    return folder


def test_padding_and_shredded_salts_are_two_numbers_with_their_kinds(tmp_path, capsys):
    found = verify.verify(told(tmp_path / "a", gone=(3, 12), kinds={3: "CLM", 12: "THR"}))
    assert (found["opened"], found["shredded"], found["padding"]) == (18, {"CLM": 1, "THR": 1}, 44)
    assert verify.main([str(tmp_path / "a")]) == 0
    said = capsys.readouterr().out
    assert "44 are padding" in said and "The salts of 2 are shredded, about: 1 CLM, 1 THR" in said
    assert verify.verify(told(tmp_path / "b"))["shredded"] == {}


@pytest.mark.parametrize(
    ("gone", "kinds", "why"),
    [
        ((3,), {3: "PRO"}, "never shredded are gone, so they prove nothing any more: 1 PRO"),
        ((3,), {}, "entry 3 is an event that nobody opens, and is passed off as padding"),
        ((3,), {3: "CLM", 9: "CLM"}, "is padding"),
        ((3,), {3: "CLM", 5: "CLM"}, "was opened"),
    ],
)
def test_a_vote_that_lost_its_salt_is_not_passed_off_as_padding_or_as_hers(tmp_path, gone, kinds, why):
    with pytest.raises(verify.DoesNotHold, match=why):
        verify.verify(told(tmp_path / "a", gone=gone, kinds=kinds))


def test_the_kinds_that_are_shredded_are_those_the_vault_shreds():
    from answerable.vault.consent import rules

    assert set(verify.SHREDDED_KINDS) == rules.SHREDDED_KINDS


def test_an_entry_that_says_it_is_older_than_the_one_before_it_is_found(tmp_path):
    with pytest.raises(
        verify.DoesNotHold, match="entry 15 says it is of 2025-01-01, and one before it is of 2026-01-15"
    ):
        verify.verify(told(tmp_path / "a", at=lambda i: "2025-01-01" if i == 15 else f"2026-01-{i + 1:02d}"))
