"""The tests that ask one thing each, tests together, and what is printed."""

import dataclasses
from typing import Any

import pytest

from engine.application import Kind
from engine.contracts.origin import Outcome
from engine.filing.origin.cases import Scheme
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, goods, material, scheme, tried, value

SUFFICIENT: Table = {"test": "sufficient_operations", "insufficient": ["repacking"]}
CTH: Table = {"test": "tariff_shift", "level": "CTH"}


@pytest.mark.parametrize(("foreign", "country", "outcome"), [(True, "LK", PASSES), (True, "IN", FAILS), (False, "LK", FAILS)])
def test_a_scheme_for_goods_of_other_countries_refuses_indian_ones(foreign: bool, country: str, outcome: Outcome) -> None:
    these = goods()
    these = type(these)(hs=these.hs, country=country, fob=these.fob)
    assert tried(these, scheme({"test": "country", "foreign": foreign})).outcome is outcome


@pytest.mark.parametrize(
    ("facts", "outcome", "missing"),
    [
        ({"discharge_country": "VN"}, PASSES, ()),
        ({"discharge_country": "VN", "transit": ("SG",)}, UNDECIDED, ("transit_evidence",)),
        ({"discharge_country": "VN", "transit": ("SG",), "transit_evidence": "Through bill of lading 7"}, PASSES, ()),
        ({"discharge_country": "VN", "transit": ("KH",)}, PASSES, ()),
        ({"discharge_country": "TH"}, UNDECIDED, ("transit_evidence",)),
        ({"discharge_country": "TH", "transit_evidence": "Transit customs document 4"}, PASSES, ()),
    ],
)
def test_goods_go_straight_or_a_document_shows_that_they_only_pass(
    facts: dict[str, Any], outcome: Outcome, missing: tuple[str, ...]
) -> None:
    these = goods(destination="VN", shipment=True, **facts)
    line = tried(these, scheme({"test": "direct_consignment"}, partners=("VN", "KH")))
    assert (line.outcome, line.missing) == (outcome, missing)


@pytest.mark.parametrize(
    ("facts", "outcome", "missing"),
    [
        ({"discharge_country": "BR"}, PASSES, ()),
        ({"discharge_country": "BR", "transit": ("SG",)}, UNDECIDED, ("transit_evidence",)),
        ({"discharge_country": "PA"}, UNDECIDED, ("transit_evidence",)),
        ({"discharge_country": "PA", "transit": ("SG",), "transit_evidence": "Through bill of lading 7"}, PASSES, ()),
    ],
)
def test_a_form_for_any_country_serves_the_destination_and_makes_no_other_a_party(
    facts: dict[str, Any], outcome: Outcome, missing: tuple[str, ...]
) -> None:
    these = goods(destination="BR", shipment=True, **facts)
    line = tried(these, scheme({"test": "direct_consignment"}, partners=("*",)))
    assert (line.outcome, line.missing) == (outcome, missing)


def test_a_document_of_the_transit_decides_nothing_by_a_rule_that_is_not_sourced() -> None:
    these = goods(destination="VN", shipment=True, transit=("SG",), transit_evidence="Through bill of lading 7")
    line = tried(these, scheme({"test": "direct_consignment", "unset": "the rule of direct consignment"}))
    assert (line.outcome, line.missing) == (UNDECIDED, ("not sourced: the rule of direct consignment",))


