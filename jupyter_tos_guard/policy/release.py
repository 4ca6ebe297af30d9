"""Which of the approved policies is for whom: the document ``release.json``.

An online key signs it, so it can only *choose* among the bundles that the offline
key approved, and only make them milder: a share of servers for a new version, a
rule down to observe or allow, the whole hub to monitor. What it says beyond that
is refused here, by whoever reads it. Publishing it is the central server's
business, fetching it the refresher's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, NoReturn

from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.matching import place_name, share_of
from jupyter_tos_guard.policy.model import Mode, Verdict, Where

VERSION: Final = 1
#: Longest document that is read, in bytes; some 10,000 softened rules.
MAX_BYTES: Final = 1 << 20
MAX_SPECIAL: Final = 500
MAX_NAMES: Final = 1000
MAX_SOFTENED: Final = 10_000
#: Bounds of :attr:`Release.poll_seconds`: an online key must neither make clients deaf nor a flood.
POLL: Final = (15, 86_400)

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
#: What a version, or a channel, may be called: it becomes part of a file's name and of a URL.
NAME: Final = re.compile(_WORD)
_BUNDLE = re.compile(rf"policy/(?:{_WORD}/)?{_WORD}\.bundle")


class ReleaseError(ValueError):
    """The document cannot be used; the text says what is wrong in it."""


class Candidate(NamedTuple):
    """A version that some servers get already: those whose place is below ``share`` (0 to 100)."""

    bundle: str
    share: float


class Special(NamedTuple):
    """A bundle of their own for groups of people or for named servers."""

    groups: tuple[str, ...]
    servers: tuple[str, ...]
    bundle: str


class Release(NamedTuple):
    """Which bundle is for whom, and what was taken back.

    Attributes
    ----------
    serial : int
        Grows with each release. For people: what protects from an old document is TUF.
    issued : float
        Seconds since the epoch.
    current : str
        Name of the bundle for everybody.
    candidate : Candidate or None
    special : tuple of Special
        The first that fits comes before candidate and current.
    softened : Mapping
        Rules by id, and the strictest verdict that they still reach: observe or allow.
    mode : Mode or None
        ``MONITOR``: nothing is stopped anywhere; None: as the policy says.
    poll_seconds : int
        How often clients look.
    """

    serial: int
    issued: float
    current: str
    candidate: Candidate | None = None
    special: tuple[Special, ...] = ()
    softened: Mapping[str, Verdict] = {}
    mode: Mode | None = None
    poll_seconds: int = 300

    @property
    def bundles(self) -> tuple[str, ...]:
        """Every bundle that somebody is to get, each once."""
        names = [self.current]
        if self.candidate:
            names.append(self.candidate.bundle)
        return tuple(dict.fromkeys([*names, *(special.bundle for special in self.special)]))

    def bundle_for(self, where: Where) -> str:
        """Return the name of the bundle for a server."""
        for special in self.special:
            if where.server in special.servers or not set(special.groups).isdisjoint(where.groups):
                return special.bundle
        candidate = self.candidate
        if candidate and place_of(where, candidate.bundle) < candidate.share:
            return candidate.bundle
        return self.current

    def to_bytes(self) -> bytes:
        """Return the document as it is signed.

        Raises
        ------
        ReleaseError
            It could not be read back: whoever made it made a mistake.
        """
        data = {
            **self._asdict(),
            "v": VERSION,
            "candidate": self.candidate._asdict() if self.candidate else None,
            "special": [special._asdict() for special in self.special],
            "softened": {rule: verdict.label for rule, verdict in sorted(self.softened.items())},
            "mode": self.mode.value if self.mode else None,
        }
        text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        raw = text.encode("utf-8", "surrogatepass")
        parse(raw)
        return raw


def place_of(where: Where, bundle: str) -> float:
    """Where a server stands in a candidate's roll-out, from 0 to 100, the same each time."""
    return share_of(place_name(where), bundle)


