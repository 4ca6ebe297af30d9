"""Sees to it that somebody keeps the cache up to date where there is no Jupyter server to do it.

For kernels: light, and at most one look at a lock in a while. A kernel of a
Jupyter server finds the lock held, by the server. One of nbconvert, papermill or a console finds
it free, and starts a process of its own for all kernels of the user, which ends
with the kernel that started it; the others then start the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from jupyter_tos_guard.gate.settings import Configuration
from jupyter_tos_guard.sync.cache import LOCK
from jupyter_tos_guard.sync.lock import is_free

#: Seconds between two looks.
EVERY: Final = 60.0


class Companion:
    """What one kernel does about it.

    Parameters
    ----------
    settings : Configuration
    environ : Mapping
        The kernel's, as it was before any user code has run.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        settings: Configuration,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = settings.cache_folder / LOCK
        self._environ = dict(environ)
        self._clock = clock
        self._next = float("-inf") if settings.traits.central else float("inf")

    def look(self) -> None:
        """Start a refresher when there is none; costs next to nothing, and never raises or waits."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY
        # Starting a process from a large one takes a while, which no cell is to wait for.
        threading.Thread(target=self._start, name="tos-guard-companion", daemon=True).start()

    def _start(self) -> None:
        try:
            if not is_free(self._lock):
                return
            process = subprocess.Popen(  # noqa: S603 - this very interpreter and package
                [sys.executable, "-m", "jupyter_tos_guard.sync", "--parent", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=sys.prefix,  # not the notebook's: -m would look there first
                env=self._environ,
                start_new_session=True,  # an interrupt of the kernel is not for it
            )
            process.wait()  # so that it leaves no zombie
        except Exception:  # a kernel without news is better than none
            return
