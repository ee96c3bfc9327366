"""A rate limit lets a burst through, then a request per interval, and keeps no more than it must."""

from __future__ import annotations

from ringflow.web.access.rate_limit import RateLimit


def test_a_burst_passes_and_then_one_request_per_interval() -> None:
    now_s = 0.0
    limit = RateLimit(per_s=2, burst=3, now_s=lambda: now_s)
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    # A refused request costs nothing.
    assert limit.take("a") == 0.5
    assert limit.take("b") == 0
    now_s = 0.25
    assert limit.take("a") == 0.25
    now_s = 0.5
    assert [limit.take("a"), limit.take("a")] == [0, 0.5]
    now_s = 100.0
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_whose_bucket_is_full_is_forgotten_and_so_is_who_asked_longest_ago_where_there_are_too_many() -> None:
    now_s = 0.0
    limit = RateLimit(per_s=1, burst=1, now_s=lambda: now_s, most_keys=3)
    for key in "abc":
        assert limit.take(key) == 0
    now_s = 0.999
    limit.take("a")
    now_s = 1.0
    assert limit.take("b") == 0
    assert len(limit) == 1
    now_s = 100.0
    limit = RateLimit(per_s=1, burst=2, now_s=lambda: now_s, most_keys=3)
    for key in "abcad":
        assert limit.take(key) == 0
    # `b` asked longest ago, for `a` came again.
    assert [limit.wait_s(key) for key in "abcd"] == [1, 0, 0, 0]
    assert len(limit) == 3
    assert limit.take("c") == 0
    assert limit.wait_s("c") == 1
