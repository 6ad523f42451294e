"""What the API answers, as types: the published shapes, and how the engine's nouns become them. Times are UTC ending in Z."""

from typing import Any

import msgspec
from msgspec import Struct

from engine.certificate import CertificateState, FileKind, verify_url
from engine.clock import utc_text
from engine.contracts.form import Form
from engine.contracts.origin import Finding, Outcome
from engine.errors import Problem
from engine.filing import Draft
from engine.proof import Standing, files_of

__all__ = ["ApplicationAnswer", "ApplicationLine", "ApplicationList", "CertificateAnswer", "CheckAnswer", "SchemeAnswer", "newest_file"]

# Out of the house: from these states on there is a file that its holder may have.
LET_OUT = frozenset({CertificateState.ISSUED, CertificateState.SUPERSEDED, CertificateState.CANCELLED})


class CertificateAnswer(Struct, frozen=True):
    """The certificate of an application; hash and address are null until it is issued."""

    number: str
    state: str
    sha256: str | None
    verify_url: str | None
    issued_at: str | None

    @classmethod
    async def of(cls, standing: Standing, public_url: str) -> "CertificateAnswer":
        """A certificate as its holder sees it."""
        out = standing.state in LET_OUT
        return cls(
            number=standing.number,
            state=str(standing.state),
            sha256=await newest_file(standing) if out else None,
            verify_url=verify_url(public_url, standing.code) if out else None,
            issued_at=utc_text(standing.issued_at) if standing.issued_at else None,
        )


class ApplicationLine(Struct, frozen=True):
    """One line of a list of applications."""

    reference: str
    state: str
    version: int
    scheme: str
    kind: str
    made_at: str
    filed_at: str | None

    @classmethod
    def of(cls, draft: Draft) -> "ApplicationLine":
        """An application in short."""
        return cls(
            reference=draft.reference,
            state=str(draft.state),
            version=draft.version,
            scheme=draft.application.scheme,
            kind=str(draft.application.kind),
            made_at=utc_text(draft.made_at),
            filed_at=utc_text(draft.filed_at) if draft.filed_at else None,
        )


class ApplicationList(Struct, frozen=True):
    """A page of applications, newest first; `next_offset` is null on the last one."""

    applications: list[ApplicationLine]
    next_offset: int | None


class ApplicationAnswer(Struct, frozen=True):
    """An application: where it stands, what is wrong with it while it is a draft, and its certificate if there is one."""

    reference: str
    state: str
    version: int
    scheme: str
    kind: str
    made_at: str
    filed_at: str | None
    content_sha256: str
    problems: list[Problem]
    certificate: CertificateAnswer | None
    application: dict[str, Any]

    @classmethod
    def of(
        cls, draft: Draft, *, problems: list[Problem] | None = None, certificate: CertificateAnswer | None = None
    ) -> "ApplicationAnswer":
        """An application in full, with the file as it is kept."""
        short: dict[str, Any] = msgspec.to_builtins(ApplicationLine.of(draft))
        return cls(
            **short,
            content_sha256=draft.content_sha256,
            problems=problems or [],
            certificate=certificate,
            application=msgspec.to_builtins(draft.application),
        )


class CheckAnswer(Struct, frozen=True):
    """Everything known before anybody decides. With `can_file` false it would be refused, for the reasons in `problems`."""

    can_file: bool
    problems: list[Problem]
    warnings: list[str]
    finding: Finding | None

    @classmethod
    def of(cls, form: Form | None, finding: Finding | None, problems: list[Problem]) -> "CheckAnswer":
        """The answer to a check; warnings stop nobody from filing."""
        unconfirmed = [f"The form {form.scheme} {form.version} is not confirmed: {each}" for each in form.unconfirmed] if form else []
        undecided = [
            f"Item {line.item + 1}: the origin check cannot decide; missing: {', '.join(line.missing) or 'an officer’s view'}."  # noqa: RUF001
            for line in (finding.lines if finding else ())
            if line.outcome is Outcome.UNDECIDED
        ]
        return cls(not problems, problems, [*undecided, *unconfirmed], finding)


class SchemeAnswer(Struct, frozen=True):
    """A scheme in force today: the version of its form, whom it serves, and what of it nobody has confirmed."""

    scheme: str
    title: str
    form: str
    version: str
    preferential: bool
    partners: list[str]
    kinds: list[str]
    issuer_kinds: list[str]
    criteria: dict[str, str]
    validity_months: int | None
    unconfirmed: list[str]


async def newest_file(standing: Standing) -> str | None:
    """The hash of the newest electronic file of a certificate."""
    return next((str(row["file_sha256"]) for row in await files_of(standing) if row["kind"] == FileKind.ELECTRONIC), None)
