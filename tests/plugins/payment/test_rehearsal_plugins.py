"""The gateways that come with ecoo against the rehearsal server over real HTTP, under the settings that the manual gives."""

import tomllib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.api import (
    GatewayContext,
    GatewayEvent,
    PaymentOutcome,
    RefundOutcome,
    RefundWanted,
    StartPayment,
    Unresolved,
    Untrusted,
)
from tests.plugins.payment.wires_bench import SAMPLE, WIRES, begun, office, rehearsing_all
from tests.rehearsal import START, Rehearsal, callback

REFERENCE = "ABCDEFGHJKLMNPQRST23"


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing_all() as served:
        yield served


def heard(gateway: Any, ctx: GatewayContext, message: Any, order: str) -> GatewayEvent | Untrusted:
    try:
        return gateway.verify(ctx, callback(message), gateway_order_id=order)  # type: ignore[no-any-return]
    except Untrusted as refused:
        return refused


@pytest.mark.parametrize("wire", WIRES)
async def test_a_payment_goes_there_and_back_and_is_given_back(rehearsal: Rehearsal, wire: str) -> None:
    gateway, ctx, reference, order, done = await begun(rehearsal, wire)
    asked = await gateway.query(ctx, reference, gateway_order_id=order, amount_paise=236_00)
    assert (asked.outcome, asked.reference, asked.amount_paise, asked.currency) == (PaymentOutcome.SUCCEEDED, reference, 236_00, "INR")
    assert asked.gateway_txn_id == done["txn"]
    notice = heard(gateway, ctx, rehearsal.posted[0], order)
    assert isinstance(notice, GatewayEvent)
    assert (notice.outcome, notice.reference, notice.amount_paise) == (PaymentOutcome.SUCCEEDED, reference, 236_00)
    back = heard(gateway, ctx, done["return"], order)
    assert isinstance(back, GatewayEvent)
    assert back.outcome is PaymentOutcome.SUCCEEDED
    wanted = RefundWanted(f"RF{reference[:6]}".ljust(20, "Y"), 100_00, reference, asked.gateway_txn_id, order, 236_00, START)
    assert (await gateway.refund(ctx, wanted)).outcome in {RefundOutcome.DONE, RefundOutcome.PENDING}
    assert rehearsal.gateway.till.payment(WIRES[wire].merchant.wire, reference).refunded_paise == 100_00  # type: ignore[union-attr]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("scenario", ["tampered_checksum", "lowercase_checksum", "missing_field"])
async def test_a_message_that_is_not_signed_as_it_must_be_is_no_success(rehearsal: Rehearsal, wire: str, scenario: str) -> None:
    gateway, ctx, reference, order, done = await begun(rehearsal, wire, scenario)
    for message in (done["return"], *rehearsal.posted):
        found = heard(gateway, ctx, message, order)
        sure = isinstance(found, GatewayEvent) and found.outcome is PaymentOutcome.SUCCEEDED and found.amount_paise is not None
        assert not (sure and found.reference == reference), scenario  # type: ignore[union-attr]
        assert scenario == "missing_field" or isinstance(found, Untrusted)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("scenario", "name", "right"),
    [("tampered_amount_valid_signature", "amount_paise", 236_00), ("unknown_reference", "reference", None)],
)
async def test_what_a_good_signature_covers_comes_out_as_it_was_signed(
    rehearsal: Rehearsal, wire: str, scenario: str, name: str, right: int | None
) -> None:
    gateway, ctx, reference, order, _ = await begun(rehearsal, wire, scenario)
    found = heard(gateway, ctx, rehearsal.posted[0], order)
    if isinstance(found, GatewayEvent):
        assert getattr(found, name) != (right or reference)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("scenario", ["http_500", "garbage_body"])
async def test_nonsense_on_the_line_is_unresolved_and_gone_at_the_next_question(rehearsal: Rehearsal, wire: str, scenario: str) -> None:
    gateway, ctx, reference, order, _ = await begun(rehearsal, wire)
    rehearsal.script(reference, scenario, on="query")
    with pytest.raises(Unresolved):
        await gateway.query(ctx, reference, gateway_order_id=order, amount_paise=236_00)
    assert (await gateway.query(ctx, reference, gateway_order_id=order, amount_paise=236_00)).outcome is PaymentOutcome.SUCCEEDED


@pytest.mark.parametrize("wire", WIRES)
async def test_a_refund_whose_answer_is_lost_is_unresolved_and_happened(rehearsal: Rehearsal, wire: str) -> None:
    gateway, ctx, reference, order, done = await begun(rehearsal, wire)
    rehearsal.script(reference, "refund_timeout_with_effect")
    wanted = RefundWanted(f"RT{reference[:6]}".ljust(20, "Y"), 100_00, reference, done["txn"], order, 236_00, START)
    with pytest.raises(Unresolved):
        await gateway.refund(ctx, wanted)
    assert (await gateway.query_refund(ctx, wanted)).outcome in {RefundOutcome.DONE, RefundOutcome.PENDING}


@pytest.mark.parametrize("wire", ["sandbox", "billdesk-jose", "razorpay"])
async def test_a_start_whose_answer_is_lost_is_unresolved(rehearsal: Rehearsal, wire: str) -> None:
    gateway, ctx = office(rehearsal, wire)
    for scenario, known in (("start_timeout_no_effect", False), ("start_timeout_with_effect", True)):
        reference = f"LOST{wire[:3].upper()}{scenario[-6:].upper()}".replace("_", "X").ljust(20, "Q")
        rehearsal.script(reference, scenario)
        wish = StartPayment(reference, 236_00, "http://127.0.0.1:9/r", "http://127.0.0.1:9/n")
        with pytest.raises(Unresolved):
            await gateway.start(ctx, wish)
        assert (rehearsal.gateway.till.payment(WIRES[wire].merchant.wire, reference) is not None) == known
        assert (await gateway.query(ctx, reference, amount_paise=236_00)).outcome is PaymentOutcome.NOT_FOUND


def test_the_manuals_settings_lead_to_this_machine_alone() -> None:
    for id, told in tomllib.loads(SAMPLE)["gateways"].items():
        assert {urlsplit(url).netloc for url in told.values()} == {"127.0.0.1:8002"}, id
