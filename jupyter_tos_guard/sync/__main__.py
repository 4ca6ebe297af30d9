"""``python -m jupyter_tos_guard.sync``: keeps the cache up to date for kernels without a Jupyter server.

Started by :mod:`.companion`, not by people; they have ``jupyter tos-guard sync``. Ends with the
kernel that started it, or at once when another process does the work already.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal

from jupyter_tos_guard.gate.ruling import place
from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.sync.service import Sync

#: Seconds between two looks whether the kernel lives.
_EVERY = 2.0


async def keep(sync: Sync, parent: int) -> None:
    """Run until the parent process ends or somebody asks us to."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    running = asyncio.ensure_future(sync.run())
    running.add_done_callback(lambda _: ended.set())
    while os.getppid() == parent and not ended.is_set():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ended.wait(), _EVERY)
    await sync.stop()


def main() -> None:
    """Read the settings and work."""
    options = argparse.ArgumentParser(prog="jupyter_tos_guard.sync", description=__doc__)
    options.add_argument("--parent", type=int, required=True, help="process id of the kernel")
    parent = options.parse_args().parent
    settings = configuration()
    if not settings.traits.central:
        return
    os.nice(5)  # a kernel's cells come first
    asyncio.run(keep(Sync(settings, place(os.environ), waits=False), parent))


if __name__ == "__main__":
    main()
