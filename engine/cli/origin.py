"""`ecoo origin`: do the goods originate, by how much, and under which other agreement would they?"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from engine import config as configuration
from engine import registry
from engine.application import Application
from engine.cli.cost_sheet import bytes_of
from engine.cli.options import ConfigOption, JsonOption
from engine.cli.output import DONE, say, show
from engine.clock import SystemClock, ist_day
from engine.contracts.form import Form
from engine.cost_sheet import CostSheet
from engine.errors import Refused
from engine.filing import country_name, find_origin, read
from engine.filing.origin import Elsewhere, find_elsewhere, goods_of_item, goods_of_sheet
from engine.filing.origin.goods import Goods
from engine.filing.origin.printing import explain, table
from engine.filing.places import is_country
from engine.filing.sheets import check_sheet, is_sheet, read_sheet
from engine.registry import Registry

__all__ = ["add_to"]


def add_to(app: App) -> None:
    """Adds the command."""
    app.command(origin)


def origin(
    file: Annotated[Path, Parameter(help="An application file, or a cost sheet (JSON, XLSX or CSV).")],
    *,
    elsewhere: Annotated[
        bool, Parameter(negative=(), help="Also try every other scheme that serves the destination, and show all as a table.")
    ] = False,
    to: Annotated[str | None, Parameter(help="For a cost sheet: the country of destination; without one, all schemes.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Check the goods against the rules of origin, and show every step of the arithmetic."""
    found = _forms_of_site(config)
    data = bytes_of(file)
    if is_sheet(file.name, data):
        sheet = read_sheet(file.name, data)
        if wrong := check_sheet(sheet):
            raise Refused.because(wrong)
        return _of_sheet(sheet, found, _country(to), as_json=json)
    application = read(data)
    if to is not None:
        raise Refused("--to goes with a cost sheet; an application names its own destination.", box="--to", rule="cost sheet")
    return _of_application(application, found, elsewhere=elsewhere, as_json=json)


def _forms_of_site(config: Path | None) -> Registry:
    """The forms of the site; those that come with ecoo where no site is named and none is here, which is said."""
    site = configuration.load_if_any(config)
    if site is None:
        say("There is no engine.toml here: the forms that come with ecoo are used, without any that a site adds. --config names a site.")
    return registry.load(site)


def _of_application(application: Application, found: Registry, *, elsewhere: bool, as_json: bool) -> int:
    today = ist_day(SystemClock().now())
    form = found.form(application.scheme, today, application.form_version)
    finding = find_origin(application, form)
    result: dict[str, Any] = msgspec.to_builtins(finding)
    words = [explain(finding)]
    if elsewhere:
        forms = _forms(found)
        tried = [find_elsewhere(goods_of_item(application, index), forms) for index in range(len(application.items))]
        result["elsewhere"] = [msgspec.to_builtins(verdicts) for verdicts in tried]
        words += [f"item {index + 1}, where else:\n{table(_serving(verdicts))}" for index, verdicts in enumerate(tried)]
    show(result, as_json=as_json, plain=lambda: "\n\n".join(words))
    return DONE


def _of_sheet(sheet: CostSheet, found: Registry, destination: str | None, *, as_json: bool) -> int:
    goods: Goods = goods_of_sheet(sheet, destination=destination, on=ist_day(SystemClock().now()))
    verdicts = find_elsewhere(goods, _forms(found))
    result = {
        "product": sheet.product.description,
        "hs": sheet.product.hs,
        "destination": destination,
        "verdicts": msgspec.to_builtins(verdicts),
    }
    to = f" to {country_name(destination)}" if destination else ""
    show(result, as_json=as_json, plain=lambda: f"{sheet.product.description} (HS {sheet.product.hs}){to}\n{table(_serving(verdicts))}")
    return DONE


def _serving(verdicts: tuple[Elsewhere, ...]) -> tuple[Elsewhere, ...]:
    """Those that serve the destination; the rest is for programs."""
    return tuple(each for each in verdicts if each.serves)


def _forms(found: Registry) -> list[Form]:
    """Each scheme's form in force today."""
    today = ist_day(SystemClock().now())
    return found.in_force(today)


def _country(code: str | None) -> str | None:
    if code is not None and not is_country(code.upper()):
        raise Refused(
            f"{code} is the code of no country; write two letters of ISO 3166-1, such as AE.", box="--to", rule="ISO 3166-1 country"
        )
    return code.upper() if code else None
