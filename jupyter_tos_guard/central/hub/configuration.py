"""One line in ``jupyterhub_config.py`` that does all: :func:`guard_hub`.

Fills JupyterHub's configuration and leaves what the operator has set in force. It starts
nothing: the Hub starts the service, and calls what is in :mod:`.spawning`.
"""

from __future__ import annotations

import difflib
import inspect
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from traitlets import TraitError
from traitlets.log import get_logger

from jupyter_tos_guard.central.hub.admission import Admissions
from jupyter_tos_guard.central.hub.roles import (
    CUSTOM_SCOPES,
    SERVER_DEFAULT,
    USER_DEFAULT,
    access_scope,
    service_role,
    staff_role,
)
from jupyter_tos_guard.central.hub.spawning import Place, Profile, Profiles, SpawnHook, groups_of, is_cpu_only
from jupyter_tos_guard.central.web.callers import ADMIN, PUBLISH, REVIEW

#: What starts the service when the Hub manages it.
COMMAND: Final = (sys.executable, "-m", "jupyter_tos_guard.cli", "central", "serve")
#: Variables of the Hub's own that a managed service gets too.
_FOR_THE_SERVICE: Final = ("TOS_GUARD_DATABASE_URL", "TOS_GUARD_COOKIE_SECRET")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_PIN: Final = re.compile(r"sha256:[0-9a-f]{64}")


