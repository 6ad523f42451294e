"""Exporters come from the registry (DGFT): sign-in by OpenID Connect, the IEC profile service, and what a sync changes.

Everything here asks and compares; rows are written by the room around it. Whoever signs in here is a person of the
registry, and what they may do under an IEC is what the registry's profile says of them, no more.
"""

from engine.people.dgft.identity import Identity
from engine.people.dgft.oidc import GOOD_FOR, Begun, Provider, own_path
from engine.people.dgft.profile import RIGHTS, Branch, Profile, ProfileService, Status, User
from engine.people.dgft.settings import RETURN_PATH, Settings, settings_of
from engine.people.dgft.syncing import (
    BranchChange,
    Change,
    ExporterChange,
    Firm,
    Known,
    KnownBranch,
    KnownUser,
    Synced,
    UserChange,
    sync,
)

__all__ = [
    "GOOD_FOR",
    "RETURN_PATH",
    "RIGHTS",
    "Begun",
    "Branch",
    "BranchChange",
    "Change",
    "ExporterChange",
    "Firm",
    "Identity",
    "Known",
    "KnownBranch",
    "KnownUser",
    "Profile",
    "ProfileService",
    "Provider",
    "Settings",
    "Status",
    "Synced",
    "User",
    "UserChange",
    "own_path",
    "settings_of",
    "sync",
]
