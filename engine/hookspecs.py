"""Every hook on one page. Each docstring says what to return.

pluggy finds and tells; the deeds are the async Protocols of `engine.contracts`. A plugin imports `engine.api`,
marks its functions with `@hookimpl` and is found in `plugins/` or by the entry-point group `ecoo.plugins`.
Hooks that collect are nouns; hooks that replace a step are verbs, the first answer wins and must pass the same
inspection; hooks that announce are past participles, told after the commit, at least once, and a plugin that
fails there undoes nothing and blocks nobody.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

from engine.application import Application
from engine.contracts.drawing import CleanImage, Drawing, DrawRequest, ImageRequest
from engine.contracts.form import Filled, Form, Pack
from engine.contracts.payment import PaymentGateway
from engine.contracts.signing import Signer
from engine.errors import Problem

if TYPE_CHECKING:
    from cyclopts import App

hookspec = pluggy.HookspecMarker("ecoo")
hookimpl = pluggy.HookimplMarker("ecoo")

PREFIX = "coo_"


# --- collecting --------------------------------------------------------------------------------


@hookspec
def coo_signers() -> Sequence[Signer]:  # type: ignore[empty-body]  # a specification has no body
    """Return the signers this plugin brings: unopened instances, each id used once in the whole site."""


@hookspec
def coo_templates() -> Sequence[Pack]:  # type: ignore[empty-body]
    """Return the template packs this plugin brings: folders with form.toml, origin.toml and example.json."""


@hookspec
def coo_payment_gateways() -> Sequence[PaymentGateway]:  # type: ignore[empty-body]
    """Return the payment gateways this plugin brings: instances that keep nothing, each id used once in the whole site."""


@hookspec
def coo_check_application(application: Application, form: Form) -> Sequence[Problem]:  # type: ignore[empty-body]
    """Return what else is wrong with an application before it is filed; an empty list if nothing is."""


@hookspec
def coo_fill_boxes(application: Application, form: Form, filled: Filled) -> Mapping[str, Sequence[str]]:  # type: ignore[empty-body]
    """Return the paragraphs of boxes that this plugin words differently, by box number; the rest stays as filled."""


@hookspec
def coo_commands() -> Sequence["App"]:  # type: ignore[empty-body]
    """Return cyclopts apps to hang below `ecoo`; a name that `ecoo` already has is refused."""


# --- replacing one step ------------------------------------------------------------------------


@hookspec(firstresult=True)
def coo_clean_image(request: ImageRequest) -> CleanImage | None:
    """Return the cleaned picture of a stamp or a signature, or None to leave it to the engine."""


@hookspec(firstresult=True)
def coo_draw(request: DrawRequest) -> Drawing | None:
    """Return the drawn certificate, or None to leave it to the engine. It is inspected like the engine's own."""


# --- announcing, after the commit --------------------------------------------------------------


@hookspec
def coo_application_filed(reference: str, scheme: str) -> None:
    """An application was filed and has its cover."""


@hookspec
def coo_payment_settled(order: str, gateway: str, amount_paise: int) -> None:
    """An order was paid: its reference, the gateway that carried the money (empty for the e-wallet, and where nothing was owed), and how much."""


@hookspec
def coo_refund_settled(refund: str, back_to: str, amount_paise: int) -> None:
    """Money went back: the reference of the refund, where to (`source`, `wallet` or `by_hand`), and how much."""


@hookspec
def coo_certificate_issued(number: str, sha256: str, scheme: str) -> None:
    """A certificate was issued; `sha256` is that of the served file."""


@hookspec
def coo_certificate_superseded(number: str, replaced_by: str) -> None:
    """A certificate was replaced by an in-lieu certificate."""


@hookspec
def coo_certificate_cancelled(number: str, reason: str) -> None:
    """A certificate was cancelled by a person, with the reason."""
