"""The fee table: one fee a day for one thing, the past untouched, the most specific row counts."""

import asyncio
import contextlib
from datetime import timedelta
from uuid import uuid4

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.money.fees import add_fee, end_fee, fee_of, fees_of
from engine.money.fees.tables import FeeRow
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.money.bureau import Bureau


async def amount(bureau: Bureau, *, days: int = 0, scheme: str = "AIFTA", kind: str = "new", office=None) -> int | None:
    try:
        return (await fee_of(bureau.scope, office or bureau.mumbai, scheme, kind, bureau.day(days))).amount_paise
    except Refused:
        return None


# --- which row counts ----------------------------------------------------------------------------


async def test_the_most_specific_row_counts(bureau: Bureau) -> None:
    rows = {
        (): 100,
        (("kind", "in-lieu"),): 200,
        (("scheme", "AIFTA"),): 300,
        (("scheme", "AIFTA"), ("kind", "in-lieu")): 400,
        (("office_id", bureau.mumbai.id),): 500,
        (("office_id", bureau.mumbai.id), ("kind", "in-lieu")): 600,
        (("office_id", bureau.mumbai.id), ("scheme", "AIFTA")): 700,
        (("office_id", bureau.mumbai.id), ("scheme", "AIFTA"), ("kind", "in-lieu")): 800,
    }
    expected = []
    for what, paise in rows.items():
        await bureau.add(paise, **dict(what))
        expected.append(paise)
        assert await amount(bureau, kind="in-lieu") == paise  # each is more specific than all before it
    assert await amount(bureau) == 700
    assert await amount(bureau, scheme="NP") == 500
    assert await amount(bureau, office=bureau.delhi) == 300
    assert await amount(bureau, office=bureau.delhi, scheme="NP") == 100
    assert await amount(bureau, office=bureau.delhi, scheme="NP", kind="in-lieu") == 200


async def test_without_a_row_there_is_no_fee_and_it_says_so(bureau: Bureau) -> None:
    with pytest.raises(Refused, match="No fee is set for new certificates of AIFTA at the office MUM on 2026-11-22"):
        await fee_of(bureau.scope, bureau.mumbai, "AIFTA", "new", bureau.today)


async def test_another_agencys_fees_are_nobody_elses(bureau: Bureau) -> None:
    await add_fee(Scope.agency(bureau.other_agency), bureau.other_agency, bureau.fee(999), actor="test", at=bureau.at)
    assert await amount(bureau) is None
    assert await fees_of(bureau.scope, bureau.other_agency) == []
    for scope in (PUBLIC, Scope.exporter(uuid4()), Scope.agency(bureau.agency)):
        with pytest.raises(NotFound):
            await fee_of(scope, bureau.foreign, "AIFTA", "new", bureau.today)


# --- dates ---------------------------------------------------------------------------------------


async def test_a_new_row_ends_the_old_one_the_day_before(bureau: Bureau) -> None:
    old = await bureau.add(100)
    new = await bureau.add(200, 10)
    assert [await amount(bureau, days=days) for days in (0, 9, 10, 400)] == [100, 100, 200, 200]
    rows = {fee.id: fee for fee in await fees_of(bureau.scope, bureau.agency)}
    assert rows[old].last_day == bureau.day(9)
    assert [rows[old].stands(bureau.today), rows[new].stands(bureau.today)] == ["today", "coming"]


async def test_a_row_with_a_last_day_ends_by_itself(bureau: Bureau) -> None:
    await bureau.add(100, 0, 5)
    assert [await amount(bureau, days=days) for days in (0, 5, 6)] == [100, 100, None]
    await bureau.add(200, 6)
    assert await amount(bureau, days=6) == 200


async def test_nothing_is_entered_into_the_past(bureau: Bureau) -> None:
    for starts in (-1, -400):
        with pytest.raises(Refused, match="past"):
            await bureau.add(100, starts)
    await bureau.add(100)
    with pytest.raises(Conflict, match="tomorrow"):
        await bureau.add(200)
    assert await amount(bureau) == 100


