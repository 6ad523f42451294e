"""Twenty uploads beside what came of them, with their scores, as one picture for the documentation."""

import io

from PIL import Image, ImageDraw, ImageOps

from engine.bench.studio.corpus import Case, cases
from engine.bench.studio.marks import font
from engine.contracts.drawing import CleanImage, ImageRequest
from engine.drawing import DrawingRoom

__all__ = ["SHOWN", "contact_sheet"]

SHOWN = (
    ("round", "print"), ("seal", "shadow"), ("box", "worn"), ("initials", "ruled"), ("loops", "squared"), ("round", "perspective"),
    ("angular", "print"), ("box", "tinted"), ("seal", "worn"), ("round", "blur"), ("angular", "shadow"), ("loops", "noise"),
    ("box", "squared"), ("round", "scan150"), ("initials", "tinted"), ("seal", "two_inks"), ("loops", "worn"), ("round", "worn"),
    ("box", "print"), ("angular", "blur"),
)  # fmt: skip
_WIDE, _HIGH, _GAP, _FOOT = 200, 150, 10, 26
_COLUMNS = 4
_MOST_BYTES = 600_000


async def contact_sheet(seed: int = 1) -> bytes:
    """A PNG of under 600 kB: four pairs a row, the upload at the left, its ink at the right, the condition and the score below."""
    room = DrawingRoom(processes=1, timeout_s=60, memory_mib=512)
    pair = 2 * _WIDE + 3 * _GAP
    high = _HIGH + _FOOT + _GAP
    sheet = Image.new("RGB", (_COLUMNS * pair + _GAP, -(-len(SHOWN) // _COLUMNS) * high + _GAP), (255, 255, 255))
    try:
        for index, (mark, condition) in enumerate(SHOWN):
            case = next(cases(seed, marks=(mark,), conditions=(condition,)))
            cleaned = await room.clean(ImageRequest(case.kind, case.data))
            _draw_pair(sheet, (_GAP + index % _COLUMNS * pair, _GAP + index // _COLUMNS * high), case, cleaned, condition)
    finally:
        await room.close()
    for colours in (256, 128, 64):
        out = io.BytesIO()
        sheet.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() < _MOST_BYTES:
            break
    return out.getvalue()


def _draw_pair(sheet: Image.Image, at: tuple[int, int], case: Case, cleaned: CleanImage, condition: str) -> None:
    draw = ImageDraw.Draw(sheet)
    with Image.open(io.BytesIO(case.data)) as upload:
        shown = ImageOps.pad(ImageOps.exif_transpose(upload).convert("RGB"), (_WIDE, _HIGH), color=(255, 255, 255))
    sheet.paste(shown, at)
    with Image.open(io.BytesIO(cleaned.png)) as ink:
        ink.thumbnail((_WIDE - 8, _HIGH - 8), Image.Resampling.LANCZOS)
        sheet.paste(ink, (at[0] + _WIDE + _GAP + (_WIDE - ink.width) // 2, at[1] + (_HIGH - ink.height) // 2), ink)
    draw.rectangle((at[0] + _WIDE + _GAP, at[1], at[0] + 2 * _WIDE + _GAP, at[1] + _HIGH), outline=(205, 205, 205))
    draw.text((at[0], at[1] + _HIGH + 4), condition.replace("_", " "), font=font(14, bold=False), fill=(90, 90, 90))
    draw.text((at[0] + _WIDE + _GAP, at[1] + _HIGH + 4), f"score {cleaned.quality}", font=font(14), fill=(40, 40, 40))
