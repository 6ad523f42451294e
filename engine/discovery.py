"""Where plugins come from: folders of ours by scanning, guests by their entry points, packs of an operator by engine.toml.

Only finds and imports; whether what was found fits is the registry's to say.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from engine import hookspecs, packs
from engine.config import Config
from engine.contracts import CONTRACT
from engine.contracts.form import Pack
from engine.errors import ConfigError, PluginError

__all__ = ["GROUP", "Found", "built_in", "configured", "guests", "templates_folder"]

GROUP = "ecoo.plugins"


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin before its hooks are asked: a module or an object, where it came from, and the version of that."""

    name: str
    plugin: Any
    source: str
    version: str = ""


def built_in() -> Iterator[Found]:
    """The plugins that come with ecoo: signers, gateways, and a pack for each folder of templates. Raises PluginError."""
    for kind in ("signers", "payment"):
        package = importlib.import_module(f"plugins.{kind}")
        for found in pkgutil.iter_modules(package.__path__):
            if found.ispkg:
                module = _load(found.name, "built-in", partial(importlib.import_module, f"plugins.{kind}.{found.name}"))
                yield Found(found.name, module, "built-in")
    for pack in packs.builtin_packs(templates_folder()):
        yield Found(f"template_{pack.name}", _PackPlugin(pack), "built-in")


def guests() -> Iterator[Found]:
    """The plugins that other packages bring by the entry-point group, by name. Raises PluginError for one that cannot be imported."""
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        source = entry.dist.name if entry.dist else entry.value
        yield Found(entry.name, _load(entry.name, source, entry.load), source, entry.dist.version if entry.dist else "")


def configured(config: Config | None) -> Iterator[Found]:
    """The packs of the folders that engine.toml names. Raises ConfigError for a folder that is none, or that holds no pack."""
    for folder in config.templates.folders if config else ():
        if not folder.is_dir():
            raise ConfigError(f"{config.path if config else ''}: templates.folders names {folder}, which is no folder.")
        found = packs.builtin_packs(folder)
        if not found:
            raise ConfigError(
                f"{config.path if config else ''}: templates.folders names {folder}, which holds no pack; a pack is a folder in it with a form.toml."
            )
        for pack in found:
            yield Found(f"template_{pack.name}", _PackPlugin(pack), str(folder))


def _load(name: str, source: str, load_it: Callable[[], Any]) -> Any:
    try:
        return load_it()
    except (Exception, SystemExit) as error:
        raise PluginError(f"The plugin {name} ({source}) cannot be imported: {type(error).__name__}: {error}") from error


class _PackPlugin:
    """A pack without Python, as a plugin: it speaks `coo_templates` for its folder."""

    contract = CONTRACT
    version = "1"

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    @hookspecs.hookimpl
    def coo_templates(self) -> Sequence[Pack]:
        return [self._pack]


def templates_folder() -> Traversable:
    """Where the packs that come with ecoo lie."""
    return files("plugins") / "templates"
