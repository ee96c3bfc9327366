"""Texts of scripts in the database: which were published, which servers found in their folders."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused, Unknown
from ringflow.flows.publication import KEY_BYTES
from ringflow.plain_text import plain
from ringflow.store.database import LookUp
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.script_tables import script_texts as table

LEAST_REVISION = 4


class TextKind(StrEnum):
    """How a text came to be kept."""

    PUBLISHED = "publish"
    ROLLED_BACK = "roll_back"
    ON_DISK = "disk"


@dataclass(frozen=True, slots=True)
class ScriptText:
    """One text of a script's file. `follows`: the id of the publication before it; None: found on disk."""

    id: int
    key: str
    file: str
    follows: int | None
    revision: str
    text: str
    replaced: str | None
    kind: str
    operator: str
    note: str
    at_ms: int


_COLUMNS = tuple(table.c[name] for name in ScriptText.__slots__)
_PUBLISHED = table.c.follows.is_not(None)
NEWEST_ID = LookUp(select(func.max(table.c.id)).where(_PUBLISHED), [])
"""The id of the newest publication of any script, None where there is none."""
TEXTS = Listing("texts of a script", {"at": (table.c.at_ms, table.c.id)}, first="-at")


async def newest_of(connection: AsyncConnection, file: str) -> ScriptText | None:
    """The newest publication of a file."""
    query = select(*_COLUMNS).where(table.c.file == file, _PUBLISHED).order_by(table.c.id.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return ScriptText(*row) if row is not None else None


async def newest_of_each(connection: AsyncConnection) -> list[ScriptText]:
    """The newest publication of each file, by file."""
    newest = select(func.max(table.c.id)).where(_PUBLISHED).group_by(table.c.file)
    rows = await connection.execute(select(*_COLUMNS).where(table.c.id.in_(newest)).order_by(table.c.file))
    return [ScriptText(*row) for row in rows]


async def published_texts(connection: AsyncConnection, file: str) -> frozenset[str]:
    """The revisions that publications put into a file, or found there."""
    query = select(table.c.revision, table.c.replaced).where(table.c.file == file, _PUBLISHED)
    return frozenset(one for row in await connection.execute(query) for one in row if one is not None)


async def last_kept(connection: AsyncConnection, file: str) -> str | None:
    """The revision that was kept last, in whatever way."""
    query = select(table.c.revision).where(table.c.file == file).order_by(table.c.id.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def find_text(connection: AsyncConnection, file: str, revision: str) -> ScriptText:
    """The text whose revision begins so, the newest of it. Raises `Unknown`, `Refused`."""
    if len(revision) < LEAST_REVISION or not revision.isalnum():
        what = f"revision `{plain(revision)}`: write at least {LEAST_REVISION} of its digits"
        raise Refused("script.malformed_revision", what, ("revision",), revision=revision)
    query = (
        select(*_COLUMNS)
        .where(table.c.file == file, table.c.revision.startswith(revision, autoescape=True))
        .order_by(table.c.id.desc())
    )
    found = {row.revision: row for row in reversed((await connection.execute(query)).all())}
    if len(found) > 1:
        what = f"revision {plain(revision)} of {plain(file)} could be {' or '.join(sorted(found))}"
        raise Refused("script.ambiguous_revision", what, ("revision",), revision=revision)
    if not found:
        what = f"{plain(file)} has no revision {plain(revision)}"
        raise Unknown("script.unknown_revision", what, ("revision",), script=file, revision=revision)
    return ScriptText(*next(iter(found.values())))


async def page(connection: AsyncConnection, file: str, asked: PageRequest) -> Page[ScriptText]:
    """Read a page of a file's texts, the newest first."""
    query = select(*_COLUMNS).where(table.c.file == file)
    return await TEXTS.page(connection, query, asked, _text)


async def insert(connection: AsyncConnection, **values: Any) -> ScriptText | None:
    """Enter a text; None where another publication has followed the same one."""
    whole = values | {"key": secrets.token_hex(KEY_BYTES)}
    try:
        async with connection.begin_nested():
            row = (await connection.execute(table.insert().values(**whole).returning(table.c.id))).one()
    except IntegrityError:
        return None
    return ScriptText(id=row[0], **whole)


def _text(row: Sequence[Any]) -> ScriptText:
    return ScriptText(*row)
