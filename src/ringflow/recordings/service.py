"""What calls do with recordings: begin one, take in what Asterisk wrote, throw it away, play it.

The row is there before Asterisk is told to write. So whatever dies in between, a file has a row that says
when it is to be gone, and `upkeep.py` finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import func, select, update

from ringflow.config import Config
from ringflow.recordings.folder import BYTES_PER_MS, RecordingFailed, RecordingFolder, new_recording_id
from ringflow.recordings.recording import DELETING, KEPT, RECORDING
from ringflow.store import Store, StoreGone
from ringflow.store.recording_tables import recordings

log = structlog.get_logger("ringflow.recordings")

DAY_MS = 86_400_000
GRACE_MS = 60_000
"""How much later than its longest Asterisk ends a recording at the latest."""
SLACK_MS = 10_000
"""By how much a file may be longer than was asked for."""
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How long recordings are kept, and how much room they may take. `keep_days` None: for ever.

    `max_bytes` None: as much as there is; `min_free_bytes` is what the disk must have left.
    """

    keep_days: int | None
    max_bytes: int | None
    min_free_bytes: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a recording is of, and where in which call it is made."""

    call_id: str
    did: str
    cli: str | None
    customer_id: int | None
    app: str
    slot: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a recording is wanted. `keep_days` None: as the configuration says; `least_ms`: shorter is none.

    `levelled`: it is brought to the level of a prompt afterwards.
    """

    longest_ms: int
    least_ms: int
    keep_days: int | None
    levelled: bool


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What Asterisk has written."""

    length_ms: int
    spoken_ms: int


def configured_folder(config: Config) -> RecordingFolder:
    """The folder of a configuration."""
    return RecordingFolder(config.path(config.recordings.folder), config.recordings.asterisk_folder)


class Recordings:
    """The recordings of one server. `changed` is set when there is something for the upkeep to do."""

    def __init__(
        self,
        store: Store,
        folder: RecordingFolder,
        settings: RecordingSettings,
        server: str,
        now_ms: Callable[[], int],
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.changed = asyncio.Event()
        self._store = store
        self._server = server
        self._now_ms = now_ms
        self._room_used: int | None = None

    @classmethod
    def configured(
        cls, config: Config, store: Store, now_ms: Callable[[], int], folder: Path | None = None
    ) -> Recordings:
        """Those of a configuration; with `folder` in another folder, which Asterisk sees by the same path."""
        settings = config.recordings
        return cls(
            store,
            configured_folder(config) if folder is None else RecordingFolder(folder),
            RecordingSettings(
                settings.keep_days,
                None if settings.max_mb is None else settings.max_mb * MEBIBYTE,
                settings.min_free_mb * MEBIBYTE,
            ),
            config.charging.server,
            now_ms,
        )

    async def begin(self, origin: Origin, wanted: Wanted) -> str:
        """Make room for a recording; returns its ID. Raises `RecordingFailed` where there is none."""
        await asyncio.to_thread(self.folder.prepare)
        await self._check_room(wanted.longest_ms * BYTES_PER_MS)
        recording_id, now_ms = new_recording_id(), self._now_ms()
        days = self.settings.keep_days if wanted.keep_days is None else wanted.keep_days
        row = {
            "id": recording_id,
            "call_id": origin.call_id,
            "server": self._server,
            "status": RECORDING,
            "started_ms": now_ms,
            "until_ms": now_ms + wanted.longest_ms + GRACE_MS,
            "bytes": 0,
            "did": origin.did,
            "cli": origin.cli,
            "customer_id": origin.customer_id,
            "app": origin.app,
            "slot": origin.slot,
            "levelled": not wanted.levelled,
            "least_ms": wanted.least_ms,
            "expires_ms": None if days is None else now_ms + days * DAY_MS,
        }
        try:
            async with self._store.writing() as connection:
                await connection.execute(recordings.insert().values(**row))
        except StoreGone as error:
            raise RecordingFailed(f"nothing can be promised of it: {error}") from error
        return recording_id

    async def take_in(self, recording_id: str, longest_ms: int) -> TakenIn:
        """Take in what Asterisk wrote: from now on it is kept. Raises `RecordingFailed`."""
        most_bytes = (longest_ms + SLACK_MS) * BYTES_PER_MS
        content = await asyncio.to_thread(self.folder.take_in, recording_id, most_bytes)
        taken = await asyncio.to_thread(_measured, content)
        change = (
            update(recordings)
            .where(recordings.c.id == recording_id, recordings.c.status == RECORDING)
            .values(status=KEPT, length_ms=taken.length_ms, bytes=len(content))
        )
        try:
            async with self._store.writing() as connection:
                await connection.execute(change)
        except StoreGone as error:
            raise RecordingFailed(f"it is taken in once the database is there again: {error}") from error
        self._room_used = None if self._room_used is None else self._room_used + len(content)
        self.changed.set()
        return taken

    async def discard(self, recording_id: str) -> None:
        """Delete a recording that nobody wants. Raises `RecordingFailed`; then the upkeep deletes it."""
        try:
            async with self._store.writing() as connection:
                await connection.execute(
                    update(recordings).where(recordings.c.id == recording_id).values(status=DELETING)
                )
            await asyncio.to_thread(self.folder.remove, recording_id)
            async with self._store.writing() as connection:
                await connection.execute(recordings.delete().where(recordings.c.id == recording_id))
        except (StoreGone, OSError) as error:
            self.changed.set()
            raise RecordingFailed(f"it is deleted later: {error}") from error
        self._room_used = None

    async def forget_call(self, call_id: str) -> None:
        """Delete the rows of a call whose files are gone with their folder. Raises `StoreGone`."""
        async with self._store.writing() as connection:
            await connection.execute(recordings.delete().where(recordings.c.call_id == call_id))

    async def _check_room(self, bytes_: int) -> None:
        """Raise `RecordingFailed` where so many bytes more would be too many."""
        free = await asyncio.to_thread(self.folder.free_bytes)
        least = self.settings.min_free_bytes
        if free - bytes_ < least:
            log.error("disk full", folder=str(self.folder.folder), free_mb=free // MEBIBYTE)
            raise RecordingFailed(
                f"the disk is full: `recordings.min_free_mb` keeps {least // MEBIBYTE} MiB of it free"
            )
        most = self.settings.max_bytes
        if most is None:
            return
        if self._room_used is None:
            self._room_used = await self._sum_bytes()
        if self._room_used + bytes_ > most:
            log.error("quota of recordings used up", used_mb=self._room_used // MEBIBYTE)
            raise RecordingFailed(
                f"recordings take all that `recordings.max_mb` allows them, {most // MEBIBYTE} MiB"
            )

    async def _sum_bytes(self) -> int:
        query = select(func.coalesce(func.sum(recordings.c.bytes), 0)).where(
            recordings.c.server == self._server
        )
        try:
            async with self._store.reading() as connection:
                return int((await connection.execute(query)).scalar_one())
        except StoreGone as error:
            raise RecordingFailed(f"nothing can be promised of it: {error}") from error

    def forget_room(self) -> None:
        """Count anew how much room they take: some were deleted."""
        self._room_used = None


def _measured(content: bytes) -> TakenIn:
    # Loads what converts sounds, which a call needs for nothing else.
    from ringflow.recordings import content as content_of

    return TakenIn(content_of.length_ms(content), content_of.spoken_ms(content))
