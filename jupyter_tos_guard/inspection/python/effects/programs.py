"""Programs out of data: pickles, marshalled code, documents that call, what was encrypted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.python import library, reflection
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers import databases, settings
from jupyter_tos_guard.inspection.python.effects import processes
from jupyter_tos_guard.inspection.python.effects.files import open_file
from jupyter_tos_guard.inspection.python.effects.processes import SYSTEM_CALLS, decoded, is_fetched
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Code,
    Path,
    Stream,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def _unpickle(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding
    from jupyter_tos_guard.inspection.shell import process

    data = argument(arguments, keywords, 0, "data", "file", "f", "filename")
    path = data.path if type(data) is Stream else self.text(data) if type(data) in (str, Path) else ""
    if path:
        process.find_file(path, self.state)  # what waits may write it
    kept = self.session.patched.get(f"pickled {path}") if path else None
    if type(kept) is decoding.Pickled:
        return decoding.restore(self, kept.value)
    if type(data) in (str, Path) and not symbol.name.endswith("loads"):
        data = open_file(self, Symbol("builtins.open"), [data, "rb"], {})
    if type(data) is Stream:
        data = library.stream_read(data)
    if type(data) in (bytes, bytearray):
        return decoding.unpickle(self, bytes(data))
    if type(data) is decoding.Pickled:
        return decoding.restore(self, data.value)
    if is_fetched(data):
        self.opaque("pickle-unknown", self.node)
    return UNKNOWN


def _pickle(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    made = decoding.Pickled(first_argument(arguments))
    stream = argument(arguments, keywords, 1, "file", "filename", "f")
    if type(stream) in (Stream, str, Path):
        path = stream.path if type(stream) is Stream else self.text(stream)
        if len(self.session.patched) < 256:
            self.session.patched[f"pickled {path}"] = made
        return None
    return made


def _save_array(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.save(path, array)`` and ``numpy.savez(path, name=array)``."""
    several = "savez" in symbol.name
    target, *rest = arguments or [UNKNOWN]
    named = {f"arr_{index}": each for index, each in enumerate(rest)} | keywords
    value: Value = named if several else argument(arguments, keywords, 1, "arr")
    if type(target) in (str, Path):
        suffix = ".npz" if several else ".npy"
        target = self.text(target).removesuffix(suffix) + suffix
    return _pickle(self, symbol, [value, target], {})


def _run_statement(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``timeit.timeit(text)``, ``cProfile.run(text)``: text or a function that is run."""
    setup = keywords.get("setup", arguments[1] if len(arguments) > 1 else None)
    for each in (setup, *arguments[:1], keywords.get("stmt"), keywords.get("statement"), *arguments[2:]):
        if type(each) is str and len(each) > 3:
            reflection.run(self, each, symbol.name.partition(".")[0])
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True)


def _yaml_load(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``yaml.load`` with a loader that calls what the document names."""
    stream = argument(arguments, keywords, 0, "stream")
    text = decoded(library.stream_read(stream) if type(stream) is Stream else stream)
    if type(text) is str and "!!python/" in text:
        from jupyter_tos_guard.inspection.python import sinks

        for match in _YAML_CALL.finditer(text[: 1 << 16]):
            given = [a or b or c.strip() for a, b, c in _YAML_TEXT.findall(match.group(2))]
            name = sinks.canonical(match.group(1))
            if given and name in processes.HANDLERS:
                self.call(Symbol(name), given[:1] if name in SYSTEM_CALLS.split() else [given])
            elif given and name in sinks.HANDLERS:
                self.call(Symbol(name), list(given))
    made = settings.documents(self, symbol, arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords)) if made is None else made


_YAML_CALL: Final = re.compile(
    r"!!python/(?:object/apply|object/new):([\w.]+)\s*(?:args:)?\s*((?:\[[^\]]{0,4000}\]|[^!]{0,4000}))"
)
_YAML_TEXT: Final = re.compile(
    r"\"((?:[^\"\\]|\\.){1,2000})\"|'([^']{1,2000})'|(?:^|\n)\s*- ([^\n\"'\[]{2,2000})"
)


def _mock_patch(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``unittest.mock.patch("module.name")`` replaces what it names."""
    from jupyter_tos_guard.inspection.python import sinks

    target = first_argument(arguments, keywords.get("target", UNKNOWN))
    if type(target) is str and re.fullmatch(r"[\w.]{3,200}", target):
        sinks.emit_call(self, target, self.node)
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True)


def _database(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sqlite3.connect(path)``: a file that is opened to be written."""
    path = self.text(argument(arguments, keywords, 0, "database"))
    if HOLE not in path and ":memory:" not in path:
        self.emit(Kind.FILE, path.lower(), self.node)
    return databases.connect(self, symbol, arguments, keywords)


def _unmarshal(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    data = first_argument(arguments)
    if type(data) is Stream:
        data = library.stream_read(data)
    if type(data) is Code:
        return data
    if type(data) in (bytes, bytearray):
        return decoding.unmarshal(bytes(data))
    return UNKNOWN


def _fernet(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    key = symbol.details[0][0] if symbol.details and symbol.details[0] else UNKNOWN
    return decoding.fernet(self, key, first_argument(arguments))


def _cipher(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    return decoding.cipher(self, arguments, keywords)


def _decoder(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    return decoding.based(self, symbol.name, arguments, keywords)


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "pickle.loads pickle.load pickle.Unpickler.load joblib.load torch.load "
        "pandas.read_pickle numpy.load _pickle.loads "
        "pickle._loads".split(),
        _unpickle,
    ),
    **dict.fromkeys("pickle.dumps pickle.dump pickle._dumps joblib.dump torch.save".split(), _pickle),
    **dict.fromkeys("numpy.save numpy.savez numpy.savez_compressed".split(), _save_array),
    **dict.fromkeys(
        "timeit.timeit timeit.repeat timeit.Timer timeit.main cProfile.run cProfile.runctx "
        "profile.run pdb.run pdb.runeval bdb.Bdb.run trace.Trace.run cProfile.Profile.run "
        "codeop.compile_command IPython.embed "
        "test.support.script_helper.run_python_until_end".split(),
        _run_statement,
    ),
    **dict.fromkeys(
        "yaml.load yaml.unsafe_load yaml.full_load yaml.load_all yaml.unsafe_load_all "
        "ruamel.yaml.load".split(),
        _yaml_load,
    ),
    **dict.fromkeys("unittest.mock.patch mock.patch unittest.mock.patch.object".split(), _mock_patch),
    "sqlite3.connect": _database,
    "marshal.loads": _unmarshal,
    "marshal.load": _unmarshal,
    "marshal.dumps": lambda self, symbol, arguments, keywords: first_argument(arguments),
    "cryptography.fernet.Fernet.decrypt": _fernet,
    "Crypto.Cipher.AES.new": _cipher,
    "Cryptodome.Cipher.AES.new": _cipher,
    **dict.fromkeys(
        "base58.b58decode base62.decode base36.dumps base91.decode base65536.decode base2048.decode".split(),
        _decoder,
    ),
}
