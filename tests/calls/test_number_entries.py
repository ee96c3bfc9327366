"""Wrong numbers in a row, counted over the legs of a call and what was keyed between them."""

from __future__ import annotations

import pytest

from ringflow.accounts.did_patterns import MOST_PATTERNS, fitting_patterns, number_behind
from ringflow.calls.number_entries import NumberEntries
from ringflow.calls.outcome import Leg, LegStatus


def leg(status: LegStatus, cause: int = 0) -> Leg:
    return Leg("441234567890", "carrier", status, hangup_cause=cause)


REFUSED = leg(LegStatus.REFUSED)
ANSWERED = leg(LegStatus.ANSWERED, 16)


@pytest.mark.parametrize(
    ("legs", "wrong"),
    [
        ([REFUSED], 1),
        ([leg(LegStatus.NO_RATE)], 1),
        ([leg(LegStatus.BLOCKED)], 1),
        ([leg(LegStatus.UNAVAILABLE, 1)], 1),
        ([leg(LegStatus.UNAVAILABLE, 28)], 1),
        ([leg(LegStatus.UNAVAILABLE, 3)], 0),
        ([leg(LegStatus.BUSY, 1)], 0),
        ([leg(LegStatus.NO_CREDIT)], 0),
        ([leg(LegStatus.TOO_SHORT)], 0),
        ([leg(LegStatus.BELOW_COST), leg(LegStatus.BELOW_COST)], 0),
        ([ANSWERED], 0),
        ([], 0),
    ],
)
def test_a_leg_was_to_a_wrong_number_or_not(legs: list[Leg], wrong: int) -> None:
    assert NumberEntries(None).wrong_in_a_row(legs) == wrong


def test_the_row_ends_with_a_number_that_could_be_dialled_and_each_leg_counts_once() -> None:
    entries = NumberEntries(None)
    entries.note_wrong()
    assert entries.wrong_in_a_row([REFUSED]) == 2
    assert entries.wrong_in_a_row([REFUSED]) == 2
    assert entries.wrong_in_a_row([REFUSED, leg(LegStatus.NO_CREDIT)]) == 2
    assert entries.wrong_in_a_row([REFUSED, leg(LegStatus.NO_CREDIT), ANSWERED]) == 0
    entries.note_wrong()
    assert entries.wrong_in_a_row([REFUSED, leg(LegStatus.NO_CREDIT), ANSWERED]) == 1


def test_a_trunk_that_refuses_before_another_one_rings_is_no_wrong_number() -> None:
    legs = [leg(LegStatus.UNAVAILABLE, 1), leg(LegStatus.NO_ANSWER, 19)]
    assert NumberEntries(None).wrong_in_a_row(legs) == 0


def test_the_number_behind_the_did_is_taken_once() -> None:
    entries = NumberEntries("441234567890")
    assert [entries.take_brought(), entries.take_brought()] == ["441234567890", None]


def test_the_patterns_of_a_number_begin_with_the_longest() -> None:
    assert fitting_patterns("5061", "US") == ["506{number}", "50{number}", "5{number}", "{number}"]
    assert fitting_patterns("+506", "US") == ["50{number}", "5{number}", "{number}"]
    longest = fitting_patterns("011" + "5" * 40, "US")
    assert [len(one) for one in longest] == sorted((len(one) for one in longest), reverse=True)
    assert len(longest) <= MOST_PATTERNS
    assert number_behind("506{number}", "0115061#", "US") == "1"