@pytest.mark.parametrize(
    ("these", "outcome", "missing"),
    [
        (goods(), UNDECIDED, ("inputs", "evidence")),
        (goods(complete=True), PASSES, ()),
        (goods(evidence="Farm record"), PASSES, ()),
        (goods(material("1.00", "IN", originating=True)), PASSES, ()),
    ],
)
def test_an_empty_list_that_nothing_backs_shows_no_absence(these: Any, outcome: Outcome, missing: tuple[str, ...]) -> None:
    line = tried(these, scheme({"test": "no_foreign_inputs"}))
    assert (line.outcome, line.missing) == (outcome, missing)


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        (("Repacking",), FAILS),
        (("repackaging of parts",), UNDECIDED),
        (("wiping",), UNDECIDED),
        (("moulding",), PASSES),
        (("wiping", "moulding"), PASSES),
        (("moulding of packed resin",), UNDECIDED),
        (("7",), UNDECIDED),
        (("...",), UNDECIDED),
    ],
)
@pytest.mark.parametrize("unset", [None, "the rest of the list"])
@pytest.mark.parametrize("test", [{"test": "minimal_operations", "operations": ["repacking"]}, SUFFICIENT])
def test_only_operations_that_are_clearly_beyond_the_list_exceed_it(
    test: Table, unset: str | None, operations: tuple[str, ...], outcome: Outcome
) -> None:
    line = tried(goods(material("1.00"), operations=operations), scheme({**test, **({"unset": unset} if unset else {})}))
    assert line.outcome is (UNDECIDED if unset and outcome is PASSES else outcome)
    if outcome is UNDECIDED:
        assert line.missing[0].startswith("the officer's judgement: ")


@pytest.mark.parametrize(
    ("test", "third_party", "outcome", "missing"),
    [
        ({}, False, PASSES, ()),
        ({"allowed": True}, True, PASSES, ()),
        ({"allowed": False}, True, FAILS, ()),
        ({"allowed": False}, False, PASSES, ()),
        ({}, True, UNDECIDED, ("not sourced: whether a firm of a third country may invoice the goods",)),
        ({"unset": "third-party invoicing"}, True, UNDECIDED, ("not sourced: third-party invoicing",)),
        ({"unset": "third-party invoicing"}, False, PASSES, ()),
    ],
)
def test_an_invoice_of_a_third_country_is_what_the_agreement_makes_of_it(
    test: Table, third_party: bool, outcome: Outcome, missing: tuple[str, ...]
) -> None:
    line = tried(goods(shipment=True, third_party=third_party), scheme({"test": "third_party_invoicing", **test}))
    assert (line.outcome, line.missing) == (outcome, missing)


@pytest.mark.parametrize(
    ("test", "operations", "outcome"),
    [
        ({"operations": ["repacking"]}, (), UNDECIDED),
        ({"operations": ["repacking"]}, ("Repacking",), FAILS),
        ({"operations": ["repacking"]}, ("Repacking", "moulding"), PASSES),
        ({"operations": ["repacking"], "unset": "the rest of the list"}, ("Repacking",), FAILS),
        ({"operations": ["repacking"], "unset": "the rest of the list"}, ("moulding",), UNDECIDED),
        ({"unset": "the list"}, ("moulding",), UNDECIDED),
    ],
)
def test_goods_undergo_more_than_minimal_operations(test: Table, operations: tuple[str, ...], outcome: Outcome) -> None:
    assert tried(goods(operations=operations), scheme({"test": "minimal_operations", **test})).outcome is outcome


@pytest.mark.parametrize(
    ("test", "these", "outcome"),
    [
        ({"test": "final_process"}, goods(), UNDECIDED),
        ({"test": "evidence"}, goods(evidence="A"), UNDECIDED),
        ({"test": "no_foreign_inputs"}, goods(material("1.00")), UNDECIDED),
        (CTH, goods(material("1.00", hs="392490")), UNDECIDED),
    ],
)
def test_a_test_of_which_a_part_is_not_sourced_neither_passes_nor_fails(test: Table, these: Any, outcome: Outcome) -> None:
    line = tried(these, scheme({**test, "unset": "the exceptions"}))
    assert (line.outcome, line.missing) == (outcome, ("not sourced: the exceptions",))


@pytest.mark.parametrize(
    ("join", "hs", "nom", "outcome"),
    [
        ("all", "390110", "120.00", PASSES),
        ("all", "390110", "120.01", FAILS),
        ("any", "390110", "120.01", PASSES),
        ("any", "392490", "120.01", FAILS),
        (None, "390110", "120.00", PASSES),
        (None, "390110", "120.01", UNDECIDED),
        (None, "392490", "120.01", FAILS),
    ],
)
def test_two_tests_are_both_needed_or_one_of_them_or_nobody_knows(join: str | None, hs: str, nom: str, outcome: Outcome) -> None:
    both: Table = {"test": "combined", "of": ["shift", "nom"], "unset": 'the "and" of Rule 5'}
    tests = {"it": both | ({"join": join} if join else {}), "shift": CTH, "nom": value("max_nom", max_pct=60)}
    line = tried(goods(material(nom, hs=hs)), scheme(tests={name: {"rule": "R", **table} for name, table in tests.items()}))
    assert line.outcome is outcome
    assert line.missing == (('not sourced: the "and" of Rule 5',) if outcome is UNDECIDED else ())


