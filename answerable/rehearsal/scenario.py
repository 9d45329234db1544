"""Reading scenario files: YAML with line numbers, every step, person and check known before anything runs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from answerable.common.errors import Refused

FOLDER = Path(__file__).with_name("scenarios")
FIXTURES = ("ALLIANCE-15",)
STEP_KEYS = {"at", "as", "do", "on", "with", "save", "refused", "line"}
CHECK_KEYS = {"at", "check", "of", "field", "is", "line", "with"}
VOTE_KEYS = {"at", "vote", "for", "against", "abstain", "line"}


class _Loader(yaml.SafeLoader):
    """Keeps the line of every mapping."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=deep)
        mapping.setdefault("line", node.start_mark.line + 1)
        return mapping


# Times stay text until we read them, so that one sentence can name the line.
# YAML 1.1 reads a bare `on` as true; here it is a word like any other.
_Loader.yaml_implicit_resolvers = {
    k: [(tag, rx) for tag, rx in v if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}]
    for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


@dataclass(frozen=True)
class Scenario:
    """A scenario: its name, fixture, anchor day and steps in order."""

    name: str
    title: str
    fixture: str
    anchor: datetime
    steps: tuple[dict[str, Any], ...]
    file: str = ""
    covers: str = field(default="")


def shipped() -> list[Path]:
    """The scenario files that come with the product."""
    return sorted(p for p in FOLDER.glob("*.yaml"))


def find(name: str) -> Path:
    """A shipped scenario by name, or a file by path. Raises Refused naming near misses."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return path
    known = {p.stem.lower(): p for p in shipped()}
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" Shipped are: {', '.join(p.stem for p in shipped())}."
    raise Refused(f"There is no scenario “{name}”.{hint}", reason="usage")


def instant(text: Any) -> datetime:
    """Read 2031-06-16 or 2031-06-16T10:00(:00)Z. Raises ValueError."""
    value = datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def read(path: Path, *, verbs: Iterable[str], checks: Iterable[str], people: Iterable[str]) -> Scenario:
    """Read and check a scenario. Raises Refused listing every problem with its line; nothing has run then."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Refused(f"There is no file {path}.", reason="usage") from None
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{path} cannot be read as a text file.", reason="usage") from None
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that keeps line numbers
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise Refused(f"{path.name}, {where}this is not YAML ({getattr(fault, 'problem', 'cannot be read')}).",
                      reason="usage") from None  # fmt: skip
    if not isinstance(data, dict):
        raise Refused(f"{path.name}: a scenario begins with scenario:, fixture:, clock: and steps:.", reason="usage")
    problems: list[str] = []
    verbs, checks, people = set(verbs), set(checks), set(people)

    def wrong(line: int, what: str) -> None:
        problems.append(f"line {line}: {what}")

    def near(word: str, known: Iterable[str]) -> str:
        found = difflib.get_close_matches(str(word), known, n=1)
        return f" Did you mean {found[0]}?" if found else ""

    if data.get("fixture") not in FIXTURES:
        wrong(data.get("line", 1), f"fixture “{data.get('fixture')}” is unknown. Known: {', '.join(FIXTURES)}.")
    try:
        start = instant(data["clock"]) if "clock" in data or not data.get("include") else datetime.now(UTC)
    except (ValueError, KeyError):
        wrong(data.get("line", 1), f"clock “{data.get('clock')}” is not a time like 2031-01-10T09:00Z.")
        start = datetime.now(UTC)
    steps: list[dict[str, Any]] = []
    if include := data.get("include"):
        inner = read(find(str(include)), verbs=verbs, checks=checks, people=people)
        steps += [s for s in inner.steps if "check" not in s]
        start = inner.anchor if data.get("clock") is None else start
    together = bool(data.get("interleave"))
    included, steps = (steps, []) if together else ([], steps)
    saved = {s["save"] for s in steps if s.get("save")}
    at = instant(steps[-1]["at"]) if steps else start
    listed = data.get("steps")
    if not isinstance(listed, list):
        wrong(data.get("line", 1), "steps: must be a list.")
        listed = []
    for raw in listed:
        if not isinstance(raw, dict):
            wrong(data.get("line", 1), f"“{raw}” is not a step.")
            continue
        step, line = dict(raw), raw["line"]
        try:
            at = instant(step["at"]) if "at" in step else at
        except ValueError:
            wrong(line, f"at “{step['at']}” is not a time.")
        if steps and at < instant(steps[-1]["at"]):
            wrong(line, "this step lies before the one above it.")
        step["at"] = at.isoformat()
        kind = next((k for k in ("do", "check", "vote") if k in step), "")
        allowed = {"do": STEP_KEYS, "check": CHECK_KEYS, "vote": VOTE_KEYS}.get(kind)
        if allowed is None:
            wrong(line, "a step has do:, check: or vote:.")
            continue
        if extra := sorted(set(step) - allowed):
            wrong(line, f"“{extra[0]}” does not belong to a {kind} step.{near(extra[0], allowed)}")
        if kind == "do":
            if step["do"] not in verbs:
                wrong(line, f"there is no step “{step['do']}”.{near(str(step['do']), verbs)}")
            if step.get("as") not in people:
                wrong(line, f"nobody is called “{step.get('as')}”.{near(str(step.get('as')), people)}")
        if kind == "check" and step["check"] not in checks:
            wrong(line, f"there is no check “{step['check']}”.{near(str(step['check']), checks)}")
        if kind == "check" and "is" not in step:
            wrong(line, "a check says what it expects, is:.")
        # Steps of the included scenario that come before this one have been taken by then.
        saved |= {s["save"] for s in included if s.get("save") and instant(s["at"]) <= at}
        for word in _names(step):
            if word not in saved:
                wrong(line, f"${word} has not been saved by an earlier step.{near(word, saved)}")
        if step.get("save"):
            saved.add(step["save"])
        steps.append(step)
    if together:
        steps = sorted([*included, *steps], key=lambda s: instant(s["at"]))  # stable: at one time, included first
    if problems:
        raise Refused(f"{path.name} was not run:\n  " + "\n  ".join(problems), reason="usage")
    return Scenario(
        str(data.get("scenario", path.stem)), str(data.get("title", "")), str(data["fixture"]), start, tuple(steps),
        str(path), str(data.get("covers", "")),
    )  # fmt: skip


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, str) and value.startswith("$"):
        yield value[1:].split(".")[0]
    elif isinstance(value, dict):
        for k, v in value.items():
            if k not in {"at", "save", "line"}:
                yield from _names(v)
    elif isinstance(value, list):
        for v in value:
            yield from _names(v)
