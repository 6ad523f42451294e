"""Secrets at rest: bound to a purpose, rotated by a new line, and never opened with somebody else's keys."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from engine import config as configuration
from engine.errors import ConfigError, Untrusted
from engine.site import open_site
from engine.store import SecretBox


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "secrets.key"


def test_a_secret_opens_for_its_purpose_and_for_no_other(key_file: Path) -> None:
    box = SecretBox.open(key_file, create=True)
    sealed = box.seal("the checksum key", purpose="office:1:checksum")
    assert "checksum" not in sealed
    assert box.unseal(sealed, purpose="office:1:checksum") == "the checksum key"
    with pytest.raises(Untrusted):
        box.unseal(sealed, purpose="office:2:checksum")


def test_a_rotated_key_opens_the_old_and_seals_with_the_new(key_file: Path) -> None:
    sealed = SecretBox.open(key_file, create=True).seal("s", purpose="p")
    old = key_file.read_bytes()
    key_file.write_bytes(Fernet.generate_key() + b"\n" + old)
    both = SecretBox.open(key_file, create=False)
    fresh = both.rotate(sealed)
    assert both.unseal(sealed, purpose="p") == both.unseal(fresh, purpose="p") == "s"
    key_file.write_bytes(key_file.read_bytes().splitlines()[0] + b"\n")
    new = SecretBox.open(key_file, create=False)
    assert new.unseal(fresh, purpose="p") == "s"
    with pytest.raises(Untrusted):
        new.unseal(sealed, purpose="p")


def test_a_new_key_file_is_private_and_an_old_one_is_kept(key_file: Path) -> None:
    SecretBox.open(key_file, create=True)
    assert key_file.stat().st_mode & 0o777 == 0o600
    before = key_file.read_bytes()
    SecretBox.open(key_file, create=True)
    assert key_file.read_bytes() == before
    assert [path.name for path in key_file.parent.iterdir()] == ["secrets.key"]


def test_a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it(key_file: Path) -> None:
    SecretBox.open(key_file, create=True)
    key_file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        SecretBox.open(key_file, create=False)


@pytest.mark.parametrize("content", [b"", b"\n", b"not a key\n"])
def test_a_key_file_without_a_key_is_refused(key_file: Path, content: bytes) -> None:
    SecretBox.open(key_file, create=True)
    key_file.write_bytes(content)
    with pytest.raises(ConfigError):
        SecretBox.open(key_file, create=False)


def test_a_missing_key_file_is_never_replaced_by_a_new_one(key_file: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        SecretBox.open(key_file, create=False)
    assert not key_file.exists()


async def test_a_site_refuses_the_key_file_of_another_site(sites, tmp_path: Path) -> None:
    config = configuration.load(sites.make(tmp_path / "site"), {})
    async with open_site(config, work=False):
        pass
    config.secrets.key_file.write_bytes(Fernet.generate_key() + b"\n")
    with pytest.raises(ConfigError) as refused:
        async with open_site(config, work=False):
            pass
    assert refused.value.code == "key_file_other"


async def test_a_site_whose_key_file_is_gone_does_not_make_another(sites, tmp_path: Path) -> None:
    config = configuration.load(sites.make(tmp_path / "site"), {})
    config.secrets.key_file.unlink()
    with pytest.raises(ConfigError, match="missing"):
        async with open_site(config, work=False):
            pass
    assert not config.secrets.key_file.exists()
