"""Cost sheets in their rows, on both databases: versions, approvals and grants, whose they are, and what two at once may do."""

import asyncio
import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.cost_sheet import CostSheet, SheetState
from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.filing import sheets
from engine.filing.sheets.citing import DEEPEST
from engine.filing.tables import CostSheetApproval, CostSheetEnding, CostSheetGrant, CostSheetRow, CostSheetVersion
from engine.people import OfficeHere, OfficerHere, add_agency, add_office, add_officer, find_office, find_officer, map_officer
from engine.people.tables import Exporter
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.engines import Engine
from engine.store.tables import AuditEntry

AT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
TODAY = date(2026, 11, 21)
MAKER, TRADER, OTHER = "AAZCM4417K", "AAZCT4417K", "AAZCX4417K"


@dataclass
class World:
    """A maker, a trader and a stranger; an office with its officer, and one of another agency."""

    maker: Scope
    trader: Scope
    other: Scope
    office: OfficeHere
    elsewhere: OfficeHere
    officer: OfficerHere
    tree: dict[str, Any]

    @property
    def agency(self) -> Scope:
        return Scope.agency(self.office.agency_id)

    @property
    def trader_id(self) -> UUID:
        [id] = self.trader.exporter_ids
        return id

    def sheet(self, *cites: str, fob: str = "6000.00") -> CostSheet:
        """The example, whose domestic inputs rest on the sheets that are named."""
        tree = copy.deepcopy(self.tree) | {"fob": fob}
        for part, reference in zip(tree["inputs"][1:], cites, strict=False):
            part |= {"cost_sheet": reference, "hs": tree["product"]["hs"]}
        return sheets.sheet_from_tree(tree)

    async def saved(self, *cites: str, by: Scope | None = None) -> str:
        kept = await sheets.save(by or self.maker, self.sheet(*cites), actor="maker", at=AT)
        return kept.reference

    async def lodged(self, *cites: str, by: Scope | None = None) -> str:
        reference = await self.saved(*cites, by=by)
        await sheets.lodge(by or self.maker, reference, office=self.office, actor="maker", at=AT)
        return reference

    async def approved(self, *cites: str, by: Scope | None = None, until: date = TODAY + timedelta(days=30)) -> str:
        reference = await self.lodged(*cites, by=by)
        await self.approve(reference, 1, until)
        return reference

    async def approve(self, reference: str, version: int, until: date = TODAY + timedelta(days=30), at: datetime = AT) -> sheets.Kept:
        return await sheets.approve(
            self.agency, reference, version=version, officer=self.officer, valid_until=until, actor="officer", at=at
        )

    async def cited(self, reference: str, *, on: date = TODAY, by: Scope | None = None) -> Any:
        scope = by or self.trader
        [exporter_id] = scope.exporter_ids
        return (await sheets.cited(scope, [reference], exporter_id=exporter_id, on=on))[reference]

    async def refused(self, reference: str, *, on: date = TODAY, by: Scope | None = None) -> str:
        with pytest.raises(Refused) as refusal:
            await self.cited(reference, on=on, by=by)
        return refusal.value.say


@pytest.fixture
async def world(built_database: Engine, sheet_tree: dict[str, Any]) -> World:
    people = {iec: Exporter(iec=iec, name=iec) for iec in (MAKER, TRADER, OTHER)}
    for each in people.values():
        await Exporter.insert(each)
    found = []
    for code in ("EIA", "TXC"):
        agency = await add_agency(code, code, actor="test", at=AT)
        office = await add_office(agency, "MUM", code, "Mumbai", actor="test", at=AT)
        officer = await add_officer(agency, email=f"officer@{code}.example.in", name="A. Officer", designation="x", actor="test", at=AT)
        await map_officer(agency, officer, office, actor="test", at=AT)
        found.append(await find_office(PLATFORM, code, "MUM"))
    scopes = [Scope.exporter(UUID(str(people[iec].id))) for iec in (MAKER, TRADER, OTHER)]
    return World(*scopes, found[0], found[1], await find_officer(PLATFORM, "officer@EIA.example.in"), sheet_tree)


async def audited(reference: str) -> list[str]:
    rows = await AuditEntry.select(AuditEntry.act).where(AuditEntry.subject == reference).order_by(AuditEntry.at, AuditEntry.id)
    return sorted(row["act"].removeprefix("cost_sheet_") for row in rows)


