"""Inspection before signing: each way in which a drawing could differ from what was asked for is caught."""

import io
from collections.abc import Callable
from dataclasses import replace

import pypdf
import pytest
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from engine.contracts.drawing import Drawing, DrawRequest, Mark, Rect
from engine.contracts.form import Filled
from engine.drawing import draw, markup, paper
from engine.drawing.code import modules
from engine.drawing.draw import draw_now, draw_uninspected
from engine.drawing.inspecting.inspection import inspect
from engine.drawing.page.layout import Layout, lay_out
from engine.drawing.page.sketch import Block, Page
from engine.errors import PluginError

Certificate = Callable[..., DrawRequest]


def drawn(request: DrawRequest, layout: Layout, html: Callable[[str], str] = str, rows: tuple[bytes, ...] | None = None) -> Drawing:
    """A drawing of a layout that was tampered with, saying it is the true one."""
    true = lay_out(request)
    under = draw._under(request, layout)
    under = replace(under, rows=rows) if rows else under
    pdf = paper.to_pdf(
        html(markup.to_html(request, layout)), under, fonts=(request.form.regular.path, request.form.bold.path), dated=request.issued_on
    )
    return Drawing(pdf=pdf, pages=len(layout.pages), placed=true.placed, qr=true.qr, signature=true.signature)


def with_blocks(layout: Layout, change: Callable[[list[Block]], list[Block]]) -> Layout:
    return replace(layout, pages=tuple(Page(change(page.blocks), page.rules) for page in layout.pages))


def refused(drawing: Drawing, request: DrawRequest, match: str) -> None:
    with pytest.raises(PluginError, match=match) as caught:
        inspect(drawing, request)
    assert caught.value.code == "drawing_inspection"


def test_an_honest_drawing_passes(certificate: Certificate) -> None:
    request = certificate()
    inspect(drawn(request, lay_out(request)), request)


def test_a_moved_box_is_caught(certificate: Certificate) -> None:
    request = certificate()
    moved = with_blocks(lay_out(request), lambda blocks: [replace(b, x=b.x + 40) if "SAHYADRI" in b.lines[0] else b for b in blocks])
    refused(drawn(request, moved), request, "SAHYADRI.*outside every box|reads")


def test_a_box_that_slid_by_one_line_is_caught(certificate: Certificate) -> None:
    request = certificate()
    slid = with_blocks(lay_out(request), lambda blocks: [replace(b, y=b.y + 3.2) if b.lines[0] == "1" else b for b in blocks])
    refused(drawn(request, slid), request, "outside every box|reads")


def test_a_lost_line_is_caught(certificate: Certificate) -> None:
    request = certificate()
    lost = with_blocks(lay_out(request), lambda blocks: [replace(b, lines=b.lines[:-1]) if "SAHYADRI" in b.lines[0] else b for b in blocks])
    refused(drawn(request, lost), request, "box 1 on page 1 reads")


def test_a_changed_figure_is_caught(certificate: Certificate) -> None:
    request = certificate()
    changed = with_blocks(
        lay_out(request), lambda blocks: [replace(b, lines=tuple(line.replace("10400", "19400") for line in b.lines)) for b in blocks]
    )
    refused(drawn(request, changed), request, r"box 9\[0\] on page 1 reads")


def test_text_outside_every_box_is_caught(certificate: Certificate) -> None:
    request = certificate()
    extra = with_blocks(lay_out(request), lambda blocks: [*blocks, Block(160, 250.5, 30, ("EXTRA",), 6)])
    refused(drawn(request, extra), request, "EXTRA|signature")


def test_text_in_a_box_that_should_be_empty_is_caught(certificate: Certificate) -> None:
    request = certificate()
    extra = with_blocks(lay_out(request), lambda blocks: [*blocks, Block(110, 94, 60, ("Treatment given",), 7)])
    refused(drawn(request, extra), request, "Treatment given")


@pytest.mark.parametrize("module", [(0, 0), (30, 28), (56, 20)])
def test_one_changed_module_of_the_code_is_caught(certificate: Certificate, module: tuple[int, int]) -> None:
    request = certificate(mark=Mark.DEMONSTRATION)
    row, column = module
    rows = [bytearray(line) for line in modules(request.qr_text)]
    rows[row][column] ^= 1
    refused(drawn(request, lay_out(request), rows=tuple(map(bytes, rows))), request, "1 modules differ")


