"""`ecoo promise` on every plugin in the house, and on packs that break theirs."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine import config as configuration
from engine import people
from engine.cli.app import run
from engine.clock import SystemClock
from engine.contracts.abilities import Rehearses
from engine.contracts.signing import X509Chain
from engine.errors import Refused
from engine.people.tables import Exporter
from engine.promises import promises_of, template
from engine.registry import load
from engine.scope import PLATFORM
from engine.site import open_site
from plugins.signers.dsc_token.door import Request, knock
from plugins.signers.dsc_token.wire import Pin

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "48215973"
TODAY = date(2026, 11, 21)
PACKS = Path(__file__).parent / "guest" / "acme_ecoo" / "packs"

REHEARSED = sorted(id for id, signer in load().signers.items() if isinstance(signer, Rehearses))
SCHEMES = load().schemes
GATEWAYS = sorted(load().gateways)


@pytest.fixture
def site(sites, tmp_path):
    """The folder of a fresh demonstration site."""
    return sites.make(tmp_path / "site").parent


def broken(promises):
    return {promise.name: promise.say for promise in promises if not promise.kept}


def test_every_plugin_in_the_house_is_tried_here():
    assert {each.id for each in load().plugins} == {*REHEARSED, *SCHEMES, *GATEWAYS, "dsc_token"}


@pytest.mark.parametrize("plugin", [*REHEARSED, *SCHEMES])
async def test_a_built_in_plugin_keeps_its_promises(site, plugin):
    promises = await promises_of(plugin, configuration.load(site / "engine.toml", {}))
    assert len(promises) >= 12
    assert broken(promises) == {}


@pytest.mark.parametrize("plugin", GATEWAYS)
async def test_a_built_in_gateway_keeps_its_promises(site, plugin):
    promises = await promises_of(plugin, configuration.load(site / "engine.toml", {}))
    assert len(promises) >= 9
    assert broken(promises) == {}


# --- a signer that a person must unlock ----------------------------------------------------------


@pytest.fixture
def short_folder():
    """A folder with a short path: the address of a socket may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ecoo-") as folder:
        yield Path(folder)


@pytest.fixture
async def token_site(sites, short_folder, monkeypatch):
    """A site whose exporter signs with a token, made by SoftHSM, that holds the demonstration's key."""
    site, tmp_path = sites.make(short_folder / "site").parent, short_folder
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    keys = site / "var" / "signers" / "key_file" / "keys"
    chain = x509.load_pem_x509_certificates((keys / "exporter.chain.pem").read_bytes())
    _fill_token(tmp_path, keys / "exporter.key.pem", chain[0])
    with (site / "engine.toml").open("a") as out:
        out.write(f'\n[signers.dsc_token]\nmodule = "{MODULE}"\n')
    config = configuration.load(site / "engine.toml", {})
    async with open_site(config, work=False) as opened:
        (exporter,) = [each for each in await people.signatories_of("key_file") if each.key == "exporter"]
        enrolled = await people.live_enrolment(exporter_user=exporter.id, at=SystemClock().now())
        await people.end_enrolment(PLATFORM, enrolled.id, "moves to a token", box=opened.secrets, actor="test", at=opened.clock.now())
        await people.enrol(
            signer="dsc_token",
            key="exporter/01",
            chain=X509Chain(*(each.public_bytes(Encoding.DER) for each in chain[:1])),
            exporter_user=(await _firm(), exporter.id),
            actor="test",
            at=opened.clock.now(),
        )
    return config


async def _firm():
    return (await Exporter.select(Exporter.id).first())["id"]


def _fill_token(folder, key, leaf):
    (folder / "leaf.der").write_bytes(leaf.public_bytes(Encoding.DER))
    tool = ["pkcs11-tool", "--module", MODULE, "--token-label", "exporter", "--login", "--pin", PIN]
    for command in (
        ["softhsm2-util", "--init-token", "--free", "--label", "exporter", "--pin", PIN, "--so-pin", "10293847"],
        ["softhsm2-util", "--import", str(key), "--token", "exporter", "--pin", PIN, "--label", "exporter", "--id", "01"],
        [*tool, "--write-object", str(folder / "leaf.der"), "--type", "cert", "--id", "01", "--label", "exporter"],
    ):
        subprocess.run(command, check=True, capture_output=True)


