"""IEC and GSTIN by shape and check character: what the registry's own numbers must at least be.

The same rules by which filing judges an application; a test holds the two against each other.
"""

import re
import string

from stdnum import luhn
from stdnum.exceptions import InvalidComponent, ValidationError
from stdnum.in_ import gstin as stdnum_gstin
from stdnum.in_ import pan as stdnum_pan

__all__ = ["gstin_fault", "iec_fault"]

_OLD_IEC = re.compile(r"[0-9]{10}", re.ASCII)
_PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]", re.ASCII)
_GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]", re.ASCII)
_ALPHABET = string.digits + string.ascii_uppercase
# Ladakh, and the Centre's jurisdiction for goods and persons outside every state: in use, absent from stdnum's list.
_MORE_STATES = frozenset({"38", "97"})


def iec_fault(iec: str) -> str:
    """What is wrong with an IEC, as the end of `must …`, or nothing."""
    if _OLD_IEC.fullmatch(iec) or (_PAN.fullmatch(iec) and _passes(stdnum_pan.validate, iec)):
        return ""
    return "be a PAN in capitals or an older code of 10 digits"


def gstin_fault(gstin: str, iec: str) -> str:
    """What is wrong with a GSTIN under that IEC, as the end of `must …`, or nothing."""
    if not _GSTIN.fullmatch(gstin) or not _passes(stdnum_pan.validate, gstin[2:12]):
        return "be a GSTIN: 2 digits of the state, the PAN, the registration, Z and a check character"
    if not _checks(gstin):
        return "be a GSTIN of a state and with a check character that fits the rest"
    if not _OLD_IEC.fullmatch(iec) and gstin[2:12] != iec:
        return "carry the PAN that is the IEC"
    return ""


def _checks(gstin: str) -> bool:
    try:
        stdnum_gstin.validate(gstin)
    except InvalidComponent:
        return gstin[:2] in _MORE_STATES and luhn.is_valid(gstin, _ALPHABET)
    except ValidationError:
        return False
    return True


def _passes(validate: object, text: str) -> bool:
    try:
        validate(text)  # type: ignore[operator]
    except ValidationError:
        return False
    return True
