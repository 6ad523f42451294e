"""Scrutiny, signing jobs, and the corridor from an approval to an issued certificate."""

from engine.issuing.frozen import Frozen
from engine.issuing.issue import Corridor
from engine.issuing.scrutiny import Approval, Decision, approve, of_draft, preview

__all__ = ["Approval", "Corridor", "Decision", "Frozen", "approve", "of_draft", "preview"]
