"""Somebody is called by a simulated Asterisk: how that ends, and the call that comes of it."""

from __future__ import annotations

import pytest
from tests.lab.agi_scripts import Course, Party, VirtualSide

from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Keys, Waits
from ringflow.simulator.channel import ChannelState
from ringflow.simulator.originate import OriginatedCall, OriginatedCalls, Outcome

STATUS = "GET VARIABLE ORIGINATE_STATUS"
CALL = 'EXEC Originate "PJSIP/4477@carrier,exten,ringflow-incoming,18005550100,1,3'


def called(
    callee: Callee, steps: tuple[Keys | Waits | HangsUp, ...] = ()
) -> tuple[VirtualSide, list[Course], list[str]]:
    """Somebody who meets a call so, and then keys into a script of their own.

    With what came of it, and the reasons that calls to nobody have.
    """
    side, courses, failures = VirtualSide(), list[Course](), list[str]()

    async def carry(call: OriginatedCall) -> None:
        assert call.target == "PJSIP/4477@carrier"
        if not call.answered:
            failures.append(call.variables["REASON"])
            return
        assert call.extension == "18005550100"
        read = ["CHANNEL STATUS", 'EXEC Read "KEYS,,3,,1,5"', "GET VARIABLE KEYS"]
        courses.append(await side.run(read, steps=steps, state=ChannelState.UP))

    side.exchange.originated = OriginatedCalls(lambda target: callee, carry)
    return side, courses, failures


async def first_call(
    side: VirtualSide, *commands: str, steps: tuple[Keys | Waits | HangsUp, ...] = ()
) -> Course:
    """The call that has somebody called; returns when the calls that come of it are over too."""
    (course,) = await side.run_all([Party(0, commands, steps)])
    await side.exchange.originated.finished()
    return course


@pytest.mark.parametrize(
    ("callee", "status", "took_ms"),
    [
        (Callee(Behaviour.BUSY, 300, None), "FAILED", 300),
        (Callee(Behaviour.BUSY, 300, None, rings_first=True), "FAILED", 300),
        (Callee(Behaviour.REFUSE, 400, None, 480), "FAILED", 400),
        (Callee(Behaviour.UNAVAILABLE, 0, None), "FAILED", 0),
        (Callee(Behaviour.NO_ANSWER, None, None), "RINGING", 3000),
        (Callee(Behaviour.ANSWER, 3500, None), "RINGING", 3000),
        (Callee(Behaviour.ANSWER, 3000, None), "SUCCESS", 3000),
        (Callee(Behaviour.ANSWER, 800, None), "SUCCESS", 800),
    ],
)
async def test_what_becomes_of_a_call_that_is_made(callee: Callee, status: str, took_ms: int) -> None:
    side, courses, failures = called(callee, (HangsUp(),))
    course = await first_call(side, "ANSWER", f'{CALL}"', STATUS)
    assert course.replies[1:] == ["200 result=0", f"200 result=1 ({status})"]
    assert course.took_ms[1] == took_ms
    assert len(courses) == (status == "SUCCESS")
    assert failures == {"SUCCESS": [], "RINGING": ["3"], "FAILED": ["0"]}[status]


async def test_who_answers_is_a_caller_and_both_calls_go_on_at_the_same_time() -> None:
    side, courses, _ = called(Callee(Behaviour.ANSWER, 1000, None), (Waits(500), Keys("42#"), HangsUp(900)))
    steps = (Waits(2000), Keys("7"))
    course = await first_call(side, "ANSWER", f'{CALL}"', STATUS, "WAIT FOR DIGIT 4000", steps=steps)
    assert course.replies[-1] == "200 result=55"
    assert course.took_ms[-1] == 1100
    (other,) = courses
    assert other.replies == ["200 result=6", "200 result=0", "200 result=1 (42)"]
    assert other.took_ms[1] == 500 + 2 * 250 + 100


async def test_with_a_the_script_goes_on_at_once() -> None:
    side, courses, _ = called(Callee(Behaviour.ANSWER, 1000, None), (Waits(2000), HangsUp()))
    course = await first_call(side, "ANSWER", f'{CALL},a"', STATUS, "WAIT FOR DIGIT 500")
    assert course.took_ms[1:] == [0, 0, 500]
    assert (len(courses), side.clock.monotonic_ms()) == (1, 3000)


async def test_number_and_variables_go_with_the_call() -> None:
    made: list[OriginatedCall] = []

    async def carry(call: OriginatedCall) -> None:
        made.append(call)

    side = VirtualSide()
    side.exchange.originated = OriginatedCalls(lambda target: Callee(after_ms=100), carry)
    await first_call(side, f'{CALL},c(18005550100)v(first=1^second=a b)"')
    (call,) = made
    assert (call.caller_id, call.variables) == ("18005550100", {"first": "1", "second": "a b"})


async def test_what_cannot_be_called_fails_at_once() -> None:
    course = await VirtualSide().run(["EXEC Originate nobody,exten,a,b,1", STATUS])
    assert course.replies == ["200 result=-1", "200 result=1 (FAILED)"]
    course = await VirtualSide().run([f'{CALL}"', STATUS])
    assert course.replies == ["200 result=0", "200 result=1 (FAILED)"]


async def test_the_manager_action_says_why() -> None:
    calls = OriginatedCalls(lambda target: Callee(Behaviour.NO_ANSWER, None, None))
    result = await calls.originate(VirtualSide().clock, "PJSIP/4477@carrier", "18005550100", 2)
    assert (result.outcome, result.reason) == (Outcome.NO_ANSWER, "3")
