from __future__ import annotations

from itertools import count, permutations

from jupyter_tos_guard.policy.model import Ladder
from jupyter_tos_guard.strikes.standing import DAY, Level, Seen, Standing, expected, standing
from jupyter_tos_guard.strikes.strike import Action, Strike

from .test_strike import a_strike

NOW = 1000 * DAY
LADDER = Ladder()
_numbers = count()


def strike(days_ago: float, **changes: object) -> Strike:
    number = next(_numbers)
    return a_strike(
        **{"id": f"{number:032x}", "cell_digest": str(number), "time": NOW - days_ago * DAY, **changes}
    )


def at(*strikes: Strike, ladder: Ladder = LADDER, now: float = NOW) -> Standing:
    return standing(strikes, ladder, now)


def test_no_strikes_is_good_standing() -> None:
    assert at() == Standing(Level.GOOD, 0, None, Level.WARNED, 1)


def test_the_first_strike_only_warns() -> None:
    assert at(strike(0)) == Standing(Level.WARNED, 1, NOW + 90 * DAY, Level.RESTRICTED, 2)


def test_the_first_strike_only_warns_whatever_the_threshold() -> None:
    assert at(strike(0), ladder=Ladder(restricted_at=1)).level is Level.WARNED


def test_three_strikes_restrict_for_a_week_after_the_third() -> None:
    strikes = strike(30), strike(20), strike(2)
    assert at(*strikes) == Standing(Level.RESTRICTED, 3, NOW + 5 * DAY, Level.SUSPENDED, 2)
    assert at(*strikes, now=NOW + 5 * DAY + 1).level is Level.WARNED


def test_after_a_restriction_the_next_strike_restricts_again() -> None:
    after = at(strike(30), strike(20), strike(10))
    assert (after.level, after.next_level, after.strikes_left) == (Level.WARNED, Level.RESTRICTED, 1)
    assert at(strike(30), strike(20), strike(10), strike(0)).level is Level.RESTRICTED


def test_five_strikes_suspend() -> None:
    now = at(*(strike(days) for days in (40, 30, 20, 10, 1)))
    assert now == Standing(Level.SUSPENDED, 5, NOW + 29 * DAY, None, 0)


def test_strikes_expire() -> None:
    assert at(strike(89.9)).live == 1
    assert at(strike(90)) == Standing(Level.GOOD, 0, None, Level.WARNED, 1)


def test_expired_strikes_do_not_add_up() -> None:
    assert at(strike(200), strike(150), strike(0)).level is Level.WARNED


def test_a_severe_clause_skips_the_first_steps() -> None:
    assert at(strike(0, severe=True)).level is Level.RESTRICTED


def test_observed_and_heeded_warnings_cost_nothing() -> None:
    assert (
        at(
            *(strike(1, action=Action.OBSERVE) for _ in range(9)),
            *(strike(1, action=Action.WARN) for _ in range(9)),
        ).live
        == 0
    )


def test_acknowledged_warnings_count() -> None:
    assert at(strike(0, action=Action.ACKNOWLEDGE)).live == 1


def test_one_act_seen_by_two_sensors_counts_once() -> None:
    seen = strike(1)
    assert (
        at(
            seen, a_strike(id=seen.id, cell_digest=seen.cell_digest, time=seen.time + 0.2, sensor="server")
        ).live
        == 1
    )


def test_one_cell_that_meets_three_rules_counts_once() -> None:
    assert at(*(strike(1, rule=rule, cell_digest="same") for rule in "abc")).live == 1


def test_pressing_run_again_is_not_a_second_breach() -> None:
    assert at(*(strike(1 - n / 100, cell_digest="same") for n in range(20))).live == 1


def test_the_same_cell_on_another_day_is() -> None:
    assert at(strike(5, cell_digest="same"), strike(1, cell_digest="same")).live == 2


def test_strikes_from_the_future_are_ignored() -> None:
    assert at(strike(-1)).level is Level.GOOD


def test_order_does_not_matter() -> None:
    strikes = strike(40), strike(20, severe=True), strike(3), strike(60)
    assert len({at(*order) for order in permutations(strikes)}) == 1


# -- what the hub says, and what it has not seen yet


def seen(level: Level, live: int, until: float | None, following: Level | None, left: int) -> Seen:
    return Seen(Standing(level, live, until, following, left), NOW - DAY)


def test_what_the_hub_says_counts_and_older_strikes_here_do_not() -> None:
    """It knows what was overturned; a strike that lies here still may be one of those."""
    good = seen(Level.GOOD, 0, None, Level.WARNED, 1)
    assert expected(good, [strike(30), strike(20), strike(2)], LADDER, NOW) == good.standing


def test_a_strike_that_the_hub_has_not_seen_is_added() -> None:
    good = seen(Level.GOOD, 0, None, Level.WARNED, 1)
    assert expected(good, [strike(0)], LADDER, NOW).level is Level.WARNED
    warned = seen(Level.WARNED, 2, NOW + 50 * DAY, Level.RESTRICTED, 1)
    now = expected(warned, [strike(0)], LADDER, NOW)
    assert now == Standing(Level.RESTRICTED, 3, NOW + 50 * DAY, Level.SUSPENDED, 2)
    restricted = seen(Level.RESTRICTED, 4, NOW + 5 * DAY, Level.SUSPENDED, 1)
    assert expected(restricted, [strike(0)], LADDER, NOW).level is Level.SUSPENDED


def test_a_restriction_by_an_admin_is_not_undone_by_arithmetic() -> None:
    suspended = seen(Level.SUSPENDED, 0, None, None, 0)
    assert expected(suspended, [strike(0)], LADDER, NOW).level is Level.SUSPENDED


def test_what_does_not_count_is_not_added() -> None:
    good = seen(Level.GOOD, 0, None, Level.WARNED, 1)
    assert expected(good, [strike(0, action=Action.OBSERVE)], LADDER, NOW) == good.standing


def test_a_level_that_has_ended_since_is_not_shown_any_more() -> None:
    over = seen(Level.RESTRICTED, 3, NOW - 10, Level.SUSPENDED, 2)
    assert expected(over, [], LADDER, NOW).level is Level.WARNED
    assert expected(seen(Level.WARNED, 0, NOW - 10, Level.RESTRICTED, 1), [], LADDER, NOW).level is Level.GOOD
