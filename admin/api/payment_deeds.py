"""What is asked of payments, as types: each read by the engine's own reader, so that all mistakes are named."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct

from engine.filing.reading import Reader
from engine.filing.reading.schema import worded

__all__ = ["ORDERING", "PAYING", "Ordering", "Paying", "payment_schemas"]

_Code = Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,12}\Z", extra_json_schema={"x-must": "2 to 12 capitals or digits, such as EIA"})]
_Office = Annotated[str, Meta(pattern=r"^[A-Z]{2,4}\Z", extra_json_schema={"x-must": "2 to 4 capitals, such as MUM"})]
_Iec = Annotated[str, Meta(min_length=10, max_length=10)]
_Reference = Annotated[str, Meta(min_length=5, max_length=20)]


class _Deed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request: closed to unknown keys."""


class TopUp(_Deed, frozen=True, kw_only=True):
    """Money for the wallet of a firm at one office."""

    agency: _Code
    office: _Office
    amount_paise: Annotated[int, Meta(ge=1, le=10_00_000_00)]
    iec: _Iec | None = None


class Ordering(_Deed, frozen=True, kw_only=True):
    """What an order is for: the fees of filed applications of one firm and office, or a top-up."""

    applications: Annotated[list[_Reference], Meta(min_length=1, max_length=50)] | None = None
    top_up: TopUp | None = None


class Paying(_Deed, frozen=True, kw_only=True):
    """How a try begins."""

    again: bool = False


_AGAIN = "True to pay although a payment of the order is under way and may still come; what comes twice is given back."
_WORDS: dict[type, Mapping[str, Mapping[str, tuple[str, str]]]] = {
    Ordering: {
        "Ordering": {
            "applications": ("Applications", "References of 1 to 50 filed applications; this, or `top_up`."),
            "top_up": ("Top-up", "Money for a wallet; this, or `applications`."),
        },
        "TopUp": {
            "agency": ("Issuing agency", "Code of the agency."),
            "office": ("Office", "Code of the agency's office, whose wallet it is."),
            "amount_paise": ("Amount", "In paise; from 1 rupee to 10 lakh rupees."),
            "iec": ("IEC", "The firm whose wallet it is, where the key acts for several."),
        },
    },
    Paying: {"Paying": {"again": ("Again", _AGAIN)}},
}


def _schema(kind: type) -> dict[str, Any]:
    name = f"Payment{kind.__name__}"
    return worded(kind, _WORDS[kind], id=f"urn:ecoo:{name}:1", title=name, description=str(kind.__doc__))


ORDERING = Reader(Ordering, "request", partial(_schema, Ordering))
PAYING = Reader(Paying, "request", partial(_schema, Paying))


def payment_schemas() -> dict[str, dict[str, Any]]:
    """The published schema of each, by the name of its component."""
    return {f"Payment{kind.__name__}": _schema(kind) for kind in _WORDS}
