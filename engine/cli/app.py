"""The commands by name, and the one place where an error becomes an exit code."""

import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cyclopts
from cyclopts.exceptions import CycloptsError

from engine import config as configuration
from engine import registry
from engine.cli.hints import naming_site
from engine.cli.output import fail, fail_unforeseen
from engine.errors import EngineError, PluginError, Refused

__all__ = ["build", "main"]

_WITH_VALUE = re.compile(r"(--?[A-Za-z][\w-]*)=[^\s\"']*")


def build(arguments: Sequence[str]) -> cyclopts.App:
    """The command, with what plugins add to it unless one of ours is named: loading every pack takes its time."""
    from engine.cli import appointing, asking, cost_sheet, issuing, keeping, origin, plugging, registering, rehearsing, serving, templating

    app = cyclopts.App(
        name="ecoo",
        help="Issue electronic Certificates of Origin, and prove them to anyone.",
        version=version("ecoo"),
        result_action="return_value",
    )
    for module in (issuing, asking, appointing, registering, origin, cost_sheet, plugging, templating, serving, rehearsing, keeping):
        module.add_to(app)
    if not _names_one_of(app, arguments):
        _add_plugins(app, _config_of(arguments))
    return app


def _names_one_of(app: cyclopts.App, arguments: Sequence[str]) -> bool:
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    return first is not None and first in app


def _add_plugins(app: cyclopts.App, config_path: Path | None) -> None:
    """Commands of plugins hang below ours; without a readable site only the built-in ones are there."""
    path = config_path or configuration.default_path()
    found = registry.load(configuration.load(path) if path.exists() else None)
    for plugin, commands in found.each("coo_commands"):
        for command in commands:
            name = command.name[0]
            if name in app:
                raise PluginError(f"The plugin {plugin} brings a command {name!r}, and ecoo has one already.")
            app.command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code; never raises."""
    as_json = "--json" in arguments
    try:
        app = build(arguments)
        outcome = app(list(arguments), exit_on_error=False, print_error=False)
        return outcome if isinstance(outcome, int) else 0
    except CycloptsError as error:
        words = " ".join(str(error).split())
        words = _WITH_VALUE.sub(r"\1", words)  # what follows an option may be a secret
        return fail(Refused(words or "These arguments do not fit; see --help.", code="usage"), as_json=as_json)
    except EngineError as error:
        error.say = naming_site(error.say, _config_of(arguments))
        return fail(error, as_json=as_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    except Exception as error:
        return fail_unforeseen(error, as_json=as_json)


def _config_of(arguments: Sequence[str]) -> Path | None:
    for index, argument in enumerate(arguments):
        if argument == "--config" and index + 1 < len(arguments):
            return Path(arguments[index + 1])
        if argument.startswith("--config="):
            return Path(argument.removeprefix("--config="))
    return None
