from __future__ import annotations

import pytest

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.store import RepositoryError
from jupyter_tos_guard.policy.model import Mode, Verdict, Where
from jupyter_tos_guard.policy.release import Candidate, Release, Special, bundle_name, parse, place_of

OLD, NEW, LAB = "policy/1.bundle", "policy/2.bundle", "policy/lab/3.bundle"
FIRST = Release(1, 0.0, OLD)
FULL = Release(
    7,
    1_700_000_000.5,
    OLD,
    Candidate(NEW, 12.5),
    (Special(("physics", "größe"), ("gpu",), LAB),),
    {"a-rule": Verdict.OBSERVE, "b-rule": Verdict.ALLOW},
    Mode.MONITOR,
    60,
)


def test_a_release_is_read_as_it_was_written() -> None:
    assert parse(FULL.to_bytes()) == FULL
    assert parse(FIRST.to_bytes()) == FIRST


def test_keys_of_later_versions_are_left_out() -> None:
    assert parse(FIRST.to_bytes().replace(b"{", b'{"later": [1], ', 1)) == FIRST


def test_the_first_special_that_fits_comes_before_candidate_and_current() -> None:
    everybody = FULL._replace(candidate=Candidate(NEW, 100))
    assert everybody.bundle_for(Where(user="u", groups=("physics",))) == LAB
    assert everybody.bundle_for(Where(user="u", server="gpu")) == LAB
    assert everybody.bundle_for(Where(user="u", groups=("chemistry",))) == NEW
    assert FIRST.bundle_for(Where(user="u")) == OLD


def test_a_share_of_servers_gets_the_candidate_and_keeps_it_when_the_share_grows() -> None:
    servers = [Where(user=f"user-{number}") for number in range(4000)]

    def chosen(share: float) -> set[str]:
        release = FIRST._replace(candidate=Candidate(NEW, share))
        return {where.user for where in servers if release.bundle_for(where) == NEW}

    assert chosen(0) == set()
    assert 300 < len(chosen(10)) < 500
    assert chosen(10) < chosen(25) < chosen(100)
    assert len(chosen(100)) == 4000
    assert chosen(10) != {where.user for where in servers if place_of(where, "policy/9.bundle") < 10}, (
        "another version begins with other servers"
    )


def test_servers_of_one_name_are_not_all_or_nothing() -> None:
    release = FIRST._replace(candidate=Candidate(NEW, 50))
    got = {release.bundle_for(Where(user=f"user-{number}", server="gpu")) for number in range(100)}
    assert got == {OLD, NEW}


def test_steps_lead_from_release_to_release() -> None:
    candidate = steps.with_candidate(FIRST, NEW, 10)
    assert candidate.candidate == Candidate(NEW, 10)
    assert steps.with_share(candidate, 25).candidate == Candidate(NEW, 25)
    assert steps.promoted(candidate) == FIRST._replace(current=NEW)
    assert steps.withdrawn(candidate) == FIRST
    assert steps.with_current(candidate, NEW) == FIRST._replace(current=NEW)
    assert steps.with_current(candidate, "policy/0.bundle").candidate == Candidate(NEW, 10)
    softer = steps.softened(steps.softened(FIRST, "r", Verdict.OBSERVE), "s", Verdict.ALLOW)
    assert softer.softened == {"r": Verdict.OBSERVE, "s": Verdict.ALLOW}
    assert steps.restored(softer, "r").softened == {"s": Verdict.ALLOW}
    assert steps.in_mode(steps.in_mode(FIRST, Mode.MONITOR), None) == FIRST


def test_a_channel_keeps_its_people_when_it_gets_a_new_version() -> None:
    first = steps.assigned(FIRST, LAB, ["physics"], ["gpu"])
    second = steps.assigned(first, "policy/lab/4.bundle", [], [])
    assert second.special == (Special(("physics",), ("gpu",), "policy/lab/4.bundle"),)
    other = steps.assigned(second, "policy/shop/5.bundle", ["shop"], [])
    assert len(other.special) == 2
    assert steps.unassigned(other, "lab").special == (Special(("shop",), (), "policy/shop/5.bundle"),)


@pytest.mark.parametrize(
    ("step", "match"),
    [
        (lambda: steps.promoted(FIRST), "no candidate"),
        (lambda: steps.withdrawn(FIRST), "no candidate"),
        (lambda: steps.with_share(FIRST, 10), "no candidate"),
        (lambda: steps.with_candidate(FIRST, OLD, 10), "current policy of everybody already"),
        (lambda: steps.with_candidate(FIRST, NEW, 101), "from 0 to 100"),
        (lambda: steps.restored(FIRST, "r"), "not softened"),
        (lambda: steps.assigned(FIRST, LAB, [], []), "for whom"),
        (lambda: steps.unassigned(FIRST, "lab"), "nobody has"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step: object, match: str) -> None:
    with pytest.raises(RepositoryError, match=match):
        step()  # type: ignore[operator]


def test_bundles_are_named_after_version_and_channel() -> None:
    assert bundle_name("2026.12.01") == "policy/2026.12.01.bundle"
    assert bundle_name("1", "lab") == "policy/lab/1.bundle"
