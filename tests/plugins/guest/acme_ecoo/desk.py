"""The rules of Acme's desk: whom it does not ship to, what a box says in its words, and its own ledger."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cyclopts import App

from engine.api import Application, Filled, Form, Problem, hookimpl

contract = 1
version = "desk-7"

acme = App(name="acme", help="What Acme adds.")


@acme.command
def forwarder() -> int:
    """Say who forwards Acme's goods."""
    print("Acme Shipping")
    return 0


@hookimpl
def coo_commands() -> Sequence[App]:
    return [acme]


@hookimpl
def coo_check_application(application: Application, form: Form) -> Sequence[Problem]:
    if "EMBARGO" not in application.consignee.name.upper():
        return []
    return [Problem("consignee.name", "Acme trading list", f"Acme does not ship to {application.consignee.name}.")]


@hookimpl
def coo_fill_boxes(form: Form, filled: Filled) -> Mapping[str, Sequence[str]]:
    if form.scheme != "ACME":
        return {}
    transport = next(box.no for box in form.boxes if box.field == "transport")
    return {transport: [*filled.boxes[transport], "Forwarder: Acme Shipping"]}


@hookimpl
def coo_certificate_issued(number: str, sha256: str, scheme: str) -> None:
    if ledger := os.environ.get("ACME_LEDGER"):
        with Path(ledger).open("a", encoding="utf-8") as out:
            out.write(f"{scheme} {number} {sha256}\n")
