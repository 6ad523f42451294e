"""engine.toml: what is unknown, missing or dangerous is an error that names the key."""

from pathlib import Path

import pytest

from engine.config import load, require_public, settings_help
from engine.errors import ConfigError


def _write(folder: Path, text: str) -> Path:
    path = folder / "engine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_gives_the_defaults_and_paths_beside_it(tmp_path: Path) -> None:
    config = load(_write(tmp_path, ""), {})
    assert config.site.folder == tmp_path / "var"
    assert config.database.url == f"sqlite:///{tmp_path / 'var' / 'ecoo.db'}"
    assert config.files.url == str(tmp_path / "var" / "files")
    assert not config.site.demo
    assert not config.issue.from_shell


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[sites]\n", "sites"),
        ('[site]\ncolour = "red"\n', "site.colour"),
        ("[site]\ndemo = 1\n", "site.demo"),
        ('[serve]\nport = "eighty"\n', "serve.port"),
        ("[serve]\nport = true\n", "serve.port"),
        ("site = 3\n", "[site]"),
        ("[trust]\nroots = 3\n", "trust.roots"),
        ('[site]\npublic_url = "coo.example.in"\n', "site.public_url"),
        ('[site]\npublic_url = "https://coo.example.in/path"\n', "site.public_url"),
        ('[site]\ndemo = true\npublic_url = "https://coo.example.in"\n', "site.demo"),
        ('[site]\nrehearsal = true\npublic_url = "https://coo.example.in"\n', "site.rehearsal"),
        ('[issue]\nyear = "lunar"\n', "issue.year"),
        ('[serve]\nprofile = "huge"\n', "serve.profile"),
        ("[drawing]\nprocesses = 0\n", "drawing.processes"),
        ('[signers]\nkey_file = "x"\n', "signers"),
        ("[signers.key_file]\nfolder = [1]\n", "signers.key_file.folder"),
        ('[signers.key_file]\npassphrase = { env = "NOT_SET" }\n', "signers.key_file.passphrase"),
        ('[signers.key_file]\npassphrase = { file = "absent" }\n', "signers.key_file.passphrase"),
        ('[signers.key_file]\npassphrase = { value = "x" }\n', "signers.key_file.passphrase"),
        ("[site\n", "engine.toml"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(_write(tmp_path, text), {})
    assert named in raised.value.say


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ecoo demo --at"):
        load(tmp_path / "engine.toml", {})


def test_the_environment_overrides_by_section_and_key(tmp_path: Path) -> None:
    path = _write(tmp_path, "[serve]\nport = 8000\n")
    given = {"ECOO_SERVE__PORT": "9000", "ECOO_SITE__DEMO": "true", "ECOO_SIGNERS__KEY_FILE__FOLDER": "keys", "ECOO_CONFIG": "x"}
    config = load(path, given)
    assert (config.serve.port, config.site.demo, config.signers["key_file"]["folder"]) == (9000, True, "keys")
    with pytest.raises(ConfigError, match=r"site\.colour"):
        load(path, {"ECOO_SITE__COLOUR": "red"})
    with pytest.raises(ConfigError, match="PORT"):
        load(path, {"PORT": "eighty"})


def test_a_demo_on_another_port_prints_that_port(tmp_path: Path) -> None:
    config = load(_write(tmp_path, "[site]\ndemo = true\n"), {"PORT": "8123"})
    assert config.site.public_url == "http://127.0.0.1:8123"


def test_secrets_are_references_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("hunter2\n")
    path = _write(tmp_path, '[signers.a]\none = { env = "ONE" }\ntwo = { file = "pass" }\n')
    config = load(path, {"ONE": "first"})
    assert dict(config.signers["a"]) == {"one": "first", "two": "hunter2"}
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize("url", ["http://coo.example.in", "https://127.0.0.1", "https://localhost", "http://127.0.0.1:8000"])
def test_a_live_site_needs_an_address_that_customs_can_open(url: str, tmp_path: Path) -> None:
    config = load(_write(tmp_path, f'[site]\npublic_url = "{url}"\n'), {})
    with pytest.raises(ConfigError, match="public_url"):
        require_public(config)


def test_every_setting_has_a_line_of_help() -> None:
    assert all(help for _, _, help in settings_help())
