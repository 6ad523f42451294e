"""De minimis: to the last digit, by value and by weight, for its chapters alone, and for the tariff shift alone."""

from decimal import Decimal

import pytest

from engine.contracts.origin import Line, Outcome
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, goods, material, scheme, tried

CTH: Table = {"test": "tariff_shift", "level": "CTH"}
TEN: Table = {"of": "value", "pct": 10, "rule": "Rule 9"}
CLOTH = "620342"


def shifted(*materials: object, rules: list[Table], **facts: object) -> Line:
    """Goods of HS 3924.10 worth 200.00 under a change of heading with these tolerances."""
    return tried(goods(*materials, **facts), scheme(CTH, de_minimis=rules))  # type: ignore[arg-type]  # materials


@pytest.mark.parametrize(
    ("value", "within", "outcome"),
    [
        # 20.00 / 200.00 * 100 = 10 %
        ("20.00", "does not exceed", PASSES),
        ("20.00", "less than", FAILS),
        ("20.0001", "does not exceed", FAILS),
        ("19.9999", "less than", PASSES),
    ],
)
def test_a_share_at_its_limit_does_not_exceed_it_and_is_not_less_than_it(value: str, within: str, outcome: Outcome) -> None:
    line = shifted(material(value, hs="392490"), material("50.00"), rules=[{**TEN, "within": within}])
    assert line.outcome is outcome
    (step,) = (step for step in line.steps if step.name == "de_minimis")
    assert (step.outcome, step.rule, step.limit) == (outcome, "Rule 9", "10")


@pytest.mark.parametrize(
    ("weight", "within", "outcome"),
    [
        # 7 kg of 100 kg is 7 %
        ("7", "does not exceed", PASSES),
        ("7", "less than", FAILS),
        ("7.0001", "does not exceed", FAILS),
        ("6.9999", "less than", PASSES),
    ],
)
def test_a_tolerance_by_weight_asks_for_the_weight_of_the_goods(weight: str, within: str, outcome: Outcome) -> None:
    rule = {"of": "goods_weight", "pct": 7, "within": within, "chapters": ["50-63"], "rule": "Rule 9"}
    parts = (material("150.00", hs="620349", kg=weight), material("1.00", hs="520100", kg="80"))
    assert shifted(*parts, rules=[rule], hs=CLOTH, net_weight_kg=Decimal(100)).outcome is outcome


@pytest.mark.parametrize(("weight", "outcome"), [("8", PASSES), ("8.0001", FAILS)])
def test_a_tolerance_by_weight_of_all_materials_adds_them_up(weight: str, outcome: Outcome) -> None:
    # 8 of 8 + 92 kg is 8 %; 8.0001 of 100.0001 kg is 8.00009 %
    rule = {"of": "materials_weight", "pct": 8, "chapters": ["50-63"], "rule": "Rule 7"}
    parts = (material("150.00", hs="620349", kg=weight), material("1.00", "IN", hs="520100", originating=True, kg="92"))
    assert shifted(*parts, rules=[rule], hs=CLOTH).outcome is outcome


def test_weights_that_nobody_gave_leave_the_line_undecided_and_are_named() -> None:
    rule = {"of": "goods_weight", "pct": 7, "rule": "Rule 9"}
    line = shifted(material("1.00", hs="392490", at=4), rules=[rule])
    assert (line.outcome, line.missing) == (UNDECIDED, ("inputs[4].weight_kg", "net_weight_kg"))
    of_all = {"of": "materials_weight", "pct": 7, "rule": "Rule 9"}
    parts = (material("1.00", hs="392490", kg="1"), material("1.00", "IN", originating=True, at=1))
    line = shifted(*parts, rules=[of_all])
    assert (line.outcome, line.missing) == (UNDECIDED, ("inputs[1].weight_kg",))


def test_a_tolerance_is_for_its_chapters() -> None:
    small = material("1.00", hs="392490")
    assert shifted(small, rules=[{**TEN, "chapters": ["15-24", "28-49"]}]).outcome is PASSES
    assert shifted(small, rules=[{**TEN, "chapters": ["15-24", "40-49"]}]).outcome is FAILS
    assert shifted(small, rules=[]).outcome is FAILS