def test_the_code_of_another_address_is_caught(certificate: Certificate) -> None:
    request = certificate()
    other = modules(request.qr_text.replace("EXAMPLE", "EXAMPLF"))
    refused(drawn(request, lay_out(request), rows=other), request, "modules differ")


def test_white_text_is_caught(certificate: Certificate) -> None:
    request = certificate()
    refused(drawn(request, lay_out(request), html=lambda text: text.replace("color: #000000", "color: #f0f0f0")), request, "cannot be seen")


def test_a_font_that_is_not_embedded_is_caught(certificate: Certificate) -> None:
    request = certificate(values={"verify_text": "plain"})
    changed = drawn(
        request,
        lay_out(request),
        html=lambda text: text.replace('class="b"', 'style="font-family: Helvetica"', 1).replace(
            ".b {", ".b { font-family: Helvetica } .c {"
        ),
    )
    refused(changed, request, "not embedded|reads|outside")


def test_a_mark_that_is_missing_or_not_asked_for_is_caught(certificate: Certificate) -> None:
    plain, marked = certificate(), certificate(mark=Mark.SPECIMEN)
    refused(draw_uninspected(plain), marked, "has the marks")
    refused(draw_uninspected(marked), plain, "has the marks")


def test_a_picture_that_nobody_gave_is_caught(certificate: Certificate, stamp_png: bytes) -> None:
    request = certificate(stamp=stamp_png)
    refused(draw_uninspected(request), replace(request, stamp=None), "1 pictures; 0 were given")


def test_anything_in_the_space_of_the_signature_is_caught(certificate: Certificate) -> None:
    request = certificate()
    drawing = draw_now(request)
    box = next(spot for spot in drawing.placed if spot.box == "certification")
    refused(replace(drawing, signature=box.rect), request, "signature will be shown")


def test_places_that_do_not_say_what_was_asked_are_caught(certificate: Certificate) -> None:
    request = certificate()
    drawing = draw_now(request)
    other = replace(request, filled=Filled({**request.filled.boxes, "1": ("SOMEBODY ELSE",)}, request.filled.rows))
    refused(drawing, other, "box 1 does not hold")
    refused(replace(drawing, placed=drawing.placed[:3]), request, "does not hold")
    refused(drawing, replace(request, number="EIC/2026/MUM/0000124L"), "does not show the number")


def test_another_number_of_pages_is_caught(certificate: Certificate) -> None:
    request = certificate()
    drawing = draw_now(request)
    refused(replace(drawing, pages=2, qr=Rect(1, 0, 0, 1, 1)), request, "page 2 does not show the number")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(drawing.pdf))
    writer.add_blank_page()
    refused(replace(drawing, pdf=saved(writer)), request, "2 pages, not the 1")


def saved(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _script(writer: pypdf.PdfWriter) -> None:
    act = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")})
    writer.root_object[NameObject("/OpenAction")] = act


def _link(writer: pypdf.PdfWriter) -> None:
    writer.add_annotation(0, Link(rect=(0, 0, 100, 100), url="http://127.0.0.1:9/"))


def _attachment(writer: pypdf.PdfWriter) -> None:
    writer.add_attachment("x.txt", b"x")


def _encryption(writer: pypdf.PdfWriter) -> None:
    writer.encrypt("", "owner", algorithm="RC4-128")


@pytest.mark.parametrize("act", [_script, _link, _attachment, _encryption])
def test_a_file_that_acts_is_caught(certificate: Certificate, act: Callable[[pypdf.PdfWriter], None]) -> None:
    request = certificate()
    drawing = draw_now(request)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(drawing.pdf))
    act(writer)
    refused(replace(drawing, pdf=saved(writer)), request, "must not have|escapes|form, a script")


def test_garbage_is_caught(certificate: Certificate) -> None:
    request = certificate()
    drawing = draw_now(request)
    for pdf in (b"", b"%PDF-1.4", drawing.pdf[:20000]):
        refused(replace(drawing, pdf=pdf), request, "accepted")


def test_an_office_named_like_a_script_is_no_script(certificate: Certificate) -> None:
    for office in ("JS", "AA"):
        request = certificate(number=f"EIC/2026/{office}/0000123K")
        assert draw_now(request).pages == 1
