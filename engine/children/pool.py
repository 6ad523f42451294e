"""A pool of children: hands out tasks, watches the clock, replaces what fails."""

import asyncio
import contextlib
import pickle
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from engine.children.answers import Failed, read_answer
from engine.children.process import Child, sweep
from engine.errors import EngineError, PluginError, Unavailable

__all__ = ["Children"]

T = TypeVar("T")

_START_S = 60.0


class Children:
    """A fixed number of child processes that are started on first use and replaced when they fail.

    `initializer(*initargs)` runs once in every child, before its limits are set: imports and warm caches belong there.
    `answers` are the types, beside plain values, that a call may return. Calls may come from any event loop or thread.
    With `most_waiting` so many calls wait for a child at most, and one more is refused instead of being kept waiting.
    """

    def __init__(
        self,
        *,
        count: int,
        memory_mib: int,
        timeout_s: float,
        name: str,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        answers: Sequence[type] = (),
        blame: type[EngineError] = PluginError,
        most_waiting: int | None = None,
    ) -> None:
        self.name, self.timeout_s, self.memory_mib = name, timeout_s, memory_mib
        self._warm = (initializer, initargs)
        self._allowed = {(kind.__module__, kind.__qualname__): kind for kind in answers}
        self._blame = blame
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"children-{name}")
        self._idle: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(count):
            self._idle.put(None)
        self._count = count
        self._room = threading.Semaphore(count + most_waiting) if most_waiting is not None else None
        self._closed = False

    async def start(self) -> None:
        """Starts every child and waits until all are warm; without it the first calls do so. Raises PluginError."""
        await asyncio.gather(*(asyncio.wrap_future(self._threads.submit(self._warm_one)) for _ in range(self._count)))

    async def run(self, fn: Callable[..., T], *args: Any) -> T:
        """What `fn(*args)` gives in a child; `fn` must be importable by name and its arguments picklable.

        An EngineError raised inside comes out as itself, anything else as `blame`. A call over its time, one over its
        memory and a child that died are `blame` too, with a sentence saying which. Raises Unavailable if `most_waiting`
        calls wait already.
        """
        if self._room is not None and not self._room.acquire(blocking=False):
            raise Unavailable(f"Too many wait for the {self.name} processes just now. Try again in a moment.", code="busy")
        try:
            done = self._threads.submit(self._call, fn, args)
        except BaseException:
            self._leave()
            raise
        done.add_done_callback(self._leave)  # also when whoever asked has gone away meanwhile
        return await asyncio.wrap_future(done)

    def _leave(self, _: object = None) -> None:
        if self._room is not None:
            self._room.release()

    async def close(self) -> None:
        """Ends all children, at once; safe to call twice."""
        self._closed = True
        while True:
            try:
                child = self._idle.get_nowait()
            except queue.Empty:
                break
            if child is not None:
                child.kill()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                if (child := self._idle.get_nowait()) is not None:
                    child.kill()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the children that are idle now."""
        return tuple(child.process.pid for child in list(self._idle.queue) if child is not None)

    # --- in one of our threads ----------------------------------------------------------------
    # A child's death signal is tied to the thread that started it, so only these threads, which live as long as we do,
    # ever start one.

    def _warm_one(self) -> None:
        child = self._idle.get()
        try:
            child = child or self._spawn()
        finally:
            self._idle.put(child)

    def _call(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        """One call, in a child that nobody else uses meanwhile."""
        child = self._idle.get()
        try:
            if self._closed:
                raise PluginError(f"The {self.name} processes were stopped.")
            if child is None or not child.lives:
                if child is not None:
                    child.kill()
                child = self._spawn()
            answer = self._ask(child, (fn, args), self.timeout_s)
        except _Lost as lost:
            if child is not None:
                child.kill()
            child = None
            raise self._blame(lost.say) from lost
        finally:
            self._idle.put(child)
        if isinstance(answer, EngineError):
            raise answer
        if isinstance(answer, Failed):
            raise self._blame(f"The {self.name} process could not do it: {answer.say}")
        result: T = answer
        return result

    def _spawn(self) -> Child:
        """A warm child. Raises PluginError if it does not come up."""
        child = Child(self.name, self.memory_mib)
        sweep(child.folder)
        try:
            answer = self._ask(child, self._warm, _START_S)
        except _Lost as lost:
            child.kill()
            raise PluginError(f"The {self.name} process did not start: {lost.say}") from lost
        if answer != "ready":
            child.kill()
            say = answer.say if isinstance(answer, EngineError | Failed) else "it answered something else than that it is ready."
            raise PluginError(f"The {self.name} process did not start: {say}")
        return child

    def _ask(self, child: Child, message: object, timeout_s: float) -> Any:
        """Sends a message and gives the answer; _Lost if there is none in time."""
        try:
            child.pipe.send_bytes(pickle.dumps(message, protocol=5))
            if not child.pipe.poll(timeout_s):
                raise _Lost(f"The {self.name} process took longer than {timeout_s:g} seconds and was ended.")
            data = child.pipe.recv_bytes()
        except (OSError, EOFError, pickle.PicklingError) as error:
            raise _Lost(f"The {self.name} process died on it; too little memory or a broken file can be the cause.") from error
        try:
            return read_answer(data, self._allowed)
        except Exception as error:
            raise _Lost(f"The {self.name} process answered something that is no answer.") from error


class _Lost(Exception):
    """There is no answer and the child cannot be used again."""

    def __init__(self, say: str) -> None:
        super().__init__(say)
        self.say = say
