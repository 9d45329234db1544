"""A seat changes hands and a compartment's key comes back from escrow: real program, every promise of the ceremony."""

from __future__ import annotations

import io
from datetime import timedelta

import custodians
import pytest
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record.models import Entry
from answerable.reparations import actions as reparations
from answerable.vault import actions as vault
from answerable.vault import bundles, identity, keeping, keyroom, primitives, seal
from answerable.vault.client import ask
from answerable.vault.custody import actions
from answerable.vault.models import IdentityBlock, Reader, RoomRestore, Seat

pytestmark = pytest.mark.django_db
PASSPHRASE = "only for the test suite, six words"


def person(handle: str, *, unlocked: bool = False) -> Person:
    found = Person.objects.select_related("body__state").get(handle=handle)
    found.fresh = True
    if unlocked:
        found.vault_session = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    return found


@pytest.fixture
def claims(saved):
    programme, made = saved("$programme"), []
    for n in range(3):
        claim = reparations.lodge_claim(
            programme, claim_type="CL-DIR", alias="N.", age_band="25-34", country="P", language="ar", safe_contact="x",
            events_from=clock.today() - timedelta(days=90), area1="S", purposes=["CP-CLAI"], declared_true=True, referral_offered=True,
            identity={"name": f"Name {n}"}, by=person("inga"),
        )  # fmt: skip
        made.append(claim.ref)
    see_all()
    return made


@pytest.fixture
def seat(played, tmp_path):
    """The custodian's machine, and a fresh key for whoever takes the seat next."""
    old = custodians.Machine(tmp_path / "old", "vault custodian", played["seats"]["vault custodian"])
    _public, private = seal.new_key_pair()
    new = custodians.Machine(tmp_path / "new", "vault custodian", private)
    (old.work / "next.pub").write_bytes(new.pub)
    return old, new, private


def bring(client, raw, url="/repair/identity/seats/handover/"):
    reply = client.post(url, {"file": io.BytesIO(raw)})
    see_all()
    return reply


def test_a_seat_is_handed_over_and_only_its_new_key_opens(office, claims, seat, played):
    old, new, private = seat
    cora = office("cora")
    assert office("safa").post("/repair/identity/seats/blocks/").content  # ciphertext for any holder
    assert office("ines").post("/repair/identity/seats/blocks/").status_code == 404
    (old.work / "in.jsonl").write_bytes(cora.post("/repair/identity/seats/blocks/").content)
    assert b"Name" not in (old.work / "in.jsonl").read_bytes()
    see_all()
    taken = Entry.objects.filter(action="seat blocks taken", subject="vault custodian", actor=person("cora").ref)
    assert taken.get().event["detail"]["blocks"] == IdentityBlock.objects.count()
    assert old.opens("handover", "--to", "next.pub", "in.jsonl", "out.jsonl") == 0, old.last
    handed = (old.work / "out.jsonl").read_bytes()
    before = seal.fingerprint(bytes(Seat.objects.get(name="vault custodian").public_key))

    # Another seat's holder, a cut file, a block of someone else, one too few: nothing is taken in.
    lines = handed.splitlines(keepends=True)
    foreign = identity.seal_identity(
        {"name": "x"}, [(s.name, bytes(s.public_key)) for s in Seat.objects.all()], claims[0]
    )
    swapped = [bundles.block_line(foreign) if claims[0].encode() in line else line for line in lines[1:-1]]
    import hashlib

    forged = b"".join(
        [lines[0], *swapped, bundles.handover_end(len(swapped), hashlib.sha256(b"".join(swapped)).hexdigest())]
    )
    fewer = lines[1:-2]
    short = b"".join([lines[0], *fewer, bundles.handover_end(len(fewer), hashlib.sha256(b"".join(fewer)).hexdigest())])
    for client, raw in (
        (office("safa"), handed),
        (cora, handed[:-40]),
        (cora, forged),
        (cora, short),
        (cora, b"rubbish\n"),
    ):
        assert bring(client, raw).status_code == 409
        assert seal.fingerprint(bytes(Seat.objects.get(name="vault custodian").public_key)) == before
    assert bring(cora, handed).status_code == 303
    (entry,) = Entry.objects.filter(action="seat handed over")
    assert (entry.event["detail"]["old_sha256"], entry.event["detail"]["new_sha256"]) == (
        before, seal.fingerprint(primitives.public_key(private)),
    )  # fmt: skip
    advocate = played["seats"]["survivors' advocate"]
    block = keyroom.identity_block(claims[1])
    halves = [identity.open_share(block, claims[1], "vault custodian", "survivors' advocate", private),
              identity.open_share(block, claims[1], "survivors' advocate", "vault custodian", advocate)]  # fmt: skip
    assert identity.combine(block, claims[1], *halves) == {"name": "Name 1"}
    with pytest.raises(primitives.Unopenable):
        identity.open_share(
            block, claims[1], "vault custodian", "survivors' advocate", played["seats"]["vault custodian"]
        )
    # What comes in afterwards is sealed to the new key, and the same file is not taken in twice.
    keeping.seal_identity("CLM-LATER", {"name": "later"})
    later = keyroom.identity_block("CLM-LATER")
    assert identity.open_share(later, "CLM-LATER", "vault custodian", "survivors' advocate", private)
    assert bring(cora, handed).status_code == 409


