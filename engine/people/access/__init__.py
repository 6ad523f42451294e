"""Signing in: passwords, second factors, sessions, one-time links, and the roles that a person acts in."""

from engine.people.access.factors import Factor, recovery_codes_left
from engine.people.access.proving import begin_factor, change_password, confirm_factor, may_set_factor, prove, shown_factor
from engine.people.access.roles import Role, RoleKind, roles_of
from engine.people.access.sessions import Device, Listed, Principal, act_as, end, end_all, resume, sessions_of
from engine.people.access.signing_in import Entered, enter, give_password, second_factor
from engine.people.access.tables import Purpose, Stage
from engine.people.access.tickets import ask_reset, choose_password, invite, is_good
from engine.people.access.welcoming import welcome

__all__ = [
    "Device",
    "Entered",
    "Factor",
    "Listed",
    "Principal",
    "Purpose",
    "Role",
    "RoleKind",
    "Stage",
    "act_as",
    "ask_reset",
    "begin_factor",
    "change_password",
    "choose_password",
    "confirm_factor",
    "end",
    "end_all",
    "enter",
    "give_password",
    "invite",
    "is_good",
    "may_set_factor",
    "prove",
    "recovery_codes_left",
    "resume",
    "roles_of",
    "second_factor",
    "sessions_of",
    "shown_factor",
    "welcome",
]
