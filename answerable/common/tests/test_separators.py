"""Columns of CSV files as spreadsheets of different countries write them."""

import pytest

from answerable.common.separators import separator


@pytest.mark.parametrize(
    ("text", "found"),
    [("a,b,c\n1,2,3", ","), ("\ufeffa;b;c\n1,5;2;3", ";"), ("\n \na\tb\n1,2\t3", "\t"), ("alone\n1;2", ","), ("", ",")],
)
def test_the_first_line_says_what_stands_between_columns(text, found):
    assert separator(text) == found
