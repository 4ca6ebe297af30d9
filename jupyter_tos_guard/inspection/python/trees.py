"""Syntax trees as values: nodes that the program makes, or takes out of a text and changes.

A node is a symbol ``ast.Name`` that was called with the node's fields, so that
one that the program made and one that a text was parsed into are the same.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.cell import parse_python
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
    Code,
    Function,
    Generator,
    Instance,
    Symbol,
    Value,
    is_plain,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Nodes of a tree that are looked at, and how deep.
_MAX_NODES: Final = 5000
_MAX_DEPTH: Final = 40
#: Characters of a text whose nodes are handed to the program.
_MAX_TEXT: Final = 1 << 14


def parse(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``ast.parse``."""
    source = first_argument(arguments, keywords.get("source", UNKNOWN))
    mode = argument(arguments, keywords, 2, "mode")
    return Code(source, mode if type(mode) is str else "exec") if type(source) is str else UNKNOWN


def is_tree(value: Value) -> bool:
    """Whether ``value`` is a node."""
    return type(value) is Symbol and value.called and value.name.startswith("ast.")


def nodes_of(code: Code) -> Symbol | None:
    """Nodes of a text that was parsed, which the program may change."""
    if code.nodes is None and code.source and len(code.source) <= _MAX_TEXT:
        body: Any = parse_python(code.source.strip(" \t") if code.mode == "eval" else code.source)
        tree: ast.AST = ast.Module(body=body, type_ignores=[])
        if code.mode == "eval" and len(body) == 1 and type(body[0]) is ast.Expr:
            tree = ast.Expression(body=body[0].value)
        code.nodes = node_value(tree, [_MAX_NODES])
    return code.nodes


def node_value(node: Any, left: list[int], depth: int = _MAX_DEPTH) -> Any:
    """Return a syntax tree as the program sees it; ``left`` counts down the nodes that are looked at."""
    if isinstance(node, list):
        return [node_value(each, left, depth - 1) for each in node]
    if not isinstance(node, ast.AST):
        return node
    left[0] -= 1
    if depth <= 0 or left[0] < 0:
        return UNKNOWN
    fields = {name: node_value(each, left, depth - 1) for name, each in ast.iter_fields(node)}
    return Symbol(f"ast.{type(node).__name__}", True, ([], fields))


def has_field(value: Value, name: str) -> bool:
    """Whether ``value`` is a node that has ``name``."""
    cls = _class_of(value)
    return cls is not None and name in cls._fields


def field(value: Symbol, name: str) -> Value:
    """``node.name``."""
    fields = _fields(value, _class_of(value))
    return fields.setdefault(name, []) if name in _LISTS else fields.get(name, UNKNOWN)


def put_field(self: Evaluator, value: Value, name: str, new: Value) -> bool:
    """``node.name = new``; False if a node has no such field."""
    if not has_field(value, name):
        return False
    self.store(_fields(value, _class_of(value)), name, new)
    return True


def _class_of(value: Value) -> Any:
    """Class of a node whose fields are known."""
    if not is_tree(value) or value.details is None:
        return None
    cls = getattr(ast, value.name[4:], None)
    return cls if isinstance(cls, type) and issubclass(cls, ast.AST) else None


def _fields(value: Symbol, cls: Any) -> dict[str, Value]:
    """Fields of a node by name, as they can be changed."""
    given, named = value.details
    for name, each in zip(cls._fields, given, strict=False):
        named.setdefault(name, each)
    return named  # type: ignore[no-any-return]


_LISTS: Final = frozenset(
    "keywords args decorator_list body orelse type_ignores targets names bases defaults kw_defaults "
    "posonlyargs kwonlyargs elts values ops comparators generators ifs".split()
)


def is_node_of(value: Value, cls: Value) -> bool | None:
    """``isinstance(node, ast.Name)``; None if not known."""
    own, wanted = _class_of(value), getattr(ast, cls.name[4:], None)
    return issubclass(own, wanted) if own is not None and isinstance(wanted, type) else None


