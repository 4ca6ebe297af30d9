"""A plugin for The Littlest JupyterHub: installs jupyter_tos_guard, and guards the hub."""

from __future__ import annotations

from typing import Any

from tljh.hooks import hookimpl

#: Belongs to root, as the rest of the hub's state.
STATE = "/opt/tljh/state/tos_guard_central"


@hookimpl
def tljh_extra_hub_pip_packages() -> list[str]:
    """Return the central service and the line in the configuration."""
    return ["jupyter_tos_guard[central]"]


@hookimpl
def tljh_extra_user_pip_packages() -> list[str]:
    """Return what decides in users' kernels and servers."""
    return ["jupyter_tos_guard"]


@hookimpl
def tljh_custom_jupyterhub_config(c: Any) -> None:
    """Guard the hub. Runs after tljh-config was read: the admins are known."""
    from jupyter_tos_guard.central.hub import guard_hub

    guard_hub(c, settings={"state": STATE})