# --- the way of a sheet ---------------------------------------------------------------------------


async def test_a_sheet_goes_from_draft_to_approved_and_its_approval_outlives_a_revision(world: World) -> None:
    reference = await world.approved()
    kept = await sheets.find(world.maker, reference, on=TODAY)
    assert (kept.state, kept.version, [each.version for each in kept.approvals]) == (SheetState.APPROVED, 1, [1])
    revised = await sheets.revise(world.maker, reference, world.sheet(fob="6100.00"), version=1, actor="maker", at=AT)
    assert (revised.state, revised.version) == (SheetState.DRAFT, 2)
    own = await world.cited(reference, by=world.maker)
    assert (own.version, own.sheet.fob, own.own) == (1, "6000.00", True), "the approved version, not the draft"
    await sheets.lodge(world.maker, reference, office=world.office, actor="maker", at=AT)
    await world.approve(reference, 2)
    assert (await world.cited(reference, by=world.maker)).version == 2
    assert [each.number for each in await sheets.versions(world.maker, reference, on=TODAY)] == [1, 2]
    assert await audited(reference) == sorted(["saved", "lodged", "approved", "revised", "lodged", "approved"])


async def test_an_approval_holds_through_its_last_day_and_no_longer(world: World) -> None:
    reference = await world.approved(until=date(2026, 12, 31))
    assert (await world.cited(reference, by=world.maker, on=date(2026, 12, 31))).version == 1
    assert "expired on 2026-12-31" in await world.refused(reference, by=world.maker, on=date(2027, 1, 1))
    assert (await sheets.find(world.maker, reference, on=date(2027, 1, 1))).state is SheetState.EXPIRED
    later = datetime(2027, 1, 1, 9, tzinfo=UTC)
    await sheets.lodge(world.maker, reference, office=world.office, actor="maker", at=later)
    await world.approve(reference, 1, date(2027, 6, 1), later)
    assert (await world.cited(reference, by=world.maker, on=date(2027, 6, 1))).version == 1


async def test_a_list_knows_what_is_approved_and_what_expired(world: World) -> None:
    short, long = await world.approved(until=date(2026, 12, 1)), await world.approved(until=date(2027, 12, 1))

    async def listed(state: SheetState) -> list[str]:
        return [kept.reference for kept in await sheets.search(world.maker, on=date(2026, 12, 2), state=state)]

    assert (await listed(SheetState.APPROVED), await listed(SheetState.EXPIRED), await listed(SheetState.DRAFT)) == ([long], [short], [])
    assert len(await sheets.search(world.maker, on=TODAY, hs="2008")) == 2
    assert await sheets.search(world.maker, on=TODAY, hs="2009") == []


async def test_a_rejected_sheet_comes_back_with_its_reason_and_a_withdrawn_one_is_cited_no_more(world: World) -> None:
    reference = await world.lodged()
    back = await sheets.reject(world.agency, reference, version=1, officer=world.officer, reason="Show the freight.", actor="o", at=AT)
    assert (back.state, back.reason, back.approvals) == (SheetState.DRAFT, "Show the freight.", ())
    approved = await world.approved()
    gone = await sheets.withdraw(world.agency, approved, reason="The supplier changed.", actor="o", at=AT)
    assert (gone.state, gone.approvals) == (SheetState.WITHDRAWN, ())
    assert "was withdrawn" in await world.refused(approved, by=world.maker)
    with pytest.raises(Conflict):
        await sheets.withdraw(world.maker, approved, reason="again", actor="m", at=AT)
    again = await sheets.revise(world.maker, approved, world.sheet(), actor="m", at=AT)
    assert (again.state, again.version) == (SheetState.DRAFT, 2)
    assert "is not approved" in await world.refused(approved, by=world.maker)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401, "a\x00b", "a\u202eb"])
async def test_a_reason_is_a_text_that_can_be_read(world: World, reason: str) -> None:
    reference = await world.saved()
    with pytest.raises(Refused) as refusal:
        await sheets.withdraw(world.maker, reference, reason=reason, actor="m", at=AT)
    assert refusal.value.box == "reason"


