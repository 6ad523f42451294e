"""A cost sheet as tables: which key stands where, and how a cell becomes a value or a problem with the cell's own address.

What workbook and CSV share. A table is read into the same plain tree as a JSON file and walked by the same reader, so that
all three refuse alike; only the place is told as the person sees it: `Inputs!D7`, or `row 9, column D`.

A text that a spreadsheet would run (it begins with = + - @, a tab or a carriage return) is written with an apostrophe
before it, and read without; one that has the apostrophe itself gets a second one, so that nothing is lost on the way.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from engine.cost_sheet import MOST_INPUTS, CostSheet
from engine.errors import Problem, Refused
from engine.filing.reading import to_tree
from engine.filing.reading.text import shown
from engine.filing.sheets.checks import check_sheet
from engine.filing.sheets.reading import SHEETS

__all__ = [
    "COSTS",
    "HEAD",
    "INPUTS",
    "MAX_TABLE_BYTES",
    "MOST_ROWS",
    "RATES",
    "WIDEST",
    "Table",
    "Tables",
    "lines_of",
    "pairs_of",
    "refuse",
    "unsafe",
]

MAX_TABLE_BYTES = 1_000_000
MOST_ROWS = MOST_INPUTS + 200
WIDEST = 40

HEAD = (
    "schema",
    "product.description",
    "product.hs",
    "product.model",
    "maker.name",
    "maker.address",
    "currency",
    "quantity.value",
    "quantity.unit",
    "fob",
    "ex_works",
    "net_weight_kg",
    "final_process_in_india",
    "manufactured_by_exporter",
    "evidence",
    "operations",
)
COSTS = ("direct_labour", "direct_overhead", "profit", "freight_to_port")
INPUTS = (
    "description",
    "hs",
    "country",
    "value",
    "currency",
    "originating",
    "quantity.value",
    "quantity.unit",
    "weight_kg",
    "supplier",
    "invoice",
    "cost_sheet",
)
RATES = ("currency", "rate")

_TRUTHS = frozenset({"originating", "final_process_in_india", "manufactured_by_exporter"})
_RUNS = "=+\\-@\t\r\uff1d\uff0b\uff0d\uff20"  # with the wide forms that some spreadsheets take for the same
_UNSAFE = re.compile(f"'*[{_RUNS}]")
_MADE_SAFE = re.compile(f"'+[{_RUNS}]")
_PATH = re.compile(r"[a-z_]+(?:\[[0-9]+\])?(?:\.[a-z_]+)*")


def unsafe(text: str) -> str:
    """The text as a cell may hold it: with an apostrophe before what a spreadsheet would run."""
    return f"'{text}" if _UNSAFE.match(text) else text


def pairs_of(sheet: CostSheet) -> Iterator[tuple[str, str]]:
    """Key and text of every key of the head that is given; an operation a pair."""
    tree = to_tree(sheet)
    for key in HEAD:
        value = _at(tree, key)
        for each in value if isinstance(value, list | tuple) else [value]:
            if each is not None:
                yield key, _written(each)


def lines_of(parts: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[list[str]]:
    """The lines of a list under these columns; what is not given is empty."""
    for part in parts:
        yield ["" if (value := _at(part, column)) is None else _written(value) for column in columns]


def refuse(rule: str, say: str, box: str | None = None) -> NoReturn:
    """Refuses the whole file."""
    raise Refused.because([Problem(box, rule, say)])


def _at(tree: Mapping[str, Any], key: str) -> Any:
    first, _, rest = key.partition(".")
    value = tree.get(first)
    return _at(value, rest) if rest and isinstance(value, Mapping) else None if rest else value


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else unsafe(str(value))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts as a person sees them: `address` names a cell by its row and column, both from 1; `name` the table."""

    name: str
    rows: Sequence[Sequence[str]]
    first: int = 1
    pattern: str = "{name}!{letter}{row}"

    def address(self, row: int, column: int) -> str:
        """Where a cell of this table is; `row` counts the table's own rows from 0."""
        letter = chr(64 + column) if column <= 26 else f"A{chr(38 + column)}"
        return self.pattern.format(name=self.name, letter=letter, row=row + self.first)

    def filled(self) -> Iterator[tuple[int, Sequence[str]]]:
        """The rows that hold something, with their places."""
        return ((n, row) for n, row in enumerate(self.rows) if any(row))


