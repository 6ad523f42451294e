"""What the engine writes into its audit, people can read: each act has a sentence."""

import ast
import importlib
from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from pathlib import Path
from types import ModuleType

from admin.acts import ACTS, Group, acts_of, sentence_of, who_is

ENGINE = Path(__file__).parents[2] / "engine"
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """The functions of the engine, and where each is called."""

    def __init__(self) -> None:
        self.trees = {path: ast.parse(path.read_text()) for path in sorted(ENGINE.rglob("*.py"))}
        self.calls: dict[str, list[tuple[ast.Call, Function | None, Path]]] = {}
        for path, tree in self.trees.items():
            for call, function in _calls(tree, None):
                self.calls.setdefault(_called(call), []).append((call, function, path))

    def acts(self) -> Iterator[tuple[str, str]]:
        """Every act that is written, and where."""
        for call, function, path in self.calls["audit"]:
            if path.name != "audit.py":
                where = f"{path.relative_to(ENGINE.parent)}:{call.lineno}"
                yield from ((act, where) for act in self.values(call.args[0], function, path))

    def values(self, said: ast.expr, function: Function | None, path: Path) -> set[str]:
        """What an expression can be: a word, words put together, one of two, or what callers hand in."""
        match said:
            case ast.Constant(value=str() as word):
                return {word}
            case ast.JoinedStr(values=parts):
                return {"".join(each) for each in product(*(self.values(part, function, path) for part in parts))}
            case ast.FormattedValue(value=inner):
                return self.values(inner, function, path)
            case ast.IfExp(body=one, orelse=other):
                return self.values(one, function, path) | self.values(other, function, path)
            case ast.Subscript(value=ast.Name(id=name)):
                return set(getattr(_module(path), name).values())
            case ast.Name(id=name) if function is not None:
                return self._of_name(name, function, path)
        raise AssertionError(f"{path}:{said.lineno}: write the act of an audit entry as a word that can be found: {ast.unparse(said)}")

    def _of_name(self, name: str, function: Function, path: Path) -> set[str]:
        given = [each for each in ast.walk(function) if isinstance(each, ast.Assign) and _assigns(each, name)]
        if given:
            return set().union(*(self.values(each.value, function, path) for each in given))
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        if name not in (names := [each.arg for each in parameters]):
            raise AssertionError(f"{path}: {function.name} takes the act {name} from somewhere that cannot be followed")
        position = names.index(name)
        parameter = parameters[position]
        if words := _enumeration(parameter, path):
            return words
        found: set[str] = set()
        for call, caller, where in self.calls.get(function.name, []):
            if function.name.startswith("_") and where != path:
                continue  # another one of that name
            handed = next((each.value for each in call.keywords if each.arg == name), None)
            if handed is None and position < len(call.args):
                handed = call.args[position]
            found |= self.values(handed, caller, where) if handed is not None else set()
        return found


def _calls(node: ast.AST, function: Function | None) -> Iterator[tuple[ast.Call, Function | None]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, function
        yield from _calls(child, child if isinstance(child, Function) else function)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _assigns(statement: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)


def _module(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(ENGINE.parent).with_suffix("").parts))


def _enumeration(parameter: ast.arg, path: Path) -> set[str]:
    if not isinstance(parameter.annotation, ast.Name):
        return set()
    kind = getattr(_module(path), parameter.annotation.id, None)
    return {str(each) for each in kind} if isinstance(kind, type) and issubclass(kind, StrEnum) else set()


def test_every_act_that_the_engine_writes_has_a_sentence() -> None:
    written = dict(Source().acts())
    assert len(written) > 60, "the acts were not found"
    assert {act: where for act, where in written.items() if act not in ACTS} == {}, "give it a sentence in admin/acts.py"


def test_no_act_stands_in_two_groups_and_each_group_has_some() -> None:
    assert sum(len(acts_of(group)) for group in Group) == len(ACTS)
    assert [group for group in Group if not acts_of(group)] == []


def test_a_sentence_names_its_subject_once_and_goes_on_after_who_did_it() -> None:
    for act, (_, says) in ACTS.items():
        assert says.count("{about}") <= 1, act
        assert "{" not in says.replace("{about}", ""), act
        assert says[0].islower(), act
        assert not says.endswith("."), act


def test_an_act_of_another_version_reads_as_its_name() -> None:
    assert sentence_of("tea_made") == ("tea made: ", "")
    assert sentence_of("signed_in") == ("signed in", None)


def test_whoever_did_it_is_called_by_today_s_name_and_never_left_blank() -> None:
    names = {"7": "Asha Deshmukh", "8": "Warehouse"}
    assert who_is("account:7", names) == "Asha Deshmukh"
    assert who_is("account:9", names) == "A person who is here no more"
    assert who_is("key:8", names) == "A program with the API key Warehouse"
    assert who_is("public", names) == "Somebody not signed in"
    assert who_is("bench", names) == "The site (bench)"


def test_a_change_that_takes_effect_is_the_sites_doing_and_named() -> None:
    assert who_is("change:7", {"7": "New stamp for the office MUM"}) == "The site, carrying out the change New stamp for the office MUM"
    assert who_is("change:9", {}) == "The site, carrying out the change 9"
    assert (
        "engine" not in " ".join(who_is(actor, {}) for actor in ("corridor", "mail", "system:changes", "system:presented", "sweep")).lower()
    )
