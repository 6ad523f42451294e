"""What an office enters and an operator sets for Razorpay, and that the plugin keeps the promises of its kind."""

import pytest

from engine.api import PaymentGateway, Pays, Refunds, Settles
from engine.contracts.payment import identity_of
from engine.contracts.shapes import check_gateway
from engine.money.gateways.entering import judge_parameters
from engine.promises.gateway import promises
from plugins.payment.razorpay.gateway import Razorpay
from plugins.payment.sandbox.gateway import Sandbox

RAZORPAY = Razorpay()
GOOD = {"key_id": "rzp_live_COOMUM0100000", "key_secret": "k9XvQ2mNpR7sT4wZk9XvQ2mN", "account_id": "acc_BFQ7uQEaa7j2z7"}


def found(**values: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in judge_parameters(RAZORPAY, GOOD | values)]


def test_it_is_a_gateway_that_pays_refunds_and_reads_settlement_reports():
    check_gateway("razorpay", RAZORPAY)
    for kind in (PaymentGateway, Pays, Refunds, Settles):
        assert isinstance(RAZORPAY, kind)


async def test_it_keeps_every_promise_of_its_kind():
    assert [promise for promise in await promises(RAZORPAY, {}, [Sandbox()]) if not promise.kept] == []


def test_the_key_comes_first_and_secrets_are_sealed():
    assert [(field.label, field.secret) for field in RAZORPAY.fields[:2]] == [("Key ID", False), ("Key secret", True)]
    assert {field.name for field in RAZORPAY.fields if field.secret} == {"key_secret", "webhook_secret", "previous_webhook_secret"}
    assert {field.name for field in RAZORPAY.fields if field.required} == {"key_id", "key_secret", "account_id"}


def test_the_key_and_the_account_are_enough_and_a_webhook_may_join():
    assert found() == []
    assert found(webhook_secret="aWebhookSecret!", previous_webhook_secret="0lderSecret+of+it") == []


def test_the_account_is_the_merchant_and_not_the_key():
    assert identity_of(RAZORPAY.fields).name == "account_id"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"key_id": ""}, ("key_id", "required")),
        ({"key_secret": ""}, ("key_secret", "required")),
        ({"key_id": "COOMUM01"}, ("key_id", "length")),
        ({"key_id": "rzp_demo_COOMUM0100000"}, ("key_id", "bad_char")),
        ({"key_id": "rzp_live_COOMUM0100000 "}, ("key_id", "edge_space")),
        ({"key_secret": "k9XvQ2mNpR7s\u200bT4wZk9XvQ2mN"}, ("key_secret", "invisible_char")),
        ({"webhook_secret": "short"}, ("webhook_secret", "length")),
        ({"webhook_secret": GOOD["key_secret"]}, ("webhook_secret", "same_as_merchant_id")),
        ({"previous_webhook_secret": "0lderSecret+of+it"}, ("webhook_secret", "required")),
        (
            {"webhook_secret": "aWebhookSecret!", "previous_webhook_secret": "aWebhookSecret!"},
            ("previous_webhook_secret", "same_as_merchant_id"),
        ),
        ({"account_id": ""}, ("account_id", "required")),
        ({"account_id": "BFQ7uQEaa7j2z7"}, ("account_id", "bad_char")),
    ],
)
def test_a_wrong_parameter_is_named_and_never_repeated(values, problem):
    assert problem in found(**values)
    for each in judge_parameters(RAZORPAY, GOOD | values):
        assert GOOD["key_secret"] not in each.say


def test_key_and_secret_in_each_others_place_are_noticed():
    assert found(key_id=GOOD["key_secret"], key_secret=GOOD["key_id"])


# --- the operator's settings ----------------------------------------------------------------------


def test_without_settings_the_host_is_razorpays_own():
    assert RAZORPAY.validate_config({}) == []
    assert RAZORPAY.hosts({}) == ("api.razorpay.com",)
    assert RAZORPAY.validate_config({field.name: field.default or "" for field in RAZORPAY.config_fields}) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key": "x"}, "does not know the key 'key'"),
        ({"api_url": "http://api.razorpay.com/v1"}, "api_url cannot be used, because it is not https"),
        ({"api_url": "https://user@api.razorpay.com/v1"}, "no plain address"),
        ({"api_url": "https://api.razorpay.com/v1?x=1"}, "no plain address"),
        ({"api_url": "https://[::1"}, "it is no address"),
        ({"checkout_url": ""}, "no plain address"),
        ({"checkout_url": "https://api.razorpay.com:99999/"}, "it is no address"),
        ({"shown_name": "<b>x</b>"}, "shown_name must be"),
        ({"shown_name": ""}, "shown_name must be"),
    ],
)
def test_a_wrong_setting_is_named(settings, words):
    assert words in " ".join(RAZORPAY.validate_config(settings))


def test_a_rehearsal_may_have_it_on_this_machine():
    here = {"api_url": "http://127.0.0.1:8002/v1", "checkout_url": "http://127.0.0.1:8002/v1/checkout/embedded"}
    assert RAZORPAY.validate_config(here) == []
    assert RAZORPAY.hosts(here) == ("127.0.0.1:8002",)
