"""What a sync would change here: compared, not written. The registry's word wins in all that it says, and in nothing else.

Nothing is ever deleted. A user or branch that vanished from a profile is ended, and resumed if it comes back. A suspended
or cancelled IEC ends nothing by itself: it blocks filing. Where such an IEC lists nobody, its list counts as withheld.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from engine.people.dgft.profile import Branch, Profile, Status, User

__all__ = ["BranchChange", "Change", "ExporterChange", "Firm", "Known", "KnownBranch", "KnownUser", "Synced", "UserChange", "sync"]


class Change(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    ENDED = "ended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Firm:
    """An exporter's own fields, as the registry has them."""

    iec: str
    name: str
    address: str
    gstin: str
    status: Status
    modify_url: str


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user as our rows have it, ended or not."""

    user: User
    ended: bool = False


@dataclass(frozen=True, slots=True)
class KnownBranch:
    """A branch as our rows have it, ended or not."""

    branch: Branch
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An exporter as our rows have it, with every user and branch it ever had."""

    firm: Firm
    users: tuple[KnownUser, ...] = ()
    branches: tuple[KnownBranch, ...] = ()


@dataclass(frozen=True, slots=True)
class ExporterChange:
    """Of an exporter; ENDED means that the registry knows the IEC no longer: nothing may be filed under it."""

    kind: Change
    iec: str
    before: Firm | None
    after: Firm | None


@dataclass(frozen=True, slots=True)
class UserChange:
    """Of a person under an IEC. `before` is the row to change; None makes a new one."""

    kind: Change
    iec: str
    before: User | None
    after: User | None


@dataclass(frozen=True, slots=True)
class BranchChange:
    """Of a branch under an IEC."""

    kind: Change
    iec: str
    before: Branch | None
    after: Branch | None


@dataclass(frozen=True, slots=True)
class Synced:
    """All that is to be written, in one order: by IEC, exporters before their branches and users.

    `seen` are the IECs whose profile was read at that time, changed or not; `blocked` those under which nothing may be filed.
    """

    at: datetime
    seen: tuple[str, ...]
    blocked: tuple[str, ...]
    exporters: tuple[ExporterChange, ...] = ()
    branches: tuple[BranchChange, ...] = ()
    users: tuple[UserChange, ...] = ()

    @property
    def changes(self) -> int:
        """How many rows change; 0 if all is as it was."""
        return len(self.exporters) + len(self.branches) + len(self.users)


def sync(profiles: Iterable[Profile], at: datetime, *, known: Iterable[Known] = (), unknown: Collection[str] = ()) -> Synced:
    """The plan that makes `known` what the registry says. `unknown` are the IECs that were asked for and that it has not.

    Only those IECs change: what was not asked about stays as it is. Applied once, the plan is empty the next time.
    """
    ours = {each.firm.iec: each for each in known}
    theirs = {profile.iec: profile for profile in profiles}
    if both := sorted(set(theirs) & set(unknown)):
        raise ValueError(f"{both[0]} cannot be both known and unknown to the registry")
    exporters: list[ExporterChange] = []
    branches: list[BranchChange] = []
    users: list[UserChange] = []
    for iec in sorted({*theirs, *unknown}):
        mine = ours.get(iec)
        if iec in theirs:
            exporters += _firm(theirs[iec], mine)
            branches += _branches(theirs[iec], mine.branches if mine else ())
            users += _users(theirs[iec], mine.users if mine else ())
        elif mine and mine.firm.status is not Status.CANCELLED:
            gone = replace(mine.firm, status=Status.CANCELLED)
            exporters.append(ExporterChange(Change.ENDED, iec, mine.firm, gone))
    blocked = tuple(sorted({*unknown, *(iec for iec, profile in theirs.items() if not profile.may_file)}))
    return Synced(at, tuple(sorted(theirs)), blocked, tuple(exporters), tuple(branches), tuple(users))


def _firm(profile: Profile, mine: Known | None) -> Iterator[ExporterChange]:
    after = Firm(profile.iec, profile.name, profile.address, profile.gstin, profile.status, profile.modify_url)
    if mine is None:
        yield ExporterChange(Change.NEW, profile.iec, None, after)
    elif mine.firm != after:
        yield ExporterChange(Change.CHANGED, profile.iec, mine.firm, after)


def _branches(profile: Profile, mine: Sequence[KnownBranch]) -> Iterator[BranchChange]:
    rows = {row.branch.code: row for row in mine}
    for branch in profile.branches:
        row = rows.pop(branch.code, None)
        if kind := _kind(row is None, row is not None and row.ended, row is not None and row.branch != branch):
            yield BranchChange(kind, profile.iec, row.branch if row else None, branch)
    for row in rows.values():
        if not row.ended and not _withheld(profile, profile.branches):
            yield BranchChange(Change.ENDED, profile.iec, row.branch, None)


def _users(profile: Profile, mine: Sequence[KnownUser]) -> Iterator[UserChange]:
    rows = list(mine)
    for user, row in _matched(profile.users, rows):
        # A subject once known stays: the registry may tell less later, and must not free the row for another person by it.
        after = replace(user, subject=user.subject or row.user.subject) if row else user
        if kind := _kind(row is None, row is not None and row.ended, row is not None and row.user != after):
            yield UserChange(kind, profile.iec, row.user if row else None, after)
    for row in rows:
        if not row.ended and not _withheld(profile, profile.users):
            yield UserChange(Change.ENDED, profile.iec, row.user, None)


def _matched(users: Sequence[User], rows: list[KnownUser]) -> Iterator[tuple[User, KnownUser | None]]:
    """Each user with the row that is theirs, which is taken out of the rows.

    Same subject first; then the same e-mail address, unless both sides name a subject: then the address went to somebody
    else, who gets a row of their own.
    """
    left: list[User] = []
    for user in users:
        row = next((row for row in rows if user.subject and row.user.subject == user.subject), None)
        if row is None:
            left.append(user)
        else:
            rows.remove(row)
            yield user, row
    for user in left:
        same = [row for row in rows if user.email and row.user.email == user.email and not (user.subject and row.user.subject)]
        row = next(iter(sorted(same, key=lambda each: each.ended)), None)
        if row is not None:
            rows.remove(row)
        yield user, row


def _kind(new: bool, ended: bool, differs: bool) -> Change | None:
    if new:
        return Change.NEW
    if ended:
        return Change.RESUMED
    return Change.CHANGED if differs else None


def _withheld(profile: Profile, listed: Sequence[object]) -> bool:
    return not listed and not profile.may_file
