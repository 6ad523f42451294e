"""Signing in at the registry over real HTTP: the happy way, and every lie ends in a sentence and in nobody signed in."""

import asyncio
import dataclasses
import gzip
import json
import logging
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from admin.rehearsal.cast import CAST, Cast
from admin.rehearsal.faults import AnswerFault, Endpoint, Faults, TokenFault
from engine.errors import EngineError, Refused, Unavailable, Untrusted
from engine.people.dgft import Begun, Provider, own_path

LIES = {
    TokenFault.WRONG_NONCE: "registry_nonce",
    TokenFault.NO_NONCE: "registry_claims",
    TokenFault.WRONG_AUD: "registry_audience",
    TokenFault.MORE_AUD: "registry_audience",
    TokenFault.FOREIGN_AZP: "registry_audience",
    TokenFault.SWAPPED_ISS: "registry_issuer",
    TokenFault.EXPIRED: "registry_time",
    TokenFault.NOT_YET: "registry_time",
    TokenFault.OLD: "registry_time",
    TokenFault.TIMELESS: "registry_time",
    TokenFault.STALE: "registry_auth_time",
    TokenFault.NO_AUTH_TIME: "registry_auth_time",
    TokenFault.WRONG_AT_HASH: "registry_at_hash",
    TokenFault.NO_SUBJECT: "registry_claims",
    TokenFault.HOSTILE_NAME: "registry_claims",
    TokenFault.ALG_NONE: "registry_algorithm",
    TokenFault.ALG_HS256: "registry_algorithm",
    TokenFault.UNKNOWN_KID: "registry_key",
    TokenFault.FORGED: "registry_signature",
    TokenFault.TAMPERED: "registry_signature",
    TokenFault.CRIT: "registry_token",
    TokenFault.FIVE_PARTS: "registry_token",
}


def is_a_sentence(error: EngineError) -> None:
    """What a person is told: whole sentences in plain characters, and that nobody was signed in or nothing changed."""
    assert error.say[0].isupper()
    assert error.say.endswith(".")
    assert error.say.isascii()
    assert error.say.isprintable()
    assert "Nobody was signed in" in error.say or "Nothing was" in error.say
    assert len(error.say) < 320


# --- the happy way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256"])
async def test_a_person_signs_in_whatever_allowed_algorithm_the_registry_signs_with(rehearsing: Any, algorithm: str) -> None:
    rehearsal = rehearsing(algorithm=algorithm)
    identity = await rehearsal.sign_in(fresh_s=0)
    assert (identity.issuer, identity.subject) == (rehearsal.desk.issuer, "rehearsal-1001")
    assert (identity.name, identity.email, identity.email_verified) == ("Vikram Rao", "exports@sahyadri.example", True)
    assert identity.auth_time == rehearsal.clock.now()


@pytest.mark.parametrize(("kind", "algorithm"), [(ECKey, "ES256"), (RSAKey, "RS256")])
async def test_a_site_proves_its_name_with_a_key_too(rehearsing: Any, signing_keys: Any, kind: Any, algorithm: str) -> None:
    private = signing_keys[algorithm].private
    key = kind.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.ensure_kid()
    rehearsal = rehearsing(public_key=private.public_key(), client_key=key)
    assert (await rehearsal.sign_in()).subject == "rehearsal-1001"
    other = rehearsing(public_key=signing_keys["spare"].private.public_key(), client_key=key)
    with pytest.raises(Untrusted) as refused:
        await other.sign_in()
    assert refused.value.code == "registry_client"


