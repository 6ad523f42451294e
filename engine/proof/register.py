"""The register: takes numbers and keeps what became of each. A number once committed is never used again.

Every change of state is one conditional write together with an event row, so that two hands never both succeed and
the state can be rebuilt from the events.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.application import IssuerKind
from engine.certificate import CertificateState, FileKind, check_pattern, format_number, new_code, number_key
from engine.clock import ist_day
from engine.errors import Conflict
from engine.proof.tables import CertificateEventRow, CertificateFileRow, CertificateRow, SeriesRow
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = [
    "Numbered",
    "SeriesRule",
    "Standing",
    "add_file",
    "by_approval",
    "by_id",
    "by_number",
    "duplicates_of",
    "files_of",
    "last_event",
    "move",
    "of_application",
    "of_applications",
    "search",
    "take_number",
    "void",
]


@dataclass(frozen=True, slots=True)
class SeriesRule:
    """How a new series numbers: its pattern, and whether its year is the calendar's or the financial one (April to March)."""

    pattern: str
    period: str

    def year(self, moment: datetime) -> int:
        """The year a number taken at that moment belongs to, in IST."""
        day = ist_day(moment)
        return day.year - 1 if self.period == "financial" and day.month < 4 else day.year


@dataclass(frozen=True, slots=True)
class Numbered:
    """What a number is taken for: the spent approval and the frozen input's hash, with what the paper will show."""

    approval_id: UUID
    application_id: UUID
    issuer_kind: IssuerKind
    agency_id: UUID | None
    office_id: UUID | None
    exporter_id: UUID
    agency_code: str
    office_code: str
    scheme: str
    form_sha256: str
    kind: str
    content_sha256: str
    shown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """One certificate as the register has it."""

    id: UUID
    number: str
    code: str
    state: CertificateState
    application_id: UUID
    approval_id: UUID
    agency_id: UUID | None
    office_id: UUID | None
    exporter_id: UUID
    scheme: str
    form_sha256: str
    kind: str
    content_sha256: str
    drawn_sha256: str | None
    drawn_on: date | None
    shown: Mapping[str, Any]
    numbered_at: datetime
    issued_at: datetime | None
    void_reason: str
    replaced_by: str

    @property
    def owner(self) -> dict[str, Any]:
        """The columns that every row below this certificate repeats."""
        return {"agency": self.agency_id, "office": self.office_id, "exporter": self.exporter_id}


async def take_number(wish: Numbered, rule: SeriesRule, *, actor: str, at: datetime) -> Standing:
    """Takes the next number of the series and writes the certificate as NUMBERED, in the unit of work around the call.

    An approval that has its number already gets that one again.
    """
    if known := await by_approval(wish.approval_id):
        return known
    series = await _next_serial(wish, rule, at)
    number = format_number(
        series["pattern"], agency=wish.agency_code, year=series["year"], office=wish.office_code, serial=series["value"], scheme=wish.scheme
    )
    row = CertificateRow(
        number=number,
        number_key=number_key(number),
        code=new_code(),
        series=series["id"],
        serial=series["value"],
        application=wish.application_id,
        live_key=str(wish.application_id),
        approval=wish.approval_id,
        issuer_kind=str(wish.issuer_kind),
        agency=wish.agency_id,
        office=wish.office_id,
        exporter=wish.exporter_id,
        scheme=wish.scheme,
        form_sha256=wish.form_sha256,
        kind=wish.kind,
        state=str(CertificateState.NUMBERED),
        content_sha256=wish.content_sha256,
        drawn_sha256=None,
        shown=json.dumps(dict(wish.shown), ensure_ascii=False),
        numbered_at=at,
    )
    await CertificateRow.insert(row)
    standing = _standing(row.to_dict())
    await _event(standing, CertificateState.NUMBERED, actor=actor, at=at, detail={"content_sha256": wish.content_sha256})
    await audit(
        "number_taken",
        room="proof",
        subject=number,
        actor=actor,
        at=at,
        agency=wish.agency_id,
        office=wish.office_id,
        after=wish.content_sha256,
    )
    return standing


