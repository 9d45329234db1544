"""What people send: CSV and XLSX of their own, exports of ODK Central and KoboToolbox. Any of them becomes rows.

ODK Central: a zip of CSV files, a table a repeat, joined by PARENT_KEY and KEY, files under media/; or the JSON of its
OData service, with __id, __system and the repeats expanded. KoboToolbox: CSV or XLSX with `group/question` headers and
_id, _uuid, _submission_time, _index; a sheet a repeat, joined by _parent_table_name and _parent_index; or the JSON of its API, under "results",
with _attachments. A select_multiple comes as one column, as a column for each answer, or both.

Nothing is trusted to be what it says: the first bytes tell what a file is, and what it unpacks to is limited.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.monitoring.intake.readers import delimited, objects, packed, reading
from answerable.monitoring.intake.readers.reading import (
    KOBO,
    MOST_COLUMNS,
    MOST_WHOLE,
    Delivery,
    Record,
    row_of,
    target,
)

__all__ = ["KOBO", "MOST_COLUMNS", "MOST_WHOLE", "Delivery", "Record", "read", "row_of", "target"]


def read(chunks: Iterator[bytes], name: str) -> Delivery:
    """What a file holds, whatever its name says. Raises Refused with what would help."""
    first = next(chunks, b"")
    while len(first) < 4096 and (more := next(chunks, b"")):
        first += more
    if not first.strip(b"\xef\xbb\xbf \r\n\t"):
        raise Refused(_("The file is empty. Export it again and choose it again."), reason="file")
    ending = name.rpartition(".")[2].lower()
    if first[:4] == b"PK\x03\x04":
        if ending not in {"zip", "xlsx"}:
            reading.lies()
        return packed.from_packed(reading.whole(first, chunks), ending)
    if first.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
        if ending not in {"json", "txt"}:
            reading.lies()
        return objects.from_json(reading.whole(first, chunks))
    if ending in {"xlsx", "zip", "json"} or b"\x00" in first or first[:5] == b"%PDF-" or first[:3] == b"\xff\xd8\xff":
        reading.lies()
    return delimited.from_csv(delimited.lines(first, chunks))
