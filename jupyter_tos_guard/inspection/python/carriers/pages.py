"""Pages: HTML that the session wrote itself, searched as Beautiful Soup does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.carriers.given import content, native
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Namespace, Native, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

_MAX_NODES: Final = 2000
_MAX_DEPTH: Final = 100
_TAG: Final = re.compile(r"<!--|<(/?)([A-Za-z][\w:-]{0,60})([^<>]{0,4000})>|<![^<>]{0,400}>")
_ATTRIBUTE: Final = re.compile(r"([^\s=/\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())


class _Node:
    """An element: its attributes and what it holds, elements and text."""

    __slots__ = ("attributes", "held", "name", "parent")

    def __init__(self, name: str, attributes: dict[str, str], parent: _Node | None) -> None:
        self.name = name
        self.attributes = attributes
        self.parent = parent
        self.held: list[_Node | str] = []

    def texts(self) -> Iterator[str]:
        for each in self.held:
            if isinstance(each, str):
                yield each
            else:
                yield from each.texts()

    def below(self) -> Iterator[_Node]:
        for each in self.held:
            if isinstance(each, _Node):
                yield each
                yield from each.below()

    def above(self) -> Iterator[_Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


def _parse(text: str) -> _Node:
    root = node = _Node("[document]", {}, None)
    count = depth = position = 0
    while count < _MAX_NODES and (match := _TAG.search(text, position)) is not None:
        if match.start() > position:
            node.held.append(html.unescape(text[position : match.start()]))
        position = match.end()
        count += 1
        if match.group() == "<!--":
            end = text.find("-->", position)
            position = len(text) if end < 0 else end + 3
        elif match.group(2) is None:
            continue
        elif match.group(1):
            names = [node.name, *[each.name for each in node.above()]]
            if (name := match.group(2).lower()) in names[:-1]:
                for _ in range(names.index(name) + 1):
                    node, depth = node.parent or root, depth - 1
        else:
            found = _ATTRIBUTE.findall(match.group(3))
            attributes = {key.lower(): html.unescape("".join(values)) for key, *values in found}
            made = _Node(match.group(2).lower(), attributes, node)
            node.held.append(made)
            if made.name not in _VOID and not match.group(3).endswith("/") and depth < _MAX_DEPTH:
                node, depth = made, depth + 1
    node.held.append(html.unescape(text[position:]))
    return root


def soup(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``bs4.BeautifulSoup(text)`` of a text that is known."""
    text = content(self, argument(arguments, keywords, 0, "markup"))
    if text is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(len(text) // 8 + 1)
    return _element(self, _parse(text), {})


def _element(self: Evaluator, node: _Node, made: dict[_Node, Namespace]) -> Namespace:
    """Return an element as the program sees it; each node is one object."""
    if node in made:
        return made[node]

    def shown(nodes: list[_Node]) -> list[Value]:
        return [_element(self, each, made) for each in nodes]

    def searched(given: Arguments, named: Keywords) -> list[_Node] | None:
        wanted = dict(argument(given, named, 1, "attrs") or {})
        wanted.update({key.rstrip("_"): each for key, each in named.items() if key not in _OPTIONS})
        name = argument(given, named, 0, "name")
        if not _understood(name) or not all(map(_understood, wanted.values())):
            return None
        return [
            each
            for each in _walk(self, node)
            if _fits(name, [each.name])
            and all(_fits(value, _values(each, key)) for key, value in wanted.items())
        ]

    def selected(given: Arguments) -> list[_Node] | None:
        selector = given[0] if given else None
        if type(selector) is not str or not _SELECTOR.fullmatch(selector.strip()):
            return None
        ways = [_PART.findall(each) for each in selector.split(",")]
        return [each for each in _walk(self, node) if any(_selects(way, each) for way in ways)]

    def first(nodes: list[_Node] | None) -> Value:
        return UNKNOWN if nodes is None else _element(self, nodes[0], made) if nodes else None

    def every(nodes: list[_Node] | None) -> Value:
        return UNKNOWN if nodes is None else shown(nodes)

    def text_of(given: Arguments, named: Keywords) -> Value:
        pieces = list(node.texts())
        if named.get("strip") is True or given[1:2] == [True]:
            pieces = [each.strip() for each in pieces if each.strip()]
        between = argument(given, named, 0, "separator")
        return (between if type(between) is str else "").join(pieces)

    def value(given: Arguments) -> Value:
        key = given[0] if given else None
        usual = given[1] if len(given) > 1 else None
        return attributes.get(key, usual) if type(key) is str else UNKNOWN

    def held() -> list[Value]:
        return [each if isinstance(each, str) else _element(self, each, made) for each in node.held]

    attributes: dict[str, Value] = dict(node.attributes)
    if "class" in attributes:
        attributes["class"] = attributes["class"].split()
    text = "".join(node.texts())
    result = made[node] = Namespace(
        "element",
        {
            "name": node.name,
            "attrs": attributes,
            "text": text,
            "string": text if len(node.held) == 1 else None,
            "strings": list(node.texts()),
            "stripped_strings": [each.strip() for each in node.texts() if each.strip()],
            "get_text": Native(text_of),
            "getText": Native(text_of),
            "get": native(value),
            "has_attr": native(lambda given: bool(given) and given[0] in attributes),
            "__getitem__": native(value),
            "__iter__": native(lambda given: held()),
            "__getattr__": native(lambda given: _part(given[0])),
            **dict.fromkeys(("find", "findNext"), Native(lambda given, named: first(searched(given, named)))),
            **dict.fromkeys(
                ("find_all", "findAll"), Native(lambda given, named: every(searched(given, named)))
            ),
            "select": native(lambda given: every(selected(given))),
            "select_one": native(lambda given: first(selected(given))),
        },
    )

    def _part(name: Value) -> Value:
        if name in ("contents", "children"):
            return held()
        if name == "descendants":
            return shown(list(node.below()))
        if name == "parent":
            return _element(self, node.parent, made) if node.parent is not None else None
        return first([each for each in node.below() if each.name == name][:1])

    return result


def _walk(self: Evaluator, node: _Node) -> Iterator[_Node]:
    budget = self.current().budget
    for each in node.below():
        budget.spend(2)
        yield each


_OPTIONS: Final = frozenset({"name", "attrs", "limit", "recursive"})


def _understood(wanted: Value) -> bool:
    if type(wanted) in (list, tuple):
        return all(map(_understood, wanted))
    return wanted is None or type(wanted) in (str, bool)


def _values(node: _Node, key: str) -> list[str]:
    if key in ("string", "text"):
        return ["".join(node.texts())]
    found = node.attributes.get(key)
    return [] if found is None else [found, *(found.split() if key == "class" else ())]


def _fits(wanted: Value, values: list[str]) -> bool:
    if wanted is None or wanted is True:
        return wanted is None or bool(values)
    if type(wanted) in (list, tuple):
        return any(_fits(each, values) for each in wanted)
    return wanted in values


#: One part of a selector: how it hangs on the part before, and what it asks for.
_PART: Final = re.compile(r"(>?)\s*((?:[\w*-]|[#.][\w-]|\[[^\]]{0,200}\])+)")
_SELECTOR: Final = re.compile(r"(?:[\w*\-#.,> ]|\[[^\]]{0,200}\]){1,400}")
_SIMPLE: Final = re.compile(
    r"^[\w*-]+|[#.][\w-]+|\[\s*([\w-]+)\s*(?:([~^$*]?)=\s*[\"']?([^\"'\]]*)[\"']?)?\s*\]"
)


def _selects(way: list[tuple[str, str]], node: _Node) -> bool:
    """Whether a selector's parts end at ``node``; each part takes the nearest element that fits."""
    if not way or not _asks(way[-1][1], node):
        return False
    close = bool(way[-1][0])
    rest = iter(node.above())
    for child, asked in reversed(way[:-1]):
        if close:
            if (above := next(rest, None)) is None or not _asks(asked, above):
                return False
        elif not any(_asks(asked, each) for each in rest):
            return False
        close = bool(child)
    return True


def _asks(asked: str, node: _Node) -> bool:
    for match in _SIMPLE.finditer(asked):
        word, (key, way, value) = match.group(), match.groups()
        if key:
            found = node.attributes.get(key)
            if found is None or (value is not None and not _COMPARED[way](found, value)):
                return False
        elif word[0] in "#.":
            if word[1:] not in _values(node, "id" if word[0] == "#" else "class"):
                return False
        elif word not in ("*", node.name):
            return False
    return True


_COMPARED: Final[dict[str | None, Any]] = {
    "": lambda found, value: found == value,
    "^": str.startswith,
    "$": str.endswith,
    "*": lambda found, value: value in found,
    "~": lambda found, value: value in found.split(),
}
HANDLERS: Final[dict[str, Any]] = {"bs4.BeautifulSoup": soup}
