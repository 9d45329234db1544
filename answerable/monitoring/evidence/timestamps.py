"""RFC 3161 time-stamp tokens and the signatures of web archives, checked without a network. No framework.

The one module of monitoring that holds cryptography: signatures of others are checked here, nothing is ever signed or
sealed. It runs in the closed room only (checker.py), because what it reads was made by strangers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

import rfc3161_client
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from rfc3161_client.errors import VerificationError

from answerable.monitoring.evidence.said import HELD, NOT_CHECKABLE, NOT_HELD, Broken, Said

LARGEST = 64 * 1024
_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


def _length(n: int) -> bytes:
    if n < 128:
        return bytes([n])
    raw = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(raw)]) + raw


def _response(token: bytes) -> rfc3161_client.TimeStampResponse:
    """A response, or a bare token put into one (RFC 3161 §2.4.2). Raises Broken."""
    status = b"\x30\x03\x02\x01\x00"  # granted
    for candidate in (token, b"\x30" + _length(len(status) + len(token)) + status + token):
        try:
            found = rfc3161_client.decode_timestamp_response(candidate)
            _ = found.tst_info.gen_time
            return found
        except Exception:  # noqa: S112 - see below
            # The decoder raises what it likes for bytes that are no response; only the second failure is an answer.
            continue
    raise Broken("tsa.unreadable")


def check(token: bytes, digests: Mapping[str, bytes], roots: Sequence[bytes], *, of: str = "file") -> list[Said]:
    """Whether a token is about this hash, and signed under a root that the office entered (DER). Raises Broken.

    `of`: what the hash is of, "file" or "archive" for the sentence. Whether a certificate was revoked needs a network
    and is said so.
    """
    if len(token) > LARGEST:
        raise Broken("tsa.unreadable")
    response = _response(token)
    info = response.tst_info
    name = _HASHES.get(info.message_imprint.hash_algorithm.dotted_string, "")
    said = []
    if name not in digests:
        said.append(Said("tsa.hash", NOT_CHECKABLE))
        expected = bytes(info.message_imprint.message)
    else:
        expected = digests[name]
        same = expected == bytes(info.message_imprint.message)
        said.append(Said(f"tsa.{of}", HELD if same else NOT_HELD, {"hash": name}))
        expected = bytes(info.message_imprint.message)
    when = info.gen_time.strftime("%Y-%m-%d %H:%M:%S")
    if not roots:
        return [*said, Said("tsa.noroots", NOT_CHECKABLE, {"at": when})]
    # One root at a time, so that the sentence names the one it holds under. The token's signature, its chain at the time
    # it names, the purpose of its certificate (RFC 3161 §2.3) and its hash are checked by the library.
    for root in roots:
        certificate = x509.load_der_x509_certificate(root)
        verifier = rfc3161_client.VerifierBuilder(roots=[certificate]).build()
        try:
            verifier.verify(response, expected)
        except (VerificationError, ValueError):
            continue
        said.append(Said("tsa.signed", HELD, {"at": when, "root": _name(certificate)}))
        return [*said, Said("tsa.revocation", NOT_CHECKABLE)]
    return [*said, Said("tsa.unsigned", NOT_HELD, {"at": when, "n": len(roots)})]


def _name(certificate: x509.Certificate) -> str:
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(common[0].value) if common else certificate.subject.rfc4514_string()
    return "".join(c for c in text if c.isprintable())[:80]


def root_from_pem(pem: str) -> tuple[bytes, str]:
    """A root certificate as DER, and its name. Raises Broken for what is no certificate of an authority."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound):
        raise Broken("tsa.root") from None
    if not constraints.ca:
        raise Broken("tsa.root")
    return certificate.public_bytes(serialization.Encoding.DER), _name(certificate)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, hex."""
    return hashlib.sha256(der).hexdigest()


def signature_holds(message: bytes, signature: str, *, public_key: str = "", certificate: str = "") -> bool | None:
    """Whether a signature in base64 is this key's over the message; None for a kind of key that is not checked here.

    The key is a base64 SubjectPublicKeyInfo (archives signed by whoever made them) or a PEM certificate's (signed by a
    service). Both ways of writing an ECDSA signature are tried, as archives use both. Raises Broken.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        key = (
            x509.load_pem_x509_certificate(certificate.encode()).public_key()
            if certificate
            else serialization.load_der_public_key(base64.b64decode(public_key, validate=True))
        )
    except (ValueError, binascii.Error):
        raise Broken("wacz.signature") from None
    if isinstance(key, rsa.RSAPublicKey):
        return any(_rsa(key, raw, message, h) for h in (hashes.SHA256(), hashes.SHA512()))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return None
    written = [raw]
    if len(raw) % 2 == 0:
        half = len(raw) // 2
        written.append(encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")))
    return any(_ecdsa(key, s, message, h) for s in written for h in (hashes.SHA256(), hashes.SHA384()))


def _rsa(key: rsa.RSAPublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(signature, message, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


# The generator of P-256, a public key like another: enough to have every verifying part loaded.
_SOME_POINT = ec.EllipticCurvePublicNumbers(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ec.SECP256R1(),
)


def warm_up() -> None:
    """Have everything loaded that verifying loads late: in the closed room no file can be opened."""
    default_backend()
    some = _SOME_POINT.public_key()
    _ecdsa(some, encode_dss_signature(1, 1), b"", hashes.SHA256())
    _rsa(rsa.RSAPublicNumbers(65537, (1 << 2047) | 1).public_key(), bytes(256), b"", hashes.SHA256())
    public = some.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signature_holds(b"", base64.b64encode(bytes(64)).decode(), public_key=base64.b64encode(public).decode())
