"""BillDesk's JOSE envelopes: sealed as the RFCs say, opened only with the office's key and the one algorithm of its scheme."""

import hashlib
import hmac
import json
import warnings
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.api import PaymentOutcome, Secret, Untrusted
from plugins.payment.billdesk.jose import Envelope
from tests.plugins.payment.billdesk_bench import (
    BILLDESK,
    CLIENT,
    ENCRYPTION,
    KEY,
    KEY_ID,
    MERCHANT,
    REFERENCE,
    b64,
    context,
    jws,
    posted,
    transaction,
    unb64,
    unjws,
)
from tests.plugins.payment.rsa_pairs import private_pem, public_pem

SIGNED = Envelope(CLIENT, Secret(KEY))
SYMMETRIC = Envelope(CLIENT, Secret(KEY), Secret(ENCRYPTION), KEY_ID)


def jwe(content, *, header=None, key=ENCRYPTION, parts=None) -> str:
    """A compact JWE, dir and A256GCM, made by the cipher itself."""
    head = b64(json.dumps(header or {"alg": "dir", "enc": "A256GCM", "kid": KEY_ID, "clientid": CLIENT}).encode())
    sealed = AESGCM(key.encode()).encrypt(b"0123456789ab", json.dumps(content).encode(), head.encode())
    return ".".join(parts or [head, "", b64(b"0123456789ab"), b64(sealed[:-16]), b64(sealed[-16:])])


def doubly(inner: str, **more) -> str:
    return jws(None, raw=inner.encode(), **more)


def returned(compact: str, **more: str) -> bytes:
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in {"transaction_response": compact, **more}.items()).encode()


def verified(body: bytes | str, interface: str = "jose-hmac"):
    return BILLDESK.verify(context(interface), posted(body.encode() if isinstance(body, str) else body))


def code_of(body: bytes | str, interface: str = "jose-hmac") -> str:
    with pytest.raises(Untrusted) as refused:
        verified(body, interface)
    shown = f"{refused.value.say} {refused.value!r} {refused.value.as_json()}"
    assert KEY not in shown
    assert ENCRYPTION not in shown
    return refused.value.code


# --- sealing ------------------------------------------------------------------------------------


def test_the_signed_envelope_is_a_jws_by_the_rfc():
    header, content = unjws(SIGNED.seal({"mercid": MERCHANT, "amount": "236.00"}))
    assert (header, content) == ({"alg": "HS256", "clientid": CLIENT}, {"mercid": MERCHANT, "amount": "236.00"})


