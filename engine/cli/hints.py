"""Commands inside sentences: a person who named a site with --config is told commands that name it too."""

import re
import shlex
from pathlib import Path

__all__ = ["naming_site"]

_COMMAND = re.compile(r"`(ecoo [^`]*)`")


def naming_site(say: str, config: Path | None) -> str:
    """The sentence with `--config PATH` added to each command in backticks that has none; unchanged without a path."""
    if config is None:
        return say
    site = f" --config {shlex.quote(str(config))}"
    return _COMMAND.sub(lambda found: found[0] if " --config" in found[1] else f"`{found[1]}{site}`", say)
