"""Enrolling a chain that does not reach a root: the sentence names what is missing and where it belongs."""

from engine.contracts.signing import X509Chain
from engine.issuing.judging import missing_issuer
from engine.proof.trust import Trust
from plugins.signers.dsc_token.signer import DscToken
from plugins.signers.key_file.signer import KeyFile


def test_a_missing_intermediate_is_named_with_both_places_it_may_be_put(authority):
    missing = missing_issuer(X509Chain(authority.der("good")), Trust((authority.der("root"),)), DscToken())
    assert missing is not None
    assert missing.rule == "missing_issuer"
    assert "ecoo TEST Issuing CA" in missing.say
    assert "[trust] intermediates or to [signers.dsc_token] issuers" in missing.say


def test_a_signer_without_the_setting_is_not_told_to_use_it(authority):
    missing = missing_issuer(X509Chain(authority.der("good")), Trust((authority.der("root"),)), KeyFile())
    assert missing is not None
    assert "[signers." not in missing.say


def test_a_chain_is_whole_with_the_issuer_on_the_token_or_in_the_trust(authority):
    beside = X509Chain(authority.der("good"), (authority.der("issuing"),))
    assert missing_issuer(beside, Trust((authority.der("root"),)), DscToken()) is None
    assert missing_issuer(X509Chain(authority.der("good")), authority.trust, DscToken()) is None
