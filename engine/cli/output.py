"""What a command prints and how it ends: one JSON object with --json, plain words else, and the exit codes."""

import json
import secrets
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, EngineError, PluginError, Refused, Unavailable, Unresolved, Untrusted

__all__ = ["DONE", "NOT_GENUINE", "exit_code", "fail", "fail_unforeseen", "names_a_file", "say", "show"]

DONE, NOT_GENUINE, REFUSED, UNAVAILABLE, UNRESOLVED, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def exit_code(error: BaseException) -> int:
    """0 done, 1 not genuine (verify alone), 2 refused, 3 unavailable, 4 unresolved or unforeseen, 5 site or plugin, 130."""
    match error:
        case Refused() | Untrusted():
            return REFUSED
        case Unavailable():
            return UNAVAILABLE
        case Unresolved():
            return UNRESOLVED
        case ConfigError() | PluginError():
            return BROKEN
        case KeyboardInterrupt():
            return INTERRUPTED
    return UNRESOLVED


def names_a_file(argument: str) -> bool:
    """Whether the argument is the path of a file; one that cannot be a path is not."""
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):
        return False


def say(words: str) -> None:
    """A line for a person, on stderr."""
    print(words, file=sys.stderr, flush=True)


def show(result: Mapping[str, Any], *, as_json: bool, plain: Callable[[], str]) -> None:
    """The result on stdout."""
    print(json.dumps(result, ensure_ascii=False, default=str) if as_json else plain(), flush=True)


def fail(error: EngineError, *, as_json: bool) -> int:
    """Says what is wrong and gives the exit code."""
    if as_json:
        print(json.dumps({"error": error.as_json()}, ensure_ascii=False), flush=True)
    else:
        say(f"ecoo: {error.say}")
        for problem in error.problems:
            rule = f" [{problem.rule}]" if problem.rule else ""
            words = "" if problem.say == error.say else f": {problem.say}"  # a single problem is the sentence itself
            say(f"  {problem.box or '-'}{rule}{words}")
        if error.reference:
            say(f"  reference: {error.reference}")
    return exit_code(error)


def fail_unforeseen(error: BaseException, *, as_json: bool) -> int:
    """An error nobody foresaw: a reference for the person, where it happened for the log, never its data."""
    reference = f"ERR-{secrets.token_hex(5).upper()}"
    where = traceback.extract_tb(error.__traceback__)
    last = where[-1] if where else None
    place = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}" if last else "nowhere"
    say(json.dumps({"event": "unforeseen", "reference": reference, "problem": type(error).__name__, "place": place}))
    shown = EngineError(
        "Something went wrong that nobody foresaw. Nothing is lost; give the reference to your administrator.",
        code="unforeseen",
        reference=reference,
    )
    return fail(shown, as_json=as_json)
