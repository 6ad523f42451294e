"""[dgft]: what is missing or dangerous is an error that names the key, and no secret is ever shown."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat

from engine import config as configuration
from engine.errors import ConfigError
from engine.people.dgft import Provider, settings_of

GOOD = {
    "issuer": '"https://registry.example"',
    "client_id": '"coo"',
    "client_secret": '{ env = "CLIENT" }',
    "profile_url": '"https://profiles.example/v1/"',
    "profile_token": '{ env = "TOKEN" }',
}
ENVIRON = {"CLIENT": "hunter2", "TOKEN": "hunter3", "SPACED": "a b", "EMPTY": ""}


def site(folder: Path, *, rehearsal: bool = False, **changes: str | None) -> configuration.Config:
    lines = {name: value for name, value in (GOOD | changes).items() if value is not None}
    text = "\n".join(["[site]", f"rehearsal = {str(rehearsal).lower()}", "[dgft]", *(f"{name} = {value}" for name, value in lines.items())])
    path = folder / "engine.toml"
    path.write_text(text)
    return configuration.load(path, ENVIRON)


def test_a_site_that_names_no_registry_has_none(tmp_path: Path) -> None:
    assert settings_of(site(tmp_path, **dict.fromkeys(GOOD))) is None


def test_the_hosts_that_may_be_asked_are_those_that_are_named(tmp_path: Path) -> None:
    settings = settings_of(site(tmp_path, hosts='["Keys.example:8443"]'))
    assert settings is not None
    assert settings.hosts == {"registry.example", "profiles.example", "keys.example:8443"}
    assert settings.redirect_uri == "http://127.0.0.1:8000/sign-in/registry/return"
    assert settings.profile_url == "https://profiles.example/v1"
    assert settings.auth_method == "client_secret_basic"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"issuer": None}, "dgft.issuer"),
        ({"issuer": '"http://registry.example"'}, "dgft.issuer"),
        ({"issuer": '"http://127.0.0.1:8001"'}, "dgft.issuer"),
        ({"issuer": '"https://127.0.0.1:8001"'}, "dgft.issuer"),
        ({"issuer": '"https://10.1.2.3"'}, "dgft.issuer"),
        ({"issuer": '"https://[::1]:8001"'}, "dgft.issuer"),
        ({"issuer": '"https://localhost"'}, "dgft.issuer"),
        ({"issuer": '"https://user@registry.example"'}, "dgft.issuer"),
        ({"issuer": '"https://registry.example?x=1"'}, "dgft.issuer"),
        ({"issuer": '"https://registry.example#x"'}, "dgft.issuer"),
        ({"issuer": '"https://registry.example:99999"'}, "dgft.issuer"),
        ({"issuer": '"registry.example"'}, "dgft.issuer"),
        ({"profile_url": '"http://profiles.example"'}, "dgft.profile_url"),
        ({"client_id": None}, "dgft.client_id"),
        ({"client_secret": None}, "dgft.client_secret"),
        ({"client_key": '{ env = "CLIENT" }'}, "dgft.client_key"),
        ({"client_secret": None, "client_key": '{ env = "CLIENT" }'}, "dgft.client_key"),
        ({"client_secret": '"hunter2"'}, "dgft.client_secret"),
        ({"client_secret": '{ env = "EMPTY" }'}, "dgft.client_secret"),
        ({"profile_token": None}, "dgft.profile_token"),
        ({"profile_token": '{ env = "SPACED" }'}, "dgft.profile_token"),
        ({"hosts": '["https://x.example"]'}, "dgft.hosts"),
        ({"hosts": '["x.example/path"]'}, "dgft.hosts"),
        ({"colour": '"red"'}, "dgft.colour"),
    ],
)
def test_what_is_wrong_is_named_by_its_key_and_no_secret_is_shown(tmp_path: Path, changes: dict[str, str | None], named: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings_of(site(tmp_path, **changes))
    assert named in raised.value.say
    assert "hunter" not in raised.value.say


def test_a_rehearsal_may_use_plain_http_to_this_machine_alone(tmp_path: Path) -> None:
    local = {"issuer": '"http://127.0.0.1:8001"', "profile_url": '"http://127.0.0.1:8001/profiles"'}
    settings = settings_of(site(tmp_path, rehearsal=True, **local))
    assert settings is not None
    assert settings.hosts == {"127.0.0.1:8001"}
    with pytest.raises(ConfigError, match="https"):
        settings_of(site(tmp_path, rehearsal=True, issuer='"http://registry.example"'))


def _pem(private: Any, encryption: Any = None) -> str:
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode())


@pytest.mark.parametrize(
    ("private", "kid"), [(ec.generate_private_key(ec.SECP256R1()), "mine"), (rsa.generate_private_key(65537, 2048), "")]
)
def test_a_key_proves_our_name_under_its_own(tmp_path: Path, private: Any, kid: str) -> None:
    (tmp_path / "key.pem").write_text(_pem(private))
    settings = settings_of(site(tmp_path, client_secret=None, client_key='{ file = "key.pem" }', client_key_id=f'"{kid}"'))
    assert settings is not None
    assert settings.auth_method == "private_key_jwt"
    assert settings.client_key is not None
    assert settings.client_key.kid == (kid or settings.client_key.thumbprint())
    assert "PRIVATE" not in repr(settings)


@pytest.mark.parametrize(
    "pem",
    [
        _pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505  # too weak, which is what is tested
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"pass")),
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "no key at all",
    ],
    ids=["weak", "other curve", "encrypted", "public", "text"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_key_that_cannot_be_used_is_refused_without_showing_it(tmp_path: Path, pem: str) -> None:
    (tmp_path / "key.pem").write_text(pem)
    with pytest.raises(ConfigError) as raised:
        settings_of(site(tmp_path, client_secret=None, client_key='{ file = "key.pem" }'))
    assert "dgft.client_key" in raised.value.say
    assert not any(line in raised.value.say for line in pem.splitlines() if line)


async def test_discovering_a_registry_that_is_not_named_is_an_error_of_the_site(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dgft\.issuer"):
        await Provider.discover(site(tmp_path, **dict.fromkeys(GOOD)))


def test_the_configuration_never_shows_a_secret(tmp_path: Path) -> None:
    config = site(tmp_path)
    assert "hunter" not in repr(config)
    assert "hunter" not in f"{config.dgft.client_secret} {settings_of(config)}"
    assert str(configuration.Secret()) == ""
