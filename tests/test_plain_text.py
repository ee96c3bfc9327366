from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.plain_text import plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("441910000001", "441910000001"),
        ("a\"b'c\\d", "a\\\"b\\'c\\\\d"),
        ("a\r\nb\x00\x7f", "a\\r\\nb\\x00\\x7f"),
        ("é\u2028\U0001f600", "\\xe9\\u2028\\U0001f600"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 77 + "..."),
        ("é" * 20, "\\xe9" * 20),
        ("é" * 21, "\\xe9" * 19 + "..."),
    ],
)
def test_hostile_text_is_shown_on_one_line(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text(max_size=300))
def test_any_text_is_shown_in_at_most_80_printable_ascii_characters(text: str) -> None:
    line = plain(text)
    assert len(line) <= 80
    assert line.isascii()
    assert line == "" or line.isprintable()
