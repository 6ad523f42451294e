"""An office's payment parameters in versions that never change.

Promises that a secret is sealed for the very row it stands in and opens in no other, that nothing but the test and the payment
of that office ever opens it, and that what is read here has a date and a fingerprint of it and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.config import Secret
from engine.contracts.payment import ConnectionOutcome, PaymentGateway, identity_of
from engine.errors import NotFound, Problem, Refused
from engine.money.gateways.entering import as_entered, judge_parameters
from engine.money.gateways.fingerprints import printer
from engine.money.gateways.tables import ActivationRow, ConnectionTestRow, ParametersRow
from engine.people import OfficeHere
from engine.people.tables import Office
from engine.scope import Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = ["ConnectionTest", "Parameters", "in_use", "open_secrets", "parameters_by_id", "parameters_of", "save_parameters"]

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """What a test without a charge showed, and when."""

    outcome: ConnectionOutcome
    code: str
    say: str
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class Parameters:
    """A version of an office's parameters, as it may be seen. `prints` are fingerprints of the secrets, `sealed` is for who opens them."""

    id: UUID
    agency_id: UUID
    office_id: UUID
    version: int
    gateway: str
    values: Mapping[str, str]
    prints: Mapping[str, str]
    made_by: str
    made_at: datetime
    test: ConnectionTest | None
    active: bool
    sealed: Mapping[str, str] = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether its latest test passed."""
        return self.test is not None and self.test.outcome is ConnectionOutcome.PASSED

    @property
    def doubtful(self) -> bool:
        """Whether its latest test was inconclusive, so that a person may decide with a reason."""
        return self.test is not None and self.test.outcome is ConnectionOutcome.INCONCLUSIVE


async def save_parameters(
    scope: Scope,
    office: OfficeHere,
    gateway: PaymentGateway,
    values: Mapping[str, str],
    *,
    keep: frozenset[str] = frozenset(),
    shared: bool = False,
    box: SecretBox,
    actor: str,
    at: datetime,
) -> UUID:
    """A new version, not yet in use; gives its id. Secrets named in `keep` stay those of the newest version of the same gateway.

    Raises Refused with every problem beside its field: the `rule` is the code. The same Merchant ID at another office of the
    agency is refused too (`duplicate_in_agency`) until the person says that both share one account: `shared`.
    """
    told = as_entered(gateway, values)
    told |= await _kept(scope, office, gateway, keep, box)
    if problems := judge_parameters(gateway, told):
        raise Refused.because([Problem(problem.field, problem.code, problem.say) for problem in problems])
    naming = identity_of(gateway.fields)
    merchant = told[naming.name]
    if not shared and (others := await _elsewhere(office, gateway.id, merchant)):
        say = f"{naming.label} is in use at {', '.join(others)} too. Save it again with the tick, if both share one account."
        raise Refused(say, box=naming.name, rule="duplicate_in_agency")
    hidden = {field.name for field in gateway.fields if field.secret and told[field.name]}
    prints = await printer(box)
    row = ParametersRow(
        agency=office.agency_id,
        office=office.id,
        gateway=gateway.id,
        merchant=merchant,
        fields=json.dumps({name: text for name, text in told.items() if name not in hidden}, sort_keys=True),
        prints=json.dumps({name: prints.print_of(office.agency_id, told[name]) for name in sorted(hidden)}),
        made_by=actor,
        made_at=at,
    )
    id = UUID(str(row.id))
    row.sealed = json.dumps({name: box.seal(told[name], purpose=_purpose(id, office.id, gateway.id, name)) for name in sorted(hidden)})
    async with uow():
        await _hold(scope, office)
        row.version = 1 + int(await ParametersRow.count().where(ParametersRow.office == office.id))
        await ParametersRow.insert(row)
        detail = {"gateway": gateway.id, "version": row.version, "kept": sorted(keep), "shared": shared}
        await audit(
            "payment_parameters_saved",
            room="money",
            subject=str(id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office.id,
            detail=detail,
        )
    return id


async def parameters_of(scope: Scope, office_id: UUID) -> Sequence[Parameters]:
    """The newest versions of an office's parameters, and the one in use however old it is; the newest first."""
    query = covering(scope, ParametersRow.select().where(ParametersRow.office == office_id), ParametersRow)
    rows = list(await query.order_by(ParametersRow.version, ascending=False).limit(_SHOWN))
    live = await _live(office_id)
    if live is not None and rows and all(row["id"] != live for row in rows):
        rows += await covering(scope, ParametersRow.select().where(ParametersRow.id == live), ParametersRow)
    return await _told(rows, live)


