"""How the slot `set` makes values of variables."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ringflow.calls.exact_number import NotCalculable
from ringflow.calls.json_value import MAX_VALUE_BYTES
from ringflow.flows.assignment import Assigned, Assignment, draw_part

VALUES: dict[str, Any] = {"name": " Ann ", "number": "+44 (191) 000", "n": 5, "text": "x", "none": None}


def assigned(**way: Any) -> Assigned:
    return Assignment.model_validate(way).assigned("n", VALUES, Random(1))


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ({"length": "${name}"}, 5),
        ({"trim": "${name}"}, "Ann"),
        ({"upper": "a${n}"}, "A5"),
        ({"lower": "A${n}"}, "a5"),
        ({"digits": "${number}"}, "44191000"),
        ({"substring": "abcdef", "first": 2, "last": 4}, "bcd"),
        ({"substring": "abcdef", "first": -2}, "ef"),
        ({"substring": "abcdef", "last": 2}, "ab"),
        ({"substring": "abcdef", "last": -2}, "abcde"),
        ({"substring": "abcdef", "first": -3, "last": -2}, "de"),
        ({"substring": "abc", "first": 2, "last": 9}, "bc"),
        ({"substring": "abc", "first": 9}, ""),
        ({"substring": "abc", "first": -9, "last": -9}, ""),
        ({"replace": "a.b.c", "old": ".", "new": "-"}, "a-b-c"),
        ({"replace": "a.b.c", "old": "."}, "abc"),
        ({"replace": "abc", "old": "${none}", "new": "-"}, "abc"),
        ({"join": ["a", "${n}"]}, "a5"),
        ({"join": ["a", "${n}", ""], "separator": "/"}, "a/5/"),
        ({"pad": "7", "width": 3, "fill": "0"}, "007"),
        ({"pad": "7", "width": 3, "side": "right"}, "7  "),
        ({"pad": "1234", "width": 3}, "1234"),
        ({"value": {"a": ["${n}", "${n}!"]}}, {"a": [5, "5!"]}),
        ({"calculate": "10 / 4", "decimals": 0}, 3),
        ({"increase": 1}, 6),
        ({"increase": "${n}"}, 10),
        ({"increase": 0.5}, "5.5"),
        ({"increase": -2, "at_least": 3}, 3),
        ({"increase": 1, "at_most": 6}, 6),
    ],
)
def test_a_value_is_made_as_it_says(way: dict[str, Any], value: Any) -> None:
    assert assigned(**way) == Assigned(value)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ({"increase": 1, "at_most": 5}, 5),
        ({"increase": 1, "at_most": 2}, 2),
        ({"increase": -3, "at_least": 3}, 3),
        ({"increase": 1, "at_most": "${n} - 1"}, 4),
    ],
)
def test_a_counter_is_held_at_its_bound(way: dict[str, Any], value: Any) -> None:
    assert assigned(**way) == Assigned(value, is_held=True)


def test_a_counter_begins_at_its_start() -> None:
    one = Assignment.model_validate({"increase": 1, "start": 10, "at_most": 12})
    assert [one.assigned("new", values, Random(1)) for values in ({}, {"new": 11}, {"new": 12})] == [
        Assigned(11),
        Assigned(12),
        Assigned(12, is_held=True),
    ]


def test_a_counter_does_not_count_on_from_what_is_no_number() -> None:
    with pytest.raises(NotCalculable, match="`text` is not a number"):
        Assignment.model_validate({"increase": 1}).assigned("text", VALUES, Random(1))


def test_each_part_comes_as_often_as_it_says() -> None:
    parts = {"a": Decimal("12.5"), "never": Decimal(0), "b": Decimal("87.5")}
    random = Random(7)
    drawn = Counter(draw_part(parts, random) for _ in range(8000))
    assert drawn.keys() == {"a", "b"}
    assert 900 < drawn["a"] < 1100


def test_each_of_several_values_is_chosen() -> None:
    one = Assignment.model_validate({"choose": ["a", 2, "${n}"]})
    random = Random(7)
    assert {one.assigned("new", VALUES, random).value for _ in range(50)} == {"a", 2, 5}


@pytest.mark.parametrize(
    ("old", "new", "length"),
    [("a", "${long}", 256_000_000), ("", "${long}", 16_000), ("aa", "b" * 4, 32_000)],
)
def test_a_text_is_not_made_longer_than_a_variable_can_hold(old: str, new: str, length: int) -> None:
    way = Assignment.model_validate({"replace": "${long}", "old": "${old}", "new": new})
    values: dict[str, Any] = {"long": "a" * 16_000, "old": old}
    if length > MAX_VALUE_BYTES:
        with pytest.raises(
            NotCalculable, match=f"^the text has {length} characters, and 16384 are the most$"
        ):
            way.assigned("n", values, Random(1))
    else:
        assert way.assigned("n", values, Random(1)) == Assigned("a" * length)
