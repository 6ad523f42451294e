"""Our pipeline in this one process, whole and in parts, so that a figure per core means one core.

The parts are the product's own functions, in the order in which the corridor calls them; nothing is left out but what a
case says it leaves out.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from engine.bench.stage import Numbered, Stage
from engine.certificate import CertificateState, FileKind
from engine.contracts.drawing import Drawing, DrawRequest
from engine.contracts.signing import Cms, Document, RawSignature, SignatureJob, Signed
from engine.drawing import DrawingRoom
from engine.drawing.draw import draw_now, draw_uninspected
from engine.errors import PluginError
from engine.issuing import pades
from engine.proof import add_file, move
from engine.proof.signature import check_signature, verify_signed
from engine.store import uow
from engine.store.files import remember

__all__ = ["DrawsHere", "Ours"]

_ACTOR = "bench"


class DrawsHere(DrawingRoom):
    """A drawing room that draws in the caller's process by the function its children call, for a figure per core."""

    async def draw(self, request: DrawRequest) -> Drawing:
        """The inspected drawing."""
        return draw_now(request)


@dataclass(frozen=True, slots=True)
class Ours:
    """Our pipeline on a stage."""

    stage: Stage

    async def issue(self, ready: Numbered) -> bytes:
        """One certificate: drawn, inspected, signed, opened again and verified, stored as a file, one transaction of rows."""
        drawing = draw_now(ready.request)
        signed = await self.sign(ready, drawing)
        await self._verify(ready, drawing.pdf, signed)
        await self._store(ready, drawing, signed)
        return signed

    async def issue_unproven(self, ready: Numbered) -> bytes:
        """The same without reading back the drawing and without verifying what was signed."""
        drawing = draw_uninspected(ready.request)
        signed = await self.sign(ready, drawing)
        await self._store(ready, drawing, signed)
        return signed

    async def sign(self, ready: Numbered, drawing: Drawing) -> bytes:
        """The signed drawing: place reserved, attributes signed by the `key_file` signer, the signature proven and embedded."""
        chain, site = ready.signatory.chain, self.stage.site
        prepared = await pades.prepare(
            drawing.pdf,
            chain=chain,
            field=drawing.signature,
            signer_name=ready.signer_name,
            at=site.clock.now(),
            reason=f"Certificate of Origin {ready.standing.number}",
            location=ready.place,
            mode=self.stage.signer.mode,
        )
        return await pades.finish(prepared, await self._key_used(ready, drawing, prepared), chain=chain)

    def prove(self, pdf: bytes) -> None:
        """Raises PluginError unless the PDF is signed, whole, by a chain that the site trusts.

        A certificate of the naive pipeline may be what it is: not certified, so anybody may add to it.
        """
        report = check_signature(pdf, trust=self.stage.site.trust, at=self.stage.site.clock.now())
        if not (report.intact and report.valid and report.trusted and report.whole_file):
            raise PluginError(f"A certificate of the benchmark is not sound. {report.say}")

    async def _key_used(self, ready: Numbered, drawing: Drawing, prepared: pades.Prepared) -> RawSignature | Cms:
        id = uuid4().hex
        document = Document(
            id=id, title=ready.standing.number, digest=prepared.digest, attributes=prepared.attributes, drawn_sha256=drawing.sha256
        )
        outcome = await self.stage.signer.start(SignatureJob(id, id, ready.signatory.signatory, (document,)))
        result = outcome.documents[0].result if isinstance(outcome, Signed) else None
        if not isinstance(result, RawSignature | Cms):
            raise PluginError("The signer of the demonstration site did not sign.")
        return result

    async def _verify(self, ready: Numbered, drawn: bytes, signed: bytes) -> None:
        site = self.stage.site
        chain, at = ready.signatory.chain, site.clock.now()
        await asyncio.to_thread(verify_signed, signed, drawn_pdf=drawn, chain=chain, trust=site.trust, at=at)

    async def _store(self, ready: Numbered, drawing: Drawing, signed: bytes) -> None:
        """The file for good, then the rows that let it out."""
        site, standing = self.stage.site, ready.standing
        sha256, at = await site.files.put(signed), site.clock.now()
        issued: dict[str, Any] = {"drawn_sha256": drawing.sha256, "drawn_on": ready.request.issued_on, "issued_at": at}
        async with uow():
            await remember(
                sha256, len(signed), room="proof", row=str(standing.id), purpose="certificate", media_type="application/pdf", at=at
            )
            await add_file(
                standing,
                kind=FileKind.ELECTRONIC,
                serial=0,
                level="B-B",
                sha256=sha256,
                size=len(signed),
                signer=ready.signatory.signer,
                fingerprint=ready.signatory.fingerprint,
                at=at,
            )
            await move(standing, CertificateState.ISSUED, frm=(CertificateState.NUMBERED,), actor=_ACTOR, at=at, **issued)
