"""A service of recordings on each database, whose Asterisk is this test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringflow.recordings.folder import RecordingFolder
from ringflow.recordings.service import Origin, Recordings, RecordingSettings, Wanted
from ringflow.recordings.upkeep import RecordingUpkeep
from ringflow.sounds.codecs import encode
from ringflow.sounds.forms import ULAW
from ringflow.store import Store

SERVER = "here"
DAY_MS = 86_400_000
ORIGIN = Origin("call1", "18005550100", "441910000001", 42, "voice", "record[1]")
WANTED = Wanted(longest_ms=10_000, least_ms=1000, keep_days=None, levelled=True)


def tone(seconds: float, amplitude: float = 0.1) -> bytes:
    """A tone as Asterisk writes it."""
    at = np.arange(round(seconds * 8000)) / 8000
    return encode(amplitude * np.sin(2 * np.pi * 500 * at), ULAW)


@dataclass
class Desk:
    """The service, its upkeep and its clock. `now_ms` is set by tests."""

    store: Store
    folder: RecordingFolder
    now_ms: int = 1_800_000_000_000
    settings: RecordingSettings = RecordingSettings(30, None, 0)  # noqa: RUF009 -- it is frozen
    server: str = SERVER

    def __post_init__(self) -> None:
        self.service = Recordings(self.store, self.folder, self.settings, self.server, lambda: self.now_ms)
        self.upkeep = RecordingUpkeep(self.store, self.service, self.server, lambda: self.now_ms)

    def again(self, **settings: Any) -> Desk:
        """The same after another start, with other settings."""
        return replace(self, settings=replace(self.settings, **settings))

    async def begun(self, wanted: Wanted = WANTED) -> str:
        """A recording that Asterisk has been told to make."""
        return await self.service.begin(ORIGIN, wanted)

    async def kept(self, content: bytes, wanted: Wanted = WANTED) -> str:
        """A recording that is kept."""
        recording_id = await self.begun(wanted)
        self.folder.incoming(recording_id).write_bytes(content)
        await self.service.take_in(recording_id, wanted.longest_ms)
        return recording_id


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, RecordingFolder(tmp_path / "recordings"))
