"""Which operations of the vault change a key table, found by reading the source: nothing that is added is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WRITES = frozenset(
    {"create", "save", "delete", "update", "update_or_create", "get_or_create", "bulk_create", "bulk_update", "copy"}
)
Place = tuple[str, str]


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted((ROOT / "answerable").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if not {"tests", "migrations"} & set(parts):
            yield ".".join(parts), ast.parse(file.read_text())


def _names(tree: ast.Module) -> tuple[dict[str, str], dict[str, Place]]:
    """What a module's names stand for: modules, and functions of other modules."""
    modules, functions = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("answerable"):
            for name in node.names:
                modules[name.asname or name.name] = f"{node.module}.{name.name}"
                functions[name.asname or name.name] = (str(node.module), name.name)
    return modules, functions


def changing_operations(models: set[str]) -> set[str]:
    """Names of operations that write, themselves or through what they call, a row of one of these models."""
    return _operations(models, set())


def operations_that_call(place: Place) -> set[str]:
    """Names of operations that call a function (module, name), themselves or through what they call."""
    return _operations(set(), {place})


def _operations(models: set[str], places: set[Place]) -> set[str]:
    calls: dict[Place, set[Place]] = {}
    writes = set(places)
    asked: dict[str, Place] = {}
    for module, tree in _modules():
        modules, functions = _names(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            here, called, names, written = (module, node.name), set(), set(), False
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "operation":
                    asked[ast.literal_eval(mark.args[0])] = here
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name):
                    names.add(inner.id)
                    called.add(functions.get(inner.id, (module, inner.id)))
                elif isinstance(inner, ast.Attribute):
                    written = written or inner.attr in WRITES
                    if isinstance(inner.value, ast.Name) and inner.value.id in modules:
                        called.add((modules[inner.value.id], inner.attr))
            calls.setdefault(here, set()).update(called)
            if written and names & models:
                writes.add(here)
    found = set(writes)
    while more := {f for f, called in calls.items() if f not in found and called & found}:
        found |= more
    return {name for name, place in asked.items() if place in found}
