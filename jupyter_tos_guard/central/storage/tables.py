"""The tables. Times are seconds since the epoch, UTC.

Shape only: no queries, no rules about who may do what. A change here needs a
migration in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: SQLite counts rows only in a column that it calls INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Json = dict[str, Any]


class State(str, Enum):
    """Where a strike stands in review."""

    OPEN = "open"  #: nobody has looked at it; it counts
    UPHELD = "upheld"  #: a reviewer agrees; it counts
    OVERTURNED = "overturned"  #: it does not count

    __str__ = str.__str__


class AppealState(str, Enum):
    """Where an appeal stands."""

    OPEN = "open"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"

    __str__ = str.__str__


class Base(DeclarativeBase):
    """Base of all tables."""

    #: Every constraint has a name, or a later migration could not change it.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        float: Double,
        str: String(500),
        Json: JSON,
        list[Any]: JSON,
    }


class Person(Base):
    """Somebody who has a strike, accepted the terms, or was dealt with: never everybody on the hub."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    groups: Mapped[list[Any]] = mapped_column(default=list)
    first_seen: Mapped[float]
    #: Standing as last computed, so that lists need not compute it; see ``casework``.
    level: Mapped[str] = mapped_column(String(20), default="good", index=True)
    level_until: Mapped[float | None]
    #: When this level began: servers are stopped a grace period later.
    level_since: Mapped[float] = mapped_column(default=0.0)


