"""Who stands at the channel's door: sessions and attempts, in the vault's memory and nowhere else. No framework.

A session's contents are sealed under a secret that only the visitor's cookie holds; ten idle minutes and it is gone.
Attempts are counted by what was typed, through the pepper, never by where someone is.
"""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from answerable.vault import chamber, primitives, seal
from answerable.vault.primitives import Unopenable

IDLE_SECONDS = 600
WRITING_SECONDS = 1800
LONGEST_SECONDS = 4 * 3600
SESSIONS = 20_000
# What is begun and not sent, of everyone who came without a code, together. When it is full the idlest of those that hold
# more than their share give way; whoever came in with a code never does.
BEGUN_BYTES = 64 * 1024 * 1024
# Sessions of one channel at once, with the PIN and without it each for themselves: the idlest of these makes room.
OF_ONE_CHANNEL = 20
GAVE_WAY_SECONDS = 2 * 3600
# PINs tried with one whole code, which only its holder or a thief of the paper has (decision 0023); what is over the
# limit is answered like a code that opens nothing.
TRIES_AN_HOUR, TRIES_A_DAY = 10, 40
# Attempts of everyone together within some seconds; past that the door asks for a minute's patience, whatever was
# typed. What the door can serve is bounded by its two stretching processes (some four attempts a second at full cost)
# and by the places of their queue, which asks the same patience and is free again as soon as it is worked off. This
# count lies far above both: it bounds only what costs no stretching, and closes the door for seconds, not a minute.
CROWD, CROWD_SECONDS = 1000, 10
# A button tapped again sends the same words again; within this time they are one.
SAME_SECONDS = 60
_CONTEXT = b"answerable-door-session/1"


@dataclass(repr=False)
class _Session:
    sealed: bytes
    proof: bytes
    began: float
    seen: float
    idle: float
    channel: str
    inside: str = ""
    turn: threading.RLock = field(default_factory=threading.RLock)


@dataclass(repr=False)
class _Once:
    at: float
    token: str = ""
    turn: threading.RLock = field(default_factory=threading.RLock)


