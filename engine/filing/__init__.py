"""Applications: read, checked, tried against the rules of origin, worded into boxes, and kept as rows."""

from engine.filing.boxes import endorsement, fill, paper_date, worded
from engine.filing.checks import check, citation_problems, warnings
from engine.filing.consignments import Twin, note_invoices, twins_of
from engine.filing.desk import Draft, find, keep_finding, move, save_draft, search, update_draft
from engine.filing.desk import by_id as application_by_id
from engine.filing.examine import Examined, examine
from engine.filing.intake import Intake, look_up, open_draft, require_office
from engine.filing.listing import ApplicationHere, applications_of
from engine.filing.origin import find_origin
from engine.filing.places import country_name
from engine.filing.reading import look, published_schema, read
from engine.filing.refusing import problems_of, together

__all__ = [
    "ApplicationHere",
    "Draft",
    "Examined",
    "Intake",
    "Twin",
    "application_by_id",
    "applications_of",
    "check",
    "citation_problems",
    "country_name",
    "endorsement",
    "examine",
    "fill",
    "find",
    "find_origin",
    "keep_finding",
    "look",
    "look_up",
    "move",
    "note_invoices",
    "open_draft",
    "paper_date",
    "problems_of",
    "published_schema",
    "read",
    "require_office",
    "save_draft",
    "search",
    "together",
    "twins_of",
    "update_draft",
    "warnings",
    "worded",
]
