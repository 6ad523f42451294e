"""Office Management as an administrator uses it, and as somebody tries to abuse it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from admin.pages import office_payment
from engine.clock import ist_day
from engine.money.fees.tables import FeeRow
from engine.money.gateways import Tester, in_use
from engine.money.gateways.tables import ConnectionTestRow, ParametersRow
from engine.people import add_agency, add_office
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.changes.tables import ChangeRow
from engine.people.tables import Account, Administrator, Holiday, Office
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import uow
from engine.store.tables import AuditEntry
from plugins.payment.sandbox.server import RehearsalGateway
from tests.admin.conftest import BASE, TOKEN
from tests.ready import make_ready
from tests.rehearsal import sandboxes

SECRET = "k9XvQ2mNpR7sT4wZ"
DETAILS = {
    "name": "Delhi Office",
    "code": "DEL",
    "address": "1 Janpath",
    "city": "New Delhi",
    "pin": "110001",
    "state": "07",
    "day1": "yes",
    "day6": "yes",
}


@dataclass
class Desk:
    """The browser of a fresh agency's administrator, and a second one beside."""

    client: httpx.AsyncClient
    site: Site
    clock: Any
    agency: UUID
    office: UUID
    first: UUID
    second: UUID

    @property
    def home(self) -> str:
        return f"/offices/{self.office}"

    async def enter(self, account: UUID) -> None:
        at = self.clock.now()
        role = next(each for each in await roles_of(account, at) if each.kind is RoleKind.ADMINISTRATOR)
        async with uow():
            token = await begin(account, Stage.WHOLE, device=Device("test"), limits=self.site.config.access, at=at, acting=role.key)
        self.client.cookies.clear()
        self.client.cookies.set("session", token)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"})

    async def send(self, path: str, **fields: str) -> httpx.Response:
        token = TOKEN.search((await self.get("/password")).text)
        assert token
        return await self.client.post(path, data={"_csrf_token": token[1], **fields}, headers={"accept": "text/html", "origin": BASE})

    async def row(self) -> dict[str, Any]:
        [row] = await Office.select().where(Office.id == self.office)
        return dict(row)

    async def acts(self) -> list[str]:
        rows = await AuditEntry.select(AuditEntry.act).where(AuditEntry.agency == str(self.agency)).order_by(AuditEntry.at, AuditEntry.id)
        return [row["act"] for row in rows]


@pytest.fixture
async def desk(house: Litestar, stranger: httpx.AsyncClient, clock: Any) -> Desk:
    clock.forward(minutes=1)
    at, accounts = clock.now(), []
    id = await add_agency(f"O{uuid4().hex[:8].upper()}", "Fresh Agency", actor="test", at=at)
    async with uow():
        for name in ("first", "second"):
            account = Account(
                email=f"{name}-{uuid4().hex[:8]}@fresh.example.in",
                name=f"{name.title()} Person",
                totp_sealed="x",
                totp_set_at=at,
                password_hash="x",
                made_at=at,
            )
            await Account.insert(account)
            live = f"{account.id}:{id}"
            await Administrator.insert(Administrator(agency=id, account=account.id, live_key=live, made_by="test", made_at=at))
            accounts.append(UUID(str(account.id)))
    office = await add_office(id, "MUM", "Mumbai Office", "Mumbai", actor="test", at=at)
    made = Desk(stranger, house.state["parts"].site, clock, id, office, *accounts)
    await made.enter(made.first)
    return made


# --- offices -------------------------------------------------------------------------------------


async def test_an_office_is_added_and_stands_in_the_list(desk: Desk) -> None:
    answer = await desk.send("/offices/add", **DETAILS, wallet="yes")
    assert answer.status_code == 303
    page = (await desk.get(answer.headers["location"])).text
    assert all(words in page for words in ("Delhi Office", "1 Janpath", "New Delhi 110001", "Delhi", "Monday, Saturday"))
    listed = (await desk.get("/offices")).text
    assert listed.index("Delhi Office") < listed.index("Mumbai Office")
    [row] = await Office.select().where(Office.agency == desk.agency, Office.code == "DEL")
    assert (row["wallet"], row["working_days"], row["active"]) == (True, "16", True)


