"""The failure table P1 to P24, played from beginning to end on every wire, over real HTTP.

A scenario that cannot happen on a wire is named with the reason, and what stands in its place is played instead: no line of the table is
passed over.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import config as configuration
from engine.people import add_exporter_user, add_office, exporter_by_id, register_exporter
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Account, Administrator, Exporter, Office
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import uow
from plugins.payment.sandbox.rehearsal.sending import post_here
from tests.admin.till_of_site import enter_parameters
from tests.clocks import to_the_morning
from tests.plugins.payment.scenarios_asked import ASKED, asks_nobody_first, reads_no_file, starts_without_it
from tests.plugins.payment.scenarios_heard import HEARD
from tests.plugins.payment.scenarios_proved import PROVED
from tests.plugins.payment.shop_bench import Shop
from tests.plugins.payment.site_bench import served
from tests.plugins.payment.wires_bench import WIRES, Wire, settings_at
from tests.rehearsal import Rehearsal, rehearsing

Scenario = Callable[[Shop], Awaitable[None]]
TABLE: Mapping[str, Scenario] = {f"P{number}": {**HEARD, **PROVED, **ASKED}[f"P{number}"] for number in range(1, 25)}


@dataclass(frozen=True)
class Instead:
    """Why a scenario cannot happen on a wire, and what is played in its place."""

    reason: str
    shows: Scenario


_NO_START = "the payer's browser alone carries the request, so there is no start call"
_NO_FILE = "the gateway publishes no shape of a settlement file, so none is read"
INSTEAD: Mapping[str, Mapping[str, Instead]] = {
    "billdesk-classic": {
        "P12": Instead(f"{_NO_START} (3.1)", asks_nobody_first),
        "P15": Instead(f"{_NO_START} (3.1)", starts_without_it),
        "P18": Instead(f"{_NO_FILE} (3.1)", reads_no_file),
        "P19": Instead(f"{_NO_FILE} (3.1)", reads_no_file),
    },
    "billdesk-jose": {"P18": Instead(f"{_NO_FILE} (3.2)", reads_no_file), "P19": Instead(f"{_NO_FILE} (3.2)", reads_no_file)},
    "payu": {
        "P12": Instead(f"{_NO_START} (3.4)", asks_nobody_first),
        "P15": Instead(f"{_NO_START} (3.4)", starts_without_it),
        "P18": Instead(f"{_NO_FILE} (3.4)", reads_no_file),
        "P19": Instead(f"{_NO_FILE} (3.4)", reads_no_file),
    },
}
PROVE = os.environ.get("ECOO_PROVE") == "1"
# With ECOO_PROVE=1 every wire is played on PostgreSQL too.
PLAYED = [*((wire, "sqlite") for wire in WIRES), *((wire, "postgres") for wire in (WIRES if PROVE else ("razorpay",)))]
TOGETHER = [pytest.param(each, id="-".join(each), marks=pytest.mark.xdist_group(f"failure table, {each}")) for each in PLAYED]
PAID_BACK = {"classic_refund_column": "27", "refund_done_codes": "0799"}  # as BillDesk would confirm them to an operator


@pytest.fixture(scope="session")
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing((), deliver=post_here) as served_there:
        yield served_there


@pytest.fixture(scope="module", params=TOGETHER)
def played(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A wire, and the database that the site is on."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(scope="module")
async def shop(
    played: tuple[str, str], rehearsal: Rehearsal, masters: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """A fresh demonstration site, with a merchant at the gateway for each of two offices."""
    name, database = played
    wire, maker, clock = WIRES[name], replace(masters, made=[]), rehearsal.clock
    config = configuration.load(maker.make(tmp_path_factory.mktemp("shop"), database), {})
    settings = settings_at(rehearsal.address)
    settings["billdesk"] |= PAID_BACK
    clock.at = datetime.now(UTC) + to_the_morning()
    merchants = replace(wire.merchant, secrets=dict(wire.merchant.secrets)), wire.another()
    rehearsal.gateway.__init__(merchants, now=clock.now, deliver=post_here)  # type: ignore[misc]
    async with served(replace(config, gateways=settings), clock) as (site, base):
        opened = await _opened(wire, site, base, rehearsal)
        yield opened
        await opened.close()
    for url in maker.made:
        maker.cluster.drop(url)


async def _opened(wire: Wire, site: Site, base: str, rehearsal: Rehearsal) -> Shop:
    at, (first, second) = site.clock.now(), rehearsal.gateway.till.merchants
    [here], [firm] = await Office.select(), await Exporter.select(Exporter.id, Exporter.iec)
    office = await office_by_id(PLATFORM, here["id"])
    other = await office_by_id(PLATFORM, await add_office(office.agency_id, "DEL", "Delhi", "Delhi", actor="test", at=at))
    [head] = await Administrator.select(Administrator.account).limit(1)
    rival = await register_exporter("0399000077", "RIVAL EXPORTS", "", actor="test", at=at)
    async with uow():  # a firm is as the registry has it, and is not asked about again meanwhile
        told = {Exporter.status: "active", Exporter.sync_due_at: at + timedelta(days=900)}
        await Exporter.update(told, force=True)
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: at}).where(Account.id == head["account"])
        await Office.update({Office.wallet: True}).where(Office.id == office.id)
    accounts = {"manager": head["account"]}
    for who, exporter in (("payer", firm["id"]), ("stranger", rival.id)):
        email = f"{who}@firm.example.in"
        await add_exporter_user(exporter, email=email, name=who.title(), rights="see,prepare,submit,pay", actor="test", at=at)
        accounts[who] = (await Account.select(Account.id).where(Account.email == email))[0]["id"]
    exporter = await exporter_by_id(PLATFORM, firm["id"])
    assert exporter is not None
    shop = Shop(wire, site, base, rehearsal, office, other, exporter, first, second, accounts)
    await enter_parameters(site, other, wire.gateway, {**wire.shown(second), **wire.hidden(second)})
    await shop.enter_parameters()
    for merchant, whose in ((first, office), (second, other)):
        merchant.notices = shop.cashier.notice_url(wire.gateway, whose.id)
    return shop


def test_no_line_of_the_table_is_passed_over() -> None:
    assert list(TABLE) == [f"P{number}" for number in range(1, 25)]
    assert {wire for wire, _ in PLAYED} == WIRES.keys()
    for name, instead in INSTEAD.items():
        assert name in WIRES
        assert instead.keys() <= TABLE.keys()


@pytest.mark.parametrize("line", TABLE)
async def test_the_failure_table(
    shop: Shop, played: tuple[str, str], line: str, caplog: pytest.LogCaptureFixture, quote: Callable[[str], None]
) -> None:
    instead = INSTEAD.get(played[0], {}).get(line)
    shop.log = caplog
    shop.clock.forward(days=1)
    await shop.enter()
    await (instead.shows if instead else TABLE[line])(shop)
    await shop.sound()
    quote(f"failure table, {' on '.join(played)}: {line} {f'cannot happen ({instead.reason})' if instead else 'ok'}")
