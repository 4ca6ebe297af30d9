"""The examples do what they say, as far as that can be seen on one machine."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pluggy
import pytest
import yaml
from traitlets.config import Config

from tests.hub.hubs import wait_for
from tests.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
#: Hooks of TLJH 2.0 and later (``tljh/hooks.py``), with their arguments.
TLJH_HOOKS = {
    "tljh_extra_user_conda_packages": (),
    "tljh_extra_user_conda_channels": (),
    "tljh_extra_user_pip_packages": (),
    "tljh_extra_hub_pip_packages": (),
    "tljh_extra_apt_packages": (),
    "tljh_custom_jupyterhub_config": ("c",),
    "tljh_config_post_install": ("config",),
    "tljh_post_install": (),
    "tljh_new_user_create": ("username",),
}


def chart_config(values: dict[str, Any]) -> Config:
    """What the chart's own jupyterhub_config.py has made of the values before it comes to extraConfig."""
    c = Config()
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.services = []
    c.JupyterHub.load_roles = []
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    for name, service in values["hub"]["services"].items():
        c.JupyterHub.services.append({**service, "name": name, "api_token": "made-by-the-chart"})
    c.KubeSpawner.environment = {}
    c.KubeSpawner.profile_list = values["singleuser"]["profileList"]
    for _, text in sorted(values["hub"]["extraConfig"].items()):
        exec(compile(text, "extraConfig", "exec"), {"c": c})
    return c


def test_the_helm_values_configure_hub_network_and_spawner_alike() -> None:
    values = yaml.safe_load((EXAMPLES / "zero-to-jupyterhub" / "values.yaml").read_text("utf-8"))
    c = chart_config(values)
    (service,) = c.JupyterHub.services
    assert service["api_token"] == "made-by-the-chart"
    assert service["url"] == "http://hub:10101"
    assert "--CentralApp.bind_url=http://0.0.0.0:10101" in service["command"]
    # In its own section, which would hide what c.Spawner says.
    assert "JUPYTER_TOS_GUARD_CENTRAL" in c.KubeSpawner.environment
    assert callable(c.KubeSpawner.profile_list)
    (port,) = values["hub"]["service"]["extraPorts"]
    (ingress,) = values["hub"]["networkPolicy"]["ingress"]
    (egress,) = values["singleuser"]["networkPolicy"]["egress"]
    assert port["port"] == ingress["ports"][0]["port"] == egress["ports"][0]["port"] == 10101


@pytest.fixture
def tljh(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``tljh.hooks``, with the hooks of the real one."""
    hooks = ModuleType("tljh.hooks")
    hooks.hookimpl = pluggy.HookimplMarker("tljh")  # type: ignore[attr-defined]
    spec = pluggy.HookspecMarker("tljh")
    for name, arguments in TLJH_HOOKS.items():
        made: dict[str, Any] = {}
        exec(f"def {name}({', '.join(arguments)}): ...", made)
        setattr(hooks, name, spec(made[name]))
    package = ModuleType("tljh")
    monkeypatch.setitem(sys.modules, "tljh", package)
    monkeypatch.setitem(sys.modules, "tljh.hooks", hooks)
    return hooks


def test_the_tljh_plugin_implements_hooks_that_tljh_has(tljh: ModuleType) -> None:
    folder = EXAMPLES / "tljh-plugin"
    project = (folder / "pyproject.toml").read_text("utf-8")
    entry = re.search(r'^\[project.entry-points.tljh\]\n\w+ = "(\w+)"$', project, re.M)
    assert entry
    spec = importlib.util.spec_from_file_location(entry[1], folder / f"{entry[1]}.py")
    assert spec
    assert spec.loader
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    manager = pluggy.PluginManager("tljh")
    manager.add_hookspecs(tljh)
    manager.register(plugin)
    manager.check_pending()  # a hook that TLJH has not would be refused here
    assert manager.hook.tljh_extra_hub_pip_packages() == [["jupyter_tos_guard[central]"]]
    assert manager.hook.tljh_extra_user_pip_packages() == [["jupyter_tos_guard"]]
    c = Config()
    c.Authenticator.admin_users = {"ada"}
    c.JupyterHub.services = [{"name": "cull-idle", "admin": True, "command": ["cull"]}]
    manager.hook.tljh_custom_jupyterhub_config(c=c)
    assert [each["name"] for each in c.JupyterHub.services] == ["cull-idle", "tos-guard"]
    assert callable(c.Spawner.pre_spawn_hook)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The stand-alone example, running: its folder and port."""
    folder = tmp_path_factory.mktemp("central") / "standalone"
    shutil.copytree(EXAMPLES / "standalone", folder)
    port = free_port()
    config = folder / "jupyter_tos_guard_central_config.py"
    config.write_text(config.read_text("utf-8").replace("10101", str(port)), "utf-8")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*CENTRAL, "serve", f"--config={config}"],
            cwd=folder,
            env=environ(folder.parent),
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}/services/tos-guard/ready"

    def up() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return httpx.get(url).status_code == 200
        except httpx.HTTPError:
            return False

    wait_for(up, "the service to come up")
    yield folder, port
    process.send_signal(signal.SIGTERM)
    process.wait(30)


