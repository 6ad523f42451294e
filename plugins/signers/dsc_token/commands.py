"""`ecoo token unlock`, `check` and `lock`: a person's words to the process that holds the token.

The PIN is asked for without echo, or read as one line when the input is piped; it is no option, no environment variable and
no file.
"""

import getpass
import sys
from pathlib import Path

from cyclopts import App

from engine.api import Refused, SignerUnavailable, site_folder

from .door import Request, knock
from .wire import Fault, Pin

token = App(name="token", help="Unlock, check and lock the DSC tokens of this machine.")

NOT_NOW = frozenset(("nobody", "no_token", "gone", "died", "slow", "module"))


@token.command
def unlock(name: str = "", *, final_try: bool = False, config: Path | None = None) -> None:
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
    folder = site_folder(config, "dsc_token")
    _ask(folder, Request("check"))  # nobody should type a PIN that nobody waits for
    pin = Pin(getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n"))
    _tell(_ask(folder, Request("unlock", name, pin, final_try)))


@token.command
def check(*, config: Path | None = None) -> None:
    """Say in a sentence how the tokens stand, and what is missing.

    Parameters
    ----------
    config
        The site's engine.toml.
    """
    _tell(_ask(site_folder(config, "dsc_token"), Request("check")))


@token.command
def lock(name: str = "", *, config: Path | None = None) -> None:
    """Lock one token, or all of them.

    Parameters
    ----------
    name
        The token's serial or label; all tokens if left out.
    config
        The site's engine.toml.
    """
    _tell(_ask(site_folder(config, "dsc_token"), Request("lock", name)))


def _ask(folder: Path, request: Request) -> str:
    try:
        return knock(folder, request)
    except Fault as fault:
        kind = SignerUnavailable if fault.code in NOT_NOW else Refused
        raise kind(fault.say, code=fault.code) from None


def _tell(say: str) -> None:
    sys.stderr.write(f"{say}\n")
