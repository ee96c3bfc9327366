"""Several calls in one scenario: one world, one time, each with its own caller and callees."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ringflow.simulator.clock import VirtualClock, Waiter
from ringflow.simulator.judgement import play
from ringflow.simulator.run import simulate_calls
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

FLOW = 'flow: [{slot: destination, external: "441234567890", timeout: 4}]\nscenarios:\n'


def read(tmp_path: Path, text: str) -> ScenarioCase:
    path = tmp_path / "calls.test.yaml"
    path.write_text(FLOW + text)
    (case,) = read_scenarios(path)
    return case


async def test_time_passes_when_every_party_waits_and_wakes_the_earliest_alone() -> None:
    clock, seen = VirtualClock(), list[tuple[str, int]]()

    async def party(name: str, *moments: int) -> None:
        waiter = Waiter(clock)
        for at_ms in moments:
            await waiter.until(at_ms)
            seen.append((name, clock.monotonic_ms()))
            # Others get their turns, and time must not move meanwhile.
            await asyncio.sleep(0)
            assert clock.monotonic_ms() == at_ms
        clock.leave()

    clock.join(2)
    await asyncio.gather(party("a", 100, 300), party("b", 50, 200, 400))
    assert seen == [("b", 50), ("a", 100), ("b", 200), ("a", 300), ("b", 400)]


async def test_who_is_woken_looks_again_at_the_time_that_it_is() -> None:
    clock = VirtualClock()
    clock.join(2)
    sleeper = Waiter(clock)

    async def wake() -> None:
        await Waiter(clock).until(70)
        sleeper.wake()
        clock.leave()

    reached, _ = await asyncio.gather(sleeper.until(5000), wake())
    assert (reached, clock.monotonic_ms()) == (False, 70)


async def test_calls_at_once_are_counted_together_and_each_in_its_own_time(
    stage: Stage, tmp_path: Path
) -> None:
    case = read(
        tmp_path,
        """
- name: a limit of one call
  given: {customer: {id: 42, clis: ["441910000001"], channels: 1}}
  calls:
    - {callee: {answers_after: 1s, hangs_up_after: 10s}, expect: {}}
    - {after: 10999ms, expect: {}}
    - {after: 11001ms, callee: {answers_after: 1s, hangs_up_after: 2s}, expect: {}}
""",
    )
    calls = await simulate_calls(case, stage)
    assert [call.record.outcome for call in calls] == ["completed", "rejected", "completed"]
    assert [call.record.duration_ms for call in calls] == [11_000, 0, 3_000]
    first_s = calls[0].record.started_at_s
    assert [round(call.record.started_at_s - first_s, 3) for call in calls] == [0, 10.999, 11.001]
    assert [call.record.call_id for call in calls] == ["simulated", "simulated-2", "simulated-3"]


async def test_the_same_calls_take_the_same_course_every_time(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
- name: two share one credit
  given:
    customer: {id: 42, clis: ["441910000001"], credit: "1.50"}
    rates: [{prefix: "44", price: "1.00"}]
  calls:
    - {callee: {answers_after: 1s}, expect: {}}
    - {after: 500ms, callee: {answers_after: 1s, hangs_up_after: 20s}, expect: {}}
""",
    )
    runs = [await simulate_calls(case, stage) for _ in range(3)]
    told = [
        [
            [(leg.status, leg.talked_ms, leg.charged_micros, leg.released_by) for leg in call.record.legs]
            for call in calls
        ]
        for calls in runs
    ]
    assert told[0] == told[1] == told[2]
    charged = [leg.charged_micros or 0 for call in runs[0] for leg in call.record.legs]
    assert sum(charged) == 1_500_000


async def test_a_failure_names_the_call_that_it_is_in(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
- name: two calls
  calls:
    - {callee: {hangs_up_after: 2s}, expect: {talked: 2s}}
    - {name: second, after: 1s, callee: {hangs_up_after: 2s}, expect: {talked: 3s}}
""",
    )
    failure = (await play(case, stage)).failure
    assert failure is not None
    assert failure.splitlines()[:2] == ["call 2 (second):", "talked: expected 3s, came 2s"]


async def test_a_call_that_nobody_ends_is_ended_by_its_caller_when_the_scenario_says_so(
    stage: Stage, tmp_path: Path
) -> None:
    case = read(tmp_path, "- {name: a, callee: {answers_after: 1s}, expect: {endless: 30s, talked: 29s}}")
    assert (await play(case, stage)).failure is None
    case = read(tmp_path, "- {name: a, callee: {hangs_up_after: 5s}, expect: {endless: 30s}}")
    failure = (await play(case, stage)).failure
    assert failure is not None
    assert failure.startswith("end: expected nobody to hang up within 30s, came an end")


async def test_a_later_call_may_be_endless_from_its_own_arrival_on(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
- name: two calls
  calls:
    - {callee: {hangs_up_after: 2s}, expect: {}}
    - {after: 10s, callee: {answers_after: 1s}, expect: {endless: 5s, talked: 4s}}
""",
    )
    assert (await play(case, stage)).failure is None


async def test_a_hold_and_a_counted_call_that_are_left_are_found(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
- name: a
  given:
    customer: {id: 42, clis: ["441910000001"], credit: "1.00", channels: 2}
    rates: [{prefix: "44", price: "1.00"}]
  expect: {}
""",
    )
    async with stage.engines(case, VirtualClock()) as (_, ready, _):
        money = ready.money
        ledger = money.charging.ledger
        assert (await money.count(42)).findings == ()
        await ledger.hold("call.1@a", 42, 500_000)
        await ledger.occupy("call@a", {"customer:42": 2})
        await money.close()
        findings = (await money.count(42)).findings
    assert findings == (
        "call.1@a: the hold has not ended with its call", "call@a: the call is over and still counted"
    )  # fmt: skip
