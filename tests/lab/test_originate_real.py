"""Originate of the virtual Asterisk and of a real one: what is said of who is called, and when."""

from __future__ import annotations

from itertools import count

import pytest
from tests.lab.agi_scripts import TOLERANCE_MS, Party, Peer, Scripts, VirtualSide, real

from ringflow.lab import Lab
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Waits
from ringflow.simulator.channel import ChannelState
from ringflow.simulator.originate import FAILED_CHANNEL, FAILED_EXTENSION, OriginatedCall, OriginatedCalls

pytestmark = pytest.mark.lab

DIDS = count(1)
CALLED = {
    "answers": Callee(Behaviour.ANSWER, 800, 2000),
    "answers too late": Callee(Behaviour.ANSWER, 4000, 2000),
    "is busy": Callee(Behaviour.BUSY, 300, None),
    "is busy after ringing": Callee(Behaviour.BUSY, 600, None, rings_first=True),
    "rings": Callee(Behaviour.NO_ANSWER, None, None),
    "declines": Callee(Behaviour.REFUSE, 300, None, 603),
    "is away": Callee(Behaviour.REFUSE, 600, None, 480, rings_first=True),
    "is not there": Callee(Behaviour.UNAVAILABLE, 0, None),
}
SECOND = ["CHANNEL STATUS", "WAIT FOR DIGIT 1000"]


@pytest.mark.parametrize("name", CALLED)
async def test_who_is_called(lab: Lab, scripts: Scripts, name: str) -> None:
    callee, did = CALLED[name], f"1800559{next(DIDS):04}"
    trunk = "nobody" if callee.behaviour is Behaviour.UNAVAILABLE else "callee01"
    dial = f'EXEC Originate "PJSIP/4477@{trunk},exten,ringflow-incoming,{did},1,3"'
    commands = ["ANSWER", dial, "GET VARIABLE ORIGINATE_STATUS", "WAIT FOR DIGIT 1500"]
    steps = (Waits(6000), HangsUp())

    side, foretold_second, came_second = VirtualSide(), list[str](), list[str]()
    ran_at, really_ran_at = list[str](), list[str]()

    async def carry(call: OriginatedCall) -> None:
        state = ChannelState.UP if call.answered else ChannelState.DOWN
        course = await side.run(SECOND, steps=(Waits(2000), HangsUp()), state=state)
        ran_at.append(call.extension)
        foretold_second.append(course.replies[0])

    side.exchange.originated = OriginatedCalls(lambda target: callee, carry)
    (foretold,) = await side.run_all([Party(0, commands, steps)])
    await side.exchange.originated.finished()

    async def second(peer: Peer) -> None:
        really_ran_at.append(peer.environment["agi_extension"])
        came_second.append(await peer.ask(SECOND[0]))
        if peer.environment["agi_channel"] != FAILED_CHANNEL:
            await peer.ask(SECOND[1])

    scripts.put(did, second)
    scripts.put(FAILED_EXTENSION, second)
    callees = {} if trunk == "nobody" else {trunk: lab_callee(callee)}
    came, _ = await real(lab, scripts, commands, callees, steps)
    assert came.replies == foretold.replies
    assert abs(came.took_ms[1] - foretold.took_ms[1]) < TOLERANCE_MS
    assert came_second == foretold_second
    assert really_ran_at == ran_at == [did if foretold.replies[2].endswith("(SUCCESS)") else FAILED_EXTENSION]
