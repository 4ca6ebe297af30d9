"""Command lines: what ``sys.argv`` holds, read by parsers or handed to functions."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
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


#: Words of a command line that are read, and their letters together.
_MAX_WORDS: Final = 500
_MAX_LETTERS: Final = 1 << 14


def words_of(self: Evaluator) -> list[str] | None:
    """Arguments of the program, if they are known."""
    words = self.session.words(_MAX_WORDS)
    return None if words is None else [self.text(each) for each in words]


class Grammar:
    """What a parser has been told: its arguments, with the parsers of its commands."""

    __slots__ = ("chosen", "commands", "options")

    #: Arguments that a parser keeps.
    MAX_OPTIONS = 500

    def __init__(self) -> None:
        #: Where a value goes, the names that it is given by, and what else was said of it.
        self.options: list[Option] = []
        self.commands: dict[str, Grammar] = {}
        #: Where the name of the command goes.
        self.chosen = ""

    def add(self, given: Arguments, named: Keywords) -> None:
        """Take in what ``add_argument`` is given."""
        names = [each for each in given if type(each) is str]
        if not names and type(named.get("dest")) is str:
            names = [named["dest"]]
        if names and len(self.options) < self.MAX_OPTIONS:
            long = next((each for each in names if each.startswith("--")), names[0])
            target = named.get("dest")
            name = target if type(target) is str else long.lstrip("-").replace("-", "_")
            self.options.append((name, names, named))

    def positional(self) -> list[Option]:
        """Arguments that are told by their place."""
        return [each for each in self.options if each[1] and not each[1][0].startswith("-")]

    def by_name(self) -> dict[str, Option]:
        """Options by each of their names."""
        return {name: each for each in self.options for name in each[1] if name.startswith("-")}


def argument_parser(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``argparse.ArgumentParser()``: what its options default to, or are set to."""
    return _parser(self, Grammar(), keywords)


def _parser(self: Evaluator, grammar: Grammar, keywords: Keywords) -> Namespace:
    for each in self.items(keywords.get("parents", [])):
        if type(each) is Namespace and type(each.attributes.get("_actions")) is list:
            grammar.options += each.attributes["_actions"][: Grammar.MAX_OPTIONS - len(grammar.options)]

    def add_argument(given: Arguments, named: Keywords) -> Value:
        return grammar.add(given, named)

    def set_defaults(given: Arguments, named: Keywords) -> Value:
        grammar.options.extend((name, [], {"default": value}) for name, value in named.items())
        return None

    def parse(given: Arguments, named: Keywords) -> Value:
        words: Any = argument(given, named, 0, "args")
        now = self.current()
        if words is None:
            words = words_of(now)
        known = type(words) in (list, tuple) and all(type(each) is str for each in words)
        into = argument(given, named, 1, "namespace")
        made = into if type(into) is Namespace else Namespace("arguments", {})
        made.attributes.update(read_words(now, grammar, list(words) if known else None))
        return made

    def add_subparsers(given: Arguments, named: Keywords) -> Value:
        grammar.chosen = named["dest"] if type(named.get("dest")) is str else ""
        return Namespace("subparsers", {"add_parser": Native(add_parser)})

    def add_parser(given: Arguments, named: Keywords) -> Value:
        inner = Grammar()
        for name in (*given[:1], *self.current().items(named.get("aliases", []))):
            if type(name) is str and len(grammar.commands) < Grammar.MAX_OPTIONS:
                grammar.commands[name] = inner
        return _parser(self.current(), inner, named)

    found: dict[str, Value] = {
        "_actions": grammar.options,
        "add_argument": Native(add_argument),
        "set_defaults": Native(set_defaults),
        "add_subparsers": Native(add_subparsers),
        **dict.fromkeys(("parse_args", "parse_intermixed_args"), Native(parse)),
        "parse_known_args": Native(lambda given, named: (parse(given, named), [])),
    }
    made = Namespace("ArgumentParser", found)
    for name in ("add_argument_group", "add_mutually_exclusive_group"):
        found[name] = native(lambda given: made)
    return made