async def test_the_browser_is_sent_with_state_nonce_challenge_and_nothing_secret(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/applications?open=1", fresh_s=300, prompt="login")
    asked = {name: value for name, (value,) in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert (asked["state"], asked["nonce"]) == (begun.state, begun.nonce)
    assert (asked["max_age"], asked["prompt"]) == ("300", "login")
    assert begun.verifier not in begun.url
    assert len({begun.state, begun.nonce, begun.verifier}) == 3
    assert all(len(word) == 43 for word in (begun.state, begun.nonce, begun.verifier, asked["code_challenge"]))
    assert begun.return_to == "/applications?open=1"


async def test_no_two_sign_ins_share_a_word(rehearsal: Any) -> None:
    begun = [await rehearsal.provider.begin("/") for _ in range(3)]
    words = [word for each in begun for word in (each.state, each.nonce, each.verifier, each.once_key)]
    assert len(set(words)) == len(words)


async def test_what_was_begun_is_kept_and_read_again_as_it_was(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/", fresh_s=0)
    again = msgspec.json.decode(msgspec.json.encode(begun), type=Begun)
    assert again == begun
    answer = await rehearsal.answer(begun)
    assert (await rehearsal.provider.finish(again, answer["code"], answer["state"], answer["iss"])).subject == "rehearsal-1001"


async def test_two_issuers_with_one_subject_are_two_persons(rehearsal: Any) -> None:
    identity = await rehearsal.sign_in()
    other = dataclasses.replace(identity, issuer=identity.issuer + "1")
    shifted = dataclasses.replace(identity, issuer=identity.issuer + "r", subject=identity.subject[1:])
    assert len({identity.registry_key, other.registry_key, shifted.registry_key}) == 3


# --- an ID token that lies ----------------------------------------------------------------------------


def test_every_lie_is_tried() -> None:
    assert set(LIES) == set(TokenFault)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@pytest.mark.parametrize("lie", list(TokenFault))
async def test_a_token_that_lies_signs_nobody_in(rehearsing: Any, lie: TokenFault, algorithm: str) -> None:
    rehearsal = rehearsing(faults=Faults(token=lie), algorithm=algorithm)
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in(fresh_s=0)
    assert refused.value.code == LIES[lie]
    assert LIES[lie] in refused.value.say
    is_a_sentence(refused.value)


@pytest.mark.parametrize("lie", [TokenFault.STALE, TokenFault.NO_AUTH_TIME])
async def test_an_older_sign_in_is_good_where_no_fresh_one_was_asked_for(rehearsing: Any, lie: TokenFault) -> None:
    rehearsal = rehearsing(faults=Faults(token=lie))
    assert (await rehearsal.sign_in()).subject == "rehearsal-1001"


async def test_a_fresh_sign_in_may_be_as_old_as_was_said_and_no_older(rehearsing: Any) -> None:
    rehearsal = rehearsing(faults=Faults(token=TokenFault.STALE))  # an hour old
    assert (await rehearsal.sign_in(fresh_s=3600)).auth_time is not None
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in(fresh_s=3600 - 121)
    assert refused.value.code == "registry_auth_time"


async def test_the_metadata_narrow_the_algorithms(rehearsing: Any) -> None:
    rehearsal = rehearsing(faults=Faults(metadata={"id_token_signing_alg_values_supported": ["RS256", "none", "HS256"]}))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in()
    assert refused.value.code == "registry_algorithm"


async def test_a_clock_that_is_two_minutes_off_is_forgiven_and_three_are_not(rehearsing: Any) -> None:
    rehearsal = rehearsing()
    ours = rehearsal.clock
    for ahead, good in ((119, True), (-119, True), (180, False)):
        rehearsal.desk._clock = theirs = type(ours)(ours.at)
        theirs.forward(seconds=ahead)
        if good:
            assert (await rehearsal.sign_in()).subject == "rehearsal-1001"
            continue
        with pytest.raises(Untrusted) as refused:
            await rehearsal.sign_in()
        assert refused.value.code == "registry_time"


# --- keys ---------------------------------------------------------------------------------------------


async def test_a_new_key_of_the_registry_is_fetched_when_it_is_first_met(rehearsal: Any, signing_keys: Any) -> None:
    await rehearsal.sign_in()
    await rehearsal.sign_in()
    assert rehearsal.asked("GET /keys") == 1
    rehearsal.desk.key = signing_keys["RS256"]
    assert (await rehearsal.sign_in()).subject == "rehearsal-1001"
    assert rehearsal.asked("GET /keys") == 2


async def test_an_unknown_key_is_looked_for_once_more_and_not_again(rehearsal: Any) -> None:
    await rehearsal.sign_in()
    rehearsal.desk.faults.token = TokenFault.UNKNOWN_KID
    for tried in (2, 3):
        with pytest.raises(Untrusted):
            await rehearsal.sign_in()
        assert rehearsal.asked("GET /keys") == tried


async def test_a_withdrawn_key_is_forgotten_within_the_hour(rehearsal: Any, signing_keys: Any) -> None:
    await rehearsal.sign_in()
    rehearsal.clock.forward(hours=1)
    rehearsal.desk.keys = lambda: {"keys": [signing_keys["RS256"].as_jwk()]}
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in()
    assert refused.value.code == "registry_key"


async def test_keys_of_no_use_are_passed_over(rehearsing: Any, signing_keys: Any) -> None:
    other = signing_keys["spare"].as_jwk()
    junk = (
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": 7},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "a"},
        {"kty": "EC", "crv": "P-256", "x": "!", "y": [], "kid": "b"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "c"},
        {**other, "use": "enc"},
    )
    assert (await rehearsing(faults=Faults(keys=junk)).sign_in()).subject == "rehearsal-1001"


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "HS256"}, {"alg": "RS256"}, {"d": "AA"}, {"kty": "oct", "k": "AA"}, {"crv": "P-384"}]
)
async def test_a_key_that_is_meant_for_something_else_signs_nobody_in(rehearsing: Any, change: dict[str, str]) -> None:
    rehearsal = rehearsing()
    only = rehearsal.desk.key.as_jwk() | change
    rehearsal.desk.keys = lambda: {"keys": [only]}
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in()
    assert refused.value.code in {"registry_key", "registry_algorithm"}


