"""What programs fetch, install and connect to.

One module per kind of program, one function per family, one table of all (:data:`HANDLERS`). Each is given a
:class:`~.process.Process` and reports packages, repositories, addresses and hosts; which
options take a value is data, so that a header or a file name is never mistaken for a target.
"""

from __future__ import annotations

from jupyter_tos_guard.inspection.shell.commands import (
    connections,
    containers,
    downloads,
    hubs,
    macros,
    python_packages,
    system_packages,
    version_control,
)
from jupyter_tos_guard.inspection.shell.process import Handler

HANDLERS: dict[str, Handler] = {
    **version_control.HANDLERS,
    **downloads.HANDLERS,
    **python_packages.HANDLERS,
    **system_packages.HANDLERS,
    **containers.HANDLERS,
    **connections.HANDLERS,
    **hubs.HANDLERS,
    **macros.HANDLERS,
}
