"""Rupees with two decimals, as most wires write them, and paise."""

__all__ = ["paise", "rupees"]


def rupees(amount_paise: int) -> str:
    """236.00 of 23600."""
    whole, part = divmod(amount_paise, 100)
    return f"{whole}.{part:02}"


def paise(text: str) -> int | None:
    """23600 of 236.00, 236.0 and 236; None for what is no such amount."""
    whole, _, part = text.partition(".")
    if not (
        whole.isascii() and whole.isdigit() and len(whole) < 10 and len(part) < 3 and ((part.isascii() and part.isdigit()) or not part)
    ):
        return None
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)
