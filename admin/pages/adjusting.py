"""The fields with which a person adjusts a picture: what they typed as an adjustment, and an adjustment as they would type it."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from engine.contracts.drawing import Adjust

__all__ = ["Wrong", "adjust_of", "typed_of"]

_EDGES = ("left", "top", "right", "bottom")
_FIELDS = {
    "threshold": ("How dark ink must be", -50, 50),
    "left": ("Left", 0, 100),
    "top": ("Top", 0, 100),
    "right": ("Right", 0, 100),
    "bottom": ("Bottom", 0, 100),
    "rotation": ("The turn", -180, 180),
}
_EMPTY = {"right": "100", "bottom": "100"}


class Wrong(Exception):
    """Fields that say no adjustment, each with the sentence that stands beside it."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("wrong fields")
        self.fields = fields


def adjust_of(typed: Mapping[str, str]) -> Adjust:
    """The adjustment; a field left empty changes nothing. Raises Wrong."""
    read = {name: _read(typed.get(name, "").strip() or _EMPTY.get(name, "0"), *_FIELDS[name]) for name in _FIELDS}
    wrong = {name: value for name, value in read.items() if isinstance(value, str)}
    values = {name: value for name, value in read.items() if isinstance(value, int)}
    for low, high in (("left", "right"), ("top", "bottom")):
        if low in values and high in values and values[high] <= values[low]:
            wrong[high] = f"{_FIELDS[high][0]} must be more than {low}: nothing of the picture would be left."
    if wrong:
        raise Wrong(wrong)
    left, top, right, bottom = (values[edge] for edge in _EDGES)
    crop = (left, top, right, bottom)
    return Adjust(values["threshold"] // 10, crop if crop != (0, 0, 1000, 1000) else None, values["rotation"])


def typed_of(adjust: Adjust) -> dict[str, str]:
    """The adjustment as it stands in the fields: percent and degrees."""
    edges = dict(zip(_EDGES, adjust.crop or (0, 0, 1000, 1000), strict=True))
    return {
        "threshold": str(adjust.threshold),
        "rotation": _tenths(adjust.rotation),
        **{name: _tenths(value) for name, value in edges.items()},
    }


def _tenths(value: int) -> str:
    return f"{Decimal(value) / 10:f}"


def _read(text: str, label: str, least: int, most: int) -> int | str:
    """The number in tenths, or what is wrong with it."""
    try:
        number = Decimal(text.replace(",", ".")) if text.isascii() and len(text) <= 8 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not least <= number <= most:
        return f"{label} must be a number from {least} to {most}."
    return round(number * 10)
