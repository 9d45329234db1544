"""A passkey in software, for tests: P-256, a counter, and a PRF secret of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SoftKey:
    """What an authenticator and a browser do together. Every part can be made wrong by a test."""

    def __init__(self, origin: str = "http://testserver") -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.ident, self.prf, self.count, self.origin = os.urandom(32), os.urandom(32), 0, origin

    def secret(self, options: dict) -> bytes:
        return hmac.digest(self.prf, raw(options["extensions"]["prf"]["eval"]["first"]), "sha256")

    def _auth(self, host: str, flags: int, count: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str | None) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin}).encode()

    def make(self, options: dict, *, uv: bool = True, origin: str | None = None) -> tuple[str, bytes]:
        """(credential, PRF secret) for navigator.credentials.create."""
        n = self.private.public_key().public_numbers()
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: n.x.to_bytes(32, "big"), -3: n.y.to_bytes(32, "big")})
        auth = self._auth(options["rp"]["id"], 0x41 | (0x04 if uv else 0), self.count)
        auth += bytes(16) + len(self.ident).to_bytes(2, "big") + self.ident + cose
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": auth})
        client = self._client("webauthn.create", options["challenge"], origin)
        response = {"attestationObject": b64(attestation), "clientDataJSON": b64(client), "transports": ["usb"]}
        return self._credential(response), self.secret(options)

    def use(self, options: dict, *, uv: bool = True, origin: str | None = None, count: int | None = None,
            host: str | None = None) -> tuple[str, bytes]:  # fmt: skip
        """(credential, PRF secret) for navigator.credentials.get."""
        self.count = self.count + 1 if count is None else count
        auth = self._auth(host or options["rpId"], 0x01 | (0x04 if uv else 0), self.count)
        client = self._client("webauthn.get", options["challenge"], origin)
        signature = self.private.sign(auth + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"authenticatorData": b64(auth), "clientDataJSON": b64(client), "signature": b64(signature)}
        return self._credential(response), self.secret(options)

    def _credential(self, response: dict) -> str:
        return json.dumps({"id": b64(self.ident), "rawId": b64(self.ident), "type": "public-key", "response": response})
