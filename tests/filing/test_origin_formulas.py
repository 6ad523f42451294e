"""Every formula of value content, calculated by hand: passing, exactly at its limit, and failing by the smallest step."""

from decimal import Decimal

import pytest

from engine.contracts.origin import Outcome
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, compared, goods, material, scheme, tried, value


@pytest.mark.parametrize(
    ("nom", "outcome", "figure", "points"),
    [
        # (200.00 - 100.00) / 200.00 * 100 = 50 %; 50 - 40 = 10 points to spare
        ("100.00", PASSES, "50.00", "10.00"),
        # (200.00 - 120.00) / 200.00 * 100 = 40 %, the limit itself
        ("120.00", PASSES, "40.00", "0.00"),
        # (200.00 - 120.0001) / 200.00 * 100 = 39.99995 %, shown as 39.99: 0.01 points short
        ("120.0001", FAILS, "39.99", "-0.01"),
    ],
)
def test_build_down_takes_the_foreign_materials_from_the_value(nom: str, outcome: Outcome, figure: str, points: str) -> None:
    line = tried(goods(material(nom), material("30.00", "IN", originating=True)), scheme(value("build_down", min_pct=40)))
    step = compared(line)
    assert (line.outcome, step.figure, step.limit, step.points) == (outcome, figure, "40", points)


@pytest.mark.parametrize(
    ("own", "outcome", "figure", "points"),
    [
        # (60.00 + 30.00) / 200.00 * 100 = 45 %; 45 - 35 = 10 points to spare
        ("60.00", PASSES, "45.00", "10.00"),
        # (40.00 + 30.00) / 200.00 * 100 = 35 %
        ("40.00", PASSES, "35.00", "0.00"),
        # (39.9999 + 30.00) / 200.00 * 100 = 34.99995 %, the least it can be: a list need not name every originating material
        ("39.9999", UNDECIDED, "34.99", "-0.01"),
    ],
)
def test_build_up_of_materials_counts_originating_materials_alone(own: str, outcome: Outcome, figure: str, points: str) -> None:
    costs = {"direct_labour": "90", "direct_overhead": "90", "profit": "90"}
    these = goods(material(own, "IN", originating=True), material("30.00", "IN", originating=True), material("5.00"), costs=costs)
    line = tried(these, scheme(value("build_up_materials", min_pct=35)))
    step = compared(line)
    assert (line.outcome, step.figure, step.points) == (outcome, figure, points)


@pytest.mark.parametrize(
    ("profit", "outcome", "figure", "points"),
    [
        # (40.00 + 20.00 + 10.00 + 20.00) / 200.00 * 100 = 45 %
        ("20.00", PASSES, "45.00", "10.00"),
        # (40.00 + 20.00 + 10.00 + 0.00) / 200.00 * 100 = 35 %
        ("0.00", PASSES, "35.00", "0.00"),
    ],
)
def test_build_up_with_profit_counts_it(profit: str, outcome: Outcome, figure: str, points: str) -> None:
    costs = {"originating_materials": "40.00", "direct_labour": "20.00", "direct_overhead": "10.00", "profit": profit}
    line = tried(goods(costs=costs), scheme(value("build_up_cost_with_profit", min_pct=35)))
    step = compared(line)
    assert (line.outcome, step.figure, step.points) == (outcome, figure, points)


def test_build_up_with_profit_fails_by_the_smallest_step() -> None:
    # (40.00 + 20.00 + 9.9998 + 0.0001) / 200.00 * 100 = 69.9999 / 200 * 100 = 34.99995 %
    costs = {"originating_materials": "40.00", "direct_labour": "20.00", "direct_overhead": "9.9998", "profit": "0.0001"}
    line = tried(goods(costs=costs), scheme(value("build_up_cost_with_profit", min_pct=35)))
    assert (line.outcome, compared(line).figure, compared(line).points) == (FAILS, "34.99", "-0.01")


