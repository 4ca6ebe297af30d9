"""The entry point ``jupyter tos-guard``: hands over to one verb."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from jupyter_core.application import NoStart
from traitlets.config import Application

from jupyter_tos_guard.cli.verb import Exit, Verbs

_VERBS = "jupyter_tos_guard.cli"


class TosGuardApp(Verbs):
    """Decide about cells and look after the guard, from a terminal."""

    name = "jupyter-tos-guard"
    version = version("jupyter_tos_guard")
    description = """Decide about notebook cells by a hub's terms of use, and look after the guard.

    Exit codes: 0 nothing to report, 1 something was flagged, 2 wrong usage, 3 an input could not be read,
    4 the policy cannot be used."""
    subcommands = {
        "check": (f"{_VERBS}.check.CheckApp", "Would this cell be stopped, and why? From stdin or a file."),
        "scan": (
            f"{_VERBS}.scan.ScanApp",
            "Judge notebooks, scripts, folders; or sessions in JSON lines.",
        ),
        "policy": (f"{_VERBS}.policy.app.PolicyApp", "Write, test, compile and explain policies."),
        "status": (
            f"{_VERBS}.status.StatusApp",
            "Is the guard on here, and with which policy?",
        ),
        "strikes": (f"{_VERBS}.strikes.StrikesApp", "List or export the strikes recorded on this machine."),
        "sync": (f"{_VERBS}.sync.SyncApp", "Fetch the policy and send what waits, now."),
        "terms": (f"{_VERBS}.terms.TermsApp", "Print the terms of use."),
        "central": (
            f"{_VERBS}.central.app.CentralVerbs",
            "Run the central server and look after its policy repository.",
        ),
        "demo": (f"{_VERBS}.demo.DemoApp", "See a guarded notebook: in the terminal, then in JupyterLab."),
    }


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    top = TosGuardApp()
    try:
        top.initialize(None if argv is None else list(argv))
        top.start()
    except NoStart:
        return Exit.OK
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else Exit.OK
    finally:
        # traitlets makes subcommands singletons, which would outlive this run.
        app: Application | None = top
        while app is not None:
            type(app).clear_instance()
            app = app.subapp
    return Exit.OK


def main() -> None:
    """Entry point of the console script."""
    raise SystemExit(run())