async def test_two_keys_of_one_name_are_none(rehearsing: Any, signing_keys: Any) -> None:
    twin = signing_keys["spare"].as_jwk() | {"kid": signing_keys["ES256"].kid}
    with pytest.raises(Untrusted) as refused:
        await rehearsing(faults=Faults(keys=(twin,))).sign_in()
    assert refused.value.code == "registry_key"


# --- answers that are spoilt as a whole ---------------------------------------------------------------


ENDS = {
    AnswerFault.SLOW: (Unavailable, "registry_silent"),
    AnswerFault.BROKEN: (Unavailable, "registry_silent"),
    AnswerFault.OVERSIZED: (Untrusted, "registry_oversized"),
    AnswerFault.REDIRECT: (Untrusted, "registry_redirect"),
    AnswerFault.GARBAGE: (Untrusted, "registry_garbage"),
}


@pytest.mark.parametrize("endpoint", [Endpoint.METADATA, Endpoint.KEYS, Endpoint.TOKENS])
@pytest.mark.parametrize("fault", list(AnswerFault))
async def test_a_spoilt_answer_signs_nobody_in(rehearsing: Any, endpoint: Endpoint, fault: AnswerFault) -> None:
    rehearsal = rehearsing(faults=Faults(answers={endpoint: fault}), timeout_s=0.5 if fault is AnswerFault.SLOW else 5.0)
    kind, code = ENDS[fault]
    with pytest.raises(kind) as refused:
        await rehearsal.sign_in()
    assert refused.value.code == code
    is_a_sentence(refused.value)


async def test_a_redirect_is_not_followed_though_it_would_lead_to_the_right_answer(rehearsing: Any) -> None:
    rehearsal = rehearsing(faults=Faults(answers={Endpoint.TOKENS: AnswerFault.REDIRECT}))
    with pytest.raises(Untrusted):
        await rehearsal.sign_in()
    assert rehearsal.asked("POST /token") == 1


class _Dripping(httpx.AsyncByteStream):
    """A body that begins and never ends."""

    async def __aiter__(self) -> Any:
        yield b"{"
        await asyncio.Event().wait()


async def test_an_answer_that_never_ends_is_not_waited_for(rehearsal: Any) -> None:
    endless = httpx.MockTransport(lambda request: httpx.Response(200, stream=_Dripping()))
    provider = Provider(rehearsal.settings, clock=rehearsal.clock, transport=endless, timeout_s=0.1)
    with pytest.raises(Unavailable) as refused:
        await provider.begin("/")
    assert refused.value.code == "registry_silent"


async def test_a_packed_answer_is_not_unpacked(rehearsal: Any) -> None:
    packed = gzip.compress(json.dumps(rehearsal.desk.metadata()).encode())
    bomb = httpx.MockTransport(lambda request: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed)))
    with pytest.raises(Untrusted) as refused:
        await Provider(rehearsal.settings, clock=rehearsal.clock, transport=bomb).begin("/")
    assert refused.value.code == "registry_garbage"