async def test_a_token_keeps_its_promises_once_a_person_unlocked_it(token_site):
    folder, told, unlocking = token_site.plugin_folder("signers", "dsc_token"), [], []

    def tell(say):
        told.append(say)
        unlocking.append(asyncio.create_task(asyncio.to_thread(knock, folder, Request("unlock", "", Pin(PIN)))))

    promises = await promises_of("dsc_token", token_site, patience_s=60, tell=tell)
    assert broken(promises) == {}
    assert len(told) == 1
    assert "ecoo token unlock" in told[0]
    assert "is unlocked" in await unlocking[0]


async def test_a_token_that_nobody_unlocks_breaks_its_promises_in_words(token_site):
    said = broken(await promises_of("dsc_token", token_site))
    assert "ecoo token unlock" in said["a person can make it ready"]


async def test_a_signer_with_nobody_enrolled_says_what_is_missing(site):
    config = configuration.load(site / "engine.toml", {})
    assert broken(await promises_of("dsc_token", config)) == {
        "a signatory to try it with": "Nobody is enrolled with dsc_token, and it cannot rehearse. Enrol somebody first."
    }


# --- what a promise must not do, and what it must notice -----------------------------------------


async def test_a_rehearsal_leaves_the_keys_of_the_site_alone(site, tmp_path):
    real = tmp_path / "real keys"
    real.mkdir()
    text = (site / "engine.toml").read_text()
    (site / "engine.toml").write_text(re.sub(r'folder = "keys"', f'folder = "{real}"', text))
    assert broken(await promises_of("key_file", configuration.load(site / "engine.toml", {}))) == {}
    assert list(real.iterdir()) == []


async def test_a_plugin_that_is_not_installed_is_refused_with_those_that_are(site):
    with pytest.raises(Refused, match=r"There is no plugin hsm\. Installed: .*\bAIFTA, .*key_file"):
        await promises_of("hsm", configuration.load(site / "engine.toml", {}))


@pytest.mark.parametrize(
    ("file", "old", "new", "promise", "words"),
    [
        ("form.toml", 'sources = ["https://acme.example/agreement/annex-3"]', "sources = []", "it names its sources", "lists no sources"),
        ("form.toml", "[wording]", '[wording]\nrefrence = "No."', "its sheet prints each of its words", "refrence"),
        ("form.toml", "OF {dated_on}", "OF {date}", "each of its kinds has its words", "{date}"),
        ("example.json", '"scheme": "ACME"', '"scheme": "AIFTA"', "its example is read", "for AIFTA, not for ACME"),
        ("example.json", '"schema": 1', '"schema": 9', "its example is read", "schema"),
        ("example.json", '"value": "4100.00"', '"value": "6100.00"', "its example's origin is decided", "fails"),
        ("origin.toml", "RVC {content} %", "RVC {contents} %", "each of its criteria can be tried", "{contents}"),
        ("origin.toml", '["value", "shift"]', '["value"]', "it does not contradict itself", "tests.shift"),
        ("sheets/simple/sheet.html", "{{ title }}", "{{ titel }}", "its example is drawn and inspected", "titel"),
        ("sheets/simple/sheet.toml", 'x = 122.0, y = 60.0, w = 56.0, h = 10.0', "x = 122.0, y = 60.0, w = 56.0, h = 2.0", "its example is drawn and inspected", "officer"),
    ],
)  # fmt: skip
async def test_a_pack_that_breaks_a_promise_is_told_which_one_and_why(tmp_path, drawing_room, file, old, new, promise, words):
    shutil.copytree(PACKS / "acme", tmp_path / "packs" / "acme")
    path = tmp_path / "packs" / "acme" / file
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    (tmp_path / "engine.toml").write_text('[templates]\nfolders = ["packs"]\n')
    form = load(configuration.load(tmp_path / "engine.toml", {})).form("ACME", TODAY)
    said = broken(await template.promises(form, drawing_room, TODAY))
    assert words in said.get(promise, ""), said


def test_the_command_says_each_promise_and_ends_with_five_when_one_is_broken(site, capsys):
    assert run(["promise", "key_file", "--config", str(site / "engine.toml")]) == 0
    assert "BROKEN" not in capsys.readouterr().out
    assert run(["promise", "dsc_token", "--config", str(site / "engine.toml")]) == 5
    assert "BROKEN  a signatory to try it with" in capsys.readouterr().out
