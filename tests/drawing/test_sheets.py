"""Every sheet of ecoo: what it holds at its fullest, 1 to 200 goods lines, the table that is joined to the goods, tick boxes, leaves."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contracts.drawing import Drawing, DrawRequest, Placed
from engine.contracts.form import Box, Filled, Form, Leaf
from engine.drawing.draw import draw_now
from engine.drawing.page.layout import lay_out
from engine.errors import Refused

Certificate = Callable[..., DrawRequest]

SHEETS = {
    "AIFTA": "ecoo:combined12",
    "COMBINED12": "ecoo:combined12",
    "COMBINED12A": "ecoo:combined12a",
    "CERTIFICATION10": "ecoo:certification10",
    "CERTIFICATION12": "ecoo:certification12",
    "KOREA14": "ecoo:korea14",
    "MERCOSUR13": "ecoo:mercosur13",
    "NP": "ecoo:neutral",
}
SCHEMES = tuple(SHEETS)
# The longest that an application may hold (engine/application.py), in the widest letters of Latin names.
LONGEST = {
    "declared_by": "W" * 120,
    "exporter_name": "M" * 200,
    "declared_place": "W" * 120,
    "export_document": "W" * 120,
    "endorsement": "ISSUED IN LIEU OF EIC/2026/MUM/0000099K OF 01 NOV 2026",
    "endorsement_unticked": "ISSUED IN LIEU OF EIC/2026/MUM/0000099K OF 01 NOV 2026",
    "destination": "SOUTH GEORGIA AND THE SOUTH SANDWICH ISLANDS",
    "tick_third_party": "X",
    "tick_retrospective": "X",
    "tick_cumulation": "X",
}


@pytest.mark.parametrize(("scheme", "sheet"), SHEETS.items())
def test_each_sheet_has_a_form_here(forms: dict[str, Form], scheme: str, sheet: str) -> None:
    assert forms[scheme].sheet.name == sheet


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("leaf", [None, "duplicate"])
def test_every_box_at_its_fullest_is_drawn_and_one_line_more_is_refused(
    certificate: Certificate, stamp_png: bytes, scheme: str, leaf: str | None
) -> None:
    request = _with_leaves(certificate(scheme, 3, values=LONGEST, stamp=stamp_png, appearance=stamp_png, leaf=leaf))
    full = {box.no: _full(box) for box in request.form.boxes if not box.in_rows}
    rows = (dict.fromkeys(request.filled.rows[0], ("a", "b")), _tallest(request.form), request.filled.rows[2])
    drawn = {spot.box: spot.lines for spot in draw_now(replace(request, filled=Filled(full, rows))).placed}
    assert all(drawn[no] == lines for no, lines in full.items() if lines)
    for no in (no for no, lines in full.items() if lines):
        with pytest.raises(Refused, match="Shorten it") as refused:
            lay_out(replace(request, filled=Filled({**full, no: (*full[no], "one more")}, rows)))
        assert refused.value.box == f"box {no}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_goods_row_of_one_line_more_than_a_page_holds_is_refused(certificate: Certificate, scheme: str) -> None:
    request = certificate(scheme, 3)
    tall = _tallest(request.form)
    no = max(tall, key=lambda no: len(tall[no]))
    taller = {**tall, no: (*tall[no], "one more")}
    with pytest.raises(Refused, match="Item 2 needs"):
        lay_out(replace(request, filled=Filled(request.filled.boxes, (request.filled.rows[0], taller))))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scheme=st.sampled_from(SCHEMES), heights=st.lists(st.integers(1, 30), min_size=1, max_size=200), data=st.data())
def test_no_line_is_lost_cut_or_outside_the_form_however_many_goods_there_are(
    certificate: Certificate, scheme: str, heights: list[int], data: st.DataObject
) -> None:
    request = certificate(scheme, 1)
    form = request.form
    tall = data.draw(st.sampled_from([box.no for box in form.boxes if box.in_rows and box.field not in {"item_number", "criterion"}]))
    rows = tuple(
        {**request.filled.rows[0], tall: tuple(f"{index}.{line}" for line in range(height))} for index, height in enumerate(heights)
    )
    layout = lay_out(replace(request, filled=Filled(request.filled.boxes, rows)))
    placed = {spot.box: spot for spot in layout.placed}
    for index, height in enumerate(heights):
        assert placed[f"{tall}[{index}]"].lines == tuple(f"{index}.{line}" for line in range(height))
    _nothing_overlaps(form, layout.placed, len(layout.pages))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("items", [1, 2, 7, 40, 200])
def test_what_is_read_back_from_the_pages_is_what_was_asked_for(certificate: Certificate, scheme: str, items: int) -> None:
    request = certificate(scheme, items)
    drawing = draw_now(request)  # which reads every page back and refuses a drawing that says anything else
    read = " ".join(_text(drawing).split())
    for row in request.filled.rows:
        for paragraphs in row.values():
            assert all(" ".join(text.split())[:12] in read for text in paragraphs)
    assert drawing.signature.page == drawing.pages - 1


def test_the_criteria_stand_below_the_goods_of_the_same_page_joined_by_the_order_number(certificate: Certificate) -> None:
    drawing = draw_now(certificate("MERCOSUR13", 60))
    assert drawing.pages > 2
    placed = {spot.box: spot for spot in drawing.placed}
    for index in range(60):
        goods, order, criterion = placed[f"8[{index}]"], placed[f"6[{index}] again"], placed[f"10[{index}]"]
        assert goods.rect.page == order.rect.page == criterion.rect.page
        assert order.lines == placed[f"6[{index}]"].lines == (str(index + 1),)
        assert order.rect.y_mm == criterion.rect.y_mm > goods.rect.y_mm + goods.rect.h_mm


@pytest.mark.parametrize(
    ("scheme", "ticks", "says"),
    [
        ("CERTIFICATION10", {"tick_third_party": "X", "tick_retrospective": ""}, {"third party ticked"}),
        ("CERTIFICATION10", {"tick_third_party": "", "tick_retrospective": "X"}, {"retrospective ticked"}),
        (
            "CERTIFICATION12",
            {"tick_third_party": "X", "tick_retrospective": "X", "tick_cumulation": "X"},
            {"retrospective ticked", "cumulation ticked"},
        ),
        ("AIFTA", {"tick_third_party": "X", "tick_retrospective": "X", "tick_cumulation": "X"}, set()),
    ],
)
def test_a_tick_box_is_ticked_by_what_the_certificate_is(
    certificate: Certificate, scheme: str, ticks: dict[str, str], says: set[str]
) -> None:
    placed = {spot.box: spot.lines for spot in lay_out(certificate(scheme, 2, values=ticks)).placed}
    assert {name for name in placed if name.endswith(" ticked")} == says
    assert all(placed[name] == ("X",) for name in says)


def test_a_tick_box_without_words_of_the_form_is_not_ruled(certificate: Certificate) -> None:
    request = certificate("AIFTA", 2)
    worded = lay_out(request).pages[0].rules
    wording = {key: words for key, words in request.form.wording.items() if not key.startswith(("treatment", "official"))}
    bare = lay_out(replace(request, form=replace(request.form, wording=wording))).pages[0].rules
    gone = [rule for rule in worded if rule not in bare]
    assert [(rule.w, rule.h) for rule in gone] == [(3.4, 3.4), (3.4, 3.4), (83.0, 0)]


def test_form_a_has_the_certification_on_the_left_and_the_declaration_on_the_right(certificate: Certificate) -> None:
    a, ai = (draw_now(certificate(scheme, 2)) for scheme in ("COMBINED12A", "AIFTA"))
    assert ai.qr.x_mm - a.qr.x_mm == pytest.approx(93)
    placed = {spot.box: spot for spot in a.placed}
    assert placed["heading 11"].lines == ("11. Certification",)
    assert placed["heading 11"].rect.x_mm < placed["heading 12"].rect.x_mm
    assert placed["declared at"].rect.x_mm > placed["certified at"].rect.x_mm


def test_a_box_is_set_smaller_only_when_its_text_needs_it(forms: dict[str, Form]) -> None:
    form = forms["CERTIFICATION12"]
    box = form.box("1")
    assert form.fitted(box, ("ONE LINE",))[0] == box.size_pt == 8.0
    sizes = [form.fitted(box, tuple("line" for _ in range(count)))[0] for count in range(1, len(_full(box)) + 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < box.size_pt


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("leaf", ["original", "duplicate"])
def test_a_leaf_is_headed_by_its_title_and_has_no_picture_but_the_same_code(
    certificate: Certificate, stamp_png: bytes, scheme: str, leaf: str
) -> None:
    request = _with_leaves(certificate(scheme, 2, stamp=stamp_png, appearance=stamp_png))
    electronic, printed = draw_now(request), draw_now(replace(request, leaf=leaf))
    title = next(spot for spot in printed.placed if spot.box == "copy")
    assert title.lines == (leaf.upper(),)
    assert (b"/Subtype /Image" in electronic.pdf, b"/Subtype /Image" in printed.pdf) == (True, False)
    assert (printed.qr, printed.signature) == (electronic.qr, electronic.signature)
    others = [[spot for spot in drawing.placed if spot.box != "copy"] for drawing in (electronic, printed)]
    assert others[0] == others[1]


def _with_leaves(request: DrawRequest) -> DrawRequest:
    """The request; a form that has no copies for paper borrows two, as its sheet draws them for other forms."""
    leaves = tuple(Leaf(name=name, title=name.upper(), ink=True) for name in ("original", "duplicate"))
    return replace(request, form=replace(request.form, leaves=request.form.leaves or leaves))


def _full(box: Box) -> tuple[str, ...]:
    """Short lines that fill a box to its last one, at the smallest size it may be set in."""
    return tuple(f"LINE {number} ẤỄ gjpqy" for number in range(max(room for _, room in box.sizes)))


def _tallest(form: Form) -> dict[str, tuple[str, ...]]:
    """A goods row of as many lines as a page holds, with room for its one line in a joined table."""
    below = {column.field for column in form.sheet.geometry.goods.joined}
    lines = tuple(f"part {number}" for number in range(form.row_lines - bool(below)))
    return {box.no: ("one",) if box.field in below else lines for box in form.boxes if box.in_rows}


def _nothing_overlaps(form: Form, placed: tuple[Placed, ...], pages: int) -> None:
    """On every page the goods, in each column, stand one below the other and within the frame."""
    sheet = form.sheet.geometry
    for page in range(pages):
        floor = sheet.bottom - (sheet.closing.height if page == pages - 1 else 0.0)
        columns: dict[float, list[Placed]] = {}
        for spot in placed:
            if spot.rect.page == page and "[" in spot.box:
                columns.setdefault(spot.rect.x_mm, []).append(spot)
        for column in columns.values():
            column.sort(key=lambda spot: spot.rect.y_mm)
            assert column[-1].rect.y_mm + column[-1].rect.h_mm <= floor
            assert all(above.rect.y_mm + above.rect.h_mm <= below.rect.y_mm + 1e-6 for above, below in pairwise(column))


def _text(drawing: Drawing) -> str:
    document = pdfium.PdfDocument(drawing.pdf)
    text = " ".join(document[page].get_textpage().get_text_bounded() for page in range(drawing.pages))
    document.close()
    return text
