"""How much room files sent at the door may take: a day's budget of one conversation and of all, and a floor of free space.

Only files are refused; words are a thousandth of one and are taken as long as there is any room at all.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.channel.models import Attachment, Thread
from answerable.common import clock
from answerable.common.errors import Refused

MB = 1024 * 1024
# From this share of a day's budget of all doors on the administrator is told.
TOLD_FROM = 0.8


@dataclass(frozen=True)
class Limits:
    """The figures in force, in bytes and files; `kept_free` is the free space below which no file is taken."""

    bytes_of_one: int
    files_of_one: int
    bytes_of_all: int
    files_of_all: int
    kept_free: int


@cache
def limits() -> Limits:
    """What tables/room.toml says."""
    with (Path(__file__).parent / "tables" / "room.toml").open("rb") as f:
        read = tomllib.load(f)
    one, every = read["conversation"], read["all_doors"]
    return Limits(
        one["megabytes_a_day"] * MB, one["files_a_day"], every["megabytes_a_day"] * MB, every["files_a_day"],
        read["disk"]["kept_free_megabytes"] * MB,
    )  # fmt: skip


def free() -> int:
    """Bytes free where files lie."""
    folder = Path(settings.QUARANTINE)
    return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def _taken(stored: Iterable[str]) -> tuple[int, int]:
    """(files, bytes) of these names in quarantine, as they lie there."""
    files = size = 0
    for name in stored:
        files += 1
        try:
            size += (Path(settings.QUARANTINE) / name).stat().st_size
        except OSError:
            continue  # emptied since; it counts as a file of the day
    return files, size


def taken_today(thread: Thread | None = None) -> tuple[int, int]:
    """(files, bytes) that came today, in one conversation or at all doors."""
    with reading_as(CLOCK):
        found = Attachment.objects.filter(received_on=clock.today())
        if thread is not None:
            found = found.filter(thread=thread)
        return _taken(found.values_list("stored", flat=True))


def make_sure(thread: Thread, size: int) -> None:
    """Raises Refused, with what can be done instead, when a file of so many bytes is not taken now."""
    most = limits()
    if free() - size < most.kept_free:
        raise Refused(
            _("There is too little room here just now to keep files safely, so none are taken. Words are taken as always: "
              "write what the file shows. Those who look after this see it; please try the file again in a day or two."),
            reason="room",
        )  # fmt: skip
    files, held = taken_today(thread)
    if files + 1 > most.files_of_one or held + size > most.bytes_of_one:
        raise Refused(
            _("From one page up to %(files)d files or %(mb)d MB can be sent in a day, and this would be more. You can send "
              "more from midnight on (UTC). Until then you can write a message, or send the file smaller.")
            % {"files": most.files_of_one, "mb": most.bytes_of_one // MB}, reason="room",
        )  # fmt: skip
    files, held = taken_today()
    if files + 1 > most.files_of_all or held + size > most.bytes_of_all:
        raise Refused(
            _("So many files came today that no more can be kept before midnight (UTC). Words are taken as always: write "
              "what the file shows, and send it tomorrow."), reason="room",
        )  # fmt: skip


def alarms() -> list[str]:
    """Sentences for whoever looks after the machines: room is short, or a day's files are nearly all there may be."""
    most, said, left = limits(), [], free()
    if left < 2 * most.kept_free:
        said.append(
            (_("%(free)d MB are free; files are refused until there are %(floor)d MB.") if left < most.kept_free
             else _("%(free)d MB are free; below %(floor)d MB files are refused."))
            % {"free": left // MB, "floor": most.kept_free // MB}
        )  # fmt: skip
    files, held = taken_today()
    if files >= TOLD_FROM * most.files_of_all or held >= TOLD_FROM * most.bytes_of_all:
        said.append(
            _("%(files)d files with %(mb)d MB came today; from %(most_files)d files or %(most_mb)d MB on they are refused until midnight (UTC).")
            % {"files": files, "mb": held // MB, "most_files": most.files_of_all, "most_mb": most.bytes_of_all // MB}
        )  # fmt: skip
    return said
