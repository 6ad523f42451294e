"""Every pack's example is a good application of its scheme, and its grounds decide what their rules decide, no more."""

from dataclasses import replace as with_form
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from engine.application import Application, Costs, Input, IssuerKind, Item, Origin
from engine.contracts.form import Form
from engine.contracts.origin import Finding, Outcome
from engine.contracts.rules import Condition, ProductRule, Require
from engine.filing import check, find_origin, read
from engine.filing.checks import warnings
from engine.registry import load
from engine.templating.summary import markdown, summary

FORMS = {form.scheme: form for form in load().forms()}
NEW = sorted(set(FORMS) - {"AIFTA", "NP"})
TODAY = date(2026, 11, 22)
PSR_ONLY = ["MAURITIUS", "UAE", "TEPA", "TEPA_SELF", "OMAN", "CETA"]


def example(scheme: str) -> Application:
    return read(FORMS[scheme].example)


def claimed(scheme: str, criterion: str, *inputs: Input, costs: Costs | None = None, form: Form | None = None) -> Finding:
    """The finding of one line of biscuits, of FOB 10000.00, that claims this criterion with these materials."""
    application = example(scheme)
    origin = Origin(criterion=criterion, inputs=inputs, costs=costs, operations=("moulding", "baking"), evidence="Cost sheet CS-1")
    item: Item = replace(application.items[0], hs="190531", value="10000.00", origin=origin)
    return find_origin(replace(application, items=(item,)), form or FORMS[scheme])


def with_rule_for(scheme: str, hs: str) -> Form:
    """The scheme's form with one product rule loaded: a change of chapter for that HS code."""
    rule = ProductRule(hs_from=hs, hs_to=hs, text="CC", ways=((Condition(require=Require.CC),),), source="https://example.org/annex")
    form = FORMS[scheme]
    return with_form(form, origin=with_form(form.origin, products=(rule,)))


def material(value: str, country: str = "CN", hs: str = "151190", *, originating: bool = False) -> Input:
    return Input(description="Palm oil", hs=hs, country=country, value=value, originating=originating)


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_the_example_has_no_problem_and_originates(scheme: str) -> None:
    application = example(scheme)
    assert check(application, FORMS[scheme], today=TODAY) == []
    assert find_origin(application, FORMS[scheme]).outcome is Outcome.PASSES


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_the_example_leaves_an_officer_nothing_to_look_at_twice(scheme: str) -> None:
    assert [said.say for said in warnings(example(scheme))] == []


@pytest.mark.parametrize("scheme", NEW)
def test_the_example_is_of_the_demonstration_exporter_on_days_when_the_form_is_in_force(scheme: str) -> None:
    application = example(scheme)
    assert application.exporter.iec == "AAZCD4417K"
    assert application.declaration.dated_on >= (FORMS[scheme].effective_from or date.min)
    assert 2 <= len(application.items) <= 3


def test_the_self_declared_example_names_no_agency() -> None:
    application = example("TEPA_SELF")
    assert (application.issuer_kind, application.agency, application.office) == (IssuerKind.SELF, None, None)
    assert all(example(s).office == "MUM" for s in NEW if s != "TEPA_SELF")


@pytest.mark.parametrize(("scheme", "goods"), [("UAE", "Basmati rice"), ("IJCEPA", "shrimps"), ("IKCEPA", "Cotton yarn")])
def test_examples_show_typical_goods(scheme: str, goods: str) -> None:
    assert goods in " ".join(item.description for item in example(scheme).items)


@pytest.mark.parametrize("scheme", PSR_ONLY)
def test_a_scheme_of_product_rules_alone_decides_nothing_without_them(scheme: str) -> None:
    criterion = "PSR" if scheme in ("MAURITIUS", "UAE") else "PRODUCT_RULE"
    for value in ("1.00", "9999.00"):
        found = claimed(scheme, criterion, material(value))
        assert found.outcome is Outcome.UNDECIDED
        assert any("product rule" in missing for missing in found.lines[0].missing)


