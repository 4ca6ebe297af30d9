"""Modules of the session's own: what is imported, run or tested from files that it wrote."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import reflection
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.cell import source_text
from jupyter_tos_guard.inspection.python.effects.processes import argv
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Class,
    Function,
    Generator,
    Instance,
    Namespace,
    Native,
    Symbol,
    Value,
)
from jupyter_tos_guard.inspection.state import File

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def own_module(self: Evaluator, name: str, node: ast.AST | None) -> Value | None:
    """Run and return a module that the session wrote to a file; None if it wrote none of that name."""
    known = self.session.modules.get(name)
    patched = self.session.patched.get(f"sys.modules.{name}")
    if patched is not None:
        return patched
    files = self.state.files
    if not files:
        return known
    tail = name.replace(".", "/")
    for path, file in list(files.items())[:2000]:
        if path.endswith((f"{tail}.py", f"{tail}/__init__.py")) and (
            path in (f"{tail}.py", f"{tail}/__init__.py")
            or path[: -len(tail) - 3].endswith("/")
            or "__init__" in path
        ):
            return _load_module(self, name, path, file, node)
        if file.content is None and file.source and (path == tail or path.endswith("/" + tail)):
            # A package out of a fetched folder.
            _from_source(self, file.source, path, node)
            return None
    return known


def _reload(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``importlib.reload(module)``: its file may be another by now."""
    module = first_argument(arguments)
    name = self.text(module.attributes.get("__name__", "")) if type(module) is Namespace else ""
    again = own_module(self, name, self.node) if name else None
    if type(again) is not Namespace or type(module) is not Namespace:
        return again or module
    module.attributes.update(again.attributes)  # every name of the module sees what is new
    self.session.modules[name] = module
    return module


def _from_source(self: Evaluator, source: str, path: str, node: ast.AST | None) -> None:
    from jupyter_tos_guard.inspection.shell import process

    process.emit_source(source, self.state, self.origin_of(node), path)


def _load_module(self: Evaluator, name: str, path: str, file: File, node: ast.AST | None) -> Value:
    module = Namespace(name, {"__name__": name})
    self.emit(Kind.FILE, path.lower(), node)
    if file.source:
        _from_source(self, file.source, path, node)
    if file.content is None:
        self.opaque("download-run", node, f"file {path}")
        return module
    self.session.modules[name] = module
    outer, self.node = self.node, node
    try:
        text = source_text(file.content)
        module.attributes.update({"__name__": name, "\0source": text})
        own = path.endswith("__init__.py")
        module.attributes["__package__"] = name if own else name.rpartition(".")[0]
        self.run_text(text, ("import", f"file {path}"), node, module.attributes)
    finally:
        self.node = outer
    return module


