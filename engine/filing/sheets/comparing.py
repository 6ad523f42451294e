"""Two versions of a cost sheet side by side: what differs, key by key, and by how much where it is an amount.

Inputs are matched by what they are, not by their place: one that is put in at the top changes one line, not all, and
their order alone is no difference.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from engine.cost_sheet import CostSheet
from engine.filing.origin.shares import EXACT
from engine.filing.reading import to_tree

__all__ = ["Difference", "compare"]

_AMOUNTS = frozenset(
    {"value", "fob", "ex_works", "net_weight_kg", "weight_kg", "rate", "direct_labour", "direct_overhead", "profit", "freight_to_port"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that differs. `path` is its place in the later version, or in the earlier one where it is gone; `name` what a person calls it.

    An absent value is None. `change` is later minus earlier, a decimal string, where both are amounts.
    """

    path: str
    name: str
    before: str | None
    after: str | None
    change: str | None = None


def compare(before: CostSheet, after: CostSheet) -> list[Difference]:
    """What differs between two versions: the head of the sheet first, then rates, then inputs in their order."""
    older, newer = to_tree(before), to_tree(after)
    lists = ("rates", "inputs", "operations")
    heads = [{key: part for key, part in tree.items() if key not in lists} for tree in (older, newer)]
    operations = ["\n".join(tree.get("operations", ())) or None for tree in (older, newer)]
    return [
        *_keys("", "", heads[0], heads[1]),
        *_one("operations", "operations", *operations),
        *_lines("rates", older, newer, ("currency",)),
        *_lines("inputs", older, newer, ("description", "hs", "country", "supplier", "invoice")),
    ]


def _lines(key: str, older: dict[str, Any], newer: dict[str, Any], called: tuple[str, ...]) -> Iterator[Difference]:
    """Lists line by line: each of the later version beside its own of the earlier one, then those that are gone."""
    was, now = older.get(key, ()), newer.get(key, ())
    matched = _matched(was, now, called)
    for n, line in enumerate(now):
        yield from _keys(f"{key}[{n}]", str(line[called[0]]), was[matched[n]] if n in matched else {}, line)
    kept = set(matched.values())
    for n, line in enumerate(was):
        if n not in kept:
            yield from _keys(f"{key}[{n}]", str(line[called[0]]), line, {})


def _matched(was: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]], called: tuple[str, ...]) -> dict[int, int]:
    """Which earlier line each later one was: the same in all that it is called by, or else in fewer keys, in their order."""
    matched: dict[int, int] = {}
    left = list(range(len(was)))
    for most in range(len(called), 0, -1):
        alike: defaultdict[tuple[object, ...], deque[int]] = defaultdict(deque)
        for n in left:
            alike[_name(was[n], called[:most])].append(n)
        for n in (n for n in range(len(now)) if n not in matched):
            if same := alike.get(_name(now[n], called[:most])):
                matched[n] = same.popleft()
        left = sorted(n for rest in alike.values() for n in rest)
    return matched


def _name(line: dict[str, Any], called: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(line.get(key) for key in called)


def _keys(path: str, name: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    """The keys of one group that differ, with those of the groups inside it."""
    for key in dict.fromkeys([*was, *now]):
        inside = f"{path}.{key}" if path else key
        older, newer = was.get(key), now.get(key)
        if isinstance(older, dict) or isinstance(newer, dict):
            yield from _keys(inside, f"{name} {key}".strip(), older or {}, newer or {})
        else:
            yield from _one(inside, f"{name} {key}".strip(), _text(older), _text(newer))


def _one(path: str, name: str, older: str | None, newer: str | None) -> Iterable[Difference]:
    if older != newer:
        yield Difference(path, name, older, newer, _change(path.rpartition(".")[2], older, newer))


def _change(key: str, older: str | None, newer: str | None) -> str | None:
    if key not in _AMOUNTS or older is None or newer is None:
        return None
    try:
        with localcontext(EXACT):
            return f"{Decimal(newer) - Decimal(older):f}"
    except InvalidOperation:
        return None


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
