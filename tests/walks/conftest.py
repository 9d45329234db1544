"""What several walks need, and which of them the everyday suite leaves to `make test`: it walks each part once."""

from __future__ import annotations

import resource
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from answerable.common import clock

# Modules that vary what another module here walks already: every way of correcting, every choice at the door.
FURTHER_CASES = {
    "test_a_level_stays", "test_corrections", "test_counted_as_certain", "test_door_choices", "test_door_codes", "test_door_complaint",
    "test_early_warning", "test_evidence", "test_grades_given_later", "test_intake_corrected", "test_intake_versions",
    "test_history_of_a_report", "test_intake_whole", "test_next_grade", "test_what_was_before_her",
    "test_intake_whose", "test_items_added_later", "test_levels_hold", "test_looking", "test_several_actors",
}  # fmt: skip
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Before tests are chosen by their marks."""
    assert {p.stem for p in HERE.glob("test_*.py")} >= FURTHER_CASES
    for item in items:
        if item.path.parent == HERE and item.path.stem in FURTHER_CASES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def later():
    """`later(days=1)` moves the clock on; it is put back afterwards."""

    def go(**delta):
        clock.fix(clock.now() + timedelta(**delta))

    before = clock._fixed
    yield go
    clock._fixed = before


@pytest.fixture
def small_disk():
    """Nothing that is written may grow beyond this many bytes, as where a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def to(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    yield to
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