def _run_path(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``runpy.run_path`` and its kin."""
    path = self.text(first_argument(arguments, keywords.get("path_name", UNKNOWN)))
    return run_file(self, path, [self.text(each) for each in self.session.words() or ()])


def run_file(
    self: Evaluator, path: str, words: Sequence[str], names: dict[str, Value] | None = None
) -> Value:
    """Run a Python file, in ``names`` if it shares them."""
    from jupyter_tos_guard.inspection.shell import process

    if HOLE in path:
        self.opaque("exec-unknown", self.node, "run")
        return UNKNOWN
    file = process.find_file(path, self.state)
    argv(self, ["python", path, *words])
    made = names if names is not None else {}
    if (file is not None and file.content is not None and path.endswith((".py", ".ipy", ".txt"))) or (
        file is not None and file.content is not None and "." not in posixpath.basename(path)
    ):
        text = source_text(file.content)
        before = len(self.state.facts)
        with self.session.argv([path, *words]):
            self.run_text(text, (f"file {path}",), self.node, made, ipython=path.endswith(".ipy"))
        seen = {(fact.kind, fact.value) for fact in self.state.facts[:before]}
        self.state.facts[before:] = [f for f in self.state.facts[before:] if (f.kind, f.value) not in seen]
    return made


def _run_module(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``runpy.run_module(name)`` with what ``sys.argv`` holds."""
    name = self.text(first_argument(arguments, keywords.get("mod_name", UNKNOWN)))
    own = own_module(self, name, self.node)
    if own is not None:
        return own.attributes if type(own) is Namespace else UNKNOWN
    argv(self, ["python", "-m", name, *[self.text(each) for each in self.session.words() or ()]])
    return UNKNOWN


def run_tests(self: Evaluator, names: dict[str, Value]) -> None:
    """Call what a test runner calls: functions by their names, methods of test classes."""
    found = list(names.items())[:500]
    for _, value in found:
        if type(value) is Function and any(named.get("autouse") for _, named in _marks(value, "fixture")):
            _result(self, value, names)
    for name, value in found:
        if type(value) is Function and _TEST.match(name):
            _test(self, value, names)
        elif type(value) is Class and (
            name.startswith("Test")
            or any(type(each) is Symbol and "TestCase" in each.name for each in value.lineage())
        ):
            _use_fixtures(self, value, names)
            receiver = Instance(value)
            members = [each for each in value.namespace.items() if type(each[1]) is Function]
            for word, member in sorted(members, key=lambda each: each[0].lower()[:5] != "setup"):
                if _TEST.match(word):
                    _test(self, member, names, receiver)


_MARKS: Final = "\0marks"


def mark(value: Value, decorator: Symbol) -> None:
    """Keep what a decorator of pytest says of a function or class."""
    if type(value) in (Function, Class):
        kept = value.attributes if type(value) is Function else value.keywords
        kept.setdefault(_MARKS, []).append((decorator.name.rpartition(".")[2], decorator.details))


def _marks(value: Value, word: str) -> list[tuple[Arguments, Keywords]]:
    kept = value.attributes if type(value) is Function else value.keywords
    return [details for name, details in kept.get(_MARKS, ()) if name == word]


def _use_fixtures(self: Evaluator, value: Value, names: dict[str, Value]) -> None:
    for arguments, _ in _marks(value, "usefixtures"):
        for each in arguments[:16]:
            if type(each) is str and type(names.get(each)) is Function:
                _result(self, names[each], names)


def _test(self: Evaluator, function: Function, names: dict[str, Value], *given: Value) -> None:
    """Call a test with each of its parameters."""
    _use_fixtures(self, function, names)
    ways: list[dict[str, Value]] = [{}]
    for arguments, _ in _marks(function, "parametrize"):
        if len(arguments) > 1:
            labels = arguments[0].replace(",", " ").split() if type(arguments[0]) is str else arguments[0]
            rows = [_row(labels, each) for each in self.items(arguments[1])[:32]]
            ways = [{**way, **row} for way in ways for row in rows][:32]
    for way in ways:
        _result(self, function, names, *given, chosen=way)


def _row(labels: Value, value: Value) -> dict[str, Value]:
    if type(value) is Symbol and value.name == "pytest.param" and value.details:
        value = tuple(value.details[0]) if len(labels) > 1 else value.details[0][0]
    return dict(
        zip(labels, value if len(labels) > 1 and type(value) in (list, tuple) else [value], strict=False)
    )


def _result(
    self: Evaluator,
    function: Function,
    names: dict[str, Value],
    *given: Value,
    chosen: dict[str, Value] | None = None,
    depth: int = 6,
) -> Value:
    """Call a test or fixture; its parameters are the results of fixtures that are so named."""
    values = list(given)
    for each in function.node.args.args[len(given) :]:
        fixture = names.get(each.arg)
        if chosen and each.arg in chosen:
            values.append(chosen[each.arg])
        elif type(fixture) is Function and depth:
            values.append(_result(self, fixture, names, depth=depth - 1))
        else:
            values.append(UNKNOWN)
    made = self.call(function, values)
    return made.items[0] if type(made) is Generator and made.items else made


_TEST: Final = re.compile(r"test|pytest_|[sS]et_?[uU]p|[tT]ear_?[dD]own")


def _run_own_tests(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``unittest.main()`` and its kin: the tests of the module that calls it."""
    run_tests(self, self.all_names() if self.frame.globals is self.state.names else self.frame.globals)
    return None


def _run_test_files(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pytest.main(arguments)``."""
    words = argument(arguments, keywords, 0, "args")
    argv(self, ["pytest", *(self.items(words) if type(words) in (list, tuple) else [])])
    return None


def _run_examples(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``doctest.testmod()``, ``doctest.run_docstring_examples(function, names)``."""
    from jupyter_tos_guard.inspection.shell import wrappers

    tested: list[Value] = list(arguments[:1])
    if symbol.name.endswith("testfile"):
        argv(self, ["python", "-m", "doctest", self.text(first_argument(arguments))])
        return UNKNOWN
    if not tested or symbol.name.endswith("testmod"):
        tested = [each for each in self.all_names().values() if type(each) in (Function, Class)]
    for each in tested[:200]:
        text = self.attribute(each, "__doc__")
        if type(text) is str and ">>>" in text:
            self.run_text(wrappers.examples_of(text), ("examples",), self.node)
    return UNKNOWN


def _load_source(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``SourceFileLoader(name, path)`` and ``spec_from_file_location``: a module from a path."""
    path = self.text(argument(arguments, keywords, 1, "path", "location", "pathname"))
    name = self.text(first_argument(arguments, ""))
    from jupyter_tos_guard.inspection.shell import process

    file = process.find_file(path, self.state)
    node = self.node

    def load(given: Arguments, named: Keywords) -> Value:
        evaluator = self.current()
        if file is None:
            return UNKNOWN
        module = _load_module(
            evaluator, name, resolve(path, evaluator.state.cwd), file, evaluator.node or node
        )
        target = given[0] if given else None
        if type(target) is Namespace and type(module) is Namespace:
            target.attributes.update(module.attributes)
        return module

    if symbol.name.endswith("load_source"):
        return load([], {})
    loader = Namespace(
        "loader", {"load_module": Native(load), "exec_module": Native(load), "get_code": Native(load)}
    )
    return Namespace("spec", {**loader.attributes, "loader": loader, "name": name})


def _spec_from_loader(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``spec_from_loader(name, loader)``: what the loader does is all there is to it."""
    loader = argument(arguments, keywords, 1, "loader")
    if type(loader) is not Namespace:
        return Symbol(symbol.name, True, (arguments, keywords))
    return Namespace("spec", {**loader.attributes, "loader": loader, "name": first_argument(arguments)})


def _module_from_spec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if type(first_argument(arguments)) is Symbol:
        return arguments[0]  # importlib.util.find_spec("os")
    return Namespace("module", {})


#: Commands that an installation or a build goes through.
_BUILDS: Final = frozenset(
    "build build_py build_ext build_clib build_scripts install install_lib install_data install_scripts "
    "develop editable_wheel egg_info dist_info bdist_wheel bdist bdist_egg sdist".split()
)


def _setup(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``setuptools.setup(cmdclass={…})``: the commands that are asked for, or that a build goes through."""
    given = self.session.words()
    words = [self.text(each) for each in given] if given is not None else ["install"]
    commands = keywords.get("cmdclass")
    for name, cls in list(commands.items())[:32] if type(commands) is dict else ():
        if type(cls) is Class and (name in words or (name in _BUILDS and not _BUILDS.isdisjoint(words))):
            command = self.instantiate(cls, [], {})
            for word in ("initialize_options", "", "finalize_options", "run"):
                method = cls.find(word)
                if not word and type(command) is Instance and name in words:
                    command.attributes.update(_options(words[words.index(name) + 1 :]))
                elif type(method) is Function:
                    self.attempt(Bound(method, command), [])
    return Symbol(symbol.name, True)


def _options(words: Sequence[str]) -> dict[str, Value]:
    pairs = [word[2:].partition("=") for word in words if word.startswith("--")]
    return {name.replace("-", "_"): value if equals else 1 for name, equals, value in pairs}


def _start_ipython(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``IPython.start_ipython(argv=["-c", code])``."""
    from jupyter_tos_guard.inspection.python import magics

    words = argument(arguments, keywords, 0, "argv")
    given = [self.text(each) for each in self.items(words)] if type(words) in (list, tuple) else []
    for option, code in itertools.pairwise(given):
        if option == "-c":
            magics.run_nested(self, code, ("ipython -c",), fresh=True)
    for word in given:
        if word.endswith((".py", ".ipy")):
            run_file(self, word, [])
    return UNKNOWN


HANDLERS: Final[dict[str, Any]] = {
    "setuptools.setup": _setup,
    "distutils.core.setup": _setup,
    "runpy.run_path": _run_path,
    "builtins.execfile": _run_path,
    "IPython.utils.py3compat.execfile": _run_path,
    "get_ipython.safe_execfile": _run_path,
    "get_ipython.safe_execfile_ipy": _run_path,
    "runpy.run_module": _run_module,
    "runpy._run_module_as_main": _run_module,
    "zipimport.zipimporter.load_module": reflection.HANDLERS["importlib.import_module"],
    "importlib.reload": _reload,
    "imp.reload": _reload,
    "imp.load_source": _load_source,
    "importlib.machinery.SourceFileLoader": _load_source,
    "importlib._bootstrap_external.SourceFileLoader": _load_source,
    "importlib.util.spec_from_file_location": _load_source,
    "importlib.util.spec_from_loader": _spec_from_loader,
    "importlib.machinery.ModuleSpec": _spec_from_loader,
    "importlib.util.module_from_spec": _module_from_spec,
    **dict.fromkeys(
        "IPython.start_ipython IPython.terminal.ipapp.launch_new_instance IPython.start_kernel".split(),
        _start_ipython,
    ),
    **dict.fromkeys("unittest.main unittest.TextTestRunner.run ipytest.run".split(), _run_own_tests),
    **dict.fromkeys("pytest.main pytest.console_main".split(), _run_test_files),
    **dict.fromkeys("doctest.testmod doctest.run_docstring_examples doctest.testfile".split(), _run_examples),
}