async def test_what_failed_once_is_asked_again_the_next_time(rehearsing: Any) -> None:
    rehearsal = rehearsing(faults=Faults(answers={Endpoint.METADATA: AnswerFault.BROKEN}))
    with pytest.raises(Unavailable):
        await rehearsal.provider.begin("/")
    rehearsal.desk.faults.answers = {}
    assert (await rehearsal.sign_in()).subject == "rehearsal-1001"


async def test_a_registry_that_is_away_is_told_so(rehearsal: Any, unused_tcp_port: int) -> None:
    gone = f"127.0.0.1:{unused_tcp_port}"
    provider = rehearsal.provider_of(issuer=f"http://{gone}", hosts=frozenset({gone}))
    with pytest.raises(Unavailable) as refused:
        await provider.begin("/")
    is_a_sentence(refused.value)


# --- metadata -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://elsewhere.example"}, "registry_issuer"),
        ({"token_endpoint": "https://elsewhere.example/token"}, "registry_host"),
        ({"jwks_uri": "http://169.254.169.254/latest/meta-data"}, "registry_host"),
        ({"jwks_uri": "file:///etc/passwd"}, "registry_host"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "registry_host"),
        ({"authorization_endpoint": "https://elsewhere.example/authorize"}, "registry_host"),
        ({"code_challenge_methods_supported": ["plain"]}, "registry_metadata"),
        ({"response_types_supported": ["id_token"]}, "registry_metadata"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "registry_metadata"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256", "RS1"]}, "registry_metadata"),
        ({"token_endpoint": None}, "registry_garbage"),
    ],
)
async def test_metadata_that_do_not_fit_stop_before_anybody_is_sent_away(rehearsing: Any, metadata: dict[str, Any], code: str) -> None:
    rehearsal = rehearsing(faults=Faults(metadata=metadata))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.provider.begin("/")
    assert refused.value.code == code
    is_a_sentence(refused.value)


async def test_a_host_with_our_host_as_its_user_is_not_our_host(rehearsing: Any) -> None:
    rehearsal = rehearsing()
    ours = urlsplit(rehearsal.desk.issuer).netloc
    for crooked in (f"http://{ours}@elsewhere.example/token", f"http://{ours}\\@elsewhere.example/t", f"http://{ours}.elsewhere.example/t"):
        rehearsal.desk.faults.metadata = {"token_endpoint": crooked}
        with pytest.raises(Untrusted) as refused:
            await rehearsal.provider.begin("/")
        assert refused.value.code == "registry_host"


async def test_metadata_are_asked_for_once_an_hour(rehearsal: Any) -> None:
    asked = "GET /.well-known/openid-configuration"
    for _ in range(3):
        await rehearsal.provider.begin("/")
    assert rehearsal.asked(asked) == 1
    rehearsal.clock.forward(minutes=59)
    await rehearsal.provider.begin("/")
    assert rehearsal.asked(asked) == 1
    rehearsal.clock.forward(minutes=1)
    await rehearsal.provider.begin("/")
    assert rehearsal.asked(asked) == 2


async def test_outside_a_rehearsal_plain_http_is_never_spoken(rehearsal: Any) -> None:
    with pytest.raises(Untrusted) as refused:
        await rehearsal.provider_of(rehearsal=False).begin("/")
    assert refused.value.code == "registry_host"
    assert rehearsal.desk.asked == []


# --- answers that come at the wrong time, or from the wrong side --------------------------------------


async def test_a_foreign_state_ends_it_before_the_code_is_used(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/")
    answer = await rehearsal.answer(begun)
    for state in ("", begun.state[:-1], begun.state + "x", begun.nonce, "\udcff", "é"):
        with pytest.raises(Untrusted) as refused:
            await rehearsal.provider.finish(begun, answer["code"], state, answer["iss"])
        assert refused.value.code == "registry_state"
        is_a_sentence(refused.value)
    assert rehearsal.asked("POST /token") == 0


async def test_a_code_is_good_once(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/")
    answer = await rehearsal.answer(begun)
    await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])
    with pytest.raises(Untrusted) as refused:
        await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])
    assert refused.value.code == "registry_code"


