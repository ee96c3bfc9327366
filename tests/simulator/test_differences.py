"""What differs between a call and what is expected of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringflow.calls.call_record import CallRecord
from ringflow.calls.events import DigitsCollected, Noted, Place, PromptPlayed
from ringflow.calls.outcome import Ending, Leg, LegStatus, Reject
from ringflow.simulator.differences import differences
from ringflow.simulator.scenario import Scenario
from ringflow.simulator.scenario_money import MoneyAfter

IN_IVR = Place("c1", 0, slot="ivr")
RECORD = CallRecord(
    call_id="x",
    did="18005550100",
    cli="441910000001",
    app="card",
    revision="r",
    customer=42,
    outcome="completed",
    reason="",
    started_at_s=0.0,
    duration_ms=9000,
    reject=None,
    variables={
        "app": "card",
        "number": "44123",
        "order": {"items": [{"id": 7}], "of": None},
        "yes": True,
        "empty": "",
    },
    legs=(
        Leg("44123", "a", LegStatus.CONGESTION, headers={"X-Route": "a"}),
        Leg("44123", "b", LegStatus.ANSWERED, 4000, 16, None, {"X-Customer-ID": "42"}),
    ),
    events=(
        PromptPlayed(IN_IVR, 1, 0, "ask"),
        DigitsCollected(IN_IVR, 2, 5, "", Ending.TERMINATOR),
        Noted(IN_IVR, 3, 9, "ended", "completed"),
    ),
)

SAME: tuple[dict[str, object], ...] = (
    {},
    {"outcome": "completed", "app": "card", "customer": 42, "reject": None},
    {"dialled": "44123", "talked": "4s", "caller_id": "441910000001", "headers": {"x-customer-id": 42}},
    {"headers": {"X-Customer-ID": "*", "X-Gone": None}},
    {"legs": [{"trunk": "a", "status": "congestion", "talked": "0s", "headers": {"X-Route": "a"}}, {}]},
    {"variables": {"number": "44123", "other": None}},
    {"variables": {"number": 44123, "order.items.0.id": "7", "order.items.1": None, "order.of": None}},
    {"variables": {"order": {"items": [{"id": 7}], "of": None}, "yes": True, "order.items": "*"}},
    {"prompts": ["ask"], "transcript": ["prompt ask", "keys (terminator)", "ended"]},
)

OTHER: dict[str, dict[str, object]] = {
    "outcome: expected busy, came completed": {"outcome": "busy"},
    "reject: expected 403 CLI Not Authorized, came nothing": {
        "reject": {"sip": 403, "reason": "CLI Not Authorized"}
    },
    "app: expected other, came card": {"app": "other"},
    "customer: expected nothing, came 42": {"customer": None},
    "dialled: expected 44, came 44123": {"dialled": "44"},
    "dialled: expected nothing, came 44123": {"dialled": None},
    "talked: expected 3.9s, came 4s": {"talked": "3900ms"},
    "caller_id: expected 1, came 441910000001": {"caller_id": "1"},
    "header X-Customer-ID: expected 7, came 42": {"headers": {"X-Customer-ID": "7"}},
    "header X-CX-Sec: expected any value, came nothing": {"headers": {"X-CX-Sec": "*"}},
    "legs: expected 1, came 2: 44123 a congestion, 44123 b answered": {"legs": [{}]},
    "leg 2 status: expected busy, came answered": {"legs": [{}, {"status": "busy"}]},
    "leg 1 header X-Route: expected b, came a": {"legs": [{"headers": {"X-Route": "b"}}, {}]},
    "variable number: expected 7, came 44123": {"variables": {"number": "7"}},
    "variable order.items.0.id: expected 8, came 7": {"variables": {"order.items.0.id": 8}},
    'variable order.items: expected [{"id":"7"}], came [{"id":7}]': {
        "variables": {"order.items": [{"id": "7"}]}
    },
    'variable order.items: expected [{"id":7}], came [{"id":7}]': {
        "variables": {"order.items": '[{"id":7}]'}
    },
    "variable order.of: expected any value, came nothing": {"variables": {"order.of": "*"}},
    "variable yes: expected 1, came true": {"variables": {"yes": 1}},
    "variable empty: expected nothing, came an empty text": {"variables": {"empty": None}},
    "prompts: expected nothing, came ask": {"prompts": []},
    "transcript: expected `prompt other` at the beginning, came no such line there": {
        "transcript": ["prompt other"]
    },
    "transcript: expected `prompt ask` after `keys`, came no such line there": {
        "transcript": ["keys", "prompt ask"]
    },
}


def compare(expect: object, record: CallRecord = RECORD, tolerance_ms: int = 0) -> list[str]:
    scenario = Scenario.model_validate({"name": "x", "expect": expect})
    found = differences(scenario.given, scenario.expect, record, tolerance_ms)
    return [str(difference) for difference in found]


@pytest.mark.parametrize("expect", SAME)
def test_what_is_as_expected_is_no_difference(expect: object) -> None:
    assert compare(expect) == []


@pytest.mark.parametrize("text", OTHER)
def test_a_difference_says_what_was_expected_and_what_came(text: str) -> None:
    assert compare(OTHER[text]) == [text]


def test_a_call_without_a_leg_says_why() -> None:
    none = replace(RECORD, legs=(), outcome="no_input")
    assert compare({"dialled": "44"}, none) == ["dialled: expected 44, came nothing (outcome no_input)"]
    assert compare({"dialled": None}, none) == []


def test_a_rejection_is_compared_by_code_and_reason_if_given() -> None:
    rejected = replace(RECORD, reject=Reject(403, "Why"))
    assert compare({"reject": {"sip": 403}}, rejected) == []
    assert compare({"reject": {"sip": 403, "reason": "Because"}}, rejected) == [
        "reject: expected 403 Because, came 403 Why"
    ]
    assert compare({"reject": None}, rejected) == ["reject: expected nothing, came 403 Why"]


def test_real_time_may_be_off_by_a_little() -> None:
    assert compare({"talked": "3900ms"}, tolerance_ms=100) == []


def test_money_is_exact_unless_talk_is_in_real_time() -> None:
    record = replace(RECORD, legs=(Leg("44", "a", LegStatus.ANSWERED, 30_300, charged_micros=103_334),))
    expect = {"charged": "0.10", "credit": "4.90"}
    given = {"rates": [{"prefix": "44", "price": "0.20"}]}
    scenario = Scenario.model_validate({"name": "x", "given": given, "expect": expect})

    def found(credit_micros: int, tolerance_ms: int, *findings: str) -> list[str]:
        money = MoneyAfter("USD", credit_micros, findings)
        return [str(one) for one in differences(scenario.given, scenario.expect, record, tolerance_ms, money)]

    assert [one.split(":")[0] for one in found(4_896_666, 0)] == ["charged", "credit"]
    assert found(4_896_666, 400) == []
    assert found(4_890_000, 400) == ["credit: expected 4.90, came 4.89"]
    assert found(4_896_666, 400, "a hold") == ["the books: expected right, came a hold"]
