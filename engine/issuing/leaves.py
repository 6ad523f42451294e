"""The printable leaves of an issued certificate: original, duplicate, triplicate, as its form lists them.

A leaf is drawn from the same frozen input as the electronic copy, with the same number, code and date. It is unsigned, bears no
picture of a stamp or a signature, leaves their space to ink, and an uploaded leaf never reads genuine. Each is drawn once
and then served from the file store.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from engine.certificate import CertificateState, FileKind
from engine.clock import ist_day
from engine.contracts.drawing import Drawing, DrawRequest
from engine.contracts.form import Form
from engine.errors import Conflict, NotFound, Refused
from engine.issuing.frozen import Frozen
from engine.issuing.tables import ApprovalRow
from engine.proof import Standing, add_file, files_of
from engine.registry import Registry
from engine.store import FileStore, uow
from engine.store.files import remember

__all__ = ["leaf_of", "leaves_of"]

_PDF = "application/pdf"


class _Draws(Protocol):
    async def draw(self, request: DrawRequest) -> Drawing: ...


def leaves_of(standing: Standing, registry: Registry) -> tuple[str, ...]:
    """The names of the leaves that the certificate's form has."""
    return tuple(leaf.name for leaf in registry.form_of(standing.scheme, standing.form_sha256).leaves)


async def leaf_of(
    standing: Standing, name: str, *, registry: Registry, files: FileStore, room: _Draws, public_url: str, at: datetime
) -> bytes:
    """The PDF of one leaf. Raises NotFound for a leaf that the form does not have, Refused until the certificate is issued."""
    form = registry.form_of(standing.scheme, standing.form_sha256)
    if name not in {leaf.name for leaf in form.leaves}:
        known = ", ".join(leaf.name for leaf in form.leaves) or "none"
        raise NotFound(f"The form of {form.scheme} has no leaf {name!r}; it has {known}.", box="leaf", rule="leaf of the form")
    if standing.state is not CertificateState.ISSUED or standing.issued_at is None:
        raise Refused(f"The certificate {standing.number} is {standing.state}; leaves belong to an issued one.", rule="certificate issued")
    if (known_sha256 := await _stored(standing, name)) is not None:
        return await files.get(known_sha256)
    pdf = (await room.draw(await _request(standing, form, name, public_url))).pdf
    sha256 = await files.put(pdf)
    try:
        async with uow():
            await remember(sha256, len(pdf), room="proof", row=str(standing.id), purpose="leaf", media_type=_PDF, at=at)
            await add_file(
                standing, kind=FileKind.LEAF, serial=0, level="", sha256=sha256, size=len(pdf), signer="", fingerprint="", at=at, name=name
            )
    except Conflict:  # somebody else drew it at the same moment, and theirs is the one that is let out
        theirs = await _stored(standing, name)
        if theirs is None:
            raise
        return await files.get(theirs)
    return pdf


async def _stored(standing: Standing, name: str) -> str | None:
    rows = await files_of(standing)
    return next((str(row["file_sha256"]) for row in rows if row["kind"] == FileKind.LEAF and row["name"] == name), None)


async def _request(standing: Standing, form: Form, name: str, public_url: str) -> DrawRequest:
    frozen = await _frozen(standing.approval_id)
    assert standing.issued_at is not None  # noqa: S101  # asked before
    on = standing.drawn_on or ist_day(standing.issued_at)
    return frozen.request(
        form, number=standing.number, code=standing.code, public_url=public_url, on=on, stamp=None, appearance=None, leaf=name
    )


async def _frozen(approval: UUID) -> Frozen:
    row = await ApprovalRow.select(ApprovalRow.frozen).where(ApprovalRow.id == approval).first()
    if row is None:
        raise Conflict("The approval of this certificate is not there any more.", code="approval_gone")
    return msgspec.json.decode(row["frozen"], type=Frozen)
