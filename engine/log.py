"""Logs: one JSON line each on stderr, readable on a terminal. What may be said is a list, so a name never slips in."""

import logging
import sys
from typing import Any

import structlog

__all__ = ["SPOKEN", "set_up"]

# Whatever else an event carries is left out: persons, addresses, keys and PINs have no field here.
SPOKEN = frozenset(
    {
        "event", "level", "logger", "timestamp", "request", "reference", "number", "approval", "step", "sweep", "problem", "plugin",
        "topic", "signer", "status", "method", "route", "took_ms", "child", "name", "count", "run", "token", "address_hash", "letter", "purpose",
    }
)  # fmt: skip


def _spoken_only(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key in SPOKEN or key.startswith("_")}


def _one_line(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: value.replace("\n", "\\n") if isinstance(value, str) else value for key, value in event.items()}


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201  # this is the log
        except (OSError, ValueError):
            self.handleError(record)


def set_up(level: str) -> None:
    """Sends all logging of this process to stderr in our shape. Libraries speak from warnings up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _spoken_only,
        _one_line,
    ]
    shown: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, shown]
    )
    handler = _Stderr()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("engine", "plugins", "admin", "ecoo"):
        logging.getLogger(name).setLevel(level.upper())
    for name in ("dbos", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
