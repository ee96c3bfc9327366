"""Which of several sequences of keys is meant, and when that is certain."""

from __future__ import annotations

import pytest

from ringflow.calls.key_options import Decision, KeyOptions, MoreKeys, Next

SINGLE = KeyOptions(frozenset("12*"))
NESTED = KeyOptions(frozenset({"1", "12", "2", "9"}))
CODES = KeyOptions(frozenset({"*1", "*22", "5#"}))
LONG = KeyOptions(frozenset({"1234", "1299", "55#1"}))


@pytest.mark.parametrize(
    ("options", "keys", "others", "after"),
    [
        (SINGLE, "", 0, MoreKeys(1, "#")),
        (SINGLE, "1", 0, Decision.OPTION),
        (SINGLE, "*", 0, Decision.OPTION),
        (SINGLE, "3", 0, Decision.NOTHING),
        (NESTED, "1", 0, MoreKeys(1, "#")),
        (NESTED, "12", 0, Decision.OPTION),
        (NESTED, "13", 0, Decision.NOTHING),
        (NESTED, "2", 0, Decision.OPTION),
        # With extensions of three digits no digit is certain by itself.
        (SINGLE, "1", 3, MoreKeys(2, "#")),
        (SINGLE, "*", 3, Decision.OPTION),
        (SINGLE, "3", 3, Decision.OTHER),
        (SINGLE, "#", 3, Decision.NOTHING),
        (NESTED, "1", 3, MoreKeys(1, "#")),
        (NESTED, "12", 3, MoreKeys(1, "#")),
        (NESTED, "13", 3, Decision.OTHER),
        (NESTED, "123", 3, Decision.OTHER),
        # A terminator that may be the next key of a sequence does not end the input.
        (CODES, "", 15, MoreKeys(1, "#")),
        (CODES, "5", 15, MoreKeys(1, "")),
        (CODES, "5#", 15, Decision.OPTION),
        (CODES, "4", 15, Decision.OTHER),
        (CODES, "*", 15, MoreKeys(1, "#")),
        (CODES, "*1", 15, Decision.OPTION),
        (CODES, "*3", 15, Decision.NOTHING),
        # As many keys at once as no decision falls on, and no more.
        (LONG, "", 0, MoreKeys(1, "#")),
        (LONG, "1", 0, MoreKeys(3, "#")),
        (LONG, "55", 0, MoreKeys(1, "")),
        (KeyOptions(frozenset({"1234", "99"})), "", 0, MoreKeys(2, "#")),
    ],
)
def test_what_follows_the_keys_so_far(options: KeyOptions, keys: str, others: int, after: Next) -> None:
    assert options.after(keys, others, "#") == after


def test_other_input_may_begin_with_some_digits_only() -> None:
    options = KeyOptions(frozenset({"1", "9"}), first_digits="2")
    assert options.after("1", 3, "#") is Decision.OPTION
    assert options.after("2", 3, "#") is Decision.OTHER
    assert options.after("3", 3, "#") is Decision.NOTHING
