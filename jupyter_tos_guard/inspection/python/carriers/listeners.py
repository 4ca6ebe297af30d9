"""Functions that are chosen or called for what comes: handlers of a logger, functions of several kinds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Class,
    Function,
    Instance,
    Namespace,
    Native,
    Path,
    Stream,
    Symbol,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


_LEVELS: Final = "debug info warning warn error critical exception fatal log".split()
#: Key of the session's listeners, each once for each level: whose last word is a word to look out for.
_LISTENERS: Final = "\0logging."


def listen(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``logger.addHandler(handler)``, ``addFilter``, ``logger.handlers = […]``: who hears each message."""
    kept = self.session.patched
    given = [*arguments, *keywords.values()]
    if symbol.name.endswith("basicConfig"):
        named = {"mode": keywords.get("filemode", "a"), _FORMAT: keywords.get("format", _USUAL)}
        target = keywords.get("filename", keywords.get("stream"))
        given = [keywords.get("handlers"), Symbol("logging.FileHandler", True, ([target], named))]
    for each in [one for value in given for one in (value[:64] if type(value) is list else [value])]:
        names = ("handle", "emit", "filter")
        found = [each.cls.find(name) for name in names] if type(each) is Instance else []
        called = [Bound(method, each) for method in found if type(method) is Function]
        if type(each) in (Function, Bound):
            called = [each]
        if type(each) is Symbol and each.called and each.details and each.details[0]:
            called = _written(self, each)
        for level in _LEVELS if called and len(kept) < 256 else ():
            kept[_LISTENERS + level] = [*kept.get(_LISTENERS + level, []), *called][:8]
    return None


#: A file handler's setting: how it writes a message.
_FORMAT: Final = "\0format"
_USUAL: Final = "%(levelname)s:%(name)s:%(message)s"


def _written(self: Evaluator, handler: Symbol) -> list[Value]:
    """Return what a handler does that writes messages to a file."""
    from jupyter_tos_guard.inspection.shell import process

    (target, *more), named = handler.details
    path = self.text(target) if type(target) in (str, Path) else ""
    if not handler.name.endswith("Handler") or not (path or type(target) is Stream) or HOLE in path:
        return []
    mode = more[0] if more else named.get("mode")
    if path and mode == "w":
        process.write_file(path, "", self.state, self.origin_of(self.node))

    def write(given: Arguments) -> Value:
        now = self.current()
        record = {**given[0].attributes, "name": HOLE, "asctime": HOLE}
        line = now.text(now.binary(ast.Mod, named.get(_FORMAT, "%(message)s"), record)) + "\n"
        if path:
            process.write_file(path, line, now.state, now.origin_of(now.node), append=True)
        else:
            methods.write(now, target, line)
        return None

    return [native(write)]


def set_format(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``handler.setFormatter(logging.Formatter(text))``."""
    made = argument(arguments, keywords, 0, "fmt")
    if symbol.details is not None and type(made) is Symbol and made.details is not None:
        given, named = made.details
        text = argument(given, named, 0, "fmt")
        symbol.details[1][_FORMAT] = text if type(text) is str and "%(" in text else "%(message)s"
    return None


def message(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``logger.warning(text, *arguments)``."""
    word = symbol.name.rpartition(".")[2]
    if word == "log":
        arguments = arguments[1:]
    listeners = self.session.patched.get(_LISTENERS + word, ())
    if not listeners or not arguments:
        return None
    text, values = arguments[0], tuple(arguments[1:])
    shown = self.binary(ast.Mod, text, values) if values else text
    record = Namespace(
        "record",
        {
            "msg": text,
            "args": values,
            "message": shown,
            "getMessage": native(lambda given: shown),
            "levelname": word.upper(),
        },
    )
    for each in listeners:
        self.defer(each, [record], {})
    return None


def adapted(
    self: Evaluator, value: Instance, base: str, arguments: Arguments, keywords: Keywords
) -> tuple[Arguments, Keywords]:
    """Return what a ``LoggerAdapter`` of the user's makes of a message before it is logged."""
    method = value.cls.find("process") if base == "logging.LoggerAdapter" and arguments else None
    if type(method) is not Function:
        return arguments, keywords
    made = self.call(Bound(method, value), [arguments[0], keywords])
    if type(made) is not tuple or len(made) != 2:
        return [UNKNOWN, *arguments[1:]], keywords
    return [made[0], *arguments[1:]], made[1] if type(made[1]) is dict else keywords


def shown_message(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``handler.format(record)``."""
    return self.attribute(arguments[-1], "message") if arguments else UNKNOWN


def dispatched(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``functools.singledispatch(function)``: the way that fits the first argument is taken."""
    ways: list[tuple[Value, Value]] = []
    usual = arguments[0] if arguments else UNKNOWN
    position = 1 if symbol.name.endswith("method") else 0

    def keep(kind: Value, function: Value) -> Value:
        ways.append((kind, function))
        return function

    def register(given: Arguments) -> Value:
        if len(given) > 1:
            return keep(given[0], given[1])
        if given and type(given[0]) is Function:  # its annotation tells for what
            return keep(_first_annotation(given[0]), given[0])
        return native(lambda functions: keep(given[0], functions[0]))

    def of_instance(given: Arguments) -> Value:
        return Native(lambda more, named: call([*given[:2], *more], named))

    def call(given: Arguments, named: Keywords) -> Value:
        now = self.current()
        given = given[1:]
        chosen = given[position] if len(given) > position else UNKNOWN
        possible: list[Value] = []
        for kind, function in reversed(ways):
            fits = now.truth(now.call(Symbol("builtins.isinstance"), [chosen, kind]))
            if fits is not False:
                possible.append(function)
            if fits:
                break
        else:
            possible.append(usual)
        return either([now.call(each, given, named) for each in possible])

    made = Instance(Class("dispatched", [], {"__call__": Native(call)}, {}))
    made.attributes["register"] = native(register)
    if position:
        made.cls.namespace["__get__"] = native(of_instance)
    return made


def _first_annotation(function: Function) -> Value:
    found = function.attributes.get("__annotations__")
    return next((each for name, each in found.items() if name != "return"), UNKNOWN) if found else UNKNOWN


_LOGGERS: Final = ("", "getLogger.", "root.", "Logger.", "getLogger.getChild.", "LoggerAdapter.")
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        [f"logging.{each}{word}" for each in _LOGGERS for word in ("addHandler", "addFilter")]
        + [f"logging.{each}handlers.{word}" for each in _LOGGERS for word in ("append", "insert", "extend")]
        + ["logging.basicConfig"],
        listen,
    ),
    **dict.fromkeys([f"logging.{each}{word}" for each in _LOGGERS for word in _LEVELS], message),
    **dict.fromkeys(
        [
            f"logging.{each}Handler.setFormatter"
            for each in (
                "File",
                "Stream",
                "handlers.RotatingFile",
                "handlers.TimedRotatingFile",
                "handlers.WatchedFile",
            )
        ],
        set_format,
    ),
    **dict.fromkeys(
        [f"logging.{each}.format" for each in ("Handler", "StreamHandler", "FileHandler", "Formatter")],
        shown_message,
    ),
    "functools.singledispatch": dispatched,
    "functools.singledispatchmethod": dispatched,
}
