"""Methods of evaluated values: text and containers, files, paths, generators, processes."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Bound,
    Choice,
    Code,
    Generator,
    Instance,
    Lines,
    Method,
    Path,
    Process,
    Stream,
    Subclasses,
    Symbol,
    Table,
    Unknown,
    Value,
    either,
    has_hole,
    is_plain,
)
from jupyter_tos_guard.inspection.state import Budget

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


_TEXT: Final = frozenset(
    "capitalize casefold center count decode encode endswith expandtabs find fromhex hex index isalnum "
    "isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper "
    "join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust "
    "rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill __add__ "
    "__mul__ __mod__ __getitem__ __len__ __contains__ __str__ __eq__ __ne__ __hash__ __iter__ tobytes".split()
)
#: Methods whose answer depends on what a hole stands for.
_ASKING: Final = frozenset(
    "count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric "
    "isprintable isspace istitle isupper rfind rindex startswith __len__ __eq__ __ne__ __hash__".split()
)
_PLAIN: Final[dict[type, frozenset[str]]] = {
    str: _TEXT,
    bytes: _TEXT,
    bytearray: _TEXT | frozenset("append extend insert pop remove reverse clear copy __setitem__".split()),
    int: frozenset(
        "bit_length to_bytes bit_count conjugate as_integer_ratio __add__ __sub__ __xor__ __eq__".split()
    ),
    bool: frozenset(),
    float: frozenset("is_integer hex as_integer_ratio".split()),
    list: frozenset(
        "append extend insert pop remove reverse clear copy index count __getitem__ __len__ __setitem__ "
        "__contains__ __add__ __iter__ appendleft popleft extendleft rotate put put_nowait get get_nowait "
        "__iadd__".split()
    ),
    tuple: frozenset("index count __getitem__ __len__ __contains__ __iter__ __add__".split()),
    dict: frozenset(
        "get keys values items pop popitem setdefault update copy clear __getitem__ __contains__ __len__ "
        "__setitem__ __iter__ move_to_end most_common elements".split()
    ),
    set: frozenset(
        "add discard remove pop update union intersection difference symmetric_difference copy clear "
        "issubset issuperset isdisjoint __contains__ __len__".split()
    ),
    frozenset: frozenset("union intersection difference issubset issuperset isdisjoint copy".split()),
    range: frozenset("index count __getitem__ __len__".split()),
}


def call(self: Evaluator, value: Value, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """``value.name(*arguments, **keywords)``."""
    kind = type(value)
    handler = _OF.get(kind)
    if handler is not None:
        return handler(self, value, name, arguments, keywords)
    allowed = _PLAIN.get(kind)
    if allowed is not None:
        special = _SPECIAL.get((kind, name))
        if special is not None:
            return special(self, value, arguments, keywords)
        if name in allowed:
            return _plain(self, value, name, arguments, keywords)
    elif kind in library.FIELDS:
        return _field(self, value, name, arguments, keywords)
    if name == "__class__":
        return Symbol(f"builtins.{kind.__name__}")
    self.escape_all(arguments, keywords)
    return UNKNOWN


def _plain(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of Python's own on a value that stands for itself."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        return _text(self, value, name, arguments, keywords)
    arguments = [self.items(each) if type(each) in (Generator, Array, Lines) else each for each in arguments]
    if kind in (dict, list) and self.journal is not None and name in _CHANGING:
        return _careful(self, value, name, arguments, keywords)
    return _perform(self, value, name, arguments, keywords)


_CHANGING: Final = frozenset("pop popitem clear remove popleft get_nowait".split())
_QUEUE: Final[dict[str, Callable[..., None]]] = {
    "appendleft": lambda value, each: value.insert(0, each),
    "put": lambda value, each, *rest: value.append(each),
    "put_nowait": lambda value, each: value.append(each),
    "extendleft": lambda value, each: value.__setitem__(slice(0, 0), list(each)[::-1]),
    "rotate": lambda value, count=1: value.__setitem__(
        slice(None), value[-count % len(value) :] + value[: -count % len(value)]
    ) if value else None,
}  # fmt: skip


def _careful(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Take nothing away if it may not happen: a worker's ``queue.pop()`` must find it next time too."""
    if name in ("clear", "remove"):
        return None
    if type(value) is dict:
        if name == "pop" and arguments:
            return self.item(value, arguments[0])
        return next(iter(value.items()), UNKNOWN)
    if not value:
        return UNKNOWN
    if len(value) <= Choice.MAX and not arguments:
        return either(value)
    return self.item(value, arguments[0] if arguments else -1)


