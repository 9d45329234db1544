"""The code: what is caught, what is accepted, in every script people type digits in."""

import pytest

from answerable.channel import codes

SEEDS = ["0000000000000000000000", "9999999999999999999999", "1234567890123456789012", "9081726354019283746556",
         "0000010000000000000001", "5555555555555555555555"]  # fmt: skip


def made(body: str) -> str:
    return body + codes.check_digits(body)


@pytest.mark.parametrize("body", SEEDS)
def test_every_single_wrong_digit_is_caught(body):
    code = made(body)
    assert codes.read(code)
    for place in range(24):
        for digit in "0123456789":
            if digit != code[place]:
                assert codes.read(code[:place] + digit + code[place + 1 :]) is None, (code, place, digit)


@pytest.mark.parametrize("body", SEEDS)
def test_every_swap_of_neighbours_is_caught(body):
    code = made(body)
    for place in range(23):
        if code[place] != code[place + 1]:
            assert codes.read(code[:place] + code[place + 1] + code[place] + code[place + 2 :]) is None, place


def test_one_digit_too_few_or_too_many_is_caught():
    code = codes.new().digits
    assert codes.read(code[:-1]) is None and codes.read(code + "0") is None and codes.read("") is None


@pytest.mark.parametrize("zero, between", [(0x660, " "), (0x6F0, "‏-"), (0x966, "   "), (0xFF10, "–"), (0x30, "\u00a0")])
def test_digits_of_any_script_spaces_dashes_and_direction_marks_make_no_difference(zero, between):
    code = codes.new()
    typed = between.join("".join(chr(zero + int(d)) for d in group) for group in code.groups)
    assert codes.read(typed) == code


def test_letters_are_not_guessed_at():
    code = codes.new().digits
    assert codes.read("O" + code[1:]) is None


def test_a_code_tells_nothing_where_it_might_be_printed_by_accident():
    code = codes.new()
    assert code.secret not in repr(code) and code.locator not in repr(code)


@pytest.mark.parametrize("typed, pin", [("", ""), ("1234", "1234"), ("١٢٣٤٥٦٧٨", "12345678"), ("12 34", "1234"), ("123", None),
                                        ("123456789", None), ("abcd", None)])  # fmt: skip
def test_a_pin_has_four_to_eight_digits_or_is_left_out(typed, pin):
    assert codes.pin(typed) == pin


def test_a_hundred_codes_differ_and_fit():
    made_ = {codes.new().digits for _ in range(100)}
    assert len(made_) == 100 and all(codes.read(c) for c in made_)