async def test_a_row_that_was_in_force_never_changes_but_for_its_end(bureau: Bureau) -> None:
    id = await bureau.add(100)
    before = await FeeRow.select().where(FeeRow.id == id).first()
    bureau.clock.forward(days=30)
    await bureau.add(200, 1)
    await bureau.add(300, 3, scheme="AIFTA")
    after = await FeeRow.select().where(FeeRow.id == id).first()
    assert before is not None
    assert after is not None
    assert {name for name in before if before[name] != after[name]} == {"ends_on", "open_key", "ended_by"}
    with pytest.raises(Refused, match="past"):
        await end_fee(bureau.scope, id, bureau.day(-1), actor="test", at=bureau.at)


async def test_days_that_a_coming_row_has_are_not_given_twice(bureau: Bureau) -> None:
    await bureau.add(100)
    coming = await bureau.add(200, 10)
    for starts, last in ((10, None), (5, None), (5, 10), (10, 10), (3, 400)):
        with pytest.raises(Conflict, match="same thing begins on 2026-12-02"):
            await bureau.add(300, starts, last)
    await bureau.add(300, 5, 9)  # between the two
    assert [await amount(bureau, days=days) for days in (4, 5, 9, 10)] == [100, 300, 300, 200]
    await end_fee(bureau.scope, coming, bureau.today, actor="test", at=bureau.at)
    await bureau.add(400, 10)
    assert [await amount(bureau, days=days) for days in (9, 10)] == [300, 400]


async def test_a_coming_row_is_withdrawn_and_its_day_is_free_again(bureau: Bureau) -> None:
    id = await bureau.add(100, 10)
    await end_fee(bureau.scope, id, bureau.today, actor="test", at=bureau.at)
    assert await fees_of(bureau.scope, bureau.agency) == []
    with pytest.raises(NotFound):
        await end_fee(bureau.scope, id, bureau.today, actor="test", at=bureau.at)
    await bureau.add(200, 10)
    assert await amount(bureau, days=10) == 200


async def test_an_end_may_come_nearer_and_never_farther(bureau: Bureau) -> None:
    id = await bureau.add(100, 0, 20)
    await end_fee(bureau.scope, id, bureau.day(10), actor="test", at=bureau.at)
    for days in (10, 11, 40):
        with pytest.raises(Refused, match="already"):
            await end_fee(bureau.scope, id, bureau.day(days), actor="test", at=bureau.at)
    await end_fee(bureau.scope, id, bureau.today, actor="test", at=bureau.at)
    assert [await amount(bureau, days=days) for days in (0, 1)] == [100, None]


async def test_an_indian_day_begins_at_its_own_midnight(bureau: Bureau) -> None:
    bureau.clock.at = bureau.clock.at.replace(hour=18, minute=29)
    await bureau.add(100)
    before = bureau.today
    bureau.clock.forward(minutes=1)
    assert bureau.today == before + timedelta(days=1)
    with pytest.raises(Refused, match="past"):
        await bureau.add(200, -1, scheme="NP")


# --- who, and what is wrong ----------------------------------------------------------------------


async def test_a_foreign_fee_office_or_agency_reads_like_none(bureau: Bureau) -> None:
    id = await bureau.add(100)
    stranger = Scope.agency(bureau.other_agency)
    for mine, unknown in (
        (
            lambda: end_fee(stranger, id, bureau.day(1), actor="x", at=bureau.at),
            lambda: end_fee(stranger, uuid4(), bureau.day(1), actor="x", at=bureau.at),
        ),
        (
            lambda: add_fee(stranger, bureau.agency, bureau.fee(1, 5), actor="x", at=bureau.at),
            lambda: add_fee(stranger, uuid4(), bureau.fee(1, 5), actor="x", at=bureau.at),
        ),
        (
            lambda: add_fee(stranger, bureau.other_agency, bureau.fee(1, 5, office_id=bureau.mumbai.id), actor="x", at=bureau.at),
            lambda: add_fee(stranger, bureau.other_agency, bureau.fee(1, 5, office_id=uuid4()), actor="x", at=bureau.at),
        ),
    ):
        says = []
        for act in (mine, unknown):
            with pytest.raises(NotFound) as refused:
                await act()
            says.append((refused.value.code, refused.value.say))
        assert says[0] == says[1]
    officer = Scope.offices(bureau.agency, frozenset({bureau.mumbai.id}))
    with pytest.raises(NotFound):  # who has an office alone sets no fee for all of them
        await add_fee(officer, bureau.agency, bureau.fee(1, 5), actor="x", at=bureau.at)
    assert await FeeRow.count() == 1


