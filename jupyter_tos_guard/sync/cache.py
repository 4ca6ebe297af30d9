"""The policy and the account as they lie on disk, for every process that decides.

Light and read-only: it looks at two files, at most once a second, and maps the
bundle that they name. Fetching, checking signatures and writing are the refresher's
business (:mod:`.refresher`); a file that cannot be used never takes the place of
one that could.

Files in the cache folder, each replaced in one step:

``active.json``
    ``{"v": 1, "bundle": "targets/…", "version": "…", "checked": EPOCH, "release": {"serial", "softened",
    "mode"}}``: which bundle is in force, and when that was last confirmed by valid signatures.
``account.json``
    The central server's last answer about the user, and ``fetched``.
``contact.json``
    How the last exchange with the central server went; for people (:class:`Contact`).
"""

from __future__ import annotations

import os
import time
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from jupyter_tos_guard.gate.settings import Configuration
from jupyter_tos_guard.guard import NO_ACCOUNT, age_problem
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.strikes.standing import Seen
from jupyter_tos_guard.sync.account import MAX_BYTES, AccountError, Person, parse
from jupyter_tos_guard.sync.files import read_json

ACTIVE: Final = "active.json"
ACCOUNT: Final = "account.json"
CONTACT: Final = "contact.json"
LOCK: Final = "lock"
TARGETS: Final = "targets"
METADATA: Final = "metadata"
#: Largest ``active.json`` that is read, in bytes; some 10,000 softened rules.
_MAX_ACTIVE = 2 << 20

_Stamp = tuple[int, int, int] | None


class Active(NamedTuple):
    """Which policy is in force.

    Attributes
    ----------
    bundle : str
        Path of the bundle, relative to the cache folder.
    version : str
    checked : float
        When its signatures were last confirmed, seconds since the epoch.
    serial : int
        Of the release that chose it.
    softened : dict
        Rules by id, and the strictest verdict that they still reach.
    mode : Mode or None
        ``MONITOR`` or None.
    """

    bundle: str
    version: str
    checked: float
    serial: int
    softened: dict[str, Verdict]
    mode: Mode | None

    def to_json(self) -> dict[str, Any]:
        """Return what :func:`read_active` reads."""
        return {
            "v": 1,
            "bundle": self.bundle,
            "version": self.version,
            "checked": self.checked,
            "release": {
                "serial": self.serial,
                "softened": {rule: verdict.label for rule, verdict in self.softened.items()},
                "mode": self.mode.value if self.mode else None,
            },
        }


class Contact(NamedTuple):
    """How exchanging with the central server goes.

    Attributes
    ----------
    last : float
        When it last answered, seconds since the epoch; 0 for never.
    problem : str
        Why it does not, or why what it sent was not taken; empty when all is well.
    waiting : int
        Records that it has not confirmed yet.
    sent : int
        Records that it has confirmed since this cache was made.
    """

    last: float = 0.0
    problem: str = ""
    waiting: int = 0
    sent: int = 0


def hub_source(settings: Configuration) -> PolicyCache | None:
    """Return what comes from the central server as a guard's source; None when the settings name none."""
    return PolicyCache(settings.cache_folder) if settings.traits.central else None


