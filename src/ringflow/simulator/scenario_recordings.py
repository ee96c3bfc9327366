"""The recordings of a scenario: where they are made, and what is in them after the call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from ringflow.calls.clock import Clock
from ringflow.config import RecordingsConfig
from ringflow.recordings.folder import RecordingFolder
from ringflow.recordings.recording import KEPT
from ringflow.recordings.service import Recordings, RecordingSettings
from ringflow.store import Store
from ringflow.store.recording_tables import recordings

SERVER = "scenario"
MORE_THAN_ANY_DISK = 2**60


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """What a recording has in it: how long it is, and for how long something is said in it."""

    length_ms: int
    spoken_ms: int


class ScenarioRecordings:
    """`service` is what calls record with: below `folder`, or nowhere with `disk_full`."""

    def __init__(
        self, store: Store, clock: Clock, folder: Path, settings: RecordingsConfig, *, disk_full: bool
    ) -> None:
        self._store = store
        self.service = Recordings(
            store,
            RecordingFolder(folder),
            RecordingSettings(settings.keep_days, None, MORE_THAN_ANY_DISK if disk_full else 0),
            SERVER,
            lambda: round(clock.now_s() * 1000),
        )

    async def of_call(self, call_id: str) -> tuple[RecordedSound, ...]:
        """The recordings of a call that are kept, in the order in which they were made."""
        # Loads what converts sounds.
        from ringflow.recordings.content import length_ms, spoken_ms

        columns = recordings.c
        query = (
            select(columns.id)
            .where(columns.call_id == call_id, columns.status == KEPT)
            .order_by(columns.started_ms)
        )
        async with self._store.reading() as connection:
            kept = list((await connection.execute(query)).scalars())
        contents = [self.service.folder.read(one) for one in kept]
        return tuple(RecordedSound(length_ms(one), spoken_ms(one)) for one in contents)
