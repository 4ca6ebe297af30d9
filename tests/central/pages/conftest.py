"""A service with a policy repository, people, strikes of every kind, and hostile texts everywhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from jupyter_tos_guard.central.casework import (
    appeals,
    exemptions,
    messages,
    people,
    restrictions,
    review,
    standing,
    terms,
)
from jupyter_tos_guard.central.publishing.keys import read_keys
from jupyter_tos_guard.central.publishing.release import with_candidate, with_current
from jupyter_tos_guard.central.publishing.repository import Repository
from jupyter_tos_guard.central.publishing.setup import Places, ensure_repository
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Client, PolicyVersion, Stream
from jupyter_tos_guard.policy.compile import encode
from tests.central import cases
from tests.central.conftest import Service
from tests.policy.policies import CLAUSES, policy_of
from tests.policy.policies import rule as policy_rule

#: Executes, or closes what it stands in, wherever it is written without care.
HOSTILE = "\"'><script>window.hacked=1</script><img src=x onerror=window.hacked=1>{{7*7}}\u202e"
HOSTILE_NAME = "eve<b onmouseover=alert(1)>/..&?#%2e"


def seed(database: Database, now: float) -> dict[str, int]:
    """Fill a database; return ids by name."""
    config = cases.CONFIG
    ids: dict[str, int] = {}
    with database.transaction() as session:
        cases.publish(session, "2026.1", when=now - 100 * cases.DAY)
        changed = [
            cases.rule("r-mining", title="A miner is fetched or run", references=["javascript:alert(1)"]),
            cases.rule("r-deepfake", action="warn", verdict="warn"),
            cases.rule("r-tunnel"),
        ]
        clauses = [cases.CLAUSES[0] | {"text": "Do not mine here."}, *cases.CLAUSES[1:]]
        cases.publish(
            session, "2026.2", terms_version="2", rules=changed, clauses=clauses, when=now - 20 * cases.DAY
        )
        cases.publish(session, "2026.3", terms_version="2", rules=changed[1:], when=now - cases.DAY)
        session.get_one(PolicyVersion, "2026.3").in_force_since = None
        for name, number, rule in (("ann", 3, "r-mining"), ("bob", 2, "r-tunnel"), ("cyd", 6, "r-deepfake")):
            for n in range(number):
                made = cases.strike(
                    session,
                    name,
                    rule,
                    time=now - (n * 2.3 + 0.05) * cases.DAY,
                    received=now - n * 2.3 * cases.DAY,
                    policy_version="2026.2",
                )
                ids[f"{name}-{n}"] = made.id
        for n in range(30):
            cases.strike(
                session,
                f"student{n % 9}",
                list(cases.RULES)[n % 3],
                time=now - (n * 0.9 + 0.3) * cases.DAY,
                action="observe",
                policy_version="2026.1" if n > 20 else "2026.2",
            )
        hostile = cases.strike(
            session,
            HOSTILE_NAME,
            "r-mining",
            time=now - 500,
            received=now - 490,
            policy_version="2026.2",
            notebook=HOSTILE,
            kernel=HOSTILE,
            server=HOSTILE,
            evidence=f"x = 1\nexec(bytes.fromhex('21')) # {HOSTILE}\n</code></pre>{HOSTILE}",
            decoded=HOSTILE,
            provenance=["base64", HOSTILE],
            facts=[["url", HOSTILE], [HOSTILE, "x"]],
        )
        ids["hostile"] = hostile.id
        review.uphold(session, [ids["ann-1"], ids["bob-1"]], "rachel", now - 4000, config)
        review.overturn(session, [ids["cyd-5"]], "rachel", HOSTILE, now - 3000, config)
        everybody = [each.id for each in people.listed(session, limit=500)]
        standing.refresh_many(session, everybody, now, config)
        ids["appeal"] = appeals.appeal(
            session, "ann", ids["ann-1"], f"I was giving a lecture.\n\n{HOSTILE}", now - 6 * cases.DAY, config
        ).id
        ids["late"] = appeals.appeal(
            session, HOSTILE_NAME, hostile.id, HOSTILE, now - 9 * cases.DAY, config
        ).id
        exemptions.exempt(
            session, f"user:{HOSTILE_NAME}", "rule:r-tunnel", now + cases.DAY, HOSTILE, "root", now
        )
        exemptions.exempt(
            session,
            "group:lab",
            "clause:mining",
            now + 90 * cases.DAY,
            "A course on blockchains",
            "root",
            now,
        )
        restrictions.restrict(
            session, HOSTILE_NAME, "restricted", now + cases.DAY, HOSTILE, "root", now, config
        )
        messages.send(session, people.get(session, HOSTILE_NAME).id, "review", HOSTILE, now)
        for version, name in (("1", "ann"), ("1", "bob")):
            session.flush()
            person = people.ensure(session, name, now, ["lab"])
            session.add(cases.acceptance(person.id, version, now - cases.DAY))
        eve = people.get(session, HOSTILE_NAME)
        client = Client(
            person_id=eve.id,
            name="c1",
            server=HOSTILE,
            first_report=now - 9000,
            last_report=now - 7000,
            policy_version=HOSTILE[:90],
            mode="enforce",
            guards=[{"kernel": HOSTILE, "name": HOSTILE, "state": "unguarded", "detail": HOSTILE}],
            skew=4000.0,
            silent_since=now - 3600,
        )
        session.add(client)
        session.flush()
        session.add(
            Stream(client_id=client.id, name="s", received=3, beyond=[], announced=9, gap_since=now - 3000)
        )
        for n in range(3):
            person = people.get(session, f"student{n}")
            session.add(
                Client(
                    person_id=person.id,
                    name="c",
                    server="",
                    first_report=now - 9000,
                    last_report=now - 60 * n,
                    policy_version="2026.2",
                    mode="enforce",
                    guards=[{"kernel": "k", "name": "python3", "state": "guarded", "detail": ""}],
                )
            )
        terms.accept(session, "cyd", "2", now, config)
    return ids


@pytest.fixture(scope="session")
def policy_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with keys and two test policies, the second in force, a third on its way; made once."""
    state = tmp_path_factory.mktemp("published") / "state"
    repository = ensure_repository(state)
    keys = read_keys(Places.below(state).offline, "targets")
    terms = {"version": "test", "title": "Terms of use", "clauses": CLAUSES}
    for version in ("2026.1", "2026.2", "2026.3"):
        policy = policy_of(
            state.parent / version,
            policy_rule(),
            version=version,
            salt=version[-1] * 32,
            mode="enforce",
            terms=terms,
        )
        repository.publish(encode(policy), keys)
    repository.change_release(
        lambda release: with_candidate(
            with_current(release, "policy/2026.2.bundle"), "policy/2026.3.bundle", 25.0
        )
    )
    return state


@dataclass
class Seeded:
    """A running service, and what is in it."""

    service: Service
    ids: dict[str, int]
    repository: Repository

    def page(self, path: str, user: str = "root", *scopes: str) -> str:
        """Return a page that has to be there."""
        with self.service.client(user, *(scopes or ("admin",))) as client:
            answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return answer.text

    def post(self, path: str, user: str = "root", *scopes: str, **fields: object) -> httpx.Response:
        """Post a form, and follow where it leads."""
        with self.service.client(user, *(scopes or ("admin",)), follow_redirects=True) as client:
            return client.post(path, data=dict(fields), headers=HTML)


#: What browsers say that they take.
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def seeded(
    make_service: Callable[..., Service], sqlite_database: Database, policy_state: Path, tmp_path: Path
) -> Seeded:
    """A service full of cases."""
    shutil.copytree(policy_state, tmp_path / "state")
    ids = seed(sqlite_database, time.time())
    service = make_service(sqlite_database)
    repository = service.context.repository
    assert repository is not None
    return Seeded(service, ids, repository)
