"""Python's own means of indirection: ``getattr``, ``exec``, ``map``, ``partial``, ``type``, class decorators.

Each handler takes the evaluator, the symbol that is called, and evaluated
arguments. None has an effect on the world; what they reach may.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, methods, trees
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, first_argument
from jupyter_tos_guard.inspection.python.carriers import records
from jupyter_tos_guard.inspection.python.cell import source_text
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Choice,
    Class,
    Code,
    Descriptor,
    Function,
    Generator,
    Instance,
    Lines,
    Method,
    Namespace,
    Native,
    Partial,
    Path,
    Process,
    Stream,
    Symbol,
    Unknown,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


# -- names -------------------------------------------------------------------------------------------


def get_attribute(self: Evaluator, value: Value, arguments: Arguments) -> Value:
    """``getattr(value, *arguments)``."""
    name = first_argument(arguments)
    if type(name) is Choice:
        return either([get_attribute(self, value, [each, *arguments[1:]]) for each in name.values])
    if type(name) is not str:
        return Symbol(f"{value.name}.{HOLE}") if type(value) is Symbol else UNKNOWN
    found: Value = value
    # operator.attrgetter("a.b") and hand-made loops over "a.b".split(".") come here too.
    for part in name.split("."):
        found = self.attribute(found, part)
    if found is UNKNOWN and len(arguments) > 1:
        return arguments[1]
    return found


def _getattr(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return get_attribute(self, first_argument(arguments), arguments[1:])


def _setattr(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) == 3 and type(arguments[1]) is str:
        self.set_attribute(arguments[0], arguments[1], arguments[2], self.node)
    return None


def _delattr(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) == 2 and type(arguments[1]) is str:
        self.touch(arguments[0], arguments[1], self.node)
    return None


def _hasattr(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) == 2 and type(arguments[1]) is str and type(arguments[0]) in (Instance, Namespace):
        return self.attribute(arguments[0], arguments[1]) is not UNKNOWN
    return UNKNOWN


def _vars(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if not arguments:
        return _locals(self, symbol, arguments, keywords)
    return self.attribute(arguments[0], "__dict__")


def _globals(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    found = self.frame.globals
    return self.all_names() if found is self.state.names else found


def _locals(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    found = self.frame.names
    return self.all_names() if found is self.state.names else found


def _dir(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    value = first_argument(arguments, None)
    if type(value) is Symbol and not value.called:
        try:
            return sorted(dir(library.stdlib(value.name)))
        except (ImportError, ValueError):
            return UNKNOWN
    if type(value) in (str, bytes, int, list, dict, tuple, float, set):
        return dir(type(value))
    if type(value) is Instance:
        return sorted([*value.attributes, *value.cls.namespace])
    if value is None:
        self.all_names()
        return sorted(name for name in self.frame.names if type(name) is str and name.isidentifier())
    return UNKNOWN


def _import(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``__import__`` and its kin."""
    from jupyter_tos_guard.inspection.python import sinks

    name = first_argument(arguments, keywords.get("name", UNKNOWN))
    if type(name) in (bytes, bytearray):
        name = name.decode("utf-8", "replace")
    if type(name) is not str:
        return UNKNOWN
    package = arguments[1] if len(arguments) > 1 else keywords.get("package")
    if name.startswith(".") and type(package) is str:
        name = package + name
    name = name.replace(":", ".")
    value = sinks.import_module(self, name, self.node)
    if symbol.name == "builtins.__import__" and "." in name and type(value) is Symbol:
        listed = arguments[3] if len(arguments) > 3 else keywords.get("fromlist")
        if not listed:
            return Symbol(sinks.canonical(name.partition(".")[0]))
    return value