def test_the_symmetric_envelope_is_encrypted_first_and_signed_then():
    head, body, signature = SYMMETRIC.seal({"mercid": MERCHANT}).decode().split(".")
    assert unb64(signature) == hmac.new(KEY.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert json.loads(unb64(head)) == {"alg": "HS256", "clientid": CLIENT, "kid": KEY_ID}
    inner, empty, nonce, sealed, tag = unb64(body).decode().split(".")
    assert json.loads(unb64(inner)) == {"alg": "dir", "enc": "A256GCM", "clientid": CLIENT, "kid": KEY_ID}
    assert (empty, len(unb64(nonce)), len(unb64(tag))) == ("", 12, 16)
    plain = AESGCM(ENCRYPTION.encode()).decrypt(unb64(nonce), unb64(sealed) + unb64(tag), inner.encode())
    assert json.loads(plain) == {"mercid": MERCHANT}


def test_no_two_envelopes_use_one_nonce():
    nonces = {unb64(SYMMETRIC.seal({}).decode().split(".")[1]).decode().split(".")[2] for _ in range(50)}
    assert len(nonces) == 50


def test_the_shortest_key_that_an_office_may_enter_works_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envelope = Envelope(CLIENT, Secret("k" * 16))
        assert envelope.open(envelope.seal({"a": "1"})) == {"a": "1"}


def test_no_envelope_shows_its_keys():
    assert KEY not in repr(SYMMETRIC)
    assert ENCRYPTION not in repr(SYMMETRIC)


# --- a transaction ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "interface"),
    [
        (jws(transaction()), "jose-hmac"),
        (jws(transaction()) + "\r\n", "jose-hmac"),
        (returned(jws(transaction())), "jose-hmac"),
        (returned(jws(transaction()), orderid=REFERENCE, terminal_state="Y"), "jose-hmac"),
        (jws(transaction(), header={"alg": "HS256", "clientid": CLIENT, "kid": "HMAC", "typ": "JWT"}), "jose-hmac"),
        (doubly(jwe(transaction())), "jose-symmetric"),
        (returned(doubly(jwe(transaction()))), "jose-symmetric"),
    ],
)
def test_a_success_is_read_from_a_return_and_from_a_notice(body, interface):
    event = verified(body, interface)
    assert (event.outcome, event.reference, event.merchant, event.amount_paise, event.currency) == (
        PaymentOutcome.SUCCEEDED,
        REFERENCE,
        MERCHANT,
        23600,
        "INR",
    )
    assert (event.gateway_txn_id, event.gateway_order_id, event.code, event.say) == ("X1234", "OBD77", "0300", "Transaction Successful")
    assert event.occurred_at == datetime(2026, 11, 22, 18, 45, tzinfo=UTC)
    assert event.detail["charge_amount"] == "238.00"
    assert event.detail["bank_ref_no"] == "BANK77"


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        ("0300", "success", PaymentOutcome.SUCCEEDED),
        ("0300", None, PaymentOutcome.SUCCEEDED),
        ("0300", "", PaymentOutcome.SUCCEEDED),
        ("0300", "pending", PaymentOutcome.CONTRADICTS),
        ("0300", "payment_processing_error", PaymentOutcome.CONTRADICTS),
        ("0300", "Success", PaymentOutcome.CONTRADICTS),
        ("0002", "pending", PaymentOutcome.PENDING),
        ("0002", "success", PaymentOutcome.PENDING),
        ("0399", "payment_authentication_error", PaymentOutcome.FAILED),
        ("0399", None, PaymentOutcome.FAILED),
        ("0399", "success", PaymentOutcome.CONTRADICTS),
        ("300", "success", PaymentOutcome.UNKNOWN),
        (300, "success", PaymentOutcome.UNKNOWN),
        ("0398", "x", PaymentOutcome.UNKNOWN),
        ("", "success", PaymentOutcome.UNKNOWN),
        (None, "success", PaymentOutcome.UNKNOWN),
        (["0300"], "success", PaymentOutcome.UNKNOWN),
        (True, "success", PaymentOutcome.UNKNOWN),
    ],
)
def test_success_needs_both_words_and_a_contradiction_is_for_a_person(status, kind, outcome):
    told = transaction(auth_status=status, transaction_error_type=kind)
    assert verified(jws({name: value for name, value in told.items() if value is not None})).outcome is outcome


@pytest.mark.parametrize("amount", ["236.001", "-236.00", "2.36e2", "NaN", "", None, ["236.00"], {"a": 1}, True, "236.00 ", "2,36"])
def test_a_success_without_a_readable_amount_is_for_a_person(amount):
    event = verified(jws(transaction(amount=amount)))
    assert (event.outcome, event.amount_paise) == (PaymentOutcome.CONTRADICTS, None)


@pytest.mark.parametrize(
    ("written", "paise"), [(b"236.00", 23600), (b"236", 23600), (b"236.10", 23610), (b"1.005", None), (b"2.36e2", None)]
)
def test_a_number_is_read_as_its_text_and_never_as_a_float(written, paise):
    raw = json.dumps(transaction(amount="@")).encode().replace(b'"@"', written)
    assert verified(jws(None, raw=raw)).amount_paise == paise


def test_our_amount_is_compared_with_amount_and_not_with_what_the_payer_was_charged():
    event = verified(jws(transaction(amount="235.00", charge_amount="236.00")))
    assert (event.outcome, event.amount_paise) == (PaymentOutcome.SUCCEEDED, 23500)


def test_another_merchant_and_another_currency_are_told_as_they_are():
    event = verified(jws(transaction(mercid="OTHER99", currency="840")))
    assert (event.merchant, event.currency) == ("OTHER99", "840")
    event = verified(jws(transaction(mercid=None, currency=None)))
    assert (event.merchant, event.currency) == (None, None)


def test_another_object_of_billdesk_states_nothing_of_a_payment():
    assert verified(jws(transaction(objectid="refund"))).outcome is PaymentOutcome.UNKNOWN
    assert code_of(jws({"mercid": MERCHANT, "auth_status": "0300"})) == "fields"


def test_two_deliveries_have_one_key_and_a_contradiction_does_not_hide_what_comes_after_it():
    first = verified(jws(transaction()))
    assert first.key == verified(returned(jws(transaction(transaction_error_desc="again", surcharge="9.00")))).key
    others = (transaction(transaction_error_type="pending"), transaction(auth_status="0002"), transaction(transactionid="X9"))
    assert len({first.key, *(verified(jws(each)).key for each in others)}) == 4


# --- hostile ------------------------------------------------------------------------------------


