"""Whatever is typed at the door, the answer that opens nothing is one answer: bytes, headers, cookie, work and time (§4.8)."""

from __future__ import annotations

import ast
import bisect
import math
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from door_support import FILLED, GRID, Visitor, began
from promises import compromise, keeps
from tests_support import see_all

from answerable.channel import codes
from answerable.vault import doorkeys, primitives
from answerable.vault.chamber import CHAMBER
from answerable.vault.doors import DOORS

pytestmark = pytest.mark.django_db
OUTCOMES = ("wrong locator", "wrong secret", "wrong PIN", "right code, nothing new")
PAGES = (
    "/",
    "/organisations/",
    "/begin/",
    "/enter/",
    "/enter/again/",
    "/busy/",
    "/later/",
    "/room/",
    "/closed/",
    "/long/",
    "/inside/",
    "/write/",
    "/code/",
    "/leave/",
)


@pytest.fixture
def typed(door):
    """What is typed for each outcome, around one real code with a PIN."""
    code = codes.read(began(door(), pin="4711", text="Hello."))
    other = codes.new()
    return {
        "wrong locator": (codes.Code(other.locator, code.secret).digits, ""),
        "wrong secret": (codes.Code(code.locator, other.secret).digits, ""),
        "wrong PIN": (code.digits, "4712"),
        "right code, nothing new": (code.digits, ""),
    }


def masked(reply) -> tuple[bytes, list[tuple[str, str]]]:
    body = re.sub(rb'(name="t" value=")[^"]+', lambda m: m[1] + b"-" * (len(m[0]) - len(m[1])), reply.content)
    return body, list(reply.headers.items())


def at_the_door(code: str, pin: str):
    visitor = Visitor()
    visitor.see("/enter/")
    DOORS.tries.clear()
    DOORS.everyone.clear()
    return visitor, visitor.send("/enter/", code=code, pin=pin)


@keeps(3)
@compromise(
    "a survivor's paper code",
    yields="without the PIN: answers not yet read, once",
    spares="what she wrote, her page, whether there is a PIN",
)
def test_four_outcomes_give_the_same_bytes_headers_and_cookie(typed):
    seen = {}
    for name in OUTCOMES:
        visitor, reply = at_the_door(*typed[name])
        cookie = visitor.cookies["visit"]
        shape = (
            len(cookie.value),
            cookie["httponly"],
            cookie["samesite"],
            cookie["expires"],
            cookie["max-age"],
            cookie["path"],
        )
        page = visitor.get("/inside/")
        after = visitor.get("/inside/text/")
        seen[name] = (reply.status_code, masked(reply), shape, masked(page), after.status_code, masked(after))
        assert b"There are no new messages." in page.content
    assert all(seen[name] == seen[OUTCOMES[0]] for name in OUTCOMES)
    assert seen[OUTCOMES[0]][2] == (64, True, "Strict", "", "", "/")


def test_the_right_code_with_its_pin_does_open(typed):
    """The comparison above bites only if there is something to tell apart."""
    visitor, _reply = at_the_door(typed["wrong PIN"][0], "4711")
    assert b"Your page" in visitor.get("/inside/").content


@contextmanager
def counted(monkeypatch):
    found = {"stretchings": 0, "openings": 0}
    stretch, opening = primitives.stretch, primitives.aead_open

    def stretched(*args, **kwargs):
        found["stretchings"] += 1
        return stretch(*args, **kwargs)

    def opened(key, blob, aad):
        if aad.startswith(b"answerable-door/1"):
            found["openings"] += 1
        return opening(key, blob, aad)

    with monkeypatch.context() as patch:
        patch.setattr(primitives, "stretch", stretched)
        patch.setattr(primitives, "aead_open", opened)
        yield found


@keeps(3)
def test_four_outcomes_cost_the_same_work(typed, monkeypatch):
    seen = {}
    doorkeys._decoy()
    for name in OUTCOMES:
        with counted(monkeypatch) as found, CaptureQueriesContext(connections["default"]) as working:
            with CaptureQueriesContext(connections["keys"]) as keys:
                at_the_door(*typed[name])
        shapes = [
            re.sub(r"'[^']*'|\\x[0-9a-f]+|\d+", "?", q["sql"])
            for q in [*keys.captured_queries, *working.captured_queries]
        ]
        seen[name] = (found["stretchings"], found["openings"], shapes)
    assert seen[OUTCOMES[0]][0] == 2 and seen[OUTCOMES[0]][1] == 2 and len(seen[OUTCOMES[0]][2]) > 4
    assert all(seen[name] == seen[OUTCOMES[0]] for name in OUTCOMES)


def test_after_too_many_attempts_the_answer_is_still_the_same_and_the_right_pin_opens_nothing(typed):
    code, _pin = typed["right code, nothing new"]
    visitor = Visitor()
    visitor.see("/enter/")
    for guess in range(10):
        visitor.send("/enter/", code=code, pin=f"{guess:04d}")
        visitor.see("/enter/")
    visitor.send("/enter/", code=code, pin="4711")
    limited = visitor.get("/inside/")
    assert b"There are no new messages." in limited.content
    assert masked(limited) == masked(at_the_door(*typed["wrong locator"])[0].get("/inside/"))
    assert b"Your page" in at_the_door(code, "4711")[0].get("/inside/").content


