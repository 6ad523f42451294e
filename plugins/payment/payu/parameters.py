"""What an office enters for PayU: its key and salt, and what PayU is told of a payer of whom nothing is known."""

from collections.abc import Sequence

from engine.api import GatewayField

__all__ = ["FIELDS"]

FIELDS: Sequence[GatewayField] = (
    GatewayField(
        name="key",
        label="Key",
        help="The merchant key of this office at PayU, exactly as PayU's dashboard has it, capitals and small letters alike.",
        pattern="[A-Za-z0-9]{4,20}",
        shape="4 to 20 letters and digits",
        example="COOMUM",
        least=4,
        most=20,
    ),
    GatewayField(
        name="salt",
        label="Salt",
        help="The salt that belongs to the key. It is sealed when you save, and shown to nobody again.",
        pattern="[A-Za-z0-9+/=._-]{8,128}",
        shape="8 to 128 letters, digits and + / = . _ -",
        example="p4yuSaltOfNoBank0000example00000",
        secret=True,
        least=8,
        most=128,
    ),
    GatewayField(
        name="contact_email",
        label="Office's e-mail address",
        help="PayU takes no payment without an e-mail address; this one is sent where the payer's is not known.",
        pattern="[A-Za-z0-9._+-]{1,40}@[A-Za-z0-9-]{1,40}(?:[.][A-Za-z0-9-]{1,20}){1,4}",
        shape="an e-mail address of plain letters, digits and . _ + -",
        example="office@chamber.example",
        least=6,
        most=100,
    ),
    GatewayField(
        name="contact_phone",
        label="Office's telephone",
        help="PayU takes no payment without a telephone number; this one is sent where the payer's is not known.",
        pattern="[0-9]{10,12}",
        shape="10 to 12 digits",
        example="9999999999",
        least=10,
        most=12,
    ),
)
