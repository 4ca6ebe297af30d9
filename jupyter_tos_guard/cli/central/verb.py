"""What the verbs over the policy repository share: where things lie, keys, the database. Not a verb."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer
from traitlets import Unicode

from jupyter_tos_guard.central.app import CentralApp, SettingError
from jupyter_tos_guard.central.publishing.keys import KeyProblem, key_files, read_keys
from jupyter_tos_guard.central.publishing.record import record_published
from jupyter_tos_guard.central.publishing.repository import Approved, Repository, RepositoryError
from jupyter_tos_guard.central.publishing.setup import Places
from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.release import Release

#: Holds the passphrase where there is nobody to ask, such as in a scheduled job.
PASSPHRASE = "JUPYTER_TOS_GUARD_PASSPHRASE"  # noqa: S105 - the name of a variable


class PublishingVerb(Verb, CentralApp):
    """A verb that reads or writes the policy repository."""

    config_file_name = Unicode("jupyter_tos_guard_central_config")
    keys = Unicode(
        help="Folder of the offline keys (root, targets). Default: keys/offline/ in the state folder."
    ).tag(config=True)

    aliases = {
        **Verb.aliases,
        "state": "CentralApp.state",
        "repository": "CentralApp.repository_folder",
        "online": "CentralApp.online_keys",
        "database": "CentralApp.database_url",
        "keys": "PublishingVerb.keys",
    }

    def run(self) -> Exit:
        """Do the work; what can go wrong outside this program is told, not raised."""
        try:
            return self.work()
        except (RepositoryError, KeyProblem, SettingError, Unavailable) as error:
            raise Refusal(str(error), Exit.UNREADABLE) from None

    def work(self) -> Exit:
        """Do the work; overridden by every verb."""
        raise NotImplementedError

    @cached_property
    def places(self) -> Places:
        """Where things lie."""
        usual = Places.below(Path(self.state).expanduser())
        return usual._replace(
            repository=Path(self.repository_folder).expanduser(),
            online=Path(self.online_keys).expanduser(),
            offline=Path(self.keys).expanduser() if self.keys else usual.offline,
        )

    @cached_property
    def repository(self) -> Repository:
        """The repository; whether it is there is found out by whoever reads it."""
        return Repository(self.places.repository, self.places.online)

    def offline_keys(self, role: str) -> list[Signer]:
        """Return the keys of an offline role, after asking for passphrases."""
        files = key_files(self.places.offline, role)
        if not files:
            raise Refusal(
                f"there is no key for {role} in {self.places.offline}: name the folder with --keys. "
                "It is where `central init` put it, or where you moved it.",
                Exit.UNREADABLE,
            )
        return [*read_keys(self.places.offline, role, ask_passphrase)]

    def open_if_there(self) -> Database | None:
        """Return the central server's database: the one that was named, or the one in the state folder."""
        if self.database_url.startswith("sqlite:///"):
            path = Path(self.database_url.removeprefix("sqlite:///"))
            named = "database_url" in self.config.CentralApp or os.environ.get("TOS_GUARD_DATABASE_URL")
            if not path.exists() and not named:
                return None
        return self.open_database()

    def record(self) -> list[str]:
        """Record new versions in the database, if there is one; return sentences about it."""
        database = self.open_if_there()
        if database is None:
            return ["There is no database here; the service records new versions when it next looks."]
        try:
            new = database.run(
                lambda session: record_published(
                    session,
                    self.repository,
                    time.time(),
                    documents=self.places.documents,
                    actor=actor(),
                )
            )
        finally:
            database.close()
        return [f"Recorded in the database: {', '.join(new)}."] if new else []

    def find(self, version: str) -> Approved:
        """Return the approved bundle of a version, or refuse."""
        approved = [*self.repository.approved(), *self.repository.waiting()]
        for each in approved:
            if version in (each.version, each.name):
                return each
        there = ", ".join(each.version for each in approved) or "none"
        raise Refusal(f"version {version!r} is not approved in {self.places.repository}. Approved: {there}.")


def actor() -> str:
    """Return who is at the terminal, for the audit log."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError, ImportError):  # a container's user id without a name
        return f"user {os.getuid()} (command line)"


def ask_passphrase(path: Path) -> str:
    """Return the passphrase of a key file, from the environment or from the keyboard."""
    given = os.environ.get(PASSPHRASE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise KeyProblem(
            f"the key {path} is encrypted, and there is nobody to ask for its passphrase. Set {PASSPHRASE}."
        )
    return getpass.getpass(f"Passphrase for {path}: ")


def new_passphrase(what: str) -> str:
    """Ask twice for a passphrase that is to be set."""
    given = os.environ.get(PASSPHRASE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise KeyProblem(f"there is nobody to ask for a passphrase. Set {PASSPHRASE}.")
    first = getpass.getpass(f"New passphrase for {what}: ")
    if not first:
        raise KeyProblem("an empty passphrase protects nothing. Leave --encrypt out, or give one.")
    if getpass.getpass("Once more: ") != first:
        raise KeyProblem("the two passphrases differ. Try again.")
    return first


def release_data(release: Release) -> dict[str, Any]:
    """Return a release as JSON takes it."""
    return {
        "serial": release.serial,
        "issued": release.issued,
        "current": release.current,
        "candidate": release.candidate._asdict() if release.candidate else None,
        "special": [each._asdict() for each in release.special],
        "softened": {rule: verdict.label for rule, verdict in release.softened.items()},
        "mode": release.mode.value if release.mode else None,
        "poll_seconds": release.poll_seconds,
    }


def release_lines(release: Release, name: Callable[[str], str] = str) -> list[str]:
    """Return a release in sentences; ``name`` tells a rule's name."""
    lines = [f"Release {release.serial}: everybody gets {release.current}"]
    if release.candidate:
        lines.append(f"  candidate: {release.candidate.bundle} for {release.candidate.share:g} % of servers")
    for special in release.special:
        whom = ", ".join([*special.groups, *(f"server {each}" for each in special.servers)])
        lines.append(f"  {special.bundle} for {readable(whom)}")
    for rule, verdict in release.softened.items():
        lines.append(f"  taken back to {verdict.label}: {readable(name(rule))}")
    if release.mode:
        lines.append("  the whole hub is in monitor mode: nothing is stopped")
    lines.append(f"  clients look every {release.poll_seconds} seconds")
    return lines


def day(seconds: float) -> str:
    """Return a day for people."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def say(lines: Sequence[str]) -> None:
    """Print sentences, one a line."""
    for line in lines:
        print(line)
