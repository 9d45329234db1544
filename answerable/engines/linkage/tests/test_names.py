"""Names of armed actors and commanders in several scripts; all persons here are invented or common words."""

import pytest

from answerable.engines.linkage import names


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("محمد طاهر", "Mohammad Taher"),
        ("Мухаммад Тахир", "محمد طاهر"),
        ("Абдурахман Иванов", "Abd al-Rahman Ivanov"),
        ("عبد اللطيف منصور", "ABDUL LATIF MANSUR"),
        ("AbdulLatif Mansur", "Abdul Latif Mansoor"),
        ("Osman Gazi", "عثمان غازي"),
        ("Othman", "Усман"),
        ("Юсуф", "Yousef"),
        ("Jamal", "Джамаль"),
        ("Djamel", "جمال"),
        ("أبو بكر", "Abu Bakr"),
        ("Бригада Северная", "Severnaya Brigade"),
        ("ÖZGÜR ÇELİK", "Ozgur Celik"),
        ("Haji Karim Daud", "كريم داود"),
    ],
)
def test_one_name_in_two_spellings_is_worth_a_look(first, second):
    assert names.compare(first, second).worth_a_look
    assert names.compare(second, first).score == names.compare(first, second).score
    assert names.keys(first) & names.keys(second), "and is found by the index of skeletons"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Joseph Kony", "Joseph Kabila"),
        ("Karim Daud", "Karim Tahir Mansur"),
        ("Northern Brigade", "Southern Brigade"),
        ("Иван Петров", "Пётр Иванов"),
        ("محمد", "حسن"),
        ("Abu Bakr", "Abu Talib"),
    ],
)
def test_different_names_are_not(first, second):
    assert not names.compare(first, second).worth_a_look


def test_the_reason_names_the_consonants_and_what_stays_without_a_partner():
    score = names.compare("Мухаммад Тахир Анвари", "Mohamed Anwari")
    by_code = {m.code: m for m in score.matches}
    assert by_code["consonants"].skeleton in {"mhmd", "anr"}
    assert (by_code["unanswered"].first, by_code["unanswered"].second) == ("takhir", "")


def test_letters_of_two_scripts_in_one_word_are_named():
    assert names.mixed_words("Мoхамед Karim") == ["Мoхамед"]  # a Latin o
    assert names.script("Мoхамед") == "mixed" and names.script("محمد") == "arabic" and names.script("12") == ""
    assert names.compare("Мoхамед", "Mohamed").worth_a_look


def test_areas_have_one_key_in_every_script():
    assert names.place_key("Харків") == names.place_key("Kharkiv")
    assert names.place_key("North Vale") == names.place_key("Vale, North")
    assert names.place_key("Kharkiv") != names.place_key("Kherson")
    assert names.place_key("") == ""
