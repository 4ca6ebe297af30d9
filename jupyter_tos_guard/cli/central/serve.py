"""``jupyter tos-guard central serve``: runs the central server."""

from __future__ import annotations

import logging

from traitlets import Unicode, default

from jupyter_tos_guard.central.app import CentralApp, SettingError
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb


class ServeApp(Verb, CentralApp):
    """Run the central server, until it is told to stop."""

    name = "jupyter-tos-guard-central-serve"
    description = """Run the central server.

    As a service that a JupyterHub manages nothing needs to be set. Without a Hub make tokens first:
    jupyter tos-guard central token make NAME."""
    examples = "jupyter tos-guard central serve --bind=http://127.0.0.1:10101 --state=/srv/tos-guard"
    config_file_name = Unicode("jupyter_tos_guard_central_config")
    aliases = {
        **Verb.aliases,
        "bind": "CentralApp.bind_url",
        "prefix": "CentralApp.prefix",
        "state": "CentralApp.state",
        "database": "CentralApp.database_url",
        "repository": "CentralApp.repository_folder",
    }

    @default("log_level")
    def _says_what_it_does(self) -> int:
        return logging.INFO

    def run(self) -> Exit:
        """Serve."""
        self.no_arguments()
        try:
            self.serve()
        except SettingError as error:
            raise Refusal(str(error)) from None
        return Exit.OK
