"""What [dgft] says, checked once: where the registry is, who we are there, and which hosts may ever be asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from engine.config import Config, DgftSection, Secret
from engine.errors import ConfigError
from engine.people.web_address import web_address_fault

__all__ = ["RETURN_PATH", "Settings", "settings_of"]

# Where the registry sends the person back to; registered there as our redirect_uri, to the letter.
RETURN_PATH = "/sign-in/registry/return"

_HOST = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?", re.ASCII)
_KEYS: Mapping[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Settings:
    """The registry as this site knows it. `rehearsal` allows plain http to this machine, and nothing else."""

    issuer: str
    client_id: str
    redirect_uri: str
    hosts: frozenset[str]
    client_secret: Secret = Secret()
    client_key: RSAKey | ECKey | None = field(default=None, repr=False)
    profile_url: str = ""
    profile_token: Secret = Secret()
    rehearsal: bool = False
    help_url: str = ""
    sync_every: timedelta = timedelta(hours=24)

    @property
    def auth_method(self) -> str:
        """How we prove our name at the token endpoint."""
        return "private_key_jwt" if self.client_key is not None else "client_secret_basic"

    def address_fault(self, url: str) -> str:
        """Why the registry may not be asked at this address, nor a person led there, as the end of a sentence; or nothing."""
        if fault := web_address_fault(url, rehearsal=self.rehearsal):
            return fault
        return "" if urlsplit(url).netloc.lower() in self.hosts else "its host is not one that [dgft] names"


def settings_of(config: Config) -> Settings | None:
    """The registry of a site, or None where [dgft] names none. Raises ConfigError with the path to the key."""
    section = config.dgft
    if not section.issuer:
        if section != DgftSection():
            raise ConfigError(f"{config.path}: dgft.issuer is missing; without it nothing else of [dgft] is used.")
        return None
    rehearsal = config.site.rehearsal
    named = {"dgft.issuer": section.issuer} | ({"dgft.profile_url": section.profile_url} if section.profile_url else {})
    for key, url in named.items():
        if fault := web_address_fault(url, rehearsal=rehearsal) or ("it has a query" if urlsplit(url).query else ""):
            raise ConfigError(f"{config.path}: {key} cannot be used, because {fault}.")
    if section.help_url and (fault := web_address_fault(section.help_url, rehearsal=rehearsal)):
        raise ConfigError(f"{config.path}: dgft.help_url cannot be used, because {fault}.")
    if section.sync_hours < 1:
        raise ConfigError(f"{config.path}: dgft.sync_hours must be at least 1.")
    for host in section.hosts:
        if not _HOST.fullmatch(host):
            raise ConfigError(f"{config.path}: dgft.hosts must be hosts such as dgft.example.in or dgft.example.in:8443; one is {host!r}.")
    _require_credentials(config)
    return Settings(
        issuer=section.issuer,
        client_id=section.client_id,
        redirect_uri=config.site.public_url + RETURN_PATH,
        hosts=frozenset(host.lower() for host in (*(urlsplit(url).netloc for url in named.values()), *section.hosts)),
        client_secret=section.client_secret,
        client_key=_key(config) if section.client_key else None,
        profile_url=section.profile_url.rstrip("/"),
        profile_token=section.profile_token,
        rehearsal=rehearsal,
        help_url=section.help_url,
        sync_every=timedelta(hours=section.sync_hours),
    )


def _require_credentials(config: Config) -> None:
    section = config.dgft
    if not section.client_id:
        raise ConfigError(f"{config.path}: dgft.client_id is missing; the registry gives it.")
    if bool(section.client_secret) == bool(section.client_key):
        raise ConfigError(f"{config.path}: exactly one of dgft.client_secret and dgft.client_key must be set.")
    if section.profile_url and not section.profile_token:
        raise ConfigError(f"{config.path}: dgft.profile_token is missing; the profile service asks for it.")
    if re.search(r"[^\x21-\x7e]", section.profile_token.value):
        raise ConfigError(f"{config.path}: dgft.profile_token must be printable ASCII without spaces.")


def _key(config: Config) -> RSAKey | ECKey:
    """The private key, whose PEM is never shown, also not in an error."""
    say = f"{config.path}: dgft.client_key must be an unencrypted private key in PEM, RSA of at least {_LEAST_RSA_BITS} bits or P-256."
    kid: Any = {"kid": config.dgft.client_key_id} if config.dgft.client_key_id else {}
    for kind in _KEYS.values():
        try:
            key = kind.import_key(config.dgft.client_key.value, kid)
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
        strong = key.raw_value.key_size >= _LEAST_RSA_BITS if isinstance(key, RSAKey) else key.curve_name == "P-256"
        if key.is_private and strong:
            key.ensure_kid()
            return key
    raise ConfigError(say)
