"""Before the answer: sound that costs the caller nothing, waits, and the causes by which calls are ended."""

from __future__ import annotations

import pytest

from ringflow.flows.template import Template
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.answer import Answer
from ringflow.slots.audio import Audio
from ringflow.slots.hangup import Hangup
from ringflow.slots.progress import Progress
from ringflow.slots.wait import Wait

from .conftest import Place

AUDIO = Audio(slot="audio", file="MISC/busy")


def commands(called: CarriedCall, command: str) -> list[str]:
    """Those that begin so."""
    return [line for line in called.wire if line.lstrip("> ").replace('"', "").startswith(command)]


async def test_the_way_for_sound_is_opened_once_and_nothing_answers(place: Place) -> None:
    early = Progress(slot="progress", file=("MISC/goodbye", "MISC/busy"))
    called = await place.call(early, early, Hangup(slot="hangup", code=486))
    assert len(commands(called, "EXEC Progress")) == 1
    assert commands(called, "ANSWER") == []
    assert called.sip_code == 486
    assert called.prompts == ("MISC/goodbye", "MISC/busy") * 2


async def test_after_the_answer_no_way_is_opened(place: Place) -> None:
    called = await place.call(Answer(slot="answer"), Progress(slot="progress", file="MISC/goodbye"))
    assert commands(called, "EXEC Progress") == []


@pytest.mark.parametrize(
    ("slots", "sip", "cause"),
    [
        ((Hangup(slot="hangup", cause=3),), 404, 3),
        ((Hangup(slot="hangup", cause=41),), 603, 41),
        ((Hangup(slot="hangup", cause=17, code=480),), 480, 19),
        ((AUDIO, Hangup(slot="hangup", cause=17)), None, 17),
        ((AUDIO, Hangup(slot="hangup", cause=17, code=480)), None, 17),
        ((AUDIO, Hangup(slot="hangup", code=480)), None, 16),
    ],
)
async def test_a_call_ends_with_the_cause_that_its_flow_says(
    place: Place, slots: tuple[Audio | Hangup, ...], sip: int | None, cause: int
) -> None:
    called = await place.call(*slots)
    assert (called.sip_code, called.record.release_cause) == (sip, cause)
    assert called.record.released_by == "ringflow"
    assert called.record.outcome == ("completed" if sip is None else "rejected")


async def test_a_wait_takes_as_long_as_it_says_and_answers_nothing(place: Place) -> None:
    called = await place.call(
        Wait(slot="wait", seconds=Template.parse("12.5")), Hangup(slot="hangup", code=480)
    )
    assert called.record.duration_ms == 12_500
    # In pieces, between which operators' orders are obeyed.
    lengths = [line.rpartition(" ")[2].strip('"') for line in commands(called, "WAIT FOR DIGIT")]
    assert lengths == ["5000", "5000", "2500"]
    assert commands(called, "ANSWER") == []
