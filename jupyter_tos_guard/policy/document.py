"""YAML that remembers its lines, for messages that say where.

Built from the parser's events without recursion: neither depth nor aliases can
hurt. It knows nothing of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MAX_DEPTH: Final = 20
MAX_BYTES: Final = 256 << 20

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Problem(NamedTuple):
    """Something wrong in a policy folder: where, what, and how to mend it.

    Warnings (``severity`` is ``"warning"``) do not stop compilation.
    """

    path: str
    line: int
    message: str
    mend: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message}. {self.mend}."


class PolicyError(ValueError):
    """A policy cannot be used; ``problems`` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


@dataclass(slots=True)
class Node:
    """A value of the document: scalar, list of nodes or mapping of nodes."""

    value: Any
    line: int

    @property
    def mapping(self) -> Mapping[str, Node]:
        """Its entries, none when it is not a mapping."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """Return the same without lines. Depth is bounded by the reader."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def each(self) -> Iterator[Node]:
        """Its items; itself when it is not a list."""
        if isinstance(self.value, list):
            yield from self.value
        else:
            yield self


def read_document(path: Path, name: str, problems: list[Problem]) -> Node | None:
    """Read one YAML file whose top is a mapping; None after adding to ``problems``."""
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.append(Problem(name, 1, f"the file is larger than {MAX_BYTES >> 20} MiB", "Split it"))
            return None
        text = path.read_text(encoding="utf-8")
        document = _Reader(text).read()
    except UnicodeDecodeError as error:
        problems.append(Problem(name, 1, f"the file is not UTF-8 (byte {error.start})", "Save it as UTF-8"))
    except OSError as error:
        problems.append(
            Problem(
                name, 1, f"the file cannot be read: {error.strerror}", "Check that it is there and readable"
            )
        )
    except _Refused as refused:
        problems.append(Problem(name, refused.line, refused.message, refused.mend))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.append(
            Problem(
                name,
                mark.line + 1 if mark else 1,
                f"not valid YAML: {error.problem}",
                "Quote the text, or mend the indentation",
            )
        )
    except yaml.YAMLError as error:
        problems.append(
            Problem(name, 1, f"not valid YAML: {error}", "Remove characters that YAML does not allow")
        )
    else:
        if isinstance(document.value, dict):
            return document
        problems.append(Problem(name, document.line, "the file is not a mapping", "Write `key: value` lines"))
    return None


class _Refused(Exception):
    def __init__(self, line: int, message: str, mend: str) -> None:
        self.line, self.message, self.mend = line, message, mend


class _Reader:
    """Builds nodes from events with its own stack."""

    def __init__(self, text: str) -> None:
        self._loader = _Loader(text)
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._root: Node | None = None

    def read(self) -> Node:
        try:
            documents = 0
            while self._loader.check_event():
                event = self._loader.get_event()
                line = event.start_mark.line + 1
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        raise _Refused(
                            line, "the file holds a second document", "One rule, one file: move it to its own"
                        )
                elif isinstance(event, yaml.AliasEvent):
                    raise _Refused(line, "the file uses a YAML alias", "Write the value out")
                elif isinstance(event, yaml.ScalarEvent):
                    self._add(Node(self._scalar(event, line), line))
                elif isinstance(event, yaml.MappingStartEvent):
                    self._enter(Node({}, line))
                elif isinstance(event, yaml.SequenceStartEvent):
                    self._enter(Node([], line))
                elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                    self._open.pop()
                    self._keys.pop()
        finally:
            self._loader.dispose()
        return self._root if self._root is not None else Node(None, 1)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        tag = event.tag or self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, event.value))
        except (yaml.YAMLError, ValueError) as error:
            raise _Refused(line, f"the value {event.value!r} cannot be read: {error}", "Quote it") from None

    def _enter(self, node: Node) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _Refused(node.line, f"nested deeper than {MAX_DEPTH}", "Flatten it")
        self._add(node)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1].value
        if isinstance(parent, list):
            parent.append(node)
        elif self._keys[-1] is None:
            if not isinstance(node.value, str):
                raise _Refused(node.line, f"the key {node.plain()!r} is not a word", "Quote it")
            if node.value in parent:
                raise _Refused(node.line, f"the key `{node.value}` stands twice", "Remove one")
            self._keys[-1] = node
        else:
            parent[self._keys[-1].value] = node
            self._keys[-1] = None
