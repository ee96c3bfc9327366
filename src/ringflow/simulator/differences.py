"""Where a call and what a scenario expects of it differ. The call may be simulated or real."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from ringflow.calls.call_record import CallRecord
from ringflow.calls.json_value import JsonValue, as_text, look_up
from ringflow.calls.outcome import NEVER_DIALLED, Leg
from ringflow.calls.transcript import MAX_DETAIL, TranscriptLine
from ringflow.money import MICRO_DIGITS, format_amount, parse_amount
from ringflow.simulator.durations import show_duration
from ringflow.simulator.scenario import Expected, Given, LegExpected, RecordingExpected
from ringflow.simulator.scenario_money import MoneyAfter
from ringflow.simulator.scenario_recordings import RecordedSound

PRESENT = "*"
"""As the expected value of a header or variable: any value."""

NOTHING = "nothing"
RECORDING_TOLERANCE_MS = 40
"""Recordings are looked at in blocks of 20 ms, of which two are partly spoken in."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected, in words."""

    what: str
    expected: str
    came: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, came {self.came}"


def differences(
    given: Given,
    expected: Expected,
    record: CallRecord,
    tolerance_ms: int = 0,
    money: MoneyAfter | None = None,
    recordings: Sequence[RecordedSound] | None = None,
    kept: Mapping[str, JsonValue] | None = None,
    heard: Sequence[str] | None = None,
) -> list[Difference]:
    """Every difference. `tolerance_ms`: how far lengths of time may be off, for calls in real time.

    `heard`: what the caller heard, None where nobody knows.
    """
    found = list(_Comparison(expected, record, tolerance_ms).every())
    if kept is not None:
        found += _kept_differences(expected.kept, kept)
    if expected.recordings is not None and recordings is not None:
        found += _recording_differences(expected.recordings, recordings, tolerance_ms)
    if expected.heard is not None and heard is not None and expected.heard != tuple(heard):
        found.append(Difference("heard", _row(expected.heard), _row(heard)))
    if money is not None:
        found += _money_differences(given, expected, record, money, tolerance_ms)
    return found


def _row(texts: Sequence[str]) -> str:
    return ", ".join(texts) or NOTHING


def _kept_differences(
    expected: Mapping[str, JsonValue], came: Mapping[str, JsonValue]
) -> Iterator[Difference]:
    for key, wanted in expected.items():
        if not _is_same(wanted, came.get(key)):
            yield Difference(f"kept {key}", _value_shown(wanted), _value_shown(came.get(key)))


def _recording_differences(
    expected: Sequence[RecordingExpected], came: Sequence[RecordedSound], tolerance_ms: int
) -> Iterator[Difference]:
    if len(expected) != len(came):
        shown = ", ".join(show_duration(one.length_ms) for one in came) or NOTHING
        yield Difference("recordings", str(len(expected)), f"{len(came)}: {shown}" if came else shown)
        return
    for number, (wanted, sound) in enumerate(zip(expected, came, strict=True), start=1):
        for what, length_ms, came_ms in (
            ("length", wanted.length, sound.length_ms),
            ("spoken", wanted.spoken, sound.spoken_ms),
        ):
            if length_ms is not None and abs(length_ms - came_ms) > max(tolerance_ms, RECORDING_TOLERANCE_MS):
                yield Difference(
                    f"recording {number} {what}", show_duration(length_ms), show_duration(came_ms)
                )


def _money_differences(
    given: Given, expected: Expected, record: CallRecord, money: MoneyAfter, tolerance_ms: int
) -> Iterator[Difference]:
    currency = money.currency
    slack_micros = _worth(given, currency, tolerance_ms) * len(record.legs) if tolerance_ms else 0
    charged = sum(leg.charged_micros or 0 for leg in record.legs)
    for what, wanted, came in (
        ("charged", expected.charged, charged),
        ("credit", expected.credit, money.credit_micros),
    ):
        if wanted is None:
            continue
        micros = parse_amount(wanted, currency, decimals=MICRO_DIGITS, signed=True)
        if abs(micros - came) > slack_micros:
            yield Difference(what, wanted, format_amount(came, currency))
    for finding in money.findings:
        yield Difference("the books", "right", finding)


def _worth(given: Given, currency: str, tolerance_ms: int) -> int:
    """What a talk that is off by so much may be charged more or less, in micro-units."""
    off_s = ceil(tolerance_ms / 1000)
    dearest = 0
    for rate in given.rates or ():
        price = parse_amount(rate.price, currency, decimals=MICRO_DIGITS)
        dearest = max(dearest, ceil(price * (off_s + rate.increment) / 60))
    return dearest


