"""Citing: an approved cost sheet stands for the inputs and costs of an application's line, or shows that a material originates.

Promises that whoever cites another's sheet learns whether it may be cited and nothing of what it says; that an unknown
sheet and one without a grant read the same; and that no sheet rests on itself, by however many suppliers in between.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from engine.application import Application
from engine.cost_sheet import CostSheet, SheetState
from engine.errors import Problem, Refused
from engine.filing.origin.cited import Cited, Suppliers
from engine.filing.sheets.rows import Approved, approvals_of, newest_live
from engine.filing.tables import CostSheetGrant, CostSheetRow, CostSheetVersion
from engine.people import exporter_by_id, exporter_by_iec
from engine.scope import PLATFORM, Scope, ScopeKind
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["DEEPEST", "MOST_BENEATH", "Citations", "citations_of", "cited", "require_citable", "require_no_circle", "suppliers_of"]

DEEPEST = 5
"""How many sheets may stand upon each other: the goods' own, its supplier's, that one's supplier's and so on."""

MOST_BENEATH = 50
"""How many suppliers' sheets, however deep, one sheet may rest on: all of them are judged under every scheme."""

MOST_INPUTS_BENEATH = 10_000
"""How many inputs all the suppliers' sheets may have that are judged for one application, or one sheet."""

_Asked = tuple[UUID, str]  # who cites, and which reference


@dataclass(frozen=True, slots=True)
class _No:
    """Why a sheet may not be cited."""

    rule: str
    say: str


@dataclass(frozen=True, slots=True)
class _Yes:
    """The version of a sheet that may be cited, and whose sheet it is."""

    owner: UUID
    version: int
    sha256: str
    sheet: CostSheet


@dataclass(frozen=True, slots=True)
class Citations:
    """The sheets that an application cites, by reference, and what is wrong with the others, line by line."""

    sheets: Mapping[str, Cited]
    problems: tuple[Problem, ...]


async def citations_of(scope: Scope, application: Application, *, on: date) -> Citations:
    """The sheets that the lines of an application cite, as this caller may see them on that day."""
    lines = [(f"items[{n}].origin.cost_sheet", item.origin.cost_sheet) for n, item in enumerate(application.items)]
    named = [(box, reference) for box, reference in lines if reference]
    if not named:
        return Citations({}, ())
    exporter = await exporter_by_iec(PLATFORM, application.exporter.iec)
    found = await _resolved(scope, {reference for _, reference in named}, exporter.id if exporter else None, on)
    sheets = {reference: answer for reference, answer in found.items() if isinstance(answer, Cited)}
    wrong = [Problem(box, no.rule, no.say) for box, reference in named if isinstance(no := found[reference], _No)]
    return Citations(sheets, tuple(wrong))


async def cited(scope: Scope, references: Collection[str], *, exporter_id: UUID, on: date) -> Mapping[str, Cited]:
    """The newest approved version of each sheet that holds on that day, if the exporter owns it or was granted to cite it.

    `own` where the exporter owns it and the scope covers it: only then may the caller see its figures. Raises Refused naming
    every reference that may not be cited.
    """
    found = await _resolved(scope, references, exporter_id, on)
    if wrong := [Problem("cost_sheet", no.rule, no.say) for no in found.values() if isinstance(no, _No)]:
        raise Refused.because(wrong)
    return {reference: answer for reference, answer in found.items() if isinstance(answer, Cited)}


async def suppliers_of(sheet: CostSheet, *, exporter_id: UUID, on: date) -> Suppliers:
    """The suppliers' sheets that a sheet of this exporter rests on, however deep.

    Raises Refused naming each input whose supplier's sheet it may not cite on that day.
    """
    await require_citable(sheet, exporter_id=exporter_id, on=on)
    found = await cited(PLATFORM, _references(sheet), exporter_id=exporter_id, on=on)
    beneath = next((each.suppliers.sheets for each in found.values()), {})
    return Suppliers({**beneath, **found})


async def require_citable(sheet: CostSheet, *, exporter_id: UUID, on: date) -> None:
    """Raises Refused naming each input whose supplier's sheet may not be cited by the owner of this one on that day, or is for other
    goods than the input."""
    named = [(f"inputs[{n}].cost_sheet", part.cost_sheet) for n, part in enumerate(sheet.inputs)]
    found = await _resolved(PLATFORM, {reference for _, reference in named if reference}, exporter_id, on, deepest=DEEPEST - 1)
    wrong = [Problem(box, no.rule, no.say) for box, reference in named if reference and isinstance(no := found[reference], _No)]
    if wrong := wrong or [*_other_goods(sheet, found)]:
        raise Refused.because(wrong)


