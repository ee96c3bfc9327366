"""What is done about recordings beside the calls: delete what is due, take in what was lost, level the rest.

Each of these is done again until it is done, so a crash in the middle of one loses nothing and keeps nothing
too long: a file is deleted first and its row last, and a file that a call did not take in is taken in here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select, update

from ringflow.recordings.folder import RecordingFailed, RecordingFolder
from ringflow.recordings.recording import DELETING, KEPT, RECORDING, mark
from ringflow.recordings.service import DAY_MS, Recordings
from ringflow.store import Store, StoreGone
from ringflow.store.recording_tables import recordings

log = structlog.get_logger("ringflow.recordings")

EVERY_S = 60.0
AT_ONCE = 100
STRAY_S = 86_400.0
"""How old a file without a row must be, at least, before it counts as one that nobody will ask for."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did: how many recordings were deleted, taken in after a crash, and levelled."""

    deleted: int = 0
    recovered: int = 0
    levelled: int = 0


class RecordingUpkeep:
    """Looks after the recordings of this server: those of others have their files on other machines."""

    def __init__(self, store: Store, service: Recordings, server: str, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._service = service
        self._folder: RecordingFolder = service.folder
        self._server = server
        self._now_ms = now_ms

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look after them until cancelled, from time to time and when a call has made one."""
        changed = self._service.changed
        while True:
            changed.clear()
            try:
                looked = await self.look()
                if looked != Looked():
                    log.info(
                        "recordings looked after",
                        deleted=looked.deleted,
                        recovered=looked.recovered,
                        levelled=looked.levelled,
                    )
            except (StoreGone, RecordingFailed, OSError) as error:
                log.warning("recordings not looked after", detail=str(error))
            except Exception:
                # Boundary: our own bug must not end the retention of everything else.
                log.exception("looking after recordings failed")
            try:
                async with asyncio.timeout(every_s):
                    await changed.wait()
            except TimeoutError:
                continue

    async def look(self) -> Looked:
        """Do all that is due once. Raises `StoreGone`."""
        recovered = await self._recover()
        deleted = await self.delete_due() + await self._delete_strays()
        levelled = await self._level()
        if deleted:
            self._service.forget_room()
        return Looked(deleted, recovered, levelled)

    async def _recover(self) -> int:
        """Take in the recordings that a server that died, or a full disk, left behind."""
        columns = recordings.c
        query = (
            select(columns.id, columns.started_ms, columns.until_ms, columns.least_ms)
            .where(
                columns.server == self._server,
                columns.status == RECORDING,
                columns.until_ms < self._now_ms(),
            )
            .limit(AT_ONCE)
        )
        async with self._store.reading() as connection:
            lost = list(await connection.execute(query))
        recovered = 0
        for recording_id, started_ms, until_ms, least_ms in lost:
            if not await asyncio.to_thread(self._folder.has, recording_id):
                # Asterisk never began.
                await self._mark(recording_id)
                continue
            try:
                taken = await self._service.take_in(recording_id, until_ms - started_ms)
            except RecordingFailed as error:
                log.warning("recording not taken in", recording=recording_id, detail=str(error))
                if until_ms < self._now_ms() - DAY_MS:
                    # What is there is no recording, and would be tried for ever.
                    await self._mark(recording_id)
                continue
            if taken.length_ms < least_ms or not taken.spoken_ms:
                await self._mark(recording_id)
            else:
                recovered += 1
        return recovered

    async def delete_due(self) -> int:
        """Delete those whose time is over, and those that somebody deleted. Raises `StoreGone`.

        Returns how many.
        """
        columns, deleted = recordings.c, 0
        due = or_(columns.status == DELETING, columns.expires_ms <= self._now_ms())
        query = select(columns.id).where(columns.server == self._server, due).limit(AT_ONCE)
        while True:
            async with self._store.reading() as connection:
                found = list((await connection.execute(query)).scalars())
            gone = [one for one in found if await self._removed(one)]
            if gone:
                async with self._store.writing() as connection:
                    await connection.execute(recordings.delete().where(columns.id.in_(gone)))
            deleted += len(gone)
            # Those whose files stay are tried again at the next look, and not for ever in this one.
            if len(found) < AT_ONCE or len(gone) < len(found):
                return deleted

    async def _removed(self, recording_id: str) -> bool:
        try:
            await asyncio.to_thread(self._folder.remove, recording_id)
        except OSError as error:
            log.error("recording not deleted", recording=recording_id, detail=str(error))
            return False
        return True

    async def _delete_strays(self) -> int:
        """Delete files without a row, such as a restored database has, when they are older than is kept."""
        keep_days = self._service.settings.keep_days
        now_s = self._now_ms() / 1000
        await asyncio.to_thread(self._folder.remove_parts, now_s - STRAY_S)
        if keep_days is None:
            return 0
        before_s = now_s - max(STRAY_S, keep_days * DAY_MS / 1000)
        old = await asyncio.to_thread(lambda: [one for one, at_s in self._folder.files() if at_s < before_s])
        deleted = 0
        for at in range(0, len(old), AT_ONCE):
            some = old[at : at + AT_ONCE]
            async with self._store.reading() as connection:
                query = select(recordings.c.id).where(recordings.c.id.in_(some))
                known = set((await connection.execute(query)).scalars())
            deleted += sum([await self._removed(one) for one in some if one not in known])
        return deleted

    async def _level(self) -> int:
        """Bring those that are new to the level of a prompt."""
        columns, levelled = recordings.c, 0
        query = (
            select(columns.id)
            .where(columns.server == self._server, columns.status == KEPT, columns.levelled.is_(False))
            .order_by(columns.started_ms)
            .limit(AT_ONCE)
        )
        async with self._store.reading() as connection:
            found = list((await connection.execute(query)).scalars())
        for recording_id in found:
            try:
                await asyncio.to_thread(self._level_file, recording_id)
            except OSError as error:
                log.error("recording not levelled", recording=recording_id, detail=str(error))
            change = update(recordings).where(columns.id == recording_id, columns.status == KEPT)
            async with self._store.writing() as connection:
                is_kept = (await connection.execute(change.values(levelled=True))).rowcount
            if not is_kept:
                # Deleted meanwhile, and perhaps before its new content took its place.
                await self._removed(recording_id)
            levelled += is_kept
        return levelled

    def _level_file(self, recording_id: str) -> None:
        # Loads what converts sounds.
        from ringflow.recordings.content import level

        content = level(self._folder.read(recording_id))
        if content is not None:
            self._folder.replace(recording_id, content)

    async def _mark(self, recording_id: str) -> None:
        async with self._store.writing() as connection:
            await mark(connection, recordings.c.id == recording_id)
