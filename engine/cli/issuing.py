"""`ecoo issue`: the main job from a shell."""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter
from cyclopts.validators import Number

from engine import demo
from engine.application import Application, ApplicationState
from engine.certificate import file_name, verify_url
from engine.cli.hints import naming_site
from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import DONE, names_a_file, say, show
from engine.config import Config, require_public
from engine.errors import ConfigError, Refused
from engine.filing import Draft, find, read
from engine.issuing import queue
from engine.issuing.shell import approve_at_shell
from engine.money import foresee
from engine.proof import files_of
from engine.scope import PLATFORM
from engine.site import Site, open_site

__all__ = ["add_to", "issue_in"]

_REFERENCE = re.compile(r"APP-[0-9A-Z]{10}", re.IGNORECASE)
_PATIENCE_S = 120.0
_LONG_S = 300
_LOOK_AGAIN_S = 0.5
_TO_APPROVE = frozenset({ApplicationState.DRAFT, ApplicationState.QUERIED, ApplicationState.FILED})
Tell = Callable[[str], None]


def add_to(app: App) -> None:
    """Adds the command."""
    app.command(issue)


def issue(
    what: Annotated[str, Parameter(help="An application file, or the reference of an application that was filed.")],
    *,
    officer: Annotated[str | None, Parameter(help="The e-mail address of the officer who approves and signs.")] = None,
    signatory: Annotated[str | None, Parameter(help="For a self-declaration: the address of the exporter's user who signs.")] = None,
    out: Annotated[Path | None, Parameter(help="Where to write the certificate; never overwrites.")] = None,
    wait: Annotated[
        float, Parameter(help="How many seconds to stay while a person must act first, such as unlock a token.", validator=Number(gte=0))
    ] = 0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Issue a certificate: file, check, approve, number, draw, sign, verify, store."""
    site = site_config(config)
    if not site.issue.from_shell:
        raise Refused(
            "Issuing from a shell is switched off. An operator allows it with [issue] from_shell = true.",
            code="from_shell",
            rule="issue.from_shell",
        )
    require_public(site)
    if out is not None and out.exists():
        raise Refused(f"{out} exists already; it is never overwritten. Name another file.", code="exists", rule="--out never overwrites")
    if out is not None and not (out.absolute().parent.is_dir() and os.access(out.absolute().parent, os.W_OK)):
        words = f"{out} cannot be written: {out.absolute().parent} is no folder that you may write to. Nothing was issued."
        raise Refused(words, code="out", rule="--out can be written")
    subject = _subject(what)
    if site.site.demo:
        officer, signatory = officer or demo.OFFICER, signatory or demo.SIGNATORY
    done = run_async(
        site, lambda: issue_in(site, subject, officer, signatory, wait_s=wait, tell=lambda words: say(naming_site(words, config)))
    )
    path = _write(done, out) if done.pdf is not None else None
    show(done.as_json(path), as_json=json, plain=lambda: naming_site(done.plain(path), config))
    return DONE


def _subject(what: str) -> Application | str:
    if names_a_file(what):
        try:
            return read(Path(what).read_bytes())
        except OSError as error:
            raise Refused(f"{what} cannot be read: {error.strerror}.", code="no_such_file", box="FILE", rule="readable file") from error
    if _REFERENCE.fullmatch(what):
        return what.upper()
    raise Refused(
        f"There is no file {what}, and it is no reference of an application.", code="no_such_file", box="FILE", rule="file or reference"
    )


@dataclass(frozen=True, slots=True)
class _Done:
    reference: str
    state: str
    number: str | None
    sha256: str | None
    url: str | None
    pdf: bytes | None
    problem: str
    for_good: bool = False

    def as_json(self, path: Path | None) -> dict[str, Any]:
        return {
            "number": self.number,
            "sha256": self.sha256,
            "verify_url": self.url,
            "path": str(path) if path else None,
            "state": self.state,
            "reference": self.reference,
        }

    def plain(self, path: Path | None) -> str:
        if path is None and self.for_good:
            return f"Held back: {self.problem}\n  Nothing goes on by itself. When that is mended, start it again: `ecoo issue {self.reference}`."
        if path is None:
            return (
                f"Waiting: {self.problem or 'the certificate is under way.'}\n"
                f"  It goes on by itself in `ecoo serve`; or stay with it here: `ecoo issue {self.reference} --wait {_LONG_S}`.\n"
                "  While one of the two runs, do in another shell what it waits for."
            )
        return f"Issued {self.number}\n  file     {path}\n  sha256   {self.sha256}\n  verify   {self.url}"


async def issue_in(
    config: Config, subject: Application | str, officer: str | None, signatory: str | None, *, wait_s: float = 0, tell: Tell = say
) -> _Done:
    """Records the acts of the person first, on a site that is only read from; then works, or waits for who works there.

    What a person must do first is told, and then waited for, up to `wait_s` seconds.
    """
    async with open_site(config, work=False) as site:
        await _look(site, subject, tell)
        draft, approval = await approve_at_shell(
            subject, officer=officer, signatory=signatory, registry=site.registry, clock=site.clock, demo=config.site.demo
        )
    try:
        if config.serve.profile == "embedded":  # an outgrown site is worked on by its workers alone
            async with open_site(config, work=True) as site:
                return await _finish(site, draft, approval.id, wait_s, tell)
    except ConfigError as error:
        if error.code != "locked":
            raise
    say("Another ecoo process works on this site; waiting for it to issue.")
    async with open_site(config, work=False) as site:
        return await _finish(site, draft, approval.id, wait_s, tell)


async def _look(site: Site, subject: Application | str, tell: Tell) -> None:
    """Tells what the person who is about to approve should look at twice. Raises Refused for a file that surely is wrong."""
    at = site.clock.now()
    if isinstance(subject, Application):
        outlook = await foresee(PLATFORM, subject, registry=site.registry, at=at)
        outlook.require()
    else:
        draft = await find(PLATFORM, subject)
        if draft.state not in _TO_APPROVE:
            return
        outlook = await foresee(PLATFORM, draft.application, registry=site.registry, at=at, draft=draft)
    for doubt in outlook.warnings:
        if doubt.box is not None:  # what the form leaves open is the agency's, not this application's
            tell(f"Look at {doubt.box}: {doubt.say}")


async def _stay(site: Site, approval: UUID, wait_s: float, tell: Tell) -> queue.Outcome:
    """Waits until it is over or held back for good, or is held back and `wait_s` is up; tells each new reason for that."""
    outcome = await site.wait_for(approval, timeout_s=_PATIENCE_S)
    loop, told = asyncio.get_running_loop(), ""
    end = loop.time() + wait_s
    while not (outcome.over or outcome.for_good) and (left := end - loop.time()) > 0:
        if outcome.problem not in ("", told):
            told = outcome.problem
            tell(f"Waiting: {told}\n  Do it in another shell; this one waits {left:.0f} seconds.")
        outcome = await site.wait_for(approval, timeout_s=min(left, _LOOK_AGAIN_S), until_held=False)
    return outcome


async def _finish(site: Site, draft: Draft, approval: UUID, wait_s: float, tell: Tell) -> _Done:
    await queue.start_again(approval)
    await site.start_queued()
    outcome = await _stay(site, approval, wait_s, tell)
    standing = outcome.standing
    if outcome.over and not outcome.issued:
        raise Refused(
            f"The certificate could not be issued: {outcome.problem or (standing.void_reason if standing else '')}",
            code="void",
            reference=draft.reference,
        )
    if standing is None or not outcome.issued:
        return _Done(draft.reference, "waiting", standing.number if standing else None, None, None, None, outcome.problem, outcome.for_good)
    newest = next(row for row in await files_of(standing) if row["kind"] == "electronic")
    sha256: str = newest["file_sha256"]
    url = verify_url(site.config.site.public_url, standing.code)
    return _Done(draft.reference, "issued", standing.number, sha256, url, await site.files.get(sha256), "")


def _write(done: _Done, out: Path | None) -> Path:
    """Writes the certificate for good; without --out a name that is taken gets a counter."""
    wanted = out or Path(file_name(done.number or ""))
    for attempt in range(1000):
        path = wanted if attempt == 0 else wanted.with_stem(f"{wanted.stem}-{attempt}")
        try:
            _write_whole(path, done.pdf or b"")
        except FileExistsError:
            if out is not None:
                break
            continue
        except OSError as error:
            raise ConfigError(
                f"The certificate {done.number} was issued but {path} cannot be written ({error.strerror}). Get it with: ecoo issue {done.reference}",
                code="out",
                reference=done.reference,
            ) from error
        return path.absolute()
    raise Refused(
        f"{wanted} exists already; it is never overwritten. Get the certificate with: ecoo issue {done.reference} --out OTHER.pdf",
        code="exists",
        reference=done.reference,
    )


def _write_whole(path: Path, data: bytes) -> None:
    """The file with all of its bytes, or none at all. Raises FileExistsError if the name is taken."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
