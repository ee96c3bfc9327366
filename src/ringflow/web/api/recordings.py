"""Recordings of callers over HTTP: listed, listened to, deleted."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.forms.recording import DeletedRecordingsForm, RecordingForm, recording_form
from ringflow.recordings.recording import (
    RECORDINGS,
    RecordingFilter,
    mark_deleted,
    recording_page,
    searched_number,
    show_recording,
    take_out,
)
from ringflow.recordings.service import configured_folder
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("recordings", "/recordings", "What callers said, where a flow recorded them.")
WAV = "audio/wav"


class RecordingQuery(Input):
    """Which recordings."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    customer: int | None = None
    cli: str | None = None
    """Who called: a number in any form."""
    did: str | None = None
    """What was called."""
    app: str | None = None
    call: str | None = None
    q: str | None = None
    """A part of its ID, or of its call's."""


class CallOfRecordings(Input):
    """Whose recordings."""

    call: str


@RESOURCE.get(Right.RECORDINGS_READ, listing=RECORDINGS)
async def list_recordings(
    connection: AsyncConnection, services: Services, query: RecordingQuery, asked: PageRequest
) -> Page[RecordingForm]:
    """List recordings, the newest first."""
    country = services.config.country
    wanted = RecordingFilter(
        milliseconds(query.since),
        milliseconds(query.until),
        query.customer,
        searched_number(query.cli, country),
        searched_number(query.did, country),
        query.app,
        query.call,
        query.q,
    )
    return (await recording_page(connection, wanted, asked)).map(recording_form)


@RESOURCE.get(Right.RECORDINGS_READ, "/{recording}")
async def show_one_recording(connection: AsyncConnection, recording: str) -> RecordingForm:
    """Return what is known of a recording, without what was said."""
    return recording_form(await show_recording(connection, recording))


@RESOURCE.get(Right.RECORDINGS_LISTEN, "/{recording}/sound", media=(WAV,))
async def take_out_recording(actor: Actor, services: Services, recording: str) -> Content:
    """Return a recording as a WAV file, whole or in part (`Range`). The audit log says who had it.

    The server on whose machine the file is has to be asked.
    """
    name = f"{recording}.wav"
    content = await take_out(actor, recording, configured_folder(services.config), name)
    return Content(await asyncio.to_thread(_as_wav, content), WAV, name, version=recording)


@RESOURCE.delete(Right.RECORDINGS_DELETE, "/{recording}")
async def delete_recording(actor: Actor, recording: str) -> None:
    """Delete a recording: nobody finds or hears it from now on. Its file is gone within a minute."""
    await mark_deleted(actor, recording_id=recording)


@RESOURCE.post(Right.RECORDINGS_DELETE, ":delete", status=HTTPStatus.OK)
async def delete_recordings_of_call(actor: Actor, body: CallOfRecordings) -> DeletedRecordingsForm:
    """Delete all recordings of a call; return how many there were."""
    return DeletedRecordingsForm(body.call, len(await mark_deleted(actor, call=body.call)))


def _as_wav(content: bytes) -> bytes:
    # Loads what converts sounds, which a server without recordings does without.
    from ringflow.recordings.content import as_wav

    return as_wav(content)
