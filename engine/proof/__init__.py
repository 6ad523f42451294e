"""The register and what it proves: certificates, files, events; verification. Needs nothing of signing or drawing."""

from engine.proof.register import (
    Numbered,
    SeriesRule,
    Standing,
    add_file,
    by_approval,
    by_id,
    by_number,
    duplicates_of,
    files_of,
    last_event,
    move,
    of_application,
    of_applications,
    search,
    take_number,
    void,
)
from engine.proof.verify import REASONS, Answer, Verifier

__all__ = [
    "REASONS",
    "Answer",
    "Numbered",
    "SeriesRule",
    "Standing",
    "Verifier",
    "add_file",
    "by_approval",
    "by_id",
    "by_number",
    "duplicates_of",
    "files_of",
    "last_event",
    "move",
    "of_application",
    "of_applications",
    "search",
    "take_number",
    "void",
]
