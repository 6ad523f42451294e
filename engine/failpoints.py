"""Named places where a test, or `make prove`, makes this process fail. Off unless ECOO_FAIL_AT is set.

`ECOO_FAIL_AT=drawn:kill` dies there as by kill -9, `drawn:error` raises, `drawn:full` raises a full disk; `@3` after
it waits for the third pass. The names are listed here and each has a test.
"""

import errno
import os
import signal

from engine.errors import EngineError

__all__ = ["POINTS", "Injected", "pass_point"]

POINTS = (
    "approved",  # the approval is committed, nothing is queued
    "numbered",  # number, frozen input and hash are committed
    "inked",  # drawn and inspected, not committed
    "drawn",  # drawing stored, drawn hash committed
    "prepared",  # placeholder made, prepared bytes stored, not committed
    "intended",  # the intention to sign is committed, the key untouched
    "key_used",  # the signature exists in memory alone
    "verified",  # re-opened and found right, not stored
    "stored",  # the file is stored and fsynced, no row speaks of it
    "signed",  # SIGNED is committed
    "issuing",  # inside the last transaction, before its commit
    "issued",  # ISSUED is committed, nothing announced
)

_passes: dict[str, int] = {}


class Injected(EngineError):
    """A failure that a test asked for."""

    code = "injected"


def pass_point(name: str) -> None:
    """Does nothing, unless the environment asks this process to fail here."""
    wish = os.environ.get("ECOO_FAIL_AT")
    if not wish:
        return
    point, _, act = wish.partition(":")
    act, _, pass_no = act.partition("@")
    if point != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if pass_no and _passes[name] != int(pass_no):
        return
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    raise Injected(f"A failure was asked for at {name}.")
