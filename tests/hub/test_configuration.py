"""What ``guard_hub`` makes of an operator's configuration, and what it says of mistakes."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from jupyter_tos_guard.central.hub import HubConfigurationError, guard_hub
from jupyter_tos_guard.central.hub.admission import Answer
from jupyter_tos_guard.central.hub.roles import CUSTOM_SCOPES
from jupyter_tos_guard.central.hub.spawning import Place, is_cpu_only


def role(c: Config, name: str) -> dict[str, Any]:
    (found,) = [each for each in c.JupyterHub.load_roles if each["name"] == name]
    return dict(found)


def test_one_line_registers_service_scopes_roles_hook_and_variables() -> None:
    c = Config()
    c.Authenticator.admin_users = {"ada"}
    guard_hub(c)
    (service,) = c.JupyterHub.services
    assert service["name"] == "tos-guard"
    assert service["command"][1:] == ["-m", "jupyter_tos_guard.cli", "central", "serve"]
    assert service["api_token"]
    assert set(c.JupyterHub.custom_scopes) == set(CUSTOM_SCOPES)
    assert role(c, "tos-guard-admin")["users"] == ["ada"]
    assert role(c, "user")["scopes"] == ["self", "access:services!service=tos-guard"]
    assert "access:services!service=tos-guard" in role(c, "server")["scopes"]
    assert callable(c.Spawner.pre_spawn_hook)
    assert set(c.Spawner.environment) == {
        f"JUPYTER_TOS_GUARD_{name}" for name in ("CENTRAL", "ROOT", "GROUPS")
    }


def test_what_the_operator_has_set_stays_in_force() -> None:
    c = Config()
    c.JupyterHub.services.append({"name": "culler", "command": ["cull"]})
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": ["self", "shares!user"]},
        {"name": "mine", "scopes": []},
    ]
    c.JupyterHub.custom_scopes = {"custom:mine": {"description": "mine"}}
    c.Spawner.environment.update({"MINE": "1"})
    c.KubeSpawner.environment = {"THEIRS": "2", "JUPYTER_TOS_GUARD_ROOT": "sha256:own"}
    c.Spawner.server_token_scopes = ["users:activity!user"]
    guard_hub(c, admins=["ada"])
    assert [each["name"] for each in c.JupyterHub.services] == ["culler", "tos-guard"]
    assert role(c, "user")["scopes"] == ["self", "shares!user", "access:services!service=tos-guard"]
    assert role(c, "mine")["scopes"] == []
    assert "custom:mine" in c.JupyterHub.custom_scopes
    assert c.Spawner.environment["MINE"] == "1"
    assert c.KubeSpawner.environment["THEIRS"] == "2"
    assert c.KubeSpawner.environment["JUPYTER_TOS_GUARD_ROOT"] == "sha256:own"
    assert "JUPYTER_TOS_GUARD_CENTRAL" in c.KubeSpawner.environment
    assert c.Spawner.server_token_scopes == ["users:activity!user", "access:services!service=tos-guard"]


def test_scopes_that_are_worked_out_for_each_server_are_added_to() -> None:
    c = Config()
    c.Spawner.server_token_scopes = lambda spawner: [f"access:servers!server={spawner}"]
    guard_hub(c, admins=["ada"])
    found = asyncio.run(c.Spawner.server_token_scopes("x/"))
    assert found == ["access:servers!server=x/", "access:services!service=tos-guard"]


def test_called_twice_it_asks_once() -> None:
    c = Config()
    c.Spawner.pre_spawn_hook = print
    guard_hub(c, admins=["ada"])
    guard_hub(c, admins=["bo"])
    assert len(c.JupyterHub.services) == 1
    assert role(c, "tos-guard-admin")["users"] == ["bo"]
    assert role(c, "user")["scopes"].count("access:services!service=tos-guard") == 1
    assert c.Spawner.pre_spawn_hook.before is print


def test_a_token_that_a_chart_made_for_the_service_is_kept() -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "tos-guard", "api_token": "from-the-chart"}]
    guard_hub(c, admins=["ada"])
    (service,) = c.JupyterHub.services
    assert service["api_token"] == "from-the-chart"


def test_groups_and_users_get_the_roles_that_they_are_named_for() -> None:
    c = Config()
    guard_hub(c, admins={"ada"}, reviewers={"bo", "group:abuse"}, publishers={"group:security"})
    assert role(c, "tos-guard-review")["users"] == ["bo"]
    assert role(c, "tos-guard-review")["groups"] == ["abuse"]
    assert role(c, "tos-guard-publish")["groups"] == ["security"]


def test_settings_reach_the_service_and_secrets_are_not_on_its_command_line() -> None:
    c = Config()
    guard_hub(
        c,
        admins={"ada"},
        settings={"require_terms": True, "effects": {"restricted": ["cpu-only"]}},
        environment={"TOS_GUARD_DATABASE_URL": "postgresql://user:secret@host/name"},
    )
    (service,) = c.JupyterHub.services
    assert "--CentralApp.require_terms=True" in service["command"]
    assert '--CentralApp.effects={"restricted": ["cpu-only"]}' in service["command"]
    assert "secret" not in " ".join(service["command"])
    assert service["environment"]["TOS_GUARD_DATABASE_URL"].endswith("@host/name")


def test_the_database_that_the_hubs_environment_names_is_the_services(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOS_GUARD_DATABASE_URL", "postgresql://host/name")
    monkeypatch.setenv("SECRET_OF_THE_HUB", "x")
    c = Config()
    guard_hub(c, admins={"ada"})
    assert c.JupyterHub.services[0]["environment"] == {"TOS_GUARD_DATABASE_URL": "postgresql://host/name"}


def test_an_external_service_is_registered_with_its_token_and_not_started() -> None:
    c = Config()
    guard_hub(
        c, admins={"ada"}, managed=False, url="https://tos.example.org/services/tos-guard", token="t" * 64
    )
    (service,) = c.JupyterHub.services
    assert "command" not in service
    assert service["url"] == "https://tos.example.org"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"admns": {"ada"}}, "there is no option 'admns' (did you mean 'admins'?)"),
    ({"when_unreachable": "close"}, "when_unreachable is 'close', but must be 'open' or 'closed'"),
    ({"mode": "block"}, "mode is 'block'"),
    ({"timeout": "5"}, "timeout is '5'"),
    ({"timeout": 0}, "timeout is 0"),
    ({"admins": "ada"}, "admins is 'ada', but must be a set of names"),
    ({"reviewers": ["group:"]}, "reviewers holds 'group:'"),
    ({"url": "127.0.0.1:10101"}, "url is '127.0.0.1:10101', but must be a URL"),
    ({"servers_url": "ftp://x"}, "servers_url is 'ftp://x'"),
    ({"root": "sha256:abc"}, "root is 'sha256:abc'"),
    ({"name": "tos guard"}, "name is 'tos guard'"),
    (
        {"settings": {"require_term": True}},
        "there is no setting 'require_term' (did you mean 'require_terms'?)",
    ),
    ({"settings": {"effects": {"restricted": ["stop"]}}}, "settings['effects']:"),
    ({"environment": {"A": 1}}, "environment['A'] is 1, but must be text"),
    ({"managed": False}, "an external service needs token="),
    ({"managed": False, "token": "x", "settings": {"contact": "a"}}, "for a service that the Hub manages"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=lambda value: str(value)[:50])
def test_a_mistake_is_told_in_one_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(HubConfigurationError) as caught:
        guard_hub(Config(), **options)
    assert said in str(caught.value)


def test_a_hub_without_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_tos_guard.central.app", None)
    with pytest.raises(HubConfigurationError, match=r"pip install 'jupyter_tos_guard\[central\]'"):
        guard_hub(Config(), admins={"ada"})


def test_a_hub_with_a_mistyped_option_does_not_start_and_says_why_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text("from jupyter_tos_guard.central.hub import guard_hub\nguard_hub(c, admns={'ada'})\n")
    done = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "did you mean 'admins'?" in done.stderr
    assert "Traceback" not in done.stderr


def spawner(
    api: str = "http://127.0.0.1:8081/hub/api", base: str = "/hub/", groups: tuple[str, ...] = ()
) -> Any:
    said: list[str] = []
    return SimpleNamespace(
        hub=SimpleNamespace(api_url=api, base_url=base),
        hub_connect_url=None,
        handler=None,
        user=SimpleNamespace(name="bo", groups=[SimpleNamespace(name=name) for name in groups]),
        log=SimpleNamespace(error=lambda text, *values: said.append(text % values)),
        said=said,
    )


def test_servers_on_the_hubs_machine_reach_the_service_without_the_proxy() -> None:
    place = Place("tos-guard", "http://127.0.0.1:7", bind="http://127.0.0.1:7")
    assert place.for_server(spawner(base="/x/hub/")) == "http://127.0.0.1:7/x/services/tos-guard"


def test_servers_elsewhere_that_cannot_reach_the_service_are_told_of_in_the_log() -> None:
    place = Place("tos-guard", "http://127.0.0.1:7", bind="http://127.0.0.1:7")
    far = spawner("http://hub:8081/hub/api")
    place.for_server(far)
    assert "servers_url" in far.said[0]


def test_servers_elsewhere_use_the_url_that_hub_and_proxy_use() -> None:
    place = Place("tos-guard", "http://hub:10101", bind="http://0.0.0.0:10101")
    far = spawner("http://hub:8081/hub/api")
    assert place.for_server(far) == "http://hub:10101/services/tos-guard"
    assert place.for_hub(far) == "http://127.0.0.1:10101/services/tos-guard"
    assert not far.said


def test_the_root_of_trust_is_read_once_the_service_has_made_it(tmp_path: Path) -> None:
    place = Place("tos-guard", "http://127.0.0.1:7", repository=str(tmp_path))
    early = spawner()
    assert place.pin(early) == ""
    assert "no root of trust" in early.said[0]
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "1.root.json").write_bytes(b"{}")
    assert place.pin(spawner()) == "sha256:" + hashlib.sha256(b"{}").hexdigest()


GPU = {"display_name": "GPU", "kubespawner_override": {"extra_resource_limits": {"nvidia.com/gpu": "1"}}}
CPU = {
    "display_name": "CPU",
    "kubespawner_override": {"cpu_limit": 2, "extra_resource_limits": {"amd.com/gpu": 0}},
}
CHOICES = {
    "display_name": "Choose",
    "profile_options": {
        "size": {"display_name": "Size", "choices": {"small": {**CPU, "default": True}, "gpu": GPU}},
        "image": {"display_name": "Image", "unlisted_choice": {"enabled": True}},
    },
}


def test_profiles_with_accelerators_are_known_by_the_resources_that_they_ask_for() -> None:
    assert not is_cpu_only(GPU)
    assert is_cpu_only(CPU)
    assert is_cpu_only({"display_name": "plain"})


@pytest.mark.parametrize("given", ["list", "function", "coroutine"])
@pytest.mark.parametrize("restricted", [True, False])
def test_only_profiles_without_accelerators_are_offered_to_those_restricted_to_cpus(
    given: str, restricted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = [GPU, CPU, CHOICES]

    async def later(_: Any) -> list[dict[str, Any]]:
        return profiles

    c = Config()
    c.KubeSpawner.profile_list = {"list": profiles, "function": lambda _: profiles, "coroutine": later}[given]
    guard_hub(c, admins={"ada"})
    hook = c.Spawner.pre_spawn_hook

    async def answered(*_: object) -> Answer:
        return Answer(True, cpu_only=restricted)

    monkeypatch.setattr(type(hook), "ask", answered)
    offered = asyncio.run(c.KubeSpawner.profile_list(spawner()))
    if not restricted:
        assert offered == profiles
        return
    assert [each["display_name"] for each in offered] == ["CPU", "Choose"]
    assert list(offered[1]["profile_options"]["size"]["choices"]) == ["small"]
    assert "image" in offered[1]["profile_options"]
    assert "gpu" in CHOICES["profile_options"]["size"]["choices"], "the operator's own list is not changed"


def test_who_is_restricted_to_cpus_where_there_are_none_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    c = Config()
    c.KubeSpawner.profile_list = [GPU]
    guard_hub(c, admins={"ada"})

    async def answered(*_: object) -> Answer:
        return Answer(True, cpu_only=True)

    monkeypatch.setattr(type(c.Spawner.pre_spawn_hook), "ask", answered)
    with pytest.raises(Exception, match="without accelerators, and there are none"):
        asyncio.run(c.KubeSpawner.profile_list(spawner()))
