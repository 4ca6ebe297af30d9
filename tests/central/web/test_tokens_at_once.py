"""Tokens without a Hub that come all at once: they share questions to the database, not answers."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import event

from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.central.storage.threads import Threads
from jupyter_tos_guard.central.storage.tokens import digest_of, make_token
from jupyter_tos_guard.central.web.auth import TokenAuth
from jupyter_tos_guard.central.web.callers import Caller


def test_many_tokens_at_once_cost_few_queries_and_each_is_its_own_users(sqlite_database: Database) -> None:
    now = time.time()
    with sqlite_database.transaction() as session:
        tokens = {f"user{n}": make_token(session, f"user{n}", [], now) for n in range(300)}
        tokens["late"] = make_token(session, "late", [], now - 100_000, days=1)
    queries: list[str] = []
    event.listen(
        sqlite_database.engine, "before_cursor_execute", lambda c, cursor, text, *_: queries.append(text)
    )
    threads = Threads(2, 400)
    auth = TokenAuth(sqlite_database, threads)

    async def ask() -> list[Caller | None]:
        wanted = [*tokens.values(), "made up", *tokens.values()]
        return await asyncio.gather(*(auth.find(digest_of(token), "127.0.0.1") for token in wanted))

    try:
        found = [caller and caller.name for caller in asyncio.run(ask())]
    finally:
        threads.close()
    names = [name if name != "late" else None for name in tokens]
    assert found == [*names, None, *names]
    assert 0 < len([text for text in queries if "FROM token" in text]) <= 5


def test_a_database_that_is_away_fails_those_who_asked_and_nobody_later(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        token = make_token(session, "alice", [], time.time())
    threads = Threads(2, 400)
    auth = TokenAuth(sqlite_database, threads)

    async def ask() -> None:
        threads._most = 0  # as when too many wait
        failed = await asyncio.gather(
            *(auth.find(digest_of(token), "127.0.0.1") for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in failed] == [Unavailable] * 3
        threads._most = 400
        found = await auth.find(digest_of(token), "127.0.0.1")
        assert found is not None
        assert found.name == "alice"

    try:
        asyncio.run(ask())
    finally:
        threads.close()