@pytest.mark.parametrize(
    ("scheme", "criterion"),
    [
        ("GSP", "PROCESSED"),
        ("GSTP", "CONTENT"),
        ("SAFTA", "B"),
        ("SAFTA", "C"),
        ("AFGHANISTAN", "CTH_AND_CONTENT"),
        ("AFGHANISTAN", "CUMULATION"),
        ("EHS", "CTH_AND_CONTENT"),
        ("CHILE", "PROCESSED"),
    ],
)
def test_a_limit_that_nobody_could_source_is_never_passed_or_failed(scheme: str, criterion: str) -> None:
    for value in ("1.00", "6000.00"):
        found = claimed(scheme, criterion, material(value))
        assert found.outcome is Outcome.UNDECIDED
        assert any(missing.startswith("not sourced: ") for missing in found.lines[0].missing)


# At the limit a line passes; a paisa more of foreign material, of FOB 10000.00, and it fails.
@pytest.mark.parametrize(
    ("scheme", "criterion", "most"),
    [("SAPTA", "CONTENT", 60), ("APTA", "B", 55), ("ISFTA", "CTH_AND_CONTENT", 65), ("MERCOSUR", "CONTENT", 40)],
)
def test_a_ceiling_on_foreign_material_holds_to_the_paisa(scheme: str, criterion: str, most: int) -> None:
    assert claimed(scheme, criterion, material(f"{most}00.00")).outcome is Outcome.PASSES
    assert claimed(scheme, criterion, material(f"{most}00.01")).outcome is Outcome.FAILS


def test_sri_lankan_material_counts_under_cumulation_alone() -> None:
    theirs = material("7000.00", "LK", originating=True)
    assert claimed("ISFTA", "CTH_AND_CONTENT", theirs).outcome is Outcome.FAILS
    assert claimed("ISFTA", "CUMULATION", theirs).outcome is Outcome.PASSES
    # 75.01 % imported: India's own 24.99 % miss the 25 % of Rule 8, although all of it originates.
    assert claimed("ISFTA", "CUMULATION", material("7501.00", "LK", originating=True)).outcome is Outcome.FAILS
    # 65.01 % of neither Party: the aggregate of 34.99 % misses 35 %.
    assert claimed("ISFTA", "CUMULATION", material("6501.00")).outcome is Outcome.FAILS


def test_material_of_participating_states_counts_under_apta_cumulation_alone() -> None:
    theirs = material("5600.00", "KR", originating=True)
    added = Costs(direct_labour="200.00", direct_overhead="100.00", profit="90.00", freight_to_port="10.00")
    assert claimed("APTA", "B", theirs, costs=added).outcome is Outcome.FAILS
    # (5600 + 200 + 100 + 90 + 10) / 10000 = 60 %
    assert claimed("APTA", "CUMULATION", theirs, costs=added).outcome is Outcome.PASSES
    less = replace(added, freight_to_port="9.99")
    assert claimed("APTA", "CUMULATION", theirs, costs=less).outcome is Outcome.FAILS


OURS = Costs(originating_materials="3500.00", direct_labour="500.00", direct_overhead="500.00", profit="500.00")


def test_in_australia_one_of_two_methods_is_enough() -> None:
    form = with_rule_for("ECTA", "010121")
    assert claimed("ECTA", "CTSH_AND_QVC", material("6000.00"), costs=OURS, form=form).outcome is Outcome.PASSES
    less = replace(OURS, originating_materials="3499.99")
    assert claimed("ECTA", "CTSH_AND_QVC", material("5500.00"), costs=less, form=form).outcome is Outcome.PASSES
    assert claimed("ECTA", "CTSH_AND_QVC", material("5500.01"), costs=less, form=form).outcome is Outcome.FAILS


