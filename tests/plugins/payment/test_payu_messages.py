"""PayU's hashed form and what comes back, each hash made here by hashlib or once by openssl, without the plugin's code."""

import hashlib
import struct
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest

from engine.api import FormPost, PaymentOutcome, Refused, Untrusted
from plugins.payment.payu.gateway import PayU
from tests.plugins.payment.gateway_bench import REFERENCE, RETURN_URL, context, nobody, payment, posted

PAYU = PayU()
KEY, SALT = "COOMUM", "p4yuSaltOfNoBank0000example00000"
VALUES = {"key": KEY, "contact_email": "office@chamber.example", "contact_phone": "9999999999"}
REQUEST = "4333769e75c68be07a64a1e37c6577634772be5f1ed1346b2b1af98c52b7453b9ed57e63609771b3217c41c876c76c1619e68644b0577b4859ecd958e35acbc5"
RESPONSE = (
    "16821e9dab216fd8423454275c06a34cccaa71f52f0d2ee1d788e44ee28a12b1cfa447915852f899f1c8215e2a3eab6e179640fe545517392e0d69b1aaae1675"
)


def office(asked: Any = None, *, salt: str = SALT, settings: Any = None, rehearsal: bool = False, **values: str) -> Any:
    return context(asked or nobody(), VALUES | values, {"salt": salt}, settings=settings, rehearsal=rehearsal)


def said(**changed: str) -> dict[str, str]:
    """A return about a success, by the names of the sheet, hashed; `charges` are additional ones."""
    charges, salt = changed.pop("charges", ""), changed.pop("salt", SALT)
    told = {"key": KEY, "txnid": REFERENCE, "amount": "236.00", "productinfo": "Certificate of Origin", "firstname": "A Firm"}
    told |= {"email": "a.firm@firm.example", "udf1": "MUM", "udf2": "COO/2627/7", "udf3": "", "udf4": "", "udf5": "", "status": "success"}
    told |= changed
    turned = "|".join(told[f"udf{n}"] for n in (5, 4, 3, 2, 1))
    tail = f"{told['email']}|{told['firstname']}|{told['productinfo']}|{told['amount']}|{told['txnid']}|{told['key']}"
    text = f"{salt}|{told['status']}||||||{turned}|{tail}"
    if charges:
        text, told["additionalCharges"] = f"{charges}|{text}", charges
    told["hash"] = hashlib.sha512(text.encode()).hexdigest()
    return told | {"mihpayid": "403993715521937565", "phone": "9876543210", "mode": "NB", "unmappedstatus": "captured", "error": "E000"}


def verified(fields: dict[str, str] | bytes, ctx: Any = None) -> Any:
    return PAYU.verify(ctx or office(), posted(fields if isinstance(fields, bytes) else urlencode(fields).encode()))


# --- the form -----------------------------------------------------------------------------------


async def handed_over(ctx: Any = None, **changed: Any) -> dict[str, str]:
    started = await PAYU.start(ctx or office(), payment(**changed))
    assert isinstance(started.handover, FormPost)
    assert started.handover.url == "https://secure.payu.in/_payment"
    return dict(started.handover.fields)


async def test_the_form_has_the_hash_that_openssl_makes_and_never_the_salt():
    fields = await handed_over()
    assert fields == {
        "key": KEY,
        "txnid": REFERENCE,
        "amount": "236.00",
        "productinfo": "Certificate of Origin",
        "firstname": "A Firm",
        "email": "a.firm@firm.example",
        "udf1": "MUM",
        "udf2": "COO/2627/7",
        "udf3": "",
        "udf4": "",
        "udf5": "",
        "phone": "919876543210",
        "surl": RETURN_URL,
        "furl": RETURN_URL,
        "hash": REQUEST,
    }
    assert not any(SALT in text for text in fields.values())


async def test_there_are_six_bars_before_the_salt_and_eleven_without_tags():
    fields = await handed_over(tags=("A", "B", "C", "D", "E", "F", "G"))
    text = f"{KEY}|{REFERENCE}|236.00|Certificate of Origin|A Firm|a.firm@firm.example|A|B|C|D|E||||||{SALT}"
    assert fields["hash"] == hashlib.sha512(text.encode()).hexdigest()
    bare = f"{KEY}|{REFERENCE}|236.00|Certificate of Origin|A Firm|a.firm@firm.example|||||||||||{SALT}"
    assert (await handed_over(tags=()))["hash"] == hashlib.sha512(bare.encode()).hexdigest()


@pytest.mark.parametrize(("paise", "text"), [(100, "1.00"), (101, "1.01"), (110, "1.10"), (23600, "236.00"), (99_999_999, "999999.99")])
async def test_the_amount_is_written_with_two_decimals(paise, text):
    assert (await handed_over(amount_paise=paise))["amount"] == text


