"""Rows on pages: none lost, none twice, none too many for its page."""

from hypothesis import given
from hypothesis import strategies as st

from engine.drawing.page.pagination import paginate, taken


def room(*, first: bool, last: bool) -> int:
    return (50 if first else 70) - (25 if last else 0)


def test_rows_that_fit_with_the_closing_part_stand_on_one_page() -> None:
    assert paginate([4] * 5, room, 1) == (range(0, 5),)


def test_the_last_page_keeps_a_row_so_that_no_signature_stands_below_nothing() -> None:
    pages = paginate([4] * 9, room, 1)
    assert pages == (range(0, 8), range(8, 9))


def test_a_single_row_too_tall_for_the_closing_page_has_a_page_of_its_own() -> None:
    assert paginate([40], room, 1) == (range(0, 1), range(1, 1))


def test_no_rows_at_all_still_make_a_page() -> None:
    assert paginate([], room, 1) == (range(0, 0),)


@given(st.lists(st.integers(1, 49), max_size=200))
def test_every_row_stands_on_exactly_one_page_and_every_page_has_room(rows: list[int]) -> None:
    pages = paginate(rows, room, 1)
    assert [index for page in pages for index in page] == list(range(len(rows)))
    for number, page in enumerate(pages):
        lines = taken([rows[index] for index in page], 1)
        assert lines <= room(first=number == 0, last=number == len(pages) - 1)
