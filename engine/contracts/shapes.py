"""Whether what a plugin brings has the shape that its hook asks for; every refusal names the plugin and the hook.

A shape is all that can be known without using the thing. What it does is put to the test by `engine.promises`.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.application import IssuerKind, Kind
from engine.contracts.drawing import CleanImage, Drawing
from engine.contracts.form import Form, Pack
from engine.contracts.payment import GatewayField, PaymentGateway
from engine.contracts.signing import ConfigField, Mode, Signer
from engine.errors import PluginError, Problem

__all__ = ["check_answer", "check_form", "check_gateway", "check_hook", "check_pack", "check_signer"]

_ID = re.compile(r"[a-z][a-z0-9_]{1,31}", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_PACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"[A-Z0-9_]{1,20}", re.ASCII)  # as `scheme` in the application file
_COUNTRY = re.compile(r"[A-Z]{2}|\*", re.ASCII)
_HS_DIGITS = frozenset({4, 6, 8, 10})
_AWAITED = ("open", "close", "identity", "enrol", "ready", "start", "complete", "poll", "verify", "cancel")
_CALLED = ("validate_config", "locate", "acknowledge")


# --- hooks -------------------------------------------------------------------------------------


def check_hook(plugin: str, hook: str, function: Any, options: Mapping[str, Any]) -> None:
    """Refuses a hook that would not be called as its author thinks: a coroutine, a generator, a wrapper, an optional one."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(
            f"The plugin {plugin} defines {hook} as a coroutine or a generator; a hook is a plain function. Write def and return."
        )
    if options.get("wrapper") or options.get("hookwrapper"):
        raise PluginError(
            f"The plugin {plugin} wraps {hook}; no plugin stands between another one and the engine. Mark it @hookimpl alone."
        )
    if options.get("optionalhook"):
        raise PluginError(f"The plugin {plugin} marks {hook} as optional; it would never be missed. Mark it @hookimpl alone.")


@dataclass(frozen=True, slots=True)
class _Wanted:
    say: str
    fits: Callable[[object], bool]


