"""Options that can empty a field: `--channels none` takes the limit away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringflow.errors import Refused
from ringflow.plain_text import plain

EMPTY = "none"
MAX_DIGITS = 18


def number_or_none(text: str, option: str) -> int | None:
    """A whole number, or None for `none`. Raises `Refused` for other text."""
    if text == EMPTY:
        return None
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text)
    raise Refused(
        "option.malformed", f"{option} {plain(text)} is no number; write digits, or {EMPTY}", option=option
    )


def text_or_none(text: str) -> str | None:
    """The text, or None for `none`."""
    return None if text == EMPTY else text


def none_is_empty(text: str | None) -> str:
    """The text; empty for `none`, or where none was given."""
    return "" if text is None or text == EMPTY else text


def given(**options: object) -> Any:
    """The options that were given, by the fields that they change; what was left out changes nothing."""
    return {field: value for field, value in options.items() if value is not None}


def given_as(read: Callable[[Any], object], **options: object) -> Any:
    """The same, each read by `read`, which may make None of it: the field is emptied."""
    return {field: read(value) for field, value in options.items() if value is not None}
