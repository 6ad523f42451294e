"""Two versions side by side: nothing that differs is left out, nothing that is equal is named, and amounts say by how much."""

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.filing.sheets import compare, sheet_from_tree

PART = {"description": "part", "hs": "080131", "country": "IN", "value": "1.00"}
BASE: dict[str, Any] = {
    "schema": 1,
    "product": {"description": "x", "hs": "200819"},
    "maker": {"name": "x", "address": "x"},
    "currency": "USD",
    "quantity": {"value": "1", "unit": "PCS"},
    "fob": "100",
    "inputs": [],
}
parts = st.lists(
    st.builds(
        lambda n, value, originating: PART | {"description": f"part {n}", "value": value, "originating": originating},
        st.integers(0, 5),
        st.sampled_from(["1.00", "2.50", "0.01"]),
        st.booleans(),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(parts)
def test_a_version_does_not_differ_from_itself(inputs: list[dict[str, Any]]) -> None:
    sheet = sheet_from_tree(BASE | {"inputs": inputs})
    assert compare(sheet, sheet) == []


@settings(deadline=None)
@given(parts, parts)
def test_the_changes_of_the_values_add_up_to_the_change_of_the_whole(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    found = compare(sheet_from_tree(BASE | {"inputs": before}), sheet_from_tree(BASE | {"inputs": after}))
    values = [each for each in found if each.path.endswith(".value")]
    moved = sum(Decimal(each.after or 0) - Decimal(each.before or 0) for each in values)
    assert moved == sum(Decimal(part["value"]) for part in after) - sum(Decimal(part["value"]) for part in before)
    assert all(
        Decimal(each.change) == Decimal(each.after) - Decimal(each.before) for each in values if each.before and each.after and each.change
    )


def test_what_is_put_in_at_the_top_changes_one_line(sheet_tree: dict[str, Any]) -> None:
    later = copy.deepcopy(sheet_tree)
    later["inputs"].insert(0, PART)
    found = compare(sheet_from_tree(sheet_tree), sheet_from_tree(later))
    assert {each.path.partition(".")[0] for each in found} == {"inputs[0]"}
    assert {each.before for each in found} == {None}


def test_a_thousand_inputs_that_look_alike_are_compared_line_by_line() -> None:
    before = [PART | {"description": f"part {n % 2}"} for n in range(2000)]
    after = [*before[1:], before[0] | {"value": "2.00"}]
    found = compare(sheet_from_tree(BASE | {"inputs": before}), sheet_from_tree(BASE | {"inputs": after}))
    assert [(each.before, each.after, each.change) for each in found] == [("1.00", "2.00", "1.00")]


def test_what_is_no_amount_has_no_change(sheet_tree: dict[str, Any]) -> None:
    later = copy.deepcopy(sheet_tree) | {"operations": ["roasting"], "fob": "6000.01", "manufactured_by_exporter": True}
    later["product"]["hs"] = "200899"
    found = {each.path: (each.before, each.after, each.change) for each in compare(sheet_from_tree(sheet_tree), sheet_from_tree(later))}
    assert found == {
        "product.hs": ("200819", "200899", None),
        "fob": ("6000.00", "6000.01", "0.01"),
        "manufactured_by_exporter": (None, "true", None),
        "operations": ("steaming\nshelling\npeeling\nroasting\nsalting", "roasting", None),
    }
