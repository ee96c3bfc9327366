"""The search for the highest rate that is carried, and `ringflow bench capacity` on the lab."""

from __future__ import annotations

from collections import Counter

import pytest

from ringflow.bench.capacity import KEY_TO_INVITE_MS, OverloadRound, RateSearch, RateTried
from ringflow.bench.sip import SipFigures
from ringflow.bench.sip_round import CallTimes


def search(
    carries: int, start: int = 30, highest: int = 500, unlucky: frozenset[int] = frozenset()
) -> RateSearch:
    """Search on a machine that carries so many calls a second; the first round of `unlucky` rates fails."""
    found = RateSearch(start, highest)
    for _ in range(50):
        rate = found.next_rate()
        if rate is None:
            return found
        first = all(one.calls_per_s != rate for one in found.rounds)
        late = rate > carries or (rate in unlucky and first)
        found.add(RateTried(rate, KEY_TO_INVITE_MS + 1 if late else KEY_TO_INVITE_MS, Counter()))
    raise AssertionError("it does not end")


@pytest.mark.parametrize("carries", [1, 2, 7, 29, 30, 31, 50, 83, 84, 120, 499])
def test_the_highest_rate_that_is_carried_is_found_to_a_twenty_fifth(carries: int) -> None:
    found = search(carries)
    assert found.carried <= carries
    assert carries - found.carried <= max(1, 0.04 * carries + 1)
    assert all(one.calls_per_s <= found.carried for one in found.rounds if one.carried)


def test_a_machine_that_carries_nothing_is_tried_down_to_one_call_a_second() -> None:
    found = search(0)
    assert found.carried == 0
    assert found.rounds[-1].calls_per_s == 1


def test_nothing_beyond_the_highest_rate_is_tried() -> None:
    found = search(1000, highest=100)
    assert max(one.calls_per_s for one in found.rounds) <= 100
    assert found.too_high is None
    assert found.carried >= 80


def test_a_rate_that_fails_once_by_chance_is_tried_again() -> None:
    assert search(83, unlucky=frozenset({30, 38, 48})).carried == search(83).carried
    assert len([one for one in search(83).rounds if one.calls_per_s == search(83).too_high]) == 2


@pytest.mark.parametrize(
    ("latest_ms", "failures", "carried"),
    [(50.0, 0, True), (50.1, 0, False), (3.0, 1, False), (0.0, 0, True)],
)
def test_a_rate_is_carried_when_every_call_is_complete_and_quick(
    latest_ms: float, failures: int, carried: bool
) -> None:
    assert RateTried(10, latest_ms, Counter({"no INVITE": failures} if failures else {})).carried is carried


def test_refused_calls_are_no_failures_of_an_overload() -> None:
    complete = CallTimes("1", 1.0, 200, 4.0, 4.02, True, 6.0)
    refused = CallTimes("2", 1.0, 503)
    without_keys = CallTimes("3", 1.0, 200)
    overload = OverloadRound([complete, refused, refused, without_keys], 100)
    assert (overload.refused, overload.admitted) == (2, 2)
    assert overload.failures == {"it ended before all keys were pressed": 1}
    assert overload.key_to_invite_ms(0.95) == pytest.approx(20.0)


def test_refused_calls_are_no_failures_of_bench_sip_either() -> None:
    figures = SipFigures([CallTimes("1", 1.0, 503), CallTimes("2", 1.0, 488)], "ringflow")
    assert (figures.refused, figures.failures) == (1, {"the caller got 488": 1})
