"""Printable leaves: from the same frozen input, unsigned, drawn once, and never taken for the certificate."""

import asyncio
import hashlib
import io
from typing import Any

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from engine.application import Application
from engine.certificate import FileKind
from engine.errors import NotFound, Refused
from engine.filing import paper_date
from engine.issuing.leaves import leaf_of, leaves_of
from engine.proof import by_approval, files_of


async def issued(walk: Any, application: Application) -> Any:
    _, approval = await walk.approve(application)
    found = await walk.run(approval)
    assert found.issued, found.problem
    return found.standing


async def leaf(walk: Any, standing: Any, name: str) -> bytes:
    site, room = walk.site, walk.corridor.drawing
    public_url, at = walk.corridor.public_url, walk.clock.now()
    return await leaf_of(standing, name, registry=site.registry, files=site.files, room=room, public_url=public_url, at=at)


def words(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


async def test_each_leaf_shows_what_the_certificate_shows_and_bears_no_signature(walk: Any, application: Application) -> None:
    standing = await issued(walk, application)
    names = leaves_of(standing, walk.site.registry)
    assert names == ("original", "duplicate", "triplicate", "quadruplicate")
    for name in names:
        pdf = await leaf(walk, standing, name)
        assert not PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        said = words(pdf)
        assert name.upper() in said
        assert "ELECTRONIC COPY" not in said
        assert standing.number in said
        assert standing.code.lower() in said.replace("\r\n", "").lower()
        assert paper_date(standing.drawn_on) in said
        answer = await walk.site.verifier.file(pdf)
        assert (answer.verdict, answer.reasons) == ("altered", ("leaf",))


async def test_a_leaf_is_drawn_once_and_recorded(walk: Any, application: Application) -> None:
    standing = await issued(walk, application)
    first, *others = await asyncio.gather(*(leaf(walk, standing, "original") for _ in range(3)))
    again = await leaf(walk, standing, "original")
    assert {first, again, *others} == {first}
    rows = [row for row in await files_of(standing) if row["kind"] == FileKind.LEAF]
    assert [(row["name"], row["file_sha256"]) for row in rows] == [("original", hashlib.sha256(first).hexdigest())]


async def test_there_is_no_leaf_that_the_form_does_not_have_and_none_before_the_issue(walk: Any, application: Application) -> None:
    standing = await issued(walk, application)
    with pytest.raises(NotFound, match="original, duplicate, triplicate, quadruplicate"):
        await leaf(walk, standing, "sextuplicate")
    _, approval = await walk.approve(application)
    for name in ("number", "draw"):
        await walk.step(name, approval)
    drawn = await by_approval(approval)
    with pytest.raises(Refused, match="drawn"):
        await leaf(walk, drawn, "original")
