"""The vault works on two databases, which see no circle between them: one order of locks, and nobody waits for ever."""

from __future__ import annotations

import threading
import time

import key_operations
import pytest
from tests_support import see_all
from vaulted import World

from answerable.authority.acting import action
from answerable.authority.principals import CLOCK
from answerable.config import postgres
from answerable.record import log
from answerable.vault import client, service
from answerable.vault.client import ask
from answerable.vault.keyroom import roomkeys

# --- the wrong order cannot be written ------------------------------------------------------------------------------


def test_every_operation_that_waits_for_a_lock_on_keys_is_known_to_whoever_asks():
    found = key_operations.operations_that_call(("answerable.record.log", "keys_before_head"))
    assert {name for name in found if "office" in service.OPERATIONS[name].doors} == client.SEALS


@action("test appends, then does something")
def append_then(act, *, by):
    log.append("x", "y", by=by)
    return act()


SEALED = {"subject": "INC-x", "compartment": "monitoring", "model": "Incident", "fields": {"narrative": "x"}}
WRONG = [
    lambda: ask("seal", **SEALED),
    lambda: roomkeys.seal_fields(*SEALED.values()),
    lambda: roomkeys.put_data_key("INC-x", "monitoring", bytes(32)),
    lambda: ask("rotate", token="", name="monitoring"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_sealed_and_no_key_is_worked_on_with_the_records_head_in_hand(played, wrong):
    with pytest.raises(ValueError, match="seal first, then append"):
        append_then(wrong, by=CLOCK)


@pytest.mark.django_db
def test_the_head_is_let_go_with_its_transaction_and_a_question_to_the_vault_keeps_its_own(played):
    append_then(lambda: None, by=CLOCK)
    assert not log.holds_head() and roomkeys.seal_fields(*SEALED.values())

    @action("test asks what the vault enters, then seals, then appends")
    def right(*, by):
        ask("may_contact", subject="CLM-none", via="phone", kind="call", at="2026-01-01T00:00:00+00:00")
        assert not log.holds_head()
        ask("seal", **{**SEALED, "subject": "INC-y"})
        log.append("x", "y", by=by)

    see_all()
    right(by=CLOCK)


# --- a real vault ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("locks"))
    yield made
    made.end()


@pytest.fixture
def opened(world):
    world.start()
    world.unlock()
    yield world
    world.kill()


@pytest.mark.slow
def test_complaints_during_rotations_stop_nobody(opened):
    """Each complaint with an answer takes the room's lock and the record's head, and so does each rotation."""
    token, began = opened.sign_in("omar"), time.monotonic()
    complained, rotated, wrong = [], [], []

    def going_on() -> bool:
        """Fifteen seconds and, on a slow machine, until enough of both came through."""
        past = time.monotonic() - began
        return past < 15 or (
            past < 120 and not wrong and min(len(rotated), sum("answer" in r for r in complained)) <= 5
        )

    def complains(i: int) -> None:
        while going_on():
            reply = opened.ask(
                "door_complain", "channel", about=["DELAY"], happened=f"{i} {time.monotonic()}", answer=True
            )
            # A full door is a refusal of its own; what may not happen is to wait for a lock.
            (complained if "answer" in reply or reply.get("reason") == "busy" else wrong).append(reply)
            assert "being changed" not in reply.get("refused", "")

    threads = [threading.Thread(target=complains, args=(i,), daemon=True) for i in range(4)]
    for thread in threads:
        thread.start()
    while going_on():
        reply = opened.ask("rotate", token=token, name="grievances/general")
        (rotated if "answer" in reply else wrong).append(reply)
    for thread in threads:
        thread.join(30)
    assert not any(t.is_alive() for t in threads) and not wrong
    assert len(rotated) > 5 and sum("answer" in r for r in complained) > 5


def _head_held(world):
    """Someone outside holds the record's head, as a circle of locks would."""
    held = postgres.ensure_server().connect(world.name)
    held.autocommit = False
    held.execute("SELECT 1 FROM record_head FOR UPDATE")
    return held


@pytest.mark.slow
def test_whoever_waits_too_long_is_told_so_nothing_was_changed_and_the_vault_can_be_stopped(opened):
    token = opened.sign_in("omar")
    held = _head_held(opened)
    try:
        began = time.monotonic()
        reply = opened.ask("rotate", token=token, name="grievances/general")
        assert reply["reason"] == "busy" and "Nothing was changed; try again" in reply["refused"]
        assert postgres.VAULT_LOCK_SECONDS - 1 < time.monotonic() - began < client.ANSWER_SECONDS / 2
    finally:
        held.rollback()
    # The old keys are the keys: the next rotation begins from them.
    assert "answer" in opened.ask("rotate", token=token, name="grievances/general")
    held.execute("SELECT 1 FROM record_head FOR UPDATE")
    try:
        waiting = threading.Thread(target=_quietly, args=(opened, token), daemon=True)
        waiting.start()
        time.sleep(0.5)
        began = time.monotonic()
        opened.stop()  # SIGTERM; it asserts that the vault ended well
        assert time.monotonic() - began < 8
    finally:
        held.close()
    opened.start()
    opened.unlock()
    assert "answer" in opened.ask("rotate", token=opened.sign_in("omar"), name="grievances/general")


def _quietly(world, token) -> None:
    try:
        world.ask("rotate", token=token, name="grievances/general")
    except (OSError, AttributeError):
        return
