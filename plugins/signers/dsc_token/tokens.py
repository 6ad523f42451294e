"""All tokens of one driver: a process that looks, and for each token that a person unlocked a process of its own.

Many drivers notice what was inserted only when they are initialised anew, and that locks what they hold. So whoever looks
holds nothing: the process in which a token is unlocked is that token's from then on, and a new one looks. A token that is
pulled out, or a driver that fails, thereby takes no other token along.
"""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import Any

from .child import Child
from .process import TokenProcess
from .wire import ENDS, Fault, Found, Pin, TokenState


@dataclass(frozen=True, slots=True)
class _Own:
    """An unlocked token and the process that holds it."""

    state: TokenState
    process: TokenProcess


class Tokens:
    """The tokens that the PKCS#11 module at `path` sees. `limit_s` is how long a process may take over one request."""

    def __init__(self, path: str, child: Child, limit_s: float) -> None:
        self._path, self._child, self._limit_s = path, child, limit_s
        self._looker = self._new()
        self._looking = asyncio.Lock()
        self._own: dict[str, _Own] = {}
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that hold unlocked tokens."""
        return [own.process.pid for own in self._own.values() if own.process.pid is not None]

    @property
    def serials(self) -> frozenset[str]:
        """The serials of the tokens that are unlocked."""
        return frozenset(self._own)

    async def close(self) -> None:
        """Ends every process, which locks every token; whatever is asked afterwards is a Fault and starts none."""
        self._closed = True
        async with self._looking:  # a token that is just being unlocked is locked as well
            for serial, own in tuple(self._own.items()):
                await self._drop(serial, own)
            await self._looker.stop()

    async def inserted(self) -> list[TokenState]:
        """Every token that is inserted now. One that was unlocked and is gone, or answers no more, is let go first."""
        states: list[TokenState] = await self._look("tokens")
        present = {state.serial for state in states}
        for serial, own in tuple(self._own.items()):
            if serial not in present:
                await self._drop(serial, own)
        await self._let_go_of_what_is_gone("")
        by_label = sorted(states, key=lambda state: (state.label, state.serial))
        return [replace(state, unlocked=state.serial in self._own) for state in by_label]

    async def unlock(self, state: TokenState, pin: Pin, *, final_try: bool) -> str:
        """Logs in once with this PIN and says what came of it. Raises Fault; never tries a second time."""
        async with self._looking:
            if state.serial in self._own:
                return f"The token {state.named} is unlocked already; the PIN was not used."
            process = self._looker
            try:
                say = str(await process.ask("unlock", token=state.serial, pin=pin, final_try=final_try))
            except Fault:
                await self._replace_ended()
                raise
            self._own[state.serial], self._looker = _Own(state, process), self._new()
            return say

    async def lock(self, name: str) -> list[TokenState]:
        """Locks the token of that serial or label, or all with an empty name; gives those that were unlocked."""
        found = self._named(name)
        for own in found:
            with contextlib.suppress(Fault):
                await self._ask(own, "lock")
            await self._drop(own.state.serial, own)
        return [own.state for own in found]

    async def unlocked(self, name: str) -> list[Found]:
        """The X.509 certificates on the unlocked tokens of that serial or label. Raises Fault if one of them is gone."""
        return [each for own in self._named(name) for each in await self._ask(own, "certificates", token=own.state.serial)]

    async def certificates(self, name: str, *, several: bool = False, anew: bool = False) -> list[Found]:
        """The X.509 certificates on the one inserted token of that serial or label, or on all of them if it may be `several`.

        `anew` looks for what was inserted a moment ago even if a token of that name is known. Raises Fault.
        """
        await self._let_go_of_what_is_gone(name)
        found: list[Found] = await self._look("certificates", token=name, several=several, anew=anew)
        return found

    async def ask(self, found: Found, verb: str, **arguments: object) -> Any:
        """What the token that holds that certificate answers. Raises Fault, `locked` if nobody unlocked it."""
        own = self._own.get(found.serial)
        if own is None:
            raise Fault("locked", f"The token {found.named} is locked. Unlock it with `ecoo token unlock`.")
        return await self._ask(own, verb, **arguments)

    async def _ask(self, own: _Own, verb: str, **arguments: object) -> Any:
        try:
            return await own.process.ask(verb, **arguments)
        except Fault:
            if own.process.ended:
                await self._drop(own.state.serial, own)
            raise

    async def _let_go_of_what_is_gone(self, name: str) -> None:
        for own in self._named(name):
            with contextlib.suppress(Fault):
                await self._ask(own, "answers")

    async def _look(self, verb: str, **arguments: object) -> Any:
        """The answer of a driver that works: one that failed, or lost a token that it knew, is ended and a new one is asked once."""
        async with self._looking:
            try:
                return await self._looker.ask(verb, **arguments)
            except Fault as fault:
                await self._replace_ended()
                if fault.code not in ENDS | {"died"}:
                    raise
            try:
                return await self._looker.ask(verb, **arguments)
            except Fault:
                await self._replace_ended()
                raise

    async def _replace_ended(self) -> None:
        if self._looker.ended and not self._closed:
            ended, self._looker = self._looker, self._new()
            await ended.stop()

    async def _drop(self, serial: str, own: _Own) -> None:
        if self._own.get(serial) is own:
            del self._own[serial]
            await own.process.stop()

    def _named(self, name: str) -> list[_Own]:
        return [own for own in self._own.values() if name in ("", own.state.serial, own.state.label)]

    def _new(self) -> TokenProcess:
        return TokenProcess(self._path, self._child, self._limit_s)
