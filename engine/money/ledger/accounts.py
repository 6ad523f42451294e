"""The accounts of an office's books: what each is for, on which side it grows, and its place in the ledger.

An account's id follows from its office and what it is for, so a journal cannot name another office's account, and an
account is opened by whoever uses it first, however many do at once.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID, uuid5

from engine.money.ledger.tables import AccountRow, Normal, Role

__all__ = [
    "Account",
    "Book",
    "account_of",
    "bank",
    "charges",
    "clearing",
    "fee_income",
    "gst",
    "legacy",
    "open_account",
    "refund_payable",
    "suspense",
    "wallet",
]

_GROWS_BY_DEBIT = frozenset({Role.CLEARING, Role.BANK, Role.CHARGES, Role.LEGACY, Role.SUSPENSE})
_OF_SOMETHING = frozenset({Role.CLEARING, Role.FEE_INCOME, Role.GST})
_DETAIL = re.compile(r"[!-~](?:[ -~]{0,38}[!-~])?")


@dataclass(frozen=True, slots=True)
class Book:
    """An office's books."""

    agency_id: UUID
    office_id: UUID


@dataclass(frozen=True, slots=True)
class Account:
    """An account of whichever office's books it is used in. Made by the functions below."""

    role: Role
    detail: str = ""
    exporter_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.role is Role.WALLET) != (self.exporter_id is not None):
            raise ValueError("A wallet is an exporter's, and no other account is anybody's.")
        if bool(self.detail) != (self.role in _OF_SOMETHING) or (self.detail and not _DETAIL.fullmatch(self.detail)):
            raise ValueError(f"An account of the role {self.role} cannot be of {self.detail[:60]!r}.")

    @property
    def key(self) -> str:
        """What an office has once."""
        return f"{self.role}:{self.exporter_id or self.detail}"

    @property
    def normal(self) -> Normal:
        """The side on which it grows."""
        return Normal.DEBIT if self.role in _GROWS_BY_DEBIT else Normal.CREDIT

    def id_in(self, office_id: UUID) -> UUID:
        """Its id in that office's books, open or not."""
        return _id_of(office_id, self.key)


@lru_cache(maxsize=4096)
def _id_of(office_id: UUID, key: str) -> UUID:
    return uuid5(office_id, key)


def wallet(exporter_id: UUID) -> Account:
    """What the office owes a firm for later use; never below nothing."""
    return Account(Role.WALLET, exporter_id=exporter_id)


def clearing(gateway: str) -> Account:
    """What a gateway took in and has not settled."""
    return Account(Role.CLEARING, gateway)


def fee_income(scheme: str) -> Account:
    """Fees earned under a scheme, without tax."""
    return Account(Role.FEE_INCOME, scheme)


def gst(tax: Literal["cgst", "sgst", "igst"]) -> Account:
    """Tax that was collected and is owed to the government."""
    return Account(Role.GST, tax)


def bank() -> Account:
    """The office's bank account."""
    return Account(Role.BANK)


def charges() -> Account:
    """What gateways keep for their service."""
    return Account(Role.CHARGES)


def suspense() -> Account:
    """Money of which a person must still say what it is."""
    return Account(Role.SUSPENSE)


def refund_payable() -> Account:
    """What was paid and nobody owed, until it goes back."""
    return Account(Role.REFUND_PAYABLE)


def legacy() -> Account:
    """Balances that came over from the legacy system and whose money has not arrived."""
    return Account(Role.LEGACY)


def account_of(role: str, detail: str, exporter_id: UUID | None) -> Account:
    """The account that a row speaks of."""
    return Account(Role(role), "" if exporter_id else detail, exporter_id)


async def open_account(book: Book, account: Account, at: datetime) -> None:
    """Opens the account unless somebody has, in the unit of work around the call; one that is opening it elsewhere is waited for."""
    row = AccountRow(
        id=account.id_in(book.office_id),
        agency=book.agency_id,
        office=book.office_id,
        exporter=account.exporter_id,
        role=str(account.role),
        detail=str(account.exporter_id or account.detail),
        of_key=account.key,
        normal=str(account.normal),
        no_overdraft=account.role is Role.WALLET,
        opened_at=at,
    )
    await AccountRow.insert(row).on_conflict(action="DO NOTHING")
