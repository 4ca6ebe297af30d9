"""Nobody decides about their own record, unless the operator has nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_tos_guard.central.casework import exemptions, restrictions, review
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import NotAllowedError
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Strike
from tests.central.cases import DAY, NOW, publish, strike

CONFIG = CaseworkConfig()
ALONE = replace(CONFIG, appeal_by_other=False)


def test_a_reviewer_does_not_review_strikes_of_their_own(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        publish(session)
        own, other = strike(session, "root"), strike(session, "ann")
        for act in (review.overturn, review.uphold):
            with pytest.raises(NotAllowedError):
                act(session, [own.id], actor="root", reason="Mine", now=NOW, config=CONFIG)
        done = review.overturn(session, [own.id, other.id], "root", "All of them", NOW, CONFIG)
        assert done == review.Outcome(1, 1, 0, 1)
        session.expire_all()
        assert session.get(Strike, own.id).state == "open"
        assert session.get(Strike, other.id).state == "overturned"
        assert review.overturn(session, [own.id], "root", "Nobody else is here", NOW, ALONE).changed == 1


def test_a_reviewer_neither_lifts_their_own_restriction_nor_exempts_themselves(
    sqlite_database: Database,
) -> None:
    with sqlite_database.transaction() as session:
        publish(session)
        restrictions.restrict(session, "root", "restricted", None, "A test", "ann", NOW, CONFIG)
        with pytest.raises(NotAllowedError):
            restrictions.lift(session, "root", "I want to", "root", NOW, CONFIG)
        with pytest.raises(NotAllowedError):
            exemptions.exempt(session, "user:root", "*", NOW + DAY, "I want to", "root", NOW, CONFIG)
        assert restrictions.lift(session, "root", "I am alone", "root", NOW, ALONE).level == "good"
        assert exemptions.exempt(session, "user:root", "*", NOW + DAY, "I am alone", "root", NOW, ALONE).id
