"""What an administrator types or pastes into the fields of a gateway: each slip is told by its code, and none is mended in silence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.payment import FieldProblem
from engine.money.gateways.entering import CODES, judge_parameters
from plugins.payment.sandbox.gateway import Sandbox

GOOD = {"merchant_id": "COOMUM01", "checksum": "k9XvQ2mNpR7sT4wZ"}


def judged(**told: str) -> list[FieldProblem]:
    return list(judge_parameters(Sandbox(), {**GOOD, **told}))


def codes(**told: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in judged(**told)]


def test_what_is_right_is_taken_as_it_is() -> None:
    assert judged() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["required"]),
        ("   ", ["required"]),
        ("\t\u00a0\n", ["required"]),
        ("COOMUM01 ", ["edge_space"]),
        (" COOMUM01", ["edge_space"]),
        ("COOMUM01\n", ["edge_space"]),
        ("COOMUM01\r\n", ["edge_space"]),
        ("\u00a0COOMUM01", ["edge_space"]),
        ("\ufeffCOOMUM01", ["edge_space"]),
        ("COOMUM01\u2003", ["edge_space"]),
        ("COO MUM01", ["inner_space"]),
        ("COO\tMUM01", ["inner_space"]),
        ("COO\u3000MUM01", ["inner_space"]),
        (" COO MUM01", ["edge_space", "inner_space"]),
        ("COO\u200bMUM01", ["invisible_char"]),
        ("COO\u200cMUM01", ["invisible_char"]),
        ("COO\u200dMUM01", ["invisible_char"]),
        ("\u200bCOOMUM01", ["invisible_char"]),
        ("COOMUM01\u2060", ["invisible_char"]),
        ("COO\ufeffMUM01", ["invisible_char"]),
        ("COO\u202eMUM01", ["invisible_char"]),
        ("COO\u00adMUM01", ["invisible_char"]),
        ("COO\u3164MUM01", ["invisible_char"]),
        ("COO\x00MUM01", ["invisible_char"]),
        ("COO\x1bMUM01", ["invisible_char"]),
        ("\uff23\uff2f\uff2fMUM01", ["bad_char"]),
        ("COOMUM0\uff11", ["bad_char"]),
        ("C\u041e\u041eMUM01", ["bad_char"]),
        ("\u201cCOOMUM01\u201d", ["bad_char"]),
        ("COO|MUM01", ["bad_char"]),
        ("<b>COO</b>", ["bad_char"]),
        ("coomum01", ["bad_char"]),
        ("COO", ["length"]),
        ("C" * 21, ["length"]),
        ("NA", ["placeholder"]),
        ("N/A", ["placeholder"]),
        ("TEST", ["placeholder"]),
        ("XXXXXXXX", ["placeholder"]),
        ("CHANGEME", ["placeholder"]),
        ("change me", ["inner_space", "placeholder"]),
        ("********", ["placeholder"]),
        ("\u2022" * 8, ["bad_char", "placeholder"]),
    ],
)
def test_each_slip_has_its_code(text: str, expected: list[str]) -> None:
    assert codes(merchant_id=text) == [("merchant_id", code) for code in expected]
    assert set(expected) <= set(CODES)


@pytest.mark.parametrize(
    "text",
    ["k9XvQ2mNpR7sT4wZ ", "k9XvQ2m\u200bNpR7sT4wZ", "k9XvQ2m NpR7sT4wZ", "k9XvQ2m|NpR7sT4wZ", "k9XvQ2mNpR7s", "k9XvQ2m\uff2epR7sT4wZ"],
)
def test_no_sentence_repeats_a_secret(text: str) -> None:
    problems = judged(checksum=text)
    assert problems
    for problem in problems:
        assert problem.say.startswith("Checksum ")
        assert not any(part in problem.say for part in ("k9Xv", "k9XvQ2m", "NpR7s"))


def test_a_sentence_says_where_the_slip_is() -> None:
    [problem] = judged(merchant_id="COOM\u200bUM01")
    assert "position 5" in problem.say
    [problem] = judged(checksum=f"{GOOD['checksum']}  ")
    assert "ends with 2 spaces" in problem.say


def test_every_field_is_told_at_once() -> None:
    assert codes(merchant_id="", checksum="") == [("merchant_id", "required"), ("checksum", "required")]


def test_a_secret_that_is_the_merchant_id_is_refused() -> None:
    same = "COOMUM01COOMUM01"
    assert codes(merchant_id=same, checksum=same) == [("checksum", "same_as_merchant_id")]


def test_fields_that_were_entered_in_each_others_place_are_seen() -> None:
    found = codes(merchant_id="k9XvQ2mNpR7sT4wZ", checksum="ABCDEFGH12345678")
    assert ("merchant_id", "bad_char") in found
    assert ("checksum", "same_as_merchant_id") in codes(merchant_id="k9xvq2mnpr7st4wz", checksum="ABCDEFGH12345678")


@given(st.text(max_size=30))
def test_whatever_is_entered_is_judged_and_only_plain_text_is_taken(text: str) -> None:
    problems = judged(merchant_id=text)
    assert bool(problems) is not (text.isascii() and text.isalnum() and text == text.upper() and 4 <= len(text) <= 20) or any(
        problem.code == "placeholder" for problem in problems
    )
    assert {problem.code for problem in problems} <= set(CODES)


def test_a_blank_beside_a_secret_that_may_be_missing_is_a_blank_and_nothing_was_swapped() -> None:
    class Lenient(Sandbox):
        fields = (Sandbox.fields[0], replace(Sandbox.fields[1], required=False))

    told = {"merchant_id": "", "checksum": "ABCDEFGH12345678"}
    assert [(problem.field, problem.code) for problem in judge_parameters(Lenient(), told)] == [("merchant_id", "required")]
