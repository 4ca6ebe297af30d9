"""Many rows in one statement, without building that statement anew each time.

PostgreSQL gets all rows as one JSON parameter, which costs a tenth of as many parameters as there
are values. SQLite, which is nearer, gets them one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.types import Text


def insert_rows(
    session: Session,
    table: Any,
    rows: Sequence[dict[str, Any]],
    *,
    unique: Sequence[str],
    update: Sequence[str] = (),
    add: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> list[Any]:
    """Insert rows.

    Parameters
    ----------
    session : Session
    table : mapped class
    rows : sequence of dict
        All of the same keys, no two of the same ``unique`` values.
    unique : sequence of str
        Columns that make a row the one that is there already.
    update : sequence of str, optional
        What to set in such a row; nothing: it stays as it is.
    add : sequence of str, optional
        Numbers to be added to those in such a row.
    returning : sequence of str, optional
        Columns to return of rows that were written.
    """
    if not rows:
        return []
    dialect = session.get_bind().dialect.name
    names, wanted = tuple(rows[0]), tuple(returning)
    statement = _statement(dialect, table.__table__, names, tuple(unique), tuple(update), tuple(add), wanted)
    parameters: Any = {"rows": json.dumps(rows)} if dialect == "postgresql" else list(rows)
    result = session.connection().execute(statement, parameters)
    return list(result.all()) if wanted else []


@lru_cache(maxsize=64)  # putting one together takes several times as long as a database takes for it
def _statement(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    unique: tuple[str, ...],
    update: tuple[str, ...],
    add: tuple[str, ...],
    returning: tuple[str, ...],
) -> Any:
    if dialect == "postgresql":
        given = func.json_to_recordset(bindparam("rows", type_=Text).cast(postgresql.JSON)).table_valued(
            *(column(name, table.c[name].type) for name in names)
        )
        given = given.render_derived(with_types=True)
        statement: Any = postgresql.insert(table).from_select(
            names, select(*(given.c[name] for name in names))
        )
    else:
        statement = sqlite.insert(table)
    if update or add:
        excluded = statement.excluded
        changes = {name: excluded[name] for name in update}
        changes |= {name: table.c[name] + excluded[name] for name in add}
        statement = statement.on_conflict_do_update(index_elements=unique, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=unique)
    return statement.returning(*(table.c[name] for name in returning)) if returning else statement
