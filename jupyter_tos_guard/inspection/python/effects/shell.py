"""IPython's shell: cells and magics that are run, registered, or put in place of others."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, reflection, trees
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.effects.history import history_inputs
from jupyter_tos_guard.inspection.python.effects.processes import (
    decoded,
    is_fetched,
    looks_like_command,
    node_of,
    shell,
)
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Choice,
    Class,
    Code,
    Function,
    Instance,
    Namespace,
    Native,
    Partial,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def _find_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``find_line_magic(name)``: the magic as a function."""
    return magic_function(symbol.name.rpartition(".")[2], self.text(first_argument(arguments)), self)


def magic_function(kind: str, name: str, self: Evaluator) -> Value:
    """Return a magic as a function, by its kind (``line`` or ``cell``) and name."""
    run_magic = _cell_magic if "cell" in kind else _line_magic
    method = "get_ipython.run_cell_magic" if "cell" in kind else "get_ipython.run_line_magic"
    return Native(
        lambda given, named: run_magic(self.current(), Symbol(method, True), [name, *(given or [""])], named)
    )


def _run_cell(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``get_ipython().run_cell(text)``."""
    from jupyter_tos_guard.inspection.python import magics

    text = argument(arguments, keywords, 0, "raw_cell", "cell", "code", "source")
    names = _own_names(symbol)
    if type(text) is Code or text is None:
        return reflection.run(self, text, "run_code", names)
    if is_fetched(text):
        self.opaque("download-run", self.node)
        return UNKNOWN
    made = self.text(decoded(text))
    if not made.replace(HOLE, "").strip():
        self.opaque("exec-unknown", self.node, "run_cell")
        return UNKNOWN
    return magics.run_nested(self, made, ("run_cell", *self.steps_of(made, node_of(self))), names=names)


def _interpreter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``code.InteractiveInterpreter(names)``: what it runs has names of its own."""
    names = argument(arguments, keywords, 0, "locals")
    return Symbol(symbol.name, True, ([names if type(names) is dict else {}], {}))


def _own_names(symbol: Symbol) -> dict[str, Value] | None:
    kept = symbol.details[0][:1] if symbol.name.startswith("code.") and symbol.details else []
    return kept[0] if kept and type(kept[0]) is dict else None


def _line_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    name = self.text(argument(arguments, keywords, 0, "magic_name", "arg_s"))
    line = self.text(argument(arguments, keywords, 1, "line", "parameter_s") or "")
    if symbol.name.endswith("magic") and len(arguments) == 1 and "line" not in keywords:
        name, _, line = name.lstrip("%").partition(" ")
    return magics.line_magic(self, name, line, self.origin_of(self.node, *self.steps_of(line)))


def _cell_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    name = self.text(argument(arguments, keywords, 0, "magic_name"))
    line = self.text(argument(arguments, keywords, 1, "line") or "")
    body = self.text(argument(arguments, keywords, 2, "cell") or "")
    steps = self.steps_of(body)
    return magics.cell_magic(self, name, line, body, self.origin_of(self.node, *steps), 0)


def _register_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``register_line_magic`` and ``register_magic_function``: a function becomes a magic."""
    magics = self.state.magics
    word = symbol.name.rpartition(".")[2]
    function = first_argument(arguments, keywords.get("func", UNKNOWN))
    if word.startswith("register_") and type(function) is str:
        label = function
        return Native(lambda given, named: magics.__setitem__(label, first_argument(given)))
    if word == "register_magics":
        for each in arguments:
            cls = each if type(each) is Class else each.cls if type(each) is Instance else None
            if cls is not None:
                receiver = each if type(each) is Instance else Instance(cls)
                receiver.attributes.setdefault("shell", Symbol("get_ipython", True))
                for name, member in cls.namespace.items():
                    if type(member) is Function:
                        magics[name] = Bound(member, receiver)
        return None
    name = argument(arguments, keywords, 2, "magic_name")
    if type(name) is not str:
        name = (
            function.name
            if type(function) is Function
            else function.name.rpartition(".")[2]
            if type(function) is Symbol
            else ""
        )
    if name:
        magics[name] = function
    return function


def _magic_decorator(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if arguments and type(arguments[0]) is str:
        return Native(lambda given, named: first_argument(given))
    return first_argument(arguments)


def _alias(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    if len(arguments) > 1:
        magics.define(
            self, self.text(arguments[0]), self.text(arguments[1]), symbol.name.endswith("define_macro")
        )
    return None


def _push(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if arguments and type(arguments[0]) is dict:
        for name, value in arguments[0].items():
            self.state.names[name] = value
    return None


def _unregister(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Unhook: taking one's own callback back is no business of anybody's; another's may be the guard's."""
    from jupyter_tos_guard.inspection.python import sinks

    callback = argument(arguments, keywords, 1, "function", "callback")
    if type(callback) is Symbol and callback.name.startswith("get_ipython.events.callbacks"):
        sinks.emit_call(self, f"{callback.name}.unregister", self.node)  # found by going through them all
    if type(callback) not in (Function, Bound, Partial):
        sinks.emit_call(self, symbol.name, self.node)
    return None


#: Key of what is called when a cell raises, whose last word is a word to look out for.
_ON_ERROR: Final = "\0errors.raise"


def _on_error(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``set_custom_exc((kinds, …), handler)``."""
    kinds = argument(arguments, keywords, 0, "exc_tuple")
    handler = argument(arguments, keywords, 1, "handler")
    self.session.patched[_ON_ERROR] = (kinds, handler)
    self.escape(handler, [], {})
    return None


def tell_error(self: Evaluator, value: Value) -> None:
    """Call what the program wants called when a cell raises ``value``."""
    session = self.session
    if _ON_ERROR not in session.patched or self.frame.names is not self.state.names:
        return
    with session.original(_ON_ERROR) as (kinds, handler):
        if library.catches(self, kinds, value) is not False:
            kind = value.cls if type(value) is Instance else UNKNOWN
            self.attempt(handler, [Symbol("get_ipython", True), kind, value, UNKNOWN])


def _on_event(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``events.register("pre_run_cell", function)``: it is told of each cell."""
    event = argument(arguments, keywords, 0, "event")
    function = argument(arguments, keywords, 1, "function")
    if type(event) is str and event.endswith("run_cell") and type(function) in (Function, Bound, Partial):
        self.session.told = [*self.session.told, function][-8:]
    self.escape_all(arguments, keywords)
    return None


def tell_cell(self: Evaluator, source: str) -> None:
    """Call what the program wants called for each cell."""
    for each in self.session.told:
        info = Namespace("info", {"raw_cell": source, "store_history": True, "silent": False})
        info.attributes["info"] = info  # where it is the result that is told
        self.attempt(each, [info])


def hook(self: Evaluator, name: str, function: Value) -> None:
    """Something of the user's is put into IPython."""
    self.escape(function, [], {})


def shell_attribute(self: Evaluator, full: str) -> Value | None:
    """Attribute of IPython's shell object."""
    if full in ("get_ipython.user_ns", "get_ipython.user_global_ns", "get_ipython.ns_table"):
        return self.all_names()
    if full in (
        "get_ipython.history_manager.input_hist_raw",
        "get_ipython.history_manager.input_hist_parsed",
    ):
        return history_inputs(self)
    if full.startswith("get_ipython.events.callbacks.") and full.rpartition(".")[2] in _READING:
        # Looking at the hooks is no business of anybody's; changing what was looked at is.
        return Native(lambda given, named: Symbol("get_ipython.events.callbacks", True))
    return None


_READING: Final = frozenset("items keys values get copy".split())


def shell_call(self: Evaluator, name: str, arguments: Arguments, keywords: Keywords) -> Value | None:
    """Methods of IPython's shell object that are known by their last word."""
    words = name.split(".")
    if words[-1] in ("append", "insert", "extend", "prepend") and "transformers" in words[-2]:
        for each in arguments:
            for one in each if type(each) is list else [each]:
                if type(one) in (Function, Bound, Partial):
                    self.session.transformers.append(one)
                elif type(one) is Instance:
                    _tree_transformer(self, one)
                    self.session.rewriters = [*self.session.rewriters, one][-8:]
        return None
    return None


def rewritten(self: Evaluator, body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Statements that the program's own transformers of trees make of a cell's, where they change one."""
    made: list[ast.stmt] = []
    for statement in body[:200] if self.session.rewriters else ():
        self.budget.spend(64)
        before = ast.dump(statement)
        values: Value = [trees.node_value(statement, [500])]
        for each in self.session.rewriters:
            values = trees.rewrite(self, each, values)
        built = [trees.build_tree(each) for each in values if each is not UNKNOWN]
        statements = [ast.Expr(each) if isinstance(each, ast.expr) else each for each in built]
        statements = [each for each in statements if isinstance(each, ast.stmt)]
        if [ast.dump(each) for each in statements] != [before]:
            made += map(ast.fix_missing_locations, statements)
    return made


def _tree_transformer(self: Evaluator, transformer: Instance) -> None:
    """Run the commands that an object writes into the syntax trees of later cells."""
    for name, method in list(transformer.cls.namespace.items()):
        if type(method) is not Function or not name.startswith(("visit", "__call__")):
            continue
        node = Instance(Class("node", [], {}, {}))
        made = self.call(Bound(method, transformer), [node])
        for text in _texts([made, *node.attributes.values()], 6):
            if looks_like_command(text):
                shell(self, text, "syntax tree")


def _texts(values: Sequence[Value], depth: int) -> list[str]:
    found: list[str] = []
    for value in values[:64]:
        kind = type(value)
        if kind is str:
            found.append(value)
        elif depth <= 0:
            continue
        elif kind is Choice:
            found += _texts(value.values, depth - 1)
        elif kind in (list, tuple):
            found += _texts(list(value), depth - 1)
        elif kind is Symbol and value.details is not None:
            found += _texts([*value.details[0], *value.details[1].values()], depth - 1)
        elif kind is Instance:
            found += _texts(list(value.attributes.values()), depth - 1)
        elif kind is Code:
            found.append(value.source)
    return found


HANDLERS: Final[dict[str, Any]] = {
    "get_ipython.find_line_magic": _find_magic,
    "get_ipython.find_cell_magic": _find_magic,
    "get_ipython.find_magic": _find_magic,
    "get_ipython.run_cell": _run_cell,
    "get_ipython.run_cell_async": _run_cell,
    "get_ipython.ex": _run_cell,
    "get_ipython.run_code": _run_cell,
    "get_ipython.runcode": _run_cell,
    "get_ipython.kernel.do_execute": _run_cell,
    "get_ipython.ev": lambda self, symbol, arguments, keywords: reflection.run(
        self, first_argument(arguments), "eval"
    ),
    "get_ipython.run_line_magic": _line_magic,
    "get_ipython.magic": _line_magic,
    "get_ipython.line_magic": _line_magic,
    "get_ipython.run_cell_magic": _cell_magic,
    "get_ipython.cell_magic": _cell_magic,
    "get_ipython.push": _push,
    "get_ipython.user_ns.update": _push,
    "get_ipython.events.unregister": _unregister,
    "get_ipython.define_alias": _alias,
    "get_ipython.alias_manager.define_alias": _alias,
    "get_ipython.alias_manager.soft_define_alias": _alias,
    "get_ipython.define_macro": _alias,
    "get_ipython.set_custom_exc": _on_error,
    "get_ipython.events.register": _on_event,
    **dict.fromkeys(
        "IPython.core.magic.register_line_magic IPython.core.magic.register_cell_magic "
        "IPython.core.magic.register_line_cell_magic get_ipython.register_magic_function "
        "get_ipython.register_magics get_ipython.magics_manager.register_function "
        "get_ipython.magics_manager.register "
        "IPython.core.magic.register_line_cell".split(),
        _register_magic,
    ),
    **dict.fromkeys(
        "IPython.core.magic.line_magic IPython.core.magic.cell_magic "
        "IPython.core.magic.line_cell_magic IPython.core.magic.magics_class "
        "IPython.core.magic.needs_local_scope IPython.core.magic.no_var_expand "
        "IPython.core.magic_arguments.magic_arguments".split(),
        _magic_decorator,
    ),
    "code.InteractiveInterpreter": _interpreter,
    "code.InteractiveConsole": _interpreter,
    "code.InteractiveInterpreter.runsource": _run_cell,
    "code.InteractiveInterpreter.runcode": _run_cell,
    "code.InteractiveConsole.push": _run_cell,
    "code.InteractiveConsole.runsource": _run_cell,
    "code.InteractiveConsole.runcode": _run_cell,
    "IPython.core.interactiveshell.InteractiveShell.run_cell": _run_cell,
}
