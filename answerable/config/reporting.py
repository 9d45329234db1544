"""What a fault may say: the kind and the place, never the values (security.md §2.12, finding 6).

PostgreSQL puts whole rows into error texts ("Failing row contains (…)"), and tracebacks carry local
variables. Neither may reach a log, so faults are reported as type, file and line only.
"""

from __future__ import annotations

import logging
import re
from http import HTTPMethod, HTTPStatus
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter

from answerable.common.faults import where

_DETAIL = re.compile(r"(DETAIL|CONTEXT|HINT|STATEMENT):.*", re.S)
_METHODS = frozenset(m.value for m in HTTPMethod)


def _refused(record: logging.LogRecord) -> str:
    """What a refused request was refused with, in words of ours: its address, its headers and even the name of its method
    are whatever somebody sent.
    """
    status = getattr(record, "status_code", 0)
    said = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "refused"
    if record.name.startswith("django.security"):
        return f"{said} ({record.name.rpartition('.')[2]})"
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return said
    method = getattr(getattr(record, "request", None), "method", "")
    return f"{said} ({method if method in _METHODS else 'other'})"


class Scrub(logging.Filter):
    """Removes exception texts and database detail from every log line before it is written."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            # The message is replaced as well: Django formats the path into it, and a path may carry a reference.
            record.msg, record.args = f"fault: {where(record.exc_info[1])}", ()
            record.exc_info, record.exc_text = None, None
        else:
            of_a_request = record.name.startswith(("django.request", "django.security"))
            message = _refused(record) if of_a_request else _DETAIL.sub("", record.getMessage())
            record.msg, record.args = message.replace("\n", " ").replace("\r", " "), ()
        return True


class PlainFormatter(logging.Formatter):
    """Day and level, name and message; no thread, no process, no client."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")


class QuietReporter(ExceptionReporter):
    """Never renders locals, settings or request data, even if DEBUG were switched on by mistake."""

    def get_traceback_text(self) -> SafeString:
        return mark_safe(where(self.exc_value) if self.exc_value else "fault")  # noqa: S308 - no value is in it

    def get_traceback_html(self) -> SafeString:
        return self.get_traceback_text()
