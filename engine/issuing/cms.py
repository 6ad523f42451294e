"""The CMS of a signature: its attributes, its assembly, and the check of one that came from outside.

Promises PAdES baseline contents (content type, message digest, signing-certificate-v2, no signing time) made by pyHanko.
For RSA, where every length is fixed, pyHanko makes one CMS per chain and process; the next ones differ only in the message
digest and the signature value, which are put in their places. That shape is checked against a second one by pyHanko before
it is used. Whom to trust is none of its business.
"""

import hashlib
from dataclasses import dataclass

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import simple_cms_attribute
from pyhanko.sign.signers.pdf_cms import ExternalSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from engine.contracts.signing import Mechanism, RawSignature, X509Chain
from engine.errors import PluginError, Untrusted

__all__ = ["Shape", "attributes_for", "build", "chain_of", "check", "shape_of", "stamp_digest", "with_timestamp"]

MAX_SHAPES = 256
LONGEST_P256 = 72
"""DER bytes of the longest ECDSA signature on P-256."""

_shapes: dict[X509Chain, "Shape"] = {}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is the same in each signature of one chain.

    `attributes` are the bytes before and after the message digest; `cms` those before the digest, between digest and
    signature and after it, or None if lengths vary (ECDSA); `size` is the most a CMS of this chain can take, in DER bytes.
    """

    attributes: tuple[bytes, bytes]
    cms: tuple[bytes, bytes, bytes] | None
    size: int


async def shape_of(chain: X509Chain) -> Shape:
    """The shape of this chain's signatures, made once per process and checked when made."""
    shape = _shapes.get(chain)
    if shape is None:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        shape = _shapes[chain] = await _make_shape(chain)
    return shape


async def attributes_for(chain: X509Chain, digest: bytes) -> bytes:
    """The DER SET OF signed attributes over a document digest: what a signer signs."""
    head, tail = (await shape_of(chain)).attributes
    return head + digest + tail


async def build(chain: X509Chain, digest: bytes, attributes: bytes, signature: RawSignature) -> bytes:
    """The CMS of a proven signature over `attributes`. Raises Untrusted if these attributes are of another document or key."""
    shape = await shape_of(chain)
    if attributes != digest.join(shape.attributes):
        _check_attributes(cms.CMSAttributes.load(attributes), digest, chain.leaf)
    elif shape.cms is not None:
        before, between, after = shape.cms
        return before + digest + between + signature.value + after
    return await _by_pyhanko(chain, attributes, signature.value)


def _signer(chain: X509Chain, value: bytes = b"") -> ExternalSigner:
    store = SimpleCertificateStore()
    store.register_multiple([x509.Certificate.load(der) for der in chain.issuers])
    return ExternalSigner(x509.Certificate.load(chain.leaf), store, signature_value=value, embed_roots=False)


async def _by_pyhanko(chain: X509Chain, attributes: bytes, value: bytes) -> bytes:
    made = await _signer(chain, value).async_sign_prescribed_attributes("sha256", signed_attrs=cms.CMSAttributes.load(attributes))
    return bytes(made.dump())


async def _attributes_by_pyhanko(chain: X509Chain, digest: bytes) -> bytes:
    return bytes((await _signer(chain).signed_attrs(digest, "sha256", use_pades=True)).dump())


async def _make_shape(chain: X509Chain) -> Shape:
    digest, other = hashlib.sha256(b"one").digest(), hashlib.sha256(b"other").digest()
    attributes = await _attributes_by_pyhanko(chain, digest)
    around = _cut(attributes, digest)
    if other.join(around) != await _attributes_by_pyhanko(chain, other):
        raise PluginError("The signed attributes of this X.509 certificate do not keep their shape; it cannot be used.")
    key = x509.Certificate.load(chain.leaf).public_key
    if key.algorithm != "rsa":
        longest = await _by_pyhanko(chain, attributes, b"\x5a" * LONGEST_P256)
        return Shape(around, None, len(longest))
    marker, second = _marker(b"one", key.byte_size), _marker(b"other", key.byte_size)
    made = await _by_pyhanko(chain, attributes, marker)
    before, rest = _cut(made, digest)
    between, after = _cut(rest, marker)
    if before + other + between + second + after != await _by_pyhanko(chain, other.join(around), second):
        return Shape(around, None, len(made))
    return Shape(around, (before, between, after), len(made))


