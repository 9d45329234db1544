"""The canary sweep over everything the running product leaves behind: disks, logs, folders, exports, memory (§4.6).

A distinct word in every sealed field, in failing requests, in a wrong passphrase and a search; then every sink is searched.
Each sink's own test plants a leak there and must find it.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from product import Product
from promises import keeps

LIFETIME = 60


class Planted:
    """The product with canaries in it, and the words by where they were put."""

    def __init__(self, folder: Path) -> None:
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self.tmp.chmod(0o777)
        data = folder / "data"
        data.mkdir()
        folder.chmod(0o755)
        self.product = Product(data, ANSWERABLE_WORKER_SECONDS=str(LIFETIME), TMPDIR=str(self.tmp))
        self.words: dict[str, str] = {}
        self.pages: list[str] = []
        self.began = time.monotonic()

    def word(self, name: str) -> str:
        """A fresh canary for a place."""
        made = self.words[name] = f"canary{secrets.token_hex(9)}{len(self.words):02d}"
        return made


def plant_a_report_and_a_claim(p: Planted) -> None:
    """Through the office's pages, right and wrong."""
    dana = p.product.browser("office", "dana")
    situation = re.search(r'/watch/(SIT-[^/"]+)/"', dana.get("/watch/")).group(1)
    where = f"/watch/intake/report/{situation}/"
    dana.get(where)
    told = {"referral_offered": "on", "when": "2026-01-14", "area1": "S", "searched_first": "on"}
    party = re.search(r'value="(PTY-[^"]+)"', dana.post(where, {**told, "step": 1, "act": "next"})).group(1)
    report = {**told, "step": 5, "act": "file", "party": party, "victims": 3, "actor_types": ["ACT-STF"], "forms": ["SV-RAPE"],
              "links": ["LK-PERP"], "risk": "medium", **{n: p.word(n) for n in ("narrative", "place", "link_reason")}}  # fmt: skip
    dana.post(where, {**report, "victims": "many"})
    assert dana.status == 409
    dana.get(where)
    dana.post(where, report)
    incident = re.search(r"/watch/incidents/(INC-[^/]+)/", dana.url).group(1)
    dana.get(f"/watch/incidents/{incident}/items/")
    dana.post(f"/watch/incidents/{incident}/items/",
              {"kind": "document", "directness": "primary", "reliability": "A", "credibility": "1", "captured_on": "2026-01-20",
               "says": p.word("says")})  # fmt: skip
    assert dana.status == 200
    inga = p.product.browser("office", "inga")
    programme = re.search(r'/repair/programmes/(PRG-[^/"]+)/', inga.get("/repair/")).group(1)
    inga.get(f"/repair/programmes/{programme}/lodge/")
    claim = {"claim_type": "CL-DIR", "age_band": "25-34", "country": "Pelland", "language": "ar", "events_from": "2026-01-02", "area1": "OTHER",
             "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on", "referral_offered": "on", "plan_ways": ["phone"], "plan_any_time": "on",
             **{n: p.word(n) for n in ("account", "alias", "safe_contact", "area2", "preferences")}}  # fmt: skip
    inga.post(f"/repair/programmes/{programme}/lodge/", {**claim, "events_from": "2999-01-01"})
    assert inga.status == 409
    inga.get(f"/repair/programmes/{programme}/lodge/")
    inga.post(f"/repair/programmes/{programme}/lodge/", claim)
    ref = re.search(r"/repair/claims/(CLM-[^/]+)/", inga.url).group(1)
    assert p.words["alias"] in inga.post(f"/repair/claims/{ref}/read/", {"field": "alias"})
    inga.get(f"/today/?q={p.word('search')}")
    for browser in (dana, inga):
        browser.get("/today/")
        browser.post("/sign-out/", {})
    stranger = p.product.browser("office")
    stranger.get("/sign-in/")
    stranger.post("/sign-in/", {"handle": "inga", "passphrase": p.word("passphrase")})
    assert stranger.status == 409
    stranger.get(f"/repair/claims/{p.word('path')}/")


# Apps add their own planting here.
PLANTERS: list[Callable[[Planted], None]] = [plant_a_report_and_a_claim]


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Iterator[Planted]:
    made = Planted(tmp_path_factory.mktemp("sinks"))
    try:
        for plant in PLANTERS:
            plant(made)
        yield made
    finally:
        made.product.stop()


# --- sinks: each gives what lies there, as (place, bytes) --------------------------------------------------------------


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                yield str(path.relative_to(folder)), path.read_bytes()
            except OSError:
                continue


def database_files(p: Planted) -> Iterator[tuple[str, bytes]]:
    """Tables, indexes and the write-ahead log, as they lie on the disk."""
    psql(p, "CHECKPOINT")
    yield from _files(p.product.data / "pg")


def psql(p: Planted, sql: str) -> bytes:
    script = (
        "import os, sys\nfrom answerable.config import postgres\n"
        "with postgres.ensure_server().connect(sys.argv[2]) as c:\n"
        "    r = c.execute(sys.argv[1])\n    print(r.fetchall() if r.description else '')\n"
    )
    name = "answerable"
    done = subprocess.run(
        [os.sys.executable, "-c", script, sql, name],
        env=p.product.env,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-800:]
    return done.stdout


