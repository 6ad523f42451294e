"""Reading: whatever the bytes are, an application or a refusal, and never anything else."""

import json
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.application import Application, canonical
from engine.errors import Refused
from engine.filing.reading import MAX_BYTES, from_tree, look, read, to_tree
from engine.filing.reading.schema import published_schema

# A busy machine makes examples slow, and slow is not wrong.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=6),
    max_leaves=20,
)


def paths(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree of plain data."""
    found = [way] if way else []
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        found += paths(child, (*way, key))
    return found


@steady
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read(data)


@steady
@given(json_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    with pytest.raises(Refused) as caught:
        read(json.dumps(value).encode())
    assert caught.value.problems
    assert caught.value.say


@steady
@given(data=st.data())
def test_an_example_with_anything_anywhere_is_read_or_refused(data: st.DataObject, example: dict[str, Any]) -> None:
    spoilt = json.loads(json.dumps(example))
    *way, last = data.draw(st.sampled_from(paths(example)))
    node = spoilt
    for key in way:
        node = node[key]
    node[last] = data.draw(json_values)
    application, problems = look(json.dumps(spoilt).encode())
    assert application is not None or problems
    assert all(problem.rule and problem.say.isprintable() for problem in problems)
    json.dumps(Refused("No.", problems=problems).as_json(), ensure_ascii=False).encode("utf-8")  # can always be shown
    if not problems:
        assert application is not None
        assert read(canonical(application)) == application


@steady
@given(data=st.data())
def test_reader_and_published_schema_agree_on_the_shape(data: st.DataObject, example: dict[str, Any]) -> None:
    spoilt = json.loads(json.dumps(example))
    *way, last = data.draw(st.sampled_from(paths(example)))
    node = spoilt
    for key in way:
        node = node[key]
    words = st.sampled_from(["VN", "IN", "0", "12.5", "new", "2026-11-01", "2026-13-01", "091030", "x" * 201, "EIA"])
    node[last] = data.draw(words | st.none() | st.booleans() | st.integers(-3, 60) | st.just([]) | st.just({}))
    application, _ = look(json.dumps(spoilt).encode())
    validator = jsonschema_rs.Draft202012Validator(published_schema(), validate_formats=True)
    assert validator.is_valid(spoilt) == (application is not None)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """An application with every optional key, so that a spoilt one reaches every place."""
    return {
        "schema": 1,
        "scheme": "AIFTA",
        "kind": "in-lieu",
        "issuer_kind": "agency",
        "agency": "EIA",
        "office": "MUM",
        "replaces": "EIA/2026/MUM/0000001",
        "remarks": "R",
        "reasons": "R",
        "exporter": {"iec": "AAZCD4417K", "name": "N", "address": "A\nB", "gstin": "27AAZCD4417K1ZX"},
        "consignee": {"name": "N", "address": "A", "country": "VN", "tax_id": "1"},
        "third_party": {"name": "N", "address": "A", "country": "SG", "invoice": {"number": "9", "dated_on": "2026-11-01"}},
        "destination": "VN",
        "transport": {
            "mode": "sea",
            "departs_on": "2026-11-24",
            "vessel": "V",
            "voyage": "1",
            "route": "R",
            "port_of_loading": "INNSA",
            "port_of_loading_name": "N",
            "port_of_discharge": "VNSGN",
            "port_of_discharge_name": "N",
        },
        "invoices": [{"number": "1", "dated_on": "2026-11-01"}],
        "currency": "USD",
        "items": [
            {
                "description": "D",
                "hs": "091030",
                "marks": "M",
                "packages": {"count": 1, "kind": "BAGS"},
                "quantity": {"value": "1", "unit": "KGS"},
                "gross_weight_kg": "1",
                "value": "1",
                "invoice": "1",
                "origin": {
                    "criterion": "WO",
                    "country": "IN",
                    "costs": {"originating_materials": "1", "direct_labour": "0", "direct_overhead": "0", "profit": "0"},
                    "inputs": [{"description": "D", "hs": "0910", "country": "IN", "value": "1", "originating": True}],
                    "final_process_in_india": True,
                    "manufactured_by_exporter": None,
                    "operations": ["drying"],
                    "evidence": "E",
                },
            }
        ],
        "declaration": {"place": "P", "dated_on": "2026-11-02", "name": "N"},
    }


def test_an_application_survives_the_round_trip(application: Application) -> None:
    assert read(canonical(application)) == application
    assert from_tree(to_tree(application)) == application


def test_amounts_are_exact_decimals(application: Application) -> None:
    assert application.fob == Decimal("101780.00")
    assert application.items[2].fob == Decimal("21000.00")


def test_a_decomposed_letter_is_composed(tree: dict[str, Any]) -> None:
    tree["consignee"]["name"] = "Cafe\u0301"
    assert from_tree(tree).consignee.name == "Caf\u00e9"


def test_the_line_ends_of_a_web_form_become_line_feeds(tree: dict[str, Any]) -> None:
    tree["exporter"]["address"] = "Plot 1\r\nMumbai"
    assert from_tree(tree).exporter.address == "Plot 1\nMumbai"


def test_a_byte_order_mark_before_the_file_is_passed_over(application: Application) -> None:
    assert read(b"\xef\xbb\xbf" + canonical(application)) == application


def test_every_problem_of_shape_is_named_at_once() -> None:
    application, problems = look(b'{"schema": 1, "schema": 1, "itms": [], "exporter": {"iec": 5}, "items": [{"hs": "1"}]}')
    assert application is None
    assert {"keys once", "known keys", "required", "type", "shape"} == {problem.rule for problem in problems}
    assert {"exporter.iec", "exporter.name", "items[0].hs", "items[0].value", "consignee"} <= {problem.box for problem in problems}


def test_a_text_at_fault_still_gives_the_application_to_look_at(tree: dict[str, Any]) -> None:
    tree["exporter"]["name"] = " A"
    application, problems = look(json.dumps(tree).encode())
    assert application is not None
    assert [problem.rule for problem in problems] == ["no space at either end"]
    with pytest.raises(Refused, match="begins or ends with a space"):
        from_tree(tree)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "JSON"),
        (b"[]", "type"),
        (b"null", "type"),
        (b'"text"', "type"),
        (b"{", "JSON"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
        (b'{"schema": NaN}', "JSON"),
        (b'{"schema": Infinity}', "JSON"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "JSON"),
        (b"[" * 500_000, "nesting"),
        (b'{"a":' * 100_000, "nesting"),
        (b'"' + b"\\" * 900_000, "JSON"),
        (b" " * (MAX_BYTES + 1), "file size"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_file_that_is_no_application_is_refused_by_rule(data: bytes, rule: str) -> None:
    application, problems = look(data)
    assert application is None
    assert [problem.rule for problem in problems] == [rule]


def test_brackets_inside_texts_are_no_nesting(tree: dict[str, Any]) -> None:
    tree["remarks"] = '[[[[[[[[[[{{{{{{{{{{ "\\ ]'
    assert read(json.dumps(tree).encode()).remarks == tree["remarks"]


def test_a_file_of_exactly_the_limit_is_read(application: Application) -> None:
    data = canonical(application)
    assert read(data + b" " * (MAX_BYTES - len(data))) == application


def test_a_hostile_file_earns_a_bounded_answer() -> None:
    many = {f"key{number}": 1 for number in range(40_000)}
    _, problems = look(json.dumps(many).encode())
    assert len(problems) <= 200
    _, problems = look(json.dumps({"items": [{}] * 100_000}).encode())
    assert len(problems) <= 200


def test_a_hostile_key_is_shown_harmlessly() -> None:
    _, problems = look(json.dumps({"\u202e\x00<script>" * 50: 1}).encode())
    say = next(problem.say for problem in problems if problem.rule == "known keys")
    assert say.isprintable()
    assert len(say) < 200


def test_a_huge_number_is_not_written_out(tree: dict[str, Any]) -> None:
    tree["items"][0]["packages"]["count"] = 10**4000
    with pytest.raises(Refused, match="larger than any shipment"):
        from_tree(tree)
