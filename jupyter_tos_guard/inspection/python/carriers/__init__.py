"""Objects that carry text from one place to another: settings, command lines, markup, tables and more.

Each is modelled as an object of attributes whose methods compute on what is
known. None has an effect on the world; what they cannot follow is unknown.
:data:`HANDLERS` says which call makes or uses which.
"""

from __future__ import annotations

from typing import Any, Final

from jupyter_tos_guard.inspection.python.carriers import (
    arrays,
    command_lines,
    contexts,
    databases,
    listeners,
    markup,
    pages,
    queues,
    records,
    settings,
    tables,
    templates,
    widgets,
)

HANDLERS: Final[dict[str, Any]] = {
    **settings.HANDLERS,
    **command_lines.HANDLERS,
    **databases.HANDLERS,
    **contexts.HANDLERS,
    **markup.HANDLERS,
    **pages.HANDLERS,
    **records.HANDLERS,
    **queues.HANDLERS,
    **listeners.HANDLERS,
    **arrays.HANDLERS,
    **tables.HANDLERS,
    **widgets.HANDLERS,
    **templates.HANDLERS,
}
