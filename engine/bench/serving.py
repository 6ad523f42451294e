"""Verification over HTTP: the whole application of a site, asked by code and by number beside a bare answer of the same server.

The register is filled by direct inserts into a throw-away database, with rows like an issued one.
"""

import contextlib
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen
from uuid import uuid4

from engine.bench.load import Load, client, load
from engine.certificate import format_number, new_code, number_key
from engine.errors import PluginError

__all__ = ["LookUps", "Register", "Served", "example_row", "fill", "measure_look_ups"]

WAYS = ("code", "number")
_ASKED = 5000
_START_S = 60.0
_STOP_S = 15.0
_OWN = {"id", "application", "live_key", "approval"}


@dataclass(frozen=True, slots=True)
class Register:
    """A filled site: its engine.toml, its port, a key of its API, and some numbers and codes to ask for."""

    rows: int
    config: Path
    port: int
    key: str
    numbers: Sequence[str]
    codes: Sequence[str]

    def ask(self, way: str, *, seconds: float, folder: Path) -> Load:
        """Look-ups in one of WAYS: by code anybody may ask, by number only the holder of a key."""
        asked, key = (self.codes, None) if way == "code" else (self.numbers, self.key)
        paths = [f"/api/v1/verify?{way}={quote(word, safe='')}" for word in asked]
        return load(self.port, paths, key=key, seconds=seconds, folder=folder)


@dataclass(frozen=True, slots=True)
class LookUps:
    """One way to look up: the load by how many rows the register has, each round's ratio to the bare answer, its flatness."""

    by_rows: Mapping[int, Load]
    to_bare: Mapping[int, float]
    flat: float | None

    @classmethod
    def of(cls, loads: Mapping[int, Sequence[Load]], bare: Sequence[float]) -> "LookUps":
        """Medians of each figure; ratios are medians of each round's own."""
        rates = {rows: [one.per_second for one in each] for rows, each in loads.items()}
        least, most = min(rates), max(rates)
        return cls(
            {rows: _median(each) for rows, each in loads.items()},
            {rows: _ratio(each, bare) for rows, each in rates.items()},
            _ratio(rates[most], rates[least]) if most > least else None,
        )

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded to what they mean."""
        found = {
            str(rows): {
                "per_second": round(one.per_second),
                "p50_ms": round(one.p50_ms, 2),
                "p99_ms": round(one.p99_ms, 2),
                "to_bare": round(self.to_bare[rows], 3),
            }
            for rows, one in self.by_rows.items()
        }
        return {"rows": found, "flat": round(self.flat, 3) if self.flat is not None else None}


@dataclass(frozen=True, slots=True)
class Served:
    """Who asked, the bare answers a second, and the look-ups in each of WAYS."""

    client: str
    bare: float
    look_ups: Mapping[str, LookUps]

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded to what they mean."""
        return {
            "client": self.client,
            "bare_per_second": round(self.bare),
            **{f"by_{way}": each.as_json() for way, each in self.look_ups.items()},
        }


def example_row(database: Path) -> dict[str, Any]:
    """An issued certificate's row, to fill registers with its like."""
    with contextlib.closing(sqlite3.connect(database)) as rows:
        rows.row_factory = sqlite3.Row
        found = rows.execute("SELECT * FROM certificate WHERE state = 'issued' LIMIT 1").fetchone()
    if found is None:
        raise PluginError("There is no issued certificate whose like the register could be filled with.")
    return dict(found)


def fill(database: Path, like: Mapping[str, Any], count: int) -> tuple[list[str], list[str]]:
    """Puts `count` certificates into an empty register and gives numbers and codes of some of them, to ask for."""
    columns = ", ".join(f'"{name}"' for name in like)
    marks = ", ".join("?" for _ in like)
    asked = set(random.Random(7).sample(range(1, count + 1), min(count, _ASKED)))  # noqa: S311  # the same ones each time
    numbers: list[str] = []
    codes: list[str] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for serial in range(1, count + 1):
            row = _row(like, serial)
            if serial in asked:
                numbers.append(row["number"])
                codes.append(row["code"])
            yield tuple(row.values())

    with contextlib.closing(sqlite3.connect(database)) as register:
        register.execute("PRAGMA synchronous=OFF")
        with register:
            register.executemany(f"INSERT INTO certificate ({columns}) VALUES ({marks})", rows())  # noqa: S608  # our own columns
        register.execute("ANALYZE")
    return numbers, codes


def _row(like: Mapping[str, Any], serial: int) -> dict[str, Any]:
    number = format_number("{agency}/{year}/{office}/{serial:07d}{check}", agency="EIA", year=2026, office="MUM", serial=serial, scheme="")
    own = {name: str(uuid4()) for name in _OWN}
    return {**like, **own, "number": number, "number_key": number_key(number), "code": new_code(), "serial": serial}


def measure_look_ups(registers: Sequence[Register], *, rounds: int, seconds: float, folder: Path) -> Served:
    """Starts every server, asks them in turn, and stops them."""
    bare: list[float] = []
    found: dict[str, dict[int, list[Load]]] = {way: {one.rows: [] for one in registers} for way in WAYS}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(_running([sys.executable, "-m", "engine.bench.bare", str(port)], port, folder / "bare.log"))
        for one in registers:
            command = [sys.executable, "-c", "from engine.cli import main; main()", "serve", "--config", str(one.config)]
            stack.enter_context(_running(command, one.port, folder / f"serve-{one.rows}.log"))
        for turn in range(rounds + 1):  # the first one warms up
            answers = load(port, ["/"], key=None, seconds=seconds, folder=folder)
            looked = [(way, one.rows, one.ask(way, seconds=seconds, folder=folder)) for one in registers for way in WAYS]
            if turn:
                bare.append(answers.per_second)
                for way, rows, each in looked:
                    found[way][rows].append(each)
    return Served(client(), statistics.median(bare), {way: LookUps.of(loads, bare) for way, loads in found.items()})


def _median(loads: Sequence[Load]) -> Load:
    """Each figure's own median."""
    middle = statistics.median
    return Load(middle(one.per_second for one in loads), middle(one.p50_ms for one in loads), middle(one.p99_ms for one in loads))


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A server that is up, and ends with the block, however the block ends."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ECOO_") and name != "PORT"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, env=environ)
    try:
        _wait_for(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace")[-500:]
    raise PluginError(f"A server of the benchmark did not start; it said: {said or 'nothing'}")
