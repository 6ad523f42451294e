"""The rows beside firms: answers of the registry that were used, and what brokers filed on a day."""

from piccolo.columns import Date, Integer, Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.tables import Broker, BrokerGrant, Exporter
from engine.store.rows import CompositeForeignKey, Row, refers, text

__all__ = ["BrokerDay", "RegistryAnswer"]


class RegistryAnswer(Row, tablename="registry_answer"):
    """An answer of the registry that a browser brought: the hash of its state, so that it counts once."""

    once_key = text(64, unique=True)
    made_at = Timestamptz(index=True)


class BrokerDay(Row, tablename="broker_day"):
    """How many applications were filed under a grant on a day in India."""

    grant = refers(BrokerGrant)
    broker = refers(Broker)
    exporter = refers(Exporter)
    filed_on = Date()
    filed = Integer(default=0)

    once = Unique([grant, filed_on])
    filed_counts = Check("filed >= 0")
    same_firms = CompositeForeignKey(["broker", "exporter", "grant"], "broker_grant", ["broker", "exporter", "id"])
