"""Exporters under their IEC, and the brokers who file for them.

What asks the registry, and those who come in by it, stands apart in `entering` and `keeping`: it needs the JOSE library,
and most commands do not.
"""

from engine.people.firms.brokers import (
    BROKER_RIGHTS,
    BrokerHere,
    Member,
    Opened,
    add_member,
    broker_here,
    change_member,
    end_member,
    members_of,
    open_broker,
)
from engine.people.firms.granting import count_filing, end_grant, ends_grants, give_grant
from engine.people.firms.grants import GRANTABLE, Grant, grants_of, rights_granted
from engine.people.firms.reading import BranchHere, FirmHere, PersonHere, firm_of

__all__ = [
    "BROKER_RIGHTS",
    "GRANTABLE",
    "BranchHere",
    "BrokerHere",
    "FirmHere",
    "Grant",
    "Member",
    "Opened",
    "PersonHere",
    "add_member",
    "broker_here",
    "change_member",
    "count_filing",
    "end_grant",
    "end_member",
    "ends_grants",
    "firm_of",
    "give_grant",
    "grants_of",
    "members_of",
    "open_broker",
    "rights_granted",
]
