"""``jupyter tos-guard central``: hands over to one verb."""

from __future__ import annotations

from jupyter_tos_guard.cli.verb import Verbs

_VERBS = "jupyter_tos_guard.cli.central"


class CentralVerbs(Verbs):
    """Run the central server and look after its policy repository."""

    name = "jupyter-tos-guard-central"
    description = "Run the central server and look after its policy repository."
    subcommands = {
        "init": (f"{_VERBS}.init.InitApp", "Make keys and the policy repository."),
        "publish": (f"{_VERBS}.publish.PublishApp", "Approve a policy and hand it out, in stages."),
        "release": (f"{_VERBS}.release.ReleaseApp", "Hand out approved versions; take back what does harm."),
        "retire": (f"{_VERBS}.retire.RetireApp", "Take back the approval of versions."),
        "rotate-key": (f"{_VERBS}.rotate_key.RotateKeyApp", "Put new keys in the place of old ones."),
        "resign": (f"{_VERBS}.resign.ResignApp", "Renew signatures before they end."),
        "mirror": (f"{_VERBS}.mirror.MirrorApp", "Copy the repository for a web server or a closed network."),
        "status": (f"{_VERBS}.status.StatusApp", "What is published, and until when signatures hold."),
        "serve": (f"{_VERBS}.serve.ServeApp", "Run the central server."),
        "token": (f"{_VERBS}.token.TokenApp", "Make, list and revoke tokens for hubs without JupyterHub."),
    }
