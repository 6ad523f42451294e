"""Countries, ports and currencies: which exist, and how they are written."""

import re
from functools import cache

import pycountry

__all__ = ["CURRENCY_DECIMALS", "country_name", "currency_decimals", "is_country", "is_locode", "locode_country"]

# UN/CEFACT Recommendation 16: two letters of the country, three letters or digits 2 to 9.
_LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}\Z")

# ISO 4217 minor units that are not 2. pycountry knows which codes exist, but not these.
CURRENCY_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
# Codes of ISO 4217 that nobody can invoice in: metals, funds, tests.
_NO_MONEY = frozenset({"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"})


@cache
def country_name(code: str) -> str:
    """The name of the country in capitals, as a form prints it: VIET NAM for VN. A code that is none stands for itself; `check` refuses it."""
    country = pycountry.countries.get(alpha_2=code)
    return str(country.name).upper() if country else code


@cache
def is_country(code: str) -> bool:
    """Whether ISO 3166-1 has that code."""
    return pycountry.countries.get(alpha_2=code) is not None


@cache
def currency_decimals(code: str) -> int | None:
    """How many decimals amounts of the currency have; None if ISO 4217 has no such money."""
    if code in _NO_MONEY or pycountry.currencies.get(alpha_3=code) is None:
        return None
    return CURRENCY_DECIMALS.get(code, 2)


def is_locode(code: str) -> bool:
    """Whether it has the shape of a UN/LOCODE and its country exists. That the place exists, only UNECE's list can say."""
    return bool(_LOCODE.match(code)) and is_country(code[:2])


def locode_country(code: str) -> str:
    """The country's part of a UN/LOCODE."""
    return code[:2]
