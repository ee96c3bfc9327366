"""What scripts keep from one call to another, on each database."""

from __future__ import annotations

import asyncio

import pytest

from ringflow.scripts.key_values import MAX_KEY, KeyValues
from ringflow.scripts.run import CallRefused
from ringflow.store import Store

NOW_MS = 1_767_225_600_000


async def test_a_value_is_kept_until_its_time_or_until_it_is_deleted(store: Store) -> None:
    values = KeyValues(store)
    await values.set("a", {"x": [1, None, "é"]}, None, NOW_MS)
    await values.set("b", 5, 1.5, NOW_MS)
    assert await values.get("a", NOW_MS + 10**11) == {"x": [1, None, "é"]}
    assert [await values.get("b", NOW_MS + after) for after in (0, 1499, 1500)] == [5, 5, None]
    assert await values.keys(NOW_MS) == ["a", "b"]
    assert await values.usage(NOW_MS) == {"keys": 2, "characters": 27}
    assert await values.usage(NOW_MS + 1500) == {"keys": 1, "characters": 26}
    assert [await values.delete("a", NOW_MS), await values.delete("a", NOW_MS)] == [True, False]
    assert await values.delete("b", NOW_MS + 1500) is False
    assert await values.keys(NOW_MS) == []


async def test_additions_at_once_are_all_counted_also_the_first(store: Store) -> None:
    values = KeyValues(store)
    for key in ("new", "new again"):
        totals = await asyncio.gather(*(values.increase(key, 1, 60, NOW_MS) for _ in range(20)))
        assert sorted(map(int, map(str, totals))) == list(range(1, 21))


async def test_additions_at_once_to_a_value_that_is_over_begin_at_nothing(store: Store) -> None:
    values = KeyValues(store)
    for key in ("a", "b", "c"):
        await values.set(key, 100, 1, NOW_MS)
    later = NOW_MS + 1000
    totals = await asyncio.gather(
        *(values.increase(key, 1, 60, later) for key in ("a", "b", "c", "c", "b", "a") * 3)
    )
    assert sorted(map(str, totals)) == sorted(str(n) for n in range(1, 7) for _ in range(3))


async def test_a_counter_ends_with_its_first_time_and_a_longer_one_begins_anew(store: Store) -> None:
    values = KeyValues(store)
    at = NOW_MS
    assert await values.increase("calls", 1, 120, at) == 1
    assert await values.increase("calls", 1, 120, at + 119_999) == 2
    assert await values.increase("calls", 1, 120, at + 120_000) == 1
    # A block of half an hour, whatever the counter's own time.
    assert await values.increase("calls", 100, 1800, at + 130_000) == 101
    assert await values.increase("calls", 1, 120, at + 140_000) == 102
    assert await values.get("calls", at + 130_000 + 1_799_999) == 102
    assert await values.get("calls", at + 130_000 + 1_800_000) is None
    assert await values.increase("for ever", 1, None, at) == 1
    assert await values.increase("for ever", 1, 5, at) == 2
    assert await values.get("for ever", at + 10**10) == 2


async def test_each_write_deletes_some_values_that_are_over(store: Store) -> None:
    values = KeyValues(store)
    for number in range(5):
        await values.set(f"k{number}", 1, 1, NOW_MS)
    await values.increase("counted", 1, None, NOW_MS + 2000)
    # Seen by a clock that is behind: they are no longer there.
    assert await values.keys(NOW_MS) == ["counted"]


BAD = [
    ("set", ("", 1, None), "kv.malformed_key"),
    ("set", ("x" * (MAX_KEY + 1), 1, None), "kv.malformed_key"),
    ("set", ("a\0b", 1, None), "kv.malformed_key"),
    ("set", (5, 1, None), "kv.malformed_key"),
    ("set", ("a", "x" * 65_536, None), "kv.too_long"),
    ("set", ("a", 1, -1), "kv.malformed_ttl"),
    ("set", ("a", 1, True), "kv.malformed_ttl"),
    ("set", ("a", 1, "60"), "kv.malformed_ttl"),
    ("set", ("a", 1, 400 * 86_400 + 1), "kv.malformed_ttl"),
    ("increase", ("a", "1", None), "kv.no_number"),
    ("increase", ("a", True, None), "kv.no_number"),
    ("increase", ("text", 1, None), "kv.no_number"),
    ("increase", ("a", 2**53 + 2, None), "kv.no_number"),
    ("increase", ("a", float("nan"), None), "kv.no_number"),
]


async def test_what_cannot_be_kept_is_refused_and_changes_nothing(store: Store) -> None:
    values = KeyValues(store)
    await values.set("text", "x", None, NOW_MS)
    for method, given, code in BAD:
        with pytest.raises(CallRefused) as caught:
            await getattr(values, method)(*given, NOW_MS)
        assert caught.value.code == code, given
    assert await values.keys(NOW_MS) == ["text"]
