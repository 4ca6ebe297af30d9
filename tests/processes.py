"""Ending what tests have started. Not a test."""

from __future__ import annotations

import contextlib
import subprocess

import psutil

#: Seconds within which a server must have ended by itself.
PATIENCE = 30.0


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server and its kernels; it would wait until each of those has ended by itself."""
    try:
        kernels = psutil.Process(server.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        kernels = []
    server.terminate()
    for each in kernels:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
