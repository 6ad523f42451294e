"""What a job is made of; importing this starts no engine."""

from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

__all__ = ["Step", "StepOutcome", "run_key"]


class StepOutcome(StrEnum):
    """What a step says: go on with the next one, or stop: this run of the job is over."""

    NEXT = "next"
    STOP = "stop"


Step = tuple[str, Callable[[str], Coroutine[Any, Any, StepOutcome]]]


def run_key(job: str, id: str, run: int) -> str:
    """The name of one run of a job: the same name is the same run."""
    return f"{job}-{id}-{run}"
