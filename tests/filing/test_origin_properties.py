"""What no rounding, ordering, unit or currency may change, and what more originating content may never do."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contracts.origin import Line, Outcome
from engine.filing.origin.cases import Scheme
from engine.filing.origin.goods import Goods, Heads
from engine.filing.origin.materials import Material
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, scheme, tried

# A busy machine makes examples slow, and slow is not wrong.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAIR = {"down": {"formula": "build_down", "min_pct": 40}, "up": {"formula": "build_up_cost_with_profit", "min_pct": 35}}
TRIO = {**PAIR, "nom": {"formula": "max_nom", "max_pct": 65}, "least": {"formula": "build_up_cost_without_profit", "min_pct": 40}}
TESTS: dict[str, Table] = {
    "nom": {"test": "value_content", "methods": {"one": {"formula": "max_nom", "max_pct": 60}}},
    "pair": {"test": "value_content", "methods": PAIR},
    "either": {"test": "value_content", "methods": PAIR, "either": True, "exworks_points": 5},
    "up": {"test": "value_content", "methods": {"one": {"formula": "build_up_materials", "min_pct": "33.33"}}},
    "apta": {"test": "value_content", "methods": {"one": {"formula": "apta_cumulation", "min_pct": 60}}},
    "trio": {"test": "value_content", "methods": TRIO, "exworks_points": 5},
    "own": {"test": "value_content", "methods": {"one": {"formula": "own_content", "min_pct": 25}}},
    "shift": {"test": "tariff_shift", "level": "CTH"},
    "none": {"test": "no_foreign_inputs"},
    "exclusive": {"test": "no_foreign_inputs", "cumulates": True},
    "list": {"test": "sufficient_operations", "insufficient": ["sorting"]},
    "minimal": {"test": "minimal_operations", "operations": ["sorting"]},
    "product": {"test": "product_rule", "methods": {"down": {"formula": "build_down"}}},
    "both": {"test": "combined", "of": ["shift", "nom"], "join": "all"},
    "any": {"test": "combined", "of": ["shift", "up"], "join": "any"},
    "open": {"test": "combined", "of": ["shift", "nom"]},
}
TOLERANCES = [
    {"of": "value", "pct": 10, "rule": "R"},
    {"of": "goods_weight", "pct": 7, "within": "less than", "rule": "R"},
    {"of": "materials_weight", "pct": "8.5", "rule": "R"},
    {"test": "no_foreign_inputs", "of": "value", "pct": 1, "rule": "R"},
]


def schemes() -> list[Scheme]:
    """A scheme for each test, with and without cumulation and tolerances."""
    made = []
    for name, cumulates, tolerates in product(TESTS, (True, False), (True, False)):
        tables: Table = {"de_minimis": TOLERANCES} if tolerates else {}
        tables |= {"cumulation": {"type": "bilateral", "rule": "R"}} if cumulates else {}
        criteria = [{"code": "X", "meaning": "m", "as_printed": "X", "tests": [name]}]
        tests = {each: {"rule": "R", **table} for each, table in TESTS.items()}
        made.append(scheme(products='3924,,"CTH but not 3901 + VA 30 or VA 55",,,s', criteria=criteria, tests=tests, **tables))
    return made


SCHEMES = schemes()

amounts = st.decimals("0.01", "300", places=2)
materials = st.lists(
    st.builds(
        Material,
        st.just("Resin"),
        st.sampled_from(["390110", "392410", "392490", "39", "870899"]),
        st.sampled_from(["IN", "VN", "CN"]),
        amounts,
        st.booleans(),
        st.none() | amounts,
    ),
    min_size=1,
    max_size=8,
)
heads = st.builds(Heads, st.none() | amounts, st.none() | amounts, st.none() | amounts, st.none() | amounts, st.none() | amounts)


@st.composite
def some_goods(draw: st.DrawFn) -> Goods:
    """Goods of HS 3924.10 with materials of all kinds, some of them at the limits of the schemes."""
    parts = tuple(replace(part, path=f"inputs[{number}]") for number, part in enumerate(draw(materials)))
    fob = draw(st.decimals("0.01", "500", places=2) | st.sampled_from([Decimal(value) for value in ("100", "150", "200", "250", "300")]))
    return Goods(
        hs="392410",
        country="IN",
        fob=fob,
        ex_works=draw(st.none() | st.just(fob - fob / 20)),
        materials=parts,
        costs=draw(heads),
        net_weight_kg=draw(st.none() | amounts),
        evidence=draw(st.none() | st.just("Farm record")),
        complete=draw(st.booleans()),
    )


def outcomes(goods: Goods) -> list[Outcome]:
    """What every scheme says."""
    return [tried(goods, each).outcome for each in SCHEMES]


def scaled(goods: Goods, times: Decimal) -> Goods:
    """The same goods in another currency."""

    def more(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else amount * times

    costs = Heads(*(more(getattr(goods.costs, name)) for name in Heads.__dataclass_fields__))
    parts = tuple(replace(part, value=part.value * times) for part in goods.materials)
    return replace(goods, fob=goods.fob * times, ex_works=more(goods.ex_works), materials=parts, costs=costs)


@steady
@given(some_goods(), st.decimals("0.0001", "100000", places=4))
def test_no_currency_changes_a_verdict(goods: Goods, rate: Decimal) -> None:
    assert outcomes(scaled(goods, rate)) == outcomes(goods)


@steady
@given(some_goods(), st.decimals("0.001", "1000", places=3))
def test_no_unit_of_weight_changes_a_verdict(goods: Goods, unit: Decimal) -> None:
    def more(weight: Decimal | None) -> Decimal | None:
        return None if weight is None else weight * unit

    parts = tuple(replace(part, weight_kg=more(part.weight_kg)) for part in goods.materials)
    assert outcomes(replace(goods, materials=parts, net_weight_kg=more(goods.net_weight_kg))) == outcomes(goods)


@steady
@given(some_goods(), st.randoms())
def test_no_order_of_the_materials_changes_a_verdict(goods: Goods, chance: object) -> None:
    parts = list(goods.materials)
    chance.shuffle(parts)  # type: ignore[attr-defined]  # hypothesis's random numbers
    assert outcomes(replace(goods, materials=tuple(parts))) == outcomes(goods)


@steady
@given(some_goods())
def test_splitting_a_material_in_two_changes_no_verdict(goods: Goods) -> None:
    parts = [
        replace(part, value=part.value / 2, weight_kg=None if part.weight_kg is None else part.weight_kg / 2)
        for part in goods.materials
        for _ in range(2)
    ]
    assert outcomes(replace(goods, materials=tuple(parts))) == outcomes(goods)


@steady
@given(some_goods(), st.data())
def test_more_originating_content_never_turns_a_pass_into_a_failure(goods: Goods, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(goods.materials) - 1))
    part = goods.materials[at]
    change = data.draw(st.sampled_from(["marked", "Indian", "cheaper", "head"]))
    costs = goods.costs
    if change == "marked":
        part = replace(part, originating=True)
    elif change == "Indian":
        part = replace(part, originating=True, country="IN")
    elif change == "cheaper" and not part.originating:
        part = replace(part, value=part.value / 2)
    elif change == "head" and costs.originating_materials is not None:
        costs = replace(costs, originating_materials=costs.originating_materials + 10)
    parts = (*goods.materials[:at], part, *goods.materials[at + 1 :])
    better = replace(goods, materials=parts, costs=costs)
    turned = [
        each.rules.criteria[0].tests
        for each, before, after in zip(SCHEMES, outcomes(goods), outcomes(better), strict=True)
        if (before, after) == (PASSES, FAILS)
    ]
    assert turned == []


@st.composite
def goods_that_add_up(draw: st.DrawFn) -> Goods:
    """Goods whose costs are within the ex-works price, and that within the FOB value, as the checks of a file see to."""
    goods = draw(some_goods())
    parts = goods.materials if draw(st.booleans()) else ()
    marked = sum((part.value for part in parts if part.originating), Decimal(0))
    foreign = sum((part.value for part in parts if not part.originating), Decimal(0))
    stated = goods.costs.originating_materials
    # A cost sheet has no such head: its list is whole.
    stated = None if goods.complete or stated is None else max(stated, marked)
    costs = replace(goods.costs, originating_materials=stated)
    heads = (costs.direct_labour, costs.direct_overhead, costs.profit)
    made = foreign + (marked if stated is None else stated) + sum((head for head in heads if head is not None), Decimal(0))
    spare = draw(st.sampled_from([Decimal(0), Decimal(1), Decimal(50)]))
    ex_works = made + spare + (Decimal("0.01") if made + spare == 0 else 0)
    fob = ex_works + (costs.freight_to_port or 0)
    operations = draw(st.sampled_from([(), ("sorting",), ("sorting of resin",), ("moulding",), ("sorting", "moulding")]))
    hs = draw(st.sampled_from(["392410", "39"]))
    return replace(goods, hs=hs, materials=parts, costs=costs, fob=fob, ex_works=ex_works, operations=operations)


def without(goods: Goods, fact: str) -> Goods:
    """The goods with a fact less."""
    if fact == "weight":
        return replace(goods, materials=tuple(replace(part, weight_kg=None) for part in goods.materials[:1]) + goods.materials[1:])
    if fact in Heads.__dataclass_fields__:
        return replace(goods, costs=replace(goods.costs, **{fact: None}))
    return replace(goods, **{fact: () if fact == "operations" else None})  # type: ignore[arg-type]  # one of several facts


def without_products(under: Scheme) -> Scheme:
    """The scheme before its product rules are loaded."""
    rules = under.rules
    return replace(under, rules=replace(rules, products=()))


GENERAL = [
    scheme(
        table,
        products="390110,,CTH,,,s\n3924,,CC,,,s" if closed else "390110,,CTH,,,s",
        criteria=[{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"], "unless_product_rule": True}],
    )
    for table, closed in product((TESTS["nom"], TESTS["trio"], TESTS["shift"]), (True, False))
]
FACTS = ("weight", *Heads.__dataclass_fields__, "ex_works", "net_weight_kg", "evidence", "operations")


@steady
@given(goods_that_add_up())
def test_a_fact_less_decides_nothing_that_was_open_and_turns_nothing_round(goods: Goods) -> None:
    less = {fact: without(goods, fact) for fact in FACTS}
    for under in (*SCHEMES, *GENERAL):
        before = tried(goods, under).outcome
        turned = [fact for fact in FACTS if tried(less[fact], under).outcome not in (before, UNDECIDED)]
        assert turned == [], under.rules.criteria[0].tests


@steady
@given(goods_that_add_up())
def test_product_rules_less_decide_nothing_that_was_open_and_turn_nothing_round(goods: Goods) -> None:
    for under in (*SCHEMES, *GENERAL):
        before, after = tried(goods, under).outcome, tried(goods, without_products(under)).outcome
        assert after in (before, UNDECIDED), under.rules.criteria[0].tests


@steady
@given(some_goods())
def test_a_scheme_of_product_rules_alone_decides_nothing_while_none_is_loaded(goods: Goods) -> None:
    for under in (scheme({"test": "product_rule"}), scheme({"test": "product_rule"}, products="8703,,CTH,,,s")):
        line = tried(goods, under)
        assert line.outcome is Outcome.UNDECIDED
        assert line.missing == ("not loaded: a product rule for HS 392410",)


@steady
@given(some_goods())
def test_what_is_undecided_says_what_is_missing_and_what_fails_says_in_which_step(goods: Goods) -> None:
    for under in SCHEMES:
        line = tried(goods, under)
        deciding = {step.outcome for step in line.steps if step.decides}
        assert line.outcome in deciding
        assert FAILS not in deciding or line.outcome is FAILS
        if line.outcome is Outcome.UNDECIDED:
            assert line.missing


@steady
@given(some_goods())
def test_a_shown_margin_has_the_sign_of_its_outcome_and_never_claims_too_much(goods: Goods) -> None:
    for under in SCHEMES:
        for step in _compared(tried(goods, under)):
            assert step.points is not None
            assert step.limit is not None
            assert step.figure is not None
            points, distance = Decimal(step.points), Decimal(step.figure) - Decimal(step.limit)
            assert points == (-distance if _is_ceiling(step.working) else distance)
            if step.outcome is PASSES:
                assert points >= 0
            elif "less than" not in step.working and step.outcome is FAILS:
                assert points < 0


def _compared(line: Line) -> list:  # type: ignore[type-arg]
    return [step for step in line.steps if step.points is not None]


def _is_ceiling(working: str) -> bool:
    return any(words in working for words in ("at most", "must not exceed", "must be less than"))
