"""Lines that cite a cost sheet: the sheet stands for inputs and costs alone, for goods of its own HS code, in its own unit."""

from collections.abc import Iterable, Mapping

from engine.application import Application, Origin
from engine.errors import Problem
from engine.filing.origin import Cited, citing_problems, goods_of_item
from engine.filing.origin.shares import total

__all__ = ["citation_problems"]

_SUBHEADING = 6
_STOOD_FOR = ("inputs", "costs", "ex_works", "net_weight_kg")
_HEADS = ("direct_labour", "direct_overhead", "profit", "freight_to_port")


def citation_problems(application: Application, sheets: Mapping[str, Cited]) -> list[Problem]:
    """What is wrong with the lines that cite; of a sheet that is not among `sheets`, what the line says by itself."""
    problems: list[Problem] = []
    for index, item in enumerate(application.items):
        reference = item.origin.cost_sheet
        if reference is None:
            continue
        path = f"items[{index}]"
        problems += _left_out(item.origin, f"{path}.origin")
        if cited := sheets.get(reference):
            problems += _same_goods(item.hs, cited, path)
    problems += citing_problems(application, sheets)
    return problems or [problem for index in range(len(application.items)) for problem in _price(application, index, sheets)]


def _left_out(origin: Origin, path: str) -> Iterable[Problem]:
    for key in _STOOD_FOR:
        if getattr(origin, key):
            say = f"{path}.{key} must be left out: the line cites the cost sheet {origin.cost_sheet}, which stands for it."
            yield Problem(f"{path}.{key}", "cited or listed", say)


def _same_goods(hs: str, cited: Cited, path: str) -> Iterable[Problem]:
    """Goods and sheet agree in the sub-heading, and in every further digit that both have."""
    theirs = cited.sheet.product.hs
    digits = max(min(len(hs), len(theirs)), min(_SUBHEADING, len(hs)))
    if hs[:digits] != theirs[:digits]:
        say = f"{path}.hs is {hs}, but the cost sheet {cited.reference} is for goods of {theirs}; cite the sheet of these goods."
        yield Problem(f"{path}.hs", "goods of the cost sheet", say)


def _price(application: Application, index: int, sheets: Mapping[str, Cited]) -> Iterable[Problem]:
    """A line is worth no less than what its goods cost by the exporter's own sheet: else shares would exceed 100 %.

    Of another firm's sheet it is not told, as by trying values the costs would be; there the finding leaves the line open.
    """
    reference = application.items[index].origin.cost_sheet
    if reference is None or reference not in sheets or sheets[reference].granted:
        return
    goods = goods_of_item(application, index, sheets)
    heads = [amount for head in _HEADS if (amount := getattr(goods.costs, head)) is not None]
    if total([*(material.value for material in goods.materials), *heads]) > goods.fob:
        box = f"items[{index}].value"
        say = f"{box} is less than these goods cost by the cost sheet {reference}; correct the value or the quantity, or cite the sheet of these goods."
        yield Problem(box, "value above the costs", say)