def test_tests_of_every_ground_come_first_and_once() -> None:
    tests = {"it": {"test": "evidence", "rule": "R"}, "land": {"test": "country", "rule": "R"}}
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it", "land"]}]
    line = tried(goods(evidence="A"), scheme(tests=tests, criteria=criteria, always=["land"]))
    assert [step.name for step in line.steps] == ["land", "it"]


@pytest.mark.parametrize(("destination", "outcome"), [("NO", PASSES), ("RU", FAILS), (None, PASSES)])
def test_a_ground_for_some_countries_is_refused_for_others(destination: str | None, outcome: Outcome) -> None:
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "destinations": ["NO", "CH"]}]
    under = scheme({"test": "country"}, criteria=criteria)
    assert tried(goods(destination=destination), under).outcome is outcome


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        # 66.67 / 200.00 * 100 = 33.335 %: the content is shown rounded down, the foreign share up
        ("X", "X"),
        ("A {content}", "A 66.66"),
        ("B {nom} %", "B 33.34 %"),
    ],
)
def test_a_box_prints_the_content_or_the_foreign_share(printed: str, shown: str) -> None:
    criteria = [{"code": "X", "meaning": "m", "as_printed": printed, "tests": ["it"]}]
    assert tried(goods(material("66.67")), scheme(value("max_nom", max_pct=60), criteria=criteria)).printed == shown


@pytest.mark.parametrize(
    ("test", "country", "outcome"),
    [
        ({}, "VN", FAILS),
        ({"cumulates": True}, "VN", PASSES),
        ({"cumulates": True}, "CN", FAILS),
        ({"counts": "imported"}, "VN", FAILS),
        ({"counts": "imported"}, "IN", PASSES),
    ],
)
def test_a_partners_material_is_foreign_unless_the_test_cumulates(test: Table, country: str, outcome: Outcome) -> None:
    under = scheme({"test": "no_foreign_inputs", **test}, cumulation={"type": "bilateral", "rule": "R"})
    assert tried(goods(material("1.00", country, originating=country != "IN")), under).outcome is outcome


def test_back_to_back_goods_keep_the_tests_of_their_consignment() -> None:
    tests = {
        "it": {"test": "evidence", "rule": "R"},
        "first": {"test": "back_to_back", "rule": "R"},
        "straight": {"test": "direct_consignment", "rule": "R"},
    }
    under: Scheme = scheme(tests=tests, always=["straight"])
    these = goods(kind=Kind.BACK_TO_BACK, evidence="VN 7", destination="VN", discharge_country="TH", shipment=True)
    line = tried(these, under)
    assert [step.name for step in line.steps] == ["first", "straight"]
    assert line.missing == ("transit_evidence",)


@pytest.mark.parametrize(("hs", "outcome"), [("392410", FAILS), ("392510", PASSES), ("39", UNDECIDED)])
def test_a_general_rule_that_product_rules_replace_is_closed_to_their_goods(hs: str, outcome: Outcome) -> None:
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "unless_product_rule": True}]
    under = scheme({"test": "country"}, criteria=criteria, products="3924,,CTH,,,s")
    line = tried(goods(hs=hs), under)
    assert (line.outcome, line.missing) == (outcome, ("hs",) if outcome is UNDECIDED else ())


def test_a_general_rule_that_product_rules_would_replace_never_passes_while_none_are_loaded() -> None:
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "unless_product_rule": True}]
    under = scheme({"test": "country"}, criteria=criteria)
    line = tried(goods(), under)
    assert line.outcome is UNDECIDED
    assert line.missing == (f"not loaded: product rules of {under.code}",)
    assert tried(dataclasses.replace(goods(), country="BR"), under).outcome is FAILS