def _perform(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    try:
        if type(value) is list and name in ("popleft", "get", "get_nowait"):
            self.doubts += not value  # who waits here for more waits for good
            return value.pop(0) if value else UNKNOWN
        queue = _QUEUE.get(name) if type(value) is list else None
        if queue is not None:
            return queue(value, *arguments)
        if name == "update" and type(value) is dict:
            for each in arguments:
                value.update(each if type(each) is dict else dict(self.items(each)))
            value.update(keywords)
            return None
        if name == "extend" and type(value) is list:
            value.extend(self.items(arguments[0])[: Budget.MAX_SIZE])
            return None
        if name in ("items", "keys", "values"):
            return list(getattr(value, name)())
        if name == "most_common":
            return sorted(value.items(), key=lambda pair: -pair[1])[: arguments[0] if arguments else None]
        if name == "elements":
            if not all(type(each) is int for each in value.values()) or sum(value.values()) > 1 << 16:
                return UNKNOWN
            return Generator([key for key, times in value.items() for _ in range(times)])
        if name == "get" and type(value) is dict and arguments and type(arguments[0]) in (Unknown, Symbol):
            return self.item(value, arguments[0])
        if name == "to_bytes" and (
            not arguments or (type(arguments[0]) is int and arguments[0] > Budget.MAX_SIZE)
        ):
            return UNKNOWN if not keywords else value.to_bytes(**keywords)
        result = getattr(value, name)(*arguments, **keywords)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return UNKNOWN
    if name == "to_bytes":
        self.note(result, "number")
    return result


def _text(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of text or bytes, parts that are not known carried along."""
    if name == "join":
        return _join(self, value, arguments)
    if name == "tobytes" and type(value) is bytes:
        return value
    if name in _ASKING and (
        has_hole(value) or any(has_hole(each) or not is_plain(each) for each in arguments)
    ):
        if name == "startswith" and arguments and type(arguments[0]) is str and not has_hole(arguments[0]):
            head = value.partition(HOLE)[0]
            if head.startswith(arguments[0]):
                return True
        return UNKNOWN
    if name in ("encode", "decode"):
        return _recode(self, value, name, arguments, keywords)
    size = len(value)
    for each in arguments:
        if type(each) is int and each > Budget.MAX_SIZE // 4 and name in _WIDENING:
            return UNKNOWN
    if name == "replace":
        if any(type(each) not in (str, bytes, int) for each in arguments):
            arguments = [each if type(each) in (str, bytes, int) else self.text(each) for each in arguments]
        if len(arguments) > 1 and size * (len(arguments[1]) + 1) > Budget.MAX_SIZE * 4:
            found = value.count(arguments[0]) if arguments[0] else size
            if size + found * len(arguments[1]) > Budget.MAX_SIZE:
                return UNKNOWN
    elif name == "translate" and arguments and type(arguments[0]) is dict:
        if any(type(each) is str and len(each) > 1000 for each in arguments[0].values()):
            return UNKNOWN
        if not is_plain(arguments[0]):
            return UNKNOWN
    elif name in ("__add__", "__mul__", "__mod__", "__getitem__"):
        if name == "__getitem__":
            return self.item(value, arguments[0] if arguments else UNKNOWN)
        operations = {"__add__": ast.Add, "__mul__": ast.Mult, "__mod__": ast.Mod}
        return self.binary(operations[name], value, arguments[0] if arguments else UNKNOWN)
    elif not all(is_plain(each) for each in arguments):
        return UNKNOWN
    self.budget.spend(size // 64 + 1)
    try:
        result = getattr(value, name)(*arguments, **keywords)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        return UNKNOWN
    if type(result) in (str, bytes):
        self.note(result, library.STEPS.get(name, ""), value)
    elif name == "split" and self.session.trace and value in self.session.trace and len(result) <= 64:
        for each in result:
            self.note(each, "", value)
    return library.checked(result)


_WIDENING: Final = frozenset("center ljust rjust zfill expandtabs".split())


def _join(self: Evaluator, value: Any, arguments: Arguments) -> Value:
    items = self.items(arguments[0]) if arguments else []
    if type(value) is str:
        size = sum(len(each) for each in items if type(each) is str)
        if size + len(value) * len(items) > Budget.MAX_SIZE:
            return UNKNOWN
        if any(type(each) is Choice for each in items):
            parts: list[Value] = []
            for each in items:
                parts += ([value] if parts and value else []) + [
                    each if type(each) in (str, Choice) else self.text(each)
                ]
            return library.joined_choices(parts)
        result = value.join(each if type(each) is str else self.text(each) for each in items)
        if len(items) > 2:
            self.note(result, "joined", *[each for each in items[:8] if type(each) is str and len(each) > 3])
        return result
    try:
        return library.checked(value.join(items))
    except TypeError:
        return UNKNOWN


def _recode(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    if not hasattr(value, name):
        return value  # what a process prints is kept as text, though the program may get bytes
    codec = arguments[0] if arguments else keywords.get("encoding", "utf-8")
    errors = arguments[1] if len(arguments) > 1 else keywords.get("errors", "strict")
    if type(codec) is not str or type(errors) is not str:
        codec, errors = "utf-8", "replace"
    plain = codec.lower().replace("-", "").replace("_", "")
    if plain in ("idna", "punycode") and len(value) > 512:
        return UNKNOWN
    self.budget.spend(len(value) // 32 + 1)
    try:
        result = getattr(value, name)(codec, errors)
    except LookupError:
        result = library.own_codec(self, name == "decode", value, codec)
    except ValueError:
        return UNKNOWN
    step = plain if plain not in ("utf8", "ascii", "latin1", "utf16", "utf16le", "utf16be", "cp1252") else ""
    self.note(result, step, bytes(value) if type(value) is bytearray else value)
    return result


def _format(self: Evaluator, value: str, arguments: Arguments, keywords: Keywords) -> Value:
    """``value.format(...)``."""
    return format_text(self, value, arguments, keywords)


def format_text(self: Evaluator, template: str, arguments: Arguments, keywords: Any, depth: int = 2) -> Value:
    """``template.format(*arguments, **keywords)``, attributes and items of the arguments included."""
    import string

    parts: list[Value] = []
    number = 0
    try:
        for literal, field, spec, conversion in string.Formatter().parse(template):
            self.tick()
            parts.append(literal)
            if field is None:
                continue
            name, rest = field_head(field)
            value: Value = UNKNOWN
            if name == "":
                value = arguments[number] if number < len(arguments) else UNKNOWN
                number += 1
            elif name.isdigit():
                value = arguments[int(name)] if int(name) < len(arguments) else UNKNOWN
            else:
                value = keywords.get(name, UNKNOWN) if type(keywords) is dict else self.item(keywords, name)
            for is_attribute, key in rest:
                value = self.attribute(value, key) if is_attribute else self.item(value, key)
            inner = (
                format_text(self, spec, arguments, keywords, depth - 1)
                if spec and "{" in spec and depth
                else spec
            )
            if type(value) is Choice:
                parts.append(
                    Choice(
                        tuple(self.format(each, self.text(inner or ""), conversion) for each in value.values)
                    )
                )
            else:
                parts.append(self.format(value, self.text(inner or ""), conversion))
    except (ValueError, IndexError):
        return UNKNOWN
    if any(type(each) is Choice for each in parts):
        return library.joined_choices(parts)
    result = "".join(parts)
    named = keywords.values() if type(keywords) is dict else ()
    self.note(result, "", *[each for each in (*arguments, *named) if type(each) is str])
    return library.checked(result)


def field_head(field: str) -> tuple[str, list[tuple[bool, Value]]]:
    """Return ``0.name[key]`` as its head and the steps from there."""
    match = re.match(r"[^.\[]*", field)
    head = match.group() if match else ""
    rest: list[tuple[bool, Value]] = []
    for step in re.finditer(r"\.([^.\[]+)|\[([^\]]*)\]", field[len(head) :]):
        if step.group(1) is not None:
            rest.append((True, step.group(1)))
        else:
            key = step.group(2)
            rest.append((False, int(key) if key.isdigit() else key))
    return head, rest


def _sort(self: Evaluator, value: list[Value], arguments: Arguments, keywords: Keywords) -> Value:
    made = sort(self, value, keywords)
    if made is not None:
        value[:] = made
    return None


def sort(self: Evaluator, values: list[Value], keywords: Keywords) -> list[Value] | None:
    """``sorted(values, **keywords)``, None if the order is not known."""
    key = keywords.get("key")
    self.budget.spend(len(values) // 8)
    try:
        if key is not None:
            ranks = [_rank(self.call(key, [each])) for each in values]
            if not all(is_plain(each) for each in ranks):
                return None
            order = sorted(range(len(values)), key=ranks.__getitem__, reverse=bool(keywords.get("reverse")))
            return [values[index] for index in order]
        backwards = keywords.get("reverse") is True or keywords.get("reverse") == 1
        if all(is_plain(_rank(each)) for each in values):
            return sorted(values, key=_rank, reverse=backwards)
        if len(values) > _MAX_COMPARED:
            return None
        return sorted(values, key=cmp_to_key(lambda one, other: _order(self, one, other)), reverse=backwards)
    except TypeError:
        return None


def _rank(value: Value) -> Value:
    """Return what a value is ordered by: a path by its parts."""
    return tuple(value.text.split("/")) if type(value) is Path else value


#: Objects that are sorted by comparing them as the program says.
_MAX_COMPARED: Final = 256


def _order(self: Evaluator, one: Value, other: Value) -> int:
    """Which of two values comes first: below 0, the one; ``TypeError`` if that is not known."""
    if type(one) is type(other) is tuple:
        different = (pair for pair in zip(one, other, strict=False) if not _same(*pair))
        one, other = next(different, (len(one), len(other)))
    less = self.truth(self.compare(ast.Lt, one, other))
    more = less is False and self.truth(self.compare(ast.Lt, other, one))
    if less is None or more is None:
        raise TypeError
    return -1 if less else int(more)


def _same(one: Value, other: Value) -> bool:
    return one is other or (is_plain(one) and is_plain(other) and bool(one == other))


_SPECIAL: Final[dict[tuple[type, str], Callable[..., Value]]] = {
    (str, "format"): _format,
    (str, "format_map"): lambda self, value, arguments, keywords: format_text(
        self, value, [], arguments[0] if arguments and type(arguments[0]) in (dict, Instance) else {}
    ),
    (list, "sort"): _sort,
    (bytes, "format"): lambda self, value, arguments, keywords: UNKNOWN,
}


def _field(self: Evaluator, value: Value, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of a result of the library: a match, a digest, a parsed address."""
    if isinstance(value, re.Pattern):
        return library.pure(self, f"re.{name}", [value, *arguments], keywords)
    if not all(is_plain(each) for each in arguments):
        return UNKNOWN
    if (name.startswith("_") and name not in ("__getitem__", "_replace", "_asdict")) or name in _CLOCK:
        return UNKNOWN
    if name == "strftime" and arguments and len(arguments[0]) > library.MAX_FORMAT:
        return UNKNOWN
    try:
        result = getattr(value, name)(*arguments, **keywords)
    except Exception:
        return UNKNOWN
    if type(result).__module__ == "datetime":
        library.kept(result)
    return library.checked(result)


#: Methods of a fixed time that ask the machine for its clock or its zone.
_CLOCK: Final = frozenset("today now utcnow fromtimestamp utcfromtimestamp timestamp astimezone".split())


def _instance(self: Evaluator, value: Instance, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    method = value.cls.find(name)
    return self.call(Bound(method, value), arguments, keywords) if method is not None else UNKNOWN


def _lines(self: Evaluator, value: Lines, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    if name in ("grep", "fields", "sort"):
        return value
    return list_method(self, value, name, arguments, keywords)


def list_method(self: Evaluator, value: Any, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of ``list`` on what extends it."""
    return _perform(self, value, name, arguments, keywords) if name in _PLAIN[list] else UNKNOWN


def _array(self: Evaluator, value: Array, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python.carriers import arrays

    return arrays.method(self, value, name, arguments, keywords)


def _table(self: Evaluator, value: Table, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python.carriers import tables

    return tables.method(self, value, name, arguments, keywords)


def _stream(self: Evaluator, value: Stream, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    if name in ("read", "getvalue", "read1", "readall", "getbuffer"):
        if name.startswith("get"):
            value.position = 0
        return library.stream_read(value, arguments[0] if arguments else -1)
    if name == "readline":
        content = library.stream_read(value)
        if type(content) not in (str, bytes):
            return content
        end = content.find("\n" if type(content) is str else b"\n") + 1 or len(content)
        value.position -= len(content) - end
        return content[:end]
    if name in ("readlines", "splitlines"):
        return list(library.stream_lines(value))
    if name in ("write", "writelines", "write_text", "write_bytes"):
        data = arguments[0] if arguments else ""
        if name == "writelines":
            for each in self.items(data):
                write(self, value, each)
        else:
            write(self, value, data)
        return UNKNOWN
    if name == "seek":
        value.position = arguments[0] if arguments and type(arguments[0]) is int and arguments[0] >= 0 else 0
        return value.position
    if name == "truncate":
        if value.content is not None:
            value.content = value.content[:0]
        return 0
    if name in ("detach", "fileno"):
        return value
    return None


def write(self: Evaluator, stream: Stream, data: Value) -> None:
    """``stream.write(data)``: a file of the session's grows."""
    source = ""
    reading = stream.position
    if stream.mode == "pipe":
        stream.position = len(stream.content or "")
    if type(data) is Symbol and data.called:
        from jupyter_tos_guard.inspection.python.effects import addresses

        source = addresses.source_of(data)
        stream.content, stream.source = None, source
    elif type(data) in (bytes, bytearray):
        data = bytes(data)
        if stream.content is None or type(stream.content) is str:
            stream.content = (stream.content or "").encode("utf-8", "surrogatepass")
        if len(stream.content) < Budget.MAX_SIZE:
            stream.content = (
                stream.content[: stream.position] + data + stream.content[stream.position + len(data) :]
            )
            stream.position += len(data)
    else:
        text = self.text(data)
        if type(stream.content) is bytes:
            stream.content = stream.content.decode("utf-8", "replace")
        content: Any = stream.content or ""
        if len(content) + len(text) < Budget.MAX_SIZE:
            stream.content = content[: stream.position] + text + content[stream.position + len(text) :]
            stream.position += len(text)
    if stream.mode == "pipe":
        stream.position = reading
    if stream.path:
        from jupyter_tos_guard.inspection.python.effects import files

        files.save(self, stream.path, stream.content, source)


def _path(self: Evaluator, value: Path, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python.effects import files

    return files.path_method(self, value, name, arguments, keywords)


def _generator(
    self: Evaluator, value: Generator, name: str, arguments: Arguments, keywords: Keywords
) -> Value:
    if name == "__next__":
        name, arguments = "send", [None]
    if name == "send" and value.function is not None:
        return _send(self, value, arguments[0] if arguments else None)
    if name in ("send", "__next__"):
        for each in itertools.islice(self.iterate(value), 1):
            return each
        return UNKNOWN
    if name == "__iter__":
        return value
    if name in ("__enter__", "__aenter__"):
        return self.enter(value)
    return UNKNOWN if name == "throw" else None


def _send(self: Evaluator, value: Generator, given: Value) -> Value:
    """Resume a generator: run it again with one more value sent."""
    from jupyter_tos_guard.inspection.python.evaluation import Frame

    if self.rehearsed:
        return UNKNOWN

    function = value.function
    assert function is not None
    fed = any(each is not None for each in value.sent)
    if given is None and value.position < len(value.items) and not fed:
        value.position += 1
        value.sent.append(None)
        return value.items[value.position - 1]
    sent = [*value.sent[1:], given] if value.sent else [given]
    value.sent.append(given)
    if len(value.sent) > 64:
        return UNKNOWN
    frame = Frame("function", {}, function.scope.globals, function.scope)
    self._bind(function, frame, value.arguments, value.keywords)
    frame.yields, frame.sent = [], sent
    before = len(self.state.facts)
    self.rehearsed = len(sent) > 1
    try:
        self.run_frame(function, frame)
    finally:
        self.rehearsed = False
    facts = self.state.facts
    seen = {(fact.kind, fact.value) for fact in facts[:before]}
    facts[before:] = [fact for fact in facts[before:] if (fact.kind, fact.value) not in seen]
    return frame.yields[-1] if frame.yields else UNKNOWN


def _process(self: Evaluator, value: Process, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python.effects import processes

    if name in (
        "communicate",
        "write",
        "writelines",
        "send",
        "sendline",
        "run_command",
        "stdin_write",
    ):
        given = arguments[0] if arguments else keywords.get("input")
        if given is not None:
            end = "\n" if name in ("sendline", "run_command") else ""
            for each in self.items(given) if type(given) is list else [given]:
                processes.feed(self, value, self.text(processes.decoded(each)) + end)
    output: Value = value.output if value.text else value.output.encode("utf-8", "replace")
    if not value.output:
        output = UNKNOWN
    if name == "communicate":
        return (output, UNKNOWN)
    if name in ("read", "readline", "expect", "before"):
        return output
    if name == "readlines":
        return self.items(value)
    return UNKNOWN


def _with_constants(self: Evaluator, code: Code, constants: tuple[Value, ...]) -> Value:
    """Return a function whose constants are replaced, by their places."""
    import ast
    import copy

    old = self.attribute(code, "co_consts")
    function = copy.copy(code.function)
    assert function is not None
    function.node = copy.deepcopy(function.node)
    places = [each for each in ast.walk(function.node) if type(each) is ast.Constant]
    for before, after in zip(old, constants, strict=False):
        for place in places:
            if place.value == before and type(place.value) is type(before) and before is not None:
                place.value = after
    return function


def _code(self: Evaluator, value: Code, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    if name == "replace" and value.function is not None and "co_consts" in keywords:
        constants = keywords.get("co_consts")
        if value.function is not None and type(constants) is tuple:
            return Code(function=_with_constants(self, value, constants))
        return Code(function=value.function, calls=value.calls)
    return value


def _subclasses(
    self: Evaluator, value: Subclasses, name: str, arguments: Arguments, keywords: Keywords
) -> Value:
    return Symbol("os._wrap_close")


_OF: Final[dict[type, Callable[..., Value]]] = {
    Instance: _instance,
    Lines: _lines,
    Array: _array,
    Stream: _stream,
    Path: _path,
    Generator: _generator,
    Process: _process,
    Code: _code,
    Subclasses: _subclasses,
    Table: _table,
    Method: lambda self, value, name, arguments, keywords: UNKNOWN,
}
