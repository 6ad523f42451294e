"""Persons of exporters come in by the registry: who they are it proved, what they may do it lists, and both are asked each time.

Promises that an address which the registry did not verify opens nothing, that nobody gets into the account of an agency's or
the platform's person this way, whenever they became one, that an answer of the registry counts once, and that who is linked
to no IEC has no rights.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, Forbidden, Refused
from engine.mail import Letter, write_letter
from engine.people.access import sessions
from engine.people.access.sessions import Device, Principal
from engine.people.access.signing_in import Entered, next_stage
from engine.people.access.tables import Stage
from engine.people.access.tries import hold
from engine.people.dgft import Identity, Profile
from engine.people.firms.applying import take_in
from engine.people.firms.exporters import user_key
from engine.people.firms.tables import RegistryAnswer
from engine.people.tables import Account, Administrator, Exporter, ExporterUser, Officer, PlatformUser
from engine.store import SecretBox, audit, uow

__all__ = ["enter_by_registry", "forget_answers", "prove_by_registry", "use_answer"]

_KEPT_FOR = timedelta(days=1)  # far longer than a sign-in may take


async def use_answer(once_key: str, at: datetime) -> None:
    """Writes down that this answer of the registry was brought. Raises Refused if it was before."""
    try:
        async with uow():
            await RegistryAnswer.insert(RegistryAnswer(once_key=once_key, made_at=at))
    except Conflict:
        raise Refused(
            "This answer of DGFT was used before. Nobody was signed in by it again; begin a new sign-in.", code="registry_replayed"
        ) from None


async def forget_answers(at: datetime) -> None:
    """Deletes answers that no sign-in can be waiting for any more."""
    async with uow():
        await RegistryAnswer.delete().where(RegistryAnswer.made_at < at - _KEPT_FOR)


async def enter_by_registry(
    identity: Identity,
    profiles: Sequence[Profile],
    *,
    asked_at: datetime,
    again_in: timedelta,
    device: Device,
    limits: AccessSection,
    box: SecretBox,
    at: datetime,
) -> Entered:
    """Signs in the person whom the registry proved, with the firms that it lists them under.

    Raises Refused for a person who is linked to no IEC, whose address is not verified, or whose account is somebody else's to open.
    """
    try:
        return await _enter(identity, profiles, asked_at, again_in, device, limits, box, at)
    except Conflict:  # two persons of one new firm at once: the second finds what the first wrote
        return await _enter(identity, profiles, asked_at, again_in, device, limits, box, at)


async def _enter(
    identity: Identity,
    profiles: Sequence[Profile],
    asked_at: datetime,
    again_in: timedelta,
    device: Device,
    limits: AccessSection,
    box: SecretBox,
    at: datetime,
) -> Entered:
    async with uow():
        known = await _known(identity)
        await take_in(profiles, asked_at=asked_at, again_in=again_in, actor="registry", at=at)
        if known is not None:
            await _end_unlisted(known["id"], [profile.iec for profile in profiles], at)
    if not profiles:  # the registry is asked by the subject alone where it did not verify the address
        raise _unlinked() if identity.email_verified else _unverified()
    async with uow():
        account = await _account(identity, profiles[0], box, at)
        for profile in profiles:
            await _link(account, identity, profile, at)
        row = (await Account.select(Account.active, Account.totp_set_at).where(Account.id == account))[0]
        if not row["active"]:
            raise Refused("Your account here is closed. If you do not know why, turn to the platform's desk.", code="account_off")
        stage = await next_stage(account, has_factor=row["totp_set_at"] is not None, at=at)
        token = await sessions.begin(account, stage, device=device, limits=limits, at=at)
        act = "signed_in" if stage is Stage.WHOLE else "sign_in_begun"
        await audit(act, room="people", subject=str(account), actor=f"account:{account}", at=at, detail={"how": "registry"})
    return Entered(stage, token)


async def prove_by_registry(principal: Principal, identity: Identity, *, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """A fresh proof for who has no password: they signed in at the registry once more. Whoever has a second factor shows its code next.

    Raises Forbidden if somebody else signed in there, Refused for an agency's or the platform's person.
    """
    if not principal.whole:
        raise Forbidden("Finish signing in first.", code="stage")
    async with uow():
        await hold(principal.account_id)
        row = await Account.select(Account.registry_key).where(Account.id == principal.account_id).first()
        if row is None or row["registry_key"] != identity.registry_key:
            raise Forbidden(
                "Another person signed in at DGFT than the one who is signed in here. Nothing was proved.", code="registry_person"
            )
        await _require_no_staff(principal.account_id)
        stage = Stage.CODE if principal.has_factor else Stage.WHOLE
        token = await sessions.step_up(principal, stage, device=device, limits=limits, at=at)
        await audit("proved", room="people", subject=str(principal.account_id), actor=principal.actor, at=at, detail={"how": "registry"})
    return Entered(stage, token)


async def _known(identity: Identity) -> dict[str, Any] | None:
    """The account that this person of the registry has here already, kept until the unit of work ends."""
    mine = Account.registry_key == identity.registry_key
    found: dict[str, Any] | None = await Account.select(Account.id).where(mine).first()
    if found is not None:
        await hold(found["id"])  # an appointment meanwhile may have ended the link
        found = await Account.select(Account.id, Account.email).where(Account.id == found["id"], mine).first()
    return found


async def _end_unlisted(account: UUID, iecs: Sequence[str], at: datetime) -> None:
    """Ends the person's place at firms that the registry no longer lists them under; joins the caller's unit of work."""
    query = ExporterUser.select(ExporterUser.id, ExporterUser.exporter.iec.as_alias("iec"))
    for row in await query.where(ExporterUser.account == account, ExporterUser.ended_at.is_null()):
        if row["iec"] not in iecs:
            await _end_user(row["id"], at)


async def _account(identity: Identity, profile: Profile, box: SecretBox, at: datetime) -> UUID:
    """The person's account: theirs already, or one of the same proved address, or a new one; joins the caller's unit of work."""
    if (known := await _known(identity)) is not None:
        await _require_no_staff(known["id"])
        await _renew(known, identity, box, at)
        return UUID(str(known["id"]))
    if not identity.email_verified:
        raise _unverified()
    listed = profile.user_of(identity)
    name = identity.name or (listed.name if listed else identity.email)
    fresh = Account(email=identity.email, name=name, registry_key=identity.registry_key, email_proved_at=at, made_at=at)
    made = await Account.insert(fresh).on_conflict(target=Account.email, action="DO NOTHING").returning(Account.id)
    if made:
        return UUID(str(made[0]["id"]))
    return await _same_address(identity, at)


async def _same_address(identity: Identity, at: datetime) -> UUID:
    """Links an account of the address that the registry verified: never one of an agency or the desk, nor another person's."""
    [row] = await Account.select(Account.id, Account.registry_key).where(Account.email == identity.email)
    account = UUID(str(row["id"]))
    if row["registry_key"] is not None:
        raise Refused(
            "Your e-mail address belongs here to the account of another DGFT user. Nobody was signed in; ask the helpdesk of this site.",
            code="registry_address_taken",
        )
    await hold(account)
    await _require_no_staff(account)
    linked = (
        await Account.update({Account.registry_key: identity.registry_key, Account.email_proved_at: at})
        .where(Account.id == account, Account.registry_key.is_null())
        .returning(Account.id)
    )
    if not linked:
        raise Conflict("The account was linked meanwhile. Sign in again.", code="registry_linked")
    await sessions.end_all(account, reason="linked to the registry", at=at)
    await audit("registry_linked", room="people", subject=str(account), actor=f"account:{account}", at=at)
    return account


