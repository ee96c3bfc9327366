"""Whole calls: the real server, session and engine against the virtual Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ringflow.errors import ConfigError
from ringflow.simulator.callee import Behaviour
from ringflow.simulator.judgement import play
from ringflow.simulator.run import SimulatedCall, simulate
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

ReadOne = Callable[[str], ScenarioCase]


@pytest.fixture
def read_one(tmp_path: Path) -> ReadOne:
    def read(text: str) -> ScenarioCase:
        path = tmp_path / "calling_card.test.yaml"
        path.write_text(text)
        return read_scenarios(path)[-1]

    return read


def asked(call: SimulatedCall, word: str) -> list[str]:
    return [line[2:] for line in call.carried.wire if line.startswith("> ") and word in line]


CARD = """
- name: card
  caller: [{hears: IVR/ivr-please, for: 1s}, {keys: "441234567890#", every: 200ms}]
  callee: {answers_after: 4s, hangs_up_after: 1h}
  expect: {outcome: completed, talked: 1h}
"""


async def test_an_hour_of_talk_is_an_hour_of_the_virtual_clock_alone(stage: Stage, read_one: ReadOne) -> None:
    async with asyncio.timeout(600):
        call = await simulate(read_one(CARD), stage)
    (leg,) = call.record.legs
    assert (leg.dialled, leg.talked_ms, leg.status) == ("441234567890", 3_600_000, "answered")
    assert call.record.duration_ms == 1000 + 12 * 200 + 100 + 4000 + 3_600_000


async def test_the_lab_can_play_the_same_call(stage: Stage, read_one: ReadOne) -> None:
    call = await simulate(read_one(CARD), stage)
    assert [(press.key, press.at_ms, press.length_ms) for press in call.timeline.keys][:3] == [
        ("4", 1000, 100), ("4", 1200, 100), ("1", 1400, 100),
    ]  # fmt: skip
    assert "".join(press.key for press in call.timeline.keys) == "441234567890#"
    assert call.timeline.hung_up_at_ms is None
    (leg,) = call.legs
    assert (leg.callee.behaviour, leg.callee.after_ms, leg.callee.talk_ms) == (
        Behaviour.ANSWER, 4000, 3_600_000,
    )  # fmt: skip


async def test_the_same_call_twice_is_the_same_call(stage: Stage, read_one: ReadOne) -> None:
    first, second = [await simulate(read_one(CARD), stage) for _ in range(2)]
    assert first.record.transcript == second.record.transcript
    assert first.timeline == second.timeline


async def test_what_is_seen_on_the_wire_is_what_the_record_says(stage: Stage, read_one: ReadOne) -> None:
    call = await simulate(read_one(CARD), stage)
    words = "X-Customer-ID^42^X-CX-Sec^" + call.record.legs[0].headers["X-CX-Sec"]
    options = f"gb(ringflow-callee^two^1({words}))U(ringflow-answered^simulated.1@1767225600.1)"
    assert asked(call, "EXEC Dial") == [f'EXEC Dial "PJSIP/441234567890@ringflow-carrier,60,{options}"']
    assert call.legs[0].headers == call.record.legs[0].headers
    assert call.legs[0].caller_id == "441910000001"


async def test_a_rejected_call_is_never_answered(stage: Stage, read_one: ReadOne) -> None:
    call = await simulate(read_one("[{name: x, call: {from: '44999'}, expect: {}}]"), stage)
    assert (call.carried.sip_code, call.carried.prompts) == (403, ())
    assert asked(call, "ANSWER") == []
    assert not call.timeline.answered


async def test_scenarios_do_not_see_each_others_rows(stage: Stage, read_one: ReadOne) -> None:
    seven = "{customer: {id: 7, clis: ['441910000007']}, trunks: [{name: own, dial: 'PJSIP/{number}@own'}]}"
    own = f"[{{name: x, given: {seven}, call: {{from: '441910000007'}}, expect: {{}}}}]"
    assert (await simulate(read_one(own), stage)).record.customer == 7
    other = await simulate(read_one("[{name: x, call: {from: '441910000007'}, expect: {}}]"), stage)
    assert (other.record.customer, other.record.outcome) == (None, "rejected")


async def test_a_scenario_that_names_no_did_calls_the_files_own_app(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "prepaid_card.test.yaml"
    path.write_text("""
- {name: no DID, expect: {}}
- {name: one that leads elsewhere, call: {did: "18005550100", from: "441910000001"}, expect: {}}
""")
    calls = [await simulate(case, stage) for case in read_scenarios(path)]
    assert [call.record.app for call in calls] == ["prepaid_card", "calling_card"]


async def test_a_call_that_nobody_ends_is_ended_and_fails(stage: Stage, read_one: ReadOne) -> None:
    text = """
- name: endless
  flow: [{slot: destination, external: "441234567890"}]
  callee: {answers_after: 1s}
  expect: {outcome: completed}
"""
    judgement = await play(read_one(text), stage)
    assert judgement.calls
    assert judgement.calls[0].endless
    assert judgement.failure is not None
    assert judgement.failure.startswith("end: expected somebody to hang up, came a call without an end")


async def test_a_failure_tells_what_differed_and_the_transcript(stage: Stage, read_one: ReadOne) -> None:
    text = """
- name: wrong
  flow: [{slot: audio, file: IVR/no-such-prompt}, {slot: audio, file: IVR/welcome}]
  caller: [{hears: MISC/goodbye}]
  expect: {outcome: abandoned, prompts: [MISC/goodbye]}
"""
    judgement = await play(read_one(text), stage)
    assert judgement.failure is not None
    assert judgement.failure.splitlines()[:4] == [
        "outcome: expected abandoned, came completed",
        "prompts: expected MISC/goodbye, came IVR/no-such-prompt, IVR/welcome",
        "the caller still waited to hear MISC/goodbye",
        "Asterisk would not find the prompt IVR/no-such-prompt",
    ]
    assert "prompt IVR/welcome" in judgement.failure


async def test_rows_that_clash_are_the_scenarios_failure(stage: Stage, read_one: ReadOne) -> None:
    clashing = "{customers: [{id: 1, clis: ['441910000001']}, {id: 2, clis: ['441910000001']}]}"
    case = read_one(f"[{{name: x, given: {clashing}, expect: {{}}}}]")
    with pytest.raises(ConfigError):
        await simulate(case, stage)
    failure = (await play(case, stage)).failure
    assert failure is not None
    assert "customer 2" in failure
    assert (await play(read_one(CARD), stage)).failure is None


async def test_now_is_when_the_scenario_says(stage: Stage, read_one: ReadOne) -> None:
    case = read_one("[{name: x, given: {now: '2026-02-03T22:30:00+01:00'}, expect: {}}]")
    assert (await simulate(case, stage)).record.started_at_s == 1770154200.0


async def test_a_broken_flow_is_named_where_its_scenarios_fail(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "menu.yaml").write_text("app: menu\nslots: [{slot: audo, file: IVR/welcome}]\n")
    path = tmp_path / "menu.test.yaml"
    path.write_text("[{name: a, given: {did: {}}, expect: {outcome: completed}}]")
    failure = (await play(read_scenarios(path)[0], stage)).failure
    assert failure is not None
    assert f"{tmp_path / 'menu.yaml'}:2:16: unknown slot type `audo`" in failure


async def test_the_guides_first_scenario_passes(stage: Stage, read_one: ReadOne) -> None:
    guide = (Path(__file__).parent.parent.parent / "docs" / "scenarios.md").read_text()
    example = guide.partition("```yaml\n")[2].partition("```")[0]
    assert (await play(read_one(example), stage)).failure is None
