"""A file on its way in: held in memory, never in a temporary file, and no more than a telephone's picture or a document."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import parse_cookie

LARGEST = 12 * 1024 * 1024
FILES_COME_TO = "/inside/file/"


class InMemory(FileUploadHandler):
    """Django's own handlers would put a larger file into a temporary one, in the clear; this one stops instead."""

    largest = LARGEST

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.all = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.held = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.all += len(raw_data)  # of all files of one form together
        if self.all > self.largest:
            raise StopUpload(connection_reset=False)
        self.held.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.held.seek(0)
        return InMemoryUploadedFile(
            self.held, self.field_name, self.file_name or "", self.content_type, file_size, self.charset,
            self.content_type_extra,
        )  # fmt: skip


class FormFile(InMemory):
    """A file on a form of the office whose page says nothing else: held in memory, and bounded."""

    largest = 64 * 1024 * 1024


def whose(environ: dict[str, Any]) -> str:
    """Whose page a file is sent to, as a digest of the visit; "" when it is nobody's, so that none of it is read."""
    from answerable.channel import guard, languages
    from answerable.common.errors import Refused
    from answerable.vault.client import VaultFault, ask

    token = parse_cookie(environ.get("HTTP_COOKIE", "")).get(guard.cookie_name(), "")[:64]
    if not token or languages.without(environ["PATH_INFO"]) != FILES_COME_TO:
        return ""
    try:
        return guard.visit_of(token) if ask("door_level", token=token) == "page" else ""
    except (Refused, VaultFault):
        return ""
