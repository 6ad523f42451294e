"""Payment gateways at the door: what stops one, and that a gateway which breaks a promise is told so, one promise at a time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.api import ConnectionOutcome, ConnectionReport, FieldProblem, GatewayField
from engine.config import load as load_config
from engine.contracts.shapes import check_gateway
from engine.errors import ConfigError, PluginError
from engine.hookspecs import hookimpl
from engine.promises.gateway import promises
from engine.registry import _refuse_strangers, load
from plugins.payment.sandbox import gateway as codec
from plugins.payment.sandbox.gateway import Sandbox

MERCHANT, SECRET = Sandbox.fields


def spoilt(**changed: Any) -> Sandbox:
    """A sandbox with something else in place of one of its own."""
    return type("Spoilt", (Sandbox,), changed)()


async def broken(gateway: Any) -> set[str]:
    return {promise.name for promise in await promises(gateway, {}) if not promise.kept}


# --- the door ----------------------------------------------------------------------------------


def test_the_sandbox_is_listed_as_a_payment_plugin() -> None:
    found = {plugin.id: plugin.source for plugin in load().plugins if plugin.kind == "payment"}
    assert found["sandbox"] == "built-in"


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        (Sandbox, "is the class Sandbox|the class Sandbox"),
        (object(), "no payment gateway: it lacks .*test_connection"),
        (spoilt(id="Sand Box"), "small letters"),
        (spoilt(title=" "), "title"),
        (spoilt(fields=()), "with one at least"),
        (spoilt(fields=(MERCHANT, MERCHANT)), "no name stands twice"),
        (spoilt(fields=({"name": "x"},)), "GatewayField"),
        (spoilt(fields=(replace(MERCHANT, name="Merchant ID"),)), "must have a name"),
        (spoilt(fields=(replace(MERCHANT, pattern="[", example="x"),)), "no regular expression"),
        (spoilt(fields=(replace(MERCHANT, example="lower"),)), "example that is not right"),
        (spoilt(fields=(replace(MERCHANT, most=4000),)), "between 1 and 400"),
        (spoilt(fields=(replace(MERCHANT, shape=""),)), "shape in words"),
        (spoilt(test_connection=lambda self, ctx: None), "test_connection must be async def"),
    ],
)
def test_what_is_no_gateway_is_refused_with_what_it_lacks(gateway: Any, words: str) -> None:
    with pytest.raises(PluginError, match=words) as refused:
        check_gateway("acme", gateway)
    assert "acme" in refused.value.say
    assert "coo_payment_gateways" in refused.value.say


def test_two_gateways_of_one_id_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = ModuleType("guest")
    guest.contract = 1  # type: ignore[attr-defined]

    @hookimpl
    def coo_payment_gateways() -> Sequence[Any]:
        return [Sandbox()]

    guest.coo_payment_gateways = coo_payment_gateways  # type: ignore[attr-defined]
    from engine import registry
    from engine.discovery import Found

    monkeypatch.setattr(registry, "guests", lambda: [Found("acme", guest, "acme")])
    with pytest.raises(PluginError, match="both answered coo_payment_gateways with a gateway 'sandbox'"):
        load()


def test_settings_of_a_gateway_that_is_not_there_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text("[site]\ndemo = true\n[gateways.billpay]\nurl = 'x'\n")
    with pytest.raises(ConfigError, match=r"gateways.billpay.*Known: .*sandbox"):
        _refuse_strangers(load_config(tmp_path / "engine.toml", {}), load())


def test_an_unknown_gateway_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"Known: .*sandbox"):
        load().gateway("nobody")


# --- the promises, each attacked -------------------------------------------------------------------


async def test_the_sandbox_keeps_every_promise() -> None:
    assert await broken(Sandbox()) == set()


async def believes_everything(self: Any, ctx: Any) -> ConnectionReport:
    await ctx.line.post("http://127.0.0.1:8002/query", {"msg": "x"})
    return ConnectionReport(ConnectionOutcome.PASSED, "ok", "All is well with this gateway.")


async def asks_nobody(self: Any, ctx: Any) -> ConnectionReport:
    return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "none", "Nobody was asked at all.")


async def asks_elsewhere(self: Any, ctx: Any) -> ConnectionReport:
    await ctx.line.post("http://10.0.0.1/query", {"msg": "x"})
    return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "none", "Somebody else was asked here.")


async def tells_secrets(self: Any, ctx: Any) -> ConnectionReport:
    await ctx.line.post("http://127.0.0.1:8002/query", {"msg": "x"})
    return ConnectionReport(ConnectionOutcome.FAILED, "bad", f"The key {ctx.secrets['checksum'].value} is wrong here.")


async def puts_secrets_into_addresses(self: Any, ctx: Any) -> ConnectionReport:
    await ctx.line.get(f"http://127.0.0.1:8002/query?key={ctx.secrets['checksum'].value}")
    return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "none", "Nothing was learnt from this.")


async def passes_by_an_echo(self: Any, ctx: Any) -> ConnectionReport:
    sent = codec._signed(ctx.secrets["checksum"].value, "QUERY", "x")
    answer = await ctx.line.post("http://127.0.0.1:8002/query", {"msg": sent})
    outcome = ConnectionOutcome.PASSED if answer.body == sent.encode() else ConnectionOutcome.INCONCLUSIVE
    return ConnectionReport(outcome, "ok", "The checksum of the answer is right.")


@pytest.mark.parametrize(
    ("changed", "promise"),
    [
        ({"validate_config": lambda self, settings: []}, "its settings are judged without asking anybody"),
        ({"hosts": lambda self, settings: ()}, "it names the hosts that it may ask"),
        ({"hosts": lambda self, settings: ("*",)}, "it names the hosts that it may ask"),
        ({"fields": (MERCHANT,)}, "a field names the office, and another one is its secret"),
        ({"fields": (SECRET,)}, "a field names the office, and another one is its secret"),
        ({"fields": (replace(MERCHANT, identity=True, required=False), SECRET)}, "a field names the office, and another one is its secret"),
        ({"fields": (MERCHANT, replace(SECRET, identity=True))}, "a field names the office, and another one is its secret"),
        (
            {"fields": (replace(MERCHANT, identity=True), replace(MERCHANT, name="two", identity=True), SECRET)},
            "a field names the office, and another one is its secret",
        ),
        ({"validate": lambda self, values: (FieldProblem("checksum", "x", "No."),)}, "the examples of its fields are right"),
        ({"test_connection": believes_everything}, "an answer that proves nothing passes no test"),
        ({"test_connection": passes_by_an_echo}, "an answer that proves nothing passes no test"),
        ({"test_connection": tells_secrets}, "no secret shows in its repr, its addresses or its report"),
        ({"test_connection": puts_secrets_into_addresses}, "no secret shows in its repr, its addresses or its report"),
        ({"test_connection": asks_nobody}, "it asks the hosts that it names and no other"),
        ({"test_connection": asks_elsewhere}, "it asks the hosts that it names and no other"),
    ],
)
async def test_a_broken_promise_is_named(changed: dict[str, Any], promise: str) -> None:
    assert promise in await broken(spoilt(**changed))


async def test_a_gateway_that_passes_in_silence_breaks_its_promise() -> None:
    async def passes(self: Any, ctx: Any) -> ConnectionReport:
        try:
            await ctx.line.post("http://127.0.0.1:8002/query", {})
        except Exception:
            return ConnectionReport(ConnectionOutcome.PASSED, "ok", "Nobody answered, so all is well.")
        return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "none", "Nothing was learnt from this.")

    assert "a silent gateway passes no test" in await broken(spoilt(test_connection=passes))


def test_every_field_of_the_sandbox_is_worded_as_in_the_notice() -> None:
    assert [field.label for field in Sandbox.fields] == ["Merchant ID", "Checksum"]
    assert [field.secret for field in Sandbox.fields] == [False, True]
    assert all(isinstance(field, GatewayField) for field in Sandbox.fields)
