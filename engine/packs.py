"""Reads template packs: a folder with form.toml, origin.toml and perhaps sheets becomes `Form`s.

Promises: a key nobody knows, a box that no sheet has, a column that does not fit and a font that is not there are
refused here, by file and key, before any certificate meets them. What a form prints is read and never made up; which
packs there are is asked by the registry.
"""

import hashlib
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from engine.contracts import CONTRACT
from engine.contracts.form import Box, Face, Form, Leaf, Pack, Paper, Retrospective, Sheet, ThirdPartyWords
from engine.contracts.products import read_products
from engine.contracts.rules import OriginRules
from engine.contracts.sheet import Cell, Column, Geometry, Headings
from engine.errors import ConfigError, PluginError, Refused

__all__ = ["FONTS", "builtin_packs", "read_face", "read_forms", "read_sheet", "sheet_reader"]

# Where the Debian package fonts-dejavu-core puts its files.
FONTS = Path("/usr/share/fonts/truetype/dejavu")
_REGULAR, _BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"

_T = TypeVar("_T")
_SHEETS = "sheets"
_OURS = "ecoo"
_STEP_PT = 0.6
_NARROWEST_MM = 8.0


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
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,19}\Z")]
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
    third_party: ThirdPartyWords | None = None
    retrospective: Retrospective | None = None
    paper: Paper | None = None
    language: str = ""
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

    def folder(name: str) -> Traversable:
        pack, _, short = name.partition(":")
        if pack not in homes or not short.isidentifier():
            raise PluginError(f"The sheet {name!r} is of no known pack; name it pack:sheet, such as ecoo:combined12.")
        return homes[pack] / short

    def sheet(name: str) -> Sheet:
        if name not in read:
            read[name] = read_sheet(name, folder)
        return read[name]

    return sheet


def read_sheet(name: str, folder: Callable[[str], Traversable]) -> Sheet:
    """The sheet of that name: sheet.html and sheet.toml of its folder. Raises PluginError naming the file and the key.

    With `like = "pack:sheet"` the keys that its own sheet.toml does not give, and sheet.html, come from that other sheet.
    """
    where = f"sheet {name}"
    data, html = _sheet_files(name, folder, ())
    geometry = _convert(data, Geometry, where, "sheet.toml")
    _check_contract(geometry.contract, where, "sheet.toml")
    for table, columns in (("columns", geometry.goods.columns), ("joined", geometry.goods.joined)):
        width = sum(column.w for column in columns if not column.optional)
        if columns and not math.isclose(width, geometry.form_width, abs_tol=0.05):
            raise PluginError(f"{where}, sheet.toml: goods.{table} add up to {width:g} mm; the form is {geometry.form_width:g} mm wide.")
    return Sheet(name=name, html=html, geometry=geometry)


def _sheet_files(name: str, folder: Callable[[str], Traversable], heirs: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """The data and the HTML of a sheet, with what it leaves to the one that it is like; `heirs` are like this one."""
    where, home = f"sheet {name}", folder(name)
    data = _toml(home, "sheet.toml", where)
    like = data.pop("like", None)
    if like is None:
        return data, _text(home, "sheet.html", where)
    if like in (name, *heirs):
        raise PluginError(f"{where}, sheet.toml: like = {like!r} leads back to itself; one of the sheets must have everything.")
    base, html = _sheet_files(str(like), folder, (name, *heirs))
    own = (home / "sheet.html").is_file()
    return base | data, _text(home, "sheet.html", where) if own else html


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
    boxes, headings = _boxes(file, sheet.geometry, regular, f"{where}, {name}")
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
        row_lines=_row_lines(sheet.geometry, headings, f"{where}, {name}"),
        origin=_with_products(origin, pack, file.code, where),
        leaves=tuple(Leaf(leaf.name, leaf.title, leaf.ink) for leaf in file.leaves),
        wording=dict(file.wording),
        unconfirmed=file.unconfirmed,
        weak=file.weak,
        third_party=file.third_party,
        retrospective=file.retrospective,
        paper=file.paper,
        language=file.language,
        validity_months=file.validity_months,
        effective_from=file.effective_from,
        effective_until=file.effective_until,
        sources=file.sources,
        example=example.read_bytes() if example.is_file() else b"",
    )


def _boxes(file: _FormFile, geometry: Geometry, regular: Face, where: str) -> tuple[tuple[Box, ...], Headings]:
    """The form's boxes with the width and lines their cell gives them, and how many lines the headings of the goods take."""
    for index, box in enumerate(file.boxes):
        if any(known.no == box.no or known.field == box.field for known in file.boxes[:index]):
            raise PluginError(f"{where}: box {box.no} or its field {box.field!r} stands there twice.")
    above = _widths(file, geometry.goods.columns, geometry, where)
    below = _widths(file, geometry.goods.joined, geometry, where, beside=above)
    boxes: list[Box] = []
    for box in file.boxes:
        column = above.get(box.field, below.get(box.field))
        if column is None:
            boxes.append(_cell_box(box, geometry, regular, file.sheet, where))
            continue
        width = column - 2 * geometry.pad
        joined = box.field not in above
        boxes.append(Box(box.no, box.heading, box.field, width, None, geometry.goods.pt, box.holds, joined=joined))
    return tuple(boxes), (_heading_lines(boxes, above, geometry, regular), _heading_lines(boxes, below, geometry, regular))


