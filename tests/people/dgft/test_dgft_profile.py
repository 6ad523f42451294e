"""The profile service over real HTTP: what a person may do under an IEC, and profiles that lie, hide or break."""

import contextlib
import copy
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.rehearsal.cast import CAST, Cast
from admin.rehearsal.faults import AnswerFault, Endpoint, Faults
from engine.application import Exporter
from engine.config import Secret
from engine.errors import ConfigError, Unavailable, Untrusted
from engine.filing.checks.identifiers import exporter_problems
from engine.people.dgft import Identity, Profile, ProfileService, Settings, Status
from engine.people.dgft.codes import gstin_fault, iec_fault

IEC = "AAZCD4417K"


def firm(**changes: Any) -> dict[str, Any]:
    """The first firm of the cast, changed by paths such as users_0_name."""
    made: dict[str, Any] = copy.deepcopy(CAST.firms[0])
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        at: Any = made
        for step in steps:
            at = at[step]
        at[last] = value
    return made


def of(*firms: dict[str, Any]) -> Cast:
    return Cast(CAST.persons, firms)


async def profiles(rehearsal: Any, person: str) -> tuple[Profile, ...]:
    found: tuple[Profile, ...] = await rehearsal.service.profiles_of(await rehearsal.sign_in(person))
    return found


# --- what is told ---------------------------------------------------------------------------------------


async def test_a_person_learns_the_firms_that_name_them_with_their_rights_there(rehearsal: Any) -> None:
    (found,) = await profiles(rehearsal, "rehearsal-1002")
    assert (found.iec, found.name, found.status, found.may_file) == (IEC, "DEVGAD LANTERN FOODS PRIVATE LIMITED", Status.ACTIVE, True)
    assert [(branch.code, branch.gstin) for branch in found.branches] == [("0", "27AAZCD4417K1Z0"), ("1", "27AAZCD4417K1Z0")]
    assert found.modify_url == f"{rehearsal.desk.issuer}/modify/{IEC}"
    user = found.user_of(await rehearsal.sign_in("rehearsal-1002"))
    assert user is not None
    assert (user.name, user.rights) == ("Meera Kulkarni", ("see", "prepare"))


async def test_a_person_of_two_firms_has_the_rights_of_each(rehearsal: Any) -> None:
    identity = await rehearsal.sign_in("rehearsal-1005")
    found = await rehearsal.service.profiles_of(identity)
    rights = {profile.iec: user.rights for profile in found if (user := profile.user_of(identity))}
    assert rights == {"ZZZCQ0003Z": ("see",), "ZZZFQ0002Z": ("see", "prepare", "submit", "pay", "sign")}


async def test_a_person_who_is_linked_by_e_mail_alone_is_found_if_the_address_is_verified(rehearsal: Any) -> None:
    assert [profile.iec for profile in await profiles(rehearsal, "rehearsal-1006")] == ["ZZZFQ0002Z"]
    assert await profiles(rehearsal, "rehearsal-1010") == ()


@pytest.mark.parametrize("person", ["rehearsal-1008", "rehearsal-1009"])
async def test_a_person_without_an_iec_is_linked_to_nothing(rehearsal: Any, person: str) -> None:
    assert await profiles(rehearsal, person) == ()


async def test_a_suspended_iec_is_told_and_may_not_file(rehearsal: Any) -> None:
    (found,) = await profiles(rehearsal, "rehearsal-1007")
    assert (found.status, found.may_file) == (Status.SUSPENDED, False)


async def test_a_profile_is_asked_for_by_its_iec_and_an_unknown_one_is_none(rehearsal: Any) -> None:
    found = await rehearsal.service.profile("ZZZCQ0001Z")
    assert found.name == "INVENTED SPICES PRIVATE LIMITED"
    assert await rehearsal.service.profile("ZZZCQ0999Z") is None
    with pytest.raises(ValueError, match="IEC"):
        await rehearsal.service.profile("../of-person")


def test_every_firm_of_the_rehearsal_has_codes_that_filing_takes() -> None:
    for each in CAST.firms:
        for gstin in (each["gstin"], *(branch["gstin"] for branch in each["branches"])):
            assert exporter_problems(Exporter(iec=each["iec"], name=each["name"], address=each["address"], gstin=gstin)) == []


