"""Identifiers of firms: IEC, PAN and GSTIN, each by itself and against the others.

Shapes and check characters only; whether a number is really allotted, the DGFT registry knows.
"""

import re
import string

from stdnum import luhn
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
from stdnum.in_ import gstin as stdnum_gstin
from stdnum.in_ import pan as stdnum_pan

from engine.errors import Problem

__all__ = ["gstin_problem", "iec_problem", "of_one_firm"]

_OLD_IEC = re.compile(r"[0-9]{10}\Z")
_PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]\Z")
_GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]\Z")

_ALPHABET = string.digits + string.ascii_uppercase

# Ladakh, and the Centre's jurisdiction for goods and persons outside every state: in use, absent from stdnum's list.
_MORE_STATES = frozenset({"38", "97"})


def of_one_firm(iec: str, gstin: str) -> bool:
    """Whether the GSTIN can be that of the firm with the IEC: an alphanumeric IEC is the PAN, which stands in the GSTIN."""
    return bool(_OLD_IEC.match(iec)) or gstin[2:12] == iec


def iec_problem(iec: str, box: str) -> Problem | None:
    """What is wrong with an IEC, or None."""
    if _OLD_IEC.match(iec):
        return None
    if not _PAN.match(iec):
        say = f"{box} must be the firm's PAN (5 letters, 4 digits, 1 letter, in capitals) or an older code of 10 digits."
        return Problem(box, "IEC shape", say)
    return _pan(iec, box, "The IEC")


def _pan(pan: str, box: str, name: str) -> Problem | None:
    try:
        stdnum_pan.validate(pan)
    except ValidationError:
        say = f"{name} carries {pan}, which is no PAN: its fourth letter names the kind of holder (C company, F firm, P person), its digits are not 0000."
        return Problem(box, "PAN", say)
    return None


def gstin_problem(gstin: str, box: str) -> Problem | None:
    """What is wrong with a GSTIN, or None."""
    if not _GSTIN.match(gstin):
        say = f"{box} must have 15 characters in capitals: 2 digits of the state, the PAN, the registration, Z and a check character."
        return Problem(box, "GSTIN shape", say)
    if problem := _pan(gstin[2:12], box, "The GSTIN"):
        return problem
    try:
        stdnum_gstin.validate(gstin)
    except InvalidChecksum:
        return _slip(gstin, box)
    except InvalidComponent:
        # stdnum looks at the state before the check character, so that one is still to be tried, under a state it knows.
        if gstin[:2] not in _MORE_STATES:
            return Problem(box, "GSTIN state", f"The GSTIN begins with {gstin[:2]}, which is the code of no state.")
        return None if luhn.is_valid(gstin, _ALPHABET) else _slip(gstin, box)
    return None


def _slip(gstin: str, box: str) -> Problem:
    say = f"The check character of the GSTIN {gstin} does not fit the rest; one of its characters is mistyped."
    return Problem(box, "GSTIN checksum", say)
