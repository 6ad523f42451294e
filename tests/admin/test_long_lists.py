"""Lists that are longer than a page, read through by their links: nothing is left out, nothing comes twice, a search finds it."""

import re
from uuid import UUID, uuid4

import pytest

from admin.pages import payments, wallet_places
from engine.errors import Refused
from engine.money.orders.tables import OrderRow
from engine.people import add_office
from engine.people.access import RoleKind
from engine.people.tables import Office
from engine.store import uow
from tests.admin.purse import fund
from tests.admin.test_money_pages import Counter, counter, opened  # noqa: F401  # the fixtures

_LINK = re.compile(r'href="(/wallet\?(?:at|after)=[^"]+)"')
_USED = re.compile(r'<th scope="row"><a href="/wallet/([0-9a-f-]{36})/')
_OPEN = re.compile(r'<a class="button quiet small" href="/wallet/([0-9a-f-]{36})/')
_NEXT_PAGE = re.compile(r'href="(/payments\?[^"]*before=[^"]+)"')
_ORDER = re.compile(r'href="/payments/([2-9A-HJKMNP-Z]{20})"')


async def test_wallets_and_the_offices_without_one_are_read_through(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(wallet_places, "_ON_A_PAGE", 3)
    row = await Office.select(Office.agency).where(Office.id == counter.office).first()
    assert row
    offices = [
        await add_office(row["agency"], f"Q{letter}", f"Quay {letter * 4}", "Kandla", actor="test", at=counter.clock.now())
        for letter in "ABCDEFGH"
    ]
    async with uow():
        await Office.update({Office.wallet: True}).where(Office.id.is_in(offices))
    for office in offices[:5]:
        await fund(row["agency"], office, counter.firm, 100, counter.clock.now())
    used, empty, todo, done = set[str](), set[str](), ["/wallet"], set[str]()
    while todo:
        path = todo.pop()
        done.add(path)
        answer = await counter.get(path)
        assert answer.status_code == 200
        assert len(_USED.findall(answer.text)) <= 3
        used |= set(_USED.findall(answer.text))
        empty |= set(_OPEN.findall(answer.text))
        todo += [link for link in (each.replace("&amp;", "&") for each in _LINK.findall(answer.text)) if link not in {*done, *todo}]
    assert {str(office) for office in offices[:5]} <= used
    assert {str(office) for office in offices[5:]} <= empty
    assert used & empty == set()
    found = (await counter.get("/wallet?office=quay+ffff")).text
    assert _OPEN.findall(found) == [str(offices[5])]
    assert _USED.findall(found) == []
    assert _USED.findall((await counter.get("/wallet?office=KANDLA+quay+bbbb")).text) == []  # a city is said of the offices without one
    assert _USED.findall((await counter.get("/wallet?office=quay+bbbb")).text) == [str(offices[1])]
    nothing = (await counter.get('/wallet?office="><script>')).text
    assert "<script>" not in nothing
    assert "No such e-wallet was used." in nothing


@pytest.mark.parametrize("mark", ["x", "0000000000", "0000000000.x", "../../etc/.0", "०००००००००१." + "0" * 32])
async def test_a_mark_that_no_page_gave_is_refused(counter: Counter, mark: str) -> None:  # noqa: F811
    assert (await counter.client.get("/wallet", params={"after": mark}, headers={"accept": "text/html"})).status_code == 422


@pytest.mark.parametrize("mark", ["x", "1", "1700000000000000.", "1700000000000000.zz", "1700000000000000." + "0" * 33])
def test_a_mark_of_the_history_that_no_page_gave_is_refused(mark: str) -> None:
    with pytest.raises(Refused):
        payments.place_of(mark)


async def test_orders_of_one_moment_are_read_through(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(payments, "_ON_A_PAGE", 2)
    await counter.pay(await counter.filed(), "gateway")
    like = await OrderRow.select().where(OrderRow.exporter == counter.firm).order_by(OrderRow.made_at, ascending=False).first()
    assert like
    letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
    copies = [{**like, "id": uuid4(), "reference": letters[number] * 20} for number in range(5)]
    async with uow():
        await OrderRow.insert(*(OrderRow(**copy) for copy in copies))
    shown, path = list[str](), "/payments"
    while path:
        text = (await counter.get(path)).text
        shown += _ORDER.findall(text)
        further = _NEXT_PAGE.search(text)
        path = further[1].replace("&amp;", "&") if further else ""
    assert len(shown) == len(set(shown))
    assert {like["reference"], *(copy["reference"] for copy in copies)} <= set(shown)


async def test_a_broker_searches_the_firms(counter: Counter) -> None:  # noqa: F811
    await counter.enter(RoleKind.BROKER)
    assert (await counter.get("/wallet?firm=nobody+is+called+so")).status_code == 200
    assert UUID(str(counter.firm))