class _Comparison:
    def __init__(self, expected: Expected, record: CallRecord, tolerance_ms: int) -> None:
        self._expected = expected
        self._record = record
        self._tolerance_ms = tolerance_ms

    def every(self) -> Iterator[Difference]:
        """In the order in which a reader wants to know."""
        expected, record = self._expected, self._record
        asked = expected.model_fields_set
        if expected.outcome is not None:
            yield from _compare("outcome", expected.outcome, record.outcome)
        if "reject" in asked:
            yield from self._reject()
        if "app" in asked:
            yield from _compare("app", expected.app, record.app)
        if "customer" in asked:
            yield from _compare("customer", expected.customer, record.customer)
        yield from self._last_leg()
        if expected.legs is not None:
            yield from self._legs(expected.legs)
        yield from self._variables()
        if expected.prompts is not None:
            heard = [event.detail for event in record.transcript if event.event == "prompt"]
            yield from _compare("prompts", ", ".join(expected.prompts), ", ".join(heard))
        if expected.says is not None:
            wanted = " | ".join(one[:MAX_DETAIL] for one in expected.says)
            said = [event.detail for event in record.transcript if event.event == "said"]
            yield from _compare("says", wanted, " | ".join(said))
        yield from self._transcript()

    def _reject(self) -> Iterator[Difference]:
        expected, came = self._expected.reject, self._record.reject
        shown = f"{came.sip} {came.reason}" if came else NOTHING
        if expected is None or came is None:
            wanted = f"{expected.sip} {expected.reason or ''}".rstrip() if expected else NOTHING
            yield from _compare("reject", wanted, shown)
        elif expected.sip != came.sip or expected.reason not in (None, came.reason):
            yield Difference("reject", f"{expected.sip} {expected.reason or ''}".rstrip(), shown)

    def _last_leg(self) -> Iterator[Difference]:
        expected = self._expected
        asked = expected.model_fields_set & {"dialled", "talked", "caller_id", "headers"}
        if not asked:
            return
        dialled = [leg for leg in self._record.legs if leg.status not in NEVER_DIALLED]
        if "dialled" in asked and expected.dialled is None:
            yield from _compare("dialled", NOTHING, dialled[-1].dialled if dialled else NOTHING)
            return
        if not dialled:
            wanted = expected.dialled or "an outgoing leg"
            yield Difference("dialled", wanted, f"{NOTHING} (outcome {self._record.outcome})")
            return
        last = LegExpected.model_construct(
            asked,
            dialled=expected.dialled,
            talked=expected.talked,
            caller_id=expected.caller_id,
            headers=expected.headers,
        )
        yield from self._leg("", last, dialled[-1])

    def _legs(self, legs: tuple[LegExpected, ...]) -> Iterator[Difference]:
        came = self._record.legs
        if len(legs) != len(came):
            shown = ", ".join(f"{leg.dialled} {leg.trunk} {leg.status}" for leg in came) or NOTHING
            yield Difference("legs", str(len(legs)), f"{len(came)}: {shown}" if came else shown)
            return
        for number, (expected, leg) in enumerate(zip(legs, came, strict=True), start=1):
            yield from self._leg(f"leg {number} ", expected, leg)

    def _leg(self, prefix: str, expected: LegExpected, leg: Leg) -> Iterator[Difference]:
        for name, came in (
            ("dialled", leg.dialled),
            ("sent", leg.sent),
            ("trunk", leg.trunk),
            ("status", str(leg.status)),
        ):
            wanted = getattr(expected, name, None)
            if wanted is not None:
                yield from _compare(f"{prefix}{name}", wanted, came)
        for name, number in (
            ("sip", leg.sip_code),
            ("cause", leg.hangup_cause),
            ("released_by", leg.released_by),
        ):
            if name in expected.model_fields_set:
                yield from _compare(f"{prefix}{name}", getattr(expected, name), number)
        if expected.talked is not None and abs(expected.talked - leg.talked_ms) > self._tolerance_ms:
            wanted, came = show_duration(expected.talked), show_duration(leg.talked_ms)
            yield Difference(f"{prefix}talked", wanted, came)
        if expected.caller_id is not None:
            shown = leg.caller_id if leg.caller_id is not None else self._record.cli
            yield from _compare(f"{prefix}caller_id", expected.caller_id, shown)
        yield from _subset(f"{prefix}header", expected.headers, leg.headers)

    def _variables(self) -> Iterator[Difference]:
        for path, wanted in self._expected.variables.items():
            try:
                came = look_up(self._record.variables, path)
            except KeyError:
                came = None
            if wanted == PRESENT and came is not None:
                continue
            if wanted == PRESENT:
                yield Difference(f"variable {path}", "any value", NOTHING)
            elif not _is_same(wanted, came):
                yield Difference(f"variable {path}", _value_shown(wanted), _value_shown(came))

    def _transcript(self) -> Iterator[Difference]:
        events = list(self._record.transcript)
        after = "at the beginning"
        for wanted in self._expected.transcript:
            index = next((at for at, event in enumerate(events) if _matches(wanted, event)), None)
            if index is None:
                yield Difference("transcript", f"`{wanted}` {after}", "no such line there")
                return
            events = events[index + 1 :]
            after = f"after `{wanted}`"


def _is_same(wanted: JsonValue, came: JsonValue) -> bool:
    """Whether two values are the same; digits that were keyed may be expected as a number."""
    if wanted is None or came is None:
        return wanted is came
    if isinstance(wanted, list | dict) or isinstance(came, list | dict):
        # As JSON, in which true is not 1.
        return json.dumps(wanted, sort_keys=True) == json.dumps(came, sort_keys=True)
    return as_text(wanted) == as_text(came)


def _value_shown(value: JsonValue) -> str:
    return NOTHING if value is None else as_text(value) or "an empty text"


def _matches(wanted: str, event: TranscriptLine) -> bool:
    name, _, detail = wanted.partition(" ")
    return event.event == name and (not detail or event.detail.strip() == detail)


def _compare(what: str, expected: object, came: object) -> Iterator[Difference]:
    if expected != came:
        yield Difference(what, _shown(expected), _shown(came))


def _subset(what: str, expected: Mapping[str, str | None], came: Mapping[str, str]) -> Iterator[Difference]:
    by_name = {name.lower(): value for name, value in came.items()}
    for name, wanted in expected.items():
        value = by_name.get(name.lower())
        if wanted == PRESENT and value is not None:
            continue
        if wanted == PRESENT:
            yield Difference(f"{what} {name}", "any value", NOTHING)
        else:
            yield from _compare(f"{what} {name}", wanted, value)


def _shown(value: object) -> str:
    return NOTHING if value is None or value == "" else str(value)
