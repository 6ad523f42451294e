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

Text = Annotated[str, Meta(min_length=1)]
Chapter = Annotated[str, Meta(pattern=r"^[0-9]{2}(-[0-9]{2})?\Z")]
_NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,6})?\Z", re.ASCII)
Percent = int | str
"""A percentage out of 100 as origin.toml gives it: a whole number, or a decimal in quotes; never a float, which has lost digits."""


def percent(value: Percent) -> Decimal:
    """The percentage as an exact decimal, already checked by `from_toml`."""
    return Decimal(value)


def in_chapters(hs: str, chapters: tuple[str, ...]) -> bool:
    """Whether a code lies in one of the chapters: `50`, or `50-63` with both ends."""
    return any(first <= hs[:2] <= (last or first) for first, _, last in (chapter.partition("-") for chapter in chapters))


class _Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of origin.toml: immutable and closed to unknown keys."""


class Criterion(_Node, frozen=True, kw_only=True):
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


class Method(_Node, frozen=True, kw_only=True):
    """One way of working out a value content: a formula, its base, and a limit.

    Without a limit of its own it needs `unset`, or stands in a test whose limit comes with the product rule.
    """

    formula: Literal[
        "build_down",
        "build_up_materials",
        "build_up_cost_with_profit",
        "build_up_cost_without_profit",
        "max_nom",
        "apta_cumulation",
        "own_content",
    ]
    base: Literal["FOB", "EXW"] = "FOB"
    min_pct: Percent | None = None
    max_pct: Percent | None = None


class _Test(_Node, frozen=True, kw_only=True, tag_field="test"):
    """What every test has: the rule that the finding quotes, where it was read, and what of it nobody could source.

    `unset` leaves the test undecided where that fact would be needed: in a value content for a method without a limit, and
    where methods disagree; in a combined test where its tests differ; in a product rule where none is loaded, and where its
    value content fails; in direct consignment and third-party invoicing where a third country is involved; in sufficient and
    minimal operations for what is not on their list; in every other test always.
    """

    rule: Text
    source: str | None = None
    unset: str | None = None


class Country(_Test, frozen=True, kw_only=True, tag="country"):
    """The goods are declared to originate in India; with `foreign`, in another country."""

    foreign: bool = False


class Evidence(_Test, frozen=True, kw_only=True, tag="evidence"):
    """A document that shows the ground is named."""


class NoForeignInputs(_Test, frozen=True, kw_only=True, tag="no_foreign_inputs"):
    """No such material is listed: none that is imported, or none that is not originating in India.

    `cumulates`: a partner's originating material counts as India's, as for goods made of originating materials alone.
    """

    counts: Literal["imported", "non-originating"] = "non-originating"
    cumulates: bool = False


class ManufacturedByExporter(_Test, frozen=True, kw_only=True, tag="manufactured_by_exporter"):
    """The exporting entity itself manufactured the goods."""


class FinalProcess(_Test, frozen=True, kw_only=True, tag="final_process"):
    """The final process of manufacture was performed in India."""


class SufficientOperations(_Test, frozen=True, kw_only=True, tag="sufficient_operations"):
    """Imported inputs undergo more than the insufficient operations of the list; `unset`: what of the list is not sourced."""

    insufficient: Annotated[tuple[str, ...], Meta(min_length=1)]


class MinimalOperations(_Test, frozen=True, kw_only=True, tag="minimal_operations"):
    """The goods as a whole undergo more than the minimal (non-qualifying) operations; without a list it is undecided, by `unset`."""

    operations: tuple[str, ...] = ()


class TariffShift(_Test, frozen=True, kw_only=True, tag="tariff_shift"):
    """Every non-originating material is classified in another chapter (CC), heading (CTH) or sub-heading (CTSH) than the goods."""

    level: Literal["CC", "CTH", "CTSH"]


class ValueContent(_Test, frozen=True, kw_only=True, tag="value_content"):
    """A method reaches its limit.

    `either`: the exporter may choose the method, so the best one decides; without it all are needed to decide, and methods
    that disagree are undecided.
    `exworks_points`: each method may also be worked out on the ex-works price, its `min_pct` that many points lower (its
    `max_pct` higher); `exworks_not_chapters`: chapters of the goods for which it may not.
    `partner_materials`: it is for goods with a partner's originating materials alone, as under a ground of cumulation.
    """

    partner_materials: bool = False
    methods: Annotated[dict[str, Method], Meta(min_length=1)]
    either: bool = False
    exworks_points: Percent | None = None
    exworks_not_chapters: tuple[Chapter, ...] = ()


class ProductRuleTest(_Test, frozen=True, kw_only=True, tag="product_rule"):
    """The product specific rule for the goods' HS code is met; undecided while none is loaded for it.

    A rule that asks for a value content (VA 35) is worked out by the methods named here, which have no limits of their own.
    """

    methods: dict[str, Method] = {}
    either: bool = True
    exworks_points: Percent | None = None
    exworks_not_chapters: tuple[Chapter, ...] = ()


class Combined(_Test, frozen=True, kw_only=True, tag="combined"):
    """Several tests as one: `all` or `any` of them; without `join` nobody could source which, and it is undecided where they differ."""

    of: Annotated[tuple[str, ...], Meta(min_length=2)]
    join: Literal["all", "any"] | None = None


class DirectConsignment(_Test, frozen=True, kw_only=True, tag="direct_consignment"):
    """The goods go straight to a party of the agreement, or a document shows that they only passed through elsewhere."""


class ThirdPartyInvoicing(_Test, frozen=True, kw_only=True, tag="third_party_invoicing"):
    """No firm of a third country invoices the goods, or the agreement allows it. `allowed` unset: undecided where one does."""

    allowed: bool | None = None


class BackToBack(_Test, frozen=True, kw_only=True, tag="back_to_back"):
    """The certificate of the first exporting country stands behind this one; an officer compares."""


Test = (
    Country
    | Evidence
    | NoForeignInputs
    | ManufacturedByExporter
    | FinalProcess
    | SufficientOperations
    | MinimalOperations
    | TariffShift
    | ValueContent
    | ProductRuleTest
    | Combined
    | DirectConsignment
    | ThirdPartyInvoicing
    | BackToBack
)


class DeMinimis(_Node, frozen=True, kw_only=True):
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


class Cumulation(_Node, frozen=True, kw_only=True):
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
        for key, names in _named(raw):
            for name in names:
                if name not in raw.tests:
                    raise PluginError(f"{where}: {key} names the test {name!r}, and there is no [tests.{name}] table.")
        for name, test in raw.tests.items():
            _check_test(f"{where}: [tests.{name}]", test, raw.tests)
        for number, rule in enumerate(raw.de_minimis):
            _check_de_minimis(f"{where}: de_minimis[{number}]", rule)
        return cls(raw.criteria, raw.tests, raw.always, raw.de_minimis, raw.cumulation, raw.sources, raw.weak, raw.unknown)


class _File(_Node, frozen=True, kw_only=True):
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