async def test_a_wrong_sheet_is_not_kept(world: World) -> None:
    world.tree["costs"]["profit"] = "9999.00"
    with pytest.raises(Refused, match="ex_works"):
        await world.saved()
    assert (await CostSheetRow.count(), await CostSheetVersion.count()) == (0, 0)


@pytest.mark.parametrize("until", [TODAY - timedelta(days=1), date(2000, 1, 1)])
async def test_an_approval_does_not_end_before_it_begins(world: World, until: date) -> None:
    with pytest.raises(Refused, match="today at least"):
        await world.approve(await world.lodged(), 1, until)


async def test_every_deed_asks_for_its_state(world: World) -> None:
    draft, lodged = await world.saved(), await world.lodged()
    for act in (
        world.approve(draft, 1),
        sheets.reject(world.agency, lodged, version=2, officer=world.officer, reason="x", actor="o", at=AT),
        sheets.lodge(world.maker, lodged, office=world.office, actor="m", at=AT),
        world.approve(lodged, 2),
    ):
        with pytest.raises((Conflict, NotFound)):
            await act


async def test_a_sheet_stays_with_its_agency(world: World) -> None:
    reference = await world.approved()
    with pytest.raises(Conflict, match="another agency"):
        await sheets.lodge(world.maker, reference, office=world.elsewhere, actor="m", at=AT)


# --- whose it is ----------------------------------------------------------------------------------


async def test_another_exporters_sheet_reads_like_one_that_nobody_has(world: World) -> None:
    reference = await world.approved()
    await sheets.grant(world.maker, reference, TRADER, actor="m", at=AT)
    office = Scope.offices(world.office.agency_id, frozenset({uuid4()}))
    strangers = [world.trader, world.other, Scope.agency(world.elsewhere.agency_id), office, PUBLIC, Scope.broker(frozenset())]
    for scope in strangers:
        for asked in (reference, "CS-2222222222"):
            for read in (
                sheets.find(scope, asked, on=TODAY),
                sheets.versions(scope, asked, on=TODAY),
                sheets.version_of(scope, asked, 1, on=TODAY),
                sheets.grants_of(scope, asked, at=AT),
                sheets.withdraw(scope, asked, reason="x", actor="x", at=AT),
            ):
                with pytest.raises(NotFound) as refusal:
                    await read
                assert refusal.value.say == f"There is no cost sheet {asked}."
        assert await sheets.search(scope, on=TODAY) == []
    for scope in (PLATFORM, world.maker, world.agency, Scope.offices(world.office.agency_id, frozenset({world.office.id}))):
        assert (await sheets.find(scope, reference, on=TODAY)).reference == reference
    assert (await sheets.find(world.maker, reference, on=TODAY)).state is SheetState.APPROVED


async def test_an_agency_sees_a_sheet_only_once_it_is_lodged_there(world: World) -> None:
    reference = await world.saved()
    with pytest.raises(NotFound):
        await sheets.find(world.agency, reference, on=TODAY)


async def test_an_agency_writes_no_sheet_and_an_exporter_approves_none(world: World) -> None:
    reference = await world.lodged()
    for act in (
        sheets.save(world.agency, world.sheet(), iec=MAKER, actor="x", at=AT),
        sheets.revise(world.agency, reference, world.sheet(), actor="x", at=AT),
        sheets.lodge(world.agency, reference, office=world.office, actor="x", at=AT),
        sheets.grant(world.agency, reference, TRADER, actor="x", at=AT),
        sheets.approve(world.maker, reference, version=1, officer=world.officer, valid_until=TODAY, actor="x", at=AT),
        sheets.reject(world.maker, reference, version=1, officer=world.officer, reason="x", actor="x", at=AT),
    ):
        with pytest.raises(Forbidden):
            await act


async def test_only_an_officer_of_the_office_decides(world: World) -> None:
    reference = await world.lodged()
    foreign = await find_officer(PLATFORM, "officer@TXC.example.in")
    stray = await add_officer(world.office.agency_id, email="stray@example.in", name="S", designation="x", actor="test", at=AT)
    assert stray
    for officer in (foreign, await find_officer(PLATFORM, "stray@example.in")):
        with pytest.raises(Refused) as refusal:
            await sheets.approve(world.agency, reference, version=1, officer=officer, valid_until=TODAY, actor="x", at=AT)
        assert refusal.value.rule == "officer mapped"


