"""Tokens for hubs without JupyterHub: made, looked up, ended. Only digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.storage.tables import Token

#: So that a token is known when it lies somewhere: secret scanners look for prefixes.
PREFIX = "tosguard_"


def digest_of(token: str) -> str:
    """Return what is kept of a token. It is random and long, so a plain hash cannot be searched."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def make_token(
    session: Session,
    user: str,
    scopes: Iterable[str],
    now: float,
    *,
    days: float | None = None,
    note: str = "",
) -> str:
    """Store a new token and return it, the only time that it is seen."""
    token = PREFIX + secrets.token_urlsafe(32)
    session.add(
        Token(
            digest=digest_of(token),
            user=user,
            scopes=sorted(set(scopes)),
            note=note,
            made_at=now,
            expires=None if days is None else now + days * 86_400,
        )
    )
    return token


class Known(NamedTuple):
    """Whose a token is, and what it is for."""

    user: str
    scopes: list[str]


def find_tokens(session: Session, digests: Iterable[str], now: float) -> dict[str, Known]:
    """Return tokens that are in force, by digest."""
    rows = session.execute(_TOKENS, {"digests": list(digests)})
    return {
        row.digest: Known(row.user, row.scopes) for row in rows if row.expires is None or row.expires > now
    }


# Put together once, since every request asks it.
_TOKENS: Final = select(Token.digest, Token.user, Token.scopes, Token.expires).where(
    Token.digest.in_(bindparam("digests", expanding=True))
)


def list_tokens(session: Session) -> list[Token]:
    """Return all tokens, oldest first."""
    return list(session.scalars(select(Token).order_by(Token.id)))


def revoke_token(session: Session, number: int) -> bool:
    """End a token; return whether there was one of that number."""
    return session.execute(delete(Token).where(Token.id == number).returning(Token.id)).first() is not None
