"""Reports as clients send them. Not tests."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from jupyter_tos_guard.strikes.strike import Action, Strike

CLIENT = "c" * 32


def strike(number: int | str = 0, **fields: Any) -> dict[str, Any]:
    """A strike as JSON; its act is made of the number."""
    made = Strike(
        id=f"act-{number}",
        time=time.time() - 60,
        user="",
        server="lab",
        kernel="kernel-1",
        notebook="work.ipynb",
        request=f"request-{number}",
        rule="miner-by-name",
        clause="mining",
        level="high",
        policy_version="2026.11.1",
        severe=False,
        action=Action.BLOCK,
        sensor="kernel",
        cell_digest=f"{abs(hash(number)):064x}"[:64],
        line=1,
        column=0,
        evidence="!xmrig -o pool",
        facts=(("command", "xmrig"),),
    )
    return {**made.to_json(), **fields}


def report(
    strikes: Iterable[dict[str, Any]] = (),
    *,
    stream: str = "000001700000000-1-abcd",
    first: int = 1,
    client: str = CLIENT,
    announced: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A report of strikes that are numbered one after the other."""
    records = [{"stream": stream, "seq": first + n, "strike": each} for n, each in enumerate(strikes)]
    return {
        "v": 1,
        "client": client,
        "server": "lab",
        "sent": time.time(),
        "policy_version": "2026.11.1",
        "mode": "enforce",
        "serial": 1,
        "guards": [{"kernel": "kernel-1", "name": "python3", "state": "on", "detail": ""}],
        "streams": [] if announced is None else [{"stream": stream, "announced": announced}],
        "records": records,
        **fields,
    }


def fresh() -> str:
    """A name that no other test uses."""
    return uuid4().hex
