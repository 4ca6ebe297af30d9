"""What happens when the Hub starts a server: ask, refuse or go on, say where the central service is.

Runs in the Hub's process. Imports of jupyterhub are inside functions: the rest of the package
is imported where there is none.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from jupyter_tos_guard.central.hub.admission import Admissions, Answer, UnansweredError

#: A profile of KubeSpawner's list, or whatever the spawner calls so.
Profile = Mapping[str, Any]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


class Place(NamedTuple):
    """Where the central service is.

    Attributes
    ----------
    name : str
        Of the service at the Hub.
    url : str
        Origin at which Hub and proxy reach it, ``http://127.0.0.1:10101``; an external one's with its path.
    bind : str
        Origin at which a managed service listens; empty for an external one.
    servers_url : str
        Whole URL as single-user servers see it; empty: worked out for each server.
    repository : str
        Folder of the policy repository, when this machine has it.
    root : str
        What servers trust the first policy by; empty: version 1 of the root in ``repository``.
    """

    name: str
    url: str
    bind: str = ""
    servers_url: str = ""
    repository: str = ""
    root: str = ""

    def prefix(self, spawner: Any) -> str:
        """Return the path of the service below the Hub's proxy."""
        return f"{str(spawner.hub.base_url).removesuffix('hub/')}services/{self.name}"

    def for_hub(self, spawner: Any) -> str:
        """Return the URL at which the Hub asks."""
        if not self.bind:
            return self._whole_url(spawner)
        bind = urlsplit(self.bind)
        host = "127.0.0.1" if (bind.hostname or "") in _EVERYWHERE else bind.hostname
        return f"http://{host}:{bind.port}{self.prefix(spawner)}"

    def for_server(self, spawner: Any) -> str:
        """Return the URL at which a single-user server reports."""
        if self.servers_url:
            return self.servers_url.rstrip("/")
        if urlsplit(self.url).hostname in LOOPBACK and not _is_local(spawner):
            spawner.log.error(
                "tos-guard: the server of %s is on another machine and cannot reach the central service "
                "at %s. Give guard_hub(servers_url=…), the URL of the service as servers see it.",
                spawner.user.name,
                self.url,
            )
        return self.for_hub(spawner) if _is_local(spawner) else self._whole_url(spawner)

    def _whole_url(self, spawner: Any) -> str:
        has_path = not self.bind and urlsplit(self.url).path.rstrip("/")
        return self.url.rstrip("/") + ("" if has_path else self.prefix(spawner))

    def pin(self, spawner: Any) -> str:
        """Return what a single-user server trusts the first policy by; empty when not known."""
        if self.root or not self.repository:
            return self.root
        try:
            # Made at the first start of the service, after the Hub has read its configuration.
            return (
                "sha256:"
                + hashlib.sha256(Path(self.repository, "metadata", "1.root.json").read_bytes()).hexdigest()
            )
        except OSError as error:
            spawner.log.error(
                "tos-guard: no root of trust for the server of %s, which will get no policy: %s. "
                "Give guard_hub(root='sha256:…'), as `jupyter tos-guard central status` prints it.",
                spawner.user.name,
                error,
            )
            return ""


class SpawnHook:
    """``pre_spawn_hook``: asks, refuses or goes on, then does what was set before.

    Parameters
    ----------
    place : Place
    admissions : Admissions
    closed : bool
        Whether servers are refused while the central service gives no answer.
    before : callable, optional
        The operator's own hook; runs when the server is let start.
    """

    def __init__(
        self,
        place: Place,
        admissions: Admissions,
        closed: bool,
        before: Callable[[Any], Any] | None = None,
    ) -> None:
        self._place = place
        self._admissions = admissions
        self._closed = closed
        #: The operator's own hook.
        self.before = before

    def after(self, before: Callable[[Any], Any] | None) -> SpawnHook:
        """Return this hook with another that runs when the server is let start."""
        if isinstance(before, SpawnHook):
            before = before.before  # guard_hub was called twice: ask once
        return SpawnHook(self._place, self._admissions, self._closed, before)

    async def __call__(self, spawner: Any) -> None:
        """See ``Spawner.pre_spawn_hook``."""
        await self._admit(spawner)
        if self.before is not None:
            result = self.before(spawner)
            if inspect.isawaitable(result):
                await result

    async def _admit(self, spawner: Any) -> None:
        answer = await self.ask(spawner)
        if answer is None:
            if self._closed:
                text = (
                    "Your server cannot start now: the service that looks after the terms of use does not "
                    "answer. Please try again in a few minutes, or tell the operators of this hub."
                )
                raise refusal(spawner, text, reason="tos-guard-unreachable", status=503)
            return
        pages = (answer.pages or self._place.prefix(spawner)).rstrip("/")
        if not answer.allowed:
            text = answer.message or "Your server is not started: your use of this hub is restricted."
            link = _link(f"{pages}/me", "See why, and how to appeal")
            reason = f"tos-guard-{answer.level}"
            raise refusal(spawner, text, link, reason=reason, html=answer.message_html)
        if answer.terms_missing:
            url = f"{pages}/me/terms?{urlencode({'next': _spawn_page(spawner)})}"
            text = (
                f"Before your server starts, please read the terms of use (version {answer.terms_version}) "
                "and accept them."
            )
            link = _link(url, "Read the terms of use")
            html = f"{escape(text)}</p><p>{link}"
            raise refusal(spawner, f"{text} They are at {url}", link, reason="tos-guard-terms", html=html)

    async def ask(self, spawner: Any) -> Answer | None:
        """Return the service's answer; None when there is none, which is said in the log."""
        try:
            return await self._admissions.ask(
                self._place.for_hub(spawner), spawner.user.name, groups_of(spawner)
            )
        except UnansweredError as error:
            spawner.log.error(
                "tos-guard: %s; the server of %s is %s (when_unreachable=%r)",
                error,
                spawner.user.name,
                "refused" if self._closed else "let start",
                "closed" if self._closed else "open",
            )
            return None


