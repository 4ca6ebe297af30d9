"""What the targets role lists: bundles and terms, and what is known of each.

The signed form has no fractions, so times stand there in milliseconds.
Pure over :mod:`tuf.api`'s data; the files are written by :mod:`.repository`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from tuf.api.metadata import TargetFile, Targets

from jupyter_tos_guard.central.publishing.store import RepositoryError
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.layout import HEADER
from jupyter_tos_guard.policy.model import Terms
from jupyter_tos_guard.policy.release import NAME, Release, ReleaseError, bundle_name


class Approved(NamedTuple):
    """A bundle that the targets key approved; ``published`` in seconds since the epoch."""

    name: str
    version: str
    terms_version: str
    published: float
    length: int
    sha256: str


def open_checked(raw: bytes) -> Bundle:
    """Open a bundle that is to be published.

    Raises
    ------
    RepositoryError
        It is damaged, or holds no rule.
    """
    try:
        bundle = Bundle.from_bytes(raw)
        bundle.verify()
    except BundleError as error:
        raise RepositoryError(f"the policy cannot be published: {error}.") from None
    if not bundle.rule_count:
        raise RepositoryError(
            "the policy has no rule: an empty policy would switch every guard off. To stop nothing for a "
            "while: jupyter tos-guard central release --mode monitor"
        )
    return bundle


def salt_of(raw: bytes) -> str:
    """Return a bundle's salt, hex. It is no secret: every client has it."""
    return bytes(HEADER.unpack_from(raw)[3]).hex()


def name_of(version: str, channel: str) -> str:
    """Return the name of a bundle's target.

    Raises
    ------
    RepositoryError
    """
    try:
        return bundle_name(version, channel)
    except ReleaseError as error:
        raise RepositoryError(f"{error}. Mend policy.yml.") from None


def terms_target(terms: Terms) -> tuple[str, bytes]:
    """Return the name and the content of the terms' target.

    Raises
    ------
    RepositoryError
    """
    if not NAME.fullmatch(terms.version):
        raise RepositoryError(
            f"terms.version {terms.version!r:.80} cannot be part of a file's name: use up to 64 letters "
            "and digits, with . _ - between them. Mend policy.yml."
        )
    text = json.dumps(terms.to_json(), ensure_ascii=False, sort_keys=True, indent=1)
    return f"terms/{terms.version}.json", text.encode("utf-8", "surrogatepass")


def bundle_target(name: str, raw: bytes, bundle: Bundle, now: float) -> TargetFile:
    """Describe a bundle, for the targets role."""
    custom = {
        "published": int(now * 1000),
        "salt": salt_of(raw),
        "terms": bundle.terms.version,
        "version": bundle.version,
    }
    return _target(name, raw, custom)


def terms_file(name: str, raw: bytes, terms: Terms, now: float) -> TargetFile:
    """Describe the terms, for the targets role."""
    return _target(name, raw, {"published": int(now * 1000), "version": terms.version})


def plain_target(name: str, raw: bytes) -> TargetFile:
    """Describe a file of which nothing else is known."""
    return _target(name, raw, None)


def approved(targets: Targets) -> list[Approved]:
    """Return the bundles in the targets role, the newest first."""
    found = []
    for name, target in targets.targets.items():
        custom = _custom(target)
        if name.startswith("policy/"):
            found.append(
                Approved(
                    name,
                    str(custom.get("version", "")),
                    str(custom.get("terms", "")),
                    float(custom.get("published", 0)) / 1000,
                    target.length,
                    target.hashes["sha256"],
                )
            )
    return sorted(found, key=lambda each: (-each.published, each.name))


def used(targets: Targets) -> tuple[set[str], set[str]]:
    """Return the versions and salts (hex) of the bundles in the targets role."""
    customs = [_custom(target) for name, target in targets.targets.items() if name.startswith("policy/")]
    return {str(each.get("version")) for each in customs}, {str(each.get("salt")) for each in customs}


def retire(targets: Targets, keep: int, needed: Iterable[str]) -> None:
    """Take the oldest bundles out, and terms that no bundle has any more."""
    needed = set(needed)
    take_out(targets, [each.name for each in approved(targets)[max(keep, 1) :] if each.name not in needed])


def take_out(targets: Targets, names: Iterable[str]) -> None:
    """Take bundles out, and terms that no bundle has any more.

    Raises
    ------
    RepositoryError
        There is no such bundle.
    """
    for name in names:
        if not name.startswith("policy/") or targets.targets.pop(name, None) is None:
            raise RepositoryError(f"{name} is not approved.")
    kept = {f"terms/{each.terms_version}.json" for each in approved(targets)}
    for name in [name for name in targets.targets if name.startswith("terms/") and name not in kept]:
        del targets.targets[name]


def refuse_unapproved(release: Release, targets: Targets) -> None:
    """Refuse a release of what the targets key did not approve: no client would take it.

    Raises
    ------
    RepositoryError
    """
    missing = [name for name in release.bundles if name not in targets.targets]
    if missing:
        there = ", ".join(each.version for each in approved(targets)) or "none"
        raise RepositoryError(
            f"{missing[0]} is not approved by the targets key, so it cannot be what is released. "
            f"Approved: {there}."
        )


def _target(name: str, raw: bytes, custom: dict[str, Any] | None) -> TargetFile:
    target = TargetFile.from_data(name, raw, ["sha256"])
    if custom is not None:
        target.unrecognized_fields["custom"] = custom
    return target


def _custom(target: TargetFile) -> dict[str, Any]:
    custom = target.custom
    return custom if isinstance(custom, dict) else {}
