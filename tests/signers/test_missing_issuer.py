"""Enrolling a chain that does not reach a root: the sentence names what is missing and where it belongs."""

import pytest

from engine.cli.enrolling import _require_issuers
from engine.contracts.signing import X509Chain
from engine.errors import Refused
from engine.proof.trust import Trust
from plugins.signers.dsc_token.signer import DscToken
from plugins.signers.key_file.signer import KeyFile


def test_a_missing_intermediate_is_named_with_both_places_it_may_be_put(authority):
    with pytest.raises(Refused, match="ecoo TEST Issuing CA") as refused:
        _require_issuers(X509Chain(authority.der("good")), Trust((authority.der("root"),)), DscToken())
    assert refused.value.code == "missing_issuer"
    assert "[trust] intermediates or to [signers.dsc_token] issuers" in refused.value.say


def test_a_signer_without_the_setting_is_not_told_to_use_it(authority):
    with pytest.raises(Refused) as refused:
        _require_issuers(X509Chain(authority.der("good")), Trust((authority.der("root"),)), KeyFile())
    assert "[signers." not in refused.value.say


def test_a_chain_is_whole_with_the_issuer_on_the_token_or_in_the_trust(authority):
    _require_issuers(X509Chain(authority.der("good"), (authority.der("issuing"),)), Trust((authority.der("root"),)), DscToken())
    _require_issuers(X509Chain(authority.der("good")), authority.trust, DscToken())
