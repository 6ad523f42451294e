"""BillDesk's two interfaces against the rehearsal gateway over real HTTP, whose codecs share nothing with the plugin's."""

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
from plugins.payment.billdesk.gateway import BillDesk
from plugins.payment.sandbox.rehearsal.till import Merchant
from tests.plugins.payment.rsa_pairs import private_pem, public_pem
from tests.rehearsal import START, Rehearsal, callback, context, rehearsing

KEY, CLIENT = "k9XvQ2mNpR7sT4wZ", "coomum02client"
ENCRYPTION = "0123456789abcdefFEDCBA9876543210"
REFERENCE, REFUND = "ABCDEFGHJKLMNPQRST23", "REFUNDREFUNDREFUND22"
CRC, OLD = "COOCRC01", "COOOLD01"
MERCHANTS = (
    Merchant("billdesk", "COOMUM01", {"checksum": KEY}, {"security_id": "coomum01"}),
    Merchant("billdesk", CRC, {"checksum": KEY}, {"algorithm": "crc32"}),
    Merchant("billdesk", OLD, {"checksum": KEY}, {"algorithm": "sha256"}),
    Merchant("billdesk_jose", "COOMUM02", {"signing": KEY}, {"client_id": CLIENT}),
    Merchant("billdesk_jose", "COOMUM03", {"signing": KEY, "encryption": ENCRYPTION}, {"client_id": f"{CLIENT}3", "key_id": "kid-7"}),
    Merchant("billdesk_jose", "COOMUM04", {"own": private_pem("billdesk")}, {"client_id": f"{CLIENT}4", "office": public_pem("office")}),
)
BILLDESK = BillDesk()


@dataclass
class Office:
    """An office at the rehearsal gateway, by one of the interfaces."""

    rehearsal: Rehearsal
    ctx: GatewayContext

    async def start(self, **changed: Any) -> FormPost:
        """Begins a payment, and posts the form as the payer's browser does."""
        given: dict[str, Any] = {"reference": REFERENCE, "amount_paise": 236_00, "return_url": "http://127.0.0.1:9/cb/pay/billdesk/r/t0ken"}
        given |= {"notice_url": "http://127.0.0.1:9/cb/pay/billdesk/s/acc", "tags": ("MUM", "COO/2627/7")}
        started = await BILLDESK.start(self.ctx, StartPayment(**(given | changed)))
        assert isinstance(started.handover, FormPost)
        self.page = httpx.post(started.handover.url, data=dict(started.handover.fields))
        self.order = started.gateway_order_id
        return started.handover

    async def paid(self, scenario: str = "success") -> dict[str, Any]:
        """A payment that began, and whose payer pressed the button."""
        await self.start()
        assert self.page.status_code == 200, self.page.text
        done = self.rehearsal.pay(REFERENCE, scenario)
        self.rehearsal.advance()
        return done

    def wanted(self, txn: str, amount_paise: int = 100_00, reference: str = REFUND) -> RefundWanted:
        return RefundWanted(reference, amount_paise, REFERENCE, txn, self.order, 236_00, START)


def settings(rehearsal: Rehearsal) -> dict[str, str]:
    at = rehearsal.address
    return {
        "classic_pay_url": f"{at}/pgidsk/PGIMerchantPayment",
        "classic_query_url": f"{at}/pgidsk/PGIQueryController",
        "classic_refund_url": f"{at}/pgidsk/PGIRefundController",
        "jose_api_url": f"{at}/payments/ve1_2",
        "jose_pay_url": f"{at}/web/v1_2/embeddedsdk",
        "classic_refund_column": "27",
        "refund_done_codes": "0799",
        "refund_failed_codes": "0399",
    }


def office(rehearsal: Rehearsal, interface: str, key: str = KEY, **changed: str) -> Office:
    mine = {
        "classic": {"merchant_id": "COOMUM01", "security_id": "coomum01"},
        "jose-hmac": {"merchant_id": "COOMUM02"},
        "jose-symmetric": {"merchant_id": "COOMUM03", "client_id": f"{CLIENT}3", "key_id": "kid-7"},
        "jose-rsa": {"merchant_id": "COOMUM04", "client_id": f"{CLIENT}4", "gateway_key": public_pem("billdesk")},
    }[interface]
    mine_alone = private_pem("office" if key == KEY else "stranger")
    values = {"interface": interface, "algorithm": "hmac-sha256", "security_id": "", "client_id": CLIENT, "key_id": ""} | mine | changed
    found = settings(rehearsal)
    assert BILLDESK.validate_config(found) == []
    return Office(rehearsal, context(rehearsal, found, values, {"checksum": key, "encryption_key": ENCRYPTION, "private_key": mine_alone}))


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