def _identity(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return first_argument(arguments)


def _gather(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    self.escape_all(arguments, keywords)
    return arguments


# -- running text ------------------------------------------------------------------------------------


def _exec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    names = arguments[1] if len(arguments) > 1 else keywords.get("globals")
    local = arguments[2] if len(arguments) > 2 else keywords.get("locals")
    word = symbol.name.rpartition(".")[2]
    return run(self, first_argument(arguments), word, names, local)


def run(
    self: Evaluator, program: Value, word: str, names: Value = None, local: Value = None, *steps: str
) -> Value:
    """Run a program that is a value: text, bytes, a code object, a syntax tree."""
    if type(program) is Choice:
        return either([run(self, each, word, names, local, *steps) for each in program.values])
    if type(program) is Path:
        program = program.text
    namespace = _namespace(names)
    if type(program) in (bytes, bytearray):
        made = bytes(program)
        program = source_text(made)
        self.note(program, "", made)
    if type(program) is Stream:
        program = library.stream_read(program)
        return run(self, program, word, names, local, *steps)
    if type(program) is str:
        return self.run_text(
            program,
            (word, *steps, *self.steps_of(program, _argument_node(self))),
            self.node,
            namespace,
            _namespace(local),
            expression=word == "eval",
        )
    if type(program) is Code:
        return _run_code(self, program, (word, *steps), namespace, _namespace(local))
    if type(program) is Symbol and trees.is_tree(program):
        tree = trees.build_tree(program)
        return (
            _run_code(self, Code(tree=tree), (word, *steps), namespace, None) if tree is not None else UNKNOWN
        )
    from jupyter_tos_guard.inspection.python.effects import processes

    fetched = type(program) is Symbol and processes.is_fetched(program)
    self.opaque("download-run" if fetched else "exec-unknown", self.node, word)
    return UNKNOWN


def _argument_node(self: Evaluator) -> ast.AST | None:
    node = self.node
    if type(node) is ast.Call and node.args:
        first = node.args[0]
        while type(first) is ast.Call and type(first.func) is ast.Attribute and not first.args:
            first = first.func.value
        return first
    return None


def _namespace(value: Value) -> dict[str, Value] | None:
    if type(value) is dict:
        return value
    if type(value) is Namespace:
        return value.attributes
    return None


def _run_code(
    self: Evaluator,
    code: Code,
    steps: tuple[str, ...],
    names: dict[str, Value] | None,
    local: dict[str, Value] | None,
) -> Value:
    if code.function is not None:
        return self.call_function(code.function, [], {})
    if code.calls is not None:
        return code.calls.run(self, steps)
    tree = code.tree if code.nodes is None else trees.build_tree(code.nodes)
    if tree is not None:
        from jupyter_tos_guard.inspection.python.evaluation import Frame, Unit

        body: Any = getattr(tree, "body", [])
        if isinstance(body, ast.expr):
            body = [ast.Expr(body)]
        unit = Unit("", self.origin_of(self.node, *steps), [], 0, self.unit.cell)
        frame = (
            self.frame if names is None else Frame("module", names if local is None else local, names, None)
        )
        return self.inside(unit, frame, lambda: self.run(body))
    if not code.source:
        self.opaque("exec-unknown", self.node, *steps)
        return UNKNOWN
    return self.run_text(
        code.source,
        (*steps, *self.steps_of(code.source)),
        self.node,
        names,
        local,
        expression=code.mode == "eval",
    )


def _compile(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    source = first_argument(arguments, keywords.get("source", UNKNOWN))
    mode = arguments[2] if len(arguments) > 2 else keywords.get("mode", "exec")
    if type(source) in (bytes, bytearray):
        made = bytes(source)
        source = source_text(made)
        self.note(source, "", made)
    if type(source) is str:
        return Code(source, mode if type(mode) is str else "exec")
    if type(source) is Symbol and trees.is_tree(source):
        return Code(tree=trees.build_tree(source))
    if type(source) is Code:
        return source
    return source


# -- functions over functions ------------------------------------------------------------------------


def _map(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    function = arguments[0]
    columns = [self.items(each) for each in arguments[1:]]
    if symbol.name == "itertools.starmap":
        return Generator([self.call(function, self.items(row)) for row in self._few(columns[0])])
    rows = zip(*columns, strict=False)
    return Generator([self.call(function, list(row)) for row in self._few(rows)])


def _filter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    function, values = arguments[0], self.items(arguments[1])
    kept: list[Value] = []
    wanted = symbol.name not in ("itertools.filterfalse",)
    for each in self._few(values):
        truth = self.truth(each if function is None else self.call(function, [each]))
        if truth is None or truth is wanted:
            kept.append(each)
        elif symbol.name == "itertools.takewhile":
            break
    return Generator(kept)


def _dropwhile(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    values = self.items(arguments[1]) if len(arguments) > 1 else []
    for index, each in enumerate(values):
        if self.truth(self.call(arguments[0], [each])) is not True:
            return Generator(values[index:])
    return Generator([])


def _reduce(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    values = self.items(arguments[1])
    if symbol.name == "itertools.accumulate":
        function = arguments[1] if len(arguments) > 1 else keywords.get("func", Symbol("operator.add"))
        values = self.items(arguments[0])
        made: list[Value] = []
        for each in self._few(values):
            made.append(self.call(function, [made[-1], each]) if made else each)
        return Generator(made)
    result = arguments[2] if len(arguments) > 2 else keywords.get("initial", UNKNOWN)
    if result is UNKNOWN and values:
        result, values = values[0], values[1:]
    for each in self._few(values):
        result = self.call(arguments[0], [result, each])
    return result


def _accumulate(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return _reduce(
        self, symbol, arguments if len(arguments) > 1 else [*arguments, Symbol("operator.add")], keywords
    )


def _groupby(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    key = arguments[1] if len(arguments) > 1 else keywords.get("key")
    groups: list[tuple[Value, list[Value]]] = []
    for each in self._few(self.items(first_argument(arguments))):
        rank = each if key is None else self.call(key, [each])
        if groups and groups[-1][0] == rank:
            groups[-1][1].append(each)
        else:
            groups.append((rank, [each]))
    return Generator(list(groups))


def _sorted(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    values = self.items(first_argument(arguments, []))
    word = symbol.name.rpartition(".")[2]
    if word in ("min", "max") and len(arguments) > 1:
        values = list(arguments)
    made = methods.sort(
        self, values, {key: each for key, each in keywords.items() if key in ("key", "reverse")}
    )
    if made is None or not made:
        return UNKNOWN if word != "sorted" or made is None else []
    if word == "max":
        top = methods.sort(self, values, {**keywords, "reverse": True})
        return top[0] if top else UNKNOWN
    return made if word == "sorted" else made[0]


def _partial(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return Partial(arguments[0], arguments[1:], keywords) if arguments else UNKNOWN


def _call_it(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return self.call(arguments[0], arguments[1:], keywords, self.node) if arguments else UNKNOWN


def _apply(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Python 2's ``apply(f, args)``."""
    return self.call(arguments[0], self.items(arguments[1]) if len(arguments) > 1 else [], {}, self.node)


def _attrgetter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    def get(given: Arguments, named: Keywords) -> Value:
        found = [get_attribute(self, first_argument(given), [each]) for each in arguments]
        return found[0] if len(found) == 1 else tuple(found)

    return Native(get)


def _itemgetter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    def get(given: Arguments, named: Keywords) -> Value:
        found = [self.item(first_argument(given), each) for each in arguments]
        return found[0] if len(found) == 1 else tuple(found)

    return Native(get)


def _methodcaller(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    node = self.node

    def get(given: Arguments, named: Keywords) -> Value:
        return self.call(
            get_attribute(self, first_argument(given), arguments[:1]), arguments[1:], keywords, node
        )

    return Native(get)


def _wraps(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return Native(lambda given, named: first_argument(given))


def _cache(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if arguments and type(arguments[0]) in (Function, Bound, Partial, Symbol):
        return arguments[0]
    return Native(lambda given, named: first_argument(given))


# -- objects -----------------------------------------------------------------------------------------


def _type(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) == 4 and type(arguments[0]) is Class:  # type.__new__(metaclass, name, bases, namespace)
        arguments = arguments[1:]
    if len(arguments) == 3 and type(arguments[0]) is str:
        namespace = arguments[2] if type(arguments[2]) is dict else {}
        cls = Class(arguments[0], self.items(arguments[1]), dict(namespace), {})
        for each in cls.namespace.values():
            if type(each) is Function:
                each.owner = cls
        return cls
    value = first_argument(arguments)
    if type(value) is Instance:
        return value.cls
    if type(value) is Class:
        return value.keywords.get("metaclass", Symbol("builtins.type"))
    if type(value) is Symbol:
        return Symbol("builtins.module") if not value.called else Symbol(value.name)
    if type(value) is Namespace:
        return Symbol("types.ModuleType")
    if type(value) in (Function, Bound):
        return Symbol("types.FunctionType")
    if type(value) is Code:
        return Symbol("types.CodeType")
    if type(value) in _NAMED:
        return Symbol(f"builtins.{_NAMED[type(value)]}")
    return UNKNOWN


_NAMED: Final[dict[type, str]] = {
    each: each.__name__
    for each in (str, bytes, int, float, bool, list, tuple, dict, set, frozenset, complex, bytearray, range)
}
_NAMED[type(None)] = "NoneType"
_NAMED[Lines] = "list"
_PLAIN_NAMES: Final = frozenset(_NAMED.values())


def _isinstance(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    value, wanted = arguments[0], arguments[1]
    classes = self.items(wanted) if type(wanted) is tuple else [wanted]
    outcomes = [_is_instance(value, each) for each in classes]
    return True if True in outcomes else UNKNOWN if None in outcomes else False


def _is_instance(value: Value, cls: Value) -> bool | None:
    if type(value) in (Unknown, Choice):
        return None
    if type(cls) is Class:
        return type(value) is Instance and cls in value.cls.lineage()
    if type(cls) is Symbol and cls.name.startswith("builtins.") and cls.name[9:] in _PLAIN_NAMES:
        name = _NAMED.get(type(value))
        if name is not None:
            return name == cls.name[9:] or (name == "bool" and cls.name == "builtins.int")
        return None if type(value) in (Symbol, Instance) else False
    if type(cls) is Symbol and cls.name == "builtins.object":
        return True
    return trees.is_node_of(value, cls) if type(cls) is Symbol and cls.name.startswith("ast.") else None


def _callable(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    kind = type(first_argument(arguments))
    if kind in (Function, Bound, Class, Native, Partial, Method):
        return True
    if kind in _NAMED:
        return False
    if kind is Symbol:
        from jupyter_tos_guard.inspection.python import sinks

        return True if sinks.knows(arguments[0].name) else UNKNOWN
    return UNKNOWN


def _iter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) == 2:
        made: list[Value] = []
        for _ in range(256):
            each = self.call(arguments[0], [])
            if each == arguments[1] or each is UNKNOWN:
                break
            made.append(each)
        return Generator(made)
    value = first_argument(arguments)
    if type(value) is Instance:
        return value if value.cls.find("__next__") is not None else Generator(self.items(value))
    if type(value) in (Generator, Symbol, Unknown, Stream):
        return value
    return Generator(self.items(value))


def _next(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    value = first_argument(arguments)
    if type(value) is Instance and (method := value.cls.find("__next__")) is not None:
        return self.call(Bound(method, value), [])
    if type(value) is Generator:
        if value.position < len(value.items) or any(each is not None for each in value.sent):
            return methods.call(self, value, "__next__", [], {})
        return arguments[1] if len(arguments) > 1 else UNKNOWN
    for each in self.iterate(value):
        return each
    return arguments[1] if len(arguments) > 1 else UNKNOWN


def _format(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return self.format(first_argument(arguments), self.text(arguments[1]) if len(arguments) > 1 else "")


def _descriptor(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    kind = symbol.name.rpartition(".")[2]
    if kind == "cached_property":
        kind = "property"
    function = first_argument(arguments, keywords.get("fget", UNKNOWN))
    return Descriptor(kind, function, arguments[1] if len(arguments) > 1 else keywords.get("fset"))


def _namespace_object(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if symbol.name == "types.ModuleType":
        return Namespace(
            self.text(first_argument(arguments, "")), {"__name__": first_argument(arguments, "")}
        )
    attributes = dict(keywords)
    if arguments and type(arguments[0]) is dict:
        attributes.update(arguments[0])
    return Namespace("namespace", attributes)


def _method_type(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return Bound(arguments[0], arguments[1]) if len(arguments) > 1 else UNKNOWN


def _function_type(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    code = first_argument(arguments, keywords.get("code", UNKNOWN))
    names = arguments[1] if len(arguments) > 1 else keywords.get("globals")
    if type(code) is Code and code.function is not None:
        return code.function
    return Native(lambda given, named: run(self.current(), code, "FunctionType", names))


def _namedtuple(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    fields = arguments[1] if len(arguments) > 1 else keywords.get("field_names", [])
    names = (
        fields.replace(",", " ").split()
        if type(fields) is str
        else [self.text(each) for each in self.items(fields)]
    )
    cls = Class(
        self.text(first_argument(arguments, "tuple")),
        [],
        {"__annotations__": dict.fromkeys(names, UNKNOWN)},
        {},
    )
    cls.keywords["dataclass"] = True
    defaults: Value = keywords.get("defaults")
    if type(defaults) in (list, tuple):
        cls.namespace.update(zip(names[-len(defaults) :] if defaults else [], defaults, strict=False))
    cls.namespace.update(records.TUPLE_METHODS)
    return cls


def _collection(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    kind = symbol.name.rpartition(".")[2]
    if kind in ("deque", "UserList", "Queue", "SimpleQueue", "JoinableQueue"):
        return self.items(arguments[0]) if arguments and type(arguments[0]) is not int else []
    if kind == "Counter":
        given = first_argument(arguments, ())
        counts: dict[Value, Value] = {**given} if type(given) is dict else {}
        for each in self.items(given) if type(given) is not dict else ():
            if not library.is_hashable(each):
                return UNKNOWN
            counts[each] = counts.get(each, 0) + 1
        self.session.fill_in(counts, Symbol("builtins.int"))
        counts.update(keywords)
        return counts
    if kind == "defaultdict":
        made = library.pure(self, "builtins.dict", arguments[1:], keywords)
        if type(made) is dict and arguments and arguments[0] is not None:
            self.session.fill_in(made, arguments[0])
        return made
    if kind == "UserString":
        return self.text(first_argument(arguments, ""))
    if kind == "ChainMap":
        merged: dict[Value, Value] = {}
        for each in reversed(arguments):
            merged.update(each if type(each) is dict else {})
        return merged
    return library.pure(self, "builtins.dict", arguments, keywords)


def _random(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Draws: any of the values, or what a constant seed gives."""
    word = symbol.name.rpartition(".")[2]
    generator = self.session.random
    if word == "seed":
        seed = first_argument(arguments, None)
        self.session.random = (
            library.stdlib("random").Random(seed) if type(seed) in (int, str, bytes, float) else None
        )
        return None
    values = self.items(arguments[0]) if arguments and type(arguments[0]) not in (int, float) else []
    if generator is not None and all(library._is_known(each) for each in arguments) and len(values) < 5000:
        try:
            if word == "shuffle" and type(arguments[0]) is list:
                generator.shuffle(arguments[0])
                return None
            if all(type(each) is not int or abs(each) < 1 << 24 for each in arguments):
                return getattr(generator, word)(*arguments, **keywords)
        except (TypeError, ValueError, AttributeError):
            return UNKNOWN
    self.doubts += 1
    if word == "choice":
        return either(values[: Choice.MAX])
    if word in ("sample", "choices"):
        return values
    return None if word == "shuffle" else UNKNOWN


def _random_object(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``random.Random(seed)``."""
    seed = first_argument(arguments, None)
    if type(seed) not in (int, str, bytes, float):
        return Symbol("random.SystemRandom", True)
    generator = library.stdlib("random").Random(seed)

    def method(word: str) -> Native:
        def call(given: Arguments, named: Keywords) -> Value:
            outer, self.session.random = self.session.random, generator
            try:
                return _random(self, Symbol(f"random.{word}"), given, named)
            finally:
                self.session.random = outer

        return Native(call)

    words = "random randint randrange choice choices sample shuffle uniform getrandbits randbytes"
    return Namespace("Random", {word: method(word) for word in words.split()})


def builtin_method(self: Evaluator, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """``str.join(sep, parts)``: a method taken from its type."""
    parts = name.split(".")
    if len(parts) == 3 and arguments:
        receiver = arguments[0]
        if type(receiver) is Instance and receiver.plain is not None:
            if parts[2] == "__init__":
                receiver.plain = self.call(Symbol(".".join(parts[:2])), arguments[1:], keywords)
                return None
            receiver = receiver.plain
        return self.call(self.attribute(receiver, parts[2]), arguments[1:], keywords, self.node)
    self.escape_all(arguments, keywords)
    if len(parts) == 2 and parts[1][:1].isupper():
        return Symbol(name, True, (arguments, keywords))
    return UNKNOWN


#: Attribute of a generator function that ``contextlib.contextmanager`` was put around.
MANAGES: Final = "\0manages"


def _context_manager(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    function = first_argument(arguments)
    if (
        type(function) is Function
        and type(function.node) is not ast.Lambda
        and library.has_yield(function.node)
    ):
        function.attributes[MANAGES] = True
    return function


def _weak(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``weakref.ref(value)``: a function that returns it."""
    return Native(lambda given, named: first_argument(arguments))


def _enter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``stack.enter_context(manager)``."""
    return self.enter(first_argument(arguments))


def _new_object(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    cls = first_argument(arguments)
    if type(cls) is Class:
        instance = Instance(cls)
        base = cls.symbol()
        if base in library.PLAIN_TYPES and len(arguments) > 1:
            instance.plain = self.call(Symbol(base), arguments[1:2])
        return instance
    return Symbol("builtins.object", True)


def _unknown(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return UNKNOWN


def _print(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    target = keywords.get("file")
    if target is None:
        target = self.outputs[-1] if self.outputs else self.session.patched.get("sys.stdout")
    if type(target) not in (Stream, Process, Instance):
        for each in arguments:
            if type(each) is Instance:
                self.text(each)
    else:
        between, end = (
            self.text(keywords.get(name)) if type(keywords.get(name)) is str else usual
            for name, usual in (("sep", " "), ("end", "\n"))
        )
        text = between.join(self.text(each) for each in arguments) + end
        self.call(self.attribute(target, "write"), [text])
    return None


def _get_source(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``inspect.getsource(f)``, ``getsourcelines``, ``getcomments`` and ``getdoc``."""
    value = first_argument(arguments)
    word = symbol.name.rpartition(".")[2]
    if word == "getdoc":
        text = self.attribute(value, "__doc__")
        return library.stdlib("inspect").cleandoc(text) if type(text) is str else text
    if type(value) is Bound:
        value = value.function
    source = (value.unit, value.node) if type(value) is Function else getattr(value, "source", None)
    if source is None:
        own = type(value) is Namespace and value.attributes.get("\0source")
        return own if type(own) is str and word == "getsource" else UNKNOWN
    unit, node = source
    lines = unit.text.splitlines(True)
    first = min([node.lineno, *[each.lineno for each in getattr(node, "decorator_list", ())]])
    if word == "getcomments":
        start = first - 1
        while start and lines[start - 1].lstrip().startswith("#"):
            start -= 1
        return "".join(lines[start : first - 1]) or None
    found = lines[first - 1 : node.end_lineno]
    return (found, first) if word == "getsourcelines" else "".join(found)


def _signature(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``inspect.signature(f)`` and ``getfullargspec``: its parameters, without those bound already."""
    value = first_argument(arguments)
    bound = 0
    if type(value) is Class:
        value, bound = value.find("__init__"), 1
    while type(value) in (Bound, Partial):
        bound += 1 if type(value) is Bound else len(value.arguments)
        value = value.function
    if type(value) is not Function:
        return Symbol(symbol.name, True, (arguments, keywords))
    spec = value.node.args
    places = [*spec.posonlyargs, *spec.args]
    names = [each.arg for each in places][bound:]
    named = [each.arg for each in spec.kwonlyargs]
    if symbol.name.endswith("argspec"):
        return Namespace(
            "spec",
            {
                "args": [each.arg for each in places],
                "kwonlyargs": named,
                "defaults": tuple(value.defaults) or None,
                "kwonlydefaults": value.keyword_defaults,
                "annotations": _hints(self, value),
            },
        )
    empty = Symbol("inspect._empty")
    first = len(names) - len(value.defaults)
    defaults = {**dict(zip(names[max(first, 0) :], value.defaults, strict=False)), **value.keyword_defaults}
    hints = _hints(self, value)
    found: dict[Value, Value] = {
        name: Namespace(
            "parameter",
            {
                "name": name,
                "default": defaults.get(name, empty),
                "annotation": hints.get(name, empty),
                "kind": Symbol("inspect.Parameter." + ("KEYWORD_ONLY" if name in named else _EITHER)),
                "empty": empty,
            },
        )
        for name in [*names, *named]
    }

    def bind(given: Arguments, keyed: Keywords) -> Value:
        values = {**dict(zip(names, given, strict=False)), **keyed}
        return Namespace("bound", {"arguments": values, "args": tuple(given), "kwargs": keyed})

    bound_by = dict.fromkeys(("bind", "bind_partial"), Native(bind))
    return Namespace("signature", {"parameters": found, **bound_by})


_EITHER: Final = "POSITIONAL_OR_KEYWORD"


def _hints(self: Evaluator, value: Value) -> dict[str, Value]:
    """Annotations of a function or class, those written as text looked up where it stands."""
    found = self.attribute(value, "__annotations__") if type(value) in (Function, Class) else None
    hints = dict(found) if type(found) is dict else {}
    for name, each in hints.items():
        if type(each) is str and each.isidentifier():
            scope = value.scope.globals if type(value) is Function else self.frame.globals
            hints[name] = scope.get(each, UNKNOWN) if scope is not self.state.names else self.lookup(each)
    return hints


def _type_hints(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``typing.get_type_hints(f)``."""
    value = first_argument(arguments)
    value = value.function if type(value) is Bound else value
    return _hints(self, value) if type(value) in (Function, Class) else UNKNOWN


def _members(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``inspect.getmembers(module)`` and ``vars(module).items()``: names with what they stand for."""
    value = (
        Symbol(symbol.name.partition(".__dict__")[0])
        if ".__dict__" in symbol.name
        else first_argument(arguments)
    )
    if type(value) is not Symbol or value.called:
        return UNKNOWN
    names = _dir(self, symbol, [value], {})
    return (
        [(each, Symbol(f"{value.name}.{each}")) for each in names[:600]] if type(names) is list else UNKNOWN
    )


def _codec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``codecs.getdecoder(name)`` and ``codecs.lookup(name)``."""
    name = self.text(first_argument(arguments, "utf-8"))

    def code(way: str) -> Native:
        def call(given: Arguments, named: Keywords) -> Value:
            data = first_argument(given)
            made = library.pure(self.current(), f"codecs.{way}", [data, name], {})
            return (made, len(data) if type(data) in (str, bytes) else UNKNOWN)

        return Native(call)

    word = symbol.name.rpartition(".")[2]
    if word.startswith("iter"):
        name = self.text(arguments[1] if len(arguments) > 1 else keywords.get("encoding", "utf-8"))
        parts = self._few(self.items(first_argument(arguments)))
        return Generator([library.pure(self, f"codecs.{word[4:]}", [each, name], {}) for each in parts])
    if word == "getreader":
        return Native(
            lambda given, named: Stream("", "r", self.text(code("decode").call([_content(given)], {})[0]))
        )
    if word.startswith("getincremental"):
        way = word.removeprefix("getincremental").removesuffix("r")
        return Native(
            lambda given, named: Namespace(
                "codec", {way: Native(lambda data, more: code(way).call(data, more)[0])}
            )
        )
    if word != "lookup":
        return code(word.removeprefix("get").removesuffix("r"))
    return Namespace("codec", {"decode": code("decode"), "encode": code("encode"), "name": name})


def _content(given: Arguments) -> Value:
    return library.stream_read(given[0]) if given and type(given[0]) is Stream else first_argument(given)


def _codec_info(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``codecs.CodecInfo(encode, decode, name=…)``."""
    names = dict(zip(("encode", "decode"), arguments, strict=False))
    return Namespace("codec", {**names, **keywords})


def _register_codec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``codecs.register(search)``."""
    if arguments and len(self.session.codecs) < 16:
        self.session.codecs.append(arguments[0])
    return None


_IMPORTERS: Final = (
    "builtins.__import__ importlib.import_module importlib.__import__ pydoc.locate pydoc.safeimport "
    "pkgutil.resolve_name IPython.utils.importstring.import_item traitlets.utils.importstring.import_item "
    "traitlets.import_item django.utils.module_loading.import_string werkzeug.utils.import_string "
    "importlib.__loader__.load_module importlib.__loader__.BuiltinImporter.load_module "
    "zope.dottedname.resolve.resolve imp.load_module imp.find_module importlib.__loader__.find_module "
    "importlib.__loader__.loader.load_module sys.modules.get sys.modules.pop sys.modules.__getitem__ "
    "sys.modules.setdefault test.support.import_helper.import_module hydra.utils.get_method "
    "hydra.utils.get_class xml.sax.saxutils._import importlib._bootstrap_external.FileLoader.load_module "
    "importlib.machinery.BuiltinImporter.load_module importlib.util.find_spec imp.new_module"
)

HANDLERS: Final[dict[str, Any]] = {
    **trees.HANDLERS,
    **dict.fromkeys(_IMPORTERS.split(), _import),
    "builtins.getattr": _getattr,
    "inspect.getattr_static": _getattr,
    "inspect.getmembers": _members,
    **dict.fromkeys([f"{each}.__dict__.items" for each in ("os", "subprocess", "builtins")], _members),
    **dict.fromkeys(
        [
            f"codecs.{each}"
            for each in "getdecoder getencoder lookup iterdecode iterencode getreader getincrementaldecoder "
            "getincrementalencoder".split()
        ],
        _codec,
    ),
    "codecs.CodecInfo": _codec_info,
    "codecs.register": _register_codec,
    "builtins.setattr": _setattr,
    "builtins.delattr": _delattr,
    "builtins.hasattr": _hasattr,
    "builtins.vars": _vars,
    "builtins.globals": _globals,
    "builtins.locals": _locals,
    "builtins.dir": _dir,
    "builtins.exec": _exec,
    "builtins.eval": _exec,
    "pandas.eval": _exec,
    "pd.eval": _exec,
    "builtins.compile": _compile,
    "codeop.compile_command": _compile,
    "builtins.map": _map,
    "itertools.starmap": _map,
    "builtins.filter": _filter,
    "itertools.filterfalse": _filter,
    "itertools.takewhile": _filter,
    "itertools.dropwhile": _dropwhile,
    "itertools.accumulate": _accumulate,
    "itertools.groupby": _groupby,
    "functools.reduce": _reduce,
    "builtins.sorted": _sorted,
    "builtins.min": _sorted,
    "builtins.max": _sorted,
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "operator.call": _call_it,
    "builtins.apply": _apply,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
    "functools.wraps": _wraps,
    "functools.update_wrapper": _identity,
    "functools.lru_cache": _cache,
    "functools.cache": _cache,
    "functools.total_ordering": _identity,
    "functools.cached_property": _descriptor,
    "contextlib.contextmanager": _context_manager,
    "contextlib.asynccontextmanager": _context_manager,
    "contextlib.ExitStack.enter_context": _enter,
    "contextlib.AsyncExitStack.enter_async_context": _enter,
    "contextlib.AsyncExitStack.enter_context": _enter,
    "abc.abstractmethod": _identity,
    "typing.cast": lambda self, symbol, arguments, keywords: arguments[-1] if arguments else UNKNOWN,
    "builtins.type": _type,
    "types.new_class": _type,
    "builtins.isinstance": _isinstance,
    "builtins.issubclass": _unknown,
    "builtins.callable": _callable,
    "builtins.iter": _iter,
    "builtins.next": _next,
    "builtins.anext": _next,
    "builtins.aiter": _iter,
    "builtins.format": _format,
    "builtins.property": _descriptor,
    "builtins.staticmethod": _descriptor,
    "builtins.classmethod": _descriptor,
    "builtins.memoryview": _identity,
    "builtins.print": _print,
    "builtins.input": _unknown,
    "builtins.object": _new_object,
    "builtins.object.__new__": _new_object,
    "builtins.str.__new__": _new_object,
    "types.ModuleType": _namespace_object,
    "types.SimpleNamespace": _namespace_object,
    "argparse.Namespace": _namespace_object,
    "threading.local": _namespace_object,
    "types.MethodType": _method_type,
    "types.FunctionType": _function_type,
    "types.LambdaType": _function_type,
    "types.coroutine": _identity,
    "collections.namedtuple": _namedtuple,
    **dict.fromkeys(
        "collections.deque collections.UserList collections.Counter collections.defaultdict "
        "collections.OrderedDict collections.UserDict collections.UserString collections.ChainMap "
        "queue.Queue queue.SimpleQueue asyncio.Queue multiprocessing.Queue "
        "multiprocessing.SimpleQueue multiprocessing.JoinableQueue".split(),
        _collection,
    ),
    **dict.fromkeys(
        [
            f"random.{word}"
            for word in "seed choice choices sample shuffle random randint randrange uniform".split()
        ]
        + ["random.getrandbits", "random.randbytes", "secrets.choice", "numpy.random.choice"],
        _random,
    ),
    "random.Random": _random_object,
    **dict.fromkeys(
        "asyncio.run asyncio.create_task asyncio.ensure_future asyncio.wait_for asyncio.shield "
        "nest_asyncio.asyncio.run asyncio.get_event_loop.run_until_complete "
        "asyncio.get_event_loop.create_task asyncio.new_event_loop.run_until_complete "
        "asyncio.get_running_loop.create_task asyncio.run_coroutine_threadsafe trio.run_sync "
        "weakref.proxy copyreg.pickle inspect.unwrap inspect.cleandoc typing.no_type_check".split(),
        _identity,
    ),
    "weakref.ref": _weak,
    "weakref.WeakMethod": _weak,
    "asyncio.gather": _gather,
    "asyncio.wait": _gather,
    **dict.fromkeys(
        [f"inspect.{word}" for word in "getsource getsourcelines getcomments getdoc".split()], _get_source
    ),
    "inspect.signature": _signature,
    "inspect.getfullargspec": _signature,
    "inspect.get_annotations": _type_hints,
    "typing.get_type_hints": _type_hints,
    "ast.fix_missing_locations": _identity,
    "ast.NodeTransformer.generic_visit": _identity,
    "ast.copy_location": _identity,
}
HARMLESS: Final = frozenset(name for name in HANDLERS if name not in ("builtins.exec", "builtins.eval"))
