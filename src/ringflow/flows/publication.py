"""Publications: which text of a flow file servers are to run, and who published it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.flows.revisions import Revision
from ringflow.store.database import LookUp
from ringflow.store.flow_tables import flow_publications as table
from ringflow.store.statement import Statement

KEY_BYTES = 8

Kind: TypeAlias = Literal["publish", "roll_back"]


class How(StrEnum):
    """How a text came into service."""

    PUBLISHED = "published"
    ROLLED_BACK = "rolled back"
    ON_DISK = "changed on disk"


NEWEST_ID = LookUp(select(func.max(table.c.id)), [])
"""The id of the newest publication of any file, None where there is none."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One text of a file that was published.

    `replaced`: the text in the file before, None where there was no file. `follows`: the id of the file's
    publication before this one, 0 for the first. `at_ms`: milliseconds since 1970.
    """

    id: int
    key: str
    file: str
    follows: int
    app: str
    revision: str
    replaced: str | None
    kind: Kind
    operator: str
    note: str
    at_ms: int

    @property
    def how(self) -> How:
        """How its text came into service."""
        return How.PUBLISHED if self.kind == "publish" else How.ROLLED_BACK


_COLUMNS = tuple(table.c[name] for name in Publication.__slots__)


_INSERT = Statement(
    "INSERT INTO flow_publications "
    "(key, file, follows, app, revision, replaced, kind, operator, note, at_ms) VALUES "
    "(:key, :file, :follows, :app, :revision, :replaced, :kind, :operator, :note, :at_ms) "
    "ON CONFLICT (file, follows) DO NOTHING RETURNING id",
    key="text",
    file="text",
    follows="bigint",
    app="text",
    revision="text",
    replaced="text",
    kind="text",
    operator="text",
    note="text",
    at_ms="bigint",
)


async def insert(
    connection: AsyncConnection,
    new: Revision,
    *,
    follows: int,
    replaced: str | None,
    kind: Kind,
    operator: str,
    note: str,
    at_ms: int,
) -> Publication | None:
    """Enter the publication of a text; None where another one has followed the publication `follows`."""
    values: dict[str, Any] = {
        "key": secrets.token_hex(KEY_BYTES),
        "file": new.file,
        "follows": follows,
        "app": new.app,
        "revision": new.revision,
        "replaced": replaced,
        "kind": kind,
        "operator": operator,
        "note": note,
        "at_ms": at_ms,
    }
    inserted = await _INSERT.run(connection, **values)
    return Publication(id=inserted[0][0], **values) if inserted else None


async def newest_of(connection: AsyncConnection, file: str) -> Publication | None:
    """The newest publication of a file."""
    found = await publications_of(connection, file, limit=1)
    return found[0] if found else None


async def publications_of(
    connection: AsyncConnection, file: str, limit: int | None = None
) -> list[Publication]:
    """The publications of a file, the newest first."""
    query = select(*_COLUMNS).where(table.c.file == file).order_by(table.c.id.desc()).limit(limit)
    return [Publication(*row) for row in await connection.execute(query)]


async def newest_of_each(connection: AsyncConnection) -> list[Publication]:
    """The newest publication of each file, by file."""
    newest = select(func.max(table.c.id)).group_by(table.c.file)
    rows = await connection.execute(select(*_COLUMNS).where(table.c.id.in_(newest)).order_by(table.c.file))
    return [Publication(*row) for row in rows]


def check_note(text: str, most: int) -> None:
    """Raise `Refused` for an operator's note that is not one line of at most `most` characters."""
    if len(text) > most or not text.isprintable():
        what = f"a note is one line of at most {most} characters"
        raise Refused("field.malformed_text", what, field="note", most=most)


def published_texts(publications: Sequence[Publication]) -> frozenset[str]:
    """The revisions that these publications put into a file, or found there."""
    texts = {one.revision for one in publications} | {one.replaced for one in publications}
    return frozenset(text for text in texts if text is not None)