async def test_a_stolen_code_does_not_work_in_another_browser(rehearsal: Any) -> None:
    mine, theirs = await rehearsal.provider.begin("/"), await rehearsal.provider.begin("/")
    stolen = await rehearsal.answer(theirs, "rehearsal-1003")
    with pytest.raises(Untrusted) as refused:  # its verifier is in the other browser's keeping
        await rehearsal.provider.finish(mine, stolen["code"], mine.state, stolen["iss"])
    assert refused.value.code == "registry_code"


async def test_a_token_made_for_another_sign_in_is_not_taken(rehearsal: Any) -> None:
    first = await rehearsal.provider.begin("/")
    answer = await rehearsal.answer(first)
    replayed = dataclasses.replace(first, nonce="n" * 43)
    with pytest.raises(Untrusted) as refused:
        await rehearsal.provider.finish(replayed, answer["code"], answer["state"], answer["iss"])
    assert refused.value.code == "registry_nonce"


async def test_a_sign_in_is_good_for_ten_minutes(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/")
    rehearsal.clock.forward(minutes=9, seconds=30)
    answer = await rehearsal.answer(begun)
    rehearsal.clock.forward(seconds=30)
    with pytest.raises(Refused) as refused:
        await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])
    assert refused.value.code == "registry_late"
    assert rehearsal.asked("POST /token") == 0
    rehearsal.clock.forward(seconds=-1)
    assert (await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])).subject == "rehearsal-1001"


async def test_a_sign_in_begun_in_the_future_is_none(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/")
    answer = await rehearsal.answer(begun)
    rehearsal.clock.forward(hours=-1)
    with pytest.raises(Refused):
        await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])


@pytest.mark.parametrize("code", ["", "no-such-code", "x\r\ny: z", "é", "x" * 2001])
async def test_a_made_up_code_signs_nobody_in(rehearsal: Any, code: str) -> None:
    begun = await rehearsal.provider.begin("/")
    with pytest.raises(Untrusted) as refused:
        await rehearsal.provider.finish(begun, code, begun.state, rehearsal.desk.issuer)
    assert refused.value.code == "registry_code"


async def test_an_answer_of_another_registry_never_reaches_the_first_ones_token_endpoint(rehearsing: Any) -> None:
    honest, attacker = rehearsing(), rehearsing(other=True)
    begun = await honest.provider.begin("/")
    elsewhere = await attacker.provider.begin("/")
    answer = await attacker.answer(elsewhere)
    with pytest.raises(Untrusted) as refused:
        await honest.provider.finish(begun, answer["code"], begun.state, answer["iss"])
    assert refused.value.code == "registry_mixed_up"
    with pytest.raises(Untrusted) as refused:
        await attacker.provider.finish(begun, answer["code"], begun.state, answer["iss"])
    assert refused.value.code == "registry_mixed_up"
    assert honest.asked("POST /token") == attacker.asked("POST /token") == 0


@pytest.mark.parametrize("iss", ["", "https://elsewhere.example"])
async def test_an_answer_must_say_which_registry_it_comes_from(rehearsing: Any, iss: str) -> None:
    rehearsal = rehearsing(faults=Faults(iss=iss))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in()
    assert refused.value.code == "registry_mixed_up"
    assert rehearsal.asked("POST /token") == 0


async def test_a_registry_that_does_not_promise_iss_may_leave_it_out_but_not_lie(rehearsing: Any) -> None:
    silent = {"authorization_response_iss_parameter_supported": False}
    assert (await rehearsing(faults=Faults(metadata=silent, iss="")).sign_in()).subject == "rehearsal-1001"
    with pytest.raises(Untrusted):
        await rehearsing(faults=Faults(metadata=silent, iss="https://elsewhere.example")).sign_in()


async def test_a_wrong_secret_signs_nobody_in(rehearsing: Any) -> None:
    rehearsal = rehearsing()
    rehearsal.provider = rehearsal.provider_of(client_secret=type(rehearsal.settings.client_secret)("another"))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.sign_in()
    assert refused.value.code == "registry_client"


