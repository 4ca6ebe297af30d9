"""What Jupyter Server loads: puts the gate into its kernel connections.

Settings are not traits of this class: they are those of
:class:`jupyter_tos_guard.gate.settings.TosGuard`, where an operator's value cannot be
changed from further down. Jupyter's own order lets the user's folder win.
"""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp

from jupyter_tos_guard.server.connection import guarded

CONNECTION_CLASS = "kernel_websocket_connection_class"


class TosGuardExtension(ExtensionApp):
    """Enforces the hub's terms of use in front of every kernel of this server."""

    name = "tos_guard"  # so that jupyter_tos_guard_config.json is read
    load_other_extensions = True

    def initialize_settings(self) -> None:
        """Put the gate in front of the connection class that is configured."""
        self.settings[CONNECTION_CLASS] = guarded(self.settings[CONNECTION_CLASS])
