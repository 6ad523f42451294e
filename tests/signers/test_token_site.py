"""A token on a whole site: the officer is enrolled while another process holds it, and pulled out in mid-batch it loses nothing."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine import config as configuration
from engine import demo, people
from engine.cli.enrolling import enrol_officer
from engine.clock import SystemClock
from engine.contracts.signing import Signatory, SignerContext
from engine.issuing import queue
from engine.jobs import StepOutcome
from engine.scope import PLATFORM
from engine.site import open_site
from plugins.signers.dsc_token.signer import DscToken
from plugins.signers.key_file.demo import make_demo_keys

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
BATCH = 6


@pytest.fixture
def token(hsm, tmp_path):
    """A token `officer` with the officer's key and its chain, and the root to trust."""
    root = make_demo_keys(tmp_path / "ca", [("officer", "Asha Deshmukh", "Export Inspection Agency")], datetime.now(UTC))
    leaf, issuing, _ = x509.load_pem_x509_certificates((tmp_path / "ca" / "officer.chain.pem").read_bytes())
    hsm.token("officer")
    hsm.put("officer", "01", leaf.public_bytes(Encoding.DER), tmp_path / "ca" / "officer.key.pem")
    hsm.put("officer", "02", issuing.public_bytes(Encoding.DER), None)
    return hsm, root


@pytest.fixture
def config(sites, token):
    """A demonstration site that has the token's driver and trusts its root, in a folder short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="ecoo-") as folder:
        yield _config(sites.make(Path(folder)), token)


def _config(path, token):
    text = path.read_text().replace('demo-root.pem"', f'demo-root.pem", "{token[1]}"')
    path.write_text(f'{text}\n[signers.dsc_token]\nmodule = "{MODULE}"\n')
    return configuration.load(path, {})


@pytest.fixture
async def bench(config, token, walking):
    """The site with its corridor, the officer enrolled, the token unlocked; what was held back goes on when it is unlocked."""
    async with walking(config) as walk:
        woken = []
        signer = walk.site.registry.signer("dsc_token")
        folder = config.plugin_folder("signers", "dsc_token")
        await signer.open(SignerContext(config.signers["dsc_token"], folder, walk.clock, True, lambda: woken.append(1)))
        await signer.unlock(token[0].pin)
        officer = await people.find_officer(PLATFORM, demo.OFFICER)
        chain = await signer.enrol(Signatory(str(officer.id), officer.name, "officer/01"))
        who = (officer.agency_id, officer.id)
        await people.enrol(signer="dsc_token", key="officer/01", chain=chain, officer=who, actor="shell", at=walk.clock.now())
        yield walk, signer, woken
        await signer.close()


async def test_an_officer_is_enrolled_while_another_process_holds_the_token(config, token, monkeypatch):
    monkeypatch.setattr("engine.cli.enrolling._LOOK_AGAIN_S", 0.01)
    holder, told, unlocking = DscToken(), [], []
    await holder.open(SignerContext(config.signers["dsc_token"], config.plugin_folder("signers", "dsc_token"), SystemClock(), True))

    def tell(words):
        told.append(words)
        unlocking.append(asyncio.ensure_future(holder.unlock(token[0].pin)))

    chain = await enrol_officer(config, demo.OFFICER, "dsc_token", "officer/01", wait_s=60, tell=tell)
    await asyncio.gather(*unlocking)
    await holder.close()
    assert (chain.name, len(chain.issuers)) == ("Asha Deshmukh", 1)
    assert "is locked. Unlock it with `ecoo token unlock`." in told[0]
    async with open_site(config, work=False) as site:
        officer = await people.find_officer(PLATFORM, demo.OFFICER)
        live = await people.live_enrolment(officer=officer.id, at=site.clock.now())
    assert (live.signer, live.signatory.key, live.fingerprint) == ("dsc_token", "officer/01", chain.fingerprint)


async def test_a_token_pulled_out_in_mid_batch_loses_no_application_and_each_is_issued_once(bench, token, application, tally):
    walk, signer, woken = bench
    hsm, _ = token
    approvals = [(await walk.approve(application))[1] for _ in range(BATCH)]
    first, signing, *rest = approvals
    assert (await walk.run(first)).issued
    for name, step in walk.corridor.steps:  # the second one is about to be signed
        if name == "sign":
            break
        assert await step(str(signing)) is StepOutcome.NEXT
    hsm.pull_out()
    held = [await walk.run(each) for each in (signing, *rest)]
    pulled_out, *missing = [each.problem for each in held]
    assert pulled_out.startswith("The token officer (serial ")
    assert pulled_out.endswith(") was pulled out. Insert the token and unlock it with `ecoo token unlock`.")
    sentence = "The token officer of Asha Deshmukh is not inserted; insert it, then unlock it with `ecoo token unlock`."
    assert missing == [sentence] * len(rest)
    assert [each.standing.state for each in held] == ["signing", *["drawn"] * len(rest)]
    assert not any(each.for_good for each in held)
    hsm.put_back()
    assert [(await walk.run(each)).problem.partition(" is ")[2] for each in (signing, *rest)] == [
        "locked. Unlock it with `ecoo token unlock`."
    ] * (BATCH - 1)
    before = len(woken)
    await signer.unlock(hsm.pin)
    assert len(woken) == before + 1
    await queue.release()
    for each in (signing, *rest):
        assert (await walk.run(each)).issued
    counted = await tally(walk.site)
    assert (counted.approvals, counted.issued, counted.void) == (BATCH, BATCH, 0)
