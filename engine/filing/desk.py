"""The desk: applications as rows. A draft is saved whole and checked; filing it with its cover is `money`'s deed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from engine.application import Application, ApplicationState, IssuerKind, canonical
from engine.contracts.form import Form
from engine.contracts.origin import Finding
from engine.errors import Conflict, NotFound
from engine.filing.tables import ApplicationRow, ApplicationVersion, FindingRow
from engine.people import ExporterHere, OfficeHere
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["Draft", "find", "keep_finding", "move", "save_draft", "search", "update_draft"]

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Draft:
    """An application as it stands in its row."""

    id: UUID
    reference: str
    state: ApplicationState
    version: int
    application: Application
    content_sha256: str
    agency_id: UUID | None
    office_id: UUID | None
    exporter_id: UUID
    made_at: datetime
    filed_at: datetime | None

    @property
    def owner(self) -> dict[str, Any]:
        """The columns that every row below this application repeats."""
        return {"agency": self.agency_id, "office": self.office_id, "exporter": self.exporter_id}


def new_reference() -> str:
    """A fresh reference: `APP-` and 10 letters and digits that cannot be mistaken for each other."""
    return "APP-" + "".join(secrets.choice(_LETTERS) for _ in range(10))


async def save_draft(application: Application, *, exporter: ExporterHere, office: OfficeHere | None, actor: str, at: datetime) -> Draft:
    """Writes a new application as a draft."""
    content = canonical(application)
    row = ApplicationRow(
        reference=new_reference(),
        kind=str(application.kind),
        scheme=application.scheme,
        issuer_kind=str(application.issuer_kind),
        agency=office.agency_id if office and application.issuer_kind is IssuerKind.AGENCY else None,
        office=office.id if office and application.issuer_kind is IssuerKind.AGENCY else None,
        exporter=exporter.id,
        content=content.decode(),
        content_sha256=hashlib.sha256(content).hexdigest(),
        replaces=application.replaces or "",
        made_by=actor,
        made_at=at,
    )
    async with uow():
        await ApplicationRow.insert(row)
        await _keep_version(row.to_dict(), actor, at)
        await audit(
            "application_saved",
            room="filing",
            subject=row.reference,
            actor=actor,
            at=at,
            agency=row.agency,
            office=row.office,
            after=row.content_sha256,
        )
    return _draft(row.to_dict())


async def update_draft(scope: Scope, reference: str, application: Application, *, actor: str, at: datetime) -> Draft:
    """Writes a new version of a draft or of one that was queried. Raises Conflict once it is filed."""
    before = await find(scope, reference)
    if before.state not in {ApplicationState.DRAFT, ApplicationState.QUERIED}:
        raise Conflict(
            f"The application {before.reference} is {before.state}; only a draft, or one that came back with a query, can be changed.",
            code="application_state",
            box="state",
            rule="draft or queried",
            reference=before.reference,
        )
    if moved := _moved(before.application, application):
        say = (
            f"The scheme, exporter, issuer, agency and office of an application stay as they are; {moved} differs. Make a new application."
        )
        raise Conflict(say, code="application_owner", box=moved, rule="stays as it was saved", reference=before.reference)
    content = canonical(application)
    sha256 = hashlib.sha256(content).hexdigest()
    changed = {
        ApplicationRow.content: content.decode(),
        ApplicationRow.content_sha256: sha256,
        ApplicationRow.version: before.version + 1,
        ApplicationRow.kind: str(application.kind),
        ApplicationRow.replaces: application.replaces or "",
    }
    async with uow():
        taken = (
            await ApplicationRow.update(changed)
            .where(ApplicationRow.id == before.id, ApplicationRow.version == before.version, ApplicationRow.state == str(before.state))
            .returning(*ApplicationRow.all_columns())
        )
        if not taken:
            raise Conflict(
                f"The application {before.reference} was changed by somebody else meanwhile. Load it again.",
                code="application_version",
                box="version",
                rule="newest version",
                reference=before.reference,
            )
        await _keep_version(taken[0], actor, at)
        await audit(
            "application_changed",
            room="filing",
            subject=reference,
            actor=actor,
            at=at,
            agency=before.agency_id,
            office=before.office_id,
            before=before.content_sha256,
            after=sha256,
        )
    return await find(scope, reference)


def _moved(before: Application, after: Application) -> str | None:
    """The first key that differs of those that say whose an application is and where it goes."""
    pairs = {"exporter.iec": (before.exporter.iec, after.exporter.iec)}
    pairs |= {key: (getattr(before, key), getattr(after, key)) for key in ("scheme", "issuer_kind", "agency", "office")}
    return next((key for key, (old, new) in pairs.items() if old != new), None)


async def _keep_version(row: dict[str, Any], actor: str, at: datetime) -> None:
    await ApplicationVersion.insert(
        ApplicationVersion(
            application=row["id"],
            agency=row["agency"],
            office=row["office"],
            exporter=row["exporter"],
            version=row["version"],
            content=row["content"],
            content_sha256=row["content_sha256"],
            made_by=actor,
            made_at=at,
        )
    )


async def find(scope: Scope, reference: str) -> Draft:
    """The application of that reference. Raises NotFound if there is none, or if it is not yours: the two read the same."""
    row = await covering(
        scope, ApplicationRow.select().where(ApplicationRow.reference == reference.strip().upper()), ApplicationRow
    ).first()
    if row is None:
        raise NotFound(f"There is no application {reference}.", box="reference", rule="known reference")
    return _draft(row)


async def search(scope: Scope, *, state: ApplicationState | None = None, limit: int = 50, offset: int = 0) -> list[Draft]:
    """Applications that the scope covers, newest first."""
    query = ApplicationRow.select().order_by(ApplicationRow.made_at, ascending=False).limit(min(limit, 200)).offset(offset)
    if state is not None:
        query = query.where(ApplicationRow.state == str(state))
    return [_draft(row) for row in await covering(scope, query, ApplicationRow)]


async def by_id(scope: Scope, id: UUID) -> Draft:
    """The application of that row."""
    row = await covering(scope, ApplicationRow.select().where(ApplicationRow.id == id), ApplicationRow).first()
    if row is None:
        raise NotFound("There is no such application.")
    return _draft(row)


async def move(draft: Draft, to: ApplicationState, *, actor: str, at: datetime, frm: tuple[ApplicationState, ...]) -> None:
    """Changes the state in the unit of work around the call, from one of the states named. Raises Conflict if it was another."""
    changed: dict[Any, Any] = {ApplicationRow.state: str(to)}
    if to is ApplicationState.FILED and draft.filed_at is None:
        changed[ApplicationRow.filed_at] = at
    moved = (
        await ApplicationRow.update(changed)
        .where(
            ApplicationRow.id == draft.id,
            ApplicationRow.version == draft.version,
            ApplicationRow.state.is_in([str(state) for state in frm]),
        )
        .returning(ApplicationRow.id)
    )
    if not moved:
        raise Conflict(
            f"The application {draft.reference} is not {' or '.join(frm)} any more.",
            code="application_state",
            box="state",
            rule=" or ".join(frm),
            reference=draft.reference,
        )
    await audit(
        f"application_{to}",
        room="filing",
        subject=draft.reference,
        actor=actor,
        at=at,
        agency=draft.agency_id,
        office=draft.office_id,
        after=draft.content_sha256,
    )


async def keep_finding(draft: Draft, form: Form, finding: Finding, at: datetime) -> None:
    """Writes what the origin check found for this version; the same version and form keep the first."""
    await FindingRow.insert(
        FindingRow(
            application=draft.id,
            **draft.owner,
            version=draft.version,
            form_sha256=form.sha256,
            outcome=str(finding.outcome),
            detail=msgspec.json.encode(finding).decode(),
            made_at=at,
        )
    ).on_conflict(target=(FindingRow.application, FindingRow.version, FindingRow.form_sha256), action="DO NOTHING")


def _draft(row: dict[str, Any]) -> Draft:
    return Draft(
        id=row["id"],
        reference=row["reference"],
        state=ApplicationState(row["state"]),
        version=row["version"],
        application=msgspec.json.decode(row["content"], type=Application),
        content_sha256=row["content_sha256"],
        agency_id=row["agency"],
        office_id=row["office"],
        exporter_id=row["exporter"],
        made_at=row["made_at"],
        filed_at=row["filed_at"],
    )
