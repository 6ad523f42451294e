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


def test_keys_stay_where_they_are_if_the_root_of_new_ones_would_not_be_trusted(site):
    made = make_keys(site)
    site.write_text(site.read_text().replace("demo-root.pem", "another-root.pem"))
    with pytest.raises(ConfigError, match=r"not trusted. Add \S+/signers/key_file/keys/demo-root.pem to \[trust\] roots"):
        make_keys(site)
    keys = site.parent / "var" / "signers" / "key_file" / "keys"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == made


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("trusted", [False, True])
def test_a_folder_of_ones_own_is_never_emptied(site, tmp_path, linked, trusted):
    own = tmp_path / "my keys"
    own.mkdir()
    (own / "tax.key.pem").write_text("mine")
    keys = site.parent / "var" / "signers" / "key_file" / "keys"
    text = site.read_text()
    if linked:
        keys.parent.mkdir(parents=True)
        keys.symlink_to(own)
    else:
        text = text.replace('folder = "keys"', f'folder = "{own}"')
    site.write_text(text.replace('var/signers/key_file/keys/demo-root.pem"', f'{own if trusted else tmp_path}/demo-root.pem"'))
    with pytest.raises(ConfigError, match=r"\[signers.key_file\] folder: .*my keys"):
        make_keys(site)
    assert [(path.name, path.read_text()) for path in own.iterdir()] == [("tax.key.pem", "mine")]


def test_keys_may_be_made_in_an_empty_folder_of_ones_own(site, tmp_path):
    own = tmp_path / "keys"
    own.mkdir()
    text = site.read_text().replace('folder = "keys"', f'folder = "{own}"')
    site.write_text(text.replace("var/signers/key_file/keys/demo-root.pem", f"{own}/demo-root.pem"))
    make_keys(site)
    assert (own / "officer.key.pem").exists()


def test_a_signer_that_makes_no_keys_is_named(site):
    text = site.read_text().replace("demo = true", 'demo = true\ndemo_signer = "dsc_token"')
    site.write_text(f'{text}\n[signers.dsc_token]\nmodule = "/usr/lib/softhsm/libsofthsm2.so"\n')
    with pytest.raises(ConfigError, match="dsc_token makes no demonstration keys"):
        make_keys(site)
