"""What the registry keeps of a firm under its IEC: name, address, branches, GSTIN, and who may do what for it.

The real service's wire format is not public. `_decode` reads a JSON of our own and is the one adapter to replace when the
format is known; everything else here, above all the judging of every field, stays. Our JSON, for one profile:

    {"iec", "name", "address", "gstin", "status": active|suspended|cancelled, "modify_url",
     "branches": [{"code", "address", "gstin"}],
     "users": [{"subject", "email", "name", "rights": [see|prepare|submit|pay|sign]}]}

`POST profile_url/of-person` with `{"subject", "email"}` (the e-mail null unless verified) answers `{"profiles": [...]}`;
`GET profile_url/of-iec/IEC` answers one profile, or 404 for an IEC that the registry does not know.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import msgspec

from engine.errors import ConfigError, Problem, Untrusted
from engine.people.dgft.asking import TIMEOUT_S, Answer, Line, read
from engine.people.dgft.codes import gstin_fault, iec_fault
from engine.people.dgft.identity import Identity, kept_email
from engine.people.dgft.settings import Settings
from engine.people.plain_text import text_fault, tidy
from engine.people.standing import Status

__all__ = ["RIGHTS", "Branch", "Profile", "ProfileService", "Status", "User"]

RIGHTS = ("see", "prepare", "submit", "pay", "sign")

_BRANCH_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", re.ASCII)
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_MOST_FIRM, _MOST_ADDRESS, _MOST_PERSON = 200, 400, 120

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the firm; `gstin` is empty if the registry has none."""

    code: str
    address: str
    gstin: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """A person linked to the IEC, by their subject at the registry, by e-mail, or both; the rights in their proper order."""

    name: str = field(repr=False)
    rights: tuple[str, ...]
    subject: str = field(default="", repr=False)
    email: str = field(default="", repr=False)

    def is_person(self, identity: Identity) -> bool:
        """Whether this is who signed in: by subject where one is named, else by an e-mail address that the registry verified."""
        if self.subject:
            return self.subject == identity.subject
        return identity.email_verified and self.email == identity.email


@dataclass(frozen=True, slots=True)
class Profile:
    """A firm as the registry has it; it is changed there alone (`modify_url`)."""

    iec: str
    name: str
    address: str
    gstin: str
    status: Status
    branches: tuple[Branch, ...]
    users: tuple[User, ...]
    modify_url: str

    @property
    def may_file(self) -> bool:
        """Whether anything may be filed under this IEC."""
        return self.status is Status.ACTIVE

    def user_of(self, identity: Identity) -> User | None:
        """The person who signed in, as a user of this firm, or None: then they cannot file under it (F82)."""
        return next((user for user in self.users if user.is_person(identity)), None)


