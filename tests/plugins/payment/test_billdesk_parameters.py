"""What an office enters and an operator sets for BillDesk, and that the plugin keeps the promises of its kind."""

import pytest

from engine.api import PaymentGateway, Pays, Refunds, Settles
from engine.contracts.shapes import check_gateway
from engine.money.gateways.entering import judge_parameters
from engine.promises.gateway import promises
from plugins.payment.sandbox.gateway import Sandbox
from tests.plugins.payment.billdesk_bench import BILLDESK
from tests.plugins.payment.rsa_pairs import as_jwk, private_pem, public_pem

GOOD = {
    "classic": {"merchant_id": "COOMUM01", "checksum": "k9XvQ2mN", "interface": "classic", "algorithm": "hmac-sha256"},
    "jose-hmac": {"merchant_id": "coomum01", "checksum": "k9XvQ2mNpR7sT4wZ", "interface": "jose-hmac", "client_id": "coomum01client"},
    "jose-symmetric": {
        "merchant_id": "COOMUM01",
        "checksum": "k9XvQ2mNpR7sT4wZ",
        "interface": "jose-symmetric",
        "client_id": "coomum01client",
        "encryption_key": "0123456789abcdefFEDCBA9876543210",
        "key_id": "kid-7",
    },
    "jose-rsa": {
        "merchant_id": "COOMUM01",
        "interface": "jose-rsa",
        "client_id": "coomum01client",
        "private_key": private_pem("office"),
        "gateway_key": public_pem("billdesk"),
    },
}


def found(values: dict[str, str]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in judge_parameters(BILLDESK, values)]


def test_it_is_a_gateway_that_pays_and_refunds_and_reads_no_settlement_file():
    check_gateway("billdesk", BILLDESK)
    assert isinstance(BILLDESK, PaymentGateway)
    assert isinstance(BILLDESK, Pays)
    assert isinstance(BILLDESK, Refunds)
    assert not isinstance(BILLDESK, Settles)


async def test_it_keeps_every_promise_of_its_kind():
    assert [promise for promise in await promises(BILLDESK, {}, [Sandbox()]) if not promise.kept] == []


def test_the_notices_two_labels_come_first():
    assert [(field.label, field.secret) for field in BILLDESK.fields[:2]] == [("Merchant ID", False), ("Checksum", True)]
    assert {field.name for field in BILLDESK.fields if field.secret} == {"checksum", "encryption_key", "private_key"}
    assert {field.name for field in BILLDESK.fields if field.required} == {"merchant_id", "interface"}


@pytest.mark.parametrize("interface", GOOD)
def test_each_interface_is_right_with_what_it_needs_and_wrong_without(interface):
    good = GOOD[interface]
    assert found(good) == []
    for name in good:
        problems = found({**good, name: ""})
        assert problems == [(name, "required")]


@pytest.mark.parametrize("interface", GOOD)
def test_what_belongs_to_another_interface_may_stay(interface):
    assert found({**{name: text for values in GOOD.values() for name, text in values.items()}, **GOOD[interface]}) == []


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("interface", "Classic", "bad_char"),
        ("interface", "jose", "bad_char"),
        ("interface", "classic|jose-hmac", "bad_char"),
        ("interface", "jose-none", "bad_char"),
        ("algorithm", "md5", "bad_char"),
        ("algorithm", "HMAC-SHA256", "bad_char"),
        ("algorithm", "auto", "bad_char"),
        ("merchant_id", "COO MUM", "inner_space"),
        ("merchant_id", "COO|MUM", "bad_char"),
        ("merchant_id", "NA", "placeholder"),
        ("checksum", "k9XvQ2m", "length"),
        ("checksum", "k9XvQ2mN\n", "edge_space"),
        ("checksum", "********", "placeholder"),
        ("security_id", "a|b", "bad_char"),
        ("encryption_key", "0" * 31, "length"),
    ],
)
def test_a_wrong_parameter_is_named_and_never_repeated(name, text, code):
    values = {**GOOD["classic"], name: text}
    assert (name, code) in found(values)
    assert not [problem for problem in judge_parameters(BILLDESK, values) if text.strip() in problem.say and name == "checksum"]


def test_a_short_signing_key_is_too_weak_for_jose_alone():
    assert found({**GOOD["jose-hmac"], "checksum": "k9XvQ2mN"}) == [("checksum", "length")]
    assert found({**GOOD["classic"], "checksum": "k9XvQ2mN"}) == []


def test_one_key_for_both_purposes_is_refused():
    both = "0123456789abcdefFEDCBA9876543210"
    assert found({**GOOD["jose-symmetric"], "checksum": both}) == [("encryption_key", "same_as_merchant_id")]


# --- the operator's settings ------------------------------------------------------------------------


