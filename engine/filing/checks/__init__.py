"""What is wrong with an application, and what an officer should look at twice. Pure: no row is read."""

from engine.filing.checks.application import check
from engine.filing.checks.citations import citation_problems
from engine.filing.checks.doubts import warnings
from engine.filing.checks.late import late_doubts

__all__ = ["check", "citation_problems", "late_doubts", "warnings"]