@pytest.fixture(params=["classic", "jose-hmac", "jose-symmetric", "jose-rsa"])
def at(rehearsal: Rehearsal, request: pytest.FixtureRequest) -> Office:
    return office(rehearsal, request.param)


async def test_return_notice_and_answer_say_the_same_with_the_same_key(at: Office) -> None:
    done = await at.paid()
    back = BILLDESK.verify(at.ctx, callback(done["return"]))
    notice = BILLDESK.verify(at.ctx, callback(at.rehearsal.posted[0]))
    asked = await BILLDESK.query(at.ctx, REFERENCE)
    assert back == notice
    assert (back.key, back.outcome) == (asked.key, asked.outcome)
    assert (back.outcome, back.reference, back.merchant) == (PaymentOutcome.SUCCEEDED, REFERENCE, at.ctx.values["merchant_id"])
    assert (back.amount_paise, back.currency, back.gateway_txn_id, back.occurred_at) == (236_00, "INR", done["txn"], START)
    readable = at.ctx.values["interface"] in {"classic", "jose-hmac"}  # what is encrypted names nothing to who has no key
    found = REFERENCE if readable else None
    assert BILLDESK.locate(callback(done["return"])) == BILLDESK.locate(callback(at.rehearsal.posted[0])) == found


@pytest.mark.parametrize(("algorithm", "merchant"), [("sha256", OLD), ("crc32", CRC)])
async def test_the_older_contracts_are_served(rehearsal: Rehearsal, algorithm: str, merchant: str) -> None:
    at = office(rehearsal, "classic", merchant_id=merchant, security_id="", algorithm=algorithm)
    assert (await BILLDESK.test_connection(at.ctx)).outcome is ConnectionOutcome.PASSED
    done = await at.paid()
    back = BILLDESK.verify(at.ctx, callback(done["return"]))
    assert (back.outcome, back.amount_paise) == (PaymentOutcome.SUCCEEDED, None if algorithm == "crc32" else 236_00)
    asked = await BILLDESK.query(at.ctx, REFERENCE)
    assert (asked.outcome, asked.amount_paise) == (PaymentOutcome.SUCCEEDED, 236_00)


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("failure", "failed"), ("user_cancel", "failed"), ("pending_forever", "pending"), ("failed_then_late_success", "failed")],
)
async def test_each_way_that_a_payment_ends_is_told(at: Office, scenario: str, outcome: str) -> None:
    done = await at.paid(scenario)
    assert BILLDESK.verify(at.ctx, callback(done["return"])).outcome == outcome
    assert (await BILLDESK.query(at.ctx, REFERENCE)).outcome == outcome
    at.rehearsal.advance(86400)
    late = (await BILLDESK.query(at.ctx, REFERENCE)).outcome
    assert late == ("succeeded" if scenario == "failed_then_late_success" else outcome)


@pytest.mark.parametrize("scenario", ["tampered_checksum", "lowercase_checksum", "missing_field"])
async def test_what_was_spoilt_on_the_way_is_not_believed(at: Office, scenario: str) -> None:
    done = await at.paid(scenario)
    for message in (done["return"], at.rehearsal.posted[0]):
        with pytest.raises(Untrusted):
            BILLDESK.verify(at.ctx, callback(message))
    assert (await BILLDESK.query(at.ctx, REFERENCE)).outcome is PaymentOutcome.SUCCEEDED


async def test_another_amount_and_another_merchant_are_left_to_the_engine(at: Office) -> None:
    done = await at.paid("tampered_amount_valid_signature")
    assert BILLDESK.verify(at.ctx, callback(done["return"])).amount_paise == 235_00
    [message] = at.rehearsal.emit(REFERENCE, spoil="merchant", deliver=False)
    assert BILLDESK.verify(at.ctx, callback(message)).merchant == f"{at.ctx.values['merchant_id']}X"


