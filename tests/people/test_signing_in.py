"""Password, second factor, pauses: what an attacker tries at the door, and the way in for who belongs there."""

import asyncio
import re
from datetime import timedelta

import pytest

from engine.errors import EngineError, Forbidden, Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import access
from engine.people.access import Stage, passwords, tickets
from engine.people.access.factors import RECOVERY_CODES
from engine.people.access.tables import Purpose, Ticket
from engine.people.tables import Account
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import DEVICE, PASSWORD, People, closed

OFFICER = "officer@eia.example.in"


async def refused(call: object) -> str:
    with pytest.raises(Refused) as caught:
        await call  # type: ignore[misc]
    return caught.value.say


# --- password -------------------------------------------------------------------------------------


async def test_a_person_without_dangerous_rights_is_in_with_a_password(people: People) -> None:
    id = await people.exporter_user("clerk@firm.example.in", "see,prepare")
    entered = await people.enter(" Clerk@Firm.example.in ")
    assert entered.stage is Stage.WHOLE
    principal = await people.here(entered.token)
    assert (principal.account_id, principal.whole, principal.needs_factor) == (id, True, False)
    assert principal.role is not None
    assert principal.role.rights == {"see", "prepare"}


@pytest.mark.parametrize("rights", ["see,sign", "see"])
async def test_whoever_may_sign_needs_a_second_factor(people: People, rights: str) -> None:
    await people.exporter_user("user@firm.example.in", rights)
    assert (await people.enter("user@firm.example.in")).stage is (Stage.SETTING_UP if "sign" in rights else Stage.WHOLE)


async def test_unknown_wrong_paused_and_closed_read_the_same(people: People) -> None:
    await people.officer()
    gone = await people.person("gone@eia.example.in")
    async with uow():
        await Account.update(closed(people.at)).where(Account.id == gone)
    await people.person("empty@eia.example.in", password="x" * 12)
    async with uow():
        await Account.update({Account.password_hash: ""}).where(Account.email == "empty@eia.example.in")
    said = {
        await refused(people.enter("nobody@eia.example.in")),
        await refused(people.enter(OFFICER, "not the password")),
        await refused(people.enter("gone@eia.example.in")),
        await refused(people.enter("empty@eia.example.in", "")),
        await refused(people.enter("", "")),
    }
    for _ in range(6):
        said.add(await refused(people.enter(OFFICER, "not the password")))
    said.add(await refused(people.enter(OFFICER)))  # right, but paused
    assert len(said) == 1


async def test_an_unknown_address_costs_the_same_work_as_a_known_one(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    await people.officer()
    tried: list[str] = []
    fits = passwords._fits
    monkeypatch.setattr(passwords, "_fits", lambda password, kept: tried.append(kept) or fits(password, kept))
    for email in ("nobody@eia.example.in", OFFICER):
        await refused(people.enter(email, "not the password"))
    assert len(tried) == 2


async def test_wrong_tries_pause_an_account_for_longer_and_longer(people: People) -> None:
    id = await people.officer()
    for _ in range(5):
        await refused(people.enter(OFFICER, "wrong"))
    await refused(people.enter(OFFICER))
    people.later(seconds=59)
    await refused(people.enter(OFFICER))
    people.later(seconds=2)
    await refused(people.enter(OFFICER, "wrong"))  # the sixth: two minutes
    people.later(seconds=61)
    await refused(people.enter(OFFICER))
    people.later(seconds=60)
    assert await people.whole(OFFICER, id)
    [row] = await Account.select(Account.failed, Account.locked_until).where(Account.id == id)
    assert (row["failed"], row["locked_until"]) == (0, None)
    for _ in range(40):
        people.later(hours=2)
        await refused(people.enter(OFFICER, "wrong"))
    people.later(hours=1, seconds=1)
    assert await people.whole(OFFICER, id), "no pause is longer than an hour"


def test_a_weak_password_is_told_what_mends_it() -> None:
    mends = {
        "short": "make it at least 12 long",
        "aaaaaaaaaaaa": "add words until it has at least 5 different characters",
        "password of the hills": "leave that out, and use other words",
        "ab cd ef " * 30: "shorten it to at most 200",
    }
    for password, mended in mends.items():
        with pytest.raises(Refused, match=mended):
            passwords.require_strong(password, email=OFFICER)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 201,
        "ababababababab",
        "officer is my name",
        "my long password",
        "ECOO ecoo for ever",
        "123456789012",
        "qwertyuiop12",
        "poiuytrewq0987",
        "administrator",
    ],
)
def test_weak_passwords_are_refused_with_what_is_wrong(password: str) -> None:
    with pytest.raises(Refused, match="Choose another password"):
        passwords.require_strong(password, email=OFFICER)
    passwords.require_strong(PASSWORD, email=OFFICER)


