"""How an IEC stands at the exporters' registry: a word that rows, the registry's profiles and pages share."""

from enum import StrEnum

__all__ = ["Status"]


class Status(StrEnum):
    """Of an IEC at the registry: only an active one files."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
