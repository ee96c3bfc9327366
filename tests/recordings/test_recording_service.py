"""Recordings from before their first sound to after their last copy: kept, refused, recovered, deleted."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ringflow.actor import Principal, PrincipalKind, acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Conflict, Forbidden, Unknown
from ringflow.recordings.content import as_wav, length_ms, level, spoken_ms
from ringflow.recordings.folder import RecordingFailed
from ringflow.recordings.recording import (
    RecordingFilter,
    mark_deleted,
    recording_page,
    show_recording,
    take_out,
)
from ringflow.recordings.service import MEBIBYTE
from ringflow.recordings.upkeep import Looked, RecordingUpkeep
from ringflow.rights import BUILT_IN_ROLES, Right
from ringflow.sounds.codecs import decode
from ringflow.sounds.forms import ULAW
from ringflow.sounds.levels import PEAK_DBFS, TARGET_DBFS, peak_dbfs, speech_dbfs
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.recording_tables import recordings

from .conftest import DAY_MS, ORIGIN, SERVER, WANTED, Desk, tone

SILENCE = b"\xff" * 8000


async def rows(store: Store) -> int:
    async with store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(recordings))).scalar_one())


async def test_a_recording_has_its_row_before_asterisk_writes_and_its_figures_after(desk: Desk) -> None:
    one = await desk.begun()
    async with desk.store.reading() as connection:
        begun = await show_recording(connection, one)
    assert (begun.status, begun.length_ms, begun.bytes) == ("recording", None, 0)
    desk.folder.incoming(one).write_bytes(tone(1.5) + SILENCE)
    taken = await desk.service.take_in(one, WANTED.longest_ms)
    assert (taken.length_ms, taken.spoken_ms) == (2500, 1500)
    async with desk.store.reading() as connection:
        kept = await show_recording(connection, one)
    assert (kept.status, kept.length_ms, kept.bytes, kept.levelled) == ("kept", 2500, 20_000, False)
    assert (kept.call_id, kept.cli, kept.customer_id, kept.app) == ("call1", "441910000001", 42, "voice")
    assert kept.expires_ms == desk.now_ms + 30 * DAY_MS


async def test_a_full_disk_and_a_used_up_quota_refuse_before_anything_is_written(desk: Desk) -> None:
    full = desk.again(min_free_bytes=2**60)
    with pytest.raises(RecordingFailed, match=r"the disk is full: `recordings.min_free_mb`"):
        await full.begun()
    small = desk.again(max_bytes=MEBIBYTE)
    long = replace(WANTED, longest_ms=100_000)
    kept = await small.kept(b"\x20" * 800_000, long)
    with pytest.raises(RecordingFailed, match=r"`recordings.max_mb` allows them, 1 MiB"):
        await small.begun(long)
    await small.service.discard(kept)
    await small.begun(long)
    assert await rows(desk.store) == 1


async def test_a_folder_that_cannot_be_made_refuses(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file")
    with pytest.raises(RecordingFailed, match="cannot be made"):
        await desk.begun()
    assert await rows(desk.store) == 0


async def test_what_is_thrown_away_leaves_neither_file_nor_row(desk: Desk) -> None:
    one = await desk.kept(tone(2))
    await desk.service.discard(one)
    assert not desk.folder.has(one)
    assert await rows(desk.store) == 0


async def test_it_is_deleted_when_its_time_is_over_and_not_before(desk: Desk) -> None:
    short = await desk.kept(tone(2), replace(WANTED, keep_days=2))
    usual = await desk.kept(tone(2))
    ever = await desk.again(keep_days=None).kept(tone(2))
    assert (await desk.upkeep.look()).deleted == 0
    desk.now_ms += 2 * DAY_MS
    assert (await desk.upkeep.look()).deleted == 1
    assert [desk.folder.has(one) for one in (short, usual, ever)] == [False, True, True]
    desk.now_ms += 28 * DAY_MS
    assert (await desk.upkeep.look()).deleted == 1
    assert [desk.folder.has(one) for one in (usual, ever)] == [False, True]
    assert await rows(desk.store) == 1


async def test_a_file_that_cannot_be_deleted_is_tried_again(desk: Desk) -> None:
    one = await desk.kept(tone(2))
    desk.now_ms += 31 * DAY_MS
    path = desk.folder.path(one)
    path.unlink()
    path.mkdir()
    assert (await desk.upkeep.look()).deleted == 0
    assert await rows(desk.store) == 1
    path.rmdir()
    assert (await desk.upkeep.look()).deleted == 1


async def test_a_crash_between_file_and_row_is_finished_by_the_next_look(desk: Desk) -> None:
    one = await desk.kept(tone(2))
    desk.now_ms += 31 * DAY_MS
    desk.folder.remove(one)
    assert (await desk.upkeep.look()).deleted == 1
    assert await rows(desk.store) == 0


async def test_what_a_dead_server_was_recording_is_kept_if_it_is_long_enough(desk: Desk) -> None:
    long, short, silent, never = [await desk.begun() for _ in range(4)]
    for one, content in ((long, tone(2)), (short, tone(0.5)), (silent, SILENCE * 3)):
        desk.folder.incoming(one).write_bytes(content)
    desk = desk.again()
    assert await desk.upkeep.look() == Looked()
    desk.now_ms += 10_000 + 60_000 + 1
    looked = await desk.upkeep.look()
    assert (looked.recovered, looked.deleted, looked.levelled) == (1, 3, 1)
    assert [desk.folder.has(one) for one in (long, short, silent, never)] == [True, False, False, False]
    async with desk.store.reading() as connection:
        assert (await show_recording(connection, long)).length_ms == 2000


async def test_what_cannot_be_taken_in_is_not_tried_for_ever(desk: Desk) -> None:
    one = await desk.begun()
    desk.folder.incoming(one).mkdir()
    desk.now_ms += 100_000
    assert await desk.upkeep.look() == Looked()
    assert await rows(desk.store) == 1
    desk.folder.incoming(one).rmdir()
    desk.folder.incoming(one).write_bytes(b"x" * 10_000_000)
    desk.now_ms += DAY_MS
    assert (await desk.upkeep.look()).deleted == 1
    assert not desk.folder.has(one)


async def test_files_without_a_row_go_when_they_are_older_than_is_kept(desk: Desk) -> None:
    known = await desk.again(keep_days=None).kept(tone(2))
    stray, young = "0" * 32, "1" * 32
    other = desk.folder.folder / "notes.txt"
    for path in (desk.folder.path(stray), desk.folder.path(young), other):
        path.write_bytes(tone(1))
    _set_age(desk, desk.folder.path(stray), 31)
    _set_age(desk, desk.folder.path(known), 31)
    _set_age(desk, other, 31)
    _set_age(desk, desk.folder.path(young), 29)
    assert (await desk.upkeep.look()).deleted == 1
    assert [desk.folder.has(one) for one in (stray, young, known)] == [False, True, True]
    assert other.exists()


def _set_age(desk: Desk, path: Path, days: int) -> None:
    at_s = desk.now_ms / 1000 - days * 86_400
    os.utime(path, (at_s, at_s))


async def test_a_server_looks_after_its_own_recordings_only(desk: Desk, tmp_path: Path) -> None:
    one = await desk.kept(tone(2))
    other = replace(desk, server="there")
    other.now_ms += 31 * DAY_MS
    assert await other.upkeep.look() == Looked()
    assert desk.folder.has(one)


async def test_new_recordings_are_brought_to_the_level_of_a_prompt_once(desk: Desk) -> None:
    quiet = await desk.kept(tone(2, 0.02) + SILENCE)
    as_it_is = await desk.kept(tone(2, 0.02), replace(WANTED, levelled=False))
    assert (await desk.upkeep.look()).levelled == 1
    found = decode(desk.folder.read(quiet), ULAW)
    assert speech_dbfs(found, 8000) == pytest.approx(TARGET_DBFS, abs=0.5)
    assert length_ms(desk.folder.read(quiet)) == 3000
    assert spoken_ms(desk.folder.read(quiet)) == 2000
    assert desk.folder.read(as_it_is) == tone(2, 0.02)
    assert await desk.upkeep.look() == Looked()


def test_a_level_has_bounds() -> None:
    assert level(SILENCE) is None
    assert level(tone(1, 0.1414)) is None
    faint = level(tone(1, 0.004))
    assert faint is not None
    # Twenty decibels, not the thirty that it lacks.
    assert speech_dbfs(decode(faint, ULAW), 8000) == pytest.approx(-51 + 20, abs=1)
    loud = level(tone(1, 0.9))
    assert loud is not None
    assert peak_dbfs(decode(loud, ULAW)) <= PEAK_DBFS


def test_it_is_taken_out_as_a_sound_file_of_its_length() -> None:
    wav = as_wav(tone(1.5))
    assert wav[:4] == b"RIFF"
    assert len(wav) == 44 + 2 * 12_000


async def test_taking_one_out_needs_the_right_and_is_on_record(desk: Desk) -> None:
    one = await desk.kept(tone(2))
    viewer = Principal(PrincipalKind.OPERATOR, "vera", BUILT_IN_ROLES["viewer"])
    async with acting(desk.store, viewer, "US") as actor:
        with pytest.raises(Forbidden, match=r"vera does not have the right recordings.listen"):
            await take_out(actor, one, desk.folder, "message.wav")
        with pytest.raises(Forbidden, match=r"recordings.delete"):
            await mark_deleted(actor, recording_id=one)
    operator = Principal(PrincipalKind.OPERATOR, "sam", BUILT_IN_ROLES["operator"])
    async with acting(desk.store, operator, "US") as actor:
        assert await take_out(actor, one, desk.folder, "message.wav") == desk.folder.read(one)
    async with desk.store.reading() as connection:
        (entry,) = (await entry_page(connection, EntryFilter(), PageRequest(10))).items
    assert (entry.operator, entry.verb, entry.subject) == ("sam", "export", f"recording {one}")
    assert entry.after == {"file": "message.wav"}


def test_who_may_hear_recordings() -> None:
    hear = {name for name, rights in BUILT_IN_ROLES.items() if Right.RECORDINGS_LISTEN in rights}
    delete = {name for name, rights in BUILT_IN_ROLES.items() if Right.RECORDINGS_DELETE in rights}
    assert (hear, delete) == ({"admin", "operator"}, {"admin", "operator"})


async def test_one_that_is_made_or_whose_file_is_elsewhere_cannot_be_taken_out(desk: Desk) -> None:
    made, gone = await desk.begun(), await desk.kept(tone(2))
    desk.folder.path(gone).unlink()
    async with acting(desk.store, shell_operator("ann"), "US") as actor:
        with pytest.raises(Conflict, match="is being made"):
            await take_out(actor, made, desk.folder, "a.wav")
        with pytest.raises(Conflict, match="server here made it"):
            await take_out(actor, gone, desk.folder, "a.wav")
        with pytest.raises(Unknown, match="does not exist"):
            await take_out(actor, "../../etc/passwd", desk.folder, "a.wav")


async def test_deleting_one_or_those_of_a_call_hides_them_at_once_and_then_the_files(
    desk: Desk,
) -> None:
    one, two = await desk.kept(tone(2)), await desk.kept(tone(3))
    async with acting(desk.store, shell_operator("ann"), "US") as actor:
        assert [gone.id for gone in await mark_deleted(actor, recording_id=one)] == [one]
    async with desk.store.reading() as connection:
        with pytest.raises(Unknown):
            await show_recording(connection, one)
        page = await recording_page(connection, RecordingFilter(), PageRequest(10))
    assert [found.id for found in page.items] == [two]
    async with acting(desk.store, shell_operator("ann"), "US") as actor:
        assert [gone.id for gone in await mark_deleted(actor, call=ORIGIN.call_id)] == [two]
        assert await mark_deleted(actor, call="another") == []
    assert (await desk.upkeep.look()).deleted == 2
    assert list(desk.folder.files()) == []
    async with desk.store.reading() as connection:
        entries = (await entry_page(connection, EntryFilter(), PageRequest(10))).items
    assert [(entry.verb, entry.after) for entry in entries] == [("delete", None), ("delete", None)]


async def test_the_upkeep_goes_on_after_an_error_and_begins_when_a_call_has_recorded(desk: Desk) -> None:
    one = await desk.kept(tone(2, 0.02))
    levels = []

    class Broken(RecordingUpkeep):
        async def look(self) -> Looked:
            levels.append(spoken_ms(desk.folder.read(one)))
            if len(levels) == 1:
                desk.service.changed.set()
                raise RuntimeError("a bug")
            return await super().look()

    upkeep = Broken(desk.store, desk.service, SERVER, lambda: desk.now_ms)
    task = asyncio.create_task(upkeep.run(every_s=3600))
    while True:
        async with desk.store.reading() as connection:
            if (await show_recording(connection, one)).levelled:
                break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(levels) == 2


async def test_one_that_is_deleted_while_it_is_levelled_does_not_come_back(desk: Desk) -> None:
    one = await desk.kept(tone(2, 0.02))
    loop = asyncio.get_running_loop()

    class Late(RecordingUpkeep):
        def _level_file(self, recording_id: str) -> None:
            asyncio.run_coroutine_threadsafe(desk.service.discard(recording_id), loop).result()
            desk.folder.path(recording_id).write_bytes(b"levelled too late")

    assert (await Late(desk.store, desk.service, SERVER, lambda: desk.now_ms).look()).levelled == 0
    assert not desk.folder.has(one)
