"""What stops a plugin at the door: each attack ends in one sentence that names the plugin and what it did wrong.

The guests are real: a module and a distribution's entry point in a folder on the path.
"""

import sys
from datetime import date

import pytest

from engine import config as configuration
from engine.cli.app import build
from engine.errors import ConfigError, PluginError, Refused, Unavailable
from engine.registry import load

HEAD = "from engine.api import *\ncontract = 1\n"
LISTENS = "@hookimpl\ndef coo_application_filed(reference): ...\n"

SIGNER = (
    HEAD
    + """
class Some:
    id, title, mode, max_documents, config_fields = "some", "Some", Mode.SERVER, 3, ()
    def validate_config(self, settings): return []
    async def open(self, ctx): ...
    async def close(self): ...
    async def identity(self, signatory): ...
    async def enrol(self, signatory, evidence=None): ...
    async def ready(self, signatory): ...
    async def start(self, job): ...
    async def complete(self, job, evidence): ...
    async def poll(self, job): ...
    async def cancel(self, job): ...
    async def verify(self, ctx, raw): ...
    def locate(self, raw): ...
    def acknowledge(self, accepted): ...

@hookimpl
def coo_signers(): return [Some()]
"""
)


def refusal(kind=PluginError):
    with pytest.raises(kind) as caught:
        load()
    return caught.value.say


def returns(hook, arguments, answer, more=""):
    return f"{HEAD}{more}\n@hookimpl\ndef {hook}({arguments}): return {answer}\n"


# --- the plugin as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("from engine.api import hookimpl\n" + LISTENS, ["acme", "names no contract", "contract 1"]),
        ("from engine.api import hookimpl\ncontract = 2\n" + LISTENS, ["acme", "was written for contract 2", "contract 1"]),
        (HEAD, ["acme", "implements no hook", "@hookimpl"]),
        (HEAD + "def coo_signers(): return []\n", ["acme", "coo_signers", "without @hookimpl"]),
        (HEAD + "@hookimpl\ndef coo_certificate_isued(number): ...\n", ["acme", "coo_certificate_isued", "no hook", "coo_certificate_issued"]),
        (HEAD + "@hookimpl\ndef signers(): return []\n", ["acme", "implements signers, which is no hook"]),
        (HEAD + "@hookimpl\ndef coo_certificate_issued(number, colour): ...\n", ["acme", "coo_certificate_issued", "colour"]),
        (HEAD + "@hookimpl\nasync def coo_certificate_issued(number): ...\n", ["acme", "coo_certificate_issued", "plain function"]),
        (HEAD + "@hookimpl\ndef coo_certificate_issued(number): yield\n", ["acme", "coo_certificate_issued", "plain function"]),
        (HEAD + "@hookimpl(wrapper=True)\ndef coo_draw(request): return (yield)\n", ["acme", "coo_draw"]),
        (HEAD + "@hookimpl(wrapper=True)\ndef coo_draw(request): return None\n", ["acme", "wraps coo_draw"]),
        (HEAD + "@hookimpl(optionalhook=True)\ndef coo_drew(request): ...\n", ["acme", "coo_drew", "optional"]),
        ("import no_such_library\n", ["acme", "cannot be imported", "no_such_library"]),
        ("def broken(:\n", ["acme", "cannot be imported", "SyntaxError"]),
        (HEAD + "raise Refused('go away')\n", ["acme", "cannot be imported", "Refused", "go away"]),
        ("raise SystemExit(0)\n", ["acme", "cannot be imported", "SystemExit"]),
    ],
)  # fmt: skip
def test_a_plugin_that_does_not_fit_stops_the_start_and_is_named(guest, source, words):
    guest(source)
    said = refusal()
    assert [word for word in words if word not in said] == []


def test_the_refusal_of_a_plugin_names_where_it_came_from(guest):
    guest("from engine.api import hookimpl\n" + LISTENS, distribution="acme-for-ecoo")
    assert "The plugin acme (acme-for-ecoo) names no contract" in refusal()


def test_two_plugins_of_one_name_stop_the_start(guest):
    guest(HEAD + LISTENS, distribution="one")
    guest(HEAD + LISTENS, distribution="other")
    said = refusal()
    assert "Two plugins are named acme" in said
    assert {"one", "other"} <= set(said.replace(":", "").replace(".", "").split())


def test_a_guest_cannot_take_the_name_of_a_built_in(guest):
    guest(HEAD + LISTENS, "key_file", distribution="evil")
    assert refusal() == "Two plugins are named key_file: built-in and evil. Remove one."