def _list_of(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda given: isinstance(given, list | tuple) and all(fits(each) for each in given)


def _is(kind: type[Any]) -> Callable[[object], bool]:
    return lambda given: isinstance(given, kind)


def _is_command(given: object) -> bool:
    return not isinstance(given, type) and bool(getattr(given, "name", ())) and callable(getattr(given, "command", None))


def _are_boxes(given: object) -> bool:
    texts = _list_of(_is(str))
    return isinstance(given, Mapping) and all(isinstance(no, str) and texts(paragraphs) for no, paragraphs in given.items())


_ANSWERS: Mapping[str, _Wanted] = {
    "coo_signers": _Wanted("a list of signers", _list_of(_is(object))),
    "coo_payment_gateways": _Wanted("a list of payment gateways", _list_of(_is(object))),
    "coo_templates": _Wanted("a list of Pack", _list_of(_is(Pack))),
    "coo_check_application": _Wanted("a list of Problem", _list_of(_is(Problem))),
    "coo_fill_boxes": _Wanted("a mapping from box numbers to lists of texts", _are_boxes),
    "coo_commands": _Wanted("a list of cyclopts apps, each with a name", _list_of(_is_command)),
    "coo_clean_image": _Wanted("a CleanImage or None", lambda given: given is None or isinstance(given, CleanImage)),
    "coo_draw": _Wanted("a Drawing or None", lambda given: given is None or isinstance(given, Drawing)),
}


def check_answer(plugin: str, hook: str, given: Any) -> Any:
    """The answer as it is, if it is what the hook asks for."""
    wanted = _ANSWERS.get(hook)
    if wanted is not None and not wanted.fits(given):
        inside = sorted({type(each).__name__ for each in given}) if isinstance(given, list | tuple) else []
        what = f"{type(given).__name__} of {', '.join(inside)}" if inside else type(given).__name__
        raise PluginError(f"The plugin {plugin} answered {hook} with {what}; it must be {wanted.say}.")
    return given


# --- signers -----------------------------------------------------------------------------------


def check_signer(plugin: str, signer: Any) -> None:
    """Refuses an object that is no signer, saying what it lacks."""
    brought = f"The plugin {plugin} answered coo_signers with"
    _check_object(brought, signer, Signer, "signer", _FACTS)
    _check_methods(brought, signer, awaited=_AWAITED, called=_CALLED)


def _check_object(brought: str, given: Any, wanted: Any, name: str, facts: Sequence["_Fact"]) -> None:
    if isinstance(given, type):
        raise PluginError(f"{brought} the class {given.__name__}; it must be an instance of it.")
    if not isinstance(given, wanted):
        names = [*wanted.__annotations__, *(each for each in dir(wanted) if not each.startswith("_"))]
        missing = sorted({each for each in names if not hasattr(given, each)})
        raise PluginError(f"{brought} an object that is no {name}: it lacks {', '.join(missing) or 'its shape'}.")
    if not (isinstance(given.id, str) and _ID.fullmatch(given.id)):
        raise PluginError(f"{brought} the id {given.id!r}; an id is 2 to 32 small letters, digits and _, a letter first.")
    for fact, fits, say in facts:
        if not fits(getattr(given, fact)):
            raise PluginError(f"{brought} {given.id}, whose {fact} is {getattr(given, fact)!r}; it must be {say}.")


_Fact = tuple[str, Callable[[Any], bool], str]

_FACTS: tuple[_Fact, ...] = (
    ("title", lambda title: isinstance(title, str) and bool(title.strip()), "a text for people"),
    ("mode", _is(Mode), "a Mode"),
    ("max_documents", lambda most: type(most) is int and most >= 1, "a whole number from 1"),
    ("config_fields", _list_of(_is(ConfigField)), "a list of ConfigField"),
)


def _check_methods(brought: str, given: Any, *, awaited: Sequence[str], called: Sequence[str]) -> None:
    for name in (*awaited, *called):
        method = inspect.unwrap(getattr(given, name))
        if inspect.iscoroutinefunction(method) is not (name in awaited):
            right = "async def" if name in awaited else "a plain def"
            raise PluginError(f"{brought} {given.id}, whose {name} must be {right}.")


# --- payment gateways --------------------------------------------------------------------------


def check_gateway(plugin: str, gateway: Any) -> None:
    """Refuses an object that is no payment gateway, saying what it lacks."""
    brought = f"The plugin {plugin} answered coo_payment_gateways with"
    _check_object(brought, gateway, PaymentGateway, "payment gateway", _OF_GATEWAYS)
    _check_methods(brought, gateway, awaited=("test_connection",), called=("validate_config", "hosts", "validate"))
    for field in gateway.fields:
        if fault := _field_fault(field):
            raise PluginError(f"{brought} {gateway.id}, whose field {field.name!r} {fault}.")


_OF_GATEWAYS: tuple[_Fact, ...] = (
    ("title", lambda title: isinstance(title, str) and bool(title.strip()), "a text for people"),
    ("fields", lambda given: _list_of(_is(GatewayField))(given) and bool(given), "a list of GatewayField, with one at least"),
    ("fields", lambda given: len({field.name for field in given}) == len(given), "a list in which no name stands twice"),
    ("config_fields", _list_of(_is(ConfigField)), "a list of ConfigField"),
)


def _field_fault(field: GatewayField) -> str:
    """What is wrong with a field's own description, as the end of a sentence, or nothing."""
    if not _FIELD.fullmatch(field.name):
        return "must have a name of small letters, digits and _"
    most = 4000 if field.lines else 400
    if not 1 <= field.least <= field.most <= most:
        return f"must allow between 1 and {most} characters"
    if field.identity and (field.secret or field.lines or not field.required):
        return "names the merchant, so it must be required, and no secret and no text of lines"
    try:
        fits = re.fullmatch(field.pattern, field.example, re.ASCII) is not None
    except re.error:
        return "has a pattern that is no regular expression"
    if not fits or not field.least <= len(field.example) <= field.most:
        return "has an example that is not right by its own pattern and length"
    return "" if field.label.strip() and field.shape.strip() else "needs a label and its shape in words"


# --- packs and forms ---------------------------------------------------------------------------


def check_pack(plugin: str, pack: Pack) -> None:
    """Refuses a pack whose name cannot stand before a sheet's, or whose folder is not there."""
    brought = f"The plugin {plugin} answered coo_templates with"
    if not (isinstance(pack.name, str) and _PACK_NAME.fullmatch(pack.name)) or pack.name == "ecoo":
        raise PluginError(f"{brought} a pack named {pack.name!r}; a name is 1 to 64 letters, digits, _ and -, and not ecoo.")
    is_folder = getattr(pack.folder, "is_dir", None)
    if not (callable(is_folder) and is_folder()):
        raise PluginError(f"{brought} the pack {pack.name} in {str(pack.folder)!r}, which is no folder.")


def check_form(where: str, form: Form) -> None:
    """Refuses values of form.toml that are of the right type and still nothing that anybody could use."""
    for key, given, known in (
        ("kinds", form.kinds, {kind.value for kind in Kind}),
        ("issuer_kinds", form.issuer_kinds, {kind.value for kind in IssuerKind}),
        ("hs_digits", form.hs_digits, _HS_DIGITS),
    ):
        if not given or not set(given) <= known:
            raise PluginError(f"{where}: {key} is {list(given)}; it must name some of {', '.join(map(str, sorted(known)))}.")
    if not _SCHEME.fullmatch(form.scheme):
        raise PluginError(f"{where}: code is {form.scheme!r}; it must be 1 to 20 capitals, digits and _.")
    if not form.partners or not all(_COUNTRY.fullmatch(each) for each in form.partners):
        raise PluginError(f'{where}: partners is {sorted(form.partners)}; it must be ISO 3166-1 codes of two capitals, or ["*"].')
    for key, text in (("version", form.version), ("title", form.title), ("form_name", form.form_name), ("heading", "".join(form.heading))):
        if not text.strip():
            raise PluginError(f"{where}: {key} is empty.")
    if form.effective_from and form.effective_until and form.effective_until < form.effective_from:
        raise PluginError(f"{where}: effective_until is before effective_from.")
    if len({leaf.name for leaf in form.leaves}) != len(form.leaves):
        raise PluginError(f"{where}: leaves names a leaf twice.")