async def test_who_breaks_off_is_told_so_in_our_words(rehearsal: Any) -> None:
    begun = await rehearsal.provider.begin("/")
    answer = await rehearsal.answer(begun, act="decline")
    assert answer["error"] == "access_denied"
    told = await rehearsal.provider.turned_back(begun, answer["error"], answer["state"], answer["iss"])
    assert isinstance(told, Refused)
    is_a_sentence(told)
    odd = await rehearsal.provider.turned_back(begun, "<script>alert(1)</script>", answer["state"], answer["iss"])
    assert isinstance(odd, Untrusted)
    is_a_sentence(odd)
    with pytest.raises(Untrusted):
        await rehearsal.provider.turned_back(begun, "access_denied", "another", answer["iss"])


# --- where it ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/applications", "/applications/1?open=a%20b&x=/y//z", "/a/b-c_d.e~f", "/@me", "/a?next=https://x.example"]
)
def test_a_page_of_ours_is_gone_back_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "x",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a//b",
            "/a/../../x",
            "/./x",
        ),
        *(
            "javascript:alert(1)",
            " /x",
            "/x\r\nset-cookie: a=b",
            "/x\t",
            "/\t/evil.example",
            "/%",
            "/%zz",
            "/é",
            "/a#b",
            "/a?b#c",
            "/x\x00",
        ),
        *("/\u2028", "/" + "a" * 500, "/;//evil.example", "/?\\evil"),
    ],
)
async def test_nobody_is_sent_to_another_host(rehearsal: Any, path: str) -> None:
    with pytest.raises(Refused) as refused:
        await rehearsal.provider.begin(path)
    assert refused.value.box == "return_to"
    assert rehearsal.desk.asked == []


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("/\\.:@?#%25eE2fF;a \t\r\n\x00é&=~"), max_size=12).map(lambda text: "/" + text))
def test_whatever_passes_stays_on_our_host(path: str) -> None:
    try:
        own_path(path)
    except Refused:
        return
    for base in ("https://coo.example.in/sign-in/registry/return", "https://coo.example.in"):
        assert urlsplit(urljoin(base, path)).netloc == "coo.example.in"
        assert httpx.URL(base).join(path).host == "coo.example.in"


# --- what is kept quiet -------------------------------------------------------------------------------


async def test_no_secret_is_in_a_repr_an_error_or_the_log(rehearsing: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="engine")
    said: list[str] = []
    for fault in (Faults(token=TokenFault.FORGED), Faults(answers={Endpoint.TOKENS: AnswerFault.BROKEN})):
        rehearsal = rehearsing(faults=fault)
        begun = await rehearsal.provider.begin("/")
        answer = await rehearsal.answer(begun)
        with pytest.raises(EngineError) as refused:
            await rehearsal.provider.finish(begun, answer["code"], answer["state"], answer["iss"])
        said += [repr(begun), repr(rehearsal.settings), str(rehearsal.settings), repr(refused.value), str(refused.value.as_json())]
        for secret in ("s3cret", "bearer-of", begun.verifier, begun.state, begun.nonce, answer["code"]):
            assert not any(secret in text for text in [*said, caplog.text])
    assert [record.problem for record in caplog.records if hasattr(record, "problem")] == ["registry_signature"]


async def test_a_person_is_not_in_a_repr(rehearsal: Any) -> None:
    identity = await rehearsal.sign_in()
    assert not any(word in repr(identity) for word in ("Vikram", "exports@", "rehearsal-1001"))


async def test_a_name_is_shown_as_it_is_or_not_at_all(rehearsing: Any) -> None:
    person = dataclasses.replace(CAST.persons[0], name="  Kṣama\u0301 राम ", email="Exports@Sahyadri.example")
    rehearsal = rehearsing(cast=Cast((person,), CAST.firms))
    identity = await rehearsal.sign_in()
    assert identity.name == "Kṣamá राम"
    assert identity.email == "exports@sahyadri.example"
    for name in ("a\nb", "a\u202eb", "a\u200bb", "x" * 121, "\u3164"):
        rehearsal.desk.cast = Cast((dataclasses.replace(person, name=name),), CAST.firms)
        with pytest.raises(Untrusted):
            await rehearsal.sign_in()


def test_a_provider_is_made_without_asking(rehearsal: Any) -> None:
    Provider(rehearsal.settings)
    assert rehearsal.desk.asked == []
