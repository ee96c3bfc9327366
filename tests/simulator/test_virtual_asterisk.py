"""Asterisk's side of the wire, line by line and millisecond by millisecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringflow.simulator.asterisk import DEAD_CHANNEL, UNKNOWN_COMMAND, Greeting
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, HangsUp, Hears, Keys, Speaks, Waits
from ringflow.simulator.clock import DEFAULT_START_S
from ringflow.simulator.incoming_call import Recording

if TYPE_CHECKING:
    from tests.simulator.conftest import PlayScript

TIMERS = ["SET VARIABLE TIMEOUT(response) 1.5", "SET VARIABLE TIMEOUT(digit) 0.7"]
OPTIONS = "gb(ringflow-leg^s^1)U(ringflow-answered^s^1)"
OUTCOME = (
    "GET FULL VARIABLE ${DIALSTATUS}|${HANGUPCAUSE}|${SHARED(RINGFLOW_ANSWERED_MS)}|${STRFTIME(,,%s%3q)}"
    "|${SHARED(RINGFLOW_ENDED_MS)}"
)


def test_the_greeting_is_setup_envs_header_block() -> None:
    lines = Greeting("18005550100", None, presentation=35).encode().decode().split("\n")
    assert lines[:3] == ["agi_network: yes", "agi_network_script: call", "agi_request: agi://127.0.0.1/call"]
    assert "agi_callerid: unknown" in lines
    assert "agi_callingpres: 35" in lines
    assert "agi_extension: 18005550100" in lines
    assert lines[-2:] == ["", ""]


# Steps of the caller, a Read, what READSTATUS and the digits are then, and when Read ended. The same times
# were measured on Asterisk 22 and 16: tests/lab/test_lab_keys.py.
READS: dict[str, tuple[tuple[CallerStep, ...], str, str, int]] = {
    "silence": ((), "ask,14,", "TIMEOUT:", 3500),
    "two digits, then quiet": ((Keys("44", after_ms=400),), "ask,14,", "TIMEOUT:44", 1450),
    "# at once": ((Keys("#", after_ms=300),), "ask,14,", "OK:", 400),
    "all in the prompt": ((Keys("441234567890#", 200, after_ms=300),), "ask,14,", "OK:441234567890", 2800),
    "40 ms, 20 apart": ((Keys("441234567890#", 60, 40, 300),), "ask,14,", "OK:441234567890", 1060),
    "too many": ((Keys("123456789012345", 100, 50, 300),), "ask,14,", "OK:12345678901234", 1650),
    "another terminator": ((Keys("1#2*", 200, 100, 300),), "ask,14,t(*)", "OK:1#2", 1000),
    "no terminator": ((Keys("1#*", 200, 100, 300),), "ask,3,t()", "OK:1#*", 800),
    "hang-up among digits": ((Keys("123", 200, 100, 300), HangsUp(300)), "ask,14,", "HANGUP:123", 1100),
    "hang-up in the prompt": ((Waits(500), HangsUp()), "ask,14,", "HANGUP:", 500),
    "a missing prompt": ((), "gone,14,", "ERROR:", 0),
    "a missing prompt among others": ((), "gone&ask,14,", "TIMEOUT:", 3500),
    "two prompts, 50 ms between": ((), "ask&sorry,14,", "TIMEOUT:", 2000 + 50 + 1000 + 1500),
    "a key in the first of two prompts": ((Keys("4", after_ms=300),), "ask&sorry,14,", "TIMEOUT:4", 1100),
    "no prompt": ((Keys("4#", after_ms=300),), ",14,", "OK:4", 650),
    "attempts": ((), "ask,14,,2", "TIMEOUT:", 7000),
    "own timeout": ((Keys("4", after_ms=300),), "ask,14,,1,3", "TIMEOUT:4", 3400),
    "e keeps a terminator that comes alone": ((Keys("#", after_ms=300),), "ask,14,e", "OK:#", 400),
}


@pytest.mark.parametrize("name", READS)
async def test_read(script: PlayScript, name: str) -> None:
    steps, arguments, expected, ends_ms = READS[name]
    read = f'EXEC Read "KEYS,{arguments}"'
    played = await script(["ANSWER", *TIMERS, read, "GET FULL VARIABLE ${READSTATUS}:${KEYS}"], steps)
    hang_up = ["HANGUP"] if expected.startswith("HANGUP") else []
    assert played.lines == [
        "200 result=0",
        "200 result=1",
        "200 result=1",
        "200 result=0",
        *hang_up,
        f"200 result=1 ({expected})",
    ]
    assert played.clock.monotonic_ms() == ends_ms


async def test_get_data_has_timeouts_of_its_own(script: PlayScript) -> None:
    assert (await script(["ANSWER", *TIMERS, "GET DATA ask 0 14"])).lines[3] == "200 result= (timeout)"
    played = await script(["ANSWER", *TIMERS, "GET DATA ask 0 14"], [Keys("44", after_ms=300)])
    assert (played.lines[3], played.clock.monotonic_ms()) == ("200 result=44 (timeout)", 300 + 350 + 2000)
    assert (await script(["ANSWER", "GET DATA ask 0 14"], [Keys("#")])).lines[1] == "200 result="
    assert (await script(["ANSWER", "GET DATA ask 0 2"], [Keys("123")])).lines[1] == "200 result=12"
    assert (await script(["ANSWER", "GET DATA gone 0 2"])).lines[1] == "200 result=-1"
    left = await script(["ANSWER", "GET DATA ask 0 2"], [Waits(100), HangsUp()])
    assert left.lines == ["200 result=0", "200 result=-1", "HANGUP"]


async def test_stream_file_stops_at_its_escape_digits_only(script: PlayScript) -> None:
    steps = [Keys("12", 500, 100, 300)]
    assert (await script(["ANSWER", 'STREAM FILE ask ""'], steps)).lines[1] == "200 result=0 endpos=16000"
    # The first key lengthened it by 10 ms, in which nothing of the file was played.
    assert (await script(["ANSWER", "STREAM FILE ask 2"], steps)).lines[1] == "200 result=50 endpos=7120"
    assert (await script(["ANSWER", 'STREAM FILE gone ""'])).lines[1] == "200 result=-1 endpos=0"


async def test_stream_file_begins_where_it_is_told_to(script: PlayScript) -> None:
    commands = ["ANSWER", 'STREAM FILE ask "" 12000', "STREAM FILE ask 2 4000", 'STREAM FILE ask "" 99000']
    played = await script(commands, [Keys("2", after_ms=700)])
    assert played.lines[1:] == [
        "200 result=0 endpos=16000",
        "200 result=50 endpos=6400",
        "200 result=0 endpos=99000",
    ]
    assert played.clock.monotonic_ms() == 800


async def test_each_key_that_nobody_takes_lengthens_a_prompt_and_not_its_file(script: PlayScript) -> None:
    steps = [Keys("12345", 300, 100, 300)]
    played = await script(["ANSWER", 'STREAM FILE ask ""'], steps)
    assert played.lines[1] == "200 result=0 endpos=16000"
    assert played.clock.monotonic_ms() == 2050
    # What was keyed during one prompt lengthens no other.
    played = await script(["ANSWER", 'STREAM FILE ask ""', 'STREAM FILE sorry ""'], steps)
    assert (played.lines[2], played.clock.monotonic_ms()) == ("200 result=0 endpos=8000", 3050)


async def test_keys_that_nobody_asks_for_are_lost(script: PlayScript) -> None:
    steps = [Keys("123", 500, 100, 300)]
    played = await script(["ANSWER", 'STREAM FILE ask ""', "WAIT FOR DIGIT 1000"], steps)
    assert played.lines[1:] == ["200 result=0 endpos=16000", "200 result=0"]
    early = await script(["EXEC Wait 0.45", "ANSWER", "WAIT FOR DIGIT 1000"], [Keys("1")])
    assert early.lines[2] == f"200 result={ord('1')}"


async def test_before_the_answer_only_what_follows_progress_is_heard(script: PlayScript) -> None:
    steps: list[CallerStep] = [Hears("ask", 300), HangsUp()]
    unheard = await script(['STREAM FILE ask ""'], steps)
    assert unheard.lines == ["200 result=0 endpos=16000"]
    heard = await script(["EXEC Progress", 'STREAM FILE ask ""'], steps)
    assert heard.lines[:2] == ["200 result=0", "200 result=-1 endpos=2400"]


async def test_a_dead_channel_takes_only_commands_that_need_none(script: PlayScript) -> None:
    commands = [
        "ANSWER",
        'STREAM FILE ask ""',
        "ANSWER",
        "SET VARIABLE a b",
        "GET VARIABLE a",
        "GET DATA ask",
    ]
    played = await script(commands, [Waits(700), HangsUp()])
    assert played.lines == [
        "200 result=0",
        "200 result=-1 endpos=5600",
        "HANGUP",
        DEAD_CHANNEL,
        "200 result=1",
        "200 result=1 (b)",
        DEAD_CHANNEL,
    ]


async def test_hangup_replies_before_the_channel_is_dead(script: PlayScript) -> None:
    played = await script(["ANSWER", "HANGUP", "NOOP", "HANGUP"])
    assert played.lines == ["200 result=0", "200 result=1", "HANGUP", "200 result=0", DEAD_CHANNEL]


async def test_unknown_commands_applications_and_wrong_words(script: PlayScript) -> None:
    played = await script(["DANCE", "EXEC NoSuchThing x", "channel status", "SET VARIABLE a"])
    assert played.lines[:3] == [UNKNOWN_COMMAND, "200 result=-2", "200 result=4"]
    assert played.lines[3].startswith("520-Invalid command syntax.")
    assert played.lines[-1] == "520 End of proper usage."


async def test_variables_and_what_full_variable_makes_of_them(script: PlayScript) -> None:
    played = await script(
        [
            "GET VARIABLE nothing",
            'SET VARIABLE __a "x ${EXTEN}"',
            "GET VARIABLE a",
            "GET FULL VARIABLE <${a}|${nothing}|${CHANNEL}|${STRFTIME(,,%s%3q)}>",
            "GET FULL VARIABLE ${TIMEOUT(digit)}",
        ]
    )
    assert played.lines == [
        "200 result=0",
        "200 result=1",
        "200 result=1 (x ${EXTEN})",
        f"200 result=1 (<x ${{EXTEN}}||PJSIP/simulated-00000001|{round(DEFAULT_START_S * 1000)}>)",
        "200 result=1 (5.000)",
    ]


# A callee, what the caller does, and what Dial replies, leaves in its variables, and takes. Measured on 22
# and 16: tests/lab/test_lab_calls.py.
LEAVES_RINGING: tuple[CallerStep, ...] = (Hears("ringing", 400), HangsUp())
LEAVES_TALK: tuple[CallerStep, ...] = (Hears("callee", 600), HangsUp())
DIALS: dict[str, tuple[Callee, tuple[CallerStep, ...], str, str, int]] = {
    "callee hangs up": (Callee(after_ms=300, talk_ms=600), (), "200 result=0", "ANSWER|16", 900),
    "caller hangs up": (Callee(after_ms=300, talk_ms=None), LEAVES_TALK, "200 result=-1", "ANSWER|16", 900),
    "busy": (Callee(Behaviour.BUSY, 100), (), "200 result=0", "BUSY|17", 100),
    "congestion": (Callee(Behaviour.CONGESTION, 100), (), "200 result=0", "CONGESTION|34", 100),
    "no answer": (Callee(Behaviour.NO_ANSWER), (), "200 result=0", "NOANSWER|0", 2000),
    "too slow": (Callee(after_ms=2001), (), "200 result=0", "NOANSWER|0", 2000),
    "left while ringing": (Callee(after_ms=900), LEAVES_RINGING, "200 result=-1", "CANCEL|0", 400),
}


@pytest.mark.parametrize("name", DIALS)
async def test_dial(script: PlayScript, name: str) -> None:
    callee, steps, reply, outcome, ends_ms = DIALS[name]
    dial = f'EXEC Dial "PJSIP/44@carrier,2,{OPTIONS}"'
    played = await script(["ANSWER", dial, OUTCOME], steps, (callee,))
    answered = round(DEFAULT_START_S * 1000) + 300 if outcome.startswith("ANSWER") else ""
    now = round(DEFAULT_START_S * 1000) + ends_ms
    hang_up = ["HANGUP"] if reply.endswith("-1") else []
    assert played.lines[1:] == [
        reply,
        *hang_up,
        f"200 result=1 ({outcome}|{answered}|{now}|{now if answered else ''})",
    ]
    assert played.call.legs[0].callee == callee


async def test_dial_without_g_says_minus_one_though_the_caller_is_there(script: PlayScript) -> None:
    played = await script(["ANSWER", "EXEC Dial PJSIP/44@carrier,20", "CHANNEL STATUS"], (), (Callee(),))
    assert played.lines == ["200 result=0", "200 result=-1", "200 result=6"]


async def test_l_limits_the_talk_not_the_ringing(script: PlayScript) -> None:
    callee = Callee(after_ms=700, talk_ms=None)
    played = await script(["ANSWER", f'EXEC Dial "PJSIP/44@c,20,{OPTIONS}L(1200)"'], (), (callee,))
    assert (played.lines[1], played.clock.monotonic_ms()) == ("200 result=0", 1900)


async def test_headers_are_those_that_are_inherited_at_dial_time(script: PlayScript) -> None:
    played = await script(
        [
            "SET VARIABLE __RINGFLOW_HEADER_1 X-A=1=2",
            "SET VARIABLE RINGFLOW_HEADER_2 X-B=not-inherited",
            "SET VARIABLE __RINGFLOW_HEADER_3 X-C=too-many",
            "SET VARIABLE __RINGFLOW_HEADERS 1",
            f'EXEC Dial "PJSIP/44@carrier,20,f(15550001111){OPTIONS}"',
            'EXEC Dial "PJSIP/45@carrier,20,g"',
        ],
        (),
        (Callee(Behaviour.BUSY),),
    )
    first, second = played.call.legs
    assert (first.target, first.headers, first.caller_id) == (
        "PJSIP/44@carrier", {"X-A": "1=2"}, "15550001111",
    )  # fmt: skip
    assert (second.headers, second.caller_id) == ({}, "441910000001")


async def test_headers_are_those_given_as_arguments_and_those_left_as_variables(script: PlayScript) -> None:
    words = "X-Customer-ID^42^X-CX-Sec^v1.170.ab"
    played = await script(
        [
            "SET VARIABLE __RINGFLOW_HEADER_1 X-A=1",
            "SET VARIABLE __RINGFLOW_HEADERS 1",
            f'EXEC Dial "PJSIP/44@carrier,20,gb(ringflow-leg^two^1({words}))"',
            f'EXEC Dial "PJSIP/45@carrier,20,gb(ringflow-leg^more^1({words}))"',
        ],
        (),
        (Callee(Behaviour.BUSY), Callee(Behaviour.BUSY)),
    )
    identity = {"X-Customer-ID": "42", "X-CX-Sec": "v1.170.ab"}
    assert [leg.headers for leg in played.call.legs] == [identity, identity | {"X-A": "1"}]


async def test_a_refusal_by_code_where_asterisk_has_it(script: PlayScript) -> None:
    played = await script(["EXEC PJSIPHangup 403"])
    assert (played.lines, played.call.sip_code) == (["200 result=-1", "HANGUP"], 403)
    old = await script(
        ["EXEC PJSIPHangup 403", "EXEC Hangup 21"], missing_applications=frozenset({"pjsiphangup"})
    )
    assert old.lines == ["200 result=-2", "200 result=-1"]
    assert (old.call.sip_code, old.call.channel.hangup_cause) == (403, 21)


async def test_a_script_that_never_ends_is_bounded(script: PlayScript) -> None:
    played = await script(["ANSWER", "WAIT FOR DIGIT -1"])
    assert played.lines == ["200 result=0", "200 result=-1", "HANGUP"]
    assert played.caller.endless


async def test_a_read_without_a_prompt_is_a_question_as_well(script: PlayScript) -> None:
    commands = ["ANSWER", 'STREAM FILE ask ""', 'EXEC Read "KEYS,,14,"', "GET FULL VARIABLE ${KEYS}"]
    played = await script(commands, [Hears(None), Keys("1#")])
    assert played.lines[-1] == "200 result=1 (1)"
    assert played.caller.waits_for is None


@pytest.mark.parametrize("tone_ms", [40, 1500])
async def test_several_prompts_of_one_question_are_one_question(script: PlayScript, tone_ms: int) -> None:
    first, second = 'EXEC Read "FIRST,ask&sorry&ask,1"', 'EXEC Read "SECOND,ask&sorry,1"'
    asked = ["ANSWER", first, 'STREAM FILE sorry ""', second, "GET FULL VARIABLE ${FIRST}/${SECOND}"]
    steps: list[CallerStep] = [Hears(None), Keys("1", tone_ms=tone_ms), Hears(None), Keys("2")]
    played = await script(asked, steps)
    assert played.lines[-1] == "200 result=1 (1/2)"
    assert played.caller.waits_for is None


async def test_a_question_that_is_not_answered_is_not_heard_twice(script: PlayScript) -> None:
    commands = ["ANSWER", 'EXEC Read "FIRST,ask&sorry&ask,1"', 'EXEC Read "SECOND,ask&sorry,1"']
    asked = [*commands, "GET FULL VARIABLE ${FIRST}/${SECOND}"]
    played = await script(asked, [Hears(None), Hears(None), Keys("2")])
    assert played.lines[-1] == "200 result=1 (/2)"


async def test_prompts_in_a_row_that_a_key_stops_are_one_question(script: PlayScript) -> None:
    commands = [
        "ANSWER",
        'STREAM FILE ask "1"',
        'STREAM FILE sorry "1"',
        'STREAM FILE sorry ""',
        'EXEC Read "KEYS,ask,1"',
    ]
    played = await script(
        [*commands, "GET FULL VARIABLE ${KEYS}"], [Hears(None), Keys("1"), Hears(None), Keys("2")]
    )
    assert played.lines[-1] == "200 result=1 (2)"


def refusing(code: int, after_ms: int) -> Callee:
    return Callee(Behaviour.REFUSE, after_ms, None, code)


SEVERAL = {
    "the first to answer": (
        (Callee(Behaviour.ANSWER, 900, 500), Callee(Behaviour.ANSWER, 400, 500)),
        "ANSWER|16",
        900,
    ),
    "busy, then an answer": ((refusing(486, 100), Callee(Behaviour.ANSWER, 400, 500)), "ANSWER|16", 900),
    "congested and busy": ((refusing(486, 100), refusing(503, 300)), "BUSY|34", 300),
    "away and busy": ((refusing(480, 100), refusing(486, 300)), "NOANSWER|17", 300),
    "unknown and congested": ((refusing(404, 100), refusing(503, 300)), "CONGESTION|34", 300),
    "busy and silent": ((refusing(486, 100), Callee(Behaviour.NO_ANSWER, None, None)), "NOANSWER|17", 3000),
    "too late": ((Callee(Behaviour.ANSWER, 3001, 500), refusing(404, 100)), "NOANSWER|1", 3000),
}


@pytest.mark.parametrize("name", SEVERAL)
async def test_several_who_ring_at_once_come_to_one_end(script: PlayScript, name: str) -> None:
    callees, outcome, took_ms = SEVERAL[name]
    places = "&".join(f"PJSIP/44@trunk{number}" for number in range(len(callees)))
    played = await script(
        ["ANSWER", f'EXEC Dial "{places},3,g"', 'GET FULL VARIABLE "${DIALSTATUS}|${HANGUPCAUSE}"'],
        callees=callees,
    )
    assert played.lines[2] == f"200 result=1 ({outcome})"
    assert played.clock.monotonic_ms() == took_ms
    assert [leg.target for leg in played.call.legs] == places.split("&")


async def test_a_caller_who_leaves_while_several_ring_cancels_them_all(script: PlayScript) -> None:
    callees = (Callee(Behaviour.NO_ANSWER, None, None), refusing(486, 5000))
    played = await script(['EXEC Dial "PJSIP/1@a&PJSIP/1@b,30,g"', "GET VARIABLE DIALSTATUS"],
        [Hears("ringing", 700), HangsUp()], callees,
    )  # fmt: skip
    assert [line for line in played.lines if line != "HANGUP"] == ["200 result=-1", "200 result=1 (CANCEL)"]
    assert played.clock.monotonic_ms() == 700


RECORDED: dict[str, tuple[list[CallerStep], str, str, int, int]] = {
    "to a key": (
        [Waits(500), Speaks(1500), Keys("#", after_ms=1000)],
        '"#" 8000',
        "35 (dtmf) endpos=22400",
        2800,
        1500,
    ),
    "to its time": ([Waits(500), Speaks(2000)], '"#" 2000', "0 (timeout) endpos=16000", 2000, 1500),
    "to silence": ([Speaks(1000)], '"#" 9000 s=2', "6000 (timeout) endpos=16000", 2000, 1000),
    "to the hang-up": (
        [Speaks(700), Waits(800), HangsUp()],
        '"#" 9000',
        "-1 (hangup) endpos=12000",
        1500,
        700,
    ),
    "silence from the beginning": ([], '"#" 9000 s=3', "6000 (timeout) endpos=8000", 1000, 0),
}


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recording_is_as_long_as_it_lasted_and_has_what_was_said(
    script: PlayScript, name: str
) -> None:
    steps, arguments, reply, length_ms, spoken_ms = RECORDED[name]
    played = await script(["ANSWER", f"RECORD FILE message wav {arguments}"], steps)
    assert played.lines[1] == f"200 result={reply}"
    (recording,) = played.call.recordings
    assert recording == Recording("message", "wav", length_ms, spoken_ms)
