"""The cost sheet: what goods are made of and what they cost to make. Pure data; judging it is `filing`'s.

One sheet is kept for a product and used again for every shipment and every scheme. All its amounts are for `quantity` of the
product, in `currency`; an input in another currency needs a rate. `ecoo schema cost-sheet` publishes it as JSON Schema.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from engine.application import Amount, Country, Hs, InvoiceNumber, Line, Quantity, SheetReference, Short, Text

__all__ = ["MOST_INPUTS", "CostSheet", "Maker", "Product", "Rate", "SheetCosts", "SheetInput", "SheetState"]

MOST_INPUTS = 2000

Currency = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}\Z", extra_json_schema={"x-must": "three capitals, the ISO 4217 code of a currency, such as USD"})
]
ExchangeRate = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,10})?\Z",
        extra_json_schema={"x-must": "digits with at most one point and ten decimals, no sign and no commas, such as 83.25"},
    ),
]


class SheetState(StrEnum):
    """Where the newest version of a cost sheet stands.

    draft -> lodged -> approved; an officer who says no sends it back to draft. An approved one is expired after its last day,
    which no row says but every read. A person withdraws a sheet; a new version of it begins as a draft again.
    """

    DRAFT = "draft"
    LODGED = "lodged"
    APPROVED = "approved"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class _Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the cost sheet: immutable, keyword-only, and closed to unknown keys."""


class Maker(_Node, frozen=True, kw_only=True):
    """The firm that makes the goods; whose sheet it is, the row knows."""

    name: Line
    address: Text


class Product(_Node, frozen=True, kw_only=True):
    """What the sheet is for."""

    description: Text
    hs: Hs
    model: Short | None = None


class Rate(_Node, frozen=True, kw_only=True):
    """One unit of `currency` is worth `rate` units of the sheet's currency."""

    currency: Currency
    rate: ExchangeRate


class SheetInput(_Node, frozen=True, kw_only=True):
    """A material. `value` is CIF, or the earliest ascertainable price, in the sheet's currency or in its own `currency`.

    `cost_sheet` cites the supplier's own sheet, which shows that the material originates.
    """

    description: Line
    hs: Hs
    country: Country
    value: Amount
    currency: Currency | None = None
    originating: bool = False
    quantity: Quantity | None = None
    weight_kg: Amount | None = None
    supplier: Line | None = None
    invoice: InvoiceNumber | None = None
    cost_sheet: SheetReference | None = None


class SheetCosts(_Node, frozen=True, kw_only=True):
    """The heads of cost beside the materials: materials, labour, overhead and profit make the ex-works price; freight makes FOB."""

    direct_labour: Amount | None = None
    direct_overhead: Amount | None = None
    profit: Amount | None = None
    freight_to_port: Amount | None = None


class CostSheet(_Node, frozen=True, kw_only=True):
    """The whole cost sheet file, format 1."""

    schema: Annotated[int, Meta(ge=1, le=1)]
    product: Product
    maker: Maker
    currency: Currency
    quantity: Quantity
    fob: Amount
    inputs: Annotated[tuple[SheetInput, ...], Meta(max_length=MOST_INPUTS)]
    costs: SheetCosts = SheetCosts()
    ex_works: Amount | None = None
    net_weight_kg: Amount | None = None
    rates: Annotated[tuple[Rate, ...], Meta(max_length=50)] = ()
    final_process_in_india: bool = True
    manufactured_by_exporter: bool | None = None
    operations: Annotated[tuple[Line, ...], Meta(max_length=30)] = ()
    evidence: Line | None = None
