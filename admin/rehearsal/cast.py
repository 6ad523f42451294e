"""The persons and firms of the rehearsal registry. All are invented; the firms' codes have the right shape and belong to nobody."""

from dataclasses import dataclass
from typing import Any

__all__ = ["CAST", "Cast", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be chosen at sign-in; `part` says what they are for."""

    subject: str
    name: str
    email: str
    part: str
    email_verified: bool = True


@dataclass(frozen=True, slots=True)
class Cast:
    """Who can sign in, and the firms by IEC in the profile service's own JSON, without their `modify_url`."""

    persons: tuple[Person, ...]
    firms: tuple[dict[str, Any], ...]

    def person(self, subject: str) -> Person | None:
        """The person of that subject."""
        return next((person for person in self.persons if person.subject == subject), None)


_ALL = ["see", "prepare", "submit", "pay", "sign"]


def _user(name: str, email: str, rights: list[str], subject: str = "") -> dict[str, Any]:
    return {"subject": subject, "email": email, "name": name, "rights": rights}


def _branch(code: str, address: str, gstin: str = "") -> dict[str, Any]:
    return {"code": code, "address": address, "gstin": gstin}


CAST = Cast(
    persons=(
        Person("rehearsal-1001", "Vikram Rao", "exports@sahyadri.example", "Devgad Lantern Foods: may do everything"),
        Person("rehearsal-1002", "Meera Kulkarni", "meera@devgad.example", "Devgad Lantern Foods: sees and prepares"),
        Person("rehearsal-1003", "Anand Pillai", "anand@invented-spices.example", "Invented Spices: does everything but sign"),
        Person("rehearsal-1004", "Leela Menon", "leela@invented-spices.example", "Invented Spices: sees and signs"),
        Person(
            "rehearsal-1005", "Rohan Shah", "rohan@two-firms.example", "Pretend Marine and Sample Textiles: two firms, different rights"
        ),
        Person("rehearsal-1006", "Gita Bose", "gita@pretend-marine.example", "Pretend Marine: linked by her e-mail address alone"),
        Person("rehearsal-1007", "Harish Sen", "harish@suspended.example", "Suspended Sample Exports: its IEC is suspended"),
        Person("rehearsal-1008", "Nisha Verma", "nisha@nowhere.example", "is linked to no IEC"),
        Person("rehearsal-1009", "Farida Contractor", "farida@clearing.example", "works for a customs broker; is linked to no IEC"),
        Person(
            "rehearsal-1010",
            "Gita Bose (another)",
            "gita@pretend-marine.example",
            "claims a linked e-mail address, unverified",
            email_verified=False,
        ),
    ),
    firms=(
        {
            "iec": "AAZCD4417K",
            "name": "DEVGAD LANTERN FOODS PRIVATE LIMITED",
            "address": "Plot 41, Taloja Industrial Area\nNavi Mumbai 410208, Maharashtra",
            "gstin": "27AAZCD4417K1Z0",
            "status": "active",
            "branches": [
                _branch("0", "Plot 41, Taloja Industrial Area\nNavi Mumbai 410208, Maharashtra", "27AAZCD4417K1Z0"),
                _branch("1", "Shed 7, Jaigad Road\nRatnagiri 415614, Maharashtra", "27AAZCD4417K1Z0"),
            ],
            "users": [
                _user("Vikram Rao", "exports@sahyadri.example", _ALL, "rehearsal-1001"),
                _user("Meera Kulkarni", "meera@devgad.example", ["see", "prepare"], "rehearsal-1002"),
            ],
        },
        {
            "iec": "ZZZCQ0001Z",
            "name": "INVENTED SPICES PRIVATE LIMITED",
            "address": "1 Nowhere Street\nNew Delhi 110000",
            "gstin": "07ZZZCQ0001Z1ZB",
            "status": "active",
            "branches": [
                _branch("0", "1 Nowhere Street\nNew Delhi 110000", "07ZZZCQ0001Z1ZB"),
                _branch("MUM", "2 Nowhere Road\nMumbai 400000", "27ZZZCQ0001Z1Z9"),
            ],
            "users": [
                _user("Anand Pillai", "anand@invented-spices.example", ["see", "prepare", "submit", "pay"], "rehearsal-1003"),
                _user("Leela Menon", "leela@invented-spices.example", ["see", "sign"], "rehearsal-1004"),
            ],
        },
        {
            "iec": "ZZZFQ0002Z",
            "name": "PRETEND MARINE & CO.",
            "address": "3 Unreal Quay\nChennai 600000, Tamil Nadu",
            "gstin": "33ZZZFQ0002Z1Z9",
            "status": "active",
            "branches": [_branch("0", "3 Unreal Quay\nChennai 600000, Tamil Nadu", "33ZZZFQ0002Z1Z9")],
            "users": [
                _user("Rohan Shah", "rohan@two-firms.example", _ALL, "rehearsal-1005"),
                _user("Gita Bose", "gita@pretend-marine.example", ["see", "prepare", "submit"]),
            ],
        },
        {
            "iec": "ZZZCQ0003Z",
            "name": "SAMPLE TEXTILES PRIVATE LIMITED",
            "address": "4 Imaginary Lane\nAhmedabad 380000, Gujarat",
            "gstin": "24ZZZCQ0003Z1ZD",
            "status": "active",
            "branches": [],
            "users": [_user("Rohan Shah", "rohan@two-firms.example", ["see"], "rehearsal-1005")],
        },
        {
            "iec": "ZZZCQ0004Z",
            "name": "SUSPENDED SAMPLE EXPORTS PRIVATE LIMITED",
            "address": "5 Halted Square\nBengaluru 560000, Karnataka",
            "gstin": "29ZZZCQ0004Z1Z2",
            "status": "suspended",
            "branches": [_branch("0", "5 Halted Square\nBengaluru 560000, Karnataka", "29ZZZCQ0004Z1Z2")],
            "users": [_user("Harish Sen", "harish@suspended.example", _ALL, "rehearsal-1007")],
        },
    ),
)
