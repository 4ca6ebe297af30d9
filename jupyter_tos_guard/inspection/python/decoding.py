"""Decoders that Python's library lacks or that must not be run.

Pickles, code objects, ciphers, archives, odd bases.
"""

from __future__ import annotations

import pickletools
import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Code,
    Instance,
    Namespace,
    Native,
    Path,
    Stream,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


class Pickled:
    """``pickle.dumps(value)``: kept as the value, never as bytes."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


def restore(self: Evaluator, value: Value) -> Value:
    """``pickle.loads(pickle.dumps(value))``: calls what ``__reduce__`` says."""
    if type(value) is not Instance:
        return value
    for name in ("__reduce_ex__", "__reduce__"):
        method = value.cls.find(name)
        if method is None:
            continue
        reduced = self.call(Bound(method, value), [4] if name.endswith("ex__") else [])
        if type(reduced) is tuple and len(reduced) >= 2 and type(reduced[1]) is tuple:
            return self.call(reduced[0], list(reduced[1]), {}, self.node)
        return UNKNOWN
    return value


class _Mark:
    __slots__ = ()


_MARK: Final = _Mark()


def unpickle(self: Evaluator, data: bytes) -> Value:
    """Walk a pickle's instructions; its calls are made of symbols, nothing is loaded."""
    stack: list[Value] = []
    memo: dict[int, Value] = {}
    budget = self.budget
    try:
        for operation, argument, _ in pickletools.genops(data):
            budget.spend(2)
            _step(self, operation.name, argument, stack, memo)
            if len(stack) > 100_000:
                break
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError, UnicodeError):
        if not stack:
            self.opaque("pickle-unknown", self.node)
            return UNKNOWN
    return stack[-1] if stack else UNKNOWN


def _step(self: Evaluator, name: str, argument: Any, stack: list[Value], memo: dict[int, Value]) -> None:
    if name in _CONSTANT:
        stack.append(_CONSTANT[name] if _CONSTANT[name] is not _ARGUMENT else argument)
    elif name in ("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "EMPTY_TUPLE"):
        stack.append({"EMPTY_LIST": [], "EMPTY_DICT": {}, "EMPTY_SET": set(), "EMPTY_TUPLE": ()}[name])
    elif name == "MARK":
        stack.append(_MARK)
    elif name in ("GLOBAL", "INST"):
        module, _, attribute = argument.partition(" ")
        arguments = _marked(stack) if name == "INST" else None
        found = _global(self, module, attribute)
        stack.append(found if arguments is None else self.call(found, arguments, {}, self.node))
    elif name == "STACK_GLOBAL":
        attribute, module = stack.pop(), stack.pop()
        stack.append(_global(self, module, attribute))
    elif name in ("REDUCE", "NEWOBJ"):
        arguments, function = stack.pop(), stack.pop()
        stack.append(self.call(function, list(arguments), {}, self.node))
    elif name == "NEWOBJ_EX":
        keywords, arguments, function = stack.pop(), stack.pop(), stack.pop()
        stack.append(self.call(function, list(arguments), dict(keywords), self.node))
    elif name == "OBJ":
        items = _marked(stack)
        stack.append(self.call(items[0], items[1:], {}, self.node))
    elif name == "BUILD":
        stack.pop()
    elif name == "TUPLE":
        stack.append(tuple(_marked(stack)))
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        size = int(name[-1])
        items = stack[-size:]
        del stack[-size:]
        stack.append(tuple(items))
    elif name == "LIST":
        stack.append(_marked(stack))
    elif name == "DICT":
        items = _marked(stack)
        stack.append(dict(zip(items[::2], items[1::2], strict=False)))
    elif name == "APPEND":
        item = stack.pop()
        stack[-1].append(item)
    elif name in ("APPENDS", "ADDITEMS"):
        items = _marked(stack)
        if type(stack[-1]) is list:
            stack[-1].extend(items)
    elif name == "SETITEM":
        item, key = stack.pop(), stack.pop()
        stack[-1][key] = item
    elif name == "SETITEMS":
        items = _marked(stack)
        stack[-1].update(zip(items[::2], items[1::2], strict=False))
    elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name == "POP":
        stack.pop()
    elif name == "POP_MARK":
        _marked(stack)
    elif name == "DUP":
        stack.append(stack[-1])
    elif name in ("PERSID", "BINPERSID", "NEXT_BUFFER", "EXT1", "EXT2", "EXT4"):
        stack.append(UNKNOWN)


_ARGUMENT: Final = object()
_CONSTANT: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
        "BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
        "BYTEARRAY8".split(),
        _ARGUMENT,
    ),
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
}


