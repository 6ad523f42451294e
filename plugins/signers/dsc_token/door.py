"""The door through which a person unlocks a token: a unix socket that only this user can open.

`<folder>/token.sock`, mode 600 in a folder of mode 700; the kernel says who knocks, and another user is sent away. One
line of JSON in, one line out. The PIN goes from the line into a `Pin` at once and is never part of an error. Who has the door
holds the tokens: one process at a time, by a lock that the kernel takes back when that process ends.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.api import ConfigError, SignerUnavailable

from .wire import Fault, Pin

SOCKET = "token.sock"
LOCK = "token.lock"
HELD = "held"
MAX_LINE = 4096
MAX_REPLY = 65536
PATIENCE_S = 10.0
LONGEST_ADDRESS = 107
_CUT_OFF = (
    "The ecoo process stopped while it talked to the token. See with `ecoo token check` how the token stands; if no process is "
    "waiting for it, start `ecoo serve` again."
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks: check, choose (the prompt for the PIN, empty if none is needed), unlock or lock, for one token by
    serial or label, or for the only one; or enrol, for the signatory of this `name` and a key as in `Signatory.key`."""

    verb: str
    token: str = ""
    pin: Pin | None = None
    final_try: bool = False
    name: str = ""


Answer = Callable[[Request], Awaitable[str]]
"""Gives the sentence for a request, for enrol the X.509 chain as PEM, or raises Fault."""


class Door:
    """Listens until closed."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        self._path = folder / SOCKET
        self._answer = answer
        self._lock: IO[bytes] | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Starts listening. Raises ConfigError if the path is too long, SignerUnavailable (`HELD`) if another process has the door."""
        self._lock, listener = _bind(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE)

    async def close(self) -> None:
        """Stops listening and removes the socket."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer_uid(writer) == os.getuid():
                request = await asyncio.wait_for(_read(reader), PATIENCE_S)
                reply = await self._reply(request)
            else:
                reply = {"ok": False, "code": "not_yours", "say": "Only the user who runs ecoo may unlock its tokens."}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except (OSError, TimeoutError):
            return  # whoever knocked went away
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _reply(self, request: Request | None) -> dict[str, Any]:
        if request is None:
            return {"ok": False, "code": "bad_request", "say": "The request was not understood."}
        try:
            return {"ok": True, "code": None, "say": await self._answer(request)}
        except Fault as fault:
            return {"ok": False, "code": fault.code, "say": fault.say}


def _bind(path: Path) -> tuple[IO[bytes], socket.socket]:
    """The lock and the listener, which whoever had them before left or lost."""
    if len(os.fsencode(path)) > LONGEST_ADDRESS:
        raise ConfigError(f"The path {path} is too long for a socket ({LONGEST_ADDRESS} bytes at most); give the site a shorter folder.")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    lock = (path.parent / LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SignerUnavailable("Another ecoo process holds the tokens of this site and does the signing.", code=HELD) from None
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)  # nobody can connect before listen(), which comes after this
    return lock, listener


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    peer: Any = writer.get_extra_info("socket")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        said = json.loads(await reader.readline())
        pin = said.pop("pin", None)
        return Request(
            str(said["verb"]),
            str(said.get("token", "")),
            None if pin is None else Pin(str(pin)),
            said.get("final_try") is True,
            str(said.get("name", "")),
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def knock(folder: Path, request: Request) -> str:
    """Asks whichever ecoo process serves this folder, and gives its sentence. Raises Fault, also if none is running."""
    line = {"verb": request.verb, "token": request.token, "final_try": request.final_try, "name": request.name}
    if request.pin is not None:
        line["pin"] = request.pin.reveal()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        try:
            door.connect(str(folder / SOCKET))
        except OSError:
            raise Fault(
                "nobody",
                "No ecoo process is waiting for the token, so no PIN was asked for. Start `ecoo serve`, or `ecoo issue REFERENCE --wait 300`, "
                "in another shell; then unlock.",
            ) from None
        try:
            with contextlib.suppress(OSError):  # whoever is sent away unheard may still be told why
                door.sendall(json.dumps(line).encode() + b"\n")
            done, code, say = _heard(door.makefile("rb").readline(MAX_REPLY))
        except (OSError, ValueError):
            raise Fault("died", _CUT_OFF) from None
    if not done:
        raise Fault(code, say)
    return say


def _heard(line: bytes) -> tuple[bool, str, str]:
    """Whether it was done, the code if not, and the sentence. Raises ValueError for what is no whole reply."""
    reply = json.loads(line) if line.endswith(b"\n") else None
    if not isinstance(reply, dict) or not isinstance(reply.get("say"), str):
        raise ValueError("no whole reply")
    return reply.get("ok") is True, str(reply.get("code") or "died"), reply["say"]
