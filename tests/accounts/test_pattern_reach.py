from __future__ import annotations

import random

import phonenumbers
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from ringflow.accounts.pattern_reach import can_match_a_number
from ringflow.accounts.patterns import check_reach
from ringflow.errors import Refused

FIND_SOMEBODY = (
    *("^44191", "44", "0191", "^.*", "^$", "", r"^\B$", r"44\b", r"\b44", r"\+?44", "^[+]?44", "^(0|44)1"),
    *(r"^1\d{10}$", "^44.{7}$", "^44.{9,10}$", r"^\Q44\E1", "^[[:digit:]]+$", r"^\pN+$", r"^\x34\x{34}"),
    *(
        "(?i)^44",
        "(?i:x)?44",
        "(a|b)*$",
        "^(?P<cc>44)|^x",
        "x{0}44",
        r"^\064",
        "^[^]5]4",
        r"^[\]4]4",
        "^4{2}19",
    ),
    *("^(?:44|33)(?:1|2)", "^521", "^52155", "^549", "^44.{0,1000}$", r"4\B4", "^39 ?0", r"^\A44", r"0001\z"),
)
FIND_NOBODY = (
    *(
        r"^\+44191",
        "^0191",
        "^0",
        "^00",
        "a",
        "[^0-9]",
        r"\D",
        "^44$",
        "^44.{6}$",
        "^999",
        r"^1\d{11}$",
        r"4\b4",
    ),
    *(
        "^44.{20}",
        "^(?:\\+44|0)191",
        r"^\b$",
        "4^4",
        "4$4",
        r"44\{",
        "^ 44",
        r"\Q+44\E",
        "^x{1,3}44",
        r"^\B4",
        "é",
    ),
    *(r"^44\d+ $", "(?i)^ann", "^210", "^[5]{16}", "44{"),
)


@pytest.mark.parametrize("pattern", FIND_SOMEBODY)
def test_a_pattern_that_can_match_is_taken(pattern: str) -> None:
    re2.compile(pattern)
    assert can_match_a_number(pattern)
    check_reach(pattern)


@pytest.mark.parametrize("pattern", FIND_NOBODY)
def test_a_pattern_that_no_number_can_match_is_refused(pattern: str) -> None:
    re2.compile(pattern)
    assert not can_match_a_number(pattern)
    with pytest.raises(Refused, match="can match no number"):
        check_reach(pattern)


@pytest.mark.parametrize(
    ("pattern", "mend"), [(r"^\+44191", "write ^44191"), ("^0044", "write ^44"), (r"\+44x", "such as")]
)
def test_the_refusal_says_what_to_write(pattern: str, mend: str) -> None:
    with pytest.raises(Refused, match=mend.replace("^", r"\^")):
        check_reach(pattern)


def _numbers() -> list[str]:
    choose = random.Random(1)
    found = [""]
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        assert metadata is not None
        assert metadata.general_desc is not None
        for length in metadata.general_desc.possible_length:
            digits = "".join(choose.choices("0123456789", k=length))
            found.append(f"{metadata.country_code}{digits}"[:15])
    return found


NUMBERS = _numbers()
_SIGNS = st.sampled_from(
    ["4", "1", "0", "5", "x", r"\+", ".", r"\d", r"\D", "[0-4]", "[^4]", "^", "$", r"\b", r"\B", r"\z", r"\A"]
)
_PATTERNS = st.recursive(
    _SIGNS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{2,}", "{0}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=10,
)


@settings(max_examples=400, deadline=None)
@given(_PATTERNS)
def test_no_pattern_is_refused_that_re2_finds_in_a_number(pattern: str) -> None:
    compiled = re2.compile(pattern)
    if not can_match_a_number(pattern):
        assert [number for number in NUMBERS if compiled.search(number)] == []


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(["4", "1", "9", ".", r"\d", "x", "[^4]"]), min_size=1, max_size=6).map("".join)
)
def test_a_pattern_of_single_signs_behind_a_country_code_is_refused_only_for_what_is_no_digit(
    signs: str,
) -> None:
    assert can_match_a_number("^44" + signs) == ("x" not in signs)
