"""The rows of the store itself: settings of the database, files, idempotency, outbox, audit, counters of tries."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.store.rows import Row, refers, text

__all__ = ["Announcement", "AuditEntry", "AuditSeal", "AuditUnsealed", "Blob", "BlobRef", "Idempotency", "Setting", "TryCount"]


class Setting(Row, tablename="store_setting"):
    """What a database must remember of itself: the schema's fingerprint, the key check, the halt switch."""

    name = text(60, unique=True)
    value = Text()


class Blob(Row, tablename="store_blob"):
    """A file kept under its hash; the bytes are in the file store."""

    sha256 = text(64, unique=True)
    size = BigInt()
    media_type = text(80)
    made_at = Timestamptz()


class BlobRef(Row, tablename="store_blob_ref"):
    """Why a blob is kept, and until when (never by default)."""

    room = text(30)
    row = text(60)
    sha256 = text(64, index=True)
    purpose = text(40)
    delete_after = Timestamptz(null=True, default=None)

    once = Unique([room, row, sha256, purpose])


class Idempotency(Row, tablename="store_idempotency"):
    """The first answer to a caller's key, written in the unit of work of its effect."""

    actor = text(80)
    key = text(120)
    request_sha256 = text(64)
    response = Text()
    expires_at = Timestamptz(index=True)

    once = Unique([actor, key])


class Announcement(Row, tablename="store_announcement"):
    """An outbox: what plugins and people are still to be told, written in the unit of work that made it true."""

    topic = text(60)
    payload = Text()
    made_at = Timestamptz()
    told_at = Timestamptz(null=True, default=None, index=True)
    due_at = Timestamptz()
    tries = Integer(default=0)
    last_error = text(500)


class AuditEntry(Row, tablename="audit_entry"):
    """Who did what, when, to what: append-only. `detail` is JSON without names, keys or PINs.

    Pages of it are read by time, of everything or of one agency, actor or subject: an index for each. Piccolo has indices of
    several columns only as those of a `Unique`.
    """

    at = Timestamptz()
    zone = text(10, default="IST")
    actor = text(80)
    act = text(60)
    room = text(30)
    subject = text(80)
    agency = text(36, default="")
    office = text(36, default="")
    before_sha256 = text(64, default="")
    after_sha256 = text(64, default="")
    detail = Text(default="{}")

    by_time = Unique([at, "id"])
    by_agency = Unique([agency, at, "id"])
    by_actor = Unique([actor, at, "id"])
    by_subject = Unique([subject, at, "id"])


class AuditUnsealed(Row, tablename="audit_unsealed"):
    """An entry that the chain does not hold yet: its `id` and moment, written with it and removed when it is sealed.

    An outbox and no mark up to which all is sealed: an entry may be committed after later ones are sealed.
    """

    at = Timestamptz(index=True)


class AuditSeal(Row, tablename="audit_seal"):
    """The chain over the audit: `hash` covers the entry and the hash before, in the order the sequencer saw them."""

    seq = BigInt(unique=True)
    entry = refers(AuditEntry)
    previous = text(64)
    hash = text(64, unique=True)
    sealed_at = Timestamptz()

    once = Unique([entry])
    from_one = Check(seq >= 1)


class TryCount(Row, tablename="store_try_count"):
    """How often something was tried in a window, so that all processes count together."""

    name = text(40)
    subject = text(120)
    window_at = Timestamptz()
    tries = Integer(default=0)

    once = Unique([name, subject, window_at])