class HubConfigurationError(SystemExit):
    """``guard_hub`` cannot do what was asked; the text says which option, why, and how to mend it.

    It ends the Hub's start with this text instead of a traceback: a hub that the operator
    believes to be guarded and that is not would be worse.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"guard_hub: {message}\nNothing was started. See docs/hub.md.")


def guard_hub(
    c: Any,
    *,
    admins: Iterable[str] | None = None,
    reviewers: Iterable[str] = (),
    publishers: Iterable[str] = (),
    settings: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    when_unreachable: str = "open",
    timeout: float = 5.0,
    mode: str | None = None,
    root: str = "",
    name: str = "tos-guard",
    managed: bool = True,
    url: str = "http://127.0.0.1:10101",
    bind: str = "",
    servers_url: str = "",
    mirror: str = "",
    token: str = "",
    cpu_only: Callable[[Profile], bool] = is_cpu_only,
    **unknown: object,
) -> None:
    """Guard a JupyterHub: call it last in ``jupyterhub_config.py``.

    Parameters
    ----------
    c : traitlets.config.Config
        The configuration object of ``jupyterhub_config.py``.
    admins, reviewers, publishers : iterable of str
        Who may do what on the review pages: user names, and groups as ``group:NAME``. Admins
        may do everything; default: ``c.Authenticator.admin_users``.
    settings : mapping, optional
        Of the central service, by the names in ``docs/central.md``: ``{"require_terms": True}``.
    environment : mapping, optional
        Further variables for a managed service. ``TOS_GUARD_DATABASE_URL`` and
        ``TOS_GUARD_COOKIE_SECRET`` of the Hub's own environment it has anyway.
    when_unreachable : ``"open"`` or ``"closed"``
        Whether servers start while the central service gives no answer. Said in the Hub's log each time.
    timeout : float
        Seconds for its answer.
    mode : ``"monitor"`` or ``"enforce"``, optional
        Of all kernels; default: as the published policy says.
    root : str
        What servers trust the first policy by: ``sha256:…``, or a path as servers see it. Default: read
        from the repository that a managed service makes.
    name : str
        Of the service at the Hub; its pages are at ``/services/NAME/``.
    managed : bool
        Whether the Hub starts and stops the service.
    url : str
        Where Hub and proxy reach the service.
    bind : str
        Where a managed service listens, when that is not ``url``.
    servers_url : str
        Whole URL of the service as single-user servers see it, when they are on other machines.
    mirror : str
        URL of a static copy of the policy repository; default: the service carries it.
    token : str
        The service's token at the Hub. A managed service needs none; an external one has the same
        in its ``JUPYTERHUB_API_TOKEN``.
    cpu_only : callable
        Which profiles of ``KubeSpawner.profile_list`` remain for those who are restricted to CPUs.

    Raises
    ------
    HubConfigurationError
        For options that do not exist or cannot be.
    """
    _refuse_unknown(unknown)
    _check_choice("when_unreachable", when_unreachable, ("open", "closed"))
    _check_choice("mode", mode, (None, "monitor", "enforce"))
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= 60:
        raise HubConfigurationError(f"timeout is {timeout!r}, but must be seconds between 0 and 60.")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise HubConfigurationError(f"name is {name!r}, but must be lower-case letters, digits and dashes.")
    if root and root.startswith("sha256:") and not _PIN.fullmatch(root):
        raise HubConfigurationError(
            f"root is {root!r}, but a digest has 64 hex digits after sha256:. "
            "`jupyter tos-guard central status` prints it."
        )
    for option, value in (("url", url), ("bind", bind), ("servers_url", servers_url), ("mirror", mirror)):
        _check_url(option, value, needed=option == "url")
    people = {
        ADMIN: _people("admins", _admins_of_the_hub(c) if admins is None else admins),
        REVIEW: _people("reviewers", reviewers),
        PUBLISH: _people("publishers", publishers),
    }
    if not people[ADMIN]:
        get_logger().warning("guard_hub: nobody may review strikes: give admins={'NAME', 'group:NAME'}.")
    if not callable(cpu_only):
        raise HubConfigurationError(f"cpu_only is {cpu_only!r}, but must be a function of one profile.")
    if not managed and (settings or environment or bind):
        raise HubConfigurationError(
            "settings, environment and bind are for a service that the Hub manages; with managed=False "
            "set them where the service is started."
        )

    services = _own_list(c.JupyterHub, "services")
    service = next((each for each in services if each.get("name") == name), None)
    if service is None:
        service = {"name": name}
        services.append(service)
    token = token or service.get("api_token") or os.environ.get("TOS_GUARD_HUB_TOKEN", "")
    if not token and not managed:
        raise HubConfigurationError(
            "an external service needs token=…, the same as its JUPYTERHUB_API_TOKEN. "
            "Make one with: openssl rand -hex 32"
        )
    # A new one with each start is as good as any: the Hub hands it to the service that it starts.
    token = token or secrets.token_hex(32)
    service |= {
        "url": url if managed else _origin(url),
        "api_token": token,
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": ["inherit", *CUSTOM_SCOPES],
        "display": True,
    }
    place = Place(name, url, servers_url=servers_url, root=root)
    if managed:
        arguments, repository = _arguments(settings or {}, bind)
        service["command"] = [*COMMAND, *arguments]
        service["environment"] = {
            **{name: os.environ[name] for name in _FOR_THE_SERVICE if name in os.environ},
            **service.get("environment", {}),
            **_texts("environment", environment or {}),
        }
        place = place._replace(bind=bind or url, repository=repository)

    _grant(c, name, people)
    hook = SpawnHook(place, Admissions(token, timeout), when_unreachable == "closed")
    fixed = {"JUPYTER_TOS_GUARD_MODE": mode or "", "JUPYTER_TOS_GUARD_MIRROR": mirror}
    _set_spawners(c, place, hook, {key: value for key, value in fixed.items() if value}, cpu_only)


def _admins_of_the_hub(c: Any) -> list[str]:
    sections = [c[name] for name in c if name.endswith("Authenticator")]
    given = [section.admin_users for section in sections if "admin_users" in section]
    return sorted({name for names in given for name in _plain(names, set())})


def _grant(c: Any, name: str, people: Mapping[str, Sequence[str]]) -> None:
    """Define scopes; give the service, its staff, all users and all servers what they need."""
    scopes = _own_dict(c.JupyterHub, "custom_scopes")
    for scope, definition in CUSTOM_SCOPES.items():
        scopes.setdefault(scope, definition)
    roles = _own_list(c.JupyterHub, "load_roles")
    ours = [service_role(name), *(staff_role(name, scope, who) for scope, who in people.items())]
    roles[:] = [each for each in roles if each.get("name") not in {role["name"] for role in ours}] + ours
    access = access_scope(name)
    for role_name, usual in (("user", USER_DEFAULT), ("server", SERVER_DEFAULT)):
        role = next((each for each in roles if each.get("name") == role_name), None)
        if role is None:
            role = {"name": role_name, "scopes": list(usual)}
            roles.append(role)
        # Single-user servers get no more than the `server` role holds, and no more than their user has.
        role["scopes"] = _with(role.get("scopes") or usual, access)


def _set_spawners(
    c: Any, place: Place, hook: SpawnHook, fixed: Mapping[str, str], cpu_only: Callable[[Profile], bool]
) -> None:
    """Set hook and variables, also where a spawner's own section would hide what ``c.Spawner`` says."""
    variables: dict[str, Any] = {
        "JUPYTER_TOS_GUARD_CENTRAL": place.for_server,
        "JUPYTER_TOS_GUARD_ROOT": place.pin,
        "JUPYTER_TOS_GUARD_GROUPS": lambda spawner: ",".join(groups_of(spawner)),
        **fixed,
    }
    access = access_scope(place.name)
    sections = {name: c[name] for name in {"Spawner", *(each for each in c if each.endswith("Spawner"))}}
    for name, section in sections.items():
        if name == "Spawner" or "pre_spawn_hook" in section:
            section.pre_spawn_hook = hook.after(section.get("pre_spawn_hook"))
        if name == "Spawner" or "environment" in section:
            given = _own_dict(section, "environment")
            section.environment = {**variables, **given}
        if "server_token_scopes" in section:
            section.server_token_scopes = _token_scopes(section.server_token_scopes, access)
        if "profile_list" in section:
            section.profile_list = Profiles(hook, section.profile_list, cpu_only)


