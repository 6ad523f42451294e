"""Where else the goods would pass, and lines that rest on a cost sheet: their own or another firm's."""

from dataclasses import replace
from typing import Any

import pytest

from engine.contracts.form import Form
from engine.contracts.rules import OriginRules
from engine.cost_sheet import Rate, SheetInput
from engine.errors import Refused
from engine.filing.origin import (
    find_elsewhere,
    goods_of_item,
    goods_of_sheet,
    table,
)
from engine.filing.reading import from_tree
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, form_of, sheet, value


@pytest.fixture
def agreements(aifta: Form) -> list[Form]:
    """Schemes of every kind: by a ceiling, by a content with cumulation, by product rules alone, and without a sourced limit."""
    return [
        form_of(aifta, "CEILING", value("max_nom", max_pct=60), ("VN",)),
        form_of(aifta, "WIDER", value("max_nom", max_pct=65), ("AE",)),
        form_of(aifta, "SHARED", value("build_down", min_pct=50), ("VN", "MY"), cumulation={"type": "regional", "rule": "R"}),
        form_of(aifta, "PRODUCTS", {"test": "product_rule"}, ("VN",)),
        form_of(aifta, "UNSET", {**value("max_nom"), "unset": "the limit"}, ("VN",)),
    ]


def test_every_scheme_says_pass_fail_or_undecided_with_the_missing_points(agreements: list[Form]) -> None:
    found = find_elsewhere(goods_of_sheet(sheet(), destination="VN"), agreements)
    assert [(each.scheme, each.serves, each.outcome, each.points) for each in found] == [
        ("SHARED", True, PASSES, None),  # (200 - 100) / 200 = 50 %
        ("PRODUCTS", True, UNDECIDED, None),
        ("UNSET", True, UNDECIDED, None),
        ("CEILING", True, FAILS, "5.00"),  # 130 / 200 = 65 %, 5 points above 60
        ("WIDER", False, PASSES, None),
    ]
    assert found[1].missing == ("not loaded: a product rule for HS 392410",)
    assert found[2].missing == ("not sourced: the limit",)


def test_without_a_destination_every_scheme_serves(agreements: list[Form]) -> None:
    assert all(each.serves for each in find_elsewhere(goods_of_sheet(sheet()), agreements))


def test_the_best_criterion_speaks_and_all_are_shown(aifta: Form) -> None:
    tests = {
        "high": {**value("max_nom", max_pct=40), "rule": "R"},
        "near": {**value("max_nom", max_pct=60), "rule": "R"},
        "shift": {"test": "tariff_shift", "level": "CC", "rule": "R"},
    }
    criteria = [{"code": name.upper(), "meaning": "m", "as_printed": "p", "tests": [name]} for name in ("shift", "high", "near")]
    form = replace(aifta, origin=OriginRules.from_toml({"criteria": criteria, "tests": tests, "sources": []}))
    (found,) = find_elsewhere(goods_of_sheet(sheet()), [form])
    assert (found.outcome, found.criterion, found.points) == (FAILS, "NEAR", "5.00")
    assert [line.criterion for line in found.lines] == ["SHIFT", "HIGH", "NEAR"]


def test_a_sheet_by_itself_is_asked_nothing_about_a_shipment(aifta: Form) -> None:
    form = form_of(aifta, "STRAIGHT", {"test": "direct_consignment"}, ("VN",))
    assert find_elsewhere(goods_of_sheet(sheet(), destination="VN"), [form])[0].outcome is PASSES


def test_a_line_that_goes_elsewhere_is_tried_as_if_it_went_to_a_partner(tree: dict[str, Any], aifta: Form) -> None:
    tree["transport"]["transit"] = ["SG"]
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "destinations": ["AE"]}]
    form = form_of(aifta, "STRAIGHT", {"test": "direct_consignment"}, ("AE",), criteria=criteria)
    (found,) = find_elsewhere(goods_of_item(from_tree(tree), 2), [form])
    assert (found.serves, found.outcome) == (False, PASSES)
    (found,) = find_elsewhere(goods_of_item(from_tree(tree), 2), [replace(form, partners=frozenset({"AE", "VN"}))])
    assert (found.serves, found.outcome) == (True, FAILS)


def test_the_table_shows_one_row_for_each_scheme(agreements: list[Form]) -> None:
    shown = table(find_elsewhere(goods_of_sheet(sheet(), destination="VN"), agreements)).splitlines()
    assert len(shown) == 6
    assert shown[0].split() == ["scheme", "serves", "outcome", "criterion", "misses", "missing"]
    assert shown[4].split() == ["CEILING", "yes", "fails", "X", "5.00", "points"]


def test_amounts_of_a_sheet_in_other_currencies_are_worth_their_rate(aifta: Form) -> None:
    form = form_of(aifta, "CEILING", value("max_nom", max_pct=60), ("VN",))
    # 8300.00 INR at 0.012 USD are 99.60 USD; 99.60 + 20.40 = 120.00, 60 % of 200.00
    inputs = (
        SheetInput(description="a", hs="390110", country="CN", value="8300.00", currency="INR"),
        SheetInput(description="b", hs="390110", country="CN", value="20.40"),
    )
    at_limit = sheet(inputs=inputs, rates=(Rate(currency="INR", rate="0.012"),))
    assert find_elsewhere(goods_of_sheet(at_limit), [form])[0].outcome is PASSES
    above = sheet(inputs=inputs, rates=(Rate(currency="INR", rate="0.0120000001"),))
    assert find_elsewhere(goods_of_sheet(above), [form])[0].outcome is FAILS
    with pytest.raises(Refused, match="no rate for INR"):
        goods_of_sheet(sheet(inputs=inputs))


# --- a line that cites a sheet -----------------------------------------------------------------
