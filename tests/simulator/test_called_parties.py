"""Scenarios in which Ringflow calls somebody: who is called, what he hears and keys, what it costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from ringflow.actor import CONFIGURATION, Actor, Made, acting
from ringflow.calls.originations import TargetKind
from ringflow.calls.originator import WantedCall
from ringflow.errors import DocumentError
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import DONE, Slot
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

if TYPE_CHECKING:
    from ringflow.calls.call import Call

FLOW = """
flow:
  - {slot: ivr, file: IVR/ivr-please, max: 3, result: number, on: {no_input: hangup}}
  - {slot: destination, external: "44123456${number}"}
scenarios:
- name: somebody is called
  given: {customer: {id: 42, clis: [], credit: "100.00"}, rates: [{prefix: "44", price: "0.60"}]}
  calls:
"""
ASKS = """
    - originate: {number: "+441910000077", variables: {desk: A}}
      called: {answers_after: 3s}
"""


class CallBack(Slot):
    """Has the caller's number called."""

    fixed_exits: ClassVar[tuple[str, ...]] = (DONE,)
    needs_caller: ClassVar[bool] = False

    async def run(self, call: Call) -> str:
        originator, store = call._world.originator, call._world.charging
        assert originator is not None
        assert store is not None
        assert call.account.customer is not None

        async def transaction(change: Callable[[Actor], Awaitable[Made]]) -> Made:
            async with acting(store.ledger.store, CONFIGURATION, "US") as actor:
                return await change(actor)

        wanted = WantedCall(
            call.account.customer.id, TargetKind.NUMBER, str(call.variables.visible["cli"]), "menu"
        )
        await originator.ask(wanted, CONFIGURATION, transaction)
        return DONE


BACK = """
flow:
  app: called
  slots: [{slot: wait, seconds: 60}]
  on_hangup: [{slot: call_back}]
flows:
  menu: [{slot: ivr, file: IVR/ivr-please, max: 1, result: choice}]
scenarios:
- name: a caller hangs up and is called back
  calls:
    - {call: {from: "441910000001", gives_up_after: 2s}, expect: {outcome: abandoned}}
    - called: {answers_after: 3s}
      caller: [{hears: IVR/ivr-please, for: 300ms}, {keys: "5"}]
      dialling: {dialled: "441910000001", talked: 400ms}
      expect: {outcome: completed, heard: [IVR/ivr-please], variables: {choice: "5"}}
    - originate: {number: "+441910000079", app: menu}
      called: {does: busy}
      dialling: {outcome: busy, dialled: "441910000079"}
"""


