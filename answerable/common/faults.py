"""What a fault may say: the kind and the place, never the values (security.md §2.12, finding 6)."""

from __future__ import annotations

import errno
import traceback


def where(error: BaseException) -> str:
    """The chain of an error as `Type at file:line in function`, without any message or value."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 6:
        frames = traceback.extract_tb(current.__traceback__)
        spots = " < ".join(f"{f.filename.rsplit('/', 3)[-1]}:{f.lineno} in {f.name}" for f in reversed(frames[-6:]))
        parts.append(f"{type(current).__name__} at {spots or 'unknown place'}")
        current = current.__cause__ or current.__context__
    return "; caused by ".join(parts)


# PostgreSQL's lock_not_available, and deadlock_detected.
_NOT_GIVEN = frozenset({"55P03", "40P01"})


def waited_too_long(error: BaseException) -> bool:
    """Whether a database ended a transaction because a lock was not given in time, or two waited for each other."""
    current: BaseException | None = error
    while current is not None:
        if getattr(current, "sqlstate", None) in _NOT_GIVEN:
            return True
        current = current.__cause__ or current.__context__
    return False


# What a system says where nothing more can be written: the disk is full, a share of it is used up, a file is at its most.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_full(error: BaseException) -> bool:
    """Whether a disk, here or the database's, had no room left."""
    current: BaseException | None = error
    for _depth in range(6):
        if current is None:
            break
        # 53100 is what PostgreSQL calls it.
        if getattr(current, "errno", None) in _FULL or getattr(current, "sqlstate", "") == "53100":
            return True
        current = current.__cause__ or current.__context__
    return False
