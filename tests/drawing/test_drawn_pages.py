"""What a drawn certificate looks like: where every box is, on how many pages, in which fonts, and that it is always the same."""

import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageChops

from engine.contracts.drawing import Drawing, DrawRequest, Mark
from engine.contracts.form import Filled, Form
from engine.drawing.draw import draw_now
from engine.drawing.page.layout import lay_out
from engine.errors import PluginError, Refused

Certificate = Callable[..., DrawRequest]
Golden = Callable[[str, bytes], bytes]

SHEETS = ("COMBINED12", "COMBINED12A", "CERTIFICATION10", "CERTIFICATION12", "KOREA14", "MERCOSUR13")
CASES = [("AIFTA", 1), ("AIFTA", 5), ("AIFTA", 60), ("NP", 5), *((sheet, 12) for sheet in SHEETS)]
PAGES = [("AIFTA", 5, 0), ("AIFTA", 60, 1), ("NP", 5, 0), *((sheet, 12, page) for sheet in SHEETS for page in (0, 1))]


def page_text(drawing: Drawing, page: int) -> str:
    document = pdfium.PdfDocument(drawing.pdf)
    text = document[page].get_textpage().get_text_bounded()
    document.close()
    return str(text)


def picture(drawing: Drawing, page: int, dpi: int) -> Image.Image:
    document = pdfium.PdfDocument(drawing.pdf)
    shown = document[page].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
    document.close()
    return shown


@pytest.mark.parametrize(("scheme", "items"), CASES)
def test_every_box_stands_where_it_stood(certificate: Certificate, golden: Golden, scheme: str, items: int) -> None:
    drawing = draw_now(certificate(scheme, items))
    spots = [{"box": s.box, "lines": list(s.lines), **{k: round(v, 2) for k, v in asdict(s.rect).items()}} for s in drawing.placed]
    places = {"qr": asdict(drawing.qr), "signature": asdict(drawing.signature)}
    now = json.dumps(
        {"pages": drawing.pages, **{k: {a: round(b, 2) for a, b in v.items()} for k, v in places.items()}, "placed": spots},
        indent=1,
        ensure_ascii=False,
    )
    assert json.loads(golden(f"{scheme}-{items}.json", now.encode())) == json.loads(now)


@pytest.mark.parametrize(("scheme", "items", "page"), PAGES)
def test_a_page_looks_as_it_looked(certificate: Certificate, golden: Golden, stamp_png: bytes, scheme: str, items: int, page: int) -> None:
    now = picture(draw_now(certificate(scheme, items, stamp=stamp_png, appearance=stamp_png)), page, 50)
    out = io.BytesIO()
    now.save(out, "PNG", optimize=True)
    then = Image.open(io.BytesIO(golden(f"{scheme}-{items}-page{page + 1}.png", out.getvalue()))).convert("L")
    assert then.size == now.size
    difference = np.asarray(ImageChops.difference(then, now))
    assert difference.mean() < 1.0
    assert (difference > 80).mean() < 0.002


@pytest.mark.parametrize(("items", "pages"), [(1, 1), (5, 1), (60, 5), (200, 15)])
def test_goods_go_on_over_as_many_pages_as_they_need(certificate: Certificate, items: int, pages: int) -> None:
    drawing = draw_now(certificate(items=items))
    assert drawing.pages == pages
    for page in range(pages):
        text = page_text(drawing, page)
        assert "EIC/2026/MUM/0000123K" in text
        assert f"Page {page + 1} of {pages}" in text
        assert "5. Item" in text
        assert ("continued" in text) == (page > 0 or pages > 1)
        assert ("TOTAL" in text) == (page == pages - 1)
    assert {spot.box for spot in drawing.placed} >= {f"7[{index}]" for index in range(items)}
    assert drawing.signature.page == drawing.qr.page == pages - 1


def test_every_font_is_embedded(certificate: Certificate, stamp_png: bytes, tmp_path: Path) -> None:
    path = tmp_path / "drawing.pdf"
    path.write_bytes(draw_now(certificate(stamp=stamp_png, mark=Mark.DEMONSTRATION)).pdf)
    table = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert {line.split()[0].split("+")[1] for line in table} == {"DejaVuSans", "DejaVuSans-Bold"}
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in table)


def test_the_code_is_read_by_two_readers_from_150_dpi(certificate: Certificate, tmp_path: Path) -> None:
    request = certificate(mark=Mark.DEMONSTRATION)
    shown = picture(draw_now(request), 0, 150)
    shown.save(tmp_path / "page.png")
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", tmp_path / "page.png"], capture_output=True, text=True, check=True
    )
    assert read.stdout.strip() == request.qr_text
    assert cv2.QRCodeDetector().detectAndDecode(np.asarray(shown))[0] == request.qr_text


def test_the_longest_code_that_may_come_has_room(certificate: Certificate) -> None:
    sealed = "HTTPS://COO.EXAMPLE.GOV.IN/V/" + "B" * 256
    assert draw_now(certificate(qr_text=sealed)).pages == 1
    with pytest.raises(Refused, match="public_url"):
        draw_now(certificate(qr_text="HTTPS://" + "X" * 320))


def test_two_processes_give_the_same_bytes(certificate: Certificate, forms: dict[str, Form], stamp_png: bytes) -> None:
    import asyncio

    from engine.drawing import DrawingRoom

    request = certificate(items=12, stamp=stamp_png, appearance=stamp_png)

    async def elsewhere() -> str:
        room = DrawingRoom(processes=1, timeout_s=60, memory_mib=512, hooks=None)
        try:
            return (await room.draw(request)).sha256
        finally:
            await room.close()

    here = draw_now(request).sha256
    assert here == draw_now(request).sha256
    with asyncio.Runner() as runner:
        assert runner.run(elsewhere()) == here


