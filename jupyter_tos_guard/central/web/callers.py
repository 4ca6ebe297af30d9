"""Who calls, and what they may do. Data only: finding out is :mod:`.auth`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

#: What a handler can ask for beside a scope: nothing at all, or to be a user with a record of their own.
PUBLIC: Final = "public"
USER: Final = "user"
READ: Final = "read"
REVIEW: Final = "review"
PUBLISH: Final = "publish"
ADMIN: Final = "admin"
#: What each scope holds.
SCOPES: Final = {
    READ: frozenset({READ}),
    REVIEW: frozenset({READ, REVIEW}),
    PUBLISH: frozenset({READ, PUBLISH}),
    ADMIN: frozenset({READ, REVIEW, PUBLISH, ADMIN}),
}
#: What JupyterHub calls them: ``custom:tos-guard:read`` and so on.
HUB_SCOPE: Final = "custom:tos-guard:"


class Caller(NamedTuple):
    """Who made the request, as the Hub or the token says: never as the request says.

    Attributes
    ----------
    name : str
        The user's name; ``service:NAME`` for a service of the Hub.
    groups : tuple of str
    scopes : frozenset of str
        With all that they hold: who has ``admin`` has ``read``.
    is_user : bool
        Whether there can be a record about the caller. A service has none.
    """

    name: str
    groups: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    is_user: bool = True

    @property
    def admin(self) -> bool:
        """Whether the caller may do everything."""
        return ADMIN in self.scopes

    def may(self, access: str) -> bool:
        """Return whether that access is given."""
        if access == PUBLIC:
            return True
        return self.is_user if access == USER else access in self.scopes


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Return known scopes with all that they hold; unknown ones are left out."""
    return frozenset().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))


def from_hub(scopes: Iterable[str]) -> frozenset[str]:
    """Return our scopes among those of a Hub token."""
    return expand(scope.removeprefix(HUB_SCOPE) for scope in scopes if scope.startswith(HUB_SCOPE))
