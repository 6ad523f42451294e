"""The application: what an exporter files. Pure data; deciding anything about it is `filing`'s.

The types below are the application file itself: amounts and weights are decimal strings, dates are
`YYYY-MM-DD` in IST, and a key nobody knows is refused. `ecoo schema application` publishes them as JSON Schema.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "LEGACY_PLATFORM",
    "NON_PREFERENTIAL_FROM",
    "PREFERENTIAL_FROM",
    "Application",
    "ApplicationState",
    "Consignee",
    "Costs",
    "Declaration",
    "Exporter",
    "Input",
    "Invoice",
    "IssuerKind",
    "Item",
    "Kind",
    "Mode",
    "Origin",
    "Packages",
    "Producer",
    "Quantity",
    "ThirdParty",
    "Transport",
    "canonical",
]

# Lengths are ours to enforce: SQLite ignores them. 15 digits before the point hold any shipment in any currency.
# `x-must` is the shape in words, for the sentence that refuses another one; `x-lines` marks a text that may break lines.
Amount = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?\Z",
        extra_json_schema={"x-must": "digits with at most one point and four decimals, no sign and no commas, such as 12600.00"},
    ),
]
Code = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,20}\Z", extra_json_schema={"x-must": "1 to 20 capitals, digits or _"})]
Country = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}\Z", extra_json_schema={"x-must": "two capitals, the ISO 3166-1 code of a country, such as VN"})
]
Short = Annotated[str, Meta(min_length=1, max_length=120)]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(min_length=1, max_length=1000, extra_json_schema={"x-lines": True})]
Port = Annotated[str, Meta(min_length=5, max_length=6)]
Hs = Annotated[str, Meta(pattern=r"^[0-9]{4}([0-9]{2}){0,3}\Z", extra_json_schema={"x-must": "4, 6, 8 or 10 digits without dots"})]
SheetReference = Annotated[
    str, Meta(pattern=r"^CS-[0-9A-Z]{10}\Z", extra_json_schema={"x-must": "CS- and ten capitals or digits, such as CS-7K2M9QD4XA"})
]
InvoiceNumber = Annotated[str, Meta(min_length=1, max_length=35)]

# Trade Notice 23/2024-25 sections 2.I and 4, Trade Notice 13/2024-25: an application dated earlier belongs to the older
# platform, and so does every later action on what was issued there.
PREFERENTIAL_FROM = date(2024, 12, 21)
NON_PREFERENTIAL_FROM = date(2024, 8, 28)
LEGACY_PLATFORM = "https://coo.dgft.gov.in"


class Kind(StrEnum):
    """Why a certificate is asked for."""

    NEW = "new"
    IN_LIEU = "in-lieu"
    DUPLICATE = "duplicate"
    RETROSPECTIVE = "retrospective"
    BACK_TO_BACK = "back-to-back"


class IssuerKind(StrEnum):
    """Who issues: an agency's officer, or the exporter by declaration where the agreement allows it."""

    AGENCY = "agency"
    SELF = "self"


class ApplicationState(StrEnum):
    """Where an application stands.

    draft -> filed -> approved -> issued; filed may end rejected, queried (back with the exporter) or withdrawn;
    a VOID number sends an approved one back to filed.
    """

    DRAFT = "draft"
    FILED = "filed"
    QUERIED = "queried"
    APPROVED = "approved"
    ISSUED = "issued"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Mode(StrEnum):
    """How the goods leave India."""

    SEA = "sea"
    AIR = "air"
    ROAD = "road"
    RAIL = "rail"
    POST = "post"
    MULTIMODAL = "multimodal"


