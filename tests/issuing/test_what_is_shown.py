"""A stranger who verifies sees what the paper shows, and nothing that its form does not print."""

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from engine.filing import read
from engine.issuing.shown import shown_of
from engine.registry import load
from engine.templating.sample import sample_frozen

TODAY = date(2026, 11, 21)
FORMS = {form.scheme: form for form in load().in_force(TODAY)}
PRICED = {"weight_value", "value", "value_total"}


def shown(scheme: str) -> dict[str, Any]:
    form = FORMS[scheme]
    return shown_of(sample_frozen(form, read(form.example), TODAY), form)


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_what_the_goods_cost_is_told_only_where_the_form_prints_it(scheme: str) -> None:
    form, told = FORMS[scheme], shown(scheme)
    prices = [item["value"] for item in json.loads(form.example)["items"]]
    printed = bool({box.field for box in form.boxes} & PRICED)
    said = msgspec.json.encode(told).decode()
    assert all((f'"{price}"' in said) is printed for price in prices)
    assert bool(told["total_value"]) is printed


def test_both_kinds_of_form_are_in_the_house() -> None:
    assert shown("AIFTA")["total_value"].startswith("USD ")
    assert shown("UAE")["total_value"] == ""
    assert shown("UAE")["producer"]["name"]
    assert shown("AIFTA")["producer"] is None
    assert shown("UAE")["export_document"]
    assert shown("NP_B2B")["items"][0]["supporting_documents"]
    assert shown("AIFTA")["items"][0]["supporting_documents"] is None
