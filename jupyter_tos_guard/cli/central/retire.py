"""``jupyter tos-guard central retire``: takes back the approval of versions."""

from __future__ import annotations

from jupyter_tos_guard.cli.central.verb import PublishingVerb, say
from jupyter_tos_guard.cli.verb import Exit, Refusal


class RetireApp(PublishingVerb):
    """Take back the approval of versions."""

    name = "jupyter-tos-guard-central-retire"
    description = """Take back the approval of versions: nobody gets them any more, whoever releases them.
    Needs the targets key. A version that is released cannot be retired: release another first.

    Exit codes: 0 done, 2 wrong usage, 3 keys or repository cannot be used."""
    examples = "jupyter tos-guard central retire 2026.11.23 --keys=keys"

    def work(self) -> Exit:
        """Take them out of the list of targets."""
        if not self.extra_args:
            raise Refusal("say which versions. See: jupyter tos-guard central status")
        found = [self.find(version) for version in dict.fromkeys(self.extra_args)]
        released = self.repository.release().bundles
        for each in found:
            if each.name in released:
                raise Refusal(
                    f"version {each.version} is handed out at the moment. Release another first: "
                    "jupyter tos-guard central release --current VERSION"
                )
        self.repository.retire([each.name for each in found], self.offline_keys("targets"))
        left = [each.version for each in self.repository.approved()]
        if self.as_json:
            self.print_json({"retired": [each.version for each in found], "approved": left})
        elif self.repository.can_release():
            say([f"Retired. Still approved: {', '.join(left)}."])
        else:
            say(
                [
                    "Signed. The online keys are not here: copy metadata/*.targets.json to where the service "
                    "runs, as docs/publishing.md says; it is retired when the service takes it up."
                ]
            )
        return Exit.OK