@pytest.mark.parametrize(
    ("labour", "outcome", "figure", "points"),
    [
        # (40.00 + 40.00 + 10.00) / 200.00 * 100 = 45 %
        ("40.00", PASSES, "45.00", "5.00"),
        # (40.00 + 30.00 + 10.00) / 200.00 * 100 = 40 %
        ("30.00", PASSES, "40.00", "0.00"),
        # (40.00 + 29.9999 + 10.00) / 200.00 * 100 = 39.99995 %; the profit of 100.00 does not help
        ("29.9999", FAILS, "39.99", "-0.01"),
    ],
)
def test_build_up_without_profit_leaves_it_out(labour: str, outcome: Outcome, figure: str, points: str) -> None:
    costs = {"originating_materials": "40.00", "direct_labour": labour, "direct_overhead": "10.00", "profit": "100.00"}
    line = tried(goods(costs=costs), scheme(value("build_up_cost_without_profit", min_pct=40)))
    step = compared(line)
    assert (line.outcome, step.figure, step.points) == (outcome, figure, points)


@pytest.mark.parametrize(
    ("nom", "outcome", "figure", "points"),
    [
        # 100.00 / 200.00 * 100 = 50 %; 60 - 50 = 10 points to spare
        ("100.00", PASSES, "50.00", "10.00"),
        # 120.00 / 200.00 * 100 = 60 %
        ("120.00", PASSES, "60.00", "0.00"),
        # 120.0001 / 200.00 * 100 = 60.00005 %, shown as 60.01
        ("120.0001", FAILS, "60.01", "-0.01"),
    ],
)
def test_a_ceiling_of_foreign_material_is_held_to_the_last_digit(nom: str, outcome: Outcome, figure: str, points: str) -> None:
    line = tried(goods(material(nom)), scheme(value("max_nom", max_pct=60)))
    step = compared(line)
    assert (line.outcome, step.figure, step.limit, step.points) == (outcome, figure, "60", points)


@pytest.mark.parametrize(
    ("partners", "outcome", "figure", "points"),
    [
        # (50.00 + 40.00 + 20.00 + 10.00 + 20.00) / 200.00 * 100 = 140 / 200 * 100 = 70 %
        ("50.00", PASSES, "70.00", "10.00"),
        # (30.00 + 40.00 + 20.00 + 10.00 + 20.00) / 200.00 * 100 = 120 / 200 * 100 = 60 %
        ("30.00", PASSES, "60.00", "0.00"),
        # (29.9999 + 90.00) / 200.00 * 100 = 59.99995 %
        ("29.9999", FAILS, "59.99", "-0.01"),
    ],
)
def test_cumulation_adds_partners_materials_to_the_value_added_here(partners: str, outcome: Outcome, figure: str, points: str) -> None:
    costs = {"direct_labour": "40.00", "direct_overhead": "20.00", "freight_to_port": "10.00", "profit": "20.00"}
    parts = (
        material(partners, "BD", originating=True),
        material("15.00", "IN", originating=True),
        material("9.00", "DE", originating=True),
    )
    under = scheme(value("apta_cumulation", min_pct=60), partners=("BD", "LK"), cumulation={"type": "regional", "rule": "Rule 4"})
    line = tried(goods(*parts, costs=costs), under)
    step = compared(line)
    assert (line.outcome, step.figure, step.points, line.cumulated) == (outcome, figure, points, True)


@pytest.mark.parametrize(
    ("partners", "outcome", "figure", "points"),
    [
        # (200.00 - 60.00 - 70.00) / 200.00 * 100 = 35 %; the partner's materials are no value added in India
        ("70.00", PASSES, "35.00", "10.00"),
        # (200.00 - 60.00 - 90.00) / 200.00 * 100 = 25 %
        ("90.00", PASSES, "25.00", "0.00"),
        # (200.00 - 60.00 - 90.0001) / 200.00 * 100 = 24.99995 %
        ("90.0001", FAILS, "24.99", "-0.01"),
    ],
)
def test_own_content_leaves_partners_materials_out(partners: str, outcome: Outcome, figure: str, points: str) -> None:
    parts = (material("60.00"), material(partners, "LK", originating=True), material("10.00", "IN", originating=True))
    under = scheme(value("own_content", min_pct=25), partners=("LK",), cumulation={"type": "bilateral", "rule": "Rule 8"})
    line = tried(goods(*parts), under)
    step = compared(line)
    assert (line.outcome, step.figure, step.points) == (outcome, figure, points)


