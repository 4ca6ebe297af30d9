"""A refusal says the same in every JupyterHub: before 6 there is no ``SpawnException``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import spawner as hub

from jupyter_tos_guard.central.hub.spawning import refusal

TEXT = "Suspended: 100 % of <your> strikes."


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterHub 5, as far as a hook sees it."""
    monkeypatch.delattr(hub, "SpawnException", raising=False)


def spawner(**settings: int) -> Any:
    return SimpleNamespace(handler=SimpleNamespace(settings=settings))


@pytest.mark.usefixtures("earlier")
def test_before_version_6_the_hub_cannot_put_another_reason_in_the_place_of_the_text() -> None:
    error: Any = refusal(spawner(), TEXT, "<a>appeal</a>", reason="tos-guard-suspended")
    error.reason = "error"  # what the Hub does with whatever a hook raised
    assert not error.reason, "or the error page would show it, and not the text"
    assert error.log_message % error.args == TEXT
    assert error.status_code == 403
    assert error.jupyterhub_message == TEXT
    assert error.jupyterhub_html_message == "Suspended: 100 % of &lt;your&gt; strikes.</p><p><a>appeal</a>"


@pytest.mark.usefixtures("earlier")
def test_before_version_6_a_refusal_does_not_count_as_a_failed_spawn() -> None:
    one = spawner(failure_count=1)
    refusal(one, TEXT, "<a>appeal</a>", reason="x")
    # The Hub adds one for the failure that it sees.
    assert one.handler.settings["failure_count"] + 1 == 1
    assert one.handler.extra_error_html == "<a>appeal</a>"


@pytest.mark.usefixtures("earlier")
def test_before_version_6_a_spawn_without_a_request_is_refused_too() -> None:
    assert refusal(SimpleNamespace(handler=None), TEXT, reason="x").jupyterhub_message == TEXT  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(hub, "SpawnException"), reason="JupyterHub 5")
def test_since_version_6_the_reason_is_a_label_for_metrics() -> None:
    error: Any = refusal(spawner(), TEXT, reason="tos-guard-terms", html="<i>x</i>")
    assert isinstance(error, hub.SpawnException)
    assert (error.reason, error.message, error.message_html) == ("tos-guard-terms", TEXT, "<i>x</i>")
