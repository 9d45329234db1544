"""What each compromise yields and what it spares, shown by doing it (docs/security.md is written from these)."""

from __future__ import annotations

import itertools

import pytest
from django.db import connections
from promises import compromise, keeps
from tests_support import see_all

from answerable.common.errors import Refused
from answerable.monitoring.models import Incident
from answerable.reparations.models import Claim
from answerable.vault import identity, rootkey, seal, userkeys
from answerable.vault.client import ask
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.models import DataKey, IdentityBlock, PersonKey, Reader, RootKey, ServiceKey
from answerable.vault.primitives import Unopenable

pytestmark = pytest.mark.django_db


def stored(using: str) -> dict[str, list[bytes]]:
    """Every value of every row of a database, as a thief of the disk has it."""
    found = {}
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found[table] = [row[0].encode() for row in cursor.fetchall()]
    return found


SECRETS = (b"Sealed account", b"Sealed item", b"Nadira Claimant", b"Tuesdays 10 to 12", b"the library")


@keeps(2)
@compromise("a powered-off host, or any backup of the working facts",
            yields="coarse facts (quarter, first area, codes), ciphertext, row counts",
            spares="narratives, messages, contacts, names")  # fmt: skip
def test_a_stolen_disk_tells_no_story(played):
    see_all()
    rows = stored("default")
    text = b"\n".join(itertools.chain.from_iterable(rows.values()))
    assert b"Zandria South" in text and len(rows["monitoring_incident"]) >= 9
    for secret in SECRETS:
        assert secret not in text and secret.hex().encode() not in text


def every_key_on_the_disk() -> list[bytes]:
    """Whatever in the keys database could be tried as a key."""
    blobs = [bytes(r.wrapped) for r in Reader.objects.all()] + [bytes(d.wrapped) for d in DataKey.objects.all()]
    blobs += [bytes(k.wrapped_private) for k in PersonKey.objects.all()]
    blobs += [bytes(s.sealed_private) for s in ServiceKey.objects.all()]
    for row in RootKey.objects.all():
        blobs += [bytes.fromhex(p) for p in row.pieces.values()] + [bytes(row.check_value)]
    return [blob[i : i + 32] for blob in blobs for i in (0, 1, len(blob) - 32)]


@keeps(2)
@compromise("the keys database beside it", yields="wrapped keys, public keys, who reads which compartment",
            spares="anything sealed: no key lies there that opens without a person's passphrase, and no passphrase opens "
                   "without two keepers")  # fmt: skip
def test_both_databases_together_open_nothing(played):
    see_all()
    text = b"\n".join(itertools.chain.from_iterable(stored("keys").values()))
    assert b"claims" in text
    for secret in SECRETS:
        assert secret not in text and secret.hex().encode() not in text
    claim = Claim.objects.exclude(account=b"").first()
    context = seal.field_context(vaultkeys.NODE, claim.ref, "Claim", "account", 1)
    for key in every_key_on_the_disk():
        if len(key) == 32:
            with pytest.raises(Unopenable):
                seal.open_field(key, bytes(claim.account), context)
    # With a reader's passphrase as well, what lies on the disk is still under the root key, which lies nowhere.
    reader = Reader.objects.get(compartment__name="claims", person=_ref("inga"))
    private = userkeys.open_user_key(bytes(PersonKey.objects.get(person=reader.person).wrapped_private), _passphrase())
    with pytest.raises(Unopenable):
        seal.unwrap(private, bytes(reader.wrapped), roomkeys.reader_context("claims", reader.person))


def _passphrase() -> str:
    from conftest import PASSPHRASE

    return PASSPHRASE


def _ref(handle: str) -> str:
    from answerable.alliance.models import Person

    return Person.objects.get(handle=handle).ref


@keeps(1)
@compromise("a live host, watched by root", yields="the root key in memory; what sessions open while watched; new texts as they arrive",
            spares="past narratives that nobody opens; any identity")  # fmt: skip
