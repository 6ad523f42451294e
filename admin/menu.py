"""The menu of My Dashboard: what each role finds there, in the words of the notices."""

from dataclasses import dataclass

from engine.people.access import Principal, RoleKind

__all__ = ["Entry", "menu_of"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu; `says` is what one does there. `right` is what the role must carry besides."""

    path: str
    label: str
    says: str
    right: str = ""


_CHANGES = Entry("/changes", "Changes", "Confirm what needs a second person, and follow what you asked for.")
_SPECIMENS = Entry("/specimens", "Specimen sheet", "The agency's stamps and signatures on paper, for partner customs.")
_KEYS = Entry("/keys", "API keys", "Let a program file and read: make keys, see when each was used, end them.")
_AUDIT = Entry("/audit", "Audit", "Who did what, and when; search it and take it with you.")
_PAYMENTS = Entry("/payments", "Payments", "Pay the fees of filed applications; every order with its receipts and refunds.", right="see")
_WALLET = Entry("/wallet", "Wallet", "Money that lies at an office for its fees: balance, statement, top-up.", right="see")
_DSC = "Register Digital Signature Certificate"

_MENUS = {
    RoleKind.PLATFORM: (
        Entry("/desk/requests", "Requests", "Administrators and brokers who wait to be activated, with their letters."),
        Entry("/desk/agencies", "Agencies", "The register: listings, schemes, official addresses, delisting."),
        Entry("/desk/brokers", "Brokers", "Firms that file for exporters: look one up, close one whose licence is gone."),
        Entry("/payments", "Payments", "Every order of every office, for reading alone."),
        Entry("/desk/accounts", "Accounts", "Look anybody up who can sign in; close their account, or open it again."),
        Entry("/desk/people", "Platform desk", "Who sits at this desk; end the place of somebody who does no more."),
        _CHANGES,
        _AUDIT,
    ),
    RoleKind.ADMINISTRATOR: (
        Entry("/offices", "Office Management", "Offices with fees, payment parameters, holidays and stamp, and what still stops issuing."),
        Entry("/users", "User Management", "Officers: approve, activate, map to offices, signature pictures."),
        Entry("/payments", "Payments", "Every order of the agency's offices; what waits for a person; refunds."),
        Entry("/administrators", "Administrators", "Who manages the agency; appoint another one, or hand over."),
        _CHANGES,
        _SPECIMENS,
        _KEYS,
        _AUDIT,
    ),
    RoleKind.OFFICER: (
        Entry("/dsc", _DSC, "The certificate of your token, which signs for you."),
        Entry("/picture", "My signature picture", "A photo of your signature, cleaned, as certificates show it."),
        _CHANGES,
        _SPECIMENS,
        _AUDIT,
    ),
    RoleKind.EXPORTER: (
        Entry("/firm", "My firm", "What DGFT has under your IEC, who may do what, and your brokers."),
        Entry("/dsc", _DSC, "The certificate of your token, which signs your declarations.", right="sign"),
        Entry("/firm/picture", "My signature picture", "A photo of your signature, for forms that show it.", right="sign"),
        _PAYMENTS,
        _WALLET,
        _KEYS,
    ),
    RoleKind.BROKER: (
        Entry("/brokerage", "My firm", "The exporters who let you file, and your colleagues."),
        _PAYMENTS,
        _WALLET,
        _KEYS,
    ),
}


def menu_of(person: Principal | None) -> tuple[Entry, ...]:
    """The menu of whoever is signed in, in the role they act in; empty for strangers and for who has no role."""
    if person is None or not person.whole or person.role is None:
        return ()
    rights = person.role.rights
    return tuple(entry for entry in _MENUS[person.role.kind] if not entry.right or entry.right in rights)
