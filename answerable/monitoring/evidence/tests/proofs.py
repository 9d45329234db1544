"""Proofs made here for tests: a time-stamping authority of our own, small web archives, OpenTimestamps proofs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from answerable.monitoring.evidence import opentimestamps

SHA256 = "2.16.840.1.101.3.4.2.1"
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    n = len(body)
    length = (
        bytes([n])
        if n < 128
        else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    )
    return bytes([tag]) + length + body


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    out = bytes([first * 40 + second])
    for n in rest:
        part = [n & 0x7F]
        while n := n >> 7:
            part.append(n & 0x7F | 0x80)
        out += bytes(reversed(part))
    return der(0x06, out)


def integer(n: int) -> bytes:
    return der(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


class Authority:
    """A root, and a certificate for time stamps under it."""

    def __init__(self, name: str = "Test Time Root", *, purpose: x509.ObjectIdentifier | None = None) -> None:
        self.root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        start, end = WHEN - timedelta(days=900), WHEN + timedelta(days=3000)
        builder = x509.CertificateBuilder().not_valid_before(start).not_valid_after(end).issuer_name(root)
        self.root = (
            builder.subject_name(root).public_key(self.root_key.public_key()).serial_number(1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.root_key.public_key()), critical=False)
            .sign(self.root_key, hashes.SHA256())
        )  # fmt: skip
        leaf = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name + " unit")])
        self.leaf = (
            builder.subject_name(leaf).public_key(self.key.public_key()).serial_number(2)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose or x509.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()), critical=False)
            .sign(self.root_key, hashes.SHA256())
        )  # fmt: skip

    @property
    def root_der(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.DER)

    @property
    def root_pem(self) -> str:
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, content: bytes, *, spoil: bool = False, bare: bool = False) -> bytes:
        """A time-stamp response over SHA-256 of the content; bare: the token without its response."""
        algorithm = der(0x30, oid(SHA256), der(0x05))
        info = der(
            0x30, integer(1), oid("1.3.6.1.4.1.99999.1"), der(0x30, algorithm, der(0x04, hashlib.sha256(content).digest())),
            integer(77), der(0x18, WHEN.strftime("%Y%m%d%H%M%SZ").encode()),
        )  # fmt: skip
        kind = oid("1.2.840.113549.1.9.16.1.4")
        signing = der(0x30, der(0x30, der(0x30, der(0x04, self.leaf.fingerprint(hashes.SHA256())))))
        attributes = sorted([
            der(0x30, oid("1.2.840.113549.1.9.3"), der(0x31, kind)),
            der(0x30, oid("1.2.840.113549.1.9.4"), der(0x31, der(0x04, hashlib.sha256(info).digest()))),
            der(0x30, oid("1.2.840.113549.1.9.16.2.47"), der(0x31, signing)),
        ])  # fmt: skip
        signature = self.key.sign(der(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
        if spoil:
            signature = self.root_key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
        signer = der(
            0x30, integer(1), der(0x30, self.leaf.issuer.public_bytes(), integer(self.leaf.serial_number)), algorithm,
            der(0xA0, *attributes), der(0x30, oid("1.2.840.10045.4.3.2")), der(0x04, signature),
        )  # fmt: skip
        data = der(
            0x30, integer(3), der(0x31, algorithm), der(0x30, kind, der(0xA0, der(0x04, info))),
            der(0xA0, self.leaf.public_bytes(serialization.Encoding.DER)), der(0x31, signer),
        )  # fmt: skip
        token = der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, data))
        return token if bare else der(0x30, der(0x30, integer(0)), token)


def warc(*pages: bytes, spoil: bool = False) -> bytes:
    target = io.BytesIO()
    writer = WARCWriter(target, gzip=not spoil)
    for n, page in enumerate(pages):
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.0")
        writer.write_record(writer.create_warc_record(f"http://news.invalid/{n}", "response", payload=io.BytesIO(page),
                                                      http_headers=headers))  # fmt: skip
    return target.getvalue().replace(pages[0], pages[0][::-1]) if spoil else target.getvalue()


def wacz(
    files=None, *, change=None, extra=None, key=None, authority=None, package=None, digest=True, spoil=False
) -> bytes:
    """A small archive. `change`: name → other bytes than listed; `extra`: unlisted members; `key`: signs it."""
    files = files or {"archive/data.warc.gz": warc(b"<p>one</p>", b"<p>two</p>"), "pages/pages.jsonl": b"{}\n"}
    listed = [{"name": n.split("/")[-1], "path": n, "hash": "sha256:" + hashlib.sha256(b).hexdigest(), "bytes": len(b)}
              for n, b in files.items()]  # fmt: skip
    raw = package if package is not None else json.dumps({"profile": "data-package", "resources": listed}).encode()
    named = "sha256:" + hashlib.sha256(raw).hexdigest()
    told = {"path": "datapackage.json", "hash": named}
    if key is not None:
        r, s = decode_dss_signature(key.sign(named.encode(), ec.ECDSA(hashes.SHA384())))
        signature = base64.b64encode(r.to_bytes(48, "big") + s.to_bytes(48, "big")).decode()
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        if spoil:
            signature = signature[:-8] + "AAAAAAA="
        told["signedData"] = {"hash": named, "signature": signature, "publicKey": base64.b64encode(public).decode()}
        if authority is not None:
            told["signedData"]["timeSignature"] = base64.b64encode(authority.token(signature.encode())).decode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in (files | (change or {}) | (extra or {})).items():
            z.writestr(name, content)
        z.writestr("datapackage.json", raw)
        if digest:
            z.writestr("datapackage-digest.json", json.dumps(told))
    return target.getvalue()


def number(n: int) -> bytes:
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def ots(content: bytes, *, height: int = 800_000, tail: bytes = b"") -> bytes:
    """A proof with two branches: a calendar's promise, and a Bitcoin block."""
    address = b"https://calendar.invalid/digest"
    pending = b"\x00" + bytes.fromhex("83dfe30d2ef90c8e") + number(len(address) + 1) + number(len(address)) + address
    block = b"\x00" + bytes.fromhex("0588960d73d71901") + number(len(number(height))) + number(height)
    branch = b"\xf0" + number(4) + b"salt" + b"\x08"
    return (opentimestamps.MAGIC + b"\x01\x08" + hashlib.sha256(content).digest() + b"\xff" + branch + pending + b"\x08"
            + block + tail)  # fmt: skip
