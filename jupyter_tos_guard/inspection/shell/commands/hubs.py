"""Models, data sets and templates of hubs, and servers that run a script."""

from __future__ import annotations

import re

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.commands.version_control import came_from, git_fetch
from jupyter_tos_guard.inspection.shell.options import split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
)
from jupyter_tos_guard.inspection.shell.wrappers import (
    run_python_file,
)


def _hugging_face(process: Process) -> str:
    """``huggingface-cli download owner/name``, ``hf download``, ``modelscope download``."""
    process.announce()
    options, operands = split(
        process.arguments,
        "",
        (
            "repo-type",
            "revision",
            "include",
            "exclude",
            "cache-dir",
            "local-dir",
            "token",
            "model",
            "dataset",
            "local_dir",
            "type",
        ),
    )
    host = "modelscope.cn" if process.name == "modelscope" else "huggingface.co"
    names = [*operands[1:2], *values_of(options, "model", "dataset")]
    for name in names:
        if operands[:1] != ["download"] or "/" not in name:
            continue
        kind = value_of(options, "repo-type", "type") or ""
        folder = {"space": "spaces/", "dataset": "datasets/"}.get(kind, "")
        canonical = process.fetch(f"https://{host}/{folder}{name}")
        if kind != "space":
            process.package("huggingface", name)
        came_from(
            process,
            value_of(options, "local-dir", "local_dir") or name.rsplit("/", 1)[-1],
            naming.repository_of(canonical) or canonical,
        )
    return HOLE


def _kaggle(process: Process) -> str:
    process.announce()
    options, operands = split(process.arguments, "dpfc", ("dataset", "path", "file"))
    for name in [*values_of(options, "d", "dataset"), *(o for o in operands if "/" in o)]:
        process.fetch(f"https://www.kaggle.com/{operands[0]}/{name}")
    return HOLE


def _ollama(process: Process) -> str:
    process.announce()
    operands = [a for a in process.arguments if not a.startswith("-")]
    if operands[:1] and operands[0] in ("pull", "run") and len(operands) > 1:
        process.package("ollama", operands[1].split(":")[0])
    return HOLE


def _cookiecutter(process: Process) -> str:
    process.announce()
    for argument in process.arguments:
        short = re.match(r"(gh|gl|bb):(.+)", argument)
        if short:
            forges = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}
            argument = f"https://{forges[short.group(1)]}/{short.group(2)}"
        if "://" in argument or argument.startswith("git@"):
            git_fetch(process, argument, [])
    return HOLE


def _streamlit(process: Process) -> str:
    """``streamlit run file.py``, ``gradio file.py``, ``flask``, ``uvicorn``: servers that run a script."""
    process.announce()
    index = next((i for i, a in enumerate(process.arguments) if a.endswith(".py") or "://" in a), None)
    if index is None:
        return HOLE
    path = process.arguments[index]
    if "://" in path:
        process.fetch(path)
        return HOLE
    return run_python_file(process, path, process.arguments[index + 1 :])


HANDLERS: dict[str, Handler] = {
    "cookiecutter": _cookiecutter,
    "copier": _cookiecutter,
    "huggingface-cli": _hugging_face,
    "hf": _hugging_face,
    "modelscope": _hugging_face,
    "kaggle": _kaggle,
    "ollama": _ollama,
    **dict.fromkeys(
        ("streamlit", "gradio", "panel", "voila", "chainlit", "flask", "uvicorn", "gunicorn"), _streamlit
    ),
}
