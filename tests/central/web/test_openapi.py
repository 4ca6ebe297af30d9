"""The service does what its description says: schemathesis makes requests of it, and looks at the answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage.database import Database
from tests.central.conftest import PREFIX, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def described(make_service: Callable[..., Service], sqlite_database: Database, tmp_path: object) -> Service:
    """A service with a repository, so that publishing too can be asked for."""
    service = make_service(sqlite_database)
    ensure_repository(service.runner.app.state_folder())
    return service


def test_the_service_does_what_its_description_says(described: Service) -> None:
    headers = {"Authorization": f"token {described.token('tester', 'admin')}"}
    base = described.url.rstrip("/")
    schema = schemathesis.openapi.from_url(f"{base}/api/v1/openapi.json", timeout=60)
    schema.config.update(base_url=base)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        # Each operation gets some examples, all together under a minute.

        @settings(
            max_examples=8,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(operation.as_strategy()))
        def conforms(case: schemathesis.Case) -> None:
            # 503 is an answer of this service that says what to do.
            response = case.call(headers=headers, timeout=60)
            if response.status_code != 503:
                case.validate_response(response, checks=CHECKS, headers=headers)

        conforms()
        tried += 1
    assert tried == len(list(schema.get_all_operations()))
    assert tried > 40


def test_the_description_says_what_each_route_needs(described: Service) -> None:
    with described.client() as client:
        description = client.get("api/v1/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": PREFIX.rstrip("/")}]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation["security"] == [{"token": []}], (method, path)
            assert "Needs" in operation["description"]
