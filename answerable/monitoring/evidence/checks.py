"""Proofs checked in the closed room, and what was found in words: held, not held, or not checkable here and why."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.monitoring.evidence.said import HELD, NOT_CHECKABLE, NOT_HELD, OUTCOMES
from answerable.vault.uploads import derivative
from answerable.vault.uploads.sentences import CannotShow

WALL_SECONDS = 30.0
MOST_SAID = 60
# A sentence for each finding and outcome; one under None serves every outcome. Figures come from the proof, cleaned.
WORDS: Mapping[str, Mapping[str | None, str]] = {
    "tsa.file": {HELD: gettext_noop("The time stamp is about this very file (%(hash)s)."),
                 NOT_HELD: gettext_noop("The time stamp is about another file: its hash (%(hash)s) is not this file's.")},
    "tsa.archive": {HELD: gettext_noop("The archive's time stamp is about its signature (%(hash)s)."),
                    NOT_HELD: gettext_noop("The archive's time stamp is about something else than its signature.")},
    "tsa.hash": {None: gettext_noop("The time stamp uses a hash that is not checked here; SHA-256, SHA-384 and SHA-512 are.")},
    "tsa.signed": {None: gettext_noop("It was signed on %(at)s UTC under the trusted root “%(root)s”.")},
    "tsa.unsigned": {None: gettext_noop(
        "It says %(at)s UTC, but its signature leads to none of the %(n)s trusted roots entered here, or does not hold.")},
    "tsa.noroots": {None: gettext_noop(
        "It says %(at)s UTC, but no trusted root is entered here, so the signature could not be checked.")},
    "tsa.revocation": {None: gettext_noop(
        "Whether the signer's certificate was revoked since is not checkable here: that needs a network.")},
    "tsa.unreadable": {None: gettext_noop("The time stamp cannot be read as one (RFC 3161).")},
    "ots.file": {HELD: gettext_noop("The OpenTimestamps proof begins with this very file (%(hash)s)."),
                 NOT_HELD: gettext_noop("The OpenTimestamps proof begins with the hash of another file (%(hash)s).")},
    "ots.hash": {None: gettext_noop("The proof begins with a hash that is not checked here (%(hash)s).")},
    "ots.pending": {None: gettext_noop(
        "The calendar %(calendar)s promised to put it into a Bitcoin block; the proof was not completed since. Not checked here.")},
    "ots.bitcoin": {None: gettext_noop(
        "It names Bitcoin block %(height)s, whose Merkle root must then be %(root)s. Not checked here: compare it with the "
        "block header on a machine that has one.")},
    "ots.litecoin": {None: gettext_noop("It names Litecoin block %(height)s. Not checked here.")},
    "ots.other": {None: gettext_noop("It holds an attestation of a kind that is not known here.")},
    "ots.unreadable": {None: gettext_noop("The proof cannot be read as an OpenTimestamps proof.")},
    "ots.version": {None: gettext_noop("The proof is of a version of OpenTimestamps that is not known here.")},
    "wacz.resources": {HELD: gettext_noop("All %(held)s files that the archive lists are in it and unchanged (SHA-256)."),
                       NOT_HELD: gettext_noop(
        "Of the files the archive lists, %(held)s hold, %(wrong)s are changed and %(missing)s are missing (SHA-256).")},
    "wacz.unhashed": {None: gettext_noop("%(n)s listed files carry no SHA-256, so nothing shows whether they were changed.")},
    "wacz.unlisted": {None: gettext_noop("%(n)s files in the archive are not in its list, so nothing covers them.")},
    "wacz.records": {HELD: gettext_noop("All %(held)s web records with a digest agree with it."),
                     NOT_HELD: gettext_noop("%(wrong)s web records do not agree with their own digest; %(held)s do."),
                     NOT_CHECKABLE: gettext_noop("No web record carries a digest.")},
    "wacz.bare": {None: gettext_noop("%(n)s web records carry no digest to compare with.")},
    "wacz.norecords": {None: gettext_noop("The archive holds no web records (WARC).")},
    "wacz.nodigest": {None: gettext_noop(
        "The archive's list itself is not covered by a digest (datapackage-digest.json), so it could be changed with its files.")},
    "wacz.digest": {HELD: gettext_noop("The archive's list agrees with its digest file."),
                    NOT_HELD: gettext_noop("The archive's list was changed after its digest file was written.")},
    "wacz.unsigned": {None: gettext_noop("The digest file is not signed.")},
    "wacz.signature": {HELD: gettext_noop("The digest file's signature holds for the key it carries."),
                       NOT_HELD: gettext_noop("The digest file's signature does not hold.")},
    "wacz.key": {None: gettext_noop("The digest file is signed with a kind of key that is not checked here.")},
    "wacz.who": {None: gettext_noop("Whose key that is, is not checkable here: anyone can make one.")},
    "wacz.domain": {None: gettext_noop(
        "The key belongs to a web domain's certificate; whether a public authority issued it is not checkable here.")},
    "wacz.unreadable": {None: gettext_noop("The archive is damaged or is no WACZ; it was not read further.")},
    "wacz.package": {None: gettext_noop("The archive has no list of its files (datapackage.json) that can be read.")},
    "wacz.paths": {None: gettext_noop(
        "The archive holds a file under a name that leads outside it, or twice under one name. It is a trap or broken; it was not read.")},
    "wacz.locked": {None: gettext_noop("The archive is locked with a password; it was not read.")},
    "wacz.bomb": {None: gettext_noop(
        "The archive unpacks to far more than it says or than is looked at here. It is a trap or too large; it was not read further.")},
    "too-large": {None: gettext_noop("The file is too large to be checked here.")},
    "time": {None: gettext_noop("Checking took too long and was stopped.")},
    "room": {None: gettext_noop("Nothing could be checked on this machine at present, because its closed room does not start.")},
    "unreadable": {None: gettext_noop("The proof could not be read and was not checked.")},
}  # fmt: skip
# Broken is not held when the proof itself is at fault, not checkable when the machine is.
_MACHINE = {"too-large", "time", "room"}


def run(what: str, proof: bytes, original: bytes, roots: Sequence[bytes]) -> list[dict[str, Any]]:
    """Findings on a proof, checked in a process that is shut in; {code, outcome, figures} each. Raises nothing for a
    hostile proof: that is a finding.
    """
    digests = (
        {}
        if what == "wacz"
        else {n: hashlib.new(n, original).hexdigest() for n in ("sha1", "sha256", "sha384", "sha512")}
    )
    known = json.dumps({"digests": digests, "roots": [bytes(r).hex() for r in roots]}).encode()
    program = [sys.executable, "-I", "-B", "-m", "answerable.monitoring.evidence.checker", what]
    try:
        output = derivative.shut_in(program, len(known).to_bytes(4, "big") + known + proof, wall_seconds=WALL_SECONDS)
    except CannotShow as no:
        return [_finding(no.reason if no.reason in WORDS else "unreadable")]
    return _believed(output)


def _finding(code: str) -> dict[str, Any]:
    return {"code": code, "outcome": NOT_CHECKABLE if code in _MACHINE else NOT_HELD, "figures": {}}


def _believed(output: bytes) -> list[dict[str, Any]]:
    """The findings, as far as the output is what it must be; a checker that was taken over cannot say more than WORDS."""
    found: list[dict[str, Any]] = []
    shut_in = ended = False
    for tag, content in derivative.frames(output):
        if tag == b"room":
            shut_in = True
        elif tag == b"fail":
            code = content.decode("ascii", "replace")
            return [_finding(code if code in WORDS else "unreadable")]
        elif tag == b"said" and len(found) < MOST_SAID:
            found += _one(content)
        elif tag == b"done":
            ended = True
    if not shut_in:
        return [_finding("room")]
    return found if ended and found else [_finding("unreadable")]


def _one(content: bytes) -> list[dict[str, Any]]:
    try:
        said = json.loads(content)
        code, outcome, figures = str(said["code"]), str(said["outcome"]), dict(said["figures"])
    except (ValueError, KeyError, TypeError):
        return []
    if code not in WORDS or outcome not in OUTCOMES:
        return []
    clean = {
        str(k)[:20]: v if isinstance(v, int) else "".join(c for c in str(v) if c.isprintable())[:100]
        for k, v in list(figures.items())[:6]
    }
    return [{"code": code, "outcome": outcome, "figures": clean}]


def in_words(line: Mapping[str, Any]) -> str:
    """The sentence of a finding, in the reader's language."""
    outcomes = WORDS.get(line["code"], WORDS["unreadable"])
    sentence = outcomes.get(line["outcome"]) or outcomes.get(None) or next(iter(outcomes.values()))
    try:
        return _(sentence) % line["figures"] if line["figures"] else _(sentence)
    except (KeyError, ValueError):
        return _(WORDS["unreadable"][None])


def outcome_words(outcome: str) -> str:
    """Held, not held, not checkable here."""
    return {HELD: _("held"), NOT_HELD: _("not held")}.get(outcome, _("not checkable here"))