def _marked(stack: list[Value]) -> list[Value]:
    items: list[Value] = []
    while stack:
        item = stack.pop()
        if item is _MARK:
            break
        items.append(item)
    return items[::-1]


def _global(self: Evaluator, module: Value, name: Value) -> Value:
    if type(module) is not str or type(name) is not str:
        return UNKNOWN
    if module == "__main__":
        return self.lookup(name)
    from jupyter_tos_guard.inspection.python import sinks

    found: Value = sinks.import_module(self, module, self.node)
    for part in name.split("."):
        found = self.attribute(found, part)
    return found


# -- code objects --------------------------------------------------------------------------------------


class MarshalledCalls:
    """A marshalled code object as its names and constants: which calls which is guessed, not followed."""

    __slots__ = ("constants", "names")

    def __init__(self, names: list[str], constants: list[Value]) -> None:
        self.names = names
        self.constants = constants

    def run(self, evaluator: Evaluator, steps: tuple[str, ...]) -> Value:
        """Take each sink that is named to be called with each constant that may be meant for it."""
        from jupyter_tos_guard.inspection.python import sinks
        from jupyter_tos_guard.inspection.python.effects import processes

        node = evaluator.node
        outer = evaluator.provenance
        evaluator.provenance = (*outer, *steps, "marshal")
        try:
            names = set(self.names)
            modules = [name for name in self.names if re.fullmatch(r"[a-z_][\w.]*", name)]
            texts = [each for each in self.constants if type(each) in (str, bytes)]
            for module in modules:
                if any(sinks.knows(f"{module}.{name}") for name in names) and module not in ("builtins",):
                    sinks.emit_module(evaluator, module, node)
            called: set[str] = set()
            for name in self.names:
                for module in (*modules, "builtins", "get_ipython"):
                    full = sinks.canonical(f"{module}.{name}")
                    if full in sinks.HANDLERS and full not in sinks.HARMLESS and full not in called:
                        called.add(full)
                        for text in texts[:64]:
                            evaluator.call(Symbol(full), [text], {}, node)
            if not called:
                for text in texts[:64]:
                    if type(text) is str and processes.looks_like_command(text):
                        processes.shell(evaluator, text)
            words = [text for text in texts if type(text) is str and " " not in text]
            if (
                any(name in ("run", "Popen", "call", "check_call", "check_output") for name in names)
                and len(words) > 1
            ):
                for index, word in enumerate(words):
                    if word in processes.PROGRAMS:
                        processes.argv(evaluator, words[index : index + 12])
        finally:
            evaluator.provenance = outer
        return UNKNOWN


_SHORT: Final = frozenset(b"zZ\xfa\xda")
_LONG: Final = frozenset(b"uatA\xf5\xe1\xf4\xc1s\xf3")


