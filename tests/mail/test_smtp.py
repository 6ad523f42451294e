"""By a mail server: encrypted or not at all, and what the server says becomes try later or never, and nothing more."""

import logging
import traceback
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import uuid4

import pytest

from engine.config import MailSection, Secret
from engine.errors import EngineError, Refused, Unavailable
from engine.mail import MAIL_DOWN, Letter, Sender, Smtp
from engine.mail.message import compose

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PASSWORD = "the-password"


def letter(text: str = "Hello") -> EmailMessage:
    sender = Sender("no-reply@coo.example.in", "Certificates", "coo.example.in")
    return compose(Letter("asha@firm.example", "A word", text), id=uuid4(), written_at=AT, sender=sender)


def client(server: Any, scheme: str = "smtp", *, tls: Any = None, **settings: Any) -> Smtp:
    """A client of this machine's server, to which nothing is encrypted unless it is asked for."""
    section = MailSection(url=f"{scheme}://127.0.0.1:{server.port}", from_address="no-reply@coo.example.in", **settings)
    return Smtp(section, tls=tls)


async def test_a_letter_arrives_as_it_was_written(mail_server) -> None:
    text = ".\n..two dots\n" + "x" * 300 + "\n\u0928\u092e\u0938\u094d\u0924\u0947 \u20b9 500\nFrom here\n."
    for offers in ((), ("8BITMIME",), ("8BITMIME", "SIZE 1000000", "SMTPUTF8")):
        async with mail_server(offers=offers) as server:
            await client(server).send(letter(text))
        [data] = server.messages
        read = message_from_bytes(data, policy=default)
        assert read.get_content().replace("\r\n", "\n").rstrip("\n") == text
        assert max(len(line) for line in data.split(b"\r\n")) <= 998
        assert "8BITMIME" in offers or data.isascii()
        envelope = [line.lower() for line in server.lines if line[:4].upper() in {"MAIL", "RCPT"}]
        assert envelope[0].startswith("mail from:<no-reply@coo.example.in>")
        assert envelope[1:] == ["rcpt to:<asha@firm.example>"]
        assert server.lines[0].lower() == "ehlo coo.example.in"


FINAL = [
    {"RCPT": "550 5.1.1 asha@firm.example unknown"},
    {"RCPT": "553 no"},
    {"BODY": "554 5.6.0 asha@firm.example: no"},
]
LATER = [
    {"RCPT": "450 4.2.0 asha@firm.example: greylisted"},
    {"RCPT": "554 5.7.1 <asha@firm.example>: Relay access denied"},
    {"BODY": "452 4.3.1 full"},
]
DOWN = [
    {"HELLO": "554 asha@firm.example go away"},
    {"HELLO": "nonsense"},
    {"EHLO": "hang up"},
    {"EHLO": "silence"},
    {"MAIL": "530 5.7.0 Must issue a STARTTLS command first"},
    {"MAIL": "550 no-reply@coo.example.in is not you"},
    {"MAIL": "421 closing"},
    {"RCPT": "hang up"},
    {"DATA": "hang up"},
    {"BODY": "hang up"},
]


async def trouble(act: Any) -> EngineError:
    """What was raised; neither it nor its traceback repeats what the server said, or what it was told."""
    with pytest.raises(EngineError) as raised:
        await act
    for words in (raised.value.say, repr(raised.value), "".join(traceback.format_exception(raised.value))):
        for word in ("asha", "firm.example", "go away", "Relay", "the token", PASSWORD, "no-reply@"):
            assert word not in words
    return raised.value


@pytest.mark.parametrize("says", FINAL, ids=str)
async def test_what_the_server_will_never_take_is_refused(says, mail_server) -> None:
    async with mail_server(says=says) as server:
        assert isinstance(await trouble(client(server).send(letter("the token"))), Refused)


@pytest.mark.parametrize("says", LATER, ids=str)
async def test_what_it_does_not_take_now_is_tried_later_and_the_others_go_on(says, mail_server) -> None:
    async with mail_server(says=says) as server:
        error = await trouble(client(server).send(letter("the token")))
    assert (type(error), error.code) == (Unavailable, "mail_later")


