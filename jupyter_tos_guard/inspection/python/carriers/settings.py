"""Settings: values that a file sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.carriers.given import content, file_content, native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Namespace,
    Stream,
    Symbol,
    Value,
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
        found = {key: option(name, key) for key in sections[name]}
        return sections[name] if found == sections[name] else found  # an option may be set in it

    def put_section(given: Arguments) -> Value:
        if len(given) > 1 and type(given[0]) is str and type(given[1]) is dict:
            sections[given[0]] = {self.current().text(key).lower(): each for key, each in given[1].items()}
        return None

    def write(given: Arguments) -> Value:
        now = self.current()
        lines = []
        for name, options in sections.items():
            lines += [f"[{name}]", *[f"{key} = {now.text(value)}" for key, value in options.items()], ""]
        if given and type(given[0]) is Stream:
            methods.write(now, given[0], "\n".join(lines) + "\n")
        return None

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
            "__setitem__": native(put_section),
            "add_section": native(lambda given: put_section([*given[:1], {}])),
            "write": native(write),
        },
    )


def documents(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value | None:
    """``yaml.safe_load(text)``: what a document says; None if that is not known."""
    text = content(self, argument(arguments, keywords, 0, "stream"))
    if text is None or len(text) > _MAX_DOCUMENT or HOLE in text:
        return None
    # Keys that are merged are copied: a few of them in a few others are very many.
    if text.count("*") > (16 if "<<" in text else 200) or text.count("<<") > 8:
        return None
    self.budget.spend(len(text) + 1)
    try:
        found = list(library.dependency("yaml").load_all(text, _loader()))
    except Exception:
        return None
    made = found if symbol.name.endswith("all") else found[0] if len(found) == 1 else None
    return made if _size(made, {}) <= _MAX_DOCUMENT else None


def _loader() -> Any:
    """Make a loader that knows only what the library itself knows: the session may have taught it more."""
    loader = library.dependency("yaml").SafeLoader
    known = {
        tag: each for tag, each in loader.yaml_constructors.items() if each.__module__ == "yaml.constructor"
    }
    return type("Loader", (loader,), {"yaml_constructors": known, "yaml_multi_constructors": {}})


_MAX_DOCUMENT: Final = 1 << 13


def _size(value: Value, known: dict[int, float]) -> float:
    """Count the values in a document, at each place where they stand; infinite if it holds itself."""
    if type(value) not in (list, dict):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")
        known[id(value)] = 1 + sum(
            _size(each, known) for each in (value if type(value) is list else value.values())
        )
    return known[id(value)]


def parsed_document(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``yaml.safe_load(text)``."""
    made = documents(self, symbol, arguments, keywords)
    if made is None:
        from jupyter_tos_guard.inspection.python.effects import guesses

        return guesses.guess(self, symbol, arguments, keywords)
    return made


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


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "configparser.ConfigParser configparser.RawConfigParser configparser.SafeConfigParser "
        "ConfigParser.ConfigParser".split(),
        settings,
    ),
    **dict.fromkeys("yaml.safe_load yaml.safe_load_all ruamel.yaml.safe_load".split(), parsed_document),
}
