"""The ID token's judge alone: whatever the bytes are, they prove one person or nobody, and nothing else happens."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.rehearsal.tokens import b64, half_hash, id_token, new_key
from engine.errors import Untrusted
from engine.people.dgft.identity import Identity
from engine.people.dgft.tokens import Expected, Jwks, judge

KEY = new_key()
NONCE, ACCESS = "n" * 43, "access"
START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def good() -> dict[str, Any]:
    at = int(START.timestamp())
    return {
        "iss": "https://registry.example",
        "sub": "1001",
        "aud": "coo-site",
        "exp": at + 300,
        "iat": at,
        "nonce": NONCE,
        "at_hash": half_hash(ACCESS),
        "email": "a@b.example",
        "email_verified": True,
        "name": "A. Person",
    }


async def judged(token: str, later: timedelta = timedelta(0)) -> Identity:
    async def keys(refresh: bool) -> Jwks:
        return Jwks([KEY.as_jwk()])

    return await judge(token, Expected("https://registry.example", "coo-site", NONCE, ACCESS, START, None), keys, START + later)


def signed(claims: dict[str, Any]) -> str:
    return id_token(claims, KEY, None, KEY)


@settings(deadline=None)
@given(at=st.integers(0, 10_000), char=st.sampled_from("AZaz09-_.=+/ \n\x00é"))
async def test_a_token_with_one_character_changed_proves_the_same_person_or_nobody(at: int, char: str) -> None:
    token = signed(good())
    at %= len(token)
    try:
        identity = await judged(token[:at] + char + token[at + 1 :])
    except Untrusted:
        return
    assert identity == await judged(token)  # the last bits of Base64 say nothing


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.text(), min_size=3, max_size=3).map(".".join)))
async def test_any_other_text_proves_nobody(text: str) -> None:
    with pytest.raises(Untrusted):
        await judged(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    name=st.sampled_from(
        ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "auth_time", "email", "email_verified", "name"]
    ),
    value=JSON,
)
async def test_a_signed_claim_of_any_kind_is_judged_and_never_breaks_the_judge(name: str, value: Any) -> None:
    try:
        identity = await judged(signed(good() | {name: value}))
    except Untrusted:
        return
    assert identity.issuer == "https://registry.example"
    assert identity.name.isprintable()
    assert identity.subject == (value if name == "sub" else "1001")


async def test_a_token_without_a_kid_is_judged_by_the_only_key_there_is() -> None:
    assert (await judged(by_hand({"alg": "ES256"}, good()))).subject == "1001"


@pytest.mark.parametrize(
    "header",
    [
        *(
            [],
            {},
            {"alg": None},
            {"alg": ["ES256"]},
            {"alg": "es256"},
            {"alg": "RS256"},
            {"alg": "PS256"},
            {"alg": "ES384"},
            {"alg": "EdDSA"},
        ),
        *(
            {"alg": "ES256", "kid": 1},
            {"alg": "ES256", "kid": None},
            {"alg": "ES256", "kid": "x"},
            {"alg": "ES256", "crit": []},
            {"alg": "ES256", "b64": False},
        ),
        {"alg": "ES256", "x5c": ["A" * 9000]},
    ],
)
async def test_a_header_that_asks_for_anything_else_proves_nobody(header: Any) -> None:
    with pytest.raises(Untrusted):
        await judged(by_hand(header, good()))


def by_hand(header: Any, claims: dict[str, Any]) -> str:
    said = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{said}.{b64(KEY.sign(said.encode()))}"


@pytest.mark.parametrize(
    ("aud", "azp"), [("coo-site", None), (["coo-site"], None), (["coo-site"], "coo-site"), (["x", "coo-site"], "coo-site")]
)
async def test_an_audience_of_ours_is_taken(aud: Any, azp: Any) -> None:
    extra = {"azp": azp} if azp else {}
    assert (await judged(signed(good() | {"aud": aud} | extra))).subject == "1001"


@pytest.mark.parametrize(
    ("aud", "azp"),
    [([], None), ("", None), ("coo-site ", None), (["x"], "coo-site"), ("coo-site", "x"), (["coo-site", "x"], None), ("x", "x")],
)
async def test_an_audience_of_others_is_not(aud: Any, azp: Any) -> None:
    extra = {"azp": azp} if azp else {}
    with pytest.raises(Untrusted) as refused:
        await judged(signed(good() | {"aud": aud} | extra))
    assert refused.value.code == "registry_audience"


async def test_a_token_ends_two_minutes_after_it_says() -> None:
    token = signed(good())
    assert (await judged(token, timedelta(seconds=419))).subject == "1001"
    with pytest.raises(Untrusted) as refused:
        await judged(token, timedelta(seconds=420))
    assert refused.value.code == "registry_time"


async def test_an_address_that_is_not_verified_is_told_as_such() -> None:
    for claims in ({"email_verified": False}, {"email_verified": None}):
        assert not (await judged(signed(good() | claims))).email_verified
    bare = {name: value for name, value in good().items() if name not in {"email", "name", "at_hash"}}
    identity = await judged(signed(bare))
    assert (identity.email, identity.email_verified, identity.name, identity.auth_time) == ("", False, "", None)


@pytest.mark.parametrize("email", ["a.@x.in", ".a@x.in", "a@x-.in", "a b@x.in", "a@x.in\nb"])
async def test_an_address_to_which_no_letter_can_go_proves_nobody(email: str) -> None:
    with pytest.raises(Untrusted, match="e-mail address in it is none"):
        await judged(signed({**good(), "email": email}))


async def test_an_address_is_proved_as_accounts_keep_it() -> None:
    assert (await judged(signed({**good(), "email": "A.B@X.EXAMPLE"}))).email == "a.b@x.example"
    assert (await judged(signed({key: value for key, value in good().items() if key != "email"}))).email_verified is False