def test_a_full_house_is_one_calm_page_whatever_was_typed(typed, monkeypatch):
    from answerable.vault import stretching

    monkeypatch.setattr(stretching, "_pool", object())
    monkeypatch.setattr(stretching, "_places", type("Full", (), {"acquire": lambda self, blocking: False})())
    seen = []
    for name in OUTCOMES:
        visitor, reply = at_the_door(*typed[name])
        assert reply.status_code == 303 and reply.headers["Location"] == "/busy/" and not reply.cookies
        seen.append(masked(visitor.get("/busy/")))
    assert all(page == seen[0] for page in seen) and b"try again in a minute" in seen[0][0]


def test_a_crowd_is_asked_for_a_minute_whatever_it_types(typed, monkeypatch):
    from answerable.vault import chamber, doors

    now = chamber.seconds()
    monkeypatch.setattr(chamber, "seconds", lambda: now)
    for name in OUTCOMES:
        visitor = Visitor()
        visitor.see("/enter/")
        DOORS.everyone.extend([now] * doors.CROWD)
        assert visitor.send("/enter/", code=typed[name][0], pin=typed[name][1]).headers["Location"] == "/busy/"
    monkeypatch.setattr(chamber, "seconds", lambda: now + doors.CROWD_SECONDS + 1)
    visitor.see("/enter/")
    assert visitor.send("/enter/", code=typed[name][0], pin=typed[name][1]).headers["Location"] == "/inside/"


def test_a_few_hundred_attempts_in_a_quarter_of_a_minute_close_the_door_to_nobody(monkeypatch):
    from answerable.vault import chamber, doors

    house, at = doors.Doors(), [1000.0]
    monkeypatch.setattr(chamber, "seconds", lambda: at[0])
    for _ in range(2000):
        at[0] += 15.6 / 644
        assert house.crowded() is False
    # And a crowd that is turned away does not hold the door shut: some seconds later it is open again.
    turned_away = sum(house.crowded() for _ in range(5000))
    assert turned_away > 4000
    at[0] += doors.CROWD_SECONDS + 0.1
    assert house.crowded() is False


def test_no_cookie_before_someone_enters_or_begins(door):
    visitor = door()
    for path in PAGES:
        reply = visitor.get(path)
        assert "Set-Cookie" not in reply.headers and not reply.cookies, path
    visitor.see("/enter/")
    assert not visitor.send("/enter/", code="123", pin="").cookies
    assert visitor.send("/enter/", code=codes.new().digits, pin="").cookies


def test_pages_have_one_of_three_sizes_and_headers_that_keep_nothing(door, typed):
    visitor = at_the_door(*typed["right code, nothing new"])[0]
    for client in (door(), visitor, at_the_door(typed["wrong PIN"][0], "4711")[0]):
        for path in PAGES:
            reply = client.get(path)
            assert len(reply.content) in (0, *FILLED), (path, len(reply.content))
            assert reply.headers["Cache-Control"] == "no-store" and reply.headers["Referrer-Policy"] == "no-referrer"
            text = reply.content.decode().lower()
            text = re.sub('<script src="/seal.js" integrity="[^"]+" defer></script>', "", text)
            for word in ("alliance", "answerable", "<img", '<link rel="stylesheet', "src="):
                assert word not in text, (path, word)
            if text and path != "/leave/":
                assert text.index('<a class="leave"') < min(text.find(tag) for tag in ("<form", "<main") if tag in text)


def test_a_form_from_elsewhere_is_not_taken(door, typed):
    code, pin = typed["wrong PIN"][0], "4711"
    for headers in ({"HTTP_SEC_FETCH_SITE": "cross-site"}, {"HTTP_SEC_FETCH_SITE": "same-site"}, {"HTTP_SEC_FETCH_SITE": "none"},
                    {"HTTP_ORIGIN": "https://elsewhere.example"}):  # fmt: skip
        visitor = door()
        visitor.see("/enter/")
        reply = visitor.post("/enter/", {"t": visitor.token(), "code": code, "pin": pin}, **headers)
        assert reply.headers["Location"] == "/closed/" and not reply.cookies
    visitor = door()
    visitor.see("/enter/")
    assert visitor.post("/enter/", {"code": code, "pin": pin}).headers["Location"] == "/closed/"
    ours = {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "null"}
    assert (
        visitor.post("/enter/", {"t": visitor.token(), "code": code, "pin": pin}, **ours).headers["Location"]
        == "/inside/"
    )
    # A token fetched by a stranger, without her session, does not write into it.
    stranger = door()
    stranger.see("/enter/")
    assert visitor.post("/inside/write/", {"t": stranger.token(), "text": "x"}).headers["Location"] == "/closed/"