def test_the_best_of_several_tolerances_counts() -> None:
    light = {"of": "goods_weight", "pct": 7, "within": "less than", "rule": "Rule 9"}
    parts = material("30.00", hs="392490", kg="6")
    assert shifted(parts, rules=[TEN, light], net_weight_kg=Decimal(100)).outcome is PASSES
    assert shifted(parts, rules=[TEN], net_weight_kg=Decimal(100)).outcome is FAILS


def test_relying_on_a_tolerance_of_which_a_part_is_not_sourced_is_undecided() -> None:
    rule = {**TEN, "unset": "the list of headings that are excepted"}
    line = shifted(material("1.00", hs="392490"), rules=[rule])
    assert (line.outcome, line.missing) == (UNDECIDED, ("not sourced: the list of headings that are excepted",))
    assert shifted(material("30.00", hs="392490"), rules=[rule]).outcome is FAILS
    assert shifted(material("30.00"), rules=[rule]).outcome is PASSES


def test_a_tolerance_without_a_sourced_percentage_leaves_a_failure_open() -> None:
    rule = {"of": "value", "unset": "the percentage", "rule": "Rule 9"}
    assert shifted(material("199.00", hs="392490"), rules=[rule]).missing == ("not sourced: the percentage",)


def test_a_code_that_is_too_short_is_tolerated_with_the_others_or_asked_for() -> None:
    line = shifted(material("10.00", hs="392490"), material("10.00", hs="39", at=1), rules=[TEN])
    assert line.outcome is PASSES
    line = shifted(material("10.00", hs="392490"), material("11.00", hs="39", at=1), rules=[TEN])
    assert (line.outcome, line.missing) == (UNDECIDED, ("inputs[1].hs",))
    line = shifted(material("21.00", hs="392490"), material("11.00", hs="39", at=1), rules=[TEN])
    assert line.outcome is FAILS


def test_a_material_that_is_tolerated_still_counts_in_the_value() -> None:
    under = scheme(
        criteria=[{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["shift", "value"]}],
        tests={
            "shift": {**CTH, "rule": "R"},
            "value": {"test": "value_content", "methods": {"one": {"formula": "max_nom", "max_pct": 50}}, "rule": "R"},
        },
        de_minimis=[TEN],
    )
    assert tried(goods(material("20.00", hs="392490"), material("80.00")), under).outcome is PASSES
    assert tried(goods(material("20.00", hs="392490"), material("80.01")), under).outcome is FAILS


def test_a_tolerance_on_the_ex_works_price_uses_it() -> None:
    rule = {**TEN, "base": "EXW"}
    part = material("16.00", hs="392490")
    assert shifted(part, rules=[rule], ex_works=Decimal("160.00")).outcome is PASSES
    assert shifted(part, rules=[rule], ex_works=Decimal("159.99")).outcome is FAILS
    assert shifted(part, rules=[rule]).missing == ("ex_works",)


def test_wholly_obtained_goods_may_hold_as_much_as_their_own_tolerance_says() -> None:
    rule = {"test": "no_foreign_inputs", "of": "value", "pct": 1, "rule": "Rule 4"}
    under = scheme({"test": "no_foreign_inputs"}, de_minimis=[rule, TEN])
    assert tried(goods(material("2.00")), under).outcome is PASSES
    assert tried(goods(material("2.0001")), under).outcome is FAILS


def test_a_step_that_is_tolerated_is_shown_as_not_deciding() -> None:
    line = shifted(material("1.00", hs="392490"), rules=[TEN])
    assert [(step.name, step.outcome, step.decides) for step in line.steps] == [("it", FAILS, False), ("de_minimis", PASSES, True)]


def test_of_a_thousand_materials_that_fail_twenty_are_shown() -> None:
    parts = [material("0.50", hs="392490", at=number) for number in range(1000)]
    steps = shifted(*parts, *[material("0.01") for _ in range(1000)], rules=[]).steps
    assert len(steps) == 22
    assert steps[0].working.startswith("1000 materials to 392410, CTH is met: Resin (CN)")
    assert steps[-1].working == "and 980 more, CTH is not met"