def parse(raw: bytes) -> Release:
    """Read a release document.

    Keys that are not known are left out, so that a later version can add some that
    need not be understood.

    Raises
    ------
    ReleaseError
    """
    if len(raw) > MAX_BYTES:
        _refuse(f"it is longer than {MAX_BYTES} bytes")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ReleaseError(f"the release document is no JSON: {error}") from None
    if not isinstance(data, dict):
        _refuse("it is no JSON object")
    if data.get("v") != VERSION:
        _refuse(f"it has format {readable(str(data.get('v')))}, this program reads {VERSION}: upgrade it")
    issued = data.get("issued")
    if isinstance(issued, bool) or not isinstance(issued, (int, float)) or not math.isfinite(issued):
        _refuse('"issued" is no time')
    mode = data.get("mode")
    if mode not in (None, Mode.MONITOR.value):
        _refuse(
            f'"mode" is {_shown(mode)}, but a release can only set "monitor" (or null): '
            "enforce comes from the policy"
        )
    return Release(
        serial=_integer("serial", data.get("serial"), 1, 1 << 53),
        issued=float(issued),
        current=_bundle("current", data.get("current")),
        candidate=_candidate(data.get("candidate")),
        special=_special(data.get("special", [])),
        softened=_softened(data.get("softened", {})),
        mode=Mode.MONITOR if mode else None,
        poll_seconds=_integer("poll_seconds", data.get("poll_seconds", 300), *POLL),
    )


def bundle_name(version: str, channel: str = "") -> str:
    """Return the name of a bundle's target.

    Raises
    ------
    ReleaseError
        Version or channel cannot be part of a file's name.
    """
    for what, text in (("version", version), ("channel", channel)):
        if (text or what == "version") and not NAME.fullmatch(text):
            raise ReleaseError(
                f"the {what} {_shown(text)} cannot be part of a file's name: use up to 64 letters and "
                "digits, with . _ - between them"
            )
    return f"policy/{channel}/{version}.bundle" if channel else f"policy/{version}.bundle"


def _candidate(value: object) -> Candidate | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse('"candidate" is neither null nor an object')
    share = value.get("share")
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 100:
        _refuse(f'"candidate.share" is {_shown(share)}, not a number from 0 to 100')
    return Candidate(_bundle("candidate.bundle", value.get("bundle")), share)


def _special(value: object) -> tuple[Special, ...]:
    if not isinstance(value, list) or len(value) > MAX_SPECIAL:
        _refuse(f'"special" is no list of up to {MAX_SPECIAL} entries')
    found = []
    for number, entry in enumerate(value):
        if not isinstance(entry, dict):
            _refuse(f'"special" {number} is no object')
        groups, servers = (_names(f'"special" {number}', entry, key) for key in ("groups", "servers"))
        if not groups and not servers:
            _refuse(f'"special" {number} names neither groups nor servers')
        found.append(Special(groups, servers, _bundle(f"special {number} bundle", entry.get("bundle"))))
    return tuple(found)


def _names(what: str, entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if (
        not isinstance(value, list)
        or len(value) > MAX_NAMES
        or not all(isinstance(name, str) and 0 < len(name) <= 255 for name in value)
    ):
        _refuse(f'{what}: "{key}" is no list of up to {MAX_NAMES} names')
    return tuple(value)


def _softened(value: object) -> dict[str, Verdict]:
    if not isinstance(value, dict) or len(value) > MAX_SOFTENED:
        _refuse(f'"softened" is no object of up to {MAX_SOFTENED} rules')
    found = {}
    for rule, word in value.items():
        if not 0 < len(rule) <= 100:
            _refuse('"softened" names something that is no rule')
        if word not in ("observe", "allow"):
            _refuse(
                f'"softened" sets a rule to {_shown(word)}, but a release can only make rules milder: '
                "observe or allow"
            )
        found[rule] = Verdict[word.upper()]
    return found


def _bundle(what: str, value: object) -> str:
    if not isinstance(value, str) or not _BUNDLE.fullmatch(value):
        _refuse(f'"{what}" is {_shown(value)}, not the name of a bundle such as policy/2026.12.01.bundle')
    return value


def _integer(what: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        _refuse(f'"{what}" is {_shown(value)}, not a whole number from {least} to {most}')
    return value


def _shown(value: object) -> str:
    return readable(repr(value), 80)


def _refuse(detail: str) -> NoReturn:
    raise ReleaseError(f"the release document cannot be used: {detail}")
