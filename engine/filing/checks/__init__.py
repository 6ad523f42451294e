"""What is wrong with an application, and what an officer should look at twice. Pure: no row is read."""

from engine.filing.checks.application import check
from engine.filing.checks.doubts import warnings

__all__ = ["check", "warnings"]
