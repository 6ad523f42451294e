"""The signer `dsc_token`: PKCS#11 tokens and HSMs in this machine, unlocked by a person, and the command `ecoo token`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.api import CONTRACT, Signer, hookimpl

from .signer import DscToken

if TYPE_CHECKING:
    from cyclopts import App

contract = CONTRACT
title = "DSC token"
version = "1"


@hookimpl
def coo_signers() -> Sequence[Signer]:
    """One signer, `dsc_token`."""
    return [DscToken()]


@hookimpl
def coo_commands() -> "Sequence[App]":
    """`ecoo token`, with unlock, check and lock."""
    from .commands import token

    return [token]
