"""Brings the tables to this version when a process starts: alembic's migrations, or all at once in memory."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import StartError
from ringflow.store import api_tables as api_tables  # its table belongs to `metadata`
from ringflow.store import audit_tables as audit_tables  # so do these
from ringflow.store import calendar_tables as calendar_tables  # so do these
from ringflow.store import caller_tables as caller_tables  # and these
from ringflow.store import card_tables as card_tables  # and these
from ringflow.store import customer_access_tables as customer_access_tables  # and these
from ringflow.store import flow_tables as flow_tables  # so does this one
from ringflow.store import group_tables as group_tables  # and this one
from ringflow.store import job_tables as job_tables  # and these
from ringflow.store import ledger_tables as ledger_tables  # and these
from ringflow.store import list_tables as list_tables  # and these
from ringflow.store import live_tables as live_tables  # and these
from ringflow.store import operator_tables as operator_tables  # and these
from ringflow.store import origination_tables as origination_tables  # and this one
from ringflow.store import record_tables as record_tables  # and these
from ringflow.store import recording_tables as recording_tables  # and this one
from ringflow.store import script_tables as script_tables  # and this one
from ringflow.store import sign_in_tables as sign_in_tables  # and these
from ringflow.store import speed_dial_tables as speed_dial_tables  # so does this one
from ringflow.store.tables import directory_revision, metadata

if TYPE_CHECKING:
    from alembic.config import Config

# The newest file in migrations/versions; a test holds the two together. Known here so that a start that has
# nothing to do need not import alembic.
HEAD = "0050"
MIGRATIONS = Path(__file__).with_name("migrations")

# Any number that no other program on the same PostgreSQL takes: "ringflow" in ASCII.
_LOCK_KEY = int.from_bytes(b"ringflow", "big")
_VERSION_TABLE = "alembic_version"


async def bring_up_to_date(
    transaction: AbstractAsyncContextManager[AsyncConnection], at_once: bool, shown: str
) -> None:
    """Create or migrate the tables within one transaction, so that a crash leaves the old ones.

    `at_once` makes them from their definition, without alembic: for a database in memory. Processes that
    start together wait for each other. Raises `StartError` when a newer Ringflow was here.
    """
    async with transaction as connection:
        if connection.dialect.name == "postgresql":
            # Wait for another process that migrates, however long it takes. A table that is in use is not
            # waited for so long: whoever asks for it next would wait behind us.
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
            waiting = (await connection.execute(text("SHOW lock_timeout"))).scalar_one()
            await connection.execute(text("SET LOCAL lock_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            await connection.execute(text(f"SET LOCAL lock_timeout = '{waiting}'"))
        await connection.run_sync(_create_at_once if at_once else _migrate, shown)


def _migrate(connection: Connection, shown: str) -> None:
    version = _version(connection)
    if version == HEAD:
        return
    # alembic takes a third of a second to import.
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(connection)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StartError(
            f"database {shown} is at schema version {version}, newer than this Ringflow ({HEAD}): "
            "run the newer Ringflow, or another database"
        )
    command.upgrade(config, "head")


def upgrade_to(connection: Connection, version: str | None) -> None:
    """Create the tables of a schema version, or bring those that are there to it; None: the newest.

    Raises `StartError` for a version that this Ringflow does not know.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(connection)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StartError(
            f"schema version {version} is newer than this Ringflow ({HEAD}): install a newer one"
        )
    command.upgrade(config, version or "head")


def alembic_config(connection: Connection) -> Config:
    """alembic's configuration without a file: our scripts, on a connection whose transaction is ours."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _create_at_once(connection: Connection, shown: str) -> None:
    if _version(connection) == HEAD:
        return
    metadata.create_all(connection)
    connection.execute(directory_revision.insert().values(id=1, revision=1))
    # The columns are alembic's own, so that a later version can migrate from here.
    connection.execute(text(f"CREATE TABLE {_VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    insert = f"INSERT INTO {_VERSION_TABLE} VALUES (:head)"  # noqa: S608 -- a constant of ours
    connection.execute(text(insert), {"head": HEAD})


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608 -- ours
    return str(found) if found is not None else None
