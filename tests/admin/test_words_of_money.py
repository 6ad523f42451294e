"""What the pages of money say and where they lead: each order by what it is for, each state by one word, each reference to its order."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest

from admin.pages.book_words import statement_rows
from admin.pages.payment_words import attempt_words, order_tag, refund_tag, standing_of
from engine.filing import find
from engine.filing.consignments import note_invoices
from engine.money.ledger import JournalKind, Phase, StatementLine
from engine.money.orders import Attempt, AttemptState, Disposition, Order, OrderState, PaidBy, attempts_of
from engine.money.orders.tables import AttemptRow, InboxRow, Purpose, RefundState
from engine.people.access import RoleKind
from engine.scope import PLATFORM
from engine.store import uow
from tests.admin.test_money_pages import Counter, counter, opened  # noqa: F401
from tests.money.till import START

HREF = re.compile(r'href="(/payments/[2-9A-Z]{20})"')


def an_order(state: OrderState = OrderState.OPEN) -> Order:
    told = dict.fromkeys(("reference", "made_by"), "x")
    ids = {name: uuid4() for name in ("id", "agency_id", "office_id", "exporter_id", "terms_id")}
    when = {"made_at": START, "expires_at": START, "settled_at": START}
    return Order(**told, **ids, **when, purpose=Purpose.FEES, amount_paise=1, state=state, paid_by=PaidBy.GATEWAY)


async def tried(counter: Counter, state: AttemptState) -> tuple[Order, Attempt]:  # noqa: F811
    """An order with a try that stands so."""
    reference = await counter.filed()
    await counter.pay(reference, "gateway")
    order = await counter.order()
    [attempt] = await attempts_of(order)
    async with uow():
        await AttemptRow.update({AttemptRow.state: str(state)}).where(AttemptRow.id == attempt.id)
    return order, (await attempts_of(order))[0]


@pytest.mark.parametrize(
    ("state", "word"),
    [(AttemptState.STARTED, "under way"), (AttemptState.REVIEW, "under review"), (AttemptState.FAILED, "not paid")],
)
async def test_the_list_tells_how_the_newest_try_stands_and_what_an_order_is_for(counter: Counter, state: AttemptState, word: str) -> None:  # noqa: F811
    order, _ = await tried(counter, state)
    rows = (await counter.get("/payments")).text.split("<tr>")
    [row] = [row for row in rows if f"/payments/{order.reference}" in row]
    assert word in row
    assert re.search(r'fee of <span class="mono ref">APP-', row)


def test_an_order_that_is_over_says_so_whatever_its_tries_were() -> None:
    for state in set(OrderState) - {OrderState.OPEN}:
        assert order_tag(an_order(state), AttemptState.REVIEW) == order_tag(an_order(state))


def test_money_that_was_credited_or_given_back_is_not_called_paid() -> None:
    words = {each: attempt_words(_succeeded(each), START)[1] for each in (Disposition.APPLIED, Disposition.REFUNDED, Disposition.CREDITED)}
    assert words == {Disposition.APPLIED: "paid", Disposition.REFUNDED: "given back", Disposition.CREDITED: "in the e-wallet"}


def _succeeded(disposition: Disposition) -> Attempt:
    ids = {name: uuid4() for name in ("id", "order_id", "agency_id", "office_id", "exporter_id", "parameters_id")}
    texts = dict.fromkeys(("reference", "gateway", "gateway_order_id", "gateway_txn_id", "code", "say", "made_by"), "x")
    when = dict.fromkeys(("made_at", "changed_at", "succeeded_at", "doubted_at"), START) | {"doubted_at": None}
    told = dict.fromkeys(Attempt.__dataclass_fields__)
    return Attempt(
        **(
            told
            | ids
            | texts
            | when
            | {"amount_paise": 1, "refunded_paise": 0, "state": AttemptState.SUCCEEDED, "disposition": disposition}
        )
    )  # type: ignore[arg-type]


def test_an_order_of_which_nothing_goes_on_does_not_promise_that_it_does() -> None:
    paid = an_order(OrderState.PAID)
    assert "go on to the office" in standing_of(paid, (), START).say
    assert "go on to the office" not in standing_of(paid, (), START, ended=True).say


async def test_who_decides_about_a_payment_reads_which_amount_the_gateway_named(counter: Counter) -> None:  # noqa: F811
    _, attempt = await tried(counter, AttemptState.REVIEW)
    owner = {"agency": attempt.agency_id, "office": attempt.office_id}
    same = {"gateway": "sandbox", "channel": "notice", "body_bytes": 1, "received_at": START, "headers": "{}", "detail": "{}"}
    async with uow():
        for verdict, paise in (("review", 1_23_45), ("refused", 9_87_65), ("applied", attempt.amount_paise)):
            row = InboxRow(**same, **owner, attempt=attempt.id, event_key=f"{attempt.id}/{verdict}", verdict=verdict, amount_paise=paise)
            await InboxRow.insert(row)
    await counter.enter(RoleKind.ADMINISTRATOR)
    page = (await counter.get(f"/payments/review/{attempt.id}")).text
    assert "the gateway named <strong>₹\u00a0123.45</strong>" in page
    assert "987.65" not in page


async def test_staff_read_words_of_their_own_about_a_payment_that_a_person_must_look_at(counter: Counter) -> None:  # noqa: F811
    order, _ = await tried(counter, AttemptState.REVIEW)
    assert "Do not pay again" in (await counter.get(f"/payments/{order.reference}")).text
    await counter.enter(RoleKind.ADMINISTRATOR)
    page = (await counter.get(f"/payments/{order.reference}")).text
    assert "Do not pay again" not in page
    assert "A person decides whether it counts" in page
    assert "wait" in (await counter.get("/dashboard")).text
    assert "/payments/review" in (await counter.get("/dashboard")).text


async def test_the_states_of_refunds_are_offered_in_the_words_of_their_tags(counter: Counter) -> None:  # noqa: F811
    await counter.enter(RoleKind.ADMINISTRATOR)
    page = (await counter.get("/payments/refunds")).text
    for state in RefundState:
        assert f'<option value="{state}">{refund_tag(state)}</option>' in page


async def test_a_line_of_the_books_leads_to_its_order_also_where_it_is_about_a_refund(counter: Counter) -> None:  # noqa: F811
    await counter.enter(RoleKind.ADMINISTRATOR)
    page = (await counter.get(f"/offices/{counter.office}/books")).text
    about = page[page.index('id="lines"') :]
    assert "Refund<" in about
    found = set(HREF.findall(about))
    assert found
    assert {path: (await counter.get(path)).status_code for path in found} == dict.fromkeys(found, 200)


def line(journal: object, amount: int, *, held: int, phase: Phase = Phase.PENDING, credit: int = 0) -> StatementLine:
    told = {"seq": 1, "at": START, "recorded_at": START, "kind": JournalKind.HOLD, "subject": "S", "reason": "", "debit_paise": 0}
    return StatementLine(
        **told, amount_paise=amount, credit_paise=credit, balance_paise=credit, held_paise=held, phase=phase, journal_id=journal
    )  # type: ignore[arg-type]


def test_a_fee_and_its_taxes_are_one_line_of_a_statement() -> None:
    one, other = uuid4(), uuid4()
    lines = [line(one, 1800, held=47200), line(one, 1800, held=45400), line(one, 20000, held=43600), line(other, 23600, held=23600)]
    rows = statement_rows(lines)
    assert [(row.amount_paise, row.held_paise) for row, _ in rows] == [(23600, 47200), (23600, 23600)]
    assert {words for _, words in rows} == {"Set aside"}
    came = replace(lines[0], credit_paise=5, phase=Phase.SINGLE)
    assert len(statement_rows([came, lines[1]])) == 2, "what came and what is set aside stay apart"


async def test_applications_to_pay_are_told_by_their_invoices_and_none_need_be_chosen(counter: Counter) -> None:  # noqa: F811
    references = [await counter.filed() for _ in range(2)]
    draft = await find(PLATFORM, references[0])
    async with uow():
        await note_invoices(draft, counter.clock.now())
    page = (await counter.get("/pay")).text
    assert "checked" in page
    assert all("".join(invoice.number.upper().split()) in page for invoice in draft.application.invoices)
    bare = (await counter.get("/pay?choose=none")).text
    assert "checked" not in bare
    assert all(reference in bare for reference in references)


async def test_many_lines_are_folded_below_their_sum(counter: Counter) -> None:  # noqa: F811
    references = [await counter.filed() for _ in range(11)]
    page = (await counter.get("/pay/fees?" + "&".join(f"application={each}" for each in references))).text
    assert page.index("11 applications</strong>: fees ₹\u00a0") < page.index("<details>") < page.index(references[0])
    few = (await counter.get(f"/pay/fees?application={references[0]}")).text
    assert "<details>" not in few


async def test_what_is_withdrawn_is_said_and_a_second_look_says_it_too(counter: Counter) -> None:  # noqa: F811
    reference = await counter.filed()
    answer = await counter.post(f"/applications/{reference}/withdraw")
    assert f"{reference} is withdrawn." in (await counter.get(answer.headers["location"])).text
    again = (await counter.get(f"/applications/{reference}/withdraw")).text
    assert "It is withdrawn already." in again
    assert "certificate is being made" not in again
    assert "is withdrawn." not in (await counter.get(f"/dashboard?withdrawn={await counter.filed()}")).text


async def test_an_address_that_does_not_exist_keeps_the_way_out_for_who_is_signed_in(counter: Counter) -> None:  # noqa: F811
    page = await counter.get("/no/such/page")
    assert page.status_code == 404
    for words in ('action="/sign-out"', 'href="/dashboard"'):
        assert words in page.text
    token = re.search(r'name="_csrf_token" value="([0-9a-f]+)"', page.text)
    assert token
    out = await counter.client.post("/sign-out", data={"_csrf_token": token[1]}, headers={"origin": "http://127.0.0.1:8000"})
    assert out.status_code == 303
    assert (await counter.get("/dashboard")).status_code == 303
    counter.client.cookies.clear()
    stranger = await counter.get("/no/such/page")
    assert 'action="/sign-out"' not in stranger.text
    assert "set-cookie" not in stranger.headers


async def test_a_return_that_proves_nothing_leads_to_the_payments(counter: Counter) -> None:  # noqa: F811
    answer = await counter.client.post("/cb/pay/sandbox/r/" + "x" * 32, data={"msg": "no"}, headers={"accept": "text/html"})
    assert answer.status_code >= 400
    assert 'href="/payments"' in answer.text
