"""Commands of the operator: migrate, demo, bench, and the audit log."""

import asyncio
import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from engine import demo as demonstration
from engine.cli.hints import naming_site
from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import DONE, REFUSED, say, show
from engine.clock import SystemClock
from engine.errors import ConfigError, Refused
from engine.schema.migrate import migrate as run_migrations
from engine.site import lock_is_free, open_site
from engine.store import SecretBox, connect
from engine.store.audit import chain_breaks, seal

__all__ = ["add_to"]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(migrate)
    app.command(demo)
    app.command(bench)
    app.command(enrol)
    app.command(App(name="log", help="Look at what was recorded."))
    app["log"].command(_log_audit, name="audit")


def migrate(*, config: ConfigOption = None) -> int:
    """Bring the database to this version's schema; a new site's key file is made too."""
    site = site_config(config)

    site.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def act() -> None:
        SecretBox.open(site.secrets.key_file, create=True)
        database = await connect(site.database.url)
        try:
            await run_migrations()
        finally:
            await database.close()

    run_async(dataclasses.replace(site, site=dataclasses.replace(site.site, demo=False)), act)
    say("The database is up to date.")
    return DONE


def demo(
    *,
    at: Annotated[
        Path | None, Parameter(help="Write a new demonstration site into this folder and issue its first certificate; serves nothing.")
    ] = None,
    fresh: Annotated[bool, Parameter(negative=(), help="Delete the demonstration site's data first.")] = False,
    config: ConfigOption = None,
) -> int:
    """Make the demonstration site, issue one certificate, and serve."""
    if at is not None:
        config = demonstration.write_config(at)
        say(f"Wrote {config}. Serve it with: ecoo serve --config {shlex.quote(str(config))}")
    site = site_config(config)
    if not site.site.demo:
        raise ConfigError(f"{site.path} is no demonstration site.")
    if site.serve.profile == "embedded" and site.folder.exists() and not lock_is_free(site):
        raise ConfigError(f"Another ecoo process works on {site.folder}. Stop it first.", code="locked")
    if fresh:
        demonstration.fresh(site)
    from engine.cli.show import issue_and_tell

    issue_and_tell(site)
    if at is not None:
        return DONE
    from engine.cli.serving import serve

    return serve(config=config)


def bench(
    *,
    rounds: Annotated[int, Parameter(help="How many rounds each case runs, in turn.", validator=Number(gte=1))] = 15,
    quick: Annotated[bool, Parameter(negative=(), help="Only the pipelines in one process: no batches, no servers.")] = False,
    full: Annotated[bool, Parameter(negative=(), help="Also look up in a register of a million certificates: ten minutes, 5 GB.")] = False,
    pages: Annotated[bool, Parameter(negative=(), help="Only the pages, each role's, on a site with 100,000 exporters.")] = False,
    ledger: Annotated[
        bool, Parameter(negative=(), help="Only the ledger, by four processes on a PostgreSQL of its own, beside plain transactions.")
    ] = False,
    pictures: Annotated[
        Path | None, Parameter(help="Measure nothing: draw twenty photos of stamps and signatures beside what is made of them, as PNG.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Measure this pipeline beside the naive one (xhtml2pdf, segno, pyHanko with defaults), interleaved in one run."""
    from engine.bench import Demonstration, measure

    if pictures is not None:
        from engine.bench.studio import contact_sheet

        pictures.write_bytes(asyncio.run(contact_sheet()))
        say(str(pictures.absolute()))
        return DONE
    if pages:
        from engine.bench.pages import measure_pages

        times = measure_pages(site_config(config), rounds=rounds)
        show(times.as_json(), as_json=json, plain=times.plain)
        return DONE
    if ledger:
        from engine.bench.ledger import measure_ledger

        figures = measure_ledger(rounds=rounds)
        show(figures.as_json(), as_json=json, plain=figures.table)
        return DONE
    demo_site = Demonstration(demonstration.ensure_demo, demonstration.OFFICER, demonstration.demo_key)
    result = measure(site_config(config), demo_site, rounds=rounds, quick=quick, full=full)
    show(result.as_json(), as_json=json, plain=result.plain)
    return DONE


def enrol(
    officer: Annotated[str, Parameter(help="The officer's e-mail address.")],
    *,
    signer: Annotated[str | None, Parameter(help="The signer that holds the officer's key, such as dsc_token.")] = None,
    key: Annotated[
        str | None,
        Parameter(
            help="The signer's own reference to the key. dsc_token: TOKEN/ID, the token's label or serial and the id of the object in "
            "hex, such as officer/01; TOKEN alone if only one X.509 certificate on it can sign. key_file: the file's stem."
        ),
    ] = None,
    wait: Annotated[float, Parameter(help="How many seconds to wait for a person to unlock the token.", validator=Number(gte=0))] = 300,
    end: Annotated[str | None, Parameter(help="Enrol nothing: end what is enrolled for the officer, for this reason.")] = None,
    config: ConfigOption = None,
) -> int:
    """Register an officer's X.509 certificate: from then on only this one signs for them."""
    from engine.cli.enrolling import end_officers, enrol_officer

    site = site_config(config)
    if end is not None:
        for chain in run_async(site, lambda: end_officers(site, officer, end)):
            say(f"Ended for {officer}: {chain.label}")
        return DONE
    if signer is None or key is None:
        raise Refused("Say which signer holds the key, and which key it is: --signer SIGNER --key KEY.", code="usage")
    chain = run_async(
        site, lambda: enrol_officer(site, officer, signer, key, wait_s=wait, tell=lambda words: say(naming_site(words, config)))
    )
    say(f"Enrolled for {officer}: {chain.label}\n  SHA-256 {chain.fingerprint}")
    return DONE


def _log_audit(*, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Verify the audit chain from its first entry."""
    site = site_config(config)

    async def act() -> list[str]:
        async with open_site(site, work=False):
            await seal(SystemClock().now())
            return await chain_breaks()

    breaks = run_async(site, act)
    show({"ok": not breaks, "breaks": breaks}, as_json=json, plain=lambda: "\n".join(breaks) or "The audit chain is whole.")
    return REFUSED if breaks else DONE
