"""The parent's hold on one process of the driver: starts it when needed, asks one thing at a time, and knows when it is dead.

A process that died, did not answer in time or lost its token is ended for good, which locks what it held. Nothing is ever
repeated here.
"""

import asyncio
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from .child import Child
from .wire import ENDS, Fault

START_S = 60.0
STOP_S = 2.0
_DIED = "The token's driver crashed, so the token is locked. Unlock it with `ecoo token unlock`."
_ENDED = "The token's process was ended meanwhile, so the token is locked. Unlock it with `ecoo token unlock`."


class TokenProcess:
    """One process that has loaded the PKCS#11 module. `limit_s` is how long it may take over one request."""

    def __init__(self, path: str, child: Child, limit_s: float) -> None:
        self._path, self._child, self._limit_s = path, child, limit_s
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._turn = ThreadPoolExecutor(1, thread_name_prefix="token")
        self.ended = False

    @property
    def pid(self) -> int | None:
        """The process's id, None while there is none."""
        return self._process.pid if self._process else None

    async def ask(self, verb: str, **arguments: object) -> Any:
        """The answer to one request; others wait their turn. Raises Fault, also once the process was ended."""
        if self.ended:
            raise Fault("died", _ENDED)
        try:
            answer = asyncio.get_running_loop().run_in_executor(self._turn, self._ask, verb, arguments)
        except RuntimeError:  # the executor was shut down, by `stop` or with the interpreter
            raise Fault("died", _ENDED) from None
        return await answer

    async def stop(self) -> None:
        """Ends the process; nothing can be asked afterwards."""
        await asyncio.get_running_loop().run_in_executor(self._turn, self._end)
        self._turn.shutdown(wait=False)

    def _ask(self, verb: str, arguments: dict[str, object]) -> Any:
        if self.ended:  # while this request waited for its turn
            raise Fault("died", _ENDED)
        try:
            pipe = self._pipe or self._start()
            pipe.send((verb, arguments))
            if not pipe.poll(self._limit_s):
                self._end(kill=True)
                raise Fault(
                    "slow", f"The token did not answer within {self._limit_s:g} seconds and was locked. Unlock it with `ecoo token unlock`."
                )
            done, answer = pipe.recv()
        except (EOFError, OSError):
            self._end(kill=True)
            raise Fault("died", _DIED) from None
        if not done:
            if answer.code in ENDS:  # a driver that lost its token may answer nothing but errors from now on
                self._end(kill=True)
            raise answer
        return answer

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=self._child, args=(theirs, self._path), name="ecoo token", daemon=True)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_S):
            raise EOFError
        self._pipe.recv()  # from here on it is the driver that is waited for, and not a machine that is busy
        return self._pipe

    def _end(self, *, kill: bool = False) -> None:
        self.ended = True
        pipe, process, self._pipe, self._process = self._pipe, self._process, None, None
        if pipe is not None:
            pipe.close()
        if process is None:
            return
        if not kill:
            process.join(STOP_S)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
