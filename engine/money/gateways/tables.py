"""The rows of payment parameters: versions that never change, the tests of each, and which one is in use."""

from piccolo.columns import Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.contracts.payment import ConnectionOutcome
from engine.people.changes.tables import ChangeRow
from engine.people.tables import Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["ActivationRow", "ConnectionTestRow", "OverrideRow", "ParametersRow"]

# Held here too, whatever a program writes: no space of any kind, and not nothing.
_WHOLE = "length(merchant) > 0 AND merchant = trim(merchant) AND replace(merchant, ' ', '') = merchant"


class ParametersRow(Row, tablename="payment_parameters"):
    """A version of an office's payment parameters, append-only.

    `merchant` is the parameter that names the office at the gateway, `fields` all that may be seen, `sealed` the secrets, each
    bound to this very row, `prints` their keyed fingerprints; all three are JSON by the names of the fields.
    """

    agency = refers(Agency)
    office = refers(Office)
    version = Integer()
    gateway = text(32)
    merchant = text(400)
    fields = Text()
    sealed = Text()
    prints = Text()
    made_by = text(80)
    made_at = Timestamptz()

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, version])
    of_office = Unique(["office", "id"])
    of_gateway = Unique(["office", "gateway", "id"])
    counts = Check("version >= 1")
    merchant_whole = Check(_WHOLE)


class ConnectionTestRow(Row, tablename="payment_test"):
    """What a test of one version without a charge showed, append-only."""

    agency = refers(Agency)
    office = refers(Office)
    parameters = refers(ParametersRow)
    outcome = text(12)
    code = text(40)
    say = text(300)
    tested_by = text(80)
    tested_at = Timestamptz(index=True)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_parameters = CompositeForeignKey(["office", "parameters"], "payment_parameters", ["office", "id"])
    outcome_known = one_of("outcome", ConnectionOutcome)


class OverrideRow(Row, tablename="payment_override"):
    """Why a version shall be used although its test was inconclusive, append-only."""

    agency = refers(Agency)
    office = refers(Office)
    parameters = refers(ParametersRow)
    because = text(400)
    asked_by = text(80)
    asked_at = Timestamptz()

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_parameters = CompositeForeignKey(["office", "parameters"], "payment_parameters", ["office", "id"])
    reasoned = Check("length(because) > 0")


class ActivationRow(Row, tablename="payment_activation"):
    """That a version is in use at its office, by which change; `live_key` is the office's id while it is, then the row's own id.

    `override` says why, where the test of the version was inconclusive.
    """

    agency = refers(Agency)
    office = refers(Office)
    parameters = refers(ParametersRow)
    change = refers(ChangeRow)
    override = refers(OverrideRow, null=True)
    live_key = text(36, unique=True)
    activated_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_parameters = CompositeForeignKey(["office", "parameters"], "payment_parameters", ["office", "id"])
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN office ELSE id END AS TEXT)")