# --- bases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nom", "outcome", "figure"),
    [
        # (160.00 - 80.00) / 160.00 * 100 = 50 %
        ("80.00", PASSES, "50.00"),
        # (160.00 - 96.00) / 160.00 * 100 = 40 %
        ("96.00", PASSES, "40.00"),
        # (160.00 - 96.0001) / 160.00 * 100 = 39.9999375 %; on the FOB value of 200.00 it would have been 51.99 %
        ("96.0001", FAILS, "39.99"),
    ],
)
def test_a_method_on_the_ex_works_base_uses_that_price(nom: str, outcome: Outcome, figure: str) -> None:
    line = tried(goods(material(nom), ex_works=Decimal("160.00")), scheme(value("build_down", min_pct=40, base="EXW")))
    assert (line.outcome, compared(line).figure) == (outcome, figure)


@pytest.mark.parametrize(
    ("nom", "outcome"),
    [
        # FOB: (200.00 - 120.00) / 200.00 * 100 = 40 %, its limit; ex-works: (190.00 - 120.00) / 190.00 * 100 = 36.84 %, above 35 %
        ("120.00", PASSES),
        # FOB: (200.00 - 123.50) / 200.00 * 100 = 38.25 %, below 40 %; ex-works: (190.00 - 123.50) / 190.00 * 100 = 35 %, its limit
        ("123.50", PASSES),
        # ex-works: (190.00 - 123.5001) / 190.00 * 100 = 34.99994 %, below 35 %; FOB: 38.24 %, below 40 %
        ("123.5001", FAILS),
    ],
)
def test_the_ex_works_price_may_be_used_with_a_lower_limit(nom: str, outcome: Outcome) -> None:
    test = {**value("build_down", min_pct=40), "exworks_points": 5}
    assert tried(goods(material(nom), ex_works=Decimal("190.00")), scheme(test)).outcome is outcome


def test_a_ceiling_is_raised_on_the_ex_works_price() -> None:
    # FOB: 130.00 / 200.00 = 65 %, above 60 %; ex-works: 130.00 / 200.00 = 65 %, its limit of 60 + 5
    test = {**value("max_nom", max_pct=60), "exworks_points": 5}
    assert tried(goods(material("130.00"), ex_works=Decimal("200.00")), scheme(test)).outcome is PASSES
    assert tried(goods(material("130.0001"), ex_works=Decimal("200.00")), scheme(test)).outcome is FAILS


def test_chapters_without_the_ex_works_price_keep_to_the_fob_value() -> None:
    test = {**value("build_down", min_pct=40), "exworks_points": 5, "exworks_not_chapters": ["71"]}
    parts = material("123.50")
    assert tried(goods(parts, ex_works=Decimal("190.00"), hs="711319"), scheme(test)).outcome is FAILS
    assert tried(goods(parts, ex_works=Decimal("190.00"), hs="721319"), scheme(test)).outcome is PASSES


def test_a_failing_fob_value_is_undecided_while_the_ex_works_price_is_not_known() -> None:
    line = tried(goods(material("123.50")), scheme({**value("build_down", min_pct=40), "exworks_points": 5}))
    assert (line.outcome, line.missing) == (UNDECIDED, ("ex_works",))
    assert tried(goods(material("120.00")), scheme({**value("build_down", min_pct=40), "exworks_points": 5})).outcome is PASSES


# --- what is missing ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "missing"),
    [
        ("build_down", ("inputs",)),
        ("max_nom", ("inputs",)),
        ("own_content", ("inputs",)),
        ("build_up_materials", ("costs.originating_materials",)),
        ("build_up_cost_with_profit", ("costs.originating_materials", "costs.direct_labour", "costs.direct_overhead", "costs.profit")),
        ("build_up_cost_without_profit", ("costs.originating_materials", "costs.direct_labour", "costs.direct_overhead")),
        ("apta_cumulation", ("inputs", "costs.direct_labour", "costs.direct_overhead", "costs.freight_to_port", "costs.profit")),
    ],
)
def test_a_formula_names_everything_that_it_needs(formula: str, missing: tuple[str, ...]) -> None:
    limit = {"max_pct": 40} if formula == "max_nom" else {"min_pct": 40}
    line = tried(goods(), scheme(value(formula, **limit)))
    assert (line.outcome, line.missing) == (UNDECIDED, missing)