class _Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the application file: immutable, keyword-only, and closed to unknown keys."""


class Exporter(_Node, frozen=True, kw_only=True):
    """The firm that exports, under its Importer-Exporter Code."""

    iec: Annotated[str, Meta(min_length=10, max_length=10)]
    name: Line
    address: Text
    gstin: Annotated[str, Meta(min_length=15, max_length=15)]
    email: Short | None = None
    telephone: Short | None = None
    fax: Short | None = None


class Producer(_Node, frozen=True, kw_only=True):
    """The firm that made the goods, on forms that have a box for it."""

    name: Line
    address: Text
    country: Country = "IN"


class Consignee(_Node, frozen=True, kw_only=True):
    """The firm abroad that receives the goods."""

    name: Line
    address: Text
    country: Country
    tax_id: Short | None = None


class Invoice(_Node, frozen=True, kw_only=True):
    """A commercial invoice; its number equals the one on the shipping bill."""

    number: InvoiceNumber
    dated_on: date


class ThirdParty(_Node, frozen=True, kw_only=True):
    """A firm in a third country that invoices the goods, and its own invoice where there is one."""

    name: Line
    address: Text
    country: Country
    invoice: Invoice | None = None


class Transport(_Node, frozen=True, kw_only=True):
    """The journey, as far as it is known."""

    mode: Mode
    departs_on: date
    vessel: Short
    port_of_loading: Port
    port_of_discharge: Port
    port_of_loading_name: Short | None = None
    port_of_discharge_name: Short | None = None
    voyage: Short | None = None
    route: Line | None = None
    transit: Annotated[tuple[Country, ...], Meta(max_length=10)] = ()
    transit_evidence: Line | None = None


class Packages(_Node, frozen=True, kw_only=True):
    """How many packages of which kind: 120 cartons."""

    count: Annotated[int, Meta(ge=1, le=9_999_999)]
    kind: Short


class Quantity(_Node, frozen=True, kw_only=True):
    """How much of the goods, in the unit of the invoice."""

    value: Amount
    unit: Annotated[str, Meta(min_length=1, max_length=20)]


class Input(_Node, frozen=True, kw_only=True):
    """A material that goes into the goods; value is CIF, or the earliest ascertainable price, in the file's currency."""

    description: Line
    hs: Hs
    country: Country
    value: Amount
    originating: bool = False
    weight_kg: Amount | None = None


class Costs(_Node, frozen=True, kw_only=True):
    """What the goods cost to make, in the file's currency and for the whole line (not per piece)."""

    originating_materials: Amount | None = None
    direct_labour: Amount | None = None
    direct_overhead: Amount | None = None
    profit: Amount | None = None
    freight_to_port: Amount | None = None


class Origin(_Node, frozen=True, kw_only=True):
    """The ground claimed for one line of the goods, and the facts that its rule needs."""

    criterion: Annotated[str, Meta(min_length=1, max_length=40)]
    country: Country = "IN"
    costs: Costs | None = None
    inputs: Annotated[tuple[Input, ...], Meta(max_length=200)] = ()
    final_process_in_india: bool = True
    manufactured_by_exporter: bool | None = None
    operations: Annotated[tuple[Line, ...], Meta(max_length=30)] = ()
    evidence: Line | None = None
    ex_works: Amount | None = None
    net_weight_kg: Amount | None = None
    cost_sheet: SheetReference | None = None


class Item(_Node, frozen=True, kw_only=True):
    """One line of the goods. `value` is FOB in the file's currency, for the whole line."""

    description: Text
    hs: Hs
    marks: Text
    packages: Packages
    quantity: Quantity
    gross_weight_kg: Amount
    value: Amount
    origin: Origin
    invoice: InvoiceNumber

    @property
    def fob(self) -> Decimal:
        """The FOB value as an exact decimal."""
        return Decimal(self.value)


class Declaration(_Node, frozen=True, kw_only=True):
    """The exporter's declaration: who declares, where and on which day."""

    place: Short
    dated_on: date
    name: Short


class Application(_Node, frozen=True, kw_only=True):
    """The whole application file, format 1."""

    schema: Annotated[int, Meta(ge=1, le=1)]
    scheme: Code
    kind: Kind
    issuer_kind: IssuerKind
    exporter: Exporter
    consignee: Consignee
    destination: Country
    transport: Transport
    invoices: Annotated[tuple[Invoice, ...], Meta(min_length=1, max_length=50)]
    currency: Annotated[
        str, Meta(pattern=r"^[A-Z]{3}\Z", extra_json_schema={"x-must": "three capitals, the ISO 4217 code of a currency, such as USD"})
    ]
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=200)]
    declaration: Declaration
    agency: (
        Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,12}\Z", extra_json_schema={"x-must": "2 to 12 capitals or digits, such as EIA"})] | None
    ) = None
    office: Annotated[str, Meta(pattern=r"^[A-Z]{2,4}\Z", extra_json_schema={"x-must": "2 to 4 capitals, such as MUM"})] | None = None
    replaces: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    third_party: ThirdParty | None = None
    remarks: Line | None = None
    reasons: Line | None = None
    producer: Producer | None = None
    export_document: Short | None = None
    form_version: Annotated[str, Meta(min_length=1, max_length=20)] | None = None

    @property
    def fob(self) -> Decimal:
        """The FOB value of the consignment."""
        return sum((item.fob for item in self.items), Decimal(0))


def canonical(content: Any) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, no spaces. Equal content has equal bytes, so its hash can be bound."""
    return msgspec.json.encode(content, order="sorted")
