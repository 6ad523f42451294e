"""Commands that ask and change nothing: verify, check, origin, schema."""

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from engine import config as configuration
from engine import registry
from engine.certificate import Verdict
from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import DONE, NOT_GENUINE, REFUSED, names_a_file, show
from engine.clock import SystemClock, ist_day
from engine.config import Config
from engine.errors import Refused
from engine.filing import examine, find_origin, published_schema, read
from engine.proof import REASONS, Answer
from engine.site import open_site

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
    app.command(origin)
    app.command(App(name="schema", help="Publish the formats that programs file with."))
    app["schema"].command(_schema_application, name="application")


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


def _registry(config: Path | None) -> registry.Registry:
    path = config or configuration.default_path()
    return registry.load(configuration.load(path) if config or path.exists() else None)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.", code="no_such_file", box="FILE", rule="readable file") from error


def _check_file(file: Path, config: Path | None, *, as_json: bool) -> int:
    try:
        application = read(_read_file(file))
        examined = examine(application, _registry(config), ist_day(SystemClock().now()))
        examined.require()
    except Refused as refusal:
        problems = refusal.as_json()["problems"] or [{"box": refusal.box, "rule": refusal.rule, "say": refusal.say}]
        result = {"ok": False, "problems": problems}
        show(result, as_json=as_json, plain=lambda: "\n".join(f"{p['box'] or '-'} [{p['rule']}]: {p['say']}" for p in problems))
        return REFUSED
    from engine.filing import warnings

    doubts = [{"box": each.box, "rule": each.rule, "say": each.say} for each in warnings(application)]
    show(
        {"ok": True, "problems": [], "warnings": doubts},
        as_json=as_json,
        plain=lambda: "\n".join([f"{file} can be filed.", *[f"look at {d['box']}: {d['say']}" for d in doubts]]),
    )
    return DONE


def origin(
    file: Annotated[Path, Parameter(help="An application file.")],
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Check the goods against the rule of origin, and show the arithmetic."""
    application = read(_read_file(file))
    form = _registry(config).form(application.scheme, ist_day(SystemClock().now()))
    finding = find_origin(application, form)
    import msgspec

    result: dict[str, Any] = msgspec.to_builtins(finding)
    show(result, as_json=json, plain=lambda: _arithmetic(result))
    return DONE


def _arithmetic(finding: dict[str, Any]) -> str:
    lines = [f"{finding['scheme']}: {finding['outcome']}"]
    for line in finding["lines"]:
        lines.append(f"item {line['item'] + 1}  {line['criterion']}  {line['outcome']}  prints {line['printed']}")
        lines += [f"    {step['outcome']:9}  {step['name']}: {step['working']}  ({step['rule']})" for step in line["steps"]]
        lines += [f"    missing    {each}" for each in line["missing"]]
    return "\n".join(lines)


def _schema_application() -> int:
    """Print the JSON Schema of the application file."""
    print(jsonlib.dumps(published_schema(), indent=2, ensure_ascii=False))
    return DONE
