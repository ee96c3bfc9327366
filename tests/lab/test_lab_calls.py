"""Real calls on Asterisk 22 and 16: the dialplan's contract, held against the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from ringflow.lab import Behaviour, HangUp, Lab, LabCallee, LabCaller, LabCallResult, Moment, TimedKeys

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

CLI = "441910000001"
OPTIONS = "gb(ringflow-leg^s^1)U(ringflow-answered^s^1)"
# SHIFT as Ringflow asks: a talk that nobody asked for is told to it at the end of the call.
OUTCOME = (
    "DIALSTATUS",
    "HANGUPCAUSE",
    "SHARED(RINGFLOW_ANSWERED_MS)",
    "STRFTIME(,,%s%3q)",
    "SHIFT(SHARED(RINGFLOW_TALK))",
)


def prompt(lab: Lab) -> str:
    """Two seconds of speech."""
    return str(lab.packages.path("/usr/share/asterisk/sounds/en_US_f_Allison/vm-enter-num-to-call.gsm"))[:-4]


async def place(
    lab: Lab, scripts: Scripts, did: str, script: Callable[[Peer], Awaitable[None]], **call: object
) -> LabCallResult:
    scripts.put(did, script)
    callees = call.pop("callees", {})
    assert isinstance(callees, dict)
    result = await lab.call(LabCaller(did, CLI, **call), callees)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await scripts.ended(did)
    return result


def dials(
    trunk: str, outcome: list[str], options: str = OPTIONS, ring_s: int = 20
) -> Callable[[Peer], Awaitable[None]]:
    """A script that answers, dials and reads what came of it."""

    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        outcome.append(await peer.ask(f'EXEC Dial "PJSIP/441234567890@{trunk},{ring_s},{options}"'))
        outcome.extend(await peer.values(*OUTCOME))

    return script


def talked_s(outcome: list[str]) -> float:
    return (int(outcome[4]) - int(outcome[3])) / 1000


async def test_a_number_keyed_in_40_ms_digits_is_dialled_with_headers_and_its_talk_is_timed(
    lab: Lab, scripts: Scripts
) -> None:
    nasty = 'a,b:c;d=e==f & "g" \\ ${CHANNEL} $[1+1] (h)'
    replies: list[str] = []
    outcome: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        replies.append(await peer.ask(f"GET DATA {prompt(lab)} 0 14"))
        number = replies[0].partition("=")[2]
        escaped = nasty.replace("\\", "\\\\").replace('"', '\\"')
        await peer.ask("SET VARIABLE __RINGFLOW_HEADERS 2")
        await peer.ask("SET VARIABLE __RINGFLOW_HEADER_1 X-Customer-ID=42")
        await peer.ask(f'SET VARIABLE __RINGFLOW_HEADER_2 "X-CX-Sec={escaped}"')
        # More than RINGFLOW_HEADERS says: left over from an earlier leg, and not to be sent.
        await peer.ask("SET VARIABLE __RINGFLOW_HEADER_3 X-Old=1")
        outcome.append(await peer.ask(f'EXEC Dial "PJSIP/{number}@callee01,20,{OPTIONS}"'))
        outcome.extend(await peer.values(*OUTCOME))

    result = await place(
        lab, scripts, "18005550100", script,
        keys=(TimedKeys(500, "441234567890#", tone_ms=40, gap_ms=40),),
        callees={"callee01": LabCallee(answers_after_ms=300, hangs_up_after_ms=1500)},
    )  # fmt: skip
    callee = result.callees["callee01"]
    assert replies == ["200 result=441234567890"]
    assert (result.status, result.ended_by) == (200, "asterisk")
    assert (callee.dialled, callee.from_user, callee.ended_by) == ("441234567890", CLI, "callee")
    assert [(n, v) for n, v in callee.headers if n.startswith("X-")] == [
        ("X-Customer-ID", "42"),
        ("X-CX-Sec", nasty),
    ]
    assert outcome[:3] == ["200 result=0", "ANSWER", "16"]
    assert callee.talked_s == pytest.approx(1.5, abs=0.4)  # SIPp's own clock, on a busy machine
    assert talked_s(outcome) == pytest.approx(callee.talked_s, abs=0.1)
    assert callee.answered_at is not None
    assert int(outcome[3]) / 1000 == pytest.approx(callee.answered_at, abs=0.1)


HEADERS_BY_ENTRY = {
    "two": [("X-Customer-ID", "42"), ("X-CX-Sec", "v1.170.ab")],
    "more": [("X-Customer-ID", "42"), ("X-CX-Sec", "v1.170.ab"), ("X-Own", "a,b)^c")],
}


@pytest.mark.parametrize("entry", HEADERS_BY_ENTRY)
async def test_plain_headers_travel_as_arguments(lab: Lab, scripts: Scripts, entry: str) -> None:
    words = "X-Customer-ID^42^X-CX-Sec^v1.170.ab"

    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        await peer.ask("SET VARIABLE __RINGFLOW_HEADER_1 X-Own=a,b)^c")
        await peer.ask("SET VARIABLE __RINGFLOW_HEADERS 1")
        await peer.ask(f'EXEC Dial "PJSIP/44@callee01,20,gb(ringflow-leg^{entry}^1({words}))"')

    callees = {"callee01": LabCallee(hangs_up_after_ms=100)}
    result = await place(lab, scripts, "18005550100", script, callees=callees)
    headers = result.callees["callee01"].headers
    assert [(n, v) for n, v in headers if n.startswith("X-")] == HEADERS_BY_ENTRY[entry]


ENDS = {
    "callee hangs up": (LabCallee(hangs_up_after_ms=600), None, ["200 result=0", "ANSWER", "16"]),
    "caller hangs up": (LabCallee(), HangUp(Moment.TALKING, 600), ["200 result=-1", "ANSWER", "16"]),
    "busy": (LabCallee(Behaviour.BUSY), None, ["200 result=0", "BUSY", "17"]),
    "congestion": (LabCallee(Behaviour.CONGESTION), None, ["200 result=0", "CONGESTION", "34"]),
    "no answer": (LabCallee(Behaviour.NO_ANSWER), None, ["200 result=0", "NOANSWER", "0"]),
    "gone while ringing": (
        LabCallee(answers_after_ms=9000), HangUp(Moment.RINGING, 400), ["200 result=-1", "CANCEL"],
    ),
}  # fmt: skip


async def test_every_end_of_a_leg_is_told_apart(lab: Lab, scripts: Scripts) -> None:
    async def one(number: int, name: str) -> None:
        callee, hang_up, expected = ENDS[name]
        trunk, outcome = f"callee{number:02}", list[str]()
        result = await place(
            lab, scripts, f"1800555010{number}", dials(trunk, outcome, ring_s=2),
            callees={trunk: callee}, hang_up=hang_up,
        )  # fmt: skip
        seen = result.callees[trunk]
        assert (name, outcome[: len(expected)]) == (name, expected)
        if outcome[1] == "ANSWER":
            assert talked_s(outcome) == pytest.approx(seen.talked_s, abs=0.1), name
        else:
            assert (name, outcome[3], seen.answered_at) == (name, "", None)
        assert (name, seen.cancelled) == (name, outcome[1] in ("NOANSWER", "CANCEL"))
        assert (name, result.ended_by) == (name, "caller" if hang_up else "asterisk")

    await asyncio.gather(*(one(number, name) for number, name in enumerate(ENDS, start=1)))


async def test_24_calls_at_once_keep_apart(lab: Lab, scripts: Scripts) -> None:
    async def one(number: int) -> None:
        trunk, keyed = f"callee{number:02}", f"4412345678{number:02}"

        async def script(peer: Peer) -> None:
            await peer.ask("ANSWER")
            reply = await peer.ask(f"GET DATA {prompt(lab)} 0 14")
            await peer.ask("SET VARIABLE __RINGFLOW_HEADERS 1")
            await peer.ask(f"SET VARIABLE __RINGFLOW_HEADER_1 X-Customer-ID={number}")
            await peer.ask(f'EXEC Dial "PJSIP/{reply.partition("=")[2]}@{trunk},20,{OPTIONS}"')
            await peer.values(*OUTCOME)

        result = await place(
            lab, scripts, f"180055502{number:02}", script,
            keys=(TimedKeys(400, f"{keyed}#", tone_ms=60, gap_ms=40),),
            callees={trunk: LabCallee(hangs_up_after_ms=500)},
        )  # fmt: skip
        callee = result.callees[trunk]
        assert (callee.dialled, callee.header("X-Customer-ID")) == (keyed, str(number))
        assert 0.4 < callee.talked_s < 2.0, callee

    await asyncio.gather(*(one(number) for number in range(1, 25)))


async def test_a_limit_ends_the_leg_after_its_own_time(lab: Lab, scripts: Scripts) -> None:
    outcome: list[str] = []
    result = await place(
        lab, scripts, "18005550100", dials("callee01", outcome, f"L(1200){OPTIONS}"),
        callees={"callee01": LabCallee(answers_after_ms=700)},
    )  # fmt: skip
    callee = result.callees["callee01"]
    assert outcome[:3] == ["200 result=0", "ANSWER", "16"]
    assert callee.ended_by == "asterisk"
    assert callee.talked_s == pytest.approx(1.2, abs=0.4)  # 0.5 if the ringing counted


async def test_option_f_is_the_outgoing_caller_id(lab: Lab, scripts: Scripts) -> None:
    outcome: list[str] = []
    result = await place(
        lab, scripts, "18005550100", dials("callee01", outcome, f"f(15550001111){OPTIONS}"),
        callees={"callee01": LabCallee(hangs_up_after_ms=200)}, anonymous=True,
    )  # fmt: skip
    callee = result.callees["callee01"]
    assert callee.from_user == "15550001111"
    assert callee.header("From").partition(";")[0] == "<sip:15550001111@127.0.0.1>"  # type: ignore[union-attr]
    assert callee.header("P-Asserted-Identity") == "<sip:15550001111@127.0.0.1>"


async def test_a_call_through_a_local_channel_keeps_the_callees_answer(lab: Lab, scripts: Scripts) -> None:
    outcome: list[str] = []
    scripts.put("18005550111", dials("callee02", outcome))

    async def bridge(peer: Peer) -> None:
        await peer.ask('EXEC Dial "Local/18005550111@ringflow-incoming/n,20,g"')

    result = await place(
        lab, scripts, "18005550110", bridge, callees={"callee02": LabCallee(hangs_up_after_ms=500)}
    )
    callee = result.callees["callee02"]
    assert outcome[:2] == ["200 result=0", "ANSWER"]
    assert talked_s(outcome) == pytest.approx(callee.talked_s, abs=0.1)


async def test_the_did_and_the_cli_arrive_as_they_were_sent(lab: Lab, scripts: Scripts) -> None:
    seen: list[tuple[str, ...]] = []

    async def script(peer: Peer) -> None:
        names = ("agi_extension", "agi_callerid", "agi_calleridname")
        seen.append(tuple(peer.environment[name] for name in names))
        await peer.ask("EXEC Hangup 21")

    async def one(caller: LabCaller) -> None:
        scripts.put(caller.did, script)
        assert (await lab.call(caller)).status == 403

    await one(LabCaller("+18005550100", "+441910000001", display_name='Ann "A"'))
    await one(LabCaller("18005550101", "anything", anonymous=True))
    await one(LabCaller("18005550102", "44&1,2"))
    assert seen == [
        ("+18005550100", "+441910000001", 'Ann \\"A\\"'),
        ("18005550101", "anonymous", "Anonymous"),
        ("18005550102", "44&1,2", "unknown"),
    ]


async def test_a_call_that_ringflow_cannot_take_is_refused_with_500(lab: Lab) -> None:
    result = await lab.call(LabCaller("18005550100", CLI))
    assert (result.status, result.answered_at) == (500, None)
    assert result.messages[-2].header("Reason") == "Q.850;cause=38"


async def test_a_caller_who_leaves_before_the_answer_is_cancelled(lab: Lab, scripts: Scripts) -> None:
    outcome: list[str] = []

    async def script(peer: Peer) -> None:
        outcome.append(await peer.ask(f'EXEC Dial "PJSIP/44@callee01,20,{OPTIONS}"'))
        outcome.extend(await peer.values("DIALSTATUS"))

    result = await place(
        lab, scripts, "18005550100", script,
        hang_up=HangUp(Moment.RINGING, 300), callees={"callee01": LabCallee(answers_after_ms=9000)},
    )  # fmt: skip
    assert (result.status, outcome) == (487, ["200 result=-1", "CANCEL"])
    assert result.callees["callee01"].cancelled
