"""The specimen sheet: every name, date and picture on its page, embedded fonts, the longest names, a hundred officers."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pypdfium2 as pdfium
import pytest
from PIL import Image

from engine.contracts.drawing import Mark
from engine.drawing import DrawingRoom, leaflet
from engine.drawing.inspecting.readback import read_page
from engine.drawing.specimen_pages import draw_specimens
from engine.drawing.specimens import SheetHand, SheetOffice, SheetPicture, SpecimenSheet
from engine.errors import PluginError, Refused

WIDTH, HEIGHT = 210, 297


@pytest.fixture
def sheet(stamp_png: bytes) -> Callable[..., SpecimenSheet]:
    """Makes sheets: `sheet(officers=3)`, with one office unless more are given."""

    def make(officers: int = 3, offices: int = 1, **changes: Any) -> SpecimenSheet:
        picture = SheetPicture(stamp_png, "from 3 May 2025")
        made = SpecimenSheet(
            agency="Export Inspection Agency",
            code="EIA",
            day="22 November 2026",
            made="22 November 2026, 14:05 IST",
            dated=date(2026, 11, 22),
            offices=tuple(
                SheetOffice(
                    f"Office {n} (AA)",
                    f"{n}, Example Road, Mumbai",
                    (picture,),
                    tuple(SheetHand(f"Officer {n}-{each}", "Assistant Director", (picture,)) for each in range(officers)),
                )
                for n in range(offices)
            ),
        )
        return replace(made, **changes)

    return make


def words(pdf: bytes) -> list[str]:
    """The words of each page, without the spaces between them."""
    document = pdfium.PdfDocument(pdf)
    return ["".join("".join(run.text for run in read_page(page).runs).split()) for page in document]


def pictures(pdf: bytes) -> int:
    return sum(len(read_page(page).pictures) for page in pdfium.PdfDocument(pdf))


def test_the_sheet_says_whose_it_is_of_which_day_and_which_page(sheet: Callable[..., SpecimenSheet]) -> None:
    pages = words(draw_specimens(sheet(officers=25)))
    assert len(pages) > 1
    for index, page in enumerate(pages):
        assert "ExportInspectionAgency" in page
        assert "Specimenstampsandsignaturesinforceon22November2026" in page
        assert "EIA.Madeon22November2026,14:05IST." in page
        assert f"Page{index + 1}of{len(pages)}" in page
        assert "Office0(AA)" in page
    assert "(continued)" in pages[1]


def test_a_hundred_officers_are_all_there_each_with_their_hand(sheet: Callable[..., SpecimenSheet]) -> None:
    pdf = draw_specimens(sheet(officers=25, offices=4))
    whole = "".join(words(pdf))
    for n in range(4):
        for each in range(25):
            assert f"Officer{n}-{each}" in whole
    assert pictures(pdf) == 104


def test_equal_sheets_have_equal_bytes(sheet: Callable[..., SpecimenSheet]) -> None:
    assert draw_specimens(sheet()) == draw_specimens(sheet())


@pytest.mark.parametrize("char", ["W", "i", "Ñ", "Ж"])
def test_names_as_long_as_the_register_takes_stay_in_their_space(sheet: Callable[..., SpecimenSheet], stamp_png: bytes, char: str) -> None:
    picture = SheetPicture(stamp_png, "from 22 November 2026, 14:05 IST", "until 22 November 2026, 16:25 IST")
    hand = SheetHand(char * 120, char * 120, (picture, picture))
    office = SheetOffice(char * 200, char * 400, (picture,) * 7, (hand,) * 4)
    pdf = draw_specimens(replace(sheet(agency=char * 200), offices=(office,) * 2))
    for page in pdfium.PdfDocument(pdf):
        for run in read_page(page).runs:
            assert run.x0 >= 0
            assert run.y0 >= 0
            assert run.x1 <= WIDTH
            assert run.y1 <= HEIGHT


def test_no_text_stands_on_another(sheet: Callable[..., SpecimenSheet]) -> None:
    hand = SheetHand("W. " * 40, "Joint Director of something long " * 3, ())
    pdf = draw_specimens(replace(sheet(agency="Agency of many words " * 9), offices=(SheetOffice("N " * 90, "P " * 190, (), (hand,) * 9),)))
    for page in pdfium.PdfDocument(pdf):
        runs = [run for run in read_page(page).runs if run.text.strip()]
        for index, one in enumerate(runs):
            for other in runs[index + 1 :]:
                across = min(one.x1, other.x1) - max(one.x0, other.x0)
                down = min(one.y1, other.y1) - max(one.y0, other.y0)
                assert across < 0.3 or down < 0.6, (one, other)


def test_who_has_no_picture_and_an_office_without_a_stamp_say_so(sheet: Callable[..., SpecimenSheet]) -> None:
    bare = replace(
        sheet(),
        offices=(SheetOffice("Bare (AA)", "Mumbai", (), (SheetHand("N. Obody", "Director", ()),)), SheetOffice("Empty (BB)", "", (), ())),
    )
    [page] = words(draw_specimens(bare))
    assert "Nostamponthatday." in page
    assert "Nosignaturepictureonthatday." in page
    assert "Noofficeronthatday." in page
    [none] = words(draw_specimens(sheet(offices=0)))
    assert "Noofficehadastamp" in none


def test_a_demonstrations_sheet_says_so(sheet: Callable[..., SpecimenSheet]) -> None:
    assert "DEMONSTRATION" in "".join(words(draw_specimens(sheet(mark=Mark.DEMONSTRATION))))
    assert "DEMONSTRATION" not in "".join(words(draw_specimens(sheet())))


@pytest.mark.parametrize("name", ["<b>A</b> & Co", "{{ 7 * 7 }}", "<img src=x>", "%s {0} {agency}", "&amp;", '"><pdf:nextpage>'])
def test_names_are_text_and_nothing_else(sheet: Callable[..., SpecimenSheet], name: str) -> None:
    office = SheetOffice(name, name, (), (SheetHand(name, name, ()),))
    [page] = words(draw_specimens(replace(sheet(agency=name), offices=(office,))))
    assert page.count("".join(name.split())) >= 4


def test_a_name_that_the_font_cannot_draw_is_refused_and_named(sheet: Callable[..., SpecimenSheet]) -> None:
    with pytest.raises(Refused, match="आशा"):
        draw_specimens(replace(sheet(), offices=(SheetOffice("A", "B", (), (SheetHand("आशा", "Director", ()),)),)))


def test_a_sheet_without_end_is_refused(sheet: Callable[..., SpecimenSheet], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaflet, "_MOST_PAGES", 3)
    with pytest.raises(Refused, match="more than 3 pages"):
        draw_specimens(sheet(officers=60))


def test_a_page_that_lost_a_word_is_not_given_out(sheet: Callable[..., SpecimenSheet], monkeypatch: pytest.MonkeyPatch) -> None:
    honest = leaflet.Leaflet._html
    monkeypatch.setattr(leaflet.Leaflet, "_html", lambda *words: honest(*words).replace("Officer 0-1", "Officer 0-9"))
    with pytest.raises(PluginError, match="page 1"):
        draw_specimens(sheet())


def test_the_fonts_are_in_the_file(sheet: Callable[..., SpecimenSheet]) -> None:
    pdf = draw_specimens(sheet())
    assert pdf.count(b"/FontFile2") >= 2
    assert b"Helvetica" not in pdf


async def test_the_sheet_is_drawn_in_a_child(drawing_room: DrawingRoom, sheet: Callable[..., SpecimenSheet]) -> None:
    pdf = await drawing_room.specimens(sheet())
    assert "Officer0-2" in "".join(words(pdf))
    png = await drawing_room.picture(pdf, 0, 60)
    with Image.open(io.BytesIO(png)) as page:
        assert page.width < page.height