async def test_a_sheet_is_saved_for_an_exporter_of_the_caller(world: World) -> None:
    with pytest.raises(Refused, match="not linked to the IEC"):
        await sheets.save(world.maker, world.sheet(), iec=TRADER, actor="x", at=AT)
    both = Scope.broker(world.maker.exporter_ids | world.trader.exporter_ids)
    with pytest.raises(Refused, match="Name the exporter"):
        await sheets.save(both, world.sheet(), actor="x", at=AT)
    assert (await sheets.save(both, world.sheet(), iec=TRADER, actor="x", at=AT)).exporter_id == world.trader_id


# --- citing ---------------------------------------------------------------------------------------


async def test_an_unknown_sheet_and_one_without_a_grant_read_the_same(world: World) -> None:
    answers = set()
    for reference in (await world.saved(), await world.lodged(), await world.approved(), "CS-2222222222"):
        answers.add((await world.refused(reference)).replace(reference, "…"))
    assert answers == {"There is no cost sheet … that this exporter may cite; ask its maker for the reference and for leave to cite it."}


async def test_a_grant_lets_cite_until_it_is_taken_back(world: World) -> None:
    reference = await world.approved()
    for _ in range(2):
        grants = await sheets.grant(world.maker, reference, TRADER, actor="m", at=AT)
        assert [(each.iec, each.ended_at) for each in grants] == [(TRADER, None)]
    cited = await world.cited(reference)
    kept = await sheets.find(world.maker, reference, on=TODAY)
    assert (cited.version, cited.sha256, cited.own) == (1, kept.content_sha256, False)
    await world.refused(reference, by=world.other)
    await sheets.end_grant(world.maker, reference, TRADER, actor="m", at=AT)
    await world.refused(reference)
    with pytest.raises(NotFound):
        await sheets.end_grant(world.maker, reference, TRADER, actor="m", at=AT)
    again = await sheets.grant(world.maker, reference, TRADER, actor="m", at=AT)
    assert [each.ended_at is None for each in again].count(True) == 1
    assert len(again) == 2


@pytest.mark.parametrize("iec", ["", "x", "aazct4417k", "AAZCT4417K\n", MAKER])
async def test_a_grant_is_for_the_iec_of_another_exporter(world: World, iec: str) -> None:
    with pytest.raises(Refused) as refusal:
        await sheets.grant(world.maker, await world.saved(), iec, actor="m", at=AT)
    assert refusal.value.box == "iec"


async def test_whoever_may_not_ask_for_an_exporter_learns_nothing_in_its_name(world: World) -> None:
    reference = await world.approved()
    [maker] = world.maker.exporter_ids
    for scope in (world.other, Scope.broker(frozenset()), PUBLIC):
        with pytest.raises(Refused, match="There is no cost sheet"):
            await sheets.cited(scope, [reference], exporter_id=maker, on=TODAY)


async def test_another_agency_gets_the_verdict_and_not_the_figures(world: World) -> None:
    reference = await world.approved()
    [maker] = world.maker.exporter_ids
    for scope, own in ((world.agency, True), (Scope.agency(world.elsewhere.agency_id), False), (PLATFORM, True)):
        assert (await sheets.cited(scope, [reference], exporter_id=maker, on=TODAY))[reference].own is own


async def test_the_newest_approved_version_that_still_holds_is_cited(world: World) -> None:
    reference = await world.approved(until=date(2027, 12, 31))
    await sheets.revise(world.maker, reference, world.sheet(fob="6100.00"), actor="m", at=AT)
    await sheets.lodge(world.maker, reference, office=world.office, actor="m", at=AT)
    await world.approve(reference, 2, date(2026, 12, 31))
    assert (await world.cited(reference, by=world.maker, on=date(2026, 12, 31))).version == 2
    assert (await world.cited(reference, by=world.maker, on=date(2027, 1, 1))).version == 1


# --- sheets upon sheets ---------------------------------------------------------------------------


