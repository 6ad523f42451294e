"""What the tests of BillDesk share: invented parameters, a line that answers as it is told, and messages made from the description
of the wire alone, by hmac, hashlib and zlib, with no code of the plugin."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from engine.api import GatewayAnswer, GatewayContext, RawCallback, RefundWanted, Secret, StartPayment
from plugins.payment.billdesk.gateway import BillDesk
from tests.clocks import StillClock

MERCHANT, KEY, CLIENT = "COOMUM01", "k9XvQ2mNpR7sT4wZ", "coomum01client"
ENCRYPTION, KEY_ID = "0123456789abcdefFEDCBA9876543210", "kid-7"
REFERENCE = "COO7ATTEMPTREF2345AB"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # 01:30 on the 23rd in India
BILLDESK = BillDesk()
RETURN_URL = "https://coo.example.in/cb/pay/billdesk/r/abc"


@dataclass
class Told:
    """A line that gives one answer, or raises one error, and remembers what it was asked."""

    answer: GatewayAnswer | Exception
    calls: list[tuple[str, Any, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._told(url, dict(fields), headers)

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._told(url, body, {**(headers or {}), "content-type": media_type})

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._told(url, None, headers)

    def _told(self, url: str, sent: Any, headers: Mapping[str, str] | None) -> GatewayAnswer:
        self.calls.append((url, sent, headers or {}))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def told(body: bytes | str, status: int = 200) -> Told:
    """A line with this answer."""
    return Told(GatewayAnswer(status, body.encode() if isinstance(body, str) else body))


def context(interface: str, line: Any = None, *, settings: Mapping[str, str] | None = None, rehearsal: bool = False, **values: str) -> Any:
    """A context of one office, for an interface; `values` replaces parameters."""
    every = {
        "merchant_id": MERCHANT,
        "interface": interface,
        "algorithm": "hmac-sha256",
        "security_id": "",
        "client_id": CLIENT,
        "key_id": KEY_ID,
    } | values
    hidden = {"checksum": Secret(every.pop("checksum", KEY)), "encryption_key": Secret(every.pop("encryption_key", ENCRYPTION))}
    line = line or Told(AssertionError("nobody may be asked here"))
    return GatewayContext(UUID(int=9), 3, settings or {}, every, hidden, line, StillClock(NOW), rehearsal)


def payment(**changed: Any) -> StartPayment:
    """A payment of 236 rupees."""
    given: dict[str, Any] = {
        "reference": REFERENCE,
        "amount_paise": 23600,
        "return_url": RETURN_URL,
        "notice_url": "https://coo.example.in/n",
    }
    return StartPayment(**(given | {"tags": ("MUM", "COO/2627/7")} | changed))


def wanted(**changed: Any) -> RefundWanted:
    """A refund of 100 of 236 rupees, paid in the first hour of the 23rd in India."""
    given: dict[str, Any] = {
        "reference": "REF7REFUNDREFERENCE2",
        "amount_paise": 10000,
        "payment_reference": REFERENCE,
        "gateway_txn_id": "BDTXN0001",
        "gateway_order_id": "",
        "paid_paise": 23600,
        "paid_at": datetime(2026, 11, 22, 18, 45, tzinfo=UTC),
    }
    return RefundWanted(**(given | changed))


def posted(body: bytes, **query: str) -> RawCallback:
    """What arrives with a browser or from a server."""
    return RawCallback("POST", {"content-type": "application/x-www-form-urlencoded"}, query, body, NOW)


# --- classic, from the description ----------------------------------------------------------------


def mark(message: str, algorithm: str = "hmac-sha256", key: str = KEY) -> str:
    """The checksum as the sheet describes each of the three."""
    match algorithm:
        case "hmac-sha256":
            return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest().upper()
        case "sha256":
            return hashlib.sha256(f"{message}|{key}".encode()).hexdigest().upper()
        case _:
            return str(zlib.crc32(f"{message}|{key}".encode()) & 0xFFFFFFFF)


def piped(fields: list[str], algorithm: str = "hmac-sha256", key: str = KEY) -> str:
    """A message with its checksum."""
    message = "|".join(fields)
    return f"{message}|{mark(message, algorithm, key)}"


def response(**changed: str) -> list[str]:
    """The 25 fields of a return or a notice about a success, by the names of the sheet."""
    given = {
        "MerchantID": MERCHANT,
        "UniqueTxnID": REFERENCE,
        "TxnReferenceNo": "BDTXN0001",
        "BankReferenceNo": "BANK77",
        "TxnAmount": "236.00",
        "BankID": "HDF",
        "BIN": "NA",
        "TxnType": "10",
        "CurrencyName": "INR",
        "ItemCode": "DIRECT",
        "SecurityType": "NA",
        "SecurityID": "NA",
        "SecurityPassword": "NA",
        "TxnDate": "23-11-2026 00:15:00",
        "AuthStatus": "0300",
        "SettlementType": "NA",
        **{f"AdditionalInfo{n}": "NA" for n in range(1, 8)},
        "ErrorStatus": "NA",
        "ErrorDescription": "Successful transaction",
    }
    assert not changed.keys() - given.keys()
    return list((given | changed).values())


def answer(**changed: str) -> list[str]:
    """The 32 fields of an answer 0130."""
    given = {
        "RequestType": "0130",
        "MerchantID": MERCHANT,
        "UniqueTxnID": REFERENCE,
        "TxnReferenceNo": "BDTXN0001",
        "BankReferenceNo": "BANK77",
        "TxnAmount": "236.00",
        "BankID": "HDF",
        "BankMerchantID": "NA",
        "TxnType": "10",
        "CurrencyName": "INR",
        "ItemCode": "DIRECT",
        "SecurityType": "NA",
        "SecurityID": "NA",
        "SecurityPassword": "NA",
        "TxnDate": "23-11-2026 00:15:00",
        "AuthStatus": "0300",
        "SettlementType": "NA",
        **{f"AdditionalInfo{n}": "NA" for n in range(1, 8)},
        "ErrorStatus": "NA",
        "ErrorDescription": "NA",
        "Filler1": "NA",
        "RefundStatus": "NA",
        "TotalRefundAmount": "0.00",
        "LastRefundDate": "NA",
        "LastRefundRefNo": "NA",
        "QueryStatus": "Y",
    }
    assert not changed.keys() - given.keys()
    return list((given | changed).values())


UNKNOWN = {"TxnReferenceNo": "NA", "BankReferenceNo": "NA", "TxnAmount": "NA", "AuthStatus": "NA", "QueryStatus": "N"}


def form(message: str, **more: str) -> bytes:
    """A posted form with `msg`."""
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in {"msg": message, **more}.items()).encode()


# --- JOSE, from the RFCs ----------------------------------------------------------------------------


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jws(content: Any, *, header: Mapping[str, Any] | None = None, key: str = KEY, raw: bytes | None = None) -> str:
    """A compact JWS, HS256, of that content."""
    head = b64(json.dumps(header if header is not None else {"alg": "HS256", "clientid": CLIENT}).encode())
    body = b64(raw if raw is not None else json.dumps(content).encode())
    return f"{head}.{body}.{b64(hmac.new(key.encode(), f'{head}.{body}'.encode(), hashlib.sha256).digest())}"


def unjws(compact: bytes | str, key: str = KEY) -> tuple[dict[str, Any], Any]:
    """Header and content of a JWS that this key signed."""
    head, body, signature = (compact if isinstance(compact, str) else compact.decode()).split(".")
    assert unb64(signature) == hmac.new(key.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return json.loads(unb64(head)), json.loads(unb64(body))


def transaction(**changed: Any) -> dict[str, Any]:
    """A transaction that succeeded."""
    return {
        "objectid": "transaction",
        "mercid": MERCHANT,
        "orderid": REFERENCE,
        "transactionid": "X1234",
        "bdorderid": "OBD77",
        "amount": "236.00",
        "surcharge": "2.00",
        "discount": "0.00",
        "charge_amount": "238.00",
        "currency": "356",
        "transaction_date": "2026-11-23T00:15:00+05:30",
        "auth_status": "0300",
        "transaction_error_type": "success",
        "transaction_error_code": "TRS0000",
        "transaction_error_desc": "Transaction Successful",
        "payment_method_type": "netbanking",
        "bank_ref_no": "BANK77",
        "additional_info": {"additional_info1": "NA"},
    } | changed
