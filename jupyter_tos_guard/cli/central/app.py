"""``jupyter tos-guard central``: hands over to one verb."""

from __future__ import annotations

from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb

_VERBS = "jupyter_tos_guard.cli.central"


class CentralVerbs(Verb):
    """Run the central server and look after its policy repository."""

    name = "jupyter-tos-guard-central"
    description = "Run the central server and look after its policy repository."
    subcommands = {
        "serve": (f"{_VERBS}.serve.ServeApp", "Run the central server."),
        "token": (f"{_VERBS}.token.TokenApp", "Make, list and revoke tokens for hubs without JupyterHub."),
    }

    def run(self) -> Exit:
        """Only a verb can be run."""
        verbs = ", ".join(self.subcommands)
        if self.extra_args:
            raise Refusal(f"there is no verb {self.extra_args[0]!r}. There are: {verbs}.")
        self.print_help()
        return Exit.USAGE
