"""Any order of enrolling, sealing, admitting, removing, rotating, locking and shredding: who may open opens, nobody else."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from answerable.common.errors import Refused
from answerable.vault import seal, userkeys
from answerable.vault.chamber import Chamber
from answerable.vault.keyroom import personkeys, roomkeys, shredding, vaultkeys
from answerable.vault.primitives import Unopenable

pytestmark = pytest.mark.django_db


class Vault(RuleBasedStateMachine):
    """The real key tables beside a model of them in sets and dictionaries."""

    people, rooms, things = Bundle("people"), Bundle("rooms"), Bundle("things")

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic(using="keys")
        self.atomic.__enter__()
        # What the demonstration left is out of the way until the transaction is undone.
        from answerable.vault.models import RootKey

        RootKey.objects.all().delete()
        self.before = vaultkeys.CHAMBER
        vaultkeys.CHAMBER = self.chamber = Chamber(demonstration=True)
        self.private: dict[str, bytes] = {}
        self.readers: dict[str, set[str]] = {}
        self.texts: dict[str, tuple[str, str, dict[str, bytes]]] = {}
        self.n = 0
        for keeper in ("K1", "K2"):
            self._enrol(keeper)
        vaultkeys.found_root(["K1", "K2"])

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            vaultkeys.CHAMBER = self.before
            transaction.set_rollback(True, using="keys")
            self.atomic.__exit__(None, None, None)

    def _enrol(self, ref: str) -> str:
        public, private = seal.new_key_pair()
        personkeys.put_person_key(ref, public, b"")
        self.private[ref] = private
        return ref

    def _name(self, what: str) -> str:
        self.n += 1
        return f"{what}{self.n}"

    @rule(target=people)
    def a_person_enrols(self) -> str:
        return self._enrol(self._name("PER"))

    @rule(target=rooms, first=people)
    def a_room_is_opened(self, first: str) -> str:
        name = self._name("room")
        if self.chamber.is_locked():
            with pytest.raises(Refused), transaction.atomic(using="keys"):
                roomkeys.new_compartment(name, [first])
            return multiple()
        roomkeys.new_compartment(name, [first])
        self.readers[name] = {first}
        return name

    @rule(target=things, room=rooms, text=st.text(max_size=40))
    def something_is_sealed(self, room: str, text: str) -> str:
        ref = self._name("CLM")
        # Sealing needs no root key: it goes on while the vault is locked.
        self.texts[ref] = (room, text, roomkeys.seal_fields(ref, room, "Claim", {"account": text}))
        return ref

    @rule(room=rooms, by=people, new=people)
    def a_reader_admits(self, room: str, by: str, new: str) -> None:
        if by in self.readers[room] and not self.chamber.is_locked():
            roomkeys.admit_reader(room, new, by=by, private=self.private[by])
            self.readers[room].add(new)
        else:
            with pytest.raises(Refused):
                roomkeys.admit_reader(room, new, by=by, private=self.private[by])

    @rule(room=rooms, who=people)
    def a_reader_is_removed(self, room: str, who: str) -> None:
        if len(self.readers[room]) > 1:
            assert roomkeys.remove_reader(room, who) == (who in self.readers[room])
            self.readers[room].discard(who)

    @rule(room=rooms, by=people)
    def a_room_is_rotated(self, room: str, by: str) -> None:
        if by in self.readers[room] and not self.chamber.is_locked():
            old = roomkeys.room_key(room, by, self.private[by])
            roomkeys.rotate(room, by=by, private=self.private[by])
            for ref, (where, _text, _blobs) in self.texts.items():
                if where == room:
                    with pytest.raises(Unopenable):
                        roomkeys.data_key(ref, room, old)
        else:
            with pytest.raises(Refused):
                roomkeys.rotate(room, by=by, private=self.private[by])

    @rule(ref=consumes(things))
    def it_is_shredded(self, ref: str) -> None:
        room, _text, blobs = self.texts.pop(ref)
        shredding.shred([ref])
        shredding.shred([ref])
        for who in self.readers[room]:
            with pytest.raises(Refused):
                roomkeys.open_fields(ref, room, "Claim", blobs, person=who, private=self.private[who])

    @rule()
    def it_is_locked(self) -> None:
        self.chamber.lock("a test")

    @rule(first=st.sampled_from(["K1", "K2"]))
    def it_is_unlocked(self, first: str) -> None:
        if self.chamber.is_locked():
            second = "K2" if first == "K1" else "K1"
            assert not vaultkeys.bring_half(first, self.private[first])
            assert not vaultkeys.bring_half(first, self.private[first])
            assert vaultkeys.bring_half(second, self.private[second])

    @rule(ref=things, who=people)
    def someone_opens(self, ref: str, who: str) -> None:
        if ref not in self.texts:
            return
        room, text, blobs = self.texts[ref]
        if who in self.readers[room] and not self.chamber.is_locked():
            opened = roomkeys.open_fields(ref, room, "Claim", blobs, person=who, private=self.private[who])
            assert opened == {"account": text}
            for other, (there, _t, theirs) in self.texts.items():
                if other != ref and there == room:
                    with pytest.raises(Unopenable):
                        roomkeys.open_fields(ref, room, "Claim", theirs, person=who, private=self.private[who])
                    break
        else:
            with pytest.raises(Refused):
                roomkeys.open_fields(ref, room, "Claim", blobs, person=who, private=self.private[who])

    @invariant()
    def locked_means_no_root_key(self) -> None:
        if hasattr(self, "chamber") and self.chamber.is_locked():
            with pytest.raises(Refused):
                vaultkeys.root()


@pytest.fixture
def light():
    before = userkeys.set_parameters(userkeys.LIGHT)
    yield
    userkeys.set_parameters(before)


def test_any_order_of_steps(db, light):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Vault, settings=settings(max_examples=45, stateful_step_count=50, deadline=None,
                                 suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
