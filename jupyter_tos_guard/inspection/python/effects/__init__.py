"""What library calls do to the world: processes, fetches, files, installs, IPython's shell, other kernels.

Programs and shell texts go to :mod:`jupyter_tos_guard.inspection.shell.interpreter`, addresses to
:mod:`jupyter_tos_guard.inspection.shell.process`. The handlers take the evaluator, the symbol that is
called, and its arguments; :data:`HANDLERS` says which call goes to which.
"""

from __future__ import annotations

from typing import Any, Final

from jupyter_tos_guard.inspection.python.effects import (
    addresses,
    files,
    finders,
    folders,
    kernels,
    modules,
    processes,
    programs,
    shell,
)

HANDLERS: Final[dict[str, Any]] = {
    **processes.HANDLERS,
    **files.HANDLERS,
    **folders.HANDLERS,
    **addresses.HANDLERS,
    **modules.HANDLERS,
    **programs.HANDLERS,
    **shell.HANDLERS,
    **kernels.HANDLERS,
    **finders.HANDLERS,
}
