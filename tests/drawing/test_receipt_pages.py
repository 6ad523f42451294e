"""Receipts on paper: drawn from what was frozen, to the same bytes, with nothing lost and nothing read as anything but text."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pypdfium2 as pdfium
import pytest

from engine.contracts.drawing import Mark
from engine.drawing import DrawingRoom
from engine.drawing.inspecting.readback import read_page
from engine.drawing.receipt_pages import draw_receipt
from engine.money.receipts import ContentLine, Parties, ReceiptContent, ReceiptKind
from engine.money.receipts.words import NOTES, TITLES, in_words

PARTIES = Parties(
    agency="Export Inspection Agency",
    office="Mumbai Office",
    office_code="EIA MUM",
    address="1, Example Road, Mumbai 400001",
    state="27 Maharashtra",
    gstin="27AAAGE0000A1Z5",
    firm="KONKAN KERNELS LLP",
    iec="AAACK1234F",
    firm_address="Plot 7, Ratnagiri 415639",
    firm_gstin="27AAACK1234F1Z5",
)
LINE = ContentLine("Fee for a certificate of origin, AIFTA", "ABCDEFGHJKMNPQRSTUVW", "998599", 1800, "SGST", 20000, 1800, 1800, 0, "l1")


@pytest.fixture
def receipt() -> Callable[..., ReceiptContent]:
    """Makes contents: `receipt(kind, lines, …)`."""

    def make(kind: ReceiptKind = ReceiptKind.TAX_INVOICE, lines: tuple[ContentLine, ...] = (LINE,), **changes: Any) -> ReceiptContent:
        paise = sum(line.total_paise for line in lines)
        content = ReceiptContent(
            kind=str(kind),
            title=TITLES[kind],
            number="MUM/2627/000042",
            dated_on="2027-03-31",
            parties=PARTIES,
            place_of_supply="27 Maharashtra",
            lines=lines,
            amount_paise=paise,
            amount_words=in_words(paise),
            references=(("Order", "23456789ABCDEFGHJKMN"), ("Paid through", "billdesk")),
            notes=(NOTES[kind],),
        )
        return replace(content, **changes)

    return make


def words(pdf: bytes) -> str:
    return "".join("".join(run.text for run in read_page(page).runs) for page in pdfium.PdfDocument(pdf)).replace(" ", "")


def test_all_that_was_frozen_stands_on_the_paper(receipt: Callable[..., ReceiptContent]) -> None:
    seen = words(draw_receipt(receipt()))
    for text in (
        "Tax invoice", "No. MUM/2627/000042", "31 March 2027", *(getattr(PARTIES, name) for name in Parties.__slots__),
        "998599", "200.00", "18.00", "at 9 %", "236.00", "Rupees Two Hundred Thirty-Six Only", "23456789ABCDEFGHJKMN",
        "ABCDEFGHJKMNPQRSTUVW", "Place of supply:27 Maharashtra", NOTES[ReceiptKind.TAX_INVOICE], "Page 1 of 1",
    ):  # fmt: skip
        assert text.replace(" ", "") in seen, text


def test_the_same_receipt_has_the_same_bytes_and_another_has_not(receipt: Callable[..., ReceiptContent]) -> None:
    assert draw_receipt(receipt()) == draw_receipt(receipt())
    assert draw_receipt(receipt()) != draw_receipt(receipt(number="MUM/2627/000043"))


@pytest.mark.parametrize("kind", list(ReceiptKind))
def test_every_kind_says_what_it_is(receipt: Callable[..., ReceiptContent], kind: ReceiptKind) -> None:
    seen = words(draw_receipt(receipt(kind)))
    assert TITLES[kind].replace(" ", "") in seen
    assert NOTES[kind].replace(" ", "") in seen


def test_between_states_there_is_one_tax_and_without_tax_none(receipt: Callable[..., ReceiptContent]) -> None:
    between = words(draw_receipt(receipt(lines=(replace(LINE, cgst_paise=0, sgst_paise=0, igst_paise=3600),))))
    assert "IGST" in between
    assert "CGST" not in between
    union = words(draw_receipt(receipt(lines=(replace(LINE, tax_name="UTGST"),))))
    assert "UTGST" in union
    plain = replace(LINE, gst_rate_bp=0, cgst_paise=0, sgst_paise=0, sac="")
    assert "GST(Rs)" not in words(draw_receipt(receipt(ReceiptKind.BILL_OF_SUPPLY, (plain,))))


def test_a_document_that_takes_another_back_names_it(receipt: Callable[..., ReceiptContent]) -> None:
    seen = words(draw_receipt(receipt(ReceiptKind.CREDIT_NOTE, corrects=("MUM/2627/000007", "2026-10-01"))))
    assert "No.MUM/2627/000007of1October2026" in seen


def test_fifty_fees_go_over_pages_and_none_is_lost(receipt: Callable[..., ReceiptContent]) -> None:
    lines = tuple(replace(LINE, application=f"APPLICATION{number:09d}") for number in range(50))
    pdf = draw_receipt(receipt(lines=lines))
    seen = words(pdf)
    assert 1 < len(pdfium.PdfDocument(pdf)) <= 3
    assert all(line.application in seen for line in lines)
    assert "11,800.00" in seen
    assert len(pdfium.PdfDocument(pdf)) == seen.count("Particulars")


@pytest.mark.parametrize("count", range(20, 52, 3))
def test_the_sum_never_stands_on_a_page_without_a_line(receipt: Callable[..., ReceiptContent], count: int) -> None:
    document = pdfium.PdfDocument(draw_receipt(receipt(lines=(LINE,) * count)))
    last = "".join(document[len(document) - 1].get_textpage().get_text_range().split())
    assert "Together" in last
    assert LINE.words.replace(" ", "") in last
    assert "Inwords:" in last


def test_a_rate_that_all_lines_have_is_said_once_and_others_at_each_line(receipt: Callable[..., ReceiptContent]) -> None:
    assert words(draw_receipt(receipt(lines=(LINE, LINE)))).count("at9%") == 2
    mixed = words(draw_receipt(receipt(lines=(LINE, replace(LINE, gst_rate_bp=500, cgst_paise=500, sgst_paise=500)))))
    assert (mixed.count("at9%"), mixed.count("at2.5%")) == (2, 2)


@pytest.mark.parametrize("name", ["<b>A</b> & Co", "{{ 7 * 7 }}", "<img src=x>", '"><pdf:nextpage>', "W" * 200, "a " * 100])
def test_a_hostile_name_is_text_and_nothing_else(receipt: Callable[..., ReceiptContent], name: str) -> None:
    parties = replace(PARTIES, firm=name, agency=name, office=name)
    assert words(draw_receipt(receipt(parties=parties))).count(name.replace(" ", "")) >= 1


def test_a_letter_that_cannot_be_drawn_stands_as_a_question_mark_and_the_paper_says_so(receipt: Callable[..., ReceiptContent]) -> None:
    seen = words(draw_receipt(receipt(parties=replace(PARTIES, firm="कोंकण KERNELS"))))
    assert "?????KERNELS" in seen
    assert "standsas?" in seen
    assert "standsas?" not in words(draw_receipt(receipt()))


def test_a_demonstration_says_so(receipt: Callable[..., ReceiptContent]) -> None:
    assert "DEMONSTRATION" in words(draw_receipt(receipt(), mark=Mark.DEMONSTRATION))


async def test_a_receipt_is_drawn_in_a_child(drawing_room: DrawingRoom, receipt: Callable[..., ReceiptContent]) -> None:
    assert await drawing_room.receipt(receipt()) == draw_receipt(receipt())
