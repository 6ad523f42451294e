"""The published schema, and the examples of the built-in packs under it."""

import json
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from stdnum.in_ import gstin

from engine.contracts.form import Form
from engine.contracts.origin import Outcome
from engine.filing.boxes import fill
from engine.filing.checks import check
from engine.filing.checks.doubts import warnings
from engine.filing.origin import find_origin
from engine.filing.reading import read
from engine.filing.reading.schema import published_schema

PACKS = files("plugins").joinpath("templates")
EXAMPLES = ["aifta/example.json", "aifta/example-60.json", "np/example.json"]


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every group."""
    for name, group in schema["$defs"].items():
        for key, prop in group.get("properties", {}).items():
            yield f"{name}.{key}", prop


def test_every_key_has_a_title_and_a_description() -> None:
    for name, prop in properties(published_schema()):
        assert prop.get("title"), name
        assert prop.get("description", "").endswith("."), name


def test_every_group_is_closed() -> None:
    groups = [group for group in published_schema()["$defs"].values() if group.get("type") == "object"]
    assert len(groups) >= 12
    assert all(group["additionalProperties"] is False for group in groups)


def test_every_pattern_says_in_words_what_it_wants() -> None:
    def patterns(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "pattern" in node:
                yield node
            for child in node.values():
                yield from patterns(child)
        elif isinstance(node, list):
            for child in node:
                yield from patterns(child)

    found = list(patterns(published_schema()))
    assert len(found) > 10
    assert all(node["x-must"] and not node["pattern"].endswith("\\Z") for node in found)


def test_the_minimum_of_an_application_file_is_what_the_schema_requires() -> None:
    schema = published_schema()["$defs"]
    assert set(schema["Application"]["required"]) == {
        "schema", "scheme", "kind", "issuer_kind", "exporter", "consignee", "destination", "transport",
        "invoices", "currency", "items", "declaration",
    }  # fmt: skip
    assert set(schema["Item"]["required"]) == {
        "description", "hs", "marks", "packages", "quantity", "gross_weight_kg", "value", "origin", "invoice",
    }  # fmt: skip


def test_a_published_copy_can_be_changed_without_harm() -> None:
    published_schema()["$defs"].clear()
    assert published_schema()["$defs"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid_under_the_published_schema(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(published_schema(), validate_formats=True)
    validator.validate(json.loads((PACKS / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_filed_as_it_is(name: str, aifta: Form, np_form: Form) -> None:
    application = read((PACKS / name).read_bytes())
    form = np_form if application.scheme == "NP" else aifta
    finding = find_origin(application, form)
    assert check(application, form, today=date(2026, 11, 21)) == []
    assert finding.outcome is Outcome.PASSES
    assert form.problems(fill(application, form, finding)) == []
    assert warnings(application) == []
    assert gstin.is_valid(application.exporter.gstin)


def test_the_examples_are_what_they_promise() -> None:
    five, sixty = (read((PACKS / f"aifta/{name}").read_bytes()) for name in ("example.json", "example-60.json"))
    assert (len(five.items), len(five.invoices), len(sixty.items)) == (5, 2, 60)
    assert {item.origin.criterion for item in five.items} == {"WO", "RVC+CTSH"}
    assert len({item.description for item in sixty.items}) == 60


def test_an_example_never_grows_old(aifta: Form) -> None:
    application = read((PACKS / "aifta/example.json").read_bytes())
    assert check(application, aifta, today=date(2046, 11, 21)) == []