async def test_a_hash_of_lighter_settings_is_renewed_at_the_next_sign_in(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    id = await people.person("p@firm.example.in")
    [before] = await Account.select(Account.password_hash).where(Account.id == id)
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    await people.enter("p@firm.example.in")
    [after] = await Account.select(Account.password_hash).where(Account.id == id)
    assert before != after
    assert await passwords.fits(PASSWORD, after["password_hash"])


# --- second factor --------------------------------------------------------------------------------


async def test_an_officer_is_in_after_password_and_code_and_not_before(people: People) -> None:
    id = await people.officer()
    entered = await people.enter(OFFICER)
    half = await people.here(entered.token)
    assert (entered.stage, half.whole, half.proved_at) == (Stage.CODE, False, None)
    assert half.scope.kind == "public", "half a sign-in sees nothing"
    done = await people.second(entered.token, people.code(id))
    principal = await people.here(done.token)
    assert principal.whole
    assert principal.role is not None
    assert principal.role.office_ids == {people.office_id}
    assert await people.resume(entered.token) is None, "each step has a new token"


async def test_no_code_counts_twice_nor_one_before_the_last(people: People) -> None:
    id = await people.officer()
    earlier, code, next_one = (people.code(id, steps=step) for step in (-1, 0, 1))
    await people.second((await people.enter(OFFICER)).token, code)
    for used in (code, earlier):
        await refused(people.second((await people.enter(OFFICER)).token, used))
    await people.second((await people.enter(OFFICER)).token, next_one)


@pytest.mark.parametrize(
    "code", ["", "000000", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "00 00 00", "x" * 5000]
)
async def test_other_codes_are_refused_and_counted(people: People, code: str) -> None:
    id = await people.officer()
    people.secrets[id] = "A" * 32
    async with uow():
        await Account.update({Account.totp_sealed: people.box.seal("A" * 32, purpose=f"account:{id}:totp")}).where(Account.id == id)
    entered = await people.enter(OFFICER)
    assert "not right" in await refused(people.second(entered.token, code))
    [row] = await Account.select(Account.failed).where(Account.id == id)
    assert row["failed"] == 1


async def test_codes_far_from_now_are_not_taken(people: People) -> None:
    id = await people.officer()
    for steps in (-2, 2):
        await refused(people.second((await people.enter(OFFICER)).token, people.code(id, steps=steps)))


async def test_guessing_codes_pauses_as_guessing_passwords_does(people: People) -> None:
    id = await people.officer()
    entered = await people.enter(OFFICER)
    for _ in range(5):
        await refused(people.second(entered.token, "000000"))
    assert "pauses for a while" in await refused(people.second(entered.token, people.code(id)))
    people.later(seconds=61)
    assert (await people.second(entered.token, people.code(id))).stage is Stage.WHOLE


async def test_who_knows_the_password_does_not_try_codes_without_end(people: People) -> None:
    """The right password between wrong codes is half a way in: it forgets none of them."""
    id, looked_at = await people.officer(), 0
    for _ in range(12):
        try:
            token = (await people.enter(OFFICER)).token
        except Refused:
            break
        said = await refused(people.second(token, "000000"))
        looked_at += "pauses for a while" not in said
    assert looked_at == 5
    people.later(seconds=61)
    assert await people.whole(OFFICER, id)


async def test_a_person_is_told_once_that_their_account_pauses(people: People) -> None:
    id = await people.officer()
    for _ in range(4):
        await refused(people.enter(OFFICER, "wrong"))
    assert await opened_letters(people) == []
    for _ in range(20):
        people.later(hours=2)
        await refused(people.enter(OFFICER, "wrong"))
        await refused(people.enter("nobody@eia.example.in", "wrong"))
    assert await opened_letters(people) == ["Somebody tried to sign in to your account"]
    people.later(hours=2)
    assert await people.whole(OFFICER, id)
    people.later(minutes=1)
    token = (await people.enter(OFFICER)).token
    for _ in range(6):
        await refused(people.second(token, "000000"))
    assert len(await opened_letters(people)) == 2
    rows = await LetterRow.select().order_by(LetterRow.written_at)
    first, second = (unsealed(row["id"], row["to_sealed"], row["content_sealed"], people.box) for row in rows)
    assert first.to == second.to == OFFICER
    assert "right password" not in first.text
    assert "gave your right password" in second.text


async def test_a_pause_that_cannot_be_told_pauses_all_the_same(people: People) -> None:
    await people.officer()
    async with uow():
        await Account.update({Account.email: "no address"}).where(Account.email == OFFICER)
    for _ in range(5):
        await refused(people.enter("no address", "wrong"))
    [row] = await Account.select(Account.locked_until).where(Account.email == "no address")
    assert row["locked_until"] > people.at
    assert await opened_letters(people) == []


async def test_half_a_sign_in_does_not_wait_for_ever(people: People) -> None:
    await people.officer()
    entered = await people.enter(OFFICER)
    assert await people.later(minutes=11).resume(entered.token) is None


async def test_a_factor_is_set_up_with_a_first_code_and_gives_recovery_codes_once(people: People) -> None:
    id = await people.officer(factor=False)
    elsewhere = await people.enter(OFFICER)
    entered = await people.enter(OFFICER)
    assert entered.stage is Stage.SETTING_UP
    principal = await people.here(entered.token)
    factor, sealed = access.begin_factor(principal, host="coo.example.in", box=people.box)
    assert re.fullmatch(r"otpauth://totp/ecoo%20coo\.example\.in:officer%40eia\.example\.in\?.*", factor.uri)
    assert factor.secret not in repr(factor)
    assert factor.secret not in sealed
    people.secrets[id] = factor.secret

    async def confirm(code: str) -> tuple[access.Entered, tuple[str, ...]]:
        return await access.confirm_factor(principal, sealed, code, box=people.box, device=DEVICE, limits=people.limits, at=people.at)

    await refused(confirm("000000"))
    done, codes = await confirm(people.code(id))
    assert len(set(codes)) == RECOVERY_CODES
    assert (await people.here(done.token)).whole
    assert await people.resume(elsewhere.token) is None, "what was begun without the factor ends"
    [row] = await Account.select(Account.totp_sealed).where(Account.id == id)
    assert factor.secret not in row["totp_sealed"]
    await refused(people.second((await people.enter(OFFICER)).token, people.code(id)))  # the first code was used up


async def test_another_persons_new_secret_is_not_taken_for_mine(people: People) -> None:
    await people.officer(factor=False)
    await people.officer("other@eia.example.in", factor=False)
    mine, theirs = [await people.here((await people.enter(email)).token) for email in (OFFICER, "other@eia.example.in")]
    _, sealed = access.begin_factor(theirs, host="h", box=people.box)
    with pytest.raises(EngineError):
        await access.confirm_factor(mine, sealed, "000000", box=people.box, device=DEVICE, limits=people.limits, at=people.at)


async def test_a_known_factor_is_not_replaced_by_who_only_knows_the_password(people: People) -> None:
    id = await people.officer()
    for token in ((await people.enter(OFFICER)).token, await people.whole(OFFICER, id)):
        principal = await people.here(token)
        _, sealed = access.begin_factor(principal, host="h", box=people.box)
        people.later(minutes=people.limits.fresh_minutes + 1)
        with pytest.raises(Forbidden, match="present app, first"):
            await access.confirm_factor(principal, sealed, "0", box=people.box, device=DEVICE, limits=people.limits, at=people.at)


async def test_a_recovery_code_opens_once_and_only_for_its_person(people: People) -> None:
    ids = [await people.officer(), await people.officer("other@eia.example.in")]
    async with uow():
        codes = await access.factors.new_recovery_codes(ids[0], people.at)
    await refused(people.second((await people.enter("other@eia.example.in")).token, codes[0]))
    typed = codes[0].lower().replace("-", " ")
    assert (await people.second((await people.enter(OFFICER)).token, typed)).stage is Stage.WHOLE
    await refused(people.second((await people.enter(OFFICER)).token, codes[0]))
    assert await access.recovery_codes_left(ids[0]) == RECOVERY_CODES - 1
    async with uow():
        await access.factors.new_recovery_codes(ids[0], people.at)
    await refused(people.second((await people.enter(OFFICER)).token, codes[1]))


# --- what an attacker found once ------------------------------------------------------------------


async def test_many_wrong_tries_at_once_are_as_many_as_one_after_another(people: People) -> None:
    id = await people.officer()
    tries = await asyncio.gather(*(people.enter(OFFICER, "wrong") for _ in range(20)), return_exceptions=True)
    assert all(isinstance(each, Refused) for each in tries)
    [row] = await Account.select(Account.failed).where(Account.id == id)
    assert row["failed"] == 5, "the others were not looked at"
    await refused(people.enter(OFFICER))
    people.later(minutes=2)
    token = (await people.enter(OFFICER)).token
    codes = await asyncio.gather(*(people.second(token, "000000") for _ in range(20)), return_exceptions=True)
    assert all(isinstance(each, Refused) for each in codes)
    assert "pauses for a while" in await refused(people.second(token, people.code(id)))


async def test_a_password_that_is_changed_while_it_is_tried_opens_nothing(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await people.officer()
    fits = passwords.fits

    async def slowly(password: str, kept: str) -> bool:
        found = await fits(password, kept)
        await access.give_password(id, "another one altogether", actor="test", at=people.at)
        return found

    monkeypatch.setattr(passwords, "fits", slowly)
    await refused(people.enter(OFFICER))
    assert not await access.sessions.Session.exists().where(access.sessions.Session.ended_at.is_null())


async def test_an_ended_session_changes_nothing_any_more(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    principal = await people.here(await people.whole("user@firm.example.in", id))
    async with uow():
        await access.end_all(id, reason="test", at=people.at)
    for act in (
        access.change_password(principal, PASSWORD, "four new words for me", box=people.box, device=DEVICE, at=people.at),
        access.prove(principal, PASSWORD, "", box=people.box, device=DEVICE, limits=people.limits, at=people.at),
    ):
        with pytest.raises(Forbidden):
            await act
    await people.enter("user@firm.example.in")


async def test_a_new_password_is_no_fresh_proof_and_so_no_way_to_a_new_factor(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    principal = await people.later(minutes=25).here(token)
    done = await access.change_password(principal, PASSWORD, "four new words for me", box=people.box, device=DEVICE, at=people.at)
    changed = await people.here(done.token)
    assert changed.proved_at == principal.proved_at
    _, sealed = access.begin_factor(changed, host="h", box=people.box)
    with pytest.raises(Forbidden, match="first"):
        await access.confirm_factor(changed, sealed, "0", box=people.box, device=DEVICE, limits=people.limits, at=people.at)


async def test_whoever_holds_a_stale_session_sets_no_first_factor(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    principal = await people.here(await people.whole("user@firm.example.in", id))
    people.later(minutes=25)
    _, sealed = access.begin_factor(principal, host="h", box=people.box)
    with pytest.raises(Forbidden, match="first"):
        await access.confirm_factor(principal, sealed, "0", box=people.box, device=DEVICE, limits=people.limits, at=people.at)


async def test_a_role_that_needs_a_second_factor_is_not_taken_without_one(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    token = await people.whole("user@firm.example.in", id)
    await people.administrator(id)
    principal = await people.here(token)
    administrator = next(role for role in principal.roles if role.kind == "administrator")
    with pytest.raises(Forbidden, match="second factor"):
        await access.act_as(principal, administrator.key, device=DEVICE, at=people.at)
    async with uow():
        await access.sessions.Session.update({"acting": administrator.key}).where(access.sessions.Session.id == principal.session_id)
    assert (await people.here(token)).role is None
    assert (await people.enter("user@firm.example.in")).stage is Stage.SETTING_UP


async def test_strangers_tries_do_not_stop_who_is_signed_in(people: People) -> None:
    id = await people.officer()
    principal = await people.here(await people.whole(OFFICER, id))
    for _ in range(8):
        await refused(people.enter(OFFICER, "wrong"))
    people.later(seconds=31)
    done = await access.prove(principal, PASSWORD, people.code(id), box=people.box, device=DEVICE, limits=people.limits, at=people.at)
    assert done.stage is Stage.WHOLE


async def test_five_wrong_proofs_end_the_session_and_nothing_else(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    other = await people.later(seconds=31).whole(OFFICER, id)
    principal = await people.here(token)
    for _ in range(5):
        await refused(access.prove(principal, "wrong", "", box=people.box, device=DEVICE, limits=people.limits, at=people.at))
    with pytest.raises(Forbidden, match="was ended"):
        await access.prove(principal, PASSWORD, people.code(id, steps=1), box=people.box, device=DEVICE, limits=people.limits, at=people.at)
    assert await people.resume(token) is None
    assert await people.resume(other)
    assert await people.later(seconds=31).whole(OFFICER, id)


async def test_one_code_sent_twice_at_once_opens_once(people: People) -> None:
    id = await people.officer()
    tokens = [(await people.enter(OFFICER)).token for _ in range(2)]
    found = await asyncio.gather(*(people.second(token, people.code(id)) for token in tokens), return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["Entered", "Refused"]


async def test_changes_are_told_by_mail_and_links_end_with_the_password(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    await access.ask_reset("user@firm.example.in", base="http://h", box=people.box, at=people.at)
    principal = await people.here(await people.whole("user@firm.example.in", id))
    await access.change_password(principal, PASSWORD, "four new words for me", box=people.box, device=DEVICE, at=people.at)
    assert not await Ticket.exists().where(Ticket.used_at.is_null())
    assert [row["purpose"] for row in await LetterRow.select(LetterRow.purpose).order_by(LetterRow.written_at, LetterRow.purpose)] == [
        "changed",
        "reset",
    ]


async def opened_letters(people: People) -> list[str]:
    rows = await LetterRow.select().order_by(LetterRow.written_at)
    return [unsealed(row["id"], row["to_sealed"], row["content_sealed"], people.box).subject for row in rows]


async def test_a_recovery_code_that_opens_is_told_by_mail_and_a_wrong_one_is_not(people: People) -> None:
    id = await people.officer()
    async with uow():
        codes = await access.factors.new_recovery_codes(id, people.at)
    token = (await people.enter(OFFICER)).token
    await refused(people.second(token, "AAAA-BBBB-CCCC-DDDD"))
    assert await opened_letters(people) == []
    await people.second(token, codes[0])
    assert await opened_letters(people) == ["A recovery code was used"]


async def test_a_password_chosen_by_link_is_told_to_who_had_one_before(people: People) -> None:
    id = await people.person("user@firm.example.in")
    for known, told in ((False, []), (True, ["Your password was changed"])):
        async with uow():
            if not known:
                await Account.update({Account.password_hash: ""}).where(Account.id == id)
            token = await tickets._ticket(id, Purpose.RESET, people.at)
        await access.choose_password(token, "four new words for me", box=people.box, at=people.later(minutes=1).at)
        assert await opened_letters(people) == told


async def test_whose_address_takes_no_letter_still_changes_what_is_theirs(people: People) -> None:
    email = '"odd name"@firm.example.in'
    await people.person(email)
    principal = await people.here((await people.enter(email)).token)
    done = await access.change_password(principal, PASSWORD, "four new words for me", box=people.box, device=DEVICE, at=people.at)
    assert done.stage is Stage.WHOLE
    assert not await LetterRow.exists()


@pytest.mark.parametrize("email", ["\x00", "officer@eia.example.in\x00", "a\nb"])
async def test_addresses_that_no_database_takes_are_unknown_ones(people: People, email: str) -> None:
    await refused(people.enter(email))
    await access.ask_reset(email, base="http://h", box=people.box, at=people.at)


# --- proof, passwords, audit ----------------------------------------------------------------------


async def test_a_person_proves_themselves_again_before_what_is_dangerous(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    people.later(minutes=20)
    principal = await people.here(token)
    assert not principal.proved_within(timedelta(minutes=10), people.at)

    async def prove(password: str, code: str) -> access.Entered:
        return await access.prove(principal, password, code, box=people.box, device=DEVICE, limits=people.limits, at=people.at)

    await refused(prove("wrong", people.code(id)))
    await refused(prove(PASSWORD, "000000"))
    done = await prove(PASSWORD, people.code(id))
    again = await people.here(done.token)
    assert again.proved_within(timedelta(minutes=10), people.at)
    assert again.role == principal.role
    assert await people.resume(token) is None


async def test_a_changed_password_ends_all_other_sessions(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    other, here = await people.whole("user@firm.example.in", id), await people.whole("user@firm.example.in", id)
    principal = await people.here(here)

    async def change(old: str, new: str) -> access.Entered:
        return await access.change_password(principal, old, new, box=people.box, device=DEVICE, at=people.at)

    assert "present password" in await refused(change("wrong", "four new words for me"))
    assert "Choose another" in await refused(change(PASSWORD, "short"))
    done = await change(PASSWORD, "four new words for me")
    assert (await people.here(done.token)).whole
    assert [await people.resume(token) for token in (other, here)] == [None, None]
    await refused(people.enter("user@firm.example.in"))
    await people.enter("user@firm.example.in", "four new words for me")


async def test_secrets_stand_in_no_row_and_in_no_audit(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    await refused(people.enter(OFFICER, "wrong but secret"))
    rows = str([*await AuditEntry.select(), *await Account.select(), *await access.sessions.Session.select()])
    for secret in (PASSWORD, people.secrets[id], token, "wrong but secret"):
        assert secret not in rows
    acts = {row["act"] for row in await AuditEntry.select(AuditEntry.act)}
    assert {"signed_in", "sign_in_tried"} <= acts
    assert token not in repr(await people.enter(OFFICER))
