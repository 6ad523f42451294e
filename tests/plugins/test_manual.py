"""The manual of the plugins, compared with the code it speaks of: what is written is true, and what is true is written."""

import ast
import json
import re
import shutil
import tomllib
from datetime import date
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from engine import api, config, errors, hookspecs, packs
from engine.application import IssuerKind, Kind
from engine.cli import app as command_line
from engine.cli.output import exit_code
from engine.config import settings_help
from engine.contracts import abilities, paying, payment, rules, sheet, signing
from engine.filing.boxes import fields
from engine.filing.origin.grounds import FORMULAS, TESTS
from engine.issuing import frozen, queue
from engine.money.gateways import entering
from engine.packs import builtin_packs
from engine.promises import gateway as gateway_promises
from engine.promises import gateway_paying
from engine.promises import signer as signer_promises
from engine.promises import template as template_promises
from engine.proof import signature, verify
from engine.registry import GROUP, load

MANUAL = Path(hookspecs.__file__).parent.parent / "plugins" / "README.md"
GUEST = Path(__file__).parent / "guest"
TEXT = MANUAL.read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith(hookspecs.PREFIX))
ERRORS = [name for name in errors.__all__ if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), Exception)]
SAMPLES = ("pyproject.toml", *(f"acme_ecoo/{name}" for name in ("hsm.py", "forms.py", "pay.py", "desk.py")), *(
    f"acme_ecoo/packs/acme_plus/{name}" for name in ("form.toml", "origin.toml")
))  # fmt: skip


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def section(heading):
    """The text below a heading, up to the next one of its level or above."""
    head = re.search(rf"^(#+) {re.escape(heading)}$", TEXT, re.MULTILINE)
    assert head, f"the manual has no section {heading}"
    return re.split(rf"^#{{1,{len(head[1])}}} ", TEXT[head.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def signatures(source, *classes):
    """Every function of a module, or the members of some of its classes, as the manual writes them."""
    tree = ast.parse(Path(source.__file__).read_text())
    found = [node for node in tree.body if not classes]
    found += [node for each in tree.body if isinstance(each, ast.ClassDef) and each.name in classes for node in each.body]
    for node in found:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            arguments = re.sub(r"(: (?:\[[^]]*\]|[^=,\[])+)=", r"\1 = ", ast.unparse(node.args))
            yield f"{kind} {node.name}({arguments}) -> {ast.unparse(node.returns)}: ...".replace("'", "")
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node)


def table(heading):
    """The rows of every table in a section, by their first cell without its backticks."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in section(heading).splitlines() if line.startswith("|")]
    return {row[0].strip("`"): row[1:] for row in rows}


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_the_very_file_that_the_guests_door_tries(sample):
    language = "toml" if sample.endswith(".toml") else "python"
    assert (GUEST / sample).read_text() in blocks(language)


def test_every_python_sample_compiles_and_every_toml_sample_parses():
    assert len(blocks("python")) >= 10
    for sample in blocks("python"):
        compile(sample, "manual", "exec")
    for sample in blocks("toml"):
        tomllib.loads(sample)


def test_each_sample_of_engine_toml_is_a_configuration_that_loads(tmp_path):
    tried = [sample for sample in blocks("toml") if {"site", "templates"} & set(tomllib.loads(sample))]
    assert len(tried) == 2
    for sample in tried:
        (tmp_path / "engine.toml").write_text(sample)
        config.load(tmp_path / "engine.toml", {})


def test_the_sample_pack_keeps_its_name_and_comes_into_force_from_a_folder(tmp_path):
    shutil.copytree(GUEST / "acme_ecoo" / "packs" / "acme_plus", tmp_path / "packs" / "acme_plus")
    (tmp_path / "engine.toml").write_text(next(sample for sample in blocks("toml") if "[templates]" in sample))
    form = load(config.load(tmp_path / "engine.toml", {})).form("ACME_PLUS", date(2026, 11, 21))
    assert (form.sheet.name, form.partners) == ("ecoo:combined12", {"VN", "TH"})


def test_the_links_of_the_manual_lead_somewhere():
    anchors = {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


# --- hooks, signers, names -----------------------------------------------------------------------


def test_each_hook_stands_there_with_its_exact_signature():
    written = section("Every hook")
    assert len(HOOKS) >= 11
    assert [line for line in signatures(hookspecs) if line not in written] == []


def test_how_often_a_listener_is_told_is_there():
    assert f"{queue._MOST_TRIES} times at most" in section("Every hook")


def test_the_manual_names_no_hook_that_is_none():
    assert set(re.findall(r"\bcoo_[a-z_]+", TEXT)) <= set(HOOKS)


def test_the_protocol_of_a_signer_stands_there_member_by_member():
    written = section("The signer")
    assert [
        line
        for line in [*signatures(signing, "Signer"), *signatures(abilities, "Rehearses", "Stands", "Holds")]
        if f"    {line}\n" not in written
    ] == []


def test_the_protocol_of_a_gateway_stands_there_member_by_member():
    written = section("The payment gateway").replace('""', "")
    wanted = [
        *signatures(payment, "PaymentGateway", "GatewayLine"),
        *signatures(paying, "Pays", "Refunds", "Settles", "Plays", "OtherSide"),
    ]
    assert len(wanted) == 11 + 6 + 2 + 2 + 1 + 2
    assert [line for line in wanted if f"    {line}\n" not in written] == []


def test_each_setting_of_a_built_in_gateway_and_each_code_of_a_wrong_parameter_is_there():
    written = table("The payment gateway")
    for gateway in load().gateways.values():
        for setting in gateway.config_fields:
            assert written[setting.name] == ["yes" if setting.required else "no", setting.help]
    for code in entering.CODES:
        assert f"`{code}`" in section("The payment gateway")


def test_what_a_signer_that_signs_at_once_may_leave_out_is_named():
    left_out = [name for name, member in vars(abilities.SignsAtOnce).items() if callable(member)]
    assert len(left_out) == 6
    sentence = re.search(r"inherits `SignsAtOnce` and leaves out (.+?)\.", " ".join(section("The signer").split())).group(1)
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(left_out)


def test_what_the_samples_and_signatures_speak_of_is_in_the_api():
    spoken = [*signatures(hookspecs), *signatures(signing, "Signer"), *signatures(payment, "PaymentGateway", "GatewayLine")]
    spoken += signatures(paying, "Pays", "Refunds", "Settles", "Plays", "OtherSide")
    named = {name for line in spoken for name in re.findall(r"\b[A-Z]\w+", line)}
    assert named - set(api.__all__) <= {"Sequence", "Mapping", "Iterable", "None", "App"}
    assert set(re.findall(r"\bapi\.(\w+)", TEXT)) <= {*api.__all__}


def test_the_way_in_is_named():
    assert f"`{GROUP}`" in TEXT
    assert f"`contract = {api.CONTRACT}`" in TEXT


def test_every_plugin_that_comes_with_ecoo_is_named():
    for plugin in load().plugins:
        assert f"`{plugin.id}`" in TEXT, plugin.id


def test_each_setting_of_a_built_in_signer_is_there_with_its_help():
    written = table("The signers that come with ecoo")
    for signer in load().signers.values():
        for setting in signer.config_fields:
            assert written[setting.name] == ["yes" if setting.required else "no", setting.help]


# --- packs ---------------------------------------------------------------------------------------


def keys(*structs):
    return {field.name for struct in structs for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("form.toml", keys(packs._FormFile, packs._BoxFile, packs._LeafFile)),
        ("form.toml", {name for names in fields() for name in names}),
        ("form.toml", {value.value for kind in (Kind, IssuerKind) for value in kind}),
        ("form.toml", template_promises._OWN_WORDING - {"endorsement_new"}),
        ("origin.toml", keys(rules._File, rules.Criterion, rules.Method, rules.DeMinimis, rules.Cumulation, *get_args(rules.Test))),
        ("origin.toml", {*TESTS, *FORMULAS}),
        ("Sheets", keys(sheet.Geometry, sheet.Closing, sheet.Cell, sheet.Line, sheet.Text, sheet.Code, sheet.Goods, sheet.Column) - {"field"}),
    ],
)  # fmt: skip
def test_every_key_that_a_pack_may_use_is_there(heading, names):
    written = section(heading)
    assert sorted(name for name in names if f"`{name}`" not in written) == []


def test_every_value_that_a_sheet_may_print_is_there():
    source = Path(frozen.__file__).read_text()
    values = set(re.findall(r'^        "(\w+)": ', source[source.index("    values = {") :], re.MULTILINE))
    assert len(values) > 12
    assert [name for name in (*values, "certified_on", "verify_text") if f"`{{{name}}}`" not in section("Sheets")] == []


def test_every_shared_sheet_is_named():
    home = MANUAL.parent / "templates" / "sheets"
    assert [each.name for each in home.iterdir() if f"`ecoo:{each.name}`" not in TEXT] == []
    assert builtin_packs(MANUAL.parent / "templates")


def test_every_promise_is_there():
    template = re.findall(r'\("([^"]+)", tried\.\w+\)', Path(template_promises.__file__).read_text())
    signer = re.findall(r'keep\("([^"]+)"|^    \("([^"]+)", _\w+\),', Path(signer_promises.__file__).read_text(), re.MULTILINE)
    gateway = [name for name, _ in (*gateway_promises._VOWS, *gateway_paying.VOWS)]
    assert len(gateway) > 25
    named = [*template, *gateway, *(one or other for one, other in signer)]
    assert len(named) > 20
    written = " ".join(section("Promises").split())
    assert [name for name in named if name not in written and name != "a person can make it ready"] == []


# --- errors, reasons, commands, settings ---------------------------------------------------------


def raised(name):
    kind = getattr(errors, name)
    return kind("say", retry_after_s=1) if name == "TooMany" else kind("say")


def test_each_error_is_there_with_its_code_its_exit_code_and_its_words():
    written = table("Errors and exit codes")
    for name in ERRORS:
        error = raised(name)
        assert written[name] == [f"`{error.code}`", str(exit_code(error)), type(error).__doc__.splitlines()[0]]


def test_each_reason_of_a_verdict_is_there_in_its_words():
    written = table("Reasons of a verdict")
    for code, say in {**verify.REASONS, **signature.REASONS}.items():
        assert written[code] == [say]
    assert set(written) == {*verify.REASONS, *signature.REASONS, "reason", "---"}


def commands(app, path=()):
    for name in app:
        if not name.startswith("-"):
            yield " ".join(("ecoo", *path, name)), str(app[name].help).splitlines()[0]
            yield from commands(app[name], (*path, name))


def test_each_command_is_there_in_its_own_words_and_no_other():
    found = dict(commands(command_line.build(["--help"])))
    assert {name: cells[0] for name, cells in table("Commands").items() if name.startswith("ecoo ")} == found


def test_each_setting_is_there_with_its_default_and_its_help_and_no_other():
    found = {name: [f"`{default}`" if default not in ("", "()") else "none", text] for name, default, text in settings_help()}
    assert {name: cells for name, cells in table("Settings").items() if "." in name} == found


def test_the_json_of_a_failure_has_the_keys_that_the_manual_names():
    named = re.search(r'`\{"error": \{(.+?)\}\}`', WORDS).group(1)
    assert [json.loads(key) for key in named.split(", ")] == list(raised("Refused").as_json())
