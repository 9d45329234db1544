"""What several walks need."""

from __future__ import annotations

import resource
from datetime import timedelta

import pytest

from answerable.common import clock


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
