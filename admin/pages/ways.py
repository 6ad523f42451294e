"""The ways to pay at an office, as a page offers them: what the wallet has or lacks, and the gateway; and the hand-over to it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.response import Response

from admin.headers import policy_with_form
from admin.pages.rendering import page
from admin.parts import site_of
from engine.contracts.paying import StartedPayment
from engine.contracts.signing import FormPost
from engine.errors import PluginError
from engine.money.fees import rupees
from engine.money.gateways import in_use
from engine.money.ledger import balance
from engine.money.orders import Order, Purpose, attempts_of
from engine.money.terms import Terms, refund_sentence
from engine.people import OfficeHere
from engine.scope import PLATFORM, Scope
from engine.site import Site

__all__ = ["LEGACY", "WalletWay", "Ways", "hand_over", "origin_of", "ways_of"]

LEGACY = (
    "A balance that you still have on the previous platform was not carried over: it stays there, and can be used there alone, until it "
    "is brought over under a notice of its own."
)


@dataclass(frozen=True, slots=True)
class WalletWay:
    """What a firm's wallet says to an amount. `missing_paise` is nothing where it suffices; a frozen one says why."""

    available_paise: int
    missing_paise: int
    frozen: bool
    frozen_because: str

    @property
    def pays(self) -> bool:
        """Whether it can be paid from."""
        return not self.frozen and not self.missing_paise


@dataclass(frozen=True, slots=True)
class Ways:
    """How an amount can be paid at an office. `wallet` is None where it is switched off, `gateway` empty where there is none, and
    `no_gateway` says why; `sentence` is what becomes of the fee if no certificate comes of it, empty for a top-up."""

    amount_paise: int
    wallet: WalletWay | None
    gateway: str
    no_gateway: str
    sentence: str

    @property
    def none(self) -> bool:
        """Whether nothing can be paid there now."""
        return not self.gateway and (self.wallet is None or not self.wallet.pays)


async def ways_of(
    site: Site, scope: Scope, office: OfficeHere, exporter_id: Any, amount_paise: int, *, terms: Terms | None, top_up: bool = False
) -> Ways:
    """The ways for that amount now; a top-up is not paid from the wallet itself."""
    wallet = None
    if office.wallet and not top_up:
        found = await balance(scope, office.id, exporter_id)
        missing = max(amount_paise - found.available_paise, 0)
        wallet = WalletWay(found.available_paise, missing, found.frozen, found.frozen_because)
    gateway, why = await _gateway(site, office, amount_paise)
    return Ways(amount_paise, wallet, gateway, why, refund_sentence(terms) if terms is not None and not top_up else "")


async def _gateway(site: Site, office: OfficeHere, amount_paise: int) -> tuple[str, str]:
    """The title of the gateway, or why there is none."""
    live = await in_use(PLATFORM, office.id)
    pays = site.cashier().pays(live.gateway) if live is not None else None
    if live is None or pays is None:
        return "", "This office takes no payments through a gateway just now."
    least, most = pays.limits.least_paise, pays.limits.most_paise
    if amount_paise and not least <= amount_paise <= most:
        return "", f"The gateway of this office takes amounts from ₹ {rupees(least)} to ₹ {rupees(most)}."
    return str(site.registry.gateway(live.gateway).title), ""


async def hand_over(request: Request[Any, Any, Any], order: Order, started: StartedPayment) -> Response[Any]:
    """The page from which the payer goes to the gateway: one form with a visible button, or one link. Its policy lets a form go to
    that one host, which the operator named. Raises PluginError for a gateway that leads elsewhere."""
    site = site_of(request)
    attempt = (await attempts_of(order))[0]
    origin = origin_of(site, attempt.gateway, started.handover.url)
    form = started.handover if isinstance(started.handover, FormPost) else None
    shown = page(
        request,
        "hand_over.html",
        order=order,
        attempt=attempt,
        gateway=site.registry.gateway(attempt.gateway).title,
        to=urlsplit(started.handover.url).netloc,
        url=started.handover.url,
        fields=form.fields if form else None,
        top_up=order.purpose is Purpose.TOP_UP,
    )
    if form is not None:
        shown.headers.update(policy_with_form(origin))
    return shown


def origin_of(site: Site, gateway: str, url: str) -> str:
    """The origin of a gateway's page. Raises PluginError for one at a host that the gateway does not name by the operator's
    settings, or without TLS on a site that is not rehearsed."""
    parts = urlsplit(url)
    named = {host.lower() for host in site.registry.gateway(gateway).hosts(site.config.gateways.get(gateway, {}))}
    plain = parts.scheme == "http" and site.config.site.rehearsal
    if parts.netloc.lower() not in named or not (parts.scheme == "https" or plain):
        raise PluginError(f"The payment gateway {gateway} leads payers to a host that its settings do not name.", code="pay_host")
    return f"{parts.scheme}://{parts.netloc.lower()}"
