"""The test without a charge: whether the gateway takes an office's parameters, before the first exporter meets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from engine.clock import Clock
from engine.config import Secret
from engine.contracts.payment import ConnectionOutcome, ConnectionReport, GatewayContext, PaymentGateway
from engine.errors import PluginError, TooMany, Unavailable, Unresolved, Untrusted
from engine.money.gateways.line import TOTAL_S, HttpLine
from engine.money.gateways.parameters import Parameters, open_secrets, parameters_by_id
from engine.money.gateways.tables import ConnectionTestRow
from engine.registry import Registry
from engine.scope import Scope
from engine.store import SecretBox, audit, uow

if TYPE_CHECKING:
    import httpx

__all__ = ["Tester", "test_parameters"]

_MOST = 5
_WINDOW = timedelta(minutes=10)
_LEAKED = "The gateway's plugin said something that must not be shown."


@dataclass(frozen=True, slots=True)
class Tester:
    """What a site tests with: its gateways, the operator's settings of each, its secrets and its clock. `transport` is for tests."""

    registry: Registry
    settings: Mapping[str, Mapping[str, str]]
    rehearsal: bool
    box: SecretBox
    clock: Clock
    transport: "httpx.AsyncBaseTransport | None" = None
    total_s: float = TOTAL_S

    def context(self, parameters: Parameters) -> GatewayContext:
        """What the gateway may use for these parameters. Raises Untrusted for secrets that are not this row's."""
        gateway, settings = self.registry.gateway(parameters.gateway), self.settings.get(parameters.gateway, {})
        line = HttpLine(gateway.hosts(settings), rehearsal=self.rehearsal, transport=self.transport, total_s=self.total_s)
        return GatewayContext(
            office=parameters.office_id,
            version=parameters.version,
            settings=settings,
            values=parameters.values,
            secrets=open_secrets(parameters, self.box),
            line=line,
            clock=self.clock,
            rehearsal=self.rehearsal,
        )


async def test_parameters(scope: Scope, office_id: UUID, id: UUID, tester: Tester, *, actor: str) -> ConnectionReport:
    """Tests a version and keeps what it showed. Raises NotFound for another office's, TooMany after five tests in ten minutes.

    Silence and answers that cannot be believed are INCONCLUSIVE.
    """
    parameters = await parameters_by_id(scope, office_id, id)
    await _require_calm(office_id, tester.clock.now())
    context = tester.context(parameters)
    report = await _ask(tester.registry.gateway(parameters.gateway), context)
    at = tester.clock.now()
    row = ConnectionTestRow(
        agency=parameters.agency_id,
        office=office_id,
        parameters=id,
        outcome=str(report.outcome),
        code=report.code[:40],
        say=report.say[:300],
        tested_by=actor,
        tested_at=at,
    )
    async with uow():
        await ConnectionTestRow.insert(row)
        await audit(
            "payment_parameters_tested",
            room="money",
            subject=str(id),
            actor=actor,
            at=at,
            agency=parameters.agency_id,
            office=office_id,
            detail={"gateway": parameters.gateway, "version": parameters.version, "outcome": str(report.outcome), "code": report.code[:40]},
        )
    return report


test_parameters.__test__ = False  # type: ignore[attr-defined]  # it is no test of ours, whatever its name begins with


async def _require_calm(office_id: UUID, at: datetime) -> None:
    recent = ConnectionTestRow.select(ConnectionTestRow.tested_at).where(
        ConnectionTestRow.office == office_id, ConnectionTestRow.tested_at > at - _WINDOW
    )
    rows = await recent.order_by(ConnectionTestRow.tested_at)
    if len(rows) >= _MOST:
        again = int((rows[-_MOST]["tested_at"] + _WINDOW - at).total_seconds()) + 1
        raise TooMany(
            f"The connection was tested {_MOST} times within ten minutes. Wait a little before the next test.", retry_after_s=again
        )


async def _ask(gateway: PaymentGateway, context: GatewayContext) -> ConnectionReport:
    try:
        report = await gateway.test_connection(context)
    except (Unavailable, Unresolved, Untrusted) as error:
        return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, error.code, _clean(error.say, context.secrets))
    except Exception as error:  # what a plugin raises may carry what it was given
        raise PluginError(f"The payment gateway {gateway.id} broke in test_connection: {type(error).__name__}.") from None
    if not isinstance(report, ConnectionReport):
        raise PluginError(f"The payment gateway {gateway.id} answered test_connection with {type(report).__name__}.")
    return ConnectionReport(ConnectionOutcome(report.outcome), _clean(report.code, context.secrets), _clean(report.say, context.secrets))


def _clean(say: str, secrets: Mapping[str, Secret]) -> str:
    """The sentence, unless a secret stands in it."""
    return _LEAKED if any(secret.value and secret.value in say for secret in secrets.values()) else say
