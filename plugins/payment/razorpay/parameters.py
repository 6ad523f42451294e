"""What an office enters for Razorpay: the API key, the secret of its webhook, which is another one, and the account's own ID, which
stays when they are replaced."""

from collections.abc import Mapping, Sequence

from engine.api import FieldProblem, GatewayContext, GatewayField, Refused, Secret

__all__ = ["FIELDS", "TEST_KEY", "is_test_key", "problems_of", "require_real_money", "webhook_secrets"]

TEST_KEY = "rzp_test_"
_EVENTS = "payment.authorized, payment.captured, payment.failed and order.paid"

FIELDS: Sequence[GatewayField] = (
    GatewayField(
        name="key_id",
        label="Key ID",
        help="The API key's ID from Razorpay's dashboard, of live mode. Under a key of test mode no money moves.",
        pattern="rzp_(?:live|test)_[A-Za-z0-9]{8,24}",
        shape="rzp_live_ and 8 to 24 letters and digits",
        example="rzp_test_COOMUM01example",
        least=17,
        most=33,
    ),
    GatewayField(
        name="key_secret",
        label="Key secret",
        help="The secret that belongs to the Key ID. It is sealed when you save, and shown to nobody again.",
        pattern="[A-Za-z0-9]{16,64}",
        shape="16 to 64 letters and digits",
        example="r4zorKeySecretOfNoBank00",
        secret=True,
        least=16,
        most=64,
    ),
    GatewayField(
        name="webhook_secret",
        label="Webhook secret",
        help=f"The secret that you gave the webhook of this office in Razorpay's dashboard; let the webhook send {_EVENTS}. Without "
        "one, payments are found by asking Razorpay, which takes longer.",
        pattern="[!-~]{12,128}",
        shape="12 to 128 letters, digits and signs",
        example="r4zorWebhookSecretOfNoBank",
        secret=True,
        required=False,
        least=12,
        most=128,
    ),
    GatewayField(
        name="previous_webhook_secret",
        label="Previous webhook secret",
        help="Only for some days after the webhook secret was changed: Razorpay repeats older events under the older secret. Empty it then.",
        pattern="[!-~]{12,128}",
        shape="12 to 128 letters, digits and signs",
        example="0lderWebhookSecretOfNoBank",
        secret=True,
        required=False,
        least=12,
        most=128,
    ),
    GatewayField(
        name="account_id",
        label="Account ID",
        help="The account's own ID at Razorpay (acc_...): the Merchant ID of its dashboard, with acc_ before it where the dashboard leaves "
        "that out. It stays when keys are replaced, and every webhook names it.",
        pattern="acc_[A-Za-z0-9]{8,24}",
        shape="acc_ and 8 to 24 letters and digits",
        example="acc_REHEARSAL00001",
        least=12,
        most=28,
        identity=True,
    ),
)


def problems_of(values: Mapping[str, str]) -> Sequence[FieldProblem]:
    """A previous webhook secret without a present one: the present one was entered in the wrong place."""
    if values.get("previous_webhook_secret") and not values.get("webhook_secret"):
        say = "Webhook secret must not be blank while Previous webhook secret is filled."
        return [FieldProblem("webhook_secret", "required", say)]
    return []


def webhook_secrets(ctx: GatewayContext) -> Sequence[Secret]:
    """What a webhook may be signed with: the present secret, and the previous one while its parameter is filled."""
    found = (ctx.secrets.get(name, Secret()) for name in ("webhook_secret", "previous_webhook_secret"))
    return [secret for secret in found if secret]


def is_test_key(ctx: GatewayContext) -> bool:
    """Whether these parameters move no money."""
    return ctx.values["key_id"].startswith(TEST_KEY)


def require_real_money(ctx: GatewayContext) -> None:
    """Raises Refused for a key of test mode outside rehearsals: it would let exporters pay with nothing."""
    if is_test_key(ctx) and not ctx.rehearsal:
        raise Refused("The Key ID is one of Razorpay's test mode, where no money moves; enter the one of live mode.", code="test_key")
