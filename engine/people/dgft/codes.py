"""IEC and GSTIN as the registry says them, in the words of its faults: each is the end of `must ...`."""

from engine.people.identifiers import gstin_problem, iec_problem, of_one_firm

__all__ = ["gstin_fault", "iec_fault"]


def iec_fault(iec: str) -> str:
    """What is wrong with an IEC, or nothing."""
    return "be a PAN in capitals or an older code of 10 digits" if iec_problem(iec, "iec") else ""


def gstin_fault(gstin: str, iec: str) -> str:
    """What is wrong with a GSTIN under that IEC, or nothing."""
    if gstin_problem(gstin, "gstin"):
        return "be a GSTIN: 2 digits of the state, the PAN, the registration, Z and a check character that fits them"
    return "" if of_one_firm(iec, gstin) else "carry the PAN that is the IEC"
