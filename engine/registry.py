"""Finds the plugins and checks what they promise by their shape. Built-ins enter by the guests' door.

Built-ins are found by scanning `plugins/`, guests by the entry-point group `ecoo.plugins`, packs of an operator by
the folders in engine.toml; all go through the same `_register`. Nothing fails quietly: a plugin of another contract,
a hook nobody knows, two of one name, an object of the wrong shape stop the start with a sentence that names it.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import pluggy

from engine import hookspecs, packs
from engine.config import Config
from engine.contracts import CONTRACT
from engine.contracts.form import Form, Pack, Sheet
from engine.contracts.signing import Signer
from engine.errors import ConfigError, EngineError, PluginError, Refused

__all__ = ["GROUP", "Plugin", "Registry", "load"]

GROUP = "ecoo.plugins"
_ID = re.compile(r"[a-z][a-z0-9_]{1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One thing a plugin brings, as `ecoo plugins` lists it. Kind is signer, template or hook."""

    kind: str
    id: str
    title: str
    version: str
    source: str


class Registry:
    """What was found: signers by id, forms by scheme, and the hooks."""

    def __init__(self, manager: pluggy.PluginManager, sources: Mapping[str, str]) -> None:
        self._manager = manager
        self._sources = sources
        self.signers: dict[str, Signer] = {}
        self.packs: dict[str, Pack] = {}
        self._forms: dict[str, tuple[Form, ...]] = {}
        self.plugins: list[Plugin] = []
        self._collect_signers()
        self._collect_forms()
        self._list_hooks()

    # --- asking ---------------------------------------------------------------------------------

    @property
    def schemes(self) -> tuple[str, ...]:
        """The codes of all schemes, in order."""
        return tuple(sorted(self._forms))

    def form(self, scheme: str, on: date) -> Form:
        """The form in force that day: the newest version whose dates cover it. Raises Refused."""
        if scheme not in self._forms:
            raise Refused(f"There is no scheme {scheme}. Known: {', '.join(self.schemes)}.", box="scheme", rule="known scheme")
        usable = [
            form
            for form in self._forms[scheme]
            if (form.effective_from is None or form.effective_from <= on) and (form.effective_until is None or on <= form.effective_until)
        ]
        if not usable:
            raise Refused(f"No form of {scheme} is in force on {on.isoformat()}.", box="scheme", rule="form in force")
        return max(usable, key=lambda form: (form.effective_from or date.min, form.version))

    def form_of(self, scheme: str, sha256: str) -> Form:
        """The very version a certificate remembers. Raises ConfigError if its pack is gone or changed."""
        for form in self._forms.get(scheme, ()):
            if form.sha256 == sha256:
                return form
        raise ConfigError(
            f"The form version {sha256[:12]} of {scheme} is not installed any more. Install the pack it came from.", code="form_gone"
        )

    def forms(self) -> Iterator[Form]:
        """Every form version found."""
        for scheme in self.schemes:
            yield from self._forms[scheme]

    def signer(self, id: str) -> Signer:
        """The signer of that id. Raises ConfigError with those there are."""
        if id not in self.signers:
            raise ConfigError(f"There is no signer {id!r}. Known: {', '.join(sorted(self.signers))}.")
        return self.signers[id]

    def each(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """What every plugin answers to a collecting hook, with its name; a plugin that breaks is named."""
        answers = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                answers.append((implementation.plugin_name, implementation.function(**wanted)))
            except EngineError:
                raise
            except Exception as error:
                raise PluginError(f"The plugin {implementation.plugin_name} broke in {hook}: {type(error).__name__}: {error}") from error
        return answers

    def listeners(self, hook: str) -> list[tuple[str, Callable[..., None]]]:
        """Who listens to an announcing hook: the outbox calls each alone, so that one failure stops nobody."""
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return [(each.plugin_name, _only(each.function, each.argnames)) for each in found]

    @property
    def relay(self) -> Any:
        """pluggy's relay, for a room that asks a replacing hook itself."""
        return self._manager.hook

    # --- collecting -----------------------------------------------------------------------------

    def _add(self, kind: str, id: str, title: str, plugin: str) -> None:
        module = self._manager.get_plugin(plugin)
        version = str(getattr(module, "version", "")) or "0"
        self.plugins.append(Plugin(kind, id, title, version, self._sources[plugin]))

    def _collect_signers(self) -> None:
        for plugin, signers in self.each("coo_signers"):
            for signer in _sequence(plugin, "coo_signers", signers):
                _check_signer(plugin, signer)
                if signer.id in self.signers:
                    raise PluginError(f"The plugin {plugin} brings a signer {signer.id!r}, and another plugin does too. Remove one.")
                self.signers[signer.id] = signer
                self._add("signer", signer.id, signer.title, plugin)

    def _collect_forms(self) -> None:
        brought = [(plugin, pack) for plugin, found in self.each("coo_templates") for pack in _sequence(plugin, "coo_templates", found)]
        for plugin, pack in brought:
            if not isinstance(pack, Pack):
                raise PluginError(f"The plugin {plugin} answered coo_templates with {type(pack).__name__}; it must be a list of Pack.")
            if pack.name in self.packs:
                raise PluginError(f"The plugin {plugin} brings a pack {pack.name!r}, and another plugin does too. Rename one.")
            self.packs[pack.name] = pack
        for plugin, pack in brought:
            for form in packs.read_forms(pack, self._sheet):
                known = self._forms.get(form.scheme, ())
                if any(other.version == form.version for other in known):
                    raise PluginError(f"The pack {pack.name} brings version {form.version} of {form.scheme}, and another pack does too.")
                self._forms[form.scheme] = (*known, form)
                self._add("template", form.scheme, form.title, plugin)

    def _sheet(self, name: str) -> Sheet:
        pack, _, sheet = name.partition(":")
        if pack == "ecoo":
            return packs.read_sheet(name, _templates() / "sheets" / sheet)
        if pack not in self.packs:
            raise PluginError(f"The sheet {name!r} belongs to a pack that is not installed.")
        return packs.read_sheet(name, self.packs[pack].folder / "sheets" / sheet)

    def _list_hooks(self) -> None:
        kinds = {"coo_signers", "coo_templates"}
        for name, plugin in self._manager.list_name_plugin():
            hooks = sorted(each.name for each in self._manager.get_hookcallers(plugin) or () if each.name not in kinds)
            if hooks:
                self._add("hook", name, ", ".join(hooks), name)


def load(config: Config | None = None) -> Registry:
    """Everything installed. Raises PluginError or ConfigError with a sentence naming the plugin."""
    manager = pluggy.PluginManager("ecoo")
    manager.add_hookspecs(hookspecs)
    sources: dict[str, str] = {}
    for name, plugin, source in [*_built_in(), *_guests(), *_configured(config)]:
        _register(manager, sources, name, plugin, source)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"The plugin {_name(manager, error.plugin)} implements a hook that does not exist: {error}") from error
    registry = Registry(manager, sources)
    if config is not None and (strangers := set(config.signers) - set(registry.signers)):
        raise ConfigError(
            f"{config.path}: [signers.{sorted(strangers)[0]}] names no installed signer. Known: {', '.join(sorted(registry.signers))}."
        )
    return registry


