"""Nobody changes the record without every member being able to see it: witnesses, quorum, crashes and races."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import log_support as logs
import pytest
from promises import compromise, keeps

from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.tools import verify, witness

CIVIL = logs.cosigner(9, "watch.harbour.example")


def alliance(folder: Path) -> tuple[list[logs.Witness], Path]:
    """Three members' witnesses, one of civil society, and the policy that asks for two and one."""
    everyone = [logs.Witness(folder / n, f"{n}.example") for n in ("avenia", "belmora", "cadria", "ngo")]
    keys = [tlog.read_vkey(w.vkey) for w in everyone]
    policy = folder / "policy"
    policy.write_text(tlog.default_policy(logs.SIGNER.vkey(), keys[:3], keys[3:]))
    return everyone, policy


def gathered(everyone: list[logs.Witness], n: int, tale: str = "") -> str:
    """The checkpoint with whatever cosignatures exist for exactly it."""
    text = logs.checkpoint(n, tale)
    lines = []
    for one in everyone:
        if one.cosignature(n).exists():
            note = tlog.read_note(one.cosignature(n).read_text())
            if note.body == tlog.read_note(text).body:
                lines += [s.line for s in note.lines if s.name != logs.ORIGIN]
    return tlog.merge_cosignatures(text, lines)


@keeps(8)
@compromise(
    "the log's signing key",
    yields="a fork, which every witness refuses to cosign",
    spares="changing what was recorded unseen; a quorum",
)
def test_nobody_changes_the_record_without_every_member_seeing_it(tmp_path, capsys):
    everyone, policy = alliance(tmp_path)
    pub = logs.publish(tmp_path / "pub", 64)
    assert [one.looks(pub) for one in everyone] == [0, 0, 0, 0]
    told = logs.export(tmp_path / "told", gathered(everyone, 64), 64)
    assert verify.main([str(told), "--policy", str(policy)]) == 0
    # Whoever holds the log's key tells another story, of the same size and longer.
    for n in (64, 128):
        forged = logs.publish(tmp_path / f"forged{n}", n, tale="forged")
        assert [one.looks(forged) for one in everyone] == [1, 1, 1, 1]
        assert all(one.evidence() for one in everyone)
        lie = logs.export(tmp_path / f"lie{n}", gathered(everyone, n, "forged"), n, "forged")
        assert verify.main([str(lie), "--vkey", logs.SIGNER.vkey()]) == 0  # its signature alone convinces
        assert verify.main([str(lie), "--policy", str(policy)]) == 1
        assert verify.main([str(lie), "--since", str(told)]) == 1
    capsys.readouterr()


@keeps(8)
def test_a_split_view_needs_a_quorum_of_witnesses(tmp_path, capsys):
    everyone, policy = alliance(tmp_path)
    # Two stories to two halves: neither half is enough.
    true, forged = logs.publish(tmp_path / "true", 64), logs.publish(tmp_path / "forged", 64, tale="forged")
    halves = [(true, everyone[:2], ""), (forged, everyone[2:], "forged")]
    for shown, half, tale in halves:
        assert [one.looks(shown) for one in half] == [0, 0]
        told = logs.export(tmp_path / f"told{tale}", gathered(half, 64, tale), 64, tale)
        assert verify.main([str(told), "--policy", str(policy)]) == 1
        assert "not enough witnesses" in capsys.readouterr().out


def test_members_alone_do_not_vouch_without_civil_society(tmp_path, capsys):
    everyone, policy = alliance(tmp_path)
    pub = logs.publish(tmp_path / "pub", 64)
    assert [one.looks(pub) for one in everyone[:3]] == [0, 0, 0]
    told = logs.export(tmp_path / "told", gathered(everyone, 64), 64)
    assert verify.main([str(told), "--policy", str(policy)]) == 1
    assert "civil-society needs 1 of 1 and has 0, lacking ngo.example" in capsys.readouterr().out


@compromise(
    "a witness, or all of them",
    yields="salted leaves, padded sizes, times of checkpoints",
    spares="any event, who or what",
)
def test_a_witness_sees_numbers_only(tmp_path):
    leaves = [tlog.leaf_commitment(os.urandom(32), tlog.canonical({"word": "canary"})) for _ in range(64)]
    text = tlog.sign_checkpoint(logs.SIGNER, origin=logs.ORIGIN, size=64, root=tlog.root(leaves))
    from answerable.engines import tlog_export

    pub = tmp_path / "pub"
    tlog_export.publish(pub, leaves=leaves, checkpoint=text, vkey=logs.SIGNER.vkey(), since=(64,), policy="")
    assert all(b"canary" not in p.read_bytes() for p in pub.rglob("*") if p.is_file())
    assert not (pub / "events.jsonl").exists()
    one = logs.Witness(tmp_path / "one")
    assert one.looks(pub) == 0


