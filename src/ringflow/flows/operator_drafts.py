"""Drafts that operators edit: one for each flow file, in the database until it is published or discarded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from sqlalchemy import ColumnElement, RowMapping, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store.flow_tables import flow_drafts as table
from ringflow.store.statement import Statement


@dataclass(frozen=True, slots=True)
class OperatorDraft:
    """A text that is not published yet, which may be no flow at all.

    `began_from`: the text of the file that it began from, None for a new file. `follows`: the id of the
    file's newest publication then, 0 where there was none. `operator` is who saved it last. Times are
    milliseconds since 1970.
    """

    file: str
    app: str
    revision: str
    began_from: str | None
    follows: int
    operator: str
    created_ms: int
    updated_ms: int
    text: bytes = field(repr=False)


_COLUMNS = tuple(table.c[name] for name in OperatorDraft.__slots__)


_INSERT = Statement(
    "INSERT INTO flow_drafts "
    "(file, app, revision, began_from, follows, operator, created_ms, updated_ms, text) VALUES "
    "(:file, :app, :revision, :began_from, :follows, :operator, :created_ms, :updated_ms, :text) "
    "ON CONFLICT (file) DO NOTHING RETURNING file",
    file="text",
    app="text",
    revision="text",
    began_from="text",
    follows="bigint",
    operator="text",
    created_ms="bigint",
    updated_ms="bigint",
    text="text",
)


async def find_draft(connection: AsyncConnection, file: str) -> OperatorDraft | None:
    """The draft of a file."""
    found = (await connection.execute(select(*_COLUMNS).where(table.c.file == file))).mappings().first()
    return None if found is None else _draft(found)


async def every_draft(connection: AsyncConnection) -> list[OperatorDraft]:
    """All drafts, by file."""
    rows = await connection.execute(select(*_COLUMNS).order_by(table.c.file))
    return [_draft(row) for row in rows.mappings()]


async def write_draft(connection: AsyncConnection, draft: OperatorDraft, over: str | None) -> bool:
    """Make a draft, or replace the one whose text is `over`; False where another is there by now."""
    values = {**asdict(draft), "text": draft.text.decode()}
    if over is not None:
        replaced = await connection.execute(update(table).where(_is(draft.file, over)).values(**values))
        return replaced.rowcount == 1
    return bool(await _INSERT.run(connection, **values))


async def delete_draft(connection: AsyncConnection, file: str, revision: str) -> bool:
    """Delete the draft whose text this is; False where it is not there, or another by now."""
    deleted = await connection.execute(delete(table).where(_is(file, revision)))
    return deleted.rowcount == 1


def _is(file: str, revision: str) -> ColumnElement[bool]:
    return (table.c.file == file) & (table.c.revision == revision)


def _draft(row: RowMapping) -> OperatorDraft:
    return OperatorDraft(**{**row, "text": row["text"].encode()})