async def _require_no_staff(account: UUID) -> None:
    """Raises Refused for the account of who is or was an agency's or the platform's person; the caller holds its row.

    One who was may be again, without a new appointment.
    """
    for table in (PlatformUser, Administrator, Officer):
        if await table.exists().where(table.account == account):
            raise Refused(
                "You have the account of an agency or of the platform here, which opens with its password and code alone. "
                "Sign in with those, or link another e-mail address to your IEC at DGFT to act for a firm.",
                code="registry_staff",
            )


async def _renew(known: dict[str, Any], identity: Identity, box: SecretBox, at: datetime) -> None:
    """The name, and the address that the registry verified now, unless another account has it: the old address is told."""
    if identity.name:
        await Account.update({Account.name: identity.name}).where(Account.id == known["id"])
    if not identity.email_verified or known["email"] == identity.email or await Account.exists().where(Account.email == identity.email):
        return
    moved: dict[Any, Any] = {Account.email: identity.email, Account.email_proved_at: at}
    await Account.update(moved).where(Account.id == known["id"])
    actor = f"account:{known['id']}"
    await audit("account_address_changed", room="people", subject=str(known["id"]), actor=actor, at=at, detail={"how": "registry"})
    text = (
        "Your account for electronic Certificates of Origin has another e-mail address from now on: the one in your DGFT profile, "
        "with which you just signed in. Letters about the account go there.\n\n"
        "If you changed nothing at DGFT, turn to DGFT and to the helpdesk of this platform at once."
    )
    with suppress(Refused):  # an old address that takes no letter
        letter = Letter(known["email"], "Your account has another e-mail address", text)
        await write_letter(letter, box=box, purpose="address", at=at, about=known["id"])


