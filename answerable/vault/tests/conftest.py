"""Passphrases cost next to nothing here; what is tested does not depend on the cost."""

import pytest

from answerable.vault import userkeys


@pytest.fixture(autouse=True)
def cheap_passphrases():
    before = userkeys.set_parameters(userkeys.KdfParameters(memory_kib=64, iterations=1, lanes=1))
    yield
    userkeys.set_parameters(before)