class Profiles:
    """``profile_list``: what the operator set, without accelerators for those who are restricted to CPUs.

    Parameters
    ----------
    hook : SpawnHook
    profiles : list, or callable
        As KubeSpawner takes it.
    is_cpu_only : callable
        Whether one profile, or one choice of a profile's option, may still be offered.
    """

    def __init__(
        self,
        hook: SpawnHook,
        profiles: Sequence[Profile] | Callable[[Any], Any],
        is_cpu_only: Callable[[Profile], bool],
    ) -> None:
        self._hook = hook
        self._profiles = profiles
        self._is_cpu_only = is_cpu_only

    async def __call__(self, spawner: Any) -> list[Profile]:
        """See ``KubeSpawner.profile_list``."""
        profiles = self._profiles
        if callable(profiles):
            profiles = profiles(spawner)
            if inspect.isawaitable(profiles):
                profiles = await profiles
        answer = await self._hook.ask(spawner)
        if answer is None or not answer.cpu_only:
            return list(profiles)
        left = [self._without_accelerators(each) for each in profiles if self._is_cpu_only(each)]
        if not left and profiles:
            text = "Your use of this hub is restricted to servers without accelerators, and there are none."
            raise refusal(spawner, text, reason="tos-guard-cpu-only")
        return left

    def _without_accelerators(self, profile: Profile) -> Profile:
        options = profile.get("profile_options")
        if not options:
            return profile
        kept = {}
        for name, option in options.items():
            choices = option.get("choices") or {}
            left = {key: each for key, each in choices.items() if self._is_cpu_only(each)}
            kept[name] = {**option, "choices": left} if choices else option
        return {**profile, "profile_options": kept}


def is_cpu_only(profile: Profile) -> bool:
    """Return whether a profile of KubeSpawner asks for no accelerator.

    Resources of Kubernetes that are not its own are named ``vendor/thing``: ``nvidia.com/gpu``.
    """
    override = profile.get("kubespawner_override") or {}
    asked = {
        name
        for trait in ("extra_resource_limits", "extra_resource_guarantees")
        for name, amount in (override.get(trait) or {}).items()
        if str(amount) != "0"
    }
    return not any("/" in name for name in asked)


def groups_of(spawner: Any) -> list[str]:
    """Return the user's groups; a name with a comma cannot be passed on in a list and is left out."""
    return sorted(group.name for group in spawner.user.groups if "," not in group.name)


def refusal(
    spawner: Any, text: str, link: str = "", *, reason: str, html: str = "", status: int = 403
) -> Exception:
    """Return what to raise in a hook so that the text is on the spawn page, in every JupyterHub since 5.2.

    Parameters
    ----------
    spawner : jupyterhub.spawner.Spawner
    text : str
        What the user is told.
    link : str, optional
        HTML that is shown after it.
    reason : str
        A label for metrics.
    html : str, optional
        The whole in HTML, where there is more to it.
    status : int
        HTTP status.
    """
    from jupyterhub import spawner as hub

    html = html or escape(text) + (f"</p><p>{link}" if link else "")
    if hasattr(hub, "SpawnException"):
        if spawner.handler is not None and status == 403:
            spawner.handler.extra_error_html = ""  # "You can try restarting your server" would not help
        return hub.SpawnException(text, reason=reason, status_code=status, message_html=html)  # type: ignore[no-any-return]
    # Before JupyterHub 6 every refusal counts as a failed spawn: with Spawner.consecutive_failure_limit,
    # one user could stop the Hub.
    if spawner.handler is not None:
        settings = spawner.handler.settings
        settings["failure_count"] = settings.get("failure_count", 0) - 1
        spawner.handler.extra_error_html = link  # where its error page has room for HTML
    return _earlier_refusal(text, html, status)


def _earlier_refusal(text: str, html: str, status: int) -> Exception:
    """Return the same for JupyterHub 5."""
    from tornado.web import HTTPError

    class Refusal(HTTPError):
        """The Hub sets ``reason`` of whatever a hook raises to ``error``, and then shows that."""

        @property
        def reason(self) -> None:
            return None

        @reason.setter
        def reason(self, value: object) -> None:
            pass

    refused: Any = Refusal(status, text)
    refused.jupyterhub_message, refused.jupyterhub_html_message = text, html
    return refused  # type: ignore[no-any-return]


def _link(url: str, label: str) -> str:
    return f'<a class="btn btn-primary" href="{escape(url)}">{escape(label)}</a>'


def _spawn_page(spawner: Any) -> str:
    """Where a user starts this server."""
    page = f"{spawner.hub.base_url}spawn"
    return f"{page}/{quote(spawner.user.name)}/{quote(spawner.name)}" if spawner.name else page


def _is_local(spawner: Any) -> bool:
    """Return whether single-user servers run on the Hub's machine."""
    from jupyterhub.spawner import LocalProcessSpawner

    hub = getattr(spawner, "hub_connect_url", None) or spawner.hub.api_url
    return isinstance(spawner, LocalProcessSpawner) or urlsplit(hub).hostname in LOOPBACK
