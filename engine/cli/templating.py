"""`ecoo template`: make a pack, look at its pages, and learn what of it is unset, weak or contradicts itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import App, Parameter

from engine import config as configuration
from engine import packs, registry
from engine.cli.options import ConfigOption, JsonOption
from engine.cli.output import DONE, REFUSED, show
from engine.clock import SystemClock, ist_day
from engine.config import DrawingSection
from engine.contracts.form import Form, Sheet
from engine.drawing import DrawingRoom
from engine.errors import PluginError, Refused
from engine.registry import Registry
from engine.templating import Remark, RemarkKind, judge, new_pack, preview
from engine.templating.previewing import contact_sheet

__all__ = ["add_to"]

T = TypeVar("T")
CodeArgument = Annotated[str, Parameter(help="The code of a scheme, as `ecoo plugins` lists it.")]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(App(name="template", help="Make the pack of an agreement, look at its pages, learn what is unset or wrong."))
    group = app["template"]
    group.command(new)
    group.command(preview_pages, name="preview")
    group.command(check_pack, name="check")


def new(
    code: Annotated[str, Parameter(help="The code of the new scheme: capitals, digits and _.")],
    *,
    sheet: Annotated[str, Parameter(help="The page layout: the name of one of ecoo's, or PACK:NAME.")] = "combined12",
    at: Annotated[Path, Parameter(help="The folder of packs in which to make it.")] = Path("packs"),
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Make a pack that issues on a demonstration site at once, with every value named that must be filled in."""
    found = _registry(config)
    if code in found.schemes:
        raise Refused(f"There is a scheme {code} already; name another code.", box="CODE", rule="code of its own")
    layout = _sheet(found, sheet)
    pack = new_pack(at, code, layout, _model(found, layout))
    site = configuration.load_if_any(config)
    folders = site.templates.folders if site else ()
    known = at.resolve() in {folder.resolve() for folder in folders}
    result = {"code": code, "path": str(pack.absolute()), "sheet": layout.name, "folder_is_known": known}
    show(result, as_json=json, plain=lambda: _made(code, pack, known=known))
    return DONE


def _made(code: str, pack: Path, *, known: bool) -> str:
    first = [] if known else ["Name its folder in engine.toml:", "", "  [templates]", f'  folders = ["{pack.parent.absolute()}"]', ""]
    return "\n".join(
        [
            f"Made {pack}: form.toml, origin.toml, example.json.",
            *first,
            "Then fill in what the agreement says, and look again after each change:",
            f"  ecoo template check {code}      what is unset, weak or wrong",
            f"  ecoo template preview {code}    the pages, also with every box at its longest",
            f"  ecoo issue {pack / 'example.json'}",
        ]
    )