# --- crashes and races, with real processes ------------------------------------------------------------------------

CHILD = """
import sys
from answerable.tools import witness
{change}
sys.exit(witness.main(sys.argv[1:]))
"""
DIE_AFTER_WRITE = """
import os, signal
write, left = witness.write_durably, [{n}]
def dies(path, text, mode=0o644):
    write(path, text, mode)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
witness.write_durably = dies
"""
DIE_BEFORE_RENAME = """
import os, signal
from pathlib import Path
Path.replace = lambda self, to: os.kill(os.getpid(), signal.SIGKILL)
"""
SLOW = """
import time
examine = witness.examine
def slowly(*given):
    note = examine(*given)
    print("examined", flush=True)
    time.sleep(1.5)
    return note
witness.examine = slowly
"""


def begin(one: logs.Witness, source: Path, change: str = "") -> subprocess.Popen:
    command = ["cosign", str(source), "--key", str(one.key), "--state", str(one.state)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(change=change), *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def emitted(one: logs.Witness) -> list[int]:
    """Sizes this witness has let a cosignature out for."""
    sizes = []
    for path in one.folder.glob("cosignature-*.txt"):
        note = tlog.read_note(path.read_text())
        assert note.signed(tlog.read_vkey(one.vkey))
        sizes.append(note.size)
    return sorted(sizes)


@pytest.mark.parametrize("change", [DIE_AFTER_WRITE.format(n=1), DIE_AFTER_WRITE.format(n=2), DIE_BEFORE_RENAME])
def test_a_witness_killed_at_any_step_never_forgets_what_it_signed(tmp_path, change):
    one = logs.Witness(tmp_path / "one")
    assert one.looks(logs.publish(tmp_path / "pub", 64)) == 0
    pub = logs.publish(tmp_path / "pub", 128)
    killed = begin(one, pub, change)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert one.seen() >= max(emitted(one))  # the state is never behind an emitted cosignature
    assert one.looks(logs.publish(tmp_path / "forged", 128, tale="forged")) == 1
    assert one.looks(pub) == 0 and emitted(one) == [64, 128] and one.seen() == 128


def test_a_witness_killed_at_two_dozen_moments_is_never_behind(tmp_path):
    one = logs.Witness(tmp_path / "one")
    pub = logs.publish(tmp_path / "pub", 64)
    started = time.monotonic()
    assert begin(one, pub).wait(timeout=60) == 0
    whole = time.monotonic() - started
    for n in range(24):
        size = 128 + 64 * n
        logs.publish(pub, size)
        running = begin(one, pub)
        time.sleep(whole * (0.6 + 0.025 * n))
        running.kill()
        running.communicate(timeout=60)
        assert one.seen() >= max(emitted(one))
    assert one.looks(pub) == 0 and one.seen() == size


def test_two_runs_at_once_never_take_a_step_back(tmp_path):
    one = logs.Witness(tmp_path / "one")
    small, large = logs.publish(tmp_path / "small", 64), logs.publish(tmp_path / "large", 128)
    slow = begin(one, small, SLOW)
    assert slow.stdout.readline() == b"examined\n"  # it has decided on 64 and not yet stored it
    quick = begin(one, large)
    assert (slow.wait(timeout=60), quick.wait(timeout=60)) == (0, 0)
    assert one.seen() == 128 == max(emitted(one))


def test_many_runs_released_together_leave_the_largest_size(tmp_path):
    one = logs.Witness(tmp_path / "one")
    sources = [logs.publish(tmp_path / f"pub{n}", 64 * n) for n in range(1, 7)]
    with one.state.with_name("state.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        runs = [begin(one, source) for source in sources]
        time.sleep(2.5)
        assert all(r.poll() is None for r in runs) and not one.state.exists()
    codes = [r.wait(timeout=60) for r in runs]
    assert codes[-1] == 0 and set(codes) <= {0, 1}
    assert one.seen() == 384 == max(emitted(one))


def test_a_run_that_cannot_get_its_turn_says_so(tmp_path, monkeypatch, capsys):
    one = logs.Witness(tmp_path / "one")
    monkeypatch.setattr(witness, "LOCK_SECONDS", 0.2)
    with one.state.with_name("state.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        assert one.looks(logs.publish(tmp_path / "pub", 64)) == 2
    assert "Another witness run" in capsys.readouterr().err and not one.state.exists()


# --- the mathematics -----------------------------------------------------------------------------------------------


def test_two_thousand_random_trees_prove_what_is_true_and_nothing_else():
    chance = random.Random(20260921)
    for _ in range(2000):
        size = chance.randint(1, 180)
        leaves = [chance.randbytes(32) for _ in range(size)]
        root = tlog.root(leaves)
        assert verify.pair_up([verify.sha(b"\x00" + leaf) for leaf in leaves]) == root
        index, old = chance.randrange(size), chance.randint(1, size)
        audit, growth = tlog.inclusion_proof(leaves, index), tlog.consistency_proof(leaves, old)
        old_root = tlog.root(leaves[:old])
        assert tlog.verify_inclusion(leaves[index], index, size, audit, root)
        assert tlog.verify_consistency(old, size, old_root, root, growth)
        # Another leaf, another place, another past, a changed or missing or added hash: none is proved.
        assert not tlog.verify_inclusion(chance.randbytes(32), index, size, audit, root)
        assert size == 1 or not tlog.verify_inclusion(leaves[index], (index + 1) % size, size, audit, root)
        changed = list(leaves[:old])
        changed[chance.randrange(old)] = chance.randbytes(32)
        assert not tlog.verify_consistency(old, size, tlog.root(changed), root, growth)
        for bad in spoiled(audit, chance):
            assert not tlog.verify_inclusion(leaves[index], index, size, bad, root)
        for bad in spoiled(growth, chance):
            assert not tlog.verify_consistency(old, size, old_root, root, bad)


def spoiled(proof: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """The proof with a hash added, and with one missing, changed or moved."""
    worse = [[*proof, chance.randbytes(32)]]
    if proof:
        at = chance.randrange(len(proof))
        worse += [[*proof[:at], *proof[at + 1 :]], [*proof[:at], chance.randbytes(32), *proof[at + 1 :]]]
        if len(proof) > 1:
            worse.append([*proof[1:], proof[0]])
    return worse


# --- the record's side ---------------------------------------------------------------------------------------------


@pytest.fixture
def kept(played, db, tmp_path, monkeypatch, settings):
    """The demonstration's record with its own key and data folder; `make()` signs a checkpoint, as the worker would."""
    from answerable.record import signing

    settings.STATIC_ROOT = tmp_path / "data" / "static"
    settings.STATIC_ROOT.mkdir(parents=True)

    def make():
        with monkeypatch.context() as patch:
            patch.setattr("answerable.authority.acting.running", lambda: True)
            return signing.checkpoint()

    return make


def person(handle: str):
    from answerable.alliance.models import Person

    return Person.objects.select_related("body__state").get(handle=handle)


def brought(made, *cosigners: tlog.Cosigner, at: int | None = None) -> str:
    from answerable.common import clock

    when = int(clock.now().timestamp()) if at is None else at
    return tlog.merge_cosignatures(made.text, [c.cosign(tlog.read_note(made.text).body, when) for c in cosigners])


@pytest.mark.django_db
def test_only_the_registrar_enters_witnesses_and_a_key_only_once(kept):
    from answerable.alliance import witnesses
    from answerable.record import signing

    for handle in ("sami", "delegate.avn", "odile", "arno"):
        with pytest.raises(Refused):
            witnesses.enter_witness(CIVIL.vkey(), "civil_society", by=person(handle))
    ines = person("ines")
    entered = witnesses.enter_witness(CIVIL.vkey(), "civil_society", by=ines)
    assert entered.name == "watch.harbour.example"
    own = tlog.VerifierKey("own.example", tlog.COSIGNATURE, signing.signer().public)
    for bad, kind in ((CIVIL.vkey(), "member"), (logs.cosigner(9, "twin.example").vkey(), "member"), (str(own), "member"),
                      (logs.cosigner(8, "watch.harbour.example").vkey(), "member"), (logs.SIGNER.vkey(), "member"),
                      ("nonsense", "member"), (logs.cosigner(7).vkey(), "friend"),
                      (logs.cosigner(7, "members").vkey(), "member")):  # fmt: skip
        with pytest.raises(Refused):
            witnesses.enter_witness(bad, kind, by=ines)


@pytest.mark.django_db
def test_a_cosignature_is_checked_before_it_is_kept(kept):
    from answerable.alliance import witnesses
    from answerable.record.models import Cosignature, Entry
    from answerable.record.witnesses import checkpoint_text

    ines, made = person("ines"), kept()
    one = logs.cosigner(1)
    witnesses.enter_witness(one.vkey(), "member", by=ines)
    good = brought(made, one)
    later = int(time.time()) + 400 * 86_400
    forged = tlog.sign_checkpoint(logs.SIGNER, origin=logs.ORIGIN, size=made.size, root=bytes(32))
    damaged = good.replace(good.split()[-1][-12:-4], "AAAAAAAA")
    size = Entry.objects.count()
    for bad in ("", "rubbish", made.text, brought(made, CIVIL), brought(made, one, at=later), damaged,
                tlog.merge_cosignatures(forged, [one.cosign(tlog.read_note(forged).body, 5)])):  # fmt: skip
        with pytest.raises(Refused):
            witnesses.accept_cosignature(bad, by=ines)
    for handle in ("sami", "vera", "arno"):
        with pytest.raises(Refused):
            witnesses.accept_cosignature(good, by=person(handle))
    assert Cosignature.objects.count() == 0 and Entry.objects.count() == size
    witnesses.accept_cosignature(good.replace("\n", "\r\n"), by=person("delegate.avn"))
    assert Entry.objects.count() == size + 1
    with pytest.raises(Refused, match="already kept"):
        witnesses.accept_cosignature(good, by=person("odile"))
    assert tlog.read_note(checkpoint_text(made)).signed(one.key) and checkpoint_text(made).startswith(made.text)


@pytest.mark.django_db
def test_an_export_carries_its_cosignatures_and_policy_and_meets_it(kept, tmp_path, capsys):
    from answerable.alliance import witnesses
    from answerable.record import cli, signing

    ines, made = person("ines"), kept()
    with pytest.raises(Refused, match="no policy yet"):
        cli.policy()
    members = [logs.cosigner(n) for n in (1, 2, 3)]
    for one in members:
        witnesses.enter_witness(one.vkey(), "member", by=ines)
    witnesses.enter_witness(CIVIL.vkey(), "civil_society", by=ines)
    policy = tmp_path / "policy"
    policy.write_text(cli.policy())
    witnesses.accept_cosignature(brought(made, members[0], CIVIL), by=ines)
    with pytest.raises(Refused, match="No checkpoint has the cosignatures that the policy asks for"):
        cli.export(tmp_path / "early", closed=True, cosigned=True)
    assert not (tmp_path / "early").exists()
    witnesses.accept_cosignature(brought(made, members[2]), by=ines)
    said = cli.export(tmp_path / "full", closed=False, cosigned=True)
    assert "3 witnesses" in said[1]
    assert verify.main([str(tmp_path / "full"), "--policy", str(policy)]) == 0
    assert (tmp_path / "full" / "tlog-policy").read_text() == policy.read_text()
    # A newer checkpoint does not push the one that witnesses stand behind aside.
    assert kept().size > made.size
    cli.export(tmp_path / "again", closed=True, cosigned=True)
    assert verify.main([str(tmp_path / "again"), "--policy", str(policy), "--vkey", signing.signer().vkey()]) == 0
    capsys.readouterr()


@pytest.mark.django_db
def test_the_alliances_own_policy_wins_and_a_broken_one_is_said(kept, tmp_path, monkeypatch, office):
    from answerable.record import cli, witnesses

    own = witnesses.policy_path()
    own.write_text(f"witness ngo {CIVIL.vkey()}\nquorum ngo\n")
    assert cli.policy() == own.read_text()
    own.write_text("quorum nobody\n")
    kept()
    with pytest.raises(Refused, match="Line 1"):
        cli.export(tmp_path / "x", closed=True, cosigned=False)
    assert "Line 1" in office("sami").get("/record/").content.decode()
    monkeypatch.setenv("ANSWERABLE_POLICY", str(tmp_path / "nowhere"))
    with pytest.raises(Refused, match="is not there"):
        cli.policy()


@pytest.mark.django_db
def test_the_record_page_shows_who_cosigned_and_whether_it_is_enough(kept, office):
    made = kept()
    ines, odile, sami = office("ines"), office("odile"), office("sami")
    page = sami.get("/record/").content.decode()
    assert "Not enough witnesses" in page and "Bring in a cosignature" not in page
    assert sami.get("/record/cosignature/").status_code == 404 and odile.get("/record/witness/").status_code == 404
    one = logs.cosigner(1)
    for key, kind in ((one.vkey(), "member"), (CIVIL.vkey(), "civil_society")):
        assert ines.post("/record/witness/", {"vkey": key, "kind": kind}).status_code == 303
    assert ines.post("/record/witness/", {"vkey": one.vkey(), "kind": "member"}).status_code == 409
    assert odile.post("/record/cosignature/", {"text": brought(made, one)}).status_code == 303
    page = sami.get("/record/").content.decode()
    assert "civil-society: 0 of the 1 needed; missing: watch.harbour.example" in page and "w1.example" in page
    assert office("delegate.blm").post("/record/cosignature/", {"text": brought(made, CIVIL)}).status_code == 303
    assert "Enough witnesses have cosigned the last checkpoint." in sami.get("/record/").content.decode()
    text = sami.get(f"/record/checkpoint/{made.size}/").content.decode()
    assert tlog.read_note(text).signed(CIVIL.key) and sami.get("/record/checkpoint/1/").status_code == 404
    assert odile.post("/record/cosignature/", {"text": "rubbish"}).status_code == 409
    assert odile.post("/record/cosignature/", {}).status_code == 422


@pytest.mark.django_db
@pytest.mark.writes_freely
def test_the_record_page_tells_nobody_of_an_act_before_its_checkpoint_and_a_delegation_nothing_of_the_door(
    kept, office
):
    from django.db import transaction

    from answerable.authority.principals import CLOCK
    from answerable.record import log, shown, signing
    from answerable.record.models import Entry

    made = kept()
    assert Entry.objects.filter(action__in=["thread opened", "claim lodged"], index__lt=made.size).exists()
    delegate, auditor = office("delegate.avn"), office("odile")
    with transaction.atomic():
        log.append("thread opened", "THR-NOW", by=CLOCK)
        log.append("kind seen by nobody before", "X", by=CLOCK)
        log.append("vote opened", "PRO-NOW", by=CLOCK)
    size = Entry.objects.count()
    for client in (delegate, auditor):
        page = client.get("/record/").content.decode()
        assert "kind seen by nobody before" not in page
        assert not any(f">{n}<" in page for n in range(made.size, size))
    signing.checkpoint()
    everything, seen = auditor.get("/record/").content.decode(), ""
    assert "kind seen by nobody before" in everything and "thread opened" in everything
    for n in range(1, 12):
        seen += delegate.get(f"/record/?page={n}").content.decode()
    assert "vote opened" in seen and "kind seen by nobody before" not in seen
    hidden = set(Entry.objects.exclude(action="").values_list("action", flat=True)) - shown.OWN_WORK
    assert len(hidden) > 20 and not [a for a in hidden if f"<td>{a}</td>" in seen]
    assert "<td>vote opened</td>" in seen, "so that the line above looks for what the page writes"
    leaf = bytes(Entry.objects.filter(action="vote opened").first().leaf).hex()[:16]
    assert leaf not in seen


def test_the_kinds_a_delegation_sees_are_none_of_a_survivors():
    from answerable.record import shown

    for word in ("thread", "claim", "consent", "sealed", "identity", "message", "referral", "complaint", "payment", "contact",
                 "code", "signed in", "report", "incident", "item", "award", "withdrawal", "file", "door", "screen"):  # fmt: skip
        assert not [a for a in shown.OWN_WORK if word in a and a not in {"paper filed", "implementation reported"}], (
            word
        )


@pytest.mark.parametrize("sql", ["UPDATE record_cosignature SET line = 'x'", "DELETE FROM record_cosignature",
                                 "UPDATE record_witness SET public = 'x'", "DELETE FROM record_witness"])  # fmt: skip
@pytest.mark.parametrize("as_owner", [False, True])
@pytest.mark.django_db
@pytest.mark.writes_freely
def test_the_roster_and_the_cosignatures_are_never_rewritten(played, sql, as_owner):
    from django.db import DatabaseError, connection, transaction

    if as_owner:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
