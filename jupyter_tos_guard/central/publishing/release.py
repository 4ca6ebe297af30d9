"""What the next release can be: one function for each thing that an operator does.

Pure: from a release to the next. The document is
:mod:`jupyter_tos_guard.policy.release`, writing it :meth:`.repository.Repository.change_release`.
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_tos_guard.central.publishing.store import RepositoryError
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import Candidate, Release, Special


def with_candidate(release: Release, bundle: str, share: float) -> Release:
    """Give a version to a share of servers (0 to 100); it takes the place of any other candidate.

    Raises
    ------
    RepositoryError
        It is the current one already, or the share is none.
    """
    if bundle == release.current:
        raise RepositoryError(f"{bundle} is the current policy of everybody already.")
    return release._replace(candidate=Candidate(bundle, _share(share)))


def with_share(release: Release, share: float) -> Release:
    """Give the candidate to another share of servers.

    Raises
    ------
    RepositoryError
    """
    return release._replace(candidate=_candidate(release)._replace(share=_share(share)))


def promoted(release: Release) -> Release:
    """Make the candidate the policy of everybody.

    Raises
    ------
    RepositoryError
    """
    return release._replace(current=_candidate(release).bundle, candidate=None)


def withdrawn(release: Release) -> Release:
    """Take the candidate back: its servers return to the current policy.

    Raises
    ------
    RepositoryError
    """
    _candidate(release)
    return release._replace(candidate=None)


def with_current(release: Release, bundle: str) -> Release:
    """Make a version the policy of everybody at once; also the way back to an earlier one."""
    candidate = release.candidate if release.candidate and release.candidate.bundle != bundle else None
    return release._replace(current=bundle, candidate=candidate)


def softened(release: Release, rule: str, to: Verdict) -> Release:
    """Take a rule down to observe or allow, for everybody and in every version.

    Raises
    ------
    RepositoryError
        ``to`` is stricter than observe.
    """
    if to > Verdict.OBSERVE:
        raise RepositoryError(f"a release can only soften: observe or allow, not {to.label}.")
    return release._replace(softened={**release.softened, rule: to})


def restored(release: Release, rule: str) -> Release:
    """Let a rule ask again for what the policy says.

    Raises
    ------
    RepositoryError
        It was not softened.
    """
    if rule not in release.softened:
        raise RepositoryError(f"the rule {rule!r:.120} is not softened.")
    return release._replace(
        softened={other: verdict for other, verdict in release.softened.items() if other != rule}
    )


def in_mode(release: Release, mode: Mode | None) -> Release:
    """Set the whole hub to monitor, or (None) let the policy say.

    Raises
    ------
    RepositoryError
    """
    if mode is Mode.ENFORCE:
        raise RepositoryError(
            "a release can only set monitor: enforce is what a policy says, and that is signed offline."
        )
    return release._replace(mode=mode)


def assigned(release: Release, bundle: str, groups: Sequence[str], servers: Sequence[str]) -> Release:
    """Give groups or named servers a bundle of their own, in place of one of the same channel.

    Without groups and servers those that the channel has keep it, with the new bundle.

    Raises
    ------
    RepositoryError
        The channel has no groups and servers yet, and none are given.
    """
    channel = bundle.rpartition("/")[0]
    of_channel = [each for each in release.special if each.bundle.rpartition("/")[0] == channel]
    if not groups and not servers:
        if not of_channel:
            raise RepositoryError(f"say for whom {bundle} is: groups or servers.")
        groups, servers = of_channel[0].groups, of_channel[0].servers
    others = tuple(each for each in release.special if each not in of_channel)
    return release._replace(special=(*others, Special(tuple(groups), tuple(servers), bundle)))


def unassigned(release: Release, channel: str) -> Release:
    """Let those who had a channel's bundle have that of everybody.

    Raises
    ------
    RepositoryError
    """
    others = tuple(each for each in release.special if each.bundle.rpartition("/")[0] != f"policy/{channel}")
    if others == release.special:
        raise RepositoryError(f"nobody has a bundle of the channel {channel!r:.80}.")
    return release._replace(special=others)


def _candidate(release: Release) -> Candidate:
    if release.candidate is None:
        raise RepositoryError(
            "there is no candidate. Make one: "
            "jupyter tos-guard central release --candidate VERSION --share 10"
        )
    return release.candidate


def _share(share: float) -> float:
    if not 0 <= share <= 100:
        raise RepositoryError(f"the share {share} is not a number from 0 to 100.")
    return int(share) if share == int(share) else share