@pytest.mark.parametrize(
    ("changed", "box"),
    [
        ({"code": "D"}, "code"),
        ({"code": "DELHI"}, "code"),
        ({"code": "d\u00df"}, "code"),
        ({"code": "008"}, "code"),
        ({"code": "\uff24\uff25\uff2c"}, "code"),
        ({"code": "MUM"}, "code"),
        ({"name": ""}, "name"),
        ({"name": "Delhi\u200bOffice"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"city": "New\u202eDelhi"}, "city"),
        ({"address": "1 Janpath\x00"}, "address"),
        ({"pin": "010001"}, "pin"),
        ({"pin": "1100"}, "pin"),
        ({"state": "99"}, "state"),
        ({"gstin": "07AAACR5055K1Z"}, "gstin"),
        ({"gstin": "27AAACR5055K1Z7"}, "gstin"),
        ({"day1": "", "day6": ""}, "working_days"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(desk: Desk, changed: dict[str, str], box: str) -> None:
    answer = await desk.send("/offices/add", **{**DETAILS, **changed})
    assert answer.status_code == 422
    assert f'href="#{box}"' in answer.text
    assert f'id="{box}' in answer.text
    assert await Office.count().where(Office.agency == desk.agency) == 1


async def test_a_code_in_small_letters_becomes_capitals(desk: Desk) -> None:
    added = await desk.send("/offices/add", **{**DETAILS, "code": " pun "})
    assert added.status_code == 303
    rows = await Office.select(Office.code).where(Office.agency == desk.agency)
    assert sorted(row["code"] for row in rows) == ["MUM", "PUN"]
    assert "small letters become capitals" in (await desk.get("/offices/add")).text


async def test_an_empty_form_names_every_missing_field_in_the_order_of_the_form(desk: Desk) -> None:
    answer = await desk.send("/offices/add", day1="yes")
    said = re.findall(r'<li><a href="#(\w+)">([^<]+)</a>', answer.text)
    assert [box for box, _ in said] == ["name", "code", "city"]
    assert all("is missing; enter" in say for _, say in said)


async def test_what_was_typed_is_shown_escaped(desk: Desk) -> None:
    await desk.send("/offices/add", **{**DETAILS, "name": "<script>alert(1)</script>", "address": "</textarea><b>x"})
    for path in (
        "/offices",
        f"/offices/{(await Office.select(Office.id).where(Office.agency == desk.agency, Office.code == 'DEL'))[0]['id']}",
    ):
        page = (await desk.get(path)).text
        assert "<script>alert" not in page
    answer = await desk.send("/offices/add", **{**DETAILS, "code": "x", "address": "</textarea><b>x"})
    assert "</textarea><b>" not in answer.text


async def test_the_code_never_changes(desk: Desk) -> None:
    code = (await desk.row())["code"]
    form = (await desk.get(f"{desk.home}/change")).text
    assert f'<input type="hidden" name="code" value="{code}">' in form
    answer = await desk.send(f"{desk.home}/change", **{**DETAILS, "code": "XYZ", "name": "Other"})
    assert answer.status_code == 422
    assert "never changes" in answer.text
    assert (await desk.row())["code"] == code
    assert (await desk.send(f"{desk.home}/change", **{**DETAILS, "code": code, "name": "Other"})).status_code == 303
    assert (await desk.row())["name"] == "Other"


async def test_an_office_is_switched_off_and_on(desk: Desk) -> None:
    await desk.send(f"{desk.home}/switch", on="no")
    assert not (await desk.row())["active"]
    assert "switched off" in (await desk.get("/offices")).text
    await desk.send(f"{desk.home}/switch", on="no")
    await desk.send(f"{desk.home}/switch", on="yes")
    assert (await desk.row())["active"]
    assert [act for act in await desk.acts() if act.startswith("office_switched")] == ["office_switched_off", "office_switched_on"]


async def test_the_next_number_is_shown_before_the_first_one(desk: Desk) -> None:
    page = re.sub(r"<[^>]+>", "", (await desk.get(desk.home)).text)
    assert "none yet" in page
    assert re.search(r"/2026/MUM/0000001[0-9A-Z]", page)


async def test_holidays_are_pasted_renamed_and_removed(desk: Desk) -> None:
    pasted = "2027-01-26 Republic Day\r\n15-08-2027, Independence Day\n02/10/2027\tGandhi Jayanti\n25 December 2027: Christmas\n\n"
    assert (await desk.send(f"{desk.home}/holidays", holidays=pasted)).status_code == 303
    await desk.send(f"{desk.home}/holidays", holidays="2027-12-25 Christmas Day")
    page = (await desk.get(desk.home)).text
    assert [name in page for name in ("Republic Day", "15 August 2027", "2 October 2027", "Christmas Day")] == [True] * 4
    rows = await Holiday.select(Holiday.id, Holiday.name).where(Holiday.office == desk.office).order_by(Holiday.closed_on)
    assert [row["name"] for row in rows] == ["Republic Day", "Independence Day", "Gandhi Jayanti", "Christmas Day"]
    assert (await desk.send(f"{desk.home}/holidays/{rows[0]['id']}/remove")).status_code == 303
    assert (await desk.send(f"{desk.home}/holidays/{rows[0]['id']}/remove")).status_code == 404


async def test_days_in_the_past_are_left_out_and_that_is_said(desk: Desk) -> None:
    yesterday = ist_day(desk.clock.now()) - timedelta(days=1)
    today = yesterday + timedelta(days=1)
    pasted = f"{yesterday.isoformat()} Gone\n2020-01-26 Long Gone\n{today.isoformat()} Now\n2027-01-26 Republic Day"
    entered = await desk.send(f"{desk.home}/holidays", holidays=pasted)
    page = (await desk.get(entered.headers["location"].partition("#")[0])).text
    assert "2 holidays entered." in page
    assert "2 days of the list lie in the past and were left out." in page
    rows = await Holiday.select(Holiday.name).where(Holiday.office == desk.office).order_by(Holiday.closed_on)
    assert [row["name"] for row in rows] == ["Now", "Republic Day"]


async def test_a_list_of_the_past_alone_is_refused_and_kept_in_the_form(desk: Desk) -> None:
    answer = await desk.send(f"{desk.home}/holidays", holidays="2020-01-26 Republic Day")
    assert (answer.status_code, "lies in the past" in answer.text, ">2020-01-26 Republic Day<" in answer.text) == (422, True, True)
    assert await Holiday.count().where(Holiday.office == desk.office) == 0


@pytest.mark.parametrize("address", ["entered=<b>&past=1", "entered=-1", "entered=\u0663", "entered=99999"])
async def test_what_was_entered_is_no_word_of_an_address(desk: Desk, address: str) -> None:
    page = await desk.get(f"{desk.home}?{address}")
    assert (page.status_code, "entered." in page.text) == (200, False)


@pytest.mark.parametrize(
    "pasted",
    ["", "   \n ", "Republic Day", "2027-02-30 No Day", "2027-01-26", "26-01-27 Republic Day", "2027-01-26 A\n2027-01-26 B", "1999-01-01 x",
     "2027-01-26 Repu\u200bblic", "2027-01-26 " + "x" * 121, "2027-13-01 x", "30 Foo 2027 x", "\n".join(f"2027-01-{d:02} x" for d in range(1, 10)) + "\nrubbish",
     "\n".join("2027-01-01 x" for _ in range(201))],
)  # fmt: skip
async def test_a_list_with_a_wrong_line_is_taken_not_at_all(desk: Desk, pasted: str) -> None:
    answer = await desk.send(f"{desk.home}/holidays", holidays=pasted)
    assert answer.status_code == 422
    assert "holidays-wrong" in answer.text
    assert await Holiday.count().where(Holiday.office == desk.office) == 0


# --- readiness -----------------------------------------------------------------------------------


async def test_the_checklist_leads_to_where_each_thing_is_mended(desk: Desk) -> None:
    page = (await desk.get(f"{desk.home}/readiness")).text
    for path in (f"{desk.home}/change", f"{desk.home}/stamp", "/users", f"{desk.home}/fees", f"{desk.home}/terms", f"{desk.home}/payment"):
        assert f'href="{path}"' in page
        assert (await desk.get(path)).status_code == 200
    assert "Mumbai Office</strong></a> is not ready" in (await desk.get("/dashboard")).text
    await make_ready(desk.agency, desk.office, desk.clock.now())
    page = (await desk.get(f"{desk.home}/readiness")).text
    assert page.count(">missing<") == 3, "fees, terms and payment"
    assert "is not ready" not in (await desk.get("/dashboard")).text


async def test_a_form_is_confirmed_once_by_name(desk: Desk) -> None:
    scheme = next(form.scheme for form in desk.site.registry.in_force(ist_day(desk.clock.now())) if form.unconfirmed or form.weak)
    page = f"/offices/forms/{scheme}"
    assert "confirm this form" in (await desk.get(page)).text
    for _ in range(2):
        assert (await desk.send(page)).status_code == 303
    assert "confirmed this very version" in (await desk.get(page)).text
    assert (await desk.acts()).count("form_confirmed") == 1


# --- fees ----------------------------------------------------------------------------------------


def fee(desk: Desk, **changed: str) -> dict[str, str]:
    day = ist_day(desk.clock.now()) + timedelta(days=3)
    told = {"where": "office", "amount": "200", "rate": "18", "sac": "998599", "rounding": "paisa", "starts_on": day.isoformat()}
    return told | changed


async def test_a_fee_is_looked_at_then_entered_then_withdrawn(desk: Desk) -> None:
    await desk.send(f"{desk.home}/change", **{**DETAILS, "code": "MUM"})
    looked = await desk.send(f"{desk.home}/fees", **fee(desk, look="yes"))
    assert all(
        words in looked.text
        for words in ("₹ 236.00", "CGST 9 % ₹ 18.00", "SGST 9 % ₹ 18.00", "IGST 18 % ₹ 36.00", "Nothing is entered yet")
    )
    assert await FeeRow.count().where(FeeRow.agency == desk.agency) == 0
    entered = await desk.send(f"{desk.home}/fees", **fee(desk))
    assert entered.status_code == 303
    confirmed = (await desk.get(entered.headers["location"])).text
    assert "Entered: ₹ 200.00 before tax, ₹ 236.00 with GST in the same state," in confirmed
    assert "for every scheme, at Delhi Office" in confirmed
    [row] = await FeeRow.select().where(FeeRow.agency == desk.agency)
    assert (row["amount_paise"], row["gst_rate_bp"], row["office"]) == (20000, 1800, desk.office)
    page = (await desk.get(f"{desk.home}/fees")).text
    assert "Coming" in page
    assert (await desk.send(f"{desk.home}/fees/{row['id']}/end", withdraw="yes")).status_code == 303
    assert "Coming" not in (await desk.get(f"{desk.home}/fees")).text


@pytest.mark.parametrize(
    ("changed", "box"),
    [
        ({"amount": "1,000"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"rate": ""}, "rate"),
        ({"rate": "101"}, "rate"),
        ({"sac": ""}, "sac"),
        ({"starts_on": "2020-01-01"}, "starts_on"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"last_day": "2020-01-01"}, "last_day"),
        ({"scheme": "NOSUCH"}, "scheme"),
    ],
)
async def test_a_wrong_fee_is_told_beside_its_field(desk: Desk, changed: dict[str, str], box: str) -> None:
    answer = await desk.send(f"{desk.home}/fees", **fee(desk, **changed))
    assert answer.status_code == 422
    assert f'href="#{box}"' in answer.text
    assert await FeeRow.count().where(FeeRow.agency == desk.agency) == 0


# --- payment parameters --------------------------------------------------------------------------


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The sandbox's other half on the line of the page; the merchants that it knows."""
    merchants = {"COOMUM01": SECRET}

    def testing(registry: Any, settings: Any, rehearsal: bool, box: Any, clock: Any) -> Tester:
        return Tester(registry, settings, True, box, clock, httpx.ASGITransport(RehearsalGateway(sandboxes(merchants))))  # type: ignore[arg-type]

    monkeypatch.setattr(office_payment, "Tester", testing)
    return merchants


async def saved(desk: Desk, **told: str) -> str:
    answer = await desk.send(f"{desk.home}/payment/sandbox", **{"merchant_id": "COOMUM01", "checksum": SECRET, **told})
    assert answer.status_code == 303, answer.text
    rows = await ParametersRow.select(ParametersRow.id).where(ParametersRow.office == desk.office).order_by(ParametersRow.version)
    return f"{desk.home}/payment/{rows[-1]['id']}"


async def test_entered_tested_asked_for_and_confirmed(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk)
    page = (await desk.get(f"{desk.home}/payment")).text
    assert all(words in page for words in ("Merchant ID", "COOMUM01", "Checksum", "fingerprint", "not tested yet", "First Person"))
    assert "into use" not in page
    await desk.send(f"{version}/test")
    assert "into use" in (await desk.get(f"{desk.home}/payment")).text
    await desk.send(f"{version}/use")
    assert "for a second person" in (await desk.get(f"{desk.home}/payment")).text
    assert await in_use(PLATFORM, desk.office) is None
    [change] = await ChangeRow.select(ChangeRow.id).where(ChangeRow.agency == desk.agency)
    assert (await desk.send(f"/changes/{change['id']}/confirm")).status_code == 403
    await desk.enter(desk.second)
    assert (await desk.send(f"/changes/{change['id']}/confirm")).status_code == 303
    assert "in use" in (await desk.get(f"{desk.home}/payment")).text
    assert ">missing<" in (await desk.get(f"{desk.home}/readiness")).text  # the fees
    assert (await desk.acts()).count("payment_parameters_activated") == 1


async def note_test(desk: Desk, version: str, outcome: str, say: str) -> None:
    """A test of that version as it was kept."""
    row = ConnectionTestRow(
        agency=desk.agency,
        office=desk.office,
        parameters=UUID(version.rpartition("/")[2]),
        outcome=outcome,
        code="test",
        say=say,
        tested_by="test",
        tested_at=desk.clock.now(),
    )
    async with uow():
        await ConnectionTestRow.insert(row)


async def test_the_second_person_sees_the_test_and_why_it_is_to_be_used_all_the_same(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk)
    await note_test(desk, version, "inconclusive", "The gateway was silent.")
    asked = await desk.send(f"{version}/use", because="The gateway <b>mends</b> its line tonight.")
    assert asked.status_code == 303
    [change] = await ChangeRow.select(ChangeRow.id).where(ChangeRow.agency == desk.agency)
    await desk.enter(desk.second)
    page = (await desk.get(f"/changes/{change['id']}")).text
    assert re.search(r"Connection test</dt>\s*<dd><strong[^>]*>inconclusive</strong>", page)
    assert "The gateway was silent." in page
    assert 'Use it all the same, because</dt><dd class="lines">The gateway &lt;b&gt;mends&lt;/b&gt; its line tonight.' in page


async def test_the_second_person_sees_that_the_test_passed(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk)
    await note_test(desk, version, "passed", "The gateway takes these parameters.")
    await desk.send(f"{version}/use")
    [change] = await ChangeRow.select(ChangeRow.id).where(ChangeRow.agency == desk.agency)
    await desk.enter(desk.second)
    page = (await desk.get(f"/changes/{change['id']}")).text
    assert re.search(r"Connection test</dt>\s*<dd><strong[^>]*>passed</strong>", page)
    assert "all the same" not in page


async def test_the_secret_is_in_no_page(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk)
    await desk.send(f"{version}/test")
    refused = await desk.send(f"{desk.home}/payment/sandbox", merchant_id="COO MUM", checksum=f"{SECRET}!")
    assert refused.status_code == 422
    assert "COO MUM" in refused.text  # what may be seen comes back as it was typed
    pages = [refused.text] + [
        (await desk.get(path)).text for path in (f"{desk.home}/payment", f"{desk.home}/payment/sandbox", desk.home, "/audit", "/changes")
    ]
    assert not any(SECRET in page for page in pages)


@pytest.mark.parametrize(
    ("told", "box", "words"),
    [
        ({"merchant_id": "COOMUM01 "}, "merchant_id", "Merchant ID ends with 1 space"),
        ({"merchant_id": "COO\u200bMUM01"}, "merchant_id", "invisible character at position 4"),
        ({"merchant_id": "\uff23OOMUM01"}, "merchant_id", "full-width character at position 1"),
        ({"merchant_id": "COO MUM01"}, "merchant_id", "space at position 4"),
        ({"merchant_id": ""}, "merchant_id", "Merchant ID must not be blank"),
        ({"merchant_id": "NA"}, "merchant_id", "placeholder"),
        ({"checksum": ""}, "checksum", "Checksum must not be blank"),
        ({"checksum": f"{SECRET}\n"}, "checksum", "Checksum ends with"),
        ({"checksum": "****************"}, "checksum", "placeholder"),
    ],
)
async def test_a_slip_is_told_beside_its_field_and_nothing_is_saved(desk: Desk, told: dict[str, str], box: str, words: str) -> None:
    answer = await desk.send(f"{desk.home}/payment/sandbox", **{"merchant_id": "COOMUM01", "checksum": SECRET, **told})
    assert answer.status_code == 422
    assert f'id="{box}-wrong"' in answer.text
    assert words in answer.text
    assert SECRET not in answer.text
    assert await ParametersRow.count().where(ParametersRow.office == desk.office) == 0


async def test_a_secret_may_stay_by_a_tick(desk: Desk, gateway: dict[str, str]) -> None:
    await saved(desk)
    assert 'name="keep_checksum"' in (await desk.get(f"{desk.home}/payment/sandbox")).text
    version = await saved(desk, checksum="", keep_checksum="yes")
    await desk.send(f"{version}/test")
    [row] = await ConnectionTestRow.select(ConnectionTestRow.outcome).where(ConnectionTestRow.office == desk.office)
    assert row["outcome"] == "passed"


async def test_what_the_gateway_refuses_is_not_offered_for_use(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk, merchant_id="COOMUM99")
    await desk.send(f"{version}/test")
    page = (await desk.get(f"{desk.home}/payment")).text
    assert "does not know this Merchant ID" in page
    assert "into use" not in page
    assert (await desk.send(f"{version}/use", because="never mind")).status_code == 422


async def test_a_stale_proof_leads_to_the_proof_and_back(desk: Desk) -> None:
    desk.clock.forward(minutes=15)
    answer = await desk.get(f"{desk.home}/payment")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/account/prove?next={desk.home}/payment")
    desk.clock.forward(minutes=11)
    await desk.send(f"{desk.home}/payment/sandbox", merchant_id="COOMUM01", checksum=SECRET)
    assert await ParametersRow.count().where(ParametersRow.office == desk.office) == 0


async def test_another_offices_version_is_neither_tested_nor_used_here(desk: Desk, gateway: dict[str, str]) -> None:
    version = await saved(desk)
    other = await add_office(desk.agency, "DEL", "Delhi", "Delhi", actor="test", at=desk.clock.now())
    moved = version.replace(str(desk.office), str(other))
    assert [(await desk.send(f"{moved}/{act}")).status_code for act in ("test", "use")] == [404, 404]
    assert await ConnectionTestRow.count().where(ConnectionTestRow.agency == desk.agency) == 0