def dump(p: Planted) -> Iterator[tuple[str, bytes]]:
    """Both databases as text, every row."""
    script = (
        "import sys\nfrom answerable.config import postgres\nfor name in ('answerable', 'answerable_keys'):\n"
        "  with postgres.ensure_server().connect(name) as c:\n"
        "    for (t,) in c.execute(\"SELECT tablename FROM pg_tables WHERE schemaname='public'\").fetchall():\n"
        "      for (row,) in c.execute(f'SELECT t::text FROM \"{t}\" t').fetchall(): print(name, t, row)\n"
    )
    done = subprocess.run(
        [os.sys.executable, "-c", script], env=p.product.env, capture_output=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr[-800:]
    yield "rows", done.stdout


def logs(p: Planted) -> Iterator[tuple[str, bytes]]:
    """What every process and the database said."""
    yield "run.log", p.product.log.read_bytes()
    yield "pg.log", (p.product.data / "pg.log").read_bytes()


def folders(p: Planted) -> Iterator[tuple[str, bytes]]:
    """The temporary folder of every process, quarantine, and whatever else lies in the data folder."""
    yield from _files(p.tmp)
    for path in sorted(p.product.data.iterdir()):
        if path.name not in {"pg", "run.log", "pg.log", "static"}:
            yield from _files(path) if path.is_dir() else [(path.name, path.read_bytes())]


def record_exports(p: Planted) -> Iterator[tuple[str, bytes]]:
    """The record with its events, and closed as a witness gets it."""
    for flag in ([], ["--closed"]):
        folder = p.tmp.parent / f"export{len(flag)}-{secrets.token_hex(3)}"
        done = p.product.cli("record", "export", str(folder), *flag)
        assert done.returncode == 0, done.stderr
        yield from _files(folder)
        yield "said", (done.stdout + done.stderr).encode()


def backups(p: Planted) -> Iterator[tuple[str, bytes]]:
    """A backup as an operator makes it, unpacked to text."""
    folder = p.product.data / "backups"
    script = "from answerable.config import postgres; print(postgres.backup('sweep'))"
    done = subprocess.run(
        [os.sys.executable, "-c", script],
        env=p.product.env,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-800:]
    from answerable.config import postgres

    for path in folder.rglob("*.dump"):
        yield path.name, path.read_bytes()
        yield (
            path.name,
            subprocess.run([postgres._binaries() / "pg_restore", "-f", "-", path], capture_output=True).stdout,
        )


def pages_of_others(p: Planted) -> Iterator[tuple[str, bytes]]:
    """What every other role, the public and the channel's first pages show."""
    for who in ("delegate.avn", "chair", "fina", "odile", "ines", "leo", "sami", "anna"):
        browser, seen, queue = p.product.browser("office", who), set(), ["/today/"]
        while queue and len(seen) < 25:
            url = queue.pop(0)
            if url not in seen:
                seen.add(url)
                text = browser.get(url)
                yield f"{who} {url}", text.encode()
                queue += [u for u in re.findall(r'href="(/[^"#]*)"', text) if not u.startswith(("/static", "/api"))]
    for door in ("portal", "channel"):
        # With the cookies of someone signed in at the office, which a browser sends to every port of the host.
        browser = p.product.browser(handle="anna")
        browser.base = p.product.at(door)
        yield door, browser.get("/").encode()
        assert browser.status == 200, door


def memory(p: Planted) -> Iterator[tuple[str, bytes]]:
    """Memory of the office and the channel after everybody left and their workers were replaced."""
    while time.monotonic() - p.began < LIFETIME + 25:
        time.sleep(1)
    for name, numbers in p.product.pids().items():
        if name in {"office", "channel", "portal", "worker"}:
            for pid in numbers:
                yield f"{name} {pid}", _memory_of(pid)


def _memory_of(pid: int) -> bytes:
    parts = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
        if not found or line.endswith(("[vvar]", "[vsyscall]")):
            continue
        start, end = int(found[1], 16), int(found[2], 16)
        try:
            with Path(f"/proc/{pid}/mem").open("rb", 0) as f:
                f.seek(start)
                parts.append(f.read(end - start))
        except (OSError, ValueError):
            continue
    return b"".join(parts)


SINKS = {f.__name__: f for f in (dump, database_files, logs, folders, record_exports, backups, pages_of_others, memory)}


def hits(
    sink: Callable[[Planted], Iterator[tuple[str, bytes]]], p: Planted, words: dict[str, str]
) -> list[tuple[str, str]]:
    """(word's name, place) of every canary found, plain, as hexadecimal or as UTF-16."""
    spelled = {n: (w.encode(), w.encode().hex().encode(), w.encode("utf-16-le")) for n, w in words.items()}
    return [
        (n, place) for place, content in sink(p) for n, forms in spelled.items() if any(f in content for f in forms)
    ]


@keeps(2)
@pytest.mark.parametrize("sink", SINKS)
def test_no_sink_holds_a_planted_word(planted, sink):
    assert hits(SINKS[sink], planted, planted.words) == []


def test_the_sweep_sees_a_leak_in_every_sink(planted, tmp_path):
    """A word planted on purpose where each sink looks is found there."""
    leak = {"leak": f"canaryleak{secrets.token_hex(6)}"}
    word = leak["leak"]
    psql(planted, f"CREATE TABLE leaks (words text); INSERT INTO leaks VALUES ('{word}')")
    assert hits(dump, planted, leak) and hits(database_files, planted, leak) and hits(backups, planted, leak)
    psql(planted, "DROP TABLE leaks")
    with planted.product.log.open("a") as log:
        log.write(word)
    assert hits(logs, planted, leak)
    (planted.tmp / "forgotten").write_text(word)
    assert hits(folders, planted, leak)
    (planted.tmp / "forgotten").unlink()
    held = word.encode() * 3
    assert word.encode() in _memory_of(os.getpid()) and held
    seen = next(content for place, content in pages_of_others(planted) if place.startswith("delegate.avn /decide"))
    assert b"Zandria" in seen
    assert any(b"sealed field read" in content for _place, content in record_exports(planted))
