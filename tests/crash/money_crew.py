"""A crew of hands on one site: each is a process that may be killed at any moment, and another one takes its place."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.crash.money_hand import LONGEST

__all__ = ["Crew", "Deed"]

KILLED = -9
_STARTS_IN_S = 60.0


@dataclass
class Deed:
    """What was asked of a hand and what it answered: done, refused, or eaten by a kill, so that nobody knows."""

    name: str
    told: Mapping[str, Any]
    mark: str
    fate: str = "eaten"
    answer: Any = None
    code: str = ""

    @property
    def done(self) -> bool:
        return self.fate == "done"


@dataclass
class Hand:
    """A process at work, and what it has not answered yet."""

    worker: Any
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    listening: "asyncio.Task[None] | None" = None
    dead: bool = False
    armed: str = ""


@dataclass
class Crew:
    """Those at work on one site. `wish` is what each of them is started with."""

    nursery: Any
    folder: Path
    wish: Mapping[str, Any]
    size: int
    hands: list[Hand] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    starts: int = 0
    errands: "list[asyncio.Task[None]]" = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """All of them begin."""
        while len(self.hands) < self.size:
            await self._begin()

    async def _begin(self, *, kill_after: float | None = None) -> None:
        """A new hand. One that is killed while it starts is none."""
        arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.get_running_loop().create_future()

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not arrived.done():
                arrived.set_result((reader, writer))

        door = self.folder / f"door{next(self._ids)}"
        server = await asyncio.start_unix_server(meet, door, limit=LONGEST)
        try:
            worker = self.nursery.raise_one(self.folder, {**self.wish, "door": str(door), "env": {}})
            self.starts += 1
            if kill_after is not None:
                await asyncio.sleep(kill_after)
                assert worker.kill() == KILLED
                self.kills["while it starts"] += 1
                return
            try:
                async with asyncio.timeout(_STARTS_IN_S):
                    reader, writer = await arrived
                    began = await reader.readline()
            except TimeoutError:
                began = b""
            assert began, f"a hand did not start: {worker.errors.read_text()[-2000:]}"
        finally:
            server.close()
        hand = Hand(worker, reader, writer)
        hand.listening = asyncio.create_task(self._listen(hand))
        self.hands.append(hand)

    async def _listen(self, hand: Hand) -> None:
        """Takes its answers until it is dead; what it did not answer then is eaten."""
        try:
            while (line := await hand.reader.readline()).endswith(b"\n"):
                said = json.loads(line)
                hand.waiting.pop(said["id"]).set_result(said)
        except ConnectionError:
            pass
        hand.dead = True
        for waits in hand.waiting.values():
            waits.set_result({"eaten": True})
        hand.writer.close()

    async def do(self, name: str, dice: Random, at: datetime, *, die: tuple[str, int] | None = None, **told: Any) -> Deed:
        """One deed by one of the hands, in the name of its own mark."""
        id = next(self._ids)
        deed = Deed(name, told, f"deed:{id}")
        self.deeds.append(deed)
        while not (alive := [each for each in self.hands if not each.dead]):
            async with self._lock:  # somebody brings the next one
                await asyncio.sleep(0)
        hand = dice.choice([each for each in alive if not (die and each.armed)] or alive)
        hand.armed = die[0] if die else hand.armed
        answer = hand.waiting[id] = asyncio.get_running_loop().create_future()
        line = {"id": id, "deed": name, "mark": deed.mark, "at": at.isoformat(), "told": told, "die": die}
        hand.writer.write(json.dumps(line).encode() + b"\n")
        said = await answer
        if "broke" in said:
            self.troubles.append(f"{name}: {said['broke']}")
        deed.fate = next(fate for fate in ("done", "refused", "eaten", "broke") if fate in said)
        deed.answer, deed.code = said.get("done"), f"{said.get('kind', '')}/{said.get('refused', '')}"
        if hand.dead:
            await self._replace(hand, dice)
        return deed

    async def kill(self, dice: Random) -> None:
        """kill -9 of one of them, in the middle of whatever it does."""
        alive = [each for each in self.hands if not each.dead and each.worker.code is None]
        if alive:
            hand = dice.choice([each for each in alive if each.waiting] or alive)
            assert hand.worker.kill() == KILLED
            self.kills["at a random moment"] += 1
            await self._replace(hand, dice)

    async def _replace(self, hand: Hand, dice: Random) -> None:
        """Another hand for one that is dead."""
        async with self._lock:
            if hand not in self.hands:
                return
            assert hand.listening is not None
            await hand.listening
            if hand.worker.code is None:
                assert hand.worker.end() == KILLED, hand.worker.errors.read_text()[-2000:]
                self.kills[f"at a boundary: {hand.armed}"] += 1
            if dice.random() < 0.15:
                await self._begin(kill_after=dice.uniform(0.0, 0.3))
            await self._begin()
            self.hands.remove(hand)

    async def power_cut(self) -> None:
        """Kills all of them at once."""
        await asyncio.gather(*self.errands)
        for hand in self.hands:
            if not hand.dead and hand.worker.code is None:
                assert hand.worker.kill() == KILLED
                self.kills["all at once"] += 1
        for hand in self.hands:
            assert hand.listening is not None
            await hand.listening
        self.hands.clear()

    async def close(self) -> None:
        """Lets them go home."""
        for hand in self.hands:
            hand.writer.close()
        for hand in self.hands:
            assert hand.listening is not None
            await hand.listening
            if hand.worker.code is None:
                hand.worker.end()
        self.hands.clear()
