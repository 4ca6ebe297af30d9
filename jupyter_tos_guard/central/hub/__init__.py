"""JupyterHub's side: configuration in one line, the spawn hook, running servers.

``jupyterhub_config.py``::

    from jupyter_tos_guard.central.hub import guard_hub

    guard_hub(c, admins={"ada"})
"""

from jupyter_tos_guard.central.hub.configuration import HubConfigurationError, guard_hub

__all__ = ["HubConfigurationError", "guard_hub"]
