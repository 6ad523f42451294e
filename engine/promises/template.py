"""What every template pack promises: its example is a good application, and every page it makes is right.

Also tries what the example does not reach: every ground of origin that the scheme lists, the words of every kind of
certificate, and a shipment too long for one page.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property, partial
from math import ceil
from uuid import UUID

from msgspec.structs import replace

from engine.application import Application, IssuerKind, Item, Kind
from engine.contracts.drawing import Drawing
from engine.contracts.form import Form
from engine.contracts.origin import Outcome
from engine.contracts.sheet import Part
from engine.contracts.signing import Signatory, X509Chain
from engine.drawing import DrawingRoom
from engine.errors import PluginError, Refused
from engine.filing import check, endorsement, fill, find_origin, read
from engine.issuing.frozen import freeze
from engine.people import Enrolled, OfficeHere, OfficerHere
from engine.promises.promise import Broken, Promise, demand, keep

__all__ = ["promises"]

_NUMBER = "EIA/2026/MUM/0000000X"
_CODE = "A" + "A234567BCDEFGHIJKLMNOPQRST"
_URL = "http://127.0.0.1:8000"
_NOBODY = UUID(int=0)
_OFFICE = OfficeHere(_NOBODY, "MUM", "Regional Office", "Mumbai", _NOBODY, "EIA", "An Issuing Agency", None, 0)
_OFFICER = OfficerHere(_NOBODY, _NOBODY, _NOBODY, "An Officer", "Assistant Director", "officer@agency.example", True, None, 0)
_LONG = 45
"""Goods lines that no first page holds."""

_WORDED = re.compile(r"\{wording\.([a-z_0-9]+)\}")
_MARK = re.compile(r"\{\w+\}")
# What drawing and filing look up by themselves.
_OWN_WORDING = frozenset({"electronic_copy", "total", "continued_below", *(f"endorsement_{kind.value.replace('-', '_')}" for kind in Kind)})


async def promises(form: Form, room: DrawingRoom, today: date) -> list[Promise]:
    """Each promise of one form version and whether it was kept, without what other plugins check or word.

    A version that is not in force today is tried on the nearest day on which it is.
    """
    day = max(today, form.effective_from or today)
    tried = _Tried(form, room, min(day, form.effective_until or day))
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
            ("each of its kinds has its words", tried.kinds),
            ("its example is drawn and inspected", tried.drawn),
            ("the same input gives the same bytes", tried.same),
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
        """A test or a limit that is missing shows only when somebody claims that ground, so every ground is claimed."""
        for criterion in self.form.origin.criteria:
            for item in self.example.items:
                claimed = replace(item, origin=replace(item.origin, criterion=criterion.code))
                for kind in (Kind.NEW, Kind.BACK_TO_BACK):
                    find_origin(replace(self.example, kind=kind, items=(claimed,)), self.form)

    async def kinds(self) -> None:
        for kind in map(Kind, self.form.kinds):
            replaces = _NUMBER if kind in (Kind.IN_LIEU, Kind.DUPLICATE) else None
            words = endorsement(
                replace(self.example, kind=kind, replaces=replaces), self.form, replaced_on=self.today if replaces else None
            )
            demand(not _MARK.search(words), f"the words of kind {kind.value} keep a mark that nobody fills: {words}")

    async def drawn(self) -> None:
        await self._draw(self.example)

    async def same(self) -> None:
        first, second = await self._draw(self.example), await self._draw(self.example)
        demand(first.sha256 == second.sha256, "two drawings of the same input differ")

    async def long(self) -> None:
        items: tuple[Item, ...] = (self.example.items * ceil(_LONG / len(self.example.items)))[:_LONG]
        drawing = await self._draw(replace(self.example, items=items))
        demand(drawing.pages > 1, f"{_LONG} lines of goods were drawn on one page")

    async def leaves(self) -> None:
        for leaf in self.form.leaves:
            await self._draw(self.example, leaf.name)

    async def _draw(self, application: Application, leaf: str | None = None) -> Drawing:
        finding = find_origin(application, self.form)
        by_agency = application.issuer_kind is IssuerKind.AGENCY
        enrolled = Enrolled(_NOBODY, "promise", Signatory("0", application.declaration.name, "0"), X509Chain(b"promise"), live=True)
        frozen = freeze(
            application,
            version=1,
            form=self.form,
            finding=finding,
            filled=fill(application, self.form, finding),
            office=_OFFICE if by_agency else None,
            officer=_OFFICER if by_agency else None,
            enrolled=enrolled,
            demo=True,
            replaced_on=self.today,
        )
        request = frozen.request(
            self.form, number=_NUMBER, code=_CODE, public_url=_URL, on=self.today, stamp=None, appearance=None, leaf=leaf
        )
        try:
            return await self.room.draw(request)
        except (Refused, PluginError) as refusal:
            raise Broken(refusal.say) from refusal


def _texts(form: Form) -> Iterator[str]:
    """Every text that the form's sheet may print."""
    sheet = form.sheet.geometry
    parts: tuple[Part, ...] = (sheet.every, sheet.first, sheet.continued, sheet.closing)
    return (text.say for part in parts for text in part.texts)
