"""Finds the files that ``%run`` is about to run, and reads them to be decided about.

Reads only, bounded in number and size, and only plain files: nothing is
executed, imported or interpolated. A file that changes between this look and
IPython's own is not seen (``docs/kernel.md``).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator

MAX_FILES = 8
MAX_SIZE = 1 << 20  # bytes of each file

_RUN = re.compile(
    r"^[^\S\n]*(?:%(?:time|timeit|prun|memit|mprun)[^\n%]*)?%?run[^\S\n]+([^\n]+)", re.MULTILINE
)
_OPTIONS_WITH_VALUE = frozenset(("-l", "-s", "-T", "-b", "-D", "-N"))
_NAME = re.compile(r"\$\{?(\w+)\}?|\{(\w+)\}")


def scripts(source: str, lookup: Callable[[str], str | None], folder: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and Python text of each file that ``%run`` lines of the cell name.

    Parameters
    ----------
    source : str
        The cell.
    lookup : callable
        Text of a kernel variable, None when it is not a plain string.
    folder : str, optional
        What relative names are relative to; empty for this process's own folder.
    """
    if "run" not in source:
        return
    seen: set[str] = set()
    for match in _RUN.finditer(source):
        path = _path(_NAME.sub(lambda name: lookup(name[1] or name[2]) or name[0], match.group(1)), folder)
        if path and path not in seen and len(seen) < MAX_FILES:
            seen.add(path)
            text = _read(os.path.join(folder, path))
            if text is not None:
                yield path, _cells(text) if path.endswith(".ipynb") else text


def may_run_files(source: str) -> bool:
    """Whether :func:`scripts` would go and look for files."""
    return "run" in source and _RUN.search(source) is not None


def _path(arguments: str, folder: str) -> str:
    """First argument that is not an option, as IPython's ``%run`` finds its file."""
    try:
        words = iter(shlex.split(arguments, posix=os.name == "posix"))
    except ValueError:
        words = iter(arguments.split())
    for word in words:
        if word == "-m":
            return ""  # a module: what it is, is a fact; importing to find it would run code
        if word in _OPTIONS_WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            path = os.path.expanduser(word)
            return (
                path
                if os.path.isfile(os.path.join(folder, path)) or path.endswith(".ipynb")
                else _with_suffix(path)
            )
    return ""


def _with_suffix(path: str) -> str:
    return path if path.endswith((".py", ".ipy")) else path + ".py"


def _read(path: str) -> str | None:
    # O_NONBLOCK: a pipe of that name must not hang the kernel before the cell does.
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return file.read(MAX_SIZE).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def _cells(text: str) -> str:
    """Code of a notebook's cells, one after the other."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return "\n".join("".join(source) for source in sources)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
