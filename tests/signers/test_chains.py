"""Chains before and after signing: the outcomes were written down first, and the test authority was built to meet them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import ConfigError, Refused
from engine.issuing.pades import finish
from engine.proof.chain import check_chain
from engine.proof.signature import check_signature
from engine.proof.trust import Trust


@pytest.fixture
def trust(authority):
    return replace(authority.trust, crls=(authority.crl("root"), authority.crl("issuing")))


@pytest.mark.parametrize(
    ("label", "code"),
    [("good", None), ("plain", None), ("revoked", "revoked"), ("expired", "outside_validity"), ("early", "outside_validity")],
)
def test_before_signing_a_chain_holds_or_the_reason_is_said(authority, trust, clock, label, code):
    if code is None:
        check_chain(authority.chain(label), trust=trust, at=clock.now())
        return
    with pytest.raises(Refused) as refused:
        check_chain(authority.chain(label), trust=trust, at=clock.now())
    assert refused.value.code == code
    assert authority.chain(label).name in refused.value.say


def test_a_chain_to_nowhere_is_refused(authority, clock):
    with pytest.raises(Refused) as refused:
        check_chain(authority.chain("good"), trust=Trust(()), at=clock.now())
    assert refused.value.code == "untrusted"


@pytest.mark.parametrize(
    ("label", "days", "reasons"),
    [
        ("good", 0, ()),
        ("good", 90, ()),  # the lists have grown old and still count
        ("good", 3 * 365, ("outside_validity",)),
        ("revoked", 90, ("revoked",)),
        ("revoked", 0, ("revoked",)),
        ("revoked", -200, ()),  # recorded before the revocation of June
        ("expired", 0, ("outside_validity",)),
        ("expired", -1000, ()),
        ("plain", 0, ()),
        ("twin", 0, ("wrong_usage",)),
        ("small", 0, ("untrusted", "weak_key")),
        ("curve", 0, ()),
    ],
)
async def test_after_signing_the_moment_of_recording_decides(authority, trust, ready, clock, label, days, reasons):
    chain = authority.chain(label)
    prepared = await ready(chain)
    pdf = await finish(prepared, authority.sign(label, prepared.attributes), chain=chain)
    report = check_signature(pdf, trust=trust, at=clock.now() + timedelta(days=days))
    assert report.reasons == reasons, report
    assert report.fingerprint == chain.fingerprint


def test_a_list_that_the_issuer_did_not_sign_revokes_nobody(authority, clock):
    forged = replace(authority.trust, crls=(authority.crl("root"),))
    check_chain(authority.chain("revoked"), trust=forged, at=clock.now())


async def test_digital_signature_alone_suffices_only_where_the_operator_says_so(authority, ready, clock):
    chain = authority.chain("plain")
    prepared = await ready(chain)
    pdf = await finish(prepared, authority.sign("plain", prepared.attributes), chain=chain)
    assert check_signature(pdf, trust=authority.trust, at=clock.now()).ok
    strict = replace(authority.trust, digital_signature_suffices=False)
    assert check_signature(pdf, trust=strict, at=clock.now()).reasons == ("wrong_usage",)


def test_trust_reads_pem_der_and_revocation_lists_from_files(authority, tmp_path):
    (tmp_path / "root.der").write_bytes(authority.der("root"))
    (tmp_path / "list.crl").write_bytes(authority.crl("issuing"))
    trust = Trust.load([tmp_path / "root.der"], [], [tmp_path / "list.crl"])
    assert trust.roots == (authority.der("root"),)
    assert trust.crls == (authority.crl("issuing"),)
    with pytest.raises(ConfigError, match="no revocation list"):
        Trust.load([], [], [tmp_path / "root.der"])
