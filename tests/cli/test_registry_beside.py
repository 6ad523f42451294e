"""`ecoo serve` on a demonstration site starts the rehearsal registry beside it, and takes it along when it ends, however it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.config import load
from engine.errors import ConfigError

ECOO = [sys.executable, "-c", "from engine.cli import main; main()"]


@pytest.fixture
def port() -> int:
    """A port that is free, and the next one too."""
    for _ in range(50):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            found = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", found + 1))
            except (OSError, OverflowError):
                continue
            return found
    pytest.fail("there are no two free ports side by side")


@contextmanager
def serving(site: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The server, and what it said until it and its registry were there."""
    environ = {**os.environ, "PORT": str(port)}
    server = subprocess.Popen([*ECOO, "serve", "--config", str(site)], env=environ, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    said: list[str] = []
    try:
        for line in server.stderr:
            said.append(line)
            text = "".join(said)
            if "Serving http" in text and ("registry is at" in text or "is taken" in text):
                break
        yield server, said
    finally:
        server.kill()
        server.wait(timeout=20)
        server.stderr.close()


def gone(port: int, server: subprocess.Popen[str]) -> None:
    """Waits for the registry's end: it holds the same pipe as the server, which closes when both are gone."""
    assert server.stderr is not None
    server.stderr.read()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)


@pytest.mark.parametrize("end", [signal.SIGKILL])
def test_the_registry_answers_beside_the_site_and_ends_with_it(sites: Any, tmp_path: Path, port: int, end: signal.Signals) -> None:
    site = sites.make(tmp_path / "site")
    with serving(site, port) as (server, said):
        metadata = httpx.get(f"http://127.0.0.1:{port + 1}/.well-known/openid-configuration", trust_env=False).json()
        assert metadata["issuer"] == f"http://127.0.0.1:{port + 1}"
        assert "nobody in it is real" in "".join(said)
        server.send_signal(end)
        server.wait(timeout=30)
        gone(port + 1, server)


def test_a_port_that_is_taken_is_a_sentence_and_the_site_still_serves(sites: Any, tmp_path: Path, port: int) -> None:
    site = sites.make(tmp_path / "site")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 1))
        other.listen()
        with serving(site, port) as (_, said):
            assert f"Port {port + 1} is taken" in " ".join("".join(said).split())
            with httpx.Client(transport=httpx.HTTPTransport(retries=5), trust_env=False, timeout=30) as client:
                assert client.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
                assert "sign in with DGFT" in client.get(f"http://127.0.0.1:{port}/sign-in").text


def test_the_credentials_are_made_once_for_their_owner_alone(sites: Any, tmp_path: Path) -> None:
    site = sites.make(tmp_path / "site")
    first, second = load(site, {}), load(site, {})
    assert len(first.dgft.client_secret.value) > 40
    assert first.dgft.client_secret.value == second.dgft.client_secret.value != first.dgft.profile_token.value
    assert first.dgft.client_secret.value not in site.read_text()
    for name in ("rehearsal-client-secret", "rehearsal-profile-token"):
        assert (first.folder / name).stat().st_mode & 0o777 == 0o600


def test_a_registry_of_another_demonstration_moves_with_its_port(sites: Any, tmp_path: Path) -> None:
    site = sites.make(tmp_path / "site")
    moved = load(site, {"PORT": "9100"}).dgft
    assert (moved.issuer, moved.profile_url) == ("http://127.0.0.1:9101", "http://127.0.0.1:9101/profiles")
    assert load(site, {"PORT": "65535"}).dgft.issuer == "http://127.0.0.1:65534"
    assert load(site, {}).dgft.issuer == "http://127.0.0.1:8001"


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/b", "", "."])
def test_a_made_secret_lies_in_the_folder_of_a_demonstration(tmp_path: Path, name: str) -> None:
    path = tmp_path / "engine.toml"
    path.write_text(f'[site]\ndemo = true\n[dgft]\nclient_secret = {{ made = "{name}" }}\n')
    with pytest.raises(ConfigError, match=r"dgft\.client_secret"):
        load(path, {})
    assert not (tmp_path / "outside").exists()


def test_no_live_site_makes_its_own_secrets(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text('[site]\npublic_url = "https://coo.example.in"\n[dgft]\nclient_secret = { made = "x" }\n')
    with pytest.raises(ConfigError, match="demonstration"):
        load(path, {})
    assert not (tmp_path / "var").exists()


def test_the_repositorys_own_site_and_a_new_one_say_the_same(tmp_path: Path) -> None:
    from engine.demo import write_config

    def settings(path: Path) -> str:
        return "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))

    own = Path(__file__).parents[2] / "engine.toml"
    assert settings(write_config(tmp_path)).split() == settings(own).split()
