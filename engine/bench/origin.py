"""The origin check at its largest: a cost sheet of a thousand inputs, tried on every scheme at once. And how drawing grows with the goods."""

import gc
import statistics
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from msgspec.structs import replace

from engine.application import Quantity
from engine.contracts.form import Form
from engine.cost_sheet import CostSheet, Maker, Product, SheetCosts, SheetInput
from engine.drawing import DrawingRoom
from engine.filing import read
from engine.filing.origin import find_elsewhere, goods_of_sheet
from engine.registry import load
from engine.templating.sample import sample_request

__all__ = ["Origin", "measure_origin", "through_growth"]

INPUTS = 1000
_COUNTRIES = ("IN", "CN", "DE", "JP", "KR", "TH", "US", "VN", "AE", "LK")
_FEW, _MANY = 25, 200


@dataclass(frozen=True, slots=True)
class Origin:
    """Milliseconds to try the sheet on all `schemes`, the median of the rounds, and MiB that one check holds at most."""

    ms: float
    peak_mib: float
    schemes: int


def measure_origin(today: date, *, rounds: int) -> Origin:
    """From the sheet as data to every scheme's verdict; the forms are read before."""
    forms = load().in_force(today)
    sheet = _sheet()
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        find_elsewhere(goods_of_sheet(sheet, on=today), forms)
        spent.append(1000 * (time.perf_counter() - start))
    gc.collect()
    tracemalloc.start()
    try:
        find_elsewhere(goods_of_sheet(sheet, on=today), forms)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Origin(statistics.median(spent), peak / 2**20, len(forms))


async def through_growth(forms: Sequence[Form], today: date, *, rounds: int, memory_mib: int) -> float:
    """How many times longer 200 goods take to draw than 25, divided by 8: above 1 it grows worse than linearly. The worst form's median."""
    room = DrawingRoom(processes=1, timeout_s=60, memory_mib=memory_mib)
    worst = 0.0
    try:
        await room.start()
        for form in forms:
            ratios = []
            for _ in range(rounds):
                few, many = [await _drawn(room, form, today, count) for count in (_FEW, _MANY)]
                ratios.append(many / few * _FEW / _MANY)
            worst = max(worst, statistics.median(ratios))
    finally:
        await room.close()
    return worst


async def _drawn(room: DrawingRoom, form: Form, today: date, count: int) -> float:
    example = read(form.example)
    items = (example.items * ceil(count / len(example.items)))[:count]
    request = sample_request(form, replace(example, items=items), today)
    start = time.perf_counter()
    await room.draw(request)
    return time.perf_counter() - start


def _sheet() -> CostSheet:
    inputs = tuple(
        SheetInput(
            description=f"Part {number}",
            hs=f"{39 + number % 38:02d}{number % 90 + 10:02d}{number % 80 + 10:02d}",
            country=_COUNTRIES[number % len(_COUNTRIES)],
            value=f"{10 + number % 37}.{number % 100:02d}",
            originating=number % len(_COUNTRIES) == 0,
            weight_kg="0.25",
        )
        for number in range(INPUTS)
    )
    return CostSheet(
        schema=1,
        product=Product(description="A machine of many parts", hs="847990"),
        maker=Maker(name="A MAKER", address="Pune"),
        currency="USD",
        quantity=Quantity(value="1", unit="PCS"),
        fob="49477.00",
        ex_works="47477.00",
        net_weight_kg="300",
        inputs=inputs,
        costs=SheetCosts(direct_labour="9000.00", direct_overhead="6000.00", profit="4000.00", freight_to_port="2000.00"),
        operations=("assembling", "testing"),
    )
