"""The exporter's identifiers: IEC, PAN and GSTIN, each by itself and against the others.

Shapes and check characters only; whether a number is really allotted, the DGFT registry knows.
"""

import re
import string

from stdnum import luhn
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
from stdnum.in_ import gstin as stdnum_gstin
from stdnum.in_ import pan as stdnum_pan

from engine.application import Exporter
from engine.errors import Problem

__all__ = ["exporter_problems"]

_OLD_IEC = re.compile(r"[0-9]{10}\Z")
_PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]\Z")
_GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]\Z")

_ALPHABET = string.digits + string.ascii_uppercase

# Ladakh, and the Centre's jurisdiction for goods and persons outside every state: in use, absent from stdnum's list.
_MORE_STATES = frozenset({"38", "97"})


def exporter_problems(exporter: Exporter) -> list[Problem]:
    """What is wrong with the exporter's identifiers: at most one problem each, and one if they contradict each other."""
    iec, gstin = _iec(exporter.iec), _gstin(exporter.gstin)
    problems = [problem for problem in (iec, gstin) if problem]
    # identifiers.iec: an alphanumeric IEC is the PAN, and characters 3 to 12 of the GSTIN are the same PAN.
    if not problems and not _OLD_IEC.match(exporter.iec) and exporter.gstin[2:12] != exporter.iec:
        say = f"The GSTIN carries the PAN {exporter.gstin[2:12]}, but the IEC is {exporter.iec}; both must be the same firm's."
        problems.append(Problem("exporter.gstin", "PAN in GSTIN equals IEC", say))
    return problems


def _iec(iec: str) -> Problem | None:
    if _OLD_IEC.match(iec):
        return None
    if not _PAN.match(iec):
        say = "exporter.iec must be the firm's PAN (5 letters, 4 digits, 1 letter, in capitals) or an older code of 10 digits."
        return Problem("exporter.iec", "IEC shape", say)
    return _pan(iec, "exporter.iec", "The IEC")


def _pan(pan: str, box: str, name: str) -> Problem | None:
    try:
        stdnum_pan.validate(pan)
    except ValidationError:
        say = f"{name} carries {pan}, which is no PAN: its fourth letter names the kind of holder (C company, F firm, P person), its digits are not 0000."
        return Problem(box, "PAN", say)
    return None


def _gstin(gstin: str) -> Problem | None:
    box = "exporter.gstin"
    if not _GSTIN.match(gstin):
        say = (
            "exporter.gstin must have 15 characters in capitals: 2 digits of the state, the PAN, the registration, Z and a check character."
        )
        return Problem(box, "GSTIN shape", say)
    if problem := _pan(gstin[2:12], box, "The GSTIN"):
        return problem
    try:
        stdnum_gstin.validate(gstin)
    except InvalidChecksum:
        return _slip(gstin)
    except InvalidComponent:
        # stdnum looks at the state before the check character, so that one is still to be tried, under a state it knows.
        if gstin[:2] not in _MORE_STATES:
            return Problem(box, "GSTIN state", f"The GSTIN begins with {gstin[:2]}, which is the code of no state.")
        return None if luhn.is_valid(gstin, _ALPHABET) else _slip(gstin)
    return None


def _slip(gstin: str) -> Problem:
    say = f"The check character of the GSTIN {gstin} does not fit the rest; one of its characters is mistyped."
    return Problem("exporter.gstin", "GSTIN checksum", say)