def test_the_vaults_memory_and_disk_without_a_session_secret_open_nothing(played):
    see_all()
    ask("sign_in", handle="inga", passphrase=_passphrase())
    root = vaultkeys.CHAMBER.root
    assert root is not None
    # Everything root can take from memory and disk: the root key, sealed sessions, every row. Not: what browsers hold.
    for session in vaultkeys.CHAMBER.sessions.values():
        for secret in (root, session.proof, session.sealed[:32]):
            with pytest.raises(Unopenable):
                userkeys.open_for_session(secret, session.sealed)
    for reader in Reader.objects.filter(compartment__name="claims"):
        context = roomkeys.reader_context("claims", reader.person)
        wrapped = rootkey.open_at_rest(root, bytes(reader.wrapped), context)
        for key in (root * 3, bytes(96)):
            with pytest.raises(Unopenable):
                seal.unwrap(key, wrapped, context)


@keeps(1)
@compromise("a live host, changed by root", yields="also what is typed into pages it alters from then on",
            spares="identities sealed before: no key to them was ever on the host")  # fmt: skip
def test_no_key_of_the_host_opens_an_identity(played):
    root, tried = vaultkeys.CHAMBER.root, 0
    privates = [userkeys.open_user_key(bytes(k.wrapped_private), _passphrase()) for k in PersonKey.objects.all()[:40]]
    privates += [
        rootkey.open_at_rest(root, bytes(s.sealed_private), f"service|{s.name}".encode())
        for s in ServiceKey.objects.all()
    ]
    for row in IdentityBlock.objects.all():
        block = identity.IdentityBlock.from_bytes(bytes(row.block))
        for (one, other, seat), private in itertools.product(block.shares, privates):
            tried += 1
            with pytest.raises(Unopenable):
                identity.open_share(block, row.subject, seat, other if seat == one else one, private)
    assert tried >= 40 * 6


@compromise("the office process",
            yields="what its own users may open, each opening in the record and within the day's budget; what is typed there while it "
            "is watched, passphrases too; any act in the record under the name of whoever's session it used, and rows and entries "
            "that say what nobody did",
            spares="roles: no row and no entry under another's name gives one in the vault, and none given in two stolen sessions lets "
            "anybody into a compartment for two days; identities: none is asked for or approved but in a live session that told the "
            "vault; private keys of persons, compartments and seats; the keys database, which it "
            "cannot name; other persons' compartments")  # fmt: skip
def test_the_office_can_ask_and_never_hold(played, settings):
    see_all()
    token = ask("sign_in", handle="inga", passphrase=_passphrase())["token"]
    incident, claim = Incident.objects.first(), Claim.objects.get(ref=played["run"].fresh("$claim").ref)
    assert ask("open", token=token, ref=claim.ref, fields=["alias"], purpose="contact") == {"alias": "N."}
    for ref, field, purpose in ((incident.ref, "narrative", "verification"), (incident.ref, "narrative", "contact"),
                                (claim.ref, "account", "adjudication")):  # fmt: skip
        with pytest.raises(Refused):
            ask("open", token=token, ref=ref, fields=[field], purpose=purpose)
    from answerable.vault import service

    for operation in service.OPERATIONS.values():
        if "office" in operation.doors:
            assert "private" not in (operation.answer.__annotations__.get("return") or ""), operation.name


@compromise("one person's passphrase or passkey", yields="that person's assigned files, at most a day's budget, each in the record",
            spares="other compartments; identities; votes, payments and openings without a fresh confirmation")  # fmt: skip
def test_one_stolen_passphrase_is_stopped_by_the_days_budget(played, monkeypatch):
    from answerable.vault import budget

    see_all()
    claims = list(Claim.objects.order_by("id"))
    monkeypatch.setattr(budget, "table", lambda: {"CLM": 1, "default": 1})
    token = ask("sign_in", handle="inga", passphrase=_passphrase())["token"]
    wanted = [c for c in claims if "CP-CONT" in c.purposes][:1] + [c for c in claims if "CP-CONT" not in c.purposes][:1]
    opened = refused = 0
    for _ in range(3):
        for claim in wanted:
            try:
                ask("open", token=token, ref=claim.ref, fields=["alias"], purpose="contact")
                opened += 1
            except Refused as no:
                refused += no.reason in {"budget", "consent"}
    # The same file again costs nothing more; a second file is one too many.
    assert (opened, refused) == (3, 3)
