"""That the comparison of the two worlds can fail: one thing changed at a time, each is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringflow.accounts.security_key import SecurityKeys
from ringflow.calls.call_record import CallRecord
from ringflow.calls.clock import SystemClock
from ringflow.calls.events import CallEnded, CallEvent, DigitsCollected
from ringflow.calls.outcome import Leg, ReleasedBy
from ringflow.config import Config, TrunkDeclaration, load_config
from ringflow.errors import Refused
from ringflow.lab import CalleeRecord, HangUp, LabCallResult, Moment
from ringflow.lab.agreement import disagreements, side_by_side, wire_disagreements
from ringflow.lab.scenario_plan import plan_call
from ringflow.lab.scenario_server import ShiftedClock
from ringflow.simulator.run import SimulatedCall, simulate
from ringflow.simulator.scenario import IncomingPlan
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

CASES = {one.scenario.name: one for one in read_scenarios(Path(__file__).with_name("call_path.test.yaml"))}
DONE = CASES["done"]
KEYS = SecurityKeys("a secret of this test")
CONFIG = Config(trunks=(TrunkDeclaration(name="carrier", dial="PJSIP/{number}@x", server="sw.example"),))


async def simulated(case: ScenarioCase = DONE) -> SimulatedCall:
    async with Stage.open(load_config(Path(__file__).parents[2] / "config.yaml", {})) as stage:
        return await simulate(case, stage)


def wire_of(record: CallRecord) -> tuple[LabCallResult, CallRecord]:
    """A wire that agrees with the record, and the record with a key that the wire can carry."""
    leg = record.legs[0]
    headers = {**leg.headers, "X-CX-Sec": KEYS.make(42, "sw.example", 1000)}
    callee = CalleeRecord(
        leg.dialled, "441910000001", tuple(headers.items()), 1000.0, 1001.0, 1003.0, "callee", False, ()
    )
    result = LabCallResult(200, "OK", 999.0, 1003.0, "asterisk", (), {"callee01": callee}, ())
    return result, replace(record, legs=(replace(leg, headers=headers),))


def changed_leg(record: CallRecord, **changes: object) -> CallRecord:
    leg: Leg = replace(record.legs[0], **changes)  # type: ignore[arg-type]
    return replace(record, legs=(leg,))


def without_event(record: CallRecord, kind: type[CallEvent]) -> CallRecord:
    return replace(record, events=tuple(one for one in record.events if not isinstance(one, kind)))


CHANGES: dict[str, Callable[[CallRecord], CallRecord]] = {
    "outcome": lambda one: replace(one, outcome="busy"),
    "customer": lambda one: replace(one, customer=43),
    "variables": lambda one: replace(one, variables={**one.variables, "ivr_destination": "1"}),
    "transcript line 3": lambda one: without_event(one, DigitsCollected),
    "transcript line 9": lambda one: without_event(one, CallEnded),
    "legs": lambda one: replace(one, legs=()),
    "leg 1 dialled": lambda one: changed_leg(one, dialled="1"),
    "leg 1 sip_code": lambda one: changed_leg(one, sip_code=486),
    "leg 1 status": lambda one: changed_leg(one, status="busy"),
    "released_by": lambda one: replace(one, released_by=ReleasedBy.DRAIN),
    "leg 1 released_by": lambda one: changed_leg(one, released_by=ReleasedBy.CREDIT),
    "leg 1 headers": lambda one: changed_leg(one, headers={"X-CX-Sec": "v1"}),
    "leg 1 talked": lambda one: changed_leg(one, talked_ms=2500),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_record_that_differs_is_told_in_what(what: str) -> None:
    call = await simulated()
    assert list(disagreements(call, call.record)) == []
    assert [one.what for one in disagreements(call, CHANGES[what](call.record))] == [what]


async def test_times_and_the_calls_own_names_are_no_difference() -> None:
    call = await simulated()
    record = replace(
        changed_leg(
            call.record, talked_ms=2100, headers={**call.record.legs[0].headers, "X-CX-Sec": "other"}
        ),
        events=tuple(replace(event, at_ms=event.at_ms + 700) for event in call.record.events),
        variables={**call.record.variables, "did": "1", "call.id": "x"},
    )
    assert list(disagreements(call, record)) == []


WIRES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "SIP status of the caller's INVITE": ({"status": 486}, {}),
    "dialled on the wire of carrier": ({}, {"dialled": "1"}),
    "From on the wire of carrier": ({}, {"from_user": "anonymous"}),
    "header X-Customer-ID on the wire of carrier": ({}, {"headers": ()}),
    "talked on the wire of carrier": ({}, {"ended_at": 1003.2}),
    "answer on the wire of carrier": ({}, {"answered_at": None, "ended_at": 1002.0}),
    "X-CX-Sec on the wire of carrier": ({}, {"invited_at": 2000.0}),
}


@pytest.mark.parametrize("what", WIRES)
async def test_a_wire_that_differs_is_told_in_what(what: str) -> None:
    call = await simulated()
    wire, record = wire_of(call.record)
    callee = wire.callees["callee01"]
    assert list(wire_disagreements(call, record, wire, [callee], CONFIG, KEYS)) == []
    of_call, of_callee = WIRES[what]
    changed = replace(callee, **of_callee)  # type: ignore[arg-type]
    found = wire_disagreements(
        call, record, replace(wire, **of_call), [changed], CONFIG, KEYS  # type: ignore[arg-type]
    )  # fmt: skip
    assert what in [one.what for one in found]
    missing = list(wire_disagreements(call, record, wire, [None], CONFIG, KEYS))
    assert [str(one) for one in missing] == ["INVITE through carrier: expected 441234567890, came none"]


async def test_both_transcripts_are_shown_side_by_side() -> None:
    call = await simulated()
    shown = list(side_by_side(call.record, without_event(call.record, CallEnded)))
    assert shown[0].split() == ["simulated", "|", "real"]
    assert shown[1].split("|")[0].strip() == shown[1].split("|")[1].strip() == "0.000s ivr[1]: answered"
    assert [line[0] for line in shown[1:]] == [*" " * 8, "!"]


@pytest.mark.parametrize(
    ("name", "moment", "after_ms"),
    [
        ("the caller hangs up during the prompt", Moment.ANSWERED, 1000),
        ("the caller hangs up while it rings", Moment.RINGING, 1000),
        ("the caller hangs up while talking", Moment.TALKING, 1500),
        ("a caller who leaves before anybody answered", Moment.RINGING, 1000),
    ],
)
async def test_a_hang_up_counts_from_what_is_seen_on_the_wire(
    name: str, moment: Moment, after_ms: int
) -> None:
    plan = plan_call(CASES[name].scenario.scripts[0], await simulated(CASES[name]))
    assert plan.hang_up == HangUp(moment, after_ms)


async def test_each_time_that_a_call_dials_out_has_callees_of_its_own() -> None:
    path = Path(__file__).parents[2] / "app_flows" / "prepaid_card.test.yaml"
    cases = {one.scenario.name: one for one in read_scenarios(path)}
    case = cases["a known calling number needs no card, and one call follows another"]
    plan = plan_call(case.scenario.scripts[0], await simulated(case))
    assert [(leg.turn, leg.trunk) for leg in plan.legs] == [(0, "carrier"), (1, "carrier")]
    assert [leg.callee.hangs_up_after_ms for leg in plan.legs if leg.callee] == [3_600_000, 30_000]
    failover = CASES["congestion on the first trunk, the second one answers"]
    plan = plan_call(failover.scenario.scripts[0], await simulated(failover))
    assert [leg.turn for leg in plan.legs] == [0, 0]


async def test_what_only_the_simulator_can_play_is_refused_by_name() -> None:
    call = await simulated()
    (script,) = DONE.scenario.scripts
    withheld = script.model_copy(update={"call": IncomingPlan(presentation="restricted")})
    with pytest.raises(Refused, match="has none to withhold"):
        plan_call(withheld, call)
    with pytest.raises(Refused, match="nobody ends this call"):
        plan_call(script, replace(call, endless=True))


REFUSED_FIRST = """
flow:
  - {slot: destination, external: "*98", on: {refused: next}}
  - {slot: destination, uri: "sip:a@elsewhere.example", on: {refused: next}}
  - {slot: destination, uri: "sip:a@pbx.example"}
  - {slot: destination, external: "441234567890"}
scenarios: [{name: a, given: {uri_hosts: [pbx.example]}, callee: {hangs_up_after: 1s}, expect: {}}]
"""


async def test_a_number_that_no_trunk_takes_is_a_time_of_dialling_out_and_a_sip_uri_is_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.test.yaml"
    path.write_text(REFUSED_FIRST)
    (case,) = read_scenarios(path)
    plan = plan_call(case.scenario.scripts[0], await simulated(case))
    assert [(leg.turn, leg.trunk) for leg in plan.legs] == [(None, "uri"), (1, "carrier")]


def test_a_scenarios_own_time_goes_on_from_where_it_says() -> None:
    machine = SystemClock()
    before_s, clock = machine.now_s(), ShiftedClock(datetime(2026, 2, 3, 21, 30, tzinfo=UTC))
    began_s = datetime(2026, 2, 3, 21, 30, tzinfo=UTC).timestamp()
    assert began_s <= clock.now_s() <= began_s + machine.now_s() - before_s
    assert ShiftedClock(None).ahead_s == 0.0