async def parameters_by_id(scope: Scope, office_id: UUID, id: UUID) -> Parameters:
    """One version of an office's parameters. Raises NotFound for another office's, or one that the scope does not cover."""
    query = ParametersRow.select().where(ParametersRow.id == id, ParametersRow.office == office_id)
    found = await _told(await covering(scope, query, ParametersRow), await _live(office_id))
    if not found:
        raise NotFound("There are no such payment parameters.", code="payment_parameters")
    return found[0]


async def in_use(scope: Scope, office_id: UUID) -> Parameters | None:
    """The version in use at an office, or None."""
    live = await _live(office_id)
    if live is None:
        return None
    rows = await covering(scope, ParametersRow.select().where(ParametersRow.id == live), ParametersRow)
    found = await _told(rows, live)
    return found[0] if found else None


def open_secrets(parameters: Parameters, box: SecretBox) -> dict[str, Secret]:
    """The secrets of a version. Raises Untrusted for one that was sealed for another version or another office."""
    return {
        name: Secret(box.unseal(sealed, purpose=_purpose(parameters.id, parameters.office_id, parameters.gateway, name)))
        for name, sealed in parameters.sealed.items()
    }


def _purpose(id: UUID, office: UUID, gateway: str, name: str) -> str:
    return f"payment parameters {id} of office {office} at {gateway}: {name}"


async def _kept(scope: Scope, office: OfficeHere, gateway: PaymentGateway, keep: frozenset[str], box: SecretBox) -> dict[str, str]:
    """The secrets that stay. Raises Refused if there are none to keep."""
    if not keep:
        return {}
    newest = next((each for each in await parameters_of(scope, office.id) if each.gateway == gateway.id), None)
    present = open_secrets(newest, box) if newest else {}
    hidden = {field.name: field.label for field in gateway.fields if field.secret}
    if missing := [name for name in sorted(keep) if name not in present or name not in hidden]:
        say = f"There is no {hidden.get(missing[0], 'secret')} of this gateway to keep; enter it."
        raise Refused(say, box=missing[0], rule="required")
    return {name: present[name].value for name in keep}


async def _elsewhere(office: OfficeHere, gateway: str, merchant: str) -> list[str]:
    """The codes of the agency's other offices where the merchant is in use."""
    query = ActivationRow.select(ActivationRow.office.code.as_alias("code")).where(
        ActivationRow.agency == office.agency_id,
        ActivationRow.office != office.id,
        ActivationRow.ended_at.is_null(),
        ActivationRow.parameters.gateway == gateway,
        ActivationRow.parameters.merchant == merchant,
    )
    return sorted(row["code"] for row in await query)


async def _hold(scope: Scope, office: OfficeHere) -> None:
    """Keeps the office's row until the unit of work ends, so that versions come one after the other. Raises NotFound."""
    await Office.update({Office.code: Office.code}, force=True).where(Office.id == office.id)
    if not await covering(scope, Office.select(Office.id).where(Office.id == office.id), Office, office="id"):
        raise NotFound("There is no such office.", code="office")


async def _live(office_id: UUID) -> UUID | None:
    row = await ActivationRow.select(ActivationRow.parameters).where(ActivationRow.live_key == str(office_id)).first()
    return row["parameters"] if row else None


async def _told(rows: Sequence[Mapping[str, Any]], live: UUID | None) -> list[Parameters]:
    if not rows:
        return []
    tested = ConnectionTestRow.parameters.is_in([row["id"] for row in rows])
    latest = {row["parameters"]: _test(row) for row in await ConnectionTestRow.select().where(tested).order_by(ConnectionTestRow.tested_at)}
    return [
        Parameters(
            id=row["id"],
            agency_id=row["agency"],
            office_id=row["office"],
            version=row["version"],
            gateway=row["gateway"],
            values=json.loads(row["fields"]),
            prints=json.loads(row["prints"]),
            made_by=row["made_by"],
            made_at=row["made_at"],
            test=latest.get(row["id"]),
            active=row["id"] == live,
            sealed=json.loads(row["sealed"]),
        )
        for row in rows
    ]


def _test(row: Mapping[str, Any]) -> ConnectionTest:
    return ConnectionTest(ConnectionOutcome(row["outcome"]), row["code"], row["say"], row["tested_at"])
