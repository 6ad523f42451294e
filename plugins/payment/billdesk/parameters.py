"""What an office enters for BillDesk: the notice's two labels, and what else its contract's interface needs."""

from collections.abc import Iterator, Mapping, Sequence

from engine.api import FieldProblem, GatewayContext, GatewayField, Secret
from plugins.payment.billdesk.classic import ALGORITHMS, Mark
from plugins.payment.billdesk.jose import Envelope

__all__ = ["CLASSIC", "FIELDS", "envelope_of", "is_classic", "mark_of", "problems_of"]

CLASSIC, HMAC, SYMMETRIC = "classic", "jose-hmac", "jose-symmetric"
_LEAST_SIGNING = 16  # 128 bits; the JOSE library takes no shorter key

FIELDS: Sequence[GatewayField] = (
    GatewayField(
        name="merchant_id",
        label="Merchant ID",
        help="The name of this office at BillDesk, exactly as BillDesk's letter has it, capitals and small letters alike.",
        pattern="[A-Za-z0-9]{3,30}",
        shape="3 to 30 letters and digits",
        example="COOMUM01",
        least=3,
        most=30,
    ),
    GatewayField(
        name="checksum",
        label="Checksum",
        help="The checksum key, for a JOSE interface the signing key, of this Merchant ID. It is sealed, and shown to nobody again.",
        pattern="[!-~]{8,128}",
        shape="8 to 128 letters, digits and signs",
        example="b1llDeskChecksumKeyOfNoBank",
        secret=True,
        least=8,
        most=128,
    ),
    GatewayField(
        name="interface",
        label="Interface",
        help="Which interface the contract with BillDesk is for: classic (messages with bars), jose-hmac or jose-symmetric (the JOSE API).",
        pattern=f"{CLASSIC}|{HMAC}|{SYMMETRIC}",
        shape=f"one of the words {CLASSIC}, {HMAC}, {SYMMETRIC}",
        example=CLASSIC,
        most=40,
    ),
    GatewayField(
        name="algorithm",
        label="Checksum algorithm",
        help="Classic only: hmac-sha256, unless BillDesk wrote that this contract has the older sha256 or the oldest crc32.",
        pattern="|".join(ALGORITHMS),
        shape=f"one of the words {', '.join(ALGORITHMS)}",
        example="hmac-sha256",
        required=False,
        most=40,
    ),
    GatewayField(
        name="security_id",
        label="Security ID",
        help="Classic only, and only if BillDesk gave one.",
        pattern="[A-Za-z0-9_-]{2,40}",
        shape="2 to 40 letters, digits, _ and -",
        example="coomum01",
        required=False,
        least=2,
        most=40,
    ),
    GatewayField(
        name="client_id",
        label="Client ID",
        help="JOSE only: the client ID that BillDesk gave with the keys.",
        pattern="[A-Za-z0-9._-]{3,64}",
        shape="3 to 64 letters, digits, dots, _ and -",
        example="coomum01client",
        required=False,
        least=3,
        most=64,
    ),
    GatewayField(
        name="encryption_key",
        label="Encryption key",
        help="jose-symmetric only: the encryption key that BillDesk gave, 32 characters. It is sealed, and shown to nobody again.",
        pattern="[!-~]{32}",
        shape="32 letters, digits and signs",
        example="encrypt10nKeyOfN0Bank0Of32Chars0",
        secret=True,
        required=False,
        least=32,
        most=32,
    ),
    GatewayField(
        name="key_id",
        label="Key ID",
        help="jose-symmetric only: the key ID that BillDesk gave with the encryption key.",
        pattern="[A-Za-z0-9._-]{1,64}",
        shape="1 to 64 letters, digits, dots, _ and -",
        example="coomum01key1",
        required=False,
        most=64,
    ),
)

_LABELS = {field.name: field.label for field in FIELDS}
_NEEDS: Mapping[str, Sequence[str]] = {CLASSIC: ("algorithm",), HMAC: ("client_id",), SYMMETRIC: ("client_id", "encryption_key", "key_id")}


def problems_of(values: Mapping[str, str]) -> Iterator[FieldProblem]:
    """What the chosen interface lacks. What belongs to another interface may stay: it is kept and not used."""
    interface = values["interface"]
    for name in _NEEDS[interface]:
        if not values.get(name):
            yield FieldProblem(name, "required", f"{_LABELS[name]} must not be blank for the interface {interface}.")
    if interface != CLASSIC and len(values["checksum"]) < _LEAST_SIGNING:
        yield FieldProblem("checksum", "length", f"Checksum must have at least {_LEAST_SIGNING} characters for the interface {interface}.")


def is_classic(ctx: GatewayContext) -> bool:
    """Whether the office's contract is for the classic interface. Nothing else chooses: never a message by its looks."""
    return ctx.values["interface"] == CLASSIC


def mark_of(ctx: GatewayContext) -> Mark:
    """How the office's classic messages are marked."""
    return Mark(ctx.values["algorithm"], ctx.secrets["checksum"])


def envelope_of(ctx: GatewayContext) -> Envelope:
    """How the office's JOSE messages are sealed."""
    if ctx.values["interface"] == HMAC:
        return Envelope(ctx.values["client_id"], ctx.secrets["checksum"])
    return Envelope(ctx.values["client_id"], ctx.secrets["checksum"], ctx.secrets.get("encryption_key", Secret()), ctx.values["key_id"])
