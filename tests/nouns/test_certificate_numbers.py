"""Numbers, codes and names of certificates."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.certificate import (
    DEFAULT_PATTERN,
    check_pattern,
    code_from,
    file_name,
    format_number,
    is_code,
    is_legacy,
    new_code,
    number_key,
    number_slip,
    verify_url,
)
from engine.errors import ConfigError

AGENCY = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=2, max_size=12)
OFFICE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=4)


def _number(agency: str = "EIA", year: int = 2026, office: str = "MUM", serial: int = 17) -> str:
    return format_number(DEFAULT_PATTERN, agency=agency, year=year, office=office, serial=serial, scheme="AIFTA")


def test_the_default_number_is_agency_year_office_serial_and_check() -> None:
    number = _number()
    assert number.startswith("EIA/2026/MUM/0000017")
    assert len(number) == len("EIA/2026/MUM/0000017") + 1


@given(AGENCY, st.integers(2024, 2099), OFFICE, st.integers(1, 9_999_999))
def test_no_number_of_ours_reads_like_a_legacy_one(agency: str, year: int, office: str, serial: int) -> None:
    number = _number(agency, year, office, serial)
    assert not is_legacy(number)
    assert not number_slip(number)


@given(OFFICE, st.integers(1, 9_999_999), st.data())
def test_one_wrong_character_is_noticed(office: str, serial: int, data: st.DataObject) -> None:
    number = _number(office=office, serial=serial)
    at = data.draw(st.integers(0, len(number) - 1).filter(lambda index: number[index].isalnum()))
    same_kind = "0123456789" if number[at].isdigit() and at < len(number) - 1 else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = data.draw(st.sampled_from(same_kind).filter(lambda char: char != number[at]))
    assert number_slip(number[:at] + other + number[at + 1 :])


def test_nearly_every_swap_of_neighbouring_digits_is_noticed() -> None:
    """ISO 7064 hybrid systems catch every wrong character and nearly every swap."""
    swapped = missed = 0
    for serial in range(1, 9_999_999, 7_919):
        number = _number(serial=serial)
        for at in range(len(number) - 2):
            if number[at].isdigit() and number[at + 1].isdigit() and number[at] != number[at + 1]:
                swapped += 1
                missed += not number_slip(number[:at] + number[at + 1] + number[at] + number[at + 2 :])
    assert swapped > 5_000
    assert missed / swapped < 0.01


@pytest.mark.parametrize("typed", ["eia/2026/mum/0000017X", " EIA 2026 MUM 0000017X ", "EIA-2026-MUM-0000017X", "EIA\\2026\\MUM\\0000017X"])
def test_a_number_is_found_however_it_was_typed(typed: str) -> None:
    assert number_key(typed) == "EIA2026MUM0000017X"


@pytest.mark.parametrize("number", ["EIC/2024/001/0000000A/00000000", "eic-2024-001-0000000a-00000000", " EIC/2024/001/0000000A/00000000 "])
def test_a_legacy_number_is_recognised(number: str) -> None:
    assert is_legacy(number)


@pytest.mark.parametrize(
    "pattern",
    [
        "{agency}/{year}/{serial:07d}",  # the serial would stand where a legacy number has its office
        "{agency}/{year}/001/{serial:07d}{check}",
        "{agency}/{year}/{office}",
        "{agency}/{office}/{serial:07d}",
        "{year}/{serial:07d}/{serial:07d}",
        "{agency}/{year}/{office}/{serial:07d}{name}",
        "{agency}/{year}/{office}/{serial!r}",
        "{agency}/{year}/{office}/{serial:>7}",
        "{agency}/{year}/{office}/{serial:07d} ",
        "{agency}/{year}/{office}/{serial:07d}é",
        "{agency.__class__}/{year}/{office}/{serial:07d}",
        "{agency}/{year}/{office}/{serial:07d",
    ],
)
def test_a_pattern_that_would_repeat_mislead_or_run_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match="number pattern"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", [DEFAULT_PATTERN, "{agency}-{scheme}-{office}-{year}-{serial:06d}{check}"])
def test_a_sound_pattern_is_accepted(pattern: str) -> None:
    check_pattern(pattern)


def test_a_code_has_a_format_and_128_bits_that_never_repeat() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(is_code(code) and len(code) == 27 for code in codes)


@pytest.mark.parametrize("text", ["", "A", "B" + "A" * 26, "A" + "1" * 26, "A" + "A" * 25, "A" + "A" * 27, "\uff21" + "A" * 26])
def test_anything_else_is_no_code(text: str) -> None:
    assert not is_code(text)


def test_the_address_is_read_back_in_either_case() -> None:
    code = new_code()
    url = verify_url("http://127.0.0.1:8000", code)
    assert url == url.lower()
    assert code_from(url.removeprefix("http://127.0.0.1:8000")) == code
    assert code_from(url.upper().removeprefix("HTTP://127.0.0.1:8000")) == code
    assert code_from("/verify") is None


def test_files_are_named_by_number_and_leaf() -> None:
    assert file_name("EIA/2026/MUM/0000017X") == "EIA-2026-MUM-0000017X.pdf"
    assert file_name("EIA/2026/MUM/0000017X", "original") == "EIA-2026-MUM-0000017X-original.pdf"


@pytest.mark.parametrize("golden", sorted((Path(__file__).parent.parent / "golden" / "codes").glob("*.txt")), ids=lambda path: path.stem)
def test_a_code_of_every_format_ever_printed_is_still_read(golden: Path) -> None:
    printed = golden.read_text(encoding="ascii").strip()
    code = code_from(urlsplit(printed).path)
    assert code is not None
    assert is_code(code)
    assert code[0] == golden.stem[0]
