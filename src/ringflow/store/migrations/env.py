"""alembic's entry: runs migrations on the connection that `schema.py` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from ringflow.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter columns: alembic copies the table instead.
    render_as_batch=True,
)
context.run_migrations()
