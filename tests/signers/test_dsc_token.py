"""Tokens, on a real PKCS#11 library: one log-in per person, one C_Sign per document, and no PIN anywhere else."""

import asyncio
import contextlib
import importlib
import json
import logging
import os
import pickle
import re
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import pem

from engine.contracts.signing import Declined, Signatory, Signed, X509Chain
from engine.errors import ConfigError, Refused, SignerUnavailable, Untrusted
from engine.issuing.pades import finish
from engine.promises.signer import promises
from engine.proof.signature import verify_signed
from plugins.signers.dsc_token.chains import choices, listing
from plugins.signers.dsc_token.door import MAX_REPLY, SOCKET, Request, knock
from plugins.signers.dsc_token.signer import DscToken
from plugins.signers.dsc_token.wire import Fault, Found, Pin

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
ASHA = Signatory("o-1", "Asha Rao", "officer/01")


@pytest.fixture
def tally(tmp_path, monkeypatch):
    """How often the token was asked to log in and to sign."""
    path = tmp_path / "tally"
    path.touch()
    monkeypatch.setenv("ECOO_TEST_TALLY", str(path))
    return lambda: Counter(path.read_text().split())


@pytest.fixture
async def make(hsm, context, tally, monkeypatch):
    """Opens a signer on the tokens of `hsm`, with a fault of tests/signers/faults if named."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "faults"))
    opened = []

    async def opener(fault="counted", *, limit_s=20.0, **settings):
        run = getattr(importlib.import_module("ecoo_token_faults"), f"run_{fault}")
        signer = DscToken(child=run, limit_s=limit_s)
        await signer.open(context(module=MODULE, **settings))
        opened.append(signer)
        return signer

    yield opener
    for signer in opened:
        await signer.close()


async def test_it_keeps_every_promise_of_a_signer(officer_token, context):
    signer = DscToken()

    async def unlock():
        await signer.unlock(officer_token.pin)

    assert [p for p in await promises(signer, context(module=MODULE), ASHA, unlock=unlock) if not p.kept] == []


async def test_twenty_documents_are_signed_with_one_pin_and_all_are_genuine(
    officer_token, make, ready, job, drawing, authority, clock, tally
):
    signer = await make()
    await signer.unlock(officer_token.pin)
    chain = await signer.identity(ASHA)
    prepared = [await ready(chain, reason=f"Certificate {n}") for n in range(20)]
    outcome = await signer.start(job(ASHA, *prepared))
    for document, half in zip(outcome.documents, prepared, strict=True):
        pdf = await finish(half, document.result, chain=chain)
        assert verify_signed(pdf, drawn_pdf=drawing, chain=chain, trust=authority.trust, at=clock.now()).ok
    assert tally() == {"login": 1, "sign": 20}


async def test_the_identity_can_be_read_while_the_token_is_locked_but_nothing_can_be_signed(officer_token, make, ready, job, tally):
    signer = await make()
    chain = await signer.identity(ASHA)
    assert chain.name == "Asha Rao"
    with pytest.raises(SignerUnavailable, match="Unlock it with `ecoo token unlock`"):
        await signer.start(job(ASHA, await ready(chain)))
    assert tally() == {}


async def test_a_wrong_pin_is_tried_once_and_never_again(officer_token, make, ready, job, tally):
    signer = await make()
    with pytest.raises(Refused, match="PIN was wrong") as refused:
        await signer.unlock("00000000")
    assert refused.value.code == "wrong_pin"
    prepared = await ready(await signer.identity(ASHA))
    for _ in range(3):
        with pytest.raises(SignerUnavailable):
            await signer.start(job(ASHA, prepared))
    assert tally() == {"login": 1}
    assert "is unlocked" in await signer.unlock(officer_token.pin)
    assert isinstance(await signer.start(job(ASHA, prepared)), Signed)
    assert tally()["login"] == 2


async def test_an_unlocked_token_does_not_use_a_second_pin(officer_token, make, tally):
    signer = await make()
    await signer.unlock(officer_token.pin)
    assert "already" in await signer.unlock("00000000")
    assert tally() == {"login": 1}


async def test_the_last_try_needs_a_person_who_says_so(officer_token, make, tally):
    signer = await make("last_try")
    with pytest.raises(Refused, match="--final-try") as refused:
        await signer.unlock(officer_token.pin)
    assert refused.value.code == "final_try"
    assert tally() == {}
    assert "is unlocked" in await signer.unlock(officer_token.pin, final_try=True)
    assert tally() == {"login": 1}


async def test_a_locked_pin_is_not_tried_and_the_sentence_says_what_to_do(officer_token, make, tally):
    signer = await make("blocked")
    with pytest.raises(Refused, match="PUK"):
        await signer.unlock(officer_token.pin, final_try=True)
    assert tally() == {}


async def test_an_empty_pin_is_not_tried(officer_token, make, context, tally):
    await make()
    with pytest.raises(Fault, match="nothing was tried"):
        await asyncio.to_thread(knock, context().folder, Request("unlock", "", Pin("")))
    assert tally() == {}


async def test_a_token_pulled_out_makes_jobs_wait_until_it_is_back_and_unlocked(officer_token, make, ready, job, tally):
    signer = await make()
    await signer.unlock(officer_token.pin)
    chain = await signer.identity(ASHA)
    first, second = await ready(chain, reason="one"), await ready(chain, reason="two")
    assert isinstance(await signer.start(job(ASHA, first)), Signed)
    officer_token.pull_out()
    for _ in range(2):
        with pytest.raises(SignerUnavailable, match="Insert the token"):
            await signer.start(job(ASHA, second))
    officer_token.put_back()
    with pytest.raises(SignerUnavailable, match="unlock"):
        await signer.start(job(ASHA, second))
    await signer.unlock(officer_token.pin)
    assert isinstance(await signer.start(job(ASHA, second)), Signed)
    assert tally()["login"] == 2


@pytest.mark.parametrize("place", [1, 7, 12])
async def test_a_job_interrupted_by_a_pull_out_goes_on_and_signs_each_document_once(
    officer_token, make, ready, job, tally, monkeypatch, place
):
    monkeypatch.setenv("ECOO_TEST_PULL_AT", str(place))
    signer = await make("pulled_out")
    await signer.unlock(officer_token.pin)
    chain = await signer.identity(ASHA)
    prepared = [await ready(chain, reason=f"Certificate {n}") for n in range(12)]
    with pytest.raises(SignerUnavailable, match="DeviceRemoved"):
        await signer.start(job(ASHA, *prepared))
    with pytest.raises(SignerUnavailable, match="locked"):
        await signer.poll(job(ASHA, *prepared))
    await signer.unlock(officer_token.pin)
    outcome = await signer.poll(job(ASHA, *prepared))
    assert all(chain.verifies(p.attributes, d.result) for p, d in zip(prepared, outcome.documents, strict=True))
    assert tally() == {"login": 2, "sign": 13}  # the one whose answer was lost is made again


async def test_a_dead_process_means_locked_and_a_person_brings_it_back(officer_token, make, ready, job):
    signer = await make()
    await signer.unlock(officer_token.pin)
    prepared = await ready(await signer.identity(ASHA))
    os.kill(signer._tokens.pids[0], signal.SIGKILL)
    with pytest.raises(SignerUnavailable, match="unlock"):
        await signer.start(job(ASHA, prepared))
    with pytest.raises(SignerUnavailable, match="is locked"):
        await signer.start(job(ASHA, prepared))
    await signer.unlock(officer_token.pin)
    assert isinstance(await signer.start(job(ASHA, prepared)), Signed)


async def test_a_driver_that_crashes_takes_nothing_of_ours_with_it(officer_token, make, ready, job):
    signer = await make("crashing")
    await signer.unlock(officer_token.pin)
    with pytest.raises(SignerUnavailable, match="driver crashed"):
        await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))
    assert (await signer.identity(ASHA)).name == "Asha Rao"


async def test_a_token_that_does_not_answer_is_given_up_and_locked(officer_token, make, ready, job):
    signer = await make("silent", limit_s=3.0)
    await signer.unlock(officer_token.pin)
    with pytest.raises(SignerUnavailable, match="did not answer within 3 seconds"):
        await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))
    with pytest.raises(SignerUnavailable, match="is locked"):
        await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))


async def test_a_damaged_signature_never_leaves_the_signer(officer_token, make, ready, job):
    signer = await make("damaged")
    await signer.unlock(officer_token.pin)
    with pytest.raises(Untrusted, match="damaged signature"):
        await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))


async def test_a_token_without_sha256_is_declined_in_words(officer_token, make, ready, job):
    signer = await make("sha1_only")
    await signer.unlock(officer_token.pin)
    outcome = await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))
    assert isinstance(outcome, Declined)
    assert outcome.code == "no_mechanism"
    assert "SHA-256" in outcome.say


async def test_a_token_that_only_knows_raw_rsa_gives_the_same_signature(officer_token, make, ready, job, authority):
    signer = await make("raw_rsa_only")
    await signer.unlock(officer_token.pin)
    prepared = await ready(await signer.identity(ASHA))
    outcome = await signer.start(job(ASHA, prepared))
    assert outcome.documents[0].result == authority.sign("good", prepared.attributes)


async def test_a_p256_token_signs(hsm, make, ready, job, authority):
    hsm.token("curve")
    hsm.put("curve", "0a", authority.der("curve"), authority.key_file("curve"))
    signer = await make()
    await signer.unlock(hsm.pin)
    meera = Signatory("o-2", "Meera Iyer", "curve/0a")
    chain = await signer.identity(meera)
    prepared = await ready(chain)
    outcome = await signer.start(job(meera, prepared))
    assert chain.verifies(prepared.attributes, outcome.documents[0].result)


async def test_of_two_certificates_the_enrolled_fingerprint_decides_else_both_are_listed(officer_token, make, authority, ready, job):
    officer_token.put("officer", "02", authority.der("renewed"), authority.key_file("renewed"))
    signer = await make()
    await signer.unlock(officer_token.pin)
    anyone = replace(ASHA, key="officer")
    with pytest.raises(Refused) as refused:
        await signer.enrol(anyone)
    assert refused.value.code == "ambiguous"
    assert refused.value.say.count("issued by ecoo TEST Issuing CA") == 2
    assert "2029-01-01" in refused.value.say
    assert "2029-10-01" in refused.value.say
    assert "--key officer/01" in refused.value.say
    assert "--key officer/02" in refused.value.say
    for label, key_id in (("good", "01"), ("renewed", "02")):
        enrolled = replace(anyone, fingerprint=authority.chain(label).fingerprint)
        assert (await signer.identity(enrolled)).leaf == authority.der(label)
        assert (await signer.enrol(replace(ASHA, key=f"officer/{key_id}"))).leaf == authority.der(label)
    prepared = await ready(authority.chain("renewed"))
    outcome = await signer.start(job(enrolled, prepared))
    assert outcome.documents[0].result == authority.sign("renewed", prepared.attributes)


async def test_the_encryption_twin_is_passed_over(officer_token, make, authority):
    officer_token.put("officer", "02", authority.der("twin"), authority.key_file("twin"))
    signer = await make()
    await signer.unlock(officer_token.pin)
    assert (await signer.enrol(replace(ASHA, key="officer"))).leaf == authority.der("good")
    with pytest.raises(Refused, match="key_encipherment and not for signatures"):
        await signer.enrol(replace(ASHA, key="officer/02"))


@pytest.mark.parametrize(("label", "code"), [("expired", "expired"), ("early", "not_yet_valid"), ("twin", "wrong_usage")])
async def test_a_certificate_that_may_not_sign_declines_with_the_reason(hsm, make, ready, job, authority, tally, label, code):
    hsm.token("officer")
    hsm.put("officer", "01", authority.der(label), authority.key_file(label))
    signer = await make()
    await signer.unlock(hsm.pin)
    enrolled = replace(ASHA, fingerprint=authority.chain(label).fingerprint)
    outcome = await signer.start(job(enrolled, await ready(authority.chain(label))))
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    assert "sign" not in tally()


async def test_a_certificate_swapped_after_enrolment_is_refused(officer_token, make, authority, ready, job):
    signer = await make()
    enrolled = replace(ASHA, key="officer", fingerprint=authority.chain("renewed").fingerprint)
    with pytest.raises(Refused, match="is not on this token") as refused:
        await signer.identity(enrolled)
    assert refused.value.code == "not_enrolled"
    assert isinstance(await signer.start(job(enrolled, await ready(authority.chain("renewed")))), Declined)


async def test_a_key_that_asks_for_its_pin_each_time_needs_an_attended_token(hsm, make, ready, job, authority):
    hsm.token("officer")
    tool = ["pkcs11-tool", "--module", MODULE, "--token-label", "officer", "--login", "--pin", hsm.pin, "--always-auth"]
    process = await asyncio.create_subprocess_exec(*tool, "--keypairgen", "--key-type", "rsa:2048", "--id", "01", stdout=-3, stderr=-3)
    assert await process.wait() == 0
    hsm.put("officer", "01", authority.der("good"), None)
    signer = await make()
    await signer.unlock(hsm.pin)
    outcome = await signer.start(job(ASHA, await ready(authority.chain("good"))))
    assert isinstance(outcome, Declined)
    assert outcome.code == "attended_only"
    assert "token agent" in outcome.say


async def test_two_tokens_are_told_apart_by_label_and_each_has_its_own_pin_entry(officer_token, make, ready, job, authority, tally):
    officer_token.token("second")
    officer_token.put("second", "01", authority.der("renewed"), authority.key_file("renewed"))
    signer = await make()
    with pytest.raises(Refused, match="Several tokens are inserted"):
        await signer.unlock(officer_token.pin)
    await signer.unlock(officer_token.pin, token="second")
    other = Signatory("o-3", "Asha Rao", "second/01")
    assert isinstance(await signer.start(job(other, await ready(await signer.identity(other)))), Signed)
    with pytest.raises(SignerUnavailable, match="is locked"):
        await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))
    assert tally() == {"login": 1, "sign": 1}


async def test_a_token_inserted_while_another_is_unlocked_is_seen_and_unlocked_beside_it(
    officer_token, make, ready, job, authority, context, tally
):
    signer = await make()
    await signer.unlock(officer_token.pin)
    officer_token.token("second")
    officer_token.put("second", "01", authority.der("renewed"), authority.key_file("renewed"))
    say = await asyncio.to_thread(knock, context().folder, Request("check"))
    assert re.search(r"officer \(serial \w+\) is unlocked.*second \(serial \w+\) is locked", say)
    other = Signatory("o-3", "Asha Rao", "second/01")
    with pytest.raises(SignerUnavailable, match=r"second .* is locked"):
        await signer.ready(other)
    await signer.unlock(officer_token.pin, token="second")
    for who in (ASHA, other):
        assert isinstance(await signer.start(job(who, await ready(await signer.identity(who)))), Signed)
    assert tally() == {"login": 2, "sign": 2}


async def test_a_token_that_is_pulled_out_locks_no_other(officer_token, make, ready, job, authority, context, tally):
    officer_token.token("second")
    officer_token.put("second", "01", authority.der("renewed"), authority.key_file("renewed"))
    signer = await make()
    for name in ("officer", "second"):
        await signer.unlock(officer_token.pin, token=name)
    officer_token.pull_out("second")
    pocketed = Signatory("o-3", "Asha Rao", "second/01", authority.chain("renewed").fingerprint)
    with pytest.raises(SignerUnavailable, match=r"The token second .* was pulled out. Insert the token and unlock it"):
        await signer.ready(pocketed)
    assert "officer" in (say := await asyncio.to_thread(knock, context().folder, Request("check")))
    assert "second" not in say
    assert isinstance(await signer.start(job(ASHA, await ready(await signer.identity(ASHA)))), Signed)
    officer_token.put_back("second")
    assert "is unlocked." in await signer.unlock(officer_token.pin, token="second")
    assert tally() == {"login": 3, "sign": 1}


async def test_of_two_tokens_of_one_label_the_one_with_the_enrolled_certificate_signs(officer_token, make, ready, job, authority, tally):
    enrolled = replace(ASHA, fingerprint=authority.chain("good").fingerprint)
    officer_token.pull_out("officer")
    officer_token.token("officer", name="colleague")
    officer_token.put("officer", "01", authority.der("renewed"), authority.key_file("renewed"))
    signer = await make()
    await signer.unlock(officer_token.pin)
    officer_token.put_back("officer")
    with pytest.raises(SignerUnavailable, match=r"The token officer .* is locked"):
        await signer.ready(enrolled)
    with pytest.raises(Refused, match="Several tokens are inserted"):
        await signer.enrol(ASHA)
    officer_token.pull_out("colleague")
    await signer.unlock(officer_token.pin)
    officer_token.put_back("colleague")
    assert isinstance(await signer.start(job(enrolled, await ready(authority.chain("good")))), Signed)
    assert tally() == {"login": 2, "sign": 1}


async def test_jobs_at_the_same_moment_are_served_one_after_another(officer_token, make, ready, job, tally):
    signer = await make()
    await signer.unlock(officer_token.pin)
    chain = await signer.identity(ASHA)
    prepared = [await ready(chain, reason=f"Certificate {n}") for n in range(12)]
    outcomes = await asyncio.gather(*(signer.start(job(ASHA, p, transaction=f"try-{n}")) for n, p in enumerate(prepared)))
    assert all(chain.verifies(p.attributes, o.documents[0].result) for p, o in zip(prepared, outcomes, strict=True))
    assert tally() == {"login": 1, "sign": 12}


async def test_issuers_come_from_the_settings_when_the_token_has_only_the_leaf(officer_token, make, authority, context):
    folder = context().folder
    folder.mkdir()
    (folder / "issuers.pem").write_bytes(b"".join(pem.armor("CERTIFICATE", authority.der(n)) for n in ("root", "issuing")))
    signer = await make(issuers="issuers.pem")
    assert await signer.identity(ASHA) == authority.chain("good")


# --- a driver that fails, and a token that comes back -----------------------------------------------


async def test_a_driver_that_fails_while_signing_is_ended_and_the_next_unlock_starts_a_new_one(
    officer_token, make, ready, job, context, tally
):
    signer = await make("poisoned")
    await signer.unlock(officer_token.pin)
    chain = await signer.identity(ASHA)
    prepared = [await ready(chain, reason=f"Certificate {n}") for n in range(10)]
    with pytest.raises(SignerUnavailable, match="Insert the token and unlock it"):
        await signer.start(job(ASHA, *prepared))
    assert "is locked" in await asyncio.to_thread(knock, context().folder, Request("check"))
    assert "is unlocked" in await asyncio.to_thread(knock, context().folder, Request("unlock", "", Pin(officer_token.pin)))
    assert isinstance(await signer.poll(job(ASHA, *prepared)), Signed)
    assert tally() == {"login": 2, "sign": 11}


@pytest.mark.parametrize("verb", ["check", "choose", "unlock", "lock"])
async def test_no_words_at_the_door_are_answered_by_a_driver_that_failed(officer_token, make, ready, job, context, verb):
    signer = await make("poisoned_when_asked")
    await signer.unlock(officer_token.pin)
    pid = signer._tokens.pids[0]
    request = Request(verb, "officer", Pin(officer_token.pin))
    assert "officer" in await asyncio.to_thread(knock, context().folder, request) or verb == "lock"
    assert pid not in signer._tokens.pids


async def test_a_token_that_is_put_back_is_seen_by_check_and_can_be_unlocked(officer_token, make, ready, job, context):
    signer = await make()
    await signer.unlock(officer_token.pin)
    prepared = await ready(await signer.identity(ASHA))
    officer_token.pull_out()
    assert "No token is inserted" in await asyncio.to_thread(knock, context().folder, Request("check"))
    with pytest.raises(SignerUnavailable, match="Insert it"):
        await signer.unlock(officer_token.pin)
    officer_token.put_back()
    assert "officer" in await asyncio.to_thread(knock, context().folder, Request("check"))
    await signer.unlock(officer_token.pin)
    assert isinstance(await signer.start(job(ASHA, prepared)), Signed)


async def test_it_is_ready_when_unlocked_and_nothing_is_signed_to_know_it(officer_token, make, tally):
    signer = await make()
    for put in (lambda: None, officer_token.pull_out):
        put()
        with pytest.raises(SignerUnavailable, match="ecoo token unlock"):
            await signer.ready(ASHA)
    officer_token.put_back()
    await signer.unlock(officer_token.pin)
    await signer.ready(ASHA)
    officer_token.pull_out()
    with pytest.raises(SignerUnavailable):
        await signer.ready(ASHA)
    assert tally() == {"login": 1}


async def test_an_unlock_wakes_what_waits_and_a_wrong_pin_does_not(officer_token, context):
    woken = []
    signer = DscToken()
    await signer.open(replace(context(module=MODULE), wake=lambda: woken.append(1)))
    with pytest.raises(Refused, match="PIN was wrong"):
        await signer.unlock("00000000")
    assert woken == []
    await signer.unlock(officer_token.pin)
    assert woken == [1]
    await signer.close()


async def test_a_job_says_whose_token_is_needed(officer_token, make):
    signer = await make()
    with pytest.raises(
        SignerUnavailable, match=r"The token pocketed of Asha Rao is not inserted; insert it, then unlock it with `ecoo token unlock`\.$"
    ):
        await signer.ready(replace(ASHA, key="pocketed/01", fingerprint="0" * 64))


# --- enrolment -------------------------------------------------------------------------------------


async def test_a_certificate_without_its_private_key_is_not_enrolled(officer_token, make, authority):
    officer_token.put("officer", "02", authority.der("renewed"), None)
    signer = await make()
    await signer.unlock(officer_token.pin)
    with pytest.raises(Refused, match="private key") as refused:
        await signer.enrol(replace(ASHA, key="officer/02"))
    assert refused.value.code == "no_private_key"


async def test_a_certificate_with_somebody_elses_key_is_not_enrolled(officer_token, make, authority):
    officer_token.put("officer", "02", authority.der("renewed"), authority.key_file("good"))
    signer = await make()
    await signer.unlock(officer_token.pin)
    with pytest.raises(Untrusted, match="damaged signature"):
        await signer.enrol(replace(ASHA, key="officer/02"))


async def test_nothing_is_enrolled_from_a_locked_token(officer_token, make):
    signer = await make()
    with pytest.raises(SignerUnavailable, match="is locked"):
        await signer.enrol(ASHA)


@pytest.fixture
async def visitor(make, context):
    """A signer of another process, while that of `make` holds the tokens."""
    signer = DscToken()

    async def opener(**settings):
        with pytest.raises(SignerUnavailable, match="Another ecoo process holds the tokens") as held:
            await signer.open(context(module=MODULE, **settings))
        assert held.value.code == "held"
        return signer

    yield opener
    await signer.close()


async def test_a_certificate_is_enrolled_through_the_process_that_holds_the_token(officer_token, make, visitor, authority, tally):
    holder, guest = await make(), await visitor()
    with pytest.raises(SignerUnavailable, match="is locked"):
        await guest.enrol(ASHA)
    await holder.unlock(officer_token.pin)
    assert await guest.enrol(ASHA) == X509Chain(authority.der("good"))
    assert tally() == {"login": 1, "sign": 1}


async def test_what_stops_an_enrolment_is_said_by_the_holder_in_its_own_words(officer_token, make, visitor, authority):
    officer_token.put("officer", "02", authority.der("renewed"), authority.key_file("good"))
    holder, guest = await make(), await visitor()
    await holder.unlock(officer_token.pin)
    for key, error, words in (
        ("officer", Refused, "Several X.509 certificates.*--key officer/01"),
        ("officer/7f", Refused, "no X.509 certificate with that id"),
        ("officer/02", Untrusted, "damaged signature"),
        ("pocketed/01", SignerUnavailable, "inserted: officer"),
    ):
        with pytest.raises(error, match=words) as here:
            await holder.enrol(replace(ASHA, key=key))
        with pytest.raises(error) as there:
            await guest.enrol(replace(ASHA, key=key))
        assert (there.value.code, there.value.say) == (here.value.code, here.value.say)


async def test_issuers_that_the_holder_does_not_know_yet_come_from_the_settings_of_who_enrols(
    officer_token, make, visitor, authority, context
):
    holder = await make()
    await holder.unlock(officer_token.pin)
    issuers = b"".join(pem.armor("CERTIFICATE", authority.der(n)) for n in ("root", "issuing"))
    (context().folder / "issuers.pem").write_bytes(issuers)
    assert await (await visitor(issuers="issuers.pem")).enrol(ASHA) == authority.chain("good")


async def test_who_does_not_hold_the_tokens_signs_nothing_until_the_holder_has_ended(officer_token, make, visitor, ready, job, authority):
    holder, guest = await make(), await visitor()
    await holder.unlock(officer_token.pin)
    prepared = await ready(authority.chain("good"))
    with pytest.raises(SignerUnavailable, match="Another ecoo process holds the tokens"):
        await guest.start(job(ASHA, prepared))
    await holder.close()
    with pytest.raises(SignerUnavailable, match="is locked"):
        await guest.start(job(ASHA, prepared))
    await guest.unlock(officer_token.pin)
    assert isinstance(await guest.start(job(ASHA, prepared)), Signed)


async def test_nothing_is_enrolled_for_another_user_at_the_door(officer_token, make, visitor, monkeypatch, tally):
    holder, guest = await make(), await visitor()
    await holder.unlock(officer_token.pin)
    monkeypatch.setattr("plugins.signers.dsc_token.door._peer_uid", lambda writer: os.getuid() + 1)
    with pytest.raises(Refused, match="Only the user who runs ecoo") as refused:
        await guest.enrol(ASHA)
    assert refused.value.code == "not_yours"
    assert "sign" not in tally()


async def test_a_token_may_be_named_by_its_serial(officer_token, make, authority, context):
    signer = await make()
    say = await asyncio.to_thread(knock, context().folder, Request("check"))
    serial = say.partition("(serial ")[2].partition(")")[0]
    await signer.unlock(officer_token.pin, token=serial)
    assert (await signer.enrol(replace(ASHA, key=f"{serial}/01"))).leaf == authority.der("good")


async def test_an_id_that_is_not_there_is_answered_with_those_that_are(officer_token, make):
    with pytest.raises(Refused, match=r"no X.509 certificate with that id.*--key officer/01"):
        await (await make()).enrol(replace(ASHA, key="officer/7f"))


async def test_an_object_that_is_no_x509_certificate_stops_neither_enrolment_nor_signing(officer_token, make, ready, job, authority):
    signer = await make("littered")
    await signer.unlock(officer_token.pin)
    assert await signer.enrol(replace(ASHA, key="officer")) == X509Chain(authority.der("good"))
    enrolled = replace(ASHA, fingerprint=authority.chain("good").fingerprint)
    assert isinstance(await signer.start(job(enrolled, await ready(authority.chain("good")))), Signed)
    with pytest.raises(Refused, match=r"no X.509 certificate with that id.*--key officer/01"):
        await signer.enrol(replace(ASHA, key="officer/7f"))


async def test_a_token_on_which_nothing_can_be_read_is_named(officer_token, make):
    signer = await make("garbled")
    for who in (ASHA, replace(ASHA, key="officer"), replace(ASHA, fingerprint="0" * 64)):
        with pytest.raises(Refused, match=r"An object on the token officer \(serial \w+\) is not an X.509 certificate"):
            await signer.identity(who)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"\x00"),
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
        (b"\x0c\x08Asha Rao", b"\x0c\x08Ash\xff Rao"),
        (b"\x0c\x08Asha Rao", b"\x03\x08Asha Rao"),
    ],
    ids=["cut", "version", "letters", "kind_of_text"],
)
def test_what_only_looks_like_an_x509_certificate_is_passed_over(authority, before, after):
    good = Found(b"\x01", authority.der("good"), "a", "officer (serial a)", "officer")
    damaged = replace(good, der=good.der.replace(before, after) if before else good.der[:-40])
    assert damaged.der != good.der
    assert [found for found, _ in choices([damaged, good], b"", ())] == [good]
    assert "the token officer (serial a) is not an X.509 certificate" in listing([], [damaged])


# --- the door --------------------------------------------------------------------------------------


async def test_the_door_is_for_this_user_alone(officer_token, make, context):
    await make()
    folder = context().folder
    assert (folder / SOCKET).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_another_user_at_the_door_is_sent_away_unheard(officer_token, make, context, monkeypatch, tally):
    await make()
    monkeypatch.setattr("plugins.signers.dsc_token.door._peer_uid", lambda writer: os.getuid() + 1)
    with pytest.raises(Fault, match="Only the user who runs ecoo"):
        await asyncio.to_thread(knock, context().folder, Request("unlock", "", Pin(officer_token.pin)))
    assert tally() == {}


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"nonsense\n", b'{"verb": 1}\n', b'{"verb": "unlock"}\n', b"x" * 9000 + b"\n", b"\xff\xfe\n"]
)
async def test_nonsense_at_the_door_is_answered_or_dropped_and_harms_nothing(officer_token, make, context, line):
    await make()

    def push() -> bytes:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(context().folder / SOCKET))
            door.sendall(line)
            try:
                return door.makefile("rb").readline()
            except ConnectionError:
                return b""

    answer = await asyncio.to_thread(push)
    assert answer == b"" or json.loads(answer)["ok"] is False
    assert "is locked" in await asyncio.to_thread(knock, context().folder, Request("check"))


async def test_unlock_check_and_lock_go_through_the_door(officer_token, make, context):
    await make()
    folder = context().folder

    async def ask(*request, **more):
        return await asyncio.to_thread(knock, folder, Request(*request, **more))

    assert "is locked; unlock it with `ecoo token unlock`" in await ask("check")
    assert "officer" in await ask("unlock", "officer", Pin(officer_token.pin))
    assert "unlocked and ready" in await ask("check")
    assert "Locked: officer" in await ask("lock")
    assert "is locked" in await ask("check")


async def test_when_nobody_listens_the_sentence_says_what_to_start(context):
    with pytest.raises(Fault, match="Start `ecoo serve`"):
        knock(context().folder, Request("check"))


@contextlib.contextmanager
def answering(folder, reply, *, hears=True):
    """A door whose peer gives this reply and leaves; with None it leaves unheard."""

    def answer() -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            if hears and reply is not None:
                peer.recv(4096)
            for start in range(0, len(reply or b""), 4096):
                peer.send(reply[start : start + 4096])

    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as peers:
        listener.bind(str(folder / SOCKET))
        listener.listen()
        answered = peers.submit(answer)
        yield
        answered.result(10)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"",
        b'{"ok": true, "say": "The tok',
        b'{"ok": true, "code": null, "say": "whole, but for its end"}',
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b'{"ok": true}\n',
        b'{"ok": true, "code": null, "say": "' + b"x" * MAX_REPLY + b'"}\n',
    ],
    ids=["closed_unheard", "closed", "cut_off", "no_end", "no_text", "a_list", "empty", "no_sentence", "oversized"],
)
def test_a_reply_that_is_cut_off_or_no_reply_is_a_fault_that_says_what_to_do(context, reply):
    with answering(context().folder, reply), pytest.raises(Fault, match="`ecoo token check`") as fault:
        knock(context().folder, Request("unlock", "", Pin("73519284")))
    assert fault.value.code == "died"
    assert "73519284" not in fault.value.say


def test_whoever_is_sent_away_unheard_is_told_why(context, monkeypatch):
    def broken(*_) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(socket.socket, "sendall", broken)
    reply = b'{"ok": false, "code": "not_yours", "say": "Only the user who runs ecoo may."}\n'
    with answering(context().folder, reply, hears=False), pytest.raises(Fault, match="Only the user who runs ecoo") as fault:
        knock(context().folder, Request("check"))
    assert fault.value.code == "not_yours"


async def test_a_socket_left_by_a_killed_process_is_replaced_and_a_living_one_is_not(officer_token, make, context):
    folder = context().folder
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / SOCKET))
    await make()
    with pytest.raises(SignerUnavailable, match="Another ecoo process"):
        await make()
    assert "is locked" in await asyncio.to_thread(knock, folder, Request("check"))


async def test_of_two_that_open_at_once_one_holds_the_tokens(officer_token, context):
    both = [DscToken(), DscToken()]
    opened = await asyncio.gather(*(signer.open(context(module=MODULE)) for signer in both), return_exceptions=True)
    assert sorted(type(each) for each in opened if each is not None) == [SignerUnavailable]
    assert "is locked" in await asyncio.to_thread(knock, context().folder, Request("check"))
    for signer in both:
        await signer.close()
    with pytest.raises(Fault, match="No ecoo process is waiting"):
        knock(context().folder, Request("check"))


async def test_closing_ends_the_process_and_the_door(officer_token, make, context):
    signer = await make()
    await signer.unlock(officer_token.pin)
    pid = signer._tokens.pids[0]
    await signer.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (context().folder / SOCKET).exists()


# --- the PIN ---------------------------------------------------------------------------------------


async def test_the_pin_is_in_no_log_no_repr_no_error_and_no_file(officer_token, make, context, caplog, ready, job, tmp_path):
    caplog.set_level(logging.DEBUG)
    signer = await make()
    seen = []
    for pin in ("99887766", officer_token.pin):
        try:
            seen.append(await asyncio.to_thread(knock, context().folder, Request("unlock", "officer", Pin(pin))))
        except Fault as fault:
            seen += [repr(fault), str(fault), repr(fault.__dict__)]
    await signer.start(job(ASHA, await ready(await signer.identity(ASHA))))
    seen += [repr(signer), repr(vars(signer)), caplog.text, repr(Request("unlock", "", Pin(officer_token.pin))), repr(os.environ)]
    seen += [(Path("/proc") / str(signer._tokens.pids[0]) / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ")]
    seen += [p.read_bytes().decode(errors="replace") for p in context().folder.rglob("*") if p.is_file()]
    assert not [text for text in seen if officer_token.pin in text or "99887766" in text]


def test_a_pin_hides_itself_and_still_crosses_the_pipe():
    pin = Pin("73519284")
    assert "73519284" not in f"{pin} {pin!r} {[pin]}"
    assert pickle.loads(pickle.dumps(pin)).reveal() == "73519284"  # noqa: S301  # our own bytes


@pytest.mark.parametrize("verb", ["unlock", "lock", "choose"])
async def test_a_name_that_no_token_has_is_refused_and_not_said_back(officer_token, make, context, verb, tally):
    await make()
    with pytest.raises(Fault) as fault:
        await asyncio.to_thread(knock, context().folder, Request(verb, "73519284", Pin("1")))
    assert fault.value.code == "unknown_token"
    assert "inserted: officer" in fault.value.say
    assert "history" in fault.value.say
    assert "73519284" not in fault.value.say
    assert tally() == {}


# --- the settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["", "libsofthsm2.so", "../lib/x.so"])
async def test_a_module_must_be_an_absolute_path(context, module):
    signer = DscToken()
    assert signer.validate_config({"module": module})
    with pytest.raises(ConfigError, match="module"):
        await signer.open(context(module=module))


@pytest.mark.parametrize("name", ["pin", "user_pin", "PASSWORD"])
def test_a_pin_in_the_settings_is_refused_with_what_to_do_instead(name):
    (say,) = DscToken().validate_config({"module": MODULE, name: "73519284"})
    assert "Remove it" in say
    assert "`ecoo token unlock`" in say
    assert "73519284" not in say


async def test_a_missing_module_is_a_config_error_and_a_broken_one_makes_jobs_wait(context, tmp_path, hsm):
    with pytest.raises(ConfigError, match="there is no file"):
        await DscToken().open(context(module="/nowhere/lib.so"))
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    signer = DscToken()
    await signer.open(context(module=str(broken)))
    with pytest.raises(SignerUnavailable, match="driver failed"):
        await signer.identity(ASHA)
    await signer.close()