def unmarshal(data: bytes) -> Value:
    """Names and constants of a marshalled code object of any Python; :mod:`marshal` itself is never asked."""
    names: list[str] = []
    constants: list[Value] = []
    position = 0
    end = min(len(data), 1 << 18)
    is_code = bool(data) and data[0] in (0x63, 0xE3)
    while position < end - 1:
        kind = data[position]
        size, start = -1, 0
        if kind in _SHORT:
            size, start = data[position + 1], position + 2
        elif kind in _LONG and position + 5 <= len(data):
            size, start = int.from_bytes(data[position + 1 : position + 5], "little"), position + 5
        if size <= 0 or start + size > len(data):
            position += 1
            continue
        raw = data[start : start + size]
        if kind in b"s\xf3":
            # Bytecode is a byte string too: look inside it for nothing, but do not skip what follows.
            if size < 4 or not all(32 <= each < 127 or each in (9, 10, 13) for each in raw):
                position += 1
                continue
            constants.append(raw)
            position = start + size
            continue
        try:
            text = raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            position += 1
            continue
        if not text.isprintable() and not all(each.isprintable() or each in "\n\t\r" for each in text):
            position += 1
            continue
        if text.isidentifier() or re.fullmatch(r"[A-Za-z_][\w.]*", text):
            names.append(text)
        constants.append(text)
        position = start + size
    if not is_code and len(constants) < 2:
        return UNKNOWN
    return Code(calls=MarshalledCalls(names, constants))


# -- ciphers -----------------------------------------------------------------------------------------------


def fernet(self: Evaluator, key: Value, token: Value) -> Value:
    """``Fernet(key).decrypt(token)`` where both are known."""
    import base64

    try:
        secret = base64.urlsafe_b64decode(key)
        body = base64.urlsafe_b64decode(token)
    except (TypeError, ValueError):
        return UNKNOWN
    if len(secret) != 32 or len(body) < 57 or body[0] != 0x80 or len(body) > 1 << 15:
        return UNKNOWN
    from jupyter_tos_guard.inspection.python.aes import decrypt_cbc

    plain = decrypt_cbc(secret[16:], body[9:25], body[25:-32], self.budget.spend)
    if plain is None:
        return UNKNOWN
    made = plain[: -plain[-1]] if plain and 0 < plain[-1] <= 16 else plain
    self.note(made, "fernet")
    return made