# --- who may be told ------------------------------------------------------------------------------------


async def test_a_user_with_a_subject_is_not_matched_by_their_address(rehearsing: Any) -> None:
    # The address of a person who left was given to another one.
    rehearsal = rehearsing(cast=of(firm(users__0__subject="rehearsal-7777")))
    assert await profiles(rehearsal, "rehearsal-1001") == ()


async def test_a_profile_that_does_not_name_the_person_is_not_taken(rehearsing: Any) -> None:
    rehearsal = rehearsing()
    rehearsal.desk.firms_of = lambda subject, email: [rehearsal.desk.firm("ZZZCQ0001Z")]
    with pytest.raises(Untrusted, match=r"profiles\[0\]\.users must name the person"):
        await profiles(rehearsal, "rehearsal-1001")


async def test_another_profile_than_the_one_asked_for_is_not_taken(rehearsing: Any) -> None:
    rehearsal = rehearsing()
    other = rehearsal.desk.firm("ZZZCQ0001Z")
    rehearsal.desk.firm = lambda iec: other
    with pytest.raises(Untrusted, match="iec must be the one"):
        await rehearsal.service.profile(IEC)


async def test_a_firm_told_twice_is_not_taken(rehearsing: Any) -> None:
    with pytest.raises(Untrusted, match="each IEC once"):
        await profiles(rehearsing(cast=of(firm(), firm())), "rehearsal-1001")


async def test_a_person_of_another_registry_is_not_asked_for(rehearsal: Any) -> None:
    stranger = Identity("https://elsewhere.example", "rehearsal-1001", "exports@sahyadri.example", True, "", None)
    with pytest.raises(Untrusted):
        await rehearsal.service.profiles_of(stranger)
    assert rehearsal.desk.asked == []


async def test_an_unverified_address_is_not_even_told_to_the_service(rehearsing: Any) -> None:
    rehearsal, told = rehearsing(), []
    rehearsal.desk.firms_of = lambda subject, email: told.append((subject, email)) or []
    await profiles(rehearsal, "rehearsal-1010")
    await profiles(rehearsal, "rehearsal-1009")
    assert told == [("rehearsal-1010", None), ("rehearsal-1009", "farida@clearing.example")]


# --- hostile and broken profiles ------------------------------------------------------------------------

HOSTILE = ["", " ", "a\x00b", "a\tb", "a\u202eb", "a\u200bb", "\u3164", "a\u2028b", "x" * 500, "\ufeffa", "a\x1b[2Jb", "a\x85b"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "address", "branches__0__address", "users__0__name"])
async def test_text_that_hides_something_is_refused_by_the_name_of_its_field(rehearsing: Any, field: str, text: str) -> None:
    rehearsal = rehearsing(cast=of(firm(**{field: text})))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.service.profile(IEC)
    where = field.replace("__0__", "[0].")
    assert [problem.box for problem in refused.value.problems] == [where]
    assert refused.value.say.startswith(f"The registry's profile cannot be used: {where} must ")
    assert refused.value.say.isprintable()
    assert text not in refused.value.say or not text.strip()


async def test_a_line_break_is_welcome_in_an_address_and_nowhere_else(rehearsing: Any) -> None:
    kept = await rehearsing(cast=of(firm(address=" Plot 41 \r\nMumbai "))).service.profile(IEC)
    assert kept.address == "Plot 41\nMumbai"
    for field in ("name", "users__0__name"):
        with pytest.raises(Untrusted):
            await rehearsing(cast=of(firm(**{field: "a\nb"}))).service.profile(IEC)


async def test_markup_is_text_like_any_other(rehearsing: Any) -> None:
    name = "<script>alert(1)</script> & {{ 7*7 }} 'LTD'"
    assert (await rehearsing(cast=of(firm(name=name))).service.profile(IEC)).name == name


