"""A reason that a person gives: one rule for all of them, wherever it is asked."""

import inspect

import pytest

from engine.errors import Refused
from engine.issuing import registering
from engine.money.gateways import activating as parameters
from engine.people.agencies import register
from engine.people.changes import deciding as changes
from engine.people.dsc import enrolment
from engine.people.firms import closing
from engine.people.joining import deciding, replacing
from engine.people.plain_text import reason_of
from engine.people.staff import activating, desk


@pytest.mark.parametrize("text", ["", "  ", "\n", "x" * 41, "a\x00b", "a\u202eb", "a\u200bb", "one\n\ntwo"])
def test_a_reason_that_is_empty_too_long_or_hides_something_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        reason_of(text, most=40, box="because")
    assert (refused.value.box, refused.value.rule) == ("because", "reason given")


def test_a_reason_is_kept_tidy_and_may_have_lines() -> None:
    assert reason_of("  Left the \r\n agency. ", most=40) == "Left the\nagency."


def test_where_none_is_given_it_is_asked_for_in_the_words_of_the_deed() -> None:
    with pytest.raises(Refused, match="Say why it ends"):
        reason_of(" ", most=40, empty="Say why it ends.")


@pytest.mark.parametrize(
    "room",
    [register, changes, enrolment, closing, deciding, replacing, activating, desk, parameters, registering],
    ids=lambda room: room.__name__,
)
def test_every_room_that_asks_for_a_reason_reads_it_by_the_one_rule(room: object) -> None:
    assert getattr(room, "reason_of", None) is reason_of
    assert "def _reason" not in inspect.getsource(room)
