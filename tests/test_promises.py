"""docs/security.md says what the tests show, and no more."""

import promises


def test_the_page_agrees_with_the_tests():
    assert promises.PAGE.read_text() == promises.page_with(promises.tables()), "run: python tests/promises.py"


def test_every_compromise_has_a_test_that_says_what_it_yields_and_spares():
    _kept, rows = promises.collected()
    for what in promises.COMPROMISES:
        assert rows[what]["yields"] and rows[what]["spares"], what


def test_every_promise_but_the_one_on_public_numbers_is_kept_by_a_named_test():
    kept, _rows = promises.collected()
    assert set(promises.PROMISES) - set(kept) == {6}