async def test_words_of_india_keep_their_joiners(rehearsing: Any) -> None:
    name = "क्\u200dष लिमिटेड"
    assert (await rehearsing(cast=of(firm(name=name))).service.profile(IEC)).name == name


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gstin": "27AAZCD4417K1Z1"}, "gstin"),
        ({"gstin": "07ZZZCQ0001Z1ZB"}, "gstin"),
        ({"branches__1__gstin": "27aazcd4417k1z0"}, "branches[1].gstin"),
        ({"branches__1__code": "0"}, "branches"),
        ({"branches__1__code": ""}, "branches[1].code"),
        ({"branches__1__code": "../1"}, "branches[1].code"),
        ({"branches__1__code": "x" * 21}, "branches[1].code"),
        ({"status": "Active"}, "status"),
        ({"status": ""}, "status"),
        ({"users": []}, "users"),
        ({"users__1__subject": "rehearsal-1001"}, "users"),
        ({"users__1__email": "EXPORTS@sahyadri.example"}, "users"),
        ({"users__0__subject": "", "users__0__email": ""}, "users[0].subject"),
        ({"users__0__subject": "a b"}, "users[0].subject"),
        ({"users__0__subject": "x" * 256}, "users[0].subject"),
        ({"users__0__email": "not an address"}, "users[0].email"),
        ({"users__0__email": "a@b.example\r\nbcc: c@d.example"}, "users[0].email"),
        ({"users__0__email": "x" * 65 + "@b.example"}, "users[0].email"),
        ({"users__0__email": "a.@x.in"}, "users[0].email"),
        ({"users__0__email": ".a@x.in"}, "users[0].email"),
        ({"users__0__email": "a@x-.in"}, "users[0].email"),
        ({"users__0__rights": []}, "users[0].rights"),
        ({"users__0__rights": ["see", "approve"]}, "users[0].rights"),
        ({"users__0__rights": ["see", "see"]}, "users[0].rights"),
        ({"modify_url": "https://elsewhere.example/modify"}, "modify_url"),
        ({"modify_url": "javascript:alert(1)"}, "modify_url"),
        ({"modify_url": ""}, "modify_url"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"users__0__rights": "see"}, "users[0].rights"),
        ({"users__1__name": ["x"]}, "users[1].name"),
        ({"branches": {}}, "branches"),
        ({"role": "admin"}, "profile"),
        ({"users__0__role": "admin"}, "users[0]"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(rehearsing: Any, changes: dict[str, Any], field: str) -> None:
    rehearsal = rehearsing(cast=of(firm(**changes)))
    with pytest.raises(Untrusted) as refused:
        await rehearsal.service.profile(IEC)
    assert refused.value.code == "registry_profile"
    assert field in {problem.box for problem in refused.value.problems}
    for problem in refused.value.problems:
        assert problem.say.startswith(f"{problem.box} must ")
        assert problem.say.endswith(".")


async def test_all_that_is_wrong_is_told_at_once(rehearsing: Any) -> None:
    rehearsal = rehearsing(cast=of(firm(name="", status="?", users__1__rights=[])))
    with pytest.raises(Untrusted) as refused:
        await profiles(rehearsal, "rehearsal-1001")
    assert [problem.box for problem in refused.value.problems] == ["profiles[0].name", "profiles[0].status", "profiles[0].users[1].rights"]
    assert "(2 more)" in refused.value.say


async def test_a_firm_without_gstin_or_branches_is_a_firm(rehearsing: Any) -> None:
    found = await rehearsing(cast=of(firm(gstin="", branches=[]))).service.profile(IEC)
    assert (found.gstin, found.branches) == ("", ())


async def test_a_suspended_firm_may_name_nobody(rehearsing: Any) -> None:
    assert (await rehearsing(cast=of(firm(status="suspended", users=[]))).service.profile(IEC)).users == ()


async def test_rights_come_in_their_proper_order(rehearsing: Any) -> None:
    found = await rehearsing(cast=of(firm(users__0__rights=["sign", "see", "pay"]))).service.profile(IEC)
    assert found.users[0].rights == ("see", "pay", "sign")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (AnswerFault.SLOW, Unavailable),
        (AnswerFault.BROKEN, Unavailable),
        (AnswerFault.OVERSIZED, Untrusted),
        (AnswerFault.REDIRECT, Untrusted),
        (AnswerFault.GARBAGE, Untrusted),
    ],
)
async def test_a_spoilt_answer_changes_nothing_and_says_so(rehearsing: Any, fault: AnswerFault, kind: type[Exception]) -> None:
    rehearsal = rehearsing(faults=Faults(answers={Endpoint.PROFILE: fault}), timeout_s=0.5 if fault is AnswerFault.SLOW else 5.0)
    for ask in (rehearsal.service.profile(IEC), profiles(rehearsal, "rehearsal-1001")):
        with pytest.raises(kind, match=r"Nothing was changed"):
            await ask


