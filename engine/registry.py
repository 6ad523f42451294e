"""Finds the plugins and checks what they promise by their shape. Built-ins enter by the guests' door.

Built-ins are found by scanning `plugins/`, guests by the entry-point group `ecoo.plugins`, packs of an operator by
the folders in engine.toml; all go through the same `_register`. Nothing fails quietly: a plugin of another contract,
a hook nobody knows, two of one name, an object of the wrong shape stop the start with a sentence that names it.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pluggy

from engine import hookspecs, packs
from engine.config import Config
from engine.contracts import CONTRACT
from engine.contracts.form import Form, Pack, Sheet
from engine.contracts.payment import PaymentGateway
from engine.contracts.products import overlap, read_products
from engine.contracts.shapes import check_answer, check_form, check_gateway, check_hook, check_pack, check_signer
from engine.contracts.signing import Signer
from engine.discovery import GROUP, Found, built_in, configured, guests, templates_folder
from engine.errors import ConfigError, EngineError, PluginError, Refused

__all__ = ["GROUP", "Plugin", "Registry", "load"]

_COLLECTED = frozenset({"coo_payment_gateways", "coo_signers", "coo_templates"})
_AT_START = _COLLECTED | {"coo_commands"}  # nobody has asked for anything yet, so no error can be the applicant's


@dataclass(frozen=True, slots=True)
class Plugin:
    """One thing a plugin brings, as `ecoo plugins` lists it. Kind is signer, template, payment or hook; the version of a template
    is its form's."""

    kind: str
    id: str
    title: str
    version: str
    source: str


