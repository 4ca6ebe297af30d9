"""Where names of modules lead: imports, attributes and calls of what is not the user's own.

One table says what a qualified name does (:data:`HANDLERS`, put together from
:mod:`.reflection` and :mod:`.effects`); a name that is in no table is judged by
what it is given (:func:`.guesses.guess`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.python import carriers, effects, library, reflection, trees
from jupyter_tos_guard.inspection.python.carriers import listeners, widgets
from jupyter_tos_guard.inspection.python.effects import (
    addresses,
    finders,
    guesses,
    history,
    items,
    modules,
    processes,
    shell,
)
from jupyter_tos_guard.inspection.python.values import (
    CALLABLE,
    UNKNOWN,
    Class,
    Function,
    Instance,
    Namespace,
    Native,
    Partial,
    Subclasses,
    Symbol,
    Unknown,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Names that Python binds by itself.
BUILTINS: Final = frozenset(
    "abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile "
    "complex delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals "
    "hasattr hash help hex id input int isinstance issubclass iter len list locals map max memoryview min "
    "next object oct open ord pow print property quit range repr reversed round set setattr slice sorted "
    "staticmethod str sum super tuple type vars zip __import__ display execfile unichr unicode xrange "
    "raw_input reduce basestring long BaseException Exception ValueError TypeError KeyError IndexError "
    "RuntimeError StopIteration ImportError ModuleNotFoundError OSError IOError FileNotFoundError "
    "AttributeError NameError ZeroDivisionError KeyboardInterrupt SystemExit Warning AssertionError "
    "NotImplementedError ArithmeticError LookupError UnicodeError UnicodeDecodeError EOFError GeneratorExit "
    "StopAsyncIteration TimeoutError ConnectionError PermissionError Ellipsis NotImplemented "
    "BaseExceptionGroup ExceptionGroup OverflowError RecursionError MemoryError".split()
)

#: Other spellings of names: what a module is called inside, moved functions, other ways to the shell.
ALIASES: Final[dict[str, str]] = {
    "IPython.get_ipython": "get_ipython",
    "IPython.core.getipython.get_ipython": "get_ipython",
    "IPython.display.get_ipython": "get_ipython",
    "IPython.core.interactiveshell.InteractiveShell.instance": "get_ipython",
    "IPython.core.interactiveshell.InteractiveShell._instance": "get_ipython",
    "IPython.InteractiveShell.instance": "get_ipython",
    "IPython.terminal.interactiveshell.TerminalInteractiveShell.instance": "get_ipython",
    "ipykernel.zmqshell.ZMQInteractiveShell.instance": "get_ipython",
    "ipykernel.zmqshell.ZMQInteractiveShell._instance": "get_ipython",
    "IPython.Application.instance.shell": "get_ipython",
    "IPython.Application.instance.kernel.shell": "get_ipython",
    "traitlets.config.Application.instance.shell": "get_ipython",
    "traitlets.config.Application.instance.kernel.shell": "get_ipython",
    "ipykernel.kernelapp.IPKernelApp.instance.shell": "get_ipython",
    "ipykernel.kernelapp.IPKernelApp.instance.kernel.shell": "get_ipython",
    "IPython.core.getipython.InteractiveShell.instance": "get_ipython",
    "get_ipython.kernel.shell": "get_ipython",
    "get_ipython.shell": "get_ipython",
    "weakref.WeakSet": "builtins.set",
    "weakref.WeakKeyDictionary": "builtins.dict",
    "weakref.WeakValueDictionary": "builtins.dict",
    "io.open": "builtins.open",
    "_io.open": "builtins.open",
    "codecs.open": "builtins.open",
    "tokenize.open": "builtins.open",
    "builtins.execfile": "builtins.execfile",
    "builtins.unichr": "builtins.chr",
    "builtins.unicode": "builtins.str",
    "builtins.xrange": "builtins.range",
    "builtins.raw_input": "builtins.input",
    "builtins.reduce": "functools.reduce",
    "builtins.long": "builtins.int",
    "builtins.display": "IPython.display.display",
    "subprocess.create_subprocess_exec": "asyncio.create_subprocess_exec",
    "subprocess.create_subprocess_shell": "asyncio.create_subprocess_shell",
    "urllib.urlretrieve": "urllib.request.urlretrieve",
    "urllib.urlopen": "urllib.request.urlopen",
    "urllib2.urlopen": "urllib.request.urlopen",
    "six.moves.urllib.request.urlretrieve": "urllib.request.urlretrieve",
    "six.moves.urllib.request.urlopen": "urllib.request.urlopen",
    "six.moves.builtins.exec": "builtins.exec",
    "urllib.unquote": "urllib.parse.unquote",
    "string.maketrans": "builtins.bytes.maketrans",
    "string.letters": "string.ascii_letters",
    "string.lowercase": "string.ascii_lowercase",
    "string.join": "builtins.str.join",
    "functools.cmp_to_key": "functools.cmp_to_key",
    "binascii.a2b_hex": "binascii.unhexlify",
    "subprocess.os": "os",
    "_functools.reduce": "functools.reduce",
    "_functools.partial": "functools.partial",
    "_operator.attrgetter": "operator.attrgetter",
    "_operator.methodcaller": "operator.methodcaller",
    "_operator.itemgetter": "operator.itemgetter",
    "_frozen_importlib.__import__": "builtins.__import__",
    "importlib.__import__": "builtins.__import__",
    "importlib._bootstrap.__import__": "builtins.__import__",
    "importlib._bootstrap._gcd_import": "importlib.import_module",
    "_frozen_importlib._gcd_import": "importlib.import_module",
    "future.standard_library.import_": "importlib.import_module",
    "_imp.create_builtin": "_imp.create_builtin",
    "zlib.decompressobj.decompress": "zlib.decompress",
    "bz2.BZ2Decompressor.decompress": "bz2.decompress",
    "lzma.LZMADecompressor.decompress": "lzma.decompress",
    "fastai.imports.subprocess": "subprocess",
    "pip._vendor.tomli": "tomllib",
}
_MODULE_ALIASES: Final = {
    "posix": "os",
    "nt": "os",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "_pickle": "pickle",
    "cloudpickle": "pickle",
    "dill": "pickle",
    "pickle5": "pickle",
    "_io": "io",
    "posixpath": "os.path",
    "_operator": "operator",
    "_codecs": "codecs",
    "_struct": "struct",
    "_json": "json",
    "simplejson": "json",
    "ujson": "json",
    "orjson": "json",
    "tomli": "tomllib",
    "toml": "tomllib",
    "rtoml": "tomllib",
    "subprocess32": "subprocess",
    "_thread": "threading",
    "thread": "threading",
    "pip9": "pip",
    "regex": "re",
    "pathlib2": "pathlib",
    "anyio.Path": "pathlib.Path",
    "asyncio.subprocess": "asyncio",
    "asyncio.tasks": "asyncio",
    "asyncio.events": "asyncio",
    "urllib3.request": "urllib3",
    "lzma.lzma": "lzma",
    "backports.lzma": "lzma",
    "isal.igzip": "gzip",
    "zlib_ng": "zlib",
    "pybase64": "base64",
}
#: Modules that others hold under their own name: ``shutil.os``, ``random._os``, ``pandas.io.common.os``.
_HELD: Final = frozenset(
    "os sys subprocess builtins shutil importlib socket base64 pty io zlib codecs binascii operator "
    "functools".split()
)
_GLOBALS: Final = ("__dict__", "__globals__")


def name_special(self: Evaluator, name: str) -> Value:
    """Return the value of a name that IPython binds."""
    if name in ("get_ipython", "ip"):
        return Symbol("get_ipython") if name == "get_ipython" else UNKNOWN
    if name in ("In", "_ih"):
        return history.history_inputs(self)
    if name in ("Out", "_oh"):
        return Symbol("Out")
    if name == "__name__":
        return "__main__"
    if name in ("__builtins__", "__builtin__"):
        return Symbol("builtins")
    if name in ("__loader__", "__spec__"):
        return Symbol("importlib.__loader__")
    if name == "__file__":
        return UNKNOWN
    return None


NAMES: Final[dict[str, Any]] = dict.fromkeys(
    (
        "get_ipython",
        "In",
        "_ih",
        "Out",
        "_oh",
        "__name__",
        "__builtins__",
        "__builtin__",
        "__loader__",
        "__doc__",
    ),
    name_special,
)

HANDLERS: Final[dict[str, Any]] = {**reflection.HANDLERS, **carriers.HANDLERS, **effects.HANDLERS}
#: Handlers that only compute: handed to unknown code they do nothing.
HARMLESS: Final = frozenset(reflection.HARMLESS) | frozenset(carriers.HANDLERS)
#: Decorators and wrappers that do not call by themselves what they are given.
_PASSIVE: Final = frozenset(
    "functools contextlib dataclasses abc typing numba torch jax tensorflow tf typing_extensions attr "
    "pytest".split()
)


#: Libraries whose objects carry no text that a command could come from: what a cleared
#: statement gives them need not be worked out.
BARREN: Final = frozenset(
    "torch torchvision tensorflow tf keras sklearn matplotlib seaborn plotly pandas scipy statsmodels cv2 "
    "PIL jax flax optax xgboost lightgbm catboost skimage sagemaker pymc pymc3 bokeh altair fastai "
    "transformers datasets accelerate peft trl networkx sympy polars pyspark dask gensim spacy nltk".split()
)


def is_barren(name: str) -> bool:
    """Whether a call of ``name`` yields nothing that matters to a command."""
    return name.partition(".")[0] in BARREN and not knows(name)


#: What ``from module import *`` binds, as far as it is worth following into later cells.
STARS: Final[dict[str, tuple[str, ...]]] = {
    "scapy.all": ("send", "sendp", "sendpfast", "srflood", "sr1flood", "srpflood", "RandIP"),
}


def knows(name: str) -> bool:
    """Whether a qualified name is in a table."""
    module, _, function = name.rpartition(".")
    return (
        name in HANDLERS
        or name in ALIASES
        or name in library.CONSTANTS
        or function in library._PURE.get(module, ())
    )


def canonical(name: str) -> str:
    """Return the one spelling of a qualified name."""
    known = ALIASES.get(name)
    if known is not None:
        return known
    root, dot, rest = name.partition(".")
    other = _MODULE_ALIASES.get(root)
    if other is not None:
        return canonical(other + dot + rest) if other.partition(".")[0] != root else other + dot + rest
    head, dot, last = name.rpartition(".")
    other = _MODULE_ALIASES.get(head)
    return f"{other}.{last}" if other is not None else name


# -- imports -----------------------------------------------------------------------------------------


def import_module(self: Evaluator, name: str, node: ast.AST | None, names: list[str] | None = None) -> Value:
    """``import name``: a symbol, or the names of a module that the session itself wrote."""
    if not name or HOLE in name:
        return UNKNOWN
    own = modules.own_module(self, name, node)
    if own is not None:
        return own
    emit_module(self, name, node)
    for each in names or ():
        if each != "*" and each[:1].islower():
            emit_module(self, f"{name}.{each}", node)
    found = finders.find(self, name)
    return Symbol(canonical(name)) if found is None else found


def emit_module(self: Evaluator, name: str, node: ast.AST | None) -> None:
    """Report a module once."""
    key = f"import {name}"
    if key not in self.emitted:
        self.emitted.add(key)
        self.emit(Kind.MODULE, name.lower(), node)


def emit_call(self: Evaluator, name: str, node: ast.AST | None) -> None:
    """Report a call once."""
    if name in self.emitted or HOLE in name or name.count(".") > 6:
        return
    if name.partition(".")[0] in ("builtins", "Out"):
        return
    self.emitted.add(name)
    self.emit(Kind.CALL, name, node)


# -- attributes and items ----------------------------------------------------------------------------


def attribute(self: Evaluator, symbol: Symbol, name: str) -> Value:
    """``symbol.name``."""
    full = f"{symbol.name}.{name}"
    patched = self.session.patched
    if patched and full in patched:
        return patched[full]
    if not symbol.called:
        constant = library.CONSTANTS.get(full)
        if constant is not None:
            return constant
        special = items.PROPERTIES.get(full)
        if special is not None:
            return special(self, symbol)
    if name[:2] == "__":
        return _dunder(self, symbol, name)
    bare = name.lstrip("_")
    if bare in _HELD and not symbol.called and symbol.name not in ("six.moves", bare):
        emit_module(self, bare, None)
        return Symbol(bare)
    full = canonical(full)
    if full == "get_ipython" and name != "get_ipython" and name != "instance":
        return Symbol(full, True)
    if full.startswith("get_ipython."):
        found = shell.shell_attribute(self, full)
        if found is not None:
            return found
    if name == "args" and library.is_exception(symbol):
        return tuple(symbol.details[0])
    if symbol.called and symbol.details is not None:
        if trees.has_field(symbol, name):
            return trees.field(symbol, name)
        return addresses.result_attribute(self, symbol, full, name)
    return Symbol(full, symbol.called)


#: Modules whose functions list the objects of the process.
_ANYTHING: Final = frozenset({"gc", "threading", "inspect", "get_ipython.events"})


def _dunder(self: Evaluator, symbol: Symbol, name: str) -> Value:
    root, _, last = symbol.name.rpartition(".")
    if name == "__name__" or name == "__qualname__":
        return last or symbol.name
    if name == "__module__":
        # What stands among the objects of this process may be from any module.
        return Symbol(f"{symbol.name}.__module__", True) if root in _ANYTHING else root or symbol.name
    if name == "__self__":
        return Symbol(root or "builtins")
    if name in ("__call__", "__func__", "__wrapped__", "__origin__"):
        return symbol
    if name in ("__getattribute__", "__getattr__", "__getitem__"):
        if name == "__getitem__" and symbol.name in library.PLAIN_TYPES:
            return Symbol(f"{symbol.name}.{name}")
        if name == "__getitem__":
            return Native(
                lambda arguments, keywords: item(self, symbol, arguments[-1] if arguments else UNKNOWN)
            )
        return Native(
            lambda arguments, keywords: reflection.get_attribute(
                self, _receiver(symbol, arguments), arguments[-1:]
            )
        )
    if name in ("__bases__", "__mro__"):
        return (Symbol("builtins.object"),) * (1 if name == "__bases__" else 2)
    if name == "__base__":
        return Symbol("builtins.object")
    if name == "__subclasses__":
        return Native(lambda arguments, keywords: _subclasses(self))
    if name == "__class__":
        return Symbol("builtins.type" if not symbol.called else symbol.name)
    if name == "__builtins__":
        return Symbol("builtins")
    if name == "__import__":
        return Symbol("builtins.__import__")
    if name in ("__loader__", "__spec__"):
        return Symbol("importlib.__loader__")
    if name == "__globals__":
        return Symbol(f"{symbol.name.partition('.')[0]}.__dict__")
    if name in ("__init__", "__new__", "__enter__", "__exit__", "__aenter__", "__aexit__"):
        return Symbol(
            symbol.name if name == "__new__" else f"{symbol.name}.{name}", symbol.called, symbol.details
        )
    if name == "__iter__":
        return Native(lambda arguments, keywords: symbol)
    return Symbol(f"{symbol.name}.{name}", symbol.called, symbol.details)


def _receiver(symbol: Symbol, arguments: list[Value]) -> Value:
    """``object.__getattribute__(os, "system")`` names its object itself."""
    return arguments[0] if len(arguments) > 1 else symbol


def _subclasses(self: Evaluator) -> Value:
    self.opaque("exec-unknown", None, "__subclasses__")
    names = (
        "os._wrap_close subprocess.Popen warnings.catch_warnings importlib._bootstrap_external.FileLoader "
        "importlib.__loader__.BuiltinImporter codecs.IncrementalDecoder"
    )
    return Subclasses([Symbol(each) for each in names.split()])


def item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    """``symbol[index]``."""
    name = symbol.name
    if name.endswith(_GLOBALS) and type(index) is str:
        owner = name.rpartition(".")[0]
        if index == "__builtins__":
            return Symbol("builtins")
        return attribute(self, Symbol(owner), index)
    if name == "builtins" and type(index) is str:
        return attribute(self, symbol, index)
    special = items.ITEMS.get(name)
    if special is not None:
        return special(self, symbol, index)
    if name.startswith(("plumbum.", "sh.")) and name not in ("plumbum.local",):
        given = list(index) if type(index) is tuple else [index]
        before = symbol.details[0] if symbol.details else []
        return Symbol(name, symbol.called, ([*before, *given], {}))
    if name.startswith("ctypes.") and type(index) is str:
        return Symbol(f"{name}.{index}", True)
    if symbol.details and symbol.called and type(index) is str:
        for each in symbol.details[0]:
            if type(each) is dict and index in each:
                return each[index]
    if symbol.details and symbol.called and type(index) in (int, slice):
        for each in symbol.details[0]:
            if type(each) in (list, tuple):
                return self.item(each, index)
    return Symbol(name, symbol.called, symbol.details)


def put_item(self: Evaluator, symbol: Symbol, index: Value, new: Value) -> None:
    """``symbol[index] = new``."""
    name = symbol.name
    if name in ("os.environ", "os.environb"):
        key = self.text(index)
        if HOLE not in key:
            self.state.environ[key] = self.text(new)
            processes.report_variable(self, key, self.text(new))
    elif name == "sys.modules" and type(index) is str:
        emit_module(self, index, None)
        if type(new) in (Namespace, Symbol):
            self.session.patched[f"sys.modules.{index}"] = new
    elif name == "sys.meta_path":
        finders.add(self, symbol, [new], {})
    elif name.endswith(_GLOBALS) and type(index) is str:
        put_attribute(self, Symbol(name.rpartition(".")[0]), index, new, None)
    else:
        if name.startswith("get_ipython"):
            emit_call(self, name, None)
        processes.absorb(symbol, [new])
        self.escape(new, [], {})


def delete_item(self: Evaluator, symbol: Symbol, index: Value) -> None:
    """``del symbol[index]``."""
    if symbol.name == "os.environ" and type(index) is str:
        self.state.environ.pop(index, None)
    elif symbol.name == "sys.modules" and type(index) is str:
        emit_module(self, index, None)
    elif symbol.name.startswith("get_ipython"):
        emit_call(self, symbol.name, None)


#: Functions that do what a hook does that the program may put in place of the library's.
_CALLS_HOOK: Final = {"warnings.showwarning": "warnings.warn", "builtins.__import__": "builtins.import"}


def put_attribute(self: Evaluator, symbol: Symbol, name: str, new: Value, node: ast.AST | None) -> None:
    """``symbol.name = new``: a module's function is replaced, or something is hooked in."""
    full = f"{symbol.name}.{name}"
    root = symbol.name.partition(".")[0]
    if root in ("jupyter_tos_guard", "get_ipython", "IPython", "ipykernel", "jupyter_server", "traitlets"):
        emit_call(self, full, node)
    if symbol.name.startswith("ast.") and type(new) is str and processes.looks_like_command(new):
        processes.shell(self, new, "syntax tree")
    if full == "sys.meta_path":
        finders.add(self, symbol, [new], {})
    if (full == "sys.argv" or not symbol.called) and len(self.session.patched) < 256:
        for each in (full, _CALLS_HOOK.get(full, full)):
            self.session.patched[each] = new
    if symbol.name.startswith("ast.") and symbol.called and symbol.details is not None:
        symbol.details[1][name] = new
    if widgets.is_widget(symbol):
        widgets.put(self, symbol, name, new)
    if root == "logging" and name == "handlers":
        listeners.listen(self, symbol, [new], {})
    if full.startswith("get_ipython.") and type(new) in (Function, Partial):
        shell.hook(self, full, new)
        return
    self.escape(new, [], {})


