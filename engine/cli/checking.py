"""`ecoo check` without a file: everything that still stops this site, each with what mends it."""

import importlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import config as configuration
from engine import people, schema
from engine.cli.options import run_async, site_config
from engine.cli.output import BROKEN, DONE, show
from engine.clock import SystemClock
from engine.config import Config, settings_help
from engine.contracts.abilities import Stands
from engine.errors import ConfigError, EngineError
from engine.mail import Smtp, mailer_of, outbox_of, sender_of, standing
from engine.packs import FONTS
from engine.registry import Registry, load
from engine.site import open_site
from engine.store.audit import chain_breaks

__all__ = ["check_site"]


@dataclass(frozen=True, slots=True)
class _Looked:
    name: str
    ok: bool
    say: str


def check_site(path: Path | None, *, as_json: bool) -> int:
    """Looks at configuration, plugins, database, keys, trust, drawing, fonts and signers. 0 or 5."""
    config = site_config(path)
    looked = run_async(config, lambda: _look(config))
    ok = all(each.ok for each in looked)
    settings = [{"name": name, "default": default, "help": text} for name, default, text in _settings(config)]
    result: dict[str, Any] = {
        "ok": ok,
        "checks": [{"name": each.name, "ok": each.ok, "say": each.say} for each in looked],
        "settings": settings,
    }
    show(result, as_json=as_json, plain=lambda: _plain(looked, config))
    return DONE if ok else BROKEN


def _plain(looked: list[_Looked], config: Config) -> str:
    lines = [f"{'ok  ' if each.ok else 'STOP'}  {each.name:14} {each.say}" for each in looked]
    lines += ["", f"settings ({config.path})"]
    lines += [f"  {name:26} {text} (default: {default or 'none'})" for name, default, text in _settings(config)]
    return "\n".join(lines)


def _settings(config: Config) -> list[tuple[str, str, str]]:
    """The engine's settings, then those of each installed signer."""
    try:
        signers = load(config).signers.values()
    except EngineError:  # said by the check of the plugins
        return settings_help()
    own = [(f"signers.{signer.id}.{each.name}", each.default or "", each.help) for signer in signers for each in signer.config_fields]
    return settings_help() + own


async def _look(config: Config) -> list[_Looked]:
    found = [_Looked("configuration", True, str(config.path))]
    for name, act in (("fonts", _fonts), ("pictures", _pictures), ("public address", lambda: _address(config))):
        found.append(await _one(name, _later(act)))
    if config.dgft.issuer:
        found.append(await _one("exporters' registry", lambda: _exporters_registry(config)))
    registry: list[Registry] = []
    found.append(await _one("plugins", _later(lambda: _plugins(config, registry))))
    if all(each.ok for each in found if each.name == "plugins"):
        found += await _opened(config)
    return found


async def _opened(config: Config) -> list[_Looked]:
    found: list[_Looked] = []
    try:
        async with open_site(config, work=False) as site:
            found.append(_Looked("database", True, f"{config.database.url.split('@')[-1]}, schema {schema.fingerprint()[:12]}"))
            found.append(await _one("audit chain", _audit))
            found.append(await _one("register", _register))
            found.append(_Looked("keys", True, str(config.secrets.key_file)))
            found.append(await _one("mail", lambda: _mail(config)))
            found.append(await _one("letters", _letters))
            roots = site.trust.fingerprints
            words = "; ".join(f"{name} {fingerprint[:23]}…" for name, fingerprint in roots)
            found.append(_Looked("trust", bool(roots), words or "[trust] roots names no root; no signature can be judged."))
            for id in site.config.signers:
                found.append(await _one(f"signer {id}", _later(lambda id=id: _signer(site.registry, config, id))))  # type: ignore[misc]
    except EngineError as error:
        found.append(_Looked("site", False, error.say))
    return found


async def _one(name: str, act: Callable[[], Awaitable[str]]) -> _Looked:
    try:
        return _Looked(name, True, await act())
    except EngineError as error:
        return _Looked(name, False, error.say)


def _later(act: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        return act()

    return run


async def _register() -> str:
    agencies, offices = await people.count_agencies()
    if not offices:
        raise ConfigError("The register has no agency with an office, so nothing can be issued. README.md says how they are entered.")
    return f"{agencies} agencies with {offices} offices"


async def _mail(config: Config) -> str:
    """Where letters go; a mail server is connected to, and sent nothing."""
    sender, mailer = sender_of(config), mailer_of(config)
    if isinstance(mailer, Smtp):
        await mailer.probe()
        return f"{mailer.server}, from {sender.address}"
    return f"files in {outbox_of(config)}, which reach nobody by themselves; set mail.url to send them"


async def _letters() -> str:
    return str(await standing())


def _fonts() -> str:
    if not (FONTS / "DejaVuSans.ttf").exists():
        raise ConfigError(f"The fonts are missing in {FONTS}. Run: apt-get install fonts-dejavu-core")
    return f"DejaVu in {FONTS}"


def _pictures() -> str:
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        raise ConfigError(f"OpenCV cannot be loaded ({error}). Run: apt-get install libgl1 libglib2.0-0") from error
    return "OpenCV cleans stamps and signatures"


def _address(config: Config) -> str:
    url = config.site.public_url
    if not config.site.demo:
        configuration.require_public(config)
    return url


async def _exporters_registry(config: Config) -> str:
    """What [dgft] names; a real one is asked for its metadata."""
    from engine.people.firms.keeping import Dgft  # it needs the JOSE library, and most commands do not

    dgft = Dgft.of_site(config, SystemClock())
    if dgft is None or dgft.settings.rehearsal:
        return f"{config.dgft.issuer}, a rehearsal in which nobody is real"
    await dgft.provider.discover(config, clock=SystemClock())
    return config.dgft.issuer


def _plugins(config: Config, into: list[Registry]) -> str:
    into.append(load(config))
    return ", ".join(f"{each.kind} {each.id}" for each in into[0].plugins)


async def _audit() -> str:
    breaks = await chain_breaks()
    if breaks:
        raise ConfigError(f"The audit chain is broken: {breaks[0]}.")
    return "whole"


def _signer(registry: Registry, config: Config, id: str) -> str:
    problems = registry.signer(id).validate_config(config.signers[id])
    if problems:
        raise ConfigError(problems[0])
    folder, signer = config.plugin_folder("signers", id), registry.signer(id)
    if isinstance(signer, Stands):
        return f"{signer.title}: {signer.standing(folder) or 'no ecoo process holds it now; `ecoo serve` would.'}"
    return f"{registry.signer(id).title}, {folder if os.path.isdir(folder) else 'no folder yet'}"  # noqa: PTH112