@pytest.mark.parametrize(
    ("changed", "box"),
    [
        ({"paise": -1}, "amount"),
        ({"paise": 10**12}, "amount"),
        ({"gst_rate_bp": -1}, "rate"),
        ({"gst_rate_bp": 10001}, "rate"),
        ({"sac": ""}, "sac"),
        ({"sac": "99859"}, "sac"),
        ({"sac": "९९८५९९"}, "sac"),
        ({"scheme": "ai fta"}, "scheme"),
        ({"kind": "other"}, "scheme"),
        ({"last": -1}, "last_day"),
        ({"starts": 5000}, "starts_on"),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(bureau: Bureau, changed: dict, box: str) -> None:
    told = {"paise": 100} | changed
    with pytest.raises(Refused) as refused:
        await bureau.add(told.pop("paise"), **told)
    assert box in {problem.box for problem in refused.value.problems}
    assert await FeeRow.count() == 0


async def test_many_at_once_leave_one_fee_a_day(bureau: Bureau) -> None:
    await bureau.add(100)

    async def one(paise: int) -> bool:
        try:
            await bureau.add(paise, 10)
        except Conflict:
            return False
        return True

    done = await asyncio.gather(*(one(200 + number) for number in range(8)))
    assert sum(done) == 1
    rows = await fees_of(bureau.scope, bureau.agency)
    for day in range(15):
        assert sum(fee.starts_on <= bureau.day(day) and (fee.ends_on is None or fee.ends_on > bureau.day(day)) for fee in rows) == 1


async def test_different_overlapping_ranges_at_once_leave_one_fee_a_day(bureau: Bureau) -> None:
    async def one(starts: int, last: int) -> None:
        with contextlib.suppress(Conflict):
            await bureau.add(100 + starts, starts, last)

    await asyncio.gather(*(one(starts, starts + 6) for starts in (1, 3, 5, 7, 4, 2)))
    rows = await fees_of(bureau.scope, bureau.agency)
    assert rows
    for day in range(15):
        assert sum(fee.starts_on <= bureau.day(day) and (fee.ends_on is None or fee.ends_on > bureau.day(day)) for fee in rows) <= 1


async def test_the_database_itself_refuses_a_second_open_row_and_a_second_start(bureau: Bureau) -> None:
    await bureau.add(100)
    [row] = await FeeRow.select()
    row.pop("id")
    for changed in ({"start_key": "x"}, {"open_key": "x"}):
        with pytest.raises(Conflict):
            async with uow():
                await FeeRow.insert(FeeRow(**{**row, **changed}))
    for wrong in (
        {"amount_paise": -1},
        {"ends_on": row["starts_on"]},
        {"gst_rate_bp": 10001},
        {"rounding": "up"},
        {"kind": "x"},
        {"sac": ""},
    ):
        with pytest.raises(Conflict):
            async with uow():
                await FeeRow.insert(FeeRow(**{**row, "start_key": "a" * 36, "open_key": "b" * 36, **wrong}))
    assert await FeeRow.count() == 1


async def test_each_deed_is_in_the_audit_with_its_amount(bureau: Bureau) -> None:
    id = await bureau.add(100)
    await end_fee(PLATFORM, id, bureau.day(3), actor="account:x", at=bureau.at)
    rows = (
        await AuditEntry.select(AuditEntry.act, AuditEntry.detail, AuditEntry.agency)
        .where(AuditEntry.subject == str(id))
        .order_by(AuditEntry.act)
    )
    assert [row["act"] for row in rows] == ["fee_added", "fee_ended"]
    assert '"amount_paise": 100' in rows[0]["detail"]
    assert {row["agency"] for row in rows} == {str(bureau.agency)}
