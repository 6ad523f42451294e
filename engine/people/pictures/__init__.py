"""Stamps and hands: uploaded, cleaned, looked at, used by two persons, and kept one version after another."""

from engine.people.pictures.bearers import Bearer, bearer_office, bearer_officer, own_bearer
from engine.people.pictures.drafts import Darkroom, Draft, adjust_draft, draft_of, drop_draft, drop_old_drafts, take_upload
from engine.people.pictures.specimens import Hand, OfficeSpecimens, Picture, Specimens, specimens_of
from engine.people.pictures.tables import BearerKind
from engine.people.pictures.using import LEAST_SCORE, Waiting, apply_picture, apply_stamp, forget_unmade, use_draft, waiting_picture
from engine.people.pictures.versions import Version, hand_of_user, live_version, put_version, version_of, versions_of

__all__ = [
    "LEAST_SCORE",
    "Bearer",
    "BearerKind",
    "Darkroom",
    "Draft",
    "Hand",
    "OfficeSpecimens",
    "Picture",
    "Specimens",
    "Version",
    "Waiting",
    "adjust_draft",
    "apply_picture",
    "apply_stamp",
    "bearer_office",
    "bearer_officer",
    "draft_of",
    "drop_draft",
    "drop_old_drafts",
    "forget_unmade",
    "hand_of_user",
    "live_version",
    "own_bearer",
    "put_version",
    "specimens_of",
    "take_upload",
    "use_draft",
    "version_of",
    "versions_of",
    "waiting_picture",
]
