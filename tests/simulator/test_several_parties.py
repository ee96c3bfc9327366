"""Scenarios in which callers meet: at one number, in one queue, in one conference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import Field

from ringflow.errors import DocumentError
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import DONE, Slot
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Application(Slot):
    """Runs an application of Asterisk's."""

    name: str
    data: str = ""
    options: dict[str, str] = Field(default_factory=dict)

    async def run(self, call: Call) -> str:
        session = call.media._session
        for option, value in self.options.items():
            await session.set_variable(option, value)
        await session.execute(self.name, self.data)
        return DONE


def read(tmp_path: Path, text: str) -> ScenarioCase:
    path = tmp_path / "parties.test.yaml"
    path.write_text(text)
    (case,) = read_scenarios(path, {**slot_types(), "application": Application})
    return case


QUEUE = """
flow:
  - {slot: answer}
  - {slot: application, name: Queue, data: "desk,c"}
scenarios:
- name: one agent for two callers
  given:
    queues: {desk: {members: [PJSIP/anna], options: {ringinuse: false, strategy: linear}}}
    callees: {PJSIP/anna: {answers_after: 1s, hangs_up_after: 5s}}
  calls:
"""
CONFERENCE = """
flow:
  - {slot: answer}
  - {slot: application, name: ConfBridge, data: room, options: {"CONFBRIDGE(user,announce_only_user)": "no"}}
scenarios:
- name: two in a room
  calls:
"""


async def test_callers_of_a_queue_are_served_in_turn_and_each_hears_his_own(
    stage: Stage, tmp_path: Path
) -> None:
    case = read(
        tmp_path,
        QUEUE
        + """
    - {expect: {outcome: completed, heard: [music, callee]}}
    - {after: 2s, caller: [{hears: callee}], expect: {outcome: completed, heard: [music, callee]}}
    - after: 3s
      caller: [{hears: music, for: 2s}, {hangs_up: true}]
      expect: {outcome: abandoned, heard: [music]}
""",
    )
    judged = await play(case, stage)
    assert judged.failure is None
    first, second, third = judged.calls
    assert [one.record.duration_ms for one in (first, second, third)] == [6000, 10_000, 2000]
    paused = QUEUE.replace("members: [PJSIP/anna]", "members: [{device: PJSIP/anna, paused: true}]")
    waits = "    - {caller: [{hears: music, for: 9s}, {hangs_up: true}], expect: {heard: [music]}}\n"
    assert (await play(read(tmp_path, paused + waits), stage)).failure is None
    wrong = read(tmp_path, QUEUE + "    - {expect: {heard: [ringing, callee]}}\n")
    assert "heard: expected ringing, callee, came music, callee" in ((await play(wrong, stage)).failure or "")


async def test_callers_of_a_room_hear_who_comes_and_goes(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        CONFERENCE
        + """
    - caller: [{waits: 30s}, {hangs_up: true}]
      expect: {heard: [confbridge-join, conference, confbridge-join, confbridge-leave]}
    - after: 10s
      caller: [{hears: conference, for: 10s}, {hangs_up: true}]
      expect: {outcome: completed, heard: [conference, confbridge-join]}
""",
    )
    assert (await play(case, stage)).failure is None


async def test_who_is_met_goes_by_the_place_that_is_dialled_whichever_call_dials_it(
    stage: Stage, tmp_path: Path
) -> None:
    case = read(
        tmp_path,
        """
flow:
  - {slot: destination, external: "441234567890", timeout: 4, on: {busy: next, done: hangup}}
  - {slot: destination, external: "441234567891", timeout: 4, on: {busy: next}}
  - {slot: destination, uri: "sip:desk@pbx.example", timeout: 4, on: {busy: next}}
  - {slot: destination, external: "441234567892", timeout: 4}
scenarios:
- name: a number with one line
  given:
    uri_hosts: [pbx.example]
    callees:
      "+441234567890": [{answers_after: 1s, hangs_up_after: 5s}, {does: busy}]
      "441234567891": {does: busy}
      "sip:desk@pbx.example": {does: busy}
  calls:
    - {callee: {does: congestion}, expect: {outcome: completed, talked: 5s}}
    - after: 2s
      callee: [{answers_after: 2s, hangs_up_after: 3s}, {does: congestion}]
      expect:
        legs: [{status: busy}, {status: busy}, {status: busy}, {status: answered, talked: 3s}]
""",
    )
    assert (await play(case, stage)).failure is None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("queues: {desk: {options: {stratgy: linear}}}", "did you mean `strategy`?"),
        ("queues: {desk: [anna]}", "write a device of Asterisk's such as PJSIP/anna"),
        ("queues: {'a desk': [PJSIP/anna]}", "a queue's name has letters, digits, - and _"),
        ("callees: {'441': {answers_afer: 1s}}", "did you mean `answers_after`"),
    ],
)
def test_a_mistake_in_queues_and_callees_is_named(tmp_path: Path, given: str, what: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, f"- name: a\n  given: {{{given}}}\n  expect: {{}}\n")
    assert what in str(raised.value)
