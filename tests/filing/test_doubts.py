"""What the officer is told to look at twice."""

from datetime import date
from typing import Any

import pytest

from engine.contracts.form import Form
from engine.filing.checks import check
from engine.filing.checks.doubts import warnings
from engine.filing.reading import from_tree

TODAY = date(2026, 11, 21)
Tree = dict[str, Any]


def rules(tree: Tree) -> list[tuple[str | None, str | None]]:
    """Box and rule of each warning."""
    return [(problem.box, problem.rule) for problem in warnings(from_tree(tree))]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("P\u0430yPal Foods", "one alphabet per word"),
        ("\u0391BC Foods", "one alphabet per word"),
        ("\u0421\u041e\u0421\u0410 Foods", "letters that look Latin"),
    ],
)
def test_a_word_of_borrowed_letters_is_shown(text: str, rule: str, tree: Tree) -> None:
    tree["consignee"]["name"] = text
    assert rules(tree) == [("consignee.name", rule)]


@pytest.mark.parametrize(
    "text",
    [
        "\u041c\u043e\u0441\u043a\u0432\u0430 Foods",
        "Widerst\u00e4nde 5 k\u03a9, 10 \u03bcF",
        "C\u00d4NG TY",
        "\u0391\u03b8\u03ae\u03bd\u03b1",
    ],
)
def test_honest_words_raise_no_doubt(text: str, tree: Tree) -> None:
    tree["items"][0]["description"] = text
    assert rules(tree) == []


def test_a_consignee_elsewhere_is_shown(tree: Tree) -> None:
    tree["consignee"]["country"] = "SG"
    assert rules(tree) == [("consignee.country", "consignee at the destination")]


def test_a_discharge_elsewhere_is_shown(tree: Tree) -> None:
    tree["destination"] = "LA"
    tree["consignee"]["country"] = "LA"
    assert rules(tree) == [("transport.port_of_discharge", "discharge at the destination")]


def test_goods_that_left_before_the_declaration_are_shown_for_a_new_certificate_only(tree: Tree) -> None:
    tree["transport"]["departs_on"] = "2026-11-10"
    assert rules(tree) == [("transport.departs_on", "departure after the declaration")]
    tree["kind"] = "retrospective"
    assert rules(tree) == []


def test_a_strange_year_is_shown(tree: Tree) -> None:
    tree["transport"]["departs_on"] = "2028-01-24"
    tree["invoices"][0]["dated_on"] = "2024-11-12"
    assert rules(tree) == [("transport.departs_on", "departure near the declaration"), ("invoices[0].dated_on", "recent invoice")]


@pytest.mark.parametrize(
    ("departs", "invoiced"), [("2062-11-24", "1999-12-31"), ("2002-11-24", "0001-01-01"), ("9999-12-31", "2021-11-11")]
)
def test_what_is_refused_is_no_doubt_as_well(departs: str, invoiced: str, tree: Tree, aifta: Form) -> None:
    tree["transport"]["departs_on"], tree["invoices"][0]["dated_on"] = departs, invoiced
    application = from_tree(tree)
    refused = {problem.box for problem in check(application, aifta, today=TODAY)}
    assert {"transport.departs_on", "invoices[0].dated_on"} <= refused
    assert warnings(application) == []


def test_an_invoicing_firm_where_the_goods_go_is_shown(tree: Tree) -> None:
    tree["third_party"] = {"name": "N", "address": "A", "country": "VN"}
    assert rules(tree) == [("third_party.country", "third country")]
