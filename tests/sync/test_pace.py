"""How often servers ask: alone, and all together after an outage."""

from __future__ import annotations

import heapq
import random

import pytest

from jupyter_tos_guard.sync.pace import COOL_DOWN, LONGEST, LONGEST_RETRY, SHORTEST, Pace


def test_success_spreads_around_the_interval_that_the_server_says() -> None:
    pace = Pace(300.0, random.Random(1))
    delays = [pace.succeeded(600.0) for _ in range(1000)]
    assert min(delays) >= 0.8 * 600
    assert max(delays) <= 1.2 * 600
    assert len({round(delay) for delay in delays}) > 100


@pytest.mark.parametrize(("asked", "bound"), [(0.0, SHORTEST), (1e9, LONGEST), (-5.0, SHORTEST)])
def test_no_server_can_make_a_client_deaf_or_a_flood(asked: float, bound: float) -> None:
    pace = Pace(300.0)
    assert 0.8 * bound <= pace.succeeded(asked) <= 1.2 * bound
    assert Pace(300.0).cool_down(1e12) <= 2 * LONGEST


def test_failures_double_up_to_a_bound_and_start_anew_after_success() -> None:
    pace = Pace(300.0, random.Random(1))
    first = max(Pace(300.0).failed() for _ in range(100))
    for _ in range(50):
        last = pace.failed()
    assert first <= 15 < last <= LONGEST_RETRY
    pace.succeeded()
    assert pace.failed() <= 15


def test_cooling_down_takes_at_least_what_was_asked_for() -> None:
    pace = Pace(300.0)
    assert min(pace.cool_down(120.0) for _ in range(100)) >= 120
    assert min(pace.cool_down(0.0) for _ in range(100)) >= COOL_DOWN


CLIENTS = 10_000


@pytest.mark.parametrize("kind", ["failed", "cool_down"])
def test_ten_thousand_clients_that_return_at_once_after_an_outage(kind: str) -> None:
    """The server is down for two hours. Everybody uses the code of the real schedule; time is simulated."""
    down, up = 1000.0, 1000.0 + 2 * 3600
    chance = random.Random(42)
    queue = []
    for number in range(CLIENTS):
        pace = Pace(300.0, random.Random(number))
        heapq.heappush(queue, (chance.uniform(0, 300), number, pace))
    per_second: dict[int, int] = {}
    back: dict[int, float] = {}
    while queue:
        now, number, pace = heapq.heappop(queue)
        if now > up + 3600:
            break
        per_second[int(now)] = per_second.get(int(now), 0) + 1
        if down <= now < up:
            delay = pace.failed() if kind == "failed" else pace.cool_down(0.0)
        else:
            if now >= up:
                back.setdefault(number, now)
            delay = pace.succeeded()
        heapq.heappush(queue, (now + delay, number, pace))
    usual = CLIENTS / 300
    after = [count for second, count in per_second.items() if second >= up]
    assert max(after) < 3 * usual, f"{max(after)} in one second"
    during = [count for second, count in per_second.items() if down + 600 < second < up]
    assert sum(during) / len(during) < usual, "an outage is not made worse"
    assert len(back) == CLIENTS
    assert max(back.values()) - up < 2 * max(LONGEST_RETRY, COOL_DOWN) + 60


def test_held_requests_that_were_all_cut_come_back_over_a_minute() -> None:
    delays = [Pace(1.0, random.Random(number)).dropped() for number in range(10_000)]
    counts = [sum(int(delay) == second for delay in delays) for second in range(61)]
    assert max(counts) < 3 * 10_000 / 60
    assert max(delays) <= 60


def test_servers_woken_at_once_spread_their_requests() -> None:
    delays = [Pace(300.0, random.Random(number)).woken() for number in range(10_000)]
    counts = [sum(int(delay * 10) == tenth for delay in delays) for tenth in range(50)]
    assert max(counts) < 2 * 10_000 / 50
    assert max(Pace(1.0).woken(60.0) for _ in range(200)) > 30
    assert Pace(1.0).woken(1e9) <= 300


def test_servers_that_start_together_do_not_ask_together_unless_they_have_no_policy() -> None:
    assert max(Pace(300.0).first(is_urgent=False) for _ in range(200)) > 150
    assert max(Pace(300.0).first(is_urgent=True) for _ in range(200)) <= 1
