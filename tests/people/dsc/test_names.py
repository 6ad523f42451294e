"""A certificate's name against the register's: the same person in another dress, and another person in a similar one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.people.dsc import name_difference, same_name
from engine.people.dsc.names import organisation_difference

WORD = st.text(st.characters(min_codepoint=ord("a"), max_codepoint=ord("z")), min_size=2, max_size=9)


@pytest.mark.parametrize(
    ("register", "read"),
    [
        ("Asha Rao", "ASHA RAO"),
        ("Asha Rao", "  Asha   Rao "),
        ("Asha Rao", "RAO ASHA"),
        ("Asha Rao", "A. Rao"),
        ("Asha Vinayak Rao", "A V Rao"),
        ("R. K. Sharma", "RK SHARMA"),
        ("R K Sharma", "Rakesh Kumar Sharma"),
        ("Shri Asha Rao", "Asha Rao"),
        ("Asha Rao", "SMT. ASHA RAO"),
        ("Meera D'Souza", "MEERA D\u2019SOUZA"),
        ("Anne-Marie Rao", "Anne Marie Rao"),
        ("आशा राव", "आशा  राव"),
        ("\uff21sha Rao", "Asha Rao"),
    ],
)
def test_the_same_name_in_another_dress_is_the_same(register: str, read: str) -> None:
    assert same_name(register, read)
    assert same_name(read, register)


@pytest.mark.parametrize(
    ("register", "read"),
    [
        ("Asha Rao", "Asha Deshmukh"),
        ("Asha Rao", "Usha Rao"),
        ("Asha Rao", "Rao"),
        ("Asha Rao", "A. R."),
        ("A. R.", "A. R. Rao"),
        ("Asha Rao", "Asha Rao Deshmukh"),
        ("Asha Rao", ""),
        ("Asha Rao", "..."),
        ("Asha Rao", "\u0410sha Rao"),  # a Cyrillic letter
        ("Asha Rao", "Asha\u200b Rao"),
        ("Asha Rao", "\u202eoaR ahsA"),
        ("Asha Rao", "Asha Rao\x00"),
        ("Asha Asha Rao", "Asha Rao Rao"),
    ],
)
def test_another_name_is_another_name(register: str, read: str) -> None:
    assert not same_name(register, read)
    assert not same_name(read, register)
    difference = name_difference(register, read)
    assert difference is not None
    assert (difference.field, difference.register, difference.read) == ("common name (CN)", register, read)


@given(st.lists(WORD, min_size=1, max_size=4), st.randoms())
def test_order_and_case_never_make_a_difference(words: list[str], order) -> None:
    shuffled = [word.upper() for word in words]
    order.shuffle(shuffled)
    assert same_name(" ".join(words), " ".join(shuffled))


@given(st.lists(WORD, min_size=2, max_size=3, unique=True), WORD)
def test_a_changed_word_always_makes_one(words: list[str], other: str) -> None:
    if other in words or "".join(words) == "".join([*words[:-1], other]):
        return
    assert not same_name(" ".join(words), " ".join([*words[:-1], other]))


def test_a_personal_certificate_has_no_organisation_to_differ_by() -> None:
    assert organisation_difference("Textiles Committee", "Personal") is None
    assert organisation_difference("Textiles Committee", "") is None
    assert organisation_difference("Textiles Committee", "TEXTILES COMMITTEE") is None
    assert organisation_difference("Textiles Committee", "Tea Board") is not None
