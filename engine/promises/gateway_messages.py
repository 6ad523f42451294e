"""What a gateway promises of the messages that it is sent: nobody but its server can say anything by them.

A message is changed in every way that a stranger has; what is not refused must say the very same.
"""

from functools import partial

from engine.contracts.paying import GatewayEvent, PaymentOutcome
from engine.errors import Untrusted
from engine.promises.gateway_tampering import STRICT, changed
from engine.promises.gateway_trial import Line, Trial, callback, named, silent
from engine.promises.promise import demand

__all__ = ["VOWS"]

_JUNK = (b"", b"\x00\xff", b"msg=", b"{}", b"[]", b"=&=&=", b"a=b", b"|" * 40, b"msg=" + b"%7C" * 40, b"x" * 60_000, b"a.b.c")
_SIGNED = 1


async def _junk_is_refused(trial: Trial) -> None:
    ctx = trial.context(Line(silent))
    for body in _JUNK:
        for raw in (callback(body), callback(body, method="GET"), callback(body, media_type="application/json")):
            found = trial.pays.locate(raw)
            demand(found is None or isinstance(found, str), "It locates what is no text.")
            outcome = await trial.caught(partial(trial.pays.verify, ctx, raw))
            demand(isinstance(outcome, Untrusted), f"It answers junk with {type(outcome).__name__} instead of Untrusted.")


async def _unsigned_is_told_apart(trial: Trial) -> None:
    """A return without any proof is usual where a payer gave up, so it must not look like a wrong key."""
    ctx = trial.context(Line(silent))
    for body in (b"", b"a=b", b"status=cancelled&orderid=PRXM1"):
        found = await trial.caught(partial(trial.pays.verify, ctx, callback(body)))
        unsigned = isinstance(found, Untrusted) and found.code == "unsigned"
        demand(unsigned, "A message that claims no proof at all is not told apart from a forged one (code `unsigned`).")
    paid = await trial.paid()
    for raw in paid.messages:
        found = await trial.caught(partial(trial.pays.verify, trial.context(paid.line, other_keys=True), raw, gateway_order_id=paid.order))
        demand(getattr(found, "code", "") != "unsigned", "A message under a wrong key is called unsigned, so that nobody mends the key.")


async def _same_statement_same_key(trial: Trial) -> None:
    keys: list[str] = []
    for outcome, amount in ((PaymentOutcome.SUCCEEDED, 236_00), (PaymentOutcome.FAILED, 236_00), (PaymentOutcome.SUCCEEDED, 236_01)):
        paid = await trial.paid(outcome, amount)
        asked = await trial.asked(paid)
        told = [event for event in trial.believed(paid) if event.outcome is outcome and event.amount_paise is not None]
        demand(trial.believed(paid) == trial.believed(paid), "The same message is read in two ways.")
        demand(asked.key == (await trial.asked(paid)).key, "Asked twice, the same statement has two keys.")
        demand(all(event.key == asked.key for event in told), "A message and the answer that says the same have two keys.")
        keys.append(asked.key)
    demand(len(set(keys)) == len(keys) and all(keys), "Two statements have one key, so one of them would be passed over.")


async def _believes_nothing_changed(trial: Trial) -> None:
    """One byte changed, cut off, doubled, turned round, in another case or charset: refused, or read as the very same."""
    for outcome in (PaymentOutcome.SUCCEEDED, PaymentOutcome.PENDING):
        paid = await trial.paid(outcome)
        genuine = [(raw, event) for raw, event in trial.each(paid) if event.outcome is outcome]
        for raw, event in genuine:
            for what, tampered in changed(raw):
                found = await trial.caught(partial(trial.pays.verify, paid.ctx, tampered, gateway_order_id=paid.order))
                if isinstance(found, GatewayEvent) and what not in STRICT:
                    same = _facts(found)[_SIGNED:] == _facts(event)[_SIGNED:] if "header" in what else _facts(found) == _facts(event)
                    demand(same, f"A message with {what} is believed, and says something else.")
                else:
                    demand(isinstance(found, Untrusted), f"A message with {what} is answered with {named(found)} instead of Untrusted.")


async def _believes_no_other_key(trial: Trial) -> None:
    paid = await trial.paid()
    other = trial.context(paid.line, other_keys=True)
    for raw in paid.messages:
        found = await trial.caught(partial(trial.pays.verify, other, raw, gateway_order_id=paid.order))
        demand(isinstance(found, Untrusted), "It believes a message under another office's key.")


async def _locates(trial: Trial) -> None:
    paid = await trial.paid()
    found = [trial.pays.locate(raw) for raw in paid.messages]
    demand(all(each in {paid.wish.reference, None} for each in found), "It locates another payment than the message names.")
    noticed = not trial.pays.limits.notices or len(found) < 2 or found[-1] == paid.wish.reference
    demand(noticed, "Its notice names no reference, so the payment of a notice cannot be found.")


def _facts(event: GatewayEvent) -> tuple[object, ...]:
    """What the engine acts on, the key first: it may be a header's, which no signature covers."""
    shown = (event.outcome, event.reference, event.merchant, event.amount_paise, event.currency)
    return (event.key, *shown, event.gateway_txn_id, event.gateway_order_id)


VOWS = (
    ("junk is no message", _junk_is_refused),
    ("a message without any proof is told apart from a forged one", _unsigned_is_told_apart),
    ("the same statement has the same key", _same_statement_same_key),
    ("a changed message is refused, or says the same", _believes_nothing_changed),
    ("another office's key proves nothing", _believes_no_other_key),
    ("it locates the payment of a message", _locates),
)
