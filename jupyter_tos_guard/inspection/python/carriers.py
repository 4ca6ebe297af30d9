"""Objects that carry text from one place to another: settings, arguments, markup, streams, tables, futures.

Each is modelled as an object of attributes whose methods compute on what is
known. None has an effect on the world; what they cannot follow is unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Bound,
    Choice,
    Class,
    Descriptor,
    Function,
    Generator,
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

Arguments = list[Value]
Keywords = dict[str, Value]

#: Characters of settings or markup that are parsed.
_MAX_TEXT: Final = 1 << 16


def _native(call: Callable[[Arguments], Value]) -> Native:
    return Native(lambda arguments, keywords: call(arguments))


def _content(self: Evaluator, value: Value) -> str | None:
    """Text that a parser is given: itself, or what a known file holds."""
    if type(value) is Path:
        value = value.text
    if type(value) is Stream:
        value = library.stream_read(value)
    if type(value) in (bytes, bytearray):
        value = bytes(value).decode("utf-8", "replace")
    return value if type(value) is str and len(value) <= _MAX_TEXT else None


def _file_content(self: Evaluator, path: Value) -> str | None:
    from jupyter_tos_guard.inspection.shell import process

    if type(path) is Stream:
        return _content(self, path)
    name = self.text(path)
    file = process.find_file(name, self.state) if name and HOLE not in name else None
    return _content(self, file.content) if file is not None else None


# -- settings ------------------------------------------------------------------------------------------

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
        read_text(_content(self, given[0]) if given else None)
        return None

    def read_file(given: Arguments) -> Value:
        for each in given[:1]:
            for path in each if type(each) in (list, tuple) else [each]:
                read_text(_file_content(self.current(), path))
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
            "read_string": _native(read_string),
            "read_dict": _native(read_dict),
            "read_file": _native(read_file),
            "read": _native(read_file),
            "get": _native(get),
            "set": _native(put),
            "items": _native(items),
            "sections": _native(lambda given: [name for name in sections if name != "DEFAULT"]),
            "options": _native(lambda given: list(sections.get(given[0], {})) if given else UNKNOWN),
            "__getitem__": _native(section),
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


# -- arguments -----------------------------------------------------------------------------------------


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
        found[name] = _native(lambda given: made)
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


# -- markup ----------------------------------------------------------------------------------------------


def element_tree(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``xml.etree.ElementTree.fromstring(text)`` and ``parse(file)``."""
    first = arguments[0] if arguments else keywords.get("text", UNKNOWN)
    whole = symbol.name.endswith(".parse")
    text = _file_content(self, first) if whole else _content(self, first)
    if text is None or "<!" in text:  # entities can grow without bound
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(len(text) // 16 + 1)
    try:
        root = library.stdlib("xml.etree.ElementTree").fromstring(text)
    except Exception:
        return UNKNOWN
    made = _element(root, [2000])
    return Namespace("tree", {"getroot": _native(lambda given: made), **made.attributes}) if whole else made


def _element(node: Any, left: list[int], depth: int = 24) -> Namespace:
    left[0] -= 1
    children = [_element(each, left, depth - 1) for each in list(node) if left[0] > 0 and depth > 0]
    below = [each for child in children for each in (child, *child.attributes["\0below"])]
    attributes = dict(node.attrib)

    def matching(given: Arguments) -> list[Namespace]:
        path = given[0] if given and type(given[0]) is str else "*"
        name = path.rpartition("/")[2].partition("[")[0]
        pool = children if "/" not in path else below
        return [each for each in pool if name in ("*", "", ".") or each.attributes["tag"] == name]

    def find(given: Arguments) -> Value:
        return next(iter(matching(given)), None)

    def find_text(given: Arguments) -> Value:
        found = find(given)
        return found.attributes["text"] if found is not None else None

    def every(given: Arguments) -> Value:
        name = given[0] if given and type(given[0]) is str else "*"
        whole = [made, *below]
        return [each for each in whole if name == "*" or each.attributes["tag"] == name]

    def child(given: Arguments) -> Value:
        index = given[0] if given else None
        return children[index] if type(index) is int and -len(children) <= index < len(children) else UNKNOWN

    made = Namespace(
        "element",
        {
            "tag": node.tag,
            "text": node.text,
            "tail": node.tail,
            "attrib": attributes,
            "get": _native(lambda given: attributes.get(given[0], given[1] if len(given) > 1 else None)),
            "items": _native(lambda given: list(attributes.items())),
            "find": _native(find),
            "findtext": _native(find_text),
            "findall": _native(matching),
            "iterfind": _native(matching),
            "iter": _native(every),
            "itertext": _native(
                lambda given: [text for each in every([]) for text in (each.attributes["text"],) if text]
            ),
            "__getitem__": _native(child),
            "__iter__": _native(lambda given: list(children)),
            "\0below": below,
        },
    )
    return made


def mail(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``email.message_from_string(text)`` and ``message_from_bytes``."""
    text = _content(self, arguments[0] if arguments else UNKNOWN)
    if text is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(len(text) // 16 + 1)
    try:
        return _part(library.stdlib("email").message_from_string(text), 4)
    except Exception:
        return UNKNOWN


def _part(message: Any, depth: int) -> Namespace:
    several = message.is_multipart()
    parts = [_part(each, depth - 1) for each in message.get_payload()[:64]] if several and depth else []

    def payload(given: Arguments, named: Keywords) -> Value:
        if several:
            return parts[given[0]] if given and type(given[0]) is int and given[0] < len(parts) else parts
        decode = named.get("decode", given[1] if len(given) > 1 else False)
        return message.get_payload(decode=decode is True or decode == 1)

    def content(given: Arguments) -> Value:
        data = message.get_payload(decode=True)
        return data.decode("utf-8", "replace") if type(data) is bytes else UNKNOWN

    def header(given: Arguments) -> Value:
        found = message.get(given[0]) if given and type(given[0]) is str else None
        return None if found is None else str(found)

    made = Namespace("message", {})
    below = [each for part in parts for each in part.attributes["\0parts"]]
    made.attributes.update(
        {
            "get_payload": Native(payload),
            "get_content": _native(content),
            "get": _native(header),
            "__getitem__": _native(header),
            "items": _native(lambda given: [(name, str(value)) for name, value in message.items()]),
            "get_content_type": _native(lambda given: message.get_content_type()),
            "get_filename": _native(lambda given: message.get_filename()),
            "is_multipart": _native(lambda given: several),
            "walk": _native(lambda given: [made, *below]),
            "\0parts": [made, *below],
        }
    )
    return made


# -- streams of bytes --------------------------------------------------------------------------------------


def decompressor(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``zlib.decompressobj()`` and its kin."""
    module = symbol.name.partition(".")[0]

    def decompress(given: Arguments) -> Value:
        data: Any = given[0] if given else None
        if type(data) not in (bytes, bytearray):
            return UNKNOWN
        extra = arguments[:1] if module == "zlib" and arguments and type(arguments[0]) is int else []
        try:
            made = library.inflate(self.current(), module, bytes(data), *extra)
        except Exception:
            return UNKNOWN
        self.current().note(made, module, bytes(data))
        return made

    return Namespace(
        "decompressor",
        {
            "decompress": _native(decompress),
            "flush": _native(lambda given: b""),
            "unused_data": b"",
            "eof": True,
        },
    )


# -- widgets -------------------------------------------------------------------------------------------------


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
    return _native(lambda functions: apply(functions[0]) if functions else UNKNOWN)


# -- enumerations, tuples with names, data classes -----------------------------------------------------


def enumerate_members(cls: Class) -> None:
    """Make members of what the body of an enumeration binds."""
    names = {each.name for each in cls.lineage() if type(each) is Symbol}
    mixed = not names.isdisjoint(_MIXED)
    number = 0
    for name, value in list(cls.namespace.items()):
        if name.startswith("_") or type(value) in (Function, Descriptor, Class, Instance):
            continue
        number += 1
        if type(value) is Symbol and value.name == "enum.auto":
            value = name.lower() if "enum.StrEnum" in names else number
        member = Instance(cls)
        member.attributes.update({"name": name, "value": value, "_name_": name, "_value_": value})
        member.plain = value if mixed else None
        cls.namespace[name] = member


#: Bases of an enumeration whose members are what they are bound to.
_MIXED: Final = frozenset({"enum.StrEnum", "enum.IntEnum", "enum.IntFlag", "builtins.str", "builtins.int"})


def members(cls: Class) -> dict[str, Value]:
    """Members of an enumeration by name."""
    return {name: each for name, each in cls.namespace.items() if type(each) is Instance and each.cls is cls}


def member_of(cls: Class, value: Value) -> Value:
    """``Colour("red")``: the member of that value."""
    found = list(members(cls).values())
    known = [each for each in found if each is value or each.attributes["value"] == value]
    return known[0] if known else either(found)


def _fields(value: Instance) -> dict[str, Value]:
    """Fields of a data class or tuple with names, and what they hold."""
    names: dict[str, None] = {}
    for each in reversed(value.cls.lineage()):
        found = each.namespace.get("__annotations__") if type(each) is Class else None
        if type(found) is dict:
            names.update(dict.fromkeys(name for name in found if type(name) is str))
    held = value.attributes
    return {name: held[name] if name in held else value.cls.find(name) for name in names}


def _taken_apart(value: Value, whole: type, depth: int = 8) -> Value:
    """Return a data class as a dictionary or tuple, and those inside it."""
    if depth and type(value) is Instance and "dataclass" in value.cls.keywords:
        fields = {name: _taken_apart(each, whole, depth - 1) for name, each in _fields(value).items()}
        return fields if whole is dict else tuple(fields.values())
    if depth and type(value) is list:
        return [_taken_apart(each, whole, depth - 1) for each in value]
    return value


def data_class(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dataclasses.asdict``, ``astuple``, ``fields``, ``replace``."""
    value = arguments[0] if arguments else UNKNOWN
    word = symbol.name.rpartition(".")[2]
    if word in ("asdict", "astuple"):
        return _taken_apart(value, dict if word == "asdict" else tuple)
    if type(value) is Class and word == "fields":
        value = Instance(value)
    if type(value) is not Instance:
        return UNKNOWN
    if word == "replace":
        return _replaced(value, keywords)
    fields = _fields(value).items()
    return tuple(Namespace("field", {"name": name, "default": each}) for name, each in fields)


def _replaced(value: Instance, keywords: Keywords) -> Instance:
    made = Instance(value.cls)
    made.attributes, made.plain = {**value.attributes, **keywords}, value.plain
    return made


def _of_tuple(compute: Callable[[Instance, Arguments, Keywords], Value]) -> Descriptor:
    def call(given: Arguments, named: Keywords) -> Value:
        return compute(given[0], given[1:], named) if given and type(given[0]) is Instance else UNKNOWN

    return Descriptor("method", Native(call))


def _tuple_item(value: Instance, given: Arguments, named: Keywords) -> Value:
    held = tuple(_fields(value).values())
    index = given[0] if given else None
    if type(index) is slice:
        return held[index]
    return held[index] if type(index) is int and -len(held) <= index < len(held) else UNKNOWN


def _made(given: Arguments, named: Keywords) -> Value:
    if len(given) < 2 or type(given[0]) is not Class or type(given[1]) not in (list, tuple):
        return UNKNOWN
    made = Instance(given[0])
    made.attributes.update(zip(_fields(made), given[1], strict=False))
    return made


#: What the class of a tuple with names has beside its fields.
TUPLE_METHODS: Final[dict[str, Value]] = {
    "__iter__": _of_tuple(lambda value, given, named: tuple(_fields(value).values())),
    "__len__": _of_tuple(lambda value, given, named: len(_fields(value))),
    "__getitem__": _of_tuple(_tuple_item),
    "_asdict": _of_tuple(lambda value, given, named: _fields(value)),
    "_replace": _of_tuple(lambda value, given, named: _replaced(value, named)),
    "_make": Descriptor("classmethod", Native(_made)),
}


# -- heaps and queues with an order ----------------------------------------------------------------------


def heap(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``heapq``: a list that is kept sorted as far as its order is known."""
    word = symbol.name.rpartition(".")[2]
    if word == "merge":
        found = [each for part in arguments for each in self.items(part)]
        return Generator(methods.sort(self, found, keywords) or found)
    values = arguments[0] if arguments else UNKNOWN
    if type(values) is not list:
        return UNKNOWN
    if word in ("heappush", "heappushpop") and len(arguments) > 1:
        values.append(arguments[1])
    ordered = methods.sort(self, values, {})
    if ordered is not None:
        values[:] = ordered
    taken = None
    if "pop" in word or word == "heapreplace":
        taken = methods.call(self, values, "pop", [0], {})
    if word == "heapreplace" and len(arguments) > 1:
        values.append(arguments[1])
    return taken


def ordered_queue(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``queue.PriorityQueue()`` and ``queue.LifoQueue()``."""
    values: list[Value] = []
    first = "Priority" in symbol.name

    def put(given: Arguments) -> Value:
        values.extend(given[:1])
        return None

    def get(given: Arguments) -> Value:
        now = self.current()
        ordered = methods.sort(now, values, {}) if first else None
        if ordered is not None:
            values[:] = ordered
        return methods.call(now, values, "pop", [0 if first else -1], {}) if values else UNKNOWN

    return Namespace(
        "queue",
        {
            **dict.fromkeys(("put", "put_nowait"), _native(put)),
            **dict.fromkeys(("get", "get_nowait"), _native(get)),
            "empty": _native(lambda given: not values),
            "qsize": _native(lambda given: len(values)),
            **dict.fromkeys(("task_done", "join"), _native(lambda given: None)),
        },
    )


# -- results that come later -----------------------------------------------------------------------------


def _future(self: Evaluator, result: Value = UNKNOWN) -> Namespace:
    held = [result]
    waiting: list[Value] = []

    def settle(given: Arguments) -> Value:
        held[:] = given[:1]
        for each in waiting:
            self.current().defer(each, [made], {})
        return None

    def add(given: Arguments) -> Value:
        waiting.extend(given[:1])
        if given and held != [UNKNOWN]:
            self.current().defer(given[0], [made], {})
        return None

    made = Namespace(
        "future",
        {
            **dict.fromkeys(("result", "get"), _native(lambda given: held[0] if held else UNKNOWN)),
            "set_result": _native(settle),
            "add_done_callback": _native(add),
            **dict.fromkeys(("done", "ready", "successful"), _native(lambda given: True)),
            **dict.fromkeys(("exception", "wait", "cancel"), _native(lambda given: None)),
        },
    )
    return made


def future(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``concurrent.futures.Future()``: a result that the program sets itself."""
    return _future(self)


def submit(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pool.submit(function, *arguments)``, ``apply_async``, ``map``: what the function returns, later."""
    word = symbol.name.rpartition(".")[2]
    if word == "run_in_executor":
        arguments = arguments[1:]
    if not arguments:
        return UNKNOWN
    function, given = arguments[0], list(arguments[1:])
    if "map" in word or "imap" in word:
        columns = [self.items(each) for each in given]
        rows = map(list, zip(*columns, strict=False))
        if word.startswith("starmap"):
            rows = map(self.items, columns[0] if columns else [])
        found = [self.defer(function, row, {}) for row in self._few(rows)]
        return _future(self, found) if word.endswith("async") else Generator(found)
    if word.startswith("apply"):
        keywords = given[1] if len(given) > 1 and type(given[1]) is dict else keywords.get("kwds", {})
        given = self.items(given[0]) if given else []
    result = self.defer(function, given, keywords if type(keywords) is dict else {})
    return result if word in ("apply", "to_thread") else _future(self, result)


def pipe(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``multiprocessing.Pipe()``: what is sent into one end is received at the other."""
    ways: tuple[list[Value], list[Value]] = ([], [])

    def end(out: list[Value], into: list[Value]) -> Namespace:
        def send(given: Arguments) -> Value:
            out.extend(given[:1])
            return None

        def receive(given: Arguments) -> Value:
            return methods.call(self.current(), into, "pop", [0], {}) if into else UNKNOWN

        return Namespace(
            "connection",
            {
                **dict.fromkeys(("send", "send_bytes"), _native(send)),
                **dict.fromkeys(("recv", "recv_bytes"), _native(receive)),
                "poll": _native(lambda given: bool(into)),
                "close": _native(lambda given: None),
            },
        )

    return (end(*ways), end(*ways[::-1]))


# -- messages that the program itself listens to ---------------------------------------------------------

_LEVELS: Final = "debug info warning warn error critical exception fatal log".split()
#: Key of the session's listeners, each once for each level: whose last word is a word to look out for.
_LISTENERS: Final = "\0logging."


def listen(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``logger.addHandler(handler)``, ``addFilter``, ``logger.handlers = […]``: who hears each message."""
    kept = self.session.patched
    given = [*arguments, *keywords.values()]
    for each in [one for value in given for one in (value if type(value) is list else [value])]:
        names = ("handle", "emit", "filter")
        found = [each.cls.find(name) for name in names] if type(each) is Instance else []
        called = [Bound(method, each) for method in found if type(method) is Function]
        if type(each) in (Function, Bound):
            called = [each]
        for level in _LEVELS if called and len(kept) < 256 else ():
            kept[_LISTENERS + level] = [*kept.get(_LISTENERS + level, []), *called][:8]
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
            "getMessage": _native(lambda given: shown),
            "levelname": word.upper(),
        },
    )
    for each in listeners:
        self.defer(each, [record], {})
    return None


def shown_message(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``handler.format(record)``."""
    return self.attribute(arguments[-1], "message") if arguments else UNKNOWN


# -- functions of several kinds --------------------------------------------------------------------------


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
            return keep(UNKNOWN, given[0])
        return _native(lambda functions: keep(given[0], functions[0]))

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
    made.attributes["register"] = _native(register)
    return made


# -- tables --------------------------------------------------------------------------------------------------

#: Calls that make a table whose cells may be known.
TABLES: Final = frozenset("pandas.DataFrame pandas.read_csv pandas.read_table polars.DataFrame".split())


def _table(self: Evaluator, symbol: Symbol) -> dict[str, list[Value]]:
    """Columns of a table by name, as far as they are known."""
    if symbol.details is None:
        return {}
    arguments, keywords = symbol.details
    data: Value = arguments[0] if arguments else keywords.get("data", keywords.get("filepath_or_buffer"))
    names: Value = keywords.get("columns", keywords.get("names"))
    if ".read_" in symbol.name:
        if type(data) is Stream:
            data.position = 0
        text = _file_content(self, data)
        separator = keywords.get("sep", keywords.get("delimiter", "\t" if "table" in symbol.name else ","))
        if text is None or type(separator) is not str or len(separator) != 1:
            return {}
        self.budget.spend(len(text) // 16 + 1)
        data = list(library.stdlib("csv").reader(text.splitlines(), delimiter=separator))
        if type(names) is not list and "header" not in keywords:
            names, data = data[0] if data else [], data[1:]
    if type(data) is dict:
        columns = {key: self.items(each) for key, each in data.items() if type(each) in (list, tuple, Array)}
        return {key: each for key, each in columns.items() if type(key) is str and len(each) <= _MAX_ROWS}
    if type(data) is not list or not 0 < len(data) <= _MAX_ROWS:
        return {}
    if all(type(row) is dict for row in data):
        return {key: [row.get(key, UNKNOWN) for row in data] for key in data[0] if type(key) is str}
    if all(type(row) in (list, tuple) for row in data):
        width = len(data[0])
        labels = names if type(names) in (list, tuple) else [str(index) for index in range(width)]
        pairs = zip(labels, zip(*data, strict=False), strict=False)
        return {self.text(label): list(each) for label, each in pairs}
    return {}


_MAX_ROWS: Final = 1000


def column(self: Evaluator, symbol: Symbol, name: Value) -> Value | None:
    """``table[name]`` and ``table.name``; None if that is no known column."""
    if symbol.name not in TABLES or type(name) is not str:
        return None
    found = _table(self, symbol).get(name)
    return None if found is None else Array(found, "str")


def rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.itertuples()``, ``iterrows()``, ``to_dict("records")``, ``apply(function, axis=1)``."""
    head, _, word = symbol.name.rpartition(".")
    columns = _table(self, Symbol(head, True, symbol.details))
    if not columns:
        self.escape_all(arguments, keywords)
        return Symbol(symbol.name, True, (arguments, keywords))
    found = [dict(zip(columns, row, strict=False)) for row in zip(*columns.values(), strict=False)]
    if word == "to_dict":
        by_row = "records" in (*arguments, *keywords.values())
        return found if by_row else {name: dict(enumerate(each)) for name, each in columns.items()}
    made = [_row(index, cells, word == "itertuples") for index, cells in enumerate(found)]
    if word == "apply":
        by_row = keywords.get("axis") in (1, "columns")
        given = made if by_row else [Array(each, "str") for each in columns.values()]
        return Array([self.call(arguments[0], [each]) for each in self._few(given)] if arguments else [])
    return Generator(made if word == "itertuples" else list(enumerate(made)))


def table_rows(self: Evaluator, symbol: Symbol, keywords: Keywords) -> list[list[Value]]:
    """Rows of ``table.to_csv(…)``: an array is a table of one column."""
    head, _, _ = symbol.name.rpartition(".")
    first = symbol.details[0][0] if symbol.details and symbol.details[0] else None
    columns = {"0": list(first)} if type(first) is Array else _table(self, Symbol(head, True, symbol.details))
    names = [list(columns)] if keywords.get("header") is not False and columns else []
    made = [*names, *map(list, zip(*columns.values(), strict=False))]
    if keywords.get("index") is not False:
        made = [[index - len(names), *row] for index, row in enumerate(made)]
    return made


def _row(index: int, cells: dict[str, Value], whole: bool) -> Namespace:
    shown = (index, *cells.values()) if whole else tuple(cells.values())

    def cell(given: Arguments) -> Value:
        key = given[0] if given else None
        if type(key) is int:
            return shown[key] if -len(shown) <= key < len(shown) else UNKNOWN
        return cells.get(key, UNKNOWN) if type(key) is str else UNKNOWN

    return Namespace(
        "row",
        {
            **cells,
            "Index": index,
            "name": cells.get("name", index),
            "__getitem__": _native(cell),
            "__iter__": _native(lambda given: shown),
        },
    )


# -- lines of files ------------------------------------------------------------------------------------------


def file_lines(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``linecache.getline(path, number)``, ``fileinput.input(paths)``, ``numpy.loadtxt(path, dtype=str)``."""
    given: Value = arguments[0] if arguments else keywords.get("files", keywords.get("fname", UNKNOWN))
    paths = given if type(given) in (list, tuple) else [given]
    texts = [_file_content(self, each) for each in paths[:16]]
    if not texts or None in texts:
        return Symbol(symbol.name, True, (arguments, keywords))
    lines = [line for text in texts if text for line in text.splitlines(True)]
    word = symbol.name.rpartition(".")[2]
    if word == "getline":
        number = arguments[1] if len(arguments) > 1 else keywords.get("lineno")
        return lines[number - 1] if type(number) is int and 0 < number <= len(lines) else ""
    if word in ("loadtxt", "genfromtxt"):
        separator = keywords.get("delimiter")
        split = [line.strip().split(separator if type(separator) is str else None) for line in lines]
        words = [each for row in split for each in row]
        return words[0] if len(words) == 1 else words if all(len(row) == 1 for row in split) else split
    return Generator(lines) if word == "input" else lines


def statement(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``connection.execute(sql)``: texts that SQL joins are one text; the result may be any of them."""
    if arguments and type(arguments[0]) is str and len(arguments[0]) <= _MAX_TEXT:
        arguments = [re.sub(r"'\s*\|\|\s*'", "", arguments[0]), *arguments[1:]]
    from jupyter_tos_guard.inspection.python import effects

    return effects.guess(self, symbol, arguments, keywords)


#: Executors and pools; the first three are those of ``concurrent.futures``.
_POOLS: Final = (
    "ThreadPoolExecutor ProcessPoolExecutor Executor multiprocessing.Pool multiprocessing.pool.ThreadPool "
    "multiprocessing.pool.Pool multiprocessing.dummy.Pool"
).split()
_LOGGERS: Final = ("", "getLogger.", "root.", "Logger.", "getLogger.getChild.")

HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "configparser.ConfigParser configparser.RawConfigParser configparser.SafeConfigParser "
        "ConfigParser.ConfigParser".split(),
        settings,
    ),
    "argparse.ArgumentParser": argument_parser,
    **dict.fromkeys(
        "xml.etree.ElementTree.fromstring xml.etree.ElementTree.XML xml.etree.ElementTree.parse "
        "xml.etree.cElementTree.fromstring lxml.etree.fromstring defusedxml.ElementTree.fromstring".split(),
        element_tree,
    ),
    **dict.fromkeys(
        "email.message_from_string email.message_from_bytes email.message_from_file "
        "email.message_from_binary_file".split(),
        mail,
    ),
    "zlib.decompressobj": decompressor,
    "bz2.BZ2Decompressor": decompressor,
    "lzma.LZMADecompressor": decompressor,
    **dict.fromkeys(
        "ipywidgets.interact ipywidgets.interact_manual ipywidgets.interactive ipywidgets.widgets.interact "
        "ipywidgets.interactive_output ipywidgets.widgets.interact_manual "
        "ipywidgets.widgets.interactive".split(),
        interact,
    ),
    **dict.fromkeys([f"dataclasses.{word}" for word in "asdict astuple fields replace".split()], data_class),
    **dict.fromkeys(
        [f"heapq.{word}" for word in "heappush heappop heappushpop heapreplace heapify merge".split()], heap
    ),
    "queue.PriorityQueue": ordered_queue,
    "queue.LifoQueue": ordered_queue,
    "multiprocessing.Pipe": pipe,
    **dict.fromkeys(
        "concurrent.futures.Future asyncio.Future asyncio.get_running_loop.create_future "
        "asyncio.get_event_loop.create_future asyncio.new_event_loop.create_future".split(),
        future,
    ),
    **dict.fromkeys(
        [f"concurrent.futures.{each}.{word}" for each in _POOLS[:3] for word in ("submit", "map")]
        + [
            f"{each}.{word}"
            for each in _POOLS[3:]
            for word in "apply apply_async map map_async imap imap_unordered starmap".split()
        ]
        + ["asyncio.to_thread"]
        + [f"asyncio.{each}.run_in_executor" for each in ("get_running_loop", "get_event_loop")],
        submit,
    ),
    **dict.fromkeys(
        [f"logging.{each}{word}" for each in _LOGGERS for word in ("addHandler", "addFilter")]
        + [f"logging.{each}handlers.{word}" for each in _LOGGERS for word in ("append", "insert", "extend")]
        + ["logging.basicConfig"],
        listen,
    ),
    **dict.fromkeys([f"logging.{each}{word}" for each in _LOGGERS for word in _LEVELS], message),
    **dict.fromkeys(
        [f"logging.{each}.format" for each in ("Handler", "StreamHandler", "FileHandler", "Formatter")],
        shown_message,
    ),
    "functools.singledispatch": dispatched,
    "functools.singledispatchmethod": dispatched,
    **dict.fromkeys(
        [f"{each}.{word}" for each in TABLES for word in "itertuples iterrows to_dict apply".split()], rows
    ),
    **dict.fromkeys(
        "linecache.getline linecache.getlines fileinput.input fileinput.FileInput numpy.loadtxt "
        "numpy.genfromtxt".split(),
        file_lines,
    ),
    **dict.fromkeys(
        [f"sqlite3.connect.{each}execute" for each in ("", "cursor.")] + ["sqlite3.connect.executescript"],
        statement,
    ),
}
