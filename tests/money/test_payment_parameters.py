"""Payment parameters: versions that never change, secrets that open in their own row alone, tested before use, and by two persons."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from engine.config import AccessSection
from engine.contracts.payment import ConnectionOutcome, ConnectionReport
from engine.errors import Conflict, Forbidden, NotFound, PluginError, Refused, TooMany, Untrusted
from engine.money.gateways import in_use, parameters_by_id, parameters_of, save_parameters, test_parameters
from engine.money.gateways.parameters import open_secrets
from engine.money.gateways.tables import ActivationRow, ConnectionTestRow, OverrideRow, ParametersRow
from engine.people.changes import confirm
from engine.people.changes.tables import ChangeRow
from engine.people.offices.keeping import switch_office
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.rows import rows_in_order
from engine.store.tables import AuditEntry
from plugins.payment.billdesk.gateway import BillDesk
from plugins.payment.sandbox.gateway import Sandbox
from tests.money.bureau import EFFECTS, GOOD, Bureau
from tests.plugins.payment.rsa_pairs import private_pem, public_pem

SECRET = GOOD["checksum"]


async def confirmed(bureau: Bureau, change: Any, person: Any = None) -> Any:
    proved = replace(person or bureau.second, proved_at=bureau.at)
    return await confirm(change.id, proved, effects=EFFECTS, box=bureau.box, limits=AccessSection(), at=bureau.at)


async def in_use_at(bureau: Bureau, office: Any = None) -> int | None:
    found = await in_use(PLATFORM, (office or bureau.mumbai).id)
    return found.version if found else None


def answering(status: int, body: bytes) -> httpx.MockTransport:
    async def parts() -> AsyncIterator[bytes]:
        yield body

    return httpx.MockTransport(lambda request: httpx.Response(status, content=parts()))


# --- versions and secrets ------------------------------------------------------------------------


async def test_a_version_is_saved_and_shows_everything_but_its_secret(bureau: Bureau) -> None:
    found = await bureau.seen(await bureau.save())
    assert (found.version, found.gateway, found.values, found.active, found.test) == (
        1,
        "sandbox",
        {"merchant_id": "COOMUM01"},
        False,
        None,
    )
    assert set(found.prints) == {"checksum"}
    assert len(found.prints["checksum"]) == 8
    assert open_secrets(found, bureau.box)["checksum"].value == SECRET


async def test_two_persons_see_by_the_fingerprint_that_they_entered_the_same(bureau: Bureau) -> None:
    first, second = await bureau.seen(await bureau.save()), await bureau.seen(await bureau.save())
    other = await bureau.seen(await bureau.save(checksum="k9XvQ2mNpR7sT4wY"))
    foreign = await bureau.seen(await bureau.save(bureau.foreign), bureau.foreign)
    assert first.prints == second.prints
    assert first.prints != other.prints
    assert first.prints != foreign.prints  # another agency learns nothing by comparing
    assert first.sealed != second.sealed


async def test_a_secret_stands_in_no_row_no_log_no_repr_and_no_audit(bureau: Bureau, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    id = await bureau.save()
    report = await bureau.tested(id)
    found = await bureau.seen(id)
    with pytest.raises(Refused) as refused:
        await bureau.save(checksum=f"{SECRET} ")
    written = [str(row) for table in rows_in_order() if table.__module__.startswith("engine.") for row in await table.select()]
    context = bureau.tester.context(found)
    shown = [
        *written,
        caplog.text,
        repr(found),
        repr(report),
        repr(context),
        str(context.secrets),
        repr(refused.value.problems),
        str(refused.value),
    ]
    assert len(written) > 10
    assert not any(SECRET in text for text in shown)
    assert SECRET not in str(found.sealed["checksum"])


async def test_a_sealed_secret_opens_in_no_other_row(bureau: Bureau) -> None:
    mine, other = await bureau.seen(await bureau.save()), await bureau.seen(await bureau.save(bureau.delhi), bureau.delhi)
    again = await bureau.seen(await bureau.save())
    for victim in (other, again):  # another office's row, and another version of the same office
        with pytest.raises(Untrusted):
            open_secrets(replace(victim, sealed=mine.sealed), bureau.box)
    with pytest.raises(Untrusted):
        open_secrets(replace(mine, office_id=bureau.delhi.id), bureau.box)
    with pytest.raises(Untrusted):
        open_secrets(replace(mine, gateway="billpay"), bureau.box)


async def test_a_version_never_changes(bureau: Bureau) -> None:
    id = await bureau.save()
    for act in (
        lambda: ParametersRow.update({ParametersRow.merchant: "OTHER001"}).where(ParametersRow.id == id).run(),
        lambda: ParametersRow.delete().where(ParametersRow.id == id).run(),
    ):
        with pytest.raises(Conflict):
            async with uow():
                await act()
    for wrong in ("COO MUM01", " COOMUM01", ""):
        row = ParametersRow(
            agency=bureau.agency, office=bureau.mumbai.id, version=9, gateway="sandbox", merchant=wrong, fields="{}", sealed="{}", prints="{}",
            made_by="x", made_at=bureau.at,
        )  # fmt: skip
        with pytest.raises(Conflict):
            async with uow():
                await ParametersRow.insert(row)


async def test_versions_count_on_however_many_save_at_once(bureau: Bureau) -> None:
    await asyncio.gather(*(bureau.save() for _ in range(6)))
    assert [each.version for each in await parameters_of(PLATFORM, bureau.mumbai.id)] == [6, 5, 4, 3, 2, 1]


async def test_a_secret_can_stay_and_is_sealed_anew(bureau: Bureau) -> None:
    with pytest.raises(Refused) as nothing:
        await bureau.save(keep=("checksum",))
    assert (nothing.value.box, nothing.value.rule) == ("checksum", "required")
    first = await bureau.seen(await bureau.save())
    kept = await bureau.seen(await bureau.save(keep=("checksum",), checksum="", merchant_id="COOMUM02"))
    assert open_secrets(kept, bureau.box)["checksum"].value == SECRET
    assert kept.sealed != first.sealed
    with pytest.raises(Refused) as strange:
        await bureau.save(keep=("merchant_id",))
    assert strange.value.rule == "required"
    with pytest.raises(Refused):  # what another office has is not there to keep
        await bureau.save(bureau.delhi, keep=("checksum",))


async def test_each_wrong_field_is_refused_with_its_code(bureau: Bureau) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.save(merchant_id="COO\u200bMUM01", checksum="short")
    assert [(problem.box, problem.rule) for problem in refused.value.problems] == [
        ("merchant_id", "invisible_char"),
        ("checksum", "length"),
    ]
    assert await ParametersRow.count() == 0


async def test_one_merchant_id_at_two_offices_needs_a_word(bureau: Bureau) -> None:
    await confirmed(bureau, await bureau.ask(await _tested(bureau)))
    with pytest.raises(Refused, match="in use at MUM too") as refused:
        await bureau.save(bureau.delhi)
    assert refused.value.rule == "duplicate_in_agency"
    await bureau.save(bureau.delhi, shared=True)
    await bureau.save(bureau.foreign)  # what another agency has is not compared, and not told
    await bureau.save()  # nor is the office's own


async def _tested(bureau: Bureau, office: Any = None, **told: str) -> UUID:
    id = await bureau.save(office, **told)
    assert (await bureau.tested(id, office)).outcome is ConnectionOutcome.PASSED
    return id


# --- whose they are ------------------------------------------------------------------------------


async def test_a_foreign_version_reads_like_none(bureau: Bureau) -> None:
    id = await bureau.save()
    stranger = Scope.agency(bureau.other_agency)
    asked = [
        (stranger, bureau.mumbai.id, id),
        (PUBLIC, bureau.mumbai.id, id),
        (Scope.exporter(uuid4()), bureau.mumbai.id, id),
        (bureau.scope, bureau.delhi.id, id),  # the same agency, another office
        (stranger, bureau.foreign.id, id),
        (bureau.scope, bureau.mumbai.id, uuid4()),
    ]
    says = set()
    for scope, office, wanted in asked:
        for act in (parameters_by_id(scope, office, wanted), test_parameters(scope, office, wanted, bureau.tester, actor="x")):
            with pytest.raises(NotFound) as refused:
                await act
            says.add((refused.value.code, refused.value.say))
    assert len(says) == 1
    assert await parameters_of(stranger, bureau.mumbai.id) == []
    assert await in_use(stranger, bureau.mumbai.id) is None
    with pytest.raises(NotFound):
        await save_parameters(stranger, bureau.mumbai, bureau.registry.gateway("sandbox"), GOOD, box=bureau.box, actor="x", at=bureau.at)
    with pytest.raises(NotFound):
        await bureau.ask(id, by=bureau.stranger)
    assert await ConnectionTestRow.count() == 0


# --- the test without a charge -------------------------------------------------------------------


async def test_the_right_pair_passes_and_a_wrong_one_is_told_apart(bureau: Bureau) -> None:
    assert (await bureau.tested(await bureau.save())).outcome is ConnectionOutcome.PASSED
    wrong_key = await bureau.tested(await bureau.save(checksum="k9XvQ2mNpR7sT4wY"))
    wrong_id = await bureau.tested(await bureau.save(merchant_id="COOMUM99"))
    assert (wrong_key.outcome, wrong_key.code) == (ConnectionOutcome.FAILED, "checksum_refused")
    assert (wrong_id.outcome, wrong_id.code) == (ConnectionOutcome.FAILED, "unknown_merchant")


async def test_the_latest_test_counts(bureau: Bureau) -> None:
    id = await bureau.save()
    await bureau.tested(id)
    assert (await bureau.seen(id)).passed
    bureau.clock.forward(minutes=1)
    bureau.merchants.clear()
    await bureau.tested(id)
    assert not (await bureau.seen(id)).passed


@pytest.mark.parametrize(
    ("transport", "code"),
    [
        (answering(200, b""), "not_believed"),
        (answering(200, b"ANSWER|COOMUM01|X|NOT_FOUND|" + b"A" * 64), "not_believed"),
        (answering(200, b"ERROR"), "not_believed"),
        (answering(503, b"ERROR|CHECKSUM"), "not_believed"),
        (answering(302, b""), "redirect"),
        (answering(200, b"x" * 300_000), "oversized"),
    ],
)
async def test_an_answer_that_proves_nothing_is_inconclusive(bureau: Bureau, transport: httpx.MockTransport, code: str) -> None:
    bureau.transport = transport
    report = await bureau.tested(await bureau.save())
    assert (report.outcome, report.code) == (ConnectionOutcome.INCONCLUSIVE, code)


async def test_silence_is_inconclusive_and_asked_once(bureau: Bureau) -> None:
    asked = []

    def cut(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ReadTimeout("silent")

    bureau.transport = httpx.MockTransport(cut)
    report = await bureau.tested(await bureau.save())
    assert (report.outcome, report.code, len(asked)) == (ConnectionOutcome.INCONCLUSIVE, "silent", 1)
    assert SECRET not in str(asked[0].url)
    assert SECRET.encode() not in asked[0].content


async def test_outside_a_rehearsal_the_sandbox_fails_and_asks_nobody(bureau: Bureau) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    bureau.rehearsal, bureau.transport = False, httpx.MockTransport(never)
    report = await bureau.tested(id := await bureau.save())
    assert (report.outcome, report.code) == (ConnectionOutcome.FAILED, "rehearsal_only")
    with pytest.raises(Refused):
        await bureau.ask(id, because="we want it all the same")


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://127.0.0.1:9999/query", "https://127.0.0.1:8002.evil.example/q", "file:///etc/passwd"]
)
async def test_a_gateway_asks_no_host_that_it_did_not_name(bureau: Bureau, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    async def elsewhere(self: Any, ctx: Any) -> ConnectionReport:
        await ctx.line.get(url)
        raise AssertionError("asked")

    monkeypatch.setattr(Sandbox, "test_connection", elsewhere)
    report = await bureau.tested(await bureau.save())
    assert (report.outcome, report.code) == (ConnectionOutcome.INCONCLUSIVE, "address")


async def test_a_gateway_that_breaks_or_blabs_shows_no_secret(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(self: Any, ctx: Any) -> ConnectionReport:
        raise ValueError(f"bad key {ctx.secrets['checksum'].value}")

    async def blabs(self: Any, ctx: Any) -> ConnectionReport:
        return ConnectionReport(ConnectionOutcome.FAILED, ctx.secrets["checksum"].value, f"bad key {ctx.secrets['checksum'].value}")

    id = await bureau.save()
    monkeypatch.setattr(Sandbox, "test_connection", breaks)
    with pytest.raises(PluginError, match="broke in test_connection: ValueError") as broke:
        await bureau.tested(id)
    assert SECRET not in repr(broke.value)
    assert broke.value.__cause__ is None
    monkeypatch.setattr(Sandbox, "test_connection", blabs)
    report = await bureau.tested(id)
    assert SECRET not in repr(report)
    assert SECRET not in str(await ConnectionTestRow.select())


async def test_five_tests_in_ten_minutes_are_enough(bureau: Bureau) -> None:
    id = await bureau.save()
    for _ in range(5):
        await bureau.tested(id)
        bureau.clock.forward(minutes=1)
    with pytest.raises(TooMany) as refused:
        await bureau.tested(await bureau.save())
    assert 0 < refused.value.retry_after_s <= 301
    await bureau.tested(await bureau.save(bureau.delhi), bureau.delhi)  # the others are not kept waiting
    bureau.clock.forward(seconds=refused.value.retry_after_s)
    await bureau.tested(id)


# --- into use ------------------------------------------------------------------------------------


async def test_what_was_not_tested_or_failed_is_never_in_use(bureau: Bureau) -> None:
    untested, failed = await bureau.save(), await bureau.save(merchant_id="COOMUM99")
    await bureau.tested(failed)
    for id in (untested, failed):
        with pytest.raises(Refused):
            await bureau.ask(id, because="never mind")
    assert await in_use_at(bureau) is None
    assert await ChangeRow.count() == 0


async def test_a_second_person_puts_it_into_use(bureau: Bureau) -> None:
    change = await bureau.ask(await _tested(bureau))
    assert (change.waiting, await in_use_at(bureau)) == (True, None)
    with pytest.raises(Forbidden):
        await confirmed(bureau, change, bureau.first)
    with pytest.raises(NotFound):
        await confirmed(bureau, change, bureau.stranger)
    assert (await confirmed(bureau, change)).done
    assert await in_use_at(bureau) == 1
    second = await bureau.ask(await _tested(bureau))
    await confirmed(bureau, second)
    assert await in_use_at(bureau) == 2
    assert await ActivationRow.count().where(ActivationRow.ended_at.is_null()) == 1
    assert SECRET not in json.dumps([str(row) for row in await ChangeRow.select()])


async def test_an_inconclusive_test_is_overridden_with_a_reason_that_stays(bureau: Bureau) -> None:
    bureau.transport = answering(200, b"ERROR")
    id = await bureau.save()
    await bureau.tested(id)
    for reason in ("", "   ", "a\u202eb", "x" * 401):
        with pytest.raises(Refused) as refused:
            await bureau.ask(id, because=reason)
        assert refused.value.box == "because"
    await confirmed(bureau, await bureau.ask(id, because="The bank whitelists our address on Monday."))
    assert await in_use_at(bureau) == 1
    [override] = await OverrideRow.select()
    assert override["because"] == "The bank whitelists our address on Monday."
    [entry] = await AuditEntry.select().where(AuditEntry.act == "payment_test_overridden")
    assert entry["after_sha256"]
    assert "Monday" not in str(entry)
    with pytest.raises(Conflict):
        async with uow():
            await OverrideRow.update({OverrideRow.because: "other"}).where(OverrideRow.id == override["id"])


async def test_what_fails_while_it_waits_is_not_put_into_use(bureau: Bureau) -> None:
    id = await _tested(bureau)
    change = await bureau.ask(id)
    bureau.clock.forward(minutes=2)
    bureau.merchants.clear()
    await bureau.tested(id)
    with pytest.raises(Refused, match="refused this version"):
        await confirmed(bureau, change)
    assert await in_use_at(bureau) is None
    bureau.transport = answering(200, b"ERROR")
    bureau.clock.forward(minutes=2)
    await bureau.tested(id)
    with pytest.raises(Refused, match="ask again with a reason"):
        await confirmed(bureau, change)
    assert await in_use_at(bureau) is None


async def test_a_switched_off_office_takes_no_parameters_into_use(bureau: Bureau) -> None:
    change = await bureau.ask(await _tested(bureau))
    await switch_office(bureau.scope, bureau.mumbai.id, on=False, actor="x", at=bureau.at)
    with pytest.raises(Conflict, match="switched off"):
        await confirmed(bureau, change)
    assert await in_use_at(bureau) is None


async def test_many_confirmations_at_once_put_one_into_use(bureau: Bureau) -> None:
    change = await bureau.ask(await _tested(bureau))
    done = await asyncio.gather(*(confirmed(bureau, change) for _ in range(5)), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in done) == 1
    assert all(isinstance(each, Conflict) for each in done if isinstance(each, BaseException))
    assert await ActivationRow.count() == 1


async def test_two_that_ask_at_once_leave_one_change(bureau: Bureau) -> None:
    first, second = await _tested(bureau), await _tested(bureau)
    done = await asyncio.gather(bureau.ask(first), bureau.ask(second, by=bureau.second), return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in done) == 1
    assert await ChangeRow.count() == 1


async def test_a_change_that_names_another_offices_version_makes_nothing_true(bureau: Bureau) -> None:
    foreign = await _tested(bureau, bureau.delhi)
    change = await bureau.ask(await _tested(bureau))
    forged = json.dumps({"parameters": str(foreign), "version": "1"})
    async with uow():
        await ChangeRow.update({ChangeRow.payload: forged}).where(ChangeRow.id == change.id)
    with pytest.raises(NotFound):
        await confirmed(bureau, change)
    row = {
        "agency": bureau.agency,
        "office": bureau.mumbai.id,
        "parameters": foreign,
        "change": change.id,
        "live_key": str(bureau.mumbai.id),
        "activated_at": bureau.at,
    }
    with pytest.raises(Conflict):  # and the database would refuse it too
        async with uow():
            await ActivationRow.insert(ActivationRow(**row))
    assert (await in_use_at(bureau), await in_use_at(bureau, bureau.delhi)) == (None, None)


async def test_a_stale_proof_asks_for_nothing(bureau: Bureau) -> None:
    id = await _tested(bureau)
    stale = replace(bureau.first, proved_at=bureau.at - timedelta(hours=2))
    with pytest.raises(Forbidden) as refused:
        await _ask_as(bureau, id, stale)
    assert refused.value.code == "prove"
    assert await ChangeRow.count() == 0


async def _ask_as(bureau: Bureau, id: UUID, person: Any) -> Any:
    from engine.money.gateways import ask_activation

    return await ask_activation(
        bureau.mumbai, id, person, effects=EFFECTS, box=bureau.box, base="http://127.0.0.1:8000", limits=AccessSection(), at=bureau.at
    )


async def test_a_key_of_several_lines_is_sealed_and_opens_as_it_was(bureau: Bureau) -> None:
    """Whatever line breaks the person's system has; and nothing of it lies in clear in any row."""
    private, scope = private_pem("office"), Scope.agency(bureau.agency)
    told = {"merchant_id": "COOMUM01", "interface": "jose-rsa", "client_id": "coomum01client", "gateway_key": public_pem("billdesk")}

    async def save(keep: frozenset[str] = frozenset(), **more: str) -> UUID:
        return await save_parameters(scope, bureau.mumbai, BillDesk(), told | more, keep=keep, box=bureau.box, actor="test", at=bureau.at)

    id = await save(private_key=private.replace("\n", "\r\n"))
    kept = await save(frozenset({"private_key"}))
    for each in (id, kept):
        parameters = await parameters_by_id(scope, bureau.mumbai.id, each)
        assert open_secrets(parameters, bureau.box)["private_key"].value == private.strip("\n")
        assert parameters.values["gateway_key"] == public_pem("billdesk").strip("\n")
    rows = json.dumps([*await ParametersRow.select(), *await AuditEntry.select()], default=str)
    assert not any(line in rows for line in private.splitlines() if "-----" not in line)
    with pytest.raises(Refused) as refused:
        await save(private_key=public_pem("office"))
    assert refused.value.box == "private_key"
