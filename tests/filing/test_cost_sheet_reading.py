"""Reading and checking cost sheets: every mistake is named with its key and what mends it, and nothing wrong passes."""

import copy
import json
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.application import canonical
from engine.cost_sheet import MOST_INPUTS
from engine.errors import Problem, Refused
from engine.filing.reading import MAX_BYTES
from engine.filing.sheets import check_sheet, is_sheet, published_sheet_schema, read_json, read_sheet, sheet_from_tree


def put(tree: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The tree with another value at that path; None takes the key away."""
    spoilt = copy.deepcopy(tree)
    node: Any = spoilt
    *way, last = path.replace("[", ".").replace("]", "").split(".")
    for key in way:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    if value is None:
        del node[last]
    else:
        node[last] = value
    return spoilt


def problems_of(tree: dict[str, Any]) -> list[Problem]:
    return check_sheet(sheet_from_tree(tree))


def test_the_example_is_right_and_reads_back(sheet_tree: dict[str, Any]) -> None:
    sheet = read_json(json.dumps(sheet_tree).encode())
    assert check_sheet(sheet) == []
    assert read_json(canonical(sheet)) == sheet
    jsonschema_rs.Draft202012Validator(published_sheet_schema()).validate(sheet_tree)


def test_every_key_of_the_schema_has_its_words() -> None:
    for name, group in published_sheet_schema()["$defs"].items():
        for key, prop in group.get("properties", {}).items():
            assert prop.get("title"), f"{name}.{key}"
            assert prop.get("description", "").endswith("."), f"{name}.{key}"
    published_sheet_schema()["$defs"].clear()
    assert published_sheet_schema()["$defs"], "a copy may be changed without harm"


def test_all_mistakes_of_a_file_are_named_at_once(sheet_tree: dict[str, Any]) -> None:
    spoilt = put(put(put(sheet_tree, "inputs[0].hs", "08x"), "fob", "-5"), "maker", None) | {"surprise": 1}
    with pytest.raises(Refused) as refused:
        read_json(json.dumps(spoilt).encode())
    assert {problem.box for problem in refused.value.problems} == {"inputs[0].hs", "fob", "maker", "surprise"}


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 9000, b'{"fob":1e999999}', b"\x00", b" " * (MAX_BYTES + 1)]
)
def test_what_is_no_cost_sheet_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_json(data)
    assert refused.value.problems


def test_a_sheet_with_too_many_inputs_is_refused(sheet_tree: dict[str, Any]) -> None:
    many = sheet_tree | {"inputs": [{"description": "x", "hs": "080131", "country": "IN", "value": "1"}] * (MOST_INPUTS + 1)}
    with pytest.raises(Refused, match=str(MOST_INPUTS)):
        sheet_from_tree(many)


EUR = {"currency": "EUR", "rate": "1.25"}

WRONG = [
    ("product.hs", "2008", "product.hs", "HS digits", "6 at least"),
    ("inputs[1].hs", "2501", "inputs[1].hs", "HS digits", "6 at least"),
    ("inputs[0].hs", "770131", "inputs[0].hs", "HS chapter", "no chapter 77"),
    ("inputs[0].country", "ZZ", "inputs[0].country", "ISO 3166-1 country", "no country"),
    ("inputs[0].value", "0", "inputs[0].value", "above zero", "above zero"),
    ("inputs[0].weight_kg", "0.000", "inputs[0].weight_kg", "above zero", "above zero"),
    ("quantity.value", "0", "quantity.value", "above zero", "above zero"),
    ("fob", "0.00", "fob", "above zero", "above zero"),
    ("net_weight_kg", "0", "net_weight_kg", "above zero", "above zero"),
    ("currency", "XXX", "currency", "ISO 4217 currency", "no currency"),
    ("inputs[0].currency", "EUR", "inputs[0].currency", "a rate for every currency", "add the rate of EUR to rates"),
    ("rates", [EUR, EUR], "rates[0].currency", "one rate for a currency", "keep one"),
    ("rates", [EUR | {"currency": "USD"}], "rates[0].currency", "no rate for the sheet's own currency", "remove the rate"),
    ("rates", [EUR | {"rate": "0"}], "rates[0].rate", "above zero", "above zero"),
    ("rates", [EUR | {"currency": "QQQ"}], "rates[0].currency", "ISO 4217 currency", "no currency"),
    ("net_weight_kg", "999.9999", "net_weight_kg", "weight of the quantity", "1000 KGS are 1000 kg"),
    ("inputs[0].cost_sheet", "CS-2222222222", "inputs[0].originating", "cited and originating", "mark it"),
    ("costs.profit", "594.14", "ex_works", "parts within their price", "0.01 USD more"),
    ("costs.profit", "594.12", "ex_works", "heads make the ex-works price", "0.01 USD are in no head"),
    ("costs.freight_to_port", "600.01", "fob", "parts within their price", "0.01 USD more"),
    ("ex_works", "6000.01", "ex_works", "heads make the ex-works price", "600.01 USD"),
    ("inputs[0].value", "6000.00", "ex_works", "parts within their price", "no part of a price exceeds 100 %"),
]


@pytest.mark.parametrize(("path", "value", "box", "rule", "says"), WRONG)
def test_what_contradicts_itself_is_refused_by_name(
    sheet_tree: dict[str, Any], path: str, value: object, box: str, rule: str, says: str
) -> None:
    found = {(problem.box, problem.rule): problem.say for problem in problems_of(put(sheet_tree, path, value))}
    assert says in found.get((box, rule), ""), found


def test_without_an_ex_works_price_the_heads_stay_within_fob(sheet_tree: dict[str, Any]) -> None:
    tree = put(sheet_tree, "ex_works", None)
    assert problems_of(tree) == []
    [problem] = problems_of(put(tree, "costs.freight_to_port", "600.01"))
    assert (problem.box, "0.01 USD more than the FOB value 6000" in problem.say) == ("costs", True)


def test_with_a_head_left_out_the_price_may_exceed_the_rest(sheet_tree: dict[str, Any]) -> None:
    assert problems_of(put(sheet_tree, "costs.profit", None)) == []


def test_an_input_in_another_currency_is_converted_by_its_rate(sheet_tree: dict[str, Any]) -> None:
    tree = put(put(put(sheet_tree, "rates", [EUR]), "inputs[0].currency", "EUR"), "inputs[0].value", "2401.42")
    assert Decimal("2401.42") * Decimal("1.25") == Decimal("3001.775")  # half a cent over the price that was meant
    assert problems_of(tree) == [], "one smallest unit for a converted input"
    wrong = problems_of(put(tree, "inputs[0].value", "2401.43"))
    assert [problem.rule for problem in wrong] == ["parts within their price"]


def test_the_sums_are_exact_far_beyond_a_float(sheet_tree: dict[str, Any]) -> None:
    huge = {"fob": "900000000000000.0001", "ex_works": "900000000000000.0001", "inputs": [], "costs": {}}
    costs = {"direct_labour": "300000000000000.0001", "direct_overhead": "300000000000000.0000", "profit": "300000000000000.0000"}
    assert problems_of(sheet_tree | huge | {"costs": costs}) == []
    [problem] = problems_of(sheet_tree | huge | {"costs": costs | {"profit": "300000000000000.0001"}})
    assert "0.0001 USD more" in problem.say


@settings(deadline=None)
@given(data=st.data())
def test_the_order_of_the_inputs_changes_no_problem(data: st.DataObject) -> None:
    inputs = [{"description": f"part {n}", "hs": "080131", "country": "IN", "value": f"{n + 1}.37"} for n in range(5)]
    total = sum(Decimal(part["value"]) for part in inputs)
    slip = data.draw(st.sampled_from([Decimal("-0.01"), Decimal(0), Decimal("0.01")]))
    tree = {
        "schema": 1,
        "product": {"description": "x", "hs": "200819"},
        "maker": {"name": "x", "address": "x"},
        "currency": "USD",
        "quantity": {"value": "1", "unit": "PCS"},
        "fob": "100",
        "ex_works": str(total + 3 + slip),
        "inputs": data.draw(st.permutations(inputs)),
        "costs": {"direct_labour": "1", "direct_overhead": "1", "profit": "1"},
    }
    assert [problem.box for problem in problems_of(tree)] == ([] if slip == 0 else ["ex_works"])


def test_a_file_is_told_apart_by_name_or_content(sheet_tree: dict[str, Any], example: dict[str, Any]) -> None:
    sheet = json.dumps(sheet_tree).encode()
    assert is_sheet("x.json", sheet)
    assert not is_sheet("x.json", json.dumps(example).encode())
    assert is_sheet("x.xlsx", b"")
    assert is_sheet("x.CSV", b"")
    assert not is_sheet("x", b"[" * 100_000)
    assert read_sheet("x.json", sheet) == read_json(sheet)
