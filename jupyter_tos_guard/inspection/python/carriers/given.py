"""What a carrier is given, read as text, and how its methods are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments
from jupyter_tos_guard.inspection.python.values import Native, Path, Stream, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Characters of settings or markup that are parsed.
MAX_TEXT: Final = 1 << 16


def native(call: Callable[[Arguments], Value]) -> Native:
    """Return a method that takes no keywords."""
    return Native(lambda arguments, keywords: call(arguments))


def content(self: Evaluator, value: Value) -> str | None:
    """Text that a parser is given: itself, or what a known file holds."""
    if type(value) is Path:
        value = value.text
    if type(value) is Stream:
        value = library.stream_read(value)
    if type(value) in (bytes, bytearray):
        value = bytes(value).decode("utf-8", "replace")
    return value if type(value) is str and len(value) <= MAX_TEXT else None


def file_content(self: Evaluator, path: Value) -> str | None:
    """Text of a file of which the session knows, or of what stands for one."""
    from jupyter_tos_guard.inspection.shell import process

    if type(path) is Stream:
        return content(self, path)
    name = self.text(path)
    file = process.find_file(name, self.state) if name and HOLE not in name else None
    return content(self, file.content) if file is not None else None
