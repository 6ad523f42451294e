"""Rupees as people and gateways write them, and paise as everything inside keeps them."""

import re

from engine.errors import Refused

__all__ = ["bp_of", "paise_of"]

_RUPEES = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2})0*)?", re.ASCII)


def paise_of(text: str, *, box: str = "amount") -> int:
    """The paise of an amount in rupees: 236, 236.5 and 236.00 are read; signs, commas, blanks, exponents and more decimals are not."""
    match = _RUPEES.fullmatch(text)
    if match is None:
        raise Refused("Write the amount in rupees with at most two decimals, such as 200 or 236.50.", box=box, rule="amount in rupees")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def bp_of(text: str, *, box: str = "rate") -> int:
    """The basis points of a rate in percent: 18 is 1800."""
    match = _PERCENT.fullmatch(text)
    rate = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= rate <= 10_000:
        raise Refused("Write the rate in percent with at most two decimals, such as 18 or 0.", box=box, rule="rate in percent")
    return rate