def test_one_module_cannot_enter_under_two_names(guest, tmp_path):
    module = guest(HEAD + LISTENS)
    (tmp_path / module / f"{module}-2.5.dist-info" / "entry_points.txt").write_text(f"[ecoo.plugins]\na1 = {module}\na2 = {module}\n")
    said = refusal()
    assert "The plugin a2" in said
    assert "does not fit" in said


def test_a_class_is_refused_and_its_instance_is_welcome(guest):
    source = "from engine.api import hookimpl\nclass Desk:\n    contract = 1\n    @hookimpl\n    def coo_signers(self): return []\ndesk = Desk()\n"
    guest(source, "instance", attribute=":desk")
    load()
    guest(source, "the_class", attribute=":Desk")
    assert "The plugin the_class" in refusal()
    assert "is the class Desk; let it be a module, or an instance." in refusal()


def test_an_entry_point_to_nothing_names_the_plugin(guest):
    guest(HEAD + LISTENS, attribute=":absent")
    assert "The plugin acme" in refusal()
    assert "absent" in refusal()


def test_the_version_of_a_guest_is_its_distributions_and_its_module_is_left_alone(guest):
    module = guest(HEAD + LISTENS, version="7.1")
    listed = next(each for each in load().plugins if each.id == "acme")
    assert (listed.kind, listed.version, listed.source) == ("hook", "7.1", module)
    assert not hasattr(sys.modules[module], "version")


# --- signers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return [Some()]", "return None", ["NoneType", "a list of signers"]),
        ("return [Some()]", "return (each for each in [Some()])", ["generator", "a list of signers"]),
        ("return [Some()]", "return [Some]", ["the class Some", "an instance"]),
        ("return [Some()]", "return [object()]", ["no signer", "cancel", "config_fields", "mode"]),
        ("return [Some()]", "return [Some(), Some()]", ["'some'", "Remove one"]),
        ("return [Some()]", "return 1 / 0", ["broke in coo_signers", "ZeroDivisionError"]),
        ("return [Some()]", "raise Refused('go away')", ["broke in coo_signers", "Refused", "go away"]),
        ("return [Some()]", "raise SystemExit(0)", ["broke in coo_signers", "SystemExit"]),
        ('"some", "Some"', '"Some HSM", "Some"', ["'Some HSM'", "small letters"]),
        ('"some", "Some"', '7, "Some"', ["the id 7"]),
        ('"some", "Some"', '"key_file", "Some"', ["'key_file'", "Remove one"]),
        ('"some", "Some"', '"some", " "', ["title"]),
        ("Mode.SERVER", '"server"', ["mode", "a Mode"]),
        ("Mode.SERVER, 3", "Mode.SERVER, 0", ["max_documents", "from 1"]),
        ("Mode.SERVER, 3, ()", 'Mode.SERVER, 3, ("slot",)', ["config_fields", "ConfigField"]),
        ("async def start", "def start", ["start", "async def"]),
        ("def validate_config", "async def validate_config", ["validate_config", "plain def"]),
        ("    async def cancel(self, job): ...\n", "", ["no signer", "lacks cancel."]),
    ],
)
def test_a_signer_of_the_wrong_shape_is_refused_by_plugin_and_hook(guest, old, new, words):
    assert SIGNER.count(old) == 1
    guest(SIGNER.replace(old, new))
    said = refusal()
    assert [word for word in ["acme", "coo_signers", *words] if word not in said] == []


def test_the_signer_that_those_attacks_spoil_is_a_good_one(guest):
    guest(SIGNER)
    assert load().signer("some").title == "Some"


def test_two_guests_with_one_signer_id_are_both_named(guest):
    guest(SIGNER, "acme")
    guest(SIGNER, "zenith")
    assert {"acme", "zenith"} <= set(refusal().split())


def test_an_unknown_signer_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"There is no signer 'hsm'\. Known: dsc_token, key_file\."):
        load().signer("hsm")