class Registry:
    """What was found: signers and gateways by id, forms by scheme, and the hooks.

    `demo` says that the site is a demonstration, where a form that nobody confirmed may be used.
    """

    def __init__(self, manager: pluggy.PluginManager, found: Mapping[str, Found]) -> None:
        self._manager = manager
        self._found = found
        self.demo = False
        self.signers: dict[str, Signer] = {}
        self.gateways: dict[str, PaymentGateway] = {}
        self.packs: dict[str, Pack] = {}
        self._forms: dict[str, tuple[Form, ...]] = {}
        self.plugins: list[Plugin] = []
        self._collect_signers()
        self._collect_gateways()
        self._collect_forms()
        self._list_hooks()

    # --- asking ---------------------------------------------------------------------------------

    @property
    def schemes(self) -> tuple[str, ...]:
        """The codes of all schemes, in order."""
        return tuple(sorted(self._forms))

    def form(self, scheme: str, on: date, version: str | None = None) -> Form:
        """The form in force that day: the newest version whose dates cover it, or the one named if they do. Raises Refused."""
        if scheme not in self._forms:
            raise Refused(f"There is no scheme {scheme}. Known: {', '.join(self.schemes)}.", box="scheme", rule="known scheme")
        usable = [
            form
            for form in self._forms[scheme]
            if (form.effective_from is None or form.effective_from <= on) and (form.effective_until is None or on <= form.effective_until)
        ]
        if not usable:
            raise Refused(f"No form of {scheme} is in force on {on.isoformat()}.", box="scheme", rule="form in force")
        if version is not None:
            named = next((form for form in usable if form.version == version), None)
            if named is None:
                versions = ", ".join(form.version for form in usable)
                say = f"Version {version} of the form of {scheme} is not in force on {on.isoformat()}; in force: {versions}."
                raise Refused(say, box="form_version", rule="form in force")
            return named
        return max(usable, key=lambda form: (form.effective_from or date.min, form.version))

    def in_force(self, on: date) -> list[Form]:
        """The newest form in force that day of each scheme that has one, by code."""
        found = []
        for scheme in self.schemes:
            with contextlib.suppress(Refused):
                found.append(self.form(scheme, on))
        return found

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

    def gateway(self, id: str) -> PaymentGateway:
        """The gateway of that id. Raises ConfigError with those there are."""
        if id not in self.gateways:
            raise ConfigError(f"There is no payment gateway {id!r}. Known: {', '.join(sorted(self.gateways)) or 'none'}.")
        return self.gateways[id]

    def each(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """What every plugin answers to a collecting hook, with its name, in pluggy's order: guests before built-ins.

        Raises PluginError naming plugin and hook if one breaks or answers something else than the hook asks for.
        """
        return list(self._asked(hook, arguments))

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer to a hook that replaces a step, or None if every plugin leaves it to the engine."""
        return next((answer for _, answer in self._asked(hook, arguments) if answer is not None), None)

    def listeners(self, hook: str) -> list[tuple[str, Callable[..., None]]]:
        """Who listens to an announcing hook: the outbox calls each alone, so that one failure stops nobody.

        Whatever a listener raises is an Exception: one that tries to end the process fails like any other.
        """
        found = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return [(each.plugin_name, _staying(_only(each.function, each.argnames))) for each in found]

    @property
    def relay(self) -> Any:
        """The replacing hooks as functions, for a room that is handed them without knowing the registry."""
        return _Relay(self)

    def _asked(self, hook: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            name, ask = implementation.plugin_name, _only(implementation.function, implementation.argnames)
            try:
                answer = ask(**arguments)
            except (Exception, SystemExit) as error:
                if isinstance(error, EngineError) and hook not in _AT_START:
                    raise
                raise PluginError(f"The plugin {name} broke in {hook}: {type(error).__name__}: {error}") from error
            yield name, check_answer(name, hook, answer)

    # --- collecting -----------------------------------------------------------------------------

    def _add(self, kind: str, id: str, title: str, plugin: str, version: str = "") -> None:
        found = self._found[plugin]
        own = str(getattr(found.plugin, "version", "") or found.version or "0")
        self.plugins.append(Plugin(kind, id, title, version or own, found.source))

    def _collect_signers(self) -> None:
        brought: dict[str, str] = {}
        for plugin, signers in self.each("coo_signers"):
            for signer in signers:
                check_signer(plugin, signer)
                if signer.id in brought:
                    raise PluginError(
                        f"The plugins {brought[signer.id]} and {plugin} both answered coo_signers with a signer {signer.id!r}. Remove one."
                    )
                brought[signer.id] = plugin
                self.signers[signer.id] = signer
        for id in sorted(brought):
            self._add("signer", id, self.signers[id].title, brought[id])

    def _collect_gateways(self) -> None:
        brought: dict[str, str] = {}
        for plugin, gateways in self.each("coo_payment_gateways"):
            for gateway in gateways:
                check_gateway(plugin, gateway)
                if gateway.id in brought:
                    first = brought[gateway.id]
                    raise PluginError(
                        f"The plugins {first} and {plugin} both answered coo_payment_gateways with a gateway {gateway.id!r}. Remove one."
                    )
                brought[gateway.id] = plugin
                self.gateways[gateway.id] = gateway
        for id in sorted(brought):
            self._add("payment", id, self.gateways[id].title, brought[id])

    def _collect_forms(self) -> None:
        brought = [(plugin, pack) for plugin, found in self.each("coo_templates") for pack in found]
        for plugin, pack in brought:
            check_pack(plugin, pack)
            if pack.name in self.packs:
                raise PluginError(
                    f"The plugin {plugin} answered coo_templates with a pack {pack.name!r}, and another has that name. Rename one."
                )
            self.packs[pack.name] = pack
        sheets = packs.sheet_reader(tuple(self.packs.values()), templates_folder() / "sheets")
        for plugin, pack in sorted(brought, key=lambda each: each[1].name):
            for form in _forms(plugin, pack, sheets):
                known = self._forms.get(form.scheme, ())
                if any(other.version == form.version for other in known):
                    raise PluginError(
                        f"The plugin {plugin}, coo_templates: the pack {pack.name} brings version {form.version} of {form.scheme}, "
                        "and another pack does too. Give it a version of its own."
                    )
                if twin := next((other for other in known if other.effective_from == form.effective_from), None):
                    since = form.effective_from.isoformat() if form.effective_from else "no day that is given"
                    raise PluginError(
                        f"The plugin {plugin}, coo_templates: version {form.version} of {form.scheme} in the pack {pack.name} is in force from {since}, "
                        f"and so is version {twin.version}: which of them is the newer? Give one another effective_from."
                    )
                self._forms[form.scheme] = (*known, form)
                self._add("template", form.scheme, form.title, plugin, form.version)

    def load_products(self, table: Path, config: str) -> None:
        """Adds an operator's product rules to the forms of their schemes, beside those of the packs; all of a table or none.

        Raises ConfigError naming the table and everything that is wrong with it. The hash of a form stays what it is: a finding
        keeps the hash of the rules it was made by.
        """
        try:
            found = read_products(table.read_bytes(), str(table))
        except OSError as error:
            raise ConfigError(f"{config}: origin.products names {table}, which cannot be read: {error.strerror}.") from error
        except Refused as refusal:
            raise ConfigError("\n".join(problem.say for problem in refusal.problems), code="products") from refusal
        if strangers := sorted(set(found) - set(self._forms)):
            raise ConfigError(f"{table} has rules for {strangers[0]}, which is no scheme here. Known: {', '.join(self.schemes)}.")
        for scheme, rules in found.items():
            for form in self._forms[scheme]:
                if double := overlap(form.origin.products, rules):
                    raise ConfigError(
                        f"{table} has a rule of {scheme} for HS {double[1].codes} ({double[1].text}), and its pack or another table has one for "
                        f"HS {double[0].codes} ({double[0].text}) on the same days. Make the ranges or the dates of one end where the other begins."
                    )
            self._forms[scheme] = tuple(
                replace(form, origin=replace(form.origin, products=(*form.origin.products, *rules))) for form in self._forms[scheme]
            )

    def _list_hooks(self) -> None:
        for name in sorted(self._found):
            hooks = sorted(_hooks(self._manager, name) - _COLLECTED)
            if hooks:
                self._add("hook", name, ", ".join(hooks), name)


class _Relay:
    """`relay.coo_draw(request=...)` asks the plugins for the first answer."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, hook: str) -> Callable[..., Any]:
        return partial(self._registry.first, hook)


def load(config: Config | None = None) -> Registry:
    """Everything installed. Raises PluginError or ConfigError with a sentence naming the plugin."""
    manager = pluggy.PluginManager("ecoo")
    manager.add_hookspecs(hookspecs)
    known: dict[str, Found] = {}
    for found in (*built_in(), *guests(), *configured(config)):
        _register(manager, known, found)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        name = manager.get_name(error.plugin) or repr(error.plugin)
        strange = sorted(_hooks(manager, name) - _specified())
        raise PluginError(
            f"The plugin {name} ({known[name].source}) implements {', '.join(strange)}, which is no hook; "
            f"the hooks are {', '.join(sorted(_specified()))}."
        ) from error
    registry = Registry(manager, known)
    if config is not None:
        registry.demo = config.site.demo
        _refuse_strangers(config, registry)
        for table in config.origin.products:
            registry.load_products(table, str(config.path))
    return registry


def _refuse_strangers(config: Config, registry: Registry) -> None:
    """Settings that nobody reads are a mistake somebody should hear of."""
    for section, settings, installed in (
        ("signers", config.signers, set(registry.signers)),
        ("gateways", config.gateways, set(registry.gateways)),
    ):
        for stranger in sorted(set(settings) - installed):
            raise ConfigError(
                f"{config.path}: [{section}.{stranger}] names no installed {section[:-1]}. Known: {', '.join(sorted(installed)) or 'none'}."
            )


def _register(manager: pluggy.PluginManager, known: dict[str, Found], found: Found) -> None:
    name, plugin = found.name, found.plugin
    contract = getattr(plugin, "contract", None)
    if contract != CONTRACT:
        said = "names no contract" if contract is None else f"was written for contract {contract!r}"
        raise PluginError(
            f"The plugin {name} ({found.source}) {said}; this ecoo has contract {CONTRACT}. Install a version of it for this contract."
        )
    if isinstance(plugin, type):
        raise PluginError(f"The plugin {name} ({found.source}) is the class {plugin.__name__}; let it be a module, or an instance.")
    if name in known:
        raise PluginError(f"Two plugins are named {name}: {known[name].source} and {found.source}. Remove one.")
    for attribute, value in inspect.getmembers(plugin, inspect.isroutine):
        options = getattr(value, "ecoo_impl", None)
        if options is not None:
            check_hook(name, options.get("specname") or attribute, value, options)
        elif attribute.startswith(hookspecs.PREFIX):
            raise PluginError(f"The plugin {name} defines {attribute} without @hookimpl; it would never be called. Mark it.")
    try:
        manager.register(plugin, name)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(f"The plugin {name} ({found.source}) does not fit: {' '.join(str(error).split())}") from error
    if not _hooks(manager, name):
        raise PluginError(f"The plugin {name} ({found.source}) implements no hook, so it would do nothing. Mark its hooks with @hookimpl.")
    known[name] = found


def _hooks(manager: pluggy.PluginManager, name: str) -> set[str]:
    """The names of the hooks that a registered plugin implements."""
    return {each.name for each in manager.get_hookcallers(manager.get_plugin(name)) or ()}


def _specified() -> set[str]:
    return {name for name in vars(hookspecs) if name.startswith(hookspecs.PREFIX)}


def _forms(plugin: str, pack: Pack, sheets: Callable[[str], Sheet]) -> tuple[Form, ...]:
    """Every version of a pack's form. Raises PluginError naming plugin, pack, file and key."""
    try:
        forms = packs.read_forms(pack, sheets)
    except PluginError as error:
        raise PluginError(f"The plugin {plugin}, coo_templates: {_in_pack(pack, error.say)}") from error
    except OSError as error:
        raise PluginError(f"The plugin {plugin}, coo_templates: pack {pack.name} cannot be read: {error.strerror}.") from error
    for form in forms:
        check_form(f"The plugin {plugin}, coo_templates: pack {pack.name}, version {form.version}", form)
    return forms


def _in_pack(pack: Pack, say: str) -> str:
    """The sentence with the pack that it is about: one about a sheet names the sheet alone."""
    return say if say.startswith(f"pack {pack.name}") else f"pack {pack.name}, form.toml: {say}"


def _only(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """The function with the arguments it asks for, as pluggy calls it."""

    def call(**arguments: Any) -> Any:
        return function(**{name: arguments[name] for name in names})

    return call


def _staying(listen: Callable[..., Any]) -> Callable[..., None]:
    def call(**arguments: Any) -> None:
        try:
            listen(**arguments)
        except SystemExit as error:
            raise PluginError("The plugin tried to end the process.") from error

    return call
