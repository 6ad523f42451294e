"""What every template pack promises: its example is a good application, and every page it makes is right."""

from datetime import date
from functools import partial
from uuid import UUID

from engine.contracts.drawing import Drawing
from engine.contracts.form import Form
from engine.contracts.origin import Outcome
from engine.contracts.signing import Signatory, X509Chain
from engine.drawing import DrawingRoom
from engine.errors import Refused
from engine.filing import read
from engine.filing.examine import examine
from engine.issuing.frozen import freeze
from engine.people import Enrolled
from engine.promises.promise import Promise, demand, keep
from engine.registry import Registry

__all__ = ["promises"]

_CODE = "A" + "A234567BCDEFGHIJKLMNOPQRST"
_URL = "http://127.0.0.1:8000"
_NOBODY = UUID(int=0)


async def promises(form: Form, registry: Registry, room: DrawingRoom, today: date) -> list[Promise]:
    """Each promise of one form version and whether it was kept."""
    tried = _Tried(form, registry, room, today)
    return [
        await keep(name, partial(vow))
        for name, vow in (
            ("it names its sources", tried.sources),
            ("it has every box once", tried.boxes),
            ("its example is read", tried.example),
            ("its example has no problems", tried.problems),
            ("its example's origin is decided", tried.origin),
            ("its example is drawn and inspected", tried.drawn),
            ("the same input gives the same bytes", tried.same),
            ("each leaf is drawn", tried.leaves),
        )
    ]


class _Tried:
    def __init__(self, form: Form, registry: Registry, room: DrawingRoom, today: date) -> None:
        self.form, self.registry, self.room, self.today = form, registry, room, today

    async def sources(self) -> None:
        demand(bool(self.form.sources), "form.toml lists no sources; say where the form stands.")

    async def boxes(self) -> None:
        numbers = [box.no for box in self.form.boxes]
        demand(len(set(numbers)) == len(numbers), f"a box number appears twice: {numbers}")
        demand(any(box.in_rows for box in self.form.boxes), "no box is a column of the goods table")

    async def example(self) -> None:
        demand(bool(self.form.example), "the pack has no example.json")
        read(self.form.example)

    async def problems(self) -> None:
        found = examine(read(self.form.example), self.registry, self.today).problems
        demand(not found, found[0].say if found else "")

    async def origin(self) -> None:
        finding = examine(read(self.form.example), self.registry, self.today).finding
        demand(
            finding is not None and finding.outcome is Outcome.PASSES, f"the origin check says {finding.outcome if finding else 'nothing'}"
        )

    async def drawn(self) -> None:
        await self._draw(None)

    async def same(self) -> None:
        first, second = await self._draw(None), await self._draw(None)
        demand(first.sha256 == second.sha256, "two drawings of the same input differ")

    async def leaves(self) -> None:
        for leaf in self.form.leaves:
            await self._draw(leaf.name)

    async def _draw(self, leaf: str | None) -> Drawing:
        application = read(self.form.example)
        finding, filled = examine(application, self.registry, self.today).require()
        enrolled = Enrolled(
            id=_NOBODY,
            signer="promise",
            signatory=Signatory("0", application.declaration.name, "0"),
            chain=X509Chain(b"promise"),
            live=True,
        )
        frozen = freeze(
            application, version=1, form=self.form, finding=finding, filled=filled, office=None, officer=None, enrolled=enrolled, demo=True,
            replaced_on=self.today,
        )  # fmt: skip
        request = frozen.request(
            self.form, number="EIA/2026/MUM/0000000X", code=_CODE, public_url=_URL, on=self.today, stamp=None, appearance=None, leaf=leaf
        )
        try:
            return await self.room.draw(request)
        except Refused as refusal:
            demand(False, refusal.say)
            raise