def _widths(
    file: _FormFile, columns: tuple[Column, ...], geometry: Geometry, where: str, beside: Mapping[str, float] | None = None
) -> dict[str, float]:
    """How wide each column of a table of goods is on this form, by the field that fills it; `beside` is the table above it."""
    widths: dict[str, float] = {}
    total_field, spare = "", 0.0
    for column in columns:
        filling = [box for box in file.boxes if box.field in column.fields]
        if not filling and not column.optional:
            raise PluginError(f"{where}: the sheet {file.sheet} has goods columns that no box fills: {' or '.join(column.fields)}.")
        if len(filling) > 1:
            say = " and ".join(box.field for box in filling)
            raise PluginError(f"{where}: boxes has the fields {say}, which are the same column of the sheet {file.sheet}; leave one out.")
        for box in filling:
            own = None if beside and box.field in beside else box.column
            widths[box.field] = column.width(box.field) if own is None else own
            spare += column.width(box.field) - (0.0 if column.optional else column.w)
            total_field = box.field if column.field == geometry.goods.total_field and own is None else total_field
    if total_field:
        widths[total_field] -= spare
    total = sum(widths.values())
    if columns and (not math.isclose(total, geometry.form_width, abs_tol=0.05) or min(widths.values()) < _NARROWEST_MM):
        raise PluginError(
            f"{where}: the goods columns add up to {total:g} mm, the narrowest {min(widths.values()):g}; the form is "
            f"{geometry.form_width:g} mm wide, and a column at least {_NARROWEST_MM:g}."
        )
    return widths


def _heading_lines(boxes: Sequence[Box], widths: Mapping[str, float], geometry: Geometry, regular: Face) -> int:
    """How many lines the tallest heading of a table of goods takes; 0 if there is no such table."""
    return max(
        (
            len(regular.wrap(f"{box.no}. {box.heading}", widths[box.field] - 2 * geometry.pad, geometry.heading_pt))
            for box in boxes
            if box.field in widths
        ),
        default=0,
    )


def _cell_box(box: _BoxFile, geometry: Geometry, regular: Face, sheet: str, where: str) -> Box:
    """A box outside the goods table."""
    cell = geometry.cell(box.field)
    if cell is None:
        raise PluginError(f"{where}: boxes has field {box.field!r}, which the sheet {sheet} does not draw.")
    heading = regular.wrap(f"{box.no}. {box.heading}", cell.w - 2 * geometry.pad, geometry.heading_pt)
    space = geometry.content(cell, len(heading))
    size = box.size_pt or geometry.box_pt
    lines = geometry.lines_in(space, size) if cell.filled else 0
    smaller = _smaller(cell, size, geometry, len(heading))
    return Box(box.no, box.heading, box.field, space.w, lines, size, box.holds, smaller)


def _smaller(cell: Cell, size: float, geometry: Geometry, heading_lines: int) -> tuple[tuple[float, int], ...]:
    """The smaller sizes that a box's text may be set in, down to the sheet's least, each with the lines that fit then."""
    space, least = geometry.content(cell, heading_lines), geometry.box_least
    if least is None or not cell.filled:
        return ()
    steps = [round(size - _STEP_PT * step, 2) for step in range(1, math.ceil((size - least) / _STEP_PT))]
    return tuple((each, geometry.lines_in(space, each)) for each in (*steps, *([least] if least < size else [])))


def _row_lines(geometry: Geometry, headings: Headings, where: str) -> int:
    """How many lines one goods row may take: what the emptiest page before the last one holds."""
    lines = geometry.goods_lines(first=True, last=False, headings=headings)
    if geometry.goods_lines(first=True, last=True, headings=headings) < 5:
        raise PluginError(f"{where}: fewer than five lines are left for goods; make the headings shorter or the columns wider.")
    return lines - geometry.goods.gap_lines


def _origin(pack: Pack, where: str) -> OriginRules:
    """The rules of origin of a pack. A pack without origin.toml is refused: origin is never assumed."""
    return OriginRules.from_toml(_toml(pack.folder, "origin.toml", where), f"{where}, origin.toml")


def _with_products(origin: OriginRules, pack: Pack, scheme: str, where: str) -> OriginRules:
    """The rules with the product rules that the pack brings in products.csv, which are no part of the form's hash: a finding
    keeps theirs."""
    file = pack.folder / "products.csv"
    if not file.is_file():
        return origin
    try:
        found = read_products(file.read_bytes(), f"{where}, products.csv")
    except Refused as refusal:
        raise PluginError("\n".join(problem.say for problem in refusal.problems)) from refusal
    if strangers := sorted(set(found) - {scheme}):
        raise PluginError(f"{where}, products.csv: it has rules for {strangers[0]}; a pack brings those of its own scheme, {scheme}.")
    return replace(origin, products=found.get(scheme, ()))


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
