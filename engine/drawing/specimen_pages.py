"""The specimen sheet: an agency's stamps and signatures on A4 pages, for partner customs to compare certificates with.

Promises: every name, date and picture that was asked for is on a page, inside its space, and read back from there; a name as
long as the register takes fits; the same sheet has the same bytes. Knows of no row: what it shows is handed in.
"""

from collections.abc import Iterator, Sequence

from engine.drawing.leaflet import HEIGHT, MARGIN, ROOM, WIDTH, Leaflet
from engine.drawing.page.sketch import Rule
from engine.drawing.specimens import SheetHand, SheetOffice, SheetPicture, SpecimenSheet

__all__ = ["draw_specimens"]

_TOP, _BOTTOM = 39.0, HEIGHT - 19.0
_STAMP_CELL = (ROOM / 3, 52.0)
_STAMP_PICTURE = 38.0
_NAME, _HAND, _SINCE = 82.0, 62.0, ROOM - 82.0 - 62.0
_HAND_ROW = 24.0
_PAD = 2.0


def draw_specimens(sheet: SpecimenSheet) -> bytes:
    """The sheet as PDF. Raises Refused for a name that cannot be drawn, PluginError if the renderer broke a promise."""
    made = Leaflet("specimen sheet", top=_TOP, bottom=_BOTTOM)
    for office in sheet.offices:
        _office(made, office)
    if not made.pages:
        made.need(20)
        made.write("No office had a stamp or an officer on that day.", MARGIN, made.y, ROOM, 10)
    _frame(made, sheet)
    return made.pdf(
        title=f"Specimen stamps and signatures, {sheet.code}",
        author=sheet.agency,
        subject=f"Specimen stamps and signatures of {sheet.day}",
        mark=str(sheet.mark),
        dated=sheet.dated,
    )


def _office(made: Leaflet, office: SheetOffice) -> None:
    """An office: its name, its stamps in rows of three, its officers one below the other; headings are said again on each page."""
    first = min(_stamps_height(office), 60.0) + (_HAND_ROW if office.officers else 0.0)
    made.need(_heading_height(made, office) + max(first, _HAND_ROW))
    _heading(made, office, again=False)
    for row in _threes(office.stamps):
        if made.need(_STAMP_CELL[1]):
            _heading(made, office, again=True)
        for index, stamp in enumerate(row):
            _stamp(made, stamp, MARGIN + index * _STAMP_CELL[0])
        made.y += _STAMP_CELL[1]
    if not office.stamps:
        made.y += made.write("No stamp on that day.", MARGIN + _PAD, made.y + _PAD, ROOM, 9) + 2 * _PAD
    made.y += 2.5
    for hand in office.officers:
        for picture in hand.pictures or (None,):
            height = max(_HAND_ROW, _name_height(made, hand) + 2 * _PAD)
            if made.need(height):
                _heading(made, office, again=True)
            _hand(made, hand, picture, height)
    if not office.officers:
        made.y += made.write("No officer on that day.", MARGIN + _PAD, made.y + _PAD, ROOM, 9) + 2 * _PAD
    made.y += 8.0


def _heading_height(made: Leaflet, office: SheetOffice) -> float:
    return made.height(office.name, ROOM, 11, bold=True) + made.height(office.place, ROOM, 8.5) + 4.0


def _heading(made: Leaflet, office: SheetOffice, *, again: bool) -> None:
    name = f"{office.name} (continued)" if again else office.name
    made.y += made.write(name, MARGIN, made.y, ROOM, 11, bold=True)
    if not again:
        made.y += made.write(office.place, MARGIN, made.y, ROOM, 8.5)
    made.y += 2.0


def _stamps_height(office: SheetOffice) -> float:
    return -(-len(office.stamps) // 3) * _STAMP_CELL[1] if office.stamps else 8.0


def _threes(stamps: Sequence[SheetPicture]) -> Iterator[Sequence[SheetPicture]]:
    for start in range(0, len(stamps), 3):
        yield stamps[start : start + 3]


def _stamp(made: Leaflet, stamp: SheetPicture, x: float) -> None:
    w, h = _STAMP_CELL
    made.box(x, made.y, w, h)
    side = _STAMP_PICTURE
    made.picture(stamp.png, x + (w - side) / 2, made.y + _PAD, side, side)
    words = " ".join(filter(None, [f"Stamp, {stamp.since}", stamp.until]))
    made.write(words, x + _PAD, made.y + side + 2 * _PAD, w - 2 * _PAD, 8, align="center", most=2)


def _name_height(made: Leaflet, hand: SheetHand) -> float:
    width = _NAME - 2 * _PAD
    return made.height(hand.name, width, 9.5, bold=True) + made.height(hand.designation, width, 8.5)


def _hand(made: Leaflet, hand: SheetHand, picture: SheetPicture | None, height: float) -> None:
    """One row: name and designation, the hand, since when."""
    y, x = made.y, MARGIN
    for width in (_NAME, _HAND, _SINCE):
        made.box(x, y, width, height)
        x += width
    used = made.write(hand.name, MARGIN + _PAD, y + _PAD, _NAME - 2 * _PAD, 9.5, bold=True)
    made.write(hand.designation, MARGIN + _PAD, y + _PAD + used, _NAME - 2 * _PAD, 8.5)
    left = MARGIN + _NAME
    if picture is None:
        made.write("No signature picture on that day.", left + _PAD, y + _PAD, _HAND - 2 * _PAD, 8.5)
    else:
        made.picture(picture.png, left + _PAD, y + _PAD, _HAND - 2 * _PAD, height - 2 * _PAD)
        words = " ".join(filter(None, [picture.since, picture.until]))
        made.write(words, left + _HAND + _PAD, y + _PAD, _SINCE - 2 * _PAD, 8)
    made.y += height


def _frame(made: Leaflet, sheet: SpecimenSheet) -> None:
    """Head and foot of every page, once it is known how many there are."""
    filled = made.pages
    for index, page in enumerate(filled):
        made.pages = [page]
        used = made.write(sheet.agency, MARGIN, 13.0, ROOM, 14, bold=True, most=2)
        used += made.write(f"Specimen stamps and signatures in force on {sheet.day}", MARGIN, 13.5 + used, ROOM, 10.5)
        page.rules.append(Rule(MARGIN, 13.0 + used + 3.0, ROOM, 0))
        page.rules.append(Rule(MARGIN, HEIGHT - 16.0, ROOM, 0))
        made.write(f"{sheet.code}. Made on {sheet.made}.", MARGIN, HEIGHT - 14.5, ROOM - 40, 7.5)
        made.write(f"Page {index + 1} of {len(filled)}", WIDTH - MARGIN - 40, HEIGHT - 14.5, 40, 7.5, align="right")
    made.pages = filled
