"""Product specific rules: the table they are read from, and what the goods' own rule says."""

import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import config as configuration
from engine import registry
from engine.contracts import products
from engine.contracts.origin import Outcome
from engine.contracts.products import read_products, read_rule
from engine.contracts.rules import Condition, ProductRule, Require
from engine.errors import ConfigError, Refused
from tests.filing.origin_cases import FAILS, PASSES, UNDECIDED, Table, goods, material, scheme, tried

HEAD = "scheme,hs_from,hs_to,rule,valid_from,valid_until,source\n"
PSR: Table = {"test": "product_rule", "methods": {"down": {"formula": "build_down"}}}


def problems(text: str | bytes) -> list[str]:
    """What is said of a table that cannot be used."""
    with pytest.raises(Refused) as caught:
        read_products(text if isinstance(text, bytes) else text.encode(), "rules.csv")
    return [problem.say for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("WO", [[Condition(require=Require.WO)]]),
        ("CTH + VA 40", [[Condition(require=Require.CTH), Condition(require=Require.VA, pct="40")]]),
        ("CC or VA 12.5", [[Condition(require=Require.CC)], [Condition(require=Require.VA, pct="12.5")]]),
        ('SO "melted and poured  in a Party"', [[Condition(require=Require.SO, operation="melted and poured in a Party")]]),
        (
            "CTH but not 7206-7210, 7301 or CTSH",
            [[Condition(require=Require.CTH, but_not=(("7206", "7210"), ("7301", "7301")))], [Condition(require=Require.CTSH)]],
        ),
    ],
)
def test_a_rule_reads_as_it_is_written(text: str, ways: list[list[Condition]]) -> None:
    assert read_rule(text) == tuple(map(tuple, ways))


@pytest.mark.parametrize(
    ("text", "say"),
    [
        ("", "The rule ends too early"),
        ("CTX", "'CTX' asks for nothing that is known (at character 1"),
        ("CTH or", "The rule ends too early (at character 7"),
        ("CTH VA 40", "'VA 40' is not understood (at character 5"),
        ("VA 0", "above 0 and at most 100"),
        ("VA 100.5", "above 0 and at most 100"),
        ("VA", "such as VA 40"),
        ("SO melted", "in double quotes"),
        ('SO "  "', "in double quotes"),
        ("CTH but 7206", "`but` goes with `not`"),
        ("CTH but not", "A code is missing"),
        ("CTH but not 720", "'720' is no HS code"),
        ("CTH but not 7210-7206", "7210-7206 is no range"),
        ("CTH but not 72-7206", "72-7206 is no range"),
    ],
)
def test_a_rule_that_is_not_understood_is_shown_where(text: str, say: str) -> None:
    with pytest.raises(ValueError, match="at character") as caught:
        read_rule(text)
    assert say in str(caught.value)


@pytest.mark.parametrize(
    ("row", "column", "say"),
    [
        ("ehs,1604,,WO,,,s", "scheme", "no code of a scheme"),
        ("EHS,901,,WO,,,s", "hs_from", "write 0901 as text"),
        ("EHS,1604.11,,WO,,,s", "hs_from", "without dots"),
        ("EHS,1604,160411,WO,,,s", "hs_to", "two codes of one length"),
        ("EHS,1605,1604,WO,,,s", "hs_to", "the smaller one first"),
        ("EHS,1604,,CTX,,,s", "rule", "asks for nothing that is known"),
        ("EHS,1604,,WO,01/04/2026,,s", "valid_from", "write it as 2026-04-01"),
        ("EHS,1604,,WO,2026-04-01,2026-03-31,s", "valid_until", "before it begins on 2026-04-01"),
        ("EHS,1604,,WO,,,", "source", "say where the rule was read"),
    ],
)
def test_a_row_that_is_wrong_is_named_by_line_and_column(row: str, column: str, say: str) -> None:
    (said,) = problems(f"{HEAD}EHS,0101,,WO,,,s\n\n{row}\n")
    assert said.startswith(f"rules.csv, line 4, column {column}: ")
    assert say in said


