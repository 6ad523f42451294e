"""What a sync would change: nothing deleted, nobody handed another person's row, and nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.people.dgft import (
    RIGHTS,
    Branch,
    Change,
    Firm,
    Identity,
    Known,
    KnownBranch,
    KnownUser,
    Profile,
    Status,
    Synced,
    User,
    sync,
)

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
VIKRAM = User("Vikram Rao", ("see", "sign"), "1001", "vikram@firm.example")
MEERA = User("Meera Kulkarni", ("see",), "", "meera@firm.example")
PORT = Branch("1", "Jaigad Road\nRatnagiri")


def profile(
    *users: User, iec: str = "AAZCD4417K", status: Status = Status.ACTIVE, branches: tuple[Branch, ...] = (), name: str = "FIRM"
) -> Profile:
    return Profile(iec, name, "Plot 41", "", status, branches, users, "https://registry.example/modify")


def firm(source: Profile) -> Firm:
    return Firm(source.iec, source.name, source.address, source.gstin, source.status, source.modify_url)


def known(source: Profile, *ended: User) -> Known:
    users = (*(KnownUser(user) for user in source.users), *(KnownUser(user, ended=True) for user in ended))
    return Known(firm(source), users, tuple(KnownBranch(branch) for branch in source.branches))


def applied(plan: Synced, rows: tuple[Known, ...]) -> tuple[Known, ...]:
    """The rows as they are once the plan was written: what whoever writes it must do."""
    by_iec = {row.firm.iec: row for row in rows}
    for change in plan.exporters:
        assert change.after is not None
        by_iec[change.iec] = replace(by_iec.get(change.iec, Known(change.after)), firm=change.after)
    for branch in plan.branches:
        row = by_iec[branch.iec]
        kept = [each for each in row.branches if branch.before is None or each.branch != branch.before]
        assert len(kept) == len(row.branches) - (branch.before is not None)
        new = KnownBranch(branch.after) if branch.after else KnownBranch(branch.before, ended=True)  # type: ignore[arg-type]
        by_iec[branch.iec] = replace(row, branches=(*kept, new))
    for user in plan.users:
        row = by_iec[user.iec]
        users = list(row.users)
        if user.before is not None:
            users.remove(next(each for each in users if each.user == user.before))
        users.append(KnownUser(user.after) if user.after else KnownUser(user.before, ended=True))  # type: ignore[arg-type]
        by_iec[user.iec] = replace(row, users=tuple(users))
    return tuple(by_iec.values())


def test_a_new_firm_comes_with_all_it_has() -> None:
    plan = sync([profile(VIKRAM, MEERA, branches=(PORT,))], AT)
    assert [(change.kind, change.before, change.after) for change in plan.exporters] == [(Change.NEW, None, firm(profile()))]
    assert [(change.kind, change.after) for change in plan.users] == [(Change.NEW, VIKRAM), (Change.NEW, MEERA)]
    assert [(change.kind, change.after) for change in plan.branches] == [(Change.NEW, PORT)]
    assert (plan.at, plan.seen, plan.blocked, plan.changes) == (AT, ("AAZCD4417K",), (), 4)


def test_what_is_the_same_changes_nothing() -> None:
    told = profile(VIKRAM, MEERA, branches=(PORT,))
    plan = sync([told], AT, known=[known(told)])
    assert plan.changes == 0
    assert plan.seen == ("AAZCD4417K",)


def test_a_change_tells_what_was_before_and_what_is_after() -> None:
    more = replace(MEERA, rights=("see", "prepare"))
    moved = replace(PORT, address="Elsewhere")
    plan = sync([profile(VIKRAM, more, branches=(moved,), name="FIRM LTD")], AT, known=[known(profile(VIKRAM, MEERA, branches=(PORT,)))])
    assert [(c.kind, c.before, c.after) for c in plan.users] == [(Change.CHANGED, MEERA, more)]
    assert [(c.kind, c.before, c.after) for c in plan.branches] == [(Change.CHANGED, PORT, moved)]
    (change,) = plan.exporters
    assert change.before is not None
    assert change.after is not None
    assert (change.before.name, change.after.name) == ("FIRM", "FIRM LTD")


def test_who_vanished_is_ended_and_comes_back_to_the_same_row() -> None:
    before = known(profile(VIKRAM, MEERA, branches=(PORT,)))
    plan = sync([profile(VIKRAM)], AT, known=[before])
    assert [(c.kind, c.before, c.after) for c in plan.users] == [(Change.ENDED, MEERA, None)]
    assert [(c.kind, c.before, c.after) for c in plan.branches] == [(Change.ENDED, PORT, None)]
    later = applied(plan, (before,))
    assert sync([profile(VIKRAM)], AT, known=later).changes == 0
    again = replace(MEERA, name="Meera K.")
    back = sync([profile(VIKRAM, again, branches=(PORT,))], AT, known=later)
    assert [(c.kind, c.before, c.after) for c in back.users] == [(Change.RESUMED, MEERA, again)]
    assert [c.kind for c in back.branches] == [Change.RESUMED]


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.CANCELLED])
def test_a_firm_that_is_halted_is_blocked_and_nobody_ended_for_it(status: Status) -> None:
    before = known(profile(VIKRAM, MEERA, branches=(PORT,)))
    for told in (profile(VIKRAM, MEERA, branches=(PORT,), status=status), profile(status=status)):
        plan = sync([told], AT, known=[before])
        assert [c.kind for c in plan.exporters] == [Change.CHANGED]
        assert (plan.users, plan.branches) == ((), ())
        assert plan.blocked == ("AAZCD4417K",)
    resumed = sync([profile(VIKRAM, MEERA, branches=(PORT,))], AT, known=applied(plan, (before,)))
    assert [(c.kind, c.after and c.after.status) for c in resumed.exporters] == [(Change.CHANGED, Status.ACTIVE)]
    assert resumed.blocked == ()


def test_who_left_a_halted_firm_is_ended_all_the_same() -> None:
    plan = sync([profile(VIKRAM, status=Status.SUSPENDED)], AT, known=[known(profile(VIKRAM, MEERA))])
    assert [(c.kind, c.before) for c in plan.users] == [(Change.ENDED, MEERA)]


def test_an_iec_that_the_registry_no_longer_knows_is_blocked_once_and_nobody_is_ended() -> None:
    before = known(profile(VIKRAM))
    plan = sync([], AT, known=[before], unknown=["AAZCD4417K"])
    assert [(c.kind, c.after and c.after.status) for c in plan.exporters] == [(Change.ENDED, Status.CANCELLED)]
    assert (plan.users, plan.blocked, plan.seen) == ((), ("AAZCD4417K",), ())
    again = sync([], AT, known=applied(plan, (before,)), unknown=["AAZCD4417K"])
    assert again.changes == 0
    assert again.blocked == ("AAZCD4417K",)


def test_what_was_not_asked_about_stays() -> None:
    plan = sync([profile(VIKRAM)], AT, known=[known(profile(VIKRAM)), known(profile(MEERA, iec="ZZZCQ0001Z"))])
    assert plan.changes == 0


def test_a_firm_cannot_be_known_and_unknown() -> None:
    with pytest.raises(ValueError, match="AAZCD4417K"):
        sync([profile(VIKRAM)], AT, unknown=["AAZCD4417K"])


def test_a_person_is_known_by_subject_when_their_address_changes() -> None:
    married = replace(VIKRAM, email="vikram.new@firm.example")
    plan = sync([profile(married)], AT, known=[known(profile(VIKRAM))])
    assert [(c.kind, c.before, c.after) for c in plan.users] == [(Change.CHANGED, VIKRAM, married)]


def test_a_person_who_was_known_by_address_gets_their_subject() -> None:
    linked = replace(MEERA, subject="1002")
    plan = sync([profile(linked)], AT, known=[known(profile(MEERA))])
    assert [(c.kind, c.before, c.after) for c in plan.users] == [(Change.CHANGED, MEERA, linked)]


def test_an_address_given_to_another_person_does_not_give_them_the_row() -> None:
    heir = User("Another", ("see",), "2002", VIKRAM.email)
    plan = sync([profile(heir)], AT, known=[known(profile(VIKRAM))])
    assert [(c.kind, c.before, c.after) for c in plan.users] == [(Change.NEW, None, heir), (Change.ENDED, VIKRAM, None)]


def test_a_subject_once_known_is_not_lost_when_the_registry_tells_less() -> None:
    plan = sync([profile(replace(VIKRAM, subject=""))], AT, known=[known(profile(VIKRAM))])
    assert plan.changes == 0
    heir = User("Another", ("see",), "2002", VIKRAM.email)
    assert [c.kind for c in sync([profile(heir)], AT, known=[known(profile(VIKRAM))]).users] == [Change.NEW, Change.ENDED]


def test_two_persons_who_swap_addresses_keep_their_rows() -> None:
    other = User("Other", ("see",), "1002", "other@firm.example")
    swapped = (replace(VIKRAM, email=other.email), replace(other, email=VIKRAM.email))
    plan = sync([profile(*swapped)], AT, known=[known(profile(VIKRAM, other))])
    assert {(c.kind, c.before and c.before.subject, c.after and c.after.subject) for c in plan.users} == {
        (Change.CHANGED, "1001", "1001"),
        (Change.CHANGED, "1002", "1002"),
    }


def test_a_live_row_is_taken_before_an_ended_one() -> None:
    ended = replace(MEERA, name="Somebody before")
    plan = sync([profile(MEERA)], AT, known=[Known(firm(profile()), (KnownUser(ended, ended=True), KnownUser(MEERA)))])
    assert plan.changes == 0


def test_only_the_person_themselves_is_a_user_of_the_firm() -> None:
    told = profile(VIKRAM, MEERA)

    def who(subject: str, email: str, verified: bool) -> User | None:
        return told.user_of(Identity("https://registry.example", subject, email, verified, "", None))

    assert who("1001", "", False) == VIKRAM
    assert who("9", MEERA.email, True) == MEERA
    assert who("9", MEERA.email, False) is None
    assert who("9", VIKRAM.email, True) is None
    assert who("", "", True) is None


# --- whatever was, and whatever is told -----------------------------------------------------------------

SUBJECTS, EMAILS = st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "a@x.example", "b@x.example", "c@x.example"])
USERS = st.lists(
    st.builds(User, st.sampled_from(["A", "B"]), st.just(RIGHTS[:1]) | st.just(RIGHTS), SUBJECTS, EMAILS).filter(
        lambda u: u.subject or u.email
    ),
    max_size=3,
)


def _once(users: list[User]) -> tuple[User, ...]:
    kept: list[User] = []
    for user in users:
        if not any((user.subject and user.subject == each.subject) or (user.email and user.email == each.email) for each in kept):
            kept.append(user)
    return tuple(kept)


PROFILES = st.builds(
    lambda users, status, codes, iec: profile(
        *_once(users), status=status, branches=tuple(Branch(code, "x") for code in sorted(codes)), iec=iec
    ),
    USERS,
    st.sampled_from(Status),
    st.sets(st.sampled_from("012")),
    st.sampled_from(["AAZCD4417K", "ZZZCQ0001Z"]),
)


@settings(deadline=None)
@given(st.lists(PROFILES, min_size=1, max_size=5))
def test_each_plan_brings_the_rows_to_what_is_told_and_the_next_one_is_empty(told: list[Profile]) -> None:
    rows: tuple[Known, ...] = ()
    ever = 0
    for each in told:
        plan = sync([each], AT, known=rows)
        rows = applied(plan, rows)
        assert sync([each], AT, known=rows).changes == 0
        now = next(row for row in rows if row.firm.iec == each.iec)
        live = [row.user for row in now.users if not row.ended]
        for user in each.users:
            assert any(
                (user.subject or mine.subject) == mine.subject and (mine.email, mine.rights) == (user.email, user.rights) for mine in live
            )
        if each.users or each.may_file:
            assert len(live) == len(each.users)
        assert now.firm == firm(each)
        assert (each.iec in plan.blocked) == (not each.may_file)
        total = sum(len(row.users) + len(row.branches) for row in rows)
        assert total >= ever  # nothing is ever deleted
        ever = total
