"""The invented office of a demonstration at every gateway, and what an administrator enters for it."""

from collections.abc import Mapping
from hashlib import sha256
from hmac import HMAC

from plugins.payment.sandbox.rehearsal.till import Merchant

__all__ = ["demo_offices", "what_to_enter"]


def demo_offices(checksum: str, merchant: str) -> tuple[Merchant, ...]:
    """One merchant for each wire. The sandbox's key is `checksum` itself; the others' secrets are made from it."""

    def made(name: str) -> str:
        return HMAC(checksum.encode("ascii"), name.encode("ascii"), sha256).hexdigest()[:32]

    return (
        Merchant("sandbox", merchant, {"checksum": checksum}),
        Merchant("billdesk", merchant, {"checksum": made("billdesk")}),
        Merchant("billdesk_jose", merchant, {"signing": made("billdesk_jose")}, {"client_id": f"{merchant.lower()}client"}),
        Merchant(
            "billdesk_jose",
            f"{merchant}S",
            {"signing": made("billdesk_jose signing"), "encryption": made("billdesk_jose encryption")},
            {"client_id": f"{merchant.lower()}symmetric", "key_id": f"{merchant.lower()}key"},
        ),
        Merchant(
            "razorpay",
            f"rzp_test_{merchant:0<14}"[:23],
            {"key": made("razorpay"), "webhook": made("razorpay webhook")},
            {"account": f"acc_{merchant:0<14}"[:18]},
        ),
        Merchant("payu", merchant[:6], {"salt": made("payu")}),
    )


def what_to_enter(merchant: Merchant) -> Mapping[str, str]:
    """The values by the words that a person looks for in the form; what is left out there is the office's own, or stays empty."""
    symmetric = "encryption" in merchant.secrets
    constant = {
        "billdesk": {"Interface": "classic", "Checksum algorithm": "hmac-sha256"},
        "billdesk_jose": {"Interface": "jose-symmetric" if symmetric else "jose-hmac"},
    }
    named = {
        "sandbox": ("Merchant ID", {"checksum": "Checksum"}),
        "billdesk": ("Merchant ID", {"checksum": "Checksum"}),
        "billdesk_jose": (
            "Merchant ID",
            {"signing": "Checksum", "client_id": "Client ID"} | ({"encryption": "Encryption key", "key_id": "Key ID"} if symmetric else {}),
        ),
        "razorpay": ("Key ID", {"key": "Key secret", "webhook": "Webhook secret", "account": "Account ID"}),
        "payu": ("Key", {"salt": "Salt"}),
    }
    first, rest = named[merchant.wire]
    known = {**merchant.secrets, **merchant.more}
    return {first: merchant.id, **{label: known[name] for name, label in rest.items()}, **constant.get(merchant.wire, {})}