def preview_pages(
    code: Annotated[str | None, Parameter(help="The code of a scheme; without one, all first pages on one picture.")] = None,
    *,
    version: Annotated[str | None, Parameter(help="A version of its form; else the newest in force.")] = None,
    out: Annotated[Path, Parameter(help="The folder to write PDF and PNG files into; files of an earlier preview are replaced.")] = Path(
        "preview"
    ),
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Draw a form with its example, with every box at its longest, and each of its leaves; marked SPECIMEN."""
    found, today = _registry(config), ist_day(SystemClock().now())
    out.mkdir(parents=True, exist_ok=True)
    if code is None:
        forms = found.in_force(today)
        path = out / "contact-sheet.png"
        path.write_bytes(_in_room(config, found, lambda room: contact_sheet(forms, room, today)))
        written = [path]
    else:
        form = _form(found, code, version, today)
        written = []
        for each in _in_room(config, found, lambda room: preview(form, room, today)):
            stem = f"{code.lower()}-{each.name}"
            written += _write(out, f"{stem}.pdf", each.drawing.pdf)
            for number, picture in enumerate(each.pictures, 1):
                written += _write(out, f"{stem}-{number}.png", picture)
    show({"files": [str(path.absolute()) for path in written]}, as_json=json, plain=lambda: "\n".join(map(str, written)))
    return DONE


def check_pack(
    code: Annotated[str | None, Parameter(help="The code of a scheme; without one, all of them.")] = None,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Name what of a form is unset, what rests on a weaker source, and what contradicts itself; 2 if something does."""
    found, today = _registry(config), ist_day(SystemClock().now())
    if code is not None and code not in found.schemes:
        raise Refused(f"There is no scheme {code}. Known: {', '.join(found.schemes)}.", box="CODE", rule="known scheme")
    judged = [(form, judge(form, today)) for form in found.forms() if code in (None, form.scheme)]
    wrong = any(remark.kind is RemarkKind.CONTRADICTION for _, remarks in judged for remark in remarks)
    result = {
        "ok": not wrong,
        "forms": [
            {
                "scheme": form.scheme,
                "version": form.version,
                "sheet": form.sheet.name,
                "remarks": [{"kind": str(remark.kind), "where": remark.where, "say": remark.say} for remark in remarks],
            }
            for form, remarks in judged
        ],
    }
    show(result, as_json=json, plain=lambda: "\n\n".join(_plain(form, remarks) for form, remarks in judged))
    return REFUSED if wrong else DONE


def _plain(form: Form, remarks: list[Remark]) -> str:
    lines = [f"{form.scheme} {form.version} on {form.sheet.name}: {form.title}"]
    lines += [f"  {remark.kind:13}  {remark.where}: {remark.say}" for remark in remarks]
    return "\n".join(lines if remarks else [*lines, "  nothing is unset, weak or wrong"])


# --- what the commands ask ----------------------------------------------------------------------


def _registry(config: Path | None) -> Registry:
    return registry.load(configuration.load_if_any(config))


def _form(found: Registry, code: str, version: str | None, today: date) -> Form:
    """The version asked for, also one that is not in force yet: its maker wants to see it before."""
    if version is None:
        return found.form(code, today)
    form = next((form for form in found.forms() if (form.scheme, form.version) == (code, version)), None)
    if form is None:
        known = ", ".join(form.version for form in found.forms() if form.scheme == code) or "none"
        raise Refused(f"{code} has no version {version!r} of its form; it has {known}.", box="--version", rule="known version")
    return form


def _sheet(found: Registry, name: str) -> Sheet:
    shared = files("plugins") / "templates" / "sheets"
    full = name if ":" in name else f"ecoo:{name}"
    try:
        return packs.sheet_reader(tuple(found.packs.values()), shared)(full)
    except PluginError as error:
        known = ", ".join(sorted(entry.name for entry in shared.iterdir() if entry.is_dir()))
        raise Refused(f"There is no sheet {name}. Those of ecoo are {known}.", box="--sheet", rule="known sheet") from error


def _model(found: Registry, sheet: Sheet) -> Form:
    """A form whose example the new pack begins with: one on the same sheet if there is one."""
    forms = [form for form in found.forms() if form.example and "agency" in form.issuer_kinds]
    same = [form for form in forms if form.sheet.name == sheet.name]
    if not forms:
        raise Refused("No installed form has an example to begin with.", box="CODE", rule="example to begin with")
    return min(same or forms, key=lambda form: (not form.preferential, form.scheme))


def _in_room(config: Path | None, found: Registry, act: Callable[[DrawingRoom], Awaitable[T]]) -> T:
    site = configuration.load_if_any(config)
    settings = site.drawing if site else DrawingSection()

    async def run() -> T:
        room = DrawingRoom(processes=1, timeout_s=settings.timeout_s, memory_mib=settings.memory_mib, hooks=found.relay)
        await room.start()
        try:
            return await act(room)
        finally:
            await room.close()

    return asyncio.run(run())


def _write(folder: Path, name: str, data: bytes) -> list[Path]:
    path = folder / name
    path.write_bytes(data)
    return [path]
