"""Reads template packs: a folder with form.toml, origin.toml and perhaps sheets becomes `Form`s.

Promises: a key nobody knows, a box that no sheet has, a column that does not fit and a font that is not there are
refused here, by file and key, before any certificate meets them. What a form prints is read and never made up; which
packs there are is asked by the registry.
"""

import hashlib
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.contracts import CONTRACT
from engine.contracts.form import Box, Face, Form, Leaf, Pack, Sheet
from engine.contracts.origin import OriginRules
from engine.contracts.sheet import Geometry
from engine.errors import ConfigError, PluginError

__all__ = ["FONTS", "builtin_packs", "read_face", "read_forms", "read_sheet", "sheet_reader"]

# Where the Debian package fonts-dejavu-core puts its files.
FONTS = Path("/usr/share/fonts/truetype/dejavu")
_REGULAR, _BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"

_T = TypeVar("_T")
_SHEETS = "sheets"
_OURS = "ecoo"


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of form.toml: closed to unknown keys."""


class _BoxFile(_Node, frozen=True, kw_only=True):
    no: str
    heading: str
    field: str
    column: float | None = None
    size_pt: float | None = None
    holds: str = ""


class _LeafFile(_Node, frozen=True, kw_only=True):
    name: str
    title: str
    ink: bool


class _FormFile(_Node, frozen=True, kw_only=True):
    """form.toml."""

    contract: int
    code: str
    version: str
    title: str
    form_name: str
    heading: tuple[str, ...]
    preferential: bool
    partners: tuple[str, ...]
    issuer_kinds: tuple[str, ...]
    kinds: tuple[str, ...]
    hs_digits: tuple[int, ...]
    sheet: str
    boxes: tuple[_BoxFile, ...]
    leaves: tuple[_LeafFile, ...] = ()
    wording: dict[str, str] = {}
    unconfirmed: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    validity_months: int | None = None
    effective_from: date | None = None
    effective_until: date | None = None
    sources: tuple[str, ...] = ()


def builtin_packs(root: Traversable) -> tuple[Pack, ...]:
    """The packs below a templates folder: every folder that holds form.toml, by name. `sheets` is no pack."""
    folders = sorted((entry for entry in root.iterdir() if entry.is_dir()), key=lambda entry: entry.name)
    return tuple(Pack(entry.name, entry) for entry in folders if entry.name != _SHEETS and (entry / "form.toml").is_file())


def sheet_reader(packs: Sequence[Pack], shared: Traversable) -> Callable[[str], Sheet]:
    """A function that gives the sheet named `pack:sheet`: `ecoo:` from the shared folder, others from their pack."""
    homes = {pack.name: pack.folder / _SHEETS for pack in packs} | {_OURS: shared}
    read: dict[str, Sheet] = {}

    def sheet(name: str) -> Sheet:
        pack, _, short = name.partition(":")
        if pack not in homes or not short.isidentifier():
            raise PluginError(f"The sheet {name!r} is of no known pack; name it pack:sheet, such as ecoo:combined12.")
        if name not in read:
            read[name] = read_sheet(name, homes[pack] / short)
        return read[name]

    return sheet


def read_sheet(name: str, folder: Traversable) -> Sheet:
    """The sheet in a folder: sheet.html and sheet.toml. Raises PluginError naming the file and the key."""
    geometry = _convert(_toml(folder, "sheet.toml", f"sheet {name}"), Geometry, f"sheet {name}", "sheet.toml")
    _check_contract(geometry.contract, f"sheet {name}", "sheet.toml")
    table = sum(column.w for column in geometry.goods.columns)
    if not math.isclose(table, geometry.form_width, abs_tol=0.05):
        raise PluginError(f"sheet {name}, sheet.toml: goods.columns add up to {table} mm; the form is {geometry.form_width} mm wide.")
    return Sheet(name=name, html=_text(folder, "sheet.html", f"sheet {name}"), geometry=geometry)


def read_forms(pack: Pack, sheets: Callable[[str], Sheet], *, fonts: Path = FONTS) -> tuple[Form, ...]:
    """Every version of the pack's form, oldest first: form.toml and, beside it, form-VERSION.toml of past ones."""
    names = sorted(
        entry.name
        for entry in pack.folder.iterdir()
        if entry.name == "form.toml" or (entry.name.startswith("form-") and entry.name.endswith(".toml"))
    )
    if "form.toml" not in names:
        raise PluginError(f"pack {pack.name}: there is no form.toml in it.")
    forms = [_read_form(pack, name, sheets, fonts) for name in names]
    versions = [form.version for form in forms]
    if len(set(versions)) != len(versions):
        raise PluginError(f"pack {pack.name}: two of {', '.join(names)} have the same version; give each its own.")
    return tuple(sorted(forms, key=lambda form: (form.effective_from or date.min, form.version)))


def _read_form(pack: Pack, name: str, sheets: Callable[[str], Sheet], fonts: Path) -> Form:
    """One version of a form."""
    where = f"pack {pack.name}"
    file = _convert(_toml(pack.folder, name, where), _FormFile, where, name)
    _check_contract(file.contract, where, name)
    sheet = sheets(file.sheet)
    regular, bold = read_face(fonts / _REGULAR), read_face(fonts / _BOLD)
    origin = _origin(pack, where)
    boxes, heading_lines = _boxes(file, sheet.geometry, regular, f"{where}, {name}")
    example = pack.folder / "example.json"
    return Form(
        scheme=file.code,
        version=file.version,
        sha256=_digest(file, origin, sheet, regular, bold),
        title=file.title,
        form_name=file.form_name,
        heading=file.heading,
        preferential=file.preferential,
        partners=frozenset(file.partners),
        issuer_kinds=file.issuer_kinds,
        kinds=file.kinds,
        hs_digits=file.hs_digits,
        sheet=sheet,
        boxes=boxes,
        regular=regular,
        bold=bold,
        row_lines=_row_lines(sheet.geometry, heading_lines, f"{where}, {name}"),
        origin=origin,
        leaves=tuple(Leaf(leaf.name, leaf.title, leaf.ink) for leaf in file.leaves),
        wording=dict(file.wording),
        unconfirmed=file.unconfirmed,
        validity_months=file.validity_months,
        effective_from=file.effective_from,
        effective_until=file.effective_until,
        sources=file.sources,
        example=example.read_bytes() if example.is_file() else b"",
    )