class ProfileService:
    """The registry's IEC profile service. Made without asking it anything."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = TIMEOUT_S) -> None:
        if not settings.profile_url:
            raise ConfigError("dgft.profile_url is not set, so no profile can be asked for.")
        self._settings = settings
        self._line = Line(settings, transport=transport, timeout_s=timeout_s)

    async def profiles_of(self, identity: Identity) -> tuple[Profile, ...]:
        """The firms that the person may act for, by IEC; none for a person who is linked to no IEC (F43).

        Raises Untrusted if a profile breaks its shape, or is one that does not name the person; Unavailable if all is silent.
        """
        if identity.issuer != self._settings.issuer:
            raise Untrusted("This person signed in at another registry; their profile is not asked for here.", code="registry_mixed_up")
        body = msgspec.json.encode({"subject": identity.subject, "email": identity.email if identity.email_verified else None})
        answer = await self._line.post("a person's profile", self._url("of-person"), body, headers=self._headers())
        self._require_let_in(answer)
        found = tuple(sorted(_decode_list(answer, self._faults()), key=lambda profile: profile.iec))
        for index, profile in enumerate(found):
            if profile.user_of(identity) is None:
                raise _unusable(
                    [Problem(f"profiles[{index}].users", "names the person", f"profiles[{index}].users must name the person who asked.")]
                )
        if len({profile.iec for profile in found}) != len(found):
            raise _unusable([Problem("profiles", "each IEC once", "profiles must hold each IEC once.")])
        return found

    async def profile(self, iec: str) -> Profile | None:
        """The firm of that IEC, for the scheduled sync; None if the registry says that it knows no such IEC."""
        if iec_fault(iec):
            raise ValueError("an IEC of ours has the shape of one")
        answer = await self._line.get("a profile", self._url(f"of-iec/{iec}"), headers=self._headers())
        if answer.status == 404:
            return None
        self._require_let_in(answer)
        found = _decode(answer, self._faults())
        if found.iec != iec:
            raise _unusable([Problem("iec", "the IEC asked for", "iec must be the one that was asked for.")])
        return found

    def _url(self, path: str) -> str:
        return f"{self._settings.profile_url}/{path}"

    def _headers(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self._settings.profile_token.value}", "content-type": "application/json"}

    @staticmethod
    def _require_let_in(answer: Answer) -> None:
        if answer.status in (401, 403):
            raise ConfigError(
                "The registry's profile service does not take dgft.profile_token; the registry gives a new one.",
                code="registry_token_refused",
            )

    def _faults(self) -> Callable[[str], str]:
        """What is wrong with an address that people are sent to: it must lie at a host that [dgft] names."""

        def fault(url: str) -> str:
            found = self._settings.address_fault(url)
            return f"be an address at a host that [dgft] names: {found}" if found else ""

        return fault


# --- the wire: what to replace when the real format is known -----------------------------------------


class _Branch(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    address: str
    gstin: str


class _User(msgspec.Struct, forbid_unknown_fields=True):
    subject: str
    email: str
    name: str
    rights: list[str]


class _Profile(msgspec.Struct, forbid_unknown_fields=True):
    iec: str
    name: str
    address: str
    gstin: str
    status: str
    branches: list[_Branch]
    users: list[_User]
    modify_url: str


class _Profiles(msgspec.Struct, forbid_unknown_fields=True):
    profiles: list[_Profile]


def _decode(answer: Answer, address: Callable[[str], str]) -> Profile:
    """One profile of the wire as ours, every field judged. The adapter to replace."""
    return _judged(_read(answer, _Profile), "", address)


def _decode_list(answer: Answer, address: Callable[[str], str]) -> Iterator[Profile]:
    for index, wire in enumerate(_read(answer, _Profiles).profiles):
        yield _judged(wire, f"profiles[{index}].", address)


def _read(answer: Answer, shape: type[T]) -> T:
    """The JSON in that shape; a wrong one is named by its field, for msgspec says where."""
    try:
        return read("a profile", answer, shape)
    except Untrusted as error:
        if not isinstance(error.__cause__, msgspec.ValidationError):
            raise
        where = re.search(r" - at `\$\.([a-z_.0-9\[\]]+)`\Z", str(error.__cause__))
        box = where.group(1) if where else "profile"
        raise _unusable([Problem(box, "shape", f"{box} must have the agreed shape.")]) from error


def _judged(wire: _Profile, at: str, address: Callable[[str], str]) -> Profile:
    """The wire's profile as ours. Raises Untrusted with every field that is wrong; no value is ever quoted."""
    profile = Profile(
        iec=wire.iec,
        name=tidy(wire.name),
        address=tidy(wire.address),
        gstin=wire.gstin,
        status=Status(wire.status) if wire.status in set(Status) else Status.SUSPENDED,
        branches=tuple(sorted((Branch(each.code, tidy(each.address), each.gstin) for each in wire.branches), key=lambda each: each.code)),
        users=tuple(
            User(tidy(each.name), tuple(right for right in RIGHTS if right in each.rights), each.subject, kept_email(each.email) or "")
            for each in wire.users
        ),
        modify_url=wire.modify_url,
    )
    faults = [*_firm_faults(wire, profile, address), *_branch_faults(wire), *_user_faults(wire, profile)]
    problems = [Problem(f"{at}{where}", "registry's profile", f"{at}{where} must {fault}.") for where, fault in faults if fault]
    if problems:
        raise _unusable(problems)
    return profile


def _firm_faults(wire: _Profile, profile: Profile, address: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    yield "iec", iec_fault(wire.iec)
    yield "name", text_fault(profile.name, most=_MOST_FIRM)
    yield "address", text_fault(profile.address, most=_MOST_ADDRESS, lines=True)
    yield "gstin", gstin_fault(wire.gstin, wire.iec) if wire.gstin else ""
    yield "status", "" if wire.status in set(Status) else f"be one of {', '.join(Status)}"
    yield "modify_url", address(wire.modify_url)
    yield "branches", _once("code", (branch.code for branch in wire.branches))


def _branch_faults(wire: _Profile) -> Iterator[tuple[str, str]]:
    for index, branch in enumerate(wire.branches):
        at = f"branches[{index}]."
        yield f"{at}code", "" if _BRANCH_CODE.fullmatch(branch.code) else "have 1 to 20 letters, digits and hyphens"
        yield f"{at}address", text_fault(tidy(branch.address), most=_MOST_ADDRESS, lines=True)
        yield f"{at}gstin", gstin_fault(branch.gstin, wire.iec) if branch.gstin else ""


def _user_faults(wire: _Profile, profile: Profile) -> Iterator[tuple[str, str]]:
    # An active firm without a person is more likely a fault of the service, and would end everybody's access.
    yield "users", "name at least one person" if profile.may_file and not wire.users else ""
    yield "users", _once("subject", (user.subject for user in wire.users if user.subject))
    yield "users", _once("e-mail address", (user.email for user in profile.users if user.email))
    for index, user in enumerate(wire.users):
        at = f"users[{index}]."
        yield (
            f"{at}subject",
            ""
            if _SUBJECT.fullmatch(user.subject) or (not user.subject and user.email)
            else "be a subject, or empty beside an e-mail address",
        )
        yield f"{at}email", "be an e-mail address, or empty" if kept_email(user.email) is None else ""
        yield f"{at}name", text_fault(profile.users[index].name, most=_MOST_PERSON)
        known = set(user.rights) <= set(RIGHTS) and len(set(user.rights)) == len(user.rights)
        yield f"{at}rights", "" if known and user.rights else f"be one or more of {', '.join(RIGHTS)}, each once"


def _once(what: str, values: Iterable[str]) -> str:
    listed = list(values)
    return "" if len(set(listed)) == len(listed) else f"hold each {what} once"


def _unusable(problems: list[Problem]) -> Untrusted:
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    say = f"The registry's profile cannot be used: {problems[0].say}{more} Nothing was changed; the registry can put it right."
    return Untrusted(say, code="registry_profile", problems=problems)
