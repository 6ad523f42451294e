"""What every gateway that pays promises: messages believed for their signature alone, amounts exact, silence never a failure.

Most of it is tried on an other side that somebody plays (`Plays`): the plugin itself, or the sandbox for those that come with ecoo.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from engine.contracts.paying import (
    GatewayEvent,
    PaymentLimits,
    PaymentOutcome,
    Question,
    RefundOutcome,
    RefundReport,
    Refunds,
    SettledLine,
    Settles,
    StartedPayment,
)
from engine.contracts.payment import GatewayAnswer, GatewayContext, PaymentGateway
from engine.contracts.signing import FormPost, HttpReply
from engine.errors import Refused, TooMany, Unavailable, Unresolved
from engine.promises import gateway_messages
from engine.promises.gateway_trial import NONSENSE, Line, Paid, Trial, named, refund_of, silent, unreached
from engine.promises.promise import Promise, demand, keep

__all__ = ["VOWS", "promises"]

_SUCCEEDED, _PENDING, _FAILED = PaymentOutcome.SUCCEEDED, PaymentOutcome.PENDING, PaymentOutcome.FAILED
_AMOUNTS = (1_00, 1_01, 1_10, 236_00, 236_01, 99_999_99)
_UNKNOWN = "PRXMUNKNOWNUNKNOWNXX"


async def promises(gateway: PaymentGateway, settings: Mapping[str, str], players: Sequence[object]) -> list[Promise]:
    """Each promise of paying and whether it was kept; refunds and settlement where the gateway has them."""
    trial = Trial(gateway, settings, players)
    vows = [
        *_PAYING,
        *gateway_messages.VOWS,
        *(_REFUNDING if isinstance(gateway, Refunds) else ()),
        *(_SETTLING if isinstance(gateway, Settles) else ()),
        *_LAST,
    ]
    return [await keep(name, partial(vow, trial)) for name, vow in vows]


async def _limits_are_whole(trial: Trial) -> None:
    limits = trial.pays.limits
    demand(isinstance(limits, PaymentLimits) and limits == trial.pays.limits, "Its limits are no PaymentLimits, or change.")
    demand(0 < limits.least_paise <= limits.most_paise, "The least that it carries is more than the most.")
    demand(limits.keeps_versions_days >= 1, "Parameters that were replaced verify nothing any more, and what is under way is lost.")


async def _acknowledges(trial: Trial) -> None:
    yes, no = trial.pays.acknowledge(True), trial.pays.acknowledge(False)
    demand(isinstance(yes, HttpReply) and isinstance(no, HttpReply), "Its acknowledgement is no HttpReply.")
    demand(200 <= yes.status < 300, f"It acknowledges with {yes.status}, so that the gateway sends the notice again and again.")
    demand(no.status < 500 and len(yes.body) <= 1024 and len(no.body) <= 1024, "It answers with an error of ours, or with a long text.")


async def _silence_is_unresolved(trial: Trial) -> None:
    for cut, wanted in ((silent, Unresolved), (unreached, Unavailable)):
        for name, ask in _asks(trial, Line(cut)):
            found = await trial.caught(ask)
            nobody_asked = name == "start" and isinstance(found, StartedPayment)
            demand(nobody_asked or isinstance(found, wanted), f"When the line raises {wanted.__name__}, {name} gives {named(found)}.")


async def _nonsense_is_unresolved(trial: Trial) -> None:
    for answer in NONSENSE:
        for name, ask in _asks(trial, Line(_always(answer))):
            found = await trial.caught(ask)
            nobody_asked = name == "start" and isinstance(found, StartedPayment)
            say = f"To an answer of status {answer.status} that nobody can believe, {name} gives {named(found)} instead of Unresolved."
            demand(nobody_asked or isinstance(found, Unresolved), say)


async def _asks_its_hosts(trial: Trial) -> None:
    line = Line(lambda _: NONSENSE[0])
    for _, ask in _asks(trial, line):
        await trial.caught(ask)
    paid = await trial.paid()
    hosts = {host.lower() for host in trial.gateway.hosts(paid.ctx.settings)}
    asked = [urlsplit(each.url).netloc.lower() for each in (*line.asked, *paid.line.asked)]
    demand(all(host in hosts for host in asked), "It asks a host that it does not name.")


async def _leads_the_payer(trial: Trial) -> None:
    for amount in (trial.pays.limits.least_paise, 236_00):
        paid = await trial.paid(amount_paise=amount)
        parts = urlsplit(paid.handover.url)
        here = parts.hostname in {"127.0.0.1", "localhost"}
        demand(parts.scheme == "https" or (parts.scheme == "http" and here), "It leads the payer over an open line.")
        fields = dict(paid.handover.fields) if isinstance(paid.handover, FormPost) else {}
        demand(all(isinstance(text, str) for pair in fields.items() for text in pair), "A field of its form is no text.")


async def _amounts_are_exact(trial: Trial) -> None:
    limits = trial.pays.limits
    for amount in sorted(
        {min(max(each, limits.least_paise), limits.most_paise) for each in _AMOUNTS} | {limits.least_paise, limits.most_paise}
    ):
        paid = await trial.paid(amount_paise=amount)
        told = [event for event in trial.believed(paid) if event.outcome is _SUCCEEDED]
        asked = await trial.asked(paid)
        for event in (*told, asked):
            demand(event.amount_paise in {amount, None}, f"Of {amount} paise it reads {event.amount_paise}.")
            demand(event.currency in {"INR", None}, f"It reads the currency {event.currency!r}.")
        demand(asked.amount_paise == amount, "Its answer to a question does not carry the amount, so no success can be compared.")


async def _says_what_was_said(trial: Trial) -> None:
    for outcome in (_SUCCEEDED, _PENDING, _FAILED):
        paid = await trial.paid(outcome)
        for event in trial.believed(paid):
            hint = event.outcome is _SUCCEEDED and event.amount_paise is None  # believed for nothing but that it is time to ask
            demand(hint or event.outcome in {outcome, PaymentOutcome.UNKNOWN}, f"A message that says {outcome} is read as {event.outcome}.")
            _demand_same_payment(trial, paid, event)
        asked = await trial.asked(paid)
        demand(asked.outcome is outcome, f"Its server says {outcome}, and the answer is read as {asked.outcome}.")
        _demand_same_payment(trial, paid, asked)
    paid = await trial.paid()
    demand(any(event.outcome is _SUCCEEDED for event in trial.believed(paid)), "No message about a success is believed.")


async def _knows_nothing_of_the_unknown(trial: Trial) -> None:
    paid = await trial.paid()
    found = await trial.caught(partial(trial.pays.query, paid.ctx, _UNKNOWN))
    ok = isinstance(found, GatewayEvent) and found.outcome is PaymentOutcome.NOT_FOUND and found.reference == _UNKNOWN
    demand(ok, f"Asked about a payment that nobody made, it gives {named(found)} instead of NOT_FOUND.")


async def _answers_to_the_question(trial: Trial) -> None:
    paid = await trial.paid()
    side_answers: list[GatewayAnswer] = []

    async def record(question: Question) -> GatewayAnswer:
        side_answers.append(await paid.line.answer(question))
        return side_answers[-1]

    await trial.pays.query(
        trial.context(Line(record)), paid.wish.reference, gateway_order_id=paid.order, amount_paise=paid.wish.amount_paise
    )
    replayed = Line(lambda _: side_answers[-1])
    found = await trial.caught(partial(trial.pays.query, trial.context(replayed), _UNKNOWN))
    wrong = isinstance(found, GatewayEvent) and found.outcome is not PaymentOutcome.NOT_FOUND and found.reference == _UNKNOWN
    demand(not wrong, "An answer about one payment is taken for an answer about another one.")


async def _gives_back(trial: Trial) -> None:
    paid = await trial.paid()
    txn = (await trial.asked(paid)).gateway_txn_id
    wanted = refund_of(paid, txn, 100_00, "PRXMREFUNDREFUNDAAAA")
    report = await trial.gateway.refund(paid.ctx, wanted)
    demand(isinstance(report, RefundReport), f"A refund gives {named(report)}.")
    demand(report.outcome in {RefundOutcome.DONE, RefundOutcome.PENDING}, f"A refund that is taken on is read as {report.outcome}.")
    demand(report.amount_paise in {100_00, None}, f"Of 10000 paise it reads {report.amount_paise}.")
    later = await trial.gateway.query_refund(paid.ctx, wanted, report.gateway_refund_id)
    demand(later.outcome is not RefundOutcome.FAILED and later.outcome is not RefundOutcome.NOT_FOUND, "It does not find a refund again.")
    never = refund_of(paid, txn, 100_00, "PRXMREFUNDREFUNDBBBB")
    unknown = await trial.caught(partial(trial.gateway.query_refund, paid.ctx, never))
    ok = isinstance(unknown, RefundReport) and unknown.outcome in {RefundOutcome.NOT_FOUND, RefundOutcome.UNKNOWN}
    demand(ok, f"Asked about a refund that nobody made, it gives {named(unknown)}.")


async def _gives_back_no_more(trial: Trial) -> None:
    paid = await trial.paid()
    txn = (await trial.asked(paid)).gateway_txn_id
    found = await trial.caught(partial(trial.gateway.refund, paid.ctx, refund_of(paid, txn, 236_01, "PRXMREFUNDREFUNDCCCC")))
    refused = isinstance(found, Refused) or (isinstance(found, RefundReport) and found.outcome is RefundOutcome.FAILED)
    demand(refused, f"A refund of more than was paid gives {named(found)} instead of a refusal.")


async def _reads_no_other_file(trial: Trial) -> None:
    ctx = trial.context(Line(silent))
    demand(bool(trial.gateway.settlement_help.strip()), "It does not say which file it reads.")
    for data in (b"", b"\xff\xfe\x00", b"<html></html>", b"a,b,c\n1,2,3\n", b"{", b"\n" * 50):
        found = await trial.caught(partial(_lines, trial, ctx, data))
        demand(isinstance(found, Refused), f"A file that is none of its own gives {named(found)} instead of Refused.")


async def _tells_no_secret(trial: Trial) -> None:
    """Looks through all that was raised before, and through what the payer's browser and the gateway's server were sent."""
    paid = await trial.paid()
    fields = dict(paid.handover.fields) if isinstance(paid.handover, FormPost) else {}
    shown = [paid.handover.url, *fields.values(), *(each.url for each in paid.line.asked), repr(trial.gateway), repr(paid.ctx)]
    for error in trial.raised:
        shown += [error.say, repr(error), str(error.as_json()), repr(error.__cause__)]
    for secret in trial.hidden:
        demand(
            not any(secret in text for text in shown), "A secret shows in an error, in an address or in what the payer's browser carries."
        )
    for error in trial.raised:
        demand(
            isinstance(error, TooMany) or len(error.say.split()) >= 4, f"It refuses with {error.say!r}, which is no sentence for a person."
        )


_PAYING = (
    ("its limits are whole", _limits_are_whole),
    ("it acknowledges what its server sends", _acknowledges),
    ("silence is unresolved, and never a failure", _silence_is_unresolved),
    ("an answer that cannot be believed is unresolved", _nonsense_is_unresolved),
    ("it leads the payer over a closed line", _leads_the_payer),
    ("it asks no other host to pay", _asks_its_hosts),
    ("what its server says is what it reads", _says_what_was_said),
    ("amounts are exact to the paisa", _amounts_are_exact),
    ("it finds nothing where there is nothing", _knows_nothing_of_the_unknown),
    ("an answer belongs to its question", _answers_to_the_question),
)
_REFUNDING = (
    ("a refund is exact, and found again", _gives_back),
    ("it gives back no more than was paid", _gives_back_no_more),
)
_SETTLING = (("another file is no settlement", _reads_no_other_file),)
_LAST = (("no secret leaves it while it pays", _tells_no_secret),)
VOWS = (*_PAYING, *gateway_messages.VOWS, *_REFUNDING, *_SETTLING, *_LAST)


def _asks(trial: Trial, line: Line) -> Iterator[tuple[str, Any]]:
    """Everything that asks the gateway's server, by its name."""
    ctx, wish = trial.context(line), trial.wish()
    yield "start", partial(trial.pays.start, ctx, wish)
    yield "query", partial(trial.pays.query, ctx, wish.reference, gateway_order_id="order1", amount_paise=wish.amount_paise)
    if isinstance(trial.gateway, Refunds):
        paid = Paid(ctx, line, wish, "order1", FormPost("https://a.example", {}), ())
        wanted = refund_of(paid, "txn1", 1_00, "PRXMREFUNDREFUNDDDDD")
        yield "refund", partial(trial.gateway.refund, ctx, wanted)
        yield "query_refund", partial(trial.gateway.query_refund, ctx, wanted)


def _demand_same_payment(trial: Trial, paid: Paid, event: GatewayEvent) -> None:
    hint = not event.reference and event.amount_paise is None  # a message that names nothing: the engine asks
    demand(hint or event.reference == paid.wish.reference, "It reads another reference than the message has.")
    demand(event.merchant in {trial.merchant, None}, "It reads another merchant than the message has.")


def _lines(trial: Trial, ctx: GatewayContext, data: bytes) -> list[SettledLine]:
    return list(trial.gateway.read_settlement(ctx, "settlement.csv", data))


def _always(answer: GatewayAnswer) -> Callable[[Question], GatewayAnswer]:
    return lambda _: answer
