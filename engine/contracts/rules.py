"""The rules of origin of a scheme: origin.toml as frozen data, and the product rules beside it.

`OriginRules.from_toml` is the one reader of origin.toml. Limits, wording and sources come from the file; the engine knows
the kinds of tests and the formulas by name and refuses what it does not know. What nobody could source stays unset: a test
with `unset` is undecided and says what is missing; it never passes and never fails.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.contracts.origin_tests import (
    BackToBack,
    Chapter,
    Combined,
    Country,
    DirectConsignment,
    Evidence,
    FinalProcess,
    ManufacturedByExporter,
    Method,
    MinimalOperations,
    Node,
    NoForeignInputs,
    Percent,
    ProductRuleTest,
    SufficientOperations,
    TariffShift,
    Test,
    Text,
    ThirdPartyInvoicing,
    ValueContent,
    in_chapters,
    percent,
)
from engine.contracts.product_rules import Condition, ProductRule, Require
from engine.errors import PluginError

__all__ = [
    "BackToBack",
    "Combined",
    "Condition",
    "Country",
    "Criterion",
    "Cumulation",
    "DeMinimis",
    "DirectConsignment",
    "Evidence",
    "FinalProcess",
    "ManufacturedByExporter",
    "Method",
    "MinimalOperations",
    "NoForeignInputs",
    "OriginRules",
    "ProductRule",
    "ProductRuleTest",
    "Require",
    "SufficientOperations",
    "TariffShift",
    "Test",
    "ThirdPartyInvoicing",
    "ValueContent",
    "in_chapters",
    "percent",
]

_NOT_TESTS = frozenset({"criterion", "price", "suppliers", "cost_sheet", "de_minimis"})

_NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,6})?\Z", re.ASCII)


class Criterion(Node, frozen=True, kw_only=True):
    """A ground that may be claimed: its code in the application, and how the box prints it.

    `as_printed` may hold `{content}`, the actual originating content, or `{nom}`, the actual non-originating share, both in
    percent with two decimals. `tests` names the tests that a line must pass under this ground, beside those of `always`, in
    the order in which the finding shows them. `destinations` limits it to importing countries; empty: all of the scheme.
    `unless_product_rule` closes it to goods for whose code a product rule is loaded, where such a rule replaces the general one.
    `cumulates` is false for a ground under which a partner's materials are foreign in every test, though the scheme cumulates.
    """

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    meaning: Text
    as_printed: Text
    tests: Annotated[tuple[str, ...], Meta(min_length=1)]
    destinations: tuple[Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")], ...] = ()
    unless_product_rule: bool = False
    cumulates: bool = True

    @property
    def prints_content(self) -> bool:
        """Whether the box shows an actual percentage, so that the form cannot be drawn without it."""
        return "{content}" in self.as_printed or "{nom}" in self.as_printed


class DeMinimis(Node, frozen=True, kw_only=True):
    """How much non-originating material may miss a test. It relaxes that test alone: in a value content it still counts.

    `of` is what is compared: `value`, the value of such material in the base of the goods; `goods_weight`, its weight in the
    net weight of the goods; `materials_weight`, its weight in the weight of all materials. `within` tells whether the
    share may equal the limit (`does not exceed`) or not (`less than`). `chapters` are those of the goods; empty: all.
    Several that fit are alternatives. `unset` says what of the rule is not sourced: relying on it leaves the line undecided.
    """

    test: Literal["tariff_shift", "no_foreign_inputs"] = "tariff_shift"
    of: Literal["value", "goods_weight", "materials_weight"]
    pct: Percent | None = None
    within: Literal["does not exceed", "less than"] = "does not exceed"
    base: Literal["FOB", "EXW"] = "FOB"
    chapters: tuple[Chapter, ...] = ()
    rule: Text
    source: str | None = None
    unset: str | None = None


class Cumulation(Node, frozen=True, kw_only=True):
    """Whose originating materials count as originating: those of `partners`, or of every partner of the scheme."""

    type: Literal["bilateral", "regional", "diagonal"]
    partners: tuple[Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")], ...] | None = None
    rule: Text
    source: str | None = None


@dataclass(frozen=True, slots=True)
class OriginRules:
    """origin.toml as data. `always` names the tests that every ground needs; `products` are the product rules loaded for the scheme.

    `weak` are defaults that an agency must confirm, `unknown` is what nobody could source.
    """

    criteria: tuple[Criterion, ...]
    tests: Mapping[str, Test]
    always: tuple[str, ...] = ()
    de_minimis: tuple[DeMinimis, ...] = ()
    cumulation: Cumulation | None = None
    sources: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    products: tuple[ProductRule, ...] = field(default=(), repr=False)
    _by_chapter: Mapping[str, tuple[ProductRule, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _products_sha256: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sorts the product rules by the chapters that they reach into, once for all goods."""
        chapters: dict[str, list[ProductRule]] = {}
        for rule in self.products:
            for chapter in range(int(rule.hs_from[:2]), int(rule.hs_to[:2]) + 1):
                chapters.setdefault(f"{chapter:02d}", []).append(rule)
        object.__setattr__(self, "_by_chapter", {chapter: tuple(rules) for chapter, rules in chapters.items()})
        if self.products:
            lines = sorted(msgspec.json.encode(rule, order="deterministic") for rule in self.products)
            object.__setattr__(self, "_products_sha256", hashlib.sha256(b"\n".join(lines)).hexdigest())

    @property
    def products_sha256(self) -> str:
        """The hash of the product rules that are loaded, whatever their order; empty if there are none."""
        return self._products_sha256

    def products_for(self, hs: str, on: date | None) -> tuple[list[ProductRule], list[ProductRule]]:
        """The product rules for a code on a day: those that hold it for certain, and those that a longer code might fall under.

        Without a day every rule counts, whenever it is in force.
        """
        found = [rule for rule in self._by_chapter.get(hs[:2], ()) if on is None or rule.in_force(on)]
        sure = [rule for rule in found if rule.holds(hs)]
        return sure, [rule for rule in found if rule not in sure and rule.may_hold(hs)]

    def criterion(self, code: str) -> Criterion | None:
        """The criterion of that code, or None."""
        return next((c for c in self.criteria if c.code == code), None)

    @property
    def back_to_back(self) -> str | None:
        """The name of the test for back-to-back certificates, or None if the scheme has none."""
        return next((name for name, test in self.tests.items() if isinstance(test, BackToBack)), None)

    @classmethod
    def from_toml(cls, table: Mapping[str, object], where: str = "origin.toml") -> "OriginRules":
        """The rules in a parsed origin.toml. Raises PluginError naming the file and the key that is missing, misspelt or impossible."""
        try:
            raw = msgspec.convert(dict(table), _File)
        except msgspec.ValidationError as error:
            raise PluginError(f"{where} cannot be used: {error}.") from error
        codes = [criterion.code for criterion in raw.criteria]
        if not codes or len(set(codes)) != len(codes):
            raise PluginError(f"{where} needs at least one [[criteria]] table, each with a code of its own.")
        if taken := sorted(_NOT_TESTS & set(raw.tests)):
            raise PluginError(f"{where}: [tests.{taken[0]}] needs another name; steps of the engine's own are called {taken[0]}.")
        for key, names in _named(raw):
            for name in names:
                if name not in raw.tests:
                    raise PluginError(f"{where}: {key} names the test {name!r}, and there is no [tests.{name}] table.")
        for name, test in raw.tests.items():
            _check_test(f"{where}: [tests.{name}]", test, raw.tests)
        for number, rule in enumerate(raw.de_minimis):
            _check_de_minimis(f"{where}: de_minimis[{number}]", rule)
        return cls(raw.criteria, raw.tests, raw.always, raw.de_minimis, raw.cumulation, raw.sources, raw.weak, raw.unknown)


