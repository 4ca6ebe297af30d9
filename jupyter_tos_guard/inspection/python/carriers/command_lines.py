"""Command lines: what ``sys.argv`` holds, read by parsers or handed to functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Class,
    Function,
    Instance,
    Namespace,
    Native,
    Symbol,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def words_of(self: Evaluator) -> list[str] | None:
    """Arguments of the program, if they are known."""
    words = self.session.patched.get("sys.argv")
    return [self.text(each) for each in words[1:]] if type(words) is list else None


def argument_parser(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``argparse.ArgumentParser()``: what its options default to, or are set to."""
    options: list[tuple[str, list[str], Keywords]] = []

    def add_argument(given: Arguments, named: Keywords) -> Value:
        names = [each for each in given if type(each) is str]
        if names and len(options) < 500:
            long = next((each for each in names if each.startswith("--")), names[0])
            target = named.get("dest")
            name = target if type(target) is str else long.lstrip("-").replace("-", "_")
            options.append((name, names, named))
        return None

    def set_defaults(given: Arguments, named: Keywords) -> Value:
        options.extend((name, [], {"default": value}) for name, value in named.items())
        return None

    def parse(given: Arguments, named: Keywords) -> Value:
        words: Any = given[0] if given else named.get("args")
        if words is None:
            words = words_of(self.current())
        known = type(words) in (list, tuple) and all(type(each) is str for each in words)
        made = Namespace("arguments", {name: _default(spec, known) for name, _, spec in options})
        if known:
            _read_words(self.current(), list(words), options, made.attributes)
        return made

    found: dict[str, Value] = {
        "add_argument": Native(add_argument),
        "set_defaults": Native(set_defaults),
        "parse_args": Native(parse),
        "parse_known_args": Native(lambda given, named: (parse(given, named), [])),
    }
    made = Namespace("ArgumentParser", found)
    for name in ("add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"):
        found[name] = native(lambda given: made)
    return made


def _default(spec: Keywords, known: bool) -> Value:
    default = spec.get("default")
    if spec.get("action") in ("store_true", "store_false") and "default" not in spec:
        default = spec["action"] == "store_false"
    return default if known else either([default, UNKNOWN]) if type(default) is not str else default


def _read_words(
    self: Evaluator, words: list[str], options: list[tuple[str, list[str], Keywords]], into: dict[str, Value]
) -> None:
    positional = [entry for entry in options if entry[1] and not entry[1][0].startswith("-")]
    by_name = {name: entry for entry in options for name in entry[1]}
    while words:
        word = words.pop(0)
        head, found, value = word.partition("=")
        entry = by_name.get(head if found else word)
        if entry is None:
            if positional and not word.startswith("-"):
                into[positional.pop(0)[0]] = word
            continue
        action = entry[2].get("action")
        if action in ("store_true", "store_false"):
            into[entry[0]] = action == "store_true"
        elif found:
            into[entry[0]] = value
        elif entry[2].get("nargs") in ("+", "*"):
            taken = []
            while words and not words[0].startswith("-"):
                taken.append(words.pop(0))
            into[entry[0]] = taken
        elif words:
            into[entry[0]] = words.pop(0)


def options_read(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``getopt.getopt(words, letters, names)``: options with their values, and the rest."""
    try:
        read = getattr(library.stdlib("getopt"), symbol.name.rpartition(".")[2])
        options, rest = read(*arguments, **keywords)
    except Exception:
        return (UNKNOWN, UNKNOWN)
    return (list(options), rest)


def run_with_words(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``fire.Fire(function)``, ``typer.run(function)``: called with the arguments of the program."""
    words = argument(arguments, keywords, 1, "command")
    if type(words) is str:
        words = words.split()
    if type(words) is not list:
        words = words_of(self)
    if words is None:
        self.escape_all(arguments, keywords)
        return UNKNOWN
    return _call_with(self, first_argument(arguments, keywords.get("component", UNKNOWN)), words)


def _call_with(self: Evaluator, function: Value, words: list[str]) -> Value:
    """Call a function, a method of an object or a member of a dictionary, as its command line says."""
    for _ in range(4):
        if type(function) is Class and words:
            function = self.call(function, [])
        if type(function) is dict and words:
            function, words = function.get(words[0], UNKNOWN), words[1:]
        elif type(function) in (Instance, Namespace) and words:
            function, words = self.attribute(function, words[0].replace("-", "_")), words[1:]
    given: list[Value] = []
    named: Keywords = {}
    words = list(words)
    while words:
        word = words.pop(0)
        name, found, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            given.append(word)
        elif found or (words and not words[0].startswith("-")):
            named[_parameter(function, name)] = value if found else words.pop(0)
        else:
            named[_parameter(function, name)] = True
    return self.call(function, given, named)


def _parameter(function: Value, name: str) -> str:
    """Parameter that an option is for; a letter is for the first one that begins with it."""
    name = name.replace("-", "_")
    if len(name) == 1 and type(function) is Function:
        names = [each.arg for each in (*function.node.args.args, *function.node.args.kwonlyargs)]
        return next((each for each in names if each.startswith(name)), name)
    return name


def application(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``typer.Typer()``, ``@click.group()``: calling it calls the command that is named first."""
    commands: dict[str, Value] = {}

    def command(given: Arguments, named: Keywords) -> Value:
        name = first_argument(given, named.get("name"))

        def keep(function: Value) -> Value:
            label = name if type(name) is str else getattr(function, "name", "").replace("_", "-")
            commands[label] = function
            return function

        if given and type(given[0]) is Function:
            return keep(given[0])
        return native(lambda functions: keep(first_argument(functions)))

    def call(given: Arguments, named: Keywords) -> Value:
        now = self.current()
        words = words_of(now)
        if words and (words[0] in commands or len(commands) == 1):
            name = words.pop(0) if words[0] in commands else next(iter(commands))
            return _call_with(now, commands[name], words)
        now.escape_all(commands.values(), {})
        return UNKNOWN

    made = Instance(Class("application", [], {"__call__": Native(call)}, {}))
    made.attributes["command"] = Native(command)
    if symbol.name.startswith("click."):
        return native(lambda functions: made)
    return made


def command(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``@click.command()``: calling the function hands it the arguments of the program."""

    def decorate(functions: Arguments) -> Value:
        function = first_argument(functions)

        def call(given: Arguments, named: Keywords) -> Value:
            now = self.current()
            words = argument(given[1:], named, 0, "args") or words_of(now)
            if type(words) is list:
                return _call_with(now, function, words)
            now.escape(function, [], {})
            return UNKNOWN

        made = Instance(Class("command", [], {"__call__": Native(call)}, {}))
        made.attributes["callback"] = function
        made.attributes["main"] = Native(lambda given, named: call([made, *given], named))
        return made

    return native(decorate)


def declaration(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``@click.option("--name")``: the function stays what it is."""
    return native(lambda functions: first_argument(functions))


HANDLERS: Final[dict[str, Any]] = {
    "argparse.ArgumentParser": argument_parser,
    "getopt.getopt": options_read,
    "getopt.gnu_getopt": options_read,
    "fire.Fire": run_with_words,
    "typer.run": run_with_words,
    "plac.call": run_with_words,
    "defopt.run": run_with_words,
    "typer.Typer": application,
    "click.group": application,
    "click.command": command,
    "click.option": declaration,
    "click.argument": declaration,
}