def _boxes(file: _FormFile, geometry: Geometry, regular: Face, where: str) -> tuple[tuple[Box, ...], int]:
    """The form's boxes with the width and lines their cell gives them, and how many lines the goods headings take."""
    columns = {column.field: column.w for column in geometry.goods.columns}
    columns |= {box.field: box.column for box in file.boxes if box.field in columns and box.column is not None}
    total = sum(columns.values())
    if not math.isclose(total, geometry.form_width, abs_tol=0.05):
        raise PluginError(f"{where}: the goods columns add up to {total:g} mm; the form is {geometry.form_width:g} mm wide.")
    boxes: list[Box] = []
    heading_lines = 1
    for box in file.boxes:
        if any(known.no == box.no or known.field == box.field for known in boxes):
            raise PluginError(f"{where}: box {box.no} or its field {box.field!r} stands there twice.")
        label = f"{box.no}. {box.heading}"
        if box.field in columns:
            width = columns[box.field] - 2 * geometry.pad
            heading_lines = max(heading_lines, len(regular.wrap(label, width, geometry.heading_pt)))
            boxes.append(Box(box.no, box.heading, box.field, width, None, geometry.goods.pt, box.holds))
        else:
            boxes.append(_cell_box(box, geometry, regular, file.sheet, where))
    if lacking := set(columns) - {box.field for box in boxes}:
        raise PluginError(f"{where}: the sheet {file.sheet} has goods columns that no box fills: {', '.join(sorted(lacking))}.")
    return tuple(boxes), heading_lines


def _cell_box(box: _BoxFile, geometry: Geometry, regular: Face, sheet: str, where: str) -> Box:
    """A box outside the goods table."""
    cell = geometry.cell(box.field)
    if cell is None:
        raise PluginError(f"{where}: boxes has field {box.field!r}, which the sheet {sheet} does not draw.")
    heading = regular.wrap(f"{box.no}. {box.heading}", cell.w - 2 * geometry.pad, geometry.heading_pt)
    space = geometry.content(cell, len(heading))
    size = box.size_pt or geometry.box_pt
    return Box(box.no, box.heading, box.field, space.w, geometry.lines_in(space, size) if cell.filled else 0, size, box.holds)


def _row_lines(geometry: Geometry, heading_lines: int, where: str) -> int:
    """How many lines one goods row may take: what the emptiest page before the last one holds."""
    lines = geometry.goods_lines(first=True, last=False, heading_lines=heading_lines)
    if geometry.goods_lines(first=True, last=True, heading_lines=heading_lines) < 5:
        raise PluginError(f"{where}: fewer than five lines are left for goods; make the headings shorter or the columns wider.")
    return lines - geometry.goods.gap_lines


def _origin(pack: Pack, where: str) -> OriginRules:
    """The rules of origin of a pack. A pack without origin.toml is refused: origin is never assumed."""
    return OriginRules.from_toml(_toml(pack.folder, "origin.toml", where), f"{where}, origin.toml")


@lru_cache(maxsize=16)
def read_face(path: Path) -> Face:
    """One font: what it can draw and how wide, read once per process. Raises ConfigError naming the apt package."""
    from fontTools.ttLib import TTFont  # a heavy import, needed where forms are read only

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"The font {path} cannot be read: install the Debian package fonts-dejavu-core.") from error
    with TTFont(path, lazy=True) as font:
        scale = 1000 / font["head"].unitsPerEm
        metrics = font["hmtx"].metrics
        advances = {point: metrics[glyph][0] * scale for point, glyph in font.getBestCmap().items()}
    return Face(name=path.stem, path=str(path), sha256=hashlib.sha256(data).hexdigest(), advances=advances)


def _digest(file: _FormFile, origin: OriginRules, sheet: Sheet, regular: Face, bold: Face) -> str:
    """SHA-256 over everything that decides what a certificate of this form looks like and is judged by."""
    parts = {
        "form": msgspec.to_builtins(file),
        "origin": msgspec.to_builtins(origin),
        "sheet": [sheet.name, sheet.html, msgspec.to_builtins(sheet.geometry)],
        "fonts": [regular.sha256, bold.sha256],
    }
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def _check_contract(contract: int, where: str, name: str) -> None:
    if contract != CONTRACT:
        raise PluginError(f"{where}, {name}: contract = {contract}, but this engine speaks contract {CONTRACT}.")


def _convert(data: Mapping[str, Any], kind: type[_T], where: str, name: str) -> _T:
    """The file's data as its type. Raises PluginError with the path to the key that is wrong."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise PluginError(f"{where}, {name}: {error}.") from error


def _toml(folder: Traversable, name: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(folder, name, where))
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"{where}, {name}: this is not TOML: {error}.") from error


def _text(folder: Traversable, name: str, where: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PluginError(f"{where}: {name} is missing or cannot be read; a pack without it is not used.") from error
