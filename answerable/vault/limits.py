"""How often someone may try: per name and altogether, in the vault's memory alone. No address and no name is kept.

A name is a bucket under an HMAC whose key dies with the process. Every attempt is counted before it is tried, so that
many at once get no more than one after another; one that succeeds is given back. A name nobody has is counted alike.

All names together have a window too, but it closes the door to nobody: a flood of invented names would otherwise keep
everyone out. Once it is full a name that has used up its free tries waits the window out; every other name is tried as
before, invented or not, with the same work and the same sentence, so that the answer never says who exists. Buckets of
people are kept apart from those of invented names, which a flood pushes out.
Signing in with a passkey is not limited here: there is nothing to guess, and someone hammering at a name must not be
able to keep its owner out.
"""

from __future__ import annotations

import hmac
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.common.errors import Refused
from answerable.vault import chamber
from answerable.vault.primitives import random_bytes

FREE_TRIES = 5
LONGEST_WAIT_SECONDS = 3600
FORGET_SECONDS = 24 * 3600
BUCKETS = 20_000
DAY_SECONDS = 24 * 3600
# All names together: a window of ten minutes.
WINDOW_SECONDS, IN_A_WINDOW = 600, 300


@dataclass
class Bucket:
    """Failed tries of one name, whether the last counts among all, and until when the next one waits."""

    tries: int = 0
    shared: bool = True
    until: float = 0.0
    last: float = 0.0


@dataclass(repr=False)
class Limits:
    """Tries in this process."""

    key: bytes = field(default_factory=lambda: random_bytes(32))
    buckets: OrderedDict[bytes, Bucket] = field(default_factory=OrderedDict)
    known: OrderedDict[bytes, Bucket] = field(default_factory=OrderedDict)
    taken: dict[bytes, tuple[float, int]] = field(default_factory=dict)
    began: float = -math.inf
    altogether: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def _bucket(self, name: str) -> bytes:
        return hmac.digest(self.key, " ".join(name.lower().split()).encode("utf-8", "surrogatepass"), "sha256")

    def try_once(self, name: str, *, known: bool = False, live: bool = False) -> None:
        """Count a try for `name`. Raises Refused, saying in how many minutes to try again.

        `known`: it is somebody's. `live`: whoever asks is signed in already, and counts for themselves alone.
        """
        now = chamber.seconds()
        with self.guard:
            if now - self.began > WINDOW_SECONDS or now < self.began:
                self.began, self.altogether = now, 0
            kept = self.known if known or live else self.buckets
            mark = self._bucket(name)
            bucket = kept.get(mark)
            if bucket is None or now - bucket.last > FORGET_SECONDS:
                bucket = kept[mark] = Bucket()
            kept.move_to_end(mark)
            until = bucket.until
            if self.altogether >= IN_A_WINDOW and not live and bucket.tries >= FREE_TRIES:
                until = max(until, self.began + WINDOW_SECONDS)
            if now < until:
                _wait(until - now)
            bucket.tries, bucket.last, bucket.shared = bucket.tries + 1, now, not live
            if bucket.tries >= FREE_TRIES:
                bucket.until = now + min(60.0 * 2 ** min(bucket.tries - FREE_TRIES, 10), LONGEST_WAIT_SECONDS)
            if not live:
                self.altogether += 1
            while len(kept) > BUCKETS:
                kept.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """The try was right: the name's count is forgotten and the try given back."""
        with self.guard:
            mark = self._bucket(name)
            bucket = self.known.pop(mark, None) or self.buckets.pop(mark, None)
            if bucket is not None and bucket.shared:
                self.altogether = max(0, self.altogether - 1)

    def take(self, name: str, number: int, *, most: int) -> None:
        """Count so many of something for `name`, of which a day has `most`. Raises Refused, and counts nothing, for more."""
        now = chamber.seconds()
        with self.guard:
            self.taken = {m: t for m, t in self.taken.items() if 0 <= now - t[0] < DAY_SECONDS}
            began, count = self.taken.get(mark := self._bucket(name), (now, 0))
            if count + number > most:
                raise Refused(
                    _("More pseudonyms were looked up today than a day has. Try again tomorrow, and tell the data protection "
                      "officer if the work needs more."),
                    reason="wait",
                )  # fmt: skip
            self.taken[mark] = began, count + number

    def clear(self) -> None:
        """Forget every try."""
        with self.guard:
            self.taken.clear()
            self.buckets.clear()
            self.known.clear()
            self.began, self.altogether = -math.inf, 0


def _wait(seconds: float) -> None:
    minutes = max(1, -int(-seconds // 60))
    raise Refused(
        ngettext(
            "There were too many attempts. Try again in %(n)d minute, or use your passkey.",
            "There were too many attempts. Try again in %(n)d minutes, or use your passkey.",
            minutes,
        )
        % {"n": minutes},
        reason="wait",
    )


LIMITS = Limits()