@dataclass(repr=False)
class Doors:
    """The state of the door in one vault process."""

    sessions: dict[bytes, _Session] = field(default_factory=dict)
    tries: dict[bytes, deque[float]] = field(default_factory=dict)
    recent: dict[bytes, _Once] = field(default_factory=dict)
    everyone: deque[float] = field(default_factory=lambda: deque(maxlen=CROWD))
    writing: deque[float] = field(default_factory=lambda: deque(maxlen=CROWD))
    # Which begun forms gave way, and when sessions of a channel were ended: for some time, without what they held.
    gave_way: dict[bytes, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    guard: threading.RLock = field(default_factory=threading.RLock)

    def begin(
        self,
        contents: dict[str, Any],
        *,
        channel: str = "",
        writing: bool = False,
        inside: str = "",
        since: float = 0.0,
    ) -> str:
        """A session; returns the token for the cookie (64 characters, always).

        `inside` says with what someone came in ("page" with the PIN, "new" with the code alone, "" with neither). One
        whose channel's sessions were all ended after `since`, while its code was being opened, is over at once.
        """
        ident, secret, now = primitives.random_bytes(16), primitives.random_bytes(32), chamber.seconds()
        idle = WRITING_SECONDS if writing else IDLE_SECONDS
        with self.guard:
            self._sweep(now)
            if since == 0.0 or self.ended.get(channel, -1.0) < since:
                self.sessions[ident] = _Session(
                    _seal(secret, contents), primitives.sha256(secret), now, now, idle, channel, inside
                )
                self._make_room(ident, now)
        return base64.urlsafe_b64encode(ident + secret).decode()

    def _make_room(self, newest: bytes, now: float) -> None:
        """Let sessions go until number and bytes are within their bounds, and never the one that was just written."""
        mine = self.sessions[newest]
        if mine.inside:
            same = [i for i, s in self.sessions.items() if (s.channel, s.inside) == (mine.channel, mine.inside)]
            if len(same) > OF_ONE_CHANNEL:
                del self.sessions[min((i for i in same if i != newest), key=lambda i: self.sessions[i].seen)]
        begun = {i: len(s.sealed) for i, s in self.sessions.items() if not s.inside}
        held = sum(begun.values())
        # A flood takes nobody's page: the one idle for longest of those who came without a code gives way.
        while len(self.sessions) > SESSIONS or held > BEGUN_BYTES:
            share = held / max(1, len(begun)) if held > BEGUN_BYTES else 0
            going = [i for i, size in begun.items() if i != newest and size >= share]
            going = going or [i for i in begun if i != newest]
            if not going:
                if len(self.sessions) > SESSIONS:
                    del self.sessions[
                        min((i for i in self.sessions if i != newest), key=lambda i: self.sessions[i].seen)
                    ]
                return
            first = min(going, key=lambda i: self.sessions[i].seen)
            held -= begun.pop(first)
            del self.sessions[first]
            self.gave_way[first] = now

    def _sweep(self, now: float) -> None:
        for ident in [i for i, s in self.sessions.items() if now - s.seen > s.idle or now - s.began > LONGEST_SECONDS]:
            del self.sessions[ident]
        if len(self.gave_way) > SESSIONS or len(self.ended) > 1000:
            self.gave_way = {i: at for i, at in self.gave_way.items() if now - at < GAVE_WAY_SECONDS}
            while len(self.gave_way) > SESSIONS:
                del self.gave_way[next(iter(self.gave_way))]
            self.ended = {c: at for c, at in self.ended.items() if now - at < SAME_SECONDS * 5}

    def made_room(self, token: str) -> bool:
        """Whether what this token began had to give way to others."""
        try:
            return base64.urlsafe_b64decode(token.encode())[:16] in self.gave_way
        except ValueError:
            return False

    def _find(self, token: str) -> tuple[_Session, bytes] | None:
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            return None
        now = chamber.seconds()
        self._sweep(now)
        session = self.sessions.get(raw[:16])
        if session is None or not hmac.compare_digest(session.proof, primitives.sha256(raw[16:])):
            return None
        session.seen = now
        return session, raw[16:]

    @contextmanager
    def claim(self, token: str) -> Iterator[None]:
        """One operation of a session at a time: a button tapped twice is taken twice one after the other, so that the
        second sees what the first did. A token without a session waits for nobody.
        """
        with self.guard:
            found = self._find(token)
        if found is None:
            yield
            return
        with found[0].turn:
            yield

    def read(self, token: str) -> dict[str, Any] | None:
        """What a session holds, or None when it has ended."""
        with self.guard:
            found = self._find(token)
            return None if found is None else _open(found[1], found[0].sealed)

    def write(
        self, token: str, contents: dict[str, Any], *, channel: str | None = None, writing: bool = False,
        inside: str | None = None,
    ) -> bool:  # fmt: skip
        """Put other contents into a session; False when it has ended. Whoever writes has longer to think."""
        with self.guard:
            found = self._find(token)
            if found is None:
                return False
            found[0].sealed = _seal(found[1], contents)
            if writing:
                found[0].idle = WRITING_SECONDS
            if channel is not None:
                found[0].channel = channel
            if inside is not None:
                found[0].inside = inside
            self._make_room(base64.urlsafe_b64decode(token.encode())[:16], found[0].seen)
            return True

    def end(self, token: str) -> None:
        """Forget a session."""
        with self.guard:
            if self._find(token) is not None:
                self.sessions.pop(base64.urlsafe_b64decode(token.encode())[:16], None)

    def end_all_of(self, channel: str, *, but: str = "") -> None:
        """Forget every session of a channel but one: after a code or a PIN was replaced nobody stays inside with the old."""
        with self.guard:
            kept = base64.urlsafe_b64decode(but.encode())[:16] if but and self._find(but) else b""
            self.ended[channel] = chamber.seconds()
            for ident in [i for i, s in self.sessions.items() if s.channel == channel and i != kept]:
                del self.sessions[ident]

    def once(self, key: bytes, make: Callable[[], str]) -> str:
        """What `make` returns, made once for a key within a minute, also where two ask at the same time.

        The token it returns is held for that minute in this memory, for a form sent twice before any cookie was set.
        """
        with self.guard:
            now = chamber.seconds()
            self.recent = {k: r for k, r in self.recent.items() if now - r.at < SAME_SECONDS or not r.token}
            found = self.recent.setdefault(key, _Once(now))
        with found.turn:
            if not found.token:
                try:
                    found.token = make()
                except BaseException:
                    with self.guard:
                        self.recent.pop(key, None)
                    raise
            return found.token

    def may_try(self, bucket: bytes) -> bool:
        """Count an attempt; False when there were too many with this code."""
        now = chamber.seconds()
        with self.guard:
            if len(self.tries) > 100_000:
                self.tries = {b: t for b, t in self.tries.items() if t and now - t[-1] < 86400}
            times = self.tries.setdefault(bucket, deque(maxlen=TRIES_A_DAY))
            while times and now - times[0] > 86400:
                times.popleft()
            allowed = len(times) < TRIES_A_DAY and sum(now - t <= 3600 for t in times) < TRIES_AN_HOUR
            times.append(now)
            return allowed

    def crowded(self, *, writing: bool = False) -> bool:
        """Count an attempt of anyone; True when there were too many in the last seconds. Who is turned away is not counted.

        Answers to the questions of a form have a count of their own: many who write close the door to nobody with a code.
        """
        now, times = chamber.seconds(), self.writing if writing else self.everyone
        with self.guard:
            full = len(times) == CROWD and now - times[0] < CROWD_SECONDS
            if not full:
                times.append(now)
            return full

    def forgive(self, bucket: bytes) -> None:
        """Whoever opened her own page was no guesser, and a code that does not exist has no PIN to guess."""
        with self.guard:
            self.tries.pop(bucket, None)


def _seal(secret: bytes, contents: dict[str, Any]) -> bytes:
    plain = json.dumps(contents, default=_as_text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return primitives.aead_seal(primitives.derive(secret, "door"), seal.pad(plain), _CONTEXT)


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"~": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _open(secret: bytes, sealed: bytes) -> dict[str, Any] | None:
    try:
        plain = seal.unpad(primitives.aead_open(primitives.derive(secret, "door"), sealed, _CONTEXT))
    except Unopenable:
        return None
    contents: dict[str, Any] = json.loads(
        plain, object_hook=lambda d: base64.b64decode(d["~"]) if d.keys() == {"~"} else d
    )
    return contents


DOORS = Doors()