def test_rows_of_keys_look_alike_with_and_without_a_pin(door):
    from answerable.vault.models import ChannelKey

    began(door(), pin="4711", text="Hello.")
    began(door(), pin="", text="Hello.")
    see_all()
    one, other = ChannelKey.objects.order_by("-id")[:2]
    for field in ChannelKey._meta.concrete_fields:
        if field.name not in ("id", "channel", "made_at"):
            a, b = bytes(getattr(one, field.name)), bytes(getattr(other, field.name))
            assert len(a) == len(b) and a != b, field.name


def test_neither_code_nor_pin_nor_session_lies_anywhere(door):
    """Not in either database, and not in the vault's memory of sessions without the visitor's cookie."""
    visitor = door()
    code = began(visitor, pin="80808080", text="Hello.")
    found = codes.read(code)
    see_all()
    for alias in ("default", "keys"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                for word in (found.secret, code, "80808080"):
                    cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s',
                                   [f"%{word}%", f"%{word.encode().hex()}%"])  # fmt: skip
                    assert cursor.fetchone()[0] == 0, (alias, table)
    assert not any(found.secret.encode() in s.sealed for s in DOORS.sessions.values())
    assert DOORS.read(visitor.cookies["visit"].value) is not None
    assert DOORS.read("A" * 64) is None


def test_a_session_ends_after_ten_idle_minutes(door, typed, monkeypatch):
    from answerable.vault import chamber

    visitor = at_the_door(typed["wrong PIN"][0], "4711")[0]
    assert b"Your page" in visitor.get("/inside/").content
    now = chamber.seconds()
    monkeypatch.setattr(chamber, "seconds", lambda: now + 601)
    assert b"Your page" not in visitor.get("/inside/").content


def test_the_door_answers_while_the_vault_is_locked(door, typed):
    root = CHAMBER.root
    CHAMBER.lock("a test")
    try:
        assert b"Your page" in at_the_door(typed["wrong PIN"][0], "4711")[0].get("/inside/").content
        began(door(), pin="", text="Still here?")
    finally:
        CHAMBER.unlock(root)


@compromise(
    "the channel process",
    yields="what people type while it is watched",
    spares="anything sent before; any message, code or key: it has no database",
)
def test_the_channel_process_has_no_database_and_asks_the_channels_operations_only():
    from answerable.vault.service import OPERATIONS

    code = ("import django; django.setup(); from django.conf import settings; from django.db import connections; "
            "print(dict(settings.DATABASES), list(connections.databases), settings.VAULT_TRANSPORT)")  # fmt: skip
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "answerable.config.settings.channel", "ANSWERABLE_DOOR": "channel"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert "postgresql" not in said and said.strip().endswith("socket")
    views = Path(__file__).resolve().parents[2] / "answerable" / "channel" / "views.py"
    asked = set(re.findall(r'"(door_\w+)"', views.read_text()))
    assert len(asked) > 10 and all("channel" in OPERATIONS[op].doors for op in asked)
    imported = {n.module for n in ast.walk(ast.parse(views.read_text())) if isinstance(n, ast.ImportFrom)}
    assert not any(m and m.endswith(("models", "operations", "actions", "keyroom", "doorkeys")) for m in imported)


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """Two-sample test: how probable so large a distance is if both come from one distribution (asymptotic series)."""
    a, b = sorted(one), sorted(other)
    distance = max(abs(bisect.bisect_right(a, x) / len(a) - bisect.bisect_right(b, x) / len(b)) for x in a + b)
    effective = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (effective + 0.12 + 0.11 / effective) * distance
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))) if x > 0.2 else 1.0


def test_the_comparison_of_times_sees_a_difference():
    same = [0.1 + 0.0001 * (i % 37) for i in range(400)]
    assert kolmogorov_smirnov(same, same) == 1.0
    assert kolmogorov_smirnov(same, [t + 0.001 for t in same]) < 0.01


@keeps(3)
@pytest.mark.skipif("ANSWERABLE_TIMING" not in os.environ, reason="takes minutes; part of make test-security")
def test_four_outcomes_take_the_same_time(typed):
    """400 of each, in turn: medians within 3 %, and no pair of distributions told apart (Kolmogorov-Smirnov, p > 0.01)."""
    GRID["seconds"], taken = 0.1, {name: [] for name in OUTCOMES}
    visitor = Visitor()
    visitor.see("/enter/")
    token = visitor.token()
    try:
        for _round in range(400):
            for name in OUTCOMES:
                DOORS.tries.clear()
                DOORS.everyone.clear()
                visitor.cookies.clear()
                code, pin = typed[name]
                began_at = time.perf_counter()
                assert visitor.post("/enter/", {"t": token, "code": code, "pin": pin}).headers["Location"] == "/inside/"
                taken[name].append(time.perf_counter() - began_at)
    finally:
        GRID["seconds"] = 0.001
    medians = [statistics.median(t) for t in taken.values()]
    assert (max(medians) - min(medians)) / min(medians) < 0.03, medians
    for one in OUTCOMES:
        for other in OUTCOMES:
            assert one == other or kolmogorov_smirnov(taken[one], taken[other]) > 0.01, (one, other)
