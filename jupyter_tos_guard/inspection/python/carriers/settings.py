"""Settings and arguments: values that a file, a command line or a person at a widget sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.carriers.given import content, file_content, native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Choice,
    Namespace,
    Native,
    Symbol,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


_REFERENCE: Final = re.compile(r"%\((\w+)\)s|\$\{(?:(\w+):)?(\w+)\}")


def settings(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``configparser.ConfigParser()``."""
    sections: dict[str, dict[str, Value]] = {}

    def read_text(text: str | None) -> None:
        parser = library.stdlib("configparser").RawConfigParser(strict=False, allow_no_value=True)
        if text is None:
            return
        self.current().budget.spend(len(text) // 16 + 1)
        try:
            parser.read_string(text)
        except Exception:
            return
        for name in parser.sections()[:200]:
            sections.setdefault(name, {}).update(parser.items(name))
        sections.setdefault("DEFAULT", {}).update(parser.defaults())

    def read_string(given: Arguments) -> Value:
        read_text(content(self, given[0]) if given else None)
        return None

    def read_file(given: Arguments) -> Value:
        for each in given[:1]:
            for path in each if type(each) in (list, tuple) else [each]:
                read_text(file_content(self.current(), path))
        return UNKNOWN

    def read_dict(given: Arguments) -> Value:
        if given and type(given[0]) is dict:
            for name, values in given[0].items():
                if type(name) is str and type(values) is dict:
                    sections.setdefault(name, {}).update(values)
        return None

    def option(section: Value, key: Value) -> Value:
        found = sections.get(section, {}) if type(section) is str else {}
        value = found.get(key.lower(), found.get(key, UNKNOWN)) if type(key) is str else UNKNOWN
        return _resolved(value, section, sections)

    def get(given: Arguments) -> Value:
        return option(given[0], given[1]) if len(given) > 1 else UNKNOWN

    def put(given: Arguments) -> Value:
        if len(given) > 2 and type(given[0]) is str and type(given[1]) is str:
            sections.setdefault(given[0], {})[given[1].lower()] = given[2]
        return None

    def section(given: Arguments) -> Value:
        name = given[0] if given else None
        if type(name) is not str or name not in sections:
            return UNKNOWN
        return {key: option(name, key) for key in sections[name]}

    def items(given: Arguments) -> Value:
        found = section(given)
        return list(found.items()) if type(found) is dict else UNKNOWN

    return Namespace(
        "ConfigParser",
        {
            "read_string": native(read_string),
            "read_dict": native(read_dict),
            "read_file": native(read_file),
            "read": native(read_file),
            "get": native(get),
            "set": native(put),
            "items": native(items),
            "sections": native(lambda given: [name for name in sections if name != "DEFAULT"]),
            "options": native(lambda given: list(sections.get(given[0], {})) if given else UNKNOWN),
            "__getitem__": native(section),
        },
    )


def _resolved(value: Value, section: str, sections: dict[str, dict[str, Value]]) -> Value:
    """Follow references to other options, a few steps deep."""
    for _ in range(4):
        if type(value) is not str or not _REFERENCE.search(value) or len(value) > 4096:
            return value

        def replace(match: re.Match[str]) -> str:
            name = match.group(1) or match.group(3)
            found = sections.get(match.group(2) or section, {}).get(
                name.lower(), sections.get("DEFAULT", {}).get(name.lower())
            )
            return found if type(found) is str else HOLE

        value = _REFERENCE.sub(replace, value)
    return value


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


def widget_value(symbol: Symbol) -> Value:
    """``.value`` of a widget: what it starts with, or what it offers."""
    arguments, keywords = symbol.details
    found: list[Value] = [keywords["value"]] if "value" in keywords else []
    offered = keywords.get("options", arguments[0] if arguments else None)  # Text("value") too
    found += offers(offered)
    return either([*found, UNKNOWN]) if found else UNKNOWN


def offers(value: Value) -> list[Value]:
    """Values among which a person may choose: a list, pairs of label and value, a dictionary."""
    if type(value) is dict:
        return list(value.values())[: Choice.MAX]
    if type(value) in (list, tuple):
        return [each[1] if type(each) is tuple and len(each) == 2 else each for each in value[-Choice.MAX :]]
    if type(value) is str:
        return [value]
    return []


def interact(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``interact(function, name=choices)``, also as a decorator: the function is called with each choice."""
    given: Keywords = {}
    for name, value in keywords.items():
        if type(value) is Symbol and value.details is not None:
            given[name] = widget_value(value)
        else:
            found = offers(value)
            given[name] = either(found) if found else UNKNOWN

    def apply(function: Value) -> Value:
        self.current().defer(function, [], given)
        return function

    if arguments:
        return apply(arguments[0])
    return native(lambda functions: apply(functions[0]) if functions else UNKNOWN)


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "configparser.ConfigParser configparser.RawConfigParser configparser.SafeConfigParser "
        "ConfigParser.ConfigParser".split(),
        settings,
    ),
    "argparse.ArgumentParser": argument_parser,
    **dict.fromkeys(
        "ipywidgets.interact ipywidgets.interact_manual ipywidgets.interactive ipywidgets.widgets.interact "
        "ipywidgets.interactive_output ipywidgets.widgets.interact_manual "
        "ipywidgets.widgets.interactive".split(),
        interact,
    ),
}