def test_an_identity_that_came_in_meanwhile_is_not_left_behind(office, claims, seat):
    old, _new, _private = seat
    cora = office("cora")
    (old.work / "in.jsonl").write_bytes(cora.post("/repair/identity/seats/blocks/").content)
    keeping.seal_identity("CLM-MEANWHILE", {"name": "late"})
    assert old.opens("handover", "--to", "next.pub", "in.jsonl", "out.jsonl") == 0
    reply = bring(cora, (old.work / "out.jsonl").read_bytes())
    assert reply.status_code == 409 and "1 identities came in" in reply.content.decode()
    # A block shredded meanwhile is no obstacle.
    keyroom.shred(["CLM-MEANWHILE", claims[0]], record_too=False)
    assert bring(cora, (old.work / "out.jsonl").read_bytes()).status_code == 303
    assert not IdentityBlock.objects.filter(subject=claims[0]).exists()


def test_a_large_handover_comes_in_parts(claims, seat, monkeypatch):
    old, _new, private = seat
    cora = person("cora", unlocked=True)
    monkeypatch.setattr(keyroom, "BLOCKS_AT_ONCE", 2)
    lines, after = b"", ""
    while True:
        some = ask("seat_blocks", token=cora.vault_session, seat="vault custodian", after=after)
        lines, after = lines + some["lines"], some["next"]
        if not after:
            break
    assert lines.count(b"\n") == IdentityBlock.objects.count() >= 3
    (old.work / "in.jsonl").write_bytes(lines)
    assert old.opens("handover", "--to", "next.pub", "in.jsonl", "out.jsonl") == 0
    handed = (old.work / "out.jsonl").read_bytes()
    for number, start in enumerate(range(0, len(handed), 5000)):
        ask(
            "handover_part",
            token=cora.vault_session,
            seat="vault custodian",
            number=number,
            data=handed[start : start + 5000],
        )
    assert actions.take_in_handover("vault custodian", by=cora)["blocks"] == IdentityBlock.objects.count()
    assert bytes(Seat.objects.get(name="vault custodian").public_key) == primitives.public_key(private)


@pytest.fixture
def officers(played, db, tmp_path):
    """Five officers of four bodies, each with a key for pieces on a machine of their own."""
    made = {}
    for handle in ("safa", "cora", "sol", "odile", "bo"):
        machine = custodians.Machine(tmp_path / handle, f"officer {handle}", seal.new_key_pair()[1])
        actions.enter_escrow_key(machine.pub, by=person(handle, unlocked=True))
        made[handle] = machine
    return made


