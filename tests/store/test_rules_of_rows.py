"""What the schema promises is held by the database itself, on both kinds."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from engine.errors import Conflict
from engine.people.tables import Agency, Office, Officer, OfficerOffice
from engine.schema import APPEND_ONLY
from engine.store import uow
from engine.store.audit import audit
from engine.store.engines import PooledPostgres
from engine.store.rows import CompositeForeignKey
from engine.store.tables import AuditEntry, AuditSeal, BlobRef, Setting, TryCount

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def refused(act) -> None:
    with pytest.raises(Conflict) as conflict:
        async with uow():
            await act
    assert conflict.value.code == "integrity"


async def agency(code: str) -> Agency:
    row = Agency(code=code, name=code)
    await Agency.insert(row)
    return row


async def office(of: Agency, code: str) -> Office:
    row = Office(agency=of.id, code=code, name=code, city="Mumbai")
    await Office.insert(row)
    return row


async def test_unique_together_refuses_the_second_row(database) -> None:
    row = {"room": "a", "row": "b", "sha256": "c", "purpose": "d"}
    await BlobRef.insert(BlobRef(**row))
    await refused(BlobRef.insert(BlobRef(**row)).run())


async def test_a_check_refuses_what_it_says(database) -> None:
    await audit("act", room="test", subject="x", actor="test", at=AT)
    entry = await AuditEntry.select(AuditEntry.id).first()
    await refused(AuditSeal.insert(AuditSeal(seq=0, entry=entry["id"], previous="", hash="a", sealed_at=AT)).run())


async def test_an_office_code_that_could_begin_a_legacy_number_is_refused(database) -> None:
    await refused(Office.insert(Office(agency=(await agency("EIA")).id, code="008", name="x", city="x")).run())


async def test_a_text_longer_than_its_column_is_refused(database) -> None:
    await TryCount.insert(TryCount(name="n" * 40, subject="s", window_at=AT))
    await refused(TryCount.insert(TryCount(name="n" * 41, subject="s", window_at=AT)).run())


async def test_a_child_cannot_name_its_parent_with_another_agency(database) -> None:
    mine, other = await agency("EIA"), await agency("FIEO")
    here = await office(mine, "MUM")
    officer = Officer(agency=mine.id, account=await account(), designation="x")
    await Officer.insert(officer)
    await OfficerOffice.insert(
        OfficerOffice(agency=mine.id, officer=officer.id, office=here.id, live_key=f"{officer.id}:{here.id}", mapped_at=AT)
    )
    second = await office(mine, "DEL")
    await refused(
        OfficerOffice.insert(
            OfficerOffice(agency=other.id, officer=officer.id, office=second.id, live_key=f"{officer.id}:{second.id}", mapped_at=AT)
        ).run()
    )


async def account():
    from engine.people.tables import Account

    row = Account(email=f"{uuid4().hex}@example.in", name="x", made_at=AT)
    await Account.insert(row)
    return row.id


async def test_a_parent_with_children_is_not_deleted(database) -> None:
    mine = await agency("EIA")
    await office(mine, "MUM")
    await refused(Agency.delete().where(Agency.id == mine.id).run())
    assert await Office.count() == 1


@pytest.mark.parametrize(
    ("database_url", "act"),
    [("sqlite", "UPDATE"), ("sqlite", "DELETE"), ("postgres", "UPDATE"), ("postgres", "DELETE"), ("postgres", "TRUNCATE")],
    indirect=["database_url"],
)
async def test_append_only_rows_are_neither_changed_nor_removed(database, act: str) -> None:
    await audit("act", room="test", subject="x", actor="test", at=AT)
    statement = {
        "UPDATE": "UPDATE audit_entry SET actor = 'another'",
        "DELETE": "DELETE FROM audit_entry",
        "TRUNCATE": "TRUNCATE audit_entry CASCADE",
    }[act]
    await refused(Setting.raw(statement).run())
    assert await AuditEntry.select(AuditEntry.actor) == [{"actor": "test"}]


@pytest.mark.parametrize("table", APPEND_ONLY, ids=lambda table: table._meta.tablename)
async def test_every_append_only_table_has_its_triggers(database, table) -> None:
    name = table._meta.tablename
    if isinstance(database, PooledPostgres):
        found = await Setting.raw("SELECT tgname AS name FROM pg_trigger WHERE tgrelid = {}::regclass AND NOT tgisinternal", name)
        assert {row["name"] for row in found} == {f"{name}_change_refused", f"{name}_truncate_refused"}
    else:
        found = await Setting.raw("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = {}", name)
        assert {row["name"] for row in found} == {f"{name}_update_refused", f"{name}_delete_refused"}


def test_a_composite_key_says_its_statement() -> None:
    key = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    assert key.ddl == 'FOREIGN KEY ("agency", "office") REFERENCES "office" ("agency", "id") ON DELETE RESTRICT'
