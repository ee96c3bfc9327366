"""Texts of flow files in the database: every one that was in service or published, by file and revision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.flow_tables import flow_revisions as table
from ringflow.store.statement import Kind, Statement

REVISION_DIGITS = 12

_COLUMNS = "file, app, revision, text"
_KINDS: Mapping[str, Kind] = {"file": "text", "app": "text", "revision": "text", "text": "text"}
# Servers that keep the same texts at the same time take the rows in one order. `WHERE true` tells SQLite that
# `ON CONFLICT` does not belong to a join.
_GIVEN = "FROM {rows} WHERE true ORDER BY v.file, v.revision ON CONFLICT (file, revision)"
_KEEP = Statement(
    f"INSERT INTO flow_revisions ({_COLUMNS}, first_loaded_ms, loaded_ms) "
    f"SELECT v.file, v.app, v.revision, v.text, CAST(:now_ms AS bigint), CAST(:now_ms AS bigint) {_GIVEN} "
    "DO UPDATE SET loaded_ms = excluded.loaded_ms, app = excluded.app, "
    "first_loaded_ms = COALESCE(flow_revisions.first_loaded_ms, excluded.first_loaded_ms)",
    _KINDS,
    now_ms="bigint",
)
_REMEMBER = Statement(
    f"INSERT INTO flow_revisions ({_COLUMNS}) SELECT v.file, v.app, v.revision, v.text {_GIVEN} DO NOTHING",
    _KINDS,
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One text of a flow file. `file` is its name within the folder of flows; `revision` the text's hash."""

    file: str
    app: str
    revision: str
    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptRevision:
    """A text that is kept, and when it was put into service first and last (ms since 1970), if ever."""

    file: str
    app: str
    revision: str
    first_loaded_ms: int | None
    loaded_ms: int | None
    text: bytes = field(repr=False)


def text_revision(text: bytes) -> str:
    """The revision of a file's text: the beginning of its SHA-256 in hexadecimal."""
    return hashlib.sha256(text).hexdigest()[:REVISION_DIGITS]


async def last_good(connection: AsyncConnection) -> list[Revision]:
    """Of each file the text that was in service last."""
    newest = select(table.c.file, func.max(table.c.loaded_ms).label("at")).group_by(table.c.file).subquery()
    rows = await connection.execute(
        select(table.c.file, table.c.app, table.c.revision, table.c.text)
        .join(newest, (newest.c.file == table.c.file) & (newest.c.at == table.c.loaded_ms))
        .order_by(table.c.file, table.c.id)
    )
    # Of two texts of one millisecond the one that was made last.
    found = {row.file: Revision(row.file, row.app, row.revision, row.text.encode()) for row in rows}
    return list(found.values())


async def keep(connection: AsyncConnection, revisions: Iterable[Revision], now_ms: int) -> None:
    """Note that these texts are in service now; `now_ms`: milliseconds since 1970."""
    if rows := _rows(revisions):
        await _KEEP.run(connection, rows, now_ms=now_ms)


async def remember(connection: AsyncConnection, revisions: Iterable[Revision]) -> None:
    """Keep texts that need not be in service."""
    if rows := _rows(revisions):
        await _REMEMBER.run(connection, rows)


async def find_revision(connection: AsyncConnection, name: str, revision: str) -> KeptRevision:
    """A text by its app or file and the beginning of its revision. Raises `Refused` for none, or several."""
    of_flow = or_(table.c.file == name, table.c.app == name)
    query = select(*(table.c[column] for column in KeptRevision.__slots__)).where(of_flow)
    query = query.where(table.c.revision.startswith(revision, autoescape=True))
    rows = (await connection.execute(query.order_by(table.c.loaded_ms, table.c.id))).mappings().all()
    found = {row["revision"]: row for row in rows}
    if not revision or not found:
        raise Unknown(
            "flow.unknown_revision",
            f"{plain(name)} has no revision {plain(revision)}",
            flow=name,
            revision=revision,
        )
    if len(found) > 1:
        raise Refused(
            "flow.several_revisions",
            f"{plain(revision)} is the beginning of {', '.join(sorted(found))}; write one of them",
            revision=revision,
            revisions=sorted(found),
        )
    (row,) = found.values()
    return KeptRevision(**{**row, "text": row["text"].encode()})


async def is_kept(connection: AsyncConnection, file: str, revision: str) -> bool:
    """Whether this text of the file is kept."""
    same = (table.c.file == file) & (table.c.revision == revision)
    return (await connection.execute(select(table.c.id).where(same))).first() is not None


async def loaded_before(connection: AsyncConnection, file: str, revision: str) -> str | None:
    """The text that was in service last of those of the file that are not this one."""
    others = (table.c.file == file) & (table.c.revision != revision) & table.c.loaded_ms.is_not(None)
    newest = table.c.loaded_ms.desc(), table.c.id.desc()
    return (await connection.execute(select(table.c.revision).where(others).order_by(*newest))).scalar()


async def file_of_app(connection: AsyncConnection, app: str) -> str | None:
    """The file that an app was in last."""
    query = select(table.c.file).where(table.c.app == app).order_by(table.c.id.desc()).limit(1)
    return (await connection.execute(query)).scalar()


def _rows(revisions: Iterable[Revision]) -> list[dict[str, str]]:
    return [{**asdict(one), "text": one.text.decode()} for one in revisions]
