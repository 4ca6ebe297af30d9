"""Stores a batch of reports in one transaction.

Several replicas do this on one database at once. They meet in an order that is the same for all:
persons by id, their clients, streams and strikes, and the tally last; so none waits for one that
waits for it. Nothing here remembers anything between two batches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import rulebook, standing, tally
from jupyter_tos_guard.central.casework.account import accounts_of
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.intake.protocol import Report, StrikeIn, strike_of
from jupyter_tos_guard.central.storage.bulk import insert_rows
from jupyter_tos_guard.central.storage.tables import Client, Person, State, Stream, Strike
from jupyter_tos_guard.strikes.strike import Action

#: A clock that is wrong by less than this is not: the network takes its time, too.
SMALL_SKEW: Final = 60.0
#: Clients kept of one person. Homes that are thrown away make a new one at each start.
MAX_CLIENTS: Final = 500
#: Stretches of numbers kept beyond a gap in one stream.
MAX_BEYOND: Final = 200

# Put together once: that takes as long as the database's answer.
_PERSONS: Final = (
    select(Person)
    .where(Person.name.in_(bindparam("names", expanding=True)))
    .order_by(Person.id)
    .with_for_update()
)
_TOO_MANY_CLIENTS: Final = (
    select(Client.person_id, func.count())
    .where(Client.person_id.in_(bindparam("people", expanding=True)))
    .group_by(Client.person_id)
    .having(func.count() > bindparam("most"))
)
_STREAMS: Final = select(
    Stream.client_id, Stream.name, Stream.received, Stream.beyond, Stream.announced, Stream.gap_since
).where(
    Stream.client_id.in_(bindparam("clients", expanding=True)),
    Stream.name.in_(bindparam("names", expanding=True)),
)


@dataclass(frozen=True)
class Sent:
    """A report and who sent it, as the token says.

    Attributes
    ----------
    user : str
    groups : tuple of str
    report : Report
    received : float
    strikes : list of (stream, seq, StrikeIn or str)
        Records in their order; a text is what is wrong with one.
    """

    user: str
    groups: tuple[str, ...]
    report: Report
    received: float
    strikes: list[tuple[str, int, StrikeIn | str]] = field(default_factory=list)

    @classmethod
    def of(cls, user: str, groups: Iterable[str], report: Report, received: float) -> Sent:
        """Return a report with its strikes read."""
        strikes = [(record.stream, record.seq, strike_of(record)) for record in report.records]
        return cls(user, tuple(groups), report, received, strikes)

    @property
    def skew(self) -> float:
        """Client's clock minus ours, 0 when that is small."""
        skew = self.report.sent - self.received
        return skew if abs(skew) >= SMALL_SKEW else 0.0

    def time_of(self, strike: StrikeIn) -> float:
        """Return when it was by our clock. Never later than now: a strike to come would not count."""
        return max(0.0, min(strike.time - self.skew, self.received))


@dataclass(frozen=True)
class Stored:
    """What became of a report, once it is durable.

    Attributes
    ----------
    acknowledged : dict
        Stream to the highest number up to which everything is here.
    rejected : list of dict
    new : int
        Strikes that were not known before.
    account : dict
        How the sender stands now.
    """

    acknowledged: dict[str, int]
    rejected: list[dict[str, Any]]
    new: int
    account: dict[str, Any]


