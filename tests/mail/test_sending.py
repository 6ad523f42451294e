"""Each letter goes at least once and, while nothing dies in between, once; one that cannot go keeps no other waiting."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from engine import log
from engine.errors import Conflict, Refused, Unavailable
from engine.mail import MAIL_DOWN, send_waiting, sending, standing
from engine.mail.sending import CLAIMED_FOR, FIRST_PAUSE, GIVEN_UP_AFTER, LONGEST_PAUSE
from engine.mail.tables import LetterRow
from engine.store import SecretBox, uow
from engine.store.tables import AuditEntry

SOON = timedelta(seconds=1)


@pytest.fixture
def round_(database, box, clock, sender):
    """One round with a mailer."""

    async def run(mailer) -> int:
        return await send_waiting(mailer, box=box, clock=clock, sender=sender)

    return run


async def test_letters_go_oldest_first_and_once(post, clock, write, round_) -> None:
    for name in "cab":
        await write(f"{name}@firm.example")
        clock.forward(SOON)
    assert await round_(post) == 3
    assert post.to == ["c@firm.example", "a@firm.example", "b@firm.example"]
    assert await round_(post) == 0
    assert post.asked == 3


async def test_what_was_sent_is_forgotten_and_that_it_was_sent_is_not(post, clock, write, round_, row_of) -> None:
    id = await write(text="https://coo.example.in/password/token")
    clock.forward(SOON)
    await round_(post)
    row = await row_of(id)
    assert (row["content_sealed"], row["sent_at"], row["given_up_at"], row["next_try_at"]) == ("", clock.at, None, None)
    assert (row["tries"], row["claimed_until"], row["last_error"]) == (1, None, "")
    assert "token" in post.taken[0].get_content()


async def test_a_letter_that_fails_is_tried_again_later_each_time_and_given_up_after_three_days(post, clock, write, round_, row_of) -> None:
    id, begun = await write(), clock.at
    post.trouble["asha@firm.example"] = Unavailable("not now")
    pauses = []
    while (row := await row_of(id))["given_up_at"] is None:
        clock.at = row["next_try_at"] - SOON
        assert await round_(post) == 0
        assert (await row_of(id))["tries"] == row["tries"], "it was tried before its time"
        clock.at = row["next_try_at"]
        await round_(post)
        after = await row_of(id)
        assert (after["tries"], after["last_error"]) == (row["tries"] + 1, "unavailable")
        if after["next_try_at"] is not None:
            pauses.append(after["next_try_at"] - clock.at)
    doubled = [FIRST_PAUSE * 2**n for n in range(9)]
    assert pauses[:9] == doubled
    assert set(pauses[9:-1]) == {LONGEST_PAUSE}
    assert row["given_up_at"] == begun + GIVEN_UP_AFTER
    assert row["content_sealed"] == ""
    clock.forward(timedelta(days=30))
    asked = post.asked
    assert (await round_(post), post.asked) == (0, asked)


async def test_it_goes_as_soon_as_the_trouble_is_over(post, clock, write, round_) -> None:
    await write()
    post.trouble["asha@firm.example"] = Unavailable("not now")
    await round_(post)
    post.trouble.clear()
    clock.forward(FIRST_PAUSE)
    assert await round_(post) == 1


async def test_a_letter_written_while_nobody_sent_for_days_is_still_tried(post, clock, write, round_) -> None:
    await write()
    clock.forward(timedelta(days=10))
    assert await round_(post) == 1


async def test_a_letter_that_is_refused_is_given_up_at_once_audited_and_told_of(post, write, round_, row_of) -> None:
    id = await write()
    post.trouble["asha@firm.example"] = Refused("never", code="mail_refused")
    await round_(post)
    row = await row_of(id)
    assert (row["given_up_at"] is not None, row["content_sealed"], row["last_error"]) == (True, "", "mail_refused")
    [entry] = await AuditEntry.select().where(AuditEntry.act == "letter_given_up")
    assert (entry["subject"], entry["room"]) == (str(id), "mail")
    assert "asha" not in str(entry)
    told = await standing()
    assert (told.waiting, told.given_up) == (0, 1)
    assert f"{id} (reset, mail_refused" in str(told)
    assert "asha" not in str(told)


async def test_how_letters_stand_names_the_oldest_that_waits(database, clock, write) -> None:
    assert str(await standing()) == "0 waiting"
    await write()
    clock.forward(SOON)
    await write()
    assert str(await standing()) == "2 waiting, the oldest since 2026-11-21T09:00:00Z"


@pytest.mark.parametrize("trouble", [Unavailable("not now"), Refused("never"), ZeroDivisionError("a bug"), UnicodeError("odd")])
async def test_one_that_fails_keeps_no_other_waiting(trouble, post, clock, write, round_) -> None:
    await write("a@firm.example")
    clock.forward(SOON)
    await write("b@firm.example")
    post.trouble["a@firm.example"] = trouble
    assert await round_(post) == 1
    assert post.to == ["b@firm.example"]


async def test_a_mailer_that_is_down_ends_the_round_and_the_rest_is_not_put_off(post, clock, write, round_, row_of) -> None:
    first = await write("a@firm.example")
    clock.forward(SOON)
    second = await write("b@firm.example")
    post.trouble["a@firm.example"] = Unavailable("silent", code=MAIL_DOWN)
    assert await round_(post) == 0
    assert ((await row_of(first))["tries"], (await row_of(second))["tries"], post.asked) == (1, 0, 1)
    assert await round_(post) == 1


async def test_a_mailer_that_never_answers_is_left(post, write, round_, row_of, monkeypatch) -> None:
    class Deaf:
        async def send(self, message: Any) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(sending, "_LONGEST_S", 0.0)
    id = await write()
    async with asyncio.timeout(30):
        assert await round_(Deaf()) == 0
    assert (await row_of(id))["last_error"] == "TimeoutError"


async def test_a_letter_whose_key_is_gone_waits_for_its_return_and_the_others_go(
    post, clock, write, round_, row_of, tmp_path, database, sender
) -> None:
    id = await write()
    other = SecretBox.open(tmp_path / "other.key", create=True)
    assert await send_waiting(post, box=other, clock=clock, sender=sender) == 0
    assert (await row_of(id))["last_error"] == "untrusted"
    clock.forward(FIRST_PAUSE)
    assert await round_(post) == 1


async def test_an_address_moved_to_another_row_gets_nothing(post, clock, write, round_, row_of) -> None:
    theirs, ours = await write("thief@bad.example"), await write("asha@firm.example", text="the token")
    moved = (await row_of(theirs))["to_sealed"]
    await LetterRow.update({LetterRow.to_sealed: moved}).where(LetterRow.id == ours)
    await round_(post)
    assert [message.get_content().strip() for message in post.taken] == ["Hello"]
    assert (await row_of(ours))["last_error"] == "untrusted"


# --- dying in between -------------------------------------------------------------------------------


async def test_sent_but_not_recorded_goes_again_as_the_same_letter(post, clock, write, round_, row_of, monkeypatch) -> None:
    id = await write()
    whole = sending.uow
    entered = 0

    @asynccontextmanager
    async def failing():
        nonlocal entered
        entered += 1
        async with whole():
            yield
            if entered == 2:  # the claim was the first
                raise Unavailable("the disk is full", code="database")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "uow", failing)
        with pytest.raises(Unavailable, match="disk"):
            await round_(post)
    assert len(post.taken) == 1
    assert (await row_of(id))["sent_at"] is None
    clock.forward(CLAIMED_FOR - SOON)
    assert await round_(post) == 0, "the claim holds"
    clock.forward(SOON)
    assert await round_(post) == 1
    first, second = post.taken
    assert first.as_bytes() == second.as_bytes()
    assert await round_(post) == 0


async def test_a_claim_that_is_not_committed_sends_nothing(post, write, round_, row_of, monkeypatch) -> None:
    id = await write()
    whole = sending.uow

    @asynccontextmanager
    async def failing():
        async with whole():
            yield
            raise Unavailable("the disk is full", code="database")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "uow", failing)
        with pytest.raises(Unavailable, match="disk"):
            await round_(post)
    assert (post.asked, (await row_of(id))["tries"]) == (0, 0)
    assert await round_(post) == 1


class Held:
    """A mailer that holds every letter until it is let go."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.holding = asyncio.Event()
        self.free = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.taken.append(message)
        self.holding.set()
        await self.free.wait()


