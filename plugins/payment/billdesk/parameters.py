"""What an office enters for BillDesk: the notice's two labels, and what else its contract's interface needs."""

from collections.abc import Iterator, Mapping, Sequence

from engine.api import FieldProblem, GatewayContext, GatewayField, Secret
from plugins.payment.billdesk.classic import ALGORITHMS, Mark
from plugins.payment.billdesk.jose import Envelope
from plugins.payment.billdesk.keys import key_faults

__all__ = ["CLASSIC", "FIELDS", "envelope_of", "is_classic", "mark_of", "problems_of"]

CLASSIC, HMAC, SYMMETRIC, RSA = "classic", "jose-hmac", "jose-symmetric", "jose-rsa"
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
        required=False,
        least=8,
        most=128,
    ),
    GatewayField(
        name="interface",
        label="Interface",
        help="Which interface the contract with BillDesk is for: classic (messages with bars), or the JOSE API by jose-hmac, jose-symmetric "
        "or jose-rsa.",
        pattern=f"{CLASSIC}|{HMAC}|{SYMMETRIC}|{RSA}",
        shape=f"one of the words {CLASSIC}, {HMAC}, {SYMMETRIC}, {RSA}",
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
        help="jose-symmetric: the key ID that BillDesk gave with the encryption key. jose-rsa: the one that BillDesk gave your key, if any.",
        pattern="[A-Za-z0-9._-]{1,64}",
        shape="1 to 64 letters, digits, dots, _ and -",
        example="coomum01key1",
        required=False,
        most=64,
    ),
    GatewayField(
        name="private_key",
        label="Private key",
        help="jose-rsa only: this office's own RSA key, whose public half BillDesk was given. It is sealed, and shown to nobody again.",
        pattern=r"-----BEGIN (?:RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (?:RSA )?PRIVATE KEY-----|\{[^{}]+\}",
        shape="an RSA private key of 2048 to 4096 bits in PEM without a passphrase, or in JWK",
        example="-----BEGIN PRIVATE KEY-----\nTm9Cb2R5c0tleU9mTm9CYW5rQXRBbGw=\n-----END PRIVATE KEY-----",
        secret=True,
        required=False,
        least=80,
        most=4000,
        lines=True,
    ),
    GatewayField(
        name="gateway_key",
        label="BillDesk's public key",
        help="jose-rsa only: the RSA key that BillDesk gave for encrypting to it and for verifying what it signs.",
        pattern=r"-----BEGIN (?:RSA )?PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (?:RSA )?PUBLIC KEY-----|\{[^{}]+\}",
        shape="an RSA public key of 2048 to 4096 bits in PEM, or in JWK",
        example="-----BEGIN PUBLIC KEY-----\nVGhlUHVibGljS2V5T2ZOb0JhbmtBdEFsbA==\n-----END PUBLIC KEY-----",
        required=False,
        least=80,
        most=2000,
        lines=True,
    ),
)

_LABELS = {field.name: field.label for field in FIELDS}
_NEEDS: Mapping[str, Sequence[str]] = {
    CLASSIC: ("checksum", "algorithm"),
    HMAC: ("checksum", "client_id"),
    SYMMETRIC: ("checksum", "client_id", "encryption_key", "key_id"),
    RSA: ("client_id", "private_key", "gateway_key"),
}


def problems_of(values: Mapping[str, str]) -> Iterator[FieldProblem]:
    """What the chosen interface lacks. What belongs to another interface may stay: it is kept and not used."""
    interface = values["interface"]
    for name in _NEEDS[interface]:
        if not values.get(name):
            yield FieldProblem(name, "required", f"{_LABELS[name]} must not be blank for the interface {interface}.")
    if interface == RSA and all(values.get(name) for name in _NEEDS[RSA]):
        for name, code, fault in key_faults(values["private_key"], values["gateway_key"]):
            yield FieldProblem(name, code, f"{_LABELS[name]} {fault}.")
    if interface in {HMAC, SYMMETRIC} and 0 < len(values["checksum"]) < _LEAST_SIGNING:
        yield FieldProblem("checksum", "length", f"Checksum must have at least {_LEAST_SIGNING} characters for the interface {interface}.")


def is_classic(ctx: GatewayContext) -> bool:
    """Whether the office's contract is for the classic interface. Nothing else chooses: never a message by its looks."""
    return ctx.values["interface"] == CLASSIC


def mark_of(ctx: GatewayContext) -> Mark:
    """How the office's classic messages are marked."""
    return Mark(ctx.values["algorithm"], ctx.secrets["checksum"])


def envelope_of(ctx: GatewayContext) -> Envelope:
    """How the office's JOSE messages are sealed."""
    if ctx.values["interface"] == RSA:
        client, key_id = ctx.values["client_id"], ctx.values.get("key_id", "")
        return Envelope(client, ctx.secrets["private_key"], key_id=key_id, theirs=ctx.values["gateway_key"])
    if ctx.values["interface"] == HMAC:
        return Envelope(ctx.values["client_id"], ctx.secrets["checksum"])
    return Envelope(ctx.values["client_id"], ctx.secrets["checksum"], ctx.secrets.get("encryption_key", Secret()), ctx.values["key_id"])