async def test_a_suppliers_sheet_must_be_approved_and_granted_before_one_that_rests_on_it_is_lodged(world: World) -> None:
    supplied = await world.approved(by=world.trader)
    with pytest.raises(Refused) as refusal:
        await world.lodged(supplied)
    assert refusal.value.box == "inputs[1].cost_sheet"
    await sheets.grant(world.trader, supplied, MAKER, actor="t", at=AT)
    reference = await world.approved(supplied)
    assert (await world.cited(reference, by=world.maker)).version == 1
    await sheets.withdraw(world.trader, supplied, reason="wrong", actor="t", at=AT)
    say = await world.refused(reference, by=world.maker)
    assert "rests on a supplier's sheet" in say
    assert supplied not in say


async def test_a_suppliers_approval_that_ends_takes_along_what_rests_on_it(world: World) -> None:
    supplied = await world.approved(by=world.trader, until=date(2026, 12, 1))
    await sheets.grant(world.trader, supplied, MAKER, actor="t", at=AT)
    reference = await world.approved(supplied)
    await world.cited(reference, by=world.maker, on=date(2026, 12, 1))
    assert "rests on a supplier's sheet" in await world.refused(reference, by=world.maker, on=date(2026, 12, 2))


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_no_sheet_rests_on_itself_however_long_the_circle(world: World, length: int) -> None:
    chain = [await world.approved()]
    for _ in range(length - 1):
        chain.append(await world.approved(chain[-1]))
    with pytest.raises(Refused) as refusal:
        await sheets.revise(world.maker, chain[0], world.sheet(chain[-1]), actor="m", at=AT)
    assert (refusal.value.box, refusal.value.rule) == ("inputs[1].cost_sheet", "no circle of sheets")
    assert (await sheets.find(world.maker, chain[0], on=TODAY)).version == 1


async def test_a_circle_that_got_into_the_rows_is_never_citable(world: World) -> None:
    first = await world.approved()
    second = await world.approved(first)
    sneaked = CostSheetVersion(
        cost_sheet=(await sheets.find(world.maker, first, on=TODAY)).id,
        exporter=next(iter(world.maker.exporter_ids)),
        version=2,
        content=sheets_json(world.sheet(second)),
        content_sha256="0" * 64,
        made_by="x",
        made_at=AT,
    )
    async with uow():
        await CostSheetVersion.insert(sneaked)
        row = (await CostSheetApproval.select().where(CostSheetApproval.cost_sheet == sneaked.cost_sheet))[0]
        await CostSheetApproval.insert(CostSheetApproval(**{**row, "id": uuid4(), "version": 2}))
    for reference in (first, second):
        assert "or on itself" in await world.refused(reference, by=world.maker)


def sheets_json(sheet: CostSheet) -> str:
    from engine.application import canonical

    return canonical(sheet).decode()


async def test_sheets_stand_upon_each_other_only_so_deep(world: World) -> None:
    reference = await world.approved()
    for _ in range(DEEPEST - 1):
        reference = await world.approved(reference)
    assert (await world.cited(reference, by=world.maker)).version == 1
    with pytest.raises(Refused, match=f"more than {DEEPEST} sheets"):
        await world.lodged(reference)


async def test_with_a_sheet_come_all_that_it_rests_on_however_deep(world: World) -> None:
    bottom = await world.approved()
    middle = await world.approved(bottom)
    top = await world.approved(middle, bottom)
    found = await world.cited(top, by=world.maker)
    assert set(found.suppliers.sheets) == {middle, bottom}
    assert found.granted is False
    await sheets.grant(world.maker, top, TRADER, actor="m", at=AT)
    assert (await world.cited(top)).granted is True


