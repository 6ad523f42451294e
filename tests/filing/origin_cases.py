"""Goods, cost sheets and rules for origin tests, made without a form or a file."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from engine.application import Quantity
from engine.contracts.form import Form
from engine.contracts.origin import Line, Outcome, Step
from engine.contracts.products import read_products
from engine.contracts.rules import OriginRules
from engine.cost_sheet import CostSheet, Maker, Product, SheetCosts, SheetInput
from engine.filing.origin.cases import Scheme
from engine.filing.origin.goods import Goods, Heads
from engine.filing.origin.materials import Material
from engine.filing.origin.trial import find_line

PASSES, FAILS, UNDECIDED = Outcome.PASSES, Outcome.FAILS, Outcome.UNDECIDED
Table = dict[str, Any]
REFERENCE = "CS-7K2M9QD4XA"


def material(
    value: str, country: str = "CN", *, hs: str = "390110", originating: bool = False, kg: str | None = None, at: int = 0
) -> Material:
    """A material, from abroad and not originating unless told otherwise."""
    return Material("Resin", hs, country, Decimal(value), originating, None if kg is None else Decimal(kg), f"inputs[{at}]")


def goods(*materials: Material, fob: str = "200.00", hs: str = "392410", costs: dict[str, str] | None = None, **facts: Any) -> Goods:
    """Plastic tableware of HS 3924.10, worth 200.00."""
    heads = Heads(**{head: Decimal(amount) for head, amount in (costs or {}).items()})
    return Goods(hs=hs, country="IN", fob=Decimal(fob), materials=materials, costs=heads, **facts)


def scheme(test: Table | None = None, *, partners: tuple[str, ...] = ("VN",), products: str = "", **tables: Any) -> Scheme:
    """A scheme whose one criterion X needs one test; `products` are rows of a table of product rules after the scheme."""
    table = {
        "criteria": [{"code": "X", "meaning": "m", "as_printed": "X", "tests": ["it"]}],
        "tests": {"it": {"rule": "Rule 1", **(test or {})}},
        "sources": [],
        **tables,
    }
    rules = OriginRules.from_toml(table)
    if products:
        head = "scheme,hs_from,hs_to,rule,valid_from,valid_until,source\n"
        rows = "".join(f"TRY,{row}\n" for row in products.split("\n"))
        found = read_products((head + rows).encode(), "rules.csv")["TRY"]
        rules = OriginRules(rules.criteria, rules.tests, rules.always, rules.de_minimis, rules.cumulation, products=found)
    return Scheme("TRY", rules, frozenset(partners))


def value(formula: str, **limits: Any) -> Table:
    """The table of a value content of one method."""
    return {"test": "value_content", "methods": {"one": {"formula": formula, **limits}}}


def tried(these: Goods, under: Scheme) -> Line:
    """What criterion X says."""
    return find_line(these, under, "X")


def compared(line: Line) -> Step:
    """The one step that compares."""
    (step,) = (step for step in line.steps if step.figure is not None)
    return step


def sheet(**changes: Any) -> CostSheet:
    """Ten dozen of tableware for 200.00: half of it a resin from China, 30.00 one from Vietnam that originates there."""
    made = CostSheet(
        schema=1,
        product=Product(description="Tableware of plastics", hs="392410"),
        maker=Maker(name="A Moulder", address="Pune"),
        currency="USD",
        quantity=Quantity(value="10", unit="DOZ"),
        fob="200.00",
        ex_works="190.00",
        inputs=(
            SheetInput(description="Secret resin", hs="390110", country="CN", value="100.00", weight_kg="40"),
            SheetInput(description="Other resin", hs="390210", country="VN", value="30.00", originating=True),
        ),
        costs=SheetCosts(direct_labour="31.77", direct_overhead="12.34", profit="9.87"),
        net_weight_kg="60",
    )
    return msgspec.structs.replace(made, **changes)


def form_of(aifta: Form, code: str, test: Table, partners: tuple[str, ...], **tables: Any) -> Form:
    """A form of a scheme whose one criterion needs one test."""
    return replace(aifta, scheme=code, partners=frozenset(partners), origin=scheme(test, **tables).rules)
