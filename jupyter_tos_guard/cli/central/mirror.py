"""``jupyter tos-guard central mirror``: copies the repository, in the order that clients need."""

from __future__ import annotations

from pathlib import Path

from jupyter_tos_guard.central.publishing.mirror import copy_repository
from jupyter_tos_guard.cli.central.verb import PublishingVerb
from jupyter_tos_guard.cli.verb import Exit


class MirrorApp(PublishingVerb):
    """Copy the repository to a folder that a web server carries, or to a disk for a hub without network."""

    name = "jupyter-tos-guard-central-mirror"
    description = """Copy the repository to a folder that a web server carries, or to a disk for a hub without
    network. What is there already is left; the file that clients look at first is written last. Any other
    copy that keeps this order will do.

    Exit codes: 0 copied, 2 wrong usage, 3 something cannot be read or written."""
    examples = "jupyter tos-guard central mirror --state=/srv/tos-guard /var/www/tos-guard"

    def work(self) -> Exit:
        """Copy."""
        destination = Path(self.one_argument("folder to copy to")).expanduser()
        copied = copy_repository(self.places.repository, destination)
        version = self.repository.timestamp_version()
        if self.as_json:
            self.print_json({"destination": str(destination), "copied": copied, "timestamp": version})
        else:
            print(f"Copied {copied} files to {destination}; it is at timestamp {version}.")
        return Exit.OK