async def test_a_caller_who_hangs_up_is_called_back_by_the_flow(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "back.test.yaml"
    path.write_text(BACK)
    types: dict[str, type[Slot]] = {**slot_types(), "call_back": CallBack}
    (case,) = read_scenarios(path, types)
    assert (await play(case, stage)).failure is None
    # Nobody is there for a call that no scenario speaks of, and it is no part of it.
    path.write_text(BACK.partition("    - called:")[0])
    (case,) = read_scenarios(path, types)
    assert "@ringflow-carrier, of whom no call with `called` speaks" in (
        (await play(case, stage)).failure or ""
    )


def read(tmp_path: Path, text: str) -> ScenarioCase:
    path = tmp_path / "called.test.yaml"
    path.write_text(FLOW + text)
    (case,) = read_scenarios(path)
    return case


async def test_who_answers_keys_in_the_app_and_both_calls_are_charged(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        ASKS
        + """
      caller: [{hears: question, for: 500ms}, {keys: "789"}]
      callee: {answers_after: 2s, hangs_up_after: 10s}
      dialling: {dialled: "441910000077", talked: 13500ms, charged: "0.14", legs: [{released_by: caller}]}
      expect:
        outcome: completed
        customer: 42
        heard: [IVR/ivr-please, ringing, callee]
        variables: {desk: A, number: "789"}
        dialled: "44123456789"
        talked: 10s
        charged: "0.10"
""",
    )
    judged = await play(case, stage)
    assert judged.failure is None


async def test_who_hangs_up_ends_both_calls(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        ASKS
        + """
      caller: [{waits: 4s}, {hangs_up: true}]
      dialling: {outcome: completed, talked: 4s, legs: [{released_by: callee}]}
      expect: {outcome: abandoned, heard: [IVR/ivr-please], legs: []}
""",
    )
    judged = await play(case, stage)
    assert judged.failure is None
    (call,) = judged.calls
    assert call.record.duration_ms == 4000
    assert call.dialling is not None
    assert call.dialling.record.duration_ms == 7000


async def test_the_end_of_the_money_ends_both_calls(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
    - originate: {number: "+441910000077", customer: 43}
      called: {answers_after: 1s}
      dialling: {outcome: completed, talked: 5s, charged: "0.05", legs: [{released_by: credit}]}
      expect: {outcome: abandoned}
""",
    )
    text = case.path.read_text().replace(
        'customer: {id: 42, clis: [], credit: "100.00"}', 'customers: [{id: 43, credit: "0.05"}]'
    )
    case.path.write_text(text)
    (case,) = read_scenarios(case.path)
    assert (await play(case, stage)).failure is None


@pytest.mark.parametrize(
    ("called", "dialling"),
    [
        ("{does: busy}", "{outcome: busy, legs: [{status: busy, sip: 486}]}"),
        ("{does: no_answer}", "{outcome: no_answer, legs: [{status: no_answer}]}"),
        (
            "[{does: congestion}, {does: busy}]",
            "{outcome: congestion, legs: [{status: congestion}], charged: '0'}",
        ),
    ],
)
async def test_who_does_not_answer_comes_to_no_app(
    stage: Stage, tmp_path: Path, called: str, dialling: str
) -> None:
    asks = f'    - {{originate: {{number: "+441910000077"}}, called: {called}, dialling: {dialling}'
    assert (await play(read(tmp_path, asks + "}\n"), stage)).failure is None
    judged = await play(read(tmp_path, asks + ", expect: {outcome: completed}}\n"), stage)
    assert judged.failure is not None
    assert "call: expected somebody to answer, came nobody" in judged.failure


async def test_a_call_comes_in_while_somebody_is_called(stage: Stage, tmp_path: Path) -> None:
    case = read(
        tmp_path,
        """
    - {call: {from: "441910000001"}, expect: {outcome: rejected}}
    - originate: {number: "+441910000077"}
      after: 2s
      called: {answers_after: 3s, hangs_up_after: 2s}
      dialling: {outcome: completed, talked: 2s}
      expect: {outcome: abandoned}
    - {originate: {number: "+441910000078"}, called: {does: busy}, dialling: {dialled: "441910000078"}}
""",
    )
    judged = await play(case, stage)
    assert judged.failure is None
    ids = [one.record.call_id for one in judged.calls]
    assert ids[0] == "simulated"
    assert ids[2] == "originated-1"


async def test_a_call_that_is_not_made_fails_the_scenario(stage: Stage, tmp_path: Path) -> None:
    case = read(tmp_path, "    - {name: waits, called: {answers_after: 1s}}\n")
    judged = await play(case, stage)
    assert judged.failure is not None
    assert "call 1 (waits): expected to be called, came nobody's call" in judged.failure
    refused = read(tmp_path, '    - {originate: {number: "+331"}, called: {answers_after: 1s}}\n')
    assert "is not a telephone number" in ((await play(refused, stage)).failure or "")


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("{originate: {number: '+44'}, expect: {}}", "`originate` stands without `called`"),
        ("{called: {}, call: {from: '44'}}", "`call` stands beside `called`"),
        ("{called: {}, after: 2s}", "`after` says when a call is asked for"),
        ("{called: {}, originate: {}}", "write one of `number`, `uri` and `device`"),
        (
            "{called: {}, originate: {number: '+44', uri: 'sip:a@b'}}",
            "write one of `number`, `uri` and `device`",
        ),
        ("{called: {}, originate: {number: '+44', app: a, did: '1'}}", "write one of `app` and `did`"),
        ("{after: 2s}", "`expect` is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, call: str, what: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, f"    - {call}\n")
    assert what in str(raised.value)
