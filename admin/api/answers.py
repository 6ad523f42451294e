"""What the API answers, as types: the published shapes, and how the engine's nouns become them. Times are UTC ending in Z."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from engine.certificate import CertificateState, FileKind, verify_url
from engine.clock import utc_text
from engine.contracts.origin import Finding
from engine.errors import Problem
from engine.filing import Draft
from engine.money import Outlook
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
    """An application: where it stands, and its certificate if there is one.

    While it is open, `problems` are what filing would refuse, and `warnings`, which refuse nothing, what deserves a second look.
    """

    reference: str
    state: str
    version: int
    scheme: str
    kind: str
    made_at: str
    filed_at: str | None
    content_sha256: str
    problems: list[Problem]
    warnings: list[Problem]
    certificate: CertificateAnswer | None
    application: dict[str, Any]

    @classmethod
    def of(
        cls,
        draft: Draft,
        *,
        problems: Sequence[Problem] = (),
        warnings: Sequence[Problem] = (),
        certificate: CertificateAnswer | None = None,
    ) -> "ApplicationAnswer":
        """An application in full, with the file as it is kept."""
        short: dict[str, Any] = msgspec.to_builtins(ApplicationLine.of(draft))
        return cls(
            **short,
            content_sha256=draft.content_sha256,
            problems=list(problems),
            warnings=list(warnings),
            certificate=certificate,
            application=msgspec.to_builtins(draft.application),
        )


class CheckAnswer(Struct, frozen=True):
    """Everything known before anybody decides. With `can_file` false it would be refused, for the reasons in `problems`.

    `warnings` refuse nothing: they name what exporter and officer should look at twice.
    """

    can_file: bool
    problems: list[Problem]
    warnings: list[Problem]
    finding: Finding | None

    @classmethod
    def of(cls, outlook: Outlook) -> "CheckAnswer":
        """The outlook of an application as an answer."""
        found = outlook.finding.for_applicant() if outlook.finding else None
        return cls(not outlook.refusals, outlook.problems, list(outlook.warnings), found)


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
    weak: list[str]


async def newest_file(standing: Standing) -> str | None:
    """The hash of the newest electronic file of a certificate."""
    return next((str(row["file_sha256"]) for row in await files_of(standing) if row["kind"] == FileKind.ELECTRONIC), None)
