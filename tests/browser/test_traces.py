"""What a visit to the door leaves on a telephone: nothing but the address of the site (security.md §4.7).

A Chromium with a profile on disk makes each journey with words nobody else would type; then every file of the profile is
searched for them, as they are, in UTF-16, and inside what is compressed.
"""

from __future__ import annotations

import gzip
import os
import secrets
import signal
import zlib
from pathlib import Path

import pytest
from browser_support import BROWSER, FLAGS, PHONE, button, written
from promises import compromise, keeps

DECOMPRESSORS = (gzip.decompress, zlib.decompress)


def files_holding(profile: Path, word: str) -> list[str]:
    """Files of a profile in which a word stands, in any of the ways a browser keeps text."""
    wanted = (word.encode(), word.encode("utf-16-le"))
    found = []
    for path in profile.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        texts = [raw]
        for start in (raw.find(b"\x1f\x8b"), raw.find(b"\x78\x9c")):
            for decompress in DECOMPRESSORS:
                try:
                    texts.append(decompress(raw[start:]) if start >= 0 else b"")
                except (OSError, zlib.error, EOFError):
                    pass
        if any(w in text for w in wanted for text in texts):
            found.append(str(path.relative_to(profile)))
    return found


def open_profile(engine, profile: Path, *, script: bool):
    context = engine.chromium.launch_persistent_context(
        str(profile), executable_path=BROWSER, args=[*FLAGS, "--restore-last-session"], viewport=PHONE, java_script_enabled=script
    )  # fmt: skip
    page = context.new_page()
    page.route("https://www.wetter.com/**", lambda r: r.fulfill(body="<title>Weather</title>weather"))
    return context, page


def half_typed(page, at: str, words: dict[str, str]) -> None:
    page.goto(at + "/begin/")
    button(page, "Tell something")
    button(page, "Continue")
    page.locator("#a").fill(words["pin"])
    button(page, "Continue")
    page.locator("#a").press_sequentially(words["half"], delay=5)
    page.wait_for_timeout(1500)


@pytest.fixture
def words() -> dict[str, str]:
    made = {n: f"kanarie{n}{secrets.token_hex(5)}" for n in ("text", "half", "name")}
    return {**made, "pin": str(10_000_000 + secrets.randbelow(89_999_999))}


@keeps(3)
@compromise(
    "her telephone, searched afterwards",
    yields="that this site was opened, and the addresses of its pages, which say little",
    spares="what was read, typed or sent",
)
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("journey", ["reads", "submits", "returns", "leaves half typed", "closes the tab", "is killed"])
def test_a_journey_leaves_nothing_but_the_site(engine, running, tmp_path, words, journey, script):
    at, profile = running["channel"], tmp_path / "profile"
    planted = dict(words)
    context, page = open_profile(engine, profile, script=script)
    if journey == "reads":
        page.goto(at + "/")
        page.goto(at + "/organisations/")
        page.wait_for_timeout(500)
    elif journey in ("submits", "returns"):
        code = written(page, at, pin=words["pin"], text=words["text"])
        planted |= {"code": code, "digits": code.replace(" ", ""), "group": f"{code[:9]}"}
        if journey == "returns":
            page.get_by_role("link", name="Leave this page").click()
            page.wait_for_url("https://www.wetter.com/**")
            page.goto(at + "/enter/")
            page.fill("#code", code)
            page.fill("#pin", words["pin"])
            button(page, "Continue")
            page.goto(at + "/inside/text/")
            assert words["text"] in page.content()
            page.goto(at + "/inside/")
            page.wait_for_timeout(1500)
    else:
        half_typed(page, at, words)
        if journey == "leaves half typed":
            page.get_by_role("link", name="Leave this page").click()
            page.wait_for_url("https://www.wetter.com/**")
    if journey == "closes the tab":
        page.close()
    if journey == "is killed":
        for pid in of_profile(profile):
            os.kill(pid, signal.SIGKILL)
    else:
        context.close()
    assert {name: files_holding(profile, word) for name, word in planted.items()} == {name: [] for name in planted}
    assert files_holding(profile, "THR-") == [] and files_holding(profile, "CLM-") == []


def of_profile(profile: Path) -> list[int]:
    """Processes that were started on this very profile."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if str(profile) in (folder / "cmdline").read_text():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def test_the_search_sees_a_trace_where_there_is_one(engine, running, tmp_path, words):
    """An ordinary form, sent by GET to the same site, leaves its word in the history: the sweep finds it."""
    profile = tmp_path / "profile"
    context, page = open_profile(engine, profile, script=True)
    page.goto(running["channel"] + f"/?q={words['text']}")
    page.wait_for_timeout(1500)
    context.close()
    assert files_holding(profile, words["text"])
