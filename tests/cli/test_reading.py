from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_tos_guard.cli.reading import MAX_FILE, UnreadableError, find_files, notebook_cells, read_cells

from .conftest import notebook


def sources(text: str) -> list[str]:
    return [cell.source for cell in notebook_cells(text)]


def test_code_cells_come_in_the_order_of_the_document() -> None:
    mixed = json.loads(notebook("a = 1\nb = 2", "c = 3"))
    mixed["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": "# no code"})
    assert sources(json.dumps(mixed)) == ["a = 1\nb = 2", "c = 3"]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_old_notebooks_are_upgraded(version: int) -> None:
    v3: Any = nbformat.convert(nbformat.reads(notebook("x = 1", "y = 2"), as_version=4), 3)
    old = json.loads(json.dumps(v3))
    if version == 2:
        old["nbformat"] = 2
    if version == 1:
        cells = [{"cell_type": "code", "code": cell["input"]} for cell in old["worksheets"][0]["cells"]]
        old = {"nbformat": 1, "cells": cells}
    assert sources(json.dumps(old)) == ["x = 1", "y = 2"]


def test_a_notebook_that_breaks_the_schema_is_read_all_the_same() -> None:
    broken = {
        "cells": [{"cell_type": "code", "source": "x = 1"}, "?", {"cell_type": "code", "source": [1, "y"]}]
    }
    assert sources(json.dumps(broken)) == ["x = 1", "y"]


def test_a_script_saved_as_a_notebook_is_one_cell() -> None:
    assert sources("import os\nos.getcwd()\n") == ["import os\nos.getcwd()\n"]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "r"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"name": "python3"}}, "python"),
        ({"kernelspec": "?"}, "python"),
        ({}, "python"),
    ],
)
def test_the_language_is_that_of_the_notebooks_kernel(metadata: dict[str, Any], language: str) -> None:
    [cell] = notebook_cells(notebook("x", **metadata))
    assert cell.language == language


@pytest.mark.parametrize("text", ['{"cells": [', '{"cells": {}}', '{"a":' * 100_000])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="not a notebook"):
        notebook_cells(text)


def test_bytes_that_are_no_text_hide_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"\xff\xfe!git clone x\x80\n")
    [cell] = read_cells(path)
    assert "!git clone x" in cell.source


def test_files_are_found_below_folders_in_a_stable_order_and_without_other_peoples(tmp_path: Path) -> None:
    for name in (
        "b.ipynb",
        "a/z.R",
        "a/k.txt",
        ".git/x.py",
        "node_modules/y.py",
        ".ipynb_checkpoints/b.ipynb",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([str(tmp_path)])]
    assert found == ["b.ipynb", "a/z.R"]


def test_a_file_of_absurd_size_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.ipynb"
    path.touch()
    os.truncate(path, MAX_FILE + 1)
    with pytest.raises(UnreadableError, match="larger than 256 MiB"):
        read_cells(path)
