"""The process that owns the token: one thread, one pipe, one request at a time.

It is spawned, never forked, holds no file of ours, and ends when the pipe ends. Nothing it sends back holds a PIN.
"""

import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

from .module import INSERT, Module
from .wire import ENDS, Fault

_FAILED = f"The token's driver failed ({{}}), so it was ended. {INSERT} If it fails again, look at [signers.dsc_token] module."

Child = Callable[[Connection, str], None]
"""What is run in the new process: it gets its end of the pipe and the path of the PKCS#11 module."""


def run(pipe: Connection, path: str) -> None:
    """Loads the module and answers until the pipe ends."""
    serve(pipe, lambda: Module(path))


def serve(pipe: Connection, load: Callable[[], Module]) -> None:
    """Says that it is there, then answers requests `(verb, arguments)` with `(True, value)` or `(False, Fault)`; a Fault of `ENDS`
    is the last answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crashed module must not leave the PIN in a core file
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends the pipe
    pipe.send(True)
    verbs: dict[str, Callable[..., object]] | None = None
    while True:
        try:
            verb, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if verbs is None:
                verbs = load().verbs()
            answer: tuple[bool, object] = (True, verbs[verb](**arguments))
        except Fault as fault:
            answer = (False, fault)
        except Exception as error:  # a vendor's module may raise anything; only the name of it goes back
            answer = (False, Fault("module", _FAILED.format(type(error).__name__)))
        del arguments
        pipe.send(answer)
        if isinstance(answer[1], Fault) and answer[1].code in ENDS:
            return
