"""Razorpay's settlement report, read whole or refused with its line and column."""

import json
from datetime import date
from typing import Any

import pytest

from engine.api import Refused, SettlementKind
from tests.plugins.payment.gateway_bench import REFERENCE, context, nobody
from tests.plugins.payment.test_razorpay_messages import KEY_ID, ORDER, PAYMENT, RAZORPAY, SECRETS

SETTLED_AT = 1775068199  # 1 April 2026, 23:59:59 in India


def paid(**changed: Any) -> dict[str, Any]:
    told = {"entity_id": PAYMENT, "type": "payment", "debit": 0, "credit": 23128, "amount": 23600, "currency": "INR", "fee": 472, "tax": 72}
    told |= {"on_hold": False, "settled": True, "created_at": 1775025000, "settled_at": SETTLED_AT, "settlement_id": "setl_DHAQ1Rj8os78Ec"}
    return told | {"settlement_utr": "1568176960vxp0rj", "order_id": ORDER, "order_receipt": REFERENCE, "payment_id": None} | changed


def refunded(**changed: Any) -> dict[str, Any]:
    told = paid(entity_id="rfnd_FP8QHiV938haTz", type="refund", debit=10000, credit=0, amount=10000, fee=0, tax=0)
    return told | {"payment_id": PAYMENT, "order_receipt": None} | changed


def report(*items: Any, **changed: Any) -> bytes:
    return json.dumps({"entity": "collection", "count": len(items), "items": list(items)} | changed).encode()


def read(data: bytes) -> list[Any]:
    ctx = context(nobody(), {"key_id": KEY_ID, "account_id": ""}, SECRETS)
    return list(RAZORPAY.read_settlement(ctx, "recon.json", data))


def test_a_payment_and_a_refund_are_read_to_the_paisa():
    first, second = read(report(paid(), refunded()))
    assert (first.kind, first.reference, first.gateway_txn_id) == (SettlementKind.PAYMENT, REFERENCE, PAYMENT)
    assert (first.gross_paise, first.fee_paise, first.tax_paise, first.net_paise) == (23600, 400, 72, 23128)
    assert (first.utr, first.settled_on, first.key) == ("1568176960vxp0rj", date(2026, 4, 1), f"setl_DHAQ1Rj8os78Ec:{PAYMENT}")
    assert (second.kind, second.reference, second.gateway_txn_id) == (SettlementKind.REFUND, "", "rfnd_FP8QHiV938haTz")
    assert (second.gross_paise, second.fee_paise, second.tax_paise, second.net_paise) == (10000, 0, 0, 10000)


def test_the_day_is_indias():
    [later] = read(report(paid(settled_at=SETTLED_AT + 1)))
    assert later.settled_on == date(2026, 4, 2)


def test_what_is_not_settled_yet_comes_in_a_later_report():
    assert read(report(paid(settled=False, settlement_id=None, settled_at=None), refunded()))[0].kind is SettlementKind.REFUND
    assert read(report()) == []


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"type": "adjustment"}, "type"),
        ({"type": "transfer"}, "type"),
        ({"entity_id": "rfnd_1"}, "entity_id"),
        ({"entity_id": None}, "entity_id"),
        ({"settlement_id": None}, "settlement_id"),
        ({"settled": 1}, "currency"),
        ({"currency": "USD"}, "currency"),
        ({"amount": 236.0}, "amount"),
        ({"amount": "23600"}, "amount"),
        ({"amount": -1}, "amount"),
        ({"fee": True}, "fee"),
        ({"tax": 10**15}, "tax"),
        ({"tax": 473}, "tax"),
        ({"credit": 23127}, "credit"),
        ({"debit": 1}, "credit"),
        ({"amount": 0, "fee": 0, "tax": 0, "credit": 0}, "credit"),
        ({"settled_at": "yesterday"}, "settled_at"),
        ({"settled_at": 10**18}, "settled_at"),
    ],
)
def test_a_line_that_is_wrong_is_named(changed, column):
    with pytest.raises(Refused) as refused:
        read(report(refunded(), paid(**changed)))
    assert (refused.value.box, refused.value.rule, refused.value.code) == ("line 2", f"settlement column {column}", "settlement_file")


@pytest.mark.parametrize(("changed", "column"), [({"fee": 1}, "fee"), ({"debit": 9999}, "debit"), ({"credit": 1}, "debit")])
def test_a_refund_that_does_not_add_up_is_named(changed, column):
    with pytest.raises(Refused) as refused:
        read(report(refunded(**changed)))
    assert refused.value.rule == f"settlement column {column}"


WHOLE = report(paid(), refunded())


@pytest.mark.parametrize(
    "data",
    [
        *(WHOLE[:end] for end in range(0, len(WHOLE), 23)),
        report(paid(), count=2),
        report(paid(), count=True),
        report(paid(), entity="list"),
        report("x"),
        b'{"entity": "collection", "count": 0, "count": 0, "items": []}',
        WHOLE.replace(b"23600", b"NaN"),
        WHOLE.decode().encode("utf-16"),
        b" " * 5_000_001,
        b"[" * 100_000,
        b"entity_id,type\n",
    ],
)
def test_a_file_that_is_not_whole_is_refused(data):
    with pytest.raises(Refused):
        read(data)
