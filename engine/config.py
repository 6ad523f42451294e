"""engine.toml as frozen dataclasses: what an operator sets before start, and nothing else.

A setting is a name, a default and a line of help; `ecoo check` prints all. `ECOO_SECTION__KEY` in the environment
overrides a value. Relative paths count from the file's folder. Secrets are references: `{ env = "NAME" }` or
`{ file = "path" }`. An unknown key and a missing secret are errors that name the path to the key.
"""

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import ConfigError

__all__ = ["Config", "default_path", "is_public", "load", "require_public", "settings_help", "site_folder"]


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Site:
    """[site]"""

    demo: bool = _setting(False, "a demonstration site: every page says so, keys are made on the spot")
    rehearsal: bool = _setting(False, "allow the rehearsal servers of gateways, eSign and the registry")
    public_url: str = _setting("http://127.0.0.1:8000", "the address that the QR carries; https and not loopback outside demo")
    folder: Path = _setting(Path("var"), "where the site keeps its data")
    demo_signer: str = _setting("key_file", "the signer whose demonstration keys sign on a demonstration site")
    halted: bool = _setting(False, "stop issuing; verification goes on")


@dataclass(frozen=True, slots=True)
class DatabaseSection:
    """[database]"""

    url: str = _setting("", "sqlite:///path or postgresql://…; empty: ecoo.db in the site's folder")
    jobs_url: str = _setting("", "the job engine's database; empty: jobs.db beside SQLite, the same PostgreSQL otherwise")


@dataclass(frozen=True, slots=True)
class FilesSection:
    """[files]"""

    url: str = _setting("", "folder or s3://bucket for certificates; empty: files in the site's folder")


@dataclass(frozen=True, slots=True)
class SecretsSection:
    """[secrets]"""

    key_file: Path = _setting(Path("var/secrets.key"), "Fernet keys, newest first; keep its backup apart from the database's")


@dataclass(frozen=True, slots=True)
class IssueSection:
    """[issue]"""

    from_shell: bool = _setting(False, "let `ecoo issue` record both acts of a person and waive the fee")
    number_pattern: str = _setting("{agency}/{year}/{office}/{serial:07d}{check}", "how a new series prints its numbers")
    year: str = _setting("calendar", "the year of a new series: calendar or financial (April to March)")


@dataclass(frozen=True, slots=True)
class DrawingSection:
    """[drawing]"""

    processes: int = _setting(2, "how many processes draw")
    timeout_s: int = _setting(20, "how long one drawing may take")
    memory_mib: int = _setting(1024, "how much address space one drawing process may use")


@dataclass(frozen=True, slots=True)
class TrustSection:
    """[trust]"""

    roots: tuple[Path, ...] = _setting((), "PEM or DER files of the roots that signatures are judged by")
    crls: tuple[Path, ...] = _setting((), "revocation lists of those authorities, PEM or DER, renewed by the operator")
    intermediates: tuple[Path, ...] = _setting((), "PEM or DER files of issuing authorities below them")


@dataclass(frozen=True, slots=True)
class ServeSection:
    """[serve]"""

    host: str = _setting("127.0.0.1", "the address to listen on")
    port: int = _setting(8000, "the port to listen on; PORT in the environment wins")
    profile: str = _setting("embedded", "embedded: one process for web and jobs; outgrown: serve enqueues, workers execute")
    lease_s: int = _setting(60, "how many seconds a worker may be silent before the others take over its work; outgrown only")
    trusted_proxies: tuple[str, ...] = _setting((), "addresses whose X-Forwarded-For is believed")


@dataclass(frozen=True, slots=True)
class VerifySection:
    """[verify]"""

    per_minute: int = _setting(60, "how often one address, or one key, may ask in a minute; the page behind a QR code five times as often")
    files_per_minute: int = _setting(20, "how many files one address may have verified in a minute")
    global_per_minute: int = _setting(6000, "how often all addresses together may ask in a minute")


@dataclass(frozen=True, slots=True)
class TemplatesSection:
    """[templates]"""

    folders: tuple[Path, ...] = _setting((), "folders of template packs beside the built-in ones")


@dataclass(frozen=True, slots=True)
class OriginSection:
    """[origin]"""

    products: tuple[Path, ...] = _setting((), "tables of product specific rules (CSV) beside those that packs bring")


