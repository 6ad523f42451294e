"""The kinds of tests that a ground of origin may name, each a table of origin.toml, and what their percentages and chapters are.

What nobody could source stays unset: a test with `unset` is undecided where it needs that, and says what is missing.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "BackToBack",
    "Chapter",
    "Combined",
    "Country",
    "DirectConsignment",
    "Evidence",
    "FinalProcess",
    "ManufacturedByExporter",
    "Method",
    "MinimalOperations",
    "NoForeignInputs",
    "Node",
    "Percent",
    "ProductRuleTest",
    "SufficientOperations",
    "TariffShift",
    "Test",
    "Text",
    "ThirdPartyInvoicing",
    "ValueContent",
    "in_chapters",
    "percent",
]

Text = Annotated[str, Meta(min_length=1)]
Chapter = Annotated[str, Meta(pattern=r"^[0-9]{2}(-[0-9]{2})?\Z")]
Percent = int | str
"""A percentage out of 100 as origin.toml gives it: a whole number, or a decimal in quotes; never a float, which has lost digits."""


def percent(value: Percent) -> Decimal:
    """The percentage as an exact decimal, already checked by `from_toml`."""
    return Decimal(value)


def in_chapters(hs: str, chapters: tuple[str, ...]) -> bool:
    """Whether a code lies in one of the chapters: `50`, or `50-63` with both ends."""
    return any(first <= hs[:2] <= (last or first) for first, _, last in (chapter.partition("-") for chapter in chapters))


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of origin.toml: immutable and closed to unknown keys."""


class Method(Node, frozen=True, kw_only=True):
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


class _Test(Node, frozen=True, kw_only=True, tag_field="test"):
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
