"""The signer `key_file`: keys in files of this server, for demonstrations and for sites whose keys live on a protected disk."""

from collections.abc import Sequence

from engine.api import CONTRACT, Signer, hookimpl

from .signer import KeyFile

contract = CONTRACT
title = "Key file"
version = "1"


@hookimpl
def coo_signers() -> Sequence[Signer]:
    """One signer, `key_file`."""
    return [KeyFile()]
