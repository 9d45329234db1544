"""What several walks need."""

from __future__ import annotations

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