@pytest.mark.parametrize("says", DOWN, ids=str)
async def test_what_would_meet_every_letter_stops_them_all_for_now(says, mail_server) -> None:
    async with mail_server(says=says) as server:
        error = await trouble(client(server, timeout_s=1).send(letter("the token")))
    assert (type(error), error.code) == (Unavailable, MAIL_DOWN)


async def test_a_server_that_is_not_there_is_unavailable(mail_server) -> None:
    async with mail_server() as server:
        pass
    error = await trouble(client(server).send(letter()))
    assert (type(error), error.code) == (Unavailable, MAIL_DOWN)


async def test_a_server_that_goes_once_it_has_the_letter_has_it(mail_server) -> None:
    async with mail_server(says={"QUIT": "hang up"}) as server:
        await client(server).send(letter())
    assert len(server.messages) == 1


# --- encryption and log-in --------------------------------------------------------------------------


async def test_starttls_comes_before_anything_is_said(mail_server, certified) -> None:
    async with mail_server(offers=("STARTTLS", "AUTH PLAIN"), tls=certified.server) as server:
        settings = {"starttls": True, "user": "coo", "password": Secret(PASSWORD)}
        await client(server, tls=certified.client, **settings).send(letter())
    in_clear = [verb for verb, safe in zip(server.verbs, server.encrypted, strict=True) if not safe]
    assert in_clear == ["EHLO", "STARTTLS"]
    assert "AUTH" in server.verbs
    assert len(server.messages) == 1


async def test_tls_from_the_first_byte(mail_server, certified) -> None:
    async with mail_server(tls=certified.server, direct=True) as server:
        await client(server, "smtps", tls=certified.client).send(letter())
    assert len(server.messages) == 1
    assert all(server.encrypted)


async def test_without_starttls_where_it_must_be_nothing_is_sent(mail_server) -> None:
    async with mail_server(offers=("AUTH PLAIN",)) as server:
        error = await trouble(client(server, starttls=True, user="coo", password=Secret(PASSWORD)).send(letter("the token")))
    assert error.code == MAIL_DOWN
    assert not {"MAIL", "AUTH", "RCPT", "DATA"} & set(server.verbs)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_nobody_vouches_for_gets_no_word(scheme: str, mail_server, certified) -> None:
    direct = scheme == "smtps"
    async with mail_server(offers=("STARTTLS",), tls=certified.server, direct=direct) as server:
        error = await trouble(client(server, scheme, starttls=not direct).send(letter("the token")))
    assert "not trusted" in error.say
    assert not {"MAIL", "AUTH", "RCPT", "DATA"} & set(server.verbs)


async def test_a_wrong_password_is_the_operators_to_mend(mail_server) -> None:
    async with mail_server(offers=("AUTH PLAIN LOGIN",), says={"AUTH": f"535 5.7.8 {PASSWORD} is wrong"}) as server:
        error = await trouble(client(server, user="coo", password=Secret(PASSWORD)).send(letter()))
    assert (type(error), error.code) == (Unavailable, MAIL_DOWN)
    assert "mail.password" in error.say


async def test_a_probe_logs_in_and_sends_nothing(mail_server) -> None:
    async with mail_server(offers=("AUTH PLAIN",)) as server:
        await client(server, user="coo", password=Secret(PASSWORD)).probe()
    assert "AUTH" in server.verbs
    assert not {"MAIL", "RCPT", "DATA"} & set(server.verbs)


async def test_the_library_logs_neither_letter_nor_password(mail_server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with mail_server(offers=("AUTH PLAIN",)) as server:
            smtp = client(server, user="coo", password=Secret(PASSWORD))
            await smtp.send(letter("the token"))
    for word in (PASSWORD, "the token", "asha"):
        assert word not in caplog.text
    assert PASSWORD not in repr(smtp) + repr(smtp._settings)
