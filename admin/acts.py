"""Every act that the audit holds as a sentence for people: who did it stands before, what it was done to in place of {about}.

An act that is written anywhere in the engine has its sentence here; a test looks. One of another version of the program
reads as its bare name.
"""

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["ACTS", "Group", "acts_of", "sentence_of", "who_is"]


class Group(StrEnum):
    """Acts that people look for together."""

    SIGN_IN = "Signing in"
    AGENCIES = "Agencies and offices"
    PERSONS = "Persons and roles"
    PICTURES = "Stamps and signature pictures"
    DSC = "Digital signature certificates"
    CHANGES = "Changes by two persons"
    FIRMS = "Exporters and brokers"
    KEYS = "API keys"
    APPLICATIONS = "Applications"
    COST_SHEETS = "Cost sheets"
    CERTIFICATES = "Certificates"
    MONEY = "Fees and payment"
    LETTERS = "Letters"
    AUDIT = "The audit itself"


_SENTENCES: Mapping[Group, Mapping[str, str]] = {
    Group.SIGN_IN: {
        "signed_in": "signed in",
        "signed_out": "signed out",
        "sign_in_tried": "tried to sign in as {about}",
        "wrong_proofs": "gave wrong proofs too often, and the session ended",
        "proved": "showed password and code once more",
        "second_factor_set": "set up a second factor",
        "account_address_changed": "took over another mail address of {about} from the registry",
        "account_closed": "closed the account of {about}",
        "account_opened_again": "opened the account of {about} again",
        "registry_unlinked": "ended that {about} signs in at the registry, for they got a role of an agency or the desk",
        "password_given": "gave {about} a password",
        "password_chosen": "chose a password by a mailed link",
        "password_changed": "changed the password",
        "reset_asked": "asked for a new password for {about}",
        "invited": "invited {about} to choose a first password",
        "sign_in_begun": "began to sign in by the exporters' registry",
        "registry_linked": "linked the account to the exporters' registry",
    },
    Group.AGENCIES: {
        "agency_added": "entered the agency {about} in the register",
        "office_added": "added the office {about}",
        "office_changed": "changed the office {about}",
        "office_switched_on": "switched the office {about} on",
        "office_switched_off": "switched the office {about} off",
        "holidays_put": "entered holidays of the office {about}",
        "holiday_removed": "removed a holiday of the office {about}",
        "form_confirmed": "confirmed the form of {about}",
        "agency_renamed": "changed the name of the agency {about}",
        "agency_delisted": "delisted the agency {about}",
        "listing_added": "added a listing of an agency",
        "listing_ended": "ended a listing of an agency",
        "certifies_added": "added what an agency may certify",
        "certifies_ended": "ended something that an agency may certify",
        "address_recorded": "recorded an official address of an agency",
        "address_ended": "ended an official address of an agency",
        "register_imported": "imported the register of agencies from a file",
    },
    Group.PERSONS: {
        "desk_appointed": "appointed {about} to the platform's desk",
        "desk_ended": "ended the place of {about} at the platform's desk",
        "administrator_appointed": "appointed {about} as administrator",
        "administrator_dismissed": "ended the appointment of {about} as administrator",
        "officer_added": "added the officer {about}",
        "officer_mapped": "mapped the officer {about} to an office",
        "officer_unmapped": "unmapped the officer {about} from an office",
        "officer_deactivated": "deactivated the officer {about}",
        "officer_activated": "had the officer {about} activated again",
        "officer_redesignated": "changed the designation of the officer {about}",
        "administrator_replaced": "replaced {about} as administrator",
        "registration_asked": "asked to be registered",
        "registration_proved": "proved the address of a registration by the mailed link",
        "registration_approved": "approved a registration",
        "registration_rejected": "rejected a registration",
        "registration_withdrawn": "withdrew a registration",
        "registration_forgotten": "forgot who asked for a registration that is long over",
        "registration_expired": "let a registration lapse that nobody decided in time",
    },
    Group.PICTURES: {
        "stamp_put": "made a picture the stamp of {about}",
        "appearance_put": "made a picture the signature picture of {about}",
    },
    Group.DSC: {
        "x509_enrolled": "enrolled a digital signature certificate",
        "x509_ended": "ended the enrolment of a digital signature certificate",
        "x509_presented": "presented a digital signature certificate to register it",
        "x509_name_asked": "asked the agency's administrator to confirm a digital signature certificate in another name",
        "x509_name_confirmed": "confirmed that a digital signature certificate in another name is the officer's",
        "x509_name_refused": "refused a digital signature certificate in another name",
        "x509_name_expired": "ended a digital signature certificate in another name that nobody decided on in time",
    },
    Group.CHANGES: {
        "change_asked": "asked for the change {about}",
        "change_confirmed": "confirmed the change {about} as the second person",
        "change_waits_for_time": "let the change {about} wait for its time: there is no second person",
        "change_made": "made the change {about}",
        "change_refused": "refused the change {about}",
        "change_withdrawn": "withdrew the change {about}",
        "change_overtaken": "found that the change {about} could not be made any more",
    },
    Group.FIRMS: {
        "exporter_user_added": "let {about} act for an exporter",
        "exporter_entered": "entered the exporter {about} from the registry",
        "exporter_changed": "took over what the registry changed of the exporter {about}",
        "exporter_gone": "found the exporter {about} no longer at the registry",
        "exporter_branch_taken_in": "took over a branch of the exporter {about} from the registry",
        "exporter_branch_ended": "ended a branch of the exporter {about} that the registry has no longer",
        "exporter_user_listed": "entered {about}, whom the registry lists for an exporter",
        "exporter_user_changed": "took over what the registry changed of {about}, who acts for an exporter",
        "exporter_user_resumed": "let {about} act for an exporter again, as the registry says",
        "exporter_user_ended": "ended that {about} acts for an exporter",
        "exporter_user_linked": "began to act for an exporter that the registry lists them for",
        "broker_opened": "entered the broker {about}",
        "broker_closed": "closed the broker {about}",
        "broker_opened_again": "opened the broker {about} again",
        "broker_user_added": "let {about} act for a broker",
        "broker_user_changed": "changed what {about} may do for a broker",
        "broker_user_ended": "ended that {about} acts for a broker",
        "grant_given": "let a broker file for an exporter",
        "grant_ended": "ended that a broker files for an exporter",
    },
    Group.KEYS: {
        "api_key_made": "made the API key {about}",
        "api_key_revoked": "ended the API key {about}",
    },
    Group.APPLICATIONS: {
        "application_saved": "saved the application {about}",
        "application_changed": "changed the application {about}",
        "application_draft": "made the application {about} a draft again",
        "application_filed": "filed the application {about}",
        "application_queried": "asked something about the application {about}",
        "application_rejected": "rejected the application {about}",
        "application_approved": "moved the application {about} to approved",
        "application_withdrawn": "withdrew the application {about}",
        "application_issued": "finished the application {about}: its certificate is issued",
        "approved": "approved the application {about}",
        "approved_from_shell": "approved the application {about} from a shell",
        "approval_ended": "ended an approval that led to no certificate",
    },
    Group.COST_SHEETS: {
        "cost_sheet_saved": "saved the cost sheet {about}",
        "cost_sheet_revised": "revised the cost sheet {about}",
        "cost_sheet_lodged": "lodged the cost sheet {about} with the agency",
        "cost_sheet_approved": "approved the cost sheet {about}",
        "cost_sheet_rejected": "rejected the cost sheet {about}",
        "cost_sheet_withdrawn": "withdrew the cost sheet {about}",
        "cost_sheet_granted": "let another firm cite the cost sheet {about}",
        "cost_sheet_grant_ended": "let another firm cite the cost sheet {about} no more",
    },
    Group.CERTIFICATES: {
        "number_taken": "took the certificate number {about}",
        "number_void": "made the number {about} void: no certificate has it",
        "day_confirmed": "confirmed that the certificates drawn again on a new day are signed",
        "certificate_numbered": "numbered the certificate {about}",
        "certificate_drawn": "drew the certificate {about}",
        "certificate_signing": "began to have the certificate {about} signed",
        "certificate_signed": "had the certificate {about} signed",
        "certificate_issued": "issued the certificate {about}",
        "certificate_superseded": "superseded the certificate {about} by another one",
        "certificate_cancelled": "cancelled the certificate {about}",
        "certificate_void": "made the certificate {about} void",
    },
    Group.MONEY: {
        "fee_waived": "waived the fee of {about}",
        "fee_added": "entered a fee",
        "fee_ended": "ended a fee",
        "fee_withdrawn": "withdrew a fee before its first day",
        "payment_parameters_saved": "saved a version of payment parameters",
        "payment_parameters_tested": "tested payment parameters at the gateway",
        "payment_test_overridden": "gave a reason to use payment parameters whose test was inconclusive",
        "payment_parameters_activated": "had payment parameters put into use",
        "office_terms_set": "set the terms of payment of an office",
        "order_opened": "opened the order {about}",
        "order_paid": "paid the order {about}",
        "order_expired": "let the order {about} expire, for nobody paid it in time",
        "order_cancelled": "cancelled the order {about}",
        "payment_started": "began the payment {about}",
        "payment_again": "began another payment of the order {about} beside one that was under way",
        "payment_start_failed": "noted that the payment {about} did not begin",
        "payment_pending": "heard that the payment {about} is under way",
        "payment_succeeded": "heard that the payment {about} came",
        "payment_failed": "heard that the payment {about} failed",
        "payment_abandoned": "gave the payment {about} up, of which nothing was heard",
        "payment_review": "stopped the payment {about} for a person to look at",
        "payment_doubted": "told another success of the payment {about}, for a person to look at",
        "payment_doubt_answered": "looked at the payment {about}, of which another success was told",
        "payment_review_released": "decided about the payment {about}, which was looked at",
        "payment_excess": "took in a payment that the order {about} needed no more",
        "payment_orphan": "told of a payment that nobody here knows",
        "receipt_made": "made the receipt {about}",
        "refund_requested": "asked for the refund {about}",
        "refund_submitted": "asked the gateway for the refund {about}",
        "refund_pending": "heard that the refund {about} is on its way",
        "refund_unknown": "did not learn whether the refund {about} was done",
        "refund_unheard": "learnt that the gateway never heard of the refund {about}",
        "refund_by_hand_needed": "left the refund {about} to the office's hand",
        "refund_by_person": "decided how the refund {about} ended",
        "refund_done": "had the refund {about} done",
        "refund_failed": "heard that the refund {about} was refused",
        "wallet_frozen": "froze an e-wallet",
        "wallet_thawed": "thawed an e-wallet",
        "settlement_imported": "compared a settlement file with what is known here",
        "settlement_line_matched": "found what a line of a settlement file is",
        "settlement_line_closed": "closed a line of a settlement file with a reason",
        "clearing_wrong": "found that a clearing account does not hold what is unsettled",
        "covers_wrong": "found fees that count as paid and are not in the books",
        "books_wrong": "found that the books of an office do not add up",
        "journal_chain_broken": "found that the chain of the journals is broken",
    },
    Group.LETTERS: {
        "letter_given_up": "gave a letter up that could not be delivered",
    },
    Group.AUDIT: {
        "audit_exported": "exported entries of the audit",
    },
}