def read_words(self: Evaluator, grammar: Grammar, words: list[str] | None) -> dict[str, Value]:
    """Read a command line; what it holds is not known if ``words`` is None."""
    found = {name: _default(self, spec, words is not None) for name, _, spec in grammar.options}
    if words is None:
        for inner in list(grammar.commands.values())[:16]:
            for name, value in read_words(self, inner, None).items():
                found[name] = either([found[name], value]) if name in found else value
        return found
    words, options = _few(words), grammar.by_name()
    places = grammar.positional()
    in_place: list[str] = []
    while words:
        self.budget.spend(8 + len(options) // 8)
        word = words.pop(0)
        if word == "--":
            in_place += words
            break
        if not _is_option(word):
            if word in grammar.commands and len(in_place) >= sum(_bounds(each)[0] for each in places):
                found[grammar.chosen or "command"] = word
                found.update(read_words(self, grammar.commands[word], words))
                break
            in_place.append(word)
            continue
        head, told, value = word.partition("=")
        option = _option(options, head)
        if option is None and word[:2] != "--" and (option := _option(options, word[:2])) is not None:
            told, value = "=", word[2:]  # -nNAME, -vq
            if _takes(option)[1] == 0:
                told, words = "", [f"-{value}", *words]
        if option is not None:
            _read_option(self, option, head, [value] if told else None, words, found)
    _read_places(self, places, in_place, found)
    return found


Option = tuple[str, list[str], Keywords]


def _few(words: Arguments) -> list[str]:
    """Words that are read: so many, and so many letters together."""
    texts = [word for word in words[:_MAX_WORDS] if type(word) is str]
    return [
        word for word, size in zip(texts, accumulate(map(len, texts)), strict=True) if size <= _MAX_LETTERS
    ]


def _option(options: dict[str, Option], word: str) -> Option | None:
    """Return the option that ``word`` names: in full, or by a beginning that no other has."""
    if word in options:
        return options[word]
    if word.startswith("--no-") and "--" + word[5:] in options:
        return options["--" + word[5:]]
    begun = [each for name, each in options.items() if word[:2] == "--" and name.startswith(word)]
    return begun[0] if len(begun) == 1 else None


def _is_option(word: str) -> bool:
    return word[:1] == "-" and len(word) > 1 and not word[1:].replace(".", "", 1).isdigit()


def _default(self: Evaluator, spec: Keywords, known: bool) -> Value:
    default = spec.get("default")
    if spec.get("action") in ("store_true", "store_false") and "default" not in spec:
        default = spec["action"] == "store_false"
    if type(default) is str:
        return _typed(self, spec, default)
    return default if known else either([default, UNKNOWN])


def _typed(self: Evaluator, spec: Keywords, word: str) -> Value:
    """Return what a word stands for, by the function that makes it."""
    make = spec.get("type")
    return self.call(make, [word]) if make is not None else word


def _bounds(option: Option) -> tuple[int, int]:
    """How many words an argument takes, at least and at most."""
    count = option[2].get("nargs")
    if type(count) is int:
        return (count, count)
    return {"+": (1, 1 << 16), "*": (0, 1 << 16), "?": (0, 1), "...": (0, 1 << 16)}.get(
        count if type(count) is str else "", (1, 1)
    )


_VALUELESS: Final = frozenset("store_true store_false store_const append_const count help version".split())


def _takes(option: Option) -> tuple[int, int]:
    action = option[2].get("action")
    yes_or_no = type(action) is Symbol and action.name.endswith("BooleanOptionalAction")
    return (0, 0) if yes_or_no or action in _VALUELESS else _bounds(option)


def _read_option(
    self: Evaluator,
    option: Option,
    head: str,
    given: list[str] | None,
    words: list[str],
    into: dict[str, Value],
) -> None:
    """Take the words of an option from ``words``, or the one that was ``given`` with its name."""
    name, _, spec = option
    action, most = spec.get("action"), _takes(option)[1]
    if given is None:
        given = []
        while words and len(given) < most and not _is_option(words[0]):
            given.append(words.pop(0))
    value = _value(self, option, given)
    before = into.get(name)
    if most == 0:
        value = spec.get("const") if type(action) is str else not head.startswith("--no-")
        if action in ("store_true", "store_false"):
            value = action == "store_true"
        elif action == "count":
            value = (before if type(before) is int else 0) + 1
    if action in ("append", "append_const", "extend"):
        value = [
            *(before if type(before) is list else []),
            *(self.items(value) if action == "extend" else [value]),
        ]
    into[name] = value


def _value(self: Evaluator, option: Option, words: list[str]) -> Value:
    """Value of an argument that is given ``words``."""
    spec = option[2]
    made = [_typed(self, spec, word) for word in words]
    if type(spec.get("nargs")) is int or spec.get("nargs") in ("+", "*", "..."):
        return made
    if made:
        return made[0]
    return spec.get("const") if option[1][0].startswith("-") else _default(self, spec, True)


def _read_places(self: Evaluator, places: list[Option], words: list[str], into: dict[str, Value]) -> None:
    """Give each argument its words: as many as it may take so that enough are left for those behind it."""
    needed = sum(_bounds(each)[0] for each in places)
    for each in places:
        least, most = _bounds(each)
        needed -= least
        count = max(least, min(most, len(words) - needed))
        taken, words = words[:count], words[count:]
        if taken:
            into[each[0]] = _value(self, each, taken)


def annotated_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``@argument("name")`` of a magic: kept with the function, the last one first."""

    def keep(functions: Arguments) -> Value:
        function = first_argument(functions)
        if type(function) is Function:
            function.attributes[_OPTIONS] = [(arguments, keywords), *function.attributes.get(_OPTIONS, [])]
        return function

    return native(keep)


#: Attribute of a function: what its magic's parser is told.
_OPTIONS: Final = "\0options"


def parse_line(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``parse_argstring(magic, line)``."""
    function = first_argument(arguments, keywords.get("magic_func", UNKNOWN))
    function = function.function if type(function) is Bound else function
    line = argument(arguments, keywords, 1, "argstring")
    if type(function) is not Function:
        return UNKNOWN
    grammar = Grammar()
    for given, named in function.attributes.get(_OPTIONS, [])[: Grammar.MAX_OPTIONS]:
        grammar.add(given, named)
    words = library.pure(self, "shlex.split", [line], {}) if type(line) is str else None
    return Namespace("arguments", read_words(self, grammar, words if type(words) is list else None))


def options_read(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``getopt.getopt(words, letters, names)``: options with their values, and the rest."""
    words, letters, names = (argument(arguments, keywords, i, name) or () for i, name in enumerate(_GETOPT))
    try:
        # The library takes the words one by one off the front, and each word letter by letter.
        size = sum(map(len, words)) * (1 + len(letters) // 16) + len(words) * (1 + len(names))
        if len(words) > _MAX_WORDS or size > _MAX_LETTERS:
            return (UNKNOWN, UNKNOWN)
        self.budget.spend(1 + size // 4)
        read = getattr(library.stdlib("getopt"), symbol.name.rpartition(".")[2])
        options, rest = read(*arguments, **keywords)
    except (TypeError, ValueError, ImportError, library.stdlib("getopt").GetoptError):
        return (UNKNOWN, UNKNOWN)
    return (list(options), rest)


#: Parameters of ``getopt.getopt``.
_GETOPT: Final = ("args", "shortopts", "longopts")


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
    words = _few(words)
    for _ in range(4):
        if type(function) is Class and words:
            function = self.call(function, [])
        if type(function) is dict and words:
            function, words = function.get(words[0], UNKNOWN), words[1:]
        elif type(function) in (Instance, Namespace) and words:
            function, words = self.attribute(function, words[0].replace("-", "_")), words[1:]
    given: list[Value] = []
    named: Keywords = {}
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
    "IPython.core.magic_arguments.argument": annotated_magic,
    "IPython.core.magic_arguments.parse_argstring": parse_line,
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