def cipher(self: Evaluator, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """``AES.new(key, mode, iv)`` with ``decrypt``."""
    key = arguments[0] if arguments else keywords.get("key")
    mode: Value = arguments[1] if len(arguments) > 1 else keywords.get("mode")
    start = arguments[2] if len(arguments) > 2 else keywords.get("iv", keywords.get("IV"))
    word = (
        mode.name.rpartition(".")[2] if type(mode) is Symbol else {1: "MODE_ECB", 2: "MODE_CBC"}.get(mode, "")
    )
    if type(key) is not bytes or len(key) not in (16, 24, 32) or word not in ("MODE_ECB", "MODE_CBC"):
        return Symbol("Crypto.Cipher.AES.new", True, (arguments, keywords))

    def decrypt(given: list[Value], named: dict[str, Value]) -> Value:
        from jupyter_tos_guard.inspection.python.aes import decrypt_cbc, decrypt_ecb

        data = given[0] if given else UNKNOWN
        if type(data) is not bytes or len(data) > 1 << 15 or len(data) % 16:
            return UNKNOWN
        spend = self.current().budget.spend
        if word == "MODE_ECB":
            made = decrypt_ecb(key, data, spend)
        elif type(start) is bytes and len(start) == 16:
            made = decrypt_cbc(key, start, data, spend)
        else:
            return UNKNOWN
        self.current().note(made, "aes")
        return made

    return Namespace("AES", {"decrypt": Native(decrypt)})


# -- bases ---------------------------------------------------------------------------------------------------

_ALPHABETS: Final = {
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base62": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}


def based(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Decode as packages for bases that are no power of two do."""
    word = name.partition(".")[0]
    data = arguments[0] if arguments else UNKNOWN
    if type(data) is str:
        data = data.encode("ascii", "replace")
    alphabet = keywords.get("alphabet", _ALPHABETS.get(word))
    if type(alphabet) is bytes:
        alphabet = alphabet.decode("latin-1")
    if type(data) is not bytes or type(alphabet) is not str or len(data) > 4096:
        return UNKNOWN
    values = {character: value for value, character in enumerate(alphabet)}
    number = 0
    text = data.decode("latin-1").strip()
    for character in text:
        if character not in values:
            return UNKNOWN
        number = number * len(alphabet) + values[character]
    self.budget.spend(len(text))
    zeros = len(text) - len(text.lstrip(alphabet[0])) if word == "base58" else 0
    made = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    self.note(made, word)
    return made


# -- archives ------------------------------------------------------------------------------------------------


def archive(self: Evaluator, stream: Stream, is_tar: bool, members: dict[str, bytes]) -> Value:
    """Open a zip or tar in memory or in a known file, as its members; ``members`` when they are known."""
    data = stream.content
    if type(data) is str:
        data = data.encode("latin-1", "replace")
    if type(data) is bytes and data:
        members = _members(self, data, is_tar)
    from jupyter_tos_guard.inspection.python.effects import files

    def text(value: Value) -> str:
        return (
            value if type(value) is str else value.text if type(value) is Path else self.current().text(value)
        )

    def write(arguments: list[Value], keywords: dict[str, Value]) -> Value:
        if len(arguments) > 1:
            content = arguments[1]
            name = arguments[0]
            if type(name) is Symbol and name.details and name.details[0]:
                name = name.details[0][0]  # ZipInfo(name), TarInfo(name)
            if type(content) is Stream:
                content = library.stream_read(content)
            members[text(name)] = content.encode() if type(content) is str else content
            if stream.path and type(content) in (str, bytes):
                # Python imports from archives as from folders.
                files.save(self.current(), f"{stream.path}/{text(name)}", content)
        return None

    def add(arguments: list[Value], keywords: dict[str, Value]) -> Value:
        """Put a file of the session into the archive, under its own or another name."""
        from jupyter_tos_guard.inspection.shell import process

        source = text(arguments[0]) if arguments else ""
        name = arguments[1] if len(arguments) > 1 else keywords.get("arcname", source)
        file = process.find_file(source, self.current().state)
        if file is None or file.content is None:
            return None
        return write([text(name), file.content], {})

    def read(arguments: list[Value], keywords: dict[str, Value]) -> Value:
        return members.get(text(arguments[0]), UNKNOWN) if arguments else UNKNOWN

    def open_member(arguments: list[Value], keywords: dict[str, Value]) -> Value:
        content = members.get(text(arguments[0])) if arguments else None
        return Stream("", "rb", content)

    def extract(arguments: list[Value], keywords: dict[str, Value]) -> Value:
        folder = arguments[0] if arguments else keywords.get("path", ".")
        for name, content in members.items():
            if type(content) is bytes:
                files.save(self.current(), f"{text(folder)}/{name}", content)
        return None

    return Namespace(
        "archive",
        {
            "writestr": Native(write),
            "addfile": Native(write),
            "write": Native(add),
            "add": Native(add),
            "read": Native(read),
            "open": Native(open_member),
            "extractfile": Native(open_member),
            "extractall": Native(extract),
            "extract": Native(lambda arguments, keywords: extract(arguments[1:], keywords)),
            "namelist": Native(lambda arguments, keywords: list(members)),
            "getnames": Native(lambda arguments, keywords: list(members)),
            "close": Native(lambda arguments, keywords: None),
        },
    )


def _members(self: Evaluator, data: bytes, is_tar: bool) -> dict[str, bytes]:
    """Members of an archive, a bounded number of bounded size."""
    import io

    self.budget.spend(len(data) // 16 + 16)
    found: dict[str, bytes] = {}
    size = 0
    try:
        if is_tar:
            kinds = {b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\xfd7": "lzma"}
            if data[:2] in kinds:
                data = library.inflate(self, kinds[data[:2]], data)
            with library.stdlib("tarfile").open(fileobj=io.BytesIO(data), mode="r:") as tar:
                for member in tar:
                    if size > 1 << 20 or len(found) > 100 or not member.isfile():
                        continue
                    handle = tar.extractfile(member)
                    found[member.name] = handle.read(1 << 18) if handle is not None else b""
                    size += len(found[member.name])
        else:
            with library.stdlib("zipfile").ZipFile(io.BytesIO(data)) as bundle:
                for name in bundle.namelist()[:100]:
                    with bundle.open(name) as handle:
                        found[name] = handle.read(1 << 18)
                    size += len(found[name])
                    if size > 1 << 20:
                        break
    except Exception:
        return found
    return found
