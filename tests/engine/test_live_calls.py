"""Calls in progress, found and steered by operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from ringflow.calls.event_stream import Observer
from ringflow.calls.events import CallEvent, PromptPlayed
from ringflow.calls.history import CallHistory
from ringflow.calls.manager import Manager
from ringflow.engine.engine import Engine
from ringflow.engine.live_calls import MAX_SAID, Done, LiveCalls
from ringflow.errors import Refused
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, Keys, ScriptedCaller
from ringflow.simulator.simulated_voice import SimulatedVoice
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call
from ringflow.slots.app import App
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.ivr import Ivr
from ringflow.sounds.utterance import Utterance

from .conftest import CLI, DID, Place

WELCOME = Audio(slot="audio", id="welcome", file="IVR/welcome")
GOODBYE = Audio(slot="audio", id="goodbye", file="IVR/goodbye")
ASK = Ivr(slot="ivr", id="ask", file="IVR/ask", min=1, max=1, attempts=1, result="choice")
DIAL = Destination(slot="destination", id="dial", external="441234567890")
Order = Callable[[LiveCalls], Awaitable[object]]


async def carried(
    place: Place,
    slots: Sequence[Slot],
    order: Order,
    *,
    in_talk_ms: int | None = None,
    at_prompt: str | None = None,
    also: Sequence[Flow] = (),
    steps: Sequence[CallerStep] = (),
    manager: bool = True,
) -> tuple[CarriedCall, list[object]]:
    """One call in which `order` is given in the middle of its talk or of a prompt, or in its slot `order`."""
    answers: list[object] = []
    lives: list[LiveCalls] = []

    async def give() -> None:
        try:
            answers.append(await order(lives[0]))
        except Refused as refused:
            answers.append(str(refused))

    class OrderSlot(Slot):
        """Orders, and then goes on as if nothing had happened."""

        async def run(self, call: object) -> str:
            await give()
            return "done"

    flow = Flow(
        "tested", "", tuple(OrderSlot(slot="order") if one is HERE else one for one in slots), "t", "r1"
    )

    given: list[asyncio.Task[None]] = []

    class OrderAtPrompt:
        observed = (PromptPlayed,)

        def observe(self, event: CallEvent, history: CallHistory) -> None:
            if isinstance(event, PromptPlayed) and event.prompt == at_prompt:
                given.append(asyncio.create_task(give()))

    def make_engine(observers: Sequence[Observer], virtual: Manager) -> Engine:
        engine = place.engine([flow, *also], [*observers, OrderAtPrompt()], virtual if manager else None)
        lives.append(engine.live)
        return engine

    called = await carry_call(
        Arrival(DID, CLI),
        make_engine,
        ScriptedCaller(place.clock, steps),
        place.clock,
        lambda attempt, target: Callee(Behaviour.ANSWER, 1000, 60_000),
        lambda name: 2.0,
        sounds_prefix="/sounds",
        in_talk=[(in_talk_ms, give)] if in_talk_ms is not None else [],
        manager=manager,
    )
    return called, answers


HERE = WELCOME.model_copy(update={"id": "here"})
"""Stands for a slot in which the operator gives the order."""


def lines(called: CarriedCall) -> list[str]:
    return [f"{one.event} {one.detail}".strip() for one in called.record.transcript]


async def test_a_call_that_an_operator_hangs_up_in_its_talk_says_who_did(place: Place) -> None:
    called, answers = await carried(
        place, [DIAL, GOODBYE], lambda live: live.hang_up("c1", "ann"), in_talk_ms=5000, manager=False
    )
    assert answers == [Done.NO_MANAGER]
    assert called.record.released_by == "operator"
    assert (called.record.outcome, called.record.reason) == ("completed", "hung up by operator ann")
    assert "ordered hang_up by ann" in lines(called)
    assert "prompt IVR/goodbye" not in lines(called)


async def test_with_a_manager_interface_a_talk_is_hung_up_at_once(place: Place) -> None:
    called, answers = await carried(
        place, [DIAL, GOODBYE], lambda live: live.hang_up("c1", "ann"), in_talk_ms=5000
    )
    assert answers == [Done.NOW]
    assert [leg.talked_ms for leg in called.record.legs] == [5000]
    assert called.record.released_by == "operator"


async def test_a_leg_that_an_operator_hangs_up_leaves_the_caller_in_the_flow(place: Place) -> None:
    called, answers = await carried(
        place, [DIAL, GOODBYE], lambda live: live.hang_up_leg("c1", "ann"), in_talk_ms=5000
    )
    (leg,) = called.record.legs
    assert answers == [Done.NOW]
    assert (leg.status, leg.talked_ms, leg.released_by) == ("answered", 5000, "operator")
    assert lines(called)[-3:] == ["prompt IVR/goodbye", "exit done", "ended completed"]


async def test_only_the_leg_that_was_under_way_is_hung_up_by_the_operator(place: Place) -> None:
    again = DIAL.model_copy(update={"id": "again"})
    called, _ = await carried(
        place, [DIAL, again], lambda live: live.hang_up_leg("c1", "ann"), in_talk_ms=5000
    )
    assert [(leg.talked_ms, leg.released_by) for leg in called.record.legs] == [
        (5000, "operator"),
        (60_000, "callee"),
    ]


async def test_a_leg_cannot_be_hung_up_where_there_is_none_or_nobody_who_could(place: Place) -> None:
    _, answers = await carried(place, [HERE], lambda live: live.hang_up_leg("c1", "ann"))
    assert answers == ["call c1 has no leg under way"]
    called, answers = await carried(
        place, [DIAL], lambda live: live.hang_up_leg("c1", "ann"), in_talk_ms=5000, manager=False
    )
    assert "without a manager interface" in str(answers[0])
    assert called.record.legs[0].talked_ms == 60_000


async def test_a_call_is_redirected_out_of_its_talk_to_a_slot_of_another_app(place: Place) -> None:
    other = Flow("other", "", (WELCOME, GOODBYE), "other", "r2")
    called, answers = await carried(
        place,
        [DIAL, ASK],
        lambda live: live.redirect("c1", "other", "goodbye", "ann"),
        in_talk_ms=5000,
        also=[other],
    )
    assert answers == [Done.NOW]
    assert called.record.legs[0].talked_ms == 5000
    assert [one for one in lines(called) if not one.startswith("leg")][-5:] == [
        "ordered redirect other/goodbye by ann",
        "exit app:other",
        "answered",
        "prompt IVR/goodbye",
        "exit done",
    ] or lines(called)[-4:] == ["exit app:other", "prompt IVR/goodbye", "exit done", "ended completed"]
    assert [(one.app, one.slot, one.exit) for one in called.record.visits] == [
        ("tested", "dial", "app:other"),
        ("other", "goodbye", "done"),
    ]


async def test_an_app_that_a_redirection_ends_gives_its_caller_no_results(place: Place) -> None:
    sub = Flow("sub", "", (ASK, DIAL), "sub", "r2")
    other = Flow("other", "", (GOODBYE,), "other", "r3")
    calls = App(slot="app", id="calls", call="sub", results={"picked": "choice"})
    called, answers = await carried(
        place,
        [calls],
        lambda live: live.redirect("c1", "other", None, "ann"),
        in_talk_ms=5000,
        also=[sub, other],
        steps=[Keys("7", after_ms=100)],
    )
    assert answers == [Done.NOW]
    assert "keys 7" in " ".join(lines(called))
    assert [(one.app, one.exit) for one in called.record.visits][-1] == ("other", "done")
    assert "picked" not in called.record.variables


async def test_an_order_is_obeyed_between_two_prompts_of_one_slot(place: Place) -> None:
    two = WELCOME.model_copy(update={"file": ("IVR/welcome", "IVR/goodbye")})
    called, answers = await carried(
        place, [two], lambda live: live.hang_up("c1", "ann"), at_prompt="IVR/welcome", manager=False
    )
    assert answers == [Done.NO_MANAGER]
    assert "prompt IVR/welcome" in lines(called)
    assert "prompt IVR/goodbye" not in lines(called)
    assert called.record.released_by == "operator"


async def test_a_redirection_comes_after_the_prompt_that_is_heard(place: Place) -> None:
    called, answers = await carried(
        place, [HERE, WELCOME, ASK], lambda live: live.redirect("c1", "tested", "ask", "ann")
    )
    assert answers == [Done.SOON]
    assert [(one.slot, one.exit) for one in called.record.visits][:3] == [
        ("order[1]", "done"),
        ("welcome", "app:tested"),
        ("ask", "no_input"),
    ]
    assert "prompt IVR/welcome" not in lines(called)


@pytest.mark.parametrize(
    ("app", "slot", "says"),
    [
        ("tesded", None, "there is no app tesded: did you mean `tested`?"),
        ("tested", "asc", "app tested has no slot asc; it has order[1], welcome"),
    ],
)
async def test_a_redirection_to_nowhere_is_refused_with_what_there_is(
    place: Place, app: str, slot: str | None, says: str
) -> None:
    called, answers = await carried(
        place, [HERE, WELCOME], lambda live: live.redirect("c1", app, slot, "ann")
    )
    assert answers == [says]
    assert called.record.outcome == "completed"


async def test_a_prompt_is_heard_after_what_is_heard_now_and_the_flow_goes_on(place: Place) -> None:
    called, answers = await carried(
        place, [HERE, WELCOME, GOODBYE], lambda live: live.play("c1", "IVR/notice", "ann")
    )
    assert answers == [Done.SOON]
    prompts = [one.removeprefix("prompt ") for one in lines(called) if one.startswith("prompt")]
    assert prompts == ["IVR/notice", "IVR/welcome", "IVR/goodbye"]


async def test_in_a_talk_a_prompt_is_whispered_to_the_caller(place: Place) -> None:
    called, answers = await carried(
        place, [DIAL], lambda live: live.play("c1", "IVR/notice", "ann"), in_talk_ms=5000
    )
    assert answers == [Done.NOW]
    assert called.record.legs[0].talked_ms == 60_000
    assert "ordered play IVR/notice by ann" in lines(called)


async def test_a_text_is_spoken_and_heard_when_a_prompt_would_be(place: Place, tmp_path: Path) -> None:
    place.voice = SimulatedVoice(tmp_path, place.config)
    name = await place.voice.prompt_of(Utterance("One moment.", "en"))
    called, answers = await carried(
        place, [HERE, WELCOME], lambda live: live.say("c1", "One moment.", None, "ann")
    )
    assert answers == [Done.SOON]
    prompts = [one.removeprefix("prompt ") for one in lines(called) if one.startswith("prompt")]
    assert prompts == [name, "IVR/welcome"]
    assert "ordered say One moment. by ann" in lines(called)
    called, answers = await carried(
        place, [DIAL], lambda live: live.say("c1", "Un momento.", "es", "ann"), in_talk_ms=5000
    )
    assert (answers, called.record.legs[0].talked_ms) == ([Done.NOW], 60_000)


async def test_what_cannot_be_spoken_is_refused(place: Place, tmp_path: Path) -> None:
    async def refused(text: str, language: str | None = None) -> str:
        _, answers = await carried(place, [HERE], lambda live: live.say("c1", text, language, "ann"))
        return str(answers[0])

    assert await refused("One moment.") == "nothing speaks texts here"
    place.voice = SimulatedVoice(tmp_path, place.config)
    for text in (" ", "x" * (MAX_SAID + 1)):
        assert await refused(text) == f"say something, in at most {MAX_SAID} characters"


async def test_calls_are_found_while_they_run_and_not_afterwards(place: Place) -> None:
    seen: list[CallHistory] = []

    async def look(live: LiveCalls) -> object:
        seen.extend(live)
        return live.find("c1").place.slot

    called, answers = await carried(place, [WELCOME, HERE], look)
    assert answers == ["order[2]"]
    assert [(one.place.call_id, one.customer_id) for one in seen] == [("c1", 42)]
    assert called.record.outcome == "completed"
    _, answers = await carried(place, [HERE], lambda live: live.hang_up("c2", "ann"))
    assert answers == ["call c2 is not in progress here"]