async def _link(account: UUID, identity: Identity, profile: Profile, at: datetime) -> None:
    """Makes the registry's row of this person theirs. One that was another account's ends, and they get one of their own."""
    listed = profile.user_of(identity)
    [firm] = await Exporter.select(Exporter.id).where(Exporter.iec == profile.iec)
    exporter = firm["id"]
    row = await _row_of(exporter, listed.subject if listed else "", identity)
    if row is None or listed is None:  # a later answer of the registry, which came first, does not list them
        return
    if row["account"] == account and row["subject"] == identity.subject:
        return
    await ExporterUser.update({ExporterUser.subject: None}).where(
        ExporterUser.exporter == exporter,
        ExporterUser.subject == identity.subject,
        ExporterUser.id != row["id"],
        ExporterUser.ended_at.is_not_null(),
    )
    if row["account"] not in (None, account) or row["subject"] not in (None, identity.subject):
        await _end_user(row["id"], at, forget=row["subject"] == identity.subject)
        id = await _own_row(exporter, account, identity, listed.name, row["rights"])
    else:
        id = row["id"]
        live_key = user_key(exporter, account)
        await ExporterUser.update({"account": account, "subject": identity.subject, "live_key": live_key}).where(ExporterUser.id == id)
    await audit(
        "exporter_user_linked", room="people", subject=str(id), actor=f"account:{account}", at=at, detail={"exporter": str(exporter)}
    )


async def _row_of(exporter: UUID, subject: str, identity: Identity) -> dict[str, Any] | None:
    """The live row that the registry lists this person by: by their subject, else by the address that it verified."""
    who: Any = ExporterUser.subject == identity.subject
    if not subject:
        who = who | (ExporterUser.email == identity.email)
    rows = await ExporterUser.select().where(ExporterUser.exporter == exporter, ExporterUser.ended_at.is_null(), who)
    found: list[dict[str, Any]] = sorted(rows, key=lambda row: row["subject"] != identity.subject)
    return found[0] if found else None


async def _own_row(exporter: UUID, account: UUID, identity: Identity, name: str, rights: str) -> UUID:
    row = ExporterUser(
        exporter=exporter,
        account=account,
        subject=identity.subject,
        email=identity.email if identity.email_verified else "",
        name=name,
        rights=rights,
        live_key=user_key(exporter, account),
    )
    await ExporterUser.insert(row)
    return UUID(str(row.id))


async def _end_user(id: UUID, at: datetime, *, forget: bool = False) -> None:
    """Ends a row; `forget` also frees the subject for the row that comes in its place. Joins the caller's unit of work."""
    values: dict[Any, Any] = {"ended_at": at, "live_key": str(id)} | ({"subject": None} if forget else {})
    if await ExporterUser.update(values).where(ExporterUser.id == id, ExporterUser.ended_at.is_null()).returning(ExporterUser.id):
        await audit("exporter_user_ended", room="people", subject=str(id), actor="registry", at=at)


def _unlinked() -> Refused:
    say = (
        "You signed in at DGFT, but your e-mail address is linked to no IEC there, so nothing can be filed by you here. "
        "Link it to your firm's IEC in your DGFT profile, or register the firm there, then sign in here again."
    )
    return Refused(say, code="registry_unlinked")


def _unverified() -> Refused:
    say = (
        "DGFT has not verified the e-mail address of your account there yet, so it cannot be told which firms are yours, and nobody was "
        "signed in. You mend it yourself, in your DGFT profile; this site cannot."
    )
    return Refused(say, code="registry_unverified")