@pytest.mark.parametrize(("limit", "most"), [("MOST_BENEATH", 2), ("MOST_INPUTS_BENEATH", 8)])
async def test_a_sheet_rests_on_only_so_much_of_suppliers(world: World, monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    monkeypatch.setattr(f"engine.filing.sheets.citing.{limit}", most)
    bottom, other = await world.approved(), await world.approved()
    top = await world.approved(bottom, other)  # two sheets of three inputs beneath it
    with pytest.raises(Refused, match=f"more than {most} "):
        await world.lodged(await world.approved(top))


async def test_an_input_cites_the_sheet_of_its_own_goods_alone(world: World) -> None:
    supplied = await world.approved()
    tree = copy.deepcopy(world.tree)
    tree["inputs"][1]["cost_sheet"] = supplied  # salt, by a sheet for cashews
    kept = await sheets.save(world.maker, sheets.sheet_from_tree(tree), actor="maker", at=AT)
    with pytest.raises(Refused) as refusal:
        await sheets.lodge(world.maker, kept.reference, office=world.office, actor="maker", at=AT)
    assert (refusal.value.box, refusal.value.rule) == ("inputs[1].cost_sheet", "goods of the cost sheet")


async def test_a_sheet_is_not_approved_on_a_suppliers_sheet_that_ended_meanwhile(world: World) -> None:
    supplied = await world.approved()
    reference = await world.lodged(supplied)
    await sheets.withdraw(world.maker, supplied, reason="wrong", actor="m", at=AT)
    with pytest.raises(Refused) as refusal:
        await world.approve(reference, 1)
    assert refusal.value.box == "inputs[1].cost_sheet"


# --- two at once, and what the database holds -----------------------------------------------------


async def test_of_two_revisions_at_once_one_is_a_conflict(world: World) -> None:
    reference = await world.saved()

    async def revise(fob: str) -> object:
        try:
            return await sheets.revise(world.maker, reference, world.sheet(fob=fob), version=1, actor="m", at=AT)
        except Conflict as conflict:
            return conflict.code

    done = await asyncio.gather(*[revise(f"61{n}0.00") for n in range(4)])
    assert [each for each in done if isinstance(each, str)] == ["cost_sheet_version"] * 3
    assert (await sheets.find(world.maker, reference, on=TODAY)).version == 2
    assert await CostSheetVersion.count() == 2


async def test_a_sheet_is_approved_once_and_not_over_a_revision(world: World) -> None:
    reference = await world.lodged()

    async def attempt(act: Any) -> bool:
        try:
            await act
        except Conflict:
            return False
        return True

    done = await asyncio.gather(*[attempt(world.approve(reference, 1)) for _ in range(3)])
    assert (done.count(True), await CostSheetApproval.count()) == (1, 1)
    second = await world.lodged()
    revised = await sheets.revise(world.maker, second, world.sheet(fob="6100.00"), actor="m", at=AT)
    assert revised.version == 2
    assert not await attempt(world.approve(second, 1))


async def test_grants_at_once_are_one_grant(world: World) -> None:
    reference = await world.saved()
    await asyncio.gather(*[sheets.grant(world.maker, reference, TRADER, actor="m", at=AT) for _ in range(4)])
    assert await CostSheetGrant.count() == 1


@pytest.mark.parametrize("table", [CostSheetVersion, CostSheetApproval, CostSheetEnding], ids=lambda table: table._meta.tablename)
@pytest.mark.parametrize("act", ["UPDATE {} SET id = id", "DELETE FROM {}"])
async def test_what_was_saved_approved_and_ended_is_never_changed(world: World, table: Any, act: str) -> None:
    await sheets.withdraw(world.maker, await world.approved(), reason="x", actor="m", at=AT)
    with pytest.raises(Conflict):
        async with uow():
            await table.raw(act.format(table._meta.tablename))
    assert await table.count() == 1


async def test_an_approval_names_the_sheets_own_exporter_and_office(world: World) -> None:
    await world.approved()
    row = (await CostSheetApproval.select())[0]
    for wrong in ({"exporter": world.trader_id}, {"office": world.elsewhere.id}, {"version": 7}):
        with pytest.raises(Conflict):
            async with uow():
                await CostSheetApproval.insert(CostSheetApproval(**{**row, "id": uuid4(), **wrong}))


async def test_the_audit_holds_no_figure_of_a_sheet(world: World) -> None:
    reference = await world.approved()
    await sheets.withdraw(world.maker, reference, reason="The supplier changed.", actor="m", at=AT)
    entries = str(await AuditEntry.select())
    for figure in ("3001.77", "6000.00", "594.13", "KONKAN", "Abidjan"):
        assert figure not in entries


async def test_a_deed_inside_another_unit_of_work_is_part_of_it(world: World) -> None:
    async with uow():
        reference = await world.approved()
        await sheets.grant(world.maker, reference, TRADER, actor="m", at=AT)
        assert (await world.cited(reference)).version == 1
    assert (await world.cited(reference)).version == 1

    async def withdrawn_and_broken_off() -> None:
        async with uow():
            await sheets.withdraw(world.maker, reference, reason="x", actor="m", at=AT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await withdrawn_and_broken_off()
    assert (await world.cited(reference)).version == 1
