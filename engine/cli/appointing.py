"""`ecoo appoint`: the first persons of a site, who then let others in; each is mailed a link to choose a password."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from engine.cli.options import ConfigOption, run_async, site_config
from engine.cli.output import DONE, say
from engine.clock import ist_day
from engine.people import agency_by_code, appoint_administrator, appoint_to_desk
from engine.people.access import invite
from engine.scope import PLATFORM
from engine.site import open_site
from engine.store import uow

__all__ = ["add_to"]

_ACTOR = "shell"
_Email = Annotated[str, Parameter(help="Their e-mail address.")]
_Name = Annotated[str, Parameter(help="Their name, as letters and the audit say it.")]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(persons := App(name="appoint", help="The first persons of a site; they are mailed a link to choose a password."))
    persons.command(desk)
    persons.command(administrator)


def desk(email: _Email, name: _Name, *, config: ConfigOption = None) -> int:
    """Appoint a person to the platform's desk, which activates administrators and keeps the register of agencies."""

    async def appoint(at: datetime) -> UUID:
        return await appoint_to_desk(email=email, name=name, actor=_ACTOR, at=at)

    return _appoint(config, email, "You were appointed to the platform's desk for electronic Certificates of Origin.", appoint)


def administrator(
    agency: Annotated[str, Parameter(help="The agency's code, such as EIA.")], email: _Email, name: _Name, *, config: ConfigOption = None
) -> int:
    """Appoint an administrator of an agency, who manages its offices and users."""

    async def appoint(at: datetime) -> UUID:
        return await appoint_administrator(
            await agency_by_code(PLATFORM, agency, on=ist_day(at)), email=email, name=name, actor=_ACTOR, at=at
        )

    return _appoint(config, email, f"You were appointed administrator of {agency} for electronic Certificates of Origin.", appoint)


def _appoint(config: Path | None, email: str, why: str, appoint: Callable[[datetime], Awaitable[UUID]]) -> int:
    """Appointment and letter in one unit of work: nobody is appointed who is not told."""
    settings = site_config(config)

    async def act() -> None:
        async with open_site(settings, work=False) as site, uow():
            at = site.clock.now()
            account = await appoint(at)
            await invite(account, why=why, base=settings.site.public_url, box=site.secrets, actor=_ACTOR, at=at)

    run_async(settings, act)
    say(f"{email} is appointed. The letter with the link is sent by the running server; `ecoo check` says where letters go.")
    return DONE