CENTRAL = [sys.executable, "-m", "jupyter_tos_guard.cli", "central"]


def environ(home: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "TOS_GUARD"))
    }
    return {**kept, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config")}


def test_the_stand_alone_example_makes_tokens_and_prints_the_pin(central: tuple[Path, int]) -> None:
    folder, port = central
    done = subprocess.run(
        [*CENTRAL, "token", "make", "alice", "--state=tos_guard_central"],
        cwd=folder,
        env=environ(folder.parent),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    url = f"http://127.0.0.1:{port}/services/tos-guard/api/v1/account"
    assert httpx.get(url).status_code in (401, 403)
    account = httpx.get(url, headers={"Authorization": f"token {done.stdout.strip()}"})
    assert account.json()["user"] == "alice"
    assert re.search(r"sha256:[0-9a-f]{64}", (folder / "log").read_text())
    settings = json.loads((folder / "jupyter_tos_guard_config.json").read_text())["TosGuard"]
    assert settings["central"] == "http://127.0.0.1:10101/services/tos-guard"


@pytest.fixture(scope="module")
def nginx(central: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real nginx with the example's file in its http context."""
    folder, port = central
    listening, run = free_port(), tmp_path_factory.mktemp("nginx")
    text = (EXAMPLES / "nginx" / "tos-guard.conf").read_text("utf-8")
    repository = folder / "tos_guard_central" / "repository"
    text = text.replace("listen 8080", f"listen 127.0.0.1:{listening}").replace(
        "127.0.0.1:10101", f"127.0.0.1:{port}"
    )
    text = text.replace("/srv/tos-guard/repository/", f"{repository}/")
    (run / "tos-guard.conf").write_text(text, "utf-8")
    paths = "".join(
        f"{name}_temp_path {run}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    (run / "nginx.conf").write_text(
        f"daemon off; {user} pid {run}/pid; error_log {run}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths} types {{}} default_type application/json; include {run}/tos-guard.conf; }}\n",
        "utf-8",
    )
    command = [NGINX, "-p", str(run), "-c", str(run / "nginx.conf"), "-e", str(run / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{listening}/services/tos-guard/"
    wait_for(lambda: process.poll() is None and _answers(url + "health"), "nginx to come up")
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def test_nginx_carries_the_repository_itself_and_hands_on_the_rest(
    nginx: str, central: tuple[Path, int]
) -> None:
    folder, _ = central
    file = folder / "tos_guard_central" / "repository" / "metadata" / "timestamp.json"
    first = httpx.get(nginx + "repository/metadata/timestamp.json")
    assert first.content == file.read_bytes()
    assert first.headers["Server"].startswith("nginx")
    assert first.headers["Cache-Control"] == "no-cache"
    again = httpx.get(
        nginx + "repository/metadata/timestamp.json", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    root = httpx.get(nginx + "repository/metadata/1.root.json")
    assert "immutable" in root.headers["Cache-Control"]
    assert httpx.get(nginx + "api/v1/account").status_code in (401, 403)
    assert httpx.get(nginx + "repository/metadata/0.root.json").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "repository/.lock",
        "repository/metadata/.x",
        "repository/metadata/",
        "repository/../keys/online/release.pem",
    ],
)
def test_nginx_gives_out_nothing_but_the_repositorys_files(nginx: str, path: str) -> None:
    assert httpx.get(nginx + path).status_code in (400, 403, 404)


def test_a_long_poll_through_nginx_is_answered_when_the_time_is_over_or_something_is_new(nginx: str) -> None:
    response = httpx.get(nginx + "repository/wait?timestamp=0", timeout=90)
    assert response.status_code == 200
    assert response.json()["timestamp"] >= 1