def unsigned(header: dict, content=None) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(content or transaction()).encode())}"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS384"},
        {"alg": "HS512"},
        {"alg": "hs256"},
        {"alg": "RS256"},
        {"alg": "PS256"},
        {"alg": ["HS256"]},
        {"alg": None},
        {},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "crit": []},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "b64": True},
        {"alg": "HS256", "zip": "DEF"},
    ],
)
def test_only_hs256_is_taken_though_the_key_signed_it(header):
    assert code_of(jws(transaction(), header=header)) == "algorithm"


def test_a_header_with_its_own_key_changes_nothing():
    own = jws(transaction(), header={"alg": "HS256", "jwk": {"kty": "oct", "k": b64(b"attackers-own-key")}}, key="attackers-own-key")
    assert code_of(own) == "signature"


def test_a_longer_hmac_under_the_name_of_hs256_is_refused():
    head = unsigned({"alg": "HS256"})
    assert code_of(f"{head}.{b64(hmac.new(KEY.encode(), head.encode(), hashlib.sha512).digest())}") == "signature"


@pytest.mark.parametrize("signature", ["AA", "A" * 43, "A" * 200])
def test_another_signature_is_refused(signature):
    assert code_of(f"{unsigned({'alg': 'HS256'})}.{signature}") in {"signature", "envelope"}


def test_each_changed_part_and_another_key_are_refused():
    head, body, signature = jws(transaction()).split(".")
    other = jws(transaction(amount="1.00")).split(".")
    assert code_of(f"{head}.{other[1]}.{signature}") == "signature"
    assert code_of(f"{head}.{body}.{other[2]}") == "signature"
    assert code_of(jws(transaction(), key="another0key0of0nobody")) == "signature"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a.b",
        b"..",
        b"a.b.c.d",
        unsigned({"alg": "HS256"}).encode() + b".",
        b" " + jws(transaction()).encode(),
        jws(transaction()).encode() + b"=",
        jws(transaction()).encode() + b"\x00",
        jws(transaction()).replace(".", "..").encode(),
        json.dumps({"payload": "x", "signatures": []}).encode(),
        json.dumps(transaction()).encode(),
        b"\xff\xfe",
        b"transaction_response=",
        b"transaction_response=x&transaction_response=y",
        returned(jws(transaction())) + b"&transaction_response=" + jws(transaction()).encode(),
        returned(jws(transaction())) + b"&transaction%5fresponse=x",
        returned(" " + jws(transaction())),
        b"msg=" + jws(transaction()).encode(),
        b"A" * 2000 + b"." + b"B" * 40_000 + b".CC",
        b"A" * 3000 + b".BB.CC",
    ],
)
def test_what_is_no_envelope_is_refused(body):
    assert code_of(body) in {"envelope", "no_form", "no_message", "oversized", "unsigned"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"0300",
        b"{",
        b"\xff",
        b'{"amount": NaN, "orderid": "x"}',
        b'{"amount": Infinity}',
        b'{"auth_status": "0399", "orderid": "x", "auth_status": "0300"}',
        b'{"a": {"b": 1, "b": 2}, "orderid": "x"}',
        b"[" * 20_000,
        b'{"a":' * 4_000 + b"1" + b"}" * 4_000,
    ],
)
def test_a_good_signature_over_what_cannot_be_read_is_refused(raw):
    assert code_of(jws(None, raw=raw)) in {"content", "no_message"}


def test_odd_text_in_a_genuine_message_breaks_nothing():
    odd = transaction(
        orderid="\ud800\u202e" + "X" * 90, transaction_error_desc="\x00\ud83d", bank_ref_no=10**500, transaction_date={"a": 1}
    )
    event = verified(jws(odd))
    assert event.reference == "??" + "X" * 58
    assert event.say == "??" or event.say == "?"
    assert event.occurred_at is None
    assert len(event.detail["bank_ref_no"]) == 40