def store(session: Session, batch: Sequence[Sent], config: CaseworkConfig) -> list[Stored]:
    """Store reports; what is returned may be told to the clients after the commit only."""
    now = max(sent.received for sent in batch)
    persons = _persons(session, batch, now)
    people = {person.name: person.id for person in persons}
    clients = _clients(session, batch, people)
    acknowledged = _streams(session, batch, people, clients)
    new = _strikes(session, batch, people, clients)
    touched = {row.person_id for row in new if Action(row.action).counts}
    book = rulebook.current(session)
    cases = standing.cases_of(session, sorted(people.values()), book.ladder, now)
    known = standing.Known(book, {person.id: person for person in persons}, cases)
    if touched:
        standing.refresh_many(session, touched, now, config, known=known)
    fresh = Counter(row.person_id for row in new)
    session.flush()
    users = {sent.user: sent.groups for sent in batch}
    accounts = accounts_of(session, users, now, config, known=known)
    # Last: everybody writes the same few rows of the tally, and holds them until the commit.
    tally.count(session, Counter(tally.bucket_of(row) for row in new))
    return [
        Stored(
            {
                stream: acknowledged[clients[people[sent.user], sent.report.client], stream]
                for stream in dict.fromkeys(_streams_of(sent))
            },
            [
                {"stream": stream, "seq": seq, "problem": strike}
                for stream, seq, strike in sent.strikes
                if isinstance(strike, str)
            ],
            fresh.pop(people[sent.user], 0),
            accounts[sent.user],
        )
        for sent in batch
    ]


def _persons(session: Session, batch: Sequence[Sent], now: float) -> Sequence[Person]:
    """Return who has sent something, their rows locked."""
    groups = {sent.user: sorted(set(sent.groups)) for sent in batch}
    names = sorted(groups)
    persons = session.scalars(_PERSONS, {"names": names}).all()
    missing = sorted(set(names) - {person.name for person in persons})
    if missing:
        insert_rows(
            session,
            Person,
            [
                {"name": name, "groups": groups[name], "first_seen": now, "level": "good", "level_since": now}
                for name in missing
            ],
            unique=["name"],
        )
        persons = session.scalars(_PERSONS, {"names": names}).all()
    for person in persons:
        # An answer without groups may come from a token that may not see them.
        if groups[person.name] and person.groups != groups[person.name]:
            person.groups = groups[person.name]
    return persons


def _clients(session: Session, batch: Sequence[Sent], people: dict[str, int]) -> dict[tuple[int, str], int]:
    """Return ids of clients by person and name, their rows up to date."""
    latest = {(people[sent.user], sent.report.client): sent for sent in batch}
    rows = [
        {
            "person_id": person,
            "name": name,
            "server": sent.report.server,
            "first_report": sent.received,
            "last_report": sent.received,
            "policy_version": sent.report.policy_version,
            "mode": sent.report.mode,
            "guards": [guard.model_dump() for guard in sent.report.guards],
            "skew": sent.skew,
            "silent_since": 0.0,
        }
        for (person, name), sent in sorted(latest.items(), key=lambda item: item[0])
    ]
    found = insert_rows(
        session,
        Client,
        rows,
        unique=["person_id", "name"],
        update=[name for name in rows[0] if name not in ("person_id", "name", "first_report")],
        returning=["id", "person_id", "name", "first_report"],
    )
    _forget_old_clients(
        session,
        {row.person_id for row in found if row.first_report == latest[row.person_id, row.name].received},
    )
    return {(row.person_id, row.name): row.id for row in found}


def _forget_old_clients(session: Session, people: set[int]) -> None:
    if not people:
        return
    for person, count in session.execute(
        _TOO_MANY_CLIENTS, {"people": sorted(people), "most": MAX_CLIENTS}
    ).all():
        oldest = (
            select(Client.id)
            .where(Client.person_id == person)
            .order_by(Client.last_report)
            .limit(count - MAX_CLIENTS)
        )
        session.execute(
            delete(Client).where(Client.id.in_(oldest)).execution_options(synchronize_session=False)
        )


def _streams_of(sent: Sent) -> Iterable[str]:
    yield from (stream.stream for stream in sent.report.streams)
    yield from (stream for stream, _, _ in sent.strikes)


