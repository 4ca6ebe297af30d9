"""``jupyter tos-guard central resign``: renews signatures before they end."""

from __future__ import annotations

from traitlets import Bool

from jupyter_tos_guard.central.publishing.setup import keep_signed
from jupyter_tos_guard.cli.central.verb import PublishingVerb, say
from jupyter_tos_guard.cli.verb import Exit


class ResignApp(PublishingVerb):
    """Renew signatures before they end, and take up what was approved elsewhere."""

    name = "jupyter-tos-guard-central-resign"
    description = """Renew signatures before they end, and take up versions that were approved elsewhere and
    copied here. The service does this by itself; where no service runs, let cron do it daily.

    With --keys the offline roles (root, targets) are renewed too.

    Exit codes: 0 all is well, 1 something ends soon or is wrong and is told, 3 keys or repository cannot
    be used."""
    examples = """
    jupyter tos-guard central resign --state=/srv/tos-guard
    jupyter tos-guard central resign --repository=repository --keys=keys
    """
    force = Bool(False, help="Renew the online roles whether or not it is time.").tag(config=True)
    flags = {
        **PublishingVerb.flags,
        "force": ({"ResignApp": {"force": True}}, "Renew the online roles whether or not it is time."),
    }

    def work(self) -> Exit:
        """Renew what is due."""
        self.no_arguments()
        if self.keys:
            done = self.repository.resign(
                self.offline_keys("root"), self.offline_keys("targets"), force=self.force
            )
        elif self.force:
            done = self.repository.resign(force=True)
        else:
            done = keep_signed(self.repository, self.places.offline)
        recorded = self.record()
        if self.as_json:
            self.print_json({"resigned": done.roles, "warnings": done.warnings})
        else:
            say(
                [
                    f"Renewed: {', '.join(done.roles)}." if done.roles else "Nothing was due.",
                    *recorded,
                    *(f"Attention: {warning}" for warning in done.warnings),
                ]
            )
        return Exit.FLAGGED if done.warnings else Exit.OK
