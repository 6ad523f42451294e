"""A key that is replaced is no other merchant: what the gateway signed with any key of the try's time is believed, and money goes back."""

import dataclasses

import pytest

from engine.contracts.paying import PaymentOutcome, RefundOutcome, RefundReport
from engine.contracts.payment import GatewayField, identity_of
from engine.errors import Refused
from engine.money.gateways import save_parameters
from engine.money.gateways.tables import ActivationRow, ParametersRow
from engine.money.orders import AttemptState, Verdict, attempts_of, lines_of
from engine.money.orders.tables import RefundState, RefundTo
from engine.money.paying import ask, refund_line, refunds_of_order, submit_refunds
from engine.people.changes.tables import ChangeRow
from engine.scope import PLATFORM, Scope
from engine.store import uow
from tests.money.till import KEY, Scripted, Till, activate, signed

KEYS = (KEY, "secondKEYsecond01", "th1rdKEYth1rdKEY1")


class Keyed(Scripted):
    """A gateway like Razorpay: what stands first is a key's name, which changes; the account stays."""

    fields = (
        GatewayField("key_id", "Key ID", "", "[A-Za-z0-9]+", "", "key1"),
        GatewayField("merchant", "Account", "", "[A-Z0-9]+", "", "MUM01", identity=True),
        GatewayField("key", "Key secret", "", "[A-Za-z0-9]+", "", KEY, secret=True),
    )


@pytest.fixture
async def keyed(till: Till) -> Till:
    till.gateway.__class__ = Keyed
    await renew(till, 0)
    return till


async def renew(till: Till, place: int, merchant: str = "MUM01") -> None:
    """Another key is in use from now on."""
    told = {"key_id": f"key{place}", "merchant": merchant, "key": KEYS[place]}
    scope = Scope.agency(till.office.agency_id)
    id = await save_parameters(scope, till.office, till.gateway, told, shared=True, box=till.box, actor="test", at=till.at)  # type: ignore[arg-type]
    change = ChangeRow(
        agency=till.office.agency_id,
        office=till.office.id,
        kind="payment_parameters",
        subject=str(till.office.id),
        state="done",
        asked_by=till.administrator,
        asked_as="administrator",
        asked_at=till.at,
        decided_at=till.at,
    )
    change.live_key = str(change.id)
    async with uow():
        await activate(till.office, id, change, till.at)


def test_the_marked_field_names_the_merchant_and_else_the_first_that_may_be_seen() -> None:
    assert identity_of(Keyed.fields).name == "merchant"
    assert identity_of([dataclasses.replace(each, identity=False) for each in Keyed.fields]).name == "key_id"
    assert identity_of(Scripted.fields).name == "merchant"


async def test_the_merchant_that_is_kept_is_the_one_that_stays(keyed: Till) -> None:
    await renew(keyed, 1)
    rows = await ParametersRow.select(ParametersRow.merchant).where(ParametersRow.office == keyed.office.id)
    assert {row["merchant"] for row in rows} == {"MUM01"}


@pytest.mark.parametrize("key", [0, 1, 2])
async def test_a_late_notice_by_any_key_of_the_same_merchant_counts(keyed: Till, key: int) -> None:
    attempt = await keyed.start(await keyed.order())
    for place in (1, 2):
        keyed.later(days=1)
        await renew(keyed, place)
    heard = await keyed.notice(signed(keyed.told(attempt), KEYS[key]))
    assert (heard.verdict, heard.state) == (Verdict.APPLIED, AttemptState.SUCCEEDED)
    await keyed.sound()


@pytest.mark.parametrize("key", [0, 1])
async def test_a_key_that_was_replaced_long_ago_proves_nothing_any_more(keyed: Till, key: int) -> None:
    attempt = await keyed.start(await keyed.order())
    await renew(keyed, 1)
    await renew(keyed, 2)
    keyed.later(days=11)
    assert (await keyed.notice(signed(keyed.told(attempt), KEYS[key]))).verdict is Verdict.REFUSED
    assert (await keyed.notice(signed(keyed.told(attempt), KEYS[2]))).verdict is Verdict.APPLIED


async def test_another_account_under_a_new_key_is_another_merchant(keyed: Till) -> None:
    attempt = await keyed.start(await keyed.order())
    await renew(keyed, 1, merchant="MUM99")
    assert (await keyed.notice(signed(keyed.told(attempt), KEYS[1]))).verdict is Verdict.REFUSED
    assert (await keyed.notice(signed(keyed.told(attempt, merchant="MUM99")))).verdict is Verdict.REVIEW


async def test_a_key_that_is_not_in_use_yet_proves_nothing(keyed: Till) -> None:
    attempt = await keyed.start(await keyed.order())
    await renew(keyed, 1)
    for row in await ActivationRow.select().where(ActivationRow.live_key == str(keyed.office.id)):
        await ActivationRow.delete().where(ActivationRow.id == row["id"])
    assert (await keyed.notice(signed(keyed.told(attempt), KEYS[1]))).verdict is Verdict.REFUSED


async def test_the_gateway_is_asked_and_gives_back_by_the_key_in_use(keyed: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await keyed.order()
    attempt = await keyed.start(order)
    await renew(keyed, 1)
    used: list[str] = []

    class Forgetful(Keyed):
        """It takes the key in use alone, as gateways do."""

        async def query(self, ctx, reference, *, gateway_order_id="", amount_paise=0):
            if ctx.secrets["key"].value != KEYS[1]:
                raise Refused("This key was replaced.", code="credentials")
            return await super().query(ctx, reference, gateway_order_id=gateway_order_id, amount_paise=amount_paise)

        async def refund(self, ctx, wanted):
            used.append(ctx.values["key_id"])
            if ctx.secrets["key"].value != KEYS[1]:
                raise Refused("This key was replaced.", code="credentials")
            return RefundReport(RefundOutcome.DONE, "R1", wanted.amount_paise)

        async def query_refund(self, ctx, wanted, gateway_refund_id=""):
            raise NotImplementedError

    keyed.gateway.__class__ = Forgetful
    keyed.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert (await ask(attempt.id, cashier=keyed.cashier, at=keyed.at)).state is AttemptState.SUCCEEDED
    [line] = await lines_of(order)
    scope = Scope.agency(keyed.office.agency_id)
    await refund_line(scope, line.id, amount_paise=100, back_to=RefundTo.SOURCE, reason="A part of it.", actor="test", at=keyed.at)
    await submit_refunds(keyed.cashier, keyed.at)
    [refund] = await refunds_of_order(PLATFORM, order.id)
    assert (used, refund.state) == (["key1"], RefundState.DONE)
    assert (await attempts_of(order))[0].refunded_paise == 100