async def test_a_round_that_dies_while_it_sends_is_followed_by_another_when_its_claim_is_over(post, clock, write, round_) -> None:
    await write()
    held = Held()
    dying = asyncio.create_task(round_(held))
    await held.holding.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await round_(post) == 0
    clock.forward(CLAIMED_FOR)
    assert await round_(post) == 1


async def test_two_rounds_at_once_send_no_letter_twice(post, clock, write, round_) -> None:
    for number in range(20):
        await write(f"n{number}@firm.example")
    sent = await asyncio.gather(*(round_(post) for _ in range(4)))
    assert sum(sent) == 20
    assert sorted(post.to) == sorted(f"n{number}@firm.example" for number in range(20))


async def test_while_one_round_holds_a_letter_another_sends_the_rest(post, clock, write, round_) -> None:
    await write("held@firm.example")
    clock.forward(SOON)
    held = Held()
    first = asyncio.create_task(round_(held))
    await held.holding.wait()
    await write("free@firm.example")
    assert await round_(post) == 1
    assert post.to == ["free@firm.example"]
    held.free.set()
    assert await first == 1


async def test_who_outlived_its_claim_does_not_undo_what_another_did(post, clock, write, round_, row_of) -> None:
    id = await write()

    class Late(Held):
        async def send(self, message: Any) -> None:
            await super().send(message)
            raise Refused("never")

    late = Late()
    slow = asyncio.create_task(round_(late))
    await late.holding.wait()
    clock.forward(CLAIMED_FOR)
    assert await round_(post) == 1
    late.free.set()
    await slow
    row = await row_of(id)
    assert (row["sent_at"], row["given_up_at"], row["last_error"]) == (clock.at, None, "")
    assert await AuditEntry.count().where(AuditEntry.act == "letter_given_up") == 0


# --- what is said of it -----------------------------------------------------------------------------


async def test_the_log_names_id_and_purpose_and_nothing_else(post, clock, write, round_, capsys) -> None:
    log.set_up("info")
    ids = [await write(f"{name}@firm.example", "Choose a password", "token") for name in "abc"]
    post.trouble = {"b@firm.example": Unavailable("b@firm.example is silent"), "c@firm.example": Refused("c@firm.example is unknown")}
    await round_(post)
    said = capsys.readouterr().err
    for word in ("firm.example", "token", "Choose", "silent", "unknown"):
        assert word not in said
    for id, event in zip(ids, ("letter_sent", "letter_put_off", "letter_given_up"), strict=True):
        [line] = [line for line in said.splitlines() if str(id) in line]
        assert event in line
        assert '"purpose": "reset"' in line


async def test_the_database_keeps_the_states_apart(database, write) -> None:
    id = await write()
    for wrong in (
        {LetterRow.sent_at: None, LetterRow.next_try_at: None},
        {LetterRow.content_sealed: ""},
        {LetterRow.sent_at: LetterRow.written_at, LetterRow.content_sealed: ""},
    ):
        with pytest.raises(Conflict):
            async with uow():
                await LetterRow.update(wrong).where(LetterRow.id == id)