async def test_a_refused_token_is_the_operators_to_mend(rehearsal: Any) -> None:
    service = ProfileService(replace(rehearsal.settings, profile_token=Secret("another")))
    with pytest.raises(ConfigError, match=r"dgft\.profile_token") as refused:
        await service.profile(IEC)
    assert "another" not in str(refused.value.as_json())


# --- whatever comes -------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    ["iec", "name", "address", "gstin", "status", "branches", "users", "modify_url", "profiles", "code", "subject", "email", "rights"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from([IEC, "active", "27AAZCD4417K1Z0", "see"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=12,
)
SETTINGS = Settings(
    issuer="https://registry.example",
    client_id="coo",
    redirect_uri="https://coo.example.in/r",
    hosts=frozenset({"registry.example"}),
    profile_url="https://registry.example/p",
    profile_token=Secret("t"),
)


def told(body: bytes) -> ProfileService:
    return ProfileService(SETTINGS, transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body))))


@settings(deadline=None)
@given(JSON | st.fixed_dictionaries({"profiles": st.lists(JSON, max_size=2)}))
async def test_any_json_is_a_profile_or_is_not_trusted(tree: Any) -> None:
    person = Identity("https://registry.example", "x", "", False, "", None)
    service = told(json.dumps(tree).encode())
    with contextlib.suppress(Untrusted):
        assert await service.profiles_of(person) == ()
    with contextlib.suppress(Untrusted):
        found = await service.profile(IEC)
        assert found is not None
        assert found.iec == IEC


@settings(deadline=None)
@given(
    at=st.sampled_from(
        [
            "iec",
            "name",
            "address",
            "gstin",
            "status",
            "modify_url",
            "users__0__name",
            "users__0__email",
            "users__0__subject",
            "branches__0__code",
        ]
    ),
    text=st.text(max_size=12),
)
async def test_any_text_in_a_field_is_shown_as_it_is_or_not_at_all(at: str, text: str) -> None:
    wire = firm(**{"modify_url": "https://registry.example/m", at: text})
    try:
        found = await told(json.dumps(wire).encode()).profile(IEC)
    except Untrusted:
        return
    assert found is not None
    for shown in (found.name, found.address.replace("\n", ""), found.gstin, found.modify_url, found.users[0].name, found.users[0].email):
        assert shown.isprintable()


# --- codes ----------------------------------------------------------------------------------------------

LETTERS = st.text(alphabet="ABCFPZ019az-Ø ", min_size=0, max_size=16)
IECS = st.from_regex(r"[A-Z]{3}[ABCFGHJLPTX][A-Z][0-9]{4}[A-Z]|[0-9]{10}", fullmatch=True) | LETTERS
GSTINS = st.sampled_from(["27AAZCD4417K1Z0", "07ZZZCQ0001Z1ZB", "33ZZZFQ0002Z1Z9", "38ZZZFQ0002Z1ZZ", "97AAZCD4417K1ZX"])
MUTATED = st.builds(
    lambda code, at, char: code[: at % 15] + char + code[at % 15 + 1 :], GSTINS, st.integers(0, 14), st.sampled_from("0123456789AZaz ")
)


@settings(deadline=None, max_examples=400)
@given(iec=IECS | st.just(IEC) | st.just("0000000001"), gstin=GSTINS | MUTATED | LETTERS)
def test_the_codes_are_judged_as_filing_judges_them(iec: str, gstin: str) -> None:
    filing = exporter_problems(Exporter(iec=iec, name="x", address="x", gstin=gstin))
    assert bool(filing) == bool(iec_fault(iec) or gstin_fault(gstin, iec))