def test_the_file_is_dated_on_the_day_of_issue_and_says_its_title_and_language(certificate: Certificate) -> None:
    document = pdfium.PdfDocument(draw_now(certificate()).pdf)
    meta = document.get_metadata_dict()
    document.close()
    assert meta["CreationDate"].startswith("D:20261121")
    assert "EIC/2026/MUM/0000123K" in meta["Title"]
    assert b"/Lang (en)" in draw_now(certificate()).pdf


def test_text_that_fills_its_box_to_the_last_line_is_drawn_and_one_line_more_is_refused(certificate: Certificate) -> None:
    request = certificate()
    box = request.form.box("1")
    room = max(room for _, room in box.sizes)
    assert room > (box.lines or 0)
    full = tuple(f"LINE {number} ẤỄ gjpqy" for number in range(room))
    drawn = draw_now(replace(request, filled=Filled({**request.filled.boxes, "1": full}, request.filled.rows)))
    assert next(spot for spot in drawn.placed if spot.box == "1").lines == full
    with pytest.raises(Refused) as refused:
        draw_now(replace(request, filled=Filled({**request.filled.boxes, "1": (*full, "ONE MORE")}, request.filled.rows)))
    assert refused.value.box == "box 1"


def test_the_tallest_row_is_drawn_on_a_page_of_its_own(certificate: Certificate) -> None:
    request = certificate(items=3)
    tall = {**request.filled.rows[1], "7": tuple(f"part {number}" for number in range(request.form.row_lines))}
    drawing = draw_now(replace(request, filled=Filled(request.filled.boxes, (request.filled.rows[0], tall, request.filled.rows[2]))))
    assert next(spot for spot in drawing.placed if spot.box == "7[1]").rect.page == 1
    taller = {**tall, "7": (*tall["7"], "one more")}
    with pytest.raises(Refused, match="Item 2 needs"):
        draw_now(replace(request, filled=Filled(request.filled.boxes, (request.filled.rows[0], taller, request.filled.rows[2]))))


def test_a_character_without_a_glyph_is_refused_with_its_box(certificate: Certificate) -> None:
    request = certificate()
    with pytest.raises(Refused, match=r"U\+0939") as refused:
        draw_now(replace(request, filled=Filled({**request.filled.boxes, "2": ("हिन्दी",)}, request.filled.rows)))
    assert refused.value.box == "box 2"
    with pytest.raises(Refused, match="officer"):
        draw_now(certificate(values={"officer_name": "अंजलि"}))


def test_a_long_name_of_an_agency_is_set_smaller_before_it_is_refused(certificate: Certificate) -> None:
    name = "Export Promotion Council for the Handloom and Handicraft Industries of the Western Districts"
    assert name in page_text(draw_now(certificate(values={"agency_name": name})), 0).replace("\r\n", " ")
    with pytest.raises(Refused, match="shorten it"):
        draw_now(certificate(values={"agency_name": name * 4}))


def test_a_leaf_bears_its_title_and_leaves_the_space_for_ink_empty(certificate: Certificate, stamp_png: bytes) -> None:
    pictures = certificate(stamp=stamp_png, appearance=stamp_png)
    leaf = draw_now(replace(pictures, leaf="triplicate"))
    assert "TRIPLICATE" in page_text(leaf, 0)
    assert "(ELECTRONIC COPY)" not in page_text(leaf, 0)
    assert b"/Subtype /Image" not in leaf.pdf
    assert b"/Subtype /Image" in draw_now(pictures).pdf
    with pytest.raises(Refused, match="no leaf 'pink'"):
        draw_now(replace(pictures, leaf="pink"))


@pytest.mark.parametrize("mark", [Mark.SPECIMEN, Mark.DEMONSTRATION])
def test_a_mark_runs_across_every_page_beneath_the_text(certificate: Certificate, mark: Mark) -> None:
    plain, marked = draw_now(certificate(items=20)), draw_now(certificate(items=20, mark=mark))
    assert marked.placed == plain.placed
    for page in range(marked.pages):
        assert mark.value in page_text(marked, page).replace("\r\n", "")
        assert mark.value not in page_text(plain, page).replace("\r\n", "")


def test_the_non_preferential_certificate_says_so_in_its_title(certificate: Certificate) -> None:
    drawing = draw_now(certificate("NP", 2))
    title = next(spot for spot in drawing.placed if spot.box == "title")
    assert title.lines == ("CERTIFICATE OF ORIGIN", "(NON-PREFERENTIAL)")


def test_a_box_that_the_form_has_not_is_never_dropped_in_silence(certificate: Certificate) -> None:
    request = certificate()
    with pytest.raises(PluginError, match="no box 99"):
        draw_now(replace(request, filled=Filled({**request.filled.boxes, "99": ("lost",)}, request.filled.rows)))


@pytest.mark.parametrize("items", range(1, 13))
def test_the_goods_end_above_the_declaration_and_nothing_can_be_added_below_them(certificate: Certificate, items: int) -> None:
    request = certificate(items=items, values={"total_value": "USD 123456789012.00 and more words that make it wrap"})
    layout = lay_out(request)
    sheet = request.form.sheet.geometry
    end = next(spot for spot in layout.placed if spot.box == "end of goods")
    assert end.rect.y_mm + end.rect.h_mm <= sheet.bottom - sheet.closing.height
    for page in layout.pages:
        outlines = [rule for rule in page.rules if not rule.dotted]
        assert all(rule.h >= 0 and rule.y + rule.h <= sheet.bottom + 0.01 for rule in outlines)