def test_a_compartments_key_comes_back_by_three_of_five_after_two_days(office, officers, saved):
    inga = person("inga", unlocked=True)
    people = [person(h) for h in officers]
    for few, needed, why in (
        (people[:2], 2, "three bodies"),
        (people, 2, "One body alone"),
        ([*people, person("fina")], 3, "key of their own"),
    ):
        with pytest.raises(Refused, match=why):
            actions.escrow_room("claims", few, needed, by=inga)
    with pytest.raises(Refused):
        actions.escrow_room("claims", people, 3, by=person("paulo"))  # locked
    actions.escrow_room("claims", people, 3, by=inga)
    raw = ask("escrow_record", secret="room: claims")

    # The room's readers are all gone; the registrar asks, another body confirms.
    claim = saved("$claim")
    Reader.objects.filter(compartment__name="claims").exclude(person=inga.ref).delete()
    leader = person("adva", unlocked=True)
    with pytest.raises(Refused, match="does not open this compartment"):
        vault.read(claim, "alias", purpose="contact", by=leader)
    restore = actions.ask_restore("claims", person("adva"), by=person("ines"))
    for who in ("ines", "adva", "safa", "inga", "delegate.avn"):  # safa is of the registrar's body
        with pytest.raises(Refused):
            actions.confirm_restore(restore, by=person(who))
    leader_pub = ask("person_public", person=leader.ref)
    pieces = {}
    for handle, machine in officers.items():
        (machine.work / "leader.pub").write_bytes(leader_pub)
        (machine.work / "room.escrow").write_bytes(raw)
        assert machine.run("escrow-piece", "room.escrow", "--key", "../home/seat", "--passphrase-file", "../home/words",
                           "--to", "leader.pub", "--out", "piece") == 0, machine.last  # fmt: skip
        pieces[handle] = (machine.work / "piece").read_bytes()
    three = [pieces[h] for h in ("safa", "cora", "sol")]
    with pytest.raises(Refused):
        actions.bring_pieces(restore, three, by=leader)  # not confirmed
    restore = actions.confirm_restore(restore, by=person("cora"))
    with pytest.raises(Refused, match="48 hours"):
        actions.bring_pieces(restore, three, by=leader)
    with clock.set_to(clock.now() + timedelta(hours=48, seconds=1)):
        for bad, why in ((three[:2], "3 pieces"), ([*three[:2], three[0]], "3 pieces"), ([b"x"], "cannot be read")):
            with pytest.raises(Refused, match=why):
                actions.bring_pieces(restore, bad, by=leader)
        with pytest.raises(Refused):
            actions.bring_pieces(restore, three, by=person("safa", unlocked=True))
        see_all()
        assert not Entry.objects.filter(action="room restored").exists()
        actions.bring_pieces(restore, three, by=leader)
    see_all()
    assert Entry.objects.filter(action="room restored", subject=restore.ref).count() == 1
    assert RoomRestore.objects.get(pk=restore.pk).status == "DONE"
    assert vault.read(claim, "alias", purpose="contact", by=leader) == "N."
    assert vault.read(claim, "alias", purpose="contact", by=inga) == "N."  # sessions of before go on
    # After a rotation what is in escrow is worth nothing, and the page says so.
    vault.rotate_compartment("claims", by=inga)
    assert [e["present"] for e in ask("escrows") if e["secret"] == "room: claims"] == [False]
    again = actions.confirm_restore(actions.ask_restore("claims", person("adva"), by=person("ines")), by=person("cora"))
    with clock.set_to(clock.now() + timedelta(hours=49)), pytest.raises(Refused, match="new key since"):
        actions.bring_pieces(again, three, by=leader)


def test_the_pages_of_seats_and_ceremonies_answer(office, officers):
    actions.escrow_room("claims", [person(h) for h in officers], 3, by=person("inga", unlocked=True))
    ines, cora, inga = office("ines"), office("cora"), office("inga")
    assert "vault custodian" in ines.get("/repair/identity/seats/").content.decode()
    assert inga.get("/repair/identity/seats/").status_code == 404
    for client, url in ((cora, "seats/handover/"), (cora, "seats/escrow/"), (cora, "escrow/key/"), (ines, "escrow/restore/"),
                        (inga, "escrow/compartment/"), (cora, "escrow/record/?secret=room: claims")):  # fmt: skip
        assert client.get(f"/repair/identity/{url}").status_code == 200, url
    reply = ines.post("/repair/identity/escrow/restore/", {"room": "claims", "leader": person("adva").pk})
    assert reply.status_code == 303
    page = reply["Location"]
    assert cora.get(page).status_code == 200 and inga.get(page).status_code == 404
    assert office("adva").get(page).status_code == 200  # who leads it
    assert cora.post(page, {"move": "confirm_restore"}).status_code == 303
    assert cora.get(page + "leader/").content == ask("person_public", person=person("adva").ref)


def test_a_seat_keeps_its_own_escrow_record_and_no_other(office, seat, tmp_path):
    old, _new, _private = seat
    names = []
    for n in range(3):
        machine = custodians.Machine(tmp_path / f"o{n}", f"officer {n}", seal.new_key_pair()[1])
        (old.work / f"o{n}.pub").write_bytes(machine.pub)
        names += ["--officer", f"o{n}.pub"]
    assert old.opens("escrow-split", *names, "--of", "2", "--out", "seat.escrow") == 0, old.last
    raw = (old.work / "seat.escrow").read_bytes()
    url = "/repair/identity/seats/escrow/"
    assert bring(office("safa"), raw, url).status_code == 409
    assert bring(office("cora"), b"{}", url).status_code == 409
    assert bring(office("cora"), raw, url).status_code == 303
    assert ask("escrow_record", secret="seat: vault custodian") == raw
