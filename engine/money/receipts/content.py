"""What is printed on a receipt, frozen: nothing is looked up again when it is shown, drawn or exported."""

import hashlib
from dataclasses import dataclass

import msgspec

from engine.money.fees.shares import Parts

__all__ = ["ContentLine", "Parties", "ReceiptContent", "digest_of", "frozen", "thawed"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Parties:
    """Who supplies and who is supplied, as they were called then. `state` is of the office, such as `27 Maharashtra`."""

    agency: str
    office: str
    office_code: str
    address: str
    state: str
    gstin: str
    firm: str
    iec: str
    firm_address: str
    firm_gstin: str


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One thing that was paid or paid back, with its tax. `line_id` is the order's line; `tax_name` is SGST, or UTGST."""

    words: str
    application: str
    sac: str
    gst_rate_bp: int
    tax_name: str
    base_paise: int
    cgst_paise: int
    sgst_paise: int
    igst_paise: int
    line_id: str = ""

    @property
    def parts(self) -> Parts:
        """What it is made of."""
        return Parts(self.base_paise, self.cgst_paise, self.sgst_paise, self.igst_paise)

    @property
    def total_paise(self) -> int:
        """Fee and tax."""
        return self.parts.total_paise


@dataclass(frozen=True, slots=True)
class ReceiptContent:
    """All that is printed. `dated_on` is an ISO date in IST; `references` are labels with their values; `corrects` is the number and the
    date of the document that this one takes back, or two empty texts."""

    kind: str
    title: str
    number: str
    dated_on: str
    parties: Parties
    place_of_supply: str
    lines: tuple[ContentLine, ...]
    amount_paise: int
    amount_words: str
    references: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    corrects: tuple[str, str] = ("", "")
    schema: int = SCHEMA

    @property
    def parts(self) -> Parts:
        """What the sum is made of."""
        whole = [line.parts for line in self.lines]
        return Parts(
            sum(each.base_paise for each in whole),
            sum(each.cgst_paise for each in whole),
            sum(each.sgst_paise for each in whole),
            sum(each.igst_paise for each in whole),
        )

    @property
    def taxed(self) -> bool:
        """Whether any line says a rate of tax."""
        return any(line.gst_rate_bp for line in self.lines)


def frozen(content: ReceiptContent) -> str:
    """The content as the row keeps it. Raises ValueError for one whose lines do not make its sum."""
    if content.parts.total_paise != content.amount_paise:
        raise ValueError("The lines of a receipt make its sum.")
    return msgspec.json.encode(content, order="sorted").decode()


def thawed(content: str) -> ReceiptContent:
    """The content of a row."""
    return msgspec.json.decode(content, type=ReceiptContent)


def digest_of(content: str) -> str:
    """The SHA-256 of a content as the row keeps it, in small hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()
