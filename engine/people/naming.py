"""Names for ids that were written down without one: who an actor is, and what a subject is called today.

For whoever may read what the ids stand in: a scope found that first. What is called nothing here keeps its id.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.people.changes.tables import ChangeRow
from engine.people.tables import (
    Account,
    Administrator,
    Agency,
    ApiKey,
    Broker,
    BrokerUser,
    Exporter,
    ExporterUser,
    Office,
    Officer,
    PlatformUser,
)
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["Called", "agencies_named", "id_of_actor", "names_of", "offices_named", "persons_called"]

_CALLED = r"SELECT id FROM account WHERE email = {} OR lower(name) LIKE {} ESCAPE '\' ORDER BY name LIMIT {}"
_MOST_CALLED = 8
_KINDS = ("account:", "key:")
_OF_PERSONS: tuple[Any, ...] = (Officer, Administrator, PlatformUser, ExporterUser, BrokerUser)


def id_of_actor(actor: str) -> str:
    """The id that an actor of the audit names, of an account or a key; an actor without one is given back as it is."""
    return next((actor.removeprefix(kind) for kind in _KINDS if actor.startswith(kind)), actor)


async def names_of(words: Collection[str]) -> dict[str, str]:
    """What those of the words that are ids of people's rows are called, by the word; other words are left out."""
    left, found = {id for id in map(_id, words) if id is not None}, dict[str, str]()
    async with reading():
        for table, name in _named():
            if left:
                rows = await table.select(table.id, name.as_alias("called")).where(table.id.is_in(list(left)))
                found |= {str(row["id"]): row["called"] for row in rows}
                left -= {row["id"] for row in rows}
    return found


@dataclass(frozen=True, slots=True)
class Called:
    """Persons that were found by what they are called: their accounts, and every id of people's rows that is theirs."""

    accounts: frozenset[str]
    ids: frozenset[str]


async def persons_called(text: str) -> Called:
    """At most eight persons with that address, or with those words in their name, or the one of that actor or account.

    For narrowing a search that a scope narrows as well: who is found here is told to nobody.
    """
    words = text.strip().lower()
    if not words or not words.isprintable():
        return Called(frozenset(), frozenset())
    async with reading():
        if (one := _id(id_of_actor(words))) is not None:
            found = [one]
        else:
            plain = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            found = [row["id"] for row in await Account.raw(_CALLED, words, f"%{plain}%", _MOST_CALLED)]
        rows = [row["id"] for table in _OF_PERSONS if found for row in await table.select(table.id).where(table.account.is_in(found))]
    accounts = frozenset(map(str, found))
    return Called(accounts, accounts | frozenset(map(str, rows)))


async def agencies_named(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The agencies that the scope covers, by name: id and name."""
    rows = await covering(scope, Agency.select(Agency.id, Agency.name), Agency, agency="id").order_by(Agency.name)
    return tuple((str(row["id"]), row["name"]) for row in rows)


async def offices_named(scope: Scope, agency: str) -> tuple[tuple[str, str], ...]:
    """The offices of an agency that the scope covers, by name: id and name."""
    id = _id(agency)
    if id is None:
        return ()
    query = covering(scope, Office.select(Office.id, Office.code, Office.name).where(Office.agency == id), Office, office="id")
    return tuple((str(row["id"]), f"{row['name']} ({row['code']})") for row in await query.order_by(Office.name))


def _named() -> tuple[tuple[Any, Any], ...]:
    """Tables whose rows are called something, those that are asked for most first."""
    return (
        (Account, Account.name),
        (Agency, Agency.name),
        (Office, Office.name),
        (Officer, Officer.name),
        (ApiKey, ApiKey.name),
        (ChangeRow, ChangeRow.title),
        (Exporter, Exporter.name),
        (ExporterUser, ExporterUser.name),
        (Broker, Broker.name),
        (BrokerUser, BrokerUser.account.name),
        (Administrator, Administrator.account.name),
    )


def _id(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
