"""The origin check: the thresholds to the last digit, what stays undecided, and the arithmetic that a refusal shows."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contracts.form import Form
from engine.contracts.origin import Line, Outcome
from engine.contracts.rules import OriginRules
from engine.errors import OriginRefused, PluginError
from engine.filing.origin import explain, find_origin, refuse_failing
from engine.filing.reading import from_tree

# A busy machine makes examples slow, and slow is not wrong.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PASSES, FAILS, UNDECIDED = Outcome.PASSES, Outcome.FAILS, Outcome.UNDECIDED
Tree = dict[str, Any]

COSTS = tuple(f"items[0].origin.costs.{head}" for head in ("originating_materials", "direct_labour", "direct_overhead", "profit"))
PEPPER = {"description": "Black pepper", "hs": "090411", "country": "LK", "value": "40.00"}


def found(tree: Tree, form: Form, *, fob: str = "100.00", hs: str = "091091", **origin: Any) -> Line:
    """The finding for one line that claims RVC+CTSH unless told otherwise."""
    item = {**tree["items"][0], "value": fob, "hs": hs, "origin": {"criterion": "RVC+CTSH", **origin}}
    return find_origin(from_tree({**tree, "items": [item]}), form).lines[0]


def costs(total: str) -> dict[str, str]:
    """A cost sheet of that sum over its four heads."""
    return {"originating_materials": str(Decimal(total) - 3), "direct_labour": "1", "direct_overhead": "1", "profit": "1"}


def outcome_of(line: Line, name: str) -> Outcome:
    """The outcome of the step of that name."""
    return next(step.outcome for step in line.steps if step.name == name)


@pytest.mark.parametrize(
    ("total", "outcome", "printed"),
    [
        ("35.0001", PASSES, '"RVC [35.00] %+CTSH"'),
        ("35.00", PASSES, '"RVC [35.00] %+CTSH"'),
        ("34.9999", FAILS, '"RVC [34.99] %+CTSH"'),
        ("34.99", FAILS, '"RVC [34.99] %+CTSH"'),
        ("79.7399", PASSES, '"RVC [79.73] %+CTSH"'),
    ],
)
def test_the_direct_method_holds_its_threshold_to_the_last_digit(
    total: str, outcome: Outcome, printed: str, tree: Tree, aifta: Form
) -> None:
    line = found(tree, aifta, costs=costs(total))
    assert outcome_of(line, "value_content: direct method") is outcome
    assert line.printed == printed


@pytest.mark.parametrize(
    ("nom", "outcome", "printed"),
    [
        ("64.9999", PASSES, '"RVC [35.00] %+CTSH"'),
        ("65.00", PASSES, '"RVC [35.00] %+CTSH"'),
        ("65.0001", FAILS, '"RVC [34.99] %+CTSH"'),
        ("20.2601", PASSES, '"RVC [79.73] %+CTSH"'),
    ],
)
def test_the_indirect_method_holds_its_threshold_to_the_last_digit(
    nom: str, outcome: Outcome, printed: str, tree: Tree, aifta: Form
) -> None:
    line = found(tree, aifta, inputs=[{**PEPPER, "value": nom}])
    assert outcome_of(line, "value_content: indirect method") is outcome
    # The direct method is never above the indirect one: a failure is theirs both, a pass is not.
    assert (line.outcome, line.missing) == ((FAILS, ()) if outcome is FAILS else (UNDECIDED, COSTS))
    assert line.printed == printed


def test_a_third_is_compared_before_it_is_rounded(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, fob="3.00", inputs=[{**PEPPER, "value": "1.00"}])
    assert line.printed == '"RVC [66.66] %+CTSH"'
    step = next(step for step in line.steps if step.name == "value_content: indirect method")
    assert step.working == "1.00 / 3.00 * 100 = 33.34 %; at most 65 %"
    assert (step.figure, step.limit, step.points) == ("33.34", "65", "31.66")


def test_the_largest_amounts_are_still_exact(tree: Tree, aifta: Form) -> None:
    fob = "999999999999999.9999"
    exact = Decimal("0.65") * Decimal(fob)
    for nom, outcome in ((exact.quantize(Decimal("0.0001"), "ROUND_DOWN"), PASSES), (exact.quantize(Decimal("0.0001"), "ROUND_UP"), FAILS)):
        inputs = [{**PEPPER, "value": f"{nom:f}"}]
        assert outcome_of(found(tree, aifta, fob=fob, inputs=inputs), "value_content: indirect method") is outcome


@steady
@given(st.decimals("0.01", "100000", places=2), st.decimals("0.01", "100000", places=2))
def test_the_printed_content_never_exceeds_the_true_one(tree_and_form: tuple[Tree, Form], fob: Decimal, nom: Decimal) -> None:
    tree, form = tree_and_form
    line = found(tree, form, fob=f"{fob:f}", inputs=[{**PEPPER, "value": f"{nom:f}"}])
    shown = Decimal(line.printed.removeprefix('"RVC [').removesuffix('] %+CTSH"'))
    assert shown * fob <= (fob - nom) * 100 < (shown + Decimal("0.01")) * fob
    assert (line.outcome is UNDECIDED) == (nom * 100 <= 65 * fob)
    assert (shown >= 35) == (line.outcome is not FAILS)


@pytest.fixture(scope="module")
def tree_and_form(aifta: Form) -> tuple[Tree, Form]:
    """The AIFTA example and its form, shared by the cases of a property."""
    return json.loads(aifta.example), aifta


def test_both_methods_that_pass_print_the_lower_content(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, costs=costs("40.00"), inputs=[PEPPER])
    assert (line.outcome, line.printed) == (PASSES, '"RVC [40.00] %+CTSH"')


def test_methods_that_disagree_leave_the_line_to_the_officer(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, costs=costs("34.9999"), inputs=[{**PEPPER, "value": "65.00"}])
    assert line.outcome is UNDECIDED
    assert line.printed == '"RVC [35.00] %+CTSH"'
    assert [step.outcome for step in line.steps if step.name.startswith("value_content")] == [FAILS, PASSES, UNDECIDED]


def test_where_the_exporter_may_choose_one_method_is_enough(tree: Tree, rules_with: Callable[..., Form]) -> None:
    table = {**VALUE, "methods": BOTH, "either": True}
    line = found(tree, rules_with(value_content=table), costs=costs("34.9999"), inputs=[{**PEPPER, "value": "65.00"}])
    assert (line.outcome, line.printed) == (PASSES, '"RVC [35.00] %+CTSH"')


def test_profit_counts_in_the_direct_method(tree: Tree, aifta: Form) -> None:
    sheet = {"originating_materials": "30", "direct_labour": "2", "direct_overhead": "2", "profit": "1"}
    assert outcome_of(found(tree, aifta, costs=sheet), "value_content: direct method") is PASSES
    assert outcome_of(found(tree, aifta, costs={**sheet, "profit": "0"}), "value_content: direct method") is FAILS


def test_listed_originating_materials_stand_for_their_head_of_cost(tree: Tree, aifta: Form) -> None:
    sheet = {"direct_labour": "2", "direct_overhead": "2", "profit": "1"}
    inputs = [PEPPER, {**PEPPER, "country": "IN", "originating": True, "value": "30.00"}]
    assert outcome_of(found(tree, aifta, costs=sheet, inputs=inputs), "value_content: direct method") is PASSES


def test_an_unknown_content_is_undecided_and_names_every_key(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, costs={"direct_labour": "1", "direct_overhead": "1"})
    assert (line.outcome, line.printed) == (UNDECIDED, "")
    assert line.missing == ("items[0].origin.costs.originating_materials", "items[0].origin.costs.profit", "items[0].origin.inputs")


@pytest.mark.parametrize(
    ("material", "goods", "outcome", "missing"),
    [
        ("090411", "091091", PASSES, ()),
        ("091010", "091091", PASSES, ()),
        ("091091", "091091", FAILS, ()),
        ("09109111", "09109112", FAILS, ()),
        ("0910", "091091", UNDECIDED, ("items[0].origin.inputs[0].hs",)),
        ("0904", "091091", PASSES, ()),
        ("091091", "0910", UNDECIDED, ("items[0].hs",)),
    ],
)
def test_a_change_of_sub_heading_is_judged_by_the_digits_there_are(
    material: str, goods: str, outcome: Outcome, missing: tuple[str, ...], tree: Tree, aifta: Form
) -> None:
    line = found(tree, aifta, hs=goods, inputs=[{**PEPPER, "hs": material}], costs=costs("40.00"))
    assert outcome_of(line, "tariff_shift") is outcome
    assert line.outcome is outcome
    assert line.missing == missing


def test_one_material_that_does_not_shift_fails_the_line(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, inputs=[PEPPER, {**PEPPER, "hs": "091091", "value": "1.00"}, {**PEPPER, "hs": "0910", "value": "1.00"}])
    assert [step.outcome for step in line.steps if step.name == "tariff_shift"] == [PASSES, FAILS, UNDECIDED]
    assert line.outcome is FAILS


def test_an_originating_material_need_not_shift(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, inputs=[{**PEPPER, "hs": "091091", "country": "VN", "originating": True}], costs=costs("50.00"))
    assert line.outcome is PASSES


def test_no_listed_material_leaves_the_shift_undecided(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, costs=costs("50"))
    assert (line.outcome, line.missing) == (UNDECIDED, ("items[0].origin.inputs",))
    assert outcome_of(line, "value_content: indirect method") is PASSES
    assert line.printed == '"RVC [50.00] %+CTSH"'


def test_a_final_process_abroad_fails(tree: Tree, aifta: Form) -> None:
    assert found(tree, aifta, inputs=[PEPPER], final_process_in_india=False).outcome is FAILS


def test_goods_of_another_country_fail(tree: Tree, aifta: Form) -> None:
    assert found(tree, aifta, inputs=[PEPPER], country="LK").outcome is FAILS


def test_wholly_obtained_goods_contain_nothing_foreign(tree: Tree, aifta: Form) -> None:
    assert found(tree, aifta, criterion="WO", evidence="Farm record").outcome is PASSES
    assert found(tree, aifta, criterion="WO", evidence="Farm record", inputs=[PEPPER]).outcome is FAILS
    assert found(tree, aifta, criterion="WO", evidence="Farm record", inputs=[{**PEPPER, "country": "IN"}]).outcome is FAILS


def test_wholly_obtained_without_a_document_is_undecided(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, criterion="WO")
    assert (line.outcome, line.missing) == (UNDECIDED, ("items[0].origin.inputs", "items[0].origin.evidence"))


def test_an_unknown_criterion_fails_and_prints_nothing(tree: Tree, aifta: Form) -> None:
    line = found(tree, aifta, criterion="PSR")
    assert (line.outcome, line.printed) == (FAILS, "")


def test_back_to_back_goods_go_to_the_officer(tree: Tree, aifta: Form) -> None:
    tree["kind"] = "back-to-back"
    line = found(tree, aifta, criterion="WO", country="VN", evidence="VN-IN 26/01/00009 of 2026-10-30")
    assert line.outcome is UNDECIDED
    assert "VN-IN 26/01/00009" in line.steps[0].working


def test_back_to_back_goods_whose_content_is_printed_still_show_it(tree: Tree, aifta: Form) -> None:
    tree["kind"] = "back-to-back"
    line = found(tree, aifta, country="VN", evidence="VN-IN 26/01/00009", inputs=[PEPPER])
    assert (line.outcome, line.printed) == (UNDECIDED, '"RVC [60.00] %+CTSH"')


def test_back_to_back_fails_where_the_scheme_knows_none(np_tree: Tree, np_form: Form) -> None:
    np_tree["kind"] = "back-to-back"
    assert np_found(np_tree, np_form, evidence="X").outcome is FAILS


def test_one_failing_line_fails_the_application_and_is_refused_with_the_arithmetic(tree: Tree, aifta: Form) -> None:
    tree["items"][4]["origin"]["inputs"][0]["value"] = "7000.00"
    tree["items"][4]["origin"].pop("costs")
    finding = find_origin(from_tree(tree), aifta)
    assert finding.outcome is FAILS
    with pytest.raises(OriginRefused) as caught:
        refuse_failing(finding)
    (problem,) = caught.value.problems
    assert problem.box == "items[4].origin"
    assert problem.rule == "Rule 5: AIFTA content not less than 35 % of the FOB value"
    assert "7000.00 / 7900.00 * 100 = 88.61 %; at most 65 %" in problem.say


def test_a_step_that_was_not_needed_is_no_reason_of_a_refusal(tree: Tree, rules_with: Callable[..., Form]) -> None:
    form = rules_with(value_content={**VALUE, "methods": BOTH, "either": True})
    spoilt = {"criterion": "RVC+CTSH", "costs": costs("34.9999"), "inputs": [PEPPER], "final_process_in_india": False}
    item = {**tree["items"][0], "value": "100.00", "hs": "091091", "origin": spoilt}
    with pytest.raises(OriginRefused) as caught:
        refuse_failing(find_origin(from_tree({**tree, "items": [item]}), form))
    assert [problem.rule for problem in caught.value.problems] == [
        "Rule 5: the final process of manufacture is performed in the exporting Party"
    ]


def test_a_finding_is_explained_step_by_step_with_rule_and_source(tree: Tree, aifta: Form) -> None:
    shown = explain(find_origin(from_tree(tree), aifta)).splitlines()
    assert shown[0] == f"AIFTA, form version {aifta.version}: passes"
    at = next(number for number, line in enumerate(shown) if "direct method" in line)
    assert shown[at].startswith("  passes     value_content: direct method: (1260.00 + 3150.00")
    assert shown[at].endswith("= 40.00 %; at least 35 %  (margin 5.00 points)")
    assert [line.strip() for line in shown[at + 1 : at + 3]] == [
        "Rule 5: AIFTA content not less than 35 % of the FOB value",
        "https://www.taxtmi.com/acts?id=11608",
    ]
    tree["items"][0]["origin"].pop("evidence")
    assert "  missing    items[0].origin.evidence" in explain(find_origin(from_tree(tree), aifta)).splitlines()


def test_an_undecided_finding_may_be_filed(tree: Tree, aifta: Form) -> None:
    tree["items"][0]["origin"].pop("evidence")
    finding = find_origin(from_tree(tree), aifta)
    assert finding.outcome is UNDECIDED
    refuse_failing(finding)


def test_every_step_cites_its_rule_and_source(tree: Tree, aifta: Form) -> None:
    finding = find_origin(from_tree(tree), aifta)
    steps = [step for line in finding.lines for step in line.steps]
    sourced = [step for step in steps if step.name != "direct_consignment"]
    assert all(step.rule.startswith("Rule ") for step in sourced)
    assert all(step.source and step.source.startswith("https://") for step in sourced)


# --- the non-preferential rule -----------------------------------------------------------------

LINEN = {"description": "Linen yarn", "hs": "530610", "country": "BE", "value": "10.00"}


def np_found(tree: Tree, form: Form, **origin: Any) -> Line:
    """The finding for one line of the NP example."""
    item = {**tree["items"][0], "origin": {"criterion": "PROCESSED", "manufactured_by_exporter": True, **origin}}
    return find_origin(from_tree({**tree, "items": [item]}), form).lines[0]


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        (["weaving"], PASSES),
        (["sorting", "weaving"], PASSES),
        (["Repacking."], FAILS),
        (["REMOVAL OF DUST", "simple packing"], FAILS),
        (["sifting, sorting and washing"], FAILS),
        (["breaking up and assembly of consignments"], FAILS),
        (["simple-mixing"], FAILS),
        (["Dilution with water or other substance"], FAILS),
        (["preservation in transport and storage"], FAILS),
        (["affixing of marks and/or labels"], FAILS),
        (["sorting of almonds"], UNDECIDED),
        (["cleaning"], UNDECIDED),
        (["washing", "packaging of the goods"], UNDECIDED),
        (["\u092c\u0941\u0928\u093e\u0908"], UNDECIDED),
        (["cleaning", "spinning"], PASSES),
        (["sorting and dyeing"], PASSES),
        ([], UNDECIDED),
    ],
)
def test_imported_inputs_must_undergo_more_than_the_listed_operations(
    operations: list[str], outcome: Outcome, np_tree: Tree, np_form: Form
) -> None:
    assert np_found(np_tree, np_form, inputs=[LINEN], operations=operations).outcome is outcome


def test_goods_of_another_manufacturer_fail_and_of_an_unnamed_one_are_undecided(np_tree: Tree, np_form: Form) -> None:
    assert np_found(np_tree, np_form, inputs=[LINEN], operations=["weaving"], manufactured_by_exporter=False).outcome is FAILS
    line = np_found(np_tree, np_form, inputs=[LINEN], operations=["weaving"], manufactured_by_exporter=None)
    assert (line.outcome, line.missing) == (UNDECIDED, ("items[0].origin.manufactured_by_exporter",))


def test_processed_goods_list_their_inputs(np_tree: Tree, np_form: Form) -> None:
    line = np_found(np_tree, np_form, operations=["weaving"])
    assert (line.outcome, line.missing) == (UNDECIDED, ("items[0].origin.inputs",))
    assert np_found(np_tree, np_form, inputs=[{**LINEN, "country": "IN"}]).outcome is PASSES


def test_manufactured_goods_with_imported_inputs_are_claimed_otherwise(np_tree: Tree, np_form: Form) -> None:
    assert np_found(np_tree, np_form, criterion="MANUFACTURED", inputs=[LINEN]).outcome is FAILS
    assert np_found(np_tree, np_form, criterion="MANUFACTURED", inputs=[{**LINEN, "country": "IN"}]).outcome is PASSES


# --- the rules as data -------------------------------------------------------------------------

VALUE = {"test": "value_content", "rule": "R", "methods": {"one": {"formula": "max_nom", "max_pct": 40}}}
BOTH = {"direct": {"formula": "build_up_cost_with_profit", "min_pct": 35}, "indirect": {"formula": "max_nom", "max_pct": 65}}


def test_a_limit_is_data(tree: Tree, rules_with: Callable[..., Form]) -> None:
    inputs = [{**PEPPER, "value": "40.00"}]
    assert found(tree, rules_with(value_content=VALUE), inputs=inputs).outcome is PASSES
    tight = {**VALUE, "methods": {"one": {"formula": "max_nom", "max_pct": "39.99"}}}
    assert found(tree, rules_with(value_content=tight), inputs=inputs).outcome is FAILS


@pytest.mark.parametrize(
    ("formula", "limits", "outcome"),
    [
        ("build_down", {"min_pct": 60}, PASSES),
        ("build_down", {"min_pct": "60.01"}, FAILS),
        ("build_up_materials", {"min_pct": 30}, PASSES),
        ("build_up_cost_without_profit", {"min_pct": 40}, PASSES),
        ("build_up_cost_without_profit", {"min_pct": "40.01"}, FAILS),
        ("build_up_cost_with_profit", {"min_pct": 45}, PASSES),
    ],
)
def test_each_formula_of_the_agreements_is_known(
    formula: str, limits: dict[str, Any], outcome: Outcome, tree: Tree, rules_with: Callable[..., Form]
) -> None:
    form = rules_with(value_content={**VALUE, "methods": {"one": {"formula": formula, **limits}}})
    sheet = {"originating_materials": "30", "direct_labour": "6", "direct_overhead": "4", "profit": "5"}
    assert found(tree, form, costs=sheet, inputs=[PEPPER]).outcome is outcome


@pytest.mark.parametrize(
    ("tables", "say"),
    [
        ({"value_content": None}, "there is no \\[tests.value_content\\] table"),
        ({"value_content": {**VALUE, "methods": {}}}, "`\\$.tests\\[...\\].methods`"),
        ({"value_content": {**VALUE, "methods": {"one": {"formula": "guess", "max_pct": 40}}}}, "Invalid enum value 'guess'"),
        ({"value_content": {**VALUE, "methods": {"one": {"formula": "max_nom"}}}}, "either min_pct or max_pct"),
        ({"value_content": {**VALUE, "methods": {"one": {"formula": "max_nom", "max_pct": 39.9}}}}, "Expected `int | str`"),
        ({"value_content": {**VALUE, "methods": {"one": {"formula": "max_nom", "max_pct": "many"}}}}, "no number"),
        ({"value_content": {**VALUE, "methods": {"one": {"formula": "max_nom", "max_pct": 101}}}}, "0 to 100"),
        ({"tariff_shift": {"test": "tariff_shift", "rule": "R", "level": "CTX"}}, "Invalid enum value 'CTX'"),
        ({"tariff_shift": {"test": "shift", "rule": "R"}}, "Invalid value 'shift'"),
        ({"final_process": {"test": "final_process"}}, "missing required field `rule`"),
        ({"final_process": {"test": "final_process", "rule": "R", "until": 3}}, "unknown field `until`"),
    ],
)
def test_an_origin_toml_that_breaks_its_promise_is_named(tables: dict[str, Any], say: str, rules_with: Callable[..., Form]) -> None:
    with pytest.raises(PluginError, match=say):
        rules_with(**tables)


WO = {"code": "WO", "meaning": "m", "as_printed": "WO", "tests": ["country"]}
RULES = {"criteria": [WO], "tests": {"country": {"test": "country", "rule": "R"}}, "sources": []}


@pytest.mark.parametrize(
    "change",
    [
        {"criteria": None},
        {"criteria": []},
        {"criteria": [{**WO, "tests": []}]},
        {"criteria": [{**WO, "test": ["country"]}]},
        {"criteria": [{**WO, "tests": ["land"]}]},
        {"criteria": [WO, WO]},
        {"always": ["land"]},
        {"sources": None},
        {"general": {}},
        {"de_minimis": [{"of": "value", "rule": "R"}]},
        {"de_minimis": [{"of": "value", "rule": "R", "pct": 101}]},
        {"de_minimis": [{"of": "volume", "rule": "R", "pct": 10}]},
        {"de_minimis": [{"of": "value", "rule": "R", "pct": 10, "chapters": ["5-6"]}]},
        {"tests": {"country": {"test": "combined", "rule": "R", "of": ["country", "country"]}}},
        {"tests": {"country": {"test": "minimal_operations", "rule": "R"}}},
        {"tests": {**RULES["tests"], "price": {"test": "country", "rule": "R"}}},  # type: ignore[dict-item]
        {"tests": {"country": {"test": "product_rule", "rule": "R", "methods": {"a": {"formula": "max_nom", "max_pct": 5}}}}},
    ],
)
def test_an_origin_toml_of_another_shape_is_refused(change: dict[str, object]) -> None:
    table = {key: value for key, value in {**RULES, **change}.items() if value is not None}
    with pytest.raises(PluginError, match=r"pack x, origin\.toml"):
        OriginRules.from_toml(table, "pack x, origin.toml")
