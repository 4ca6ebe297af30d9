"""Where cells come from: notebooks of every format, scripts, folders.

Reads files and judges nothing. A notebook is not validated: one that breaks the
schema still opens in a front end, and its cells still run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_tos_guard.guard import Cell

#: Scripts by their suffix, with the language of the kernel that would run them.
LANGUAGES = {
    ".py": "python",
    ".ipy": "python",
    ".sh": "bash",
    ".bash": "bash",
    ".r": "r",
    ".jl": "julia",
}

#: Folders that hold other people's code or the remains of an editor.
SKIPPED_FOLDERS = frozenset(
    [".git", ".ipynb_checkpoints", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox"]
)

#: Larger files are data: the largest public notebooks, pictures included, are below it.
MAX_FILE = 256 << 20


class UnreadableError(Exception):
    """A file holds no cells that could be read; the text says why."""


def find_files(paths: Iterable[str]) -> Iterator[Path]:
    """Files to judge, in a stable order: those named, and notebooks and scripts below named folders."""
    for name in paths:
        path = Path(name)
        if not path.is_dir():
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
            for file in sorted(files):
                suffix = os.path.splitext(file)[1].lower()
                if suffix == ".ipynb" or suffix in LANGUAGES:
                    yield Path(folder, file)


def read_cells(path: Path) -> list[Cell]:
    """Code cells of a notebook or script in the order of the document.

    Raises
    ------
    UnreadableError
        The file cannot be opened, is too large, or is not what its name says.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise UnreadableError(f"larger than {MAX_FILE >> 20} MiB")
        # Kernels get text that was decoded leniently somewhere; a bad byte hides nothing here.
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from None
    suffix = path.suffix.lower()
    if suffix != ".ipynb":
        return [Cell(text, LANGUAGES.get(suffix) or _shebang_language(text))]
    return notebook_cells(text)


def notebook_cells(text: str) -> list[Cell]:
    """Code cells of a notebook's text; text that is no JSON is one cell of Python.

    Scripts saved as ``.ipynb`` are common enough in the wild, and `%run` takes them.
    """
    if not text.lstrip().startswith("{"):
        return [Cell(text)] if text.strip() else []
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not a notebook: {error}") from None
    if not isinstance(notebook, dict):
        raise UnreadableError("not a notebook: no JSON object")
    major = notebook.get("nbformat", 4)
    if isinstance(major, int) and major < 4:
        notebook = _upgrade(notebook)
    cells = notebook.get("cells", [])
    if not isinstance(cells, list):
        raise UnreadableError("not a notebook: its cells are no list")
    language = _kernel_language(notebook.get("metadata"))
    return [
        Cell(_source(cell), language)
        for cell in cells
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]


def _upgrade(notebook: dict[str, Any]) -> dict[str, Any]:
    """Bring a notebook of format 1, 2 or 3 to 4."""
    import nbformat

    try:
        return dict(nbformat.convert(nbformat.from_dict(notebook), 4))  # type: ignore[no-untyped-call]
    except Exception as error:  # what a broken old notebook raises in there is anybody's guess
        raise UnreadableError(f"an old notebook that nbformat cannot upgrade: {error}") from None


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _kernel_language(metadata: object) -> str:
    if not isinstance(metadata, Mapping):
        return "python"
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        section = metadata.get(part)
        name = section.get(key) if isinstance(section, Mapping) else None
        if isinstance(name, str) and name:
            name = name.lower()
            return {"ir": "r", "python2": "python", "python3": "python"}.get(name, name)
    return "python"


def _shebang_language(text: str) -> str:
    first = text.partition("\n")[0] if text.startswith("#!") else ""
    return "bash" if first.rstrip().endswith("sh") else "python"