@pytest.mark.parametrize(
    ("changed", "name", "text"),
    [
        ({"payer_name": "Müller | Söhne\x1b <b>"}, "firstname", "M ller S hne b"),
        ({"payer_name": "भारत"}, "firstname", "Exporter"),
        ({"payer_name": ""}, "firstname", "Exporter"),
        ({"payer_name": "A" * 200}, "firstname", "A" * 60),
        ({"payer_email": ""}, "email", "office@chamber.example"),
        ({"payer_email": "a|b@firm.example"}, "email", "office@chamber.example"),
        ({"payer_email": f"{'a' * 60}@firm.example"}, "email", "office@chamber.example"),
        ({"payer_phone": ""}, "phone", "9999999999"),
        ({"payer_phone": "none"}, "phone", "9999999999"),
        ({"payer_phone": "(022) 2345-6789"}, "phone", "02223456789"),
    ],
)
async def test_what_payu_cannot_read_of_a_payer_is_made_readable_or_the_offices(changed, name, text):
    assert (await handed_over(**changed))[name] == text


@pytest.mark.parametrize(
    "changed",
    [
        {"reference": "a|b"},
        {"reference": "A" * 26},
        {"amount_paise": 99},
        {"amount_paise": 10**12},
        {"currency": "USD"},
        {"return_url": "https://coo.example.in/a|b"},
        {"return_url": "javascript:alert(1)"},
        {"tags": ("a b",)},
        {"tags": ("A",) * 8},
    ],
)
async def test_what_cannot_be_sent_is_refused(changed):
    with pytest.raises(Refused):
        await PAYU.start(office(), payment(**changed))


async def test_no_payer_is_led_over_an_open_line_or_to_a_system_without_money():
    for url in ("http://127.0.0.1:8002/_payment", "https://test.payu.in/_payment"):
        assert PAYU.validate_config({"pay_url": url}) == []
        with pytest.raises(Refused):
            await PAYU.start(office(settings={"pay_url": url}), payment())
        assert (await PAYU.start(office(settings={"pay_url": url}, rehearsal=True), payment())).handover.url == url


# --- what comes back ----------------------------------------------------------------------------


def test_what_openssl_hashed_is_believed():
    found = verified(said() | {"hash": RESPONSE})
    shown = (found.outcome, found.reference, found.merchant, found.amount_paise, found.currency)
    assert shown == (PaymentOutcome.SUCCEEDED, REFERENCE, KEY, 23600, "INR")


def test_what_no_hash_covers_is_not_repeated():
    """PayU's id of the payment is among it: a payer could put another's there, whose money would then go back to him."""
    found = verified(said() | {"mihpayid": "1", "error_Message": "<b>", "bank_ref_num": "x", "addedon": "2026-01-01 00:00:00"})
    assert (found.gateway_txn_id, found.occurred_at, dict(found.detail)) == ("", None, {})
    assert found == verified(said())
    assert "firm.example" not in repr(found)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("success", "succeeded"),
        ("pending", "pending"),
        ("failure", "failed"),
        ("failed", "failed"),
        ("Success", "unknown"),
        ("", "unknown"),
    ],
)
def test_each_state_is_told(status, outcome):
    assert verified(said(status=status)).outcome == outcome


def test_additional_charges_stand_before_the_salt_and_are_no_part_of_the_amount():
    found = verified(said(charges="4.72"))
    assert (found.amount_paise, found.detail["additional_charges"]) == (23600, "4.72")
    for changed in (said(charges="4.72") | {"additionalCharges": "4.73"}, said() | {"additionalCharges": "4.72"}, said(charges="x")):
        with pytest.raises(Untrusted):
            verified(changed)
    without = said(charges="4.72")
    del without["additionalCharges"]
    with pytest.raises(Untrusted):
        verified(without)
    assert verified(said() | {"additionalCharges": ""}) == verified(said())


@pytest.mark.parametrize("name", ["key", "txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf5", "status"])
def test_every_field_that_is_hashed_is_guarded(name):
    fields = said()
    for changed in (fields | {name: f"{fields[name]}0"}, {each: text for each, text in fields.items() if each != name}):
        with pytest.raises(Untrusted):
            verified(changed)
    doubled = urlencode(fields).encode()
    for spoilt in (
        doubled + f"&{name}=x".encode(),
        f"{name}=x&".encode() + doubled,
        doubled + f"&%{ord(name[0]):02x}{name[1:]}=x".encode(),
    ):
        with pytest.raises(Untrusted):
            verified(spoilt)


@pytest.mark.parametrize("amount", ["236.0", "236", "236.000", "2360.0e-1", "+236.00", "236,00", "", "9" * 12])
def test_the_amount_is_hashed_as_it_came_and_read_exactly(amount):
    found = verified(said(amount=amount))
    exact = amount in {"236.0", "236", "236.000"}
    assert (found.amount_paise, found.outcome) == ((23600, PaymentOutcome.SUCCEEDED) if exact else (None, PaymentOutcome.CONTRADICTS))
    with pytest.raises(Untrusted):
        verified(said() | {"amount": amount})


