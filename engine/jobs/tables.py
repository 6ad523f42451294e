"""The rows of jobs: which workers live."""

from piccolo.columns import BigInt, Timestamptz

from engine.store.rows import Row, text

__all__ = ["WorkerRow"]


class WorkerRow(Row, tablename="worker"):
    """A process that executes jobs, by the name the job engine knows it under. It counts `beats` on while it lives.

    `seen_at` is by that process's own clock and for people to read; nothing is decided by it.
    """

    name = text(80, unique=True)
    beats = BigInt()
    seen_at = Timestamptz(null=True, default=None)
