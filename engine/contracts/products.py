"""Product specific rules from a CSV file, as a spreadsheet saves it: one rule a row, read whole or not at all.

The columns are scheme, hs_from, hs_to, rule, valid_from, valid_until, source, in any order. A rule is written as `WO`, `CC`,
`CTH`, `CTSH`, `VA 40` or `SO "melted and poured in a Party"`; `+` joins what must all be met, `or` what is alternative, and
`CTH but not 7206-7210, 7301` names codes from which a change does not count. Everything wrong is said by line and column,
with what mends it.
"""

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from heapq import heappop, heappush
from itertools import islice

from engine.contracts.product_rules import Condition, ProductRule, Require
from engine.errors import Problem, Refused

__all__ = ["COLUMNS", "overlap", "read_products", "read_rule"]

COLUMNS = ("scheme", "hs_from", "hs_to", "rule", "valid_from", "valid_until", "source")
_OPTIONAL = frozenset({"hs_to", "valid_from", "valid_until"})
_MOST_BYTES = 16_000_000
_MOST_SAID = 50
_CODE = re.compile(r"([0-9]{2}){1,5}\Z")
_SCHEME = re.compile(r"[A-Z0-9_]{1,20}\Z")
_FULL = 10
_Wrong = Callable[[str, str], None]  # called with a column and a sentence

