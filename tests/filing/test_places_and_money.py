"""Countries, ports and currencies."""

import pytest

from engine.filing.places import CURRENCY_DECIMALS, country_name, currency_decimals, is_country, is_locode


@pytest.mark.parametrize(("code", "name"), [("VN", "VIET NAM"), ("LA", "LAO PEOPLE'S DEMOCRATIC REPUBLIC"), ("CI", "C\u00d4TE D'IVOIRE")])
def test_a_country_is_named_in_capitals(code: str, name: str) -> None:
    assert country_name(code) == name


@pytest.mark.parametrize("code", ["ZZ", "XK", "UK", "EU", ""])
def test_a_code_that_is_no_country_is_none(code: str) -> None:
    assert not is_country(code)
    assert country_name(code) == code


@pytest.mark.parametrize("code", ["INNSA", "VNSGN", "DEHAM", "US5BX"])
def test_a_locode_has_a_country_and_a_place(code: str) -> None:
    assert is_locode(code)


@pytest.mark.parametrize("code", ["INNS", "INNSA1", "innsa", "IN NSA", "INNS0", "INNS1", "ZZNSA", "INNSA\n", "\u0399NNSA"])
def test_another_shape_is_no_locode(code: str) -> None:
    assert not is_locode(code)


@pytest.mark.parametrize(("code", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("UYW", 4), ("INR", 2), ("XAU", None), ("ZZZ", None)])
def test_a_currency_has_its_decimals(code: str, decimals: int | None) -> None:
    assert currency_decimals(code) == decimals


def test_every_currency_with_decimals_of_its_own_exists() -> None:
    assert all(currency_decimals(code) == decimals for code, decimals in CURRENCY_DECIMALS.items())