# --- what the other hooks answer -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "arguments", "answer", "words"),
    [
        ("coo_check_application", "application", "None", ["NoneType", "a list of Problem"]),
        ("coo_check_application", "application", "['wrong']", ["list of str", "a list of Problem"]),
        ("coo_fill_boxes", "filled", "None", ["NoneType", "box numbers"]),
        ("coo_fill_boxes", "filled", "{'3': 'one text'}", ["box numbers to lists of texts"]),
        ("coo_fill_boxes", "filled", "{3: ['one']}", ["box numbers to lists of texts"]),
        ("coo_fill_boxes", "filled", "1 / 0", ["broke", "ZeroDivisionError"]),
        ("coo_commands", "", "['serve']", ["cyclopts apps"]),
        ("coo_clean_image", "request", "b'png'", ["bytes", "a CleanImage or None"]),
        ("coo_draw", "request", "b'%PDF'", ["bytes", "a Drawing or None"]),
    ],
)
def test_an_answer_of_the_wrong_shape_names_plugin_and_hook(guest, hook, arguments, answer, words):
    guest(returns(hook, arguments, answer))
    registry = load()
    with pytest.raises(PluginError) as caught:
        registry.each(hook, application=None, form=None, filled=None, request=None)
    assert [word for word in ["acme", hook, *words] if word not in caught.value.say] == []


def test_a_plugin_may_say_that_a_service_is_silent(guest):
    guest(returns("coo_check_application", "application", "_ask()", 'def _ask(): raise Unavailable("The trading list does not answer.")'))
    with pytest.raises(Unavailable, match="does not answer"):
        load().each("coo_check_application", application=None, form=None)


def test_a_replacing_hook_is_answered_by_the_first_who_has_an_answer_and_the_others_are_not_asked(guest):
    guest(returns("coo_clean_image", "request", 'CleanImage(b"png", 1, 1, 50)'), "c_answers")
    guest(returns("coo_clean_image", "request", "1 / 0"), "b_breaks")
    guest(HEAD + "@hookimpl(tryfirst=True)\ndef coo_clean_image(request): return None\n", "a_leaves_it")
    assert load().relay.coo_clean_image(request=None).png == b"png"


def test_plugins_are_asked_in_the_order_that_pluggy_promises(guest):
    for name, mark in (("a", "(trylast=True)"), ("b", ""), ("c", ""), ("d", "(tryfirst=True)")):
        guest(f"{HEAD}@hookimpl{mark}\ndef coo_check_application(): return []\n", name)
    registry = load()
    assert [name for name, _ in registry.each("coo_check_application", application=None, form=None)] == ["d", "c", "b", "a"]


def test_a_replacing_hook_that_everybody_leaves_to_the_engine_answers_none(guest):
    guest(returns("coo_draw", "request", "None"))
    assert load().relay.coo_draw(request=None) is None


def test_a_listener_is_given_what_it_asks_for_and_cannot_end_the_process(guest):
    guest(HEAD + "heard = []\n@hookimpl\ndef coo_certificate_issued(number): heard.append(number); raise SystemExit(0)\n")
    ((name, listen),) = load().listeners("coo_certificate_issued")
    with pytest.raises(PluginError, match="tried to end the process"):
        listen(number="EIA/1", sha256="0" * 64, scheme="AIFTA")
    assert name == "acme"


def test_a_command_that_ecoo_has_already_is_refused(guest):
    guest(HEAD + "from cyclopts import App\n@hookimpl\ndef coo_commands(): return [App(name='issue')]\n")
    with pytest.raises(PluginError, match="The plugin acme brings a command 'issue', and ecoo has one already"):
        build(["--help"])


# --- settings ------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    """The configuration of a site with these lines."""

    def read(lines):
        path = tmp_path / "engine.toml"
        path.write_text(lines)
        return configuration.load(path, {})

    return read


@pytest.mark.parametrize(
    ("section", "say"),
    [
        ("[signers.hsm]\nslot = 1\n", r"\[signers\.hsm\] names no installed signer\. Known: dsc_token, key_file\."),
        ("[gateways.hsm]\nslot = 1\n", r"\[gateways\.hsm\] names no installed gateway\."),
    ],
)
def test_settings_of_a_plugin_that_is_not_installed_are_an_error(settings, section, say):
    with pytest.raises(ConfigError, match=say):
        load(settings(section))


def test_a_folder_of_packs_that_is_not_there_is_an_error_of_the_configuration(settings, tmp_path):
    with pytest.raises(ConfigError, match=r"templates\.folders names .*/absent, which is no folder"):
        load(settings('[templates]\nfolders = ["absent"]\n'))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"templates\.folders names .*/empty, which holds no pack"):
        load(settings('[templates]\nfolders = ["empty"]\n'))


def test_an_unknown_scheme_is_the_applicants_to_correct():
    with pytest.raises(Refused, match=r"There is no scheme ACME\. Known: .*AIFTA"):
        load().form("ACME", date(2026, 11, 21))