def test_a_message_of_the_other_interface_is_refused():
    assert code_of(jws(transaction()), "classic") in {"no_form", "no_message"}
    assert code_of(returned(jws(transaction())), "classic") == "no_message"
    assert code_of(jws(transaction()), "jose-symmetric") == "envelope"
    assert code_of(doubly(jwe(transaction())), "jose-hmac") == "content"


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (jwe(transaction(), key="f" * 32), "encryption"),
        (jwe(transaction(), header={"alg": "dir", "enc": "A128GCM"}), "algorithm"),
        (jwe(transaction(), header={"alg": "A256KW", "enc": "A256GCM"}), "algorithm"),
        (jwe(transaction(), header={"alg": "RSA-OAEP-256", "enc": "A256GCM"}), "algorithm"),
        (jwe(transaction(), header={"alg": "dir", "enc": "A256GCM", "zip": "DEF"}), "algorithm"),
        (jwe(transaction(), header={"alg": "dir", "enc": "A256GCM", "crit": ["x"]}), "algorithm"),
        (jwe(transaction(), header={"alg": "none", "enc": "A256GCM"}), "algorithm"),
        (jwe("only a text"), "content"),
        (json.dumps(transaction()), "envelope"),
        (jwe(transaction()).replace("..", ".AAAA.", 1), "envelope"),
        ("a.b.c.d.e", "envelope"),
        ("", "no_message"),
    ],
)
def test_what_is_inside_the_symmetric_envelope_is_judged_too(inner, code):
    assert code_of(doubly(inner), "jose-symmetric") == code


def test_each_changed_part_of_what_is_encrypted_is_refused():
    parts = jwe(transaction()).split(".")
    for place in (2, 3, 4):
        changed = [*parts[:place], ("B" if parts[place][0] != "B" else "C") + parts[place][1:], *parts[place + 1 :]]
        assert code_of(doubly(".".join(changed)), "jose-symmetric") == "encryption"


def test_encryption_alone_proves_nothing():
    """Whoever has the encryption key and not the signing key is nobody."""
    assert code_of(doubly(jwe(transaction()), key="another0key0of0nobody"), "jose-symmetric") == "signature"
    assert code_of(jwe(transaction()), "jose-symmetric") != ""


def test_a_reference_is_found_before_anything_is_believed():
    forged = f"{unsigned({'alg': 'none'})}.AA"
    assert BILLDESK.locate(posted(forged.encode())) == REFERENCE
    assert BILLDESK.locate(posted(returned(forged))) == REFERENCE
    nothing = (doubly(jwe(transaction())), jws([]), jws({"orderid": ["x"]}), jws({"orderid": ""}), "a.b.c", jws(None, raw=b"[" * 9000))
    for compact in nothing:
        assert BILLDESK.locate(posted(compact.encode())) is None
        assert BILLDESK.locate(posted(returned(compact))) is None


@pytest.mark.parametrize("body", [b"", b"transaction_response=", b"orderid=X&terminal_state=111&transaction_response="])
def test_a_return_that_claims_no_signature_is_told_apart_from_a_forged_one(body: bytes) -> None:
    with pytest.raises(Untrusted) as untrusted:
        verified(body)
    assert untrusted.value.code == "unsigned"
    with pytest.raises(Untrusted) as forged:
        verified(b"transaction_response=a.b.c")
    assert forged.value.code != "unsigned"


# --- by RSA -------------------------------------------------------------------------------------


def by_rsa(own: str = "office", theirs: str = "billdesk") -> Envelope:
    return Envelope(CLIENT, Secret(private_pem(own)), key_id="kid-7", theirs=public_pem(theirs))


def test_by_rsa_each_side_opens_what_the_other_sealed_and_nobody_else_does():
    mine, other = by_rsa(), by_rsa("billdesk", "office")
    sealed = mine.seal({"mercid": MERCHANT, "amount": "236.00"})
    header = json.loads(unb64(sealed.decode().split(".")[0]))
    assert header == {"alg": "PS256", "clientid": CLIENT, "kid": "kid-7"}
    assert other.open(sealed) == {"mercid": MERCHANT, "amount": "236.00"}
    for stranger in (by_rsa("stranger", "office"), by_rsa("billdesk", "stranger"), mine):
        with pytest.raises(Untrusted):
            stranger.open(sealed)


def test_by_rsa_no_other_algorithm_is_believed():
    """Above all not one whose key everybody knows: the public key as a secret of HMAC."""
    mine = by_rsa()
    text = f"{b64(json.dumps({'alg': 'HS256', 'clientid': CLIENT}).encode())}.{b64(json.dumps(transaction()).encode())}"
    known = b64(hmac.new(public_pem("billdesk").encode(), text.encode(), hashlib.sha256).digest())
    signed_alone = Envelope(CLIENT, Secret(KEY)).seal(transaction()).decode()
    for forged in (f"{text}.{known}", signed_alone, unsigned({"alg": "none"}) + ".AA"):
        with pytest.raises(Untrusted) as untrusted:
            mine.open(forged.encode())
        assert untrusted.value.code in {"algorithm", "envelope"}
    assert private_pem("office").splitlines()[3] not in repr(mine)
