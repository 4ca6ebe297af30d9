"""``jupyter tos-guard central status``: what is published, and until when its signatures hold."""

from __future__ import annotations

from jupyter_tos_guard.central.publishing.keys import OFFLINE, ONLINE, exposed, key_files
from jupyter_tos_guard.cli.central.verb import PublishingVerb, day, release_data, release_lines, say
from jupyter_tos_guard.cli.verb import Exit


class StatusApp(PublishingVerb):
    """What is published, who may sign, and until when signatures hold."""

    name = "jupyter-tos-guard-central-status"
    description = """What is published, who may sign, and until when signatures hold.

    Exit codes: 0 all is well, 1 something needs you, 3 the repository cannot be read."""
    examples = "jupyter tos-guard central status --state=/srv/tos-guard"

    def work(self) -> Exit:
        """Print it."""
        self.no_arguments()
        repository = self.repository
        release, roles, approved = repository.release(), repository.roles(), repository.approved()
        waiting = repository.waiting()
        problems = [*repository.problems(), *self._exposed()]
        if waiting:
            problems.append(
                f"{', '.join(each.version for each in waiting)} was approved elsewhere and is not handed to "
                "clients yet. Where the online keys are: jupyter tos-guard central resign"
            )
        if self.as_json:
            self.print_json(
                {
                    "repository": str(self.places.repository),
                    "root": repository.root_pin(),
                    "timestamp": repository.timestamp_version(),
                    "roles": [role._asdict() for role in roles],
                    "release": release_data(release),
                    "approved": [each._asdict() for each in approved],
                    "waiting": [each._asdict() for each in waiting],
                    "can_release": repository.can_release(),
                    "problems": problems,
                }
            )
            return Exit.FLAGGED if problems else Exit.OK
        lines = [f"Repository {self.places.repository}, root {repository.root_pin()}"]
        lines += release_lines(release)
        lines.append("Approved, the newest first:")
        lines += [f"  {each.version}  {each.name}  {day(each.published)}" for each in approved]
        lines.append("Signatures:")
        for role in roles:
            keys = ", ".join(key[:8] for key in role.keys)
            some = f"{role.threshold} of {len(role.keys)} keys" if len(role.keys) > 1 else "key"
            lines.append(f"  {role.role:<9} version {role.version}, until {day(role.expires)}, {some} {keys}")
        if not repository.can_release():
            lines.append(
                f"The online keys are not in {self.places.online}: nothing can be released from here."
            )
        say([*lines, *(f"Attention: {problem}" for problem in problems)])
        return Exit.FLAGGED if problems else Exit.OK

    def _exposed(self) -> list[str]:
        files = [path for role in OFFLINE for path in key_files(self.places.offline, role)]
        files += [path for role in ONLINE for path in key_files(self.places.online, role)]
        return [f"others can read the key {path}: chmod 600 {path}" for path in exposed(files)]
