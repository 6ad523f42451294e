"""What receipts are called, what each says of itself, and amounts in words with the Indian groups of numbers."""

from collections.abc import Mapping

from engine.money.receipts.tables import ReceiptKind

__all__ = ["NOTES", "REFUND_OF_DEPOSIT", "TITLES", "in_words"]

TITLES: Mapping[ReceiptKind, str] = {
    ReceiptKind.TAX_INVOICE: "Tax invoice",
    ReceiptKind.BILL_OF_SUPPLY: "Bill of supply",
    ReceiptKind.RECEIPT_VOUCHER: "Receipt voucher",
    ReceiptKind.ACKNOWLEDGEMENT: "Acknowledgement of a deposit",
    ReceiptKind.REFUND_VOUCHER: "Refund voucher",
    ReceiptKind.CREDIT_NOTE: "Credit note",
}
REFUND_OF_DEPOSIT = "Acknowledgement of a deposit returned"
NOTES: Mapping[ReceiptKind, str] = {
    ReceiptKind.TAX_INVOICE: "Tax is not payable on reverse charge.",
    ReceiptKind.BILL_OF_SUPPLY: "No tax is charged on this supply.",
    ReceiptKind.RECEIPT_VOUCHER: "For a top-up: not a tax invoice. The tax is part of the amount received. Tax is not payable on reverse charge.",
    ReceiptKind.ACKNOWLEDGEMENT: "For a top-up: not a tax invoice. The amount is a deposit until a fee is taken from it.",
    ReceiptKind.REFUND_VOUCHER: "For a refund of an advance: not a tax invoice. Tax is not payable on reverse charge.",
    ReceiptKind.CREDIT_NOTE: "It takes back the document named, as far as the amount goes.",
}
_SMALL = [
    "Zero",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
    "Thirteen",
    "Fourteen",
    "Fifteen",
    "Sixteen",
    "Seventeen",
    "Eighteen",
    "Nineteen",
]
_TENS = ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"]
_GROUPS = ((10_000_000, "Crore"), (100_000, "Lakh"), (1_000, "Thousand"), (100, "Hundred"))


def in_words(paise: int) -> str:
    """An amount as it is written out: Rupees One Lakh Twenty-Three Thousand Four Hundred Fifty-Six and Seventy-Eight Paise Only."""
    if paise < 0:
        raise ValueError("An amount in words is not negative.")
    rupees, rest = divmod(paise, 100)
    whole = f"Rupees {' '.join(_number(rupees))}"
    return f"{whole} and {' '.join(_number(rest))} Paise Only" if rest else f"{whole} Only"


def _number(value: int) -> list[str]:
    for unit, name in _GROUPS:
        if value >= unit:
            count, rest = divmod(value, unit)
            return [*_number(count), name, *(_number(rest) if rest else [])]
    if value < 20:
        return [_SMALL[value]]
    ten, one = divmod(value, 10)
    return [f"{_TENS[ten - 2]}-{_SMALL[one]}" if one else _TENS[ten - 2]]