def _streams(
    session: Session,
    batch: Sequence[Sent],
    people: dict[str, int],
    clients: dict[tuple[int, str], int],
) -> dict[tuple[int, str], int]:
    """Note which numbers are here; return up to where each stream is whole."""
    announced: dict[tuple[int, str], int] = defaultdict(int)
    arrived: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    now: dict[tuple[int, str], float] = {}
    for sent in batch:
        client = clients[people[sent.user], sent.report.client]
        for stream in sent.report.streams:
            key = client, stream.stream
            announced[key] = max(announced[key], stream.announced)
            now[key] = sent.received
        for name, seq, _ in sent.strikes:
            key = client, name
            now[key] = sent.received
            numbers = arrived[key]
            if numbers and numbers[-1][1] + 1 == seq:
                numbers[-1] = numbers[-1][0], seq
            else:
                numbers.append((seq, seq))
    if not now:
        return {}
    known = {
        (row.client_id, row.name): row
        for row in session.execute(
            _STREAMS,
            {"clients": sorted({client for client, _ in now}), "names": sorted({name for _, name in now})},
        )
    }
    rows: list[dict[str, Any]] = []
    for key in sorted(now):
        row = known.get(key)
        received, beyond = merge(
            row.received if row else 0, [*(row.beyond if row else ()), *arrived.get(key, ())]
        )
        known_to_be = max(announced[key], row.announced if row else 0)
        whole = not beyond and known_to_be <= received
        since = (row.gap_since if row else 0.0) or now[key]
        rows.append(
            {
                "client_id": key[0],
                "name": key[1],
                "received": received,
                "beyond": beyond,
                "announced": max(known_to_be, beyond[-1][1] if beyond else received),
                "gap_since": 0.0 if whole else since,
            }
        )
    insert_rows(
        session,
        Stream,
        rows,
        unique=["client_id", "name"],
        update=["received", "beyond", "announced", "gap_since"],
    )
    return {(row["client_id"], row["name"]): row["received"] for row in rows}


def merge(received: int, ranges: Iterable[Sequence[int]]) -> tuple[int, list[list[int]]]:
    """Return up to which number all are here, and the stretches beyond.

    Parameters
    ----------
    received : int
        All up to this number are here.
    ranges : iterable of (first, last)
        What else is here, in any order.
    """
    beyond: list[list[int]] = []
    for first, last in sorted((int(first), int(last)) for first, last in ranges):
        if first <= received + 1:
            received = max(received, last)
        elif beyond and first <= beyond[-1][1] + 1:
            beyond[-1][1] = max(beyond[-1][1], last)
        else:
            beyond.append([first, last])
    return received, beyond[:MAX_BEYOND]


def _strikes(
    session: Session,
    batch: Sequence[Sent],
    people: dict[str, int],
    clients: dict[tuple[int, str], int],
) -> list[Any]:
    """Insert what is not known yet, and return just that."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for sent in batch:
        person = people[sent.user]
        client = clients[person, sent.report.client]
        for _, _, strike in sent.strikes:
            if isinstance(strike, StrikeIn):
                rows.setdefault((person, strike.id), _row(strike, sent, person, client))
    ordered = [rows[key] for key in sorted(rows)]
    return insert_rows(
        session, Strike, ordered, unique=["person_id", "act"], returning=["person_id", *_COUNTED]
    )


_COUNTED: Final = ("time", "rule", "clause", "policy_version", "action", "state")


def _row(strike: StrikeIn, sent: Sent, person: int, client: int) -> dict[str, Any]:
    return {
        "person_id": person,
        "client_id": client,
        "act": strike.id,
        "time": sent.time_of(strike),
        "received": sent.received,
        "server": strike.server or sent.report.server,
        "kernel": strike.kernel,
        "notebook": strike.notebook,
        "request": strike.request,
        "rule": strike.rule,
        "clause": strike.clause,
        "level": strike.level,
        "policy_version": strike.policy_version,
        "severe": strike.severe,
        "verdict": strike.verdict,
        "action": strike.action,
        "sensor": strike.sensor,
        "cell_digest": strike.cell_digest,
        "line": strike.line,
        "column": strike.column,
        "end_line": strike.end_line,
        "end_column": strike.end_column,
        "evidence": strike.evidence,
        "decoded": strike.decoded,
        "provenance": strike.provenance,
        "facts": strike.facts,
        "state": State.OPEN.value,
        "reviewed_by": "",
        "reason": "",
    }
