"""What a check foresees is what filing does: the same refusals, and nothing is changed by asking."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from engine.application import Application, ApplicationState, Kind
from engine.certificate import DEFAULT_PATTERN, CertificateState, format_number
from engine.errors import Conflict, Problem, Refused
from engine.filing import Draft, find, look, move, open_draft, problems_of
from engine.filing.tables import ApplicationInvoice, ApplicationRow
from engine.money import Outlook, file, filed_again, foresee
from engine.people.tables import AgencyListing, Exporter, Office
from engine.proof import by_number
from engine.proof import move as move_certificate
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.rows import rows_in_order

NOBODYS = format_number(DEFAULT_PATTERN, agency="EIA", year=2026, office="MUM", serial=99, scheme="AIFTA")


def changed(application: Application, **keys: Any) -> Application:
    return msgspec.structs.replace(application, **keys)


async def asked(walk: Any, application: Application, scope: Scope = PLATFORM, draft: Draft | None = None) -> Outlook:
    return await foresee(scope, application, registry=walk.site.registry, at=walk.clock.now(), draft=draft)


def places(problems: list[Problem]) -> list[tuple[str | None, str | None]]:
    return [(problem.box, problem.rule) for problem in problems]


async def counted() -> dict[str, int]:
    return {row._meta.tablename: await row.count() for row in rows_in_order() if row.__module__.startswith("engine.")}


REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("nothing", {}, []),
    ("an agency nobody knows", {"agency": "NOBODY"}, [("agency", "agency in the register")]),
    ("an office the agency does not have", {"office": "DEL"}, [("office", "office of the agency")]),
    ("a number nobody issued", {"kind": Kind.IN_LIEU, "replaces": NOBODYS}, [("replaces", "in-lieu at the agency that issued the first")]),
    ("a duplicate of none", {"kind": Kind.DUPLICATE, "replaces": NOBODYS}, [("replaces", "in-lieu at the agency that issued the first")]),
    ("no agency", {"agency": None}, [("agency", "agency and office")]),
    ("a scheme nobody has", {"scheme": "XYZ"}, [("scheme", "known scheme")]),
    (
        "one of the file and one of the rows",
        {"destination": "US", "office": "DEL"},
        [("destination", "partners of the scheme"), ("office", "office of the agency")],
    ),
]


@pytest.mark.parametrize(("what", "keys", "expected"), REFUSED, ids=[what for what, _, _ in REFUSED])
async def test_a_check_lists_what_filing_refuses_and_changes_nothing(
    walk: Any, application: Application, what: str, keys: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    wanted, before = changed(application, **keys), await counted()
    outlook = await asked(walk, wanted)
    assert places(outlook.problems) == expected
    assert await counted() == before
    if not expected:
        outlook.require()
        return
    refused = await refusal_of_filing(walk, wanted)
    assert {problem.box for problem in problems_of(refused)} <= {problem.box for problem in outlook.problems}
    if keys.keys().isdisjoint({"agency", "office"}):  # without these nothing is even kept, so the rest is not looked at
        assert problems_of(refused) == outlook.problems


async def refusal_of_filing(walk: Any, application: Application) -> Refused:
    """What saving and filing it for good says."""
    at = walk.clock.now()
    try:
        draft = await open_draft(PLATFORM, application, actor="test", at=at)
        await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)
    except Refused as refusal:
        return refusal
    raise AssertionError("it was filed")


async def switch_off_office() -> None:
    await Office.update({Office.active: False}, force=True)


async def switch_off_exporter() -> None:
    await Exporter.update({Exporter.status: "suspended"}, force=True)


async def delist_agency() -> None:
    await AgencyListing.update({AgencyListing.ends_on: date(2026, 11, 1)}, force=True)


@pytest.mark.parametrize(
    ("act", "place"),
    [
        (switch_off_office, ("office", "office active")),
        (switch_off_exporter, ("exporter.iec", "exporter active")),
        (delist_agency, ("agency", "agency listed")),
    ],
)
async def test_what_was_switched_off_after_the_draft_was_saved_stops_it_from_being_filed(
    walk: Any, application: Application, act: Callable[[], Any], place: tuple[str, str]
) -> None:
    draft = await open_draft(PLATFORM, application, actor="test", at=walk.clock.now())
    await act()
    assert places((await asked(walk, application, draft=draft)).problems) == [place]
    with pytest.raises(Refused) as refused:
        await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=walk.clock.now())
    assert (refused.value.box, refused.value.rule) == place
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.DRAFT


async def test_an_exporter_that_is_not_linked_learns_nothing_more(walk: Any, application: Application) -> None:
    _, approval = await walk.approve(application)
    issued = (await walk.run(approval)).standing
    for scope in (Scope.exporter(uuid4()), Scope.broker(frozenset({uuid4()})), PUBLIC):
        for number in (issued.number, NOBODYS):
            outlook = await asked(walk, changed(application, kind=Kind.IN_LIEU, replaces=number), scope)
            assert places(outlook.problems) == [("exporter.iec", "linked to the IEC")]
            assert "goods certified once" not in {warning.rule for warning in outlook.warnings}


async def test_an_agency_files_at_its_own_offices_alone(walk: Any, application: Application) -> None:
    outlook = await asked(walk, application, Scope.agency(uuid4()))
    assert places(outlook.problems) == [("agency", "the caller's own agency")]


async def test_an_exporter_that_is_new_is_registered_by_filing_and_not_by_asking(walk: Any, application: Application) -> None:
    firm = msgspec.structs.replace(application.exporter, iec="0388012345")
    outlook = await asked(walk, changed(application, exporter=firm))
    assert outlook.problems == []
    assert not await Exporter.exists().where(Exporter.iec == "0388012345")


async def test_a_certificate_that_another_application_replaces_is_claimed(walk: Any, application: Application, filed: Any) -> None:
    _, approval = await walk.approve(application)
    number = (await walk.run(approval)).standing.number
    second = changed(application, kind=Kind.IN_LIEU, replaces=number)
    assert (await asked(walk, second)).problems == []
    holder = await filed(second)
    assert places((await asked(walk, second)).problems) == [("replaces", "replaced once")]
    again = await filed_again(PLATFORM, holder.reference, registry=walk.site.registry, at=walk.clock.now())
    assert again.draft.id == holder.id, "its own claim does not stand in its way"
    other = await open_draft(PLATFORM, second, actor="test", at=walk.clock.now())
    with pytest.raises(Conflict) as refused:
        await file(PLATFORM, other.reference, registry=walk.site.registry, actor="test", at=walk.clock.now())
    assert refused.value.code == "replacement_claimed"


async def test_what_is_filed_is_not_filed_again(walk: Any, application: Application, filed: Any) -> None:
    draft = await filed(application)
    assert places((await asked(walk, application, draft=draft)).problems) == [("state", "draft or queried")]


# --- the same goods twice ---------------------------------------------------------------------------


def doubles(outlook: Outlook) -> dict[str | None, str]:
    return {warning.box: warning.say for warning in outlook.warnings if warning.rule == "goods certified once"}


async def test_goods_that_are_filed_already_are_named_by_reference_for_each_invoice(
    walk: Any, application: Application, filed: Any
) -> None:
    assert doubles(await asked(walk, application)) == {}
    first = await filed(application)
    found = doubles(await asked(walk, application))
    assert set(found) == {"invoices[0].number", "invoices[1].number"}
    assert all(f"application {first.reference} (filed)" in say for say in found.values())
    again = await filed(application)
    assert again.state is ApplicationState.FILED, "a warning refuses nothing"
    assert doubles(await asked(walk, application, draft=first)).keys() == found.keys()
    assert first.reference not in str(doubles(await asked(walk, application, draft=first))), "none is its own double"


async def test_another_name_than_the_registered_one_is_a_warning_to_those_who_may_see_it(walk: Any, application: Application) -> None:
    def named(name: str) -> Application:
        return changed(application, exporter=msgspec.structs.replace(application.exporter, name=name))

    async def boxes(name: str, scope: Scope = PLATFORM) -> set[str | None]:
        return {each.box for each in (await asked(walk, named(name), scope)).warnings}

    registered = application.exporter.name
    assert "exporter.name" in await boxes("SOMEONE ELSE TRADING LTD")
    assert "exporter.name" not in await boxes(registered.lower().replace(" ", "  ", 1).strip())
    stranger = Scope.exporter(uuid4())
    assert registered not in str((await asked(walk, named("SOMEONE ELSE TRADING LTD"), stranger)).warnings)


async def test_an_issued_certificate_is_named_by_its_number_until_it_is_cancelled(walk: Any, application: Application) -> None:
    draft, approval = await walk.approve(application)
    standing = (await walk.run(approval)).standing
    say = doubles(await asked(walk, application))["invoices[0].number"]
    assert f"application {draft.reference} (issued, certificate {standing.number})" in say
    async with uow():
        await move_certificate(
            await by_number(standing.number), CertificateState.CANCELLED, frm=(CertificateState.ISSUED,), actor="test", at=walk.clock.now()
        )
    assert doubles(await asked(walk, application)) == {}


async def test_one_that_stands_is_named_also_behind_newer_ones_that_ended(
    walk: Any, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.filing.consignments._AT_ONCE", 1)
    numbers = []
    for _ in range(2):
        _, approval = await walk.approve(application)
        numbers.append((await walk.run(approval)).standing.number)
    async with uow():
        await move_certificate(
            await by_number(numbers[1]), CertificateState.CANCELLED, frm=(CertificateState.ISSUED,), actor="test", at=walk.clock.now()
        )
    say = doubles(await asked(walk, application))["invoices[0].number"]
    assert numbers[0] in say
    assert numbers[1] not in say


@pytest.mark.parametrize("kind", [Kind.IN_LIEU, Kind.DUPLICATE])
async def test_what_replaces_a_certificate_is_no_double_of_it(walk: Any, application: Application, filed: Any, kind: Kind) -> None:
    _, approval = await walk.approve(application)
    first = (await walk.run(approval)).standing
    second = changed(application, kind=kind, replaces=first.number)
    assert doubles(await asked(walk, second)) == {}
    part = await filed(application)
    named = str(doubles(await asked(walk, second)))
    assert (part.reference in named) is (kind is Kind.IN_LIEU)
    assert first.number not in named


async def test_the_in_lieu_certificate_is_named_and_not_the_one_it_replaced(walk: Any, application: Application) -> None:
    _, approval = await walk.approve(application)
    first = (await walk.run(approval)).standing
    _, approval = await walk.approve(changed(application, kind=Kind.IN_LIEU, replaces=first.number))
    second = (await walk.run(approval)).standing
    named = str(doubles(await asked(walk, application)))
    assert second.number in named
    assert first.number not in named


async def test_other_goods_are_no_double(walk: Any, application: Application, filed: Any) -> None:
    draft = await filed(application)
    others = [
        changed(application, invoices=tuple(msgspec.structs.replace(each, number=f"{each.number}-B") for each in application.invoices)),
        changed(
            application,
            invoices=tuple(msgspec.structs.replace(each, dated_on=each.dated_on.replace(day=1)) for each in application.invoices),
        ),
        changed(application, scheme="NP"),
        changed(application, exporter=msgspec.structs.replace(application.exporter, iec="0388012345")),
    ]
    for other in others:
        assert doubles(await asked(walk, other)) == {}
    async with uow():
        await move(draft, ApplicationState.WITHDRAWN, actor="test", at=walk.clock.now(), frm=(ApplicationState.FILED,))
    assert doubles(await asked(walk, application)) == {}


async def test_an_invoice_number_is_known_again_however_it_is_typed(walk: Any, application: Application, filed: Any) -> None:
    await filed(application)
    typed = tuple(msgspec.structs.replace(each, number=each.number.lower().replace("/", " / ")) for each in application.invoices)
    items = tuple(msgspec.structs.replace(item, invoice=item.invoice.lower().replace("/", " / ")) for item in application.items)
    assert len(doubles(await asked(walk, changed(application, invoices=typed, items=items)))) == 2


async def test_one_invoice_spelt_twice_can_be_filed(walk: Any, application: Application, filed: Any) -> None:
    first, second = application.invoices
    same = msgspec.structs.replace(second, number=first.number.lower(), dated_on=first.dated_on)
    items = tuple(
        msgspec.structs.replace(item, invoice=same.number) if item.invoice == second.number else item for item in application.items
    )
    draft = await filed(changed(application, invoices=(first, same), items=items))
    assert await ApplicationInvoice.count().where(ApplicationInvoice.application == draft.id) == 1


async def test_a_queried_application_is_known_by_the_invoices_of_its_last_filing(walk: Any, application: Application, filed: Any) -> None:
    draft = await filed(application)
    async with uow():
        await move(draft, ApplicationState.QUERIED, actor="test", at=walk.clock.now(), frm=(ApplicationState.FILED,))
    assert "(queried)" in str(doubles(await asked(walk, application)))
    await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=walk.clock.now())
    assert await ApplicationInvoice.count().where(ApplicationInvoice.application == draft.id) == 2


async def test_many_doubles_are_named_in_part(walk: Any, application: Application, filed: Any) -> None:
    references = [(await filed(application)).reference for _ in range(6)]
    say = doubles(await asked(walk, application))["invoices[0].number"]
    assert sum(reference in say for reference in references) == 3
    assert " and others. " in say


async def test_a_double_is_named_to_those_alone_who_may_see_it(walk: Any, application: Application, filed: Any) -> None:
    draft = await filed(application)
    other_office = Scope.offices(UUID(str(draft.agency_id)), frozenset({uuid4()}))
    for scope, sees in [
        (PLATFORM, True),
        (Scope.agency(draft.agency_id), True),
        (Scope.offices(draft.agency_id, frozenset({draft.office_id})), True),
        (Scope.exporter(draft.exporter_id), True),
        (Scope.broker(frozenset({draft.exporter_id})), True),
        (other_office, False),
        (Scope.agency(uuid4()), False),
        (Scope.exporter(uuid4()), False),
        (PUBLIC, False),
    ]:
        assert (draft.reference in str((await asked(walk, application, scope)).warnings)) is sees, scope


async def test_a_text_no_database_would_take_is_refused_and_never_asked_by(walk: Any, example: dict[str, Any]) -> None:
    for path in ("replaces", "iec", "invoice"):
        tree = msgspec.json.decode(msgspec.json.encode(example))
        if path == "replaces":
            tree |= {"kind": "in-lieu", "replaces": "A\x00B"}
        elif path == "iec":
            tree["exporter"]["iec"] = "AAZCD\x00417K"
        else:
            tree["invoices"][0]["number"] = tree["items"][0]["invoice"] = "A\x00B"
        spoilt, slips = look(msgspec.json.encode(tree))
        assert spoilt is not None
        outlook = await asked(walk, spoilt)
        assert {slip.box for slip in slips} <= {problem.box for problem in outlook.problems}


async def test_each_fault_of_a_text_is_said_once(walk: Any, example: dict[str, Any]) -> None:
    example["consignee"]["name"] = "A\u202eB"
    for scheme in ("AIFTA", "XYZ"):
        example["scheme"] = scheme
        application, _ = look(msgspec.json.encode(example))
        rules = [problem.rule for problem in (await asked(walk, application)).problems]
        assert rules.count("no bidi control characters") == 1, rules
    assert await ApplicationRow.count() == 0