def _marker(seed: bytes, length: int) -> bytes:
    return b"".join(hashlib.sha256(seed + bytes([i])).digest() for i in range(length // 32 + 1))[:length]


def _cut(data: bytes, marker: bytes) -> tuple[bytes, bytes]:
    before, found, after = data.partition(marker)
    if not found or marker in after:
        raise PluginError("This X.509 certificate gives a CMS of unexpected shape; it cannot be used.")
    return before, after


def check(der: bytes, digest: bytes, chain: X509Chain | None) -> None:
    """Raises Untrusted unless this CMS is one signature over that document digest, by `chain` if it is given."""
    try:
        signed_data = _signed_data(der)
        signer = signed_data["signer_infos"][0]
        theirs = chain_of(der)
        attributes = signer["signed_attrs"].untag()
        raw = RawSignature(signer["signature"].native, _mechanism(signer))
        _check_attributes(attributes, digest, theirs.leaf, cades=False)
        proven = theirs.verifies(attributes.dump(), raw)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise Untrusted("The signing service sent something that is no readable signature.", code="bad_cms") from error
    if not proven:
        raise Untrusted("The signature of the signing service does not verify over this document.", code="bad_signature")
    if chain is not None and theirs.leaf != chain.leaf:
        raise Untrusted(f"The signature is one of {theirs.label}, not of {chain.label}.", code="wrong_signatory")


def chain_of(der: bytes) -> X509Chain:
    """The signer's certificate in a CMS and the others it carries, in the order of issue as far as they belong together.

    Raises ValueError if the signer's own certificate is not among them.
    """
    signed_data = _signed_data(der)
    carried = [choice.chosen for choice in signed_data["certificates"] if choice.name == "certificate"]
    sid = signed_data["signer_infos"][0]["sid"]
    if sid.name != "issuer_and_serial_number":
        raise ValueError("the signer is not named by issuer and serial number")
    named = sid.chosen
    leaf = next((c for c in carried if c.issuer == named["issuer"] and c.serial_number == named["serial_number"].native), None)
    if leaf is None:
        raise ValueError("the signer's own certificate is missing")
    issuers: list[x509.Certificate] = []
    current = leaf
    while (above := next((c for c in carried if c.subject == current.issuer and c not in (leaf, *issuers)), None)) is not None:
        issuers.append(above)
        current = above
    return X509Chain(leaf.dump(), tuple(c.dump() for c in issuers))


def _signed_data(der: bytes) -> cms.SignedData:
    content = cms.ContentInfo.load(der, strict=True)
    if content["content_type"].native != "signed_data" or len(content["content"]["signer_infos"]) != 1:
        raise ValueError("not a signature of one signer")
    return content["content"]


def _mechanism(signer: cms.SignerInfo) -> Mechanism:
    algorithm = signer["signature_algorithm"]
    if signer["digest_algorithm"]["algorithm"].native != "sha256":
        raise ValueError("not SHA-256")
    if algorithm.signature_algo == "rsassa_pkcs1v15":
        return Mechanism.RSA_SHA256
    if algorithm["algorithm"].native == "sha256_ecdsa":
        return Mechanism.ECDSA_SHA256
    raise ValueError("an unknown signature algorithm")


def _check_attributes(attributes: cms.CMSAttributes, digest: bytes, leaf: bytes, *, cades: bool = True) -> None:
    """Message digest and, where present or demanded, signing-certificate-v2 must be of this document and this key."""
    found = {a["type"].native: a["values"] for a in attributes}
    if found["message_digest"][0].native != digest:
        raise Untrusted("The signature is one over another document; nothing was issued.", code="wrong_document")
    if (named := found.get("signing_certificate_v2")) is None:
        if cades:
            raise Untrusted("The signed attributes do not name the X.509 certificate.", code="wrong_attributes")
        return
    identifier = named[0]["certs"][0]
    name = identifier["hash_algorithm"]["algorithm"].native
    if hashlib.new(name, leaf).digest() != identifier["cert_hash"].native:
        raise Untrusted("The signed attributes name another X.509 certificate.", code="wrong_attributes")


def stamp_digest(der: bytes) -> bytes:
    """The SHA-256 of the signature value in a CMS: what a time stamp is asked for."""
    return hashlib.sha256(_signed_data(der)["signer_infos"][0]["signature"].native).digest()


def with_timestamp(der: bytes, token: bytes) -> bytes:
    """The CMS with an RFC 3161 token beside the signature. Raises Untrusted if the token is over something else."""
    content = cms.ContentInfo.load(der)
    signer = content["content"]["signer_infos"][0]
    try:
        stamp = cms.ContentInfo.load(token, strict=True)
        info: tsp.TSTInfo = stamp["content"]["encap_content_info"]["content"].parsed
        imprint = info["message_imprint"]
        same = imprint["hashed_message"].native == stamp_digest(der) and imprint["hash_algorithm"]["algorithm"].native == "sha256"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Untrusted("The time stamping authority sent something that is no time stamp.", code="bad_timestamp") from error
    if not same:
        raise Untrusted("The time stamping authority stamped something else.", code="bad_timestamp")
    signer["unsigned_attrs"] = cms.CMSAttributes([simple_cms_attribute("signature_time_stamp_token", stamp)])
    return bytes(content.dump(force=True))
