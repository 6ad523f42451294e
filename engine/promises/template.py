"""What every template pack promises: its example is a good application, and every page it makes is right.

Also tries what the example does not reach: every ground of origin that the scheme lists, the words of every kind of
certificate, and a shipment too long for one page.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property, partial
from math import ceil

from msgspec.structs import replace

from engine.application import Application, Item, Kind
from engine.contracts.drawing import Drawing
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Outcome
from engine.contracts.sheet import Part
from engine.drawing import DrawingRoom
from engine.errors import PluginError, Refused
from engine.filing import check, endorsement, find_origin, read
from engine.promises.promise import Broken, Promise, demand, keep
from engine.templating.judging import RemarkKind, judge
from engine.templating.longest import longest
from engine.templating.previewing import day_of
from engine.templating.sample import NUMBER, sample_request

__all__ = ["promises"]

_LONG = 45
"""Goods lines that no first page holds."""

_WORDED = re.compile(r"\{wording\.([a-z_0-9]+)\}")
_MARK = re.compile(r"\{\w+\}")
_PRINTED = {"{content}", "{nom}"}
# What drawing and filing look up by themselves.
_OWN_WORDING = frozenset({"electronic_copy", "total", "continued_below", *(f"endorsement_{kind.value.replace('-', '_')}" for kind in Kind)})


async def promises(form: Form, room: DrawingRoom, today: date) -> list[Promise]:
    """Each promise of one form version and whether it was kept, without what other plugins check or word.

    A version that is not in force today is tried on the nearest day on which it is.
    """
    tried = _Tried(form, room, day_of(form, today))
    return [
        await keep(name, partial(vow))
        for name, vow in (
            ("it names its sources", tried.sources),
            ("it has a column of goods", tried.boxes),
            ("its sheet prints each of its words", tried.wording),
            ("its example is read", tried.example_is_read),
            ("its example has no problems", tried.problems),
            ("its example's origin is decided", tried.origin),
            ("each of its criteria can be tried", tried.criteria),
            ("it does not contradict itself", tried.contradictions),
            ("each of its kinds has its words", tried.kinds),
            ("its example is drawn and inspected", tried.drawn),
            ("the same input gives the same bytes", tried.same),
            ("every box at its longest is drawn and inspected", tried.longest),
            ("a long shipment goes on over the page", tried.long),
            ("each leaf is drawn", tried.leaves),
        )
    ]


class _Tried:
    def __init__(self, form: Form, room: DrawingRoom, today: date) -> None:
        self.form, self.room, self.today = form, room, today

    @cached_property
    def example(self) -> Application:
        demand(bool(self.form.example), "the pack has no example.json")
        return read(self.form.example)

    async def sources(self) -> None:
        demand(bool(self.form.sources), "form.toml lists no sources; say where the form stands.")

    async def boxes(self) -> None:
        demand(any(box.in_rows for box in self.form.boxes), "no box is a column of the goods table")

    async def wording(self) -> None:
        printed = {key for text in _texts(self.form) for key in _WORDED.findall(text)}
        unread = sorted(set(self.form.wording) - printed - _OWN_WORDING)
        demand(not unread, f"[wording] gives {', '.join(unread)}, which the sheet {self.form.sheet.name} never prints.")

    async def example_is_read(self) -> None:
        demand(self.example.scheme == self.form.scheme, f"example.json is for {self.example.scheme}, not for {self.form.scheme}.")

    async def problems(self) -> None:
        found = check(self.example, self.form, today=self.today)
        demand(not found, found[0].say if found else "")

    async def origin(self) -> None:
        outcome = find_origin(self.example, self.form).outcome
        demand(outcome is Outcome.PASSES, f"the origin check says {outcome}")

    async def criteria(self) -> None:
        """What is wrong with a ground may show only when somebody claims it, so every ground is claimed."""
        for criterion in self.form.origin.criteria:
            marks = set(_MARK.findall(criterion.as_printed)) - _PRINTED
            demand(not marks, f"{criterion.code} is printed with {', '.join(sorted(marks))}, which nobody fills.")
            for item in self.example.items:
                claimed = replace(item, origin=replace(item.origin, criterion=criterion.code))
                for kind in (Kind.NEW, Kind.BACK_TO_BACK):
                    find_origin(replace(self.example, kind=kind, items=(claimed,)), self.form)

    async def contradictions(self) -> None:
        found = [remark for remark in judge(self.form, self.today) if remark.kind is RemarkKind.CONTRADICTION]
        demand(not found, f"{found[0].where}: {found[0].say}" if found else "")

    async def kinds(self) -> None:
        for kind in map(Kind, self.form.kinds):
            replaces = NUMBER if kind in (Kind.IN_LIEU, Kind.DUPLICATE) else None
            words = endorsement(
                replace(self.example, kind=kind, replaces=replaces), self.form, replaced_on=self.today if replaces else None
            )
            demand(not _MARK.search(words), f"the words of kind {kind.value} keep a mark that nobody fills: {words}")

    async def drawn(self) -> None:
        await self._draw(self.example)

    async def same(self) -> None:
        first, second = await self._draw(self.example), await self._draw(self.example)
        demand(first.sha256 == second.sha256, "two drawings of the same input differ")

    async def longest(self) -> None:
        await self._draw(self.example, filled=longest(self.form, len(self.example.items)))

    async def long(self) -> None:
        items: tuple[Item, ...] = (self.example.items * ceil(_LONG / len(self.example.items)))[:_LONG]
        drawing = await self._draw(replace(self.example, items=items))
        demand(drawing.pages > 1, f"{_LONG} lines of goods were drawn on one page")

    async def leaves(self) -> None:
        for leaf in self.form.leaves:
            await self._draw(self.example, leaf.name)

    async def _draw(self, application: Application, leaf: str | None = None, filled: Filled | None = None) -> Drawing:
        request = sample_request(self.form, application, self.today, leaf=leaf, filled=filled)
        try:
            return await self.room.draw(request)
        except (Refused, PluginError) as refusal:
            raise Broken(refusal.say) from refusal


def _texts(form: Form) -> Iterator[str]:
    """Every text that the form's sheet may print."""
    sheet = form.sheet.geometry
    parts: tuple[Part, ...] = (sheet.every, sheet.first, sheet.continued, sheet.closing)
    return (text.say for part in parts for text in part.texts)
