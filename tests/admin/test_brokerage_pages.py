"""A broker's firm as pages, and what its keys may do for whom."""

import copy
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.config import AccessSection
from engine.money import file, outlook
from engine.people import add_exporter_user, make_key
from engine.people.access import Device, Stage
from engine.people.access.sessions import begin
from engine.people.firms import Opened, end_grant, give_grant, open_broker
from engine.people.tables import Account, BrokerUser, Exporter
from engine.scope import Scope
from engine.store import unit, uow
from tests.admin.conftest import BASE, TOKEN

LIST = "/api/v1/applications"


@pytest.fixture
async def browser(client: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield client
    client.cookies.clear()


@pytest.fixture
async def broker(house: Litestar, clock: Any) -> Opened:
    number = uuid4().hex[:8]
    return await open_broker(
        name=f"Konkan <i>Clearing</i> {number}",
        licence=f"CHA {number}",
        email=f"desk@{number}.example.in",
        person="F. Contractor",
        actor="test",
        box=house.state["parts"].site.secrets,
        base=BASE,
        at=clock.now(),
    )


async def enter(browser: httpx.AsyncClient, clock: Any, account: UUID) -> str:
    async with uow():
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: clock.now()}).where(Account.id == account)
        token = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=clock.now())
    browser.cookies.clear()
    browser.cookies.set("session", token)
    return token


async def sent(browser: httpx.AsyncClient, path: str, on: str, **fields: str) -> httpx.Response:
    token = TOKEN.search((await browser.get(on)).text)
    assert token
    return await browser.post(path, data={"_csrf_token": token[1], **fields}, headers={"origin": BASE})