@pytest.mark.parametrize(("scheme", "criterion"), [("ECTA", "CTSH_AND_QVC"), ("IJCEPA", "B")])
def test_a_general_rule_that_product_rules_replace_waits_for_them(scheme: str, criterion: str) -> None:
    assert claimed(scheme, criterion, material("2000.00"), costs=OURS).outcome is Outcome.UNDECIDED
    other = with_rule_for(scheme, "010121")
    assert claimed(scheme, criterion, material("2000.00"), costs=OURS, form=other).outcome is Outcome.PASSES
    same = with_rule_for(scheme, "190531")
    assert claimed(scheme, criterion, material("2000.00"), costs=OURS, form=same).outcome is not Outcome.PASSES
    assert {s for s, f in FORMS.items() if any(c.unless_product_rule for c in f.origin.criteria)} == {"ECTA", "IJCEPA"}


def test_singapore_is_undecided_where_classification_and_content_differ() -> None:
    assert claimed("ISCECA", "CTSH_AND_CONTENT", material("6500.00")).outcome is Outcome.PASSES
    assert claimed("ISCECA", "CTSH_AND_CONTENT", material("6500.01")).outcome is Outcome.UNDECIDED
    unchanged = material("6500.01", hs="190531")
    assert claimed("ISCECA", "CTSH_AND_CONTENT", unchanged).outcome is Outcome.FAILS


@pytest.mark.parametrize("scheme", ["IKCEPA", "IJCEPA", "IMCECA"])
def test_a_sub_heading_must_change_too(scheme: str) -> None:
    criterion = {"IKCEPA": "CTSH + RVC 35%", "IJCEPA": "B", "IMCECA": "CTSH_AND_CONTENT"}[scheme]
    form = with_rule_for(scheme, "010121")
    assert claimed(scheme, criterion, material("2000.00"), costs=OURS, form=form).outcome is Outcome.PASSES
    assert claimed(scheme, criterion, material("2000.00", hs="190531"), costs=OURS, form=form).outcome is Outcome.FAILS


@pytest.mark.parametrize("scheme", sorted(set(FORMS) - {"GSTP", "NP", "NP_B2B"}))
@pytest.mark.parametrize("evidence", [None, "Through bill of lading 4711"])
def test_goods_that_pass_through_a_third_country_are_the_officer_s_in_every_agreement(scheme: str, evidence: str | None) -> None:
    application = example(scheme)
    journey = replace(application.transport, transit=("ZA",), transit_evidence=evidence)
    found = find_origin(replace(application, transport=journey), FORMS[scheme])
    assert found.outcome is Outcome.UNDECIDED
    missing = "not sourced: the rule of direct consignment" if evidence else "transit_evidence"
    assert all(any(missing in said for said in line.missing) for line in found.lines)


def test_where_goods_may_pass_through_is_open_where_the_participants_are() -> None:
    assert FORMS["GSTP"].origin.tests["direct_consignment"].unset


def test_a_back_to_back_certificate_is_for_foreign_goods_with_a_document() -> None:
    application = example("NP_B2B")
    first = application.items[0]
    indian = replace(first, origin=replace(first.origin, country="IN"))
    bare = replace(first, origin=replace(first.origin, evidence=None))
    assert find_origin(replace(application, items=(indian,)), FORMS["NP_B2B"]).outcome is Outcome.FAILS
    assert find_origin(replace(application, items=(bare,)), FORMS["NP_B2B"]).outcome is Outcome.UNDECIDED


def test_goods_of_united_kingdom_material_alone_wait_for_the_list_of_operations_alone() -> None:
    theirs = claimed("CETA", "ORIGINATING_MATERIALS", material("100.00", "GB", originating=True))
    assert (theirs.outcome, theirs.lines[0].missing) == (Outcome.UNDECIDED, ("not sourced: the full list of Rule 8",))
    assert claimed("CETA", "ORIGINATING_MATERIALS", material("100.00", "GB")).outcome is Outcome.FAILS


def test_a_product_rule_of_south_asia_waits_for_the_list_of_operations() -> None:
    found = claimed("SAFTA", "ANNEX_A", material("100.00"), form=with_rule_for("SAFTA", "190531"))
    assert (found.outcome, found.lines[0].missing) == (
        Outcome.UNDECIDED,
        ("not sourced: the list of non-qualifying operations (Rule 7)",),
    )


