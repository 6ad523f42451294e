"""Wrong input at `ecoo issue`: exit 2, one sentence naming box and rule, nothing stored, no number used."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

Change = Callable[[dict[str, Any]], object]


def _put(path: str, value: Any) -> Change:
    def change(tree: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        node: Any = tree
        for part in way:
            node = node[part]
        node[last] = value

    return change


def _drop(key: str) -> Change:
    return lambda tree: tree.pop(key)


WRONG: dict[str, tuple[Change, str]] = {
    "a missing key": (_drop("consignee"), "consignee"),
    "an unknown key": (_put("colour", "red"), "colour"),
    "another format": (_put("schema", 2), "schema"),
    "a scheme nobody has": (_put("scheme", "XYZ"), "scheme"),
    "a kind nobody knows": (_put("kind", "renewed"), "kind"),
    "an agency not in the register": (_put("agency", "NOBODY"), "agency"),
    "an office the agency does not have": (_put("office", "DEL"), "office"),
    "an office code with digits": (_put("office", "001"), "office"),
    "an IEC of a wrong shape": (_put("exporter.iec", "12345"), "exporter.iec"),
    "an IEC of another firm than the GSTIN": (_put("exporter.iec", "AAACE1234F"), "exporter"),
    "a GSTIN with a wrong check character": (_put("exporter.gstin", "27AABCD1234E1ZZ"), "exporter.gstin"),
    "a country nobody knows": (_put("consignee.country", "QQ"), "consignee.country"),
    "a destination outside the agreement": (_put("destination", "DE"), "destination"),
    "a port that is no UN/LOCODE": (_put("transport.port_of_loading", "MUMBAI"), "transport.port_of_loading"),
    "a loading port abroad": (_put("transport.port_of_loading", "VNSGN"), "transport.port_of_loading"),
    "a date that does not exist": (_put("transport.departs_on", "2026-02-30"), "transport.departs_on"),
    "an invoice of the future": (_put("invoices.0.dated_on", "2099-01-01"), "invoices"),
    "a declaration before the platform opened": (_put("declaration.dated_on", "2020-01-01"), "declaration"),
    "a currency nobody knows": (_put("currency", "ZZZ"), "currency"),
    "an amount as a number": (_put("items.0.value", 34600), "items[0].value"),
    "a negative amount": (_put("items.0.value", "-1.00"), "items[0].value"),
    "an amount of nothing": (_put("items.0.value", "0"), "items[0].value"),
    "an HS code with dots": (_put("items.0.hs", "0910.30"), "items[0].hs"),
    "an HS code that is too short": (_put("items.0.hs", "0910"), "items[0].hs"),
    "an invoice that is not listed": (_put("items.0.invoice", "NOT-LISTED"), "items[0].invoice"),
    "no goods": (_put("items", []), "items"),
    "no packages": (_put("items.0.packages.count", 0), "items[0].packages.count"),
    "a criterion the form does not have": (_put("items.0.origin.criterion", "PSR"), "items[0].origin"),
    "goods that do not qualify": (
        lambda tree: (tree["items"][2]["origin"].pop("costs"), _put("items.2.origin.inputs.0.value", "20999.00")(tree)),
        "items[2].origin",
    ),
    "text that turns around": (_put("consignee.name", "abc\u202edef"), "consignee.name"),
    "text with an invisible character": (_put("exporter.name", "DEV\u200bGAD"), "exporter.name"),
    "text with a control character": (_put("items.0.marks", "DLF\u0007"), "items[0].marks"),
    "text the font cannot draw": (_put("consignee.name", "देवगड ट्रेडर्स"), "box 2"),
    "text that overflows its box": (_put("consignee.address", "\n".join(["Lane of many lines"] * 30)), "box 2"),
    "an in-lieu application without a number": (_put("kind", "in-lieu"), "replaces"),
    "a new application with a number to replace": (_put("replaces", "EIA/2026/MUM/00000017"), "replaces"),
    "an in-lieu for a legacy number": (
        lambda tree: tree.update(kind="in-lieu", replaces="EIC/2024/001/0000000A/00000000"),
        "replaces",
    ),
    "an in-lieu for a number nobody issued": (lambda tree: tree.update(kind="in-lieu", replaces="EIA/2026/MUM/99999991"), "replaces"),
    "a self-declaration where the form knows none": (
        lambda tree: (tree.update(issuer_kind="self"), tree.pop("agency"), tree.pop("office")),
        "issuer_kind",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_by_box_and_rule_and_leaves_nothing(name: str, shell: Any, write: Any, example: dict[str, Any]) -> None:
    change, box = WRONG[name]
    tree = copy.deepcopy(example)
    change(tree)
    before, stored = shell.rows(), shell.files()
    ended = shell.ecoo("issue", write(tree), "--json")
    error = ended.json["error"]
    assert ended.code == 2, error
    assert error["rule"], error
    assert any((problem["box"] or "").startswith(box) for problem in [error, *error["problems"]]), error
    assert "Traceback" not in ended.err
    assert shell.rows() == before
    assert shell.files() == stored


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken JSON", b'{"schema": 1,'),
        ("no object", b"[1, 2]"),
        ("an empty file", b""),
        ("bytes that are no UTF-8", b'{"schema": "\xff\xfe"}'),
        ("a key twice", b'{"schema": 1, "schema": 1}'),
        ("a number that is none", b'{"schema": NaN}'),
        ("a file that is too large", b" " * 1_000_001),
        ("a file that nests without end", b"[" * 5_000),
        ("a PDF", b"%PDF-1.7\n"),
    ],
)
def test_a_file_that_is_no_application_is_refused_and_leaves_nothing(name: str, content: bytes, shell: Any, write: Any) -> None:
    before = shell.rows()
    ended = shell.ecoo("issue", write(content), "--json")
    assert (ended.code, list(ended.json)) == (2, ["error"]), ended
    assert ended.json["error"]["say"]
    assert shell.rows() == before


@pytest.mark.parametrize(
    ("arguments", "box"),
    [
        (("nowhere.json",), "FILE"),
        (("APP-AAAAAAAAAA",), "reference"),
        (("{file}", "--officer", "nobody@eia.example"), "officer"),
        (("{file}", "--out", "{taken}"), None),
        (("{file}", "--out", "no-such-folder/certificate.pdf"), None),
    ],
)
def test_a_wrong_argument_is_refused_and_leaves_nothing(
    arguments: tuple[str, ...], box: str | None, shell: Any, write: Any, example: dict[str, Any]
) -> None:
    names = {"file": write(example), "taken": write(b"here before", "taken.pdf")}
    before = shell.rows()
    ended = shell.ecoo("issue", *[argument.format(**names) for argument in arguments], "--json")
    assert (ended.code, ended.json["error"]["box"]) == (2, box), ended
    assert shell.rows() == before


def test_issuing_from_a_shell_is_refused_where_it_is_switched_off(
    shell: Any, write: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOO_ISSUE__FROM_SHELL", "false")
    ended = shell.ecoo("issue", write(example), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "from_shell")