@dataclass(frozen=True, slots=True)
class LogSection:
    """[log]"""

    level: str = _setting("info", "debug, info, warning or error")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of engine.toml. `signers`, `gateways` and `plugins` map a plugin's id to its own settings as strings."""

    path: Path
    site: Site = Site()
    database: DatabaseSection = DatabaseSection()
    files: FilesSection = FilesSection()
    secrets: SecretsSection = SecretsSection()
    issue: IssueSection = IssueSection()
    drawing: DrawingSection = DrawingSection()
    trust: TrustSection = TrustSection()
    serve: ServeSection = ServeSection()
    verify: VerifySection = VerifySection()
    templates: TemplatesSection = TemplatesSection()
    origin: OriginSection = OriginSection()
    log: LogSection = LogSection()
    signers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    gateways: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where the site keeps its data."""
        return self.site.folder

    def plugin_folder(self, kind: str, plugin: str) -> Path:
        """A plugin's own folder under the site's data."""
        return self.site.folder / kind / plugin


_SECTIONS: dict[str, type[Any]] = {
    name: hint for name, hint in typing.get_type_hints(Config).items() if dataclasses.is_dataclass(hint) and isinstance(hint, type)
}
_PLUGIN_SECTIONS = ("signers", "gateways")


def default_path() -> Path:
    """The configuration in force: `ECOO_CONFIG`, else engine.toml in the working folder."""
    return Path(os.environ.get("ECOO_CONFIG") or "engine.toml").absolute()


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
    unknown = set(raw) - set(_SECTIONS) - set(_PLUGIN_SECTIONS)
    if unknown:
        raise ConfigError(f"{path}: [{sorted(unknown)[0]}] is not a section. Known: {', '.join([*_SECTIONS, *_PLUGIN_SECTIONS])}.")
    sections: dict[str, Any] = {name: _section(path, name, kind, raw.get(name, {})) for name, kind in _SECTIONS.items()}
    plugins: dict[str, Any] = {name: _plugins(path, name, raw.get(name, {}), environ) for name in _PLUGIN_SECTIONS}
    return _settle(Config(path=path, **sections, **plugins), environ)


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


def _section(path: Path, name: str, kind: type[Any], raw: Any) -> Any:
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: [{name}] must be a table.")
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise ConfigError(f"{path}: {name}.{key} is not a setting. Known: {', '.join(hints)}.")
    return kind(**{key: _value(path, f"{name}.{key}", hints[key], value) for key, value in raw.items()})


def _value(path: Path, where: str, hint: Any, value: Any) -> Any:
    """A value as its type, also from the environment's strings; paths count from the file's folder."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            raise ConfigError(f"{path}: {where} must be a list.")
        return tuple(_value(path, where, typing.get_args(hint)[0], item) for item in items if item != "")
    if hint is bool and isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    if hint is int and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if hint is Path and isinstance(value, str) and value:
        return (path.parent / value).resolve()
    wanted = str if hint is Path else hint
    if isinstance(hint, types.UnionType) or not isinstance(value, wanted) or (hint is int and isinstance(value, bool)) or hint is Path:
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


def _settle(config: Config, environ: Mapping[str, str]) -> Config:
    """Fills what depends on other settings, and refuses what must not be."""
    base = config.path.parent
    site = dataclasses.replace(config.site, folder=(base / config.site.folder).resolve(), public_url=config.site.public_url.rstrip("/"))
    secrets = dataclasses.replace(config.secrets, key_file=(base / config.secrets.key_file).resolve())
    serve = config.serve
    if port := environ.get("PORT"):
        if not (port.isascii() and port.isdigit() and 0 <= int(port) < 65536):
            raise ConfigError(f"PORT in the environment must be a port number; it is {port!r}.")
        serve = dataclasses.replace(serve, port=int(port))
    default_url = f"sqlite:///{site.folder / 'ecoo.db'}"
    url = config.database.url or default_url
    if url.startswith("sqlite:///"):
        url = f"sqlite:///{(base / url.removeprefix('sqlite:///')).resolve()}"
    files = config.files.url or str(site.folder / "files")
    if "://" not in files:
        files = str((base / files).resolve())
    if site.demo and serve.port != 8000 and site.public_url == Site.__dataclass_fields__["public_url"].default:
        site = dataclasses.replace(site, public_url=f"http://127.0.0.1:{serve.port}")
    _check_public_url(config.path, site)
    if config.issue.year not in {"calendar", "financial"}:
        raise ConfigError(f"{config.path}: issue.year must be calendar or financial; it is {config.issue.year!r}.")
    if serve.profile not in {"embedded", "outgrown"}:
        raise ConfigError(f"{config.path}: serve.profile must be embedded or outgrown; it is {serve.profile!r}.")
    if serve.lease_s < 1:
        raise ConfigError(f"{config.path}: serve.lease_s must be at least 1.")
    if config.drawing.processes < 1:
        raise ConfigError(f"{config.path}: drawing.processes must be at least 1.")
    return dataclasses.replace(
        config,
        site=site,
        secrets=secrets,
        serve=serve,
        database=dataclasses.replace(config.database, url=url),
        files=dataclasses.replace(config.files, url=files),
    )


def _check_public_url(path: Path, site: Site) -> None:
    try:
        parts = urlsplit(site.public_url)
    except ValueError as error:
        raise ConfigError(f"{path}: site.public_url cannot be read ({error}); it is {site.public_url!r}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ConfigError(f"{path}: site.public_url must be like https://coo.example.in; it is {site.public_url!r}.")
    if site.demo and not is_loopback(parts.hostname):
        raise ConfigError(
            f"{path}: site.demo = true with a public_url that is not this machine ({site.public_url}). A demonstration must not look real."
        )


def is_public(config: Config) -> bool:
    """Whether a customs officer abroad could open the address in the QR; a demonstration needs no such address."""
    parts = urlsplit(config.site.public_url)
    return config.site.demo or (parts.scheme == "https" and not is_loopback(parts.hostname or ""))


def require_public(config: Config) -> None:
    """Raises ConfigError while the address in the QR could not be opened by a customs officer abroad."""
    if not is_public(config):
        raise ConfigError(
            f"{config.path}: site.public_url is {config.site.public_url}; outside a demonstration it must be https and reachable, "
            "because it is printed in every QR code. Nothing is issued until it is set."
        )


def site_folder(config: Path | None, plugin: str) -> Path:
    """A signer's own folder of the site that a command names: the same one its `SignerContext.folder` is."""
    return load(config).plugin_folder("signers", plugin)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def settings_help() -> list[tuple[str, str, str]]:
    """Every setting as (name, default, help), for `ecoo check` and the manual."""
    return [
        (f"{section}.{item.name}", str(item.default), str(item.metadata.get("help", "")))
        for section, kind in _SECTIONS.items()
        for item in dataclasses.fields(kind)
    ]