def test_a_limit_that_is_not_sourced_is_never_passed_or_failed() -> None:
    test = {**value("max_nom"), "unset": "the limit of non-originating content"}
    for nom in ("0.01", "199.99"):
        line = tried(goods(material(nom)), scheme(test))
        assert (line.outcome, line.missing) == (UNDECIDED, ("not sourced: the limit of non-originating content",))
        assert compared(line).points is None


def test_where_one_of_two_methods_may_be_chosen_an_unknown_one_keeps_a_failure_open() -> None:
    methods = {"down": {"formula": "build_down", "min_pct": 45}, "up": {"formula": "build_up_materials", "min_pct": 35}}
    test = {"test": "value_content", "methods": methods}
    these = goods(material("190.00"))
    for either in (True, False):
        assert tried(these, scheme({**test, "either": either})).outcome is UNDECIDED
    assert tried(goods(material("190.00"), costs={"originating_materials": "5.00"}), scheme({**test, "either": True})).outcome is FAILS


@pytest.mark.parametrize(
    ("down", "up", "nom", "costs", "outcome"),
    [
        # 200.00 - 125.00 is 37.5 %: below 40 %, so a build-up is below 40 % too, and perhaps above 35 %
        ({"formula": "build_down", "min_pct": 40}, 40, "125.00", {}, FAILS),
        ({"formula": "build_down", "min_pct": 40}, 41, "125.00", {}, FAILS),
        ({"formula": "build_down", "min_pct": 40}, 35, "125.00", {}, UNDECIDED),
        ({"formula": "max_nom", "max_pct": 60}, 40, "125.00", {}, FAILS),
        ({"formula": "max_nom", "max_pct": 60}, "39.99", "125.00", {}, UNDECIDED),
        ({"formula": "build_down", "min_pct": 40, "base": "EXW"}, 40, "125.00", {}, UNDECIDED),
        ({"formula": "build_down", "min_pct": 40}, 40, "100.00", {}, UNDECIDED),
        # 80.00 of 200.00 is 40 %: so is the base less foreign materials at least
        ({"formula": "build_down", "min_pct": 40}, 40, None, {"originating_materials": "80.00"}, PASSES),
        ({"formula": "max_nom", "max_pct": 60}, 40, None, {"originating_materials": "80.00"}, PASSES),
        ({"formula": "build_down", "min_pct": 41}, 40, None, {"originating_materials": "80.00"}, UNDECIDED),
        ({"formula": "build_down", "min_pct": 40}, 40, None, {"originating_materials": "79.99"}, UNDECIDED),
        ({"formula": "own_content", "min_pct": 40}, 40, None, {"originating_materials": "80.00"}, UNDECIDED),
    ],
)
def test_a_method_that_cannot_be_worked_out_is_decided_only_where_it_follows(
    down: Table, up: int | str, nom: str | None, costs: dict[str, str], outcome: Outcome
) -> None:
    methods = {"down": down, "up": {"formula": "build_up_materials", "min_pct": up}}
    these = goods(*([material(nom)] if nom else []), costs=costs, ex_works=Decimal(195))
    line = tried(these, scheme({"test": "value_content", "methods": methods}))
    assert line.outcome is outcome
    assert bool(line.missing) == (outcome is UNDECIDED)


def test_what_follows_is_shown_and_is_no_second_reason_of_a_refusal() -> None:
    methods = {"down": {"formula": "build_down", "min_pct": 40}, "up": {"formula": "build_up_materials", "min_pct": 40}}
    line = tried(goods(material("125.00")), scheme({"test": "value_content", "methods": methods}))
    assert [(step.outcome, step.decides) for step in line.steps] == [(FAILS, True), (FAILS, False)]
    assert line.steps[1].working == "It misses its limit for certain, as it: down method does."