async def require_no_circle(reference: str, sheet: CostSheet) -> None:
    """Raises Refused for an input whose sheet comes back to this one, through the newest or the approved versions of others."""
    for number, part in enumerate(sheet.inputs):
        if part.cost_sheet and (part.cost_sheet == reference or await _leads_to(reference, part.cost_sheet)):
            box = f"inputs[{number}].cost_sheet"
            say = f"{box} is {part.cost_sheet}, which rests on {reference} itself; no sheet shows its own origin. Leave the citation out."
            raise Refused(say, box=box, rule="no circle of sheets")


def _other_goods(sheet: CostSheet, found: Mapping[str, Cited | _No]) -> Iterable[Problem]:
    stand = Suppliers({reference: each for reference, each in found.items() if isinstance(each, Cited)})
    for number, part in enumerate(sheet.inputs):
        if part.cost_sheet and not stand.shows(part.cost_sheet, part.hs):
            box = f"inputs[{number}].cost_sheet"
            say = (
                f"{box} is {part.cost_sheet}, which is not for goods of HS {part.hs}; cite the sheet of this material, or correct its code."
            )
            yield Problem(box, "goods of the cost sheet", say)


async def _leads_to(wanted: str, start: str) -> bool:
    seen, level = {start}, {start}
    while level:
        further: set[str] = set()
        async with reading():
            rows = await CostSheetRow.select(CostSheetRow.id, CostSheetRow.content).where(CostSheetRow.reference.is_in(sorted(level)))
            approvals = await approvals_of([row["id"] for row in rows])
            contents = await _contents([approved for each in approvals.values() for approved in each])
        for sheet in [*(_sheet(row["content"]) for row in rows), *contents.values()]:
            further |= _references(sheet)
        if wanted in further:
            return True
        level = further - seen
        seen |= level
    return False


async def _resolved(
    scope: Scope, references: Iterable[str], exporter_id: UUID | None, on: date, *, deepest: int = DEEPEST
) -> dict[str, Cited | _No]:
    """What becomes of each reference that this exporter cites."""
    asked = sorted(set(references))
    if not asked or exporter_id is None or not _acts_for(scope, exporter_id):
        return {reference: _unknown(reference) for reference in asked}
    async with reading():
        answers = await _answers([(exporter_id, reference) for reference in asked], on)
        found, beneath = await _resting_well({reference: answers[exporter_id, reference] for reference in asked}, on, deepest)
        seen = await _seen(scope, exporter_id, asked)
    suppliers: dict[str, Cited] = {}
    resting = Suppliers(suppliers)

    def stands(reference: str, answer: _Yes, *, own: bool) -> Cited:
        return Cited(answer.sheet, reference, answer.version, answer.sha256, own, answer.owner != exporter_id, resting)

    suppliers |= {reference: stands(reference, answer, own=False) for reference, answer in beneath.items()}
    return {
        reference: answer if isinstance(answer, _No) else stands(reference, answer, own=reference in seen)
        for reference, answer in found.items()
    }


async def _resting_well(found: dict[str, _Yes | _No], on: date, deepest: int) -> tuple[dict[str, _Yes | _No], dict[str, _Yes]]:
    """The answers, with a no for each sheet that rests on one which may not be cited, on too many, or on too many upon each other;
    and the sheets beneath them.

    A circle never ends, so it is too many upon each other.
    """
    found, beneath = dict(found), {}
    rests: defaultdict[str, set[str]] = defaultdict(set)
    level = _suppliers((answer, {root}) for root, answer in found.items())
    for _ in range(deepest - 1):
        answers = await _answers(level, on)
        for key, answer in answers.items():
            if isinstance(answer, _No):
                found |= {root: _rests_badly(root) for root in level[key]}
                continue
            beneath[key[1]] = answer
            for root in level[key]:
                rests[root].add(key[1])
        found |= {root: _rests_wide(root) for root, sheets in rests.items() if len(sheets) > MOST_BENEATH}
        level = _suppliers((answer, level[key]) for key, answer in answers.items())
    if sum(len(answer.sheet.inputs) for answer in beneath.values()) > MOST_INPUTS_BENEATH:
        found |= {root: _rests_wide(root) for root in rests}
    return found | {root: _rests_deep(root) for roots in level.values() for root in roots}, beneath


def _suppliers(standing: Iterable[tuple[_Yes | _No, set[str]]]) -> dict[_Asked, set[str]]:
    """Who cites which sheets next, each with the sheets that were asked for and rest on it."""
    cites: defaultdict[_Asked, set[str]] = defaultdict(set)
    for answer, roots in standing:
        if isinstance(answer, _Yes):
            for reference in _references(answer.sheet):
                cites[answer.owner, reference] |= roots
    return cites


