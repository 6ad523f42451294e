"""The text rule, character by character."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contracts.form import Form
from engine.filing.reading.text import shown, text_problems, tidy

# A busy machine makes examples slow, and slow is not wrong.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEPT = [
    ("Vietnamese", "C\u00d4NG TY TNHH TH\u1ef0C PH\u1ea8M SAO BI\u1ec2N XANH"),
    ("the rupee sign", "\u20b9 500"),
    ("Greek and Cyrillic", "\u0391\u03b8\u03ae\u03bd\u03b1 \u041c\u043e\u0441\u043a\u0432\u0430"),
    ("Devanagari", "\u0939\u0932\u094d\u0926\u0940"),
    ("a half form: virama, ZWJ", "\u0915\u094d\u200d\u0937"),
    ("an explicit virama: virama, ZWNJ", "\u0915\u094d\u200c\u0937"),
    ("Bengali ya-phalaa: ZWJ before the virama", "\u09b0\u200d\u09cd\u09af"),
    ("an old Malayalam chillu at the end of a word", "\u0d05\u0d35\u0d28\u0d4d\u200d"),
    ("an old chillu before a full stop", "\u0d05\u0d35\u0d28\u0d4d\u200d."),
    ("ZWNJ between Kannada letters", "\u0cb0\u0ccd\u200c\u0c95"),
    ("Arabic without marks of direction", "\u0645\u0631\u062d\u0628\u0627"),
]

REFUSED = [
    ("NUL", "A\x00B", "no control characters"),
    ("tab", "A\tB", "no control characters"),
    ("line feed in one line", "A\nB", "no control characters"),
    ("carriage return", "A\rB", "no control characters"),
    ("DEL", "A\x7fB", "no control characters"),
    ("next line", "A\x85B", "no control characters"),
    ("RLO", "A\u202eB", "no bidi control characters"),
    ("LRE", "A\u202aB", "no bidi control characters"),
    ("FSI", "A\u2068B", "no bidi control characters"),
    ("RLM", "A\u200fB", "no bidi control characters"),
    ("ALM", "A\u061cB", "no bidi control characters"),
    ("ZWSP", "A\u200bB", "no invisible characters"),
    ("BOM", "\ufeffAB", "no invisible characters"),
    ("word joiner", "A\u2060B", "no invisible characters"),
    ("soft hyphen", "A\u00adB", "no invisible characters"),
    ("combining grapheme joiner", "A\u034fB", "no invisible characters"),
    ("Hangul filler", "A\u3164B", "no invisible characters"),
    ("blank Braille", "A\u2800B", "no invisible characters"),
    ("variation selector", "A\ufe0fB", "no invisible characters"),
    ("variation selector 17", "A\U000e0100B", "no invisible characters"),
    ("tag letter", "A\U000e0041B", "no invisible characters"),
    ("ZWJ between Latin letters", "A\u200dB", "no invisible characters"),
    ("ZWNJ between Latin letters", "A\u200cB", "no invisible characters"),
    ("ZWJ at the start", "\u200d\u0915", "no invisible characters"),
    ("ZWNJ at the end", "\u0915\u094d\u200c", "no invisible characters"),
    ("ZWJ after a letter at the end", "\u0915\u200d", "no invisible characters"),
    ("two joiners", "\u0915\u094d\u200d\u200d\u0937", "no invisible characters"),
    ("ZWJ between scripts", "\u0915\u094d\u200dA", "no invisible characters"),
    ("NBSP", "A\u00a0B", "ordinary spaces only"),
    ("ideographic space", "A\u3000B", "ordinary spaces only"),
    ("thin space", "A\u2009B", "ordinary spaces only"),
    ("line separator", "A\u2028B", "ordinary spaces only"),
    ("paragraph separator", "A\u2029B", "ordinary spaces only"),
    ("lone surrogate", "A\ud83dB", "whole characters only"),
    ("private use", "A\ue000B", "assigned characters only"),
    ("noncharacter", "A\uffffB", "assigned characters only"),
    ("unassigned", "A\u0378B", "assigned characters only"),
    ("space before", " AB", "no space at either end"),
    ("space after", "AB ", "no space at either end"),
    ("nothing but spaces", "   ", "not empty"),
]


@pytest.mark.parametrize(("what", "text"), KEPT, ids=[what for what, _ in KEPT])
def test_an_honest_text_is_kept(what: str, text: str) -> None:
    assert text_problems("name", tidy(text)) == []


@pytest.mark.parametrize(("what", "text", "rule"), REFUSED, ids=[what for what, _, _ in REFUSED])
def test_what_hides_is_refused_by_name(what: str, text: str, rule: str) -> None:
    (problem,) = text_problems("name", tidy(text))
    assert (problem.box, problem.rule) == ("name", rule)
    assert problem.say.isprintable()
    problem.say.encode("utf-8")


def test_the_place_and_the_name_of_the_character_are_said() -> None:
    (problem,) = text_problems("consignee.name", "ABC\u202eD")
    assert "character 4: U+202E (RIGHT-TO-LEFT OVERRIDE)" in problem.say


def test_line_breaks_are_allowed_where_lines_are() -> None:
    assert text_problems("address", "Plot 1\nMumbai", lines=True) == []


@pytest.mark.parametrize(("text", "rule"), [("A\n\nB", "no empty lines"), ("A \nB", "no space at either end"), ("A\n", "no empty lines")])
def test_lines_are_whole(text: str, rule: str) -> None:
    assert [problem.rule for problem in text_problems("address", text, lines=True)] == [rule]


def test_an_indic_word_passes_the_text_rule_and_is_refused_by_the_font(aifta: Form) -> None:
    word = "\u0915\u094d\u200d\u0937"
    assert text_problems("name", word) == []
    assert "\u0915" in aifta.regular.missing(word)


@steady
@given(st.text(max_size=60))
def test_an_accepted_text_is_stable_and_shows_all_it_has(text: str) -> None:
    tidied = tidy(text)
    if not text_problems("name", tidied):
        assert tidy(tidied) == tidied
        assert tidied.replace("\u200d", "").replace("\u200c", "").isprintable()


@steady
@given(st.text(st.characters(), max_size=80))
def test_a_shown_value_is_short_and_harmless(text: str) -> None:
    assert shown(text).isprintable()
    assert not any(char in shown(text) for char in "\u202e\u200b\ufeff")