def walk(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``ast.walk(tree)`` and ``ast.iter_child_nodes(tree)``."""
    value = first_argument(arguments)
    waiting: list[Value] = [nodes_of(value) if type(value) is Code else value]
    if _class_of(waiting[0]) is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    found: list[Value] = []
    while waiting and len(found) < _MAX_NODES:
        each = waiting.pop(0)
        cls = _class_of(each)
        if cls is None:
            continue
        found.append(each)
        if len(found) == 1 or symbol.name.endswith("walk"):
            for below in _fields(each, cls).values():
                waiting += below if type(below) is list else [below]
    return Generator(found if symbol.name.endswith("walk") else found[1:])


def rewrite(self: Evaluator, transformer: Instance, value: Value, depth: int = _MAX_DEPTH) -> Value:
    """Return what ``ast.NodeTransformer`` makes of a tree, from its leaves up."""
    self.budget.spend(1)
    if type(value) is list and depth:
        made = [rewrite(self, transformer, each, depth - 1) for each in value]
        return [one for each in made if each is not None for one in (each if type(each) is list else [each])]
    if type(value) is Code and (nodes := nodes_of(value)) is not None:
        value = nodes
    cls = _class_of(value)
    if not depth or cls is None:
        return value
    fields = _fields(value, cls)
    for name, each in list(fields.items()):
        fields[name] = rewrite(self, transformer, each, depth - 1)
    method = transformer.cls.find(f"visit_{cls.__name__}")
    return value if type(method) is not Function else self.attempt(Bound(method, transformer), [value])


def build_tree(value: Value, depth: int = _MAX_DEPTH, left: list[int] | None = None) -> Any:
    """Syntax tree out of ``ast.Call(func=…, args=[…])`` as the program put it together."""
    left = [_MAX_NODES] if left is None else left
    left[0] -= 1
    if depth <= 0 or left[0] < 0:
        return None
    if type(value) is Symbol and value.name == "ast.fix_missing_locations" and value.details:
        return build_tree(value.details[0][0] if value.details[0] else None, depth, left)
    if type(value) is Symbol and value.name.startswith("ast."):
        cls = getattr(ast, value.name[4:], None)
        if not (isinstance(cls, type) and issubclass(cls, ast.AST)):
            return None
        fields = dict(_fields(value, cls)) if value.details else {}
        if cls is not ast.Constant:  # what a constant holds is no tree
            fields = {name: build_tree(each, depth - 1, left) for name, each in fields.items()}
        tree: Any = cls(**{str(name): each for name, each in fields.items()})
        for name in cls._fields:
            if not hasattr(tree, name):
                setattr(tree, name, [] if name in _LISTS else None)
        tree.lineno = tree.end_lineno = 1
        tree.col_offset = tree.end_col_offset = 0
        return tree
    if type(value) is Code and value.nodes is not None:
        return build_tree(value.nodes, depth, left)
    if type(value) is Code and value.source:
        return ast.Module(body=parse_python(value.source), type_ignores=[])
    if type(value) in (list, tuple):
        return [build_tree(each, depth - 1, left) for each in value]
    return value if is_plain(value) else ast.Name("_unknown", ast.Load(), lineno=1, col_offset=0)


def unparse(value: Value) -> Value:
    """``ast.unparse`` of a tree that the program built."""
    if type(value) is Code and value.source and value.nodes is None:
        return value.source
    tree = build_tree(value)
    try:
        return ast.unparse(tree) if isinstance(tree, ast.AST) else UNKNOWN
    except (AttributeError, RecursionError, ValueError):
        return UNKNOWN


HANDLERS: Final[dict[str, Any]] = {
    "ast.parse": parse,
    "ast.walk": walk,
    "ast.iter_child_nodes": walk,
    "ast.unparse": lambda self, symbol, arguments, keywords: unparse(first_argument(arguments)),
}
