"""What may come back from a child: plain values, types named beforehand, and the engine's errors."""

import io
import pickle
import sys
from typing import Any

from engine import errors
from engine.errors import EngineError, Refused

__all__ = ["Failed", "as_answer", "read_answer"]

_PLAIN = {"datetime": {"date", "datetime", "timedelta", "timezone"}, "decimal": {"Decimal"}}


class Failed:
    """What a child could not do, in words."""

    def __init__(self, say: str) -> None:
        self.say = say


def read_answer(data: bytes, allowed: dict[tuple[str, str], type]) -> Any:
    """The answer in these bytes. Raises pickle.UnpicklingError, or whatever broken bytes raise."""
    return _Answers(io.BytesIO(data), allowed).load()


def as_answer(error: BaseException) -> object:
    """What is sent for an error that a call raised: the engine's own as itself, others in words."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, MemoryError):
        return Refused("It needs more memory than is allowed; make it smaller.", code="too_much_memory")
    return Failed(f"{type(error).__name__}: {error}"[:500])


class _Answers(pickle.Unpickler):
    """Unpickles plain values, named types and the engine's errors, and refuses to find anything else."""

    def __init__(self, data: io.BytesIO, allowed: dict[tuple[str, str], type]) -> None:
        super().__init__(data)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        """The type of that name, if an answer may hold it."""
        if (module, name) in self._allowed:
            return self._allowed[module, name]
        if (module, name) == (Failed.__module__, Failed.__name__):
            return Failed
        if module == errors.__name__ and name in errors.__all__:
            return getattr(errors, name)
        if name in _PLAIN.get(module, ()):
            return getattr(sys.modules.get(module) or __import__(module), name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an answer")
