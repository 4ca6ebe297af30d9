"""How long the review queue takes for any filter over a million strikes, in PostgreSQL.

Fills a private database with made-up strikes over a year (some rules and people much more often than
others, as it is), then asks for every filter alone and in pairs: first page, a later page, count, groups.

    python benchmarks/bench_queue.py --strikes 1000000
    python benchmarks/bench_queue.py --database postgresql://user@host/name   # filled when empty, kept
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import text

from jupyter_tos_guard.central.casework import queue
from jupyter_tos_guard.central.casework.queue import Filter
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from tests.central.postgresql import cluster

DAY = 86_400
NOW = 1_795_000_000.0
#: 200 rules in 10 clauses, 20,000 people, 50 versions. The square makes some of each far more frequent.
FILL = """
INSERT INTO strike (person_id, client_id, act, time, received, server, kernel, notebook, request, rule,
    clause, level, policy_version, severe, verdict, action, sensor, cell_digest, line, "column", end_line,
    end_column, evidence, decoded, provenance, facts, state, reviewed_by, reason)
SELECT 1 + floor(p * p * 20000)::int, NULL, 'act-' || n, {now} - d, {now} - d, '', 'kernel', 'work.ipynb',
    'request-' || n, 'rule-' || floor(r * r * 200)::int, 'clause-' || floor(r * r * 200)::int % 10, 'high',
    '2026.' || floor((365 * {day} - d) / (7 * {day}))::int, false, 'block',
    (ARRAY['observe', 'observe', 'observe', 'warn', 'acknowledge', 'block'])[1 + floor(a * 6)::int], 'kernel',
    md5('cell' || floor(c * c * 300000)::int) || md5('x'), 1, 0, 1, 10, repeat('x = 1 ', 20), '', '[]', '[]',
    (ARRAY['open', 'open', 'open', 'open', 'upheld', 'overturned'])[1 + floor(s * 6)::int], '', ''
FROM (SELECT n, random() p, random() r, random() a, random() c, random() s, random() * 365 * {day} d
      FROM generate_series({first}, {last}) n) made
"""
TALLY = f"""
INSERT INTO tally SELECT floor(time / {DAY})::int, rule, clause, policy_version, action, state, count(*)
FROM strike GROUP BY 1, 2, 3, 4, 5, 6
"""


def fill(database: Database, strikes: int) -> None:
    """Make people and strikes."""
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO person (name, groups, first_seen, level, level_since) "
                "SELECT 'user' || n, '[]', 0, 'good', 0 FROM generate_series(1, 20000) n"
            )
        )
        session.execute(text("SELECT setseed(0.5)"))
    for first in range(1, strikes + 1, 100_000):
        with database.transaction() as session:
            session.execute(
                text(FILL.format(now=NOW, day=DAY, first=first, last=min(strikes, first + 99_999)))
            )
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(TALLY))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def filters(database: Database) -> list[tuple[str, Filter]]:
    """Return every filter alone and every pair, with a frequent and a rare value of each."""
    with database.reading() as session:
        cells = session.execute(
            text("SELECT cell_digest, count(*) n FROM strike GROUP BY 1 ORDER BY n DESC LIMIT 1")
        ).all()
    values: dict[str, list[Any]] = {
        "state": ["open", "overturned"],
        "rule": ["rule-0", "rule-199"],
        "clause": ["clause-0", "clause-9"],
        "user": ["user1", "user19999"],
        "cell": [cells[0][0]],
        "action": ["block", "observe"],
        "policy_version": ["2026.51", "2026.1"],
        "since": [NOW - 7 * DAY],
        "until": [NOW - 300 * DAY],
    }
    single = [{name: value} for name, options in values.items() for value in options]
    pairs = [
        {**one, **two} for one, two in itertools.combinations(single, 2) if one.keys().isdisjoint(two.keys())
    ]
    return [
        (
            " ".join(f"{name}={str(value)[:12]}" for name, value in chosen.items()) or "(none)",
            Filter(**chosen),
        )
        for chosen in [{}, *single, *pairs]
    ]


@contextmanager
def filled(url: str, strikes: int) -> Iterator[Database]:
    """Give a database with strikes in it: a private one, or the one at ``url``."""
    with cluster() if not url else nullcontext() as server:
        database = Database(url or server.create())
        migrate(database)
        with database.reading() as session:
            there = session.scalar(text("SELECT count(*) FROM strike"))
        started = time.perf_counter()
        if there:
            print(f"{there} strikes are there already")
        else:
            fill(database, strikes)
            print(f"{strikes} strikes made in {time.perf_counter() - started:.0f} s")
        try:
            yield database
        finally:
            database.close()


def measure(database: Database, times: int) -> dict[str, list[tuple[float, str]]]:
    """Return how many milliseconds each question took, the median of some, with its filter, by kind."""
    took: dict[str, list[tuple[float, str]]] = defaultdict(list)

    def timed(kind: str, name: str, work: Callable[[Any], Any]) -> Any:
        found = database.read(work)  # once to warm up: what is looked at twice a day is in memory
        each = []
        for _ in range(times):
            started = time.perf_counter()
            database.read(work)
            each.append(1e3 * (time.perf_counter() - started))
        took[kind].append((statistics.median(each), name))
        return found

    for name, chosen in filters(database):
        first = timed("first page", name, lambda s, c=chosen: queue.page(s, c))
        if first.after:
            timed("next page", name, lambda s, c=chosen, a=first.after: queue.page(s, c, a))
        timed("count", name, lambda s, c=chosen: queue.count(s, c))
        for by in ("rule", "user", "cell"):
            timed(f"by {by}", name, lambda s, c=chosen, b=by: queue.groups(s, c, b))
    return took


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--strikes", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="URL; default: a private one, gone afterwards")
    parser.add_argument("--limit", type=float, default=200.0, help="milliseconds that an answer may take")
    parser.add_argument("--times", type=int, default=5, help="that each question is asked")
    options = parser.parse_args()
    with filled(options.database, options.strikes) as database:
        for kind, times in measure(database, options.times).items():
            times.sort()
            slow = [each for each in times if each[0] > options.limit]
            print(
                f"{kind:<12} {len(times):4} filters   p50 {times[len(times) // 2][0]:6.1f} ms   "
                f"slowest {times[-1][0]:7.1f} ms ({times[-1][1]})   over {options.limit:.0f} ms: {len(slow)}"
            )
            for took, name in reversed(slow):
                print(f"    {took:7.1f} ms  {name}")


if __name__ == "__main__":
    main()
