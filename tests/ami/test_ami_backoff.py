"""Delays double, stay within their bounds, and are spread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringflow.ami.backoff import Backoff


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda low, high: low, [0.5, 1, 2, 4, 5, 5]),
        (lambda low, high: high, [1, 2, 4, 8, 10, 10]),
    ],
)
def test_delays_double_up_to_the_longest(
    draw: Callable[[float, float], float], expected: list[float]
) -> None:
    backoff = Backoff(0.5, 10, draw)
    assert [backoff.next_s() for _ in expected] == expected


def test_a_reset_begins_again_with_the_shortest() -> None:
    backoff = Backoff(0.5, 10, max)
    assert [backoff.next_s(), backoff.next_s()] == [1, 2]
    backoff.reset()
    assert backoff.next_s() == 1


def test_two_servers_do_not_wait_equally_long() -> None:
    first, second = Backoff(0.5, 30), Backoff(0.5, 30)
    waits = [(first.next_s(), second.next_s()) for _ in range(50)]
    assert len({wait for pair in waits for wait in pair}) == 100
    assert all(0.5 <= wait <= 30 for pair in waits for wait in pair)


def test_equal_bounds_give_that_delay() -> None:
    assert Backoff(3, 3).next_s() == 3
