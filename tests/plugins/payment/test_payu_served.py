"""PayU's plugin against the rehearsal gateway over real HTTP, whose codec shares nothing with the plugin's."""

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
from plugins.payment.payu.gateway import PayU
from plugins.payment.sandbox.rehearsal.till import Merchant
from tests.rehearsal import START, Rehearsal, callback, context, rehearsing

KEY, SALT = "COOMUM", "p4yuSaltOfNoBank00000000000000000"
REFERENCE, REFUND = "ABCDEFGHJKLMNPQRST23", "REFUNDREFUNDREFUND22"
NOTICES = "http://127.0.0.1:9/cb/pay/payu/s/office"
MERCHANTS = (Merchant("payu", KEY, {"salt": SALT}, notices=NOTICES),)
PAYU = PayU()


@dataclass
class Office:
    """An office at the rehearsal gateway."""

    rehearsal: Rehearsal
    ctx: GatewayContext

    async def start(self, name: str = "A Firm", email: str = "a.firm@firm.example") -> httpx.Response:
        """Begins a payment, and posts the form as the payer's browser does."""
        back = "http://127.0.0.1:9/cb/pay/payu/r/t0ken"
        started = await PAYU.start(self.ctx, StartPayment(REFERENCE, 236_00, back, NOTICES, name, email, tags=("MUM", "COO/2627/7")))
        assert isinstance(started.handover, FormPost)
        return httpx.post(started.handover.url, data=dict(started.handover.fields))

    async def paid(self, scenario: str = "success") -> dict[str, Any]:
        """A payment that began, and whose payer pressed the button."""
        assert "REHEARSAL" in (await self.start()).text
        done = self.rehearsal.pay(REFERENCE, scenario)
        self.rehearsal.advance()
        return done

    def hears(self, message: Any) -> Any:
        return PAYU.verify(self.ctx, callback(message))

    async def asks(self) -> Any:
        return await PAYU.query(self.ctx, REFERENCE, amount_paise=236_00)

    def wanted(self, txn: str, amount_paise: int = 100_00) -> RefundWanted:
        return RefundWanted(REFUND, amount_paise, REFERENCE, txn, "", 236_00, START)


def office(rehearsal: Rehearsal, *, salt: str = SALT, key: str = KEY) -> Office:
    settings = {"pay_url": f"{rehearsal.address}/_payment", "service_url": f"{rehearsal.address}/merchant/postservice.php?form=2"}
    assert PAYU.validate_config(settings) == []
    values = {"key": key, "contact_email": "office@chamber.example", "contact_phone": "9999999999"}
    return Office(rehearsal, context(rehearsal, settings, values, {"salt": salt}))


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


async def test_return_notice_and_answer_say_the_same_with_the_same_key(at: Office) -> None:
    done = await at.paid()
    back, notice, asked = at.hears(done["return"]), at.hears(at.rehearsal.posted[0]), await at.asks()
    assert back == notice
    assert (back.key, back.outcome, back.amount_paise) == (asked.key, asked.outcome, asked.amount_paise)
    assert (back.outcome, back.reference, back.merchant, back.amount_paise) == (PaymentOutcome.SUCCEEDED, REFERENCE, KEY, 236_00)
    assert (back.gateway_txn_id, asked.gateway_txn_id) == ("", done["txn"])
    assert asked.occurred_at == START
    assert PAYU.locate(callback(done["return"])) == PAYU.locate(callback(at.rehearsal.posted[0])) == REFERENCE


@pytest.mark.parametrize(("name", "email"), [("", ""), ("Müller | Söhne <b>", "a|b@x"), ("A" * 300, "a" * 300 + "@firm.example")])
async def test_whatever_the_payer_is_called_the_form_is_taken(at: Office, name: str, email: str) -> None:
    assert "REHEARSAL" in (await at.start(name, email)).text


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("failure", "failed"), ("user_cancel", "failed"), ("pending_forever", "pending"), ("failed_then_late_success", "failed")],
)
async def test_each_way_that_a_payment_ends_is_told(at: Office, scenario: str, outcome: str) -> None:
    done = await at.paid(scenario)
    assert at.hears(done["return"]).outcome == outcome
    assert (await at.asks()).outcome == outcome
    at.rehearsal.advance(86400)
    assert (await at.asks()).outcome == ("succeeded" if scenario == "failed_then_late_success" else outcome)