class PolicyCache:
    """What the refresher has put into the cache folder, as a guard's source.

    Parameters
    ----------
    folder : Path
    every : float
        Seconds between two looks at the files.

    Attributes
    ----------
    account : Account
        What holds for the user and for everybody, as of the last :meth:`current`.
    """

    def __init__(self, folder: Path, every: float = 1.0) -> None:
        self.folder = folder
        self.account = NO_ACCOUNT
        self._every = every
        self._looked = float("-inf")
        self._stamps: list[_Stamp] = [None, None]
        self._active: Active | None = None
        self._bundle: Bundle | None = None
        self._person: Person | None = None
        self._problem: tuple[Reason, str] = (
            Reason.NO_POLICY,
            "the hub's policy has not reached this machine yet",
        )

    def current(self, now: float) -> tuple[Bundle | None, Reason | None, str]:
        """See :class:`jupyter_tos_guard.guard.Source`."""
        if not 0 <= now - self._looked < self._every:  # the clock may have been set back, too
            self._looked = now
            self._look()
        if self._bundle is None or self._active is None:
            return (None, *self._problem)
        return (self._bundle, *age_problem(self._bundle, self._active.checked, now))

    @property
    def active(self) -> Active | None:
        """Which policy is in force, as of the last :meth:`current`."""
        return self._active

    @property
    def person(self) -> Person | None:
        """The last good answer about the user, as of the last :meth:`current`."""
        return self._person

    def seen(self) -> Seen | None:
        """Where the hub sees the user; None when it has not said yet."""
        self.current(time.time())
        return self._person.seen if self._person else None

    def contact(self) -> Contact:
        """How the exchange with the central server goes."""
        return read_contact(self.folder)

    def _look(self) -> None:
        stamps = [_stamp(self.folder / name) for name in (ACTIVE, ACCOUNT)]
        if stamps == self._stamps:
            return
        if stamps[0] != self._stamps[0]:
            self._look_at_policy()
        if stamps[1] != self._stamps[1]:
            self._person = read_person(self.folder) or self._person
        self._stamps = stamps
        account = self._person.account if self._person else NO_ACCOUNT
        if self._active:
            account = account._replace(softened=self._active.softened, mode=self._active.mode)
        if account != self.account:
            self.account = account

    def _look_at_policy(self) -> None:
        active = read_active(self.folder)
        if active is None:
            return
        if self._active is None or self._bundle is None or active.bundle != self._active.bundle:
            try:
                self._bundle = Bundle.open(self.folder / active.bundle)
            except OSError as error:
                self._problem = (
                    Reason.NO_POLICY,
                    f"the policy in {self.folder} cannot be read: {error.strerror}",
                )
                return
            except BundleError as error:
                self._problem = Reason.CORRUPT_POLICY, f"the policy in {self.folder} cannot be used: {error}"
                return
        self._active = active


def read_active(folder: Path) -> Active | None:
    """Return what ``active.json`` says; None when it is not there or says nothing that can be used."""
    data = read_json(folder / ACTIVE, _MAX_ACTIVE)
    if data is None or data.get("v") != 1:
        return None
    bundle, version, checked = data.get("bundle"), data.get("version"), data.get("checked")
    release = data.get("release")
    if not isinstance(bundle, str) or not isinstance(version, str) or not isinstance(release, dict):
        return None
    if isinstance(checked, bool) or not isinstance(checked, (int, float)):
        return None
    parts = PurePosixPath(bundle).parts
    if len(parts) != 2 or parts[0] != TARGETS or ".." in parts:
        return None
    softened, serial = release.get("softened"), release.get("serial")
    return Active(
        bundle,
        version,
        float(checked),
        serial if isinstance(serial, int) else 0,
        {
            rule: Verdict[word.upper()]
            for rule, word in (softened if isinstance(softened, dict) else {}).items()
            if word in ("observe", "allow")
        },
        Mode.MONITOR if release.get("mode") == Mode.MONITOR.value else None,
    )


def read_person(folder: Path) -> Person | None:
    """Return the last answer about the user; None when there is none that can be used."""
    data = read_json(folder / ACCOUNT, MAX_BYTES + 1024)
    fetched = data.get("fetched") if data else None
    if data is None or isinstance(fetched, bool) or not isinstance(fetched, (int, float)):
        return None
    try:
        return parse(data, float(fetched))
    except AccountError:
        return None


def read_contact(folder: Path) -> Contact:
    """Return how the last exchange with the central server went."""
    data = read_json(folder / CONTACT) or {}
    values = {
        name: data[name]
        for name, kind in (("last", (int, float)), ("problem", str), ("waiting", int), ("sent", int))
        if isinstance(data.get(name), kind)
    }
    return Contact(**values)


def _stamp(path: Path) -> _Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