def test_a_value_content_of_a_singapore_product_rule_is_not_worked_out() -> None:
    rule = ProductRule(
        hs_from="190531", hs_to="190531", text="VA 40", ways=((Condition(require=Require.VA, pct="40"),),), source="https://example.org/b"
    )
    form = FORMS["ISCECA"]
    loaded = with_form(form, origin=with_form(form.origin, products=(rule,)))
    for value in ("1.00", "9999.00"):
        assert claimed("ISCECA", "PRODUCT_RULE", material(value), form=loaded).outcome is Outcome.UNDECIDED
    assert claimed("ISCECA", "PRODUCT_RULE", material("1.00"), form=with_rule_for("ISCECA", "190531")).outcome is Outcome.PASSES


def test_thai_goods_are_undecided_whichever_of_the_two_tests_fails() -> None:
    for hs in ("151190", "190531"):
        found = claimed("EHS", "CTH_AND_CONTENT", material("6000.00", hs=hs))
        assert found.outcome is Outcome.UNDECIDED
        assert any("both needed" in missing for missing in found.lines[0].missing)


@pytest.mark.parametrize("scheme", ["IMCECA", "ISCECA", "IKCEPA", "IJCEPA"])
def test_textiles_that_rely_on_a_weight_of_materials_are_undecided(scheme: str) -> None:
    criterion = {"IKCEPA": "CTSH + RVC 35%", "IJCEPA": "B"}.get(scheme, "CTSH_AND_CONTENT")
    form = with_rule_for(scheme, "010121")
    application = example(scheme)
    few = replace(material("100.00", hs="520811"), weight_kg="1")
    ours = replace(material("3000.00", "IN", hs="520512", originating=True), weight_kg="99")
    costs = Costs(originating_materials="3000.00", direct_labour="3000.00", direct_overhead="1000.00", profit="1000.00")
    origin = Origin(criterion=criterion, inputs=(few, ours), costs=costs, net_weight_kg="100", operations=("weaving",))
    item: Item = replace(application.items[0], hs="520811", value="10000.00", origin=origin)
    found = find_origin(replace(application, items=(item,)), form)
    assert found.outcome is Outcome.UNDECIDED
    assert any("textile" in missing or "weight" in missing for missing in found.lines[0].missing)


# --- the table of the README -------------------------------------------------------------------


def test_the_table_has_a_row_for_every_form_in_its_own_words() -> None:
    rows = markdown(FORMS.values()).splitlines()
    assert len(rows) == 2 + len(FORMS)
    assert all(row.count("|") == rows[0].count("|") for row in rows)


@pytest.mark.parametrize(
    ("scheme", "boxes", "rules"),
    [
        ("AIFTA", "sourced", "general rule sourced in part"),
        ("ISFTA", "sourced", "general rule sourced"),
        ("SAFTA", "plain, not sourced", "general rule without its limit; product rules: none loaded"),
        ("EHS", "plain, not sourced", "general rule without its limit; product rules: 3 loaded"),
        ("UAE", "sourced", "product rules alone: none loaded"),
        ("NP_B2B", "plain, not sourced", "documents alone"),
    ],
)
def test_a_row_tells_how_far_boxes_and_rules_are_sourced(scheme: str, boxes: str, rules: str) -> None:
    row = summary(FORMS[scheme])
    assert (row.scheme, row.boxes, row.rules) == (scheme, boxes, rules)


def test_a_row_counts_the_lines_of_the_example_by_what_was_found() -> None:
    form: Form = FORMS["UAE"]
    assert summary(form).example == "2 of 2 lines pass"
    claimed_by_rule = form.example.replace(b'"criterion": "WO"', b'"criterion": "PSR"', 1)
    assert summary(with_form(form, example=claimed_by_rule)).example == "1 of 2 lines pass, 1 of 2 lines undecided"


def test_every_example_leaves_within_the_days_of_a_first_certificate() -> None:
    for scheme in FORMS:
        application = example(scheme)
        assert application.transport.departs_on - application.declaration.dated_on <= timedelta(days=30)
