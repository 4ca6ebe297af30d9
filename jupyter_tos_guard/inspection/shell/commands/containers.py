"""Container engines, and the images that they run or fetch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_tos_guard.inspection.bounded_regex import fill_in
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.commands.version_control import git_fetch
from jupyter_tos_guard.inspection.shell.options import first_operand, split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    emit_source,
)

_DOCKER_LETTERS = "aceghlmpuvwft"
_DOCKER_LONGS = (
    "name",
    "volume",
    "publish",
    "env",
    "env-file",
    "workdir",
    "user",
    "entrypoint",
    "network",
    "net",
    "hostname",
    "memory",
    "cpus",
    "gpus",
    "device",
    "mount",
    "label",
    "restart",
    "shm-size",
    "ulimit",
    "add-host",
    "platform",
    "pull",
    "ipc",
    "pid",
    "runtime",
    "cap-add",
    "cap-drop",
    "security-opt",
    "log-driver",
    "dns",
    "link",
    "volumes-from",
    "tmpfs",
    "file",
    "tag",
    "build-arg",
    "target",
    "bind",
    "home",
    "pwd",
    "overlay",
    "contain",
    "scratch",
    "host",
    "config",
    "context",
    "execmode",
    "location",
    "kernel",
    "app",
    "dest",
    "project-name",
    "allow-root-dir",
)
_CONTAINER_RUN = frozenset({"from", "run", "create", "exec", "shell", "instance", "start"})


def _docker(process: Process) -> str:
    process.announce()
    options, operands = split(
        process.arguments,
        "H",
        ("host", "config", "context", "log-level", "insecure", "root", "namespace", "address", "file"),
    )
    verb = next((o for o in operands), "")
    if not verb:
        return HOLE
    if verb in ("container", "image", "instance"):
        operands = operands[1:]
        verb = operands[0] if operands else ""
    start = process.arguments.index(verb) if verb in process.arguments else 0
    rest = process.arguments[start + 1 :]
    letters = _DOCKER_LETTERS.replace("t", "") if verb in ("run", "create", "exec") else _DOCKER_LETTERS
    if process.name in ("singularity", "apptainer"):
        letters = "BHScWo"
    image_at, values = first_operand(rest, letters, _DOCKER_LONGS)
    entrypoint = value_of(values, "entrypoint")
    if verb in _CONTAINER_RUN or verb == "pull":
        words = rest[image_at:]
        if process.name in ("singularity", "apptainer") and verb in ("pull", "build"):
            words = [w for w in words if "://" in w] or words
        if verb == "instance" and words[:1] == ["start"]:
            words = words[1:]
        if not words:
            return HOLE
        image(process, words[0])
        command = words[1:]
        if entrypoint:
            command = [*entrypoint.split(), *command]
        if (
            command
            and verb not in ("pull",)
            and not (process.name in ("singularity", "apptainer") and verb == "run")
        ):
            return process.run(command, f"{process.name} {verb}")
        return HOLE
    if verb in ("build", "buildx", "compose", "stack", "up", "load", "import"):
        _docker_files(process, options + values, rest)
    return HOLE


def image(process: Process, name: str) -> None:
    """Report an image that is fetched or run."""
    if not name or name.startswith((".", "/")) or name.endswith((".sif", ".img")):
        file = process.file(name) if name else None
        if file is not None:
            emit_source(file.source, process.state, process.origin, name)
        return
    process.package("docker", name)
    found = re.match(r"(?:docker://|oras://)?ghcr\.io/([^:@]+)", name)
    if found:
        process.fetch("https://ghcr.io/v2/" + found.group(1))


def _docker_files(process: Process, options: list[tuple[str, str]], rest: Sequence[str]) -> None:
    for operand in rest:
        if "://" in operand or operand.startswith("git@"):
            git_fetch(process, operand, [])
    piped = ["-"] if "-" in rest else []
    named = (
        values_of(options, "f", "file")
        or piped
        or [
            "Dockerfile",
            "Containerfile",
            "docker-compose.yml",
            "docker-compose.yaml",
            "compose.yml",
            "compose.yaml",
        ]
    )
    for path in named:
        content = process.read(path)
        if not content:
            continue
        text = re.sub(r"\\\n", " ", content)
        text = _with_arguments(text, values_of(options, "build-arg"))
        for found in re.finditer(
            r"^\s*(FROM|RUN|ADD|CMD|ENTRYPOINT|-?\s*image:|command:)\s+(.*)$", text, re.M | re.I
        ):
            word, value = found.group(1).lower(), found.group(2).strip()
            if word == "from" or word.endswith("image:"):
                image(process, re.sub(r"^--\S+\s+", "", value).strip("'\"").split()[0])
            elif word == "add":
                for url in re.findall(r"(?:https?|git)://\S+|git@\S+", value):
                    if re.search(r"\.git(?:#|$)|^git[@:]", url):
                        git_fetch(process, url, [])
                    else:
                        process.fetch(url)
            elif value.startswith("["):
                process.run(re.findall(r"\"((?:\\.|[^\"])*)\"", value) or ["true"], path)
            else:
                process.shell(re.sub(r"^(?:--\S+\s+)+", "", value), f"file {path}")


_ARGUMENT = re.compile(r"^\s*(?:ARG|ENV)\s+(\w+)(?:=|[ \t]+)[\"']?([^\n\"']*)", re.MULTILINE | re.IGNORECASE)
_PLACE = re.compile(r"\$\{?(\w+)(?::[-+][^{}]*)?\}?")


def _with_arguments(text: str, given: Sequence[str]) -> str:
    """Dockerfile with its ``ARG`` and ``ENV`` put in, and those of ``--build-arg``."""
    known = {name: value.strip() for name, value in _ARGUMENT.findall(text)}
    known.update(re.findall(r"^(\w+)=(.*)$", "\n".join(given), re.MULTILINE))
    for _ in range(2):
        text = fill_in(_PLACE, text, known.get) if known else text
    return text


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(
        (
            "docker",
            "podman",
            "udocker",
            "nerdctl",
            "singularity",
            "apptainer",
            "charliecloud",
            "buildah",
            "docker-compose",
            "podman-compose",
        ),
        _docker,
    ),
}
