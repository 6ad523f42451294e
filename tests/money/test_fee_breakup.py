"""A fee and its tax in whole paise: nothing lost, nothing made up, each part rounded by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from engine.money.amounts import bp_of, paise_of
from engine.money.fees import Rounding, Supply, break_up, rupees, supply_of
from engine.money.fees.breakup import percent

MUMBAI, DELHI, CHANDIGARH = "27", "07", "04"


def sums(paise: int, rate: int, *, gstin: str = "", rounding: Rounding = Rounding.PAISA, state: str = MUMBAI) -> tuple[int, int, int, int]:
    made = break_up(paise, gst_rate_bp=rate, sac="998599", rounding=rounding, office_state=state, gstin=gstin)
    return made.cgst_paise, made.sgst_paise, made.igst_paise, made.total_paise


@pytest.mark.parametrize(
    ("paise", "rate", "gstin", "rounding", "expected"),
    [
        (20000, 1800, "", Rounding.PAISA, (1800, 1800, 0, 23600)),
        (20000, 1800, "07AAAAA0000A1Z5", Rounding.PAISA, (0, 0, 3600, 23600)),
        (20000, 1800, "27AAAAA0000A1Z5", Rounding.PAISA, (1800, 1800, 0, 23600)),
        (20000, 0, "07AAAAA0000A1Z5", Rounding.PAISA, (0, 0, 0, 20000)),
        (0, 1800, "", Rounding.PAISA, (0, 0, 0, 0)),
        (1, 1800, "", Rounding.PAISA, (0, 0, 0, 1)),
        (3, 1800, "07AAAAA0000A1Z5", Rounding.PAISA, (0, 0, 1, 4)),  # 0.54 paise
        (5, 2000, "", Rounding.PAISA, (1, 1, 0, 7)),  # half a paisa each goes up
        (100050, 1800, "", Rounding.PAISA, (9005, 9005, 0, 118060)),  # 90.045 rupees
        (100050, 1800, "07AAAAA0000A1Z5", Rounding.PAISA, (0, 0, 18009, 118059)),
        (100050, 1800, "", Rounding.RUPEE, (9000, 9000, 0, 118050)),
        (100000, 1810, "", Rounding.RUPEE, (9100, 9100, 0, 118200)),  # 90.50 rupees go up
        (20000, 500, "", Rounding.PAISA, (500, 500, 0, 21000)),
        (20001, 25, "", Rounding.PAISA, (25, 25, 0, 20051)),
    ],
)
def test_a_fee_comes_to_this(paise: int, rate: int, gstin: str, rounding: Rounding, expected: tuple[int, int, int, int]) -> None:
    assert sums(paise, rate, gstin=gstin, rounding=rounding) == expected


@given(st.integers(0, 10**10), st.integers(0, 10000), st.sampled_from(list(Rounding)), st.sampled_from(["", "27X", "07X"]))
def test_the_total_is_the_sum_of_whole_parts_and_never_far_from_exact(paise: int, rate: int, rounding: Rounding, gstin: str) -> None:
    made = break_up(paise, gst_rate_bp=rate, sac="", rounding=rounding, office_state=MUMBAI, gstin=gstin)
    assert all(type(part) is int for part in (made.base_paise, made.cgst_paise, made.sgst_paise, made.igst_paise))
    assert made.total_paise == made.base_paise + made.cgst_paise + made.sgst_paise + made.igst_paise
    assert made.cgst_paise == made.sgst_paise
    assert (made.igst_paise == 0) or (made.cgst_paise == 0)
    unit = 100 if rounding is Rounding.RUPEE else 1
    assert made.tax_paise % unit == 0
    assert abs(made.tax_paise * 10000 - paise * rate) <= 10000 * unit  # half a unit for each of two parts
    assert sum(part for _, part in made.lines) == made.total_paise


def test_who_has_no_gstin_is_supplied_where_the_office_is() -> None:
    assert supply_of(MUMBAI, "") is Supply.INTRA_STATE
    assert supply_of(MUMBAI, "27ABCDE1234F1Z5") is Supply.INTRA_STATE
    assert supply_of(MUMBAI, "07ABCDE1234F1Z5") is Supply.INTER_STATE


def test_the_parts_are_named_as_on_a_receipt() -> None:
    made = break_up(20000, gst_rate_bp=1800, sac="998599", rounding=Rounding.PAISA, office_state=CHANDIGARH)
    assert [name for name, _ in made.lines] == ["Fee", "CGST 9 %", "UTGST 9 %"]
    made = break_up(20000, gst_rate_bp=1800, sac="998599", rounding=Rounding.PAISA, office_state=DELHI, gstin="27X")
    assert [name for name, _ in made.lines] == ["Fee", "IGST 18 %"]
    assert [percent(25), percent(25, halves=2), percent(1), percent(1, halves=2)] == ["0.25 %", "0.125 %", "0.01 %", "0.005 %"]


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (23600, "236.00"),
        (100000, "1,000.00"),
        (12345678, "1,23,456.78"),
        (1234567890, "1,23,45,678.90"),
        (-5, "-0.05"),
    ],
)
def test_rupees_are_written_in_indian_groups(paise: int, text: str) -> None:
    assert rupees(paise) == text


@pytest.mark.parametrize(
    ("text", "paise"), [("236", 23600), ("236.0", 23600), ("236.00", 23600), ("236.5", 23650), ("0.01", 1), ("236.0000", 23600)]
)
def test_rupees_are_read(text: str, paise: int) -> None:
    assert paise_of(text) == paise


@pytest.mark.parametrize(
    "text",
    ["", " 236", "236 ", "2,360", "-1", "+1", "1e3", "NaN", "1.005", "1.2.3", ".5", "1.", "१२३", "\uff12", "0x10", "9" * 10, "1_000"],
)
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        paise_of(text)
    assert refused.value.box == "amount"


def test_a_rate_is_read_in_percent() -> None:
    assert [bp_of("18"), bp_of("0"), bp_of("2.5"), bp_of("0.25"), bp_of("100")] == [1800, 0, 250, 25, 10000]
    for text in ("", "-1", "101", "1.005", "18%", "x"):
        with pytest.raises(Refused):
            bp_of(text)