async def _next_serial(wish: Numbered, rule: SeriesRule, at: datetime) -> dict[str, Any]:
    year = rule.year(at)
    owner = f"{wish.agency_id}/{wish.office_id}" if wish.issuer_kind is IssuerKind.AGENCY else f"self/{wish.exporter_id}"
    key = f"{owner}/{year}"  # one run of serials per owner and year, also after the period was changed
    for _ in range(2):
        taken = (
            await SeriesRow.update({SeriesRow.value: SeriesRow.value + 1})
            .where(SeriesRow.series_key == key)
            .returning(*SeriesRow.all_columns())
        )
        if taken:
            return dict(taken[0])
        check_pattern(rule.pattern)
        new = SeriesRow(
            series_key=key,
            issuer_kind=str(wish.issuer_kind),
            agency=wish.agency_id,
            office=wish.office_id,
            exporter=None if wish.issuer_kind is IssuerKind.AGENCY else wish.exporter_id,
            period=rule.period,
            year=year,
            pattern=rule.pattern,
        )
        await SeriesRow.insert(new).on_conflict(target=SeriesRow.series_key, action="DO NOTHING")
    raise Conflict("The series of numbers could not be opened.", code="series")


async def move(
    standing: Standing,
    to: CertificateState,
    *,
    frm: tuple[CertificateState, ...],
    actor: str,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Standing:
    """Changes the state from one of those named, with its event, in the unit of work around the call. Raises Conflict else."""
    changed: dict[Any, Any] = {CertificateRow.state: str(to), **{getattr(CertificateRow, name): value for name, value in columns.items()}}
    rows = (
        await CertificateRow.update(changed)
        .where(CertificateRow.id == standing.id, CertificateRow.state.is_in([str(state) for state in frm]))
        .returning(*CertificateRow.all_columns())
    )
    if not rows:
        raise Conflict(f"The certificate {standing.number} is not {' or '.join(frm)} any more.", code="certificate_state")
    moved = _standing(dict(rows[0]))
    await _event(moved, to, actor=actor, at=at, detail=detail or {})
    await audit(
        f"certificate_{to}",
        room="proof",
        subject=standing.number,
        actor=actor,
        at=at,
        agency=standing.agency_id,
        office=standing.office_id,
        before=standing.drawn_sha256 or "",
        after=moved.drawn_sha256 or "",
        detail=detail,
    )
    return moved


async def _event(standing: Standing, state: CertificateState, *, actor: str, at: datetime, detail: Mapping[str, Any]) -> None:
    serial = await CertificateEventRow.count().where(CertificateEventRow.certificate == standing.id)
    await CertificateEventRow.insert(
        CertificateEventRow(
            certificate=standing.id,
            **standing.owner,
            serial=serial,
            state=str(state),
            at=at,
            actor=actor,
            detail=json.dumps(dict(detail), sort_keys=True),
        )
    )


async def add_file(
    standing: Standing,
    *,
    kind: FileKind,
    serial: int,
    level: str,
    sha256: str,
    size: int,
    signer: str,
    fingerprint: str,
    at: datetime,
    name: str = "",
) -> None:
    """Writes the row that lets a file out; serial 0 of a kind exists once."""
    await CertificateFileRow.insert(
        CertificateFileRow(
            certificate=standing.id,
            **standing.owner,
            kind=str(kind),
            serial=serial,
            name=name,
            level=level,
            file_sha256=sha256,
            size=size,
            signer=signer,
            fingerprint=fingerprint,
            made_at=at,
        )
    )


async def by_approval(approval_id: UUID) -> Standing | None:
    """The certificate that an approval was spent on."""
    row = await CertificateRow.select().where(CertificateRow.approval == approval_id).first()
    return _standing(row) if row else None


async def by_id(id: UUID) -> Standing | None:
    """The certificate of that row."""
    row = await CertificateRow.select().where(CertificateRow.id == id).first()
    return _standing(row) if row else None


async def by_number(number: str) -> Standing | None:
    """The certificate of that number, however it was typed."""
    row = await CertificateRow.select().where(CertificateRow.number_key == number_key(number)).first()
    return _standing(row) if row else None


async def duplicates_of(standing: Standing) -> list[Standing]:
    """The issued duplicates of a certificate: what replaces it replaces them."""
    rows = await CertificateRow.select().where(
        CertificateRow.exporter == standing.exporter_id,
        CertificateRow.kind == "duplicate",
        CertificateRow.state == str(CertificateState.ISSUED),
    )
    return [copy for copy in map(_standing, rows) if number_key(copy.shown.get("replaces") or "") == number_key(standing.number)]


async def of_application(scope: Scope, application_id: UUID) -> Standing | None:
    """The live certificate of an application: its number is not VOID."""
    query = CertificateRow.select().where(CertificateRow.live_key == str(application_id))
    row = await covering(scope, query, CertificateRow).first()
    return _standing(row) if row else None


async def of_applications(scope: Scope, application_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """The live certificates of these applications, by application, as far as the scope covers them."""
    if not application_ids:
        return {}
    query = CertificateRow.select().where(CertificateRow.live_key.is_in([str(id) for id in application_ids]))
    standings = [_standing(row) for row in await covering(scope, query, CertificateRow)]
    return {standing.application_id: standing for standing in standings}


async def search(scope: Scope, *, limit: int = 50, offset: int = 0) -> list[Standing]:
    """Certificates that the scope covers, newest first."""
    query = CertificateRow.select().order_by(CertificateRow.numbered_at, ascending=False).limit(min(limit, 200)).offset(offset)
    return [_standing(row) for row in await covering(scope, query, CertificateRow)]


async def last_event(standing: Standing, state: CertificateState, *, having: str | None = None) -> dict[str, Any]:
    """The detail of the newest event that brought a certificate into a state, with its moment as `at`.

    `having` asks for the newest whose detail names that key: a certificate taken back to DRAWN was not drawn again.
    """
    query = CertificateEventRow.select().where(CertificateEventRow.certificate == standing.id, CertificateEventRow.state == str(state))
    for row in await query.order_by(CertificateEventRow.serial, ascending=False):
        detail = json.loads(row["detail"])
        if having is None or having in detail:
            return {**detail, "at": row["at"].isoformat()}
    raise Conflict(f"The certificate {standing.number} was never {state}.", code="certificate_state")


async def files_of(standing: Standing) -> list[dict[str, Any]]:
    """The files of a certificate, newest first within each kind."""
    rows = (
        await CertificateFileRow.select()
        .where(CertificateFileRow.certificate == standing.id)
        .order_by(CertificateFileRow.serial, ascending=False)
    )
    return [dict(row) for row in rows]


async def void(standing: Standing, reason: str, *, code: str = "void", actor: str, at: datetime) -> Standing:
    """Ends a number as never issued, with its reason; the application may get another.

    The sentence may name a person, so it stays in the row; the append-only event gets the code alone.
    """
    before = (CertificateState.NUMBERED, CertificateState.DRAWN, CertificateState.SIGNING, CertificateState.SIGNED)
    async with uow():
        return await move(
            standing,
            CertificateState.VOID,
            frm=before,
            actor=actor,
            at=at,
            detail={"reason": code},
            void_reason=reason[:300],
            live_key=str(standing.id),
        )


def _standing(row: Mapping[str, Any]) -> Standing:
    return Standing(
        id=UUID(str(row["id"])),
        number=row["number"],
        code=row["code"],
        state=CertificateState(row["state"]),
        application_id=row["application"],
        approval_id=row["approval"],
        agency_id=row["agency"],
        office_id=row["office"],
        exporter_id=row["exporter"],
        scheme=row["scheme"],
        form_sha256=row["form_sha256"],
        kind=row["kind"],
        content_sha256=row["content_sha256"],
        drawn_sha256=row["drawn_sha256"],
        drawn_on=row["drawn_on"],
        shown=json.loads(row["shown"]),
        numbered_at=row["numbered_at"],
        issued_at=row["issued_at"],
        void_reason=row["void_reason"],
        replaced_by=row["replaced_by"],
    )
