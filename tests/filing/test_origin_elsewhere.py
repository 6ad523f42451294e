"""Where else the goods would pass, and lines that rest on a cost sheet: their own or another firm's."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from engine.application import Quantity
from engine.contracts.form import Form
from engine.contracts.origin import Finding
from engine.contracts.rules import OriginRules
from engine.cost_sheet import CostSheet, Maker, Product, Rate, SheetCosts, SheetInput
from engine.errors import OriginRefused, Refused
from engine.filing.origin import (
    Cited,
    citing_problems,
    explain,
    find_elsewhere,
    find_origin,
    goods_of_item,
    goods_of_sheet,
    refuse_failing,
    table,
)
from engine.filing.reading import from_tree
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, scheme, value

REFERENCE = "CS-7K2M9QD4XA"


def sheet(**changes: Any) -> CostSheet:
    """Ten dozen of tableware for 200.00: half of it a resin from China, 30.00 one from Vietnam that originates there."""
    made = CostSheet(
        schema=1,
        product=Product(description="Tableware of plastics", hs="392410"),
        maker=Maker(name="A Moulder", address="Pune"),
        currency="USD",
        quantity=Quantity(value="10", unit="DOZ"),
        fob="200.00",
        ex_works="190.00",
        inputs=(
            SheetInput(description="Secret resin", hs="390110", country="CN", value="100.00", weight_kg="40"),
            SheetInput(description="Other resin", hs="390210", country="VN", value="30.00", originating=True),
        ),
        costs=SheetCosts(direct_labour="31.77", direct_overhead="12.34", profit="9.87"),
        net_weight_kg="60",
    )
    return msgspec.structs.replace(made, **changes)


def form_of(aifta: Form, code: str, test: Table, partners: tuple[str, ...], **tables: Any) -> Form:
    """A form of a scheme whose one criterion needs one test."""
    return replace(aifta, scheme=code, partners=frozenset(partners), origin=scheme(test, **tables).rules)


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


Cite = Callable[..., tuple[Finding, Form]]


@pytest.fixture
def citing(tree: dict[str, Any]) -> Callable[..., Any]:
    """The example with one line of seven dozen for 140.00, which rests on a sheet."""

    def made(**changes: Any) -> Any:
        quantity = {"value": changes.pop("quantity", "7"), "unit": changes.pop("unit", "DOZ")}
        origin = {"criterion": "X", "cost_sheet": REFERENCE}
        line = {**tree["items"][2], "hs": changes.pop("hs", "392410"), "quantity": quantity, "value": changes.pop("value", "140.00")}
        return from_tree({**tree, "items": [{**line, "origin": origin}], **changes})

    return made


def cited(*, own: bool, **changes: Any) -> dict[str, Cited]:
    """The sheet at hand."""
    return {REFERENCE: Cited(sheet(**changes), REFERENCE, 3, "ab" * 32, own)}


@pytest.mark.parametrize(
    ("fob", "outcome"),
    [
        # the sheet says 130.00 in 200.00 for 10 dozen; 7 dozen hold 91.00, which is 65 % of 140.00
        ("140.00", PASSES),
        ("139.99", FAILS),
    ],
)
def test_a_line_takes_the_sheet_scaled_to_its_quantity(fob: str, outcome: object, citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    line = find_origin(citing(value=fob), form, cited(own=True)).lines[0]
    assert line.outcome is outcome
    assert line.sheet is not None
    assert (line.sheet.reference, line.sheet.version, line.sheet.sha256) == (REFERENCE, 3, "ab" * 32)


def test_a_quantity_that_does_not_divide_is_still_exact(citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    thirds = cited(own=True, quantity=Quantity(value="3", unit="DOZ"))
    # 130.00 for 3 dozen: 7 dozen hold 303.33..., 65 % of 466.66...; 466.67 is enough, 466.66 is not
    assert find_origin(citing(value="466.67"), form, thirds).lines[0].outcome is PASSES
    assert find_origin(citing(value="466.66"), form, thirds).lines[0].outcome is FAILS


def test_the_owner_of_a_sheet_sees_its_amounts_as_they_stand_there(citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    (step,) = find_origin(citing(), form, cited(own=True)).lines[0].steps
    assert step.working == "130.00 / 200.00 * 100 = 65.00 %; at most 65 %"


def test_who_cites_another_firms_sheet_learns_the_verdict_and_no_figure(citing: Callable[..., Any], aifta: Form) -> None:
    tests = {
        "value": {"test": "value_content", "methods": {"up": {"formula": "build_up_cost_with_profit", "min_pct": 35}}, "rule": "R"},
        "nom": {**value("max_nom", max_pct=10), "rule": "R"},
        "shift": {"test": "tariff_shift", "level": "CTH", "rule": "R"},
        "weigh": {"test": "combined", "of": ["shift", "nom"], "rule": "R"},
        "country": {"test": "country", "rule": "R"},
    }
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": list(tests)}]
    light = [{"of": "materials_weight", "pct": 5, "rule": "R"}]
    rules = OriginRules.from_toml({"criteria": criteria, "tests": tests, "sources": [], "de_minimis": light})
    form = replace(aifta, scheme="TRY", origin=rules)
    same_heading = (SheetInput(description="Secret resin", hs="392490", country="CN", value="100.00", weight_kg="40"),)
    for changes in ({}, {"inputs": same_heading}, {"inputs": same_heading, "costs": SheetCosts()}):
        finding = find_origin(citing(), form, cited(own=False, **changes))
        said = json.dumps(msgspec.to_builtins(finding)) + explain(finding)
        with pytest.raises(OriginRefused) as caught:
            refuse_failing(finding)
        said += json.dumps(caught.value.as_json())
        hidden = ("100.00", "30.00", "31.77", "12.34", "9.87", "190", "Secret", "resin", "3901", "392490", "inputs[", "costs.", "%")
        assert [word for word in hidden if word in said] == []
        line = finding.lines[0]
        assert line.outcome is FAILS
        assert all(step.figure is step.points is step.limit is None for step in line.steps)
        assert any("declared to originate in India" in step.working for step in line.steps)


def test_a_sheet_that_is_not_at_hand_leaves_its_line_undecided(citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    line = find_origin(citing(), form).lines[0]
    assert (line.outcome, line.printed, line.missing) == (UNDECIDED, "", ("items[0].origin.cost_sheet",))


@pytest.mark.parametrize(
    ("changes", "box", "say"),
    [
        ({"unit": "KG"}, "items[0].quantity.unit", "give the quantity in DOZ"),
        ({"hs": "392490"}, "items[0].hs", "for HS 392410"),
        ({"currency": "EUR"}, "items[0].origin.cost_sheet", "add a rate for EUR"),
    ],
)
def test_a_sheet_that_cannot_stand_for_its_line_is_refused(
    changes: dict[str, str], box: str, say: str, citing: Callable[..., Any], aifta: Form
) -> None:
    application = citing(**changes)
    (problem,) = citing_problems(application, cited(own=True))
    assert problem.box == box
    assert say in problem.say
    with pytest.raises(Refused):
        find_origin(application, form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",)), cited(own=True))


def test_a_line_in_another_currency_is_worth_the_sheets_rate(citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    rated = cited(own=True, rates=(Rate(currency="EUR", rate="1.25"),))
    # 112.00 EUR are 140.00 USD
    assert find_origin(citing(currency="EUR", value="112.00"), form, rated).lines[0].outcome is PASSES
    assert find_origin(citing(currency="EUR", value="111.99"), form, rated).lines[0].outcome is FAILS


def test_the_largest_amounts_quantities_and_rates_are_still_exact(citing: Callable[..., Any], aifta: Form) -> None:
    form = form_of(aifta, "TRY", value("max_nom", max_pct=65), ("VN",))
    most = "999999999999999.9999"
    dear = SheetInput(description="a", hs="390110", country="CN", value=most, currency="INR")
    held = cited(
        own=True,
        inputs=(dear,) * 2000,
        quantity=Quantity(value=most, unit="DOZ"),
        rates=(Rate(currency="INR", rate="999999999.9999999999"), Rate(currency="EUR", rate="0.0000000001")),
    )
    line = find_origin(citing(quantity=most, value=most, currency="EUR"), form, held).lines[0]
    assert line.outcome is FAILS
    # 2000 inputs at 999999999.9999999999 in one at 0.0000000001: 2000 * 999999999.9999999999 * 10^10 * 100 %
    assert line.steps[0].figure == "1999999999999999999800000.00"
