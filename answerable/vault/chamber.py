"""What an unlocked vault holds in memory and nowhere else: the root key, unlocked sessions, keepers' halves.

A vault starts locked. Anyone who inspects may lock it; two keepers unlock it; it locks by itself when no keeper has
been heard for twelve hours, or when the record is not what it was. Sealing goes on while it is locked, because that
needs public keys only: nobody who comes to the door is turned away.
"""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from answerable.common import clock
from answerable.vault import rootkey, userkeys
from answerable.vault.primitives import Unopenable, random_bytes, sha256

IDLE_SECONDS = 600
LONGEST_SECONDS = 8 * 3600
HALF_SECONDS = 600
FRESH_SECONDS = 600
HEARTBEAT_SECONDS = 12 * 3600
CHALLENGE_SECONDS, CHALLENGES = 300, 5000
# Tests move this; durations are measured with a clock that nobody can set back.
seconds: Callable[[], float] = time.monotonic


@dataclass(repr=False)
class Session:
    """Someone's key for a while: sealed here, its secret in the person's browser, so neither side alone opens it."""

    person: str
    sealed: bytes
    epoch: int
    began: float
    seen: float
    proof: bytes
    confirmed: float

    def __repr__(self) -> str:
        return f"<Session of {self.person}>"


@dataclass(repr=False)
class Chamber:
    """The state of one vault process."""

    root: bytes | None = None
    demonstration: bool = False
    heard: float = 0.0
    why_locked: str = "started"
    # By the calendar, fixed once: every page names the same minute. No duration is worked out from it.
    locked_at: datetime = field(default_factory=clock.now)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    halves: dict[str, tuple[float, dict[str, bytes]]] = field(default_factory=dict)
    # Challenges given to browsers and not yet used: what for, for whom ("" before anyone is known), until when.
    challenges: dict[bytes, tuple[str, str, float]] = field(default_factory=dict)
    # The last entry this vault wrote; only the vault process watches, since a rehearsal's record may be undone.
    watches_record: bool = False
    seen: tuple[int, bytes] | None = None
    guard: threading.RLock = field(default_factory=threading.RLock)

    def __repr__(self) -> str:
        return f"<Chamber, {'locked' if self.root is None else 'unlocked'}>"

    def is_locked(self) -> bool:
        """Whether nothing can be opened now. Locks by itself when no keeper was heard for too long."""
        with self.guard:
            if self.root is not None and not self.demonstration and seconds() - self.heard > HEARTBEAT_SECONDS:
                self.lock("no keeper was heard for twelve hours")
            return self.root is None

    def lock(self, why: str) -> None:
        """Forget the root key, every session and every half, at once."""
        with self.guard:
            if self.root is not None or why != self.why_locked:
                self.locked_at = clock.now()
            self.root, self.why_locked = None, why
            self.sessions.clear()
            self.halves.clear()
            self.challenges.clear()

    def unlock(self, root: bytes, *, demonstration: bool = False) -> None:
        """Hold the root key from now on."""
        with self.guard:
            self.root, self.demonstration, self.heard, self.why_locked = root, demonstration, seconds(), ""
            self.halves.clear()

    def bring(self, keeper: str, halves: dict[str, bytes], check: bytes) -> bool:
        """Keep a keeper's half for ten minutes; True when with another's it gives the root key, and the vault opens."""
        with self.guard:
            now = seconds()
            self.halves = {k: v for k, v in self.halves.items() if now - v[0] <= HALF_SECONDS and k != keeper}
            for _when, other in self.halves.values():
                try:
                    root = rootkey.combine(halves, other)
                except Unopenable:
                    continue
                if hmac.compare_digest(rootkey.check_value(root), check):
                    self.unlock(root)
                    return True
            self.halves[keeper] = (now, halves)
            return False

    def halves_brought(self) -> list[str]:
        """Keepers whose half is here now, waiting for another's."""
        with self.guard:
            now = seconds()
            self.halves = {k: v for k, v in self.halves.items() if now - v[0] <= HALF_SECONDS}
            return sorted(self.halves)

    # --- challenges of passkeys ----------------------------------------------------------------------------------

    def challenge(self, purpose: str, person: str = "") -> bytes:
        """A fresh challenge of 32 bytes for one purpose, good once and for five minutes."""
        fresh, now = random_bytes(32), seconds()
        with self.guard:
            self.challenges = {c: v for c, v in self.challenges.items() if now <= v[2]}
            while len(self.challenges) >= CHALLENGES:
                del self.challenges[next(iter(self.challenges))]  # the oldest
            self.challenges[fresh] = (purpose, person, now + CHALLENGE_SECONDS)
        return fresh

    def spend(self, challenge: bytes, purpose: str, person: str = "") -> bool:
        """Whether this challenge was given for this and not used yet; from now on it is used."""
        with self.guard:
            found = self.challenges.pop(challenge, None)
        return found is not None and found[:2] == (purpose, person) and seconds() <= found[2]

    # --- sessions ------------------------------------------------------------------------------------------------

    def begin(self, person: str, private: bytes, epoch: int) -> str:
        """Keep someone's key for this session; returns the token their browser holds (48 bytes, base64)."""
        secret, sealed = userkeys.lock_for_session(private)
        ident, now = random_bytes(16), seconds()
        with self.guard:
            self._sweep(now)
            self.sessions[ident] = Session(person, sealed, epoch, now, now, sha256(secret), now)
        return base64.urlsafe_b64encode(ident + secret).decode()

    def _sweep(self, now: float) -> None:
        dead = [i for i, s in self.sessions.items() if now - s.seen > IDLE_SECONDS or now - s.began > LONGEST_SECONDS]
        for ident in dead:
            del self.sessions[ident]

    def find(self, token: str) -> Session | None:
        """The live session of a token, or None; being asked for keeps it alive."""
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            return None
        now = seconds()
        with self.guard:
            self._sweep(now)
            session = self.sessions.get(raw[:16])
            if session is None or not hmac.compare_digest(session.proof, sha256(raw[16:])):
                return None
            session.seen = now
            return session

    def is_fresh(self, session: Session) -> bool:
        """Whether the person signed in, or confirmed that it is they, in the last ten minutes."""
        return seconds() - session.confirmed <= FRESH_SECONDS

    def confirm(self, session: Session) -> None:
        """The person confirmed just now that it is they."""
        with self.guard:
            session.confirmed = seconds()

    def private(self, token: str) -> bytes | None:
        """The unlocked private key of a live session, for this moment; None when there is none."""
        session = self.find(token)
        if session is None:
            return None
        return userkeys.open_for_session(base64.urlsafe_b64decode(token.encode())[16:], session.sealed)

    def end(self, token: str) -> None:
        """Forget one session."""
        try:
            ident = base64.urlsafe_b64decode(token.encode())[:16]
        except ValueError:
            return
        with self.guard:
            if self.find(token) is not None:
                self.sessions.pop(ident, None)

    def sessions_of(self, person: str) -> int:
        """How many sessions of a person are live."""
        with self.guard:
            self._sweep(seconds())
            return sum(1 for s in self.sessions.values() if s.person == person)

    def end_all_of(self, person: str) -> int:
        """Forget every session of a person; returns how many there were."""
        with self.guard:
            mine = [i for i, s in self.sessions.items() if s.person == person]
            for ident in mine:
                del self.sessions[ident]
            return len(mine)


CHAMBER = Chamber()
