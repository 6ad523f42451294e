"""`ecoo token unlock`, `check` and `lock`: a person's words to the process that holds the token.

The PIN is asked for without echo, or read as one line when the input is piped; it is no option, no environment variable and
no file. Whoever gives it as an argument is told so, and it is not repeated.
"""

import getpass
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from engine.api import Refused, SignerUnavailable, site_folder

from .door import Request, knock
from .wire import Fault, Pin

token = App(name="token", help="Unlock, check and lock the DSC tokens of this machine.")

NOT_NOW = frozenset(("nobody", "no_token", "gone", "died", "slow", "module"))
Never = Annotated[str | None, Parameter(name=("--pin", "--PIN", "--password", "-p"), show=False)]
Extra = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]


@token.command
def unlock(name: str = "", *extra: Extra, final_try: bool = False, config: Path | None = None, never: Never = None) -> None:
    """Unlock a token with its PIN, for the ecoo process that is running.

    Parameters
    ----------
    name
        The token's serial or label; may be left out if only one is inserted.
    final_try
        Use the last try before the token locks itself.
    config
        The site's engine.toml.
    """
    _refuse_a_pin(never, *extra)
    door = _Door(config)
    name, prompt = _choose(door, name)
    if not prompt:
        door.tell("The token is unlocked already; no PIN is needed.")
        return
    pin = Pin(getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n"))
    door.tell(door.ask(Request("unlock", name, pin, final_try)))


@token.command
def check(*extra: Extra, config: Path | None = None, never: Never = None) -> None:
    """Say in a sentence how the tokens stand, and what is missing.

    Parameters
    ----------
    config
        The site's engine.toml.
    """
    _refuse_a_pin(never, *extra)
    door = _Door(config)
    door.tell(door.ask(Request("check")))


@token.command
def lock(name: str = "", *extra: Extra, config: Path | None = None, never: Never = None) -> None:
    """Lock one token, or all of them.

    Parameters
    ----------
    name
        The token's serial or label; all tokens if left out.
    config
        The site's engine.toml.
    """
    _refuse_a_pin(never, *extra)
    door = _Door(config)
    door.tell(door.ask(Request("lock", name)))


class _Door:
    """The door of the site that `--config` names; the commands in its sentences name the same site."""

    def __init__(self, config: Path | None) -> None:
        self._folder = site_folder(config, "dsc_token")
        self._site = f" --config {shlex.quote(str(config))}" if config else ""

    def ask(self, request: Request) -> str:
        """The sentence of the process that serves it. Raises Refused, or SignerUnavailable if another time may do."""
        try:
            return knock(self._folder, request)
        except Fault as fault:
            kind = SignerUnavailable if fault.code in NOT_NOW else Refused
            raise kind(fault.say, code=fault.code) from None

    def tell(self, say: str) -> None:
        """A sentence for the person, on stderr."""
        sys.stderr.write(re.sub(r"`(ecoo [^`]*)`", lambda quoted: f"`{quoted[1]}{self._site}`", say) + "\n")


def _choose(door: _Door, name: str) -> tuple[str, str]:
    """Which token is meant, and the prompt for its PIN: nobody types one that nobody waits for."""
    try:
        return name, door.ask(Request("choose", name))
    except Refused as refused:
        if refused.code != "several_tokens" or name or not sys.stdin.isatty():
            raise
        door.tell(refused.say)
        sys.stderr.write("Serial of the token: ")
        sys.stderr.flush()
        name = sys.stdin.readline().strip()
        return name, door.ask(Request("choose", name))


def _refuse_a_pin(*given: str | None) -> None:
    if any(each is not None for each in given):
        raise Refused(
            "A PIN is never given on the command line. If that was one, it may now be in your shell's history and was shown to everybody "
            "on this machine: change it in the vendor's tool. Then run `ecoo token unlock` and type the PIN when it is asked for.",
            code="pin_on_command_line",
        )
