"""What every payment gateway promises of its parameters and of the test without a charge; `gateway_paying` has the rest.

Nothing leaves this machine: the gateway is given lines that are cut, that answer nonsense, and that repeat what they were
sent. Its parameters are the examples of its own fields.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from engine.clock import SystemClock
from engine.config import Secret
from engine.contracts.paying import Pays
from engine.contracts.payment import ConnectionOutcome, ConnectionReport, GatewayAnswer, GatewayContext, PaymentGateway, identity_of
from engine.errors import Unavailable, Unresolved, Untrusted
from engine.money.gateways import judge_parameters
from engine.promises import gateway_paying
from engine.promises.promise import Promise, demand, keep

__all__ = ["promises"]

_OFFICE = UUID(int=7)
_NONSENSE = (
    GatewayAnswer(200, b""),
    GatewayAnswer(200, b"ERROR"),
    GatewayAnswer(200, b"OK"),
    GatewayAnswer(200, b'{"status": "success"}'),
    GatewayAnswer(200, b"\x00\xff|not|text|"),
    GatewayAnswer(404, b"not found"),
    GatewayAnswer(500, b"<html>Internal Server Error</html>"),
)


@dataclass
class _Line:
    """A line that answers as a function says, and remembers the addresses that were asked."""

    answer: Callable[[Mapping[str, str]], GatewayAnswer]
    urls: list[str] = field(default_factory=list)

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        self.urls.append(url)
        return self.answer(fields)

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        self.urls.append(url)
        return self.answer({"body": body.decode("utf-8", "replace")})

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        self.urls.append(url)
        return self.answer({})


async def promises(gateway: PaymentGateway, settings: Mapping[str, str], players: Sequence[object] = ()) -> list[Promise]:
    """Each promise of a gateway and whether it was kept, in the order they are tried; those of paying, if it pays.

    `players` are plugins that may play the gateway's other side; it is asked itself first.
    """
    kept = [await keep(name, partial(vow, gateway, settings)) for name, vow in _VOWS]
    return kept + (await gateway_paying.promises(gateway, settings, players) if isinstance(gateway, Pays) else [])


def _examples(gateway: PaymentGateway) -> dict[str, str]:
    return {each.name: each.example for each in gateway.fields}


def _context(gateway: PaymentGateway, settings: Mapping[str, str], line: _Line, *, rehearsal: bool = True) -> GatewayContext:
    told, hidden = _examples(gateway), {each.name for each in gateway.fields if each.secret}
    return GatewayContext(
        office=_OFFICE,
        version=1,
        settings=settings,
        values={name: text for name, text in told.items() if name not in hidden},
        secrets={name: Secret(told[name]) for name in hidden},
        line=line,
        clock=SystemClock(),
        rehearsal=rehearsal,
    )


async def _judges_settings(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    before = dict(settings)
    first, second = list(gateway.validate_config(settings)), list(gateway.validate_config(settings))
    demand(not first, f"It finds its own settings wrong: {' '.join(first)}")
    demand(first == second and dict(settings) == before, "Judging the settings twice gave two answers or changed them.")
    demand(bool(gateway.validate_config({**settings, "no_such_key": "x"})), "It accepts a setting that it does not know.")


async def _names_hosts(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    hosts = list(gateway.hosts(settings))
    demand(bool(hosts), "It names no host that it may ask.")
    demand(all(host and "/" not in host and "*" not in host for host in hosts), "A host of its list is no plain host.")


async def _names_the_office(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    demand(any(not each.secret and each.required for each in gateway.fields), "No field that may be seen names the office at the gateway.")
    marked = [each for each in gateway.fields if each.identity]
    demand(len(marked) <= 1, "More than one field is marked as the merchant's identity.")
    naming = identity_of(gateway.fields)
    demand(not naming.secret and naming.required, "The field that names the merchant is a secret, or may be left empty.")
    demand(any(each.secret for each in gateway.fields), "No field is a secret, so nothing could prove who asks.")


async def _takes_examples(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    told = _examples(gateway)
    found = judge_parameters(gateway, told)
    demand(not found, f"It refuses the examples of its own fields: {found[0].say if found else ''}")
    demand(told == _examples(gateway) and list(gateway.validate(told)) == list(gateway.validate(told)), "Judging twice gave two answers.")


async def _refuses_what_copying_brings(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    for each in gateway.fields:
        for spoilt in (f"{each.example} ", f"\u00a0{each.example}", f"{each.example[:2]}\u200b{each.example[2:]}"):
            found = judge_parameters(gateway, {**_examples(gateway), each.name: spoilt})
            demand(any(problem.field == each.name for problem in found), f"{each.label} is taken with a character that nobody sees.")
            demand(all(each.example not in problem.say for problem in found), f"The sentence about {each.label} repeats its value.")


async def _silence_is_no_proof(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    def cut(_: Mapping[str, str]) -> GatewayAnswer:
        raise Unresolved("The line is cut.", code="silent")

    report = await _tested(gateway, _context(gateway, settings, _Line(cut)))
    demand(report is None or report.outcome is not ConnectionOutcome.PASSED, "It passes although nobody answered.")


async def _nonsense_is_no_proof(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    def echo(fields: Mapping[str, str]) -> GatewayAnswer:
        return GatewayAnswer(200, "&".join(fields.values()).encode())

    for answer in (*(lambda _, given=given: given for given in _NONSENSE), echo):
        report = await _tested(gateway, _context(gateway, settings, _Line(answer)))
        demand(report is None or report.outcome is not ConnectionOutcome.PASSED, "It passes on an answer that proves nothing.")


async def _keeps_secrets(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    line = _Line(lambda _: _NONSENSE[1])
    context = _context(gateway, settings, line)
    report = await _tested(gateway, context)
    shown = [repr(gateway), str(gateway), repr(getattr(gateway, "__dict__", {})), *line.urls, repr(report)]
    hidden = [secret.value for secret in context.secrets.values()]
    demand(not any(secret in text for secret in hidden for text in shown), "A secret shows in its repr, in an address or in its report.")


async def _asks_its_hosts(gateway: PaymentGateway, settings: Mapping[str, str]) -> None:
    line = _Line(lambda _: _NONSENSE[0])
    await _tested(gateway, _context(gateway, settings, line))
    hosts = {host.lower() for host in gateway.hosts(settings)}
    demand(bool(line.urls), "Its test asks nobody, so it proves nothing.")
    demand(all(url.partition("://")[2].partition("/")[0].lower() in hosts for url in line.urls), "It asks a host that it does not name.")


async def _tested(gateway: PaymentGateway, context: GatewayContext) -> ConnectionReport | None:
    """The report, or None where the gateway raised what the line raised."""
    try:
        report = await gateway.test_connection(context)
    except (Unavailable, Unresolved, Untrusted):
        return None
    say = report.say.rstrip()
    demand(len(say.split()) >= 4 and say[-1] in ".?!", f"It reports with {report.say!r}, which is no sentence for a person.")
    demand(report.code.isascii() and report.code.replace("_", "").isalnum() and len(report.code) <= 40, "Its report has no short code.")
    return report


_VOWS = (
    ("its settings are judged without asking anybody", _judges_settings),
    ("it names the hosts that it may ask", _names_hosts),
    ("a field names the office, and another one is its secret", _names_the_office),
    ("the examples of its fields are right", _takes_examples),
    ("a parameter with a character that nobody sees is refused", _refuses_what_copying_brings),
    ("a silent gateway passes no test", _silence_is_no_proof),
    ("an answer that proves nothing passes no test", _nonsense_is_no_proof),
    ("no secret shows in its repr, its addresses or its report", _keeps_secrets),
    ("it asks the hosts that it names and no other", _asks_its_hosts),
)
