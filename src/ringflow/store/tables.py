"""The tables, for SQLAlchemy Core. A change here needs a migration in `migrations/versions`.

Times are milliseconds since 1970 (UTC). `source` tells who made a row: `operator` by a command or the API,
`config` by `config.yaml`, which changes and removes only rows of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    func,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_CONDITION = "rows"
_OF_BYTES = "of_bytes"


def partial_index(name: str, *columns: str, rows: str, unique: bool = False) -> Index:
    """An index of the rows for which the condition `rows` is true."""
    return Index(name, *columns, unique=unique, info={_CONDITION: rows})


def beginnings_index(name: str, *columns: str) -> Index:
    """An index by which texts are found by how they begin, which on PostgreSQL only one of bytes does.

    The last of the columns has the texts.
    """
    return Index(name, *columns, info={_OF_BYTES: {columns[-1]: "text_pattern_ops"}})


def rows_of(index: Index) -> str | None:
    """Return the condition of the rows that an index has; None: all rows."""
    condition: str | None = index.info.get(_CONDITION)
    return condition


def is_in_order_of_bytes(index: Index) -> bool:
    """Return whether the index is for beginnings of texts: on PostgreSQL it has another order."""
    return _OF_BYTES in index.info


@event.listens_for(metadata, "before_create")
def _set_conditions(target: MetaData, connection: Connection, **_: object) -> None:
    """Give what is peculiar to indexes to the dialect that makes the tables.

    Given to both dialects above, they would load PostgreSQL's in every command.
    """
    for table in target.tables.values():
        for index in table.indexes:
            if condition := index.info.get(_CONDITION):
                index.dialect_kwargs[f"{connection.dialect.name}_where"] = text(condition)
            if connection.dialect.name == "postgresql" and (operators := index.info.get(_OF_BYTES)):
                index.dialect_kwargs["postgresql_ops"] = operators


def _source() -> CheckConstraint:
    return CheckConstraint("source IN ('operator', 'config')", name="source")


customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("channels", Integer),
    Column("caller_id", Text),
    Column("source", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("language", Text),
    CheckConstraint("status IN ('active', 'inactive', 'penalty', 'pending')", name="status"),
    CheckConstraint("channels >= 1", name="channels"),
    _source(),
    Index("ix_customers_status", "status", "id"),
    Index("ix_customers_currency", "currency", "id"),
)

# By it customers are listed by name, in any capitals.
customers_by_name = Index("ix_customers_name", func.lower(customers.c.name), customers.c.id)

dids = Table(
    "dids",
    metadata,
    Column("number", Text, primary_key=True),
    Column("app", Text, nullable=False),
    Column("identify", Text, nullable=False),
    Column("customer_id", Integer, ForeignKey("customers.id")),
    Column("enabled", Boolean, nullable=False),
    Column("channels", Integer),
    Column("reject_code", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("withheld", Text, nullable=False, server_default="identify"),
    # Of a number such as `5061999{number}`: which variable gets what was dialled behind it.
    Column("variable", Text),
    # The script that runs before the app, with its limit, what becomes of a call that it fails, its vars.
    Column("script", Text),
    Column("script_timeout_s", Float),
    Column("script_fallback", Text),
    Column("script_vars", Text),
    # The script that is told of the call when it is over.
    Column("hangup_script", Text),
    Column("hangup_script_timeout_s", Float),
    Column("hangup_script_vars", Text),
    CheckConstraint("identify IN ('cli', 'none')", name="identify"),
    CheckConstraint("channels >= 1", name="channels"),
    CheckConstraint("reject_code BETWEEN 400 AND 699", name="reject_code"),
    CheckConstraint("withheld IN ('reject', 'identify')", name="withheld"),
    _source(),
    Index("ix_dids_customer", "customer_id", "number"),
    Index("ix_dids_app", "app", "number"),
    partial_index("ix_dids_disabled", "number", rows="NOT enabled"),
    # Every call looks its DID up: one search in SQLite instead of one in an index and one for the row.
    sqlite_with_rowid=False,
)

clis = Table(
    "clis",
    metadata,
    # An id is never given twice: the lowest one wins among patterns, so it must not jump the queue.
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("number", Text, unique=True),
    Column("pattern", Text, unique=True),
    Column("notes", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    CheckConstraint("(number IS NULL) <> (pattern IS NULL)", name="number_or_pattern"),
    _source(),
    Index("ix_clis_customer", "customer_id", "id"),
    partial_index("ix_clis_patterns", "id", rows="pattern IS NOT NULL"),
    sqlite_autoincrement=True,
)

# By it CLIs are listed as they read: numbers and patterns together.
clis_by_text = Index("ix_clis_text", func.coalesce(clis.c.number, clis.c.pattern), clis.c.id)

# Every call looks its CLI up: in SQLite the customer is found here, without a search for the row. What
# PostgreSQL takes to answer is so much more than a search that there this would only slow what is added.
customer_of_number = Index("ix_clis_number_customer_id", clis.c.number, clis.c.customer_id).ddl_if("sqlite")

trunks = Table(
    "trunks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("dial", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("position", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("caller_id", Text),
    Column("server", Text, nullable=False),
    Column("rated", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("failover", JSON, nullable=False, server_default='["401", "403", "407", "408", "5xx"]'),
    Column("silent_s", Integer, nullable=False, server_default="6"),
    Column("number_form", Text, nullable=False, server_default="e164"),
    Column("number_prefix", Text, nullable=False, server_default=""),
    Column("caller_id_form", Text),
    Column("caller_id_prefix", Text, nullable=False, server_default=""),
    Column("as_keyed", JSON, nullable=False, server_default="[]"),
    # The script that runs before each leg.
    Column("script", Text),
    Column("script_timeout_s", Float),
    Column("script_fallback", Text),
    Column("script_vars", Text),
    CheckConstraint("rated IN ('local', 'upstream')", name="rated"),
    CheckConstraint("number_form IN ('e164', '+e164', '00', 'national')", name="number_form"),
    CheckConstraint("caller_id_form IN ('e164', '+e164', '00', 'national')", name="caller_id_form"),
    _source(),
)

# One row. Every change to the tables above raises `revision` in its own transaction; a server that has
# patterns and trunks in memory sees by it that they are old.
directory_revision = Table(
    "directory_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
