"""Exporters under their IEC, and the brokers who file for them.

What asks the registry, and those who come in by it, stands apart in `entering` and `keeping`: it needs the JOSE library,
and most commands do not.
"""

from engine.people.firms.brokers import (
    BROKER_RIGHTS,
    BrokerHere,
    Member,
    Opened,
    add_broker,
    add_member,
    broker_here,
    change_member,
    end_member,
    members_of,
    open_broker,
)
from engine.people.firms.exporters import (
    ExporterHere,
    UserHere,
    add_exporter_user,
    exporter_by_id,
    exporter_by_iec,
    exporter_user,
    register_exporter,
)
from engine.people.firms.granting import GRANTABLE, Grant, count_filing, end_grant, give_grant, grants_of, rights_granted
from engine.people.firms.reading import BranchHere, FirmHere, PersonHere, firm_of

__all__ = [
    "BROKER_RIGHTS",
    "GRANTABLE",
    "BranchHere",
    "BrokerHere",
    "ExporterHere",
    "FirmHere",
    "Grant",
    "Member",
    "Opened",
    "PersonHere",
    "UserHere",
    "add_broker",
    "add_exporter_user",
    "add_member",
    "broker_here",
    "change_member",
    "count_filing",
    "end_grant",
    "end_member",
    "exporter_by_id",
    "exporter_by_iec",
    "exporter_user",
    "firm_of",
    "give_grant",
    "grants_of",
    "members_of",
    "open_broker",
    "register_exporter",
    "rights_granted",
]