@dataclass
class Tables:
    """A cost sheet in the making: what its tables said so far, where each value stands, and what is wrong."""

    tree: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def pairs(self, table: Table, known: Sequence[str], under: str = "") -> None:
        """Reads rows of a key and its value; only `operations` may stand there more than once."""
        for n, row in table.filled():
            key, value = row[0], row[1] if len(row) > 1 else ""
            if self._wide(table, n, row, 2):
                continue
            if key not in known:
                self._note(table.address(n, 1), "known keys", f"is {shown(key)}, which is no key of a cost sheet{_near(key, known)}")
            elif key == "operations":
                operations = self.tree.setdefault("operations", [])
                self._put(f"operations[{len(operations)}]", value, table.address(n, 2))
                operations.append(_read(value))
            elif under + key in self.places:
                self._note(table.address(n, 1), "keys once", f"gives {key} a second time; keep one")
            elif value:
                self._put(under + key, value, table.address(n, 2), into=self.tree)
            else:
                self.places[under + key] = table.address(n, 2)

    def lines(self, table: Table, key: str, columns: Sequence[str]) -> None:
        """Reads a list: the first row names the columns, each other one is a line."""
        self.tree.setdefault(key, [])
        filled = list(table.filled())
        if not filled:
            return
        top, names = filled[0]
        places = self._columns(table, top, names, columns)
        for n, row in filled[1:]:
            line: dict[str, Any] = {}
            path = f"{key}[{len(self.tree[key])}]"
            self.places[path] = f"{table.address(n, 1)}"
            for column, text in enumerate(row):
                name = places.get(column)
                if name is None and text:
                    self._note(table.address(n, column + 1), "known columns", "stands in a column without a name")
                elif name:
                    self.places[f"{path}.{name}"] = table.address(n, column + 1)
                    if text:
                        self._put(f"{path}.{name}", text, table.address(n, column + 1), into=line, key=name)
            self.tree[key].append(line)

    def sheet(self) -> CostSheet:
        """The cost sheet that the tables hold. Raises Refused with every problem, each at its cell."""
        content, found = SHEETS.shape(self.tree)
        if content is not None and not found:
            found = check_sheet(content)
        problems = [*self.problems, *(self._placed(problem) for problem in found)]
        if content is None or problems:
            raise Refused.because(problems)
        return content

    def _columns(self, table: Table, top: int, names: Sequence[str], known: Sequence[str]) -> dict[int, str]:
        places: dict[int, str] = {}
        for column, name in enumerate(names):
            if name in places.values():
                self._note(table.address(top, column + 1), "columns once", f"names the column {shown(name)} a second time; keep one")
            elif name in known:
                places[column] = name
            elif name:
                self._note(
                    table.address(top, column + 1), "known columns", f"is {shown(name)}, which is no column here{_near(name, known)}"
                )
        return places

    def _wide(self, table: Table, n: int, row: Sequence[str], most: int) -> bool:
        extra = next((column for column, text in enumerate(row) if column >= most and text), None)
        if extra is not None:
            self._note(table.address(n, extra + 1), "key and value", "holds something beside a key and its value; remove it")
        return extra is not None

    def _put(self, path: str, text: str, place: str, *, into: dict[str, Any] | None = None, key: str | None = None) -> None:
        self.places[path] = place
        if into is None:
            return
        *groups, last = (key or path).split(".")
        for group in groups:
            into = into.setdefault(group, {})
        into[last] = self._typed(last, _read(text), place)

    def _typed(self, key: str, text: str, place: str) -> object:
        if key == "schema":
            return int(text) if text in {"1", "2", "3"} else text
        if key in _TRUTHS:
            if text.lower() in {"true", "false"}:
                return text.lower() == "true"
            self._note(place, "true or false", f"must be true or false; it is {shown(text)}")
            return False
        return text

    def _note(self, place: str, rule: str, say: str) -> None:
        if len(self.problems) < 200:
            self.problems.append(Problem(place, rule, f"{place} {say}" + ("" if say.endswith("?") else ".")))

    def _placed(self, problem: Problem) -> Problem:
        """The problem at the cell where its path stands; a path that stands nowhere keeps its name."""
        box = problem.box or ""
        say = _PATH.sub(lambda found: self._called(found, box), problem.say)
        return replace(problem, box=self.places.get(box, problem.box), say=say)

    def _called(self, found: re.Match[str], box: str) -> str:
        path = found.group()
        is_path = "[" in path or "." in path or (path == box and found.start() == 0)
        place = self.places.get(path) if is_path else None
        return f"{place} ({path.rpartition('.')[2].partition('[')[0]})" if place else path


def _read(text: str) -> str:
    return text[1:] if _MADE_SAFE.match(text) else text


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1) if len(name) <= 40 else []
    return f"; did you mean {close[0]}?" if close else "; remove it"