def test_without_settings_the_hosts_are_billdesks_own():
    assert BILLDESK.validate_config({}) == []
    assert set(BILLDESK.hosts({})) == {"pgi.billdesk.com", "www.billdesk.com", "api.billdesk.com", "pay.billdesk.com"}


def test_each_setting_is_described_once():
    names = [field.name for field in BILLDESK.config_fields]
    assert len(set(names)) == len(names) == 10
    defaults = {field.name: field.default for field in BILLDESK.config_fields}
    assert None not in defaults.values()
    assert BILLDESK.validate_config(defaults) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"merchant": "x"}, "does not know the key 'merchant'"),
        ({"classic_pay_url": "http://pgi.billdesk.com/pay"}, "classic_pay_url cannot be used, because it is not https"),
        ({"classic_query_url": "https://user@www.billdesk.com/q"}, "no plain address"),
        ({"classic_refund_url": "https://www.billdesk.com/q?x=1"}, "no plain address"),
        ({"jose_api_url": "https://[::1"}, "it is no address"),
        ({"jose_api_url": ""}, "no plain address"),
        ({"jose_pay_url": "https://pay.billdesk.com:99999/"}, "it is no address"),
        ({"jose_pay_url": "ftp://pay.billdesk.com/"}, "not https"),
        ({"jose_device_ip": "localhost"}, "jose_device_ip must be an IP address"),
        ({"refund_done_codes": "0699;0799"}, "refund_done_codes must be codes with commas"),
        ({"refund_failed_codes": ","}, "refund_failed_codes must be codes with commas"),
        ({"jose_missing_codes": "a b"}, "jose_missing_codes must be codes with commas"),
        ({"classic_refund_column": "28"}, "classic_refund_column must be 26 or 27"),
    ],
)
def test_a_wrong_setting_is_named(settings, words):
    assert words in " ".join(BILLDESK.validate_config(settings))


def test_a_rehearsal_may_have_it_all_on_this_machine():
    here = "http://127.0.0.1:8002"
    settings = dict.fromkeys(
        ("classic_pay_url", "classic_query_url", "classic_refund_url", "jose_api_url", "jose_pay_url"), f"{here}/billdesk"
    )
    assert BILLDESK.validate_config(settings) == []
    assert BILLDESK.hosts(settings) == ("127.0.0.1:8002",)


@pytest.mark.parametrize(
    "changed",
    [
        {"private_key": private_pem("office", old=True)},
        {"private_key": private_pem("office").replace("\n", "\r\n")},
        {"private_key": as_jwk("office", private=True), "gateway_key": as_jwk("billdesk", private=False)},
        {"gateway_key": "\n" + public_pem("billdesk") + "\r\n\r\n"},
    ],
    ids=["old pem", "other breaks", "jwk", "empty lines around"],
)
def test_a_key_is_taken_in_each_form_that_a_person_has(changed):
    assert found(GOOD["jose-rsa"] | changed) == []


def halved(text):
    return "\n".join(line for place, line in enumerate(text.splitlines()) if place != 5)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"private_key": halved(private_pem("office"))}, ("private_key", "bad_char")),
        ({"private_key": public_pem("office")}, ("private_key", "bad_char")),
        ({"private_key": as_jwk("office", private=False)}, ("private_key", "bad_char")),
        ({"private_key": private_pem("small", 1024)}, ("private_key", "bad_char")),
        ({"private_key": private_pem("office").replace("\n", " \u200b\n", 1)}, ("private_key", "invisible_char")),
        ({"private_key": " " + private_pem("office")}, ("private_key", "edge_space")),
        ({"private_key": "{" + "x" * 100 + "}"}, ("private_key", "bad_char")),
        ({"private_key": private_pem("office") * 3}, ("private_key", "length")),
        ({"gateway_key": halved(public_pem("billdesk"))}, ("gateway_key", "bad_char")),
        ({"gateway_key": private_pem("billdesk")}, ("gateway_key", "bad_char")),
        ({"gateway_key": as_jwk("billdesk", private=True)}, ("gateway_key", "bad_char")),
        ({"gateway_key": public_pem("small", 1024)}, ("gateway_key", "bad_char")),
        ({"gateway_key": public_pem("office")}, ("gateway_key", "same_as_merchant_id")),
    ],
    ids=[
        "half a key",
        "the public half",
        "a public jwk",
        "too short",
        "an unseen character",
        "a blank before it",
        "no jwk",
        "three keys",
        "half a public key",
        "a private key for theirs",
        "a private jwk for theirs",
        "a short public key",
        "our own public half",
    ],
)
def test_a_key_that_is_none_is_named_and_never_repeated(changed, problem):
    problems = judge_parameters(BILLDESK, GOOD["jose-rsa"] | changed)
    assert problem in [(each.field, each.code) for each in problems]
    shown = repr(problems)
    for text in changed.values():
        assert all(line not in shown for line in text.splitlines() if len(line) > 30 and "-----" not in line)
