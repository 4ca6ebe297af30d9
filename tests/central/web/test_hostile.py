"""What hostile requests make of the service: an answer that says what is wrong, never a defect."""

from __future__ import annotations

import pytest

from tests.central.conftest import Service
from tests.central.intake.reports import report, strike


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api/v1/strikes/%00", 404),
        ("api/v1/admission/%00", 404),
        ("api/v1/admin/people/%00", 404),
        ("api/v1/admin/policies/a%00b", 404),
        ("people/%00", 404),
        ("rules/%00", 404),
        ("policies/%00", 404),
        ("queue?after=1~99999999999999999999", 422),
        ("queue?after=nan~x", 422),
        ("api/v1/export/strikes.csv?after=99999999999999999999", 422),
    ],
)
def test_what_no_database_takes_is_refused_before_it_is_asked(
    service: Service, path: str, status: int
) -> None:
    with service.client("root", "admin") as client:
        assert client.get(path).status_code == status


def test_strikes_of_the_smallest_times_can_be_paged_through(sqlite_service: Service) -> None:
    with sqlite_service.client("alice") as alice, sqlite_service.client("root", "admin") as root:
        alice.post("api/v1/reports", json=report([strike(n, time=5e-324) for n in range(3)]))
        for client, path in ((alice, "api/v1/strikes"), (root, "api/v1/admin/strikes")):
            found, before = 0, ""
            for _ in range(3):
                page = client.get(path, params={"limit": 1, "before": before}).json()
                found += len(page["strikes"])
                before = page["next"]
            assert (found, before) == (3, None)
