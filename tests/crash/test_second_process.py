"""Two processes on one embedded site: one works, the other waits for it, and takes its place when it ends."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import config as configuration
from engine import demo
from engine.errors import ConfigError
from engine.issuing.shell import approve_at_shell
from engine.site import lock_folder, lock_is_free, open_site

EXAMPLE = Path(__file__).parents[2] / "plugins" / "templates" / "aifta" / "example.json"


@pytest.fixture
def config_path(sites, tmp_path: Path) -> Path:
    path: Path = sites.make(tmp_path / "site")
    path.write_text(path.read_text() + "\n[drawing]\nprocesses = 1\n")
    return path


def ecoo(config: Path, *argv: str, **more) -> "subprocess.Popen[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("ECOO_")} | more
    command = [sys.executable, "-c", "import sys; from engine.cli import main; sys.exit(main())", *argv, "--config", str(config)]
    return subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


async def test_ecoo_issue_gets_its_certificate_from_the_server_that_holds_the_site(config_path: Path, tally) -> None:
    config = configuration.load(config_path, {})
    server = ecoo(config_path, "serve", PORT="0")
    try:
        assert server.stderr is not None
        while "Serving" not in (line := server.stderr.readline()):
            assert line, "the server ended"
        while lock_is_free(config):
            assert server.poll() is None, server.stderr.read()
            await asyncio.sleep(0.05)
        client = ecoo(config_path, "issue", str(EXAMPLE), "--json")
        said, errors = client.communicate(timeout=100)
        assert client.returncode == 0, errors
        assert json.loads(said)["state"] == "issued"
        assert "waiting for it" in errors
        assert not lock_is_free(config)
    finally:
        server.terminate()
        server.communicate(timeout=30)
    async with open_site(config, work=False) as site:
        assert (await tally(site)).issued == 1


async def test_whoever_waits_takes_the_place_of_a_process_that_ends(config_path: Path, application, tally) -> None:
    config = configuration.load(config_path, {})
    other = lock_folder(config.folder)
    assert other is not None
    async with open_site(config, work=False) as site:
        _, approval = await approve_at_shell(
            application, officer=demo.OFFICER, signatory=None, registry=site.registry, clock=site.clock, demo=True
        )
        assert not await site.take_over()
        assert not (await site.wait_for(approval.id, timeout_s=0.0)).over
        other.close()
        found = await site.wait_for(approval.id, timeout_s=60.0)
        assert found.issued
        assert site.works
        assert not lock_is_free(config)
        assert (await tally(site)).issued == 1
    assert lock_is_free(config)


async def test_somebody_who_only_looks_whether_the_site_is_free_keeps_nobody_from_working(config_path: Path) -> None:
    config = configuration.load(config_path, {})
    looking = lock_folder(config.folder)
    assert looking is not None
    asyncio.get_running_loop().call_later(0.1, looking.close)
    async with open_site(config, work=True) as site:
        assert site.works


async def test_a_site_that_is_worked_on_is_not_opened_for_work_a_second_time(config_path: Path) -> None:
    config = configuration.load(config_path, {})
    other = lock_folder(config.folder)
    assert other is not None
    with pytest.raises(ConfigError) as refused:
        async with open_site(config, work=True):
            pass
    assert refused.value.code == "locked"
    other.close()