class Client(Base):
    """One record folder: most often one single-user server's home."""

    __tablename__ = "client"
    __table_args__ = (UniqueConstraint("person_id", "name"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    #: Random name that the client gave itself.
    name: Mapped[str] = mapped_column(String(64))
    server: Mapped[str] = mapped_column(default="")
    first_report: Mapped[float]
    last_report: Mapped[float] = mapped_column(index=True)
    policy_version: Mapped[str] = mapped_column(String(100), default="")
    mode: Mapped[str] = mapped_column(String(20), default="")
    #: ``[{"kernel", "name", "state", "detail"}]``: which kernels are guarded.
    guards: Mapped[list[Any]] = mapped_column(default=list)
    #: Client's clock minus ours at its last report, in seconds.
    skew: Mapped[float] = mapped_column(default=0.0)
    #: When the Hub first said that the user is active while this client was silent; 0: it is not silent.
    silent_since: Mapped[float] = mapped_column(default=0.0, index=True)


class Stream(Base):
    """One file of a client's record, numbered without gaps."""

    __tablename__ = "stream"
    __table_args__ = (UniqueConstraint("client_id", "name"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    #: Every record up to this number is here.
    received: Mapped[int] = mapped_column(Id, default=0)
    #: ``[[first, last], …]``: numbers beyond ``received`` that are here, when some before them are missing.
    beyond: Mapped[list[Any]] = mapped_column(default=list)
    #: The highest number that is known to have been given.
    announced: Mapped[int] = mapped_column(Id, default=0)
    #: Since when numbers are missing; 0: none are.
    gap_since: Mapped[float] = mapped_column(default=0.0, index=True)


class Strike(Base):
    """One rule met by one execute request; see :class:`jupyter_tos_guard.strikes.strike.Strike`."""

    __tablename__ = "strike"
    __table_args__ = (
        # Chosen by clients, so unique only among one person's.
        UniqueConstraint("person_id", "act"),
        Index("strike_by_time", "time", "id"),
        Index("strike_by_state", "state", "time", "id"),
        Index("strike_by_rule", "rule", "time", "id"),
        Index("strike_by_clause", "clause", "time", "id"),
        Index("strike_by_person", "person_id", "time", "id"),
        Index("strike_by_cell", "cell_digest", "time", "id"),
        Index("strike_by_action", "action", "time", "id"),
        Index("strike_by_policy", "policy_version", "time", "id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    #: May be of a client that was forgotten since; a foreign key would search all strikes for each of those.
    client_id: Mapped[int | None] = mapped_column(Id)
    #: The strike's own id, the same for every sensor that saw the act.
    act: Mapped[str] = mapped_column(String(64))
    time: Mapped[float]
    received: Mapped[float]
    server: Mapped[str]
    kernel: Mapped[str]
    notebook: Mapped[str]
    request: Mapped[str]
    rule: Mapped[str] = mapped_column(String(100))
    clause: Mapped[str] = mapped_column(String(100))
    level: Mapped[str] = mapped_column(String(20))
    policy_version: Mapped[str] = mapped_column(String(100))
    severe: Mapped[bool]
    verdict: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(20))
    sensor: Mapped[str] = mapped_column(String(20))
    cell_digest: Mapped[str] = mapped_column(String(64))
    line: Mapped[int]
    column: Mapped[int]
    end_line: Mapped[int]
    end_column: Mapped[int]
    evidence: Mapped[str] = mapped_column(Text)
    decoded: Mapped[str]
    provenance: Mapped[list[Any]]
    facts: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(20), default=State.OPEN.value)
    reviewed_by: Mapped[str] = mapped_column(default="")
    reviewed_at: Mapped[float | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class Tally(Base):
    """Strikes counted by day, so that charts and rule pages need not read all of them."""

    __tablename__ = "tally"
    day: Mapped[int] = mapped_column(primary_key=True)  #: days since the epoch
    rule: Mapped[str] = mapped_column(String(100), primary_key=True)
    clause: Mapped[str] = mapped_column(String(100), primary_key=True)
    policy_version: Mapped[str] = mapped_column(String(100), primary_key=True)
    action: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int]


class Appeal(Base):
    """A user's word against a strike."""

    __tablename__ = "appeal"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    strike_id: Mapped[int] = mapped_column(ForeignKey("strike.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    time: Mapped[float]
    due: Mapped[float]  #: when it should be answered
    state: Mapped[str] = mapped_column(String(20), default=AppealState.OPEN.value, index=True)
    #: Who upheld the strike before: somebody else has to answer.
    upheld_by: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[float | None]


class Exemption(Base):
    """A vetted use; see :class:`jupyter_tos_guard.policy.model.Exemption`."""

    __tablename__ = "exemption"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)  #: ``user:NAME`` or ``group:NAME``
    target: Mapped[str]  #: ``rule:ID``, ``clause:ID`` or ``*``
    until: Mapped[float]
    reason: Mapped[str] = mapped_column(Text, default="")
    made_by: Mapped[str]
    made_at: Mapped[float]
    ended_by: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[float | None]


class Restriction(Base):
    """A standing that an admin set, or the lifting of one that the ladder reached."""

    __tablename__ = "restriction"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    #: ``restricted``, ``suspended``; ``good``: what the ladder says of strikes up to ``since`` is lifted.
    level: Mapped[str] = mapped_column(String(20))
    since: Mapped[float]
    until: Mapped[float | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    made_by: Mapped[str]
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_at: Mapped[float | None]


class Message(Base):
    """What a user is told: a restriction and its end, the answer to an appeal, a reversal."""

    __tablename__ = "message"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    time: Mapped[float]
    kind: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    read_at: Mapped[float | None]


class Terms(Base):
    """One version of the terms, as published."""

    __tablename__ = "terms"
    version: Mapped[str] = mapped_column(String(100), primary_key=True)
    published: Mapped[float]
    document: Mapped[Json]  #: :meth:`jupyter_tos_guard.policy.model.Terms.to_json`


class Acceptance(Base):
    """That somebody accepted a version of the terms."""

    __tablename__ = "acceptance"
    __table_args__ = (UniqueConstraint("person_id", "version"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(100))
    time: Mapped[float]


class PolicyVersion(Base):
    """One published version of the policy; the readable rules stay here."""

    __tablename__ = "policy_version"
    version: Mapped[str] = mapped_column(String(100), primary_key=True)
    published: Mapped[float]
    published_by: Mapped[str]
    bundle: Mapped[str]  #: name of the TUF target
    terms_version: Mapped[str] = mapped_column(String(100))
    #: Terms, ladder, mode and rules: what pages show and the ladder is read from.
    document: Mapped[Json]
    #: Since when it is the one for everybody, or was last; None: it never was.
    in_force_since: Mapped[float | None]


class Audit(Base):
    """Every action of an admin. Only ever added to: the database refuses changes."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    time: Mapped[float] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str]
    detail: Mapped[Json] = mapped_column(default=dict)


class Token(Base):
    """A token for hubs without JupyterHub. Only its digest is kept."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user: Mapped[str]
    scopes: Mapped[list[Any]]
    note: Mapped[str] = mapped_column(default="")
    made_at: Mapped[float]
    expires: Mapped[float | None]


class Mark(Base):
    """How far periodic work has got, so that one of several replicas does it, and does it once."""

    __tablename__ = "mark"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[float]
