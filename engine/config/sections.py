"""The sections of engine.toml: a setting is a name, a default and a line of help."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "PLUGIN_SECTIONS",
    "SECTIONS",
    "AccessSection",
    "Config",
    "DgftSection",
    "DrawingSection",
    "MailSection",
    "Secret",
    "Site",
    "settings_help",
]


@dataclass(frozen=True, slots=True)
class Secret:
    """What a reference leads to. It is false while there is none, and no text or repr of it shows it."""

    value: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return "a secret" if self.value else ""


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
    exporters_keys: bool = _setting(False, "let exporters' users, too, register certificates whose keys are in this server's devices")
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
class AccessSection:
    """[access]"""

    idle_minutes: int = _setting(30, "a session ends after so many minutes without a request")
    hours: int = _setting(12, "a session ends so many hours after signing in")
    fresh_minutes: int = _setting(10, "dangerous acts ask for password and code that were shown longer ago")
    lone_hours: int = _setting(48, "what needs a second person waits so many hours where an agency has none")


@dataclass(frozen=True, slots=True)
class TemplatesSection:
    """[templates]"""

    folders: tuple[Path, ...] = _setting((), "folders of template packs beside the built-in ones")


@dataclass(frozen=True, slots=True)
class OriginSection:
    """[origin]"""

    products: tuple[Path, ...] = _setting((), "tables of product specific rules (CSV) beside those that packs bring")


@dataclass(frozen=True, slots=True)
class DgftSection:
    """[dgft]"""

    issuer: str = _setting("", "the exporters' registry, exactly as its OpenID metadata names itself; empty: nobody signs in through it")
    client_id: str = _setting("", "our name at the registry")
    client_secret: Secret = _setting(Secret(), "what we prove our name with (client_secret_basic), as a secret's reference; or client_key")
    client_key: Secret = _setting(
        Secret(), "a private key in PEM (private_key_jwt), RSA or P-256, as a secret's reference; or client_secret"
    )
    client_key_id: str = _setting("", "the kid under which the registry knows that key; empty: its RFC 7638 thumbprint")
    hosts: tuple[str, ...] = _setting(
        (), "further hosts, each host or host:port, that the registry may name; those of issuer and profile_url always"
    )
    profile_url: str = _setting("", "the address of the IEC profile service; empty: profiles are not asked for")
    profile_token: Secret = _setting(Secret(), "the bearer token of the profile service, as a secret's reference")
    sync_hours: int = _setting(24, "what the registry says of a firm is asked for again after so many hours")
    help_url: str = _setting("", "the registry's help and FAQs, where exporters' pages lead; empty: no such link")


@dataclass(frozen=True, slots=True)
class MailSection:
    """[mail]"""

    url: str = _setting("", "smtp://host:25 or smtps://host:465; empty: letters are put as files into outbox, in the site's folder")
    starttls: bool | None = _setting(
        None, "encrypt an smtp:// connection before anything is said; unset: yes, but not to this machine itself"
    )
    from_address: str = _setting(
        "", "the address that letters come from; empty: no-reply at the host of public_url, with url it must be set"
    )
    from_name: str = _setting("Electronic Certificate of Origin", "the name beside that address")
    user: str = _setting("", "the name to log in with at the mail server; empty: no login")
    password: Secret = _setting(Secret(), "the password to log in with, as a secret's reference")
    timeout_s: int = _setting(20, "how many seconds the mail server may be silent")


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
    access: AccessSection = AccessSection()
    templates: TemplatesSection = TemplatesSection()
    origin: OriginSection = OriginSection()
    dgft: DgftSection = DgftSection()
    mail: MailSection = MailSection()
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


SECTIONS: dict[str, type[Any]] = {
    name: hint for name, hint in typing.get_type_hints(Config).items() if dataclasses.is_dataclass(hint) and isinstance(hint, type)
}
PLUGIN_SECTIONS = ("signers", "gateways")


def settings_help() -> list[tuple[str, str, str]]:
    """Every setting as (name, default, help), for `ecoo check` and the manual."""
    return [
        (f"{section}.{item.name}", "" if item.default is None else str(item.default), str(item.metadata.get("help", "")))
        for section, kind in SECTIONS.items()
        for item in dataclasses.fields(kind)
    ]
