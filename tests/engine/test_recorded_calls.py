"""Recordings that cannot be made or played: the slot fails, the record says why, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from ringflow.flows.slot import Slot
from ringflow.flows.template import Template
from ringflow.flows.variable_prompt import VariablePrompt
from ringflow.recordings.folder import RecordingFolder
from ringflow.recordings.service import Recordings, RecordingSettings
from ringflow.recordings.upkeep import RecordingUpkeep
from ringflow.simulator.caller import CallerStep, HangsUp, Hears, Keys, Speaks
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.audio import Audio
from ringflow.slots.ivr import Ivr
from ringflow.slots.record import Record
from ringflow.store.recording_tables import recordings

from .conftest import Configure, Place

if TYPE_CHECKING:
    from ringflow.calls.call import Call

RECORD = Record(slot="record", beep=False, silence=0, longest=1.0, shortest=0.5, result="message")
PLAY = Audio(slot="audio", file=VariablePrompt(Template.parse("${message}")))
SPEAKS: tuple[CallerStep, ...] = (Speaks(1000),)


class Sets(Slot):
    """Puts a text into a variable, as a script or a request could."""

    text: str

    async def run(self, call: Call) -> str:
        call.variables.store("message", self.text)
        return "done"


def in_folder(place: Place, folder: Path, asterisk_folder: Path | None = None) -> Place:
    """The place with recordings in a folder, which Asterisk sees elsewhere if that is said."""
    seen = folder if asterisk_folder is None else asterisk_folder
    service = Recordings(
        place.store,
        RecordingFolder(folder, str(seen)),
        RecordingSettings(30, None, 0),
        "here",
        lambda: round(place.clock.now_s() * 1000),
    )
    return replace(place, recordings=service, recordings_folder=seen)


def lines(call: CarriedCall) -> list[str]:
    return [f"{one.event} {one.detail}".strip() for one in call.record.transcript]


async def statuses(place: Place) -> list[str]:
    async with place.store.reading() as connection:
        return list((await connection.execute(select(recordings.c.status))).scalars())


async def test_where_nothing_is_recorded_the_slot_fails_before_the_caller_speaks(
    configured: Configure,
) -> None:
    place = await configured()
    called = await place.call(RECORD)
    assert called.record.outcome == "failed"
    assert "not_recorded nothing is recorded here" in lines(called)


async def test_a_file_that_comes_elsewhere_fails_and_its_row_goes(
    configured: Configure, tmp_path: Path
) -> None:
    place = in_folder(await configured(), tmp_path / "here", tmp_path / "there")
    (tmp_path / "there" / "incoming").mkdir(parents=True)
    called = await place.call(RECORD, steps=SPEAKS)
    assert called.record.outcome == "failed"
    (why,) = [line for line in lines(called) if line.startswith("not_recorded")]
    assert f"Asterisk wrote no file to {tmp_path}/there/incoming" in why
    assert await statuses(place) == ["recording"]
    assert place.recordings is not None
    later_ms = round(place.clock.now_s() * 1000) + 100_000
    assert (
        await RecordingUpkeep(place.store, place.recordings, "here", lambda: later_ms).look()
    ).deleted == 1


async def test_a_folder_that_asterisk_cannot_write_to_fails_and_the_call_goes_on(
    configured: Configure, tmp_path: Path
) -> None:
    place = in_folder(await configured(), tmp_path / "here", tmp_path / "nowhere")
    goes_on = Record(**RECORD.model_dump(exclude={"on"}), on={"failed": "next"})
    called = await place.call(goes_on, Audio(slot="audio", file="MISC/goodbye"))
    assert called.record.outcome == "completed"
    assert f"not_recorded Asterisk cannot write to {tmp_path}/nowhere/incoming (writefile)" in lines(called)
    assert called.prompts == ("MISC/goodbye",)
    assert await statuses(place) == []


async def test_a_caller_who_hung_up_where_no_file_came_has_hung_up(
    configured: Configure, tmp_path: Path
) -> None:
    place = in_folder(await configured(), tmp_path / "here", tmp_path / "there")
    (tmp_path / "there" / "incoming").mkdir(parents=True)
    called = await place.call(RECORD, steps=(Speaks(700), HangsUp()))
    assert called.record.outcome == "abandoned"
    assert any(line.startswith("not_recorded Asterisk wrote no file") for line in lines(called))
    assert await statuses(place) == ["recording"]


@pytest.mark.parametrize(
    "hostile",
    [
        "recording:" + "0" * 32,
        "recording:../../../etc/passwd",
        "recording:" + "0" * 31 + "/",
        "../../etc/passwd",
        "/etc/passwd",
        "IVR/../../x",
        "IVR/welcome\nSTREAM FILE x",
        "",
        "x" * 200,
    ],
)
async def test_a_text_that_names_no_sound_of_ours_is_not_played(
    configured: Configure, tmp_path: Path, hostile: str
) -> None:
    place = in_folder(await configured(), tmp_path / "recordings")
    called = await place.call(Sets(slot="sets", text=hostile), PLAY)
    assert called.record.outcome == "failed"
    assert any(line.startswith("prompt_missing") for line in lines(called))
    streamed = [line for line in called.wire if "STREAM FILE" in line]
    # The one of the right form is looked for in the folder of recordings, and is not there.
    assert len(streamed) == (hostile == "recording:" + "0" * 32)
    assert all(f'"{tmp_path}/recordings/' in line or f" {tmp_path}/recordings/" in line for line in streamed)


async def test_a_recording_is_played_in_another_call_and_no_longer_once_it_is_deleted(
    configured: Configure, tmp_path: Path
) -> None:
    place = in_folder(await configured(), tmp_path / "recordings")
    whole = Record(**RECORD.model_dump(exclude={"shortest"}), shortest=1.0)
    made = await place.call(whole, PLAY, steps=SPEAKS)
    assert made.prompts == ("recording",)
    reference = str(made.record.variables["message"])
    again = await place.call(Sets(slot="sets", text=reference), PLAY)
    assert again.prompts == ("recording",)
    assert place.recordings is not None
    await place.recordings.discard(reference.removeprefix("recording:"))
    gone = await place.call(Sets(slot="sets", text=reference), PLAY)
    assert (gone.record.outcome, gone.prompts) == ("failed", ())
    told = [line for call in (made, again, gone) for line in lines(call)]
    assert all(reference.removeprefix("recording:") not in line for line in told)


async def test_a_key_that_begins_a_pin_before_it_is_asked_for_stands_in_no_record(place: Place) -> None:
    asks = Ivr(slot="ivr", file="IVR/pin", max=4, attempts=1, secret=True, result="pin")
    steps = (Hears("IVR/welcome", 100), Keys("7391"))
    called = await place.call(Audio(slot="audio", file="IVR/welcome", barge_in=True), asks, steps=steps)
    assert called.record.outcome == "completed"
    assert [line for line in lines(called) if line.startswith("keys")] == ["keys **** (maximum)"]
    assert called.prompts == ("IVR/welcome",)