@pytest.mark.parametrize(
    ("text", "say"),
    [
        ("", "The column scheme is missing"),
        ("scheme,hs_from,rule\n", "The column source is missing"),
        ("scheme,hs_from,rule,source,colour\n", "'colour' is no column"),
        ("scheme,hs_from,rule,source,rule\n", "'rule' is no column, or stands there twice"),
        (f"{HEAD}EHS,1604,,CTH but not 1605, 1606,,,s\n", "line 2: The row has 8 cells and the table 7 columns"),
        (f'{HEAD}EHS,1604,,"WO"x,,,s\n', "look at the double quotes"),
        (HEAD.encode() + b"EHS,1604,,WO,,,s\nEHS,1605,,WO,,,\xff\n", "rules.csv, line 3: This is not UTF-8 text"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_whole(text: str | bytes, say: str) -> None:
    assert say in problems(text)[0]


def test_every_wrong_row_is_said_at_once() -> None:
    said = problems(f"{HEAD}EHS,1604,,CTX,,,s\nEHS,1605,,WO,,,s\nEHS,901,,WO,,,\n")
    assert [text.partition(": ")[0] for text in said] == [
        "rules.csv, line 2, column rule",
        "rules.csv, line 4, column source",
        "rules.csv, line 4, column hs_from",
    ]


@pytest.mark.parametrize(
    ("one", "two", "clash"),
    [
        ("EHS,1604,,WO,,,s", "EHS,160411,,CC,,,s", True),
        ("EHS,1601,1604,WO,,,s", "EHS,1604,1605,WO,,,s", True),
        ("EHS,1604,,WO,,2026-03-31,s", "EHS,1604,,CC,2026-03-31,,s", True),
        ("EHS,1604,,WO,,2026-03-31,s", "EHS,1604,,CC,2026-04-01,,s", False),
        ("EHS,1604,,WO,,,s", "UAE,1604,,CC,,,s", False),
        ("EHS,1604,,WO,,,s", "EHS,1605,,CC,,,s", False),
    ],
)
def test_two_rules_for_one_code_on_one_day_are_refused_with_both_lines(one: str, two: str, clash: bool) -> None:
    text = f"{HEAD}{one}\n{two}\n"
    if clash:
        (said,) = problems(text)
        assert said.startswith("rules.csv, line 3, column hs_from")
        assert "line 2 is for HS 16" in said
    else:
        assert sum(map(len, read_products(text.encode(), "rules.csv").values())) == 2


@pytest.mark.parametrize("clashes", [False, True])
def test_a_long_table_is_compared_with_neighbours_in_time_alone(clashes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    count, first = 20_000, date(1990, 1, 1)
    days = [first if clashes else first + timedelta(number) for number in range(count)]
    compared = 0

    def counted(one: ProductRule, two: ProductRule) -> bool:
        nonlocal compared
        compared += 1
        return same_days(one, two)

    same_days = products._same_days
    monkeypatch.setattr(products, "_same_days", counted)
    text = HEAD + "".join(f"EHS,01,97,CC,{day},{day},s\n" for day in days)
    if clashes:
        assert len(problems(text)) == 50
    else:
        assert len(read_products(text.encode(), "rules.csv")["EHS"]) == count
    assert compared <= 2 * count


rows = st.tuples(st.integers(1, 9), st.integers(0, 4), st.integers(1, 9), st.integers(0, 4))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, max_size=12))
def test_two_rules_clash_if_any_two_share_a_code_and_a_day(spans: list[tuple[int, int, int, int]]) -> None:
    boxes = [(code, code + more, day, day + later) for code, more, day, later in spans]
    clash = any(
        one[0] <= two[1] and two[0] <= one[1] and one[2] <= two[3] and two[2] <= one[3]
        for at, one in enumerate(boxes)
        for two in boxes[:at]
    )
    text = HEAD + "".join(f"EHS,01{a:02d},01{b:02d},CC,2026-01-{c:02d},2026-01-{d:02d},s\n" for a, b, c, d in boxes)
    if clash:
        assert problems(text)
    else:
        assert sum(map(len, read_products(text.encode(), "rules.csv").values())) == len(boxes)


def test_a_table_may_come_from_any_spreadsheet() -> None:
    plain = read_products(f"{HEAD}EHS,1604,,CTH + VA 20,,,s\n".encode(), "a")
    saved = "\ufeff" + HEAD.replace(",", ";").upper() + "EHS; 1604;; CTH  +  VA 20;;;s\r\n;;;;;;\r\n"
    assert read_products(saved.encode(), "b") == plain


# --- the goods' own rule -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "materials", "facts", "outcome"),
    [
        ("CTH", [material("150.00")], {}, PASSES),
        ("CTH", [material("150.00", hs="392490")], {}, FAILS),
        ("CTSH", [material("150.00", hs="392490")], {}, PASSES),
        ("CC", [material("150.00")], {}, FAILS),
        ("CTH but not 3901-3903", [material("150.00")], {}, FAILS),
        ("CTH but not 3901-3903", [material("150.00", hs="390410")], {}, PASSES),
        ("CTH but not 390110-390120", [material("150.00", hs="3901")], {}, UNDECIDED),
        ("VA 40", [material("120.00")], {}, PASSES),
        ("VA 40", [material("120.01")], {}, FAILS),
        ("CTH + VA 40", [material("120.01")], {}, FAILS),
        ("CC or VA 40", [material("120.00")], {}, PASSES),
        ("CC or VA 40", [material("120.01")], {}, FAILS),
        ("WO", [], {"evidence": "Farm record"}, PASSES),
        ("WO", [], {}, UNDECIDED),
        ("WO", [material("0.01")], {"evidence": "Farm record"}, FAILS),
        ('SO "moulded in a Party"', [material("1.00")], {}, UNDECIDED),
        ('CC or SO "moulded in a Party"', [material("1.00")], {}, UNDECIDED),
        ('CTH or SO "moulded in a Party"', [material("1.00")], {}, PASSES),
        ('CC + SO "moulded in a Party"', [material("1.00")], {}, FAILS),
    ],
)
def test_each_condition_of_a_product_rule_is_tried(rule: str, materials: list, facts: dict, outcome: Outcome) -> None:  # type: ignore[type-arg]
    quoted = rule.replace('"', '""')
    line = tried(goods(*materials, **facts), scheme(PSR, products=f'3924,,"{quoted}",,,Annex 2'))
    assert line.outcome is outcome
    assert all(step.source == "Annex 2" and "HS 3924" in step.rule for step in line.steps)


def test_an_operation_goes_to_the_officer_in_its_own_words() -> None:
    line = tried(goods(material("1.00")), scheme(PSR, products='3924,,"SO ""moulded in a Party""",,,s'))
    assert line.missing == ("the officer's judgement: moulded in a Party",)


def test_goods_without_a_rule_on_that_day_are_undecided() -> None:
    these = goods(material("1.00"), on=date(2026, 4, 1))
    for rows in ("", "3925,,CTH,,,s", "3924,,CTH,,2026-03-31,s", "3924,,CTH,2026-04-02,,s"):
        line = tried(these, scheme(PSR, products=rows) if rows else scheme(PSR))
        assert (line.outcome, line.missing) == (UNDECIDED, ("not loaded: a product rule for HS 392410 on 2026-04-01",))
    assert tried(these, scheme(PSR, products="3924,,CTH,2026-04-01,2026-04-01,s")).outcome is PASSES


def test_a_code_that_is_too_short_for_its_rule_is_asked_for() -> None:
    rows = "392410,,CTH,,,s\n392490,,CC,,,s"
    assert tried(goods(material("1.00"), hs="3924"), scheme(PSR, products=rows)).missing == ("hs",)
    assert tried(goods(material("1.00"), hs="39241010"), scheme(PSR, products=rows)).outcome is PASSES


def test_rules_of_two_tables_that_differ_leave_the_line_undecided() -> None:
    under = scheme(PSR, products="3924,,CTH,,,s")
    other = scheme(PSR, products="392410,,CC,,,s").rules.products
    both = type(under)(
        under.code, type(under.rules)(under.rules.criteria, under.rules.tests, products=under.rules.products + other), under.partners
    )
    line = tried(goods(material("1.00")), both)
    assert (line.outcome, line.missing) == (UNDECIDED, ("one product rule for HS 392410",))


def test_a_value_rule_without_a_sourced_method_is_undecided() -> None:
    line = tried(goods(material("1.00")), scheme({"test": "product_rule", "unset": "the methods"}, products="3924,,VA 40,,,s"))
    assert (line.outcome, line.missing) == (UNDECIDED, ("not sourced: the methods",))


def test_a_value_that_fails_by_the_methods_there_are_stays_open_while_others_are_not_sourced() -> None:
    under = scheme({**PSR, "unset": "which costs the build-up adds"}, products="3924,,VA 40,,,s")
    assert tried(goods(material("120.00")), under).outcome is PASSES
    line = tried(goods(material("120.01")), under)
    assert (line.outcome, line.missing) == (UNDECIDED, ("not sourced: which costs the build-up adds",))


def test_a_value_rule_is_five_points_lower_on_the_ex_works_price() -> None:
    under = scheme({**PSR, "exworks_points": 5, "exworks_not_chapters": ["71"]}, products="3924,,VA 40,,,s\n71,,VA 40,,,s")
    # ex-works: (190.00 - 123.50) / 190.00 * 100 = 35 %
    assert tried(goods(material("123.50"), ex_works=Decimal(190)), under).outcome is PASSES
    assert tried(goods(material("123.51"), ex_works=Decimal(190)), under).outcome is FAILS
    assert tried(goods(material("123.50"), ex_works=Decimal(190), hs="711319"), under).outcome is FAILS


def test_the_hash_of_product_rules_is_that_of_their_content() -> None:
    one = scheme(PSR, products="3924,,CTH,,,s\n3925,,CC,,,s").rules.products_sha256
    assert one == scheme(PSR, products="3925,,CC,,,s\n3924,,CTH,,,s").rules.products_sha256
    assert one != scheme(PSR, products="3924,,CTH,,,s").rules.products_sha256
    assert scheme(PSR).rules.products_sha256 == ""


# --- tables of an operator ---------------------------------------------------------------------


def load(folder: Path, *tables: str) -> registry.Registry:
    """A registry whose engine.toml names the tables: rules.csv and so on."""
    names = [f"rules{number or ''}.csv" for number in range(len(tables))]
    for name, text in zip(names, tables, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "engine.toml").write_text(f"[origin]\nproducts = {names}\n", encoding="utf-8")
    return registry.load(configuration.load(folder / "engine.toml", environ={"HOME": os.sep}))


def test_an_operators_table_joins_the_forms_of_its_scheme_and_leaves_their_hash(tmp_path: Path) -> None:
    bare = registry.load()
    found = load(tmp_path, f"{HEAD}AIFTA,0901,0910,CTH,,,Annex 1\n")
    before, after = (each.form("AIFTA", date(2026, 11, 21)) for each in (bare, found))
    assert [rule.text for rule in after.origin.products] == ["CTH"]
    assert (before.sha256, before.origin.products) == (after.sha256, ())
    assert after.origin.products_sha256


@pytest.mark.parametrize(
    ("text", "say"),
    [
        (f"{HEAD}AIFTA,0901,,CTX,,,s\n", "rules.csv, line 2, column rule"),
        (f"{HEAD}NOWHERE,0901,,WO,,,s\n", "has rules for NOWHERE, which is no scheme here"),
        (f"{HEAD}EHS,1604,,CTH,,,s\n", "has a rule of EHS for HS 1604 .CTH., and its pack or another table has one for HS 160411 .VA 20."),
    ],
)
def test_an_operators_table_that_is_wrong_stops_the_start(tmp_path: Path, text: str, say: str) -> None:
    with pytest.raises(ConfigError, match=say):
        load(tmp_path, text)


def test_tables_that_rule_one_code_on_one_day_stop_the_start(tmp_path: Path) -> None:
    first = f"{HEAD}AIFTA,0901,0910,CTH,2026-01-01,2026-12-31,s\n"
    later, other = "AIFTA,0905,,CC,2027-01-01,,s\n", "IKCEPA,0905,,CC,,,s\n"
    found = load(tmp_path, first, f"{HEAD}{later}{other}AIFTA,0911,,CC,,,s\n")
    assert len(found.form("AIFTA", date(2026, 11, 21)).origin.products) == 3
    with pytest.raises(
        ConfigError, match=r"rules1\.csv has a rule of AIFTA for HS 090510 .CC., and .* for HS 0901-0910 .CTH. on the same days"
    ):
        load(tmp_path, first, f"{HEAD}{other}AIFTA,090510,,CC,2026-12-31,,s\n")


def test_one_table_may_rule_a_code_in_one_period_after_another(tmp_path: Path) -> None:
    found = load(tmp_path, f"{HEAD}AIFTA,0901,,CTH,2026-01-01,2026-12-31,s\nAIFTA,0901,,CC,2027-01-01,,s\nAIFTA,0901,,WO,,2025-12-31,s\n")
    assert len(found.form("AIFTA", date(2026, 11, 21)).origin.products) == 3


def test_an_operators_table_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text('[origin]\nproducts = ["rules.csv"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"origin\.products names .*rules\.csv, which cannot be read"):
        registry.load(configuration.load(tmp_path / "engine.toml", environ={}))
