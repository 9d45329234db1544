"""How a file arrives from a browser: sealed piece by piece, never in the open on a disk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from answerable.monitoring.intake.staging import arrival


class Sealed(UploadedFile):
    """An upload of which only the sealed copy exists."""

    def __init__(self, arriving: arrival.Arriving, name: str) -> None:
        super().__init__(None, name=name, size=arriving.size)
        self.arriving = arriving


class Sealing(FileUploadHandler):
    """Seals what comes in, as it comes in."""

    arriving: arrival.Arriving | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.arriving = arrival.Arriving()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.arriving is not None:
            self.arriving.write(raw_data)

    def file_complete(self, file_size: int) -> Sealed | None:  # type: ignore[override]
        if self.arriving is None:
            return None
        self.arriving.close()
        return Sealed(self.arriving, self.file_name or "")

    def upload_interrupted(self) -> None:
        if self.arriving is not None:
            self.arriving.drop()


def sealed_on_arrival(view: Callable[..., Any]) -> Callable[..., Any]:
    """Files sent to this page are sealed as they arrive. The check against forged requests is made inside, after the
    handler is set: it reads the form, and with it the file.
    """
    checked: Callable[..., Any] = csrf_protect(view)

    @functools.wraps(view)
    def page(request: Any, *args: Any, **kwargs: Any) -> Any:
        request.upload_handlers = [Sealing(request)]
        return checked(request, *args, **kwargs)

    exempt: Callable[..., Any] = csrf_exempt(page)
    return exempt
