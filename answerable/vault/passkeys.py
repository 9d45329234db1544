"""Passkeys: what the browser is asked for, and whether what came back holds (WebAuthn level 3, with PRF).

The server's name is the host the page was served from; the vault accepts only hosts this installation answers to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.http.request import validate_host
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from answerable.vault.primitives import sha256

NAME = "Answerable"
CHALLENGE_SIZE = 32
LARGEST = 20_000


class NotHeld(Exception):
    """A passkey's answer does not hold. Says nothing more, on purpose."""


@dataclass(frozen=True)
class Made:
    """A passkey that was made just now."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]


def host_of(origin: str) -> str:
    """The host a page's origin names. Raises NotHeld when this installation does not answer to it."""
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        raise NotHeld from None
    if not host or not validate_host(host, settings.ALLOWED_HOSTS) or (settings.SECURE and parts.scheme != "https"):
        raise NotHeld
    return host


def prf_salt(host: str) -> bytes:
    """What every passkey of a host is asked to evaluate. Signing in names nobody, so it is the same for all; the answer
    is secret because each passkey has a secret of its own."""
    return sha256(b"answerable-prf/1|" + host.encode())


def _with_prf(options: Any, host: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    plain["extensions"] = {"prf": {"eval": {"first": bytes_to_base64url(prf_salt(host))}}}
    return plain


def to_make(origin: str, *, person: str, handle: str, challenge: bytes, known: Sequence[bytes]) -> dict[str, Any]:
    """Options for navigator.credentials.create: found by the authenticator itself, user verified, no attestation."""
    host = host_of(origin)
    return _with_prf(
        webauthn.generate_registration_options(
            rp_id=host,
            rp_name=NAME,
            user_id=sha256(b"answerable-user/1|" + person.encode()),
            user_name=handle,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=k) for k in known],
        ),
        host,
    )


def to_use(origin: str, *, challenge: bytes, known: Sequence[bytes] = ()) -> dict[str, Any]:
    """Options for navigator.credentials.get. Without `known` the browser offers whichever passkey belongs here."""
    host = host_of(origin)
    return _with_prf(
        webauthn.generate_authentication_options(
            rp_id=host,
            challenge=challenge,
            allow_credentials=[PublicKeyCredentialDescriptor(id=k) for k in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        host,
    )


def read(credential: str) -> tuple[Mapping[str, Any], bytes, bytes]:
    """(the answer, its credential's id, the challenge it signed). Nothing is verified yet. Raises NotHeld."""
    if len(credential) > LARGEST:
        raise NotHeld
    try:
        given = json.loads(credential)
        ident = base64url_to_bytes(given["id"])
        client = parse_client_data_json(base64url_to_bytes(given["response"]["clientDataJSON"]))
    except Exception:
        raise NotHeld from None
    return given, ident, client.challenge


def verify_made(given: Mapping[str, Any], *, origin: str, challenge: bytes) -> Made:
    """A new passkey's answer, verified. Raises NotHeld."""
    host = host_of(origin)
    try:
        made = webauthn.verify_registration_response(
            credential=dict(given),
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception:  # whatever is wrong with what a browser sent, it does not hold
        raise NotHeld from None
    sent = given["response"].get("transports")
    known = {"usb", "nfc", "ble", "internal", "hybrid", "smart-card", "cable"}
    transports = sorted({t for t in sent if isinstance(t, str)} & known) if isinstance(sent, list) else []
    return Made(made.credential_id, made.credential_public_key, made.sign_count, transports)


def verify_used(given: Mapping[str, Any], *, origin: str, challenge: bytes, public_key: bytes, sign_count: int) -> int:
    """An answer of a known passkey, verified; returns its new count.

    Raises NotHeld: a wrong signature, another page or host, no user verification, or a count that did not grow.
    """
    host = host_of(origin)
    try:
        used = webauthn.verify_authentication_response(
            credential=dict(given),
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception:
        raise NotHeld from None
    return used.new_sign_count
