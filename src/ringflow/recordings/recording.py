"""Recordings as operators see them: listed, shown, taken out, deleted. Who takes one out is on record."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note, note_many
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.numbers import normalise_number
from ringflow.plain_text import plain
from ringflow.recordings.folder import RecordingFolder
from ringflow.rights import Right
from ringflow.store.conditions import contains
from ringflow.store.page_filters import Filters, since_until
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.recording_tables import recordings

RECORDING, KEPT, DELETING = "recording", "kept", "deleting"
"""The words of `status`."""
DELETED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording. `length_ms` is None while it is made; `expires_ms` None: it is kept for ever."""

    id: str
    call_id: str
    server: str
    status: str
    started_ms: int
    length_ms: int | None
    bytes: int
    did: str
    cli: str | None
    customer_id: int | None
    app: str
    slot: str
    levelled: bool
    expires_ms: int | None


COLUMNS = tuple(recordings.c[name] for name in Recording.__slots__)
RECORDINGS = Listing(
    "recordings", {"recorded": (recordings.c.started_ms, recordings.c.id)}, first="-recorded"
)


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """Which recordings: those that fit all given. Times are milliseconds since 1970, `until_ms` excluded.

    `search`: a part of the ID of the recording or of its call.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    customer: int | None = None
    cli: str | None = None
    did: str | None = None
    app: str | None = None
    call: str | None = None
    search: str | None = None


async def recording_page(
    connection: AsyncConnection, wanted: RecordingFilter, asked: PageRequest
) -> Page[Recording]:
    """Read a page of recordings. Those that were deleted are not among them."""
    columns = recordings.c
    own = (
        (columns.call_id, wanted.call),
        (columns.cli, wanted.cli),
        (columns.customer_id, wanted.customer),
        (columns.did, wanted.did),
        (columns.app, wanted.app),
    )
    tried = []
    if wanted.search is not None:
        tried.append(or_(contains(columns.id, wanted.search), contains(columns.call_id, wanted.search)))
    # Those of which the file is yet to be deleted are few: they need not be tried for.
    query = select(*COLUMNS).where(columns.status != DELETING)
    filters = Filters(own, tried, between=since_until(columns.started_ms, wanted.since_ms, wanted.until_ms))
    return await RECORDINGS.page(connection, query, asked, _read, filters)


async def show_recording(connection: AsyncConnection, recording_id: str) -> Recording:
    """Return the recording of this ID. Raises `Unknown`."""
    query = select(*COLUMNS).where(recordings.c.id == recording_id, recordings.c.status != DELETING)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Unknown(
            "recording.unknown", f"recording {plain(recording_id)} does not exist", recording=recording_id
        )
    return _read(row)


async def take_out(actor: Actor, recording_id: str, folder: RecordingFolder, as_file: str) -> bytes:
    """Return the content of a recording for an operator, and note who has it, as which file.

    Raises `Forbidden`, `Unknown`; `Conflict` while it is made, and where its file is not on this machine.
    """
    actor.require(Right.RECORDINGS_LISTEN)
    found = await show_recording(actor.connection, recording_id)
    if found.status != KEPT:
        raise Conflict(
            "recording.unfinished",
            f"recording {recording_id} is being made: wait for its end",
            recording=recording_id,
        )
    try:
        # An hour of sound: calls do not wait for the disk.
        content = await asyncio.to_thread(folder.read, recording_id)
    except OSError as error:
        raise Conflict(
            "recording.elsewhere",
            f"the file of recording {recording_id} cannot be read in {folder.folder}: {error.strerror}; "
            f"server {found.server} made it: do this on its machine",
            recording=recording_id,
            server=found.server,
        ) from error
    await note(actor, Verb.EXPORT, f"recording {recording_id}", asdict(found), {"file": as_file})
    return content


async def mark_deleted(
    actor: Actor, *, recording_id: str | None = None, call: str | None = None
) -> list[Recording]:
    """Delete one recording, or all of a call: from the commit on nobody finds or hears them.

    The files are deleted by `remove_files` afterwards, or by the server that has them. Raises `Forbidden`,
    `Unknown`.
    """
    actor.require(Right.RECORDINGS_DELETE)
    if recording_id is not None:
        found = [await show_recording(actor.connection, recording_id)]
    elif call is not None:
        query = select(*COLUMNS).where(recordings.c.call_id == call, recordings.c.status != DELETING)
        found = [_read(row) for row in await actor.connection.execute(query)]
    else:
        raise Refused("option.missing", "name a recording or a call", option="recording")
    for at in range(0, len(found), DELETED_AT_ONCE):
        some = [one.id for one in found[at : at + DELETED_AT_ONCE]]
        await mark(actor.connection, recordings.c.id.in_(some))
    if found:
        await note_many(actor, Verb.DELETE, [(f"recording {one.id}", asdict(one), None) for one in found])
    return found


def searched_number(text: str | None, country: str) -> str | None:
    """Return a number as recordings have it, whichever way it was written."""
    return text if text is None else normalise_number(text, country) or text


async def mark(connection: AsyncConnection, condition: Any) -> None:
    """Mark recordings as deleted; whoever has their files deletes them."""
    await connection.execute(update(recordings).where(condition).values(status=DELETING))


def _read(row: Any) -> Recording:
    values = tuple(row)[: len(COLUMNS)]
    return Recording(*values)
