"""The audit log: who changed what, with before and after. Triggers see to it that no row changes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, event, text

from ringflow.store.tables import beginnings_index, metadata

# SQLite numbers rows by itself only where the key is an INTEGER.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# `before` is NULL for what was made, `after` for what is gone.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("operator", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    # What the operator is (`PrincipalKind`), and the API token that acted; NULL in rows of earlier versions.
    Column("acted_as", Text),
    Column("token", Text),
    # The ID of the token or session, and where the request came from; NULL for commands.
    Column("credential", Text),
    Column("address", Text),
    CheckConstraint("operator <> ''", name="operator"),
    Index("ix_audit_log_at", "at_ms", "id"),
    Index("ix_audit_log_operator", "operator", "at_ms", "id"),
    Index("ix_audit_log_verb", "verb", "at_ms", "id"),
    # Subjects are found by how they begin, which PostgreSQL does only by an index of bytes.
    beginnings_index("ix_audit_log_subject", "subject"),
    sqlite_autoincrement=True,
)

REFUSAL = "the audit log is never changed"

# A migration that copies audit_log (alembic's batch mode on SQLite) must create the triggers again.
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_log_{verb} BEFORE {verb} ON audit_log "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
        ),
        (
            "CREATE TRIGGER audit_log_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
        ),
    ),
}


def _make_immutable(target: Any, connection: Any, **_: Any) -> None:
    for statement in IMMUTABLE[connection.dialect.name]:
        connection.execute(text(statement))


event.listen(audit_log, "after_create", _make_immutable)
