"""engine.toml and the environment as a `Config`; what is wrong is told with file and key."""

import contextlib
import os
import secrets
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config.sections import PLUGIN_SECTIONS, SECTIONS, Config, Secret
from engine.config.settling import settle
from engine.errors import ConfigError

__all__ = ["default_path", "load", "load_if_any", "site_folder"]


def default_path() -> Path:
    """The configuration in force: `ECOO_CONFIG`, else engine.toml in the working folder."""
    return Path(os.environ.get("ECOO_CONFIG") or "engine.toml").absolute()


def load_if_any(path: Path | None = None) -> Config | None:
    """The configuration that is named, here or by `ECOO_CONFIG`, else engine.toml in the working folder if there is one; None without.

    Raises ConfigError for one that is named and is not there.
    """
    named = path is not None or bool(os.environ.get("ECOO_CONFIG"))
    return load(path) if named or default_path().exists() else None


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Reads engine.toml and the environment. Raises ConfigError naming file and key."""
    path = (path or default_path()).absolute()
    environ = os.environ if environ is None else environ
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no configuration at {path}. Name one with --config or ECOO_CONFIG, or run: ecoo demo --at FOLDER"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    _override(raw, environ)
    unknown = set(raw) - set(SECTIONS) - set(PLUGIN_SECTIONS)
    if unknown:
        raise ConfigError(f"{path}: [{sorted(unknown)[0]}] is not a section. Known: {', '.join([*SECTIONS, *PLUGIN_SECTIONS])}.")
    _make_secrets(path, raw)
    sections: dict[str, Any] = {name: _section(path, name, kind, raw.get(name, {}), environ) for name, kind in SECTIONS.items()}
    plugins: dict[str, Any] = {name: _plugins(path, name, raw.get(name, {}), environ) for name in PLUGIN_SECTIONS}
    return settle(Config(path=path, **sections, **plugins), environ)


def _override(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        parts = name.lower().split("__")
        if not name.startswith("ECOO_") or len(parts) < 2:
            continue
        *sections, key = [parts[0].removeprefix("ecoo_"), *parts[1:]]
        table = raw
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise ConfigError(f"The environment's {name} goes deeper than the settings do.")
        table[key] = value


def _section(path: Path, name: str, kind: type[Any], raw: Any, environ: Mapping[str, str]) -> Any:
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: [{name}] must be a table.")
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise ConfigError(f"{path}: {name}.{key} is not a setting. Known: {', '.join(hints)}.")
    return kind(**{key: _value(path, f"{name}.{key}", hints[key], value, environ) for key, value in raw.items()})


def _value(path: Path, where: str, hint: Any, value: Any, environ: Mapping[str, str]) -> Any:
    """A value as its type, also from the environment's strings; paths count from the file's folder."""
    if hint is Secret:
        return Secret(_secret(path, where, value if isinstance(value, dict) else {}, environ))
    if isinstance(hint, types.UnionType):  # such as bool | None: None is what an unset one has
        hint = typing.get_args(hint)[0]
    origin = typing.get_origin(hint)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            raise ConfigError(f"{path}: {where} must be a list.")
        return tuple(_value(path, where, typing.get_args(hint)[0], item, environ) for item in items if item != "")
    if hint is bool and isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    if hint is int and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if hint is Path and isinstance(value, str) and value:
        return (path.parent / value).resolve()
    wanted = str if hint is Path else hint
    if not isinstance(value, wanted) or (hint is int and isinstance(value, bool)) or hint is Path:
        raise ConfigError(f"{path}: {where} must be {_name(hint)}; it is {value!r}.")
    return value


def _name(hint: Any) -> str:
    return {bool: "true or false", int: "a whole number", str: "a text", Path: "a path"}.get(hint, str(hint))


def _plugins(path: Path, section: str, raw: Any, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict) or not all(isinstance(table, dict) for table in raw.values()):
        raise ConfigError(f"{path}: [{section}.NAME] must be tables.")
    return {
        name: {key: _setting_text(path, f"{section}.{name}.{key}", value, environ) for key, value in table.items()}
        for name, table in raw.items()
    }


def _setting_text(path: Path, where: str, value: Any, environ: Mapping[str, str]) -> str:
    """A plugin's setting as text; a table is a reference to a secret."""
    if isinstance(value, dict):
        return _secret(path, where, value, environ)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConfigError(f"{path}: {where} must be a text, a number, true or false, or a secret's reference.")


def _secret(path: Path, where: str, reference: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    match dict(reference):
        case {"env": str(name), **rest} if not rest:
            if not environ.get(name):
                raise ConfigError(f"{path}: {where} refers to the environment variable {name}, which is not set.")
            return environ[name]
        case {"file": str(name), **rest} if not rest:
            try:
                return (path.parent / name).read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                raise ConfigError(f"{path}: {where} refers to the file {name}, which cannot be read: {error.strerror}.") from error
    raise ConfigError(f'{path}: {where} must be {{ env = "NAME" }} or {{ file = "path" }}.')


def _make_secrets(path: Path, raw: dict[str, Any]) -> None:
    """Puts a file in the place of each `{ made = "NAME" }`: a demonstration's own secret, made at random in its folder."""
    site = raw.get("site")
    settings: dict[str, Any] = site if isinstance(site, dict) else {}
    demo, folder = settings.get("demo") in {True, "true", "1"}, settings.get("folder", "var")
    for section, table in raw.items():
        for key, value in table.items() if isinstance(table, dict) else ():
            match value:
                case {"made": str(name), **rest} if not rest:
                    where = f"{section}.{key}"
                    if not demo or not isinstance(folder, str) or not name or name != Path(name).name:
                        raise ConfigError(
                            f'{path}: {where} is {{ made = "NAME" }}, which is for a demonstration site and a plain name alone.'
                        )
                    table[key] = {"file": str(_made(path, where, path.parent / folder / name))}


def _made(path: Path, where: str, file: Path) -> Path:
    """The file with the secret, made if it is absent; whichever process was first, its secret stays."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            part = file.with_name(f".{file.name}.{os.getpid()}")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
                out.write(secrets.token_urlsafe(32) + "\n")
            with contextlib.suppress(FileExistsError):
                os.link(part, file)
            part.unlink()
    except OSError as error:
        raise ConfigError(f"{path}: {where} refers to the file {file}, which cannot be made: {error.strerror}.") from error
    return file


def site_folder(config: Path | None, plugin: str) -> Path:
    """A signer's own folder of the site that a command names: the same one its `SignerContext.folder` is."""
    return load(config).plugin_folder("signers", plugin)