def _register(manager: pluggy.PluginManager, sources: dict[str, str], name: str, plugin: Any, source: str) -> None:
    contract = getattr(plugin, "contract", None)
    if contract != CONTRACT:
        said = "names no contract" if contract is None else f"was written for contract {contract!r}"
        raise PluginError(
            f"The plugin {name} ({source}) {said}; this ecoo has contract {CONTRACT}. Install a version of it for this contract."
        )
    if name in sources:
        raise PluginError(f"Two plugins are named {name}: {sources[name]} and {source}. Remove one.")
    for attribute, value in inspect.getmembers(plugin, inspect.isroutine):
        if attribute.startswith(hookspecs.PREFIX) and not hasattr(value, "ecoo_impl"):
            raise PluginError(f"The plugin {name} defines {attribute} without @hookimpl; it would never be called. Mark it.")
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"The plugin {name} ({source}) does not fit: {error}") from error
    sources[name] = source


def _built_in() -> Iterator[tuple[str, Any, str]]:
    for kind in ("signers", "payment"):
        package = importlib.import_module(f"plugins.{kind}")
        for found in pkgutil.iter_modules(package.__path__):
            if found.ispkg:
                yield found.name, _load(found.name, f"plugins.{kind}.{found.name}", importlib.import_module), "built-in"
    for pack in packs.builtin_packs(_templates()):
        yield f"template_{pack.name}", _PackPlugin(pack), "built-in"


def _guests() -> Iterator[tuple[str, Any, str]]:
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        where = entry.dist.name if entry.dist else entry.value
        plugin = _load(entry.name, entry, lambda found: found.load())
        if not getattr(plugin, "version", None) and entry.dist:
            plugin.version = entry.dist.version
        yield entry.name, plugin, where


def _configured(config: Config | None) -> Iterator[tuple[str, Any, str]]:
    for folder in config.templates.folders if config else ():
        if not folder.is_dir():
            raise ConfigError(f"{config.path if config else ''}: templates.folders names {folder}, which is no folder.")
        for pack in packs.builtin_packs(folder):
            yield f"template_{pack.name}", _PackPlugin(pack), str(folder)


def _load(name: str, target: Any, how: Callable[[Any], Any]) -> Any:
    try:
        return how(target)
    except EngineError:
        raise
    except Exception as error:
        raise PluginError(f"The plugin {name} cannot be imported: {type(error).__name__}: {error}") from error


class _PackPlugin:
    """A pack without Python, as a plugin: it speaks `coo_templates` for its folder."""

    contract = CONTRACT
    version = "1"

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    @hookspecs.hookimpl
    def coo_templates(self) -> Sequence[Pack]:
        return [self._pack]


def _templates() -> Traversable:
    return files("plugins") / "templates"


def _sequence(plugin: str, hook: str, answer: Any) -> Sequence[Any]:
    if not isinstance(answer, list | tuple):
        raise PluginError(f"The plugin {plugin} answered {hook} with {type(answer).__name__}; it must be a list.")
    return answer


def _check_signer(plugin: str, signer: Any) -> None:
    if not isinstance(signer, Signer):
        missing = sorted(name for name in dir(Signer) if not name.startswith("_") and not hasattr(signer, name))
        missing += sorted(name for name in Signer.__annotations__ if not hasattr(signer, name))
        raise PluginError(
            f"The plugin {plugin} answered coo_signers with an object that is no signer: it lacks {', '.join(missing) or 'its shape'}."
        )
    if not _ID.fullmatch(signer.id):
        raise PluginError(f"The plugin {plugin} names its signer {signer.id!r}; an id is 2 to 32 small letters, digits and _.")


def _name(manager: pluggy.PluginManager, plugin: Any) -> str:
    return manager.get_name(plugin) or repr(plugin)


def _only(function: Callable[..., None], names: Sequence[str]) -> Callable[..., None]:
    def call(**arguments: Any) -> None:
        function(**{name: arguments[name] for name in names})

    return call