def test_an_ex_works_price_above_the_fob_value_is_not_used() -> None:
    line = tried(goods(material("100.00"), ex_works=Decimal("200.01")), scheme(value("build_down", min_pct=40, base="EXW")))
    assert (line.outcome, line.missing) == (UNDECIDED, ("ex_works",))
    assert "The ex-works price is above the FOB value, which includes it." in line.steps[0].working
    easier = scheme({**value("build_down", min_pct=40), "exworks_points": 5})
    assert tried(goods(material("123.50"), ex_works=Decimal(400)), easier).outcome is UNDECIDED
    tolerant = scheme({"test": "tariff_shift", "level": "CTH"}, de_minimis=[{"of": "value", "pct": 10, "base": "EXW", "rule": "R"}])
    assert tried(goods(material("30.00", hs="392490"), ex_works=Decimal(400)), tolerant).missing == ("ex_works",)


def test_a_limit_on_the_ex_works_price_is_exact_and_not_below_zero() -> None:
    long = "40.000001"
    these = goods(material("130.00"), ex_works=Decimal(200))
    # FOB and ex-works: 70.00 / 200.00 = 35 %, below 35.000001 %
    assert tried(these, scheme({**value("build_down", min_pct=long), "exworks_points": 5})).outcome is FAILS
    line = tried(goods(material("199.00"), ex_works=Decimal(200)), scheme({**value("build_down", min_pct=3), "exworks_points": 5}))
    assert [step.limit for step in line.steps] == ["3", "0"]


def test_a_ground_for_partners_materials_is_refused_without_any() -> None:
    test = {**value("build_down", min_pct=35), "partner_materials": True}
    under = scheme(test, partners=("LK",), cumulation={"type": "bilateral", "rule": "R"})
    line = tried(goods(material("10.00"), material("10.00", "LK")), under)
    assert (line.outcome, line.steps[0].working) == (FAILS, "No originating material of a partner is listed; claim the general ground.")
    assert tried(goods(material("10.00"), material("10.00", "LK", originating=True)), under).outcome is PASSES
    assert tried(goods(), under).missing == ("inputs",)


@pytest.mark.parametrize(("cumulates", "outcome"), [(True, PASSES), (False, FAILS)])
@pytest.mark.parametrize("test", [{"test": "tariff_shift", "level": "CTH"}, value("max_nom", max_pct=40)])
def test_a_ground_may_leave_cumulation_out(cumulates: bool, outcome: Outcome, test: Table) -> None:
    criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "cumulates": cumulates}]
    under = scheme(test, criteria=criteria, cumulation={"type": "bilateral", "rule": "R"})
    line = tried(goods(material("150.00", "VN", hs="392490", originating=True)), under)
    assert (line.outcome, line.cumulated) == (outcome, cumulates)


def test_a_stated_head_that_may_hold_materials_of_strangers_is_no_figure() -> None:
    costs = {"originating_materials": "100.00"}
    these = goods(material("60.00", "MY", originating=True), costs=costs)
    assert tried(these, scheme(value("build_up_materials", min_pct=35))).outcome is UNDECIDED
    cumulating = scheme(value("build_up_materials", min_pct=35), partners=("MY",), cumulation={"type": "bilateral", "rule": "R"})
    assert tried(these, cumulating).outcome is PASSES


@pytest.mark.parametrize(
    ("cumulation", "partners", "outcome"),
    [
        ({}, ("MY",), FAILS),
        ({"cumulation": {"type": "bilateral", "rule": "R"}}, ("MY",), PASSES),
        ({"cumulation": {"type": "bilateral", "rule": "R"}}, ("VN",), FAILS),
        ({"cumulation": {"type": "regional", "rule": "R", "partners": ["SG"]}}, ("MY", "SG"), FAILS),
        ({"cumulation": {"type": "regional", "rule": "R", "partners": ["MY"]}}, ("MY", "SG"), PASSES),
    ],
)
def test_a_partners_material_counts_only_where_the_scheme_cumulates_it(
    cumulation: Table, partners: tuple[str, ...], outcome: Outcome
) -> None:
    line = tried(goods(material("150.00", "MY", originating=True)), scheme(value("max_nom", max_pct=40), partners=partners, **cumulation))
    assert (line.outcome, line.cumulated) == (outcome, outcome is PASSES)
