"""The cashier: what a site pays with. Its gateways, its secrets, its clock, and the addresses at which gateways answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.config import Secret
from engine.contracts.paying import Pays
from engine.contracts.payment import GatewayContext
from engine.errors import Refused
from engine.money.gateways import Parameters, Tester
from engine.money.orders.inbox import bounded
from engine.registry import Registry
from engine.store import SecretBox

__all__ = ["Cashier", "said"]

_LEAKED = "The gateway's plugin said something that must not be shown."


@dataclass(frozen=True, slots=True)
class Cashier:
    """What the deeds of paying need of a site. `base` is the address under which the world reaches it, without a slash at its end."""

    tester: Tester
    base: str

    @property
    def registry(self) -> Registry:
        """The gateways."""
        return self.tester.registry

    @property
    def box(self) -> SecretBox:
        """What seals letters and opens parameters."""
        return self.tester.box

    def now(self) -> datetime:
        """The present moment."""
        return self.tester.clock.now()

    def context(self, parameters: Parameters) -> GatewayContext:
        """What the gateway may use for these parameters. Raises Untrusted for secrets that are not this row's."""
        return self.tester.context(parameters)

    def pays(self, gateway: str) -> Pays | None:
        """The paying half of a gateway; None for one that is not here, or that cannot be paid through."""
        found = self.registry.gateways.get(gateway)
        return found if isinstance(found, Pays) else None

    def require_pays(self, gateway: str) -> Pays:
        """The paying half of a gateway. Raises Refused if it is not here, or cannot be paid through."""
        found = self.pays(gateway)
        if found is None:
            say = f"The payment gateway {gateway} of this office takes no payments here. Its administrator chooses another one."
            raise Refused(say, box="gateway", rule="gateway pays")
        return found

    def return_url(self, gateway: str, token: str) -> str:
        """Where the payer's browser comes back to."""
        return f"{self.base}/cb/pay/{gateway}/r/{token}"

    def notice_url(self, gateway: str, office_id: UUID) -> str:
        """Where the gateway's server tells of an office's payments."""
        return f"{self.base}/cb/pay/{gateway}/s/{office_id}"


def said(text: str, most: int, secrets: Mapping[str, Secret]) -> str:
    """What a gateway said, fit to be kept and shown: bounded, and never with a secret in it."""
    if any(secret.value and secret.value in text for secret in secrets.values()):
        return _LEAKED[:most]
    return bounded(text, most)