async def test_the_firm_sees_its_code_and_its_persons(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    await enter(browser, clock, broker.account_id)
    page = (await browser.get("/brokerage")).text
    assert f"{broker.code[:4]} {broker.code[4:]}" in page
    assert "Konkan &lt;i&gt;Clearing" in page
    assert "F. Contractor" in page
    assert "No exporter lets you act for them yet." in page


async def test_a_colleague_is_added_changed_and_ended(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    own = await enter(browser, clock, broker.account_id)
    email = f"{uuid4()}@clearing.example.in"
    done = await sent(browser, "/brokerage/people/new", "/brokerage/people/new", name="A Clerk", email=email, right_prepare="on")
    assert done.headers["location"] == "/brokerage#people"
    [row] = await BrokerUser.select(BrokerUser.id, BrokerUser.account).where(BrokerUser.account.email == email)
    assert "may see, prepare" in (await browser.get("/brokerage")).text
    path = f"/brokerage/people/{row['id']}"
    await sent(browser, path, path, right_see="on", right_submit="on")
    assert "may see, submit" in (await browser.get("/brokerage")).text
    await enter(browser, clock, row["account"])
    assert (await browser.get("/brokerage")).status_code == 200
    assert (await browser.get("/brokerage/people/new")).status_code == 403, "a clerk manages nobody"
    theirs = browser.cookies["session"]
    browser.cookies.set("session", own)
    asked = (await browser.get(f"{path}/end")).text
    assert "A Clerk acts for Konkan &lt;i&gt;Clearing" in asked
    assert await BrokerUser.exists().where(BrokerUser.id == row["id"], BrokerUser.ended_at.is_null()), "asking ends nothing"
    assert (await sent(browser, f"{path}/end", f"{path}/end")).status_code == 303
    browser.cookies.clear()
    browser.cookies.set("session", theirs)
    assert (await browser.get("/brokerage")).headers["location"].startswith("/sign-in"), "signed out at once"


@pytest.mark.parametrize(
    ("wrong", "box"),
    [({"name": ""}, "name"), ({"name": "a\u202eb"}, "name"), ({"email": "nobody"}, "email"), ({"right_see": ""}, "rights")],
)
async def test_what_is_wrong_is_told_beside_its_field(
    browser: httpx.AsyncClient, clock: Any, broker: Opened, wrong: dict[str, str], box: str
) -> None:
    await enter(browser, clock, broker.account_id)
    told = {"name": "A Clerk", "email": f"{uuid4()}@clearing.example.in", "right_see": "on"} | wrong
    answer = await sent(browser, "/brokerage/people/new", "/brokerage/people/new", **told)
    assert answer.status_code == 422
    assert f'href="#{box}"' in answer.text
    assert f'id="{box}"' in answer.text


async def test_the_last_who_manages_stays(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    await enter(browser, clock, broker.account_id)
    path = f"/brokerage/people/{broker.user_id}"
    answer = await sent(browser, path, path, right_see="on")
    assert (answer.status_code, "Nobody would be left" in answer.text) == (422, True)
    assert (await sent(browser, f"{path}/end", "/brokerage")).status_code == 422


async def test_a_person_of_another_broker_reads_like_nobody(
    browser: httpx.AsyncClient, clock: Any, broker: Opened, house: Litestar
) -> None:
    other = await open_broker(
        name="Other",
        licence=f"CHA {uuid4().hex[:8]}",
        email=f"{uuid4()}@other.example.in",
        person="P",
        actor="test",
        box=house.state["parts"].site.secrets,
        base=BASE,
        at=clock.now(),
    )
    await enter(browser, clock, broker.account_id)
    for id in (other.user_id, uuid4()):
        assert (await browser.get(f"/brokerage/people/{id}")).status_code == 404
        assert (await sent(browser, f"/brokerage/people/{id}/end", "/brokerage")).status_code == 404


# --- keys of brokers ------------------------------------------------------------------------------------


class Filing:
    """A program of a broker that files for the exporter of the example."""

    def __init__(self, browser: httpx.AsyncClient, key: str, scope: Scope, user: UUID, broker: Opened, house: Litestar, clock: Any) -> None:
        self.browser, self.key, self.scope, self.user = browser, key, scope, user
        self.broker, self.house, self.clock = broker, house, clock

    async def grant(self, *rights: str, per_day: int | None = None) -> UUID:
        return await give_grant(
            self.scope,
            self.user,
            self.broker.code,
            rights=frozenset(rights),
            per_day=per_day,
            box=self.house.state["parts"].site.secrets,
            actor="test",
            at=self.clock.now(),
        )

    async def end(self, grant: UUID) -> None:
        box = self.house.state["parts"].site.secrets
        await end_grant(self.scope, self.user, grant, box=box, actor="test", at=self.clock.now())

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}", "accept": "application/json"}
        return await self.browser.request(method, path, headers=headers, **more)


@pytest.fixture
async def filing(browser: httpx.AsyncClient, clock: Any, broker: Opened, house: Litestar, example: dict[str, Any]) -> Filing:
    [row] = await Exporter.select(Exporter.id).where(Exporter.iec == example["exporter"]["iec"])
    user = await add_exporter_user(
        row["id"], email=f"{uuid4()}@firm.example.in", name="V. Rao", rights="see,prepare,submit,pay", actor="test", at=clock.now()
    )
    rights = frozenset({"see", "prepare", "submit"})
    key = await make_key("K", rights=rights, broker=broker.broker_id, valid_for=timedelta(days=365), actor="test", at=clock.now())
    return Filing(browser, key, Scope.exporter(row["id"]), user, broker, house, clock)


async def test_without_a_grant_a_brokers_key_opens_nothing(filing: Filing, example: dict[str, Any], story: Any) -> None:
    assert (await filing.ask("GET", LIST)).json()["applications"] == []
    refused = await filing.ask("POST", LIST, json=example)
    assert (refused.status_code, refused.json()["box"]) == (422, "exporter.iec")
    assert (await filing.ask("GET", f"{LIST}/{story.references['issued']}")).status_code == 404


async def test_a_granted_broker_files_until_the_grant_ends(filing: Filing, example: dict[str, Any], story: Any) -> None:
    grant = await filing.grant("see", "prepare", "submit")
    tree = copy.deepcopy(example)
    made = (await filing.ask("POST", LIST, json=tree)).json()
    path = f"{LIST}/{made['reference']}"
    assert (await filing.ask("GET", path)).status_code == 200
    filed = await filing.ask("POST", f"{path}/file")
    assert (filed.status_code, filed.json()["state"]) == (200, "filed")
    await filing.end(grant)
    assert (await filing.ask("GET", path)).status_code == 404
    assert (await filing.ask("GET", f"{LIST}/{story.references['issued']}/certificate")).status_code == 404
    assert (await filing.ask("POST", LIST, json=tree)).status_code == 422


async def test_each_act_asks_for_its_own_right_in_the_grant(filing: Filing, example: dict[str, Any]) -> None:
    await filing.grant("see", "prepare")
    made = (await filing.ask("POST", LIST, json=example)).json()
    path = f"{LIST}/{made['reference']}"
    assert (await filing.ask("POST", f"{path}/file")).status_code == 404, "it is not granted to submit anything of this firm"
    await filing.grant("see")
    assert (await filing.ask("GET", path)).status_code == 200
    assert (await filing.ask("PUT", path, json=example)).status_code == 404
    assert (await filing.ask("POST", LIST, json=example)).status_code == 422


async def test_a_broker_files_no_oftener_in_a_day_than_was_granted(filing: Filing, example: dict[str, Any]) -> None:
    await filing.grant("see", "prepare", "submit", per_day=1)
    references = [(await filing.ask("POST", LIST, json=example)).json()["reference"] for _ in range(2)]
    assert (await filing.ask("POST", f"{LIST}/{references[0]}/file")).status_code == 200
    refused = await filing.ask("POST", f"{LIST}/{references[1]}/file")
    assert (refused.status_code, "today's are filed" in refused.json()["say"]) == (429, True)
    assert int(refused.headers["retry-after"]) > 0
    assert (await filing.ask("GET", f"{LIST}/{references[1]}")).json()["state"] == "draft"


@pytest.mark.parametrize("named", [True, False])
async def test_a_filing_is_examined_before_anything_waits_for_it(
    filing: Filing, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """No unit of work is open while an application is examined, also where the request is named; sent again it counts once."""
    await filing.grant("see", "prepare", "submit", per_day=1)
    path = f"{LIST}/{(await filing.ask('POST', LIST, json=example)).json()['reference']}/file"
    within: list[bool] = []
    examine = outlook.foresee_alone

    def looking(*args: Any) -> Any:
        within.append(unit.database().current_transaction.get() is not None)
        return examine(*args)

    monkeypatch.setattr(outlook, "foresee_alone", looking)
    more = {"idempotency-key": str(uuid4())} if named else {}
    headers = {"authorization": f"Bearer {filing.key}", "accept": "application/json", **more}
    filed = await filing.browser.request("POST", path, headers=headers)
    assert (filed.status_code, filed.json()["state"]) == (200, "filed")
    assert within == [False]
    again = await filing.browser.request("POST", path, headers=headers)
    assert again.status_code == (200 if named else 409)
    assert (again.json() == filed.json()) is named


async def test_nobody_files_for_a_broker_uncounted(filing: Filing, example: dict[str, Any], house: Litestar, clock: Any) -> None:
    await filing.grant("see", "prepare", "submit")
    reference = (await filing.ask("POST", LIST, json=example)).json()["reference"]
    [row] = await Exporter.select(Exporter.id).where(Exporter.iec == example["exporter"]["iec"])
    registry = house.state["parts"].site.registry
    with pytest.raises(ValueError, match="names the broker"):
        await file(Scope.broker(frozenset({row["id"]})), reference, registry=registry, actor="x", at=clock.now())
    assert (await filing.ask("GET", f"{LIST}/{reference}")).json()["state"] == "draft"


async def test_a_grant_lets_nobody_write_into_another_exporters_file(filing: Filing, example: dict[str, Any]) -> None:
    await filing.grant("see", "prepare", "submit")
    tree = copy.deepcopy(example)
    tree["exporter"]["iec"] = "AAZCK5678M"
    answer = await filing.ask("POST", LIST, json=tree)
    assert (answer.status_code, answer.json()["box"]) == (422, "exporter.iec")