_HOW = 'write WO, CC, CTH, CTSH, VA 40 or SO "words", joined with + or with or'
_TOKEN = re.compile(r'\s*(?:"([^"]*)"|([0-9]+(?:\.[0-9]+)?)|([A-Za-z]+)|([+,\-\u2013]))')


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule with the scheme it is for and the line it stands on."""

    line: int
    scheme: str
    rule: ProductRule


def read_products(data: bytes, where: str) -> Mapping[str, tuple[ProductRule, ...]]:
    """The rules of a file by scheme. Raises Refused with every problem; its box is `FILE, line N, column COLUMN`."""
    if len(data) > _MOST_BYTES:
        raise _refused(where, None, None, f"The file is larger than {_MOST_BYTES // 1_000_000} MB; split it.")
    problems: list[Problem] = []
    rows = [row for line, cells in _cells(data, where) if (row := _row(cells, line, where, problems)) is not None]
    if not problems:
        problems += islice(_overlaps(rows, where), _MOST_SAID)
    if problems:
        raise Refused.because(problems[:_MOST_SAID])
    by_scheme: dict[str, list[ProductRule]] = {}
    for row in rows:
        by_scheme.setdefault(row.scheme, []).append(row.rule)
    return {scheme: tuple(rules) for scheme, rules in by_scheme.items()}


def overlap(known: Iterable[ProductRule], more: Iterable[ProductRule]) -> tuple[ProductRule, ProductRule] | None:
    """Two rules of a scheme for one code on one day, one of each table; None if the tables go together."""
    rows = [_Row(line, "", rule) for line, rule in enumerate((*known, *more))]
    sweep = _Sweep()
    for row in sorted(rows, key=lambda row: (_low(row.rule), row.line)):
        for other in sweep.add(row):
            one, two = sorted((row, other), key=lambda each: each.line)
            return one.rule, two.rule
    return None


def read_rule(text: str) -> tuple[tuple[Condition, ...], ...]:
    """The ways of a rule as it is written. Raises ValueError saying what is wrong and where in the text."""
    return _Grammar(text).ways()


# --- the table ---------------------------------------------------------------------------------


def _cells(data: bytes, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Every row that is not empty, with the line it begins on, by column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        say = "This is not UTF-8 text; save the table as CSV UTF-8."
        raise _refused(where, line, None, say) from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        head = [cell.strip().lower() for cell in next(reader, [])]
        _check_head(head, where)
        last = reader.line_num
        for cells in reader:
            line, last = last + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                say = f"The row has {len(cells)} cells and the table {len(head)} columns; put a text with a {delimiter!r} in it into double quotes."
                raise _refused(where, line, None, say)
            yield line, {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
    except csv.Error as error:
        say = f"The table cannot be read: {error}; look at the double quotes of this row."
        raise _refused(where, reader.line_num, None, say) from error


def _check_head(head: list[str], where: str) -> None:
    wrong = [name for name in head if name not in COLUMNS] or [name for name in head if head.count(name) > 1]
    missing = [name for name in COLUMNS if name not in head and name not in _OPTIONAL]
    if wrong:
        say = f"{wrong[0]!r} is no column, or stands there twice; the columns are {', '.join(COLUMNS)}."
        raise _refused(where, 1, wrong[0], say)
    if missing:
        raise _refused(where, 1, missing[0], f"The column {missing[0]} is missing; the first line names the columns {', '.join(COLUMNS)}.")


def _row(cells: Mapping[str, str], line: int, where: str, problems: list[Problem]) -> _Row | None:
    """The rule of a row, or None with what is wrong with it added to the problems."""
    before = len(problems)

    def wrong(column: str, say: str) -> None:
        problems.append(_problem(where, line, column, say))

    scheme, source = cells["scheme"], cells["source"]
    if not _SCHEME.match(scheme):
        wrong("scheme", f"{scheme!r} is no code of a scheme; write it as the packs do, such as UAE.")
    if not source:
        wrong("source", "It is empty; say where the rule was read.")
    first = cells["hs_from"]
    last = cells.get("hs_to") or first
    for column, code in (("hs_from", first), *([("hs_to", last)] if last != first else [])):
        if not _CODE.match(code):
            wrong(column, _code_words(code))
    if len(problems) == before and (len(first) != len(last) or first > last):
        wrong("hs_to", f"{first} to {last} is no range; give two codes of one length, the smaller one first.")
    ways = _ways(cells["rule"], wrong)
    since, until = _date(cells.get("valid_from", ""), "valid_from", wrong), _date(cells.get("valid_until", ""), "valid_until", wrong)
    if since and until and since > until:
        wrong("valid_until", f"It ends on {until.isoformat()}, before it begins on {since.isoformat()}.")
    if len(problems) > before:
        return None
    text = " ".join(cells["rule"].split())
    return _Row(
        line, scheme, ProductRule(hs_from=first, hs_to=last, text=text, ways=ways, source=source, valid_from=since, valid_until=until)
    )


def _code_words(code: str) -> str:
    if code.isascii() and code.isdigit() and len(code) % 2:
        return f"{code} has {len(code)} digits; an HS code has 2, 4, 6, 8 or 10. Where a spreadsheet dropped a zero, write 0{code} as text."
    return f"{code!r} is no HS code; write 2, 4, 6, 8 or 10 digits without dots."


def _ways(text: str, wrong: _Wrong) -> tuple[tuple[Condition, ...], ...]:
    try:
        return read_rule(text)
    except ValueError as error:
        wrong("rule", f"{error}; {_HOW}.")
        return ()


def _date(text: str, column: str, wrong: _Wrong) -> date | None:
    if not text:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    wrong(column, f"{text!r} is no day; write it as 2026-04-01.")
    return None


def _overlaps(rows: Iterable[_Row], where: str) -> Iterator[Problem]:
    """Two rules for one code of a scheme on one day."""
    sweeps: dict[str, _Sweep] = {}
    for row in sorted(rows, key=lambda row: (_low(row.rule), row.line)):
        for other in sweeps.setdefault(row.scheme, _Sweep()).add(row):
            one, two = sorted((row, other), key=lambda each: each.line)
            say = (
                f"It is for HS {two.rule.codes} of {row.scheme}, and line {one.line} is for HS {one.rule.codes} on the same days; "
                "make the ranges or the dates of one of them end where the other begins."
            )
            yield _problem(where, two.line, "hs_from", say)


class _Sweep:
    """The rules whose codes reach the code that is looked at, in the order of their days, of which no two share one.

    Rows come by their first code. A row that shares a day with one that is there is told and left out, so that each row is
    compared with its neighbours in time alone.
    """

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._ends: list[tuple[str, int, _Row]] = []

    def add(self, row: _Row) -> Iterator[_Row]:
        """The rows that the new one shares a code and a day with."""
        while self._ends and self._ends[0][0] < _low(row.rule):
            past = heappop(self._ends)[2]
            del self._rows[bisect_left(self._rows, _since(past), key=_since)]
        at = bisect_left(self._rows, _since(row), key=_since)
        free = True
        for other in (self._rows[place] for place in range(max(at - 1, 0), len(self._rows))):
            if _same_days(row.rule, other.rule):
                free = False
                yield other
            elif _since(other) > _since(row):
                break
        if free:
            self._rows.insert(at, row)
            heappush(self._ends, (_high(row.rule), row.line, row))


def _since(row: _Row) -> date:
    return row.rule.valid_from or date.min


def _low(rule: ProductRule) -> str:
    return rule.hs_from.ljust(_FULL, "0")


def _high(rule: ProductRule) -> str:
    return rule.hs_to.ljust(_FULL, "9")


def _same_days(one: ProductRule, two: ProductRule) -> bool:
    since = max(one.valid_from or date.min, two.valid_from or date.min)
    return since <= min(one.valid_until or date.max, two.valid_until or date.max)


def _problem(where: str, line: int | None, column: str | None, say: str) -> Problem:
    place = ", ".join([where, *([f"line {line}"] if line else []), *([f"column {column}"] if column else [])])
    return Problem(place, "table of product rules", f"{place}: {say}")


def _refused(where: str, line: int | None, column: str | None, say: str) -> Refused:
    return Refused.because([_problem(where, line, column, say)])


# --- the grammar of a rule ---------------------------------------------------------------------


class _Grammar:
    """Reads a rule token by token: ways joined with `or`, conditions joined with `+`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def ways(self) -> tuple[tuple[Condition, ...], ...]:
        found = [self._way()]
        while self._takes("or"):
            found.append(self._way())
        if self._text[self._at :].strip():
            raise self._wrong(f"{self._text[self._at :].strip()!r} is not understood")
        return tuple(found)

    def _way(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._takes("+"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        before = self._at
        word = self._next()
        try:
            require = Require(word or "")
        except ValueError:
            self._at = before
            raise self._wrong(f"{word!r} asks for nothing that is known" if word else "The rule ends too early") from None
        match require:
            case Require.VA:
                return Condition(require=require, pct=self._percentage())
            case Require.SO:
                return Condition(require=require, operation=self._operation())
            case Require.WO:
                return Condition(require=require)
            case _:
                return Condition(require=require, but_not=self._exceptions())

    def _percentage(self) -> str:
        number = self._next()
        if not number or not number[0].isdigit() or not 0 < Decimal(number) <= 100:
            raise self._wrong("VA needs a percentage above 0 and at most 100, such as VA 40")
        return number

    def _operation(self) -> str:
        words = self._next(quoted=True)
        if not words or not words.strip():
            raise self._wrong('SO needs the operation in double quotes, such as SO "melted and poured in a Party"')
        return " ".join(words.split())

    def _exceptions(self) -> tuple[tuple[str, str], ...]:
        if not self._takes("but"):
            return ()
        if not self._takes("not"):
            raise self._wrong("`but` goes with `not` and codes, such as CTH but not 7206-7210")
        found = [self._span()]
        while self._takes(","):
            found.append(self._span())
        return tuple(found)

    def _span(self) -> tuple[str, str]:
        first = self._code()
        last = self._code() if self._takes("-") or self._takes("\u2013") else first
        if len(first) != len(last) or first > last:
            raise self._wrong(f"{first}-{last} is no range of codes: two of one length, the smaller one first")
        return first, last

    def _code(self) -> str:
        code = self._next() or ""
        if not _CODE.match(code):
            raise self._wrong(f"{code!r} is no HS code of 2, 4, 6, 8 or 10 digits" if code else "A code is missing")
        return code

    def _takes(self, word: str) -> bool:
        """Whether the next token is this word; then it is passed."""
        before = self._at
        if self._next() == word:
            return True
        self._at = before
        return False

    def _next(self, *, quoted: bool = False) -> str | None:
        """The next token, or None at the end and where nothing is understood; a text in quotes only where it is asked for."""
        found = _TOKEN.match(self._text, self._at)
        if found is None or (found[1] is not None) != quoted:
            return None
        self._at = found.end()
        return found[1] if quoted else found[2] or found[3] or found[4]

    def _wrong(self, say: str) -> ValueError:
        at = len(self._text) - len(self._text[self._at :].lstrip())
        return ValueError(f"{say} (at character {at + 1} of {self._text!r})")
