"""What Alembic runs: migrations in the transaction that :mod:`..migrate` has begun."""

from __future__ import annotations

from alembic import context

from jupyter_tos_guard.central.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