ACTS: Mapping[str, tuple[Group, str]] = {act: (group, says) for group, acts in _SENTENCES.items() for act, says in acts.items()}

_NOBODYS = {
    "public": "Somebody not signed in",
    "corridor": "The site, issuing certificates",
    "registry": "The exporters' registry",
    "system:changes": "The site, at the end of a change's waiting time",
    "mail": "The site, sending letters",
    "sweep": "The site, tidying up",
    "system:presented": "The site, when its time went by",
    "system:orders": "The site, when an order's time was over",
    "system:payments": "The site, asking about payments",
    "system:refunds": "The site, giving money back",
    "system:settlement": "The site, comparing settlement files",
    "sweep:books": "The site, checking the books",
    "shell": "The operator, at a shell",
    "demo": "The making of this demonstration",
}


def acts_of(group: Group) -> frozenset[str]:
    """The acts of a group."""
    return frozenset(_SENTENCES[group])


def sentence_of(act: str) -> tuple[str, str | None]:
    """What comes before and after the subject in an act's sentence; after is None where it does not name its subject."""
    _, says = ACTS.get(act, (None, act.replace("_", " ") + ": {about}"))
    before, about, after = says.partition("{about}")
    return before, after if about else None


def who_is(actor: str, names: Mapping[str, str]) -> str:
    """Who did it, by the name they have today."""
    if actor.startswith("key:"):
        id = actor.removeprefix("key:")
        return f"A program with the API key {names.get(id, id)}"
    if actor.startswith("account:"):
        return names.get(actor.removeprefix("account:"), "A person who is here no more")
    if actor.startswith("change:"):
        id = actor.removeprefix("change:")
        return f"The site, carrying out the change {names.get(id, id)}"
    if actor.startswith("gateway:"):
        return f"The payment gateway {actor.removeprefix('gateway:')}"
    return _NOBODYS.get(actor, f"The site ({actor})")
