"""A hub on one machine, with the central service that the Hub starts and stops.

For trying out: anybody may log in as anybody, and every server runs as the user who started the Hub.
Replace the two lines that say so.
"""

from jupyter_tos_guard.central.hub import guard_hub

c = get_config()  # noqa: F821 - JupyterHub gives it

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.authenticator_class = "dummy"  # replace: anybody may log in as anybody
c.JupyterHub.spawner_class = "simple"  # replace: all servers run as one user
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"ada"}

# Last, so that it sees what is set above.
guard_hub(
    c,
    # Who reviews; `admins` are those of the Hub unless said otherwise.
    reviewers={"group:abuse-team"},
    # Where the service listens.
    url="http://127.0.0.1:10101",
    settings={
        # Database, policy repository, keys: keep a copy of this folder.
        "state": "tos_guard_central",
        # Asked before the first server starts, and again when the terms change.
        "require_terms": True,
        "contact": "abuse@hub.example.org",
        "effects": {
            "restricted": ["block-clause", "refuse-spawn"],
            "suspended": ["pause", "refuse-spawn", "stop-servers"],
        },
    },
)
