"""The gateway's contract: wire format and crypto of one payment gateway. It knows no row, no page and no office by itself.

This is as much of it as configuration needs: what an office enters, whether that is right by itself, and whether the gateway
takes it, asked without a charge. Paying, refunds and settlement are protocols of their own in `engine.contracts.paying`, asked
for by `isinstance`: a gateway is offered for paying once it has `Pays`. The context of a test is the context of a payment.

One instance serves every office. What it may use comes in a `GatewayContext`; it keeps nothing between two calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from engine.clock import Clock
from engine.config import Secret
from engine.contracts.signing import ConfigField

__all__ = [
    "ConnectionOutcome",
    "ConnectionReport",
    "FieldProblem",
    "GatewayAnswer",
    "GatewayContext",
    "GatewayField",
    "GatewayLine",
    "PaymentGateway",
    "identity_of",
]


@dataclass(frozen=True, slots=True)
class GatewayField:
    """One parameter that an office enters, as the form shows it and as the engine judges it before the gateway does.

    `pattern` is a regular expression that the whole text must match, `shape` says the same in words ("4 to 20 capitals and
    digits"). A secret is sealed, and never shown again. `example` is an invented value that is right.

    `identity` marks the one field that names the merchant at the gateway for as long as there is one: it stays when a key is replaced,
    and messages are compared with it. Where no field is marked, it is the first one that is no secret. With `lines` the text has lines,
    as a key in PEM or JWK: spaces, quotes and brackets may stand in it, and line breaks of any system count as one kind.
    """

    name: str
    label: str
    help: str
    pattern: str
    shape: str
    example: str
    secret: bool = False
    required: bool = True
    least: int = 1
    most: int = 120
    identity: bool = False
    lines: bool = False


def identity_of(fields: Sequence[GatewayField]) -> GatewayField:
    """The field that names the merchant at the gateway, however often its keys change."""
    marked = next((field for field in fields if field.identity), None)
    return marked or next(field for field in fields if not field.secret)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one parameter. `code` is stable, `say` one sentence that never repeats the value of a secret."""

    field: str
    code: str
    say: str


class ConnectionOutcome(StrEnum):
    """What a test without a charge showed. INCONCLUSIVE: the gateway did not say whether it knows these parameters."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """The outcome of a test. `code` is stable and short, `say` one sentence for the administrator, without any secret."""

    outcome: ConnectionOutcome
    code: str
    say: str


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """A status and a body of bounded size, read over a checked connection; neither is believed yet."""

    status: int
    body: bytes


class GatewayLine(Protocol):
    """The only way out: to the hosts that the gateway named, over TLS, without redirects, with an end in time and size."""

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a form. Asked once. Raises Unavailable if nothing was sent, Unresolved if something was and no answer came,
        Untrusted for an answer that is not read: what was sent may have had its effect then."""
        ...

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a body of that media type, such as `application/json`. Asked once; raises as `post` does."""
        ...

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a question. Raises as `post` does."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayContext:
    """All a gateway may use for one office: the operator's settings, the office's parameters and which version of them they are.

    `values` are the parameters that may be seen, `secrets` the others; no text or repr of a `Secret` shows it.
    """

    office: UUID
    version: int
    settings: Mapping[str, str]
    values: Mapping[str, str]
    secrets: Mapping[str, Secret] = field(repr=False)
    line: GatewayLine
    clock: Clock
    rehearsal: bool = False


@runtime_checkable
class PaymentGateway(Protocol):
    """One payment gateway. `id` is stored with every parameter and payment, for ever."""

    id: str
    title: str
    fields: Sequence[GatewayField]
    config_fields: Sequence[ConfigField]

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """What is wrong with the operator's settings in [gateways.ID], one sentence each; empty when nothing is. Pure."""
        ...

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        """The hosts, each host or host:port, that the gateway may ever ask under these settings. Pure."""
        ...

    def validate(self, values: Mapping[str, str]) -> Sequence[FieldProblem]:
        """What else is wrong with an office's parameters, above all one beside another; secrets are among them. Pure.

        Asked only once each field is right by its own description.
        """
        ...

    async def test_connection(self, ctx: GatewayContext) -> ConnectionReport:
        """Whether the gateway takes these parameters, learnt without a charge.

        PASSED only on an answer that proves the secret; what can be neither believed nor refuted is INCONCLUSIVE. May raise
        what the line raises.
        """
        ...
