"""The queue starts what nobody started, once, and tells the plugins until they have heard."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from engine.application import Application
from engine.drawing import DrawingRoom
from engine.errors import PluginError
from engine.issuing import queue
from engine.issuing.tables import ApprovalRow
from engine.jobs import run_key
from engine.store import uow
from engine.store.tables import Announcement

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Runs:
    """A job engine's memory: which runs are under way, which are over."""

    def __init__(self) -> None:
        self.busy: set[str] = set()
        self.over: set[str] = set()
        self.started: list[str] = []

    async def under_way(self, job: str) -> set[str]:
        return self.busy

    async def is_over(self, job: str, id: str, run: int) -> bool:
        return run_key(job, id, run) in self.over

    async def enqueue(self, job: str, id: str, run: int) -> str:
        key = run_key(job, id, run)
        self.busy.add(key)
        self.started.append(key)
        return key


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def test_what_is_queued_is_started_once_while_its_run_is_under_way(walk, application: Application) -> None:
    _, approval = await walk.approve(application)
    runs = Runs()
    assert [await queue.sweep(walk.clock.now(), runs) for _ in range(3)] == [1, 0, 0]
    assert runs.started == [run_key(queue.JOB, str(approval), 0)]


async def test_a_run_that_ended_without_an_end_is_followed_by_another(walk, application: Application) -> None:
    _, approval = await walk.approve(application)
    runs = Runs()
    await queue.sweep(walk.clock.now(), runs)
    runs.over, runs.busy = set(runs.busy), set()
    await queue.sweep(walk.clock.now(), runs)
    assert runs.started == [run_key(queue.JOB, str(approval), run) for run in (0, 1)]


async def test_a_job_engine_that_lost_its_memory_is_told_again(walk, application: Application) -> None:
    _, approval = await walk.approve(application)
    await queue.sweep(walk.clock.now(), Runs())
    runs = Runs()
    assert await queue.sweep(walk.clock.now(), runs) == 1
    assert runs.started == [run_key(queue.JOB, str(approval), 0)]


async def test_what_is_held_back_waits_longer_each_time_until_a_person_says_now(
    walk, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, approval = await walk.approve(application)
    walk.clock.still = AT

    async def fail(self: DrawingRoom, request: object) -> None:
        raise PluginError("The sheet is broken.")

    monkeypatch.setattr(DrawingRoom, "draw", fail)
    waits = []
    for _ in range(12):
        held = await walk.run(approval)
        assert (held.over, held.problem) == (False, "The sheet is broken.")
        row = await ApprovalRow.select(ApprovalRow.wait_until, ApprovalRow.runs).first()
        waits.append((row["wait_until"] - AT).total_seconds())
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    runs = Runs()
    assert await queue.sweep(AT, runs) == 0
    await queue.start_again(approval)
    assert (await queue.outcome(approval)).problem == ""
    assert await queue.sweep(AT, runs) == 1


async def test_hundreds_that_wait_for_a_person_do_not_keep_a_new_one_from_starting(
    walk, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_AT_ONCE", 3)
    for _ in range(5):
        await walk.approve(application)
    async with uow():
        await ApprovalRow.update({ApprovalRow.wait_until: walk.clock.now() + timedelta(days=3650)}, force=True)
    _, approval = await walk.approve(application)
    runs = Runs()
    assert await queue.sweep(walk.clock.now(), runs) == 1
    assert runs.started == [run_key(queue.JOB, str(approval), 0)]


async def test_a_database_that_fails_inside_a_step_never_escapes_from_it(
    walk, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, approval = await walk.approve(application)

    def broken(*_: object, **__: object) -> None:
        raise ConnectionError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(ApprovalRow, "select", broken)
        for name in ("number", "draw", "intend", "sign", "finish"):
            assert await walk.step(name, approval) == "stop"
    assert (await walk.until_over(approval)).issued


class Listening:
    """A registry with one listener, deaf for a while."""

    def __init__(self, deaf: int) -> None:
        self.deaf, self.heard = deaf, []

    def listeners(self, topic: str):
        return [("guest", self._listen)]

    def _listen(self, **payload: str) -> None:
        if self.deaf:
            self.deaf -= 1
            raise RuntimeError("not now")
        self.heard.append(payload)


async def announce_one(at: datetime) -> None:
    async with uow():
        await Announcement.insert(Announcement(topic="coo_certificate_issued", payload='{"number": "1"}', made_at=at, due_at=at))


async def test_a_plugin_that_fails_is_told_again_later_and_then_no_more(walk) -> None:
    registry = Listening(deaf=3)
    await announce_one(AT)
    moment, told = AT, 0
    for _ in range(40):
        told += await queue.announce(registry, moment)
        moment += timedelta(seconds=1)
    assert registry.heard == [{"number": "1"}]
    assert told == 4
    row = await Announcement.select(Announcement.tries, Announcement.last_error, Announcement.told_at).first()
    assert (row["tries"], row["last_error"]) == (4, "")
    assert row["told_at"] is not None


async def test_a_plugin_that_never_hears_keeps_nobody_else_from_hearing(walk) -> None:
    deaf = Listening(deaf=10**6)
    for _ in range(150):
        await announce_one(AT)
    for _ in range(3):
        await queue.announce(deaf, AT)
    await announce_one(AT + timedelta(seconds=1))
    fresh = Listening(deaf=0)
    await queue.announce(fresh, AT + timedelta(seconds=1))
    assert len(fresh.heard) == 1


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
async def test_of_two_workers_one_tells_it_and_another_time_only_if_that_one_died(walk) -> None:
    telling, free = threading.Event(), threading.Event()

    def listen(**_: str) -> None:
        telling.set()
        free.wait(60)

    slow, other = SimpleNamespace(listeners=lambda topic: [("guest", listen)]), Listening(deaf=0)
    await announce_one(AT)
    first = asyncio.create_task(queue.announce(slow, AT))
    try:
        await asyncio.to_thread(telling.wait, 60)
        assert await queue.announce(other, AT + timedelta(seconds=queue._LISTEN_S)) == 0
        first.cancel()  # what a dying worker leaves behind
        assert await queue.announce(other, AT + timedelta(seconds=10 * queue._LISTEN_S)) == 1
    finally:
        free.set()
    assert other.heard == [{"number": "1"}]


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
async def test_many_workers_at_once_tell_each_announcement_once(walk) -> None:
    for _ in range(10):
        await announce_one(AT)
    registry = Listening(deaf=0)
    assert sum(await asyncio.gather(*(queue.announce(registry, AT) for _ in range(4)))) == 10
    assert len(registry.heard) == 10


async def test_a_plugin_that_hangs_is_left_after_its_time(walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_LISTEN_S", 0.05)
    free = threading.Event()
    hanging = SimpleNamespace(listeners=lambda topic: [("guest", lambda **_: free.wait(20))])
    await announce_one(AT)
    await queue.announce(hanging, AT)
    free.set()
    row = await Announcement.select(Announcement.told_at, Announcement.last_error).first()
    assert row["told_at"] is None
    assert "longer than" in row["last_error"]
