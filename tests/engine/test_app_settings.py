"""What holds for a whole app: variables it begins with, limits, `on_error`, and `on_hangup`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from structlog.testing import capture_logs

from ringflow.engine import after_hangup
from ringflow.engine.walk import MAX_SLOTS_IN_A_CALL
from ringflow.errors import PeerSilent, RingflowError
from ringflow.flows.flow import ON_HANGUP, Flow
from ringflow.flows.header import AppSettings
from ringflow.flows.slot import Slot, Target
from ringflow.flows.template import Template
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Hears
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.app import App
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.hangup import Hangup

from .conftest import Place

if TYPE_CHECKING:
    from ringflow.calls.call import Call

WELCOME = Audio(slot="audio", id="welcome", file="IVR/welcome")
BYE = Hangup(slot="hangup", id="bye", file="IVR/bye")


class Fails(Slot):
    """Raises."""

    with_bug: bool = False
    peer_silent: bool = False

    async def run(self, call: Call) -> str:
        if self.peer_silent:
            raise PeerSilent("no reply")
        if self.with_bug:
            raise ValueError("a bug")
        raise RingflowError("the database is gone")


class Notes(Slot):
    """A line in the record; a slot that needs no caller."""

    needs_caller: ClassVar[bool] = False

    text: Template
    fails: bool = False

    async def run(self, call: Call) -> str:
        call.note("noted", self.text.render(call.variables.visible))
        if self.fails:
            raise RingflowError("it failed")
        return "done"


class Stores(Slot):
    """Sets a variable."""

    name: str
    value: str

    async def run(self, call: Call) -> str:
        call.variables.store(self.name, self.value)
        return "done"


class Waits(Slot):
    """Never ends."""

    async def run(self, call: Call) -> str:
        await asyncio.Event().wait()
        return "done"


class Bye(Slot):
    """Speaks, which needs a caller."""

    async def run(self, call: Call) -> str:
        await call.media.play("IVR/bye")
        return "done"


def notes(text: str, **fields: Any) -> Notes:
    return Notes(slot="notes", text=Template.parse(text), **fields)


def dials(**fields: Any) -> Destination:
    return Destination.model_validate({"slot": "destination", "external": "441234567890", **fields})


def app(name: str, *slots: Slot, last: tuple[Slot, ...] = (), **settings: Any) -> Flow:
    after = Flow(name, "", last, f"{name}.yaml", "r1", label_prefix=ON_HANGUP) if last else None
    return Flow(name, "", slots, f"{name}.yaml", "r1", AppSettings(**settings), after)


def stores(value: str, **fields: Any) -> Stores:
    return Stores(slot="stores", name="a", value=value, **fields)


def lines(called: CarriedCall, *kinds: str) -> list[str]:
    return [line.detail for line in called.record.transcript if line.event in kinds]


# --- variables


async def test_an_app_begins_with_its_variables(place: Place) -> None:
    called = await place.call(
        also=[app("tested", notes("${tries} ${order.id}"), variables={"tries": 0, "order": {"id": "x"}})]
    )
    assert lines(called, "noted") == ["0 x"]


async def test_a_variable_that_is_set_stays_when_the_call_comes_to_the_app_again_or_to_the_next(
    place: Place,
) -> None:
    called = await place.call(
        also=[
            app(
                "tested",
                Stores(slot="stores", name="a", value="kept", on={"done": "app:next"}),
                variables={"a": "1"},
            ),
            app("next", notes("${a} ${b}"), variables={"a": "2", "b": "3"}),
        ]
    )
    assert lines(called, "noted") == ["kept 3"]


async def test_an_argument_goes_before_a_variable_of_the_app_that_is_called(place: Place) -> None:
    calls = App.model_validate({"slot": "app", "call": "sub", "arguments": {"a": "given"}})
    called = await place.call(
        also=[app("tested", calls), app("sub", notes("${a} ${b}"), variables={"a": "1", "b": "2"})]
    )
    assert lines(called, "noted") == ["given 2"]


# --- on_error


async def test_a_slot_that_fails_leads_where_the_app_says(place: Place) -> None:
    called = await place.call(
        also=[
            app(
                "tested",
                Fails(slot="fails"),
                WELCOME,
                notes("${error.slot}: ${error.what}"),
                BYE,
                on_error="welcome",
            )
        ]
    )
    assert lines(called, "prompt") == ["IVR/welcome", "IVR/bye"]
    assert lines(called, "exit")[0] == "failed"
    assert lines(called, "noted") == ["tested/fails[1]: RingflowError: the database is gone"]
    assert called.record.outcome == "completed"


async def test_a_bug_in_a_slot_is_logged_with_its_trace_and_leads_there_too(place: Place) -> None:
    with capture_logs() as logs:
        called = await place.call(
            also=[app("tested", Fails(slot="fails", with_bug=True), BYE, on_error="bye")]
        )
    assert called.record.outcome == "completed"
    (failed,) = [one for one in logs if one["event"] == "slot failed"]
    assert isinstance(failed["exc_info"], ValueError)


async def test_a_failure_may_lead_to_another_app(place: Place) -> None:
    called = await place.call(
        also=[app("tested", Fails(slot="fails"), on_error="app:desk"), app("desk", WELCOME)]
    )
    assert lines(called, "exit") == ["failed app:desk", "done"] or lines(called, "exit") == [
        "app:desk",
        "done",
    ]
    assert lines(called, "prompt") == ["IVR/welcome"]


async def test_a_call_that_fails_where_it_was_led_after_a_failure_ends_with_an_apology(place: Place) -> None:
    called = await place.call(
        also=[app("tested", WELCOME, Fails(slot="fails", id="again"), on_error="again")]
    )
    assert (called.record.outcome, lines(called, "prompt")) == ("error", ["IVR/welcome", "MISC/sorry"])
    assert [visit.slot for visit in called.record.visits] == ["welcome", "again", "again"]


async def test_a_call_goes_on_after_three_failures_and_no_more(place: Place) -> None:
    called = await place.call(also=[app("tested", WELCOME, Fails(slot="fails"), on_error="welcome")])
    assert called.record.outcome == "error"
    assert lines(called, "prompt") == ["IVR/welcome"] * 4 + ["MISC/sorry"]


async def test_a_failure_in_an_app_that_is_called_leads_where_the_nearest_caller_says(place: Place) -> None:
    called = await place.call(
        also=[
            app("tested", App(slot="app", call="middle"), BYE, on_error="bye"),
            app("middle", App(slot="app", call="inner")),
            app("inner", Fails(slot="fails")),
        ]
    )
    assert lines(called, "prompt") == ["IVR/bye"]
    assert [(visit.slot, visit.exit) for visit in called.record.visits] == [
        ("app[1]", "failed"),
        ("app[1]", "failed"),
        ("fails[1]", "failed"),
        ("bye", "done"),
    ]


async def test_an_asterisk_that_is_silent_is_no_failure_that_a_call_goes_on_after(place: Place) -> None:
    called = await place.call(
        also=[app("tested", Fails(slot="fails", peer_silent=True), BYE, on_error="bye")]
    )
    assert called.record.outcome == "error"
    assert "IVR/bye" not in lines(called, "prompt")


async def test_a_caller_who_hangs_up_is_no_failure(place: Place) -> None:
    called = await place.call(
        also=[app("tested", WELCOME, BYE, on_error="bye")], steps=[Hears("IVR/welcome", 500), HangsUp()]
    )
    assert (called.record.outcome, lines(called, "prompt")) == ("abandoned", ["IVR/welcome"])


async def test_an_app_that_is_gone_is_a_failure_of_the_app_that_leads_to_it(place: Place) -> None:
    gone = Audio(slot="audio", file="IVR/welcome", on={"done": "app:gone"})
    called = await place.call(also=[app("tested", gone, BYE, on_error="bye")])
    assert (called.record.outcome, lines(called, "prompt")) == ("completed", ["IVR/welcome", "IVR/bye"])
    assert [visit.exit for visit in called.record.visits] == ["done", "done"]


async def test_a_call_that_went_through_as_many_slots_as_it_may_goes_on_there_too(place: Place) -> None:
    round_and_round = notes("again", id="again", on={"done": "again"})
    called = await place.call(also=[app("tested", round_and_round, BYE, on_error="bye")])
    assert called.record.outcome == "completed"
    assert [visit.slot for visit in called.record.visits[-2:]] == ["again", "bye"]
    assert len(called.record.visits) == MAX_SLOTS_IN_A_CALL + 1


# --- limits


async def test_a_call_ends_when_it_comes_to_one_slot_more_often_than_allowed(place: Place) -> None:
    again = Audio(slot="audio", id="again", file="IVR/welcome", on={"done": "again"})
    called = await place.call(also=[app("tested", again, limits={"visits": 3})])
    assert called.record.outcome == "limit"
    assert called.record.reason == "the call came to tested/again more often than `visits` allows: 3"
    assert lines(called, "prompt") == ["IVR/welcome"] * 3


async def test_a_call_that_lasts_too_long_ends_between_two_slots(place: Place) -> None:
    called = await place.call(
        also=[app("tested", WELCOME, WELCOME, WELCOME, limits={"longest_call": 3.5})], prompts_s=2.0
    )
    assert (called.record.outcome, lines(called, "prompt")) == ("limit", ["IVR/welcome", "IVR/welcome"])
    assert called.record.reason == "the call has lasted 3.5 s, the longest that `longest_call` allows"


async def test_a_talk_ends_when_the_call_has_to(place: Place) -> None:
    dial = Destination.model_validate(
        {"slot": "destination", "external": "441234567890", "on": {"done": "bye"}}
    )
    called = await place.call(
        also=[app("tested", dial, BYE, limits={"longest_call": 20})],
        callees=[Callee(Behaviour.ANSWER, 1000, 500_000)],
    )
    (leg,) = called.record.legs
    assert 19_000 <= leg.talked_ms <= 20_000
    assert called.record.outcome == "limit"


async def test_a_shorter_talk_that_the_slot_wants_stays(place: Place) -> None:
    dial = dials(max_duration=5)
    called = await place.call(
        also=[app("tested", dial, limits={"longest_call": 20})],
        callees=[Callee(Behaviour.ANSWER, 1000, 500_000)],
    )
    (leg,) = called.record.legs
    assert 5_000 <= leg.talked_ms <= 5_100


async def test_what_an_app_does_about_a_limit_is_not_limited_again(place: Place) -> None:
    called = await place.call(
        also=[app("tested", WELCOME, WELCOME, WELCOME, BYE, limits={"longest_call": 1}, on_error="bye")]
    )
    assert lines(called, "prompt") == ["IVR/welcome", "IVR/bye"]
    assert called.record.outcome == "completed"


async def test_the_strictest_limit_of_the_apps_under_way_counts(place: Place) -> None:
    called = await place.call(
        also=[
            app("tested", App(slot="app", call="sub"), limits={"longest_call": 1}),
            app("sub", WELCOME, WELCOME, limits={"longest_call": 60}),
        ]
    )
    assert (called.record.outcome, lines(called, "prompt")) == ("limit", ["IVR/welcome"])


# --- on_hangup


@pytest.mark.parametrize(
    ("slots", "steps", "outcome"),
    [
        ((WELCOME,), (), "completed"),
        ((WELCOME,), (Hears("IVR/welcome", 500), HangsUp()), "abandoned"),
        ((Fails(slot="fails"),), (), "error"),
        ((Fails(slot="fails", with_bug=True),), (), "error"),
        ((dials(),), (), "completed"),
    ],
    ids=["at the end", "the caller hangs up", "a failure", "a bug", "after a talk"],
)
async def test_slots_run_once_after_the_caller_is_gone_however_the_call_ended(
    place: Place, slots: tuple[Slot, ...], steps: tuple[Any, ...], outcome: str
) -> None:
    called = await place.call(
        also=[app("tested", *slots, last=(notes("${app} is over"), notes("second")))], steps=steps
    )
    assert lines(called, "noted") == ["tested is over", "second"]
    assert called.record.outcome == outcome
    assert [(visit.slot, visit.exit) for visit in called.record.visits[-2:]] == [
        ("on_hangup:notes[1]", "done"),
        ("on_hangup:notes[2]", "done"),
    ]
    *_, last = called.record.transcript
    assert last.event == "ended"


async def test_they_change_nothing_in_how_the_call_ended(place: Place) -> None:
    dial = dials()
    without = await place.call(also=[app("tested", dial)])
    with_them = await place.call(also=[app("tested", dial, last=(notes("over"),))])
    ends = [
        (
            one.record.outcome,
            one.record.reason,
            one.record.released_by,
            one.record.release_cause,
            one.sip_code,
        )
        for one in (without, with_them)
    ]
    assert ends[0] == ends[1]


async def test_an_unanswered_caller_is_refused_as_ever_before_they_run(place: Place) -> None:
    refuses = Hangup.model_validate({"slot": "hangup"})
    called = await place.call(also=[app("tested", refuses, last=(notes("over"),))])
    assert (called.sip_code is not None, lines(called, "noted")) == (True, ["over"])


async def test_the_apps_under_way_have_theirs_run_the_innermost_first_with_their_own_variables(
    place: Place,
) -> None:
    called = await place.call(
        also=[
            app(
                "tested",
                stores("outer"),
                App(slot="app", call="sub"),
                last=(notes("${app} ${a|none}"),),
            ),
            app(
                "sub",
                stores("inner"),
                WELCOME,
                last=(notes("${app} ${a|none}"),),
            ),
        ],
        steps=[Hears("IVR/welcome", 500), HangsUp()],
    )
    assert lines(called, "noted") == ["sub inner", "tested outer"]
    assert called.record.variables["a"] == "inner"


async def test_an_app_that_returned_or_that_the_call_left_has_none_run(place: Place) -> None:
    leaves = Audio(slot="audio", file="IVR/welcome", on={"done": "app:last"})
    called = await place.call(
        also=[
            app("tested", App(slot="app", call="sub"), leaves, last=(notes("tested"),)),
            app("sub", WELCOME, last=(notes("sub"),)),
            app("last", WELCOME, last=(notes("last"),)),
        ]
    )
    assert lines(called, "noted") == ["last"]


async def test_one_that_fails_ends_those_of_its_app_and_is_on_record(place: Place) -> None:
    called = await place.call(also=[app("tested", WELCOME, last=(notes("one", fails=True), notes("two")))])
    assert lines(called, "noted") == ["one"]
    assert lines(called, "after_hangup_failed") == ["RingflowError: it failed"]
    assert called.record.outcome == "completed"


async def test_a_slot_that_speaks_after_all_finds_nobody(place: Place) -> None:
    called = await place.call(also=[app("tested", WELCOME, last=(Bye(slot="bye"), notes("two")))])
    assert "IVR/bye" not in called.asked_prompts
    assert lines(called, "noted") == []
    assert called.record.outcome == "completed"


async def test_they_are_bounded_in_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_hangup, "LONGEST_S", 0.05)
    called = await place.call(also=[app("tested", WELCOME, last=(Waits(slot="waits"), notes("late")))])
    assert lines(called, "noted") == []
    assert called.record.outcome == "completed"
    assert lines(called, "after_hangup_cut") == ["the slots took longer than 0.05 s"]


async def test_their_exits_lead_to_each_other_and_not_for_ever(place: Place) -> None:
    def leading(to: Mapping[str, Target]) -> Notes:
        return notes("again", id="again", on=dict(to))

    called = await place.call(also=[app("tested", WELCOME, last=(leading({"done": "again"}),))])
    assert len(lines(called, "noted")) == after_hangup.MAX_SLOTS
