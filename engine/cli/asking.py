"""Commands that ask and change nothing: verify, check, schema."""

import asyncio
import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from engine import config as configuration
from engine import registry, schema
from engine.application import Application
from engine.certificate import Verdict
from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import DONE, NOT_GENUINE, REFUSED, names_a_file, show
from engine.clock import SystemClock, ist_day
from engine.config import Config
from engine.errors import ConfigError, Problem, Refused
from engine.filing import look, published_schema
from engine.filing.sheets.reading import published_sheet_schema
from engine.money import Outlook, foresee, foresee_alone
from engine.proof import REASONS, Answer
from engine.scope import PLATFORM
from engine.site import open_site
from engine.store import connect

__all__ = ["add_to"]

_MOST_BYTES = 8_000_000
_WORDS = {
    Verdict.GENUINE: "GENUINE",
    Verdict.ALTERED: "ALTERED: this is not the document that was issued",
    Verdict.SUPERSEDED: "SUPERSEDED by an in-lieu certificate",
    Verdict.CANCELLED: "CANCELLED by the issuing agency",
    Verdict.LEGACY: "LEGACY: a number of the older platform",
    Verdict.UNKNOWN: "UNKNOWN: no such certificate was issued here",
}


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(verify)
    app.command(check)
    app.command(App(name="schema", help="Publish the formats that programs file with."))
    app["schema"].command(_schema_application, name="application")
    app["schema"].command(_schema_cost_sheet, name="cost-sheet")


def verify(
    what: Annotated[str, Parameter(help="A PDF file, the link from a QR code, or a certificate number.", allow_leading_hyphen=True)],
    *,
    offline: Annotated[bool, Parameter(negative=(), help="Use no network; this site's own register needs none.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Learn whether a certificate is genuine, altered, superseded, cancelled, legacy or unknown."""
    site = site_config(config)
    data = _bytes_of(what)
    answer = run_async(site, lambda: _verify(site, what, data))
    show(answer.as_json(), as_json=json, plain=lambda: _plain(answer))
    return DONE if answer.verdict is Verdict.GENUINE else NOT_GENUINE


def _bytes_of(what: str) -> bytes | None:
    """The bytes of a file if the argument names one, or None."""
    path = Path(what)
    if not names_a_file(what):
        if path.suffix.lower() == ".pdf" or what.startswith(("/", "./", "../", "~")):
            raise Refused(f"There is no file {what}.", code="no_such_file", box="WHAT", rule="readable file")
        return None
    if path.stat().st_size > _MOST_BYTES:
        raise Refused(f"{what} is larger than {_MOST_BYTES // 1_000_000} MB; no certificate is.", code="too_large", rule="file size")
    return _read_file(path)


async def _verify(config: Config, what: str, data: bytes | None) -> Answer:
    async with open_site(config, work=False) as site:
        return await (site.verifier.argument(what) if data is None else site.verifier.file(data))


def _plain(answer: Answer) -> str:
    lines = [_WORDS[answer.verdict], *[f"  {REASONS.get(reason, reason)}" for reason in answer.reasons]]
    if answer.certificate:
        shown = answer.certificate
        lines += [
            f"  number     {shown['number']}",
            f"  scheme     {shown['title']}",
            f"  exporter   {shown['exporter']['name']}",
            f"  consignee  {shown['consignee']['name']}, {shown['consignee']['country']}",
            f"  issued     {shown['issued_at']} by {shown['agency']}, {shown['office']}",
        ]
        if shown["demo"]:
            lines.append("  DEMONSTRATION: this certificate is worth nothing.")
    return "\n".join(lines)


def check(
    file: Annotated[Path | None, Parameter(help="An application file; without one the site itself is checked.")] = None,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Say everything that would stop an application, or this site, each with what mends it."""
    if file is not None:
        return _check_file(file, config, as_json=json)
    from engine.cli.checking import check_site

    return check_site(config, as_json=json)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.", code="no_such_file", box="FILE", rule="readable file") from error


def _check_file(file: Path, config: Path | None, *, as_json: bool) -> int:
    application, problems = look(_read_file(file))
    looked = (
        _Looked(problems, [], asked=False) if application is None else asyncio.run(_look(application, configuration.load_if_any(config)))
    )
    show(looked.as_json(), as_json=as_json, plain=lambda: looked.plain(file))
    return REFUSED if looked.problems else DONE


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is known of a file; `asked` says whether a site's register was asked too."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    asked: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.problems,
            "problems": [asdict(each) for each in self.problems],
            "warnings": [asdict(each) for each in self.warnings],
            "register_asked": self.asked,
        }

    def plain(self, file: Path) -> str:
        lines = [f"{p.box or '-'} [{p.rule}]: {p.say}" for p in self.problems] or [f"{file} can be filed."]
        lines += [f"look at {each.box or 'the form'}: {each.say}" for each in self.warnings]
        if not self.asked:
            lines.append("No register was asked: agency, office, exporter, and what was filed before, are not checked.")
        return "\n".join(lines)


async def _look(application: Application, site: Config | None) -> _Looked:
    """Asks the site's register as filing from this shell would, and changes nothing; without one, what needs none."""
    plugins, now = registry.load(site), SystemClock().now()
    outlook = await _ask_register(application, site, plugins, now) if site is not None and _has_database(site) else None
    found = outlook or foresee_alone(application, plugins, ist_day(now))
    return _Looked(found.problems, found.warnings, asked=outlook is not None)


async def _ask_register(application: Application, site: Config, plugins: registry.Registry, now: datetime) -> Outlook | None:
    """The outlook at this site; None if its database is still empty."""
    database = await connect(site.database.url)
    try:
        await schema.require_current()
        return await foresee(PLATFORM, application, registry=plugins, at=now)
    except ConfigError as error:
        if error.code != "schema_missing":
            raise
        return None
    finally:
        await database.close()


def _has_database(site: Config) -> bool:
    """Whether there is a database to ask: to look for one must not make one."""
    scheme, _, path = site.database.url.partition(":///")
    return scheme != "sqlite" or Path(path).exists()


def _schema_application() -> int:
    """Print the JSON Schema of the application file."""
    print(jsonlib.dumps(published_schema(), indent=2, ensure_ascii=False))
    return DONE


def _schema_cost_sheet() -> int:
    """Print the JSON Schema of the cost sheet."""
    print(jsonlib.dumps(published_sheet_schema(), indent=2, ensure_ascii=False))
    return DONE
