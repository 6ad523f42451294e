"""Settings that depend on others, and those that must not be: the last step of reading engine.toml."""

import dataclasses
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.config.sections import Config, DgftSection, MailSection, Site
from engine.errors import ConfigError

__all__ = ["is_loopback", "is_public", "require_public", "settle"]

_REHEARSAL = "http://127.0.0.1:8001"  # the registry of a demonstration on port 8000
_REHEARSED_GATEWAY = "http://127.0.0.1:8002"  # its payment gateway


def settle(config: Config, environ: Mapping[str, str]) -> Config:
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
        mail=_settle_mail(config.path, config.mail, site),
        dgft=_settle_dgft(config.dgft, site, serve.port),
        gateways=_settle_gateways(config.gateways, site, serve.port),
        database=dataclasses.replace(config.database, url=url),
        files=dataclasses.replace(config.files, url=files),
    )


def _settle_dgft(dgft: DgftSection, site: Site, port: int) -> DgftSection:
    """The rehearsal registry of a demonstration moves with its port, as `public_url` does, so that two can run side by side."""
    if not (site.demo and site.rehearsal and port not in {0, 8000} and dgft.issuer == _REHEARSAL):
        return dgft
    moved = f"http://127.0.0.1:{port + 1 if port < 65535 else port - 1}"
    urls = {name: getattr(dgft, name) for name in ("issuer", "profile_url", "help_url")}
    changed: dict[str, Any] = {
        name: moved + url.removeprefix(_REHEARSAL) for name, url in urls.items() if url == _REHEARSAL or url.startswith(f"{_REHEARSAL}/")
    }
    return dataclasses.replace(dgft, **changed)


def _settle_gateways(gateways: Mapping[str, Mapping[str, str]], site: Site, port: int) -> Mapping[str, Mapping[str, str]]:
    """The rehearsal gateway of a demonstration moves with its port too, two further on."""
    if not (site.demo and site.rehearsal and port not in {0, 8000}):
        return gateways
    moved = f"http://127.0.0.1:{port + 2 if port < 65534 else port - 2}"
    return {
        id: {
            name: moved + text.removeprefix(_REHEARSED_GATEWAY) if f"{text}/".startswith(f"{_REHEARSED_GATEWAY}/") else text
            for name, text in settings.items()
        }
        for id, settings in gateways.items()
    }


def _settle_mail(path: Path, mail: MailSection, site: Site) -> MailSection:
    """Fills sender and encryption. No sentence repeats the address of the server: somebody may have written a password into it."""
    host = urlsplit(site.public_url).hostname or ""
    if not mail.url:
        return dataclasses.replace(mail, from_address=mail.from_address or f"no-reply@{'localhost' if _is_ip(host) else host}")
    try:
        parts = urlsplit(mail.url)
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.password or parts.path.strip("/"))
    except ValueError:
        parts, whole = urlsplit(""), False
    if parts.scheme not in {"smtp", "smtps"} or not whole or parts.query or parts.fragment:
        raise ConfigError(
            f"{path}: mail.url must be like smtp://host:25 or smtps://host:465, with user and password in settings of their own."
        )
    if mail.starttls and parts.scheme == "smtps":
        raise ConfigError(f"{path}: mail.starttls is for smtp:// alone; smtps:// is encrypted from the first byte.")
    here = is_loopback(parts.hostname or "")
    starttls = parts.scheme == "smtp" and (not here if mail.starttls is None else mail.starttls)
    if bool(mail.user) != bool(mail.password):
        raise ConfigError(f"{path}: mail.user and mail.password belong together; set both or none.")
    if mail.user and parts.scheme == "smtp" and not starttls and not here:
        raise ConfigError(f"{path}: mail.starttls = false would send mail.password in clear. Leave it out, or use smtps://.")
    if not mail.from_address:
        raise ConfigError(f"{path}: mail.from_address must be set when mail.url is: the address that letters come from.")
    if mail.timeout_s < 1:
        raise ConfigError(f"{path}: mail.timeout_s must be at least 1.")
    return dataclasses.replace(mail, starttls=starttls)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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
    if site.rehearsal and not is_loopback(parts.hostname):
        raise ConfigError(
            f"{path}: site.rehearsal = true with a public_url that is not this machine ({site.public_url}). In a rehearsal fees are paid "
            "with no money and anybody can be whoever they choose: never where real certificates are issued."
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


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
