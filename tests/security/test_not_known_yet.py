"""What the doors say when the vault's answer does not come, and that doing it again does no harm."""

from __future__ import annotations

import socket
import threading

import pytest
from door_support import enter
from tests_support import see_all

from answerable.record import log
from answerable.vault import client, frames
from answerable.vault.client import VaultAway, VaultFault, VaultLate, ask
from answerable.vault.consent.models import Consent, Withdrawal


@pytest.fixture
def silent(tmp_path, settings, monkeypatch):
    """A vault that takes a question and gives no answer."""
    settings.VAULT_SOCKETS, settings.VAULT_TRANSPORT, settings.VAULT_DOOR = tmp_path, "socket", "office"
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    client._drop(None)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(tmp_path / "office.sock"))
    listening.listen(8)
    taken = []

    def accept() -> None:
        while True:
            try:
                connection = listening.accept()[0]
                taken.append((connection, frames.body(connection)))
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield
    listening.close()
    client._drop(None)


def test_of_what_was_asked_and_not_answered_nobody_says_that_nothing_was_changed(silent):
    with pytest.raises(VaultLate) as no:
        ask("door_withdraw", token="t", purposes=["EVERYTHING"])
    assert no.value.reason == "vault_late" and "not known yet" in str(no.value) and "Nothing was" not in str(no.value)
    # What does no harm and leaves nothing behind may say so.
    with pytest.raises(VaultAway, match="Nothing was changed"):
        ask("status")


def test_a_vault_that_could_not_be_asked_did_nothing(tmp_path, settings):
    settings.VAULT_SOCKETS, settings.VAULT_TRANSPORT = tmp_path, "socket"
    client._drop(None)
    with pytest.raises(VaultAway, match="Nothing was changed"):
        ask("door_withdraw", token="t", purposes=["EVERYTHING"])


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [VaultLate("x", reason="vault_late"), VaultFault("x")])
def test_the_door_says_that_it_is_not_known_yet_and_where_to_look(door, played, monkeypatch, fault):
    visitor, _page = enter(door, played["run"].codes["door"].code.digits, "2580")
    visitor.see("/inside/")

    def late(op, /, **args):
        if op == "door_withdraw":
            raise fault
        return real(op, **args)

    from answerable.channel import views

    real = views.ask
    monkeypatch.setattr(views, "ask", late)
    page = visitor.say("/inside/withdraw/", purpose="EVERYTHING")
    assert (
        "It is not known yet whether it was done" in page and "Nothing was changed" not in page and "/inside/" in page
    )


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", ["EVERYTHING", "CP-CONT"])
def test_the_same_word_pressed_again_is_the_same_withdrawal_and_the_same_undoing(door, played, saved, purpose):
    visitor, _page = enter(door, played["run"].codes["door"].code.digits, "2580")
    claim = saved("$claim")
    pages = []
    for _press in range(2):
        visitor.see("/inside/")
        pages.append(visitor.say("/inside/withdraw/", purpose=purpose))
    see_all()
    (word,) = Withdrawal.objects.filter(subject=claim.ref)
    assert all(word.ref in page and "You withdrew" in page for page in pages)
    assert [e.action for e in log.history(word.ref)] == ["consent withdrawn"]
    for _press in range(2):
        visitor.see("/inside/")
        assert "Undone" in visitor.say("/inside/undo/", withdrawal=word.ref)
    see_all()
    assert [e.action for e in log.history(word.ref)] == ["consent withdrawn", "withdrawal undone"]
    # A word after it was undone is a new one.
    visitor.see("/inside/")
    visitor.say("/inside/withdraw/", purpose=purpose)
    see_all()
    assert Withdrawal.objects.filter(subject=claim.ref).count() == 2


@pytest.mark.django_db
def test_a_purpose_given_again_is_the_same_yes_and_one_that_was_not_read_is_none(door, played, saved):
    visitor, _page = enter(door, played["run"].codes["door"].code.digits, "2580")
    claim = saved("$claim")
    visitor.see("/inside/")
    assert "Read first what it means" in visitor.say("/inside/give/", purpose="CP-STAT", understood="yes")
    see_all()
    assert not Consent.objects.filter(subject=claim.ref, purpose="CP-STAT").exists()
    visitor.see("/inside/")
    visitor.say("/inside/choice/", act="give", purpose="CP-STAT")
    for _press in range(2):
        assert "You gave on" in visitor.say("/inside/give/", purpose="CP-STAT", understood="yes")
    see_all()
    assert Consent.objects.filter(subject=claim.ref, purpose="CP-STAT", given=True).count() == 1