# -- calls -------------------------------------------------------------------------------------------


def call(self: Evaluator, symbol: Symbol, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """``symbol(*arguments, **keywords)``."""
    name = symbol.name
    if symbol.called and symbol.details is not None and _hands_on(self, symbol, arguments, keywords):
        self.escape_all(arguments, keywords)  # future.add_done_callback(f), stage.map(f)
        return Symbol(name, True, (arguments, keywords))
    handler = HANDLERS.get(name)
    if handler is not None:
        if name not in HARMLESS and name != "get_ipython.events.unregister":
            emit_call(self, name, self.node)
        return handler(self, symbol, arguments, keywords)
    try:
        return library.pure(self, name, arguments, keywords)
    except KeyError:
        pass
    if name[:9] == "builtins.":
        return reflection.builtin_method(self, name, arguments, keywords)
    emit_call(self, name, self.node)
    self.doubts += 1
    if name.startswith("get_ipython."):
        found = shell.shell_call(self, name, arguments, keywords)
        if found is not None:
            return found
    result = guesses.guess(self, symbol, arguments, keywords)
    if name.partition(".")[0] not in _PASSIVE or any(type(each) is Symbol for each in arguments):
        self.escape_all(arguments, keywords)
    return result


def _hands_on(self: Evaluator, symbol: Symbol, arguments: list[Value], keywords: dict[str, Value]) -> bool:
    """Call a library's wrapper around a function: ``np.vectorize(f)(x)``, ``delayed(f)(x)``."""
    if symbol.name.startswith(("plumbum.", "sh.")):
        return False
    found = False
    given, named = symbol.details
    for each in [*given, *named.values()]:
        if isinstance(each, CALLABLE) or (type(each) is Symbol and not each.called and each.name in HANDLERS):
            if type(each) in (Class, Instance):
                continue
            found = True
            for group in self._spread(arguments):
                self.call(each, group, keywords)
    return found


__all__ = [
    "ALIASES",
    "BUILTINS",
    "HANDLERS",
    "HARMLESS",
    "NAMES",
    "Unknown",
    "call",
    "either",
    "import_module",
    "knows",
]
