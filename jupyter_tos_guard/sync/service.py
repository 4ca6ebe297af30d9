"""One background task per Jupyter server: the policy in, strikes out, the account in between.

Runs in the server's event loop and never blocks it: network, disk and
signatures are in one thread. Also the way of a front end's questions to the
central server (:meth:`Sync.request`). What is done is in :mod:`.refresher` and
:mod:`.uploader`; this says when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jupyter_tos_guard.gate.settings import Configuration
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.sync.cache import Contact


class GuardState(NamedTuple):
    """One kernel, as it says about itself; reported to the central server."""

    kernel: str
    name: str
    state: str
    detail: str = ""


class Answer(NamedTuple):
    """An answer of the central server, passed on.

    Attributes
    ----------
    status : int
        Of HTTP; 503 when it could not be reached.
    body : object
        Decoded JSON; errors are ``{"error": {"code", "message", "hint"}}``.
    """

    status: int
    body: Any


class Sync:
    """Keeps one machine and the central server in step.

    Parameters
    ----------
    configuration : Configuration
        Its ``central`` must be set.
    where : Where
        Who and where this server is: which bundle of a release it gets.
    guards : callable, optional
        States of the kernels' guards, for the report.
    on_event : callable, optional
        Called on the event loop with a kind and its data: ``policy-activated`` (``version``, ``serial``),
        ``account-changed`` (the account), ``contact-lost`` (``problem``), ``contact-made``,
        ``strikes-confirmed`` (``count``).
    """

    def __init__(
        self,
        configuration: Configuration,
        where: Where,
        *,
        guards: Callable[[], Sequence[GuardState]] = tuple,
        on_event: Callable[[str, Mapping[str, Any]], None] = lambda kind, data: None,
    ) -> None:
        self.configuration = configuration
        self.where = where
        #: The central server's last good answer about the user; None before the first.
        self.account: Mapping[str, Any] | None = None
        #: How the exchange goes.
        self.contact = Contact()
        self._guards = guards
        self._on_event = on_event

    async def run(self) -> None:
        """Work until :meth:`stop`; never raises for what the network or the disk does."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Send what waits if that goes quickly, and end."""
        raise NotImplementedError

    def wake(self) -> None:
        """Report soon: a strike was recorded, or a kernel's guard has changed."""
        raise NotImplementedError

    async def request(
        self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask the central server in the user's name: ``path`` is below ``api/v1/``."""
        raise NotImplementedError
