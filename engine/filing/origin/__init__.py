"""The origin door: each line's claimed ground, tried against origin.toml's rules, with its arithmetic."""

from engine.filing.origin.cited import Cited, Suppliers
from engine.filing.origin.elsewhere import Elsewhere, find_elsewhere
from engine.filing.origin.finding import find_origin, refuse_failing
from engine.filing.origin.goods import Goods
from engine.filing.origin.lines import citing_problems, goods_of_item, goods_of_sheet
from engine.filing.origin.printing import explain, table

__all__ = [
    "Cited",
    "Elsewhere",
    "Goods",
    "Suppliers",
    "citing_problems",
    "explain",
    "find_elsewhere",
    "find_origin",
    "goods_of_item",
    "goods_of_sheet",
    "refuse_failing",
    "table",
]
