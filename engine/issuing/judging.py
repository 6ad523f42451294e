"""What keeps an X.509 certificate from being registered for somebody, and what of it a person should know.

Judged by what it says, by the site's trust as before each signature, by whether it serves somebody already, and by the name in
the register. Uses no key, and changes nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from engine.clock import IST
from engine.contracts.signing import Signer, X509Chain
from engine.errors import Problem, Refused
from engine.people import dsc
from engine.people.dsc import CertificateFacts, Difference, Owner
from engine.proof.chain import check_chain, list_until
from engine.proof.trust import Trust

__all__ = ["Judgement", "judge", "missing_issuer"]

_OFFICERS = "The agency's administrator can confirm that it is the same person."
_FIRMS = "The name in the register comes from DGFT: have it put right there, or register a certificate in that name."


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of one X.509 certificate for one owner: `problems` keep it from being registered, `notes` do not.

    `differs` is how its name is another one than the register's; then the agency's administrator has to confirm it.
    """

    facts: CertificateFacts
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    differs: Difference | None
    mended_by: str

    def require_good(self) -> None:
        """Raises Refused with everything that keeps it from being registered."""
        if self.problems:
            first = self.problems[0]
            raise Refused(first.say, code=first.rule, problems=self.problems)

    def require_name(self) -> None:
        """Raises Refused, saying what was read, if the name differs."""
        if self.differs is not None:
            raise Refused(
                f"The {self.differs.field} of the certificate reads '{self.differs.read}', and the register has "
                f"'{self.differs.register}'. {self.mended_by}",
                box="name",
                rule="name as in the register",
            )


async def judge(chain: X509Chain, owner: Owner, *, trust: Trust, at: datetime, signer: Signer | None = None) -> Judgement:
    """Judges a chain for its owner by what it says and by the site's trust. Raises Refused for what cannot be read at all."""
    try:
        facts = dsc.facts_of(chain.leaf)
    except ValueError as error:
        raise Refused("The X.509 certificate cannot be read; choose another one.", code="unreadable", box="certificate") from error
    problems = [
        *_leaf_problems(chain, facts, trust, at),
        *await asyncio.to_thread(_chain_problems, chain, trust, at, signer),
        *await _taken_problems(chain, owner),
    ]
    notes = _notes(chain, facts, owner, trust, at)
    differs = dsc.name_difference(owner.name, facts.holder)
    return Judgement(facts, tuple(problems), tuple(notes), differs, _OFFICERS if owner.is_officer else _FIRMS)


def _leaf_problems(chain: X509Chain, facts: CertificateFacts, trust: Trust, at: datetime) -> list[Problem]:
    if dsc.is_authority(chain.leaf):
        return [Problem("certificate", "end of the chain", f"{chain.label} is an issuing authority's and signs no documents.")]
    if (why := chain.unusable(at)) is not None:
        return [Problem("certificate", why.code, why.say)]
    if not trust.digital_signature_suffices and not facts.non_repudiation:
        say = f"{chain.label} does not state non-repudiation, which this site asks of a signature."
        return [Problem("certificate", "wrong_usage", say)]
    return []


def _chain_problems(chain: X509Chain, trust: Trust, at: datetime, signer: Signer | None) -> list[Problem]:
    try:
        if (missing := missing_issuer(chain, trust, signer)) is not None:
            return [missing]
        check_chain(chain, trust=trust, at=at)
    except Refused as refusal:
        leaf_says_it = refusal.code == "outside_validity" and chain.unusable(at) is not None
        return [] if leaf_says_it else [Problem("certificate", refusal.code, refusal.say)]
    return []


async def _taken_problems(chain: X509Chain, owner: Owner) -> list[Problem]:
    try:
        await dsc.require_free(owner.scope, chain)
    except Refused as refusal:
        return [Problem("certificate", refusal.code, refusal.say)]
    return []


def _notes(chain: X509Chain, facts: CertificateFacts, owner: Owner, trust: Trust, at: datetime) -> list[str]:
    notes = []
    if facts.expires_soon(at):
        notes.append(
            f"It is valid until {facts.not_after.astimezone(IST):%d %B %Y} only; have it renewed, and register the new one beside it."
        )
    if dsc.CLASS_3 not in facts.policy_oids:
        notes.append("It states no Class 3 policy, which is the class that India's licensed authorities issue to persons who sign.")
    if dsc.DOCUMENT_SIGNER in facts.policy_oids:
        notes.append("It is a document signer of an organisation, not a person's own certificate.")
    if (other := dsc.organisation_difference(owner.organisation, facts.organisation)) is not None:
        notes.append(f"Its organisation (O) reads '{other.read}'; the register has '{other.register}'.")
    return [*notes, *_revocation_note(chain, trust, at)]


def _revocation_note(chain: X509Chain, trust: Trust, at: datetime) -> list[str]:
    until = list_until(chain, trust=trust)
    if until is None:
        return [
            "Whether it is revoked is not known here: the site has no revocation list of its issuer. By policy it is taken all the same."
        ]
    if until < at:
        day = f"{until.astimezone(IST):%d %B %Y}"
        return [f"The revocation list of its issuer is old: it counted until {day}. The operator renews it ([trust] crls)."]
    return []


def missing_issuer(chain: X509Chain, trust: Trust, signer: Signer | None = None) -> Problem | None:
    """What is missing, with its name, if an issuer's X.509 certificate is neither with the key nor in the trust."""
    known = [x509.load_der_x509_certificate(der) for der in (*chain.issuers, *trust.intermediates, *trust.roots)]
    roots = {x509.load_der_x509_certificate(der).subject for der in trust.roots}
    by_subject = {each.subject: each for each in known}
    current = x509.load_der_x509_certificate(chain.leaf)
    for _ in range(len(known) + 1):
        if current.issuer in roots or current.issuer == current.subject:
            return None
        if current.issuer not in by_subject:
            return Problem("certificate", "missing_issuer", _say_missing(current, signer))
        current = by_subject[current.issuer]
    return None


def _say_missing(child: x509.Certificate, signer: Signer | None) -> str:
    places = "[trust] intermediates"
    if signer is not None and any(each.name == "issuers" for each in signer.config_fields):
        places += f" or to [signers.{signer.id}] issuers"
    return (
        f"The X.509 certificate of {_name(child.issuer)}, which issued that of {_name(child.subject)}, is missing: it is neither with the "
        f"key nor in engine.toml. Get it from the certifying authority and add it to {places}; if it is a root, to [trust] roots."
    )


def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