def _token_scopes(given: Any, access: str) -> Any:
    """Add a scope to what ``Spawner.server_token_scopes`` holds: a list, or a function of the spawner."""
    if not callable(given):
        return _with(_plain(given, []), access) if _plain(given, []) else []

    async def both(spawner: Any) -> list[str]:
        scopes = given(spawner)
        return _with(await scopes if inspect.isawaitable(scopes) else scopes, access)

    return both


def _arguments(settings: Mapping[str, Any], bind: str) -> tuple[list[str], str]:
    """Return command-line options of the service, and where its policy repository is.

    Checked by the service's own traits: a mistake is told now, and not by a service that does not come up.
    """
    try:
        from jupyter_tos_guard.central.app import CentralApp
    except ModuleNotFoundError as error:
        raise HubConfigurationError(
            f"the central service needs {error.name}, which is not in this environment. Install it with: "
            f"{sys.executable} -m pip install 'jupyter_tos_guard[central]'"
        ) from None

    known = CentralApp.class_own_traits(config=True)
    app = CentralApp()
    for name, value in settings.items():
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            raise HubConfigurationError(
                f"settings: there is no setting {name!r}{f' (did you mean {close[0]!r}?)' if close else ''}. "
                f"There are: {', '.join(sorted(known))}."
            )
        try:
            setattr(app, name, value)
        except TraitError as error:
            raise HubConfigurationError(f"settings[{name!r}]: {error}") from None
    if bind:
        settings = {"bind_url": bind, **settings}
    arguments = [f"--CentralApp.{name}={_argument(value)}" for name, value in settings.items()]
    return arguments, str(Path(app.repository_folder).absolute())


def _argument(value: Any) -> str:
    if isinstance(value, (str, bool, int, float)):
        return str(value)
    return json.dumps(value, default=list)


def _refuse_unknown(unknown: Mapping[str, object]) -> None:
    if unknown:
        wrong = next(iter(unknown))
        known = [each for each in inspect.signature(guard_hub).parameters if each not in ("c", "unknown")]
        close = difflib.get_close_matches(wrong, known, 1)
        raise HubConfigurationError(
            f"there is no option {wrong!r}{f' (did you mean {close[0]!r}?)' if close else ''}. "
            f"There are: {', '.join(known)}."
        )


def _check_choice(option: str, value: object, allowed: Sequence[object]) -> None:
    if value not in allowed:
        words = " or ".join(repr(each) for each in allowed)
        raise HubConfigurationError(f"{option} is {value!r}, but must be {words}.")


def _check_url(option: str, value: object, *, needed: bool) -> None:
    if value == "" and not needed:
        return
    problem = not isinstance(value, str)
    if isinstance(value, str):
        try:
            parts = urlsplit(value)
            problem = parts.scheme not in ("http", "https") or not parts.hostname
            problem = problem or (option == "bind" and not parts.port)
        except ValueError:
            problem = True
    if problem:
        raise HubConfigurationError(
            f"{option} is {value!r}, but must be a URL such as http://127.0.0.1:10101."
        )


def _people(option: str, names: object) -> list[str]:
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise HubConfigurationError(
            f"{option} is {names!r}, but must be a set of names: {{'ada', 'group:staff'}}."
        )
    found = list(names)
    wrong = [
        each
        for each in found
        if not isinstance(each, str) or not each.partition(":")[0] or each.endswith(":")
    ]
    if wrong:
        raise HubConfigurationError(
            f"{option} holds {wrong[0]!r}, which is not a name; groups are 'group:NAME'."
        )
    return found


def _texts(option: str, values: Mapping[str, Any]) -> dict[str, str]:
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise HubConfigurationError(f"{option}[{wrong[0]!r}] is {values[wrong[0]]!r}, but must be text.")
    return dict(values)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _with(scopes: Iterable[str], scope: str) -> list[str]:
    return [*(each for each in scopes if each != scope), scope]


def _plain(value: Any, default: Any) -> Any:
    """Return a value of the configuration, made whole when it was only added to (``.append``)."""
    return value.get_value(default) if hasattr(value, "get_value") else value


def _own_list(section: Any, trait: str) -> list[Any]:
    """Return a list of the configuration to change in place."""
    section[trait] = list(_plain(section[trait], [])) if trait in section else []
    return section[trait]  # type: ignore[no-any-return]


def _own_dict(section: Any, trait: str) -> dict[str, Any]:
    """Return a mapping of the configuration to change in place."""
    section[trait] = dict(_plain(section[trait], {})) if trait in section else {}
    return section[trait]  # type: ignore[no-any-return]


__all__ = ["HubConfigurationError", "guard_hub"]
