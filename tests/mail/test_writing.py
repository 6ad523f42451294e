"""A letter is part of its deed, is kept sealed, and nothing that is written into it becomes anything else."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from engine.errors import Refused, Untrusted
from engine.mail import Letter, Sender, mailbox, send_waiting, write_letter
from engine.mail.address import require_line, require_text
from engine.mail.letter import seal_of, unsealed
from engine.mail.message import compose
from engine.mail.tables import LetterRow
from engine.store import uow
from engine.store.tables import Setting

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
}
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


async def test_a_letter_of_a_deed_that_failed_is_not_written(database, box, post, clock, sender) -> None:
    async def deed() -> None:
        async with uow():
            await Setting.insert(Setting(name="deed", value="done"))
            await write_letter(Letter("asha@firm.example", "Done", "It is done."), box=box, purpose="done", at=AT)
            raise Refused("It is not to be.")

    with pytest.raises(Refused, match="not to be"):
        await deed()
    assert await LetterRow.count() == 0
    assert await send_waiting(post, box=box, clock=clock, sender=sender) == 0
    assert post.asked == 0


async def test_a_letter_of_an_inner_step_that_was_undone_is_not_written_and_the_outer_one_goes(database, box, post, clock, sender) -> None:
    async def step() -> None:
        async with uow():
            await write_letter(Letter("inner@firm.example", "No", "no"), box=box, purpose="inner", at=AT)
            raise Refused("undone")

    async with uow():
        await write_letter(Letter("outer@firm.example", "Yes", "yes"), box=box, purpose="outer", at=AT)
        with pytest.raises(Refused, match="undone"):
            await step()
    await send_waiting(post, box=box, clock=clock, sender=sender)
    assert post.to == ["outer@firm.example"]


async def test_neither_address_nor_words_are_in_clear_in_the_database(database, write, row_of) -> None:
    row = await row_of(await write("asha@firm.example", "Choose a password", "https://coo.example.in/password/token-of-one-person"))
    kept = " ".join(str(value) for value in row.values())
    for word in ("asha", "firm.example", "password", "token-of", "coo.example"):
        assert word not in kept


async def test_a_row_says_whom_it_is_about_and_what_for(database, box, row_of) -> None:
    about = uuid4()
    id = await write_letter(Letter("asha@firm.example", "A", "b"), box=box, purpose="invited", at=AT, about=about)
    row = await row_of(id)
    assert (row["purpose"], UUID(row["about"]), row["written_at"], row["next_try_at"], row["tries"]) == ("invited", about, AT, AT, 0)


async def test_the_sealed_parts_open_for_their_own_row_alone(database, box, write, row_of) -> None:
    row = await row_of(await write())
    assert unsealed(row["id"], row["to_sealed"], row["content_sealed"], box) == Letter("asha@firm.example", "A word", "Hello")
    with pytest.raises(Untrusted):
        unsealed(uuid4(), row["to_sealed"], row["content_sealed"], box)
    assert box.unseal(row["to_sealed"], purpose=f"letter:{row['id']}") == "asha@firm.example"


def test_a_letter_does_not_show_its_text() -> None:
    assert "token" not in repr(Letter("asha@firm.example", "A word", "the token"))


NO_ADDRESS = [
    "",
    "asha",
    "@firm.example",
    "asha@",
    "asha@firm..example",
    "asha@-firm.example",
    "asha@firm.example.",
    "asha@firm_example.in",
    "asha@firm.example\r\nBcc: all@firm.example",
    "asha@firm.example\n",
    "asha\r@firm.example",
    "asha\x00@firm.example",
    "asha\u2028@firm.example",
    "asha\u202e@firm.example",
    "asha@firm\u0085.example",
    "asha firm@firm.example",
    " asha@firm.example",
    "asha@firm.example ",
    "asha@firm.example,all@firm.example",
    "asha@firm.example> NOTIFY=SUCCESS",
    "<asha@firm.example>",
    "Asha <asha@firm.example>",
    "asha;ravi@firm.example",
    '"asha ravi"@firm.example',
    "asha@[127.0.0.1]",
    "asha..ravi@firm.example",
    ".asha@firm.example",
    "\u0906\u0936\u093e@firm.example",
    "=?utf-8?q?asha=0D=0A?=@firm.example",
    "asha@xn--zz--.example",
    "asha@\U0001f4e7.example",
    "a" * 65 + "@firm.example",
    "asha@" + ".".join(["a" * 60] * 5),
    "asha@" + "a" * 64 + ".example",
    "asha@" + "\u00fc" * 240 + ".in",
    "\ud800@firm.example",
]


@pytest.mark.parametrize("address", NO_ADDRESS, ids=ascii)
async def test_what_is_no_address_is_refused_when_it_is_written(address, box) -> None:
    with pytest.raises(Refused) as refused:
        await write_letter(Letter(address, "A word", "Hello"), box=box, purpose="reset", at=AT)
    assert refused.value.box == "email"
    assert refused.value.say.isprintable()
    assert refused.value.say.endswith(".")


@pytest.mark.parametrize(
    ("address", "mailed"),
    [
        ("asha@firm.example", "asha@firm.example"),
        ("Asha.Rao+coo@Firm.EXAMPLE", "Asha.Rao+coo@firm.example"),
        ("o'brien_{x}@firm.example", "o'brien_{x}@firm.example"),
        ("asha@localhost", "asha@localhost"),
        ("asha@b\u00fccher.example", "asha@xn--bcher-kva.example"),
        ("asha@\u092e\u0941\u0902\u092c\u0908.\u092d\u093e\u0930\u0924", "asha@xn--i1bm1ig9g.xn--h2brj9c"),
        ("asha@xn--bcher-kva.example", "asha@xn--bcher-kva.example"),
        ("asha@stra\u00dfe.example", "asha@xn--strae-oqa.example"),
        ("a" * 64 + "@" + ".".join(["a" * 61] * 3) + ".aa", None),
    ],
)
def test_an_honest_address_goes_as_the_mail_server_knows_it(address: str, mailed: str | None) -> None:
    assert mailbox(address) == (mailed or address)


NO_LINE = [
    "A\r\nBcc: all@firm.example",
    "A\nB",
    "A\rB",
    "A\x0bB",
    "A\x0cB",
    "A\x1cB",
    "A\x85B",
    "A\u2028B",
    "A\u2029B",
    "A\x00",
    "A\x7f",
    "A\tB",
    "A\u202eB",
    "A\u200bB",
    "\ufeffA",
    "A\ud800",
    "=?utf-8?q?A=0D=0ABcc=3A_all=40firm.example?=",
    "=?UTF-8?B?QQ0K?=",
    "",
    "   ",
    "A" * 201,
]


@pytest.mark.parametrize("subject", NO_LINE, ids=lambda text: ascii(text)[:30])
async def test_a_subject_that_could_be_more_than_a_line_is_refused(subject, box) -> None:
    with pytest.raises(Refused) as refused:
        await write_letter(Letter("asha@firm.example", subject, "Hello"), box=box, purpose="reset", at=AT)
    assert (refused.value.box, refused.value.say.isprintable()) == ("subject", True)


@pytest.mark.parametrize("name", NO_LINE, ids=lambda text: ascii(text)[:30])
def test_so_is_a_name_of_the_sender(name: str) -> None:
    with pytest.raises(Refused) as refused:
        Sender("no-reply@coo.example.in", name, "coo.example.in")
    assert refused.value.box == "name"


@pytest.mark.parametrize(
    "text", ["", " \n", "A\x00B", "A\rB", "A\x1b[31mB", "A\u202eB", "A\u2028B", "A\ud800", "A" * 50_001], ids=lambda t: ascii(t)[:20]
)
async def test_a_text_that_hides_something_is_refused(text, box) -> None:
    with pytest.raises(Refused) as refused:
        await write_letter(Letter("asha@firm.example", "A word", text), box=box, purpose="reset", at=AT)
    assert refused.value.box == "text"


@pytest.mark.parametrize("purpose", ["", "Reset", "reset\n", "a b", "a" * 21, "asha@firm.example", "1st"])
async def test_a_purpose_is_a_short_word_for_it_is_logged(purpose, box) -> None:
    with pytest.raises(ValueError, match="short word"):
        await write_letter(Letter("asha@firm.example", "A word", "Hello"), box=box, purpose=purpose, at=AT)


async def test_a_refusal_says_nothing_of_the_text(box) -> None:
    with pytest.raises(Refused) as refused:
        await write_letter(Letter("asha@firm.example", "A word", "token-of-one-person\x00"), box=box, purpose="reset", at=AT)
    assert "token" not in refused.value.say


def test_the_message_is_from_a_machine_of_ours_at_the_time_of_the_deed(sender) -> None:
    id = uuid4()
    message = compose(Letter("asha@firm.example", "A word", "Hello"), id=id, written_at=AT, sender=sender)
    assert {name: str(message[name]) for name in ("From", "To", "Auto-Submitted", "Date")} == {
        "From": "Electronic Certificate of Origin <no-reply@coo.example.in>",
        "To": "asha@firm.example",
        "Auto-Submitted": "auto-generated",
        "Date": "Sat, 21 Nov 2026 09:00:00 +0000",
    }
    assert str(message["Message-ID"]) == f"<20261121T090000000000.{id}@coo.example.in>"
    assert message.get_content_charset() == "utf-8"


HIDING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
seen = st.characters(exclude_categories=HIDING) | st.sampled_from("=?<>\"',:;@\\()[] ")
lines = st.text(seen, min_size=1, max_size=100).filter(str.strip)


def test_a_letter_ends_by_naming_whom_to_ask(sender) -> None:
    site = replace(sender, url="https://coo.example.in")
    told = compose(Letter("asha@firm.example", "A word", "Hello\n"), id=uuid4(), written_at=AT, sender=site).get_content()
    assert told == (
        "Hello\n\n-- \nQuestions about this letter? Turn to Electronic Certificate of Origin:\nhttps://coo.example.in\n"
        "Every link in our letters begins with this address.\n"
    )


@steady
@given(subject=lines, text=st.text(seen | st.sampled_from("\n\t."), min_size=1, max_size=500).filter(str.strip), name=lines)
@example(subject="=" * 200, text="." * 2000, name='"')
@example(subject="\u0928\u092e\u0938\u094d\u0924\u0947 " * 20, text=".\n..\n.", name="\\")
@example(subject="a" * 200, text="From me\n>From you", name="A, B <c@d>")
def test_whatever_is_accepted_is_read_back_and_adds_nothing(subject: str, text: str, name: str) -> None:
    assume("=?" not in subject + name)  # an encoded word is refused
    sender = Sender("no-reply@coo.example.in", name, "coo.example.in")
    letter = Letter("asha@firm.example", require_line(subject, "subject", most=200), require_text(text, most=2000))
    data = compose(letter, id=uuid4(), written_at=AT, sender=sender).as_bytes(policy=SMTP)
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    read = message_from_bytes(data, policy=default)
    assert sorted(read.keys()) == sorted(HEADERS)
    assert [each.addr_spec for each in read["To"].addresses] == ["asha@firm.example"]
    assert [each.addr_spec for each in read["From"].addresses] == ["no-reply@coo.example.in"]
    assert "".join(str(read["Subject"]).split()) == "".join(letter.subject.split())
    assert read.get_content().replace("\r\n", "\n").rstrip("\n") == letter.text.rstrip("\n")


@steady
@given(before=st.text(seen, max_size=20), hidden=st.characters(categories=HIDING), after=st.text(seen, max_size=20))
def test_no_line_takes_a_character_that_is_not_seen(before: str, hidden: str, after: str) -> None:
    assume(hidden not in "\u200c\u200d")
    with pytest.raises(Refused):
        require_line(f"A{before}{hidden}{after}B", "subject", most=200)
    with pytest.raises(Refused):
        mailbox(f"a{hidden}@firm.example")
    with pytest.raises(Refused):
        mailbox(f"asha@firm{hidden}.example")


def test_the_seal_names_the_row() -> None:
    id = uuid4()
    assert seal_of(id) == f"letter:{id}"
