"""What the API does to the release of the policy: soften a rule, set a share, the mode.

Publishing and its audit is :mod:`jupyter_tos_guard.central.casework.releases`; the steps themselves are
:mod:`jupyter_tos_guard.central.publishing.release`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from jupyter_tos_guard.central.casework import releases
from jupyter_tos_guard.central.casework.errors import ConflictError, InvalidError
from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.repository import RepositoryError
from jupyter_tos_guard.central.web.context import Context
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import Release

VERDICTS: Final = {"observe": Verdict.OBSERVE, "allow": Verdict.ALLOW}


def soften(context: Context, actor: str, rule: str, to: str, reason: str) -> dict[str, Any]:
    """Take a rule down to ``observe`` or ``allow`` at once; ``as-published`` lets it ask for all again.

    Raises
    ------
    CaseworkError
    Unavailable
    """
    if to == "as-published":
        change: Callable[[Release], Release] = partial(steps.restored, rule=rule)
    elif to in VERDICTS:
        change = partial(steps.softened, rule=rule, to=VERDICTS[to])
    else:
        raise InvalidError(f"{to[:40]!r} is nothing to soften to", "Choose observe, allow or as-published.")
    return _change(context, actor, "soften", f"rule:{rule}", {"to": to, "reason": reason}, change)


def set_share(context: Context, actor: str, share: float | str, reason: str) -> dict[str, Any]:
    """Give the candidate to a share of servers (0 to 100), ``promote`` it to all, or ``withdraw`` it.

    Raises
    ------
    CaseworkError
    Unavailable
    """
    if isinstance(share, str):
        known = {"promote": steps.promoted, "withdraw": steps.withdrawn}
        if share not in known:
            raise InvalidError(f"{share[:40]!r} is no share", "Choose 0 to 100, promote or withdraw.")
        change = known[share]
    else:
        change = partial(steps.with_share, share=share)
    return _change(context, actor, "share", "policy:candidate", {"share": share, "reason": reason}, change)


def set_mode(context: Context, actor: str, mode: str, reason: str) -> dict[str, Any]:
    """Set the whole hub to ``monitor`` at once; ``as-published`` lets the policy say.

    Raises
    ------
    CaseworkError
    Unavailable
    """
    if mode not in ("monitor", "as-published"):
        raise InvalidError(f"{mode[:40]!r} is no mode that can be set", "Choose monitor or as-published.")
    change = partial(steps.in_mode, mode=Mode.MONITOR if mode == "monitor" else None)
    return _change(context, actor, "mode", "policy:all", {"mode": mode, "reason": reason}, change)


def shown(release: Release) -> dict[str, Any]:
    """Return a release as JSON has it."""
    return {
        "serial": release.serial,
        "issued": release.issued,
        "current": release.current,
        "candidate": release.candidate and release.candidate._asdict(),
        "special": [special._asdict() for special in release.special],
        "softened": {rule: verdict.label for rule, verdict in release.softened.items()},
        "mode": release.mode.value if release.mode else None,
        "poll_seconds": release.poll_seconds,
    }


def _change(
    context: Context,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, Any],
    change: Callable[[Release], Release],
) -> dict[str, Any]:
    repository = context.repository
    if repository is None:
        raise ConflictError(
            "this replica has no online keys, so it cannot change what is released",
            "Do it where they are: jupyter tos-guard central release.",
        )

    try:
        released = releases.change(
            context.database,
            repository,
            change,
            actor=actor,
            action=action,
            target=target,
            detail=detail,
            now=context.clock(),
        )
    except RepositoryError as error:
        raise ConflictError(str(error)) from None
    return shown(released)
