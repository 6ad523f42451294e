"""The keys of a demonstration site: made by its signer, whose root is the one that the site must trust."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import config as configuration
from engine import demo
from engine.errors import ConfigError
from engine.registry import load

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The engine.toml of a demonstration site that was not made yet."""
    return demo.write_config(tmp_path / "site")


def make_keys(site: Path) -> dict[str, bytes]:
    """Has the keys made, and gives every file of the signer."""
    config = configuration.load(site, {})
    demo._make_keys(config, load(config), NOW)
    return {path.name: path.read_bytes() for path in (config.folder / "signers").rglob("*.pem")}


def test_keys_are_made_once(site):
    made = make_keys(site)
    assert {"demo-root.pem", "officer.key.pem", "exporter.key.pem"} <= made.keys()
    assert make_keys(site) == made


def test_keys_without_their_root_are_made_anew(site):
    made = make_keys(site)
    (site.parent / "var" / "signers" / "key_file" / "keys" / "demo-root.pem").unlink()
    again = make_keys(site)
    assert again.keys() == made.keys()
    assert again["officer.key.pem"] != made["officer.key.pem"]


def test_the_root_is_the_one_that_the_signer_says_it_made(site, monkeypatch):
    monkeypatch.setattr("plugins.signers.key_file.demo.ROOT_FILE", "another-root.pem")
    with pytest.raises(ConfigError, match=r"not trusted. Add \S+/keys/another-root.pem to \[trust\] roots"):
        make_keys(site)
    site.write_text(site.read_text().replace("demo-root.pem", "another-root.pem"))
    made = make_keys(site)
    assert "another-root.pem" in made
    assert make_keys(site) == made


def test_a_signer_that_makes_no_keys_is_named(site):
    text = site.read_text().replace("demo = true", 'demo = true\ndemo_signer = "dsc_token"')
    site.write_text(f'{text}\n[signers.dsc_token]\nmodule = "/usr/lib/softhsm/libsofthsm2.so"\n')
    with pytest.raises(ConfigError, match="dsc_token makes no demonstration keys"):
        make_keys(site)
