"""Razorpay's plugin against the rehearsal gateway over real HTTP, whose codec shares nothing with the plugin's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from engine.api import (
    Conflict,
    ConnectionOutcome,
    FormPost,
    GatewayContext,
    PaymentOutcome,
    RefundOutcome,
    RefundWanted,
    Refused,
    StartPayment,
    Unresolved,
    Untrusted,
)
from plugins.payment.razorpay.gateway import Razorpay
from plugins.payment.sandbox.rehearsal.till import Merchant
from tests.rehearsal import START, Rehearsal, callback, context, rehearsing

KEY_ID, KEY, HOOK, ACCOUNT = "rzp_test_COOMUM0100000", "r4zorKeySecretOfNoBank00", "r4zorWebhookSecretOfNoBank", "acc_REHEARSAL00001"
REFERENCE, REFUND = "ABCDEFGHJKLMNPQRST23", "REFUNDREFUNDREFUND22"
NOTICES = "http://127.0.0.1:9/cb/pay/razorpay/s/office"
MERCHANTS = (Merchant("razorpay", KEY_ID, {"key": KEY, "webhook": HOOK}, {"account": ACCOUNT}, NOTICES),)
RAZORPAY = Razorpay()


@dataclass
class Office:
    """An office at the rehearsal gateway."""

    rehearsal: Rehearsal
    ctx: GatewayContext
    order: str = ""

    async def start(self, amount_paise: int = 236_00) -> None:
        """Begins a payment, and posts the form as the payer's browser does."""
        wish = StartPayment(REFERENCE, amount_paise, "http://127.0.0.1:9/cb/pay/razorpay/r/t0ken", NOTICES, tags=("MUM", "COO/2627/7"))
        started = await RAZORPAY.start(self.ctx, wish)
        assert isinstance(started.handover, FormPost)
        page = httpx.post(started.handover.url, data=dict(started.handover.fields))
        assert "REHEARSAL" in page.text
        self.order = started.gateway_order_id

    async def paid(self, scenario: str = "success") -> dict[str, Any]:
        """A payment that began, and whose payer pressed the button."""
        await self.start()
        done = self.rehearsal.pay(REFERENCE, scenario)
        self.rehearsal.advance()
        return done

    def hears(self, message: Any) -> Any:
        return RAZORPAY.verify(self.ctx, callback(message), gateway_order_id=self.order)

    async def asks(self) -> Any:
        return await RAZORPAY.query(self.ctx, REFERENCE, gateway_order_id=self.order, amount_paise=236_00)

    def wanted(self, txn: str, amount_paise: int = 100_00) -> RefundWanted:
        return RefundWanted(REFUND, amount_paise, REFERENCE, txn, self.order, 236_00, START)


def office(rehearsal: Rehearsal, *, key: str = KEY, hook: str = HOOK, old: str = "", **changed: str) -> Office:
    settings = {"api_url": f"{rehearsal.address}/v1", "checkout_url": f"{rehearsal.address}/v1/checkout/embedded"}
    assert RAZORPAY.validate_config(settings) == []
    values = {"key_id": KEY_ID, "account_id": ACCOUNT} | changed
    secrets = {"key_secret": key, "webhook_secret": hook, "previous_webhook_secret": old}
    return Office(rehearsal, context(rehearsal, settings, values, secrets))


@pytest.fixture(scope="module")
def served() -> Iterator[Rehearsal]:
    with rehearsing(MERCHANTS) as rehearsal:
        yield rehearsal


@pytest.fixture
def rehearsal(served: Rehearsal) -> Rehearsal:
    """The server as if it had just started."""
    served.gateway.__init__(tuple(served.gateway.till.merchants), now=served.clock.now, deliver=served.gateway.outbox._deliver)  # type: ignore[misc]
    served.posted.clear()
    return served


@pytest.fixture
def at(rehearsal: Rehearsal) -> Office:
    return office(rehearsal)


async def test_return_webhook_and_answer_agree(at: Office) -> None:
    done = await at.paid()
    back, told, asked = at.hears(done["return"]), at.hears(at.rehearsal.posted[0]), await at.asks()
    assert (back.outcome, back.amount_paise, back.gateway_txn_id) == (PaymentOutcome.SUCCEEDED, None, done["txn"])
    assert (told.key, told.outcome, told.amount_paise) == (asked.key, asked.outcome, asked.amount_paise)
    shown = (told.outcome, told.reference, told.merchant, told.amount_paise, told.currency, told.gateway_txn_id, told.occurred_at)
    assert shown == (PaymentOutcome.SUCCEEDED, REFERENCE, ACCOUNT, 236_00, "INR", done["txn"], START)
    assert RAZORPAY.locate(callback(at.rehearsal.posted[0])) == REFERENCE


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("failure", "failed"), ("user_cancel", "failed"), ("pending_forever", "pending"), ("failed_then_late_success", "failed")],
)
async def test_each_way_that_a_payment_ends_is_told(at: Office, scenario: str, outcome: str) -> None:
    done = await at.paid(scenario)
    told = at.hears(at.rehearsal.posted[0])
    assert (told.outcome, told.reference) == (outcome, REFERENCE)
    assert (await at.asks()).outcome == outcome
    if outcome == "failed":
        with pytest.raises(Untrusted) as untrusted:  # Razorpay signs no failure that the browser brings
            at.hears(done["return"])
        assert untrusted.value.code == "unsigned"
    at.rehearsal.advance(86400)
    assert (await at.asks()).outcome == ("succeeded" if scenario == "failed_then_late_success" else outcome)


