"""Many rows in one statement, without building that statement anew each time.

PostgreSQL gets all rows as one JSON parameter, which costs a tenth of as many parameters as there
are values. SQLite, which is nearer, gets them one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
    returning: Sequence[Any] = (),
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
    returning : sequence of column, optional
        What to return of rows that were written.
    """
    if not rows:
        return []
    core: Table = table.__table__
    names = list(rows[0])
    if session.get_bind().dialect.name == "postgresql":
        given = func.json_to_recordset(bindparam("rows", type_=Text).cast(postgresql.JSON)).table_valued(
            *(column(name, core.c[name].type) for name in names)
        )
        given = given.render_derived(with_types=True)
        statement: Any = postgresql.insert(core).from_select(
            names, select(*(given.c[name] for name in names))
        )
        parameters: Any = {"rows": json.dumps(rows)}
    else:
        statement, parameters = sqlite.insert(core), list(rows)
    if update or add:
        changes = {name: statement.excluded[name] for name in update}
        changes |= {name: core.c[name] + statement.excluded[name] for name in add}
        statement = statement.on_conflict_do_update(index_elements=list(unique), set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(unique))
    if not returning:
        session.connection().execute(statement, parameters)
        return []
    return list(session.connection().execute(statement.returning(*returning), parameters).all())
