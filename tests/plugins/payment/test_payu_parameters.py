"""What an office enters and an operator sets for PayU, and that the plugin keeps the promises of its kind."""

import pytest

from engine.api import PaymentGateway, Pays, Refunds, Settles
from engine.contracts.shapes import check_gateway
from engine.money.gateways.entering import judge_parameters
from engine.promises.gateway import promises
from plugins.payment.payu.gateway import PayU
from plugins.payment.sandbox.gateway import Sandbox

PAYU = PayU()
GOOD = {"key": "COOMUM", "salt": "k9XvQ2mNpR7sT4wZ", "contact_email": "office@chamber.example", "contact_phone": "02223456789"}


def found(**values: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in judge_parameters(PAYU, GOOD | values)]


def test_it_is_a_gateway_that_pays_and_refunds_and_reads_no_settlement_file():
    check_gateway("payu", PAYU)
    for kind in (PaymentGateway, Pays, Refunds):
        assert isinstance(PAYU, kind)
    assert not isinstance(PAYU, Settles)


async def test_it_keeps_every_promise_of_its_kind():
    assert [promise for promise in await promises(PAYU, {}, [Sandbox()]) if not promise.kept] == []


def test_key_and_salt_come_first_and_the_salt_is_sealed():
    assert [(field.label, field.secret) for field in PAYU.fields[:2]] == [("Key", False), ("Salt", True)]
    assert all(field.required for field in PAYU.fields)
    assert found() == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        *(({name: ""}, (name, "required")) for name in GOOD),
        ({"key": "COO MUM"}, ("key", "inner_space")),
        ({"key": "COO|MUM"}, ("key", "bad_char")),
        ({"key": "key"}, ("key", "length")),
        ({"salt": "k9XvQ2mN\n"}, ("salt", "edge_space")),
        ({"salt": "k9Xv|2mNpR"}, ("salt", "bad_char")),
        ({"salt": "k9XvQ2m"}, ("salt", "length")),
        ({"salt": "********"}, ("salt", "placeholder")),
        ({"key": "COOMUMBAI", "salt": "COOMUMBAI"}, ("salt", "same_as_merchant_id")),
        ({"contact_email": "office"}, ("contact_email", "bad_char")),
        ({"contact_email": "office@chamber"}, ("contact_email", "bad_char")),
        ({"contact_phone": "+912223456"}, ("contact_phone", "bad_char")),
    ],
)
def test_a_wrong_parameter_is_named_and_never_repeated(values, problem):
    assert problem in found(**values)
    for each in judge_parameters(PAYU, GOOD | values):
        assert GOOD["salt"] not in each.say


# --- the operator's settings ----------------------------------------------------------------------


def test_without_settings_the_hosts_are_payus_own():
    assert PAYU.validate_config({}) == []
    assert PAYU.hosts({}) == ("secure.payu.in", "info.payu.in")
    assert PAYU.validate_config({field.name: field.default or "" for field in PAYU.config_fields}) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"salt": "x"}, "does not know the key 'salt'"),
        ({"pay_url": "http://secure.payu.in/_payment"}, "pay_url cannot be used, because it is not https"),
        ({"pay_url": "https://secure.payu.in/_payment?form=2"}, "no plain address"),
        ({"service_url": "https://info.payu.in/merchant/postservice.php?form=1"}, "no plain address"),
        ({"service_url": "https://user@info.payu.in/"}, "no plain address"),
        ({"service_url": "https://[::1"}, "it is no address"),
        ({"service_url": ""}, "no plain address"),
        ({"product": "a|b"}, "product must be"),
        ({"product": ""}, "product must be"),
    ],
)
def test_a_wrong_setting_is_named(settings, words):
    assert words in " ".join(PAYU.validate_config(settings))


def test_a_rehearsal_may_have_it_on_this_machine():
    here = {"pay_url": "http://127.0.0.1:8002/_payment", "service_url": "http://127.0.0.1:8002/merchant/postservice.php?form=2"}
    assert PAYU.validate_config(here) == []
    assert PAYU.hosts(here) == ("127.0.0.1:8002",)
