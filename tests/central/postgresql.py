"""A private PostgreSQL cluster for tests: made, started, stopped, started again. Not a fixture itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

#: Set to ``all`` where everything has to be there: a missing program fails instead of skipping.
REQUIRE = "TOS_GUARD_TESTS_REQUIRE"


def missing(what: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    if os.environ.get(REQUIRE) == "all":
        pytest.fail(f"{what}, and {REQUIRE}=all")
    pytest.skip(what)


def programs() -> Path | None:
    """Folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """One PostgreSQL server on a unix socket in a temporary folder."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._bin = bin_folder

    def start(self) -> None:
        self._run(
            "pg_ctl",
            "-w",
            "-t",
            "60",
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.folder / "log"),
            "-o",
            f"-k {self.folder} -c listen_addresses='' -c max_connections=120 -c shared_buffers=128MB",
            "start",
        )

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-t", "60", "-D", str(self.folder / "data"), "-m", mode, "stop")

    def running(self) -> bool:
        command = [*self._as_user(), str(self._bin / "pg_ctl"), "-D", str(self.folder / "data"), "status"]
        return subprocess.run(command, capture_output=True, cwd="/").returncode == 0

    def create(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"t{uuid4().hex[:12]}"
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def initialise(self) -> None:
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user(), str(self._bin / program), *arguments]
        # Not into a pipe: the server keeps it open, and nobody would see its end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=120)
            output.seek(0)
            assert done.returncode == 0, output.read().decode(errors="replace")

    @staticmethod
    def _as_user() -> list[str]:
        return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Give a running cluster; afterwards it is gone."""
    bin_folder = programs()
    if bin_folder is None:
        missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        raise AssertionError("unreachable")
    # Short and not pytest's: the path of a unix socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="tosg-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    made = Cluster(folder, bin_folder)
    try:
        made.initialise()
        made.start()
        yield made
    finally:
        if made.running():
            made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
