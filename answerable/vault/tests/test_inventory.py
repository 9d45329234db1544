"""One file lists the cryptography; product code draws no randomness but the operating system's (ASVS 11.1.2, 11.5.1)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
MODULES = [p for p in PACKAGE.rglob("*.py") if not {"tests", "migrations", "node_modules"} & set(p.parts)]
LIBRARIES = {"cryptography", "nacl", "argon2", "Crypto", "Cryptodome", "OpenSSL", "hpke"}
# The last reads certificates of time authorities and checks their signatures over what others sent; it seals nothing.
INVENTORY = {"vault/primitives.py", "engines/tlog.py", "monitoring/evidence/timestamps.py"}


def imported(source: str) -> set[str]:
    """Every module a source names in an import, and in a call that imports by name, with its parents."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}:
            names |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return {".".join(n.split(".")[:depth]) for n in names for depth in range(1, n.count(".") + 2)}


def test_cryptography_comes_from_the_inventory_and_chance_from_the_system():
    for path in MODULES:
        names, where = imported(path.read_text()), path.relative_to(PACKAGE).as_posix()
        if where not in INVENTORY and path.parent != PACKAGE / "tools":
            assert not names & LIBRARIES, where
        assert not names & {"random", "numpy.random"}, where


@pytest.mark.parametrize(
    ("source", "seen"),
    [("import random", "random"), ("from random import choice", "random"), ("import nacl.secret as s", "nacl"),
     ("def f():\n from cryptography.fernet import Fernet", "cryptography"), ("from numpy import random", "numpy.random"),
     ("import importlib\nimportlib.import_module('nacl.bindings')", "nacl"), ("__import__('random')", "random")],
)  # fmt: skip
def test_the_walk_sees_every_way_to_import(source, seen):
    assert seen in imported(source)


def test_the_core_knows_no_framework():
    core = [PACKAGE / "vault" / f"{name}.py" for name in ("primitives", "seal", "identity", "userkeys", "escrow")]
    bundles = list((PACKAGE / "vault" / "bundles").glob("*.py"))
    assert len(bundles) > 3
    for path in (*core, *bundles):
        assert not imported(path.read_text()) & {"django", "psycopg"}, path


def test_the_core_is_where_the_walk_looks():
    assert {PACKAGE / "vault" / "primitives.py", PACKAGE / "engines" / "tlog.py"} <= set(MODULES) and len(MODULES) > 60