async def _answers(asked: Collection[_Asked], on: date) -> dict[_Asked, _Yes | _No]:
    """Whether each citer may cite each sheet by itself: it is known, granted or its own, and approved on that day."""
    if not asked:
        return {}
    columns = (CostSheetRow.id, CostSheetRow.reference, CostSheetRow.exporter, CostSheetRow.state)
    wanted = sorted({reference for _, reference in asked})
    rows = {row["reference"]: row for row in await CostSheetRow.select(*columns).where(CostSheetRow.reference.is_in(wanted))}
    ids = [row["id"] for row in rows.values()]
    granted, approvals = await _grants(ids, {citer for citer, _ in asked}), await approvals_of(ids)
    chosen = {sheet: live for sheet, each in approvals.items() if (live := newest_live(each, on))}
    contents = await _contents(list(chosen.values()))
    answers: dict[_Asked, _Yes | _No] = {}
    for citer, reference in asked:
        row = rows.get(reference)
        if row is None or (row["exporter"] != citer and (row["id"], citer) not in granted):
            answers[citer, reference] = _unknown(reference)
        elif live := chosen.get(row["id"]):
            answers[citer, reference] = _Yes(row["exporter"], live.version, live.content_sha256, contents[live.id])
        else:
            answers[citer, reference] = _not_approved(reference, row["state"], approvals.get(row["id"], ()))
    return answers


async def _grants(ids: list[UUID], citers: Iterable[UUID]) -> set[tuple[UUID, UUID]]:
    """Which of these sheets each citer was granted."""
    if not ids:
        return set()
    iecs = {known.iec: known.id for citer in citers if (known := await exporter_by_id(PLATFORM, citer))}
    query = CostSheetGrant.select(CostSheetGrant.cost_sheet, CostSheetGrant.iec)
    rows = await query.where(CostSheetGrant.cost_sheet.is_in(ids), CostSheetGrant.ended_at.is_null())
    return {(row["cost_sheet"], iecs[row["iec"]]) for row in rows if row["iec"] in iecs}


async def _contents(approved: Collection[Approved]) -> dict[UUID, CostSheet]:
    """The approved versions as they were saved, by approval."""
    if not approved:
        return {}
    columns = (CostSheetVersion.cost_sheet, CostSheetVersion.version, CostSheetVersion.content)
    query = CostSheetVersion.select(*columns).where(CostSheetVersion.cost_sheet.is_in(list({each.cost_sheet for each in approved})))
    rows = await query.where(CostSheetVersion.version.is_in(list({each.version for each in approved})))
    saved = {(row["cost_sheet"], row["version"]): row["content"] for row in rows}
    return {each.id: _sheet(saved[each.cost_sheet, each.version]) for each in approved}


async def _seen(scope: Scope, exporter_id: UUID, references: list[str]) -> set[str]:
    """Those of the references that are the exporter's own and that the scope covers."""
    query = CostSheetRow.select(CostSheetRow.reference).where(
        CostSheetRow.exporter == exporter_id, CostSheetRow.reference.is_in(references)
    )
    return {row["reference"] for row in await covering(scope, query, CostSheetRow)}


def _acts_for(scope: Scope, exporter_id: UUID) -> bool:
    """Whether the caller may ask in the exporter's name; an agency files for every exporter."""
    match scope.kind:
        case ScopeKind.EXPORTER | ScopeKind.BROKER:
            return exporter_id in scope.exporter_ids
        case ScopeKind.PUBLIC:
            return False
        case _:
            return True


def _references(sheet: CostSheet) -> set[str]:
    return {part.cost_sheet for part in sheet.inputs if part.cost_sheet}


def _sheet(content: str) -> CostSheet:
    return msgspec.json.decode(content, type=CostSheet)


def _unknown(reference: str) -> _No:
    say = f"There is no cost sheet {reference} that this exporter may cite; ask its maker for the reference and for leave to cite it."
    return _No("cost sheet that may be cited", say)


def _not_approved(reference: str, state: str, approvals: tuple[Approved, ...]) -> _No:
    if approvals:
        say = f"The approval of the cost sheet {reference} expired on {approvals[0].valid_until}; its maker lodges it again for a new one."
        return _No("approval in force", say)
    if state == SheetState.WITHDRAWN:
        return _No("approval in force", f"The cost sheet {reference} was withdrawn; ask its maker for another one.")
    return _No("approval in force", f"The cost sheet {reference} is not approved; its maker lodges it, and an officer approves it.")


def _rests_badly(reference: str) -> _No:
    say = f"The cost sheet {reference} rests on a supplier's sheet that may not be cited any more; its maker mends it and lodges it again."
    return _No("suppliers' sheets in force", say)


def _rests_wide(reference: str) -> _No:
    say = (
        f"The cost sheet {reference} rests on more than {MOST_BENEATH} sheets of suppliers, or with others on more than "
        f"{MOST_INPUTS_BENEATH} inputs of theirs; its maker cites fewer of them."
    )
    return _No("number of sheets beneath", say)


def _rests_deep(reference: str) -> _No:
    say = f"The cost sheet {reference} rests on more than {DEEPEST} sheets upon each other, or on itself; its maker mends it."
    return _No("depth of citations", say)
