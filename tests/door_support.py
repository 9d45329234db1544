"""The channel's pages in a test: its own addresses and middleware, and a vault that answers at the channel's door only."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.test.utils import override_settings
from tests_support import see_all

from answerable.vault import client as vault
from answerable.vault import frames, service
from answerable.vault.doors import DOORS

# Tests do not wait for the door's hours; the timing test sets its own grid.
GRID = {"seconds": 0.001}
FILLED = (12 * 1024, 20 * 1024, 29 * 1024)


def ask_at_the_door(op, /, **args):
    """What `client.ask` is in the channel process: the same frames, through the channel's door."""
    from django.utils.translation import get_language

    request = frames.unpack(frames.pack({"op": op, "args": args, "language": get_language() or "en"})[4:])
    reply = frames.unpack(frames.pack(service.perform("channel", request))[4:])
    if "refused" in reply:
        raise vault.Refused(reply["refused"], reason=reply["reason"])
    if "answer" not in reply:
        raise vault.VaultFault(reply["fault"])
    return reply["answer"]


class Visitor(Client):
    """Someone at the door: sends forms the way a browser does, with the token of the page they are on."""

    at = "/"

    def request(self, **request):
        from answerable.config.settings import channel_parts

        names = ("ROOT_URLCONF", "MIDDLEWARE", "CONTENT_SECURITY_POLICY", "TEMPLATES")
        with override_settings(
            **{n: getattr(channel_parts, n) for n in names}, SECURE_REFERRER_POLICY="no-referrer",
            CHANNEL_GRID_SECONDS=GRID["seconds"], CHANNEL_FLOOR_SECONDS=GRID["seconds"],
        ):  # fmt: skip
            return super().request(**request)

    def post(self, path, data=None, content_type=None, **extra):
        """As a browser sends it: in several parts only where there is a file."""
        if content_type is None and not any(hasattr(v, "read") for v in (data or {}).values()):
            data, content_type = urlencode(data or {}, doseq=True), "application/x-www-form-urlencoded"
        return super().post(path, data, content_type or MULTIPART_CONTENT, **extra)

    def see(self, path: str) -> str:
        reply = self.get(path)
        for _ in range(4):
            if reply.status_code != 303:
                break
            path = reply.headers["Location"]
            reply = self.get(path)
        assert reply.status_code == 200, (path, reply.status_code)
        self.at, self.page = path, reply
        return html.unescape(reply.content.decode())

    def token(self) -> str:
        return re.search(r'name="t" value="([^"]+)"', self.page.content.decode()).group(1)

    def send(self, path: str, **fields):
        self.page = self.page if getattr(self, "page", None) is not None else self.get("/enter/")
        return self.post(path, {"t": self.token(), **fields})

    def say(self, path: str, **fields) -> str:
        reply = self.send(path, **fields)
        assert reply.status_code == 303, (path, reply.status_code)
        return self.see(reply.headers["Location"])

    def next(self, answer, act: str = "next") -> str:
        at = re.search(r'name="at" value="(\d+)"', self.page.content.decode()).group(1)
        return self.say("/write/", a=answer, at=at, act=act)

    def code(self) -> str:
        return "".join(re.findall(r"<li>(\d{4})</li>", self.page.content.decode()))


@pytest.fixture
def door(played, db, monkeypatch):
    """`door()` is someone who comes to the channel."""
    from answerable.channel import guard, kit_views, views
    from answerable.safeguarding import views_door

    for module in (views, guard, kit_views, views_door):
        monkeypatch.setattr(module, "ask", ask_at_the_door)
    DOORS.sessions.clear()
    DOORS.tries.clear()
    DOORS.everyone.clear()
    return Visitor


def began(visitor: Visitor, *, pin: str, text: str, kind: str = "help", name: str = "", need: str = "") -> str:
    """Write a message from the first page on; returns the code, with the visitor inside."""
    visitor.see("/begin/")
    visitor.say("/begin/", kind=kind)
    visitor.next("yes")
    visitor.next(pin, act="next" if pin else "skip")
    visitor.next(text)
    visitor.next(name, act="next" if name else "skip")
    if kind == "help":
        visitor.next(need, act="next" if need else "skip")
    visitor.say("/write/", at="5" if kind == "help" else "4", act="send")
    code = visitor.code()
    assert len(code) == 24
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    return code


def newest():
    """The thread that was opened last."""
    from answerable.channel.models import Thread

    see_all()
    return Thread.objects.order_by("-id").first()


def enter(door, code: str, pin: str = "") -> tuple[object, str]:
    """Someone who typed a code comes in; the visitor and what they see."""
    visitor = door()
    visitor.see("/enter/")
    return visitor, visitor.say("/enter/", code=code, pin=pin)


def lodged(visitor, programme, **more) -> None:
    """Ask for reparation, to the end: what is not said is skipped."""
    answers = {
        "care": "yes", "pin": "2468", "programme": programme.ref, "claim_type": "CL-DIR", "year": "2026", "month": "1", "area1": "OTHER", "area2": "The south",
        "country": "Pelland", "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "yes", **more,
    }  # fmt: skip
    from answerable.channel.steps import steps_of

    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    for step in steps_of("claim", has_code=False):
        value = answers.get(step.name)
        page = visitor.next(value if value is not None else "", act="next" if value is not None else "skip")
        assert "needed to go on" not in page, step.name
    visitor.say("/write/", at=str(len(steps_of("claim", has_code=False))), act="send")
