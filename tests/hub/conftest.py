from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.central.postgresql import Cluster, cluster
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

    def start(config: str, *arguments: Any, **options: Any) -> RealHub:
        hub = RealHub(tmp_path_factory.mktemp("hub"), config, *arguments, **options)
        hubs.append(hub)
        return hub.start()

    yield start
    with ThreadPoolExecutor() as pool:  # each takes seconds
        list(pool.map(RealHub.stop, hubs))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    with cluster() as found:
        yield found