@pytest.mark.parametrize("mark", [RESPONSE.upper(), RESPONSE[:-1], "", "0" * 128, "\u0660" * 128, REQUEST])
def test_a_hash_of_another_shape_is_none(mark):
    with pytest.raises(Untrusted) as raised:
        verified(said() | {"hash": mark})
    assert SALT not in f"{raised.value!r}{raised.value.as_json()}"


def test_another_offices_salt_proves_nothing_and_its_key_is_told():
    with pytest.raises(Untrusted):
        verified(said(salt="An0therOfficesSaltOfNoBank000000"))
    assert verified(said(key="OTHERK")).merchant == "OTHERK"


@pytest.mark.parametrize("name", ["udf1", "firstname", "productinfo", "email"])
def test_a_bar_within_a_field_moves_no_field(name):
    """With bars, the fields of one genuine text can be cut in another place and mean another amount."""
    with pytest.raises(Untrusted):
        verified(said(**{name: "a|b"}))


def test_a_hash_that_was_lengthened_is_not_believed():
    """Whoever knows SHA-512 of salt and text can make that of salt, text, padding and more, without the salt."""
    small = said(amount="1.00", txnid="SMALLPAYMENTOFATTACKER")
    turned = "|".join(small[f"udf{n}"] for n in (5, 4, 3, 2, 1))
    known = (
        f"{SALT}|success||||||{turned}|{small['email']}|{small['firstname']}|{small['productinfo']}|1.00|{small['txnid']}|{KEY}".encode()
    )
    padding = b"\x80" + b"\x00" * ((111 - len(known)) % 128) + struct.pack(">QQ", 0, len(known) * 8)
    more = f"|||||e@f.example|f|p|236.00|{REFERENCE}|{KEY}".encode()
    lengthened = hashlib.sha512(known + padding + more).hexdigest()
    udf5 = known.removeprefix(f"{SALT}|success||||||".encode()) + padding
    assert (
        hashlib.sha512(f"{SALT}|success||||||".encode() + udf5 + more).hexdigest() == lengthened
    )  # so it is a genuine hash of these fields
    fields = {"status": "success", "udf1": "", "udf2": "", "udf3": "", "udf4": "", "key": KEY, "txnid": REFERENCE, "amount": "236.00"}
    fields |= {"productinfo": "p", "firstname": "f", "email": "e@f.example", "hash": lengthened}
    with pytest.raises(Untrusted):
        verified(urlencode(fields).encode() + b"&udf5=" + quote_from_bytes(udf5).encode())


def test_every_altered_byte_is_noticed_or_says_the_same():
    genuine = urlencode(said()).encode()
    believed = verified(genuine)
    for place in range(len(genuine)):
        changed = bytearray(genuine)
        changed[place] ^= 1
        try:
            assert verified(bytes(changed)) == believed
        except Untrusted:
            continue
    for end in range(0, len(genuine), 11):
        with pytest.raises(Untrusted):
            verified(genuine[: end if end < genuine.index(b"&mihpayid") else 0])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"{}",
        urlencode(said()).encode("utf-16-le"),
        urlencode(said()).encode() + b"\x00",
        urlencode(said()).encode() + b"&x=" + b"a" * 40_000,
        urlencode(said()).encode() + b"&x=1" * 200,
        urlencode(said(firstname="M\u00fcller")).encode(),
        urlencode(said(txnid="a b")).encode(),
        urlencode(said(txnid="")).encode(),
    ],
)
def test_a_body_that_is_no_plain_form_is_not_believed(body):
    with pytest.raises(Untrusted):
        verified(body)


def test_one_statement_has_one_key_and_another_one_another():
    keys = {
        verified(said(**changed)).key for changed in ({}, {"amount": "236.0"}, {"status": "pending"}, {"amount": "237.00"}, {"txnid": "X2"})
    }
    assert len(keys) == 4  # how the same amount was written does not count
    assert verified(said()).key == verified(said(udf1="")).key


@pytest.mark.parametrize(
    ("body", "reference"),
    [
        (urlencode(said()).encode(), REFERENCE),
        (b"txnid=ABC", "ABC"),
        (b"txnid=ABC&txnid=DEF", None),
        (b"txnid=a|b", None),
        (b"", None),
        (b"\x00", None),
        (b"{}", None),
    ],
)
def test_a_message_names_its_try_and_junk_names_none(body, reference):
    assert PAYU.locate(posted(body)) == reference


def test_it_acknowledges_with_a_short_text():
    assert (PAYU.acknowledge(True).status, PAYU.acknowledge(False).status) == (200, 400)


@pytest.mark.parametrize("body", [b"", b"status=userCancelled&txnid=X", b"hash=&status=success", b"xhash=1"])
def test_a_return_that_claims_no_hash_is_told_apart_from_a_forged_one(body: bytes) -> None:
    with pytest.raises(Untrusted) as untrusted:
        verified(body)
    assert untrusted.value.code == "unsigned"
    with pytest.raises(Untrusted) as forged:
        verified(b"hash=" + b"0" * 128)
    assert forged.value.code != "unsigned"
