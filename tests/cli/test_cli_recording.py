"""`ringflow recording` as an operator uses it."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from ringflow.config import load_config
from ringflow.recordings.service import Origin, Recordings, Wanted
from ringflow.store import Store

Run = Callable[..., Any]
CLI = "441910000001"
BEGAN_MS = 4_086_568_800_000


@pytest.fixture
def made(ringflow: Run) -> list[str]:
    """Two recordings of one call and one of another, of so many seconds."""

    async def make() -> list[str]:
        store = await Store.open("sqlite:///.ringflow/ringflow.db")
        service = Recordings.configured(load_config(), store, lambda: BEGAN_MS)
        ids = []
        for call, cli, seconds in (
            ("call1", "441910000001", 1),
            ("call1", "441910000001", 2),
            ("call2", None, 3),
        ):
            origin = Origin(call, "18005550100", cli, 42 if cli else None, "voice", "record[1]")
            ids.append(await service.begin(origin, Wanted(10_000, 0, None, levelled=False)))
            service.folder.incoming(ids[-1]).write_bytes(b"\x20" * 8000 * seconds)
            await service.take_in(ids[-1], 10_000)
        await store.close()
        return ids

    return asyncio.run(make())


def files() -> list[str]:
    return sorted(path.stem for path in Path(".ringflow/recordings").glob("*.ulaw"))


def test_recordings_are_listed_and_shown_with_when_they_will_be_deleted(
    ringflow: Run, made: list[str]
) -> None:
    assert {one["id"] for one in ringflow("recording", "list", "--json").json["items"]} == set(made)
    by_number = ringflow("recording", "list", "--cli", "+44 191 000 0001", "--json").json["items"]
    assert {one["id"] for one in by_number} == set(made[:2])
    assert [
        one["id"] for one in ringflow("recording", "list", "--call", "call2", "--json").json["items"]
    ] == [made[2]]
    shown = ringflow("recording", "show", made[1], "--json").json
    assert (shown["duration_s"], shown["bytes"], shown["customer"], shown["status"]) == (
        2.0,
        16_000,
        42,
        "kept",
    )
    assert (shown["recorded_at"], shown["expires_at"]) == ("2099-07-01T06:00:00Z", "2099-07-31T06:00:00Z")


def test_one_is_written_to_a_sound_file_that_only_its_owner_reads(ringflow: Run, made: list[str]) -> None:
    ran = ringflow("recording", "export", made[2], "--out", "message.wav", "--json")
    assert ran.json == {"id": made[2], "file": "message.wav", "duration_s": 3.0}
    assert soundfile.info("message.wav").duration == 3.0
    assert stat.S_IMODE(Path("message.wav").stat().st_mode) == 0o600
    again = ringflow("recording", "export", made[2], "--out", "message.wav")
    assert (again.code, "exists already" in again.err) == (1, True)
    assert ringflow("recording", "export", made[2], "--out", "message.wav", "--overwrite").code == 0
    assert "call it message.mp3.wav" in ringflow("recording", "export", made[2], "--out", "message.mp3").err
    noted = ringflow("audit", "list", "--json").json["items"]
    assert [one["verb"] for one in noted] == ["export", "export"]


def test_deleting_removes_the_files_at_once(ringflow: Run, made: list[str]) -> None:
    assert ringflow("recording", "delete", made[2]).out == "deleted: 1 recording\n"
    assert files() == sorted(made[:2])
    assert ringflow("recording", "delete", "--call", "call1").out == "deleted: 2 recordings\n"
    assert files() == []
    with sqlite3.connect(".ringflow/ringflow.db") as connection:
        assert connection.execute("SELECT count(*) FROM recordings").fetchone() == (0,)
    unknown = ringflow("recording", "delete", made[0])
    assert unknown.err == (
        f"ringflow: recording {made[0]} does not exist; `ringflow recording list` shows those that do\n"
    )
    assert "name one recording, or a call by --call" in ringflow("recording", "delete").err


def test_a_recording_of_another_server_is_hidden_here_and_deleted_there(
    ringflow: Run, made: list[str]
) -> None:
    there = {"RINGFLOW_CHARGING__SERVER": "elsewhere"}
    assert ringflow("recording", "delete", made[0], **there).code == 0
    assert len(files()) == 3
    assert ringflow("recording", "show", made[0]).code == 1
    assert ringflow("recording", "delete", "--call", "nothing").code == 0
    assert len(files()) == 2


def test_an_archive_has_the_recordings_where_that_is_asked_for(ringflow: Run, made: list[str]) -> None:
    assert ringflow("backup", "without.zip", "--no-verify").code == 0
    assert ringflow("backup", "with.zip", "--no-verify", "--recordings").code == 0
    found = {}
    for name in ("without.zip", "with.zip"):
        with zipfile.ZipFile(name) as archive:
            found[name] = sorted(Path(one).stem for one in archive.namelist() if one.endswith(".ulaw"))
    assert found == {"without.zip": [], "with.zip": sorted(made)}
    assert ringflow("restore", "with.zip", "--folder", "restored").code == 0
    kept = sorted(Path("restored/.ringflow/recordings").glob("*.ulaw"))
    assert [path.stem for path in kept] == sorted(made)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