@pytest.mark.parametrize("scenario", ["tampered_checksum", "lowercase_checksum", "missing_field"])
async def test_what_was_spoilt_on_the_way_is_not_believed(at: Office, scenario: str) -> None:
    done = await at.paid(scenario)
    for message in (done["return"], at.rehearsal.posted[0]):
        with pytest.raises(Untrusted):
            at.hears(message)
    assert (await at.asks()).outcome is PaymentOutcome.SUCCEEDED


async def test_another_amount_and_another_merchant_are_left_to_the_engine(at: Office) -> None:
    done = await at.paid("tampered_amount_valid_signature")
    assert at.hears(done["return"]).amount_paise == 235_00
    [message] = at.rehearsal.emit(REFERENCE, spoil="merchant", deliver=False)
    assert at.hears(message).merchant == f"{KEY}X"


async def test_a_message_for_one_office_is_not_believed_under_the_salt_of_another(at: Office) -> None:
    done = await at.paid()
    with pytest.raises(Untrusted):
        office(at.rehearsal, salt="An0therSaltOfNoBank0000000000000").hears(done["return"])


async def test_a_payment_that_nobody_made_is_not_found(at: Office) -> None:
    assert (await at.asks()).outcome is PaymentOutcome.NOT_FOUND
    await at.start()
    assert (await at.asks()).outcome is PaymentOutcome.NOT_FOUND


@pytest.mark.parametrize("scenario", ["http_500", "garbage_body"])
async def test_an_answer_that_is_none_resolves_nothing(at: Office, scenario: str) -> None:
    done = await at.paid()
    at.rehearsal.script(REFERENCE, scenario, times=0)
    for asked in (at.asks(), PAYU.refund(at.ctx, at.wanted(done["txn"]))):
        with pytest.raises(Unresolved):
            await asked


async def test_a_refund_is_pending_until_payu_says_success(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_pending_then_ok", after=600)
    asked = await PAYU.refund(at.ctx, at.wanted(done["txn"]))
    assert asked.outcome is RefundOutcome.PENDING
    assert (await PAYU.query_refund(at.ctx, at.wanted(done["txn"]), asked.gateway_refund_id)).outcome is RefundOutcome.PENDING
    at.rehearsal.advance(600)
    later = await PAYU.query_refund(at.ctx, at.wanted(done["txn"]))
    assert (later.outcome, later.gateway_refund_id, later.amount_paise) == (RefundOutcome.DONE, asked.gateway_refund_id, 100_00)
    with pytest.raises(Conflict):
        await PAYU.refund(at.ctx, at.wanted(done["txn"]))


async def test_a_refund_whose_answer_was_lost_is_found_by_our_token(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_timeout_with_effect")
    with pytest.raises(Unresolved):
        await PAYU.refund(at.ctx, at.wanted(done["txn"]))
    assert (await PAYU.query_refund(at.ctx, at.wanted(""))).outcome is RefundOutcome.DONE


async def test_a_failed_refund_is_told_and_too_much_is_refused(at: Office) -> None:
    done = await at.paid()
    with pytest.raises(Refused):
        await PAYU.refund(at.ctx, at.wanted(done["txn"], 236_01))
    assert (await PAYU.query_refund(at.ctx, at.wanted(done["txn"]))).outcome is RefundOutcome.NOT_FOUND
    at.rehearsal.script(REFUND, "refund_failed")
    await PAYU.refund(at.ctx, at.wanted(""))
    assert (await PAYU.query_refund(at.ctx, at.wanted(""))).outcome is RefundOutcome.FAILED


async def test_the_pair_is_proved_and_a_wrong_one_is_refused(at: Office) -> None:
    assert (await PAYU.test_connection(at.ctx)).outcome is ConnectionOutcome.PASSED
    for wrong in (office(at.rehearsal, salt="An0therSaltOfNoBank0000000000000"), office(at.rehearsal, key="NOBODY")):
        report = await PAYU.test_connection(wrong.ctx)
        assert (report.outcome, report.code) == (ConnectionOutcome.FAILED, "credentials")
    assert at.rehearsal.gateway.till.payments == []