async def test_a_message_for_one_office_is_not_believed_under_the_key_of_another(at: Office) -> None:
    done = await at.paid()
    other = office(at.rehearsal, at.ctx.values["interface"], key="Zz8yXw7vUt6sRq5p")
    with pytest.raises(Untrusted):
        BILLDESK.verify(other.ctx, callback(done["return"]))


async def test_a_payment_that_nobody_made_is_not_found(at: Office) -> None:
    assert (await BILLDESK.query(at.ctx, "NEVERMADEREFERENCE22")).outcome is PaymentOutcome.NOT_FOUND


@pytest.mark.parametrize("scenario", ["http_500", "garbage_body"])
async def test_an_answer_that_is_none_resolves_nothing(at: Office, scenario: str) -> None:
    done = await at.paid()
    at.rehearsal.script(REFERENCE, scenario, times=0)
    for asked in (BILLDESK.query(at.ctx, REFERENCE), BILLDESK.refund(at.ctx, at.wanted(done["txn"]))):
        with pytest.raises(Unresolved):
            await asked


async def test_a_refund_is_pending_until_billdesk_says_done(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_pending_then_ok", after=600)
    asked = await BILLDESK.refund(at.ctx, at.wanted(done["txn"]))
    assert asked.outcome is RefundOutcome.PENDING
    assert (await BILLDESK.query_refund(at.ctx, at.wanted(done["txn"]), asked.gateway_refund_id)).outcome is RefundOutcome.PENDING
    at.rehearsal.advance(600)
    assert (await BILLDESK.query_refund(at.ctx, at.wanted(done["txn"]), asked.gateway_refund_id)).outcome is RefundOutcome.DONE


async def test_a_refund_whose_answer_was_lost_is_found_by_our_reference(at: Office) -> None:
    done = await at.paid()
    at.rehearsal.script(REFUND, "refund_timeout_with_effect")
    with pytest.raises(Unresolved):
        await BILLDESK.refund(at.ctx, at.wanted(done["txn"]))
    assert (await BILLDESK.query_refund(at.ctx, at.wanted(done["txn"]))).outcome is RefundOutcome.DONE


async def test_more_than_was_paid_is_refused(at: Office) -> None:
    done = await at.paid()
    with pytest.raises(Refused):
        await BILLDESK.refund(at.ctx, at.wanted(done["txn"], 236_01))
    with pytest.raises(Refused):
        await BILLDESK.refund(at.ctx, at.wanted("ANOTHERTXN"))


async def test_the_pair_is_proved_and_a_wrong_one_is_not(at: Office) -> None:
    report = await BILLDESK.test_connection(at.ctx)
    assert (report.outcome, report.code) == (ConnectionOutcome.PASSED, "ok")
    interface = at.ctx.values["interface"]
    for wrong in (
        office(at.rehearsal, interface, key="Zz8yXw7vUt6sRq5p"),
        office(at.rehearsal, interface, merchant_id="NOBODY99"),
        office(at.rehearsal, interface, client_id="somebodyelse", algorithm="sha256"),
    ):
        assert (await BILLDESK.test_connection(wrong.ctx)).outcome is ConnectionOutcome.INCONCLUSIVE
    assert at.rehearsal.gateway.till.payments == []


async def test_an_order_is_made_once_by_jose(rehearsal: Rehearsal) -> None:
    at = office(rehearsal, "jose-hmac")
    await at.start()
    assert at.order
    with pytest.raises(Conflict):
        await at.start()


async def test_an_order_whose_answer_was_lost_may_have_been_made(rehearsal: Rehearsal) -> None:
    at = office(rehearsal, "jose-hmac")
    for scenario in ("start_timeout_with_effect", "start_timeout_no_effect"):
        rehearsal.script(REFERENCE, scenario)
        with pytest.raises(Unresolved):
            await at.start()
    assert len(rehearsal.gateway.till.payments) == 1


async def test_an_order_that_billdesk_refuses_is_refused(rehearsal: Rehearsal) -> None:
    rehearsal.script(REFERENCE, "start_refused")
    with pytest.raises(Refused) as refused:
        await office(rehearsal, "jose-hmac").start()
    assert refused.value.code == "RH400"
