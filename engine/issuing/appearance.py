"""What the signature field shows: a few lines of text in an embedded font, and nothing else.

Promises that each font in the signed PDF is embedded, that the text can be selected and read back, and that a text that
does not fit or cannot be drawn is refused rather than cut. A face is subset once per set of characters and process, so a
signatory's second signature costs nothing. Where the field is, and what it says, is decided elsewhere.
"""

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic as typed_generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from engine.errors import ConfigError, Refused

__all__ = ["FACE", "Face", "appearance", "dictionary", "face_for"]

FACE = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
"""DejaVu Sans where Debian's fonts-dejavu-core puts it: the face of the forms."""

generic: Any = typed_generic  # pyHanko's object constructors carry no types

LARGEST_PT, SMALLEST_PT, STEP_PT = 8.0, 4.0, 0.5
LEADING = 1.2
MARGIN_PT = 2.0


@dataclass(frozen=True, slots=True)
class Face:
    """A subset face ready for a PDF: glyph number and width (thousandths of the size) by character, and the objects' data."""

    name: str
    glyphs: Mapping[str, int]
    widths: Mapping[str, float]
    box: tuple[float, float, float, float]
    ascent: float
    descent: float
    program: bytes
    """The TrueType file, deflated."""
    program_length: int

    def width(self, text: str, size: float) -> float:
        """How wide the text is at that size, in points."""
        return sum(self.widths[c] for c in text) * size / 1000


@lru_cache(maxsize=256)
def face_for(characters: frozenset[str], path: Path = FACE) -> Face:
    """The face with just these characters. Raises Refused if it lacks one, ConfigError if the font file is missing."""
    try:
        font = TTFont(path, lazy=True)
    except OSError as error:
        raise ConfigError(f"The font {path.name} is not installed; install the package fonts-dejavu-core.") from error
    cmap: dict[int, str] = font.getBestCmap()
    if missing := sorted(c for c in characters if ord(c) not in cmap):
        raise Refused(
            f"The name in the signature field holds {missing[0]!r}, which the font of the forms cannot draw; enrol the name in Latin letters.",
            code="cannot_draw",
        )
    return _shrink(font, characters, cmap)


def _shrink(font: TTFont, characters: frozenset[str], cmap: Mapping[int, str]) -> Face:
    options = subset.Options(hinting=False, layout_features=[], name_IDs=[], notdef_outline=True, glyph_names=False)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "kern", "gasp", "FFTM"]
    shrinker = subset.Subsetter(options)
    shrinker.populate(unicodes=[ord(c) for c in characters])
    shrinker.subset(font)
    scale = 1000 / font["head"].unitsPerEm
    numbers = {c: font.getGlyphID(cmap[ord(c)]) for c in sorted(characters)}
    widths = {c: font["hmtx"][cmap[ord(c)]][0] * scale for c in characters}
    head, hhea = font["head"], font["hhea"]
    box = (head.xMin * scale, head.yMin * scale, head.xMax * scale, head.yMax * scale)
    for table in ("cmap", "name", "OS/2", "post"):
        if table in font:
            del font[table]
    out = io.BytesIO()
    font.save(out, reorderTables=False)
    data = out.getvalue()
    return Face("ECOSIG+DejaVuSans", numbers, widths, box, hhea.ascent * scale, hhea.descent * scale, zlib.compress(data, 9), len(data))


def appearance(writer: BasePdfFileWriter, lines: tuple[str, ...], width: float, height: float) -> Any:
    """The appearance stream of a field of that size in points, showing the lines as large as they fit.

    Raises Refused if they do not fit even in small type, or if the font cannot draw them.
    """
    face = face_for(frozenset("".join(lines)) | {" "})
    size, rows = _fit(face, lines, width - 2 * MARGIN_PT, height - 2 * MARGIN_PT)
    stream = generic.StreamObject(stream_data=_paint(face, rows, size, height))
    stream.update(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject([generic.FloatObject(round(v, 2)) for v in (0, 0, width, height)]),
            pdf_name("/Resources"): dictionary(Font=dictionary(F0=writer.add_object(_font(writer, face)))),
        }
    )
    return writer.add_object(stream)


def _fit(face: Face, lines: tuple[str, ...], width: float, height: float) -> tuple[float, list[str]]:
    size = LARGEST_PT
    while size >= SMALLEST_PT:
        rows = [row for line in lines for row in _wrap(face, line, size, width)]
        if len(rows) * size * LEADING <= height and all(face.width(row, size) <= width for row in rows):
            return size, rows
        size -= STEP_PT
    raise Refused(f"The signature field of this form is too small for the text {' / '.join(lines)!r}.", code="cannot_draw")


def _wrap(face: Face, line: str, size: float, width: float) -> list[str]:
    rows: list[str] = []
    for word in line.split(" "):
        if rows and face.width(f"{rows[-1]} {word}", size) <= width:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return rows


def _paint(face: Face, rows: list[str], size: float, height: float) -> bytes:
    top = height - MARGIN_PT - size
    shown = " T* ".join(f"<{''.join(f'{face.glyphs[c]:04X}' for c in row)}> Tj" for row in rows)
    return f"q BT /F0 {size:g} Tf 0 g {size * LEADING:g} TL {MARGIN_PT:g} {top:.2f} Td {shown} ET Q".encode()


def _font(writer: BasePdfFileWriter, face: Face) -> Any:
    program = generic.StreamObject(encoded_data=face.program)
    program.update({pdf_name("/Filter"): pdf_name("/FlateDecode"), pdf_name("/Length1"): generic.NumberObject(face.program_length)})
    descriptor = dictionary(
        Type="/FontDescriptor",
        FontName=f"/{face.name}",
        Flags=4,
        FontBBox=generic.ArrayObject([generic.NumberObject(round(v)) for v in face.box]),
        ItalicAngle=0,
        Ascent=round(face.ascent),
        Descent=round(face.descent),
        CapHeight=729,
        StemV=80,
        FontFile2=writer.add_object(program),
    )
    descendant = dictionary(
        Type="/Font",
        Subtype="/CIDFontType2",
        BaseFont=f"/{face.name}",
        CIDSystemInfo=dictionary(Registry=generic.pdf_string("Adobe"), Ordering=generic.pdf_string("Identity"), Supplement=0),
        FontDescriptor=writer.add_object(descriptor),
        CIDToGIDMap="/Identity",
        W=_widths(face),
    )
    unicode_map = generic.StreamObject(stream_data=_to_unicode(face))
    return dictionary(
        Type="/Font",
        Subtype="/Type0",
        BaseFont=f"/{face.name}",
        Encoding="/Identity-H",
        DescendantFonts=generic.ArrayObject([writer.add_object(descendant)]),
        ToUnicode=writer.add_object(unicode_map),
    )


def _widths(face: Face) -> Any:
    array = generic.ArrayObject()
    for character, number in face.glyphs.items():
        array.append(generic.NumberObject(number))
        array.append(generic.ArrayObject([generic.NumberObject(round(face.widths[character]))]))
    return array


def _to_unicode(face: Face) -> bytes:
    pairs = [f"<{number:04X}> <{character.encode('utf-16-be').hex().upper()}>" for character, number in face.glyphs.items()]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{body}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def dictionary(**entries: object) -> Any:
    """A PDF dictionary: strings become names, whole numbers become numbers, other objects stay as they are."""
    made = generic.DictionaryObject()
    for key, value in entries.items():
        if type(value) is str:
            value = pdf_name(value)
        elif type(value) is int:
            value = generic.NumberObject(value)
        made[pdf_name(f"/{key}")] = value
    return made
