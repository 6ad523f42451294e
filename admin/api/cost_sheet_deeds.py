"""What is asked of a cost sheet besides its content, as types: each read by the engine's own reader, so that all mistakes are named."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct

from engine.filing.reading import Reader
from engine.filing.reading.schema import worded

__all__ = ["APPROVING", "GRANTING", "LODGING", "REJECTING", "WITHDRAWING", "deed_schemas"]

_Code = Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,12}\Z", extra_json_schema={"x-must": "2 to 12 capitals or digits, such as EIA"})]
_Office = Annotated[str, Meta(pattern=r"^[A-Z]{2,4}\Z", extra_json_schema={"x-must": "2 to 4 capitals, such as MUM"})]
_Version = Annotated[int, Meta(ge=1, le=1_000_000)]
_Email = Annotated[str, Meta(min_length=3, max_length=254)]
_Reason = Annotated[str, Meta(min_length=1, max_length=400)]


class _Deed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request: closed to unknown keys."""


class Lodging(_Deed, frozen=True, kw_only=True):
    """Where a sheet is lodged."""

    agency: _Code
    office: _Office


class Approving(_Deed, frozen=True, kw_only=True):
    """Who says yes to which version, and until when."""

    version: _Version
    officer: _Email
    valid_until: date | None = None
    valid_days: Annotated[int, Meta(ge=1, le=3660)] | None = None


class Rejecting(_Deed, frozen=True, kw_only=True):
    """Who sends which version back, and why."""

    version: _Version
    officer: _Email
    reason: _Reason


class Withdrawing(_Deed, frozen=True, kw_only=True):
    """Why a sheet ends."""

    reason: _Reason


class Granting(_Deed, frozen=True, kw_only=True):
    """Who may cite a sheet."""

    iec: Annotated[str, Meta(min_length=10, max_length=10)]


_VERSION = ("Version", "The version that the officer looked at; another one by now is a conflict.")
_OFFICER = ("Officer", "E-mail address of the agency's officer who decides, mapped to the sheet's office.")
_WORDS: dict[type, Mapping[str, tuple[str, str]]] = {
    Lodging: {
        "agency": ("Issuing agency", "Code of the agency; a sheet stays with the one it was first lodged with."),
        "office": ("Office", "Code of the agency's office."),
    },
    Approving: {
        "version": _VERSION,
        "officer": _OFFICER,
        "valid_until": ("Valid until", "Last day of the approval, YYYY-MM-DD in IST; this, or `valid_days`."),
        "valid_days": ("Days of validity", "How many days the approval holds, today included; this, or `valid_until`."),
    },
    Rejecting: {"version": _VERSION, "officer": _OFFICER, "reason": ("Reason", "What must be mended; the exporter reads it.")},
    Withdrawing: {"reason": ("Reason", "Why; the other side reads it.")},
    Granting: {"iec": ("IEC", "Importer-Exporter Code of the exporter who may cite the sheet.")},
}


def _schema(kind: type) -> dict[str, Any]:
    name = f"CostSheet{kind.__name__}"
    return worded(kind, {kind.__name__: _WORDS[kind]}, id=f"urn:ecoo:{name}:1", title=name, description=str(kind.__doc__))


LODGING = Reader(Lodging, "request", partial(_schema, Lodging))
APPROVING = Reader(Approving, "request", partial(_schema, Approving))
REJECTING = Reader(Rejecting, "request", partial(_schema, Rejecting))
WITHDRAWING = Reader(Withdrawing, "request", partial(_schema, Withdrawing))
GRANTING = Reader(Granting, "request", partial(_schema, Granting))


def deed_schemas() -> dict[str, dict[str, Any]]:
    """The published schema of each, by the name of its component."""
    return {f"CostSheet{kind.__name__}": _schema(kind) for kind in _WORDS}
