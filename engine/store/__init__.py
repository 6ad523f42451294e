"""Where things are kept: database engines, unit of work, files, secrets, idempotency, audit. No business word in here.

Writes happen in `async with uow()`, reads of several queries in `async with reading()`. A foreign exception of a
driver stops here: a broken constraint becomes `Conflict`, a database that does not answer `Unavailable`.
"""

from engine.store.audit import audit
from engine.store.engines import Database, connect
from engine.store.files import FileStore
from engine.store.rows import CompositeForeignKey, Row, rows_in_order
from engine.store.secrets import SecretBox
from engine.store.unit import Found, lookup, moment_of, reading, uow

__all__ = [
    "CompositeForeignKey",
    "Database",
    "FileStore",
    "Found",
    "Row",
    "SecretBox",
    "audit",
    "connect",
    "lookup",
    "moment_of",
    "reading",
    "rows_in_order",
    "uow",
]
