"""Which promise a test keeps, and what a compromise yields: said at the test, collected into docs/security.md.

    @keeps(2)                                                # one of the eight promises, by number
    @compromise("a stolen disk", yields="…", spares="…")     # a row of the table; several tests may carry one row

`python tests/promises.py` writes the two tables of docs/security.md from the tests; a test holds that they agree. The rows
are read from the source, so a test that is removed takes its claim with it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security.md"
PROMISES = {
    1: "No single person, state or thief of the server can read your name.",
    2: "A stolen server or backup tells no story.",
    3: "Nothing you type or read stays on your phone, whose History may list the addresses of the pages; and a wrong code looks like an empty one.",
    4: "You decide for which purpose, and can stop; then it is unreadable with us within 14 and 14 days.",
    5: "Each time your identity is opened you are told by which office, and why.",
    6: "No public number points at you.",
    7: "No one alone can move or redirect your payment.",
    8: "Nobody can change the record of what was found and decided without every member being able to see it.",
}
# The order of the table; a row without a test does not appear, and the test of this file says so.
COMPROMISES = (
    "a powered-off host, or any backup of the working facts",
    "the keys database beside it",
    "a live host, watched by root",
    "a live host, changed by root",
    "the office process",
    "the channel process",
    "one person's passphrase or passkey",
    "an API token",
    "one custodian with laptop and passphrase",
    "all staff of one delegation",
    "a survivor's paper code",
    "her telephone, searched afterwards",
    "a witness, or all of them",
    "the log's signing key",
)


def keeps(*numbers: int) -> Callable[[F], F]:
    """This test keeps these of the eight promises."""

    def mark(test: F) -> F:
        return test

    return mark


def compromise(what: str, *, yields: str = "", spares: str = "") -> Callable[[F], F]:
    """This test shows what a compromise yields and what it spares."""
    if what not in COMPROMISES:
        raise ValueError(f"no such compromise: {what}")

    def mark(test: F) -> F:
        return test

    return mark


def collected() -> tuple[dict[int, list[str]], dict[str, dict[str, list[str]]]]:
    """(tests by promise, {compromise: {yields, spares, tests}}), read from the sources of all tests."""
    promises: dict[int, list[str]] = {}
    rows: dict[str, dict[str, list[str]]] = {}
    files = sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "answerable").rglob("tests/**/test_*.py")])
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            where = f"{file.relative_to(ROOT)}::{node.name}"
            for mark in node.decorator_list:
                if not isinstance(mark, ast.Call) or not isinstance(mark.func, ast.Name):
                    continue
                if mark.func.id == "keeps":
                    for number in mark.args:
                        promises.setdefault(ast.literal_eval(number), []).append(where)
                elif mark.func.id == "compromise":
                    row = rows.setdefault(ast.literal_eval(mark.args[0]), {"yields": [], "spares": [], "tests": []})
                    row["tests"].append(where)
                    for word in mark.keywords:
                        if (said := ast.literal_eval(word.value)) and said not in row[str(word.arg)]:
                            row[str(word.arg)].append(said)
    return promises, rows


def tables() -> dict[str, str]:
    """The two tables as Markdown, by the name of their place on the page."""
    promises, rows = collected()
    first = ["| promise | tests that keep it |", "|---|---|"]
    for number, words in PROMISES.items():
        tests = "<br>".join(f"`{t}`" for t in sorted(promises.get(number, [])))
        first.append(f"| {number}. {words} | {tests or 'kept with the public face, not yet here'} |")
    second = ["| compromised | yields | does not yield | shown by |", "|---|---|---|---|"]
    for what in COMPROMISES:
        if row := rows.get(what):
            tests = "<br>".join(f"`{t}`" for t in sorted(row["tests"]))
            second.append(f"| {what} | {'; '.join(row['yields'])} | {'; '.join(row['spares'])} | {tests} |")
    return {"promises": "\n".join(first), "compromises": "\n".join(second)}


def page_with(tables_: dict[str, str]) -> str:
    """The page with its tables replaced."""
    text = PAGE.read_text()
    for name, table in tables_.items():
        text = re.sub(
            rf"(<!-- {name}: from the tests -->\n).*?(<!-- end of {name} -->)",
            lambda m, t=table: m.group(1) + t + "\n" + m.group(2), text, flags=re.S,
        )  # fmt: skip
    return text


if __name__ == "__main__":
    PAGE.write_text(page_with(tables()))
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written from the tests\n")