@pytest.mark.parametrize("scenario", ["tampered_checksum", "lowercase_checksum"])
async def test_what_was_spoilt_on_the_way_is_not_believed(at: Office, scenario: str) -> None:
    done = await at.paid(scenario)
    for message in (done["return"], at.rehearsal.posted[0]):
        with pytest.raises(Untrusted):
            at.hears(message)
    assert (await at.asks()).outcome is PaymentOutcome.SUCCEEDED


async def test_a_webhook_without_its_order_is_nobodys(at: Office) -> None:
    done = await at.paid("missing_field")
    with pytest.raises(Untrusted):
        at.hears(done["return"])
    assert at.hears(at.rehearsal.posted[0]).reference != REFERENCE


async def test_another_amount_and_another_account_are_left_to_the_engine(at: Office) -> None:
    await at.paid("tampered_amount_valid_signature")
    assert at.hears(at.rehearsal.posted[0]).amount_paise == 235_00
    [message] = at.rehearsal.emit(REFERENCE, spoil="merchant", deliver=False)
    assert at.hears(message).merchant == f"{ACCOUNT}X"


async def test_a_message_for_one_office_is_not_believed_under_the_keys_of_another(at: Office) -> None:
    done = await at.paid()
    other = office(at.rehearsal, key="Zz8yXw7vUt6sRq5pZz8yXw7v", hook="AnotherWebhookSecretOfNoBank")
    other.order = at.order
    for message in (done["return"], at.rehearsal.posted[0]):
        with pytest.raises(Untrusted):
            other.hears(message)
    renewed = office(at.rehearsal, hook="AnotherWebhookSecretOfNoBank", old=HOOK)
    renewed.order = at.order
    assert renewed.hears(at.rehearsal.posted[0]).outcome is PaymentOutcome.SUCCEEDED


async def test_a_payment_that_nobody_made_is_not_found(at: Office) -> None:
    assert (await RAZORPAY.query(at.ctx, "NEVERMADEREFERENCE22")).outcome is PaymentOutcome.NOT_FOUND
    await at.start()
    assert (await at.asks()).outcome is PaymentOutcome.NOT_FOUND


async def test_an_order_whose_answer_was_lost_is_found_by_our_reference(at: Office) -> None:
    at.rehearsal.script(REFERENCE, "start_timeout_with_effect")
    with pytest.raises(Unresolved):
        await at.start()
    found = await RAZORPAY.query(at.ctx, REFERENCE)
    assert (found.outcome, found.gateway_order_id[:6]) == (PaymentOutcome.NOT_FOUND, "order_")
    with pytest.raises(Conflict):
        await at.start()


async def test_an_order_that_razorpay_refuses_is_refused(at: Office) -> None:
    at.rehearsal.script(REFERENCE, "start_refused")
    with pytest.raises(Refused):
        await at.start()


@pytest.mark.parametrize("scenario", ["http_500", "garbage_body"])
async def test_an_answer_that_is_none_resolves_nothing(at: Office, scenario: str) -> None:
    done = await at.paid()
    at.rehearsal.script(REFERENCE, scenario, times=0)
    for asked in (at.asks(), RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))):
        with pytest.raises(Unresolved):
            await asked


async def test_a_refund_is_pending_until_it_is_processed(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_pending_then_ok", after=600)
    first = await RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))
    again = await RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))
    assert first == again
    assert first.outcome is RefundOutcome.PENDING
    at.rehearsal.advance(600)
    assert (await RAZORPAY.query_refund(at.ctx, at.wanted(done["txn"]), first.gateway_refund_id)).outcome is RefundOutcome.DONE
    with pytest.raises(Conflict):
        await RAZORPAY.refund(at.ctx, at.wanted(done["txn"], 99_00))


async def test_a_refund_whose_answer_was_lost_is_found_by_our_reference(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_timeout_with_effect")
    with pytest.raises(Unresolved):
        await RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))
    assert (await RAZORPAY.query_refund(at.ctx, at.wanted(""))).outcome is RefundOutcome.DONE


async def test_a_failed_refund_is_told_and_too_much_is_refused(at: Office) -> None:
    done = await at.paid()
    with pytest.raises(Refused):
        await RAZORPAY.refund(at.ctx, at.wanted(done["txn"], 236_01))
    at.rehearsal.script(REFUND, "refund_failed")
    assert (await RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))).outcome is RefundOutcome.FAILED


async def test_the_settlement_report_is_read(at: Office) -> None:
    done = await at.paid()
    refund = await RAZORPAY.refund(at.ctx, at.wanted(done["txn"]))
    served = httpx.get(f"{at.rehearsal.address}/v1/settlements/recon/combined?year=2026&month=4", auth=(KEY_ID, KEY))
    lines = list(RAZORPAY.read_settlement(at.ctx, "recon.json", served.content))
    found = sorted((line.kind, line.reference, line.gateway_txn_id, line.gross_paise, line.net_paise) for line in lines)
    fee = json.loads(served.content)["items"][0]["fee"]
    assert found == [("payment", REFERENCE, done["txn"], 236_00, 236_00 - fee), ("refund", "", refund.gateway_refund_id, 100_00, 100_00)]


async def test_the_key_is_proved_and_a_wrong_one_is_refused(at: Office) -> None:
    assert (await RAZORPAY.test_connection(at.ctx)).outcome is ConnectionOutcome.PASSED
    for wrong in (office(at.rehearsal, key="Zz8yXw7vUt6sRq5pZz8yXw7v"), office(at.rehearsal, key_id="rzp_test_NOBODY0000000")):
        report = await RAZORPAY.test_connection(wrong.ctx)
        assert (report.outcome, report.code) == (ConnectionOutcome.FAILED, "credentials")
        with pytest.raises(Refused) as refused:
            await wrong.start()
        assert refused.value.code == "credentials"
