"""The lengths of what regular expressions match, against RE2 itself."""

from __future__ import annotations

from itertools import product

import pytest
import re2

from ringflow.flows.regex_lengths import regex_lengths

KEYS = "019*#"
LONGEST = 4

PATTERNS = [
    "", "0", "[01]", "[^0]", "[^0-9]", "[0-9]{2}", "[0-9]{2,}", "[0-9]{1,3}", "0*", "0+1?", "(0|11|999)",
    "0|", "(?:0|1{3})+", "(?P<a>01)?9", "^01$", "\\A0\\z", "\\d{3}", "\\D", "\\w\\S", "\\s", ".", "..?",
    "\\*9#", "[*#]", "[]0]", "[0\\]]", "[0-]", "a", "[a-z]*",
    "0{0}", "0{3}1{2}", "(0{2}){2}", "0*?1+?", "((0)|(1(9|#)))*",
    "[*-0]",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("keys", [KEYS, "019", "*"])
def test_lengths_are_those_of_the_texts_that_match(pattern: str, keys: str) -> None:
    texts = ("".join(signs) for length in range(LONGEST + 1) for signs in product(keys, repeat=length))
    matched = {len(text) for text in texts if re2.fullmatch(pattern, text) is not None}
    assert regex_lengths(pattern, keys, LONGEST) == sorted(matched)


@pytest.mark.parametrize("pattern", ["(?i)a", "[[:digit:]]", "\\pN", "\\x30", "\\Q0\\E", "[\\d-9]"])
def test_a_pattern_with_rarer_syntax_is_not_judged(pattern: str) -> None:
    assert regex_lengths(pattern, KEYS, LONGEST) is None


def test_anchors_inside_a_pattern_are_taken_to_hold() -> None:
    assert regex_lengths("0^1", KEYS, LONGEST) == [2]


def test_nested_counts_are_worked_out_at_once() -> None:
    assert regex_lengths("(([0-9]{0,9}){0,9}){0,9}0{255}", KEYS, 255) == [255]
