from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.hubs import RealHub, install_from_npm

#: Starts a hub with these lines at the end of its configuration.
StartHub = Callable[..., RealHub]


@pytest.fixture(scope="session")
def proxy() -> None:
    """configurable-http-proxy is installed."""
    install_from_npm()


@pytest.fixture(scope="module")
def start_hub(proxy: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartHub]:
    hubs: list[RealHub] = []

    def start(config: str, base_url: str = "/", folder: Path | None = None) -> RealHub:
        hub = RealHub(folder or tmp_path_factory.mktemp("hub"), config, base_url)
        hubs.append(hub)
        return hub.start()

    yield start
    for hub in hubs:
        hub.stop()