class _File(Node, frozen=True, kw_only=True):
    """origin.toml as it may be written."""

    criteria: tuple[Criterion, ...]
    tests: dict[str, Test]
    sources: tuple[str, ...]
    contract: int = 1
    always: tuple[str, ...] = ()
    de_minimis: tuple[DeMinimis, ...] = ()
    cumulation: Cumulation | None = None
    weak: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def _named(raw: _File) -> list[tuple[str, tuple[str, ...]]]:
    """Every place that names tests, with the names."""
    combined = [(f"tests.{name}.of", test.of) for name, test in raw.tests.items() if isinstance(test, Combined)]
    return [("always", raw.always), *((f"criteria {c.code}", c.tests) for c in raw.criteria), *combined]


def _check_test(where: str, test: Any, tests: Mapping[str, Test]) -> None:
    if isinstance(test, Combined) and any(isinstance(tests[name], Combined) for name in test.of):
        raise PluginError(f"{where}: `of` names another combined test; name plain tests.")
    if isinstance(test, MinimalOperations) and not test.operations and not test.unset:
        raise PluginError(f"{where} lists no operations; list them, or say in `unset` what is not sourced.")
    if isinstance(test, ValueContent | ProductRuleTest):
        if test.exworks_points is not None:
            _check_percent(f"{where}: exworks_points", test.exworks_points)
        for name, method in test.methods.items():
            _check_method(f"{where[:-1]}.methods.{name}]", method, limited=isinstance(test, ValueContent), unset=test.unset)


def _check_method(where: str, method: Method, *, limited: bool, unset: str | None) -> None:
    limits = [value for value in (method.min_pct, method.max_pct) if value is not None]
    if limited and len(limits) != 1 and not (unset and not limits):
        raise PluginError(f"{where} needs either min_pct or max_pct; where no limit is sourced, say so in the test's `unset`.")
    if not limited and limits:
        raise PluginError(f"{where} has a limit; here the limit comes with the product rule.")
    for value in limits:
        _check_percent(where, value)


def _check_de_minimis(where: str, rule: DeMinimis) -> None:
    if rule.pct is None and not rule.unset:
        raise PluginError(f"{where} needs pct; where none is sourced, say so in `unset`.")
    if rule.pct is not None:
        _check_percent(f"{where}: pct", rule.pct)
    if backwards := [span for span in rule.chapters if span[:2] > span[-2:]]:
        raise PluginError(f"{where}: chapters {backwards[0]} runs backwards.")


def _check_percent(where: str, value: Percent) -> None:
    if isinstance(value, str) and not _NUMBER.match(value):
        raise PluginError(f"{where} gives {value!r}, which is no number; write digits with at most one point and six decimals.")
    if isinstance(value, bool) or not 0 <= Decimal(value) <= 100:
        raise PluginError(f"{where} gives {value!r}; a percentage is 0 to 100: a whole number, or a decimal in quotes.")
